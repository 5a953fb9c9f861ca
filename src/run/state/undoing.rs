//! Undoing what is done: in reverse, and never over a step that nobody knows the end of.

use super::{Phase, RunState, StepState};
use crate::report::Outcome;
use crate::report::verdict::Verdict;
use crate::runbook::StepOutcome;
use jiff::Timestamp;

impl RunState {
    /// The latest step that is done, can be undone and is not. What comes before a step that may have happened, or whose
    /// undo may have, is not touched.
    pub fn undo_target(&self) -> Option<usize> {
        for (index, step) in self.steps.iter().enumerate().rev() {
            match step {
                StepState::Begun { .. }
                | StepState::Ended {
                    outcome: StepOutcome::Unknown,
                    ..
                }
                | StepState::Abandoned { .. }
                | StepState::Undoing { .. }
                | StepState::Undone {
                    outcome: StepOutcome::Unknown,
                    ..
                }
                | StepState::UndoAbandoned { .. } => return None,
                _ if self.is_done(index) && self.shape.undoable[index] => return Some(index),
                _ => {}
            }
        }
        None
    }

    /// Whether a person may have it undone: it did not end well, or it ended well and made it worse.
    pub fn may_be_undone(&self) -> bool {
        let amiss = match &self.phase {
            Some(Phase::Closed { outcome, .. }) => match outcome {
                Outcome::PartlyDone | Outcome::Failed | Outcome::Stopped => true,
                Outcome::Succeeded => matches!(self.verdict, Some((Verdict::Worse, _))),
                _ => false,
            },
            _ => false,
        };
        amiss && self.undo_target().is_some()
    }

    /// Steps whose effect is there.
    pub fn still_done(&self) -> impl Iterator<Item = usize> {
        (0..self.steps.len()).filter(|index| self.is_done(*index))
    }

    fn is_done(&self, index: usize) -> bool {
        matches!(
            &self.steps[index],
            StepState::Ended {
                outcome: StepOutcome::Done,
                ..
            } | StepState::UndoWaiting { .. }
                | StepState::Undone {
                    outcome: StepOutcome::Failed,
                    ..
                }
        )
    }

    /// Whether something was done for which there is no undo.
    pub fn anything_stays(&self) -> bool {
        self.still_done().any(|index| self.shape.stays[index])
    }

    /// Whether any undo was tried.
    pub fn any_undo(&self) -> bool {
        self.steps.iter().any(|step| {
            matches!(
                step,
                StepState::UndoWaiting { .. }
                    | StepState::Undoing { .. }
                    | StepState::Undone { .. }
                    | StepState::UndoAbandoned { .. }
            )
        })
    }

    pub(super) fn begin_undoing(&mut self, person: Option<&str>) -> Option<()> {
        let may = match person {
            Some(_) => self.may_be_undone(),
            None => matches!(self.phase, Some(Phase::Running)) && self.undo_target().is_some(),
        };
        may.then_some(())?;
        for step in &mut self.steps {
            if let StepState::Undone {
                outcome: StepOutcome::Failed,
                ..
            } = step
            {
                // A person may try again what certainly was not made.
                *step = StepState::UndoWaiting {
                    attempts: 0,
                    after: None,
                };
            }
        }
        self.history.push(person.map_or_else(
            || "The runbook undoes what is done".to_owned(),
            |person| format!("{person} asked to undo what is done"),
        ));
        // A stop of the steps is none of their undoing, and the sentence that they ended with is not the last one.
        self.stop = None;
        self.say = None;
        self.phase = Some(Phase::Undoing);
        Some(())
    }

    pub(super) fn undo_begun(&mut self, step: usize, attempt: u32, under_way: StepState) -> Option<()> {
        let made = self.undo_calls(step)?;
        (self.stop.is_none() && attempt == made + 1).then_some(())?;
        *self.steps.get_mut(step)? = under_way;
        Some(())
    }

    pub(super) fn undo_not_made(&mut self, step: usize, again: Timestamp) -> Option<()> {
        let attempts = match self.steps.get(step)? {
            StepState::Undoing { attempt, .. } => *attempt,
            _ => self.undo_calls(step)? + 1,
        };
        *self.steps.get_mut(step)? = StepState::UndoWaiting {
            attempts,
            after: Some(again),
        };
        Some(())
    }

    pub(super) fn undo_ended(&mut self, step: usize, outcome: StepOutcome, say: &str) -> Option<()> {
        matches!(self.phase, Some(Phase::Undoing)).then_some(())?;
        let begun = matches!(self.steps.get(step)?, StepState::Undoing { .. });
        // One that could not even be begun ends too.
        (begun || self.undo_calls(step).is_some()).then_some(())?;
        *self.steps.get_mut(step)? = StepState::Undone {
            outcome,
            say: say.to_owned(),
        };
        Some(())
    }

    /// How often the undo of this step was called in vain; none where it is not this step's turn.
    fn undo_calls(&self, step: usize) -> Option<u32> {
        matches!(self.phase, Some(Phase::Undoing)).then_some(())?;
        (self.undo_target() == Some(step)).then_some(())?;
        match self.steps.get(step)? {
            StepState::Ended { .. } => Some(0),
            StepState::UndoWaiting { attempts, .. } => Some(*attempts),
            _ => None,
        }
    }

    pub(super) fn undo_not_before(&self, step: usize) -> Option<Timestamp> {
        match self.steps.get(step)? {
            StepState::UndoWaiting { after, .. } => *after,
            _ => None,
        }
    }
}
