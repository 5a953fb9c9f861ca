//! A message: what is shown of it now, and everything that it showed before.

use serde_json::{Value, json};
use std::time::Duration;

/// Embeds are not unfolded.
pub const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// For one person alone.
pub const EPHEMERAL: u64 = 1 << 6;
/// The bot is thinking.
pub const LOADING: u64 = 1 << 7;
pub const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// The message is made of components alone, and stays so.
pub const COMPONENTS_V2: u64 = 1 << 15;

/// A message in a channel, in a thread, or for one person alone.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub channel: String,
    /// The person who wrote it; none is the bot.
    pub user: Option<String>,
    pub shown: Shown,
    /// What it showed before and until when, oldest first.
    pub edits: Vec<(Duration, Shown)>,
    pub made: Duration,
    pub edited: Option<Duration>,
    /// The one person who sees it.
    pub alone: Option<String>,
    /// The bot said that it will answer, and has not yet.
    pub is_loading: bool,
    /// Whom it notified when it was posted: `@101`, `@&7001`, `@everyone`.
    pub pings: Vec<String>,
    /// The message that it replies to.
    pub replies_to: Option<String>,
    pub nonce: Option<String>,
    /// The interaction that it answers.
    pub interaction: Option<String>,
    pub is_deleted: bool,
    pub is_read: bool,
}

/// What can be seen of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    pub content: String,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub files: Vec<File>,
    pub flags: u64,
}

#[derive(Clone, PartialEq)]
pub struct File {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub kind: Option<String>,
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "File({} {}, {} bytes)", self.id, self.name, self.bytes.len())
    }
}

impl Message {
    pub fn new(id: String, channel: &str, shown: Shown, made: Duration) -> Self {
        Self {
            id,
            channel: channel.to_owned(),
            user: None,
            shown,
            edits: Vec::new(),
            made,
            edited: None,
            alone: None,
            is_loading: false,
            pings: Vec::new(),
            replies_to: None,
            nonce: None,
            interaction: None,
            is_deleted: false,
            is_read: false,
        }
    }

    /// Shows something else from now on. What is shown first instead of a promise is no edit.
    pub fn show(&mut self, shown: Shown, now: Duration) {
        let before = std::mem::replace(&mut self.shown, shown);
        if self.is_loading {
            self.is_loading = false;
        } else {
            self.edits.push((now, before));
            self.edited = Some(now);
        }
    }

    /// Everything that is seen of it, a line per text.
    pub fn seen(&self) -> String {
        self.shown.seen()
    }

    /// All buttons, wherever they stand.
    pub fn buttons(&self) -> Vec<&Value> {
        self.parts().into_iter().filter(|part| part["type"] == 2).collect()
    }

    /// The words on the buttons that can be pressed.
    pub fn labels(&self) -> Vec<String> {
        let buttons = self.buttons().into_iter();
        buttons
            .filter(|button| button["disabled"] != true)
            .map(|button| button["label"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Buttons, selects and the boxes that hold them.
    pub fn parts(&self) -> Vec<&Value> {
        let mut found = Vec::new();
        self.shown.components.iter().for_each(|one| parts(one, &mut found));
        found
    }

    pub fn describe(&self) -> String {
        let alone = self
            .alone
            .as_ref()
            .map_or(String::new(), |user| format!(" to {user} alone"));
        let loading = if self.is_loading { " (loading)" } else { "" };
        format!("{} in {}{alone}{loading}: {}", self.id, self.channel, self.seen())
    }
}

impl Shown {
    pub fn is_v2(&self) -> bool {
        self.flags & COMPONENTS_V2 != 0
    }

    pub fn seen(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        if !self.content.is_empty() {
            lines.push(self.content.clone());
        }
        for embed in &self.embeds {
            let fields = embed["fields"].as_array().into_iter().flatten();
            let texts = [&embed["author"]["name"], &embed["title"], &embed["description"]].into_iter();
            let texts = texts.chain(fields.flat_map(|field| [&field["name"], &field["value"]]));
            let texts = texts.chain([&embed["footer"]["text"]]);
            lines.extend(texts.filter_map(Value::as_str).map(str::to_owned));
        }
        let mut found = Vec::new();
        self.components.iter().for_each(|one| parts(one, &mut found));
        for part in found {
            match part["type"].as_u64() {
                Some(10) => lines.extend(part["content"].as_str().map(str::to_owned)),
                Some(2) => lines.push(format!("[{}]", part["label"].as_str().unwrap_or_default())),
                Some(3..=8) => lines.push(format!("[{} ▾]", part["placeholder"].as_str().unwrap_or_default())),
                _ => {}
            }
        }
        lines.extend(self.files.iter().map(|file| format!("file {}", file.name)));
        lines.join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.embeds.is_empty() && self.components.is_empty() && self.files.is_empty()
    }

    /// The texts whose mentions notify somebody: those of embeds do not.
    pub fn texts_that_mention(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.components.iter().for_each(|one| parts(one, &mut found));
        let displays = found.into_iter().filter(|part| part["type"] == 10);
        let displays = displays.filter_map(|part| part["content"].as_str());
        std::iter::once(self.content.as_str()).chain(displays).collect()
    }

    /// As a message carries them: each with an id of its own.
    pub fn numbered_components(&self) -> Value {
        let mut components = Value::from(self.components.clone());
        let mut count = 0;
        number(&mut components, &mut count);
        components
    }

    pub fn attachments(&self, address: &str, channel: &str) -> Value {
        let one = |file: &File| {
            let url = format!("{address}/attachments/{channel}/{}/{}", file.id, file.name);
            let mut shown = json!({
                "id": file.id, "filename": file.name, "size": file.bytes.len(), "url": url, "proxy_url": url,
                "content_type": file.kind, "content_scan_version": 0,
            });
            if let Some(description) = &file.description {
                shown["description"] = description.clone().into();
            }
            shown
        };
        self.files.iter().map(one).collect()
    }
}

fn parts<'a>(component: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(component);
    let inner = component["components"].as_array().into_iter().flatten();
    inner.for_each(|one| parts(one, found));
    for single in ["accessory", "component"] {
        if component[single].is_object() {
            parts(&component[single], found);
        }
    }
}

fn number(value: &mut Value, count: &mut u64) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| number(item, count)),
        Value::Object(fields) => {
            if fields.contains_key("type") {
                *count += 1;
                fields.entry("id").or_insert((*count).into());
            }
            for inner in ["components", "accessory", "component"] {
                if let Some(inner) = fields.get_mut(inner) {
                    number(inner, count);
                }
            }
        }
        _ => {}
    }
}
