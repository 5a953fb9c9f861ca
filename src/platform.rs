//! Chat platforms; each the same face.

pub mod slack;
