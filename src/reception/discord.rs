//! Discord's deliveries: what is asked is stored before Discord hears that an answer is on its way; forms, and what can be
//! picked while somebody types, are answered at once.

use super::{Counts, Fate};
use crate::dispatch::Desk;
use crate::dispatch::completion::Typist;
use crate::intake::Intake;
use crate::platform::discord::receive::{self, Door, Field, Genuine, Received, Rejection, Typing};
use crate::platform::discord::{answer, commands, press};
use crate::registration::spec;
use crate::request::{Ask, Delivery, Words};
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

impl DiscordReception {
    /// The answer to an interaction. The error was told to the log already; whoever sent it learns nothing of it.
    pub async fn take(&self, genuine: &Genuine<'_>) -> Result<Value, Rejection> {
        let door = Door {
            application: &self.application,
            guilds: &self.guilds,
        };
        match receive::interaction(genuine, door) {
            Ok(Received::Asked { delivery, answer }) => Ok(self.keep(*delivery, answer).await),
            Ok(Received::Answered { answer, odd }) => {
                self.counts
                    .add(if odd.is_some() { Fate::Ignored } else { Fate::Answered });
                if let Some(odd) = odd {
                    tracing::info!(reason = odd, "delivery ignored");
                }
                Ok(answer)
            }
            Ok(Received::Typing(typing)) => {
                self.counts.add(Fate::Answered);
                Ok(self.offer(&typing).await)
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

    async fn keep(&self, delivery: Delivery, answer: Value) -> Value {
        if let Some(form) = self.form(&delivery.request.ask) {
            self.counts.add(Fate::Answered);
            return form;
        }
        match self.intake.keep(delivery).await {
            Ok(()) => {
                self.counts.add(Fate::Kept);
                answer
            }
            Err(not_kept) => {
                self.counts.add(Fate::NotKept);
                answer::whisper(&not_kept.to_string())
            }
        }
    }

    /// The form of a runbook that has more inputs than a command has options. What its names are everybody sees who
    /// knows its usage; whether it may be asked for is said by the gate, once it is.
    fn form(&self, ask: &Ask) -> Option<Value> {
        let Ask::Run {
            runbook,
            words: Words::Named(given),
            dry,
        } = ask
        else {
            return None;
        };
        let rules = self.desk.rules.now();
        let spec = given
            .is_empty()
            .then(|| rules.catalog.get(runbook))
            .flatten()
            .map(|known| spec(known))?;
        spec.takes_form().then(|| {
            let id = press::inputs_id(runbook, *dry);
            answer::inputs_form(&id, runbook, &commands::written(&spec.inputs))
        })
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
