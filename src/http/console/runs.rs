//! `/runs`: all runs, with filter and search.

use super::visitor::Visitor;
use super::{Console, Trouble};
use crate::dispatch::overview::may_view;
use crate::platform::console::render::page::Here;
use crate::platform::console::render::runs::{Line, Runs, runs};
use crate::platform::console::render::{RUN_OUTCOMES, word};
use crate::store::lists::{FoundRun, RunFilter};
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Runs on one page.
const PAGE: usize = 50;

/// Runs that are read at once, and how often, to find so many that the visitor may see.
const BATCH: i64 = 100;
const BATCHES: usize = 10;

/// Longer texts are not looked for.
const MAX_TEXT: usize = 200;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    outcome: String,
    runbook: String,
    person: String,
    before: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let since = Timestamp::now().as_microsecond();
    let given =
        |text: &str| Some(text.trim().chars().take(MAX_TEXT).collect::<String>()).filter(|text| !text.is_empty());
    let mut filter = RunFilter {
        outcome: RUN_OUTCOMES.into_iter().find(|outcome| word(*outcome) == asked.outcome),
        runbook: given(&asked.runbook),
        person: given(&asked.person),
        text: given(&asked.q),
        before: cursor(&asked.before),
    };
    let paged = filter.before.is_some();
    let (store, asker) = (&console.station.desk.store, visitor.asker());
    let mut seen: HashMap<String, bool> = HashMap::new();
    let mut found: Vec<FoundRun> = Vec::new();
    let mut more = false;
    'reading: for _ in 0..BATCHES {
        let batch = store.find_runs(&filter, BATCH).await?;
        let last = batch.len() < BATCH as usize;
        for run in batch {
            if found.len() == PAGE {
                more = true;
                break 'reading;
            }
            filter.before = Some((run.line.created, run.line.id.clone()));
            let visible = *seen
                .entry(run.line.runbook.clone())
                .or_insert_with(|| may_view(&visitor.rules, &asker, &run.line.runbook));
            if visible {
                found.push(run);
            }
        }
        more = !last;
        if last {
            break;
        }
    }
    let next = filter
        .before
        .as_ref()
        .filter(|_| more)
        .map(|before| address(&asked, before));
    let lines: Vec<Line> = found.into_iter().map(|run| line(&console, run)).collect();
    let runbooks: Vec<String> = visitor
        .rules
        .catalog
        .runbooks()
        .map(|runbook| runbook.name.clone())
        .filter(|name| may_view(&visitor.rules, &asker, name))
        .collect();
    let persons: Vec<String> = visitor
        .rules
        .people
        .persons()
        .map(|person| person.name.clone())
        .collect();
    console
        .page(&visitor, "Runs", Here::Runs, |_, _| {
            runs(&Runs {
                since,
                lines: &lines,
                outcome: filter.outcome,
                runbook: filter.runbook.as_deref().unwrap_or_default(),
                person: filter.person.as_deref().unwrap_or_default(),
                text: filter.text.as_deref().unwrap_or_default(),
                runbooks: &runbooks,
                persons: &persons,
                next,
                paged,
            })
        })
        .await
}

fn line(console: &Console, run: FoundRun) -> Line {
    let redacted =
        |text: Option<String>| text.map_or_else(String::new, |text| console.redactor.redact(&text).into_owned());
    Line {
        title: format!("/{} {}", run.line.runbook, redacted(run.inputs))
            .trim_end()
            .to_owned(),
        say: redacted(run.said),
        id: run.line.id,
        person: run.line.person,
        at: run.line.created,
        outcome: run.line.outcome,
    }
}

/// `MICROSECONDS-RUN`; what is none means from the newest.
fn cursor(text: &str) -> Option<(Timestamp, String)> {
    let (at, run) = text.split_once('-')?;
    let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
    Some((at, run.to_owned()))
}

fn address(asked: &Asked, (at, run): &(Timestamp, String)) -> String {
    let before = format!("{}-{run}", at.as_microsecond());
    let pairs = [
        ("q", &asked.q),
        ("outcome", &asked.outcome),
        ("runbook", &asked.runbook),
        ("person", &asked.person),
        ("before", &before),
    ];
    let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    Url::parse_with_params("http://x/runs", given).map_or_else(
        |_| "/runs".to_owned(),
        |url| format!("/runs?{}", url.query().unwrap_or_default()),
    )
}
