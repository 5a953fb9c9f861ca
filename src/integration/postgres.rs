//! A PostgreSQL database: read-only looks, and statements with bound parameters.

use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use serde_json::Value;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "postgres",
        name: "query",
        summary: "Reads rows in a read-only transaction.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "sql", kind: Kind::FixedText, required: true, help: "One SELECT with $1, $2... placeholders." },
            ArgumentSpec { name: "params", kind: Kind::Values, required: false, help: "What is bound to them." },
            ArgumentSpec { name: "limit", kind: Kind::FixedInteger, required: false, help: "Rows at the most; 1000 unless given." },
        ],
        gives: &[
            ("rows", "A list of objects by column name."),
            ("count", "How many rows."),
            ("more", "True if the limit cut the list."),
        ],
    },
    ActionSpec {
        integration: "postgres",
        name: "statement",
        summary: "Runs one statement in a transaction.",
        effect: Effect::Write,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec { name: "sql", kind: Kind::FixedText, required: true, help: "One statement with placeholders." },
            ArgumentSpec { name: "params", kind: Kind::Values, required: false, help: "What is bound to them." },
            ArgumentSpec { name: "expect_rows", kind: Kind::Value, required: false, help: "Rolls back unless exactly this many rows are touched." },
        ],
        gives: &[
            ("count", "Rows touched."),
        ],
    },
];

/// One configured instance.
#[derive(Debug)]
pub struct Postgres {}

impl Postgres {
    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity { kind: "postgres".to_owned(), host: String::new(), database: None, user: None }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, _arguments: &Arguments, _context: &CallContext) -> CallResult {
        CallResult::Unreachable { reason: format!("{} is not there", action.name) }
    }
}
