//! Channels, threads, and the messages in them.

use super::super::body::Given;
use super::super::judge::{self, Door};
use super::super::message::Shown;
use super::super::permission::*;
use super::super::refusal::{Objections, Outcome, Refusal};
use super::super::world::{ChannelKind, World};
use super::{Answer, created, note_unknown, nothing_to_say, ok};
use serde_json::Value;
use std::collections::BTreeMap;

const MESSAGE_FIELDS: &[&str] = &[
    "content",
    "nonce",
    "enforce_nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "message_reference",
    "components",
    "sticker_ids",
    "attachments",
    "flags",
    "poll",
];

const EDIT_FIELDS: &[&str] = &[
    "content",
    "embeds",
    "flags",
    "allowed_mentions",
    "components",
    "attachments",
];

fn require(may: u64, permission: u64) -> Outcome {
    if may & permission == 0 {
        Err(Refusal::new(50013))
    } else {
        Ok(())
    }
}

pub fn get(world: &mut World, id: &str) -> Answer {
    world.visible(id)?;
    ok(world.channel_json(id))
}

/// Of a thread: whether it is archived or locked, and its name.
pub fn edit(world: &mut World, id: &str, body: &Value) -> Answer {
    let (may, now) = (world.bot_may(id), world.now());
    let channel = world.visible(id)?;
    if !matches!(channel.kind, ChannelKind::Thread { .. }) {
        require(may, MANAGE_CHANNELS)?;
        return Err(Refusal::new(50024));
    }
    if channel.is_locked || body["locked"] == true {
        require(may, MANAGE_THREADS)?;
    }
    if let Some(archived) = body["archived"].as_bool() {
        channel.is_archived = archived;
        channel.active = now;
    }
    if let Some(locked) = body["locked"].as_bool() {
        channel.is_locked = locked;
    }
    if let Some(name) = body["name"].as_str() {
        channel.name = name.to_owned();
    }
    ok(world.channel_json(id))
}

/// Newest first.
pub fn messages(world: &mut World, id: &str, query: &BTreeMap<String, String>) -> Answer {
    world.visible(id)?;
    let mut objections = Objections::default();
    let mut number = |field: &str| {
        let given = query.get(field)?;
        let parsed = given.parse::<u64>().ok();
        if parsed.is_none() {
            objections.object(
                field,
                "NUMBER_TYPE_COERCE",
                format!("Value \"{given}\" is not snowflake."),
            );
        }
        parsed
    };
    let (limit, before, after) = (number("limit"), number("before"), number("after"));
    let limit = limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        let (code, message) = if limit == 0 {
            ("NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
        } else {
            ("NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
        };
        objections.object("limit", code, message);
    }
    objections.done()?;
    if world.bot_may(id) & READ_MESSAGE_HISTORY == 0 {
        return ok(Value::Array(Vec::new()));
    }
    let of_id = |id: &str| id.parse::<u64>().unwrap();
    let here = world.messages.iter().filter(|message| {
        message.channel == id
            && !message.is_deleted
            && message.alone.is_none()
            && before.is_none_or(|before| of_id(&message.id) < before)
            && after.is_none_or(|after| of_id(&message.id) > after)
    });
    let here: Vec<_> = here.collect();
    // After an id are the oldest of those that are newer.
    let page: Vec<_> = if after.is_some() {
        here.into_iter().take(limit as usize).rev().collect()
    } else {
        here.into_iter().rev().take(limit as usize).collect()
    };
    ok(page.into_iter().map(|message| world.message_json(message)).collect())
}

pub fn message(world: &mut World, channel: &str, id: &str) -> Answer {
    world.visible(channel)?;
    if world.bot_may(channel) & READ_MESSAGE_HISTORY == 0 {
        return Err(Refusal::new(50001));
    }
    let message = world.public_message(channel, id)?.clone();
    ok(world.message_json(&message))
}

pub fn post(world: &mut World, id: &str, given: Given) -> Answer {
    let body = &given.body;
    note_unknown(world, "a message", body, MESSAGE_FIELDS);
    let may = world.bot_may(id);
    let channel = world.visible(id)?;
    match &channel.kind {
        ChannelKind::Category => return Err(Refusal::new(50008)),
        ChannelKind::Text => require(may, SEND_MESSAGES)?,
        ChannelKind::Thread { .. } => {
            require(may, SEND_MESSAGES_IN_THREADS)?;
            // One that was only put away is taken out again by a message.
            if channel.is_archived && channel.is_locked {
                return Err(Refusal::new(50083));
            }
        }
        ChannelKind::Direct { user } => {
            let user = user.clone();
            if !world.people[&user].takes_messages {
                return Err(Refusal::new(50007));
            }
        }
    }
    let in_guild = world.channels[id].guild.is_some();
    if in_guild && !given.uploads.is_empty() {
        require(may, ATTACH_FILES)?;
    }
    if in_guild && body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty()) {
        require(may, EMBED_LINKS)?;
    }
    let nonce = nonce(body)?;
    if let Some(nonce) = nonce.as_ref().filter(|_| body["enforce_nonce"] == true)
        && let Some(first) = world.with_nonce(id, nonce)
    {
        let mut json = world.message_json(first);
        json["nonce"] = body["nonce"].clone();
        return ok(json);
    }
    let replies_to = reference(world, id, may, &body["message_reference"])?;
    let taken = judge::message(body, &Shown::default(), given.uploads, Door::Channel, "")?;
    let mut message = world.new_message(id, Shown::default());
    message.nonce = nonce;
    message.replies_to = replies_to;
    world.fill(&mut message, taken, &body["allowed_mentions"]);
    let id = world.add_message(message);
    let mut json = world.message_json(world.message(&id).unwrap());
    if !body["nonce"].is_null() {
        json["nonce"] = body["nonce"].clone();
    }
    ok(json)
}

fn nonce(body: &Value) -> Outcome<Option<String>> {
    let mut objections = Objections::default();
    let found = match &body["nonce"] {
        Value::Null => None,
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        given => {
            objections.optional_text("nonce", given, 0, 25);
            given.as_str().map(str::to_owned)
        }
    };
    if body["enforce_nonce"] == true && found.is_none() {
        objections.required("nonce");
    }
    objections.done()?;
    Ok(found)
}

/// The message that a new one replies to.
fn reference(world: &World, channel: &str, may: u64, given: &Value) -> Outcome<Option<String>> {
    let Some(id) = given["message_id"].as_str() else {
        return Ok(None);
    };
    if may & READ_MESSAGE_HISTORY == 0 {
        return Err(Refusal::new(160_002));
    }
    let is_there = world
        .message(id)
        .is_some_and(|message| message.channel == channel && message.alone.is_none());
    if is_there {
        return Ok(Some(id.to_owned()));
    }
    if given["fail_if_not_exists"] == false {
        return Ok(None);
    }
    let mut objections = Objections::default();
    objections.object("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    objections.done()?;
    Ok(None)
}

pub fn edit_message(world: &mut World, channel: &str, id: &str, given: Given) -> Answer {
    note_unknown(world, "an edit", &given.body, EDIT_FIELDS);
    let is_archived = world.visible(channel)?.is_archived;
    let message = world.public_message(channel, id)?;
    if message.user.is_some() {
        return Err(Refusal::new(50005));
    }
    if is_archived {
        return Err(Refusal::new(50083));
    }
    world.edit(id, &given.body, given.uploads, "")?;
    ok(world.message_json(world.message(id).unwrap()))
}

pub fn delete_message(world: &mut World, channel: &str, id: &str) -> Answer {
    let may = world.bot_may(channel);
    let is_archived = world.visible(channel)?.is_archived;
    let message = world.public_message(channel, id)?;
    if message.user.is_some() {
        require(may, MANAGE_MESSAGES)?;
    }
    if is_archived {
        return Err(Refusal::new(50083));
    }
    message.is_deleted = true;
    nothing_to_say()
}

/// A thread has the id of the message that it hangs on.
pub fn start_thread(world: &mut World, channel: &str, id: &str, body: &Value) -> Answer {
    note_unknown(
        world,
        "a thread",
        body,
        &["name", "auto_archive_duration", "rate_limit_per_user"],
    );
    let may = world.bot_may(channel);
    let kind = world.visible(channel)?.kind.clone();
    if kind != ChannelKind::Text {
        return Err(Refusal::new(50024));
    }
    require(may, CREATE_PUBLIC_THREADS)?;
    world.public_message(channel, id)?;
    let mut objections = Objections::default();
    objections.text("name", &body["name"], 1, 100);
    let minutes = &body["auto_archive_duration"];
    if !minutes.is_null() && !matches!(minutes.as_u64(), Some(60 | 1440 | 4320 | 10080)) {
        objections.object(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of {60, 1440, 4320, 10080}.",
        );
    }
    objections.done()?;
    if world.channels.contains_key(id) {
        return Err(Refusal::new(160_004));
    }
    let guild = world.channels[channel].guild.clone();
    let parent = channel.to_owned();
    let name = body["name"].as_str().unwrap();
    world.add_channel(id, name, ChannelKind::Thread { parent }, guild.as_deref());
    world.channel_mut(id).archives_after = minutes.as_u64().unwrap_or(4320);
    created(world.channel_json(id))
}
