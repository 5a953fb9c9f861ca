//! Socket Mode: Slack's deliveries over connections that we open, so that the bot needs no public address.
//!
//! Two connections are held, so that one covers the other: Slack sends each envelope to any one of them, and renews each of
//! them every few hours. One that is about to end stays in use until it does, and the next one is opened meanwhile. Every
//! replica holds its own two: a process that dies takes no delivery along that another one could have had, and nobody has to
//! agree on who listens. Slack lets an app hold ten.
//!
//! An envelope is acknowledged when whoever handles it says so, never before. Each is handled beside the others, so that
//! one that takes long holds up none.

mod frame;
mod link;
mod pace;

pub use frame::{Envelope, EnvelopeKind, Incoming, Reply};
pub use pace::Pace;

use super::client::{SetupError, SlackClient, SlackError};
use link::{Ended, Link, News};
use pace::Backoff;
use secrecy::SecretString;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// Connections at a time. One more is open while it takes the place of another.
const WANTED: usize = 2;

/// What the links may have to tell before they are heard.
const NEWS: usize = 64;

/// How the connections stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Those over which deliveries come.
    pub connections: usize,
    /// Why there is none, in words for those who keep the bot going.
    pub trouble: Option<String>,
}

/// Slack's Socket Mode, for one process.
#[derive(Debug)]
pub struct Socket {
    client: Arc<SlackClient>,
    /// The Web API is reached over TLS, so what it names must be, too.
    secure: bool,
    pace: Pace,
    standing: watch::Sender<Standing>,
}

/// Where one connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    /// It still brings deliveries, and will end soon.
    Leaving,
}

impl Socket {
    /// `app_token` opens connections and nothing else.
    pub fn new(api_url: &str, app_token: &SecretString, pace: Pace) -> Result<Self, SetupError> {
        Ok(Self {
            client: Arc::new(SlackClient::new(api_url, app_token, pace.patience)?),
            secure: api_url.starts_with("https:"),
            pace,
            standing: watch::Sender::default(),
        })
    }

    /// Tells how the connections stand, now and whenever that changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Holds the connections until `stop` says so; then what is being handled is still acknowledged.
    pub async fn work<H, F>(self, stop: watch::Receiver<bool>, handle: H)
    where
        H: Fn(Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let handle = Arc::new(handle);
        let (news, mut heard) = mpsc::channel(NEWS);
        let mut links: JoinSet<(u64, Ended)> = JoinSet::new();
        let mut stages: HashMap<u64, Stage> = HashMap::new();
        let mut backoff = Backoff::new(self.pace);
        let mut count = 0;
        let mut stopping = stop.clone();
        loop {
            let now = Instant::now();
            let held = stages.values().filter(|stage| **stage != Stage::Leaving).count();
            let missing = backoff.wanted(WANTED).saturating_sub(held);
            if missing > 0 && backoff.is_time(now) {
                count += 1;
                stages.insert(count, Stage::Opening);
                let link = Link {
                    id: count,
                    client: self.client.clone(),
                    secure: self.secure,
                    pace: self.pace,
                    news: news.clone(),
                    stop: stop.clone(),
                };
                let handle = handle.clone();
                links.spawn(async move { (link.id, link.live(handle).await) });
                continue;
            }
            tokio::select! {
                // What a connection has told comes before its end.
                biased;
                () = stopped(&mut stopping) => break,
                Some(told) = heard.recv() => match told {
                    News::Open(id) => {
                        stages.insert(id, Stage::Open);
                        backoff.opened();
                        tracing::info!(connection = id, "Slack's socket is open");
                    }
                    News::Leaving(id, reason) => {
                        stages.insert(id, Stage::Leaving);
                        tracing::info!(connection = id, reason, "Slack ends the connection soon; another one is opened");
                        backoff.leaving(&reason, Instant::now());
                    }
                },
                Some(ended) = links.join_next() => match ended {
                    Ok((id, ended)) => {
                        let was = stages.remove(&id);
                        self.ended(id, ended, was, &mut backoff);
                    }
                    Err(error) => {
                        tracing::error!(%error, "a connection to Slack ended in a defect");
                        // Which one it was is not told; those that live tell of themselves again.
                        stages.retain(|_, stage| *stage != Stage::Opening);
                        backoff.failed(Instant::now(), None);
                    }
                },
                () = tokio::time::sleep_until(backoff.next().into()), if missing > 0 => {}
            }
            self.tell(&stages, &backoff);
        }
        while links.join_next().await.is_some() {}
    }

    fn ended(&self, id: u64, ended: Ended, was: Option<Stage>, backoff: &mut Backoff) {
        let now = Instant::now();
        match ended {
            Ended::Stopped => {}
            Ended::NotOpened(error) => {
                tracing::warn!(
                    connection = id,
                    reason = error.say,
                    "Slack's socket could not be opened"
                );
                backoff.failed(now, error.after);
                backoff.blame(error.say);
            }
            // It was to be expected, and another one has taken its place.
            Ended::Closed(_) if was == Some(Stage::Leaving) => {}
            Ended::Closed(why) => {
                tracing::warn!(connection = id, why, "Slack's socket is closed");
                backoff.failed(now, None);
            }
        }
    }

    fn tell(&self, stages: &HashMap<u64, Stage>, backoff: &Backoff) {
        let connections = stages.values().filter(|stage| **stage != Stage::Opening).count();
        let trouble = backoff.blamed().filter(|_| connections == 0).map(str::to_owned);
        let standing = Standing { connections, trouble };
        self.standing.send_if_modified(|known| {
            let is_new = *known != standing;
            *known = standing;
            is_new
        });
    }
}

/// Waits for the end. A sender that is gone is an end too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// Why a connection could not be opened.
#[derive(Debug)]
struct NotOpened {
    say: String,
    /// Slack asks to wait, or there is no point in trying soon.
    after: Option<Duration>,
}

impl NotOpened {
    fn new(say: impl Into<String>) -> Self {
        Self {
            say: say.into(),
            after: None,
        }
    }

    fn of(error: &SlackError, rarely: Duration) -> Self {
        let (say, after) = match error {
            SlackError::RateLimited { after } => (error.to_string(), Some(*after)),
            SlackError::Token { code } => (
                format!("Slack does not accept the app token: {code}; check `app_token` in [slack]"),
                Some(rarely),
            ),
            SlackError::Scope { needed } => (
                format!("the app token lacks the scope {needed}; make one with `connections:write`"),
                Some(rarely),
            ),
            other => (other.to_string(), None),
        };
        Self { say, after }
    }
}
