//! What a run waits for a person's word on, and when they are called again.

use super::{RunState, StepState};
use crate::request::Resolution;
use crate::run::lock::Holding;
use crate::runbook::StepOutcome;
use jiff::{SignedDuration, Timestamp};

/// After the first call. Then daily.
const REMINDERS: [SignedDuration; 3] = [
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(8),
];

/// Whoever has not answered for two weeks is not called any more; lists and metrics go on telling.
const DAYS: i64 = 14;

/// A step that waits for a person's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Which one.
    pub step: usize,
    /// Since when.
    pub since: Timestamp,
    /// How often they were called again.
    pub reminders: u32,
    /// When they were called last.
    pub called: Timestamp,
    /// What the run held then.
    pub held: Vec<Holding>,
}

impl Waits {
    pub(super) fn new(step: usize, since: Timestamp) -> Self {
        Self {
            step,
            since,
            reminders: 0,
            called: since,
            held: Vec::new(),
        }
    }

    pub(super) fn remind(&mut self, at: Timestamp, held: &[Holding]) {
        self.reminders += 1;
        self.called = at;
        self.held = held.to_vec();
    }

    /// When they are called next. What fell into a time when nobody could call is not made up for.
    pub fn next_call(&self) -> Option<Timestamp> {
        let days = (1..=DAYS).map(|day| SignedDuration::from_hours(24 * day));
        REMINDERS
            .into_iter()
            .chain(days)
            .filter_map(|after| self.since.checked_add(after).ok())
            .find(|at| *at > self.called)
    }
}

impl RunState {
    /// When whoever may answer is called again.
    pub fn next_call(&self) -> Option<Timestamp> {
        self.waits.as_ref()?.next_call()
    }

    /// Whether the question is about a step's undo.
    pub fn asks_about_undo(&self, step: usize) -> bool {
        matches!(self.steps.get(step), Some(StepState::Undone { .. }))
    }
}

/// What a step has come to by a person's word; none where nobody asked.
pub(super) fn resolved(step: &StepState, person: &str, resolution: Resolution, reason: &str) -> Option<StepState> {
    let ended = |outcome, word: &str| StepState::Ended {
        outcome,
        say: format!("{person} says that it {word}: {reason}"),
    };
    let undone = |outcome, word: &str| StepState::Undone {
        outcome,
        say: format!("{person} says that it {word}: {reason}"),
    };
    Some(match (step, resolution) {
        (
            StepState::Ended {
                outcome: StepOutcome::Unknown,
                ..
            },
            resolution,
        ) => match resolution {
            Resolution::Done => ended(StepOutcome::Done, "happened"),
            Resolution::NotDone => ended(StepOutcome::Failed, "did not happen"),
            Resolution::Abandon => StepState::Abandoned {
                say: format!("{person} gave up finding out: {reason}"),
            },
        },
        (
            StepState::Undone {
                outcome: StepOutcome::Unknown,
                ..
            },
            resolution,
        ) => match resolution {
            Resolution::Done => undone(StepOutcome::Done, "was undone"),
            Resolution::NotDone => undone(StepOutcome::Failed, "was not undone"),
            Resolution::Abandon => StepState::UndoAbandoned {
                say: format!("{person} gave up finding out whether it was undone: {reason}"),
            },
        },
        _ => return None,
    })
}
