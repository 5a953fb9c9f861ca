//! People who type commands, press buttons and fill in forms; what they do reaches the bot as Discord would send it.

use super::delivery::Ack;
use super::interaction::{Interaction, Kind};
use super::message::Message;
use super::world::World;
use super::{APPLICATION, Discord, payload};
use serde_json::{Map, Value, json};

/// Somebody on Discord.
pub struct Person<'a> {
    discord: &'a Discord,
    user: &'a str,
    oddity: Oddity,
}

/// Forms in which Discord really sends an interaction, beside the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    None,
    /// Fields that nobody has documented yet, and old ones that are null.
    UnknownFields,
    /// Without the fields that came with later versions.
    Bare,
}

impl<'a> Person<'a> {
    pub(super) fn new(discord: &'a Discord, user: &'a str) -> Self {
        assert!(
            discord.shared.world().people.contains_key(user),
            "there is nobody {user}"
        );
        let oddity = Oddity::None;
        Self { discord, user, oddity }
    }

    /// What this person does from now on comes in this form.
    pub fn oddly(mut self, oddity: Oddity) -> Self {
        self.oddity = oddity;
        self
    }

    /// Types a command that the bot has registered, `/forward-order` or `/signalbox approve`, in a channel. Discord lets
    /// nobody send what does not fit the command.
    pub async fn types(&self, channel: &str, command: &str, options: &[(&str, Value)]) -> Ack {
        let (interaction, payload) = {
            let mut world = self.discord.shared.world();
            let data = self.command_data(&world, channel, command, options, None);
            self.interaction(&mut world, Kind::Command, channel, data, None)
        };
        self.discord.send(interaction, payload).await
    }

    /// Has typed so far, and waits for what is offered for the last option.
    pub async fn completes(&self, channel: &str, command: &str, options: &[(&str, Value)], typed: (&str, &str)) -> Ack {
        let (interaction, payload) = {
            let mut world = self.discord.shared.world();
            let data = self.command_data(&world, channel, command, options, Some(typed));
            let option = focused(&data["options"]).expect("an option is being typed");
            self.interaction(&mut world, Kind::Autocomplete { option }, channel, data, None)
        };
        self.discord.send(interaction, payload).await
    }

    /// Presses a button that the message really has now.
    pub async fn presses(&self, message: &Message, label: &str) -> Ack {
        let now = self.discord.now(message);
        self.presses_as_it_was(&now, label).await
    }

    /// Presses a button as the message showed it to a client that has not been told of an edit yet.
    pub async fn presses_as_it_was(&self, message: &Message, label: &str) -> Ack {
        let buttons = message.buttons();
        let found = buttons
            .iter()
            .find(|button| button["label"] == label && button["disabled"] != true);
        let labels = message.labels();
        let button = *found.unwrap_or_else(|| panic!("no button {label:?} to press among {labels:?}"));
        let data = json!({"component_type": 2, "custom_id": button["custom_id"], "id": 1});
        self.uses(message, data).await
    }

    /// Chooses in the select with this placeholder.
    pub async fn selects(&self, message: &Message, placeholder: &str, values: &[&str]) -> Ack {
        let now = self.discord.now(message);
        let parts = now.parts();
        let mut selects = parts
            .iter()
            .filter(|part| matches!(part["type"].as_u64(), Some(3 | 5..=8)));
        let select = selects.find(|select| select["placeholder"] == placeholder);
        let select = select.unwrap_or_else(|| panic!("no select {placeholder:?} in {}", now.seen()));
        for value in values {
            let options = select["options"].as_array().unwrap();
            assert!(
                options.iter().any(|option| option["value"] == *value),
                "{value} is not offered: {select}"
            );
        }
        let least = select["min_values"].as_u64().unwrap_or(1) as usize;
        let most = select["max_values"].as_u64().unwrap_or(1) as usize;
        assert!(
            (least..=most).contains(&values.len()),
            "between {least} and {most} are chosen"
        );
        let data = json!({
            "component_type": select["type"], "custom_id": select["custom_id"], "id": 1, "values": values,
        });
        self.uses(&now, data).await
    }

    async fn uses(&self, message: &Message, data: Value) -> Ack {
        let is_seen = message.alone.as_deref().is_none_or(|alone| alone == self.user);
        assert!(is_seen, "{} does not see this: {}", self.user, message.describe());
        let (interaction, payload) = {
            let mut world = self.discord.shared.world();
            assert!(world.message(&message.id).is_some(), "the message is gone");
            self.interaction(&mut world, Kind::Component, &message.channel, data, Some(message))
        };
        self.discord.send(interaction, payload).await
    }

    /// Fills in the form that was shown, by the custom ids or the labels of its fields, and sends it.
    pub async fn submits(&self, shown: &Ack, fields: &[(&str, &str)]) -> Ack {
        assert_eq!(shown.user, self.user, "the form was shown to somebody else");
        let form = shown.form();
        let (interaction, payload) = {
            let mut world = self.discord.shared.world();
            let opened = world.interactions[&shown.id].clone();
            let message = opened.message.as_ref().and_then(|id| world.message(id)).cloned();
            let mut left: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            let rows = form["components"].as_array().unwrap();
            let rows: Vec<Value> = rows
                .iter()
                .enumerate()
                .map(|(at, row)| filled(at, row, fields, &mut left))
                .collect();
            assert!(left.is_empty(), "the form has no fields {left:?}: {form}");
            let data = json!({"custom_id": form["custom_id"], "components": rows, "resolved": {}});
            self.interaction(&mut world, Kind::Modal, &opened.channel, data, message.as_ref())
        };
        self.discord.send(interaction, payload).await
    }

    /// The interaction, and all that Discord says with it.
    fn interaction(
        &self,
        world: &mut World,
        kind: Kind,
        channel: &str,
        data: Value,
        message: Option<&Message>,
    ) -> (Interaction, Value) {
        let id = world.new_id();
        let token = format!("interaction-token-{id}-{}", hex::encode(rand::random::<[u8; 32]>()));
        let guild = world
            .channels
            .get(channel)
            .unwrap_or_else(|| panic!("there is no channel {channel}"))
            .guild
            .clone();
        let interaction = Interaction {
            id: id.clone(),
            token: token.clone(),
            kind,
            user: self.user.to_owned(),
            channel: channel.to_owned(),
            guild: guild.clone(),
            message: message.map(|message| message.id.clone()),
            made: world.now(),
            answer: None,
            original: None,
            is_refused: false,
        };
        let mut payload = json!({
            "id": id, "application_id": APPLICATION, "type": interaction.kind_number(), "token": token, "version": 1,
            "data": data, "channel_id": channel, "channel": world.channel_json(channel),
            "locale": "en-US", "entitlements": [], "entitlement_sku_ids": [], "attachment_size_limit": 10_485_760,
            "app_permissions": payload::app_permissions(world, channel),
            "authorizing_integration_owners": interaction.owners(),
            "context": if guild.is_some() { 0 } else { 1 },
        });
        match &guild {
            Some(guild) => {
                let may = world.member_may(guild, self.user);
                payload["channel"]["permissions"] = may.to_string().into();
                payload["guild_id"] = guild.clone().into();
                payload["guild_locale"] = "en-US".into();
                payload["guild"] = json!({"id": guild, "locale": "en-US", "features": []});
                payload["member"] = world.member_json(guild, self.user);
                payload["member"]["permissions"] = may.to_string().into();
            }
            None => payload["user"] = world.user_json(self.user),
        }
        if let Some(message) = message {
            payload["message"] = world.message_json(message);
        }
        self.make_odd(&mut payload);
        (interaction, payload)
    }

    fn make_odd(&self, payload: &mut Value) {
        match self.oddity {
            Oddity::None => {}
            Oddity::UnknownFields => {
                payload["future"] = json!({"a": [null, {"deep": [[]]}], "n": 1.5});
                payload["channel"]["application_id"] = Value::Null;
                payload["member"]["future"] = json!([1]);
                payload["data"]["future"] = Value::Null;
                payload["context"] = 7.into();
            }
            Oddity::Bare => {
                let fields = payload.as_object_mut().unwrap();
                for later in [
                    "entitlement_sku_ids",
                    "attachment_size_limit",
                    "authorizing_integration_owners",
                    "context",
                    "guild",
                    "channel",
                    "locale",
                    "guild_locale",
                ] {
                    fields.remove(later);
                }
            }
        }
    }

    fn command_data(
        &self,
        world: &World,
        channel: &str,
        command: &str,
        options: &[(&str, Value)],
        typed: Option<(&str, &str)>,
    ) -> Value {
        let guild = world.channels[channel].guild.as_deref();
        let words: Vec<&str> = command.trim_start_matches('/').split(' ').collect();
        let known = world.commands_in(guild);
        let is_it = |command: &&&Value| command["name"] == words[0] && command["type"] == 1;
        let definition = known.iter().find(is_it).copied().unwrap_or_else(|| {
            let names: Vec<&str> = known.iter().filter_map(|command| command["name"].as_str()).collect();
            panic!("no command /{} here, only {names:?}", words[0])
        });
        let contexts = definition["contexts"].as_array();
        let here = if guild.is_some() { 0 } else { 1 };
        let is_for_here = contexts.is_none_or(|contexts| contexts.iter().any(|context| context == here));
        assert!(is_for_here, "/{} is not offered in context {here}", words[0]);
        if let (Some(guild), Some(needed)) = (guild, definition["default_member_permissions"].as_str()) {
            let needed: u64 = needed.parse().unwrap();
            let may = world.member_may(guild, self.user);
            assert!(
                needed != 0 && may & needed == needed,
                "{} does not see /{}",
                self.user,
                words[0]
            );
        }
        let mut at = definition;
        for word in &words[1..] {
            let inner = at["options"].as_array().into_iter().flatten();
            let mut inner = inner.filter(|option| matches!(option["type"].as_u64(), Some(1 | 2)));
            at = inner
                .find(|option| option["name"] == *word)
                .unwrap_or_else(|| panic!("/{command}: no {word}"));
        }
        let mut resolved = Map::new();
        let mut sent = given(world, guild, at, options, typed, &mut resolved);
        let mut levels: Vec<&Value> = Vec::new();
        let mut level = definition;
        for word in &words[1..] {
            level = level["options"]
                .as_array()
                .unwrap()
                .iter()
                .find(|option| option["name"] == *word)
                .unwrap();
            levels.push(level);
        }
        for level in levels.into_iter().rev() {
            sent = vec![json!({"name": level["name"], "type": level["type"], "options": sent})];
        }
        let mut data = json!({"id": definition["id"], "name": definition["name"], "type": 1, "options": sent});
        if let Some(guild) = &definition["guild_id"].as_str() {
            data["guild_id"] = (*guild).into();
        }
        if !resolved.is_empty() {
            data["resolved"] = resolved.into();
        }
        data
    }
}

/// The options as they are sent. Discord's clients let nobody send others.
fn given(
    world: &World,
    guild: Option<&str>,
    definition: &Value,
    options: &[(&str, Value)],
    typed: Option<(&str, &str)>,
    resolved: &mut Map<String, Value>,
) -> Vec<Value> {
    let known = definition["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |name: &str| {
        let found = known.iter().find(|option| option["name"] == name);
        found.unwrap_or_else(|| panic!("no option {name} among {known:?}"))
    };
    let mut sent = Vec::new();
    for (name, value) in options {
        let option = find(name);
        fits(option, value);
        resolve(world, guild, option["type"].as_u64().unwrap(), value, resolved);
        sent.push(json!({"name": name, "type": option["type"], "value": value}));
    }
    match typed {
        Some((name, text)) => {
            let option = find(name);
            assert_eq!(option["autocomplete"], true, "{name} is not completed");
            sent.push(json!({"name": name, "type": option["type"], "value": text, "focused": true}));
        }
        None => {
            let mut missing = known.iter().filter(|option| option["required"] == true);
            let missing = missing.find(|option| !options.iter().any(|(name, _)| option["name"] == *name));
            assert!(missing.is_none(), "a required option is missing: {missing:?}");
        }
    }
    sent
}

fn fits(option: &Value, value: &Value) {
    let number = value.as_f64();
    let is_of_kind = match option["type"].as_u64().unwrap() {
        3 => value.is_string(),
        4 => value.is_i64() && number.is_some_and(|number| number.abs() <= 2f64.powi(53)),
        5 => value.is_boolean(),
        6..=9 => value.as_str().is_some_and(|id| id.parse::<u64>().is_ok()),
        10 => value.is_number(),
        other => panic!("nobody gives an option of type {other} yet"),
    };
    assert!(is_of_kind, "{value} is no value for {option}");
    if let Some(choices) = option["choices"].as_array().filter(|choices| !choices.is_empty()) {
        assert!(
            choices.iter().any(|choice| choice["value"] == *value),
            "{value} is no choice of {option}"
        );
    }
    let length = value.as_str().map(|text| text.chars().count() as f64);
    let bounds = [(number, "min_value", "max_value"), (length, "min_length", "max_length")];
    for (measure, least, most) in bounds {
        let Some(measure) = measure else { continue };
        let least = option[least].as_f64().is_none_or(|least| measure >= least);
        let most = option[most].as_f64().is_none_or(|most| measure <= most);
        assert!(least && most, "{value} is out of bounds of {option}");
    }
    if let Some(text) = value.as_str() {
        assert!(text.chars().count() <= 6000, "nobody can type so much");
    }
}

/// What an id stands for comes with it.
fn resolve(world: &World, guild: Option<&str>, kind: u64, value: &Value, resolved: &mut Map<String, Value>) {
    let Some(id) = value.as_str().filter(|_| (6..=9).contains(&kind)) else {
        return;
    };
    let mut put = |what: &str, json: Value| {
        let all = resolved.entry(what).or_insert_with(|| json!({}));
        all[id] = json;
    };
    if matches!(kind, 6 | 9) && world.people.contains_key(id) {
        put("users", world.user_json(id));
        if let Some(guild) = guild.filter(|guild| world.guilds[*guild].members.contains_key(id)) {
            let mut member = world.member_json(guild, id);
            member.as_object_mut().unwrap().remove("user");
            member["permissions"] = world.member_may(guild, id).to_string().into();
            put("members", member);
        }
        return;
    }
    if matches!(kind, 8 | 9) {
        let guild = &world.guilds[guild.expect("roles are of a guild")];
        let role = guild.roles.iter().enumerate().find(|(_, role)| role.id == id);
        return put(
            "roles",
            payload::role_json(role.unwrap_or_else(|| panic!("there is no role {id}"))),
        );
    }
    put("channels", world.channel_json(id));
}

fn focused(options: &Value) -> Option<u64> {
    let options = options.as_array()?;
    let own = options.iter().find(|option| option["focused"] == true);
    let own = own.and_then(|option| option["type"].as_u64());
    own.or_else(|| options.iter().find_map(|option| focused(&option["options"])))
}

/// A row of a form as it is sent.
fn filled<'f>(at: usize, row: &Value, fields: &[(&'f str, &str)], left: &mut Vec<&'f str>) -> Value {
    let mut fill = |input: &Value, label: &Value| {
        let is_it = |name: &str| input["custom_id"] == name || *label == name;
        let value = fields.iter().find(|(name, _)| is_it(name)).map(|(_, value)| *value);
        left.retain(|name| !is_it(name));
        let mut sent = json!({"type": input["type"], "custom_id": input["custom_id"], "id": at * 2 + 2});
        if input["type"] != 4 {
            sent["values"] = value.into_iter().collect::<Vec<_>>().into();
            return sent;
        }
        let value = value.or(input["value"].as_str()).unwrap_or_default();
        let length = value.chars().count() as u64;
        let is_required = input["required"] != false;
        let least = input["min_length"].as_u64().unwrap_or(u64::from(is_required));
        let most = input["max_length"].as_u64().unwrap_or(4000);
        let is_left_out = length == 0 && !is_required;
        assert!(
            is_left_out || (least..=most).contains(&length),
            "{value:?} does not fit {input}"
        );
        sent["value"] = value.into();
        sent
    };
    match row["type"].as_u64().unwrap() {
        1 => {
            let input = &row["components"][0];
            json!({"type": 1, "id": at * 2 + 1, "components": [fill(input, &input["label"])]})
        }
        18 => json!({"type": 18, "id": at * 2 + 1, "component": fill(&row["component"], &row["label"])}),
        other => json!({"type": other, "id": at * 2 + 1}),
    }
}
