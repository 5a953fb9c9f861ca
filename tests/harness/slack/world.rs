//! What Slack remembers.

use super::api::Fault;
use super::socket::Sockets;
use super::view::{Trigger, View};
use crate::harness::clock::Clock;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub struct World {
    pub address: String,
    pub clock: Clock,
    pub scopes: BTreeSet<&'static str>,
    pub is_revoked: bool,
    pub channels: BTreeMap<String, Channel>,
    /// By id: name and own team.
    pub people: BTreeMap<String, (String, String)>,
    pub groups: BTreeMap<String, Vec<String>>,
    pub disabled_groups: BTreeSet<String>,
    pub triggers: BTreeMap<String, Trigger>,
    pub views: Vec<View>,
    pub sockets: Sockets,
    pub whispers: Vec<Whisper>,
    pub files: BTreeMap<String, File>,
    pub response_urls: BTreeMap<String, ResponseUrl>,
    pub faults: Vec<Strike>,
    /// Nothing answers properly.
    pub is_out: bool,
    /// One of those apps that may read little of what is written.
    pub is_commercial: bool,
    pub calls: Vec<Call>,
    pub complaints: Vec<(String, String)>,
    pub misuse: Vec<String>,
    pub is_unwatched: bool,
    buckets: BTreeMap<String, Bucket>,
    count: u64,
}

/// A fault, and the call that it strikes.
pub struct Strike {
    pub method: String,
    /// None means any.
    pub channel: Option<String>,
    /// Calls that pass before.
    pub spares: usize,
    pub fault: Fault,
}

pub struct Channel {
    pub name: &'static str,
    pub is_archived: bool,
    pub is_private: bool,
    pub has_bot: bool,
    pub messages: Vec<Message>,
}

/// A message in a channel or in a thread.
#[derive(Debug, Clone)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    pub thread_ts: Option<String>,
    pub text: String,
    pub blocks: Vec<Value>,
    pub metadata: Value,
    /// Whom it notified when it was posted: `!subteam^S0OPS`, `@U1`.
    pub pings: Vec<String>,
    /// Earlier texts and blocks, oldest first.
    pub edits: Vec<(String, Vec<Value>)>,
    /// Ids of files.
    pub files: Vec<String>,
    /// The bot's own, if nobody else is named.
    pub user: String,
    is_read: bool,
}

/// A message that one person alone sees.
#[derive(Debug, Clone)]
pub struct Whisper {
    pub channel: String,
    pub thread_ts: Option<String>,
    pub user: String,
    pub text: String,
    pub blocks: Vec<Value>,
    is_read: bool,
}

#[derive(Debug, Clone)]
pub struct File {
    pub id: String,
    pub name: String,
    pub length: usize,
    pub alt_text: String,
    pub title: String,
    pub bytes: Option<Vec<u8>>,
    /// Channel and thread.
    pub shared: Option<(String, Option<String>)>,
}

pub struct ResponseUrl {
    pub channel: String,
    pub user: String,
    pub message: Option<String>,
    pub uses: u32,
    pub made: Duration,
}

/// One call of the Web API.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub arguments: Value,
    pub answer: Value,
}

struct Bucket {
    level: f64,
    at: Duration,
}

impl World {
    pub fn new(address: String) -> Self {
        let channel = |id: &str, name| {
            (
                id.to_owned(),
                Channel {
                    name,
                    is_archived: false,
                    is_private: false,
                    has_bot: true,
                    messages: Vec::new(),
                },
            )
        };
        let person = |id: &str, name: &str, team: &str| (id.to_owned(), (name.to_owned(), team.to_owned()));
        Self {
            address,
            clock: Clock::new(),
            scopes: BTreeSet::from([
                "commands",
                "chat:write",
                "files:write",
                "usergroups:read",
                "channels:history",
                "groups:history",
                "app_mentions:read",
            ]),
            is_revoked: false,
            channels: BTreeMap::from([channel("C0OPS", "ops"), channel("C0ALERTS", "alerts")]),
            people: BTreeMap::from([
                person("U1", "dana", "T1"),
                person("U2", "lee", "T1"),
                person("U3", "vic", "T1"),
                person("U4", "zoe", "T1"),
                // Somebody from another company, in a shared channel.
                person("U9", "eve", "T9"),
            ]),
            groups: BTreeMap::from([("S0OPS".to_owned(), vec!["U1".to_owned(), "U2".to_owned()])]),
            disabled_groups: BTreeSet::new(),
            triggers: BTreeMap::new(),
            views: Vec::new(),
            sockets: Sockets::default(),
            whispers: Vec::new(),
            files: BTreeMap::new(),
            response_urls: BTreeMap::new(),
            faults: Vec::new(),
            is_out: false,
            is_commercial: false,
            calls: Vec::new(),
            complaints: Vec::new(),
            misuse: Vec::new(),
            is_unwatched: false,
            buckets: BTreeMap::new(),
            count: 0,
        }
    }

    /// Unique in this simulator.
    pub fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub fn channel_mut(&mut self, channel: &str) -> &mut Channel {
        self.channels
            .get_mut(channel)
            .unwrap_or_else(|| panic!("there is no channel {channel}"))
    }

    pub fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.channels
            .get(channel)?
            .messages
            .iter()
            .find(|message| message.ts == ts)
    }

    pub fn add_message(&mut self, mut message: Message) -> String {
        message.ts = format!("{}.{:06}", self.clock.second(), self.count());
        message.pings = super::judge::pings(&message.blocks, &message.text);
        let ts = message.ts.clone();
        self.channel_mut(&message.channel.clone()).messages.push(message);
        ts
    }

    pub fn add_whisper(&mut self, channel: &str, user: &str, text: &str, blocks: Vec<Value>) {
        let (channel, user, text) = (channel.to_owned(), user.to_owned(), text.to_owned());
        self.whispers.push(Whisper {
            channel,
            thread_ts: None,
            user,
            text,
            blocks,
            is_read: false,
        });
    }

    /// Fewer than sixteen at a time for some apps, as many as are asked for up to 999 for the others.
    pub fn at_once(&self, limit: usize) -> usize {
        limit.clamp(1, if self.is_commercial { 15 } else { 999 })
    }

    /// The fault that the next call of a method about a channel meets.
    pub fn take_fault(&mut self, method: &str, channel: Option<&str>) -> Option<Fault> {
        for at in 0..self.faults.len() {
            let strike = &mut self.faults[at];
            let is_about = strike.channel.as_deref().is_none_or(|about| Some(about) == channel);
            if strike.method != method || !is_about {
                continue;
            }
            if strike.spares == 0 {
                return Some(self.faults.remove(at).fault);
            }
            strike.spares -= 1;
        }
        None
    }

    pub fn read_message(&mut self, channel: &str, thread: Option<&str>) -> Option<Message> {
        let messages = &mut self.channels.get_mut(channel)?.messages;
        let found = messages
            .iter_mut()
            .find(|message| !message.is_read && message.thread_ts.as_deref() == thread)?;
        found.is_read = true;
        Some(found.clone())
    }

    pub fn read_whisper(&mut self, user: &str) -> Option<Whisper> {
        let found = self
            .whispers
            .iter_mut()
            .find(|whisper| !whisper.is_read && whisper.user == user)?;
        found.is_read = true;
        Some(found.clone())
    }

    pub fn take_unread(&mut self) -> Vec<String> {
        let messages = self.channels.values_mut().flat_map(|channel| &mut channel.messages);
        let mut unread = Vec::new();
        for message in messages.filter(|message| !message.is_read) {
            message.is_read = true;
            unread.push(message.describe());
        }
        for whisper in self.whispers.iter_mut().filter(|whisper| !whisper.is_read) {
            whisper.is_read = true;
            unread.push(whisper.describe());
        }
        for view in self.views.iter_mut().filter(|view| view.is_open && !view.is_read) {
            view.is_read = true;
            unread.push(format!("a form for {}: {}", view.user, view.seen()));
        }
        unread
    }

    pub fn describe(&self) -> String {
        let messages = self
            .channels
            .values()
            .flat_map(|channel| &channel.messages)
            .map(Message::describe);
        messages
            .chain(self.whispers.iter().map(Whisper::describe))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub fn new_response_url(&mut self, channel: &str, user: &str, message: Option<&str>) -> String {
        let id = format!("R{}", self.count());
        let url = ResponseUrl {
            channel: channel.to_owned(),
            user: user.to_owned(),
            message: message.map(str::to_owned),
            uses: 0,
            made: self.clock.now(),
        };
        self.response_urls.insert(id.clone(), url);
        format!("{}/response/{id}", self.address)
    }

    /// Takes a token of a bucket that holds `burst` and fills at `per_second`; the error is seconds to wait.
    pub fn take_token(&mut self, key: &str, burst: f64, per_second: f64) -> Result<(), u64> {
        let now = self.clock.now();
        let bucket = self
            .buckets
            .entry(key.to_owned())
            .or_insert(Bucket { level: burst, at: now });
        bucket.level = (bucket.level + (now - bucket.at).as_secs_f64() * per_second).min(burst);
        bucket.at = now;
        if bucket.level >= 1.0 {
            bucket.level -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.level) / per_second).ceil().max(1.0) as u64)
    }
}

impl Message {
    pub fn new(channel: &str, thread_ts: Option<&str>, text: &str, blocks: Vec<Value>) -> Self {
        Self {
            channel: channel.to_owned(),
            ts: String::new(),
            thread_ts: thread_ts.map(str::to_owned),
            text: text.to_owned(),
            blocks,
            metadata: Value::Null,
            pings: Vec::new(),
            edits: Vec::new(),
            files: Vec::new(),
            user: "U0BOT".to_owned(),
            is_read: false,
        }
    }

    /// All the buttons that are in it.
    pub fn buttons(&self) -> Vec<&Value> {
        let actions = self.blocks.iter().filter(|block| block["type"] == "actions");
        let elements = actions.filter_map(|block| block["elements"].as_array()).flatten();
        elements.filter(|element| element["type"] == "button").collect()
    }

    /// The buttons' texts.
    pub fn labels(&self) -> Vec<String> {
        self.buttons()
            .iter()
            .map(|button| unescape(button["text"]["text"].as_str().unwrap()))
            .collect()
    }

    /// Everything that is seen of it, a line per text.
    pub fn seen(&self) -> String {
        seen(&self.blocks, &self.text)
    }

    fn describe(&self) -> String {
        let thread = self
            .thread_ts
            .as_ref()
            .map_or(String::new(), |ts| format!(" in thread {ts}"));
        format!("{} in {}{thread}: {}", self.ts, self.channel, self.seen())
    }
}

impl Whisper {
    /// Everything that is seen of it, a line per text.
    pub fn seen(&self) -> String {
        seen(&self.blocks, &self.text)
    }

    fn describe(&self) -> String {
        format!("to {} alone in {}: {}", self.user, self.channel, self.seen())
    }
}

fn seen(blocks: &[Value], text: &str) -> String {
    if blocks.is_empty() {
        return unescape(text);
    }
    let mut lines = Vec::new();
    blocks.iter().for_each(|block| texts(block, &mut lines));
    lines.join("\n")
}

fn texts(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if matches!(
                fields.get("type").and_then(Value::as_str),
                Some("plain_text" | "mrkdwn")
            ) {
                lines.extend(fields.get("text").and_then(Value::as_str).map(unescape));
            } else {
                // A dialog is not seen before somebody presses.
                fields
                    .iter()
                    .filter(|(key, _)| *key != "confirm")
                    .for_each(|(_, value)| texts(value, lines));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, lines)),
        _ => {}
    }
}

pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
