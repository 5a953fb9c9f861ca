//! What Slack sends us, from bytes to what is asked. Nothing here does I/O or reads a clock.
//!
//! [`verify`] gives the only key, [`Genuine`], to [`command`] and [`interaction`]: a body whose signature nobody has
//! checked cannot be read by mistake.

mod form;
mod payload;
mod subcommand;
#[cfg(test)]
mod tests;

pub use subcommand::{COMMAND, RESERVED};

use crate::request::{Account, Ask, Delivery, Place, Request, Surface, Words};
use form::Form;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
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
    /// To be stored, then acknowledged with an empty 200.
    Asked(Box<Delivery>),
    /// Acknowledge with these words for the sender alone; there is nothing to store.
    Answered(String),
    /// Acknowledge with an empty 200; nothing is asked. The text is for the log.
    Ignored(String),
}

/// A body that Slack signed, not long ago. Only [`verify`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Genuine<'a> {
    body: &'a [u8],
    timestamp: i64,
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
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).map_err(|_| Rejection::NoSecret)?;
    mac.update(b"v0:");
    mac.update(text.as_bytes());
    mac.update(b":");
    mac.update(body);
    if bool::from(mac.finalize().into_bytes().ct_eq(given.as_slice())) {
        Ok(Genuine { body, timestamp })
    } else {
        Err(Rejection::BadSignature)
    }
}

/// Reads a slash command.
pub fn command(genuine: &Genuine<'_>, teams: &[String]) -> Result<Received, Rejection> {
    let form = Form::parse(genuine.body)?;
    let team = id("team_id", form.required("team_id")?)?;
    let user = id("user_id", form.required("user_id")?)?;
    let channel = id("channel_id", form.required("channel_id")?)?;
    let own = match form.optional("user_team_id").or(form.optional("user_team")) {
        Some(own) => id("user_team_id", own)?,
        None => team,
    };
    check_teams(teams, team, own)?;
    let name = form.required("command")?;
    let name = name
        .strip_prefix('/')
        .filter(|name| is_command(name))
        .ok_or(Rejection::BadField("command"))?;
    let text = unescape(form.optional("text").unwrap_or_default());
    let ask = if name == COMMAND {
        match subcommand::parse(&text) {
            Ok(ask) => ask,
            Err(usage) => return Ok(Received::Answered(usage)),
        }
    } else {
        Ask::Run {
            runbook: name.to_owned(),
            words: Words::Line(text.trim().to_owned()),
            dry: false,
        }
    };
    let kept = json!({
        "kind": "command",
        "team": team,
        "enterprise": form.optional("enterprise_id"),
        "user": user,
        "user_name": form.optional("user_name"),
        "channel": channel,
        "channel_name": form.optional("channel_name"),
        "command": name,
        "text": text,
        "timestamp": genuine.timestamp,
    });
    let origin = Origin {
        team,
        own,
        user,
        channel: Some(channel),
    };
    let trigger = form.optional("trigger_id").filter(|id| !id.is_empty());
    let token = form
        .optional("response_url")
        .filter(|url| !url.is_empty())
        .map(str::to_owned);
    let delivery = origin.asks(genuine, trigger, kept.to_string(), token, ask);
    Ok(Received::Asked(Box::new(delivery)))
}

/// Reads a press of a button, or anything else that people do with what the app posted.
pub fn interaction(genuine: &Genuine<'_>, teams: &[String]) -> Result<Received, Rejection> {
    let form = Form::parse(genuine.body)?;
    let payload = payload::parse(form.required("payload")?)?;
    let user = payload.user.as_ref().ok_or(Rejection::NoField("user"))?;
    let user_id = id("user.id", &user.id)?;
    // An app that is installed for a whole organization gets no team, and then the user's own is the only one.
    let own = user.team_id.as_deref().or(user.user_team.as_deref());
    let team = payload
        .team
        .as_ref()
        .map(|team| team.id.as_str())
        .or(own)
        .ok_or(Rejection::NoField("team"))?;
    let team = id("team.id", team)?;
    let own = id("user.team_id", own.unwrap_or(team))?;
    check_teams(teams, team, own)?;
    if payload.kind != "block_actions" {
        return Ok(Received::Ignored(format!(
            "nothing is asked by an interaction of type {:?}",
            payload.kind
        )));
    }
    let [action] = payload.actions.as_slice() else {
        return Err(Rejection::BadPayload(format!(
            "{} actions in one press",
            payload.actions.len()
        )));
    };
    if !super::press::is_ours(&action.action_id) {
        return Ok(Received::Ignored(format!(
            "{:?} is no button of ours",
            action.action_id
        )));
    }
    let value = action.value.as_deref().ok_or(Rejection::NoField("actions.value"))?;
    let pressed = super::press::decode(value).map_err(|error| Rejection::BadButton(error.to_string()))?;
    let container = payload.container.as_ref();
    let channel = payload.channel.as_ref().map(|channel| channel.id.as_str());
    let channel = channel.or(container.and_then(|container| container.channel_id.as_deref()));
    let channel = channel.map(|channel| id("channel.id", channel)).transpose()?;
    let kept = json!({
        "kind": "press",
        "team": team,
        "enterprise": payload.enterprise.as_ref().map(|enterprise| &enterprise.id),
        "user": user_id,
        "user_team": own,
        "user_name": user.username.as_deref().or(user.name.as_deref()),
        "channel": channel,
        "message": payload.message_ts(),
        "thread": container.and_then(|container| container.thread_ts.as_deref()),
        "action": action.action_id,
        "value": value,
        "timestamp": genuine.timestamp,
    });
    let origin = Origin {
        team,
        own,
        user: user_id,
        channel,
    };
    let trigger = payload.trigger_id.as_deref().filter(|id| !id.is_empty());
    let mut delivery = origin.asks(
        genuine,
        trigger,
        kept.to_string(),
        payload.response_url.clone(),
        pressed.into_ask(),
    );
    delivery.request.message = payload.message_ts().map(str::to_owned);
    Ok(Received::Asked(Box::new(delivery)))
}

/// Who asked and where, with the ids checked.
struct Origin<'a> {
    team: &'a str,
    own: &'a str,
    user: &'a str,
    channel: Option<&'a str>,
}

impl Origin<'_> {
    fn asks(
        &self,
        genuine: &Genuine<'_>,
        trigger: Option<&str>,
        kept: String,
        token: Option<String>,
        ask: Ask,
    ) -> Delivery {
        let account = Account::Slack {
            team: self.own.to_owned(),
            user: self.user.to_owned(),
        };
        let place = Place {
            surface: Surface::Slack,
            workspace: Some(self.team.to_owned()),
            channel: self.channel.map(str::to_owned),
        };
        let id = delivery_id(genuine, trigger);
        Delivery {
            id,
            kept,
            token,
            request: Request::new(account, place, ask),
        }
    }
}

/// A trigger is a bearer token while it lives, so the id holds its hash. Without one, the same bytes signed in the same
/// second are the same delivery.
fn delivery_id(genuine: &Genuine<'_>, trigger: Option<&str>) -> String {
    let mut hash = Sha256::new();
    match trigger {
        Some(trigger) => hash.update(trigger.as_bytes()),
        None => {
            hash.update(genuine.timestamp.to_be_bytes());
            hash.update(genuine.body);
        }
    }
    let kind = if trigger.is_some() { "trigger" } else { "body" };
    format!("slack-{kind}-{}", hex::encode(hash.finalize()))
}

fn check_teams(teams: &[String], team: &str, own: &str) -> Result<(), Rejection> {
    if !teams.iter().any(|known| known == team) {
        return Err(Rejection::ForeignTeam(team.to_owned()));
    }
    if !teams.iter().any(|known| known == own) {
        return Err(Rejection::ForeignUser(own.to_owned()));
    }
    Ok(())
}

fn id<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Rejection> {
    let fits = !value.is_empty() && value.len() <= 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        Ok(value)
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
