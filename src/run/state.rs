//! The state of a run, derived from its journal, and what comes next. Pure: no clock, no store, no network.

mod next;
mod undoing;
mod waits;

pub use next::Next;
pub use waits::Waits;

use super::journal::{Cited, Entry, Moment};
use crate::panel::reading::Reading;
use crate::policy::approval::Party;
use crate::report::Outcome;
use crate::report::verdict::Verdict;
use crate::runbook::StepOutcome;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What a run may do at all, told by its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// For each step, whether it can be undone.
    pub undoable: Vec<bool>,
    /// For each step, whether what its call did stays although everything that can be undone is.
    pub stays: Vec<bool>,
    /// Whether done steps are undone by themselves when a later one fails.
    pub undo_on_failure: bool,
    /// How long after the end the signals are read once more; none where nothing proves the run.
    pub soak: Option<SignedDuration>,
    /// How long after the start a step may still be begun; none in plans of before.
    pub deadline: Option<SignedDuration>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Others must say yes, until then.
    AwaitingApproval {
        /// How many.
        needed: u32,
        /// Which plan.
        digest: String,
        /// After this it is a no.
        until: Timestamp,
    },
    /// It may start.
    Ready,
    /// Steps are under way.
    Running,
    /// What is done is being undone.
    Undoing,
    /// It is over. `at` is when.
    Closed {
        /// How it came out.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

/// How far one step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Not begun; after `after`, where a call that was certainly not made is to be made again.
    Waiting {
        /// Calls made so far, none of which had an effect.
        attempts: u32,
        /// Not before.
        after: Option<Timestamp>,
    },
    /// A call may be under way.
    Begun {
        /// Counted from one.
        attempt: u32,
        /// Nothing is sent or waited for after this.
        deadline: Timestamp,
        /// What the target told beforehand.
        evidence: Value,
        /// Who began it.
        epoch: i64,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: StepOutcome,
        /// The sentence people see.
        say: String,
    },
    /// A person gave up finding out.
    Abandoned {
        /// Who and why.
        say: String,
    },
    /// It is done, and its undo was certainly not made so far.
    UndoWaiting {
        /// Calls made so far, none of which had an effect.
        attempts: u32,
        /// Not before.
        after: Option<Timestamp>,
    },
    /// Its undo may be under way.
    Undoing {
        /// Counted from one.
        attempt: u32,
        /// Nothing is sent or waited for after this.
        deadline: Timestamp,
        /// What the target told beforehand.
        evidence: Value,
        /// Who began it.
        epoch: i64,
    },
    /// Its undo is over.
    Undone {
        /// How.
        outcome: StepOutcome,
        /// The sentence people see.
        say: String,
    },
    /// A person gave up finding out whether it was undone.
    UndoAbandoned {
        /// Who and why.
        say: String,
    },
}

/// An entry that cannot come where it came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the entry {entry} cannot come where the run {phase}")]
pub struct Illegal {
    entry: String,
    phase: String,
}

/// The state of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    shape: Shape,
    /// None before the first entry.
    phase: Option<Phase>,
    /// In the plan's order.
    pub steps: Vec<StepState>,
    /// Those that count for the present plan.
    pub approvals: Vec<Party>,
    /// Why it may run.
    pub decision: Option<Cited>,
    /// Who asked for a stop.
    pub stop: Option<String>,
    /// Whether the time for its steps is over.
    pub time_over: bool,
    /// What it waits for a person's word on.
    pub waits: Option<Waits>,
    /// Readings by moment.
    pub readings: Vec<(Moment, Vec<Reading>)>,
    /// The closing sentence.
    pub say: Option<String>,
    /// What the signals say.
    pub verdict: Option<(Verdict, String)>,
    /// Who did what, in words, in order.
    pub history: Vec<String>,
    /// When steps could begin.
    pub started: Option<Timestamp>,
}

impl RunState {
    /// Before the first entry.
    pub fn new(shape: Shape) -> Self {
        let steps = shape
            .undoable
            .iter()
            .map(|_| StepState::Waiting {
                attempts: 0,
                after: None,
            })
            .collect();
        Self {
            shape,
            phase: None,
            steps,
            approvals: Vec::new(),
            decision: None,
            stop: None,
            time_over: false,
            waits: None,
            readings: Vec::new(),
            say: None,
            verdict: None,
            history: Vec::new(),
            started: None,
        }
    }

    /// Folds a whole journal.
    pub fn fold<'a>(
        shape: Shape,
        journal: impl IntoIterator<Item = (Timestamp, i64, &'a Entry)>,
    ) -> Result<Self, Illegal> {
        let mut state = Self::new(shape);
        for (at, epoch, entry) in journal {
            state.apply(at, epoch, entry)?;
        }
        Ok(state)
    }

    /// Where it stands; an empty journal stands nowhere.
    pub fn phase(&self) -> Option<&Phase> {
        self.phase.as_ref()
    }

    /// Adds one entry, or refuses it and changes nothing.
    pub fn apply(&mut self, at: Timestamp, epoch: i64, entry: &Entry) -> Result<(), Illegal> {
        let mut next = self.clone();
        if next.step_forward(at, epoch, entry).is_none() {
            return Err(Illegal {
                entry: kind(entry),
                phase: stands(self.phase.as_ref()).to_owned(),
            });
        }
        *self = next;
        Ok(())
    }

    /// None where the entry cannot come here.
    fn step_forward(&mut self, at: Timestamp, epoch: i64, entry: &Entry) -> Option<()> {
        match entry {
            Entry::Created { decision, .. } => {
                self.is_unborn()?;
                self.decision = Some(decision.clone());
                self.phase = Some(Phase::Ready);
            }
            Entry::ApprovalAsked {
                needed,
                digest,
                until,
                decision,
            } => {
                matches!(self.phase, Some(Phase::Ready)).then_some(())?;
                self.approvals.clear();
                self.decision = Some(decision.clone());
                self.phase = Some(Phase::AwaitingApproval {
                    needed: *needed,
                    digest: digest.clone(),
                    until: *until,
                });
            }
            Entry::Approved { by, digest, .. } => {
                let needed = self.awaits(digest.as_deref())? as usize;
                // Weighed before, and meanwhile the same person may have said it elsewhere.
                let is_theirs = |earlier: &Party| {
                    earlier.person == by.person
                        || earlier.account == by.account
                        || (by.session.is_some() && earlier.session == by.session)
                };
                (!self.approvals.iter().any(is_theirs)).then_some(())?;
                self.history.push(format!("{} approved ({})", by.person, by.surface));
                self.approvals.push(by.clone());
                if self.approvals.len() >= needed {
                    self.phase = Some(Phase::Ready);
                }
            }
            Entry::Denied { person } => {
                self.is_awaiting()?;
                self.history.push(format!("{person} said no"));
                self.close(at, Outcome::Denied, format!("{person} said no. Nothing was done."));
            }
            Entry::Expired => {
                self.is_awaiting()?;
                self.close(
                    at,
                    Outcome::Denied,
                    "Nobody approved in time, which is a no. Nothing was done.".to_owned(),
                );
            }
            Entry::Overridden { person, reason, digest } => {
                self.awaits(digest.as_deref())?;
                self.history.push(format!("OVERRIDE by {person}, alone: {reason}"));
                self.phase = Some(Phase::Ready);
            }
            Entry::Replanned { changes, .. } => {
                matches!(self.phase, Some(Phase::Ready)).then_some(())?;
                self.approvals.clear();
                self.history
                    .push(format!("The plan changed before the start: {}", changes.join("; ")));
            }
            Entry::Started => {
                matches!(self.phase, Some(Phase::Ready)).then_some(())?;
                self.started = Some(at);
                self.phase = Some(Phase::Running);
            }
            Entry::NotStarted { say, outcome } => {
                matches!(self.phase, Some(Phase::Ready)).then_some(())?;
                self.close(at, *outcome, say.clone());
            }
            Entry::Signals { moment, readings } => {
                self.started?;
                self.readings.push((*moment, readings.clone()));
            }
            Entry::Intent {
                step,
                attempt,
                deadline,
                evidence,
            } => {
                self.is_running()?;
                (self.begins_steps() && self.is_turn(*step)).then_some(())?;
                let slot = self.steps.get_mut(*step)?;
                let StepState::Waiting { attempts, .. } = slot else {
                    return None;
                };
                (*attempt == *attempts + 1).then_some(())?;
                *slot = StepState::Begun {
                    attempt: *attempt,
                    deadline: *deadline,
                    evidence: evidence.clone(),
                    epoch,
                };
            }
            Entry::NotMade { step, again, .. } => {
                self.is_running()?;
                self.is_turn(*step).then_some(())?;
                let slot = self.steps.get_mut(*step)?;
                let attempts = match slot {
                    StepState::Begun { attempt, .. } => *attempt,
                    StepState::Waiting { attempts, .. } => *attempts + 1,
                    _ => return None,
                };
                *slot = StepState::Waiting {
                    attempts,
                    after: Some(*again),
                };
            }
            Entry::Outcome { step, outcome, say, .. } => {
                self.is_running()?;
                self.is_turn(*step).then_some(())?;
                let slot = self.steps.get_mut(*step)?;
                matches!(slot, StepState::Begun { .. } | StepState::Waiting { .. }).then_some(())?;
                *slot = StepState::Ended {
                    outcome: *outcome,
                    say: say.clone(),
                };
                self.waits = (*outcome == StepOutcome::Unknown).then(|| Waits::new(*step, at));
            }
            Entry::TimeOver => {
                self.is_running()?;
                (!self.time_over).then_some(())?;
                self.time_over = true;
                self.history.push("The time for its steps was over".to_owned());
            }
            Entry::Reminded { step, held } => {
                self.waits
                    .as_mut()
                    .filter(|waits| waits.step == *step)?
                    .remind(at, held);
            }
            Entry::StopAsked { person } => {
                matches!(
                    self.phase,
                    Some(Phase::Running | Phase::Undoing | Phase::Ready | Phase::AwaitingApproval { .. })
                )
                .then_some(())?;
                self.history.push(format!("{person} asked to stop"));
                self.stop = Some(person.clone());
                if !matches!(self.phase, Some(Phase::Running | Phase::Undoing)) {
                    self.close(
                        at,
                        Outcome::Stopped,
                        format!("{person} stopped it before it began. Nothing was done."),
                    );
                }
            }
            Entry::Resolved {
                step,
                person,
                resolution,
                reason,
            } => {
                matches!(self.phase, Some(Phase::Running | Phase::Undoing)).then_some(())?;
                let slot = self.steps.get_mut(*step)?;
                *slot = waits::resolved(slot, person, *resolution, reason)?;
                self.waits = None;
                self.history.push(format!("{person} resolved a step: {reason}"));
            }
            Entry::UndoAsked { person } => self.begin_undoing(person.as_deref())?,
            Entry::UndoIntent {
                step,
                attempt,
                deadline,
                evidence,
            } => {
                let under_way = StepState::Undoing {
                    attempt: *attempt,
                    deadline: *deadline,
                    evidence: evidence.clone(),
                    epoch,
                };
                self.undo_begun(*step, *attempt, under_way)?;
            }
            Entry::UndoNotMade { step, again, .. } => self.undo_not_made(*step, *again)?,
            Entry::UndoOutcome { step, outcome, say } => {
                self.undo_ended(*step, *outcome, say)?;
                self.waits = (*outcome == StepOutcome::Unknown).then(|| Waits::new(*step, at));
            }
            Entry::TakenOver { .. } => {
                self.phase.is_some().then_some(())?;
            }
            Entry::Closed { outcome, say } => {
                matches!(self.phase, Some(Phase::Running | Phase::Undoing | Phase::Ready)).then_some(())?;
                let in_flight = self
                    .steps
                    .iter()
                    .any(|step| matches!(step, StepState::Begun { .. } | StepState::Undoing { .. }));
                // A version before this one ended a run over an undo that nobody knew the end of.
                let of_before = matches!(self.phase, Some(Phase::Undoing)) && *outcome == Outcome::PartlyDone;
                (!in_flight && (self.unknown().is_none() || of_before)).then_some(())?;
                self.close(at, *outcome, say.clone());
            }
            Entry::Proved { verdict, say } => {
                matches!(self.phase, Some(Phase::Closed { .. })).then_some(())?;
                self.verdict = Some((*verdict, say.clone()));
            }
        }
        Some(())
    }

    /// The step that nobody knows the end of, or whose undo nobody knows the end of.
    pub fn unknown(&self) -> Option<usize> {
        self.steps.iter().position(|step| {
            matches!(
                step,
                StepState::Ended {
                    outcome: StepOutcome::Unknown,
                    ..
                } | StepState::Undone {
                    outcome: StepOutcome::Unknown,
                    ..
                }
            )
        })
    }

    /// After this no step is begun; none before the start.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.started?.checked_add(self.shape.deadline?).ok()
    }

    /// How it stands, in the word that programs get.
    pub fn standing(&self) -> Outcome {
        match &self.phase {
            Some(Phase::Closed { outcome, .. }) => *outcome,
            Some(Phase::AwaitingApproval { .. }) => Outcome::AwaitingApproval,
            _ if self.unknown().is_some() => Outcome::NeedsPerson,
            _ => Outcome::Running,
        }
    }

    /// When it was over.
    pub fn closed(&self) -> Option<Timestamp> {
        match self.phase {
            Some(Phase::Closed { at, .. }) => Some(at),
            _ => None,
        }
    }

    /// Whether anything may have changed outside.
    pub fn any_effect(&self) -> bool {
        self.steps.iter().any(|step| {
            !matches!(
                step,
                StepState::Waiting { .. }
                    | StepState::Ended {
                        outcome: StepOutcome::Skipped | StepOutcome::Failed,
                        ..
                    }
            )
        })
    }

    /// The readings of a moment.
    pub fn reading(&self, moment: Moment) -> Option<&[Reading]> {
        self.readings
            .iter()
            .find(|(at, _)| *at == moment)
            .map(|(_, readings)| readings.as_slice())
    }

    fn has_read(&self, moment: Moment) -> bool {
        self.reading(moment).is_some()
    }

    /// Steps go in order, and never past one that failed or that nobody knows the end of.
    fn is_turn(&self, step: usize) -> bool {
        self.steps.get(..step).is_some_and(|before| {
            before.iter().all(|step| {
                matches!(
                    step,
                    StepState::Ended {
                        outcome: StepOutcome::Done | StepOutcome::Skipped,
                        ..
                    }
                )
            })
        })
    }

    /// Whether the time for its steps is over.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// Whether a step may be begun: nobody stopped it, and there is time.
    pub fn begins_steps(&self) -> bool {
        self.stop.is_none() && !self.time_over
    }

    fn is_fresh(&self, step: &StepState) -> bool {
        matches!(step, StepState::Waiting { attempts: 0, .. })
    }

    fn is_unborn(&self) -> Option<()> {
        self.phase.is_none().then_some(())
    }

    fn is_awaiting(&self) -> Option<()> {
        self.awaits(None).map(|_| ())
    }

    /// How many yeses it waits for, where it waits for them to this plan: what was weighed for one is nothing to another.
    fn awaits(&self, plan: Option<&str>) -> Option<u32> {
        match &self.phase {
            Some(Phase::AwaitingApproval { needed, digest, .. }) if plan.is_none_or(|plan| plan == digest) => {
                Some(*needed)
            }
            _ => None,
        }
    }

    fn is_running(&self) -> Option<()> {
        matches!(self.phase, Some(Phase::Running)).then_some(())
    }

    fn close(&mut self, at: Timestamp, outcome: Outcome, say: String) {
        self.phase = Some(Phase::Closed { outcome, at });
        self.say = Some(say);
    }
}

fn stands(phase: Option<&Phase>) -> &'static str {
    match phase {
        None => "does not exist yet",
        Some(Phase::AwaitingApproval { .. }) => "waits for approval",
        Some(Phase::Ready) => "may start",
        Some(Phase::Running) => "is under way",
        Some(Phase::Undoing) => "is being undone",
        Some(Phase::Closed { .. }) => "is over",
    }
}

fn kind(entry: &Entry) -> String {
    serde_json::to_value(entry)
        .ok()
        .and_then(|value| value.get("entry").and_then(Value::as_str).map(str::to_owned))
        .unwrap_or_else(|| "an unreadable entry".to_owned())
}

#[cfg(test)]
mod tests;
