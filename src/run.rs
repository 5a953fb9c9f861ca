//! One execution of a plan. Its state is derived from an append-only journal by a pure function that refuses illegal
//! sequences; the engine does what the state says comes next.

mod aside;
mod asking;
pub mod chart;
pub mod clock;
pub mod engine;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod proof;
pub mod recovery;
pub mod report;
mod retry;
pub mod state;
mod step;
mod strip;
pub mod telling;
mod undo;
