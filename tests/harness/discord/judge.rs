//! Which messages, forms and commands Discord takes. Our own rules say what is wrong as Discord says it; a crate that is
//! not ours judges beside them.

mod commands;
mod components;
mod embeds;
mod modal;
mod second;

pub use commands::commands;
pub use modal::modal;

use super::message::{COMPONENTS_V2, EPHEMERAL, File, SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, Shown};
use super::refusal::{Objections, Outcome, Refusal};
use serde_json::Value;
use std::collections::BTreeSet;

const CONTENT: usize = 2000;
const FILES: usize = 10;
pub const FILE_BYTES: usize = 10 * 1024 * 1024;

/// A file that came in a part of its own, `files[0]`.
#[derive(Debug, Clone)]
pub struct Upload {
    pub number: String,
    pub name: String,
    pub kind: Option<String>,
    pub bytes: Vec<u8>,
}

/// How a message comes to Discord, which decides about its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By the bot's token, new.
    Channel,
    /// As an answer to an interaction, new.
    Answer,
    /// Something else on a message that is there.
    Edit,
}

/// A message that Discord takes.
pub struct Taken {
    /// Files that are new have no id yet.
    pub shown: Shown,
    /// What Discord takes and the bot surely did not mean.
    pub misuse: Vec<String>,
}

pub fn join(path: &str, part: impl std::fmt::Display) -> String {
    if path.is_empty() {
        return part.to_string();
    }
    format!("{path}.{part}")
}

/// What a message will show. Fields that are not given stay as they were before.
pub fn message(body: &Value, before: &Shown, uploads: Vec<Upload>, door: Door, path: &str) -> Outcome<Taken> {
    let mut objections = Objections::default();
    let mut misuse = Vec::new();
    let mut shown = before.clone();
    shown.flags = flags(&mut objections, body, before, door, path);
    let is_given = |field: &str| body.get(field).is_some();
    if is_given("content") {
        objections.optional_text(&join(path, "content"), &body["content"], 0, CONTENT);
        shown.content = body["content"].as_str().unwrap_or_default().to_owned();
    }
    if is_given("embeds") {
        shown.embeds = objections.list(&join(path, "embeds"), &body["embeds"], 0, 10).to_vec();
        embeds::judge(&mut objections, &shown.embeds, &join(path, "embeds"));
    }
    let size = uploads.iter().any(|upload| upload.bytes.len() > FILE_BYTES);
    if size {
        return Err(Refusal::new(40005));
    }
    files(&mut objections, &mut shown, body, uploads, path);
    if is_given("components") {
        let at = join(path, "components");
        let most = if shown.is_v2() {
            components::IN_ALL
        } else {
            components::ROWS
        };
        shown.components = objections.list(&at, &body["components"], 0, most).to_vec();
    }
    components::judge(&mut objections, &shown, &join(path, "components"));
    allowed_mentions(
        &mut objections,
        &body["allowed_mentions"],
        &join(path, "allowed_mentions"),
    );
    if shown.is_v2() {
        for (field, is_used) in [
            ("content", !shown.content.is_empty()),
            ("embeds", !shown.embeds.is_empty()),
        ] {
            if is_used {
                objections.object(
                    &join(path, field),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    format!("The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"),
                );
            }
        }
    }
    references(&mut objections, &mut misuse, &shown, path);
    objections.done()?;
    if shown.is_empty() {
        return Err(Refusal::new(50006));
    }
    second::message(&shown)?;
    let mentions = shown
        .texts_that_mention()
        .iter()
        .any(|text| !mentioned(text).is_empty());
    if mentions && body["allowed_mentions"].is_null() {
        misuse.push(format!(
            "mentions somebody without saying who may be notified: {}",
            shown.seen()
        ));
    }
    Ok(Taken { shown, misuse })
}

fn flags(objections: &mut Objections, body: &Value, before: &Shown, door: Door, path: &str) -> u64 {
    let allowed = match door {
        Door::Channel => SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2,
        Door::Answer => SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2 | EPHEMERAL,
        // What a message is for one person alone was decided when it was made.
        Door::Edit => SUPPRESS_EMBEDS | COMPONENTS_V2 | EPHEMERAL,
    };
    let given = match &body["flags"] {
        Value::Null => return before.flags,
        given => given.as_u64(),
    };
    let Some(given) = given.filter(|given| given & !allowed == 0) else {
        objections.object(
            &join(path, "flags"),
            "MESSAGE_FLAGS_INVALID",
            format!("Only the flags {allowed} may be set here, not {}.", body["flags"]),
        );
        return before.flags;
    };
    let kept = before.flags & (COMPONENTS_V2 | EPHEMERAL);
    let new = if door == Door::Edit { given & !EPHEMERAL } else { given };
    kept | new
}

fn files(objections: &mut Objections, shown: &mut Shown, body: &Value, uploads: Vec<Upload>, path: &str) {
    let at = join(path, "attachments");
    let listed = objections.list(&at, &body["attachments"], 0, FILES);
    let id_of = |listed: &Value| match &listed["id"] {
        Value::Number(id) => id.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    if body.get("attachments").is_some() {
        let kept: BTreeSet<String> = listed.iter().map(id_of).collect();
        shown.files.retain(|file| kept.contains(&file.id));
    }
    for (number, attachment) in listed.iter().enumerate() {
        let here = join(&at, number);
        objections.optional_text(&join(&here, "filename"), &attachment["filename"], 1, 1024);
        objections.optional_text(&join(&here, "description"), &attachment["description"], 0, 1024);
        let id = id_of(attachment);
        let is_known = uploads.iter().any(|upload| upload.number == id) || shown.files.iter().any(|file| file.id == id);
        if !is_known {
            objections.object(
                &join(&here, "id"),
                "ATTACHMENT_NOT_FOUND",
                "There is no file of this id.",
            );
        }
    }
    for upload in uploads {
        let about = listed.iter().find(|attachment| id_of(attachment) == upload.number);
        let text = |field: &str| about.and_then(|about| about[field].as_str()).map(str::to_owned);
        shown.files.push(File {
            id: String::new(),
            name: text("filename").unwrap_or(upload.name),
            description: text("description"),
            kind: upload.kind,
            bytes: upload.bytes,
        });
    }
    if shown.files.len() > FILES {
        objections.object(
            &at,
            "BASE_TYPE_MAX_LENGTH",
            format!("Must be {FILES} or fewer in length."),
        );
    }
}

/// `attachment://name` stands for a file of the same message.
fn references(objections: &mut Objections, misuse: &mut Vec<String>, shown: &Shown, path: &str) {
    let find = |values: &[Value]| {
        let mut found = BTreeSet::new();
        values.iter().for_each(|value| named_files(value, &mut found));
        found
    };
    let (in_embeds, in_components) = (find(&shown.embeds), find(&shown.components));
    let is_there = |name: &String| shown.files.iter().any(|file| &file.name == name);
    if in_components.iter().any(|name| !is_there(name)) {
        objections.object(
            &join(path, "components"),
            "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
            "The referenced attachment was not found in the list of attachments",
        );
    }
    for name in in_embeds.iter().filter(|name| !is_there(name)) {
        misuse.push(format!("an embed shows attachment://{name}, which is not there"));
    }
    let hidden = shown
        .files
        .iter()
        .filter(|file| shown.is_v2() && !in_components.contains(&file.name));
    misuse.extend(hidden.map(|file| format!("nobody sees {}: no component names it", file.name)));
}

fn named_files(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix("attachment://").map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| named_files(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| named_files(value, found)),
        _ => {}
    }
}

fn allowed_mentions(objections: &mut Objections, given: &Value, path: &str) {
    if given.is_null() {
        return;
    }
    if !given.is_object() {
        return objections.wrong_type(path, "dictionaries");
    }
    let parse = objections.list(&join(path, "parse"), &given["parse"], 0, 3);
    for (number, kind) in parse.iter().enumerate() {
        if !matches!(kind.as_str(), Some("roles" | "users" | "everyone")) {
            let message = "Value must be one of ('roles', 'users', 'everyone').";
            objections.object(&join(&join(path, "parse"), number), "BASE_TYPE_CHOICES", message);
        }
    }
    for kind in ["users", "roles"] {
        let at = join(path, kind);
        let ids = objections.list(&at, &given[kind], 0, 100);
        for (number, id) in ids.iter().enumerate() {
            if !is_id(id) {
                objections.object(
                    &join(&at, number),
                    "NUMBER_TYPE_COERCE",
                    format!("Value \"{id}\" is not snowflake."),
                );
            }
        }
        if !ids.is_empty() && parse.iter().any(|parsed| parsed == kind) {
            let message = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            objections.object(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message);
        }
    }
}

pub fn is_id(value: &Value) -> bool {
    let digits = value
        .as_str()
        .is_some_and(|id| !id.is_empty() && id.parse::<u64>().is_ok());
    digits || value.is_u64()
}

/// Whom a text names: `@101`, `@&7001`, `@everyone`, `@here`.
fn mentioned(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split('<').skip(1).filter_map(|part| part.split_once('>')) {
        let digits = part.0.trim_start_matches(['@', '&', '!']);
        if part.0.starts_with('@') && digits.parse::<u64>().is_ok() {
            found.push(part.0.replace('!', ""));
        }
    }
    for all in ["@everyone", "@here"] {
        if text.contains(all) {
            found.push(all.to_owned());
        }
    }
    found
}

/// Whom a new message notifies. Without a word about it, that is everybody whom it names.
pub fn pings(shown: &Shown, allowed: &Value) -> Vec<String> {
    let parses = |kind: &str| {
        allowed["parse"]
            .as_array()
            .is_some_and(|parse| parse.iter().any(|one| one == kind))
    };
    let lists = |kind: &str, id: &str| {
        allowed[kind].as_array().is_some_and(|ids| {
            ids.iter()
                .any(|one| one == id || one.as_u64().is_some_and(|number| id.parse() == Ok(number)))
        })
    };
    let is_allowed = |name: &String| {
        if allowed.is_null() {
            return true;
        }
        match name.trim_start_matches('@') {
            "everyone" | "here" => parses("everyone"),
            id => match id.strip_prefix('&') {
                Some(role) => parses("roles") || lists("roles", role),
                None => parses("users") || lists("users", id),
            },
        }
    };
    let named = shown.texts_that_mention().into_iter().flat_map(mentioned);
    named.filter(is_allowed).collect::<BTreeSet<_>>().into_iter().collect()
}
