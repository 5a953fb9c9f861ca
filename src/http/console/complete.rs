//! `GET /complete`: how a line, or the field of one input, may go on.

use super::Console;
use super::visitor::Visitor;
use crate::dispatch::completion::{Completion, Typist};
use crate::platform::console::receive::WORDS;
use crate::runbook::duration;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// More than anybody types, and more than anybody looks through.
const TYPED: usize = 8192;
const SHOWN: usize = 12;

/// What stands before the cursor: in the line, or in the field of an input.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Typed {
    Field {
        runbook: String,
        input: String,
        typed: String,
    },
    Line {
        line: String,
    },
}

/// What the script shows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Offered {
    choices: Vec<Offer>,
    /// That the choices are old, in words.
    stale: Option<String>,
    /// How the runbook is asked for.
    usage: Option<String>,
}

/// One way to go on.
#[derive(Debug, Serialize)]
struct Offer {
    /// The whole text with it.
    line: String,
    /// What people see first.
    value: String,
    /// What people see beside it.
    label: String,
}

pub(super) async fn complete(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Query(typed): Query<Typed>,
) -> Json<Offered> {
    let asker = visitor.asker();
    let typist = Typist {
        account: &asker.account,
        place: &asker.place,
        memberships: &asker.memberships,
    };
    let desk = &console.station.desk;
    let (text, completion) = match &typed {
        Typed::Field { typed, .. } | Typed::Line { line: typed } if typed.len() > TYPED => {
            (typed, Completion::default())
        }
        Typed::Field { runbook, input, typed } => (typed, desk.complete(typist, runbook, input, typed).await),
        Typed::Line { line } => (line, desk.complete_line(typist, line).await),
    };
    let mut offered = Offered {
        choices: choices(text, &completion),
        stale: completion.stale.map(|age| {
            let age = duration::show(std::time::Duration::from_secs(age.as_secs().unsigned_abs()));
            format!("The list cannot be read just now. This was known {age} ago.")
        }),
        usage: completion.usage,
    };
    if let Typed::Line { line } = &typed
        && !line.trim_start().contains(char::is_whitespace)
    {
        // Each is a runbook's name: what comes next are its inputs.
        offered.choices.iter_mut().for_each(|offer| {
            offer.line.push(' ');
            offer.value.insert(0, '/');
        });
        offered.choices.extend(words(line));
    }
    offered.choices.truncate(SHOWN);
    for offer in &mut offered.choices {
        offer.label = console.redactor.redact(&offer.label).into_owned();
    }
    Json(offered)
}

fn choices(text: &str, completion: &Completion) -> Vec<Offer> {
    let (Some(before), Some(after)) = (text.get(..completion.replace.start), text.get(completion.replace.end..)) else {
        return Vec::new();
    };
    completion
        .choices
        .iter()
        .map(|choice| Offer {
            line: format!("{before}{}{after}", choice.value),
            value: choice.value.clone(),
            label: choice.label.clone(),
        })
        .collect()
}

/// The words that begin so and are no runbooks.
fn words(line: &str) -> impl Iterator<Item = Offer> {
    let typed = line.trim_start().trim_start_matches('/');
    let fitting = WORDS.iter().filter(move |(word, _)| word.starts_with(typed));
    fitting.map(|(word, after)| Offer {
        line: format!("/{word}{}", if after.is_empty() { "" } else { " " }),
        value: format!("/{word} {after}").trim_end().to_owned(),
        label: String::new(),
    })
}
