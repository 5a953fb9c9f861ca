//! Posts, each once: what is not known to be there is asked for before it is posted again.

use super::super::sent::{Sent, Trouble};
use super::super::{Outbox, patience};
use super::{Discord, Failed, Post, SETTLE, failed, heard, not_sent, signed};
use crate::platform::discord::client::{DiscordError, Mark, Page};
use crate::platform::discord::limits::Method;
use crate::store::messages::{Doubt, DueMessage};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// For this long a nonce surely stands for its first message.
const NONCE_LIVES: SignedDuration = SignedDuration::from_secs(120);

/// How far Discord's clock may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A search that gets no answer is left after this time: people wait for the message.
const SEARCH: SignedDuration = SignedDuration::from_mins(5);

/// Parts of a channel that are looked through in one go.
const PAGES: usize = 20;

/// What became of a search.
enum Search {
    Found(String),
    /// It is not there.
    Absent,
    /// Nobody can tell.
    Impossible(String),
    /// To be gone on with.
    Later(Sent),
}

impl Outbox<Discord> {
    /// Posts what is not there yet. The inner error is of Discord, and certain: nothing stands there.
    pub(super) async fn post(
        &self,
        due: &DueMessage,
        channel: &str,
        mark: Mark<'_>,
        mut post: Post,
    ) -> Result<Result<Sent, DiscordError>, Trouble> {
        let now = self.clock.now();
        let again = due.doubt.as_ref().map(|doubt| doubt.since).filter(|since| {
            let passed = now.duration_since(*since);
            (SignedDuration::ZERO..NONCE_LIVES).contains(&passed)
        });
        if let Some(doubt) = due.doubt.as_ref().filter(|_| again.is_none()) {
            match self.search(due, doubt, channel, mark).await {
                Search::Found(id) => return Ok(Ok(Sent::Found(id))),
                Search::Later(sent) => return Ok(Ok(sent)),
                Search::Absent => {}
                Search::Impossible(why) => {
                    tracing::warn!(message = %due.message.id, why, "posted again, though it may be there");
                    perhaps_again(&mut post.body);
                }
            }
        }
        if let Err(wait) = self.wire.client.take(Method::Post, channel) {
            return Ok(Ok(not_sent(Failed::KeptBack(wait))));
        }
        let since = again.unwrap_or(now);
        if !self.begin(due, since).await? {
            return Ok(Ok(Sent::Taken));
        }
        let nonce = nonce(&due.message.id, since);
        let posted = self.wire.client.post(channel, &nonce, post.body, post.file).await;
        self.hear(heard(&posted)).await;
        Ok(match posted {
            // It may be the one that was posted first, and show how things stood then.
            Ok(id) if again.is_some() => Ok(Sent::Found(id)),
            Ok(id) => Ok(Sent::Shown(Some(id))),
            Err(error @ DiscordError::Retry { .. }) => Ok(doubtful(error)),
            // Of the first one it is still not known whether it is there.
            Err(error @ (DiscordError::RateLimited { .. } | DiscordError::Token)) if again.is_some() => {
                let after = match &error {
                    DiscordError::RateLimited { after } => Some(signed(*after)),
                    _ => None,
                };
                Ok(Sent::Doubtful {
                    after,
                    sought: None,
                    why: error.to_string(),
                })
            }
            Err(error) => Err(error),
        })
    }

    /// Looks for a post that may be there.
    async fn search(&self, due: &DueMessage, doubt: &Doubt, channel: &str, mark: Mark<'_>) -> Search {
        let mut after = doubt.sought.clone().unwrap_or_else(|| snowflake(doubt.since - SKEW));
        for _ in 0..PAGES {
            let page = self.wire.client.find(channel, mark, &after);
            let (wait, why) = match self.call(Method::Find, channel, page).await {
                Ok(Page::Found(id)) => return Search::Found(id),
                Ok(Page::Absent) => return Search::Absent,
                Ok(Page::More(next)) => {
                    after = next;
                    continue;
                }
                Err(Failed::KeptBack(wait) | Failed::Discord(DiscordError::RateLimited { after: wait })) => {
                    (Some(signed(wait)), "Discord asked to wait".to_owned())
                }
                Err(Failed::Discord(error @ (DiscordError::Retry { .. } | DiscordError::Token))) => {
                    (None, error.to_string())
                }
                Err(Failed::Discord(error)) => return Search::Impossible(error.to_string()),
            };
            if self.clock.now().duration_since(doubt.since) > SEARCH {
                return Search::Impossible(why);
            }
            return Search::Later(Sent::Doubtful {
                after: wait,
                sought: Some(after),
                why: format!("it may be there, and is looked for: {why}"),
            });
        }
        Search::Later(Sent::Doubtful {
            after: Some(patience::pause(due.tries)),
            sought: Some(after),
            why: "it may be there, and is looked for".to_owned(),
        })
    }
}

fn perhaps_again(body: &mut Value) {
    let say = "Discord did not say whether it took this before, so it may be there twice. The buttons of an older one do \
               nothing.";
    let content = body["content"].as_str().unwrap_or_default();
    body["content"] = format!("{say} {content}").trim_end().into();
}

/// Twenty-five characters are the most that Discord takes.
fn nonce(id: &str, since: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update(since.as_microsecond().to_be_bytes());
    let mut nonce = hex::encode(hash.finalize());
    nonce.truncate(25);
    nonce
}

/// The least id of what was made at this moment or later: ids tell the time, from the beginning of 2015.
fn snowflake(at: Timestamp) -> String {
    const BEGINNING: i64 = 1_420_070_400_000;
    ((at.as_millisecond() - BEGINNING).max(0) << 22).to_string()
}

/// The same for a post, of which a lost answer leaves open whether it stands there.
fn doubtful(error: DiscordError) -> Sent {
    match error {
        DiscordError::Retry {
            detail,
            may_be_done: true,
        } => Sent::Doubtful {
            after: Some(SETTLE),
            sought: None,
            why: format!("it is not known whether Discord took it: {detail}"),
        },
        other => failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_of_one_post_and_fits() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let one = nonce("r:run:9001", at(1_800_000_000));
        assert_eq!(one.len(), 25);
        assert_eq!(one, nonce("r:run:9001", at(1_800_000_000)));
        assert_ne!(
            one,
            nonce("r:run:9001", at(1_800_000_001)),
            "posted anew it is another one"
        );
        assert_ne!(one, nonce("r:run:9002", at(1_800_000_000)));
    }

    #[test]
    fn ids_tell_the_time() {
        // As Discord's documentation takes one apart: 2016-04-30 11:18:25.796.
        let at: Timestamp = "2016-04-30T11:18:25.796Z".parse().unwrap();
        let first: u64 = snowflake(at).parse().unwrap();
        assert_eq!(175_928_847_299_117_063_u64 >> 22, first >> 22);
    }
}
