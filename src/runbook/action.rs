//! What an integration says of its actions. Help, `check`, the dry run, the policy's schema and the docs derive from it.

use serde::{Deserialize, Serialize};

/// What an action does to the outside, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing changes.
    Read,
    /// Something changes that can be put right.
    Write,
    /// Something is lost.
    Destructive,
}

/// What makes a repeated or late call harmless at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The target keeps a mark of the step, set together with the effect.
    Marker,
    /// The target takes an idempotency key.
    Key,
    /// The call names the state that it expects and does nothing in another.
    Conditional,
    /// Nothing; a repeated call acts again.
    None,
}

/// What an argument may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Text written in the file: SQL, PromQL, the name of a task or queue. No value gets into it.
    FixedText,
    /// A duration written in the file (`"5m"`); kept as seconds.
    FixedDuration,
    /// A whole number written in the file.
    FixedInteger,
    /// One of these words, written in the file.
    FixedWord(&'static [&'static str]),
    /// The path of a URL written in the file, where `{name}` stands for a segment.
    FixedPath {
        /// The argument, of kind [`Self::Fields`], that gives the segments.
        filled_by: &'static str,
    },
    /// An expression.
    Value,
    /// A list of expressions.
    Values,
    /// A table: its keys are written in the file, its values are expressions.
    Fields,
}

/// One argument of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgumentSpec {
    /// Its key under `with`.
    pub name: &'static str,
    /// What it may hold.
    pub kind: ArgumentKind,
    /// Whether the file must give it.
    pub required: bool,
    /// One sentence.
    pub help: &'static str,
}

/// One thing that an integration can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionSpec {
    /// `celery`, `postgres`...
    pub integration: &'static str,
    /// The part after the dot in `use`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it does to the outside.
    pub effect: Effect,
    /// What makes a repeat harmless.
    pub guard: Guard,
    /// Its arguments.
    pub arguments: &'static [ArgumentSpec],
    /// The fields of its answer (`looks.x.<field>`, `call.value.<field>`), with a sentence each.
    pub gives: &'static [(&'static str, &'static str)],
}
