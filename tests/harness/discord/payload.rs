//! People, guilds, channels and messages as Discord writes them.

use super::message::Message;
use super::world::{Channel, ChannelKind, Role, World};
use super::{APPLICATION, BOT_USER, permission};
use serde_json::{Value, json};

impl World {
    pub fn user_json(&self, id: &str) -> Value {
        let is_bot = id == BOT_USER;
        let name = if is_bot { "signalbox" } else { self.people[id].name };
        let mut user = json!({
            "id": id, "username": name, "global_name": if is_bot { Value::Null } else { capital(name).into() },
            "discriminator": if is_bot { "4242" } else { "0" }, "avatar": null, "avatar_decoration_data": null,
            "collectibles": null, "display_name_styles": null, "clan": null, "primary_guild": null, "public_flags": 0,
        });
        if is_bot {
            user["bot"] = true.into();
        }
        user
    }

    /// Without the permissions, which an interaction adds.
    pub fn member_json(&self, guild: &str, user: &str) -> Value {
        json!({
            "user": self.user_json(user), "roles": self.guilds[guild].members[user], "nick": null, "avatar": null,
            "banner": null, "joined_at": "2024-05-01T10:00:00.000000+00:00", "premium_since": null, "deaf": false,
            "mute": false, "flags": 0, "pending": false, "communication_disabled_until": null,
            "unusual_dm_activity_until": null, "collectibles": null, "display_name_styles": null,
        })
    }

    /// What a person may do in a guild.
    pub fn member_may(&self, guild: &str, user: &str) -> u64 {
        let guild_id = guild;
        let guild = &self.guilds[guild];
        let roles = &guild.members[user];
        let theirs = guild
            .roles
            .iter()
            .filter(|role| role.id == guild_id || roles.contains(&role.id));
        theirs.fold(0, |all, role| all | role.permissions)
    }

    pub fn guild_json(&self, id: &str) -> Value {
        let guild = &self.guilds[id];
        let roles: Vec<Value> = guild.roles.iter().enumerate().map(role_json).collect();
        let mut json = json!({
            "id": id, "name": guild.name, "icon": null, "icon_hash": null, "splash": null, "discovery_splash": null,
            "home_header": null, "description": null, "banner": null, "owner_id": "109", "region": "deprecated",
            "afk_channel_id": null, "afk_timeout": 300, "widget_enabled": false, "widget_channel_id": null,
            "verification_level": 1, "default_message_notifications": 0, "explicit_content_filter": 0, "roles": roles,
        });
        let rest = json!({
            "emojis": [], "stickers": [], "features": [], "mfa_level": 0, "application_id": null,
            "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null, "max_presences": null,
            "max_members": 500_000, "vanity_url_code": null, "premium_tier": 0, "premium_subscription_count": 0,
            "preferred_locale": "en-US", "public_updates_channel_id": null, "safety_alerts_channel_id": null,
            "max_video_channel_users": 25, "max_stage_video_channel_users": 50, "nsfw": false, "nsfw_level": 0,
            "premium_progress_bar_enabled": false, "latest_onboarding_question_id": null, "incidents_data": null,
        });
        let fields = json.as_object_mut().unwrap();
        fields.extend(rest.as_object().unwrap().clone());
        json
    }

    pub fn channel_json(&self, id: &str) -> Value {
        let channel = &self.channels[id];
        let last = self
            .messages
            .iter()
            .rev()
            .find(|message| message.channel == id && message.alone.is_none());
        let last = last.map(|message| message.id.clone());
        match &channel.kind {
            ChannelKind::Direct { user } => json!({
                "id": id, "type": 1, "last_message_id": last, "flags": 0, "recipients": [self.user_json(user)],
            }),
            ChannelKind::Text | ChannelKind::Category => json!({
                "id": id, "type": if channel.kind == ChannelKind::Text { 0 } else { 4 }, "guild_id": channel.guild,
                "name": channel.name, "position": 0, "parent_id": null, "topic": null, "nsfw": false,
                "permission_overwrites": exceptions_of_bot(channel), "rate_limit_per_user": 0, "last_message_id": last,
                "flags": 0, "default_auto_archive_duration": null, "icon_emoji": null, "theme_color": null,
            }),
            ChannelKind::Thread { parent } => self.thread_json(channel, parent, last),
        }
    }

    fn thread_json(&self, thread: &Channel, parent: &str, last: Option<String>) -> Value {
        let is_inside = |message: &&Message| message.channel == thread.id && !message.is_deleted;
        let count = self.messages.iter().filter(is_inside).count();
        json!({
            "id": thread.id, "type": 11, "guild_id": thread.guild, "name": thread.name, "parent_id": parent,
            "owner_id": BOT_USER, "last_message_id": last, "message_count": count, "total_message_sent": count,
            "member_count": 1, "rate_limit_per_user": 0, "flags": 0,
            "thread_metadata": {
                "archived": thread.is_archived, "locked": thread.is_locked,
                "auto_archive_duration": thread.archives_after,
                "archive_timestamp": self.stamp(thread.active), "create_timestamp": self.stamp(thread.active),
            },
        })
    }

    /// A message whole. What others wrote is not told to a bot without the right to read it.
    pub fn message_json(&self, message: &Message) -> Value {
        let shown = &message.shown;
        let author = message.user.as_deref().unwrap_or(BOT_USER);
        let content = if message.user.is_some() { "" } else { &shown.content };
        let users = message.pings.iter().filter_map(|ping| ping.strip_prefix('@'));
        let users = users.filter(|id| self.people.contains_key(*id));
        let roles: Vec<&str> = message
            .pings
            .iter()
            .filter_map(|ping| ping.strip_prefix("@&"))
            .collect();
        let thread = self.channels.get(&message.id);
        let flags = shown.flags
            | if message.is_loading { super::message::LOADING } else { 0 }
            | if thread.is_some() { 1 << 5 } else { 0 };
        let mut embeds = shown.embeds.clone();
        for embed in &mut embeds {
            embed["type"] = "rich".into();
        }
        let mut json = json!({
            "id": message.id, "channel_id": message.channel, "author": self.user_json(author), "content": content,
            "timestamp": self.stamp(message.made),
            "edited_timestamp": message.edited.map(|edited| self.stamp(edited)), "tts": false,
            "mention_everyone": message.pings.iter().any(|ping| ping == "@everyone" || ping == "@here"),
            "mentions": users.map(|id| self.user_json(id)).collect::<Vec<_>>(), "mention_roles": roles,
            "attachments": shown.attachments(&self.address, &message.channel), "embeds": embeds,
            "components": shown.numbered_components(), "pinned": false, "type": 0, "flags": flags,
        });
        if let Some(thread) = thread {
            json["thread"] = self.channel_json(&thread.id);
        }
        if let Some(of) = &message.replies_to {
            json["type"] = 19.into();
            json["message_reference"] = json!({"type": 0, "channel_id": message.channel, "message_id": of});
        }
        if let Some(interaction) = message.interaction.as_ref().and_then(|id| self.interactions.get(id)) {
            json["application_id"] = APPLICATION.into();
            json["webhook_id"] = APPLICATION.into();
            if interaction.is_command() {
                json["type"] = 20.into();
            }
            json["interaction_metadata"] = json!({
                "id": interaction.id, "type": interaction.kind_number(), "user": self.user_json(&interaction.user),
                "authorizing_integration_owners": interaction.owners(),
            });
        }
        json
    }
}

pub fn role_json((position, role): (usize, &Role)) -> Value {
    json!({
        "id": role.id, "name": role.name, "description": null, "permissions": role.permissions.to_string(),
        "position": position, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null}, "hoist": false,
        "managed": false, "mentionable": role.is_mentionable, "icon": null, "unicode_emoji": null, "flags": 0,
    })
}

/// What a channel permits the bot or denies it, where that differs from what everybody may.
fn exceptions_of_bot(channel: &Channel) -> Value {
    let denied = permission::OF_BOT & !channel.bot_may;
    if denied == 0 {
        return json!([]);
    }
    json!([{"id": BOT_USER, "type": 1, "allow": "0", "deny": denied.to_string()}])
}

fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

/// What an interaction says of the bot's rights.
pub fn app_permissions(world: &World, channel: &str) -> String {
    let may = world.bot_may(channel);
    // In a direct channel Discord always says the same.
    let is_direct = world.channels[channel].guild.is_none();
    let of_direct = permission::OF_BOT | permission::MENTION_EVERYONE;
    (if is_direct { of_direct } else { may }).to_string()
}
