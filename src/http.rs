//! The HTTP face: deliveries of chat platforms, the console, health.

pub mod console;
mod discord;
mod health;

pub use discord::{DiscordDoor, DiscordFace};

use crate::intake::{Intake, NotKept};
use crate::platform::slack::receive::{self, Genuine, MAX_BODY, Received, Rejection};
use crate::reception::{Counts, Fate};
use crate::station::Station;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
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
    /// For Discord, if it is on.
    pub discord: Option<DiscordFace>,
    /// The web console, if it is on.
    pub console: Option<Arc<console::Console>>,
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

/// All routes; the one list.
pub fn routes(face: Face) -> Router {
    let console = face.console.clone();
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .route("/slack/events", post(events))
        .merge(discord::routes());
    match console {
        Some(console) => router.merge(console::routes(console)),
        None => router,
    }
    .layer(RequestBodyLimitLayer::new(MAX_BODY))
    .layer(TimeoutLayer::with_status_code(
        StatusCode::REQUEST_TIMEOUT,
        Duration::from_secs(10),
    ))
    .with_state(face)
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
                face.counts.add(Fate::Kept);
                StatusCode::OK.into_response()
            }
            Err(not_kept) => {
                face.counts.add(Fate::NotKept);
                to_asker(not_kept)
            }
        },
        Ok(Received::Answered(words)) => {
            face.counts.add(Fate::Answered);
            axum::Json(json!({ "response_type": "ephemeral", "text": words })).into_response()
        }
        Ok(Received::Ignored(reason)) => {
            face.counts.add(Fate::Ignored);
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
    face.counts.add(Fate::Rejected);
    tracing::warn!(%rejection, "delivery rejected");
    StatusCode::from_u16(rejection.status())
        .unwrap_or(StatusCode::BAD_REQUEST)
        .into_response()
}
