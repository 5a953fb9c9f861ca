//! What comes next for a run, told by its state alone.

use super::super::journal::Moment;
use super::{Phase, RunState, StepState};
use crate::report::Outcome;
use crate::runbook::StepOutcome;
use jiff::Timestamp;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nothing until then; if nobody has answered by then, it is a no.
    AwaitApproval(Timestamp),
    /// Build the plan again, decide again, take the locks.
    Start,
    /// Read the signals.
    Read(Moment),
    /// Begin this step, not before the time.
    Step(usize, Option<Timestamp>),
    /// Find out what became of this step, whose caller died or is another process.
    Recover(usize),
    /// A person must say what became of this step.
    AskPerson(usize),
    /// Undo this step, not before the time.
    Undo(usize, Option<Timestamp>),
    /// Find out what became of this undo.
    RecoverUndo(usize),
    /// Close with this outcome.
    Close(Outcome),
    /// Read the signals once more and judge, not before the time.
    Prove(Timestamp),
    /// There is nothing more to do.
    Nothing,
}

impl RunState {
    /// What comes next, for a process that has no call of this run under way.
    pub fn next(&self) -> Next {
        match &self.phase {
            None => Next::Nothing,
            Some(Phase::AwaitingApproval { until, .. }) => Next::AwaitApproval(*until),
            Some(Phase::Ready) => Next::Start,
            Some(Phase::Running) => self.next_step(),
            Some(Phase::Undoing) => self.next_undo(),
            Some(Phase::Closed { at, .. }) => match self.shape.soak {
                Some(soak) if self.verdict.is_none() && self.any_effect() => Next::Prove(*at + soak),
                _ => Next::Nothing,
            },
        }
    }

    fn next_step(&self) -> Next {
        let proves = self.shape.soak.is_some();
        if proves && !self.has_read(Moment::Before) && self.steps.iter().all(|step| self.is_fresh(step)) {
            return Next::Read(Moment::Before);
        }
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                // An engine never asks while its own call is out: whoever made this one is gone.
                StepState::Begun { .. } => return Next::Recover(index),
                StepState::Ended {
                    outcome: StepOutcome::Unknown,
                    ..
                } => return Next::AskPerson(index),
                StepState::Ended {
                    outcome: StepOutcome::Failed,
                    ..
                }
                | StepState::Abandoned { .. } => {
                    return self.finish();
                }
                StepState::Waiting { after, .. } => {
                    if !self.begins_steps() {
                        return self.finish();
                    }
                    return Next::Step(index, *after);
                }
                StepState::Ended { .. }
                | StepState::UndoWaiting { .. }
                | StepState::Undoing { .. }
                | StepState::Undone { .. }
                | StepState::UndoAbandoned { .. } => {}
            }
        }
        self.finish()
    }

    fn finish(&self) -> Next {
        if self.shape.soak.is_some() && self.any_effect() && !self.has_read(Moment::After) {
            return Next::Read(Moment::After);
        }
        let failed = self.time_over
            || self.steps.iter().any(|step| {
                matches!(
                    step,
                    StepState::Ended {
                        outcome: StepOutcome::Failed,
                        ..
                    }
                )
            });
        // Who stops it wants nothing more to begin, and is offered the undo.
        if let Some(step) = self.undo_target()
            && failed
            && self.stop.is_none()
            && self.shape.undo_on_failure
        {
            return Next::Undo(step, None);
        }
        Next::Close(self.outcome())
    }

    fn next_undo(&self) -> Next {
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                StepState::Undoing { .. } => return Next::RecoverUndo(index),
                StepState::Undone {
                    outcome: StepOutcome::Unknown,
                    ..
                } => return Next::AskPerson(index),
                StepState::Undone {
                    outcome: StepOutcome::Failed,
                    ..
                }
                | StepState::UndoAbandoned { .. } => return Next::Close(Outcome::PartlyDone),
                _ => {}
            }
        }
        match self.undo_target() {
            Some(_) if self.stop.is_some() => Next::Close(Outcome::Stopped),
            Some(index) => Next::Undo(index, self.undo_not_before(index)),
            None if self.anything_stays() => Next::Close(Outcome::PartlyDone),
            None => Next::Close(Outcome::Undone),
        }
    }

    /// How the run would end now, by its steps alone.
    fn outcome(&self) -> Outcome {
        let count = |wanted: StepOutcome| {
            self.steps
                .iter()
                .filter(|step| matches!(step, StepState::Ended { outcome, .. } if *outcome == wanted))
                .count()
        };
        let (done, failed) = (count(StepOutcome::Done), count(StepOutcome::Failed));
        let abandoned = self
            .steps
            .iter()
            .any(|step| matches!(step, StepState::Abandoned { .. }));
        let waiting = self.steps.iter().any(|step| matches!(step, StepState::Waiting { .. }));
        if abandoned || (failed > 0 && done > 0) {
            Outcome::PartlyDone
        } else if failed > 0 {
            Outcome::Failed
        } else if waiting && self.stop.is_some() {
            Outcome::Stopped
        } else if waiting && done > 0 {
            Outcome::PartlyDone
        } else if waiting {
            Outcome::Failed
        } else if done > 0 || self.steps.is_empty() {
            Outcome::Succeeded
        } else {
            Outcome::NothingToDo
        }
    }
}
