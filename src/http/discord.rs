//! Discord's one address. Whoever cannot prove to be Discord learns the status alone; Discord tries that now and then.

use super::Face;
use crate::platform::discord::receive::{self, PublicKey, Rejection};
use crate::reception::discord::DiscordReception;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use std::sync::Arc;

/// The way on which Discord speaks to us.
#[derive(Debug, Clone)]
pub enum DiscordFace {
    /// It calls us.
    Http(DiscordDoor),
    /// We call it: nothing comes here.
    Gateway,
}

/// What takes Discord's deliveries, and what their signatures are checked with.
#[derive(Debug, Clone)]
pub struct DiscordDoor {
    /// Of the application.
    pub key: PublicKey,
    /// Takes them.
    pub reception: Arc<DiscordReception>,
}

pub(super) fn routes() -> Router<Face> {
    Router::new().route("/discord/interactions", post(interactions))
}

async fn interactions(State(face): State<Face>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(DiscordFace::Http(door)) = &face.discord else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let genuine = receive::verify(
        &door.key,
        header("x-signature-timestamp"),
        header("x-signature-ed25519"),
        &body,
        Timestamp::now(),
    );
    let answer = match genuine {
        Ok(genuine) => door.reception.take(&genuine).await,
        Err(rejection) => Err(door.reception.rejected(rejection)),
    };
    match answer {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(rejection) => status(&rejection).into_response(),
    }
}

fn status(rejection: &Rejection) -> StatusCode {
    StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::BAD_REQUEST)
}
