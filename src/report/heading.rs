//! What a message says first: how it stands, of what, in words that every platform shows alike.

use super::fit::one_line;
use super::{Outcome, Report};

/// `✓ Succeeded: forward-order order=1042`.
pub fn heading(report: &Report) -> String {
    one_line(
        format!(
            "{} {}: {} {}",
            symbol(report),
            words(report),
            report.runbook,
            report.inputs
        )
        .trim_end(),
    )
}

/// The heading, and what is said.
pub fn summary(report: &Report) -> String {
    let heading = heading(report);
    if report.say.trim().is_empty() {
        heading
    } else {
        format!("{heading}\n{}", report.say)
    }
}

/// So many entries of the history that are not shown.
pub fn earlier(count: usize) -> String {
    let entries = if count == 1 { "entry" } else { "entries" };
    format!("{count} earlier {entries}")
}

/// How it stands, with a capital letter.
pub fn words(report: &Report) -> String {
    let words = report.outcome.words();
    match report.outcome {
        Outcome::Denied | Outcome::Refused | Outcome::Invalid | Outcome::NothingToDo if report.dry => {
            format!("Dry run, {words}")
        }
        _ if report.dry => "Dry run, nothing was done".to_owned(),
        _ => {
            let mut chars = words.chars();
            chars
                .next()
                .map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
        }
    }
}

/// Characters that no platform turns into pictures.
pub fn symbol(report: &Report) -> &'static str {
    match report.outcome {
        Outcome::Denied | Outcome::Refused => "⊘",
        Outcome::Invalid => "!",
        Outcome::NothingToDo => "=",
        _ if report.dry => "○",
        Outcome::Succeeded => "✓",
        Outcome::PartlyDone => "◐",
        Outcome::Failed => "✗",
        Outcome::Undone => "↶",
        Outcome::Stopped => "■",
        Outcome::NeedsPerson => "?",
        Outcome::AwaitingApproval => "…",
        Outcome::Running => "►",
    }
}
