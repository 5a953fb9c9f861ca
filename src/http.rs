//! The HTTP face: deliveries of chat platforms, health, metrics.

use crate::intake::{Intake, NotKept};
use crate::platform::slack::receive::{self, Genuine, MAX_BODY, Received, Rejection};
use crate::station::Station;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct Face {
    /// Stores deliveries.
    pub intake: Intake,
    /// The bot itself, for health and metrics.
    pub station: Arc<Station>,
    /// For Slack, if it is on.
    pub slack: Option<SlackDoor>,
    /// What came in.
    pub counts: Arc<Counts>,
}

/// What Slack's deliveries are checked against.
#[derive(Debug, Clone)]
pub struct SlackDoor {
    /// Signs deliveries.
    pub signing: SecretString,
    /// The workspaces that are heard.
    pub teams: Arc<[String]>,
}

/// Deliveries, by what became of them.
#[derive(Debug, Default)]
pub struct Counts {
    kept: AtomicU64,
    ignored: AtomicU64,
    rejected: AtomicU64,
    not_kept: AtomicU64,
}

/// All routes; the one list.
pub fn routes(face: Face) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .route("/slack/events", post(events))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(10),
        ))
        .with_state(face)
}

async fn ready(State(face): State<Face>) -> Response {
    match face.station.desk.store.alive().await {
        Ok(()) => (StatusCode::OK, "ready\n").into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the bot's own database does not answer\n",
            )
                .into_response()
        }
    }
}

async fn metrics(State(face): State<Face>) -> Response {
    let mut text = face.station.sampler.exposition();
    text.push_str(&face.station.desk.rules.exposition());
    let count = |value: &AtomicU64| value.load(Ordering::Relaxed);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "# HELP signalbox_deliveries_total Deliveries of chat platforms, by what became of them.\n\
         # TYPE signalbox_deliveries_total counter\n\
         signalbox_deliveries_total{{outcome=\"kept\"}} {}\n\
         signalbox_deliveries_total{{outcome=\"ignored\"}} {}\n\
         signalbox_deliveries_total{{outcome=\"rejected\"}} {}\n\
         signalbox_deliveries_total{{outcome=\"not-kept\"}} {}\n",
        count(&face.counts.kept),
        count(&face.counts.ignored),
        count(&face.counts.rejected),
        count(&face.counts.not_kept),
    );
    match face.station.desk.store.tally().await {
        Ok(tally) => {
            let _ = write!(
                text,
                "# HELP signalbox_runs Runs in the database, by how they stand.\n# TYPE signalbox_runs gauge\n"
            );
            for (outcome, runs) in &tally.runs {
                let _ = writeln!(text, "signalbox_runs{{outcome=\"{outcome}\"}} {runs}");
            }
            let _ = write!(
                text,
                "# HELP signalbox_messages_unsent Messages that wait to be sent.\n\
                 # TYPE signalbox_messages_unsent gauge\nsignalbox_messages_unsent {}\n\
                 # HELP signalbox_locks_held Locks that runs hold.\n\
                 # TYPE signalbox_locks_held gauge\nsignalbox_locks_held {}\n",
                tally.unsent, tally.locks,
            );
        }
        Err(error) => tracing::error!(%error, "metrics without the database's part"),
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

async fn commands(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    slack(&face, &headers, &body, receive::command).await
}

async fn interactivity(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    slack(&face, &headers, &body, receive::interaction).await
}

/// Nothing is subscribed to; the address is there so that Slack can check it.
async fn events(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(door) = &face.slack else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match verified(door, &headers, &body) {
        Ok(_) => match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(event) => event["challenge"]
                .as_str()
                .map(str::to_owned)
                .unwrap_or_default()
                .into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        Err(rejection) => rejected(&face, &rejection),
    }
}

fn verified<'b>(door: &SlackDoor, headers: &HeaderMap, body: &'b [u8]) -> Result<Genuine<'b>, Rejection> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    receive::verify(
        &door.signing,
        header("x-slack-request-timestamp"),
        header("x-slack-signature"),
        body,
        Timestamp::now(),
    )
}

async fn slack(
    face: &Face,
    headers: &HeaderMap,
    body: &[u8],
    read: fn(&Genuine<'_>, &[String]) -> Result<Received, Rejection>,
) -> Response {
    let Some(door) = &face.slack else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match verified(door, headers, body).and_then(|genuine| read(&genuine, &door.teams)) {
        Ok(Received::Asked(delivery)) => match face.intake.keep(*delivery).await {
            Ok(()) => {
                face.counts.kept.fetch_add(1, Ordering::Relaxed);
                StatusCode::OK.into_response()
            }
            Err(not_kept) => {
                face.counts.not_kept.fetch_add(1, Ordering::Relaxed);
                to_asker(not_kept)
            }
        },
        Ok(Received::Answered(words)) => {
            face.counts.ignored.fetch_add(1, Ordering::Relaxed);
            axum::Json(json!({ "response_type": "ephemeral", "text": words })).into_response()
        }
        Ok(Received::Ignored(reason)) => {
            face.counts.ignored.fetch_add(1, Ordering::Relaxed);
            tracing::info!(reason, "delivery ignored");
            StatusCode::OK.into_response()
        }
        Err(rejection) => rejected(face, &rejection),
    }
}

fn to_asker(not_kept: NotKept) -> Response {
    axum::Json(json!({ "response_type": "ephemeral", "text": not_kept.to_string() })).into_response()
}

/// Whoever sent it learns the status alone.
fn rejected(face: &Face, rejection: &Rejection) -> Response {
    face.counts.rejected.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(%rejection, "delivery rejected");
    StatusCode::from_u16(rejection.status())
        .unwrap_or(StatusCode::BAD_REQUEST)
        .into_response()
}
