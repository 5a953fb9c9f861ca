//! Who is told that nobody hears Discord, and that somebody does again: those who watch the bot, and the operations
//! channel. The store is told until it hears, one thing after the other.

use super::{GATEWAY, GatewayReception};
use crate::dispatch::answer::said;
use crate::report::Outcome;
use crate::store::StoreError;
use crate::store::messages::{MessageKind, NewMessage};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(1);

/// Tries at the end of a process, when nobody waits any more.
const TRIES: usize = 10;

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// Nobody hears, and that lasts.
    Away {
        since: Timestamp,
        say: String,
        /// Somebody has to mend it.
        is_refused: bool,
    },
    /// Somebody hears again; what is said to people, if there is something.
    Back {
        since: Option<Timestamp>,
        say: Option<String>,
    },
}

pub(super) async fn tell_all(gateway: Arc<GatewayReception>, mut news: mpsc::UnboundedReceiver<News>) {
    while let Some(one) = news.recv().await {
        let mut tries = 0;
        while let Err(error) = tell(&gateway, &one).await {
            tries += 1;
            if news.is_closed() && tries >= TRIES {
                tracing::error!(%error, ?one, "this is told to nobody");
                break;
            }
            tracing::error!(%error, "how the gateway stands cannot be kept yet");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn tell(gateway: &GatewayReception, news: &News) -> Result<(), StoreError> {
    let store = &gateway.reception.desk.store;
    match news {
        News::Away { since, say, is_refused } => {
            let is_news = store.platform_fails(GATEWAY, say, *since).await?;
            if is_news && *is_refused {
                tracing::error!(
                    platform = GATEWAY,
                    reason = say,
                    "Discord does not want the bot, until somebody mends it"
                );
            } else if is_news {
                tracing::error!(platform = GATEWAY, reason = say, "nobody hears Discord");
            }
        }
        News::Back { since, say } => {
            if let (Some(since), Some(say)) = (since, say) {
                tracing::warn!(%since, say, "nobody heard Discord for a while");
                let message = NewMessage {
                    // The same gap is told once, whoever finds out.
                    id: format!("{GATEWAY}:{}", since.as_millisecond()),
                    kind: MessageKind::Notice,
                    run: None,
                    request: None,
                    place: gateway.ops.clone(),
                    body: Some(said("signalbox", "", Outcome::NeedsPerson, say.clone())),
                };
                store.post(&message, Timestamp::now()).await?;
                gateway.bell.ring();
            } else if let Some(since) = since {
                tracing::info!(%since, "nobody heard Discord for a moment");
            }
            store.platform_works(GATEWAY).await?;
        }
    }
    Ok(())
}
