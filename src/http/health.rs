//! What the bot tells of itself to those who watch it: whether it can work, and its own metrics. Both answer anybody who
//! reaches the port, so they name no file, host or person; the log does.

use super::{DiscordFace, Face};
use crate::outbox::{Wire, discord::Discord, slack::Slack};
use crate::reception::gateway::GATEWAY;
use crate::station::{ENGINE, Station};
use crate::store::tally::Tally;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::time::Duration;

/// The bot's own database gets this long; those who watch commonly wait no longer than five seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// 200 where what is asked here is kept and carried out, by this process or by another one; else 503. Each line after the
/// first is a reason, or in an answer of 200 something that ought to be looked at.
pub(super) async fn ready(State(face): State<Face>) -> Response {
    let station = &face.station;
    let troubles = tokio::time::timeout(PATIENCE, station.desk.store.platform_troubles());
    let (reason, troubles) = tokio::join!(not_ready(station), troubles);
    let mut lines = Vec::new();
    lines.extend(reason);
    let status = if lines.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match tokio::time::timeout(PATIENCE, station.desk.store.asides(1)).await {
        Ok(Ok(asides)) if !asides.is_empty() => lines.push(
            "a run is set aside, because what is stored of it cannot be read or believed; the console and `signalbox runs` \
             show which, `signalbox show RUN` why, and what can be done"
                .to_owned(),
        ),
        // That the database does not answer is told above.
        _ => {}
    }
    if let Some(trouble) = station.desk.rules.trouble() {
        lines.push(format!(
            "the runbooks, people, policy or panels on disk have been wrong since {}: what was before is in force; \
             `signalbox check` shows what is wrong",
            trouble.since.strftime("%H:%M UTC on %Y-%m-%d")
        ));
    }
    for trouble in station.troubles.all() {
        let since = trouble.since.strftime("%H:%M UTC on %Y-%m-%d");
        lines.push(format!("since {since}: {}", trouble.say));
    }
    // Also where another process found it out. A database that does not answer is a reason above.
    if let Ok(Ok(troubles)) = troubles {
        for trouble in troubles {
            lines.push(format!(
                "{} cannot be spoken to since {}: {}; runs go on, messages wait, and the console shows both",
                trouble.platform,
                trouble.since.strftime("%H:%M UTC on %Y-%m-%d"),
                trouble.say
            ));
        }
    }
    let mut text = String::from(if status == StatusCode::OK {
        "ready\n"
    } else {
        "not ready\n"
    });
    for line in lines {
        text.push_str("- ");
        text.push_str(&line);
        text.push('\n');
    }
    (status, text).into_response()
}

/// The outside systems are not asked: a shop that is down is when the bot is needed.
async fn not_ready(station: &Station) -> Option<String> {
    let store = &station.desk.store;
    match tokio::time::timeout(PATIENCE, store.lease_holder(ENGINE, Timestamp::now())).await {
        Ok(Ok(Some(_))) => None,
        Ok(Ok(None)) => Some(
            "no process holds the engine's lease: what is asked is kept and not carried out; within seconds one should \
             take it, else the log of each process says why not"
                .to_owned(),
        ),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready");
            Some("the bot's own database refuses; the log says why".to_owned())
        }
        Err(_) => Some(format!(
            "the bot's own database has not answered for {} s",
            PATIENCE.as_secs()
        )),
    }
}

/// What Prometheus scrapes: the signals, and the bot's own work.
pub(super) async fn metrics(State(face): State<Face>) -> Response {
    let station = &face.station;
    let mut text = station.sampler.exposition();
    text.push_str(&station.desk.rules.exposition());
    let fates = face
        .counts
        .all()
        .map(|(fate, count)| (format!("{{outcome=\"{fate}\"}}"), count));
    family(
        &mut text,
        "signalbox_deliveries_total",
        "counter",
        "Deliveries of chat platforms, by what became of them.",
        &fates,
    );
    if let Some(alerts) = &face.alerts {
        let fates = alerts
            .counts()
            .all()
            .map(|(fate, count)| (format!("{{outcome=\"{fate}\"}}"), count));
        let fates: Vec<_> = fates
            .into_iter()
            .filter(|(fate, _)| !fate.contains("ignored") && !fate.contains("answered"))
            .collect();
        family(
            &mut text,
            "signalbox_alert_notifications_total",
            "counter",
            "Notifications of Alertmanager, by what became of them. What was not kept it sends again, what was rejected it does not.",
            &fates,
        );
    }
    family(
        &mut text,
        "signalbox_engine_leads",
        "gauge",
        "1 where this process carries runs out; of several on one database one does.",
        &[("", u8::from(station.leads()))],
    );
    let connections: Vec<(&str, usize)> = face
        .socket
        .iter()
        .map(|socket| ("", socket.borrow().connections))
        .collect();
    family(
        &mut text,
        "signalbox_slack_connections",
        "gauge",
        "Connections over which this process gets Slack's deliveries; two are held. Left out where Slack posts to us.",
        &connections,
    );
    let tally = match tokio::time::timeout(PATIENCE, station.desk.store.tally()).await {
        Ok(Ok(tally)) => Some(tally),
        Ok(Err(error)) => {
            tracing::error!(%error, "metrics without the database's part");
            None
        }
        Err(_) => {
            tracing::error!("metrics without the database's part: it does not answer");
            None
        }
    };
    family(
        &mut text,
        "signalbox_store_up",
        "gauge",
        "1 where the bot's own database answers; else what it knows is left out here.",
        &[("", u8::from(tally.is_some()))],
    );
    if let Some(tally) = tally {
        tallied(&mut text, &tally, Timestamp::now());
        // Each chat platform that is on has a channel in which runs are announced.
        let is_on = |surface| station.desk.announce.iter().any(|place| place.surface == surface);
        let chat = [
            (Slack::NAME, is_on(Slack::SURFACE)),
            (Discord::NAME, is_on(Discord::SURFACE)),
            (GATEWAY, matches!(face.discord, Some(DiscordFace::Gateway))),
        ];
        let up: Vec<(String, u8)> = chat
            .into_iter()
            .filter(|(_, is_on)| *is_on)
            .map(|(name, _)| {
                let up = tally.silent.iter().all(|trouble| trouble.platform != name);
                (format!("{{platform=\"{name}\"}}"), u8::from(up))
            })
            .collect();
        if !up.is_empty() {
            family(
                &mut text,
                "signalbox_platform_up",
                "gauge",
                "1 where messages reach the chat platform, and over its gateway deliveries us; 0 where it does not answer or \
                 refuses the token.",
                &up,
            );
        }
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

fn tallied(text: &mut String, tally: &Tally, now: Timestamp) {
    let runs: Vec<(String, i64)> = tally
        .runs
        .iter()
        .map(|(outcome, runs)| (format!("{{outcome=\"{outcome}\"}}"), *runs))
        .collect();
    family(
        text,
        "signalbox_runs",
        "gauge",
        "Runs in the database, by how they stand.",
        &runs,
    );
    let age = |at: Option<Timestamp>| at.map_or(0, |at| now.duration_since(at).as_secs().max(0));
    let gauges = [
        ("signalbox_locks_held", "Locks that runs hold.", tally.locks),
        (
            "signalbox_pauses",
            "Pauses that stand: of one runbook's writes, or of all.",
            tally.pauses,
        ),
        (
            "signalbox_requests_waiting",
            "Requests that were kept and have no answer yet.",
            tally.requests,
        ),
        (
            "signalbox_oldest_request_seconds",
            "How long the oldest of them has waited.",
            age(tally.oldest_request),
        ),
        (
            "signalbox_messages_unsent",
            "Messages that wait to be sent.",
            tally.unsent,
        ),
        (
            "signalbox_messages_failing",
            "Those of them that were tried in vain.",
            tally.failing,
        ),
        (
            "signalbox_record_unsealed_seconds",
            "How long the oldest row of the record of who did what has waited for its seal; they are sealed every hour.",
            age(tally.oldest_unsealed),
        ),
        (
            "signalbox_messages_given_up",
            "Messages that nobody will be shown, because their channel is gone or they failed for days.",
            tally.given_up,
        ),
        (
            "signalbox_alert_groups_firing",
            "Groups of alerts of which something fires.",
            tally.firing,
        ),
        (
            "signalbox_pages_unsent",
            "Pages of which a paging system is still to be told something.",
            tally.unpaged,
        ),
        (
            "signalbox_pages_given_up",
            "Pages that a paging system refuses or that failed for days: nobody is told of what changed last.",
            tally.pages_given_up,
        ),
        (
            "signalbox_runs_set_aside",
            "Runs that are not carried on: what is stored of them cannot be read or believed.",
            tally.aside,
        ),
    ];
    for (name, help, value) in gauges {
        family(text, name, "gauge", help, &[("", value)]);
    }
}

/// One metric in the text format of Prometheus: help, type, samples.
fn family<L: AsRef<str>, V: std::fmt::Display>(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: &[(L, V)],
) {
    // Writing to a String cannot fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{} {value}", labels.as_ref());
    }
}
