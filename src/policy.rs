//! Who may do what: pure decisions over facts that are handed in.

pub mod approval;
pub mod authorize;
pub mod identity;
