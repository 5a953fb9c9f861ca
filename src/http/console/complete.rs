//! `GET /complete?line=...`: how a line that is being typed may go on.

use super::Console;
use super::visitor::Visitor;
use crate::dispatch::overview::runnable;
use crate::platform::console::receive::WORDS;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const CHOICES: usize = 12;

#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    line: String,
}

/// One way to go on.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    /// The whole line with it.
    line: String,
    /// What people see first.
    value: String,
    /// What people see beside it.
    label: String,
}

pub(super) async fn complete(
    State(_console): State<Arc<Console>>,
    visitor: Visitor,
    Query(typed): Query<Typed>,
) -> Json<Vec<Choice>> {
    let typed = typed.line.trim_start();
    let typed = typed.strip_prefix('/').unwrap_or(typed);
    let all = runnable(&visitor.rules, &visitor.asker()).mine;
    if let Some((name, _)) = typed.split_once(' ') {
        let usage = all.iter().find(|runbook| runbook.name == name).map(|runbook| Choice {
            line: String::new(),
            value: format!("/{}", runbook.usage()),
            label: runbook.summary.clone(),
        });
        return Json(usage.into_iter().collect());
    }
    let runbooks = all.iter().map(|runbook| {
        let blank = if runbook.inputs.is_empty() { "" } else { " " };
        Choice {
            line: format!("/{}{blank}", runbook.name),
            value: format!("/{}", runbook.usage()),
            label: runbook.summary.clone(),
        }
    });
    let words = WORDS.iter().map(|(word, after)| Choice {
        line: format!("/{word} ").trim_end().to_owned() + if after.is_empty() { "" } else { " " },
        value: format!("/{word} {after}").trim_end().to_owned(),
        label: String::new(),
    });
    let fits = |choice: &Choice| choice.line.trim_start_matches('/').starts_with(typed);
    Json(runbooks.chain(words).filter(fits).take(CHOICES).collect())
}
