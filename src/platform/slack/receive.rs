//! What Slack sends us, from bytes to what is asked. Nothing here does I/O or reads a clock.
//!
//! The key to [`command`], [`interaction`] and [`event`] is [`Genuine`]: what Slack signed ([`verify`]), or what came over
//! a connection that the app's own token opened ([`Genuine::enveloped`]). What nobody has proved cannot be read by mistake.

mod command;
mod event;
mod form;
mod interaction;
mod payload;
mod subcommand;
#[cfg(test)]
mod tests;

pub use command::command;
pub use event::event;
pub use interaction::interaction;
pub use subcommand::{COMMAND, RESERVED};

use super::form::{Filled, Memory};
use crate::request::link::{LinkAsk, LinkDelivery};
use crate::request::{Account, Ask, Delivery, Place, Request, Surface};
use form::Form;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The largest body that is looked at. A message with all its blocks comes back with each press, so this is well above
/// what a message can hold.
pub const MAX_BODY: usize = 512 * 1024;

/// How far the sender's clock may be from ours, either way, in seconds.
pub const MAX_AGE: i64 = 300;

/// Why a delivery is not accepted. The text is for the log; whoever sent it gets the status alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Anybody could sign with an empty secret.
    #[error("no Slack signing secret is set, so nothing can be verified; set `signing_secret` in [slack]")]
    NoSecret,
    /// More than [`MAX_BODY`].
    #[error("the body has {0} bytes; more than {MAX_BODY} are not read")]
    TooLarge(usize),
    /// A header that Slack always sends.
    #[error("the header {0} is missing or is not text")]
    NoHeader(&'static str),
    /// A header that is there and makes no sense.
    #[error("the header {0} is garbled")]
    BadHeader(&'static str),
    /// Too old, or from the future.
    #[error("the timestamp is {0} seconds away from our clock; at most {MAX_AGE} are accepted")]
    Stale(i64),
    /// Somebody else signed it, or somebody changed it on the way.
    #[error("the signature does not fit the body; is `signing_secret` the one of this app?")]
    BadSignature,
    /// Not the form that Slack posts.
    #[error("the body is not a form: {0}")]
    BadForm(&'static str),
    /// A field that is always sent.
    #[error("the field {0} is missing")]
    NoField(&'static str),
    /// A field with something impossible in it.
    #[error("the field {0} is garbled")]
    BadField(&'static str),
    /// The payload of an interaction.
    #[error("the payload does not parse: {0}")]
    BadPayload(String),
    /// A button of ours that we did not make.
    #[error("the button's value does not parse: {0}")]
    BadButton(String),
    /// A workspace that is not configured.
    #[error("the workspace {0} is not one of `teams` in [slack]")]
    ForeignTeam(String),
    /// Somebody from another workspace, in a shared channel.
    #[error("the user's own workspace {0} is not one of `teams` in [slack]")]
    ForeignUser(String),
}

impl Rejection {
    /// The HTTP status, with which the answer ends.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSecret => 500,
            Self::TooLarge(_) => 413,
            Self::NoHeader(_) | Self::BadHeader(_) | Self::Stale(_) | Self::BadSignature => 401,
            Self::ForeignTeam(_) | Self::ForeignUser(_) => 403,
            Self::BadForm(_) | Self::NoField(_) | Self::BadField(_) | Self::BadPayload(_) | Self::BadButton(_) => 400,
        }
    }
}

/// What a genuine delivery comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// To be stored, then acknowledged with nothing; where nothing was given, a form may be opened instead.
    Asked(Box<Delivery>, Option<Trigger>),
    /// Acknowledge with these words for the sender alone; there is nothing to store.
    Answered(Box<Asker>, String),
    /// Something about linked accounts: answered at once, for the eyes of whoever asked.
    Linking(Box<Asker>, Box<LinkDelivery>),
    /// Acknowledge with nothing; nothing is asked. The text is for the log.
    Ignored(String),
    /// Somebody wants to choose a runbook.
    Choosing(Box<Asker>, Trigger),
    /// A runbook was chosen: its form takes the place of the one that it was chosen in.
    Chosen(Box<Asker>, String, Memory),
    /// A form that was filled in: checked as far as it can be at once, then stored, then acknowledged.
    Filled(Box<Filled>),
    /// Somebody types into a field that offers values.
    Typing(Box<Typing>),
    /// Slack checks the address of events: it wants this word back.
    Challenge(String),
}

/// What opens one form, once, within three seconds: a bearer token while it lives.
#[derive(Clone, PartialEq, Eq)]
pub struct Trigger(String);

impl Trigger {
    fn of(id: Option<&str>) -> Option<Self> {
        id.filter(|id| !id.is_empty()).map(|id| Self(id.to_owned()))
    }

    /// For the call that opens the form.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trigger(..)")
    }
}

/// Who did something in Slack that is not a request, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// As proved by Slack.
    pub account: Account,
    /// Where the answer belongs.
    pub place: Place,
    /// Answers by this address are seen though the bot is not in the channel.
    pub response_url: Option<String>,
}

/// What stands in a field that offers values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// Who types, and for which channel.
    pub asker: Asker,
    /// The runbook that is to be run.
    pub runbook: String,
    /// The input.
    pub input: String,
    /// So far.
    pub typed: String,
}

/// What was proved to be Slack's.
#[derive(Debug, Clone, Copy)]
pub struct Genuine<'a> {
    body: Body<'a>,
    timestamp: i64,
}

#[derive(Debug, Clone, Copy)]
enum Body<'a> {
    Signed(&'a [u8]),
    Enveloped(&'a Value),
}

impl<'a> Genuine<'a> {
    /// The payload of an envelope: it came over a connection that the app-level token opened, and that ends at Slack.
    pub fn enveloped(payload: &'a Value, now: Timestamp) -> Self {
        Self {
            body: Body::Enveloped(payload),
            timestamp: now.as_second(),
        }
    }

    /// The fields of a command.
    fn form(&self) -> Result<Form, Rejection> {
        match self.body {
            Body::Signed(body) => Form::parse(body),
            Body::Enveloped(payload) => Form::of_json(payload),
        }
    }
}

/// Checks who sent a body, and when. The headers are `X-Slack-Request-Timestamp` and `X-Slack-Signature`.
pub fn verify<'a>(
    secret: &SecretString,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &'a [u8],
    now: Timestamp,
) -> Result<Genuine<'a>, Rejection> {
    const TIMESTAMP: &str = "X-Slack-Request-Timestamp";
    const SIGNATURE: &str = "X-Slack-Signature";
    if secret.expose_secret().is_empty() {
        return Err(Rejection::NoSecret);
    }
    if body.len() > MAX_BODY {
        return Err(Rejection::TooLarge(body.len()));
    }
    let text = timestamp.ok_or(Rejection::NoHeader(TIMESTAMP))?;
    let signature = signature.ok_or(Rejection::NoHeader(SIGNATURE))?;
    // `parse` would take "+5" too, and only what was signed may be read.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Rejection::BadHeader(TIMESTAMP));
    }
    let timestamp: i64 = text.parse().map_err(|_| Rejection::BadHeader(TIMESTAMP))?;
    let age = now.as_second().saturating_sub(timestamp);
    if age.saturating_abs() > MAX_AGE {
        return Err(Rejection::Stale(age));
    }
    let given = signature
        .strip_prefix("v0=")
        .and_then(|digits| hex::decode(digits).ok());
    let given = given
        .filter(|bytes| bytes.len() == 32)
        .ok_or(Rejection::BadHeader(SIGNATURE))?;
    let right = signed(secret, text, body).ok_or(Rejection::NoSecret)?;
    if bool::from(right.as_slice().ct_eq(given.as_slice())) {
        Ok(Genuine {
            body: Body::Signed(body),
            timestamp,
        })
    } else {
        Err(Rejection::BadSignature)
    }
}

/// What Slack would put into the header `X-Slack-Signature`; none where there is no secret.
pub fn signature(secret: &SecretString, timestamp: &str, body: &[u8]) -> Option<String> {
    signed(secret, timestamp, body).map(|mac| format!("v0={}", hex::encode(mac)))
}

fn signed(secret: &SecretString, timestamp: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    for part in [b"v0:", timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

/// Who asked and where, with the ids checked.
struct Origin<'a> {
    team: &'a str,
    own: &'a str,
    user: &'a str,
    channel: Option<&'a str>,
    /// The message that the thread hangs on in which it was.
    thread: Option<&'a str>,
}

impl Origin<'_> {
    fn asker(&self, response_url: Option<&str>) -> Asker {
        Asker {
            account: Account::Slack {
                team: self.own.to_owned(),
                user: self.user.to_owned(),
            },
            place: Place {
                surface: Surface::Slack,
                workspace: Some(self.team.to_owned()),
                channel: self.channel.map(str::to_owned),
                thread: self.thread.map(str::to_owned),
            },
            response_url: response_url.filter(|url| !url.is_empty()).map(str::to_owned),
        }
    }
}

impl Asker {
    fn links(self, id: String, kept: &Value, ask: LinkAsk) -> Received {
        let delivery = LinkDelivery {
            id,
            kept: kept.to_string(),
            account: self.account.clone(),
            place: self.place.clone(),
            ask,
        };
        Received::Linking(Box::new(self), Box::new(delivery))
    }

    fn asks(self, id: String, kept: &Value, ask: Ask) -> Delivery {
        Delivery {
            id,
            kept: kept.to_string(),
            token: self.response_url,
            request: Request::new(self.account, self.place, ask),
        }
    }
}

/// What a delivery is known by when it comes again, by whichever way.
enum Known<'a> {
    /// A trigger is a bearer token while it lives.
    Trigger(&'a str),
    /// A form is sent once in each of its states.
    View { id: &'a str, hash: &'a str },
    /// Slack's own id of an event.
    Event(&'a str),
    /// The same bytes signed in the same second; in an envelope, the same payload.
    Body,
}

impl Known<'_> {
    /// The id holds a hash of what is secret, or of any length.
    fn delivery_id(&self, genuine: &Genuine<'_>) -> String {
        let mut hash = Sha256::new();
        let kind = match self {
            Self::Trigger(trigger) => {
                hash.update(trigger.as_bytes());
                "trigger"
            }
            Self::View { id, hash: state } => {
                hash.update(format!("{id} {state}"));
                "view"
            }
            Self::Event(id) => {
                hash.update(id.as_bytes());
                "event"
            }
            Self::Body => {
                match genuine.body {
                    Body::Signed(body) => {
                        hash.update(genuine.timestamp.to_be_bytes());
                        hash.update(body);
                    }
                    Body::Enveloped(payload) => hash.update(payload.to_string()),
                }
                "body"
            }
        };
        format!("slack-{kind}-{}", hex::encode(hash.finalize()))
    }
}

/// Whose word counts: the workspace where it was said and the user's own, as people and places name them. Where a whole
/// organization is configured instead of its workspaces, its users are known by the organization.
fn heard<'a>(
    teams: &[String],
    team: &'a str,
    own: &'a str,
    enterprise: Option<&'a str>,
) -> Result<(&'a str, &'a str), Rejection> {
    let is_known = |id: &str| teams.iter().any(|known| known == id);
    let organization = enterprise.filter(|id| is_known(id));
    if !is_known(team) && organization.is_none() {
        return Err(Rejection::ForeignTeam(team.to_owned()));
    }
    let own = match organization {
        _ if is_known(own) => own,
        // Of another workspace than the one where it was said nobody has told that it belongs to the organization.
        Some(organization) if own == team => organization,
        _ => return Err(Rejection::ForeignUser(own.to_owned())),
    };
    Ok((team, own))
}

fn id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Rejection> {
    let fits = !value.is_empty() && value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        Ok(value)
    } else {
        Err(Rejection::BadField(field))
    }
}

/// The thread that a message is in. The message that a thread hangs on is none in it.
fn thread<'a>(
    field: &'static str,
    thread: Option<&'a str>,
    message: Option<&str>,
) -> Result<Option<&'a str>, Rejection> {
    let Some(ts) = thread.filter(|thread| Some(*thread) != message) else {
        return Ok(None);
    };
    let fits = (1..=32).contains(&ts.len()) && ts.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if fits {
        Ok(Some(ts))
    } else {
        Err(Rejection::BadField(field))
    }
}

/// What Slack lets an app call a command.
pub(super) fn is_command(name: &str) -> bool {
    (1..32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}

/// Slack writes exactly these three as entities in what people typed. One pass, so that a typed `&lt;` stays one.
fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, char); 3] = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (skip, put) = ENTITIES
            .iter()
            .find(|(entity, _)| rest.starts_with(entity))
            .map_or((1, '&'), |(e, c)| (e.len(), *c));
        plain.push(put);
        rest = &rest[skip..];
    }
    plain.push_str(rest);
    plain
}
