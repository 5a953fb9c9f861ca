//! Events: somebody mentions the bot. So a runbook is asked for where slash commands cannot be typed, in threads.

use super::payload::misread;
use super::{Asker, Body, Genuine, Known, Origin, Received, Rejection, heard, id, subcommand, thread, unescape};
use crate::request::link::LinkAsk;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked in a mention that reached us later than this, in seconds, is not done: whoever asked has gone on by other
/// means. Slack tries again within five minutes.
const MAX_AGE: i64 = 600;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    team_id: Option<String>,
    enterprise_id: Option<String>,
    event_id: Option<String>,
    event_time: Option<i64>,
    #[serde(default)]
    authorizations: Option<Vec<Authorization>>,
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Authorization {
    user_id: Option<String>,
    #[serde(default)]
    is_bot: Option<bool>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    text: Option<String>,
    channel: Option<String>,
    ts: Option<String>,
    thread_ts: Option<String>,
    user_team: Option<String>,
    source_team: Option<String>,
    team: Option<String>,
    edited: Option<Value>,
}

/// Reads an event.
pub fn event(genuine: &Genuine<'_>, teams: &[String]) -> Result<Received, Rejection> {
    let read = match genuine.body {
        Body::Signed(body) => serde_json::from_slice(body).map_err(|error| misread(&error, true)),
        Body::Enveloped(payload) => Envelope::deserialize(payload).map_err(|error| misread(&error, false)),
    };
    let envelope: Envelope = read.map_err(Rejection::BadPayload)?;
    if envelope.kind == "url_verification" {
        let challenge = envelope.challenge.ok_or(Rejection::NoField("challenge"))?;
        return Ok(Received::Challenge(challenge));
    }
    let ignored = |why: String| Ok(Received::Ignored(why));
    if envelope.kind != "event_callback" {
        return ignored(format!("nothing is asked by {:?}", envelope.kind));
    }
    let event = envelope.event.as_ref().ok_or(Rejection::NoField("event"))?;
    if event.kind != "app_mention" {
        return ignored(format!("nothing is asked by an event {:?}", event.kind));
    }
    if event.bot_id.is_some() || event.subtype.is_some() {
        return ignored("a bot mentions us".to_owned());
    }
    // Whoever puts a word right in a message does not ask for the same thing twice.
    if event.edited.as_ref().is_some_and(|edited| !edited.is_null()) {
        return ignored("the mention is an edited one".to_owned());
    }
    let user = id(
        "event.user",
        event.user.as_deref().ok_or(Rejection::NoField("event.user"))?,
    )?;
    let channel = event.channel.as_deref().ok_or(Rejection::NoField("event.channel"))?;
    let channel = id("event.channel", channel)?;
    // In a shared channel the user may be of another workspace than the one that installed the app.
    let own = event.user_team.as_deref().or(event.source_team.as_deref());
    let own = own.or(event.team.as_deref());
    let team = envelope.team_id.as_deref().filter(|team| !team.is_empty()).or(own);
    let team = id("team_id", team.ok_or(Rejection::NoField("team_id"))?)?;
    let own = id("event.user_team", own.unwrap_or(team))?;
    let (team, own) = heard(teams, team, own, envelope.enterprise_id.as_deref())?;
    let bots = envelope.authorizations.iter().flatten();
    let bots: Vec<&str> = bots
        .filter(|authorization| authorization.is_bot != Some(false))
        .filter_map(|authorization| authorization.user_id.as_deref())
        .collect();
    if bots.contains(&user) {
        return ignored("we mention ourselves".to_owned());
    }
    let Some(line) = addressed(event.text.as_deref().unwrap_or_default(), &bots) else {
        return ignored("the message does not begin with the mention, so it is none to us".to_owned());
    };
    let line = typed(line);
    let origin = Origin {
        team,
        own,
        user,
        channel: Some(channel),
        thread: thread("event.thread_ts", event.thread_ts.as_deref(), event.ts.as_deref())?,
    };
    let asker = origin.asker(None);
    let answered = |asker: Asker, words: String| Ok(Received::Answered(Box::new(asker), words));
    let age = envelope
        .event_time
        .map_or(0, |sent| genuine.timestamp.saturating_sub(sent));
    if age > MAX_AGE {
        let minutes = age / 60;
        let words = format!("Your message reached Signalbox {minutes} minutes late. Nothing was done; ask again.");
        return answered(asker, words);
    }
    let kept = |text: &str| {
        json!({
            "kind": "mention",
            "team": team,
            "enterprise": envelope.enterprise_id,
            "user": user,
            "user_team": own,
            "channel": channel,
            "message": event.ts,
            "thread": event.thread_ts,
            "text": text,
            "timestamp": genuine.timestamp,
        })
    };
    let known = envelope.event_id.as_deref().filter(|id| !id.is_empty());
    let id = known.map_or(Known::Body, Known::Event).delivery_id(genuine);
    if let Some(link) = subcommand::link(&line) {
        let link = match link {
            // A message, unlike a command, is read by all.
            LinkAsk::Finish(code) => LinkAsk::Overheard(code),
            other => other,
        };
        return Ok(asker.links(id, &kept(link.words()), link));
    }
    let ask = match subcommand::parse(&line) {
        Ok(ask) => ask,
        Err(usage) => return answered(asker, usage),
    };
    let delivery = asker.asks(id, &kept(&line), ask);
    Ok(Received::Asked(Box::new(delivery), None))
}

/// What follows the mention that a message begins with.
fn addressed<'t>(text: &'t str, bots: &[&str]) -> Option<&'t str> {
    let (mention, rest) = text.trim_start().strip_prefix("<@")?.split_once('>')?;
    let user = mention.split('|').next().unwrap_or_default();
    (bots.is_empty() || bots.contains(&user)).then_some(rest)
}

/// A message as it was typed: Slack makes links of addresses and names, in angle brackets that nobody can type.
pub(super) fn typed(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((link, behind)) = after.split_once('>') else {
            // Not of Slack's making.
            plain.push('<');
            rest = after;
            continue;
        };
        let (target, label) = match link.split_once('|') {
            Some((target, label)) => (target, Some(label)),
            None => (link, None),
        };
        match (target.chars().next(), label) {
            (Some('#'), Some(label)) => {
                plain.push('#');
                plain.push_str(label);
            }
            (Some('@'), Some(label)) => {
                plain.push('@');
                plain.push_str(label.trim_start_matches('@'));
            }
            (Some('!'), Some(label)) => plain.push_str(label),
            (Some('!'), None) => {
                plain.push('@');
                plain.push_str(&target[1..]);
            }
            (_, Some(label)) => plain.push_str(label),
            (_, None) => plain.push_str(target.strip_prefix("mailto:").unwrap_or(target)),
        }
        rest = behind;
    }
    plain.push_str(rest);
    unescape(plain.trim())
}
