//! Chat platforms; each the same face.

pub mod console;
pub mod discord;
pub mod slack;
#[cfg(test)]
mod tests;
pub mod tls;
