//! How messages reach Slack: which call, what its failure means for the message, and how a post is found again of which
//! Slack did not say that it took it.

mod alert;

use super::alert::about;
use super::sent::{Sent, Trouble};
use super::standing::Heard;
use super::{Outbox, Wire, patience};
use crate::platform::slack::client::{Audience, Mark, Page, SlackClient, SlackError, Upload};
use crate::platform::slack::limits::{Limits, Method, Target};
use crate::platform::slack::render::{self, Mentions, Rendered};
use crate::report::{Outcome, chart};
use crate::request::{Account, Surface};
use crate::run::ledger::Live;
use crate::store::messages::{Doubt, DueMessage, MessageKind, Thread, UNNAMED};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use std::time::Duration;

/// How far Slack's clock may be from ours: one that is further off hears nothing from Slack at all.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A post whose answer was lost may still be on its way: it is looked for a little later.
const SETTLE: SignedDuration = SignedDuration::from_secs(2);

/// A search that gets no answer is left after this time: people wait for the message.
const SEARCH: SignedDuration = SignedDuration::from_mins(3);

/// Parts of a channel that are looked through in one go.
const PAGES: usize = 20;

/// Speaks to Slack.
#[derive(Debug)]
pub struct Slack {
    client: SlackClient,
    limits: Limits,
}

impl From<SlackClient> for Slack {
    fn from(client: SlackClient) -> Self {
        Self {
            client,
            limits: Limits::default(),
        }
    }
}

impl Wire for Slack {
    const SURFACE: Surface = Surface::Slack;
    const NAME: &'static str = "slack";

    async fn send(outbox: &Outbox<Self>, due: &DueMessage) -> Result<Sent, Trouble> {
        outbox.to_slack(due).await
    }

    async fn ask(&self) -> Heard {
        heard(&self.client.auth_test().await)
    }

    fn tidy(&self) {
        self.limits.tidy();
    }
}

/// What a call told of Slack as a whole.
fn heard<T>(answer: &Result<T, SlackError>) -> Heard {
    match answer {
        Err(SlackError::Token { code }) => Heard::Refused(format!("it does not accept the bot token ({code})")),
        Err(SlackError::Retry { .. }) => Heard::Silent,
        _ => Heard::Well,
    }
}

/// A failed call, or one that was not made.
enum Failed {
    /// Our own limit, or a wait that Slack has asked for.
    KeptBack(Duration),
    /// Another process has the message.
    Taken,
    Slack(SlackError),
}

impl From<SlackError> for Failed {
    fn from(error: SlackError) -> Self {
        Self::Slack(error)
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

/// Where a message goes, with the names that Slack has for it.
struct Address<'a> {
    target: Target<'a>,
    thread: Option<&'a str>,
}

impl Outbox<Slack> {
    async fn to_slack(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let place = &due.message.place;
        let Some(channel) = place.channel.as_deref() else {
            return Ok(Sent::Never("it names no channel".to_owned()));
        };
        let target = Target {
            workspace: place.workspace.as_deref().unwrap_or_default(),
            channel,
        };
        if due.message.kind == MessageKind::Ephemeral {
            return self.answer(due, target).await;
        }
        if due.message.kind == MessageKind::Notice {
            return self.notice(due, target).await;
        }
        if let Some(alert) = about(due) {
            return self.alert(due, alert, target).await;
        }
        let Some(run) = due.message.run.as_deref() else {
            return Ok(Sent::Never("it names no run".to_owned()));
        };
        if due.message.kind == MessageKind::Run {
            return self.run_message(due, run, target).await;
        }
        let thread = match self.desk.store.thread_of(run, place).await? {
            Thread::Begun(ts) => ts,
            // What it would say is in the message itself, or in the console.
            Thread::Unnamed => return Ok(Sent::Shown(None)),
            Thread::Awaited => return Ok(Sent::KeptBack(SETTLE)),
            Thread::Never => return Ok(Sent::Never("its thread was never begun".to_owned())),
        };
        // There are no threads in a thread: what belongs to a run that is shown in one follows it there.
        let thread = place.thread.clone().unwrap_or(thread);
        let address = Address {
            target,
            thread: Some(&thread),
        };
        if due.message.kind == MessageKind::Chart {
            self.chart(due, run, &address, &thread).await
        } else {
            self.reply(due, run, &address, &thread).await
        }
    }

    /// The user groups of a workspace, by the people in force.
    fn mentions(&self, target: Target<'_>) -> Mentions {
        let rules = self.desk.rules.now();
        let groups: Vec<(&str, String)> = rules
            .people
            .groups()
            .flat_map(|group| {
                let usergroups = group.slack_usergroups.iter();
                usergroups.map(|known| (group.name.as_str(), format!("{}/{}", known.team, known.usergroup)))
            })
            .collect();
        Mentions::of_team(
            target.workspace,
            groups.iter().map(|(group, place)| (*group, place.as_str())),
        )
    }

    async fn run_message(&self, due: &DueMessage, run: &str, target: Target<'_>) -> Result<Sent, Trouble> {
        let report = self.report_for(due, run).await?;
        let rendered = render::run_message(&report, &self.mentions(target)).known_as(&due.message.id);
        // A response URL has five uses in thirty minutes, and what it posts cannot be edited: it is kept for what people
        // wait for.
        let settled = report.attention.is_some() || report.outcome != Outcome::Running;
        match due.remote.as_deref() {
            Some(UNNAMED) if !settled => Ok(Sent::Shown(None)),
            Some(UNNAMED) => Ok(self
                .respond(due, &rendered, Audience::Channel)
                .await?
                .unwrap_or(Sent::Never(
                    "the bot is not in the channel and the response URL is spent or too old".to_owned(),
                ))),
            Some(ts) => Ok(match self.edit(due, target, ts, &rendered).await {
                Ok(()) => Sent::Shown(None),
                Err(Failed::Slack(SlackError::Gone { code })) => match code.as_str() {
                    "message_not_found" | "cant_update_message" => Sent::Anew,
                    // The workspace lets nobody edit for long; how it ended is worth a message of its own.
                    "edit_window_closed" if settled => Sent::Anew,
                    "edit_window_closed" => Sent::Shown(None),
                    _ => failed(SlackError::Gone { code }),
                },
                Err(error) => not_sent(error),
            }),
            None => {
                let thread = due.message.place.thread.as_deref();
                let address = Address { target, thread };
                match self.post(due, &address, rendered.clone()).await? {
                    Ok(sent) => Ok(sent),
                    Err(SlackError::NotInChannel) if !settled => Ok(Sent::Shown(None)),
                    Err(error @ (SlackError::NotInChannel | SlackError::Gone { .. } | SlackError::Barred { .. })) => {
                        Ok(self
                            .respond(due, &rendered, Audience::Channel)
                            .await?
                            .unwrap_or_else(|| failed(error)))
                    }
                    Err(error) => Ok(failed(error)),
                }
            }
        }
    }

    async fn edit(&self, due: &DueMessage, target: Target<'_>, ts: &str, rendered: &Rendered) -> Result<(), Failed> {
        let call = async |message: &Rendered| {
            self.call(
                Method::Edit,
                target,
                self.wire.client.update(target.channel, ts, message),
            )
            .await
        };
        match call(rendered).await {
            Err(Failed::Slack(SlackError::Form { detail })) => {
                tracing::error!(message = %due.message.id, detail, "Slack does not take the message as it is built");
                call(&rendered.clone().plain()).await
            }
            other => other,
        }
    }

    /// By the response URL of the request; none where there is none that can be used.
    async fn respond(&self, due: &DueMessage, rendered: &Rendered, to: Audience) -> Result<Option<Sent>, Trouble> {
        let Some(request) = &due.message.request else {
            return Ok(None);
        };
        let Some(url) = self.desk.store.spend_token(request, self.clock.now()).await? else {
            return Ok(None);
        };
        let mut answer = self.wire.client.respond(url.expose_secret(), rendered, to).await;
        if let Err(SlackError::Form { detail }) = &answer {
            tracing::error!(message = %due.message.id, detail, "Slack does not take the message as it is built");
            if self.desk.store.spend_token(request, self.clock.now()).await?.is_some() {
                let plain = rendered.clone().plain();
                answer = self.wire.client.respond(url.expose_secret(), &plain, to).await;
            }
        }
        self.hear(heard(&answer)).await;
        Ok(match answer {
            Ok(()) => Some(Sent::Shown(Some(UNNAMED.to_owned()))),
            // What one person reads twice, or a channel, does no harm: it has the same words, and its buttons do once
            // what they do.
            Err(error @ (SlackError::RateLimited { .. } | SlackError::Retry { .. })) => Some(failed(error)),
            Err(_) => None,
        })
    }

    async fn answer(&self, due: &DueMessage, target: Target<'_>) -> Result<Sent, Trouble> {
        let Some(body) = &due.message.body else {
            return Ok(Sent::Never("it says nothing".to_owned()));
        };
        let rendered = render::ephemeral(&body.clone().redacted(&self.redactor));
        if let Some(sent) = self.respond(due, &rendered, Audience::Person).await? {
            return Ok(match sent {
                Sent::Shown(_) => Sent::Shown(None),
                other => other,
            });
        }
        let Some(request) = &due.message.request else {
            return Ok(Sent::Never("nobody is there to be answered".to_owned()));
        };
        let Account::Slack { user, .. } = self.desk.store.request_body(request).await?.account else {
            return Ok(Sent::Never("nobody on Slack is there to be answered".to_owned()));
        };
        let thread = due.message.place.thread.as_deref();
        let whisper = self.wire.client.ephemeral(target.channel, thread, &user, &rendered);
        Ok(match self.call(Method::Whisper, target, whisper).await {
            Ok(()) => Sent::Shown(None),
            Err(error) => not_sent(error),
        })
    }

    /// What is told about the bot itself.
    async fn notice(&self, due: &DueMessage, target: Target<'_>) -> Result<Sent, Trouble> {
        let Some(body) = due.message.body.clone() else {
            return Ok(Sent::Never("it says nothing".to_owned()));
        };
        let rendered = render::notice(&body.redacted(&self.redactor).say).known_as(&due.message.id);
        let address = Address { target, thread: None };
        Ok(self.post(due, &address, rendered).await?.unwrap_or_else(failed))
    }

    async fn reply(&self, due: &DueMessage, run: &str, address: &Address<'_>, thread: &str) -> Result<Sent, Trouble> {
        let report = self.report(run).await?;
        let (message, file) = if due.message.kind == MessageKind::Ping {
            match render::ping(&report, &self.mentions(address.target)) {
                Some(message) => (message, None),
                // Whoever was to be called has answered already.
                None => return Ok(Sent::Shown(None)),
            }
        } else {
            let details = render::thread_details(&report);
            (details.message, details.file)
        };
        let sent = match self.post(due, address, message.known_as(&due.message.id)).await? {
            Ok(sent) => sent,
            Err(error) => failed(error),
        };
        if let (Sent::Shown(_), Some(file)) = (&sent, file) {
            let upload = Upload {
                filename: &file.name,
                bytes: &file.bytes,
                alt_text: "",
                title: &file.title,
            };
            let channel = address.target.channel;
            let uploaded = self.wire.client.upload(channel, thread, &upload);
            if self.call(Method::File, address.target, uploaded).await.is_err() {
                tracing::warn!(run, "the details' file could not be uploaded");
            }
        }
        Ok(sent)
    }

    async fn chart(&self, due: &DueMessage, run: &str, address: &Address<'_>, thread: &str) -> Result<Sent, Trouble> {
        let live = Live::load(&self.desk.store, run).await?;
        let Some(spec) = self.sampler.chart_of(&live).await else {
            return Ok(Sent::Shown(None));
        };
        let name = format!("{run}.png");
        let alt = chart::alt(&spec);
        let drawn = tokio::task::spawn_blocking(move || chart::draw(&spec).map(|png| (spec.title, png))).await;
        let (title, png) = match drawn {
            Ok(Ok(drawn)) => drawn,
            Ok(Err(error)) => return Ok(Sent::Never(error.to_string())),
            Err(error) => return Ok(Sent::Never(error.to_string())),
        };
        let upload = Upload {
            filename: &name,
            bytes: &png,
            alt_text: &self.redactor.redact(&alt),
            title: &title,
        };
        self.picture(due, address, thread, &upload).await
    }

    /// A picture in a thread, unless it is there already.
    async fn picture(
        &self,
        due: &DueMessage,
        address: &Address<'_>,
        thread: &str,
        upload: &Upload<'_>,
    ) -> Result<Sent, Trouble> {
        if let Some(doubt) = &due.doubt {
            match self.search(due, doubt, address, Mark::File(upload.filename)).await {
                Search::Found(_) => return Ok(Sent::Shown(None)),
                Search::Later(sent) => return Ok(sent),
                // The same picture twice does no harm.
                Search::Absent | Search::Impossible(_) => {}
            }
        }
        let staged = match self
            .call(Method::File, address.target, self.wire.client.stage(upload))
            .await
        {
            Ok(staged) => staged,
            Err(error) => return Ok(not_sent(error)),
        };
        if !self.begin(due, self.clock.now()).await? {
            return Ok(Sent::Taken);
        }
        let shared = self.wire.client.share(address.target.channel, thread, &staged);
        Ok(match self.call(Method::File, address.target, shared).await {
            Ok(()) => Sent::Shown(None),
            Err(error) => doubtful(error),
        })
    }

    /// Posts what is not there yet. The inner error is of Slack, and certain: nothing stands there.
    async fn post(
        &self,
        due: &DueMessage,
        address: &Address<'_>,
        mut message: Rendered,
    ) -> Result<Result<Sent, SlackError>, Trouble> {
        if let Some(doubt) = &due.doubt {
            match self.search(due, doubt, address, Mark::Message(&due.message.id)).await {
                Search::Found(ts) => return Ok(Ok(Sent::Found(ts))),
                Search::Later(sent) => return Ok(Ok(sent)),
                Search::Absent => {}
                Search::Impossible(why) => {
                    tracing::warn!(message = %due.message.id, why, "posted again, though it may be there");
                    message = message.perhaps_again();
                }
            }
        }
        let posted = match self.post_once(due, address, &message).await? {
            Err(Failed::Slack(SlackError::Form { detail })) => {
                tracing::error!(message = %due.message.id, detail, "Slack does not take the message as it is built");
                self.post_once(due, address, &message.plain()).await?
            }
            other => other,
        };
        Ok(match posted {
            Ok(ts) => Ok(Sent::Shown(Some(ts))),
            Err(Failed::Slack(error @ SlackError::Retry { .. })) => Ok(doubtful(Failed::Slack(error))),
            Err(Failed::Slack(error)) => Err(error),
            Err(other) => Ok(not_sent(other)),
        })
    }

    async fn post_once(
        &self,
        due: &DueMessage,
        address: &Address<'_>,
        message: &Rendered,
    ) -> Result<Result<String, Failed>, Trouble> {
        if let Err(wait) = self.wire.limits.take(Method::Post, address.target) {
            return Ok(Err(Failed::KeptBack(wait)));
        }
        if !self.begin(due, self.clock.now()).await? {
            return Ok(Err(Failed::Taken));
        }
        let post = self.wire.client.post(address.target.channel, address.thread, message);
        Ok(self.made(Method::Post, address.target, post.await).await)
    }

    /// Looks for a post that may be there.
    async fn search(&self, due: &DueMessage, doubt: &Doubt, address: &Address<'_>, mark: Mark<'_>) -> Search {
        let oldest = (doubt.since - SKEW).as_second();
        let mut cursor = doubt.sought.clone();
        let target = address.target;
        for _ in 0..PAGES {
            let page = self
                .wire
                .client
                .find(target.channel, address.thread, mark, oldest, cursor.as_deref());
            let failed = match self.call(Method::Find, target, page).await {
                Ok(Page::Found(ts)) => return Search::Found(ts),
                Ok(Page::Absent) => return Search::Absent,
                Ok(Page::More(next)) => {
                    cursor = Some(next);
                    continue;
                }
                Err(failed) => failed,
            };
            let (after, why) = match failed {
                Failed::Taken => return Search::Later(Sent::Taken),
                Failed::KeptBack(wait) => (Some(signed(wait)), "Slack asked to wait".to_owned()),
                Failed::Slack(SlackError::RateLimited { after }) => {
                    (Some(signed(after)), "Slack asked to wait".to_owned())
                }
                Failed::Slack(error @ (SlackError::Retry { .. } | SlackError::Token { .. })) => {
                    (None, error.to_string())
                }
                Failed::Slack(SlackError::Invalid { detail }) if cursor.is_some() => {
                    cursor = None;
                    (None, detail)
                }
                Failed::Slack(error) => return Search::Impossible(error.to_string()),
            };
            if self.clock.now().duration_since(doubt.since) > SEARCH {
                return Search::Impossible(why);
            }
            return Search::Later(Sent::Doubtful {
                after,
                sought: cursor,
                why: format!("it may be there, and is looked for: {why}"),
            });
        }
        Search::Later(Sent::Doubtful {
            after: Some(patience::pause(due.tries)),
            sought: cursor,
            why: "it may be there, and is looked for".to_owned(),
        })
    }

    /// Makes a call that nothing needs to be journalled for.
    async fn call<T>(
        &self,
        method: Method,
        target: Target<'_>,
        call: impl Future<Output = Result<T, SlackError>>,
    ) -> Result<T, Failed> {
        self.wire.limits.take(method, target).map_err(Failed::KeptBack)?;
        self.made(method, target, call.await).await
    }

    /// Takes in what a call told of Slack.
    async fn made<T>(&self, method: Method, target: Target<'_>, answer: Result<T, SlackError>) -> Result<T, Failed> {
        self.hear(heard(&answer)).await;
        if let Err(SlackError::RateLimited { after }) = &answer {
            self.wire.limits.hold(method, target, *after);
        }
        Ok(answer?)
    }
}

fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60))
}

/// What a failure means for a message that certainly was not shown by it.
fn failed(error: SlackError) -> Sent {
    let why = error.to_string();
    match error {
        SlackError::RateLimited { after } => Sent::Later(Some(signed(after)), why),
        SlackError::Retry { .. } | SlackError::Token { .. } | SlackError::Scope { .. } => Sent::Later(None, why),
        SlackError::Gone { .. }
        | SlackError::NotInChannel
        | SlackError::Barred { .. }
        | SlackError::Form { .. }
        | SlackError::Invalid { .. } => Sent::Never(why),
    }
}

fn not_sent(error: Failed) -> Sent {
    match error {
        Failed::KeptBack(wait) => Sent::KeptBack(signed(wait)),
        Failed::Taken => Sent::Taken,
        Failed::Slack(error) => failed(error),
    }
}

/// The same for a post, of which a lost answer leaves open whether it stands there.
fn doubtful(error: Failed) -> Sent {
    match error {
        Failed::Slack(SlackError::Retry {
            detail,
            may_be_done: true,
        }) => Sent::Doubtful {
            after: Some(SETTLE),
            sought: None,
            why: format!("it is not known whether Slack took it: {detail}"),
        },
        other => not_sent(other),
    }
}
