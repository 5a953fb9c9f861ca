//! The HTTP face: deliveries of chat platforms, the console, health.

mod alerts;
pub mod console;
mod discord;
mod health;
mod slack;

pub use alerts::{AlertDoor, MAX_NOTIFICATION};
pub use discord::{DiscordDoor, DiscordFace};
pub use slack::SlackDoor;

use crate::platform::slack::receive::MAX_BODY;
use crate::platform::slack::socket::Standing;
use crate::reception::Counts;
use crate::station::Station;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// What the routes work with.
#[derive(Debug, Clone)]
pub struct Face {
    /// The bot itself, for health and metrics.
    pub station: Arc<Station>,
    /// For Slack, if it speaks to us over HTTP.
    pub slack: Option<SlackDoor>,
    /// How Slack's socket stands, if it speaks to us over that.
    pub socket: Option<watch::Receiver<Standing>>,
    /// For Discord, if it is on.
    pub discord: Option<DiscordFace>,
    /// For Alertmanager, if alerts are on.
    pub alerts: Option<AlertDoor>,
    /// The web console, if it is on.
    pub console: Option<Arc<console::Console>>,
    /// What came in.
    pub counts: Arc<Counts>,
}

/// All routes; the one list.
pub fn routes(face: Face) -> Router {
    let console = face.console.clone();
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .merge(slack::routes())
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
    // A group of alerts may be larger, and Alertmanager does not send again what is answered with 408: limits of its own.
    .merge(alerts::routes())
    .with_state(face)
}
