//! How messages reach Discord: which call, what its failure means for the message, and how a post is found again of which
//! Discord did not say that it took it.
//!
//! A post bears a nonce that is made of the message and the moment in which it was begun. For some minutes Discord gives
//! the message that the first one made to whoever posts with the same one again; after that it is looked for.

mod alert;
mod answer;
mod post;

use super::alert::about;
use super::sent::{Sent, Trouble};
use super::standing::Heard;
use super::{Outbox, Wire};
use crate::platform::discord::client::{DiscordClient, DiscordError, File, Mark, Missing};
use crate::platform::discord::limits::Method;
use crate::platform::discord::render::{self, Mentions, Rendered};
use crate::report::chart;
use crate::request::Surface;
use crate::run::ledger::Live;
use crate::store::messages::{DueMessage, MessageKind, Thread};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A post whose answer was lost may still be on its way: it is asked for a little later.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);

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
        // To Discord a thread is a channel.
        let Some(channel) = place.thread.as_deref().or(place.channel.as_deref()) else {
            return Ok(Sent::Never("it names no channel".to_owned()));
        };
        if due.message.kind == MessageKind::Ephemeral {
            return self.answer(due).await;
        }
        if due.message.kind == MessageKind::Notice {
            return self.notice(due, channel).await;
        }
        if let Some(alert) = about(due) {
            return self.alert(due, alert, channel).await;
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
        self.show_in_place(due, channel, rendered).await
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
            // There are no threads in a thread.
            _ if due.message.place.thread.is_some() => Replies::Beside,
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

    /// What is told about the bot itself.
    async fn notice(&self, due: &DueMessage, channel: &str) -> Result<Sent, Trouble> {
        let Some(body) = due.message.body.clone() else {
            return Ok(Sent::Never("it says nothing".to_owned()));
        };
        let rendered = render::notice(&body.redacted(&self.redactor).say).known_as(&due.message.id);
        self.post_rendered(due, channel, rendered).await
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
