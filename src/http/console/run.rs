//! `/runs/ID`: one run whole, and its buttons.

use super::place::Back;
use super::visitor::{Sent, Visitor};
use super::{Console, Trouble};
use crate::dispatch::aside::Sight;
use crate::dispatch::asked::may_ask;
use crate::platform::console::receive;
use crate::platform::console::render::message::message;
use crate::platform::console::render::page::Here;
use crate::platform::console::render::run::{Approver, JournalLine, Posted, Whole, run};
use crate::report::Report;
use crate::run::journal::Entry;
use crate::run::ledger::Live;
use crate::run::telling::told;
use crate::store::aside::Outline;
use crate::store::messages::{DueMessage, MessageKind};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::html;
use serde_json::json;
use std::sync::Arc;

/// What is shown of one look.
const LOOK: usize = 8000;

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let (desk, since) = (&console.station.desk, Timestamp::now().as_microsecond());
    let live = match desk.in_sight(&visitor.rules, &visitor.asker(), &id).await? {
        Some(Sight::Live(live)) => live,
        Some(Sight::Aside(outline, report)) => return console.aside(&visitor, &outline, *report).await,
        None => return Ok(console.no_such_run()),
    };
    let message = console.run_message(&visitor, &live).await?;
    let plan = live.plan();
    let redact = |text: &str| console.redactor.redact(text).into_owned();
    let steps: Vec<String> = plan.steps.iter().map(|step| redact(&step.say)).collect();
    let looks: Option<Vec<(String, String)>> = may_look(&visitor, &live).then(|| {
        plan.looks
            .iter()
            .map(|(name, value)| {
                let json = redact(&format!("{value:#}"));
                let cut: String = json.chars().take(LOOK).collect();
                let dots = if cut.len() < json.len() { "\n…" } else { "" };
                (name.clone(), format!("{cut}{dots}"))
            })
            .collect()
    });
    let journal: Vec<JournalLine> = live
        .run
        .journal
        .iter()
        .map(|row| {
            let (what, say) = told(&row.entry, plan);
            JournalLine {
                seq: row.seq,
                at: row.at,
                what: redact(&what),
                say: redact(&say),
            }
        })
        .collect();
    let approvers: Vec<Approver> = live
        .run
        .journal
        .iter()
        .filter_map(|row| match &row.entry {
            Entry::Approved { by, policy, .. } => Some(Approver {
                person: by.person.clone(),
                account: by.account.to_string(),
                surface: by.surface.to_string(),
                policy: policy.clone(),
                at: row.at,
            }),
            _ => None,
        })
        .collect();
    let posted: Vec<Posted> = desk
        .store
        .messages_of(&id)
        .await?
        .iter()
        .map(|(due, error)| posted(due, error.as_deref()))
        .collect();
    let decision = live
        .state
        .decision
        .as_ref()
        .map_or("", |decision| decision.say.as_str());
    let surface = plan.place.surface.to_string();
    console
        .page(&visitor, &format!("/{} {id}", plan.runbook), Here::Runs, |_, _| {
            run(&Whole {
                since,
                message: &message,
                id: &id,
                plan: &steps,
                looks: looks.as_deref(),
                locks: &plan.locks.keys,
                approvers: &approvers,
                surface: &surface,
                journal: &journal,
                posted: &posted,
                decision,
            })
        })
        .await
}

/// What was seen beforehand is for those who could have looked themselves.
fn may_look(visitor: &Visitor, live: &Live) -> bool {
    let asker = visitor.asker();
    visitor
        .rules
        .people
        .who(&asker.account)
        .zip(visitor.rules.catalog.get(&live.plan().runbook))
        .is_some_and(|(person, runbook)| may_ask(&visitor.rules, &asker, person, runbook).is_ok())
}

fn posted(due: &DueMessage, error: Option<&str>) -> Posted {
    let kind = match due.message.kind {
        MessageKind::Run => "message",
        MessageKind::Details => "plan",
        MessageKind::Result => "result",
        MessageKind::Ping => "call",
        MessageKind::Chart => "chart",
        MessageKind::Ephemeral => "answer",
        MessageKind::Notice => "notice",
    };
    let place = &due.message.place;
    Posted {
        kind: kind.to_owned(),
        place: match &place.channel {
            Some(channel) => format!("{} {channel}", place.surface),
            None => place.surface.to_string(),
        },
        state: match (&due.remote, error) {
            (_, Some(error)) => format!("not sent: {error}"),
            (Some(_), None) => "sent".to_owned(),
            (None, None) => "sent, or waiting to be sent".to_owned(),
        },
    }
}

/// Everything, for programs and for those who dig.
pub(super) async fn json(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let desk = &console.station.desk;
    let seen = desk.seen(&visitor.rules, &visitor.asker(), &id).await?;
    let Some(live) = seen.filter(|live| may_look(&visitor, live)) else {
        return Ok(console.no_such_run());
    };
    let journal: Vec<_> = live
        .run
        .journal
        .iter()
        .map(|row| json!({ "seq": row.seq, "at": row.at.to_string(), "epoch": row.epoch, "entry": row.entry }))
        .collect();
    let whole = json!({ "report": desk.report(&live), "created": live.run.created.to_string(),
        "request": live.run.request, "plan": live.plan(), "journal": journal });
    let text = console.redactor.redact(&format!("{whole:#}")).into_owned();
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// A button was pressed.
pub(super) async fn press(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Trouble> {
    let reason = sent.field(&format!("reason.{id}"));
    match receive::pressed(&id, sent.field("press"), reason) {
        Ok(ask) => {
            let nonce = sent.field("nonce");
            console.ask(&sent.visitor, ask, nonce, sent.script, Back::Run).await
        }
        Err(misread) => {
            let (status, say) = (StatusCode::UNPROCESSABLE_ENTITY, misread.to_string());
            Ok(console.refuse(sent.script, status, "Not understood", &say))
        }
    }
}

impl Console {
    /// Of a run that cannot be read there is no more than the message.
    async fn aside(&self, visitor: &Visitor, outline: &Outline, report: Report) -> Result<Response, Trouble> {
        let one = self.aside_message(outline, report);
        let body = html! {
            main #main .run {
                p.crumb { a href="/runs" { "Runs" } " / " code { (outline.run) } }
                (message(&one))
            }
        };
        let title = format!("/{} {}", outline.runbook, outline.run);
        self.page(visitor, &title, Here::Runs, |_, _| body).await
    }

    fn no_such_run(&self) -> Response {
        self.say(
            StatusCode::NOT_FOUND,
            "No such run",
            "There is no run of that name that you may see.",
            &[("/runs", "All runs")],
        )
    }
}
