//! Chat platforms; each the same face.

pub mod console;
pub mod slack;
