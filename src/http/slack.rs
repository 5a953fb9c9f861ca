//! Slack's three addresses. Whoever cannot prove to be Slack learns the status alone.

use super::Face;
use crate::platform::slack::receive;
use crate::reception::slack::{Answer, Kind, SlackReception};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

/// What takes Slack's deliveries, and what they are signed with.
#[derive(Debug, Clone)]
pub struct SlackDoor {
    /// Signs deliveries.
    pub signing: SecretString,
    /// Takes them.
    pub reception: Arc<SlackReception>,
}

pub(super) fn routes() -> Router<Face> {
    Router::new()
        .route("/slack/commands", post(commands))
        .route("/slack/interactivity", post(interactivity))
        .route("/slack/events", post(events))
}

async fn commands(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    take(&face, Kind::Command, &headers, &body).await
}

async fn interactivity(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    take(&face, Kind::Interaction, &headers, &body).await
}

async fn events(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    take(&face, Kind::Event, &headers, &body).await
}

async fn take(face: &Face, kind: Kind, headers: &HeaderMap, body: &[u8]) -> Response {
    let Some(door) = &face.slack else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let verified = receive::verify(
        &door.signing,
        header("x-slack-request-timestamp"),
        header("x-slack-signature"),
        body,
        Timestamp::now(),
    );
    let answer = match verified {
        Ok(genuine) => door.reception.take(kind, &genuine).await,
        Err(rejection) => door.reception.rejected(rejection),
    };
    match answer {
        Answer::Empty => StatusCode::OK.into_response(),
        // Slack sends an event again that was not taken.
        Answer::NotKept(_) if kind == Kind::Event => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Answer::Words(words) | Answer::NotKept(words) => axum::Json(words_for_one(&words)).into_response(),
        Answer::Body(body) => axum::Json(body).into_response(),
        Answer::Challenge(word) => word.into_response(),
        Answer::Rejected(rejection) => {
            let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST);
            match kind {
                // What is not taken now will not be taken later.
                Kind::Event => (status, [("x-slack-no-retry", "1")]).into_response(),
                Kind::Command | Kind::Interaction => status.into_response(),
            }
        }
    }
}

fn words_for_one(words: &str) -> Value {
    json!({ "response_type": "ephemeral", "text": words })
}
