//! Celery by its Redis broker and result store.

use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use serde_json::Value;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "celery",
        name: "send",
        summary: "Sends a task and follows it to its end.",
        effect: Effect::Write,
        guard: Guard::Marker,
        arguments: &[
            ArgumentSpec { name: "task", kind: Kind::FixedText, required: true, help: "The full name of the task." },
            ArgumentSpec { name: "args", kind: Kind::Values, required: true, help: "Its positional arguments." },
            ArgumentSpec { name: "queue", kind: Kind::FixedText, required: false, help: "The queue; `celery` unless given." },
            ArgumentSpec { name: "expires", kind: Kind::FixedDuration, required: false, help: "A worker that takes the message later than this drops it; 5 minutes unless given." },
        ],
        gives: &[
            ("task_id", "Derived from run and step."),
            ("state", "SUCCESS, FAILURE or REVOKED."),
            ("result", "What the task returned; null unless SUCCESS."),
            ("error", "Type and text of what it raised; empty unless FAILURE."),
            ("retries", "How many RETRY states were seen on the way."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "ping",
        summary: "Asks the workers whether they are there.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
        ],
        gives: &[
            ("workers", "Names of those that answered."),
            ("listening", "How many processes the broker counts as listening."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "inspect",
        summary: "What the workers are doing.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
        ],
        gives: &[
            ("active", "Tasks that run: id, name, args, worker."),
            ("reserved", "Tasks taken by a worker and not begun."),
            ("scheduled", "Tasks that wait for their time, retries among them."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "queue_length",
        summary: "Messages waiting, with those in priority lists and those taken but not begun.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "queue", kind: Kind::FixedText, required: false, help: "The queue; `celery` unless given." },
        ],
        gives: &[
            ("waiting", "In the lists of the queue."),
            ("unacked", "Taken by a worker and not begun, or waiting for a retry."),
            ("total", "Both together."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "find",
        summary: "Looks for the same task queued, waiting for a retry, or running.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "task", kind: Kind::FixedText, required: true, help: "The full name of the task." },
            ArgumentSpec { name: "args", kind: Kind::Values, required: false, help: "Its positional arguments; any unless given." },
            ArgumentSpec { name: "first_args", kind: Kind::Value, required: false, help: "A list: finds tasks whose first argument is any of these." },
            ArgumentSpec { name: "queue", kind: Kind::FixedText, required: false, help: "The queue; `celery` unless given." },
        ],
        gives: &[
            ("found", "A list of: id, where (queued, unacked, active, reserved, scheduled), args, first (the first argument as text), retries, ours (whether Signalbox sent it)."),
            ("unreadable", "How many messages could not be read."),
        ],
    },
];

/// One configured instance.
#[derive(Debug)]
pub struct Celery {}

impl Celery {
    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity { kind: "celery".to_owned(), host: String::new(), database: None, user: None }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, _arguments: &Arguments, _context: &CallContext) -> CallResult {
        CallResult::Unreachable { reason: format!("{} is not there", action.name) }
    }

    /// Journalled with the intent: the broker's `run_id`.
    pub async fn evidence(&self, _action: &ActionSpec, _context: &CallContext) -> Result<Value, String> {
        Ok(Value::Null)
    }

    /// What became of a call whose caller died.
    pub async fn recall(&self, _action: &ActionSpec, _arguments: &Arguments, _context: &CallContext, _evidence: &Value) -> Recall {
        Recall::NoEvidence { reason: String::new() }
    }

    /// Takes back an exact message that is still queued.
    pub async fn take_back(&self, _action: &ActionSpec, _arguments: &Arguments, _context: &CallContext) -> Option<CallResult> {
        None
    }
}
