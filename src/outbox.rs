//! Sends what the store says should be seen. A message is derived from its run at the moment of sending, so ten changes
//! while a platform was down cost one call.

use crate::dispatch::Desk;
use crate::platform::slack::client::{Audience, SlackClient, SlackError, Upload};
use crate::platform::slack::limits::Limits;
use crate::platform::slack::render::{self, Mentions};
use crate::report::chart;
use crate::report::redact::Redactor;
use crate::report::{Outcome, Report};
use crate::request::{Account, Place};
use crate::run::ledger::{LedgerError, Live};
use crate::run::proof::Sampler;
use crate::station::Station;
use crate::store::StoreError;
use crate::store::messages::{DueMessage, MessageKind};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// The net under the bell.
const POLL: Duration = Duration::from_millis(250);

/// Messages looked at in one turn.
const TURN: i64 = 40;

/// After this many failures in a row a message that cannot be sent is left.
const TRIES: i64 = 60;

/// A message that went out by a response URL cannot be edited; it stands for itself.
const BY_RESPONSE_URL: &str = "response-url";

/// Sends messages to Slack.
#[derive(Debug)]
pub struct Outbox {
    /// For reports.
    pub desk: Arc<Desk>,
    /// For charts.
    pub sampler: Arc<Sampler>,
    /// The Web API.
    pub slack: SlackClient,
    /// What goes out when.
    pub limits: Limits,
    /// The last gate before a message leaves.
    pub redactor: Arc<Redactor>,
    /// Whether this process is the engine: of two, one sends. Its bell rings when something changed.
    pub station: Arc<Station>,
}

/// What became of one attempt.
enum Sent {
    /// The platform has it; its own id where there is one.
    Shown(Option<String>),
    /// Not now.
    Later(SignedDuration, String),
    /// The post is gone; it is posted anew.
    Anew,
    /// Never.
    Dead(String),
}

/// Why a message could not even be tried.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Outbox {
    /// Works until it is dropped.
    pub async fn work(self) {
        let mut bell = self.station.bell.listen();
        loop {
            bell.heard(POLL).await;
            if !self.station.leads() {
                continue;
            }
            match self.desk.store.due_messages(Timestamp::now(), TURN).await {
                Ok(due) => {
                    for message in due {
                        if let Err(error) = self.send(&message).await {
                            tracing::error!(message = %message.message.id, %error, "message put off");
                            let again = Timestamp::now() + SignedDuration::from_secs(10);
                            if let Err(error) = self
                                .desk
                                .store
                                .not_shown(&message.message.id, &error.to_string(), Some(again))
                                .await
                            {
                                tracing::error!(%error, "the outbox cannot be written");
                            }
                        }
                    }
                }
                Err(error) => tracing::error!(%error, "the outbox cannot be read"),
            }
            self.limits.tidy();
        }
    }

    async fn send(&self, due: &DueMessage) -> Result<(), Trouble> {
        let message = &due.message;
        let mentions = &self.mentions(message.place.workspace.as_deref());
        let sent = match message.kind {
            MessageKind::Ephemeral => self.answer(due).await?,
            MessageKind::Run => self.run_message(due, mentions).await?,
            MessageKind::Ping | MessageKind::Details | MessageKind::Result => self.reply(due, mentions).await?,
            MessageKind::Chart => self.chart(due).await?,
        };
        let now = Timestamp::now();
        let store = &self.desk.store;
        match sent {
            Sent::Shown(remote) => store.shown(&message.id, due.wanted, remote.as_deref(), now).await?,
            Sent::Anew => store.forget_remote(&message.id, now).await?,
            Sent::Later(_, reason) if due.tries >= TRIES => {
                tracing::error!(message = %message.id, reason, "given up");
                store.not_shown(&message.id, &reason, None).await?;
            }
            Sent::Later(after, reason) => {
                tracing::warn!(message = %message.id, reason, "message waits");
                store.not_shown(&message.id, &reason, Some(now + after)).await?;
            }
            Sent::Dead(reason) => {
                tracing::error!(message = %message.id, reason, "message cannot be sent");
                store.not_shown(&message.id, &reason, None).await?;
            }
        }
        Ok(())
    }

    /// The user groups of a workspace, by the people in force.
    fn mentions(&self, team: Option<&str>) -> Mentions {
        let Some(team) = team else {
            return Mentions::default();
        };
        let rules = self.desk.rules.now();
        let groups: Vec<(&str, String)> = rules
            .people
            .groups()
            .flat_map(|group| {
                let usergroups = group.slack_usergroups.iter();
                usergroups.map(|known| (group.name.as_str(), format!("{}/{}", known.team, known.usergroup)))
            })
            .collect();
        Mentions::of_team(team, groups.iter().map(|(group, place)| (*group, place.as_str())))
    }

    async fn report(&self, run: &str) -> Result<Report, Trouble> {
        Ok(self.desk.shown(run).await?.redacted(&self.redactor))
    }

    async fn run_message(&self, due: &DueMessage, mentions: &Mentions) -> Result<Sent, Trouble> {
        let (Some(run), Some(channel)) = (&due.message.run, &due.message.place.channel) else {
            return Ok(Sent::Dead("it names no run or no channel".to_owned()));
        };
        let report = self.report(run).await?;
        let rendered = render::run_message(&report, mentions);
        // A response URL has five uses in thirty minutes, and what it posts cannot be edited: it is kept for what people
        // wait for.
        let settled = report.attention.is_some() || report.outcome != Outcome::Running;
        match due.remote.as_deref() {
            Some(BY_RESPONSE_URL) => {
                if !settled {
                    return Ok(Sent::Shown(None));
                }
                Ok(self
                    .respond(due, &rendered, Audience::Channel)
                    .await?
                    .unwrap_or(Sent::Dead(
                        "the bot is not in the channel and the response URL is spent or too old".to_owned(),
                    )))
            }
            Some(ts) => {
                let team = due.message.place.workspace.as_deref().unwrap_or_default();
                if let Err(wait) = self.limits.edit(team) {
                    return Ok(later(wait));
                }
                Ok(match self.slack.update(channel, ts, &rendered).await {
                    Ok(()) => Sent::Shown(None),
                    Err(SlackError::Gone { code }) if code == "message_not_found" => Sent::Anew,
                    Err(error) => failed(error, due.tries),
                })
            }
            None => {
                if let Err(wait) = self.limits.post(channel) {
                    return Ok(later(wait));
                }
                match self.slack.post(channel, None, &rendered).await {
                    Ok(ts) => Ok(Sent::Shown(Some(ts))),
                    Err(SlackError::NotInChannel) if !settled => Ok(Sent::Shown(None)),
                    Err(error @ (SlackError::NotInChannel | SlackError::Gone { .. })) => Ok(self
                        .respond(due, &rendered, Audience::Channel)
                        .await?
                        .unwrap_or_else(|| Sent::Dead(error.to_string()))),
                    Err(error) => Ok(failed(error, due.tries)),
                }
            }
        }
    }

    /// By the response URL of the request; none where there is none that can be used.
    async fn respond(
        &self,
        due: &DueMessage,
        rendered: &render::Rendered,
        to: Audience,
    ) -> Result<Option<Sent>, Trouble> {
        let Some(request) = &due.message.request else {
            return Ok(None);
        };
        let Some(url) = self.desk.store.spend_token(request, Timestamp::now()).await? else {
            return Ok(None);
        };
        Ok(match self.slack.respond(url.expose_secret(), rendered, to).await {
            Ok(()) => Some(Sent::Shown(Some(BY_RESPONSE_URL.to_owned()))),
            Err(SlackError::Gone { .. } | SlackError::Invalid { .. }) => None,
            Err(error) => Some(failed(error, due.tries)),
        })
    }

    async fn answer(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let Some(body) = &due.message.body else {
            return Ok(Sent::Dead("it says nothing".to_owned()));
        };
        let rendered = render::ephemeral(&body.clone().redacted(&self.redactor));
        if let Some(sent) = self.respond(due, &rendered, Audience::Person).await? {
            return Ok(match sent {
                Sent::Shown(_) => Sent::Shown(None),
                other => other,
            });
        }
        let (Some(request), Some(channel)) = (&due.message.request, &due.message.place.channel) else {
            return Ok(Sent::Dead("nobody is there to be answered".to_owned()));
        };
        let Account::Slack { user, .. } = self.desk.store.request_body(request).await?.account else {
            return Ok(Sent::Dead("nobody on Slack is there to be answered".to_owned()));
        };
        Ok(match self.slack.ephemeral(channel, &user, &rendered).await {
            Ok(()) => Sent::Shown(None),
            Err(error) => failed(error, due.tries),
        })
    }

    async fn reply(&self, due: &DueMessage, mentions: &Mentions) -> Result<Sent, Trouble> {
        let Some((run, place, thread)) = self.thread(due).await? else {
            return Ok(Sent::Shown(None));
        };
        let report = self.report(&run).await?;
        let (message, file) = if due.message.kind == MessageKind::Ping {
            match render::ping(&report, mentions) {
                Some(message) => (message, None),
                // Whoever was to be called has answered already.
                None => return Ok(Sent::Shown(None)),
            }
        } else {
            let details = render::thread_details(&report);
            (details.message, details.file)
        };
        let channel = place.channel.as_deref().unwrap_or_default();
        if let Err(wait) = self.limits.post(channel) {
            return Ok(later(wait));
        }
        let ts = match self.slack.post(channel, Some(&thread), &message).await {
            Ok(ts) => ts,
            Err(error) => return Ok(failed(error, due.tries)),
        };
        if let Some(file) = file {
            let upload = Upload {
                filename: &file.name,
                bytes: &file.bytes,
                alt_text: "",
                title: &file.title,
            };
            if let Err(error) = self.slack.upload(channel, &thread, &upload).await {
                tracing::warn!(%error, run, "the details' file could not be uploaded");
            }
        }
        Ok(Sent::Shown(Some(ts)))
    }

    async fn chart(&self, due: &DueMessage) -> Result<Sent, Trouble> {
        let Some((run, place, thread)) = self.thread(due).await? else {
            return Ok(Sent::Shown(None));
        };
        let live = Live::load(&self.desk.store, &run).await?;
        let Some(spec) = self.sampler.chart_of(&live).await else {
            return Ok(Sent::Shown(None));
        };
        let alt = chart::alt(&spec);
        let drawn = tokio::task::spawn_blocking(move || chart::draw(&spec).map(|png| (spec.title, png))).await;
        let (title, png) = match drawn {
            Ok(Ok(drawn)) => drawn,
            Ok(Err(error)) => return Ok(Sent::Dead(error.to_string())),
            Err(error) => return Ok(Sent::Dead(error.to_string())),
        };
        let upload = Upload {
            filename: &format!("{run}.png"),
            bytes: &png,
            alt_text: &self.redactor.redact(&alt),
            title: &title,
        };
        Ok(
            match self
                .slack
                .upload(place.channel.as_deref().unwrap_or_default(), &thread, &upload)
                .await
            {
                Ok(()) => Sent::Shown(None),
                Err(error) => failed(error, due.tries),
            },
        )
    }

    /// The thread that a reply belongs to; none where the run's message has none.
    async fn thread(&self, due: &DueMessage) -> Result<Option<(String, Place, String)>, Trouble> {
        let Some(run) = &due.message.run else { return Ok(None) };
        let thread = self.desk.store.thread_of(run, &due.message.place).await?;
        Ok(thread
            .filter(|ts| ts != BY_RESPONSE_URL)
            .map(|ts| (run.clone(), due.message.place.clone(), ts)))
    }
}

fn later(wait: Duration) -> Sent {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
    Sent::Later(wait, "kept back by our own limit".to_owned())
}

/// What a failure means for the message.
fn failed(error: SlackError, tries: i64) -> Sent {
    let reason = error.to_string();
    let backoff = SignedDuration::from_secs(1 << tries.clamp(0, 6));
    match error {
        SlackError::RateLimited { after } => Sent::Later(
            SignedDuration::try_from(after).unwrap_or(SignedDuration::from_secs(60)),
            reason,
        ),
        SlackError::Retry { .. } => Sent::Later(backoff, reason),
        SlackError::Forbidden { .. } => Sent::Later(SignedDuration::from_secs(60), reason),
        SlackError::Gone { .. } | SlackError::NotInChannel | SlackError::Invalid { .. } => Sent::Dead(reason),
    }
}
