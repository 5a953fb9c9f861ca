//! `/signalbox WORD ...`: everything that is not a runbook's own command. Reads options and decides nothing.

use super::super::press::Reasoned;
use super::Given;
use crate::request::link::{Code, LinkAsk};
use crate::request::{Ask, Resolution};

pub(super) enum Own {
    Asks(Ask),
    /// Something about linked accounts.
    Links(LinkAsk),
    /// It takes a reason, and none was given.
    Reasoned(Reasoned),
    /// What is wrong, for the person who typed.
    Usage(String),
}

pub(super) fn read(given: &[Given<'_>]) -> Own {
    let Some(word) = given.first() else {
        return Own::Asks(Ask::Help { runbook: None });
    };
    let option = |name: &str| {
        let found = word.options.iter().find(|option| option.name == name)?;
        found.value.clone().filter(|value| !value.trim().is_empty())
    };
    let runbook = || option("runbook").map(|name| name.trim_start_matches('/').to_owned());
    let ask = match word.name {
        "help" => Some(Ask::Help { runbook: runbook() }),
        "link" => {
            return Own::Links(option("code").map_or(LinkAsk::Begin, |code| LinkAsk::Finish(Code::typed(&code))));
        }
        "unlink" => return Own::Links(LinkAsk::Unlink),
        "runs" => Some(Ask::Runs),
        "pause" => Some(Ask::Pause { runbook: runbook() }),
        "resume" => Some(Ask::Resume { runbook: runbook() }),
        "deny" => option("run").map(|run| Ask::Deny { run }),
        "stop" => option("run").map(|run| Ask::Stop { run }),
        "undo" => option("run").map(|run| Ask::Undo { run }),
        "unlock" => option("key")
            .zip(option("reason"))
            .map(|(key, reason)| Ask::Unlock { key, reason }),
        "override" => match (option("run"), option("reason")) {
            (Some(run), Some(reason)) => Some(Ask::Override { run, reason }),
            (Some(run), None) if is_run(&run) => return Own::Reasoned(Reasoned::Override { run }),
            _ => None,
        },
        "resolve" => resolve(option),
        unknown => {
            let known = super::super::commands::own_words().join(", ");
            return Own::Usage(format!("There is no /signalbox {unknown}. There are: {known}."));
        }
    };
    ask.map_or_else(
        || Own::Usage(format!("That is not complete: /signalbox {} takes more.", word.name)),
        Own::Asks,
    )
}

fn resolve(option: impl Fn(&str) -> Option<String>) -> Option<Ask> {
    let resolution = match option("outcome")?.as_str() {
        "done" => Resolution::Done,
        "not-done" => Resolution::NotDone,
        "abandon" => Resolution::Abandon,
        _ => return None,
    };
    Some(Ask::Resolve {
        run: option("run")?,
        step: option("step")?,
        resolution,
        reason: option("reason")?,
    })
}

/// It becomes a part of a form's id.
fn is_run(run: &str) -> bool {
    (1..=32).contains(&run.len()) && run.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
