//! The application and its commands.

use super::super::judge;
use super::super::refusal::{Outcome, Refusal};
use super::super::world::World;
use super::super::{APPLICATION, BOT_USER};
use super::{Answer, note_unknown, ok};
use serde_json::{Value, json};
use std::time::Duration;

/// Commands of one place that may come to be within a day.
const CREATED_IN_A_DAY: usize = 200;
const DAY: Duration = Duration::from_secs(24 * 3600);

const COMMAND_FIELDS: &[&str] = &[
    "id",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "default_member_permissions",
    "dm_permission",
    "default_permission",
    "integration_types",
    "contexts",
    "type",
    "nsfw",
    "handler",
];

pub fn get(world: &World) -> Answer {
    ok(json!({
        "id": APPLICATION, "name": "Signalbox", "icon": null, "description": "", "summary": "", "type": null,
        "rpc_origins": [], "bot_public": false, "bot_require_code_grant": false, "terms_of_service_url": null,
        "privacy_policy_url": null, "owner": world.user_json("109"), "verify_key": world.public_key, "team": null,
        "flags": 0, "bot": world.user_json(BOT_USER), "hook": true, "redirect_uris": [],
        "interactions_endpoint_url": world.endpoint, "role_connections_verification_url": null,
        "approximate_guild_count": world.guilds.len(), "approximate_user_install_count": 0, "tags": [],
        "integration_types_config": {"0": {"oauth2_install_params": null}},
    }))
}

fn place<'a>(world: &World, application: &str, guild: Option<&'a str>) -> Outcome<Option<&'a str>> {
    world.is_application(application)?;
    match guild {
        Some(id) if !world.guilds.get(id).is_some_and(|guild| guild.has_bot) => Err(Refusal::new(50001)),
        found => Ok(found),
    }
}

pub fn commands(world: &World, application: &str, guild: Option<&str>) -> Answer {
    let guild = place(world, application, guild)?;
    let found = match guild {
        None => Some(&world.global_commands),
        Some(guild) => world.guild_commands.get(guild),
    };
    ok(found.cloned().unwrap_or_default().into())
}

/// These and no others are the commands from now on.
pub fn put_commands(world: &mut World, application: &str, guild: Option<&str>, body: &Value) -> Answer {
    let guild = place(world, application, guild)?;
    let given = judge::commands(body)?;
    let before = match guild {
        None => world.global_commands.clone(),
        Some(guild) => world.guild_commands.get(guild).cloned().unwrap_or_default(),
    };
    let same = |one: &Value, other: &Value| {
        let kind = |command: &Value| command["type"].as_u64().unwrap_or(1);
        one["name"] == other["name"] && kind(one) == kind(other)
    };
    let new = given
        .iter()
        .filter(|command| !before.iter().any(|known| same(known, command)))
        .count();
    let now = world.now();
    let created = world
        .created_commands
        .entry(guild.unwrap_or_default().to_owned())
        .or_default();
    created.retain(|at| *at + DAY > now);
    if created.len() + new > CREATED_IN_A_DAY {
        return Err(Refusal::new(30034));
    }
    created.extend(std::iter::repeat_n(now, new));
    let mut all = Vec::new();
    for command in &given {
        note_unknown(world, "a command", command, COMMAND_FIELDS);
        let known = before.iter().find(|known| same(known, command));
        let id = known.map(|known| known["id"].clone());
        let id = id.unwrap_or_else(|| world.new_id().into());
        let version = world.new_id();
        let mut full = json!({
            "type": 1, "name_localizations": null, "description": "", "description_localizations": null,
            "default_member_permissions": null, "nsfw": false, "contexts": null, "integration_types": [0],
        });
        let fields = full.as_object_mut().unwrap();
        fields.extend(command.as_object().unwrap().clone());
        full["id"] = id;
        full["application_id"] = APPLICATION.into();
        full["version"] = version.into();
        if let Some(guild) = guild {
            full["guild_id"] = guild.into();
        }
        all.push(full);
    }
    match guild {
        None => world.global_commands = all.clone(),
        Some(guild) => {
            world.guild_commands.insert(guild.to_owned(), all.clone());
        }
    }
    ok(all.into())
}
