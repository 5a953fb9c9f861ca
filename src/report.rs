//! The neutral document that each platform renders. It says what is known; how it looks is the platform's affair.

pub mod alert;
pub mod cell;
pub mod chart;
pub mod file;
pub mod fit;
pub mod form;
pub mod grid;
pub mod heading;
pub mod number;
pub mod redact;
#[cfg(test)]
pub(crate) mod samples;
pub mod steps;
pub mod terminal;
pub mod unseen;
pub mod verdict;
pub mod wrap;

use crate::runbook::StepOutcome;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a run or a request stands. `--json` gives it as `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every step is done, and checked.
    Succeeded,
    /// Everything was already so.
    NothingToDo,
    /// Some steps are done, some are not.
    PartlyDone,
    /// No step is done.
    Failed,
    /// What was done was undone.
    Undone,
    /// A person stopped it.
    Stopped,
    /// A step may or may not have happened; a person must say.
    NeedsPerson,
    /// Somebody else's yes is waited for.
    AwaitingApproval,
    /// Under way.
    Running,
    /// The policy, or an approver, says no.
    Denied,
    /// The runbook says no.
    Refused,
    /// The request makes no sense as it stands.
    Invalid,
}

impl Outcome {
    /// The command line's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Succeeded | Self::NothingToDo => 0,
            Self::Denied | Self::Refused | Self::Invalid => 2,
            Self::Failed | Self::Undone | Self::Stopped | Self::PartlyDone => 3,
            Self::NeedsPerson => 4,
            Self::AwaitingApproval | Self::Running => 5,
        }
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NothingToDo => "nothing to do",
            Self::PartlyDone => "partly done",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Stopped => "stopped",
            Self::NeedsPerson => "needs a person",
            Self::AwaitingApproval => "waits for approval",
            Self::Running => "running",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Invalid => "not understood",
        }
    }
}

/// All that is shown of one run, or of one request that became no run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run's id; none where the request became no run.
    pub run: Option<String>,
    /// The runbook, as it was asked for.
    pub runbook: String,
    /// Inputs as text, `order=1042`, for the heading. User text: escape it.
    pub inputs: String,
    /// Who asked: the name in `people.toml`, or the account where nobody is behind it.
    pub person: String,
    /// How it stands.
    pub outcome: Outcome,
    /// A plan that was shown and not carried out.
    pub dry: bool,
    /// The one sentence that people see. May hold user text: escape it.
    pub say: String,
    /// What would be done, a line each; shown until the steps themselves are.
    pub plan: Vec<String>,
    /// The names of these steps, in the same order; none in reports of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<String>,
    /// What should be known beforehand.
    pub warnings: Vec<String>,
    /// How much it touches, e.g. ("orders", "3"), ("money", "USD 84.50").
    pub radius: Vec<(String, String)>,
    /// In order.
    pub steps: Vec<StepLine>,
    /// Rows for people, by the runbook's column allow-list.
    pub table: Option<Table>,
    /// What the signals say.
    pub verdict: Option<VerdictLine>,
    /// What can be pressed now.
    pub buttons: Vec<Button>,
    /// What whoever asked is to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Whose attention is asked for, and why: approvals and unknown steps alone.
    pub attention: Option<Attention>,
    /// Who approved, denied, stopped, resolved: a line each.
    pub history: Vec<String>,
    /// The plan's digest.
    pub digest: Option<String>,
    /// The ids of the policies behind a decision.
    #[serde(default)]
    pub policies: Vec<String>,
    /// What they said, of a request that the policy was asked about and that became no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
}

/// What the policy said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Yes, no, or not alone.
    pub decision: Ruled,
    /// The sentence of the policy that decided.
    pub say: String,
}

impl Ruling {
    /// With its sentence.
    pub fn new(decision: Ruled, say: impl Into<String>) -> Self {
        let say = say.into();
        Self { decision, say }
    }
}

/// The word of a ruling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruled {
    /// Yes.
    Allow,
    /// Yes, once others have said so too.
    NeedsApproval,
    /// No.
    Deny,
}

impl Report {
    /// How much it touches, in one line: `money USD 84.50, orders 3`.
    pub fn touched(&self) -> String {
        let parts = self.radius.iter().map(|(what, much)| format!("{what} {much}"));
        fit::one_line(&parts.collect::<Vec<_>>().join(", "))
    }

    /// The same report with no secret in it: the last thing that happens to it before it leaves.
    pub fn redacted(self, redactor: &redact::Redactor) -> Self {
        let text = |text: String| redactor.redact(&text).into_owned();
        let lines = |lines: Vec<String>| lines.into_iter().map(text).collect::<Vec<_>>();
        Self {
            inputs: text(self.inputs),
            say: text(self.say),
            plan: lines(self.plan),
            warnings: lines(self.warnings),
            steps: self
                .steps
                .into_iter()
                .map(|step| StepLine {
                    say: text(step.say),
                    ..step
                })
                .collect(),
            table: self.table.map(|table| Table {
                rows: table
                    .rows
                    .into_iter()
                    .map(|row| {
                        row.into_iter()
                            .map(|(name, value)| (name, redactor.redact_value(value)))
                            .collect()
                    })
                    .collect(),
                ..table
            }),
            verdict: self.verdict.map(|verdict| VerdictLine {
                say: text(verdict.say),
                ..verdict
            }),
            choice: self.choice.map(|choice| Choice {
                ways: choice.ways.into_iter().map(|(act, label)| (act, text(label))).collect(),
                ..choice
            }),
            history: lines(self.history),
            ..self
        }
    }
}

/// One step as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// Its name in the journal.
    pub name: String,
    /// None while it has not ended.
    pub outcome: Option<StepOutcome>,
    /// Whether it has begun.
    pub begun: bool,
    /// What the plan said, or what came of it.
    pub say: String,
}

/// Rows for people. Long ones are cut by the renderer, which says how many are left and where the rest is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// In order.
    pub columns: Vec<String>,
    /// All rows.
    pub rows: Vec<Map<String, Value>>,
}

/// What the signals say, in one line each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictLine {
    /// The word.
    pub verdict: verdict::Verdict,
    /// Words with numbers.
    pub say: String,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Button {
    /// What it asks.
    pub press: Press,
    /// Its text.
    pub label: String,
}

/// What somebody may do about a group of alerts, one way of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The group.
    pub alert: String,
    /// The ways, in order, each with its text. A person's or a system's text: escape it.
    pub ways: Vec<(crate::request::AlertAct, String)>,
}

/// What a button asks; the run is the report's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "press", content = "with")]
pub enum Press {
    /// Yes to the plan with this digest.
    Approve {
        /// Of the plan that was seen.
        digest: String,
    },
    /// No.
    Deny,
    /// Start no further step.
    Stop,
    /// It happened, or not, or nobody can tell.
    Resolve {
        /// The step.
        step: String,
        /// What became of it.
        resolution: crate::request::Resolution,
    },
    /// Undo what is done.
    Undo,
    /// Ask for a follow-up.
    Offer {
        /// Which one.
        index: usize,
    },
    /// Do something about a group of alerts, which is the card's.
    Alert(crate::request::AlertAct),
}

/// What is asked of whoever presses, before the press takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub title: &'static str,
    /// What it would come to.
    pub text: &'static str,
    /// To go on.
    pub yes: &'static str,
    /// To leave it.
    pub no: &'static str,
}

impl Press {
    /// The question before what ends or reverses something; none before the rest.
    pub fn question(&self) -> Option<Question> {
        match self {
            Self::Stop => Some(Question {
                title: "Stop this run?",
                text: "No further step is started. What is done stays done.",
                yes: "Stop",
                no: "Let it run",
            }),
            Self::Undo => Some(Question {
                title: "Undo what is done?",
                text: "The done steps are reversed, last one first.",
                yes: "Undo",
                no: "Leave it",
            }),
            Self::Resolve {
                resolution: crate::request::Resolution::Abandon,
                ..
            } => Some(Question {
                title: "Give up on this step?",
                text: "The run ends and lets go of its locks, and whether the step happened stays unknown.",
                yes: "Give up",
                no: "Go back",
            }),
            Self::Approve { .. } | Self::Deny | Self::Resolve { .. } | Self::Offer { .. } | Self::Alert(_) => None,
        }
    }
}

/// Whose attention is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// Groups that may answer.
    pub groups: Vec<String>,
    /// What they are asked.
    pub say: String,
}
