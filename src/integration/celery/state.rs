//! What Celery writes under `celery-task-meta-<id>`.

use serde::Deserialize;
use serde_json::{Value, json};

/// The key of a task's result, and the channel on which the same bytes are published.
pub(super) fn key(task_id: &str) -> String {
    format!("celery-task-meta-{task_id}")
}

#[derive(Debug, Deserialize)]
struct Meta {
    status: String,
    #[serde(default)]
    result: Value,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// It raised and will be tried again: no end.
    Retry,
    /// Another state that is no end: STARTED, or one of the task's own.
    Other(String),
    /// It will not run again.
    Ended(Ended),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    /// SUCCESS, FAILURE or REVOKED.
    pub state: String,
    /// What it returned.
    pub result: Value,
    /// Type and text of what it raised.
    pub error: String,
}

impl State {
    /// `None` if the bytes are no result.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let Meta { status, result } = serde_json::from_slice(bytes).ok()?;
        Some(match status.as_str() {
            "RETRY" => Self::Retry,
            "SUCCESS" => Self::Ended(Ended {
                state: status,
                result,
                error: String::new(),
            }),
            "FAILURE" | "REVOKED" => Self::Ended(Ended {
                state: status,
                result: Value::Null,
                error: exception(&result),
            }),
            _ => Self::Other(status),
        })
    }
}

impl Ended {
    /// Whether the worker dropped it, because it came too late or was revoked.
    pub fn is_revoked(&self) -> bool {
        self.state == "REVOKED"
    }

    /// The answer's fields.
    pub fn value(self, task_id: &str, retries: u64) -> Value {
        let Self { state, result, error } = self;
        json!({ "task_id": task_id, "state": state, "result": result, "error": error, "retries": retries })
    }
}

fn exception(result: &Value) -> String {
    let kind = result.get("exc_type").and_then(Value::as_str);
    let text = match result.get("exc_message") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let parts = parts
                .iter()
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
            parts.collect::<Vec<_>>().join(", ")
        }
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    match (kind, text.is_empty()) {
        (Some(kind), true) => kind.to_owned(),
        (Some(kind), false) => format!("{kind}: {text}"),
        (None, _) => result.to_string(),
    }
}
