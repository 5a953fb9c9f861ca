//! What one sampling of a signal gave: a number, or why there is none. No series is no data and never zero.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The numbers of a signal over time; `None` where there was a sample and no number in it.
pub type Past = Vec<(Timestamp, Option<f64>)>;

/// One sampling of one signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The signal's name.
    pub signal: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The number, or why there is none.
    pub value: Result<f64, Missing>,
}

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "missing", content = "with")]
pub enum Missing {
    /// Nothing exposes it.
    #[error("absent{}", .means.as_deref().map(|means| format!(": {means}")).unwrap_or_default())]
    Absent {
        /// What that means for this signal, where its file says it.
        means: Option<String>,
    },
    /// Who would know could not be asked.
    #[error("unreachable: {reason}")]
    Unreachable {
        /// What could not be reached, and why.
        reason: String,
    },
    /// The last number is too old to speak for now.
    #[error("stale: the last number is {seconds} s old")]
    Stale {
        /// Its age.
        seconds: i64,
    },
    /// There was an answer, and no single finite number in it.
    #[error("unreadable: {reason}")]
    Unreadable {
        /// What is wrong with the answer.
        reason: String,
    },
}

/// A reading speaks for this many sampling periods. One late or lost sample must not make a hole in the series.
const PERIODS: i32 = 3;

impl Reading {
    /// The number, if there is one.
    pub fn number(&self) -> Option<f64> {
        self.value.as_ref().ok().copied()
    }

    /// The same reading as it counts at `now`, if one is taken every `period`: a number that is too old is none.
    pub fn as_of(&self, now: Timestamp, period: SignedDuration) -> Reading {
        let age = now.duration_since(self.at);
        let value = match &self.value {
            Ok(_) if age > period * PERIODS => Err(Missing::Stale { seconds: age.as_secs() }),
            value => value.clone(),
        };
        Reading {
            signal: self.signal.clone(),
            at: self.at,
            value,
        }
    }
}
