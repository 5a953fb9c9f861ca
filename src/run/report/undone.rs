//! What became of the undoing: what is undone, what is not, and what a person must do about it.

use super::super::ledger::Live;
use super::super::state::StepState;
use super::{closed, since, step_say, time_over};
use crate::report::Outcome;
use crate::runbook::StepOutcome;

/// While it goes on.
pub(super) fn progress(live: &Live) -> String {
    let under_way = live
        .state
        .steps
        .iter()
        .position(|step| matches!(step, StepState::Undoing { .. } | StepState::UndoWaiting { .. }));
    let now = under_way.map_or_else(String::new, |index| format!(" Now: {}.", name(live, index)));
    join(&[format!("Undoing what is done.{now}"), undone(live)])
}

/// While nobody knows whether a step was undone.
pub(super) fn asked(live: &Live) -> String {
    let unknown = live.state.unknown().and_then(|index| step_say(live, index));
    join(&[
        closed(&unknown.unwrap_or_default()),
        undone(live),
        list(
            "Not undone, and not touched until then",
            names(live, live.state.still_done()),
        ),
        "Say whether it was undone; until then its locks stay held and nothing more is undone.".to_owned(),
        since(live),
    ])
}

/// The sentence that the undoing ends with.
pub(super) fn closing(live: &Live, outcome: Outcome) -> String {
    let state = &live.state;
    let said = |wanted: fn(&StepState) -> bool| {
        let wanted = (0..state.steps.len()).filter(|index| wanted(&state.steps[*index]));
        let said: Vec<String> = wanted
            .filter_map(|index| Some((name(live, index), step_say(live, index)?)))
            .map(|(name, say)| {
                let say = closed(&say);
                if say.contains(&name) {
                    say
                } else {
                    format!("{name}: {say}")
                }
            })
            .collect();
        said.join(" ")
    };
    // Why there was anything to undo.
    let why = said(|step| {
        matches!(
            step,
            StepState::Ended {
                outcome: StepOutcome::Failed,
                ..
            }
        )
    });
    if outcome == Outcome::Undone {
        return join(&[
            "What was done is undone.".to_owned(),
            why,
            time_over(live),
            undone(live),
            list("Done by hand, which nothing here can undo", by_hand(live)),
        ]);
    }
    let in_vain = said(|step| {
        matches!(
            step,
            StepState::Undone {
                outcome: StepOutcome::Failed,
                ..
            } | StepState::UndoAbandoned { .. }
        )
    });
    let stopped = state.stop.as_ref().map(|person| format!("Stopped by {person}."));
    join(&[
        why,
        time_over(live),
        in_vain,
        undone(live),
        list("Not undone", names(live, state.still_done())),
        stopped.unwrap_or_default(),
        way_out(live),
    ])
}

/// What only a person can do now.
fn way_out(live: &Live) -> String {
    let state = &live.state;
    let given_up = state
        .steps
        .iter()
        .any(|step| matches!(step, StepState::UndoAbandoned { .. }));
    if given_up {
        return "Look at the target and put the rest right by hand: nothing is undone before a step that may have been."
            .to_owned();
    }
    let again = if state.undo_target().is_some() {
        "Undo tries again what is not undone; or put it right by hand."
    } else {
        ""
    };
    let steps = &live.plan().steps;
    let without = state
        .still_done()
        .filter(|index| steps[*index].writes && steps[*index].undo.is_none());
    join(&[
        again.to_owned(),
        list("The runbook has no undo, so put right by hand", names(live, without)),
    ])
}

fn by_hand(live: &Live) -> Vec<String> {
    let steps = &live.plan().steps;
    names(
        live,
        live.state.still_done().filter(|index| steps[*index].manual.is_some()),
    )
}

fn undone(live: &Live) -> String {
    let undone = (0..live.state.steps.len()).rev().filter(|index| {
        matches!(
            live.state.steps[*index],
            StepState::Undone {
                outcome: StepOutcome::Done | StepOutcome::Skipped,
                ..
            }
        )
    });
    list("Undone", names(live, undone))
}

fn names(live: &Live, steps: impl Iterator<Item = usize>) -> Vec<String> {
    steps.map(|index| name(live, index)).collect()
}

fn name(live: &Live, index: usize) -> String {
    live.plan().steps[index].name.clone()
}

fn list(title: &str, names: Vec<String>) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!("{title}: {}.", names.join(", "))
    }
}

fn join(sentences: &[String]) -> String {
    let said: Vec<&str> = sentences
        .iter()
        .map(|say| say.trim())
        .filter(|say| !say.is_empty())
        .collect();
    said.join(" ")
}
