//! `/signalbox WORD ...`: everything that is not a runbook's own command. Reads words and decides nothing.

use crate::request::link::{Code, LinkAsk};
use crate::request::{Ask, Resolution, Words};

/// The app's own slash command.
pub const COMMAND: &str = "signalbox";

/// The words that mean something else than a runbook after [`COMMAND`]. A runbook of such a name is still reached by its
/// own slash command.
pub const RESERVED: [&str; 13] = [
    "approve", "deny", "stop", "undo", "override", "resolve", "pause", "resume", "unlock", "help", "runs", "link",
    "unlink",
];

/// What is asked about linked accounts, where the words do; so they are read before anything of them is kept.
pub(super) fn link(text: &str) -> Option<LinkAsk> {
    let (word, rest) = word(text);
    match word.as_str() {
        "link" if rest.is_empty() => Some(LinkAsk::Begin),
        "link" => Some(LinkAsk::Finish(Code::typed(rest))),
        "unlink" => Some(LinkAsk::Unlink),
        _ => None,
    }
}

/// The error is the usage, for the person who typed.
pub(super) fn parse(text: &str) -> Result<Ask, String> {
    let (word, rest) = word(text);
    match word.as_str() {
        "" => Ok(Ask::Help { runbook: None }),
        "help" => optional(rest, "help [RUNBOOK]").map(|runbook| Ask::Help { runbook }),
        "runs" => nothing(rest, "runs").map(|()| Ask::Runs),
        "approve" => one(rest, "approve RUN").map(|run| Ask::Approve { run, digest: None }),
        "deny" => one(rest, "deny RUN").map(|run| Ask::Deny { run }),
        "stop" => one(rest, "stop RUN").map(|run| Ask::Stop { run }),
        "undo" => one(rest, "undo RUN").map(|run| Ask::Undo { run }),
        "override" => reasoned(rest, "override RUN REASON").map(|(run, reason)| Ask::Override { run, reason }),
        "unlock" => reasoned(rest, "unlock KEY REASON").map(|(key, reason)| Ask::Unlock { key, reason }),
        "pause" => optional(rest, "pause [RUNBOOK]").map(|runbook| Ask::Pause { runbook }),
        "resume" => optional(rest, "resume [RUNBOOK]").map(|runbook| Ask::Resume { runbook }),
        "resolve" => resolve(rest),
        runbook => Ok(Ask::Run {
            runbook: runbook.trim_start_matches('/').to_owned(),
            words: Words::Line(rest.to_owned()),
            dry: false,
        }),
    }
}

fn resolve(rest: &str) -> Result<Ask, String> {
    const USAGE: &str = "resolve RUN STEP done|not-done|abandon REASON";
    let (run, rest) = word(rest);
    let (step, rest) = word(rest);
    let (how, reason) = word(rest);
    let resolution = match how.as_str() {
        "done" => Resolution::Done,
        "not-done" => Resolution::NotDone,
        "abandon" => Resolution::Abandon,
        _ => return Err(usage(USAGE)),
    };
    if run.is_empty() || step.is_empty() || reason.is_empty() {
        return Err(usage(USAGE));
    }
    Ok(Ask::Resolve {
        run,
        step,
        resolution,
        reason: reason.to_owned(),
    })
}

fn nothing(rest: &str, form: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(usage(form)) }
}

fn optional(rest: &str, form: &str) -> Result<Option<String>, String> {
    let (first, rest) = word(rest);
    nothing(rest, form)?;
    Ok(Some(first).filter(|first| !first.is_empty()))
}

fn one(rest: &str, form: &str) -> Result<String, String> {
    optional(rest, form)?.ok_or_else(|| usage(form))
}

fn reasoned(rest: &str, form: &str) -> Result<(String, String), String> {
    let (first, reason) = word(rest);
    if first.is_empty() || reason.is_empty() {
        Err(usage(form))
    } else {
        Ok((first, reason.to_owned()))
    }
}

fn usage(form: &str) -> String {
    format!("That is not complete. Type: /{COMMAND} {form}")
}

/// The first word and what follows it. Double quotes group, since a step's name may hold blanks.
fn word(text: &str) -> (String, &str) {
    let text = text.trim();
    if let Some((quoted, rest)) = text.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
        return (quoted.to_owned(), rest.trim_start());
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first.to_owned(), rest.trim_start())
}
