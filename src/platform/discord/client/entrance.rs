//! The calls that the gateway needs: where it is, and the first answer to what came over it.

use super::super::gateway::{Entrance, ReplyTo};
use super::super::limits::{Method, Route};
use super::answer::{Failed, not_json};
use super::{DiscordClient, DiscordError, answering};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Whose answer it is that Discord has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This one.
    Now,
    /// One of before: of a call whose answer was lost, or of another process.
    Before,
}

#[derive(Deserialize)]
struct Told {
    url: String,
    session_start_limit: Limit,
}

#[derive(Deserialize)]
struct Limit {
    total: u32,
    remaining: u32,
    reset_after: u64,
    max_concurrency: u16,
}

impl DiscordClient {
    /// Where the gateway is, and how often a session may be begun.
    pub async fn entrance(&self) -> Result<Entrance, DiscordError> {
        let call = self.bot(self.http.get(self.url("gateway/bot")));
        let value = self.send(Route::new(Method::Entrance, ""), call).await?.value()?;
        let told: Told = serde_json::from_value(value).map_err(|_| not_json())?;
        let limit = told.session_start_limit;
        Ok(Entrance {
            url: told.url,
            remaining: limit.remaining,
            reset_after: Duration::from_millis(limit.reset_after),
            total: limit.total,
            at_a_time: limit.max_concurrency,
        })
    }

    /// Answers an interaction for the first time, within three seconds of it.
    pub async fn call_back(&self, to: &ReplyTo, body: &Value) -> Result<Taken, DiscordError> {
        const ANSWERED_BEFORE: u64 = 40060;
        let url = self.url(&format!("interactions/{}/{}/callback", to.id, to.token.expose_secret()));
        match self.send(answering(&to.token), self.http.post(url).json(body)).await {
            Ok(_) => Ok(Taken::Now),
            Err(Failed {
                code: ANSWERED_BEFORE, ..
            }) => Ok(Taken::Before),
            Err(failed) => Err(failed.into()),
        }
    }
}
