//! `/alerts`: what fires and what has fired, for whoever may see it, and what can be done about it.

use super::chart::{Look, drawn};
use super::place::Back;
use super::visitor::{Sent, Visitor};
use super::{Console, Trouble};
use crate::alert::card::{of_group, of_storm};
use crate::alert::{expression, is_storm, picture};
use crate::dispatch::overview::may_view;
use crate::platform::console::receive;
use crate::platform::console::render::alerts::{Line, alert, alerts};
use crate::platform::console::render::page::Here;
use crate::request::Ask;
use crate::rules::ALERTS;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::sync::Arc;

/// Groups that are listed, of those that fire and of those that are over.
const LISTED: i64 = 100;

/// Whether the visitor may see alerts at all.
fn may_see(visitor: &Visitor) -> bool {
    may_view(&visitor.rules, &visitor.asker(), ALERTS)
}

fn nothing_there(console: &Console) -> Response {
    let say = "There is no alert of that name that you may see. It may be so old that it is kept no longer.";
    console.say(
        StatusCode::NOT_FOUND,
        "No such alert",
        say,
        &[("/alerts", "All alerts")],
    )
}

pub(super) async fn list(State(console): State<Arc<Console>>, visitor: Visitor) -> Result<Response, Trouble> {
    let found = if may_see(&visitor) {
        console.station.desk.store.alert_lines(LISTED).await?
    } else {
        Vec::new()
    };
    let more = found.len() as i64 >= LISTED;
    let redacted = |text: String| console.redactor.redact(&text).into_owned();
    let lines: Vec<Line> = found
        .into_iter()
        .map(|line| Line {
            id: line.id,
            title: redacted(line.title),
            state: line.state,
            said: line.said,
            opened: line.opened,
        })
        .collect();
    let on = console.takes_alerts;
    console
        .page(&visitor, "Alerts", Here::Alerts, |_, _| alerts(&lines, on, more))
        .await
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    if !may_see(&visitor) {
        return Ok(nothing_there(&console));
    }
    let desk = &console.station.desk;
    let (card, has_chart, history) = if is_storm(&id) {
        let Some(storm) = desk.store.alert_storm(&id).await? else {
            return Ok(nothing_there(&console));
        };
        (of_storm(&storm), false, Vec::new())
    } else {
        let Some(group) = desk.store.alert_group(&id).await? else {
            return Ok(nothing_there(&console));
        };
        let generators = group
            .members
            .values()
            .filter_map(|member| member.alert.generator.as_deref());
        let has_chart = generators.filter_map(expression::of_generator).next().is_some();
        let history = group.history.iter();
        let history = history
            .map(|(at, say)| (*at, console.redactor.redact(say).into_owned()))
            .collect();
        (desk.with_deeds(of_group(&group), &group).await?, has_chart, history)
    };
    let card = card.redacted(&console.redactor);
    let title = card.title.clone();
    console
        .page(&visitor, &title, Here::Alerts, |_, _| alert(&card, has_chart, &history))
        .await
}

/// A button was pressed.
pub(super) async fn press(
    State(console): State<Arc<Console>>,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Trouble> {
    match receive::pressed(&id, sent.field("press"), "") {
        Ok(ask @ Ask::Alert { .. }) => {
            let nonce = sent.field("nonce");
            console.ask(&sent.visitor, ask, nonce, sent.script, Back::Run).await
        }
        Ok(_) | Err(_) => {
            let say = "This button belongs to no alert, so nothing was done. Load the page again.";
            Ok(console.refuse(sent.script, StatusCode::UNPROCESSABLE_ENTITY, "Not understood", say))
        }
    }
}

pub(super) async fn picture(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Trouble> {
    let nothing = || (StatusCode::NOT_FOUND, "There is no chart.\n").into_response();
    let desk = &console.station.desk;
    let group = if may_see(&visitor) {
        desk.store.alert_group(&id).await?
    } else {
        None
    };
    let Some(group) = group else { return Ok(nothing()) };
    let Ok(_permit) = console.charts.room().await else {
        return Ok(nothing());
    };
    let mut spec = match picture::of_group(&desk.connections, &group, Timestamp::now()).await {
        Some(Ok(spec)) => spec,
        Some(Err(say)) => {
            let say = console.redactor.redact(&say).into_owned();
            return Ok((StatusCode::BAD_GATEWAY, format!("{say}\n")).into_response());
        }
        None => return Ok(nothing()),
    };
    spec.theme = look.theme();
    let Some(png) = drawn(spec).await else {
        return Ok(nothing());
    };
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        // Another look a moment later shows the same.
        (header::CACHE_CONTROL, "private, max-age=15"),
    ];
    Ok((headers, png).into_response())
}
