//! Steps: what went wrong, what is not known and what runs comes first; the rest is counted when it is much.

use super::fit::{Cut, Script};
use super::{Report, StepLine};
use crate::runbook::StepOutcome;

/// As many lines as are read without scrolling.
const MANY: usize = 12;

/// One step, with its sign.
pub fn line(step: &StepLine) -> String {
    let (symbol, word) = match state(step) {
        State::Failed => ("✗", " failed"),
        State::Unknown => ("?", " may have happened"),
        State::Running => ("►", " is running"),
        State::Done => ("✓", ""),
        State::Skipped => ("–", " skipped"),
        State::ToCome => ("·", ""),
    };
    let colon = if step.say.trim().is_empty() { "" } else { ": " };
    format!("{symbol} {}{word}{colon}{}", step.name, step.say)
}

/// All steps while they are few.
pub fn folded(script: &Script, steps: &[StepLine], limit: usize, more: &str, cut: &mut Cut) -> String {
    let title = format!("Steps: {}", counts(steps));
    if steps.len() <= MANY {
        let lines: Vec<String> = steps.iter().map(line).collect();
        return script.marked(&title, "", &lines, limit, more, cut);
    }
    cut.note();
    let mut matter: Vec<&StepLine> = steps
        .iter()
        .filter(|step| matches!(state(step), State::Failed | State::Unknown | State::Running))
        .collect();
    matter.sort_by_key(|step| state(step));
    let left = steps.len() - matter.len().min(MANY);
    let mut lines: Vec<String> = matter.into_iter().take(MANY).map(line).collect();
    lines.push(format!(
        "and {left} of {} steps that are not shown; {more}",
        steps.len()
    ));
    script.marked(&title, "", &lines, limit, more, cut)
}

/// The steps without the sentences that the message has said already, right above them.
pub fn unsaid(report: &Report, is_said_whole: bool) -> Vec<StepLine> {
    let lines = report.steps.iter().cloned().map(|mut step| {
        if is_said_whole && report.say.contains(step.say.trim()) {
            step.say.clear();
        }
        step
    });
    lines.collect()
}

fn counts(steps: &[StepLine]) -> String {
    let words = [
        (State::Failed, "failed"),
        (State::Unknown, "not known"),
        (State::Running, "running"),
        (State::Done, "done"),
        (State::Skipped, "skipped"),
        (State::ToCome, "to come"),
    ];
    let parts = words.iter().filter_map(|(wanted, word)| {
        let count = steps.iter().filter(|step| state(step) == *wanted).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// In the order in which people want to know of them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Failed,
    Unknown,
    Running,
    Done,
    Skipped,
    ToCome,
}

fn state(step: &StepLine) -> State {
    match step.outcome {
        Some(StepOutcome::Failed) => State::Failed,
        Some(StepOutcome::Unknown) => State::Unknown,
        Some(StepOutcome::Done) => State::Done,
        Some(StepOutcome::Skipped) => State::Skipped,
        None if step.begun => State::Running,
        None => State::ToCome,
    }
}
