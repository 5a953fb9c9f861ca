//! Typed arguments of a runbook.

/// One input.
#[derive(Debug, Clone)]
pub struct InputSpec {}
