//! Faults: real `signalbox serve` processes are killed and disturbed while people ask them for things, on SQLite and on
//! PostgreSQL, and what happened is counted outside, at a shop, a supplier and a worker.
//!
//! What was acknowledged is done once, or asked about; nothing is told that is not so. `cargo test` strikes a few times,
//! `make faults` until it means something, and prints a table.

mod asker;
mod bot;
mod clock;
mod database;
mod disk;
mod kill;
mod outside;
mod reckoning;
mod replicas;
mod runbooks;
mod supplier;
mod table;
mod wires;
