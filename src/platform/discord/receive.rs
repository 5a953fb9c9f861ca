//! What Discord sends us, from bytes to what is asked. Nothing here does I/O or reads a clock.
//!
//! [`verify`] gives the key, [`Genuine`], to [`interaction`]: a body whose signature nobody has checked cannot be read by
//! mistake. What a command's permissions in Discord say is never relied on: server administrators change them.

mod own;
mod payload;
#[cfg(test)]
mod tests;

use super::answer;
use super::form as forms;
use super::gateway;
use super::press::{self, Pressed, Reasoned};
use crate::request::link::{LinkAsk, LinkDelivery};
use crate::request::{Account, Ask, Delivery, Place, Request, Surface, Words};
use ed25519_dalek::{Signature, VerifyingKey};
use jiff::Timestamp;
use own::Own;
use payload::Payload;
use serde_json::{Value, json};

/// The app's own slash command.
pub const COMMAND: &str = "signalbox";

/// The option of every runbook's command that stops after the plan.
pub const DRY: &str = "dry";

/// The largest body that is looked at. A message comes back with each press, so this is well above what one can hold.
pub const MAX_BODY: usize = 512 * 1024;

/// How far the sender's clock may be from ours, either way, in seconds.
pub const MAX_AGE: i64 = 300;

/// Roles that a guild can have.
const MOST_ROLES: usize = 250;

/// Options that a command can have.
const MOST_OPTIONS: usize = 25;

/// Why a delivery is not accepted. The text is for the log; whoever sent it gets the status alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// More than [`MAX_BODY`].
    #[error("the body has {0} bytes; more than {MAX_BODY} are not read")]
    TooLarge(usize),
    /// A header that Discord always sends.
    #[error("the header {0} is missing or is not text")]
    NoHeader(&'static str),
    /// A header that is there and makes no sense.
    #[error("the header {0} is garbled")]
    BadHeader(&'static str),
    /// Too old, or from the future.
    #[error("the timestamp is {0} seconds away from our clock; at most {MAX_AGE} are accepted")]
    Stale(i64),
    /// Somebody else signed it, or somebody changed it on the way.
    #[error("the signature does not fit the body; is `public_key` in [discord] the one of this application?")]
    BadSignature,
    /// Not JSON.
    #[error("the body does not parse: {0}")]
    BadPayload(String),
    /// A field that is always sent.
    #[error("the field {0} is missing")]
    NoField(&'static str),
    /// A field with something impossible in it.
    #[error("the field {0} is garbled")]
    BadField(&'static str),
    /// A kind of interaction that this version does not know.
    #[error("interactions of type {0} are not known")]
    UnknownType(i64),
    /// Meant for another application.
    #[error("the application {0} is not `application_id` in [discord]")]
    ForeignApplication(String),
    /// A guild that is not configured.
    #[error("the guild {0} is not one of `guilds` in [discord]")]
    ForeignGuild(String),
}

impl Rejection {
    /// The HTTP status, with which the answer ends.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::NoHeader(_) | Self::BadHeader(_) | Self::Stale(_) | Self::BadSignature => 401,
            Self::ForeignApplication(_) | Self::ForeignGuild(_) => 403,
            Self::BadPayload(_) | Self::NoField(_) | Self::BadField(_) | Self::UnknownType(_) => 400,
        }
    }
}

/// What a genuine delivery comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// To be stored, and then answered so.
    Asked {
        /// What to store.
        delivery: Box<Delivery>,
        /// What to answer once it is.
        answer: Value,
        /// Whether it came by a form: to a form no other one can be an answer.
        from_form: bool,
    },
    /// Answer so; there is nothing to store. The text is for the log, where there is something to tell.
    Answered {
        /// What to answer.
        answer: Value,
        /// What was odd about it.
        odd: Option<String>,
    },
    /// Something about linked accounts: answered at once, for the eyes of whoever asked.
    Linking(Box<LinkDelivery>),
    /// Somebody is typing, and may be offered something.
    Typing(Box<Typing>),
}

/// Somebody who is typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// Who.
    pub account: Account,
    /// The roles that Discord proved.
    pub memberships: Vec<String>,
    /// Where.
    pub place: Place,
    /// Into which field.
    pub field: Field,
    /// What stands in it.
    pub typed: String,
    /// Whether the field takes whole numbers alone.
    pub whole_numbers: bool,
}

/// A field that is being typed into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// An input of a runbook.
    Input {
        /// The runbook.
        runbook: String,
        /// The input.
        input: String,
    },
    /// The name of a runbook.
    Runbook,
}

/// What we are to Discord: who is spoken to, and who is heard.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// Our application.
    pub application: &'a str,
    /// The guilds that are heard.
    pub guilds: &'a [String],
}

/// The key that Discord's signatures are checked with.
#[derive(Debug, Clone)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From 64 hexadecimal digits, as Discord's developer portal shows it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = hex::decode(text.trim()).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes)
            .ok()
            .filter(|key| !key.is_weak())
            .map(Self)
    }

    /// Whether it is the one that is written so.
    pub fn is(&self, text: &str) -> bool {
        Self::parse(text).is_some_and(|other| other.0 == self.0)
    }
}

/// A body that Discord signed, not long ago, or that came over the gateway. Only [`verify`] and [`over_gateway`] make one.
#[derive(Debug, Clone, Copy)]
pub struct Genuine<'a> {
    body: &'a [u8],
}

/// Checks who sent a body, and when. The headers are `X-Signature-Timestamp` and `X-Signature-Ed25519`.
pub fn verify<'a>(
    key: &PublicKey,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &'a [u8],
    now: Timestamp,
) -> Result<Genuine<'a>, Rejection> {
    const TIMESTAMP: &str = "X-Signature-Timestamp";
    const SIGNATURE: &str = "X-Signature-Ed25519";
    if body.len() > MAX_BODY {
        return Err(Rejection::TooLarge(body.len()));
    }
    let text = timestamp.ok_or(Rejection::NoHeader(TIMESTAMP))?;
    let signature = signature.ok_or(Rejection::NoHeader(SIGNATURE))?;
    // `parse` would take "+5" too, and only what was signed may be read.
    if text.is_empty() || text.len() > 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rejection::BadHeader(TIMESTAMP));
    }
    let sent: i64 = text.parse().map_err(|_| Rejection::BadHeader(TIMESTAMP))?;
    let age = now.as_second().saturating_sub(sent);
    if age.saturating_abs() > MAX_AGE {
        return Err(Rejection::Stale(age));
    }
    let given: Option<[u8; 64]> = hex::decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
    let given = Signature::from_bytes(&given.ok_or(Rejection::BadHeader(SIGNATURE))?);
    let signed = [text.as_bytes(), body].concat();
    match key.0.verify_strict(&signed, &given) {
        Ok(()) => Ok(Genuine { body }),
        Err(_) => Err(Rejection::BadSignature),
    }
}

/// What came over the gateway came from Discord: we called there.
pub fn over_gateway(interaction: &gateway::Interaction) -> Result<Genuine<'_>, Rejection> {
    let body = interaction.text().as_bytes();
    if body.len() > MAX_BODY {
        return Err(Rejection::TooLarge(body.len()));
    }
    Ok(Genuine { body })
}

pub(super) use payload::is_id;

/// What Discord lets an app call a command, of what we would.
pub(super) fn is_command(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}

/// Reads an interaction.
pub fn interaction(genuine: &Genuine<'_>, door: Door<'_>) -> Result<Received, Rejection> {
    let payload = Payload::parse(genuine.body)?;
    let kind = payload.kind()?;
    if kind == 1 {
        return Ok(answered(answer::pong()));
    }
    let application = payload.id("application_id")?;
    if application != door.application {
        return Err(Rejection::ForeignApplication(application.to_owned()));
    }
    let Some(guild) = payload.guild()? else {
        // Nobody's roles are told there, and nobody else sees what is asked.
        let say = "Signalbox does not take commands from a direct message. Use a channel of the server.";
        return Ok(answered(match kind {
            4 => answer::choices([], false),
            _ => answer::whisper(say),
        }));
    };
    if !door.guilds.iter().any(|known| known == guild) {
        return Err(Rejection::ForeignGuild(guild.to_owned()));
    }
    let (channel, thread) = place_in(&payload)?;
    let origin = Origin {
        guild,
        user: payload.id("member.user.id")?,
        channel,
        thread,
        memberships: memberships(&payload, guild)?,
        payload: &payload,
    };
    match kind {
        2 => command(&origin),
        3 => press(&origin),
        4 => typing(&origin),
        5 => form(&origin),
        unknown => Err(Rejection::UnknownType(unknown)),
    }
}

fn answered(answer: Value) -> Received {
    Received::Answered { answer, odd: None }
}

/// The channel, and the thread in it. To Discord a thread is a channel of its own, with the other one as its parent.
fn place_in(payload: &Payload) -> Result<(&str, Option<&str>), Rejection> {
    const THREADS: std::ops::RangeInclusive<i64> = 10..=12;
    let here = payload.id("channel_id")?;
    let kind = payload.at("channel.type").and_then(Value::as_i64);
    if !kind.is_some_and(|kind| THREADS.contains(&kind)) || payload.at("channel.parent_id").is_none() {
        return Ok((here, None));
    }
    Ok((payload.id("channel.parent_id")?, Some(here)))
}

fn memberships(payload: &Payload, guild: &str) -> Result<Vec<String>, Rejection> {
    const ROLES: &str = "member.roles";
    let roles = match payload.at(ROLES) {
        None => return Ok(Vec::new()),
        Some(Value::Array(roles)) if roles.len() <= MOST_ROLES => roles,
        Some(_) => return Err(Rejection::BadField(ROLES)),
    };
    let each = roles.iter().map(|role| match role.as_str() {
        Some(role) if payload::is_id(role) => Ok(format!("discord {guild}/{role}")),
        _ => Err(Rejection::BadField(ROLES)),
    });
    each.collect()
}

/// Who asked and where, with the ids checked.
struct Origin<'a> {
    guild: &'a str,
    user: &'a str,
    channel: &'a str,
    thread: Option<&'a str>,
    memberships: Vec<String>,
    payload: &'a Payload,
}

impl Origin<'_> {
    fn account(&self) -> Account {
        Account::Discord {
            user: self.user.to_owned(),
        }
    }

    fn place(&self) -> Place {
        Place {
            surface: Surface::Discord,
            workspace: Some(self.guild.to_owned()),
            channel: Some(self.channel.to_owned()),
            thread: self.thread.map(str::to_owned),
        }
    }

    /// The message whose button was pressed, or that the form was opened from.
    fn message(&self) -> Result<Option<&str>, Rejection> {
        match self.payload.at("message") {
            None => Ok(None),
            Some(_) => self.payload.id("message.id").map(Some),
        }
    }

    /// What is kept of a delivery. The id is the platform's own.
    fn kept(&self, kind: &str, what: &Value) -> Result<(String, String), Rejection> {
        let id = self.payload.id("id")?;
        let kept = json!({
            "kind": kind, "guild": self.guild, "channel": self.channel, "user": self.user,
            "user_name": self.payload.text("member.user.username"), "message": self.message()?, "asked": what,
        });
        Ok((format!("discord-{id}"), kept.to_string()))
    }

    fn links(&self, ask: LinkAsk) -> Result<Received, Rejection> {
        let (id, kept) = self.kept("command", &json!({ "command": COMMAND, "options": ask.words() }))?;
        Ok(Received::Linking(Box::new(LinkDelivery {
            id,
            kept,
            account: self.account(),
            place: self.place(),
            ask,
        })))
    }

    fn asks(&self, kind: &str, what: &Value, ask: Ask, answer: Value) -> Result<Received, Rejection> {
        self.asks_about(self.message()?, kind, what, ask, answer)
    }

    fn asks_about(
        &self,
        message: Option<&str>,
        kind: &str,
        what: &Value,
        ask: Ask,
        answer: Value,
    ) -> Result<Received, Rejection> {
        let (id, kept) = self.kept(kind, what)?;
        let token = match self.payload.at("token") {
            None => None,
            Some(Value::String(token)) if is_token(token) => Some(token.clone()),
            Some(_) => return Err(Rejection::BadField("token")),
        };
        let mut request = Request::new(self.account(), self.place(), ask);
        request.memberships = self.memberships.clone();
        request.message = message.map(str::to_owned);
        Ok(Received::Asked {
            delivery: Box::new(Delivery {
                id,
                kept,
                token,
                request,
            }),
            answer,
            from_form: kind == "form",
        })
    }
}

/// It becomes a part of an address.
fn is_token(token: &str) -> bool {
    (1..=2048).contains(&token.len())
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+~".contains(&byte))
}

/// An option of a command, with what was given for it.
struct Given<'p> {
    name: &'p str,
    /// As text; none for a group of options.
    value: Option<String>,
    /// 3 is a text, 4 a whole number.
    kind: i64,
    options: Vec<Given<'p>>,
    is_focused: bool,
}

fn options(of: &Value) -> Result<Vec<Given<'_>>, Rejection> {
    const OPTIONS: &str = "data.options";
    let list = match &of["options"] {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) if list.len() <= MOST_OPTIONS => list,
        _ => return Err(Rejection::BadField(OPTIONS)),
    };
    let each = list.iter().map(|option| {
        let name = option["name"]
            .as_str()
            .ok_or(Rejection::BadField("data.options.name"))?;
        let value = match &option["value"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(it) => Some(if *it { "yes" } else { "no" }.to_owned()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(_) | Value::Object(_) => return Err(Rejection::BadField("data.options.value")),
        };
        Ok(Given {
            name,
            value,
            kind: option["type"].as_i64().unwrap_or_default(),
            options: options(option)?,
            is_focused: option["focused"] == true,
        })
    });
    each.collect()
}

fn command(origin: &Origin<'_>) -> Result<Received, Rejection> {
    let data = origin.payload.object("data")?;
    // 1 is a slash command; the others hang on people and messages, and none of them is ours.
    if data["type"].as_i64().is_some_and(|kind| kind != 1) {
        return Ok(Received::Answered {
            answer: answer::whisper("Signalbox has slash commands alone: type a slash to see them."),
            odd: Some("a command that is no slash command".to_owned()),
        });
    }
    let name = command_name(data)?;
    let given = options(data)?;
    let words = || json!({ "command": name, "options": data["options"] });
    if name != COMMAND {
        let is_dry = |option: &Given<'_>| option.name == DRY && option.kind == 5;
        let dry = given
            .iter()
            .any(|option| is_dry(option) && option.value.as_deref() == Some("yes"));
        let pairs = given
            .into_iter()
            .filter(|option| !is_dry(option))
            .filter_map(|option| Some((option.name.to_owned(), option.value?)));
        let ask = Ask::Run {
            runbook: name.to_owned(),
            words: Words::Named(pairs.collect()),
            dry,
        };
        return origin.asks("command", &words(), ask, answer::thinking());
    }
    match own::read(&given) {
        Own::Asks(ask) => origin.asks("command", &words(), ask, answer::thinking()),
        Own::Links(ask) => origin.links(ask),
        Own::Reasoned(reasoned) => Ok(answered(answer::reason_form(&reasoned))),
        Own::Usage(usage) => Ok(answered(answer::whisper(&usage))),
    }
}

fn command_name(data: &Value) -> Result<&str, Rejection> {
    let name = data["name"].as_str().ok_or(Rejection::NoField("data.name"))?;
    if is_command(name) {
        Ok(name)
    } else {
        Err(Rejection::BadField("data.name"))
    }
}

fn press(origin: &Origin<'_>) -> Result<Received, Rejection> {
    let data = origin.payload.object("data")?;
    let id = data["custom_id"].as_str().ok_or(Rejection::NoField("data.custom_id"))?;
    match press::read(id) {
        Some(Pressed::Ask(ask)) => origin.asks("press", &json!(id), ask, answer::pressed()),
        Some(Pressed::Reasoned(reasoned)) => Ok(answered(answer::reason_form(&reasoned))),
        Some(Pressed::Questioned(questioned)) => {
            let asked = origin
                .message()?
                .and_then(|message| answer::question(&questioned, message));
            Ok(asked.map_or_else(not_ours, answered))
        }
        // The message that was pressed is the question; what is asked is asked of the run's own.
        Some(Pressed::Confirmed(questioned, message)) => match questioned.ask() {
            Some(ask) => {
                let done = answer::instead("That is asked for. The message of the run shows what comes of it.");
                origin.asks_about(Some(&message), "press", &json!(id), ask, done)
            }
            None => Ok(not_ours()),
        },
        Some(Pressed::Left) => Ok(answered(answer::instead("Nothing was done."))),
        Some(Pressed::Choice { alert }) => {
            let value = data["values"][0].as_str().ok_or(Rejection::NoField("data.values"))?;
            match press::chosen(alert, value) {
                Some(ask) => origin.asks("press", &json!([id, value]), ask, answer::pressed()),
                None => Ok(not_ours()),
            }
        }
        Some(Pressed::Inputs { .. }) | None => Ok(not_ours()),
    }
}

/// A button of a version that was here before, or of nobody.
fn not_ours() -> Received {
    let say = "Nothing was done: this is no button that Signalbox knows. Look for a newer message of the run.";
    Received::Answered {
        answer: answer::whisper(say),
        odd: Some("a component that is none of ours".to_owned()),
    }
}

fn form(origin: &Origin<'_>) -> Result<Received, Rejection> {
    let data = origin.payload.object("data")?;
    let id = data["custom_id"].as_str().ok_or(Rejection::NoField("data.custom_id"))?;
    const FIELDS: &str = "data.components";
    // What comes of a form that hangs on a message is shown by the message, as for a press.
    let answer = match origin.message()? {
        Some(_) => answer::pressed(),
        None => answer::thinking(),
    };
    match press::read(id) {
        Some(Pressed::Reasoned(reasoned)) => {
            let reason = forms::field(data, answer::REASON).ok_or(Rejection::NoField(FIELDS))?;
            let what = json!({ "form": id, "reason": reason });
            origin.asks("form", &what, of_reason(reasoned, reason), answer)
        }
        Some(Pressed::Inputs { runbook, dry }) => {
            let given = forms::filled(data).ok_or(Rejection::NoField(FIELDS))?;
            let what = json!({ "form": id, "inputs": given });
            let words = Words::Named(given);
            origin.asks("form", &what, Ask::Run { runbook, words, dry }, answer)
        }
        _ => Ok(not_ours()),
    }
}

/// A field of one line can hold several where it is pasted into; a reason is one line.
fn of_reason(reasoned: Reasoned, reason: &str) -> Ask {
    reasoned.with(reason.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn typing(origin: &Origin<'_>) -> Result<Received, Rejection> {
    let data = origin.payload.object("data")?;
    let name = command_name(data)?;
    let given = options(data)?;
    let own = given.iter().flat_map(|option| &option.options);
    let Some(focused) = given.iter().chain(own).find(|option| option.is_focused) else {
        return Ok(answered(answer::choices([], false)));
    };
    let field = if name == COMMAND {
        Field::Runbook
    } else {
        Field::Input {
            runbook: name.to_owned(),
            input: focused.name.to_owned(),
        }
    };
    Ok(Received::Typing(Box::new(Typing {
        account: origin.account(),
        memberships: origin.memberships.clone(),
        place: origin.place(),
        field,
        typed: focused.value.clone().unwrap_or_default(),
        whole_numbers: focused.kind == 4,
    })))
}
