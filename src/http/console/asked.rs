//! `/asked/REQUEST`: what became of something that was asked.

use super::place::Back;
use super::visitor::{Sent, Visitor, by_script};
use super::{Console, Trouble};
use crate::platform::console::render::message::message;
use crate::platform::console::render::page::{Here, sentence};
use crate::request::{Ask, Words};
use crate::store::deliveries::Progress;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use std::sync::Arc;
use std::time::Duration;

/// The script waits by asking once; a page loads again by itself.
const LONG: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(500);

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(request): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    if !console.asked_by(&visitor, &request).await? {
        return Ok(console.no_such_question());
    }
    let script = by_script(&headers);
    let progress = console.settled(&request, if script { LONG } else { SHORT }).await?;
    if script {
        return console.fragment(&visitor, &request, progress).await;
    }
    match progress {
        Progress::Run(run) => Ok(Redirect::to(&format!("/runs/{run}")).into_response()),
        Progress::Answered(report) => {
            let answer = console.answer_message(&visitor, &request, *report).await?;
            let body = html! {
                main #main {
                    h1.unseen { "Answer" }
                    (message(&answer))
                    p.ways { a.button href="/" { "To the channel" } }
                }
            };
            console.page(&visitor, "Answer", Here::Elsewhere, |_, _| body).await
        }
        Progress::Pending => {
            let body = sentence(
                "Signalbox is at it",
                "What you asked for is stored, and is being looked at. This page loads again by itself.",
                &[("/", "To the channel")],
            );
            console
                .page_that_loads_again(&visitor, "Asked", Here::Elsewhere, true, |_, _| body)
                .await
        }
    }
}

/// Runs what a dry run showed: the same inputs, decided anew.
pub(super) async fn run(
    State(console): State<Arc<Console>>,
    Path(request): Path<String>,
    sent: Sent,
) -> Result<Response, Trouble> {
    if !console.asked_by(&sent.visitor, &request).await? {
        return Ok(console.no_such_question());
    }
    let stored = console.station.desk.store.request_body(&request).await?;
    let Ask::Run { runbook, words, .. } = stored.ask else {
        return Ok(console.no_such_question());
    };
    let words = match words {
        Words::Line(line) => Words::Line(without_dry(&line).to_owned()),
        named => named,
    };
    let ask = Ask::Run {
        runbook,
        words,
        dry: false,
    };
    let nonce = sent.field("nonce");
    console.ask(&sent.visitor, ask, nonce, sent.script, Back::Run).await
}

fn without_dry(line: &str) -> &str {
    let line = line.trim_end();
    match line.strip_suffix("dry") {
        Some(rest) if rest.is_empty() || rest.ends_with(char::is_whitespace) => rest.trim_end(),
        _ => line,
    }
}

impl Console {
    async fn asked_by(&self, visitor: &Visitor, request: &str) -> Result<bool, Trouble> {
        let at = self.station.desk.store.asked_at(request, &visitor.session.id).await?;
        Ok(at.is_some())
    }

    fn no_such_question(&self) -> Response {
        self.say(
            StatusCode::NOT_FOUND,
            "Not here",
            "Nothing of that name was asked in this session.",
            &[("/", "To the channel")],
        )
    }
}
