//! Stage four: the policy decides, with all facts present.

use super::answer::said;
use super::planned::Planned;
use super::{Turned, held_words};
use crate::plan::{Plan, radius_pairs};
use crate::policy::authorize::{Act, Decision, Question};
use crate::report::{Outcome, Report, Ruled, Ruling, Table};
use crate::request::Request;
use crate::run::journal::Cited;
use crate::runbook::action::Effect;
use crate::store::{Store, StoreError};

/// A plan that may go on, and how.
#[derive(Debug)]
pub struct Authorized<'a> {
    request: &'a Request,
    plan: Plan,
    clearance: Clearance,
}

/// How a plan may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clearance {
    /// It only looks, and has looked.
    Look {
        /// Why it may.
        decision: Cited,
    },
    /// Everything is already so.
    Nothing {
        /// Why it might have.
        decision: Cited,
    },
    /// At once.
    Start {
        /// Why it may.
        decision: Cited,
    },
    /// After others said yes.
    Approval {
        /// How many.
        count: u32,
        /// Which policy asks.
        decision: Cited,
    },
}

impl Clearance {
    /// The policy and its sentence.
    pub fn cited(&self) -> &Cited {
        match self {
            Self::Look { decision }
            | Self::Nothing { decision }
            | Self::Start { decision }
            | Self::Approval { decision, .. } => decision,
        }
    }
}

impl<'a> Authorized<'a> {
    /// Asks the policy, and whether writes are halted or the locks are held. A dry run is decided like a real one.
    pub async fn decide(planned: Planned<'a>, store: &Store, dry: bool) -> Result<Self, Turned> {
        let rules = planned.rules();
        let plan = planned.plan();
        let decision = {
            let request = planned.request();
            let known = rules
                .people
                .member(&plan.person, &request.account, &request.memberships);
            let Some(person) = known else {
                return Err(StoreError::Corrupt(format!("{} is no person any more", plan.person)).into());
            };
            rules.policy.decide(&Question {
                person: &person,
                act: Act::Run { radius: &plan.radius },
                runbook: &plan.runbook,
                place: &plan.place,
            })
        };
        let turned = |outcome: Outcome, say: String, policies: Vec<String>| {
            let mut report = said(&plan.person, &plan.runbook, outcome, say);
            report.inputs = plan.inputs_text();
            report.radius = radius_pairs(&plan.radius);
            report.dry = dry;
            report.policies = policies;
            report.ruling = (outcome == Outcome::Denied).then(|| Ruling::new(Ruled::Deny, &report.say));
            Turned::from(report)
        };
        let clearance = match decision {
            Decision::Deny { say, policies } => return Err(turned(Outcome::Denied, say, policies)),
            Decision::Allow(grant) => {
                let decision = Cited::from(&grant);
                if !plan.nothing.is_empty() && plan.steps.is_empty() {
                    Clearance::Nothing { decision }
                } else if plan.steps.is_empty() {
                    Clearance::Look { decision }
                } else {
                    Clearance::Start { decision }
                }
            }
            Decision::NeedsApproval(threshold) => {
                let decision = Cited {
                    policies: threshold.policies().to_vec(),
                    say: threshold.say().to_owned(),
                };
                if !plan.nothing.is_empty() && plan.steps.is_empty() {
                    Clearance::Nothing { decision }
                } else {
                    Clearance::Approval {
                        count: threshold.count().get().into(),
                        decision,
                    }
                }
            }
        };
        if plan.effect != Effect::Read && !plan.steps.is_empty() {
            if let Some(pause) = store.paused(&plan.runbook).await? {
                return Err(turned(
                    Outcome::Refused,
                    format!(
                        "Nothing was done: {} paused {} at {}. `resume` lets writes go on.",
                        pause.person,
                        pause.runbook.as_deref().unwrap_or("all writes"),
                        pause.since.strftime("%Y-%m-%d %H:%M UTC")
                    ),
                    Vec::new(),
                ));
            }
            // What starts takes its locks with the run, or is refused with the same words.
            let takes_them = matches!(clearance, Clearance::Start { .. }) && !dry;
            let held = if takes_them {
                Vec::new()
            } else {
                store.held(&plan.locks).await?
            };
            if !held.is_empty() {
                return Err(turned(
                    Outcome::Refused,
                    format!(
                        "Nothing was done: {}. Wait for its end; `runs` tells how it stands.",
                        held_words(&held)
                    ),
                    Vec::new(),
                ));
            }
        }
        let (request, plan) = planned.into_parts();
        Ok(Self {
            request,
            plan,
            clearance,
        })
    }

    /// What a dry run shows.
    pub fn dry_report(&self) -> Report {
        let (outcome, say) = match &self.clearance {
            Clearance::Nothing { .. } => (Outcome::NothingToDo, self.plan.nothing.join(" ")),
            Clearance::Look { .. } => (
                Outcome::Succeeded,
                self.plan
                    .result
                    .as_ref()
                    .map_or_else(String::new, |result| result.say.clone()),
            ),
            Clearance::Start { .. } => (
                Outcome::Succeeded,
                "Dry run: nothing was done. This is what would be done.".to_owned(),
            ),
            Clearance::Approval { count, decision } => (
                Outcome::Succeeded,
                format!(
                    "Dry run: nothing was done. It would need {count} approval{}: {}",
                    if *count == 1 { "" } else { "s" },
                    decision.say
                ),
            ),
        };
        let mut report = said(&self.plan.person, &self.plan.runbook, outcome, say);
        report.dry = true;
        report.inputs = self.plan.inputs_text();
        report.plan = self.plan.steps.iter().map(|step| step.say.clone()).collect();
        report.planned = self.plan.steps.iter().map(|step| step.name.clone()).collect();
        report.warnings = self.plan.warnings.clone();
        report.radius = radius_pairs(&self.plan.radius);
        report.digest = Some(self.plan.digest.clone());
        report.policies = self.clearance.cited().policies.clone();
        let decision = match self.clearance {
            Clearance::Approval { .. } => Ruled::NeedsApproval,
            Clearance::Nothing { .. } | Clearance::Look { .. } | Clearance::Start { .. } => Ruled::Allow,
        };
        report.ruling = Some(Ruling::new(decision, &self.clearance.cited().say));
        report.table = self.plan.result.as_ref().map(|result| Table {
            columns: result.columns.clone(),
            rows: result.rows.clone(),
        });
        report
    }

    /// The request, the plan and how it may go on.
    pub fn into_parts(self) -> (&'a Request, Plan, Clearance) {
        (self.request, self.plan, self.clearance)
    }
}
