//! What is answered to an interaction at once, as Discord takes it. Everything that people wait for comes later, by an
//! edit or by a message.

use super::press::Reasoned;
use super::render::text::{escape, fit};
use serde_json::{Value, json};

/// For the eyes of whoever asked alone.
pub const EPHEMERAL: u64 = 1 << 6;

const MESSAGE: u8 = 4;
const DEFERRED: u8 = 5;
const DEFERRED_UPDATE: u8 = 6;
const CHOICES: u8 = 8;
const MODAL: u8 = 9;

/// The field of a form that takes a reason.
pub const REASON: &str = "reason";

/// The field of a form that takes a runbook's inputs.
pub const INPUTS: &str = "inputs";

/// Choices that Discord shows, and the characters of each name and value.
const MOST: usize = 25;
const CHOICE: usize = 100;

/// To a ping.
pub fn pong() -> Value {
    json!({"type": 1})
}

/// "Thinking...", for whoever asked alone.
pub fn thinking() -> Value {
    json!({"type": DEFERRED, "data": {"flags": EPHEMERAL}})
}

/// Nothing is seen: what comes of a press is shown by the message itself.
pub fn pressed() -> Value {
    json!({"type": DEFERRED_UPDATE})
}

/// Words for whoever asked alone.
pub fn whisper(words: &str) -> Value {
    let content: String = escape(words).chars().take(2000).collect();
    json!({"type": MESSAGE, "data": {"content": content, "flags": EPHEMERAL, "allowed_mentions": {"parse": []}}})
}

/// What can be picked, as pairs of what people see and what is sent. What Discord could not carry is left out.
pub fn choices<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, whole_numbers: bool) -> Value {
    let choices = pairs.into_iter().filter_map(|(label, value)| {
        let sent = if whole_numbers {
            Value::from(value.parse::<i64>().ok().filter(|number| is_exact(*number))?)
        } else if (1..=CHOICE).contains(&value.chars().count()) {
            Value::from(value)
        } else {
            return None;
        };
        let label = if label.trim().is_empty() { value } else { label };
        Some(json!({"name": fit(label, CHOICE), "value": sent}))
    });
    json!({"type": CHOICES, "data": {"choices": choices.take(MOST).collect::<Vec<_>>()}})
}

/// Discord's whole numbers are those that a double holds exactly.
pub fn is_exact(number: i64) -> bool {
    number.unsigned_abs() <= 1 << 53
}

/// A form that asks for a reason.
pub fn reason_form(of: &Reasoned) -> Value {
    let (title, label) = of.words();
    form(
        &of.id(),
        title,
        json!({
            "type": 18, "label": label, "description": "Everybody who sees the run reads this.",
            "component": {"type": 4, "custom_id": REASON, "style": 1, "min_length": 1, "max_length": 500, "required": true},
        }),
    )
}

/// A form for a runbook with more inputs than a command has options; `written` is what stands in it to begin with.
pub fn inputs_form(id: &str, runbook: &str, written: &str) -> Value {
    let written: String = written.chars().take(4000).collect();
    form(
        id,
        &fit(&format!("/{runbook}"), 45),
        json!({
            "type": 18, "label": "Inputs, a line each", "description": "name=value; leave empty what is not wanted.",
            "component": {
                "type": 4, "custom_id": INPUTS, "style": 2, "max_length": 4000, "required": true, "value": written,
            },
        }),
    )
}

fn form(id: &str, title: &str, label: Value) -> Value {
    json!({"type": MODAL, "data": {"custom_id": id, "title": title, "components": [label]}})
}
