//! The console's pages as HTML. Everything that people or systems wrote is escaped by maud, and what would steer a
//! reader instead of being read (control characters, turns of direction) is spelled out.

pub mod alerts;
pub mod approvals;
pub mod channel;
pub mod message;
pub mod page;
pub mod run;
pub mod runbook;
pub mod runs;
pub mod sign_in;

use crate::report::Outcome;
use crate::report::terminal;
use jiff::Timestamp;
use maud::{Markup, html};

/// Text of others, line by line.
pub(crate) fn shown(text: &str) -> String {
    text.lines().map(terminal::shown).collect::<Vec<_>>().join("\n")
}

/// A sentence, in which what stands between backticks is set as code.
pub(crate) fn said(text: &str) -> Markup {
    let text = shown(text);
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick is a letter like another.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A moment without its year and seconds, which are told on hovering.
pub(crate) fn moment(at: Timestamp) -> Markup {
    html! {
        time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) title=(at.strftime("%Y-%m-%d %H:%M:%S UTC")) {
            (at.strftime("%m-%d %H:%M UTC"))
        }
    }
}

/// A moment in a journal.
pub(crate) fn exact(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_string()) title=(at.strftime("%Y-%m-%d UTC")) { (at.strftime("%H:%M:%S%.3f")) } }
}

/// A mark beside the word, so that neither colour nor reading is needed to tell states apart.
pub(crate) fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "✓",
        Outcome::NothingToDo => "=",
        Outcome::PartlyDone => "◐",
        Outcome::Failed => "✕",
        Outcome::Undone => "↶",
        Outcome::Stopped => "■",
        Outcome::NeedsPerson => "?",
        Outcome::AwaitingApproval => "◷",
        Outcome::Running => "▸",
        Outcome::Denied | Outcome::Refused => "⊘",
        Outcome::Invalid => "!",
    }
}

/// Which of four moods a state is coloured in.
pub(crate) fn mood(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "good",
        Outcome::Running => "busy",
        Outcome::AwaitingApproval | Outcome::NeedsPerson | Outcome::Stopped | Outcome::PartlyDone => "wait",
        Outcome::Failed | Outcome::Undone => "bad",
        Outcome::NothingToDo | Outcome::Denied | Outcome::Refused | Outcome::Invalid => "calm",
    }
}

/// The state in a word, with its mark.
pub(crate) fn state(outcome: Outcome, dry: bool) -> Markup {
    html! {
        @if dry {
            span.state.calm { span.mark aria-hidden="true" { "◇" } " dry run" }
        } @else {
            span class={ "state " (mood(outcome)) } {
                span.mark aria-hidden="true" { (mark(outcome)) } " " (outcome.words())
            }
        }
    }
}

/// The word in addresses and selections.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::NothingToDo => "nothing-to-do",
        Outcome::PartlyDone => "partly-done",
        Outcome::Failed => "failed",
        Outcome::Undone => "undone",
        Outcome::Stopped => "stopped",
        Outcome::NeedsPerson => "needs-person",
        Outcome::AwaitingApproval => "awaiting-approval",
        Outcome::Running => "running",
        Outcome::Denied => "denied",
        Outcome::Refused => "refused",
        Outcome::Invalid => "invalid",
    }
}

/// Outcomes that a run can have, in the order of a selection.
pub const RUN_OUTCOMES: [Outcome; 10] = [
    Outcome::Running,
    Outcome::AwaitingApproval,
    Outcome::NeedsPerson,
    Outcome::Succeeded,
    Outcome::NothingToDo,
    Outcome::PartlyDone,
    Outcome::Failed,
    Outcome::Undone,
    Outcome::Stopped,
    Outcome::Denied,
];
