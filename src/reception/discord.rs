//! Discord's deliveries: what is asked is stored before Discord hears that an answer is on its way; forms, and what can be
//! picked while somebody types, are answered at once.

use super::{Counts, Fate};
use crate::dispatch::Desk;
use crate::dispatch::completion::Typist;
use crate::dispatch::form::Offer;
use crate::dispatch::link::LinkReply;
use crate::intake::{Intake, NotKept};
use crate::platform::discord::receive::{self, Door, Field, Genuine, Received, Rejection, Typing};
use crate::platform::discord::{answer, form};
use crate::registration::spec;
use crate::request::{Ask, Delivery, Request, Words};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Discord waits three seconds, and whoever types not even those: what is offered late is offered to nobody.
const TYPING: Duration = Duration::from_millis(1500);

/// Takes deliveries in, whichever way they come.
#[derive(Debug)]
pub struct DiscordReception {
    /// Stores them.
    pub intake: Intake,
    /// Knows forms, and what can be picked.
    pub desk: Arc<Desk>,
    /// What became of them.
    pub counts: Arc<Counts>,
    /// Our application.
    pub application: String,
    /// The guilds that are heard.
    pub guilds: Vec<String>,
}

/// What an interaction comes to.
#[derive(Debug)]
pub enum Step {
    /// Answer so; there is nothing to keep.
    Answer(Value),
    /// Keep it, and answer so once it is kept.
    Keep {
        /// What to keep.
        delivery: Box<Delivery>,
        /// What to answer.
        answer: Value,
    },
}

impl DiscordReception {
    /// The answer to an interaction. The error was told to the log already; whoever sent it learns nothing of it.
    pub async fn take(&self, genuine: &Genuine<'_>) -> Result<Value, Rejection> {
        Ok(match self.read(genuine).await? {
            Step::Answer(answer) => answer,
            Step::Keep { delivery, answer } => match self.keep(*delivery).await {
                Ok(()) => answer,
                Err(not_kept) => answer::whisper(&not_kept.to_string()),
            },
        })
    }

    /// What is to be done about an interaction. The error was told to the log already.
    pub async fn read(&self, genuine: &Genuine<'_>) -> Result<Step, Rejection> {
        let door = Door {
            application: &self.application,
            guilds: &self.guilds,
        };
        match receive::interaction(genuine, door) {
            Ok(Received::Asked {
                delivery,
                answer,
                from_form,
            }) => Ok(match self.form(&delivery.request, from_form) {
                Some(form) => {
                    self.counts.add(Fate::Answered);
                    Step::Answer(form)
                }
                None => Step::Keep { delivery, answer },
            }),
            Ok(Received::Answered { answer, odd }) => {
                self.counts
                    .add(if odd.is_some() { Fate::Ignored } else { Fate::Answered });
                if let Some(odd) = odd {
                    tracing::info!(reason = odd, "delivery ignored");
                }
                Ok(Step::Answer(answer))
            }
            Ok(Received::Linking(delivery)) => {
                self.counts.add(Fate::Answered);
                let words = match self.desk.link(&delivery).await {
                    LinkReply::Said(words) => words,
                    LinkReply::Before => "This was answered before. For a new answer type it again.".to_owned(),
                };
                Ok(Step::Answer(answer::whisper(&words)))
            }
            Ok(Received::Typing(typing)) => {
                self.counts.add(Fate::Answered);
                Ok(Step::Answer(self.offer(&typing).await))
            }
            Err(rejection) => Err(self.rejected(rejection)),
        }
    }

    /// Tells the log of a delivery that is not accepted.
    pub fn rejected(&self, rejection: Rejection) -> Rejection {
        self.counts.add(Fate::Rejected);
        tracing::warn!(%rejection, "delivery rejected");
        rejection
    }

    /// Keeps what is asked.
    pub async fn keep(&self, delivery: Delivery) -> Result<(), NotKept> {
        let kept = self.intake.keep(delivery).await;
        self.counts.add(if kept.is_ok() { Fate::Kept } else { Fate::NotKept });
        kept
    }

    /// The form of a runbook that has more inputs than a command has options: what its names are everybody sees who knows
    /// its usage, and whether it may be asked for is said by the gate, once it is. And the form of what was typed wrong,
    /// with what was typed, for those who may ask. A form itself cannot be answered by another one.
    fn form(&self, request: &Request, from_form: bool) -> Option<Value> {
        let Ask::Run {
            runbook,
            words: Words::Named(given),
            dry,
        } = &request.ask
        else {
            return None;
        };
        if from_form {
            return None;
        }
        if !given.is_empty() {
            let form = self.desk.form_wanted(request, Offer::Faulty)?;
            return Some(form::run(&form, *dry));
        }
        let rules = self.desk.rules.now();
        let known = rules.catalog.get(runbook)?;
        spec(known).takes_form().then(|| form::run(&known.form(), *dry))
    }

    /// What can be picked; nothing where nobody may ask, where it is not known, and where it comes too late.
    async fn offer(&self, typing: &Typing) -> Value {
        let typist = Typist {
            account: &typing.account,
            place: &typing.place,
            memberships: &typing.memberships,
        };
        let typed = typing.typed.as_str();
        let completion = async {
            match &typing.field {
                Field::Runbook => self.desk.complete_line(typist, typed.trim_start_matches('/')).await,
                Field::Input { runbook, input } => self.desk.complete(typist, runbook, input, typed).await,
            }
        };
        let completion = tokio::time::timeout(TYPING, completion).await.unwrap_or_default();
        // Discord puts a choice in the place of all that was typed.
        let before = typed.get(..completion.replace.start).unwrap_or_default();
        let before = if typing.field == Field::Runbook { "" } else { before };
        let pairs: Vec<(String, String)> = completion
            .choices
            .into_iter()
            .map(|choice| (format!("{before}{}", choice.label), format!("{before}{}", choice.value)))
            .collect();
        let pairs = pairs.iter().map(|(label, value)| (label.as_str(), value.as_str()));
        answer::choices(pairs, typing.whole_numbers)
    }
}
