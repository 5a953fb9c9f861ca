//! Expressions (CEL) and sentences (minijinja).

/// A compiled condition or value.
#[derive(Debug, Clone)]
pub struct Expression {}

/// A compiled sentence.
#[derive(Debug, Clone)]
pub struct Sentence {}
