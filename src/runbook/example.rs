//! Examples that `check` runs.

/// Inputs and canned looks, with the plan or refusal that must come of them.
#[derive(Debug, Clone)]
pub struct Example {}
