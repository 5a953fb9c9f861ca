//! What a form of the console asks for. Reads words and decides nothing.

use crate::report::Press;
use crate::request::{AlertAct, Ask, Resolution, Words};

/// Longer lines are not commands.
const MAX_LINE: usize = 8192;

/// The words that mean something else than a runbook at the beginning of a line, with what follows them.
pub const WORDS: [(&str, &str); 9] = [
    ("help", "[RUNBOOK]"),
    ("runs", ""),
    ("stop", "RUN"),
    ("deny", "RUN"),
    ("undo", "RUN"),
    ("override", "RUN REASON"),
    ("pause", "[RUNBOOK]"),
    ("resume", "[RUNBOOK]"),
    ("unlock", "KEY REASON"),
];

/// Why a form asks for nothing. The words are for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misread {
    /// Nothing was typed.
    #[error("Nothing was typed. A command begins with a slash, such as /help.")]
    Empty,
    /// More than anybody types.
    #[error("That is too long: {MAX_LINE} bytes are the most.")]
    Long,
    /// A word with too few or too many words after it.
    #[error("That is not complete. Type: /{0}")]
    Usage(String),
    /// A button that is none of ours.
    #[error("This button is not known. Reload the page and press it again.")]
    Button,
}

/// What a typed line asks for. The slash may be left out.
pub fn line(typed: &str) -> Result<Ask, Misread> {
    let typed = typed.trim();
    if typed.len() > MAX_LINE {
        return Err(Misread::Long);
    }
    let typed = typed.strip_prefix('/').unwrap_or(typed);
    let (first, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rest = rest.trim();
    let usage = || {
        let form = WORDS.iter().find(|(word, _)| *word == first);
        let (word, after) = form.copied().unwrap_or((first, ""));
        Misread::Usage(format!("{word} {after}").trim_end().to_owned())
    };
    let optional = || match rest {
        "" => Ok(None),
        one if !one.contains(char::is_whitespace) => Ok(Some(one.trim_start_matches('/').to_owned())),
        _ => Err(usage()),
    };
    let one = || optional()?.ok_or_else(usage);
    let reasoned = || match rest.split_once(char::is_whitespace) {
        Some((one, reason)) => Ok((one.to_owned(), reason.trim().to_owned())),
        None => Err(usage()),
    };
    Ok(match first {
        "" => return Err(Misread::Empty),
        "help" => Ask::Help { runbook: optional()? },
        "runs" if rest.is_empty() => Ask::Runs,
        "runs" => return Err(usage()),
        "stop" => Ask::Stop { run: one()? },
        "deny" => Ask::Deny { run: one()? },
        "undo" => Ask::Undo { run: one()? },
        "pause" => Ask::Pause { runbook: optional()? },
        "resume" => Ask::Resume { runbook: optional()? },
        "override" => {
            let (run, reason) = reasoned()?;
            Ask::Override { run, reason }
        }
        "unlock" => {
            let (key, reason) = reasoned()?;
            Ask::Unlock { key, reason }
        }
        runbook => Ask::Run {
            runbook: runbook.to_owned(),
            words: Words::Line(rest.to_owned()),
            dry: false,
        },
    })
}

/// The value of a button, which [`pressed`] reads back.
pub fn value(press: &Press) -> String {
    match press {
        Press::Approve { digest } => format!("approve {digest}"),
        Press::Deny => "deny".to_owned(),
        Press::Stop => "stop".to_owned(),
        Press::Undo => "undo".to_owned(),
        Press::Offer { index } => format!("offer {index}"),
        Press::Alert(act) => format!("alert {}", act.word()),
        Press::Resolve { step, resolution } => {
            let how = match resolution {
                Resolution::Done => "done",
                Resolution::NotDone => "not-done",
                Resolution::Abandon => "abandon",
            };
            format!("resolve {how} {step}")
        }
    }
}

/// The value of the button that starts a run without its approval. It is no [`Press`]: no report offers it.
pub const OVERRIDE: &str = "override";

/// What a pressed button of a run asks for.
pub fn pressed(run: &str, value: &str, reason: &str) -> Result<Ask, Misread> {
    let run = run.to_owned();
    let (word, rest) = value.split_once(' ').unwrap_or((value, ""));
    Ok(match word {
        "approve" if !rest.is_empty() => Ask::Approve {
            run,
            digest: Some(rest.to_owned()),
        },
        "deny" => Ask::Deny { run },
        "stop" => Ask::Stop { run },
        "undo" => Ask::Undo { run },
        OVERRIDE => Ask::Override {
            run,
            reason: reason.to_owned(),
        },
        "offer" => Ask::Offer {
            run,
            index: rest.parse().map_err(|_| Misread::Button)?,
        },
        "alert" => Ask::Alert {
            alert: run,
            act: AlertAct::read(rest).ok_or(Misread::Button)?,
        },
        "resolve" => {
            let (how, step) = rest.split_once(' ').ok_or(Misread::Button)?;
            Ask::Resolve {
                run,
                step: step.to_owned(),
                resolution: match how {
                    "done" => Resolution::Done,
                    "not-done" => Resolution::NotDone,
                    "abandon" => Resolution::Abandon,
                    _ => return Err(Misread::Button),
                },
                reason: reason.to_owned(),
            }
        }
        _ => return Err(Misread::Button),
    })
}

#[cfg(test)]
mod tests;
