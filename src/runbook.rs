//! Runbooks as plain data: one file in `commands/`, its stem is the slash command. How a file becomes this data is in
//! [`load`]; what it means for given inputs and looks is in [`compose`].

pub mod action;
pub mod catalog;
pub mod compose;
pub mod duration;
pub mod example;
pub mod expression;
pub mod fault;
pub mod form;
pub mod input;
pub mod load;
pub mod money;
pub mod path;
pub mod scope;
pub mod sentence;
pub mod skeleton;

use action::{ActionSpec, Effect};
use expression::Expression;
use input::{InputKind, InputSpec};
use sentence::Sentence;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One runbook, validated whole. Only [`load`] makes one.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// The file's stem and the slash command.
    pub name: String,
    /// The file's text; pinned in every run.
    pub source: String,
    /// SHA-256 of the text, in hex.
    pub hash: String,
    /// One sentence for help.
    pub summary: String,
    /// The heading of the written runbook that this carries out.
    pub section: Option<String>,
    /// Connections that an installation may lack, and this one does.
    pub missing: BTreeSet<String>,
    /// In file order, which is the order in chat.
    pub inputs: Vec<InputSpec>,
    /// Read-only calls made before the plan, in file order; a later one may use an earlier one's result.
    pub looks: Vec<Look>,
    /// Conditions under which the runbook refuses. All that hold speak.
    pub refuse: Vec<Clause>,
    /// Conditions under which everything is already so.
    pub nothing: Vec<Clause>,
    /// Conditions worth a sentence in the plan and in the report, without stopping anything.
    pub warn: Vec<Clause>,
    /// What the run locks: each expression gives a string or a list of strings.
    pub locks: Vec<Expression>,
    /// True if the locks may be shared with other shared holders.
    pub locks_shared: bool,
    /// How much the plan touches: name to a whole number. `money.USD` is in minor units.
    pub radius: BTreeMap<String, Expression>,
    /// In order.
    pub steps: Vec<StepSpec>,
    /// Whether done steps are undone by themselves when a later one fails.
    pub undo_on_failure: bool,
    /// Counted from the start of its steps; after it no further step is begun, nor any call made again.
    pub deadline: Duration,
    /// Signals to hold against each other before, after and after a soak.
    pub proof: Option<Proof>,
    /// The table that people and `--json` get.
    pub result: Option<ResultTable>,
    /// The picture that people get, and its numbers as the table.
    pub chart: Option<PanelChart>,
    /// Follow-ups offered as buttons.
    pub offers: Vec<Offer>,
    /// Checked by `signalbox check`.
    pub examples: Vec<example::Example>,
}

impl Runbook {
    /// How it is asked for in chat: `forward-order ORDER[,ORDER...] [reason=TEXT]`.
    pub fn usage(&self) -> String {
        let inputs = self.inputs.iter().map(|input| {
            let word = input.name.to_uppercase();
            let word = if input.many {
                format!("{word}[,{word}...]")
            } else {
                word
            };
            if input.required {
                word
            } else {
                format!("[{}={word}]", input.name)
            }
        });
        std::iter::once(self.name.clone())
            .chain(inputs)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Which inputs are spans of time.
    pub fn spans(&self) -> Vec<String> {
        let spans = self
            .inputs
            .iter()
            .filter(|input| matches!(input.kind, InputKind::Duration(_)));
        spans.map(|input| input.name.clone()).collect()
    }

    /// A connection that this installation lacks and without which the runbook cannot be carried out. A look that may
    /// fail does without.
    pub fn lacks(&self) -> Option<&str> {
        let steps = self.steps.iter().flat_map(|step| [&step.call, &step.probe, &step.undo]);
        let looks = self.looks.iter().filter(|look| !look.may_fail).map(|look| &look.call);
        steps
            .flatten()
            .chain(looks)
            .map(|call| call.on.as_str())
            .find(|on| self.missing.contains(*on))
    }

    /// Every connection that it may use, with the kind that its calls need.
    pub fn connections(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let steps = self.steps.iter().flat_map(|step| [&step.call, &step.probe, &step.undo]);
        let looks = self.looks.iter().map(|look| &look.call);
        steps
            .flatten()
            .chain(looks)
            .map(|call| (call.on.as_str(), call.action.integration))
    }

    /// The strongest effect of its steps; a runbook without steps only reads.
    pub fn effect(&self) -> Effect {
        self.steps
            .iter()
            .filter_map(|step| step.call.as_ref())
            .map(|call| call.action.effect)
            .max()
            .unwrap_or(Effect::Read)
    }
}

/// A call of an action on a connection, its arguments not yet filled in.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called.
    pub action: &'static ActionSpec,
    /// The connection's name in the config.
    pub on: String,
    /// By argument name.
    pub with: BTreeMap<String, Argument>,
}

impl Call {
    /// What is computed for it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.with.values().flat_map(|argument| match argument {
            Argument::Fixed(_) => Vec::new(),
            Argument::Value(expression) => vec![expression],
            Argument::Values(expressions) => expressions.iter().collect(),
            Argument::Fields(fields) => fields.values().collect(),
        })
    }
}

/// One argument of a call.
#[derive(Debug, Clone)]
pub enum Argument {
    /// Written in the file: SQL text, a task's name, a duration in seconds. Never from an input.
    Fixed(serde_json::Value),
    /// A value to compute.
    Value(Expression),
    /// A list of values to compute.
    Values(Vec<Expression>),
    /// Values to compute under keys written in the file.
    Fields(BTreeMap<String, Expression>),
}

/// A named read-only call.
#[derive(Debug, Clone)]
pub struct Look {
    /// As `looks.<name>` in expressions.
    pub name: String,
    /// The call.
    pub call: Call,
    /// A failure is an answer too: the look is `result`, `reason` and `value` then, and stops nothing.
    pub may_fail: bool,
    /// It takes no longer, and never longer than all looks together may take.
    pub timeout: Option<Duration>,
    /// Whether it uses an earlier look's answer; one that does not is made at the same time as those before it.
    pub waits: bool,
}

impl Look {
    /// All looks of a plan together take no longer.
    pub const LONGEST: Duration = Duration::from_secs(15);

    /// What a look that may fail is where its connection is not configured.
    pub fn absent(&self) -> serde_json::Value {
        let reason = format!("there is no connection {}", self.call.on);
        serde_json::json!({"result": "absent", "reason": reason, "value": null})
    }
}

/// A condition with its sentence.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Must give true or false.
    pub when: Expression,
    /// Said when it holds.
    pub say: Sentence,
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepSpec {
    /// Unique in the runbook; with `each`, the journalled step is called `name[key]`.
    pub name: String,
    /// The call; none for a manual step.
    pub call: Option<Call>,
    /// What a person is asked to do and tick, for a manual step.
    pub manual: Option<Sentence>,
    /// Left out of the plan unless this holds.
    pub when: Option<Expression>,
    /// One journalled step per item of this list, with `item` bound.
    pub each: Option<Each>,
    /// What the plan says of it.
    pub say: Sentence,
    /// From the intent to the latest answer.
    pub timeout: Duration,
    /// Repeats of a call that certainly was not done.
    pub retry: Retry,
    /// A read-only call made after the step, and after a crash in it; `probe` in expressions.
    pub probe: Option<Call>,
    /// Tried in order; the first whose condition holds gives the outcome.
    pub expect: Vec<Expectation>,
    /// What reverses the step.
    pub undo: Option<Call>,
    /// What the answer to that means, as for the step itself; empty where any answer means that it is undone.
    pub undo_expect: Vec<Expectation>,
}

/// One step per item.
#[derive(Debug, Clone)]
pub struct Each {
    /// Gives the list.
    pub list: Expression,
    /// Names the item in the journal; gives a string or whole number.
    pub key: Expression,
    /// More items than this refuse the plan.
    pub cap: usize,
}

/// How often a call that certainly was not done is made again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Beyond the first call.
    pub times: u32,
    /// Before the first repeat; doubles.
    pub pause: Duration,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The effect is there, and how that is known was checked.
    Done,
    /// There was nothing to do.
    Skipped,
    /// The effect is not there.
    Failed,
    /// It may have happened.
    Unknown,
}

/// Judges the answer of a call.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Over `call`, `probe`, `item`, `inputs`, `looks`.
    pub when: Expression,
    /// What it means.
    pub outcome: StepOutcome,
    /// The sentence people see.
    pub say: Sentence,
}

/// Which signals prove the run.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Names of signals.
    pub signals: Vec<ProofSignal>,
    /// The panel to draw, by name; else a panel of the signals themselves.
    pub panel: Option<String>,
    /// How long after the last step the lasting effect is read.
    pub soak: Duration,
}

/// A signal and the direction that is better.
#[derive(Debug, Clone)]
pub struct ProofSignal {
    /// As declared in the panels folder.
    pub signal: String,
    /// Which way is better.
    pub better: Better,
}

/// Which way a signal should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
}

/// The rows that people and programs get.
#[derive(Debug, Clone)]
pub struct ResultTable {
    /// Gives a list of objects.
    pub rows: Expression,
    /// The columns that may be shown, in order; others never leave.
    pub columns: Vec<String>,
    /// One sentence above the table.
    pub say: Sentence,
}

/// Panels over a time that ends now.
#[derive(Debug, Clone)]
pub struct PanelChart {
    /// Gives a list of names; an empty one lists all panels instead.
    pub panels: Expression,
    /// Gives whole seconds.
    pub last: Expression,
}

/// A follow-up.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The runbook to ask for.
    pub runbook: String,
    /// The button's text.
    pub label: Sentence,
    /// Offered only if this holds.
    pub when: Option<Expression>,
    /// Its inputs; each gives a string, a number or a list of them.
    pub with: BTreeMap<String, Expression>,
}
