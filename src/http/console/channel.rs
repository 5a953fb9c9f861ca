//! `/`: what happened, and the line to type in.

use super::place::Back;
use super::visitor::{Sent, Visitor};
use super::{Console, Trouble};
use crate::dispatch::overview::{examples, may_view, runnable};
use crate::platform::console::receive;
use crate::platform::console::render::channel::{Channel, channel};
use crate::platform::console::render::page::Here;
use crate::store::lists::RunFilter;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::sync::Arc;

/// Messages on the page.
const MESSAGES: usize = 30;

/// Runs that are read to find so many that the visitor may see.
const READ: i64 = 200;

/// Things to try.
const EXAMPLES: usize = 3;

/// An order of the demo that the policy wants a second person for; the runbook's own examples cannot know it. It is kept
/// so by the demo's seed, demo/shop/store/management/commands/seed.py.
const DEMO_SECOND_PERSON: (&str, &str) = (
    "/forward-order 1052",
    "An order of more than USD 1000: a second person is asked.",
);

pub(super) async fn show(State(console): State<Arc<Console>>, visitor: Visitor) -> Result<Response, Trouble> {
    console.channel(&visitor, "", None).await
}

/// A line was typed.
pub(super) async fn typed(State(console): State<Arc<Console>>, sent: Sent) -> Result<Response, Trouble> {
    let line = sent.field("line");
    match receive::line(line) {
        Ok(ask) => {
            let nonce = sent.field("nonce");
            console.ask(&sent.visitor, ask, nonce, sent.script, Back::Channel).await
        }
        Err(misread) if sent.script => Ok((StatusCode::UNPROCESSABLE_ENTITY, misread.to_string()).into_response()),
        Err(misread) => console.channel(&sent.visitor, line, Some(&misread.to_string())).await,
    }
}

impl Console {
    async fn channel(&self, visitor: &Visitor, typed: &str, problem: Option<&str>) -> Result<Response, Trouble> {
        // Before anything is read: what changes meanwhile comes by the stream, twice at worst.
        let since = Timestamp::now().as_microsecond();
        let desk = &self.station.desk;
        let asker = visitor.asker();
        let found = desk.store.find_runs(&RunFilter::default(), READ).await?;
        let mut messages = Vec::new();
        let mut more = false;
        for run in found {
            if !may_view(&visitor.rules, &asker, &run.line.runbook) {
                continue;
            }
            if messages.len() == MESSAGES {
                more = true;
                break;
            }
            messages.extend(self.message_in_sight(visitor, &run.line.id).await?);
        }
        for answer in desk.store.answers(&visitor.session.id, MESSAGES as i64).await? {
            messages.push(self.answer_message(visitor, &answer.request, answer.report).await?);
        }
        messages.sort_by_key(|message| message.at);
        more |= messages.len() > MESSAGES;
        messages.drain(..messages.len().saturating_sub(MESSAGES));
        let runnable = runnable(&visitor.rules, &asker);
        let mut examples = examples(&runnable);
        if self.door.demo() && runnable.mine.iter().any(|runbook| runbook.name == "forward-order") {
            examples.insert(
                examples.len().min(1),
                (DEMO_SECOND_PERSON.0.to_owned(), DEMO_SECOND_PERSON.1.to_owned()),
            );
        }
        examples.truncate(EXAMPLES);
        self.page(visitor, "Channel", Here::Channel, |guest, nonce| {
            let view = Channel {
                messages: &messages,
                examples: &examples,
                since,
                typed,
                problem,
                more,
            };
            channel(&view, guest, nonce)
        })
        .await
    }
}
