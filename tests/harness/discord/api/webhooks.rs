//! Answers to interactions: the first one, and what follows by the interaction's own token.

use super::super::body::Given;
use super::super::interaction::Interaction;
use super::super::judge::{self, Door};
use super::super::message::{EPHEMERAL, Shown};
use super::super::refusal::{Outcome, Refusal};
use super::super::world::World;
use super::{Answer, note_unknown, nothing_to_say, ok};
use serde_json::json;

const FIELDS: &[&str] = &[
    "content",
    "tts",
    "embeds",
    "allowed_mentions",
    "components",
    "attachments",
    "flags",
    "poll",
    "thread_id",
];

pub fn callback(world: &mut World, id: &str, token: &str, given: Given) -> Answer {
    note_unknown(world, "an answer", &given.body, &["type", "data"]);
    world.answer(id, token, &given.body, given.uploads)?;
    // discord.py writes the one, discord.js the other.
    let wanted = given.query.get("with_response").map(String::as_str);
    if !matches!(wanted, Some("true" | "1")) {
        return nothing_to_say();
    }
    let interaction = &world.interactions[id];
    let message = interaction
        .original
        .as_ref()
        .and_then(|original| world.message(original));
    let mut about = json!({"id": id, "type": interaction.kind_number()});
    let mut resource = json!({"type": given.body["type"]});
    if let Some(message) = message {
        about["response_message_id"] = message.id.clone().into();
        about["response_message_loading"] = message.is_loading.into();
        about["response_message_ephemeral"] = message.alone.is_some().into();
        resource["message"] = world.message_json(message);
    }
    about["channel_id"] = interaction.channel.clone().into();
    about["guild_id"] = interaction.guild.clone().into();
    ok(json!({"interaction": about, "resource": resource}))
}

/// The message that is meant: the first answer, or one that followed.
fn meant(world: &World, interaction: &Interaction, message: Option<&str>) -> Outcome<String> {
    let id = match message {
        None => interaction.original.clone().ok_or_else(|| Refusal::new(10008))?,
        Some(id) => id.to_owned(),
    };
    let known = world.message(&id).ok_or_else(|| Refusal::new(10008))?;
    let is_theirs = known.interaction.as_ref() == Some(&interaction.id) || interaction.message.as_ref() == Some(&id);
    if is_theirs { Ok(id) } else { Err(Refusal::new(10008)) }
}

pub fn get(world: &mut World, application: &str, token: &str, message: Option<&str>) -> Answer {
    let interaction = world.of_token(application, token)?;
    let id = meant(world, &interaction, message)?;
    ok(world.message_json(world.message(&id).unwrap()))
}

pub fn edit(world: &mut World, application: &str, token: &str, message: Option<&str>, given: Given) -> Answer {
    note_unknown(world, "an edit of an answer", &given.body, FIELDS);
    let interaction = world.of_token(application, token)?;
    let id = meant(world, &interaction, message)?;
    world.edit(&id, &given.body, given.uploads, "")?;
    ok(world.message_json(world.message(&id).unwrap()))
}

pub fn delete(world: &mut World, application: &str, token: &str, message: Option<&str>) -> Answer {
    let interaction = world.of_token(application, token)?;
    let id = meant(world, &interaction, message)?;
    world.message_mut(&id).unwrap().is_deleted = true;
    nothing_to_say()
}

/// A new message. The first one after a promise keeps the promise instead, as Discord still does it.
pub fn follow_up(world: &mut World, application: &str, token: &str, given: Given) -> Answer {
    note_unknown(world, "a follow-up", &given.body, FIELDS);
    let interaction = world.of_token(application, token)?;
    let promised = interaction.original.as_ref().and_then(|id| world.message(id));
    if let Some(id) = promised
        .filter(|message| message.is_loading)
        .map(|message| message.id.clone())
    {
        world
            .misuse
            .push("a follow-up keeps a promise: the first answer is to be edited".to_owned());
        let mut body = given.body.clone();
        if let Some(flags) = body["flags"].as_u64() {
            body["flags"] = (flags & !EPHEMERAL).into();
        }
        world.edit(&id, &body, given.uploads, "")?;
        return ok(world.message_json(world.message(&id).unwrap()));
    }
    let taken = judge::message(&given.body, &Shown::default(), given.uploads, Door::Answer, "")?;
    let id = world.post_for(&interaction, taken, &given.body);
    ok(world.message_json(world.message(&id).unwrap()))
}
