//! One connection to Discord's gateway after the other: what happens is handed on as the bytes that came, and whoever
//! asks decides when to connect again. Nothing is waited for here but Discord.
//!
//! A session that was lost is taken up again where Discord says (its address for that comes with the session), and what
//! happened meanwhile is told then. No intent is needed: interactions come to every session.

mod event;

pub use event::{Interaction, ReplyTo};

use event::Event;
use futures::StreamExt as _;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use twilight_gateway::error::ReceiveMessageErrorType;
use twilight_gateway::queue::InMemoryQueue;
use twilight_gateway::{CloseFrame, ConfigBuilder, Intents, Message, Session, Shard, ShardId, ShardState};

/// To say goodbye takes no longer: nobody hears us meanwhile.
const GOODBYE: Duration = Duration::from_millis(500);

/// How the gateway is entered, by Discord's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// Where.
    pub url: String,
    /// Sessions that may still be begun.
    pub remaining: u32,
    /// When they are counted anew.
    pub reset_after: Duration,
    /// Sessions that may be begun in a day.
    pub total: u32,
    /// Sessions that may be begun at a time.
    pub at_a_time: u16,
}

/// What happened on the connection.
#[derive(Debug)]
pub enum Happening {
    /// Somebody did something.
    Interaction(Interaction),
    /// A session was begun, or taken up where it was left: from here on we hear.
    Up {
        /// Taken up.
        resumed: bool,
    },
    /// Something came that cannot be read. It may have been an interaction.
    Unreadable(String),
    /// We hear nothing any more.
    Lost(String),
    /// Discord does not want us, and will not until somebody mends it. The sentence is for who can.
    Refused(String),
}

/// Our end of the gateway.
pub struct Gateway {
    token: SecretString,
    entrance: Option<Entrance>,
    /// Counts sessions that are begun, over all connections.
    queue: InMemoryQueue,
    /// The session that may be taken up again, and where.
    kept: Option<(Session, Option<String>)>,
    shard: Option<Shard<InMemoryQueue>>,
    /// A connection that is over and may still want to say so.
    fading: Option<Shard<InMemoryQueue>>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (entrance, is_up) = (&self.entrance, self.shard.is_some());
        out.debug_struct("Gateway")
            .field("entrance", entrance)
            .field("connected", &is_up)
            .finish_non_exhaustive()
    }
}

/// Whether a websocket may be opened there.
fn is_address(url: &str) -> bool {
    let url = Url::parse(url);
    url.is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.host_str().is_some())
}

impl Gateway {
    /// Not connected yet.
    pub fn new(token: SecretString) -> Self {
        Self {
            token,
            entrance: None,
            queue: InMemoryQueue::default(),
            kept: None,
            shard: None,
            fading: None,
        }
    }

    /// Whether Discord has to be asked where to enter before the next connection.
    pub fn needs_entrance(&self) -> bool {
        self.entrance.is_none() || self.kept.is_none()
    }

    /// Where the next connection leads, if no session is taken up again. False where that is no address.
    pub fn enter_by(&mut self, entrance: Entrance) -> bool {
        if !is_address(&entrance.url) {
            return false;
        }
        let Entrance {
            remaining,
            reset_after,
            total,
            at_a_time,
            ..
        } = entrance;
        self.queue
            .update(at_a_time.max(1), remaining, reset_after, total.max(1));
        self.entrance = Some(entrance);
        true
    }

    /// What happens next. Connects where there is no connection, so whoever calls again after a loss has waited.
    ///
    /// Nothing is lost where this is dropped before it is done.
    pub async fn next(&mut self) -> Happening {
        if let Some(fading) = &mut self.fading {
            // What comes now says nothing new.
            let _ = tokio::time::timeout(GOODBYE, fading.next()).await;
            self.fading = None;
        }
        loop {
            let Some(entrance) = &self.entrance else {
                return Happening::Lost("it is not known where the gateway is".to_owned());
            };
            if self.shard.is_none() {
                self.shard = Some(connection(&self.token, entrance, &self.queue, self.kept.as_ref()));
            }
            let Some(shard) = &mut self.shard else { continue };
            let received = shard.next().await;
            let state = shard.state();
            match received {
                Some(Ok(Message::Text(text))) => {
                    let read = event::read(&text, state == ShardState::Resuming);
                    match read {
                        // Of these it is heard first what they do to the connection.
                        Event::Reconnect if is_over(state) => return self.lost("Discord asked for a new connection"),
                        Event::InvalidSession if is_over(state) => return self.lost("Discord ended the session"),
                        Event::Ready => return Happening::Up { resumed: false },
                        Event::Resumed => return Happening::Up { resumed: true },
                        Event::Interaction(interaction) => return Happening::Interaction(interaction),
                        Event::Unreadable(why) => return Happening::Unreadable(why),
                        _ => {}
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| frame.code);
                    return match refusal(code) {
                        Some(say) => self.refused(say),
                        None => self.lost(&format!("the connection was closed with code {code}")),
                    };
                }
                Some(Err(error)) => match error.kind() {
                    ReceiveMessageErrorType::Deserializing { event } => {
                        return Happening::Unreadable(format!("{} bytes that are no payload", event.len()));
                    }
                    _ => {
                        let cause = std::error::Error::source(&error).map(ToString::to_string);
                        let cause = cause.unwrap_or_else(|| error.to_string());
                        return self.lost(&format!("no connection: {cause}"));
                    }
                },
                None => return self.refused("Discord ended the connection for good"),
            }
        }
    }

    /// Says goodbye: the session is over, and Discord stops sending at once.
    pub async fn leave(&mut self) {
        self.kept = None;
        let Some(mut shard) = self.shard.take() else { return };
        if shard.state().is_identified() {
            shard.close(CloseFrame::NORMAL);
            let goodbye = async { while !matches!(shard.next().await, Some(Ok(Message::Close(_))) | None) {} };
            // Otherwise Discord finds out.
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
    }

    /// What can be taken up again is kept; an address that makes no sense is not.
    fn lost(&mut self, why: &str) -> Happening {
        if let Some(shard) = self.shard.take() {
            let place = shard.resume_url();
            self.kept = shard.session().map(|session| {
                let place = place.filter(|url| is_address(url)).map(str::to_owned);
                (session.clone(), place)
            });
            // It would connect again by itself where it cannot say goodbye, and there must be an address for that.
            self.fading = place.is_none_or(is_address).then_some(shard);
        }
        Happening::Lost(why.to_owned())
    }

    fn refused(&mut self, say: &str) -> Happening {
        self.shard = None;
        self.kept = None;
        Happening::Refused(say.to_owned())
    }
}

fn is_over(state: ShardState) -> bool {
    matches!(state, ShardState::Disconnected { .. })
}

fn connection(
    token: &SecretString,
    entrance: &Entrance,
    queue: &InMemoryQueue,
    kept: Option<&(Session, Option<String>)>,
) -> Shard<InMemoryQueue> {
    let config = ConfigBuilder::new(token.expose_secret().to_owned(), Intents::empty());
    let mut config = config
        .proxy_url(entrance.url.trim_end_matches('/').to_owned())
        .queue(queue.clone());
    if let Some((session, place)) = kept {
        config = config.session(session.clone());
        if let Some(place) = place {
            config = config.resume_url(place.trim_end_matches('/').to_owned());
        }
    }
    Shard::with_config(ShardId::ONE, config.build())
}

/// What is to be mended, where a code means that Discord will not have us.
fn refusal(code: u16) -> Option<&'static str> {
    Some(match code {
        4004 => "it does not accept the bot token; check `bot_token` in [discord], or make a new one",
        4010 | 4011 => {
            "the bot is in more servers than one connection serves; take it out of those that do not need it"
        }
        4012 => "it does not speak this version of the gateway any more; a newer Signalbox does",
        4013 | 4014 => "it does not give the bot what it asked for; a newer Signalbox may ask rightly",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_must_mend_is_told_from_what_passes() {
        for code in [4004, 4010, 4011, 4012, 4013, 4014] {
            assert!(refusal(code).is_some(), "{code}");
        }
        for code in [1000, 1001, 1005, 1006, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009] {
            assert!(refusal(code).is_none(), "{code}");
        }
    }

    // The queue that counts sessions lives on the runtime.
    #[tokio::test]
    async fn only_where_a_websocket_can_be_is_entered() {
        let mut gateway = Gateway::new("token".into());
        let mut enters = |url: &str| {
            gateway.enter_by(Entrance {
                url: url.to_owned(),
                remaining: 1,
                reset_after: Duration::ZERO,
                total: 1,
                at_a_time: 1,
            })
        };
        for url in ["", "gateway.discord.gg", "https://gateway.discord.gg", "wss://"] {
            assert!(!enters(url), "{url}");
        }
        assert!(enters("wss://gateway.discord.gg") && enters("ws://127.0.0.1:1"));
    }
}
