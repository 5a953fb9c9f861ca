//! What a person did, and what the bot may answer: by the reply to the delivery or by a callback the same rules hold.

use super::judge::{self, Door, Taken, Upload, join};
use super::message::{EPHEMERAL, Message, Shown};
use super::refusal::{Objections, Outcome, Refusal};
use super::world::World;
use super::{APPLICATION, permission};
use serde_json::{Value, json};
use std::time::Duration;

pub const ANSWER_WITHIN: Duration = Duration::from_secs(3);
pub const TOKEN_LIVES: Duration = Duration::from_secs(15 * 60);

const MESSAGE: u64 = 4;
const DEFERRED: u64 = 5;
const DEFERRED_UPDATE: u64 = 6;
const UPDATE: u64 = 7;
const CHOICES: u64 = 8;
const MODAL: u64 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Command,
    Component,
    /// For an option of this kind.
    Autocomplete {
        option: u64,
    },
    Modal,
}

#[derive(Debug, Clone)]
pub struct Interaction {
    pub id: String,
    pub token: String,
    pub kind: Kind,
    pub user: String,
    pub channel: String,
    pub guild: Option<String>,
    /// The message whose component was used.
    pub message: Option<String>,
    pub made: Duration,
    pub answer: Option<Answer>,
    /// The message that the answer made or is about.
    pub original: Option<String>,
    /// It was said that its token is not known.
    pub is_refused: bool,
}

/// What the bot answered first.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub kind: u64,
    pub data: Value,
    pub at: Duration,
}

impl Interaction {
    pub fn is_command(&self) -> bool {
        self.kind == Kind::Command
    }

    pub fn kind_number(&self) -> u64 {
        match self.kind {
            Kind::Command => 2,
            Kind::Component => 3,
            Kind::Autocomplete { .. } => 4,
            Kind::Modal => 5,
        }
    }

    /// By whose installation of the application it came: the guild's, or in a direct channel the person's talk with it.
    pub fn owners(&self) -> Value {
        json!({"0": self.guild.as_deref().unwrap_or("0")})
    }

    fn allows(&self, answer: u64) -> bool {
        match self.kind {
            Kind::Command => matches!(answer, MESSAGE | DEFERRED | MODAL),
            Kind::Component => matches!(answer, MESSAGE | DEFERRED | DEFERRED_UPDATE | UPDATE | MODAL),
            Kind::Autocomplete { .. } => answer == CHOICES,
            Kind::Modal if self.message.is_some() => {
                matches!(answer, MESSAGE | DEFERRED | DEFERRED_UPDATE | UPDATE)
            }
            Kind::Modal => matches!(answer, MESSAGE | DEFERRED),
        }
    }
}

impl World {
    /// The first answer to an interaction.
    pub fn answer(&mut self, id: &str, token: &str, body: &Value, uploads: Vec<Upload>) -> Outcome {
        let now = self.now();
        let known = self.interactions.get(id).filter(|known| known.token == token);
        let interaction = known.cloned().ok_or_else(|| Refusal::new(10062))?;
        if interaction.answer.is_some() {
            return Err(Refusal::new(40060));
        }
        if now.saturating_sub(interaction.made) > ANSWER_WITHIN {
            return Err(Refusal::new(10062));
        }
        let mut objections = Objections::default();
        let kind = body["type"].as_u64();
        let Some(kind) = kind.filter(|kind| interaction.allows(*kind)) else {
            let message = format!(
                "An interaction of type {} is not answered so.",
                interaction.kind_number()
            );
            objections.object("type", "BASE_TYPE_CHOICES", message);
            return objections.done();
        };
        let data = &body["data"];
        let original = match kind {
            MESSAGE => {
                let taken = judge::message(data, &Shown::default(), uploads, Door::Answer, "data")?;
                Some(self.post_for(&interaction, taken, data))
            }
            DEFERRED => Some(self.defer(&interaction, data)?),
            DEFERRED_UPDATE => interaction.message.clone(),
            UPDATE => {
                let id = interaction.message.clone().unwrap();
                self.edit(&id, data, uploads, "data")?;
                Some(id)
            }
            CHOICES => {
                choices(&interaction, data)?;
                None
            }
            _ => {
                judge::modal(data, "data")?;
                None
            }
        };
        let known = self.interactions.get_mut(id).unwrap();
        known.original = original;
        known.answer = Some(Answer {
            kind,
            data: data.clone(),
            at: now,
        });
        Ok(())
    }

    fn defer(&mut self, interaction: &Interaction, data: &Value) -> Outcome<String> {
        let flags = data["flags"].as_u64().unwrap_or(0);
        if flags & !EPHEMERAL != 0 {
            let mut objections = Objections::default();
            let message = format!("Only the flag {EPHEMERAL} may be set here, not {flags}.");
            objections.object("data.flags", "MESSAGE_FLAGS_INVALID", message);
            objections.done()?;
        }
        let mut message = self.new_message(&interaction.channel, Shown::default());
        message.shown.flags = flags;
        message.is_loading = true;
        message.interaction = Some(interaction.id.clone());
        message.alone = (flags & EPHEMERAL != 0).then(|| interaction.user.clone());
        Ok(self.add_message(message))
    }

    /// A new message that answers an interaction.
    pub fn post_for(&mut self, interaction: &Interaction, taken: Taken, body: &Value) -> String {
        let mut message = self.new_message(&interaction.channel, Shown::default());
        message.interaction = Some(interaction.id.clone());
        let is_alone = taken.shown.flags & EPHEMERAL != 0;
        message.alone = is_alone.then(|| interaction.user.clone());
        self.fill(&mut message, taken, &body["allowed_mentions"]);
        self.add_message(message)
    }

    /// Gives a new message what it shows, and notifies whom it may.
    pub fn fill(&mut self, message: &mut Message, taken: Taken, allowed_mentions: &Value) {
        self.misuse.extend(taken.misuse);
        message.shown = taken.shown;
        self.name_files(&mut message.shown);
        message.pings = self.pings(message, allowed_mentions);
    }

    /// A role that nobody may mention is notified by those alone who may mention everybody.
    fn pings(&self, message: &Message, allowed: &Value) -> Vec<String> {
        let guild = self.channels[&message.channel].guild.as_ref();
        let mentions_all = self.bot_may(&message.channel) & permission::MENTION_EVERYONE != 0;
        let is_notified = |name: &String| match name.strip_prefix("@&") {
            Some(role) => guild.is_some_and(|guild| {
                let mut roles = self.guilds[guild].roles.iter();
                roles.any(|known| known.id == role && (known.is_mentionable || mentions_all))
            }),
            None if name == "@everyone" || name == "@here" => mentions_all,
            None => true,
        };
        judge::pings(&message.shown, allowed)
            .into_iter()
            .filter(is_notified)
            .collect()
    }

    fn name_files(&mut self, shown: &mut Shown) {
        for file in shown.files.iter_mut().filter(|file| file.id.is_empty()) {
            file.id = self.new_id();
        }
    }

    /// Something else on a message that is there. What was only promised may still notify people.
    pub fn edit(&mut self, id: &str, body: &Value, uploads: Vec<Upload>, path: &str) -> Outcome {
        let now = self.now();
        let message = self.message(id).ok_or_else(|| Refusal::new(10008))?;
        let (before, was_promised) = (message.shown.clone(), message.is_loading);
        let taken = judge::message(body, &before, uploads, Door::Edit, path)?;
        self.misuse.extend(taken.misuse);
        let mut shown = taken.shown;
        self.name_files(&mut shown);
        let message = self.message_mut(id).unwrap();
        message.show(shown, now);
        if was_promised {
            let message = message.clone();
            let pings = self.pings(&message, &body["allowed_mentions"]);
            self.message_mut(id).unwrap().pings = pings;
        }
        Ok(())
    }

    /// The interaction that a webhook's token belongs to.
    pub fn of_token(&mut self, application: &str, token: &str) -> Outcome<Interaction> {
        let now = self.now();
        let found = self.interactions.values_mut().find(|known| known.token == token);
        let Some(found) = found.filter(|_| application == APPLICATION) else {
            return Err(Refusal::new(10015));
        };
        if now.saturating_sub(found.made) > TOKEN_LIVES {
            return Err(Refusal::new(50027));
        }
        if found.answer.is_none() {
            if found.is_refused {
                self.misuse
                    .push("a webhook that is not known was called again".to_owned());
            }
            found.is_refused = true;
            return Err(Refusal::new(10015));
        }
        Ok(found.clone())
    }
}

fn choices(interaction: &Interaction, data: &Value) -> Outcome {
    let Kind::Autocomplete { option } = interaction.kind else {
        unreachable!("only a completion is answered by choices");
    };
    let mut objections = Objections::default();
    if data["choices"].is_null() {
        objections.required("data.choices");
    }
    let given = objections.list("data.choices", &data["choices"], 0, 25);
    for (number, choice) in given.iter().enumerate() {
        let here = join("data.choices", number);
        objections.text(&join(&here, "name"), &choice["name"], 1, 100);
        let at = join(&here, "value");
        match option {
            3 => objections.text(&at, &choice["value"], 1, 100),
            4 if choice["value"].is_i64() || choice["value"].is_u64() => {}
            10 if choice["value"].is_number() => {}
            _ => objections.object(&at, "NUMBER_TYPE_COERCE", format!("{} is no number.", choice["value"])),
        }
    }
    objections.done()
}
