//! `/runbooks`, and the form of one.

use super::place::Back;
use super::visitor::{Sent, Visitor, field};
use super::{Console, Trouble};
use crate::dispatch::overview::runnable;
use crate::platform::console::render::page::Here;
use crate::platform::console::render::runbook::{Entered, Entry, Form, form as form_page, runbooks};
use crate::report::form;
use crate::request::{Ask, Words};
use crate::runbook::Runbook;
use crate::runbook::action::Effect;
use crate::runbook::input::interpret;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn list(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Result<Response, Trouble> {
    let all = runnable(&visitor.rules, &visitor.asker());
    let wanted = search.q.trim().to_lowercase();
    let entry = |runbook: &Runbook, why_not: Option<String>| Entry {
        name: runbook.name.clone(),
        summary: runbook.summary.clone(),
        effect: effect(runbook),
        why_not,
    };
    let mine = all.mine.iter().map(|runbook| entry(runbook, None));
    let others = all
        .others
        .iter()
        .map(|(runbook, why)| entry(runbook, Some(why.clone())));
    let entries: Vec<Entry> = mine
        .chain(others)
        .filter(|entry| {
            format!("{} {}", entry.name, entry.summary)
                .to_lowercase()
                .contains(&wanted)
        })
        .collect();
    console
        .page(&visitor, "Runbooks", Here::Runbooks, |_, _| {
            runbooks(&entries, search.q.trim())
        })
        .await
}

pub(super) async fn form(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    match console.mine(&visitor, &name) {
        Ok(runbook) => console.form(&visitor, &runbook, &given, &[]).await,
        Err(response) => Ok(*response),
    }
}

/// The form was sent. What is wrong with it is told beside its fields; what is right goes the way of every request.
pub(super) async fn sent(
    State(console): State<Arc<Console>>,
    Path(name): Path<String>,
    sent: Sent,
) -> Result<Response, Trouble> {
    let runbook = match console.mine(&sent.visitor, &name) {
        Ok(runbook) => runbook,
        Err(response) => return Ok(*response),
    };
    let (pairs, run) = typed(&sent.fields);
    let words = Words::Named(pairs.clone());
    if let Err(problems) = interpret(&runbook, &words) {
        let mut response = console.form(&sent.visitor, &runbook, &pairs, &problems).await?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let ask = Ask::Run {
        runbook: name,
        words,
        dry: !run,
    };
    let nonce = sent.field("nonce");
    console.ask(&sent.visitor, ask, nonce, sent.script, Back::Run).await
}

/// What was typed into a form, and whether it is to be run. An input may be called like a field of ours: those stand
/// before and behind all inputs.
fn typed(fields: &[(String, String)]) -> (Vec<(String, String)>, bool) {
    let mut pairs = fields.to_vec();
    for ours in ["csrf", "nonce"] {
        if let Some(at) = pairs.iter().position(|(name, _)| name == ours) {
            pairs.remove(at);
        }
    }
    let pressed = pairs.iter().rposition(|(name, _)| name == "do");
    let run = pressed.is_some_and(|at| pairs.remove(at).1 == "run");
    (pairs, run)
}

impl Console {
    /// The runbook, if the visitor may ask for it.
    fn mine(&self, visitor: &Visitor, name: &str) -> Result<Arc<Runbook>, Box<Response>> {
        let all = runnable(&visitor.rules, &visitor.asker());
        if let Some(runbook) = all.mine.into_iter().find(|runbook| runbook.name == name) {
            return Ok(runbook);
        }
        let (status, say) = match all.others.into_iter().find(|(runbook, _)| runbook.name == name) {
            Some((_, why)) => (StatusCode::FORBIDDEN, why),
            None => (
                StatusCode::NOT_FOUND,
                "There is no runbook of that name that you may run.".to_owned(),
            ),
        };
        let ways = [("/runbooks", "All runbooks")];
        Err(Box::new(self.say(status, "Not this runbook", &say, &ways)))
    }

    async fn form(
        &self,
        visitor: &Visitor,
        runbook: &Runbook,
        given: &[(String, String)],
        problems: &[String],
    ) -> Result<Response, Trouble> {
        let flaws = runbook.flaws(problems.to_vec());
        let of = |name: Option<&str>| -> Vec<String> {
            let flaws = flaws.iter().filter(|flaw| flaw.field.as_deref() == name);
            flaws.map(|flaw| flaw.say.clone()).collect()
        };
        let entered = |field: form::Field| Entered {
            value: self::field(given, &field.name).to_owned(),
            problems: of(Some(&field.name)),
            field,
        };
        let fields: Vec<Entered> = runbook.form().fields.into_iter().map(entered).collect();
        let rest = of(None);
        let usage = runbook.usage();
        let title = format!("/{}", runbook.name);
        self.page(visitor, &title, Here::Runbooks, |guest, nonce| {
            let view = Form {
                name: &runbook.name,
                summary: &runbook.summary,
                section: runbook.section.as_deref(),
                effect: effect(runbook),
                usage: &usage,
                fields: &fields,
                problems: &rest,
            };
            form_page(&view, guest, nonce)
        })
        .await
    }
}

fn effect(runbook: &Runbook) -> &'static str {
    match runbook.effect() {
        Effect::Read => "only reads",
        Effect::Write => "writes",
        Effect::Destructive => "destroys",
    }
}

#[cfg(test)]
mod tests {
    use super::typed;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_input_may_be_called_like_a_field_of_ours() {
        for (button, run) in [("plan", false), ("run", true)] {
            let form = pairs(&[
                ("csrf", "secret"),
                ("nonce", "n"),
                ("do", "run"),
                ("nonce", "7"),
                ("csrf", "mine"),
                ("do", button),
            ]);
            let inputs = pairs(&[("do", "run"), ("nonce", "7"), ("csrf", "mine")]);
            assert_eq!(typed(&form), (inputs, run));
        }
        assert_eq!(typed(&[]), (Vec::new(), false));
    }
}
