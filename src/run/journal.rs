//! What a journal holds. Entries are only ever added; new kinds may come, old ones stay readable.

use crate::call::CallResult;
use crate::panel::reading::Reading;
use crate::policy::approval::Party;
use crate::policy::authorize::Grant;
use crate::report::Outcome;
use crate::report::verdict::Verdict;
use crate::request::Resolution;
use crate::run::lock::Holding;
use crate::runbook::StepOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A decision, as it is cited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    /// The policies that made it; empty for the default denial.
    pub policies: Vec<String>,
    /// Their sentence.
    pub say: String,
}

impl From<&Grant> for Cited {
    fn from(grant: &Grant) -> Self {
        Self {
            policies: vec![grant.policy().to_owned()],
            say: grant.say().to_owned(),
        }
    }
}

/// Which reading of the signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the first step.
    Before,
    /// After the last.
    After,
    /// After the soak.
    Soaked,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "entry", content = "with")]
pub enum Entry {
    /// The run exists; what it will do is its plan.
    Created {
        /// Why it may.
        decision: Cited,
        /// What asked for it, where it was nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Others must say yes.
    ApprovalAsked {
        /// How many.
        needed: u32,
        /// Which plan.
        digest: String,
        /// After this it is a no.
        until: Timestamp,
        /// Which policy asks, and its sentence.
        decision: Cited,
    },
    /// A yes.
    Approved {
        /// Whose, and by which account.
        by: Party,
        /// The policy that lets them.
        policy: String,
        /// Of the plan that it is for; none in journals of before.
        #[serde(default)]
        digest: Option<String>,
    },
    /// A no.
    Denied {
        /// Whose.
        person: String,
    },
    /// Nobody answered in time.
    Expired,
    /// Started alone, with a reason.
    Overridden {
        /// By whom.
        person: String,
        /// Why.
        reason: String,
        /// Of the plan that it is for; none in journals of before.
        #[serde(default)]
        digest: Option<String>,
    },
    /// The plan was built again before the start and came out different: approvals are void.
    Replanned {
        /// What changed, a line each.
        changes: Vec<String>,
        /// The new plan's.
        digest: String,
    },
    /// Locks are held; steps may begin.
    Started,
    /// The start was refused.
    NotStarted {
        /// Why.
        say: String,
        /// How the run ends.
        outcome: Outcome,
    },
    /// Signals were read.
    Signals {
        /// When in the run.
        moment: Moment,
        /// What they said.
        readings: Vec<Reading>,
    },
    /// A call is about to be made; after the deadline nothing of it is sent or waited for.
    Intent {
        /// Which step.
        step: usize,
        /// Counted from one.
        attempt: u32,
        /// See above.
        deadline: Timestamp,
        /// What the target needs to tell later what became of it.
        evidence: Value,
    },
    /// The call certainly was not made, and will be again.
    NotMade {
        /// Which step.
        step: usize,
        /// How that is known.
        reason: String,
        /// Not before.
        again: Timestamp,
    },
    /// A step has ended.
    Outcome {
        /// Which step.
        step: usize,
        /// How.
        outcome: StepOutcome,
        /// The sentence people see.
        say: String,
        /// What the call gave; none where it was never made.
        call: Option<CallResult>,
        /// What the probe gave.
        probe: Option<CallResult>,
    },
    /// No further step is to begin.
    StopAsked {
        /// By whom.
        person: String,
    },
    /// The time that the runbook gives its steps is over: none is begun any more.
    TimeOver,
    /// Whoever may say what became of a step, or of its undo, was called once more.
    Reminded {
        /// Which step.
        step: usize,
        /// What the run keeps from others meanwhile.
        held: Vec<Holding>,
    },
    /// A person said what became of a step, or of its undo where that is what nobody knows.
    Resolved {
        /// Which step.
        step: usize,
        /// Who.
        person: String,
        /// What.
        resolution: Resolution,
        /// How they know.
        reason: String,
    },
    /// What is done is to be undone, in reverse.
    UndoAsked {
        /// By whom; none where the runbook itself says so.
        person: Option<String>,
    },
    /// An undo is about to be made.
    UndoIntent {
        /// Of which step.
        step: usize,
        /// As for a step; journals of before know no second one.
        #[serde(default = "first")]
        attempt: u32,
        /// As for a step.
        deadline: Timestamp,
        /// As for a step.
        evidence: Value,
    },
    /// The undo certainly was not made, and will be again.
    UndoNotMade {
        /// Of which step.
        step: usize,
        /// How that is known.
        reason: String,
        /// Not before.
        again: Timestamp,
    },
    /// An undo has ended.
    UndoOutcome {
        /// Of which step.
        step: usize,
        /// How.
        outcome: StepOutcome,
        /// The sentence people see.
        say: String,
    },
    /// Another process goes on with the run.
    TakenOver {
        /// Its epoch.
        epoch: i64,
    },
    /// The run is over; its locks are free.
    Closed {
        /// How it came out.
        outcome: Outcome,
        /// The sentence people see.
        say: String,
    },
    /// What the signals say.
    Proved {
        /// The word.
        verdict: Verdict,
        /// Words with numbers.
        say: String,
    },
}

fn first() -> u32 {
    1
}
