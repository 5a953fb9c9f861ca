//! Where Alertmanager posts: `POST /alerts/alertmanager`. Whoever does not have the token learns the status alone. A
//! notification is answered with yes when it is kept, and with 503 when it could not be: then Alertmanager tries again.

use super::Face;
use crate::alert::notification::Notification;
use crate::intake::Intake;
use crate::reception::{Counts, Fate};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// The largest notification that is read. Alertmanager does not send again what is refused, so it is generous.
pub const MAX_NOTIFICATION: usize = 4 * 1024 * 1024;

/// A body that is too large is read to its end, so that whoever sends it hears why; but not for ever.
const DRAINED: usize = 4 * MAX_NOTIFICATION;

/// All bodies that are in memory at the same time, in kilobytes.
const ROOM: usize = 32 * 1024;

/// So long a notification waits for room.
const WAIT: Duration = Duration::from_secs(2);

/// And so long its body may take.
const READ: Duration = Duration::from_secs(10);

/// Seconds after which it may come again.
const AGAIN: &str = "5";

/// What takes Alertmanager's notifications, and what it proves itself with.
#[derive(Debug, Clone)]
pub struct AlertDoor {
    token: SecretString,
    intake: Intake<Notification>,
    counts: Arc<Counts>,
    room: Arc<Semaphore>,
}

impl AlertDoor {
    /// Opens with this token.
    pub fn new(token: SecretString, intake: Intake<Notification>) -> Self {
        Self {
            token,
            intake,
            counts: Arc::default(),
            room: Arc::new(Semaphore::new(ROOM)),
        }
    }

    /// What became of notifications.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// As a bearer token, or as the password of any user.
    fn is_proved(&self, headers: &HeaderMap) -> bool {
        let right = self.token.expose_secret();
        let Some(given) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Some((scheme, given)) = given.split_once(' ') else {
            return false;
        };
        let given = given.trim();
        let token = if scheme.eq_ignore_ascii_case("bearer") {
            given.to_owned()
        } else if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD
                .decode(given)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
                Some((_, password)) => password.to_owned(),
                None => return false,
            }
        } else {
            return false;
        };
        // Of the same length, whatever was given.
        let (right_hash, given_hash) = (Sha256::digest(right.as_bytes()), Sha256::digest(token.as_bytes()));
        !right.is_empty() && bool::from(right_hash.ct_eq(&given_hash))
    }

    fn says(&self, fate: Fate, status: StatusCode, say: &str) -> Response {
        self.counts.add(fate);
        (status, format!("{say}\n")).into_response()
    }
}

pub(super) fn routes() -> Router<Face> {
    Router::new().route("/alerts/alertmanager", post(take))
}

async fn take(State(face): State<Face>, request: Request) -> Response {
    let Some(door) = &face.alerts else {
        return (
            StatusCode::NOT_FOUND,
            "Alerts are off: there is no [alerts] in the configuration.\n",
        )
            .into_response();
    };
    if !door.is_proved(request.headers()) {
        door.counts.add(Fate::Rejected);
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response();
    }
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let room = announced
        .unwrap_or(MAX_NOTIFICATION)
        .min(MAX_NOTIFICATION)
        .div_ceil(1024)
        .max(1);
    let room = u32::try_from(room).unwrap_or(u32::MAX);
    let Ok(Ok(_room)) = tokio::time::timeout(WAIT, door.room.acquire_many(room)).await else {
        return not_kept(door, "Signalbox is overloaded and has not kept this; send it again.");
    };
    let Ok(read) = tokio::time::timeout(READ, read(request.into_body())).await else {
        return not_kept(door, "The body took too long, so nothing was kept; send it again.");
    };
    let body = match read {
        Read::Whole(body) => body,
        Read::TooLarge => {
            let say = format!(
                "A notification of more than {} MiB is not read. Set `max_alerts` in Alertmanager's webhook_config, or group \
                 by more labels.",
                MAX_NOTIFICATION / 1024 / 1024
            );
            return door.says(Fate::Rejected, StatusCode::PAYLOAD_TOO_LARGE, &say);
        }
        Read::BrokenOff => return door.says(Fate::Rejected, StatusCode::BAD_REQUEST, "The body broke off."),
    };
    // Megabytes take a while.
    let notification = match tokio::task::spawn_blocking(move || Notification::read(&body)).await {
        Ok(Ok(notification)) => notification,
        Ok(Err(error)) => return door.says(Fate::Rejected, StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => {
            tracing::error!(%error, "a notification could not be read");
            return not_kept(door, "Signalbox could not read this.");
        }
    };
    match door.intake.keep(notification).await {
        Ok(()) => door.says(Fate::Kept, StatusCode::OK, "kept"),
        Err(error) => not_kept(door, &error.to_string()),
    }
}

fn not_kept(door: &AlertDoor, say: &str) -> Response {
    door.counts.add(Fate::NotKept);
    let again = [(header::RETRY_AFTER, AGAIN)];
    (StatusCode::SERVICE_UNAVAILABLE, again, format!("{say}\n")).into_response()
}

enum Read {
    Whole(Vec<u8>),
    TooLarge,
    BrokenOff,
}

async fn read(body: Body) -> Read {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Read::BrokenOff };
        length += chunk.len();
        if length > DRAINED {
            break;
        }
        if length > MAX_NOTIFICATION {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > MAX_NOTIFICATION {
        Read::TooLarge
    } else {
        Read::Whole(bytes)
    }
}
