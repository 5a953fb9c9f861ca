//! What a run's state says, as the neutral document.

mod undone;

use super::ledger::Live;
use super::state::{Next, Phase, StepState};
use crate::dispatch::APPROVAL_LIFE;
use crate::plan::radius_pairs;
use crate::report::{Attention, Button, Outcome, Press, Report, StepLine, Table, VerdictLine};
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use crate::runbook::duration::show;
use jiff::Timestamp;
use std::time::Duration;

/// Beyond this many sentences of steps the closing sentence counts.
const SENTENCES: usize = 4;

/// The report of a run. `approvers` may answer what it asks.
pub fn report_of(live: &Live, approvers: &[String]) -> Report {
    let (plan, state) = (live.plan(), &live.state);
    let outcome = state.standing();
    let is_planned = matches!(state.phase(), Some(Phase::AwaitingApproval { .. } | Phase::Ready));
    let planned = if is_planned { plan.steps.as_slice() } else { &[] };
    Report {
        run: Some(live.run.id.clone()),
        runbook: plan.runbook.clone(),
        inputs: plan.inputs_text(),
        person: plan.person.clone(),
        outcome,
        dry: false,
        say: say(live, outcome),
        plan: planned.iter().map(|step| step.say.clone()).collect(),
        planned: planned.iter().map(|step| step.name.clone()).collect(),
        warnings: plan.warnings.clone(),
        radius: radius_pairs(&plan.radius),
        steps: if state.started.is_some() {
            steps(live)
        } else {
            Vec::new()
        },
        table: plan.result.as_ref().map(|result| Table {
            columns: result.columns.clone(),
            rows: result.rows.clone(),
        }),
        verdict: state.verdict.as_ref().map(|(verdict, say)| VerdictLine {
            verdict: *verdict,
            say: say.clone(),
        }),
        buttons: buttons(live),
        attention: attention(live, approvers),
        choice: None,
        history: state.history.clone(),
        digest: Some(plan.digest.clone()),
        ruling: None,
        policies: state
            .decision
            .as_ref()
            .map(|decision| decision.policies.clone())
            .unwrap_or_default(),
    }
}

fn say(live: &Live, outcome: Outcome) -> String {
    let state = &live.state;
    if let Some(say) = &state.say {
        return match state.next() {
            Next::Prove(at) => {
                format!(
                    "{say} The signals are read once more at {}.",
                    at.strftime("%H:%M:%S UTC")
                )
            }
            _ => say.clone(),
        };
    }
    match state.phase() {
        Some(Phase::AwaitingApproval { needed, until, .. }) => {
            let reason = state.decision.as_ref().map_or("", |decision| decision.say.as_str());
            format!(
                "{reason} Waiting for {} of {needed} approval{} by somebody other than {}, until {}. After {} \
                 minutes without an answer it is a no.",
                *needed as usize - state.approvals.len().min(*needed as usize),
                if *needed == 1 { "" } else { "s" },
                live.plan().person,
                until.strftime("%H:%M UTC"),
                APPROVAL_LIFE.as_mins(),
            )
            .trim_start()
            .to_owned()
        }
        Some(Phase::Undoing) if outcome == Outcome::NeedsPerson => undone::asked(live),
        Some(Phase::Undoing) => undone::progress(live),
        _ if outcome == Outcome::NeedsPerson => {
            let unknown = state
                .unknown()
                .and_then(|index| step_say(live, index))
                .unwrap_or_default();
            let say = "Say what became of it; until then its locks stay held and nothing more is started.";
            format!("{unknown} {say}{}", since(live))
        }
        _ => progress(live),
    }
}

/// Since when nobody has answered.
fn since(live: &Live) -> String {
    live.state.waits.as_ref().map_or_else(String::new, |waits| {
        format!(" It has waited since {}.", waits.since.strftime("%Y-%m-%d %H:%M UTC"))
    })
}

fn progress(live: &Live) -> String {
    let steps = &live.state.steps;
    let ended = steps
        .iter()
        .filter(|step| matches!(step, StepState::Ended { .. }))
        .count();
    match steps.iter().position(|step| matches!(step, StepState::Begun { .. })) {
        Some(index) => format!(
            "Step {} of {} is under way: {}",
            index + 1,
            steps.len(),
            live.plan().steps[index].say
        ),
        None if ended == 0 => "Starting.".to_owned(),
        None => format!("{ended} of {} steps have ended.", steps.len()),
    }
}

/// What a step has come to, in words.
fn step_say(live: &Live, index: usize) -> Option<String> {
    match live.state.steps.get(index)? {
        StepState::Ended { say, .. }
        | StepState::Abandoned { say }
        | StepState::Undone { say, .. }
        | StepState::UndoAbandoned { say } => Some(say.clone()),
        _ => None,
    }
}

fn steps(live: &Live) -> Vec<StepLine> {
    live.state
        .steps
        .iter()
        .zip(&live.plan().steps)
        .enumerate()
        .map(|(index, (state, planned))| StepLine {
            name: planned.name.clone(),
            outcome: match state {
                StepState::Ended { outcome, .. } | StepState::Undone { outcome, .. } => Some(*outcome),
                StepState::Abandoned { .. } | StepState::UndoAbandoned { .. } => Some(StepOutcome::Unknown),
                StepState::Waiting { .. }
                | StepState::Begun { .. }
                | StepState::UndoWaiting { .. }
                | StepState::Undoing { .. } => None,
            },
            begun: !matches!(state, StepState::Waiting { .. }),
            say: step_say(live, index).unwrap_or_else(|| planned.say.clone()),
        })
        .collect()
}

fn buttons(live: &Live) -> Vec<Button> {
    let button = |label: &str, press: Press| Button {
        press,
        label: label.to_owned(),
    };
    match live.state.next() {
        Next::AwaitApproval(_) => vec![
            button(
                "Approve",
                Press::Approve {
                    digest: live.plan().digest.clone(),
                },
            ),
            button("Deny", Press::Deny),
        ],
        Next::AskPerson(index) => {
            let step = live.plan().steps[index].name.clone();
            let resolve = |label: &str, resolution| {
                button(
                    label,
                    Press::Resolve {
                        step: step.clone(),
                        resolution,
                    },
                )
            };
            let (done, not_done) = if live.state.asks_about_undo(index) {
                ("It is undone", "It is not undone")
            } else {
                ("It happened", "It did not happen")
            };
            vec![
                resolve(done, Resolution::Done),
                resolve(not_done, Resolution::NotDone),
                resolve("Give up", Resolution::Abandon),
            ]
        }
        Next::Nothing | Next::Prove(_) => {
            let mut buttons: Vec<Button> = live
                .plan()
                .offers
                .iter()
                .enumerate()
                .map(|(index, offer)| button(&offer.label, Press::Offer { index }))
                .collect();
            if live.state.may_be_undone() {
                let label = if live.state.any_undo() {
                    "Try the undo again"
                } else {
                    "Undo what is done"
                };
                buttons.push(button(label, Press::Undo));
            }
            buttons
        }
        _ if live.state.stop.is_none() => vec![button("Stop", Press::Stop)],
        _ => Vec::new(),
    }
}

fn attention(live: &Live, approvers: &[String]) -> Option<Attention> {
    match live.state.next() {
        Next::AwaitApproval(_) => Some(Attention {
            groups: approvers.to_vec(),
            say: format!("A second person's yes is asked for {}.", live.plan().runbook),
        }),
        Next::AskPerson(_) => Some(Attention {
            groups: approvers.to_vec(),
            say: wanted(live),
        }),
        _ => None,
    }
}

/// What whoever may answer is called for, and how often they were.
fn wanted(live: &Live) -> String {
    let about_undo = matches!(live.state.phase(), Some(Phase::Undoing));
    let what = if about_undo { "the undo of a step" } else { "a step" };
    let say = format!("Somebody must say what became of {what}.");
    let Some(waits) = live.state.waits.as_ref().filter(|waits| waits.reminders > 0) else {
        return say;
    };
    let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC");
    let waited = waits.called.duration_since(waits.since).as_mins().max(0);
    let locks: Vec<String> = waits
        .held
        .iter()
        .map(|lock| format!("{} since {}", lock.key, day(lock.since)))
        .collect();
    let locks = if locks.is_empty() {
        "Nothing is locked by it.".to_owned()
    } else {
        format!("Locked meanwhile: {}.", locks.join(", "))
    };
    format!(
        "{say} Reminder {}: it has waited for {}, since {}. {locks}",
        waits.reminders,
        show(Duration::from_secs(waited.unsigned_abs() * 60)),
        day(waits.since),
    )
}

/// What people write as a reason mostly has no full stop, and the next sentence begins behind it.
fn closed(say: &str) -> String {
    let stop = if say.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{say}{stop}")
}

/// The sentence that a run ends with.
pub fn closing_say(live: &Live, outcome: Outcome) -> String {
    let state = &live.state;
    if state.any_undo() {
        return undone::closing(live, outcome);
    }
    let stopped = state.stop.as_ref().map(|person| format!(" Stopped by {person}."));
    let said: Vec<(Option<StepOutcome>, String)> = (0..state.steps.len())
        .filter_map(|index| {
            let outcome = match &state.steps[index] {
                StepState::Ended { outcome, .. } | StepState::Undone { outcome, .. } => Some(*outcome),
                _ => None,
            };
            step_say(live, index).map(|say| (outcome, say))
        })
        .collect();
    let left = format!(" {}{}", time_over(live), left(live));
    let sentences = if said.len() <= SENTENCES {
        said.iter().map(|(_, say)| closed(say)).collect::<Vec<_>>().join(" ")
    } else {
        let count = |wanted| said.iter().filter(|(outcome, _)| *outcome == Some(wanted)).count();
        let mut words: Vec<String> = [
            (StepOutcome::Done, "done"),
            (StepOutcome::Skipped, "with nothing to do"),
            (StepOutcome::Failed, "failed"),
        ]
        .into_iter()
        .filter(|(wanted, _)| count(*wanted) > 0)
        .map(|(wanted, word)| format!("{} {word}", count(wanted)))
        .collect();
        words.push(format!("of {} steps", state.steps.len()));
        let bad: Vec<&str> = said
            .iter()
            .filter(|(outcome, _)| !matches!(outcome, Some(StepOutcome::Done | StepOutcome::Skipped)))
            .map(|(_, say)| say.as_str())
            .take(SENTENCES)
            .collect();
        format!("{}. {}", words.join(", ").replace(", of", " of"), bad.join(" "))
            .trim_end()
            .to_owned()
    };
    let left = left.trim();
    let all = [sentences.as_str(), stopped.as_deref().unwrap_or_default().trim(), left];
    let all: Vec<&str> = all.into_iter().filter(|say| !say.is_empty()).collect();
    all.join(" ")
}

fn time_over(live: &Live) -> String {
    let deadline = live.plan().deadline.filter(|_| live.state.time_over);
    deadline.map_or_else(String::new, |seconds| {
        format!("Its time of {} was over.", show(Duration::from_secs(seconds)))
    })
}

/// The steps that nothing came of: those that were not begun, and one that was called in vain and then not again.
fn left(live: &Live) -> String {
    let steps = &live.state.steps;
    let not_begun = steps
        .iter()
        .filter(|step| matches!(step, StepState::Waiting { attempts: 0, .. }))
        .count();
    let in_vain = steps
        .iter()
        .zip(&live.plan().steps)
        .find_map(|(step, planned)| match step {
            StepState::Waiting { attempts, .. } if *attempts > 0 => Some(format!(
                " {} was tried {} in vain and certainly not done.",
                planned.name,
                if *attempts == 1 {
                    "once".to_owned()
                } else {
                    format!("{attempts} times")
                }
            )),
            _ => None,
        });
    let not_begun = match (not_begun, steps.len()) {
        (0, _) => String::new(),
        (all, total) if all == total => " Nothing was done.".to_owned(),
        (left, total) => format!(" {left} of {total} steps were not begun."),
    };
    in_vain.unwrap_or_default() + &not_begun
}
