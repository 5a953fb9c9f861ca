//! Slack's deliveries over the socket: what an envelope is answered with.

use super::Fate;
use super::slack::{Answer, Kind, SlackReception};
use crate::platform::slack::client::Audience;
use crate::platform::slack::receive::{Genuine, Rejection};
use crate::platform::slack::render;
use crate::platform::slack::socket::{Envelope, EnvelopeKind, Incoming, Reply, Standing};
use crate::station::Station;
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

/// As the trouble is known.
const SOCKET: &str = "slack-socket";

/// Takes what a connection brings.
pub async fn take(reception: Arc<SlackReception>, incoming: Incoming) -> Reply {
    let envelope = match incoming {
        Incoming::Envelope(envelope) => envelope,
        Incoming::Garbled(why) => {
            reception.counts.add(Fate::Rejected);
            tracing::warn!(why, "Slack sent something over the socket that cannot be read");
            return Reply::Nothing;
        }
    };
    if let Some(retry) = &envelope.retry {
        tracing::info!(envelope = envelope.id, retry, "Slack sends an envelope again");
    }
    let kind = match &envelope.kind {
        EnvelopeKind::Command => Kind::Command,
        EnvelopeKind::Interaction => Kind::Interaction,
        EnvelopeKind::Event => Kind::Event,
        EnvelopeKind::Other(kind) => {
            reception.counts.add(Fate::Rejected);
            tracing::warn!(kind, "Slack sent an envelope of a kind that is not known");
            return Reply::Ack;
        }
    };
    let genuine = Genuine::enveloped(&envelope.payload, Timestamp::now());
    match reception.take(kind, &genuine).await {
        Answer::Empty => Reply::Ack,
        // An address is checked over HTTP alone.
        Answer::Challenge(_) => Reply::Ack,
        Answer::Words(words) => to_asker(&envelope, &words),
        Answer::Body(body) if envelope.accepts_payload => Reply::AckWith(body),
        Answer::Body(_) => Reply::Ack,
        // Slack sends an event again, and tells a presser that the app did not answer.
        Answer::NotKept(words) if kind == Kind::Command => to_asker(&envelope, &words),
        Answer::NotKept(_) => Reply::Nothing,
        Answer::Rejected(rejection) => rejected(&reception, kind, &envelope, &rejection).await,
    }
}

fn to_asker(envelope: &Envelope, words: &str) -> Reply {
    if envelope.accepts_payload {
        Reply::AckWith(json!({ "response_type": "ephemeral", "text": words }))
    } else {
        Reply::Ack
    }
}

/// Slack would send it again for nothing, so it is acknowledged; whoever did it is told where there is a way.
async fn rejected(reception: &SlackReception, kind: Kind, envelope: &Envelope, rejection: &Rejection) -> Reply {
    let words = match rejection {
        Rejection::ForeignTeam(_) | Rejection::ForeignUser(_) => {
            "Signalbox takes nothing from your workspace. Nothing was done."
        }
        _ => "Signalbox could not make sense of what Slack sent of this. Nothing was done; its log says why.",
    };
    let payload = &envelope.payload;
    match kind {
        Kind::Command => to_asker(envelope, words),
        Kind::Interaction if payload["type"] == "view_submission" => {
            let blocks = payload["view"]["blocks"].as_array();
            let field = blocks
                .into_iter()
                .flatten()
                .find(|block| block["type"] == "input")
                .and_then(|block| block["block_id"].as_str());
            match field.filter(|_| envelope.accepts_payload) {
                Some(field) => Reply::AckWith(json!({ "response_action": "errors", "errors": { field: words } })),
                None => Reply::Ack,
            }
        }
        Kind::Interaction => {
            if let Some(url) = payload["response_url"].as_str() {
                let message = render::sentence(words);
                if let Err(error) = reception.client.respond(url, &message, Audience::Person).await {
                    tracing::warn!(%error, "somebody could not be answered");
                }
            }
            Reply::Ack
        }
        Kind::Event => Reply::Ack,
    }
}

/// Tells those who keep the bot going when there is no connection, and when there is one again.
pub async fn watch(mut standing: watch::Receiver<Standing>, station: Arc<Station>) {
    loop {
        let trouble = standing.borrow_and_update().trouble.clone();
        let changed = match trouble {
            Some(why) => {
                let say = format!("no connection brings Slack's deliveries: {why}; what is typed there is not heard");
                let is_news = station.troubles.begin(SOCKET, Timestamp::now(), say.clone());
                if is_news {
                    tracing::error!(reason = say, "Slack is not heard");
                }
                is_news
            }
            None => {
                let is_over = standing.borrow().connections > 0 && station.troubles.end(SOCKET);
                if is_over {
                    tracing::info!("Slack is heard again");
                }
                is_over
            }
        };
        if changed {
            station.bell.ring();
        }
        // A socket that is gone tells nothing more.
        if standing.changed().await.is_err() {
            return;
        }
    }
}
