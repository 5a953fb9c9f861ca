//! What the signals say of a run.

use serde::{Deserialize, Serialize};

/// The four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The signals went the better way and stayed there.
    Improved,
    /// They did not move beyond their noise.
    NoChange,
    /// They went the wrong way.
    Worse,
    /// Absent, stale or too young to say.
    NoData,
}
