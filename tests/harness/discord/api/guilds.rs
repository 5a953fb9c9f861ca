//! Guilds, their roles and members, and people.

use super::super::payload::role_json;
use super::super::refusal::{Objections, Outcome, Refusal};
use super::super::world::{Guild, World};
use super::super::{BOT_USER, judge};
use super::{Answer, ok};
use serde_json::{Value, json};

fn guild<'a>(world: &'a World, id: &str) -> Outcome<&'a Guild> {
    let guild = world.guilds.get(id).ok_or_else(|| Refusal::new(10004))?;
    if guild.has_bot {
        Ok(guild)
    } else {
        Err(Refusal::new(50001))
    }
}

pub fn get(world: &World, id: &str) -> Answer {
    guild(world, id)?;
    ok(world.guild_json(id))
}

pub fn roles(world: &World, id: &str) -> Answer {
    let roles: Vec<Value> = guild(world, id)?.roles.iter().enumerate().map(role_json).collect();
    ok(roles.into())
}

pub fn member(world: &World, id: &str, user: &str) -> Answer {
    let guild = guild(world, id)?;
    if !world.people.contains_key(user) && user != BOT_USER {
        return Err(Refusal::new(10013));
    }
    if !guild.members.contains_key(user) {
        return Err(Refusal::new(10007));
    }
    ok(world.member_json(id, user))
}

pub fn me(world: &World) -> Value {
    let mut me = world.user_json(BOT_USER);
    for (field, value) in [
        ("mfa_enabled", json!(false)),
        ("locale", json!("en-US")),
        ("verified", json!(true)),
        ("email", Value::Null),
        ("flags", json!(0)),
        ("bio", json!("")),
        ("banner", Value::Null),
        ("accent_color", Value::Null),
    ] {
        me[field] = value;
    }
    me
}

/// The channel for talking with one person alone.
pub fn direct(world: &mut World, body: &Value) -> Answer {
    let given = &body["recipient_id"];
    if !judge::is_id(given) {
        let mut objections = Objections::default();
        objections.object(
            "recipient_id",
            "NUMBER_TYPE_COERCE",
            format!("Value \"{given}\" is not snowflake."),
        );
        objections.done()?;
    }
    let user = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    if !world.people.contains_key(&user) {
        return Err(Refusal::new(10013));
    }
    let channel = world.direct_channel(&user);
    ok(world.channel_json(&channel))
}
