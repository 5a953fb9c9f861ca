//! What Discord remembers.

use super::fault::Faults;
use super::gateway::Gateway;
use super::interaction::Interaction;
use super::limits::Limits;
use super::message::{Message, Shown};
use super::permission;
use super::refusal::{Outcome, Refusal};
use super::route::Route;
use super::{APPLICATION, BOT_USER};
use crate::harness::clock::Clock;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Discord's ids count milliseconds since 2015.
const FIRST_MILLISECOND: i64 = 1_420_070_400_000;
/// The same nonce within this time is the same message. Discord says "a few minutes".
const NONCE_COUNTS: Duration = Duration::from_secs(180);

pub struct World {
    pub address: String,
    /// The application's key, by which what comes from Discord is known.
    pub public_key: String,
    /// Where interactions are sent, as it was entered.
    pub endpoint: Option<String>,
    pub clock: Clock,
    pub guilds: BTreeMap<String, Guild>,
    pub channels: BTreeMap<String, Channel>,
    pub people: BTreeMap<String, User>,
    pub messages: Vec<Message>,
    pub global_commands: Vec<Value>,
    pub guild_commands: BTreeMap<String, Vec<Value>>,
    /// When commands were created that were not there before, by guild; empty is everywhere.
    pub created_commands: BTreeMap<String, Vec<Duration>>,
    pub interactions: BTreeMap<String, Interaction>,
    pub limits: Limits,
    pub faults: Faults,
    pub gateway: Gateway,
    pub is_revoked: bool,
    pub is_unwatched: bool,
    pub calls: Vec<Call>,
    /// What people have seen of Discord's own complaints about the bot.
    pub complaints: Vec<(String, String)>,
    /// How the bot misused Discord without being refused.
    pub misuse: Vec<String>,
    last_id: u64,
}

pub struct Guild {
    pub name: &'static str,
    pub roles: Vec<Role>,
    /// Who is in it, and with which roles.
    pub members: BTreeMap<String, Vec<String>>,
    pub has_bot: bool,
}

#[derive(Clone)]
pub struct Role {
    pub id: String,
    pub name: String,
    pub is_mentionable: bool,
    pub permissions: u64,
}

pub struct User {
    pub name: &'static str,
    /// Strangers may write to this person.
    pub takes_messages: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ChannelKind {
    Text,
    Category,
    Direct { user: String },
    Thread { parent: String },
}

pub struct Channel {
    pub id: String,
    pub name: String,
    pub kind: ChannelKind,
    pub guild: Option<String>,
    pub bot_may: u64,
    pub is_archived: bool,
    pub is_locked: bool,
    /// Minutes without a message after which a thread is archived.
    pub archives_after: u64,
    pub active: Duration,
}

/// One call of the bot.
#[derive(Debug, Clone)]
pub struct Call {
    pub route: Route,
    pub ids: Vec<String>,
    pub body: Value,
    /// Names of the files that came with it.
    pub files: Vec<String>,
    pub status: u16,
    pub answer: Value,
    pub at: Duration,
    /// A test has said that it is refused.
    pub is_expected: bool,
}

impl World {
    pub fn new(address: String, public_key: String) -> Self {
        let role = |id: &str, name: &str, is_mentionable| Role {
            id: id.to_owned(),
            name: name.to_owned(),
            is_mentionable,
            permissions: if name == "@everyone" { permission::OF_MEMBER } else { 0 },
        };
        let members = |list: &[(&str, &[&str])]| {
            let one = |(user, roles): &(&str, &[&str])| {
                let roles = roles.iter().map(|role| (*role).to_owned()).collect();
                ((*user).to_owned(), roles)
            };
            list.iter().map(one).collect()
        };
        let mut world = Self {
            address,
            public_key,
            endpoint: None,
            clock: Clock::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            people: BTreeMap::new(),
            messages: Vec::new(),
            global_commands: Vec::new(),
            guild_commands: BTreeMap::new(),
            created_commands: BTreeMap::new(),
            interactions: BTreeMap::new(),
            limits: Limits::default(),
            faults: Faults::default(),
            gateway: Gateway::default(),
            is_revoked: false,
            is_unwatched: false,
            calls: Vec::new(),
            complaints: Vec::new(),
            misuse: Vec::new(),
            last_id: 0,
        };
        for (id, name) in [("101", "dana"), ("102", "lee"), ("103", "vic"), ("109", "eve")] {
            let takes_messages = true;
            world.people.insert(id.to_owned(), User { name, takes_messages });
        }
        let roles = vec![
            role("900", "@everyone", false),
            role("7001", "ops", true),
            role("7002", "viewers", false),
            role("7003", "deploy", false),
        ];
        let shop = Guild {
            name: "shop",
            roles,
            members: members(&[
                ("101", &["7001"]),
                ("102", &["7001"]),
                ("103", &["7002"]),
                // In the guild, and nobody that the bot knows.
                ("109", &[]),
                (BOT_USER, &[]),
            ]),
            has_bot: true,
        };
        let foreign = Guild {
            name: "elsewhere",
            roles: vec![role("950", "@everyone", false), role("7001950", "ops", true)],
            members: members(&[("101", &[]), ("109", &["7001950"]), (BOT_USER, &[])]),
            has_bot: true,
        };
        world.guilds.insert("900".to_owned(), shop);
        world.guilds.insert("950".to_owned(), foreign);
        for (guild, id, name) in [
            ("900", "9001", "ops"),
            ("900", "9002", "alerts"),
            ("900", "9003", "general"),
            ("950", "9501", "lobby"),
        ] {
            world.add_channel(id, name, ChannelKind::Text, Some(guild));
        }
        world.add_channel("9004", "on call", ChannelKind::Category, Some("900"));
        world
    }

    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Later ones are greater, and tell the time.
    pub fn new_id(&mut self) -> String {
        let of_time = ((self.clock.millisecond() - FIRST_MILLISECOND) as u64) << 22;
        self.last_id = of_time.max(self.last_id + 1);
        self.last_id.to_string()
    }

    pub fn stamp(&self, at: Duration) -> String {
        let ago = jiff::SignedDuration::try_from(self.clock.now().saturating_sub(at)).unwrap();
        let now = jiff::Timestamp::from_millisecond(self.clock.millisecond()).unwrap();
        format!("{:.6}", now - ago).replace('Z', "+00:00")
    }

    pub fn add_channel(&mut self, id: &str, name: &str, kind: ChannelKind, guild: Option<&str>) {
        let channel = Channel {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            guild: guild.map(str::to_owned),
            bot_may: permission::OF_BOT,
            is_archived: false,
            is_locked: false,
            archives_after: 4320,
            active: self.now(),
        };
        self.channels.insert(id.to_owned(), channel);
    }

    pub fn channel_mut(&mut self, id: &str) -> &mut Channel {
        let channel = self.channels.get_mut(id);
        channel.unwrap_or_else(|| panic!("there is no channel {id}"))
    }

    /// What the bot may do in a channel; a thread has the rights of its channel.
    pub fn bot_may(&self, id: &str) -> u64 {
        let Some(channel) = self.channels.get(id) else { return 0 };
        if channel.guild.as_ref().is_some_and(|guild| !self.guilds[guild].has_bot) {
            return 0;
        }
        match &channel.kind {
            ChannelKind::Thread { parent } => self.bot_may(parent),
            _ => channel.bot_may,
        }
    }

    /// A channel that the bot sees.
    pub fn visible(&mut self, id: &str) -> Outcome<&mut Channel> {
        let (now, may) = (self.now(), self.bot_may(id));
        let channel = self.channels.get_mut(id).ok_or_else(|| Refusal::new(10003))?;
        if may & permission::VIEW_CHANNEL == 0 {
            return Err(Refusal::new(50001));
        }
        let rests = now.saturating_sub(channel.active);
        if matches!(channel.kind, ChannelKind::Thread { .. }) && rests.as_secs() >= channel.archives_after * 60 {
            channel.is_archived = true;
        }
        Ok(channel)
    }

    /// A message that is still there, whoever sees it.
    pub fn message(&self, id: &str) -> Option<&Message> {
        self.messages
            .iter()
            .find(|message| message.id == id && !message.is_deleted)
    }

    pub fn message_mut(&mut self, id: &str) -> Option<&mut Message> {
        let mut messages = self.messages.iter_mut();
        messages.find(|message| message.id == id && !message.is_deleted)
    }

    /// A message that stands in a channel for all to see.
    pub fn public_message(&mut self, channel: &str, id: &str) -> Outcome<&mut Message> {
        let found = self.message_mut(id);
        let found = found.filter(|message| message.channel == channel && message.alone.is_none());
        found.ok_or_else(|| Refusal::new(10008))
    }

    pub fn new_message(&mut self, channel: &str, shown: Shown) -> Message {
        let now = self.now();
        Message::new(self.new_id(), channel, shown, now)
    }

    pub fn add_message(&mut self, message: Message) -> String {
        let now = self.now();
        if let Some(channel) = self.channels.get_mut(&message.channel) {
            channel.active = now;
            channel.is_archived = false;
        }
        let id = message.id.clone();
        self.messages.push(message);
        id
    }

    /// What the bot posted with this nonce a short while ago.
    pub fn with_nonce(&self, channel: &str, nonce: &str) -> Option<&Message> {
        let now = self.now();
        self.messages.iter().find(|message| {
            message.channel == channel
                && message.nonce.as_deref() == Some(nonce)
                && now.saturating_sub(message.made) < NONCE_COUNTS
        })
    }

    /// The channel in which the bot and a person talk alone.
    pub fn direct_channel(&mut self, user: &str) -> String {
        let is_theirs =
            |channel: &&Channel| matches!(&channel.kind, ChannelKind::Direct { user: known } if known == user);
        if let Some(channel) = self.channels.values().find(is_theirs) {
            return channel.id.clone();
        }
        let id = self.new_id();
        let user = user.to_owned();
        self.add_channel(&id, "", ChannelKind::Direct { user }, None);
        id
    }

    /// The next message in a channel that no test has looked at: a finished one.
    pub fn read_message(&mut self, channel: &str) -> Option<Message> {
        self.read(|message| message.channel == channel && message.alone.is_none())
    }

    pub fn read_whisper(&mut self, user: &str) -> Option<Message> {
        self.read(|message| message.alone.as_deref() == Some(user))
    }

    fn read(&mut self, is_wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        let mut unread = self.messages.iter_mut().filter(|message| message.is_unread());
        let found = unread.find(|message| is_wanted(message))?;
        found.is_read = true;
        Some(found.clone())
    }

    pub fn take_unread(&mut self) -> Vec<String> {
        let unread = self.messages.iter_mut().filter(|message| message.is_unread());
        let take = |message: &mut Message| {
            message.is_read = true;
            message.describe()
        };
        unread.map(take).collect()
    }

    pub fn describe(&self) -> String {
        let messages = self.messages.iter().map(Message::describe);
        let misuse = self.misuse.iter().map(|what| format!("misuse: {what}"));
        let complaints = self.complaints.iter();
        let complaints = complaints.map(|(user, what)| format!("{user} saw: {what}"));
        let refused = self.calls.iter().filter(|call| call.status >= 400);
        let refused = refused.map(Call::describe);
        let connections = self.gateway.connections.iter().map(|one| format!("{one:?}"));
        messages
            .chain(connections)
            .chain(misuse)
            .chain(complaints)
            .chain(refused)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The commands that a person meets in a place.
    pub fn commands_in(&self, guild: Option<&str>) -> Vec<&Value> {
        let of_guild = guild.and_then(|guild| self.guild_commands.get(guild));
        of_guild.into_iter().flatten().chain(&self.global_commands).collect()
    }

    pub fn is_application(&self, id: &str) -> Outcome {
        if id == APPLICATION {
            Ok(())
        } else {
            Err(Refusal::new(10002))
        }
    }
}

impl Message {
    fn is_unread(&self) -> bool {
        !self.is_read && !self.is_loading && !self.is_deleted && self.user.is_none()
    }
}

impl Call {
    pub fn describe(&self) -> String {
        format!("{:?} {:?} -> {} {}", self.route, self.ids, self.status, self.answer)
    }
}
