//! Discord's deliveries over its gateway. Of several processes one holds the connection, by a lease of its own; if it dies
//! another one takes over in seconds. What is asked is stored before Discord hears that an answer is on its way, and
//! neither holds up what comes next.
//!
//! While nobody hears Discord, whoever types or presses is shown an error by Discord itself, and nothing is kept. Such a
//! time is told with its span: in the log, to those who watch the bot, and in the operations channel once it is over.

mod answering;
mod gap;
mod hold;
mod line;
mod news;

use super::Fate;
use super::discord::DiscordReception;
use crate::bell::Bell;
use crate::platform::discord::client::DiscordClient;
use crate::platform::discord::gateway::{Gateway, Happening};
use crate::request::Place;
use gap::Gap;
use hold::Hold;
use jiff::Timestamp;
use news::News;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The lease's name, and that of the platform where it cannot be heard.
pub const GATEWAY: &str = "discord-gateway";

/// What happens may wait this long in a row to be looked at; each is handed on at once.
const WAITING: usize = 256;

/// Interactions in hand. Beyond that whoever asks is shown an error, as if nobody heard.
const AT_ONCE: usize = 1024;

/// To leave the gateway takes no longer.
const GOODBYE: Duration = Duration::from_secs(1);

/// A defect comes again; sessions that are begun are counted by the day.
const AFTER_DEFECT: Duration = Duration::from_secs(30);

/// Takes what comes over the gateway.
#[derive(Debug)]
pub struct GatewayReception {
    /// Reads and keeps what is asked.
    pub reception: Arc<DiscordReception>,
    /// Answers.
    pub client: Arc<DiscordClient>,
    /// Of the bot.
    pub token: SecretString,
    /// Unique to this process.
    pub owner: String,
    /// The operations channel, which is told of times when nobody heard.
    pub ops: Place,
    /// Rung when there is something to tell.
    pub bell: Arc<Bell>,
}

/// Why a process stops hearing.
enum End {
    Stopped,
    /// Another process holds the lease.
    Overtaken,
    /// Something here is broken.
    Defect(String),
}

impl GatewayReception {
    /// Works until `stop` says so.
    pub async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match hold::take(&self.reception.desk.store, &self.owner).await {
                Ok(Some(held)) => self.hear(held.hold, held.unheard_since, &mut stop).await,
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the gateway's lease cannot be asked for"),
            }
            let _ = tokio::time::timeout(hold::RENEW, stopped(&mut stop)).await;
        }
    }

    /// Hears Discord while the lease is held.
    async fn hear(self: &Arc<Self>, hold: Arc<Hold>, since: Option<Timestamp>, stop: &mut watch::Receiver<bool>) {
        tracing::info!(owner = %self.owner, "this process hears Discord's gateway");
        let mut tasks = JoinSet::new();
        let (leave, left) = watch::channel(false);
        let (happens, mut happenings) = mpsc::channel(WAITING);
        // Sets of one: what is in a set ends with it, however this ends.
        let (mut line, mut telling, mut renewing) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        line.spawn(line::keep(
            self.client.clone(),
            Gateway::new(self.token.clone()),
            happens,
            left,
        ));
        let (news, heard) = mpsc::unbounded_channel();
        telling.spawn(news::tell_all(self.clone(), heard));
        let (store, owner) = (self.reception.desk.store.clone(), self.owner.clone());
        renewing.spawn(hold::renew(store, owner, hold.clone()));
        let mut gap = Some(Gap::new(since, Timestamp::now()));
        let end = loop {
            while tasks.try_join_next().is_some() {}
            let is_long = gap.as_ref().and_then(|gap| gap.is_long_in(Timestamp::now()));
            tokio::select! {
                () = stopped(stop) => break End::Stopped,
                Some(ended) = renewing.join_next() => break match ended {
                    Ok(()) => End::Overtaken,
                    Err(error) => End::Defect(error.to_string()),
                },
                () = sleep(is_long), if is_long.is_some() => {
                    if let Some(gap) = &mut gap {
                        tell(&news, gap.is_long());
                    }
                }
                happening = happenings.recv() => match happening {
                    Some(happening) => self.take(happening, &hold, &mut gap, &news, &mut tasks),
                    None => break End::Defect("the connection is kept by nobody".to_owned()),
                },
            }
        };
        drop(renewing);
        let _ = leave.send(true);
        // What came until now is taken in.
        let leaving = async {
            while let Some(happening) = happenings.recv().await {
                self.take(happening, &hold, &mut gap, &news, &mut tasks);
            }
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(GOODBYE * 4, leaving).await.is_err() {
            tracing::warn!("some of what came over the gateway was still in hand");
        }
        drop((line, news));
        while let Some(ended) = telling.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "what is told of the gateway ended in a defect");
            }
        }
        self.end(end, gap, &hold).await;
    }

    async fn end(&self, end: End, gap: Option<Gap>, hold: &Hold) {
        let store = &self.reception.desk.store;
        match end {
            End::Overtaken => tracing::warn!("another process hears Discord's gateway"),
            End::Defect(error) => {
                tracing::error!(error, "Discord's gateway is left and entered anew");
                tokio::time::sleep(AFTER_DEFECT).await;
            }
            End::Stopped => {
                let since = gap.map_or(Some(Timestamp::now()), |gap| gap.since());
                if let Some(since) = since.filter(|_| hold.is_sure())
                    && let Err(error) = store.platform_fails(GATEWAY, gap::STOPPED, since).await
                {
                    tracing::warn!(%error, "that nobody hears Discord could not be kept");
                }
                if let Err(error) = store.release_lease(GATEWAY, &self.owner).await {
                    tracing::warn!(%error, "the gateway's lease could not be given back; it ends by itself");
                }
            }
        }
    }

    fn take(
        self: &Arc<Self>,
        happening: Happening,
        hold: &Arc<Hold>,
        gap: &mut Option<Gap>,
        news: &mpsc::UnboundedSender<News>,
        tasks: &mut JoinSet<()>,
    ) {
        let counts = &self.reception.counts;
        match happening {
            Happening::Interaction(_) if tasks.len() >= AT_ONCE => {
                counts.add(Fate::NotKept);
                tracing::error!(
                    in_hand = tasks.len(),
                    "too many interactions at once: one was not taken"
                );
            }
            Happening::Interaction(interaction) => {
                tasks.spawn(answering::answer(self.clone(), interaction, hold.clone()));
            }
            Happening::Unreadable(why) => {
                counts.add(Fate::Rejected);
                tracing::error!(why, "something came over Discord's gateway that cannot be read");
            }
            Happening::Up { resumed } => {
                tracing::info!(resumed, "Discord's gateway is heard");
                if let Some(gap) = gap.take() {
                    tell(news, Some(gap.ends(Timestamp::now())));
                }
            }
            Happening::Lost(why) => {
                tracing::warn!(why, "Discord's gateway is lost");
                gap.get_or_insert_with(|| Gap::new(None, Timestamp::now()))
                    .because(&why);
            }
            Happening::Refused(say) => {
                let gap = gap.get_or_insert_with(|| Gap::new(None, Timestamp::now()));
                tell(news, Some(gap.refused(&say)));
            }
        }
    }
}

fn tell(news: &mpsc::UnboundedSender<News>, told: Option<News>) {
    if let Some(told) = told {
        // Whoever tells outlives this, but for a defect that is told elsewhere.
        let _ = news.send(told);
    }
}

async fn sleep(time: Option<Duration>) {
    tokio::time::sleep(time.unwrap_or_default()).await;
}

/// Waits for the end. A sender that is gone is an end too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
