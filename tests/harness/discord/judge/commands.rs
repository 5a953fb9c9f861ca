//! The commands of an application, as it registers them all at once.

use super::super::refusal::{Objections, Outcome};
use super::{join, second};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

const OF_CHAT: usize = 100;
const OF_MENUS: usize = 15;
const CHARACTERS: usize = 8000;
const SUB_COMMAND: u64 = 1;
const SUB_COMMAND_GROUP: u64 = 2;

/// With the scripts that Discord names beside letters and digits.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[-_'\p{L}\p{N}\p{Script=Devanagari}\p{Script=Thai}]{1,32}$").unwrap());

/// Whether Discord would take these in place of all that were there.
pub fn commands(given: &Value) -> Outcome<Vec<Value>> {
    let mut objections = Objections::default();
    let Some(commands) = given.as_array() else {
        objections.object("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.");
        objections.done()?;
        return Ok(Vec::new());
    };
    let mut names = BTreeSet::new();
    for (number, command) in commands.iter().enumerate() {
        let here = number.to_string();
        let kind = command["type"].as_u64().unwrap_or(1);
        match kind {
            1 => chat_input(&mut objections, command, &here),
            2 | 3 => {
                objections.text(&join(&here, "name"), &command["name"], 1, 32);
                if command["description"].as_str().is_some_and(|text| !text.is_empty()) {
                    let message = "Context menu commands cannot have description";
                    objections.object(
                        &here,
                        "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_CANNOT_EXIST",
                        message,
                    );
                }
            }
            _ => objections.object(
                &join(&here, "type"),
                "BASE_TYPE_CHOICES",
                "Value must be one of {1, 2, 3}.",
            ),
        }
        if !names.insert((kind, command["name"].as_str().unwrap_or_default().to_owned())) {
            let message = "Application command names must be unique";
            objections.object(&here, "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
        permissions(&mut objections, command, &here);
        contexts(&mut objections, command, &here);
    }
    for (kind, most) in [(1, OF_CHAT), (2, OF_MENUS), (3, OF_MENUS)] {
        let count = names.iter().filter(|(known, _)| *known == kind).count();
        if count > most {
            let message = format!("Maximum number of application commands reached ({most}).");
            objections.object("", "APPLICATION_COMMANDS_MAX", message);
        }
    }
    objections.done()?;
    for command in commands {
        second::command(command)?;
    }
    Ok(commands.clone())
}

fn permissions(objections: &mut Objections, command: &Value, path: &str) {
    let given = &command["default_member_permissions"];
    if !given.is_null() && given.as_str().is_none_or(|bits| bits.parse::<u64>().is_err()) {
        let message = "Permissions are the digits of a number in a string.";
        objections.object(
            &join(path, "default_member_permissions"),
            "BITFIELD_TYPE_CONVERT",
            message,
        );
    }
}

fn contexts(objections: &mut Objections, command: &Value, path: &str) {
    for (field, most) in [("contexts", 2), ("integration_types", 1)] {
        let at = join(path, field);
        for (number, one) in objections.list(&at, &command[field], 0, 3).iter().enumerate() {
            if one.as_u64().is_none_or(|one| one > most) {
                let message = format!("Value must be between 0 and {most}.");
                objections.object(&join(&at, number), "BASE_TYPE_CHOICES", message);
            }
        }
    }
}

fn name(objections: &mut Objections, given: &Value, path: &str) {
    let at = join(path, "name");
    objections.text(&at, given, 1, 32);
    let Some(name) = given.as_str() else { return };
    if !NAME.is_match(name) || name.to_lowercase() != name {
        let message = "Command name is invalid";
        objections.object(&at, "APPLICATION_COMMAND_INVALID_NAME", message);
    }
}

fn chat_input(objections: &mut Objections, command: &Value, path: &str) {
    name(objections, &command["name"], path);
    objections.text(&join(path, "description"), &command["description"], 1, 100);
    let is_group = |option: &Value| matches!(option["type"].as_u64(), Some(SUB_COMMAND | SUB_COMMAND_GROUP));
    options(objections, command, path, 0);
    let given = command["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    if given.iter().any(is_group) && !given.iter().all(is_group) {
        let message = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        objections.object(
            &join(path, "options"),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            message,
        );
    }
    if characters(command) > CHARACTERS {
        let message = format!("Command exceeds maximum size ({CHARACTERS})");
        objections.object(path, "APPLICATION_COMMAND_TOO_LARGE", message);
    }
}

fn options(objections: &mut Objections, parent: &Value, path: &str, depth: usize) {
    let at = join(path, "options");
    let given = objections.list(&at, &parent["options"], 0, 25);
    let (mut names, mut optional) = (BTreeSet::new(), false);
    for (number, option) in given.iter().enumerate() {
        let here = join(&at, number);
        name(objections, &option["name"], &here);
        objections.text(&join(&here, "description"), &option["description"], 1, 100);
        if option["name"].as_str().is_some_and(|name| !names.insert(name)) {
            let message = "Option name must be unique";
            objections.object(&here, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message);
        }
        match option["type"].as_u64() {
            Some(SUB_COMMAND_GROUP) if depth == 0 => options(objections, option, &here, 1),
            Some(SUB_COMMAND) if depth < 2 => options(objections, option, &here, 2),
            Some(kind @ 3..=11) => value(objections, option, kind, &here),
            _ => objections.object(
                &join(&here, "type"),
                "BASE_TYPE_CHOICES",
                "This kind of option is not for this place.",
            ),
        }
        let is_required = option["required"] == true;
        if is_required && optional {
            let message = "Required options must be placed before non-required options";
            objections.object(&here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional |= !is_required;
    }
}

fn value(objections: &mut Objections, option: &Value, kind: u64, path: &str) {
    let completes = option["autocomplete"] == true;
    let at = join(path, "choices");
    let choices = objections.list(&at, &option["choices"], 0, 25);
    if completes && !choices.is_empty() {
        let message = "Autocomplete cannot be enabled with choices";
        objections.object(path, "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", message);
    }
    if (completes || !choices.is_empty()) && !matches!(kind, 3 | 4 | 10) {
        let message = "Only strings and numbers have choices or autocomplete.";
        objections.object(path, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", message);
    }
    let (mut names, mut values) = (BTreeSet::new(), BTreeSet::new());
    for (number, choice) in choices.iter().enumerate() {
        let here = join(&at, number);
        objections.text(&join(&here, "name"), &choice["name"], 1, 100);
        let fits = match kind {
            3 => choice["value"]
                .as_str()
                .is_some_and(|value| value.chars().count() <= 100),
            4 => choice["value"].is_i64() || choice["value"].is_u64(),
            _ => choice["value"].is_number(),
        };
        if !fits {
            let message = format!("{} is no value for this option.", choice["value"]);
            objections.object(
                &join(&here, "value"),
                "APPLICATION_COMMAND_OPTIONS_CHOICE_VALUE_INVALID",
                message,
            );
        }
        let is_new = names.insert(choice["name"].to_string()) && values.insert(choice["value"].to_string());
        if !is_new {
            let message = "The specified choice is already there";
            objections.object(&here, "APPLICATION_COMMAND_OPTIONS_CHOICE_DUPLICATED", message);
        }
    }
    objections.optional_number(&join(path, "min_length"), &option["min_length"], 0, 6000);
    objections.optional_number(&join(path, "max_length"), &option["max_length"], 1, 6000);
    for (field, is_for) in [
        ("min_length", kind == 3),
        ("max_length", kind == 3),
        ("min_value", kind != 3),
        ("max_value", kind != 3),
    ] {
        let fits = is_for && matches!(kind, 3 | 4 | 10);
        if !(fits || option[field].is_null()) {
            let message = format!("{field} is not for this kind of option.");
            objections.object(&join(path, field), "APPLICATION_COMMAND_OPTIONS_BOUND_INVALID", message);
        }
    }
}

/// Names, descriptions and values of everything in it. The localized ones count by the longest of each.
fn characters(command: &Value) -> usize {
    let text = |field: &str| {
        let plain = command[field].as_str().map_or(0, |text| text.chars().count());
        let localized = command[format!("{field}_localizations")]
            .as_object()
            .into_iter()
            .flatten();
        let localized = localized
            .filter_map(|(_, text)| text.as_str())
            .map(|text| text.chars().count());
        localized.max().unwrap_or(0).max(plain)
    };
    let inner = |field: &str| -> usize {
        let inner = command[field].as_array().into_iter().flatten();
        inner.map(characters).sum()
    };
    let own = text("name") + text("description") + text("value");
    own + inner("options") + inner("choices")
}
