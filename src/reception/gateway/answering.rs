//! One interaction that came over the gateway: read, kept, answered, all within the three seconds that Discord gives.

use super::GatewayReception;
use super::hold::Hold;
use crate::platform::discord::answer::whisper;
use crate::platform::discord::client::{DiscordError, Taken};
use crate::platform::discord::gateway::{Interaction, ReplyTo};
use crate::platform::discord::receive;
use crate::reception::discord::Step;
use crate::request::Delivery;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Discord waits three seconds from when somebody typed; a little of that has passed when we hear of it.
const WITHIN: Duration = Duration::from_millis(2_800);

/// Between two tries to answer.
const AGAIN: Duration = Duration::from_millis(200);

/// The store has not answered for so long that another process may hear Discord too, and keep it.
const PERHAPS: &str = "Signalbox cannot reach its own database, and cannot tell whether this was kept. If nothing comes of \
                       it within a minute, try again.";

/// What became of an answer.
enum Answered {
    /// The person sees it.
    Yes,
    /// Another call was first.
    Before,
    /// The person is shown an error by Discord.
    No(String),
}

pub(super) async fn answer(gateway: Arc<GatewayReception>, interaction: Interaction, hold: Arc<Hold>) {
    let heard = Instant::now();
    let reception = &gateway.reception;
    let genuine = match receive::over_gateway(&interaction) {
        Ok(genuine) => genuine,
        Err(rejection) => return drop(reception.rejected(rejection)),
    };
    // Why it is not taken was told.
    let Ok(step) = reception.read(&genuine).await else {
        return;
    };
    let Some(to) = interaction.reply_to() else {
        return drop(reception.rejected(receive::Rejection::BadField("id or token")));
    };
    match step {
        Step::Answer(answer) => told(&to, gateway.call_back(&to, &answer, heard).await),
        Step::Keep { delivery, answer } if interaction.is_late() => gateway.late(&to, *delivery, &answer, heard).await,
        Step::Keep { delivery, answer } => match reception.keep(*delivery).await {
            Ok(()) => told(&to, gateway.call_back(&to, &answer, heard).await),
            Err(not_kept) => {
                let words = if hold.is_sure() { &not_kept.to_string() } else { PERHAPS };
                told(&to, gateway.call_back(&to, &whisper(words), heard).await);
            }
        },
    }
}

fn told(to: &ReplyTo, answered: Answered) {
    match answered {
        Answered::Yes => {}
        Answered::Before => tracing::info!(interaction = to.id, "answered before"),
        Answered::No(why) => tracing::warn!(interaction = to.id, why, "Discord did not take the answer in time"),
    }
}

impl GatewayReception {
    /// It happened while nobody heard. Whoever was shown an error since has perhaps done it again, so nothing is kept
    /// unless Discord still takes an answer.
    async fn late(&self, to: &ReplyTo, delivery: Delivery, answer: &Value, heard: Instant) {
        match self.call_back(to, answer, heard).await {
            Answered::Yes => {
                if let Err(not_kept) = self.reception.keep(delivery).await {
                    self.take_back(to, &whisper(&not_kept.to_string())["data"]).await;
                }
            }
            Answered::Before => tracing::info!(interaction = to.id, "heard and answered before"),
            Answered::No(why) => {
                self.reception.counts.add(crate::reception::Fate::NotKept);
                tracing::warn!(interaction = to.id, why, "asked while nobody heard, and not kept");
            }
        }
    }

    /// An answer was promised, and there is nothing to answer.
    async fn take_back(&self, to: &ReplyTo, words: &Value) {
        if let Err(error) = self.client.follow_up(&to.token, words).await {
            tracing::error!(interaction = to.id, %error, "whoever asked waits in vain");
        }
    }

    /// Answers until Discord has an answer or the time is over.
    async fn call_back(&self, to: &ReplyTo, answer: &Value, heard: Instant) -> Answered {
        loop {
            let left = WITHIN.saturating_sub(heard.elapsed());
            let why = match tokio::time::timeout(left, self.client.call_back(to, answer)).await {
                Ok(Ok(Taken::Now)) => return Answered::Yes,
                Ok(Ok(Taken::Before)) => return Answered::Before,
                Ok(Err(error @ (DiscordError::Retry { .. } | DiscordError::RateLimited { .. }))) => error.to_string(),
                Ok(Err(error)) => return Answered::No(error.to_string()),
                Err(_) => "no answer in time".to_owned(),
            };
            if heard.elapsed() + AGAIN >= WITHIN {
                return Answered::No(why);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
