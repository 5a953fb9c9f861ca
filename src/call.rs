//! A call to the outside and what can be known of it afterwards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Arguments by name, all of them computed.
pub type Arguments = Map<String, Value>;

/// What is known of a call after it. The difference between the four decides whether a step may be tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "with")]
pub enum CallResult {
    /// It was made and answered. Whether the answer is good news is for the runbook to judge.
    Done {
        /// The answer's fields.
        value: Value,
    },
    /// It certainly had no effect.
    NotDone {
        /// How that is known.
        reason: String,
    },
    /// It was never sent.
    Unreachable {
        /// What could not be reached, and why.
        reason: String,
    },
    /// It may have happened.
    Unknown {
        /// Why that cannot be told.
        reason: String,
    },
}

impl CallResult {
    /// As runbooks see it: `result`, `reason`, and `value`, which is null unless done.
    pub fn as_value(&self) -> Value {
        match self {
            Self::Done { value } => json!({"result": "done", "reason": "", "value": value}),
            Self::NotDone { reason } => json!({"result": "not-done", "reason": reason, "value": null}),
            Self::Unreachable { reason } => json!({"result": "unreachable", "reason": reason, "value": null}),
            Self::Unknown { reason } => json!({"result": "unknown", "reason": reason, "value": null}),
        }
    }

    /// What [`Self::as_value`] gave; none of what it never gives.
    pub fn from_value(value: &Value) -> Option<Self> {
        let reason = value["reason"].as_str()?.to_owned();
        Some(match value["result"].as_str()? {
            "done" => Self::Done {
                value: value["value"].clone(),
            },
            "not-done" => Self::NotDone { reason },
            "unreachable" => Self::Unreachable { reason },
            "unknown" => Self::Unknown { reason },
            _ => return None,
        })
    }
}

/// What one call knows of the step that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The run.
    pub run: String,
    /// The step's name in the journal, unique in the run. `undo:` stands before it for an undo.
    pub step: String,
    /// Nothing is sent after this, and nothing is waited for.
    pub deadline: Timestamp,
}

impl CallContext {
    /// An id that is the same whenever the same step of the same run asks for one.
    pub fn derived_id(&self) -> uuid::Uuid {
        // A namespace of our own: ids of other programs cannot collide with these.
        const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x7369_676e_616c_626f_7800_0000_0000_0001);
        uuid::Uuid::new_v5(&NAMESPACE, format!("{}\n{}", self.run, self.step).as_bytes())
    }
}

/// Where a connection leads, without any secret: part of what an approval binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `celery`, `postgres`...
    pub kind: String,
    /// Host and port.
    pub host: String,
    /// Database name or number, where there is one.
    pub database: Option<String>,
    /// User, where there is one.
    pub user: Option<String>,
}

/// What can be told of a call whose caller died between its intent and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum Recall {
    /// The target's own guard shows that it was made; this is how it ended.
    Made(CallResult),
    /// The target's own guard shows that it was never made; it may be made now.
    NeverMade {
        /// How that is known.
        reason: String,
    },
    /// The target keeps no evidence, or lost it.
    NoEvidence {
        /// What is missing.
        reason: String,
    },
}
