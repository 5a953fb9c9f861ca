//! A Prometheus server.

use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use serde_json::Value;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "prometheus",
        name: "instant",
        summary: "The value of a query now.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "query", kind: Kind::FixedText, required: true, help: "PromQL." },
        ],
        gives: &[
            ("series", "A list of: labels, value (a number, or null for NaN and infinities), text (as Prometheus wrote it)."),
            ("absent", "True if there is no series at all; that is not zero."),
            ("value", "The only value if there is exactly one series, else null."),
        ],
    },
    ActionSpec {
        integration: "prometheus",
        name: "range",
        summary: "A query over a span of time.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "query", kind: Kind::FixedText, required: true, help: "PromQL." },
            ArgumentSpec { name: "last", kind: Kind::FixedDuration, required: true, help: "How far back." },
        ],
        gives: &[
            ("series", "A list of: labels, points (pairs of unix seconds and a number or null)."),
            ("absent", "True if there is no series at all."),
        ],
    },
    ActionSpec {
        integration: "prometheus",
        name: "absent",
        summary: "Whether a query gives no series.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "query", kind: Kind::FixedText, required: true, help: "PromQL." },
        ],
        gives: &[
            ("absent", "True if there is none."),
        ],
    },
];

/// One configured instance.
#[derive(Debug)]
pub struct Prometheus {}

impl Prometheus {
    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity { kind: "prometheus".to_owned(), host: String::new(), database: None, user: None }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, _arguments: &Arguments, _context: &CallContext) -> CallResult {
        CallResult::Unreachable { reason: format!("{} is not there", action.name) }
    }
}
