//! What is answered to an interaction at once, as Discord takes it. Everything that people wait for comes later, by an
//! edit or by a message.

use super::press::{Questioned, Reasoned};
use super::render::text::{escape, fit};
use serde_json::{Value, json};

/// For the eyes of whoever asked alone.
pub const EPHEMERAL: u64 = 1 << 6;

const MESSAGE: u8 = 4;
const DEFERRED: u8 = 5;
const DEFERRED_UPDATE: u8 = 6;
const UPDATE: u8 = 7;
const CHOICES: u8 = 8;
const MODAL: u8 = 9;

/// The field of a form that takes a reason.
pub const REASON: &str = "reason";

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

/// Asks whoever pressed, alone, before it takes effect: below a run's message, whose id the yes carries.
pub fn question(about: &Questioned, message: &str) -> Option<Value> {
    const BUTTON: u8 = 2;
    const DANGER: u8 = 4;
    const SECONDARY: u8 = 2;
    let asks = about.question()?;
    let button =
        |id: String, label: &str, style: u8| json!({"type": BUTTON, "custom_id": id, "label": label, "style": style});
    let buttons = [
        button(about.yes_id(message), asks.yes, DANGER),
        button(about.no_id(), asks.no, SECONDARY),
    ];
    let mut answer = whisper(&format!("{} {}", asks.title, asks.text));
    answer["data"]["components"] = json!([{"type": 1, "components": buttons}]);
    Some(answer)
}

/// Words in the place of a question that was answered.
pub fn instead(words: &str) -> Value {
    json!({"type": UPDATE, "data": {"content": escape(words), "components": [], "allowed_mentions": {"parse": []}}})
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
        &[json!({
            "type": 18, "label": label, "description": "Everybody who sees the run reads this.",
            "component": {"type": 4, "custom_id": REASON, "style": 1, "min_length": 1, "max_length": 500, "required": true},
        })],
    )
}

/// A form of these fields.
pub(super) fn form(id: &str, title: &str, fields: &[Value]) -> Value {
    json!({"type": MODAL, "data": {"custom_id": id, "title": title, "components": fields}})
}
