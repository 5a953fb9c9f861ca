//! Locks: many keys, shared or exclusive, all or nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run wants to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks {
    /// Sorted, each once.
    pub keys: Vec<String>,
    /// Whether other shared holders are welcome.
    pub shared: bool,
}

/// A lock that a run holds, as its own journal tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// `order:1042`.
    pub key: String,
    /// Since when.
    pub since: Timestamp,
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLock {
    /// `order:1042`.
    pub key: String,
    /// Whose.
    pub run: String,
    /// Who asked for that run.
    pub person: String,
    /// What it is doing.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl HeldLock {
    /// For people: who holds it, for what, since when.
    pub fn say(&self) -> String {
        format!(
            "{} is held by run {} ({} for {}, since {})",
            self.key,
            self.run,
            self.reason,
            self.person,
            self.since.strftime("%H:%M:%S UTC")
        )
    }
}
