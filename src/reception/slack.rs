//! Slack's deliveries, over HTTP or over the socket alike.

use super::{Counts, Fate};
use crate::dispatch::Desk;
use crate::dispatch::form::Offer;
use crate::dispatch::link::LinkReply;
use crate::intake::Intake;
use crate::platform::slack::client::{Audience, SlackClient};
use crate::platform::slack::form::{self, Filled, Memory};
use crate::platform::slack::receive::{self, Asker, Genuine, Received, Rejection, Trigger, Typing};
use crate::platform::slack::render;
use crate::report::form::Flaw;
use crate::request::link::LinkDelivery;
use crate::request::{Account, Ask, Delivery, Request};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A form must be opened, and the delivery still be stored if it was not, within the three seconds that Slack gives.
pub const PATIENCE: Duration = Duration::from_millis(1200);

/// What Slack sends, by where it sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A slash command.
    Command,
    /// A button, a form, a shortcut, a field that offers values.
    Interaction,
    /// A mention.
    Event,
}

/// What Slack is told.
#[derive(Debug)]
pub enum Answer {
    /// It is kept, or asks for nothing.
    Empty,
    /// These words are for whoever asked alone.
    Words(String),
    /// What Slack itself wants back.
    Body(Value),
    /// The word of an address that is checked.
    Challenge(String),
    /// It is not kept; the words are for whoever asked.
    NotKept(String),
    /// Not believed, or not understood.
    Rejected(Rejection),
}

/// Takes Slack's deliveries.
#[derive(Debug)]
pub struct SlackReception {
    /// Stores them.
    pub intake: Intake,
    /// Who may ask for what, and what a runbook takes.
    pub desk: Arc<Desk>,
    /// Opens forms; it waits no longer than [`PATIENCE`].
    pub client: SlackClient,
    /// The workspaces that are heard.
    pub teams: Arc<[String]>,
    /// What came in.
    pub counts: Arc<Counts>,
}

impl SlackReception {
    /// Takes one.
    pub async fn take(&self, kind: Kind, genuine: &Genuine<'_>) -> Answer {
        let read = match kind {
            Kind::Command => receive::command,
            Kind::Interaction => receive::interaction,
            Kind::Event => receive::event,
        };
        let received = match read(genuine, &self.teams) {
            Ok(received) => received,
            Err(rejection) => return self.rejected(rejection),
        };
        match received {
            Received::Asked(delivery, trigger) => self.asked(*delivery, trigger).await,
            Received::Answered(asker, words) => self.answered(kind, &asker, words).await,
            Received::Linking(asker, delivery) => self.linking(kind, &asker, &delivery).await,
            Received::Ignored(reason) => {
                self.counts.add(Fate::Ignored);
                tracing::info!(reason, "delivery ignored");
                Answer::Empty
            }
            Received::Choosing(asker, trigger) => self.choosing(&asker, &trigger).await,
            Received::Chosen(asker, runbook, memory) => self.chosen(&asker, &runbook, &memory),
            Received::Filled(filled) => self.filled(*filled).await,
            Received::Typing(typing) => self.typing(&typing).await,
            Received::Challenge(word) => Answer::Challenge(word),
        }
    }

    /// Not believed, or not understood: counted, and told in the log. Whoever sent it learns no more than that.
    pub fn rejected(&self, rejection: Rejection) -> Answer {
        self.counts.add(Fate::Rejected);
        tracing::warn!(%rejection, "delivery rejected");
        Answer::Rejected(rejection)
    }

    async fn asked(&self, delivery: Delivery, trigger: Option<Trigger>) -> Answer {
        if let Some(trigger) = trigger
            && self.opened_form(&delivery, &trigger).await
        {
            self.counts.add(Fate::Answered);
            return Answer::Empty;
        }
        self.keep(delivery).await
    }

    async fn keep(&self, delivery: Delivery) -> Answer {
        match self.intake.keep(delivery).await {
            Ok(()) => {
                self.counts.add(Fate::Kept);
                Answer::Empty
            }
            Err(not_kept) => {
                self.counts.add(Fate::NotKept);
                Answer::NotKept(not_kept.to_string())
            }
        }
    }

    /// Opens the form of a runbook of which nothing was said. Where that fails the request goes its usual way, and whoever
    /// asked is told how it is typed.
    async fn opened_form(&self, delivery: &Delivery, trigger: &Trigger) -> bool {
        let Some(form) = self.desk.form_wanted(&delivery.request, Offer::Incomplete) else {
            return false;
        };
        let reply = delivery
            .token
            .as_deref()
            .and_then(|url| self.desk.store.seal_token(url));
        let Some(view) = form::run(&form, &Memory::of(&delivery.request.place, reply)) else {
            return false;
        };
        match self.client.open_view(trigger.expose(), &view).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(runbook = form.runbook, %error, "the form could not be opened");
                false
            }
        }
    }

    /// Only a command can be answered in its acknowledgement.
    async fn answered(&self, kind: Kind, asker: &Asker, words: String) -> Answer {
        self.counts.add(Fate::Answered);
        if kind == Kind::Command {
            return Answer::Words(words);
        }
        self.tell(asker, &words).await;
        Answer::Empty
    }

    async fn linking(&self, kind: Kind, asker: &Asker, delivery: &LinkDelivery) -> Answer {
        let again = "This was answered before. For a new answer type it again.";
        match self.desk.link(delivery).await {
            LinkReply::Said(words) => self.answered(kind, asker, words).await,
            LinkReply::Before if kind == Kind::Command => self.answered(kind, asker, again.to_owned()).await,
            // Slack sends an event again where our word was lost.
            LinkReply::Before => {
                self.counts.add(Fate::Answered);
                Answer::Empty
            }
        }
    }

    /// Says something to one person, by the way that the delivery has opened. Nothing depends on it.
    async fn tell(&self, asker: &Asker, words: &str) {
        let message = render::sentence(words);
        let told = match (&asker.response_url, &asker.account, &asker.place.channel) {
            (Some(url), ..) => self.client.respond(url, &message, Audience::Person).await,
            (None, Account::Slack { user, .. }, Some(channel)) => {
                let thread = asker.place.thread.as_deref();
                self.client.ephemeral(channel, thread, user, &message).await
            }
            _ => return,
        };
        if let Err(error) = told {
            tracing::warn!(%error, "somebody could not be answered");
        }
    }

    async fn choosing(&self, asker: &Asker, trigger: &Trigger) -> Answer {
        self.counts.add(Fate::Answered);
        let runbooks = self.desk.choice(&asker_of(asker));
        let reply = asker
            .response_url
            .as_deref()
            .and_then(|url| self.desk.store.seal_token(url));
        let Some(view) = form::choose(&runbooks, &Memory::of(&asker.place, reply)) else {
            self.tell(asker, "There is no runbook that you may run here.").await;
            return Answer::Empty;
        };
        if let Err(error) = self.client.open_view(trigger.expose(), &view).await {
            tracing::warn!(%error, "the choice of runbooks could not be opened");
            let words = "Slack did not open the form. Try again, or type `/signalbox help`.";
            self.tell(asker, words).await;
        }
        Answer::Empty
    }

    fn chosen(&self, asker: &Asker, runbook: &str, memory: &Memory) -> Answer {
        self.counts.add(Fate::Answered);
        let form = self.desk.form(&asker_of(asker), runbook);
        let view = form.as_ref().and_then(|form| form::run(form, memory));
        Answer::Body(match view {
            Some(view) => form::instead(&view),
            None => {
                let say = if form.is_some() {
                    format!("It takes more than a form of Slack's can hold. Type /{runbook} with its inputs.")
                } else {
                    "You may not run it here, or it is gone.".to_owned()
                };
                form::errors(&[Flaw { field: None, say }], &[form::RUNBOOK.to_owned()])
            }
        })
    }

    /// What is wrong with the words is told beside the fields, and the form stays open. What cannot be kept, too.
    async fn filled(&self, mut filled: Filled) -> Answer {
        let flaws = self.desk.flaws(&filled.delivery.request);
        if !flaws.is_empty() {
            self.counts.add(Fate::Answered);
            return Answer::Body(filled.errors(&flaws));
        }
        let reply = filled.memory.reply.take();
        let reply = reply.and_then(|sealed| self.desk.store.open_token(&sealed));
        filled.delivery.token = reply.map(|url| url.expose_secret().to_owned());
        match self.keep(filled.delivery.clone()).await {
            Answer::NotKept(say) => Answer::Body(filled.errors(&[Flaw { field: None, say }])),
            answer => answer,
        }
    }

    async fn typing(&self, typing: &Typing) -> Answer {
        self.counts.add(Fate::Answered);
        let asker = asker_of(&typing.asker);
        let picks = self
            .desk
            .picks(&asker, &typing.runbook, &typing.input, &typing.typed)
            .await;
        Answer::Body(form::suggestions(&picks))
    }
}

/// As the gate looks at somebody who asks for nothing yet.
fn asker_of(asker: &Asker) -> Request {
    Request::new(asker.account.clone(), asker.place.clone(), Ask::Help { runbook: None })
}
