//! Who is in which Slack user group. A platform that does not tell is believed for a while by what it told last: within
//! [`LIFE`] everything goes on; beyond, nobody approves or destroys anything by that group, and is told why. A user group
//! that is switched off, or gone, has no members; nor has one that was never read.

use crate::platform::slack::client::{SlackClient, SlackError};
use crate::policy::identity::{Roll, Rolls, SlackUsergroup};
use crate::rules::live::LiveRules;
use crate::run::clock::Clock;
use crate::station::Station;
use crate::store::rolls::KeptRoll;
use crate::store::{Store, StoreError};
use crate::troubles::Troubles;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Between two readings; a change in Slack counts so much later at the latest.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// Where one could not be read.
const SOONER: Duration = Duration::from_secs(30);

/// How old a list may be by which somebody approves or destroys.
pub const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What was kept longer ago tells nothing any more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// Reads the user groups that `people.toml` names, again and again.
#[derive(Debug)]
pub struct Usergroups {
    rules: Arc<LiveRules>,
    troubles: Arc<Troubles>,
    store: Store,
    client: SlackClient,
    clock: Arc<Clock>,
    begun: Timestamp,
    known: BTreeMap<SlackUsergroup, Known>,
}

#[derive(Debug, Default)]
struct Known {
    read: Option<(Timestamp, BTreeSet<String>)>,
    /// Why it could not be read again.
    failing: Option<String>,
}

impl Usergroups {
    /// For the people in force at a station.
    pub fn new(client: SlackClient, station: &Station, clock: Arc<Clock>) -> Self {
        Self {
            rules: station.desk.rules.clone(),
            troubles: station.troubles.clone(),
            store: station.desk.store.clone(),
            begun: clock.now(),
            client,
            clock,
            known: BTreeMap::new(),
        }
    }

    /// Keeps reading; an edit of `people.toml` is heeded at once.
    pub async fn work(mut self) {
        let mut changes = self.rules.changes();
        loop {
            let wanted = self.wanted();
            changes.mark_unchanged();
            let pause = self.read().await;
            let edited = async {
                // What the reading itself puts in force is a change, and no edit.
                while self.wanted() == wanted {
                    if changes.changed().await.is_err() {
                        // The rules are gone, and we soon too.
                        std::future::pending::<()>().await;
                    }
                }
            };
            let _ = tokio::time::timeout(pause, edited).await;
        }
    }

    /// Reads each of them once, and puts in force what is known then. Gives how long to wait before the next time.
    pub async fn read(&mut self) -> Duration {
        let wanted = self.wanted();
        for gone in self.known.keys().filter(|known| !wanted.contains(known)) {
            self.troubles.end(&about(gone));
        }
        self.known.retain(|known, _| wanted.contains(known));
        let mut pause = EVERY;
        let mut waits = None;
        for usergroup in wanted {
            let answer = match waits {
                None => self.client.group_members(&usergroup.usergroup).await,
                Some(after) => Err(SlackError::RateLimited { after }),
            };
            let now = self.clock.now();
            let known = self.known.entry(usergroup).or_default();
            match answer {
                Ok(users) => *known = Known::read(now, users),
                // Switched off, or deleted: Slack says the same of both.
                Err(SlackError::Gone { .. }) => *known = Known::read(now, Vec::new()),
                Err(error) => {
                    if let SlackError::RateLimited { after } = error {
                        waits = Some(after);
                    }
                    pause = pause.min(waits.unwrap_or(SOONER));
                    known.failing = Some(error.to_string());
                }
            }
        }
        self.put_in_force();
        self.keep().await;
        pause
    }

    fn wanted(&self) -> BTreeSet<SlackUsergroup> {
        let rules = self.rules.now();
        let groups = rules.people.groups();
        groups
            .flat_map(|group| group.slack_usergroups.iter().cloned())
            .collect()
    }

    /// For processes that do not ask Slack, such as a command line.
    async fn keep(&self) {
        let rolls = self.known.iter().filter_map(|(usergroup, known)| {
            let (read, users) = known.read.clone()?;
            Some(KeptRoll {
                usergroup: usergroup.clone(),
                read,
                users,
            })
        });
        for roll in rolls {
            if let Err(error) = self.store.keep_roll(&roll).await {
                tracing::warn!(usergroup = %roll.usergroup, %error, "who is in a user group cannot be kept");
            }
        }
    }

    fn put_in_force(&self) {
        let now = self.clock.now();
        let mut rolls = Rolls::new();
        for (usergroup, known) in &self.known {
            let about = about(usergroup);
            match (&known.failing, &known.read) {
                (None, _) => {
                    if self.troubles.end(&about) {
                        tracing::info!(%usergroup, "the user group can be read again");
                    }
                }
                (Some(why), read) => {
                    let since = read.as_ref().map_or(self.begun, |(read, _)| *read);
                    let follows = match read {
                        None => "nobody is a member by it",
                        Some(_) if now.duration_since(since) > LIFE => "nobody approves or destroys anything by it",
                        Some(_) => "its members are those of then",
                    };
                    let say = format!("the Slack user group {usergroup} cannot be read: {why}; {follows}");
                    if self.troubles.begin(&about, since, say.clone()) {
                        tracing::warn!(reason = say, "a user group cannot be read");
                    }
                }
            }
            if let Some((read, users)) = &known.read {
                let why = known.failing.as_deref().unwrap_or("it was not read since");
                rolls.insert(usergroup.clone(), roll(usergroup, *read, users, why, now));
            }
        }
        self.rules.enrol(rolls);
    }
}

/// Who is in which user group by what a serving process has kept, for one that does not ask Slack: believed as long.
pub async fn kept(store: &Store, now: Timestamp) -> Result<Rolls, StoreError> {
    let why = "no serving process has read it since";
    let kept = store.kept_rolls().await?;
    let lately = kept
        .into_iter()
        .filter(|kept| now.duration_since(kept.read) < FORGOTTEN);
    let rolls = lately.map(|kept| {
        let roll = roll(&kept.usergroup, kept.read, &kept.users, why, now);
        (kept.usergroup, roll)
    });
    Ok(rolls.collect())
}

fn roll(usergroup: &SlackUsergroup, read: Timestamp, users: &BTreeSet<String>, why: &str, now: Timestamp) -> Roll {
    let lapsed = (now.duration_since(read) > LIFE).then(|| {
        let when = read.strftime("%H:%M UTC on %Y-%m-%d");
        format!(
            "The Slack user group {usergroup} was last read at {when} ({why}); after an hour nobody approves or destroys \
             anything by it."
        )
    });
    Roll {
        users: users.clone(),
        read,
        lapsed,
    }
}

impl Known {
    fn read(now: Timestamp, users: Vec<String>) -> Self {
        Self {
            read: Some((now, users.into_iter().collect())),
            failing: None,
        }
    }
}

fn about(usergroup: &SlackUsergroup) -> String {
    format!("usergroup {usergroup}")
}
