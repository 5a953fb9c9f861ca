//! How messages reach Discord: which call, what its failure means for the message, and how a post is found again of which
//! Discord did not say that it took it.
//!
//! A post bears a nonce that is made of the message and the moment in which it was begun. For some minutes Discord gives
//! the message that the first one made to whoever posts with the same one again; after that it is looked for.

use super::sent::{Sent, Trouble};
use super::standing::Heard;
use super::{Outbox, Wire, patience};
use crate::platform::discord::answer::EPHEMERAL;
use crate::platform::discord::client::{DiscordClient, DiscordError, File, Mark, Missing, Page};
use crate::platform::discord::limits::Method;
use crate::platform::discord::render::{self, Mentions, Rendered};
use crate::report::chart;
use crate::request::{Account, Request, Surface};
use crate::run::ledger::Live;
use crate::store::messages::{Doubt, DueMessage, MessageKind, Thread};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// For this long a nonce surely stands for its first message.
const NONCE_LIVES: SignedDuration = SignedDuration::from_secs(120);

/// How far Discord's clock may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A post whose answer was lost may still be on its way: it is asked for a little later.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);

/// A search that gets no answer is left after this time: people wait for the message.
const SEARCH: SignedDuration = SignedDuration::from_mins(5);

/// Parts of a channel that are looked through in one go.
const PAGES: usize = 20;

/// What was asked is answered no sooner: Discord must have our word that the answer is on its way.
const GRACE: SignedDuration = SignedDuration::from_millis(400);

/// Discord may take this long to know its own interaction.
const ARRIVES: SignedDuration = SignedDuration::from_secs(10);

/// Threads that are remembered.
const THREADS: usize = 4_096;

/// Speaks to Discord.
#[derive(Debug)]
pub struct Discord {
    /// Shared with what else calls Discord, whose limits are the same.
    client: Arc<DiscordClient>,
    /// Where what belongs into a run's thread is written, by the run's message.
    threads: Mutex<HashMap<String, Replies>>,
}

/// Where what belongs into a thread is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replies {
    /// In the thread.
    Inside,
    /// In the channel, as replies: there may be no thread.
    Beside,
}

impl From<Arc<DiscordClient>> for Discord {
    fn from(client: Arc<DiscordClient>) -> Self {
        Self {
            client,
            threads: Mutex::default(),
        }
    }
}

impl Wire for Discord {
    const SURFACE: Surface = Surface::Discord;
    const NAME: &'static str = "discord";

    async fn send(outbox: &Outbox<Self>, due: &DueMessage) -> Result<Sent, Trouble> {
        outbox.to_discord(due).await
    }

    async fn ask(&self) -> Heard {
        heard(&self.client.me().await)
    }

    fn tidy(&self) {
        self.client.tidy();
    }
}

impl Discord {
    fn threads(&self) -> MutexGuard<'_, HashMap<String, Replies>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, message: &str, replies: Replies) {
        let mut threads = self.threads();
        if threads.len() >= THREADS {
            threads.clear();
        }
        threads.insert(message.to_owned(), replies);
    }
}

/// What a call told of Discord as a whole.
fn heard<T>(answer: &Result<T, DiscordError>) -> Heard {
    match answer {
        Err(DiscordError::Token) => Heard::Refused("it does not accept the bot token".to_owned()),
        Err(DiscordError::Retry { .. }) => Heard::Silent,
        _ => Heard::Well,
    }
}

/// A failed call, or one that was not made.
enum Failed {
    /// Our own limit, or a wait that Discord has asked for.
    KeptBack(Duration),
    Discord(DiscordError),
}

impl From<DiscordError> for Failed {
    fn from(error: DiscordError) -> Self {
        Self::Discord(error)
    }
}

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

/// A message as it is sent.
struct Post {
    body: Value,
    file: Option<File>,
}

impl From<&Rendered> for Post {
    fn from(rendered: &Rendered) -> Self {
        Self {
            body: rendered.body(),
            file: None,
        }
    }
}

impl Outbox<Discord> {
    async fn to_discord(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let place = &due.message.place;
        let Some(channel) = place.channel.as_deref() else {
            return Ok(Sent::Never("it names no channel".to_owned()));
        };
        if due.message.kind == MessageKind::Ephemeral {
            return self.answer(due).await;
        }
        let Some(run) = due.message.run.as_deref() else {
            return Ok(Sent::Never("it names no run".to_owned()));
        };
        if due.message.kind == MessageKind::Run {
            return self.run_message(due, run, channel).await;
        }
        let parent = match self.desk.store.thread_of(run, place).await? {
            Thread::Begun(id) => id,
            // What it would say is in the message itself, or in the console.
            Thread::Unnamed => return Ok(Sent::Shown(None)),
            Thread::Awaited => return Ok(Sent::KeptBack(SETTLE)),
            Thread::Never => return Ok(Sent::Never("its thread was never begun".to_owned())),
        };
        if due.message.kind == MessageKind::Chart {
            self.chart(due, run, channel, &parent).await
        } else {
            self.details(due, run, channel, &parent).await
        }
    }

    /// The roles of a guild, by the people in force.
    fn mentions(&self, due: &DueMessage) -> Mentions {
        let rules = self.desk.rules.now();
        let groups = rules.people.groups().flat_map(|group| {
            let roles = group.discord_roles.iter();
            roles.map(|role| (group.name.as_str(), role.to_string()))
        });
        let guild = due.message.place.workspace.as_deref().unwrap_or_default();
        Mentions::of_guild(guild, groups)
    }

    async fn run_message(&self, due: &DueMessage, run: &str, channel: &str) -> Result<Sent, Trouble> {
        let report = self.report_for(due, run).await?;
        let rendered = render::run_message(&report, &self.mentions(due)).known_as(&due.message.id);
        let Some(id) = due.remote.as_deref() else {
            return self.post_rendered(due, channel, rendered).await;
        };
        let edit = async |message: &Rendered| {
            let body = message.body();
            self.call(Method::Edit, channel, self.wire.client.edit(channel, id, &body))
                .await
        };
        let edited = match edit(&rendered).await {
            Err(Failed::Discord(DiscordError::Form { detail })) => {
                tracing::error!(message = %due.message.id, detail, "Discord does not take the message as it is built");
                edit(&rendered.plain()).await
            }
            other => other,
        };
        Ok(match edited {
            Ok(()) => Sent::Shown(None),
            Err(Failed::Discord(DiscordError::Gone { what: Missing::Message })) => Sent::Anew,
            Err(error) => not_sent(error),
        })
    }

    async fn post_rendered(&self, due: &DueMessage, channel: &str, rendered: Rendered) -> Result<Sent, Trouble> {
        let mark = rendered.mark.clone().unwrap_or_default();
        let posted = self
            .post(due, channel, Mark::Words(&mark), Post::from(&rendered))
            .await?;
        Ok(match posted {
            Err(DiscordError::Form { detail }) => {
                tracing::error!(message = %due.message.id, detail, "Discord does not take the message as it is built");
                let plain = Post::from(&rendered.plain());
                let posted = self.post(due, channel, Mark::Words(&mark), plain).await?;
                posted.unwrap_or_else(failed)
            }
            other => other.unwrap_or_else(failed),
        })
    }

    async fn details(&self, due: &DueMessage, run: &str, channel: &str, parent: &str) -> Result<Sent, Trouble> {
        let report = self.report(run).await?;
        let (message, file) = if due.message.kind == MessageKind::Ping {
            match render::ping(&report, &self.mentions(due)) {
                Some(message) => (message, None),
                // Whoever was to be called has answered already.
                None => return Ok(Sent::Shown(None)),
            }
        } else {
            let details = render::thread_details(&report);
            (details.message, details.file)
        };
        let message = message.known_as(&due.message.id);
        let mark = message.mark.clone().unwrap_or_default();
        let mut body = message.body();
        let file = file.map(|file| {
            body["attachments"] = json!([{"id": 0, "filename": file.name, "description": file.title}]);
            File {
                name: file.name,
                bytes: file.bytes,
            }
        });
        let name = render::thread_name(&report);
        self.reply(due, channel, parent, &name, Mark::Words(&mark), Post { body, file })
            .await
    }

    async fn chart(&self, due: &DueMessage, run: &str, channel: &str, parent: &str) -> Result<Sent, Trouble> {
        let live = Live::load(&self.desk.store, run).await?;
        let Some(spec) = self.sampler.chart_of(&live).await else {
            return Ok(Sent::Shown(None));
        };
        let name = format!("{run}.png");
        let alt = self.redactor.redact(&chart::alt(&spec)).into_owned();
        let drawn = tokio::task::spawn_blocking(move || chart::draw(&spec)).await;
        let png = match drawn {
            Ok(Ok(png)) => png,
            Ok(Err(error)) => return Ok(Sent::Never(error.to_string())),
            Err(error) => return Ok(Sent::Never(error.to_string())),
        };
        let post = Post {
            body: render::file_body(&name, &alt),
            file: Some(File {
                name: name.clone(),
                bytes: png,
            }),
        };
        let title = render::thread_name(&self.report(run).await?);
        self.reply(due, channel, parent, &title, Mark::File(&name), post).await
    }

    /// Writes into the thread of a run's message, which begins with what is written first. Where there may be no thread,
    /// replies in the channel take its place.
    async fn reply(
        &self,
        due: &DueMessage,
        channel: &str,
        parent: &str,
        name: &str,
        mark: Mark<'_>,
        mut post: Post,
    ) -> Result<Sent, Trouble> {
        let known = self.wire.threads().get(parent).copied();
        let replies = match known {
            Some(replies) => replies,
            None => {
                let begun = self.wire.client.begin_thread(channel, parent, name);
                match self.call(Method::Thread, channel, begun).await {
                    Ok(()) => Replies::Inside,
                    Err(Failed::Discord(DiscordError::Barred { detail } | DiscordError::Invalid { detail })) => {
                        tracing::warn!(channel, detail, "no thread may be begun; replies take its place");
                        Replies::Beside
                    }
                    // The run's message will be posted anew, and then there is something to hang a thread on.
                    Err(Failed::Discord(error @ DiscordError::Gone { what: Missing::Message })) => {
                        return Ok(Sent::Later(None, error.to_string()));
                    }
                    Err(error) => return Ok(not_sent(error)),
                }
            }
        };
        self.wire.remember(parent, replies);
        if replies == Replies::Inside {
            let copy = Post {
                body: post.body.clone(),
                file: post.file.clone(),
            };
            match self.post(due, parent, mark, copy).await? {
                // Somebody has locked it, or taken it away.
                Err(DiscordError::Barred { .. } | DiscordError::Gone { what: Missing::Channel }) => {
                    self.wire.remember(parent, Replies::Beside);
                }
                other => return Ok(other.unwrap_or_else(failed)),
            }
        }
        post.body["message_reference"] = json!({"message_id": parent, "fail_if_not_exists": false});
        Ok(self.post(due, channel, mark, post).await?.unwrap_or_else(failed))
    }

    /// Posts what is not there yet. The inner error is of Discord, and certain: nothing stands there.
    async fn post(
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

    /// What one person is told: in the answer that they wait for, or below the message that they pressed.
    async fn answer(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let Some(id) = &due.message.request else {
            return Ok(Sent::Never("nobody is there to be answered".to_owned()));
        };
        let request = self.desk.store.request_body(id).await?;
        let age = age(&request, self.clock.now());
        if age < GRACE {
            return Ok(Sent::KeptBack(GRACE - age));
        }
        let rendered = match (&due.message.body, due.message.run.as_deref()) {
            (Some(body), _) => render::ephemeral(&body.clone().redacted(&self.redactor)),
            (None, Some(run)) => match self.shown_to(&request, run).await? {
                Ok(rendered) => rendered,
                Err(sent) => return Ok(sent),
            },
            (None, None) => return Ok(Sent::Never("it says nothing".to_owned())),
        };
        let Some(token) = self.desk.store.token(id, self.clock.now()).await? else {
            return self.too_late(due, &request, &rendered).await;
        };
        if let Err(wait) = self.wire.client.take_answer(&token) {
            return Ok(Sent::KeptBack(signed(wait)));
        }
        let answer = async |rendered: &Rendered| {
            let mut body = rendered.body();
            if request.message.is_none() {
                return self.wire.client.answer(&token, &body).await;
            }
            body["flags"] = EPHEMERAL.into();
            self.wire.client.follow_up(&token, &body).await
        };
        let answered = match answer(&rendered).await {
            Err(DiscordError::Form { detail }) => {
                tracing::error!(message = %due.message.id, detail, "Discord does not take the message as it is built");
                answer(&rendered.clone().plain()).await
            }
            other => other,
        };
        self.hear(heard(&answered)).await;
        Ok(match answered {
            Ok(()) => Sent::Shown(None),
            Err(
                error @ DiscordError::Gone {
                    what: Missing::Interaction,
                },
            ) if age < ARRIVES => Sent::Later(Some(SignedDuration::from_secs(1)), error.to_string()),
            Err(DiscordError::Gone { .. }) => return self.too_late(due, &request, &rendered).await,
            // What one person reads twice does no harm.
            Err(error) => failed(error),
        })
    }

    /// Where the run is shown that somebody asked for; itself, where it cannot be shown in the channel.
    async fn shown_to(&self, request: &Request, run: &str) -> Result<Result<Rendered, Sent>, Trouble> {
        let place = &request.place;
        Ok(match self.desk.store.thread_of(run, place).await? {
            Thread::Begun(message) => {
                let (guild, channel) = (place.workspace.as_deref(), place.channel.as_deref());
                Ok(render::pointer(
                    guild.unwrap_or("@me"),
                    channel.unwrap_or_default(),
                    &message,
                ))
            }
            Thread::Awaited => Err(Sent::KeptBack(SETTLE)),
            Thread::Unnamed | Thread::Never => Ok(render::ephemeral(&self.report(run).await?)),
        })
    }

    /// The answer's time is over. What was said to one person is said to that person alone; a run shows itself.
    async fn too_late(&self, due: &DueMessage, request: &Request, rendered: &Rendered) -> Result<Sent, Trouble> {
        let Account::Discord { user } = &request.account else {
            return Ok(Sent::Never("nobody on Discord is there to be answered".to_owned()));
        };
        if due.message.body.is_none() {
            return Ok(Sent::Shown(None));
        }
        let direct = match self.call(Method::Direct, "", self.wire.client.direct(user)).await {
            Ok(direct) => direct,
            Err(error) => return Ok(not_sent(error)),
        };
        let mut late = rendered.clone().known_as(&due.message.id);
        late.content = "This was to be answered where you asked, and came too late for that.".to_owned();
        let sent = self.post_rendered(due, &direct, late).await?;
        Ok(match sent {
            Sent::Shown(_) | Sent::Found(_) => Sent::Shown(None),
            other => other,
        })
    }

    /// Makes a call that nothing needs to be journalled for.
    async fn call<T>(
        &self,
        method: Method,
        about: &str,
        call: impl Future<Output = Result<T, DiscordError>>,
    ) -> Result<T, Failed> {
        self.wire.client.take(method, about).map_err(Failed::KeptBack)?;
        let answer = call.await;
        self.hear(heard(&answer)).await;
        Ok(answer?)
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

/// How long ago something was asked: its id tells.
fn age(request: &Request, now: Timestamp) -> SignedDuration {
    let made = uuid::Uuid::parse_str(&request.id)
        .ok()
        .and_then(|id| id.get_timestamp());
    let made = made.and_then(|made| {
        let (seconds, nanoseconds) = made.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
    });
    // A clock that was set back, or an id of another kind: nothing is waited for.
    let age = made.map_or(ARRIVES, |made| now.duration_since(made));
    if age.is_negative() { ARRIVES } else { age }
}

fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60))
}

/// What a failure means for a message that certainly was not shown by it.
fn failed(error: DiscordError) -> Sent {
    let why = error.to_string();
    match error {
        DiscordError::RateLimited { after } => Sent::Later(Some(signed(after)), why),
        DiscordError::Retry { .. } | DiscordError::Token => Sent::Later(None, why),
        DiscordError::Gone { .. }
        | DiscordError::Barred { .. }
        | DiscordError::Form { .. }
        | DiscordError::Invalid { .. } => Sent::Never(why),
    }
}

fn not_sent(error: Failed) -> Sent {
    match error {
        Failed::KeptBack(wait) => Sent::KeptBack(signed(wait)),
        Failed::Discord(error) => failed(error),
    }
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
