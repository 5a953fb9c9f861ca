//! The engine, cut off at each write of its journal and taken over by another process; and what people do to a run
//! meanwhile. The engine is driven as a library: a process that dies is a driver that is dropped.

mod aside;
mod cut;
mod cut_undo;
mod gate;
mod leave;
mod limits;
mod people;
mod restore;
mod time;
mod undo;
mod waits;
pub mod world;
