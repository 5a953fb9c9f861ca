//! Forms in Slack: modal views. How a runbook's form looks there, what was filled in, and how what is wrong with it is
//! told. Pure; [`super::client`] opens them, [`super::receive`] gets them back.

mod begin;
mod filled;
#[cfg(test)]
mod tests;

pub use filled::{Filled, Given, given};

use super::render::short;
use crate::report::form::{Field, FieldKind, Flaw, Form, Pick};
use crate::request::Place;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The form of a runbook, as Slack gives it back.
pub const RUN: &str = "signalbox:run";

/// The form in which a runbook is chosen, and the shortcut that opens it.
pub const CHOOSE: &str = "signalbox:choose";

/// The one action of each input.
pub const FIELD: &str = "signalbox:field";

/// The block in which a runbook is chosen.
pub const RUNBOOK: &str = "runbook";

/// The block that asks for a dry run.
pub const DRY: &str = "dry";

/// Blocks of inputs are named like them, behind this.
const INPUT: &str = "input:";

// What Slack takes, in characters.
const TITLE: usize = 24;
const BLOCKS: usize = 100;
const SECTION: usize = 3000;
const LABEL: usize = 2000;
const HINT: usize = 2000;
const OPTION: usize = 75;
const OPTION_VALUE: usize = 150;
const OPTIONS: usize = 100;
const TYPED: usize = 3000;
const METADATA: usize = 3000;

/// What a form has to remember until it comes back: Slack keeps it, signed with the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The runbook; none while it is being chosen.
    #[serde(default)]
    pub runbook: Option<String>,
    /// Where it was asked for.
    #[serde(default)]
    pub workspace: Option<String>,
    /// And in which channel.
    #[serde(default)]
    pub channel: Option<String>,
    /// And in which thread of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The address for answers to whoever asked, sealed by us.
    #[serde(default)]
    pub reply: Option<String>,
}

impl Memory {
    /// Of a place.
    pub fn of(place: &Place, reply: Option<String>) -> Self {
        Self {
            runbook: None,
            workspace: place.workspace.clone(),
            channel: place.channel.clone(),
            thread: place.thread.clone(),
            reply,
        }
    }

    fn text(&self) -> Option<String> {
        let fits = |text: &String| text.chars().count() <= METADATA;
        let whole = serde_json::to_string(self).ok().filter(fits);
        whole.or_else(|| {
            // The answer then comes another way; where to run cannot be done without.
            let bare = Self {
                reply: None,
                ..self.clone()
            };
            serde_json::to_string(&bare).ok().filter(fits)
        })
    }

    /// As it comes back.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The form of a runbook; none if it has more inputs than a form of Slack's can hold.
pub fn run(form: &Form, memory: &Memory) -> Option<Value> {
    let memory = Memory {
        runbook: Some(form.runbook.clone()),
        ..memory.clone()
    };
    let mut blocks = vec![section(&format!("/{}: {}", form.runbook, form.summary))];
    blocks.extend(form.told.as_deref().map(section));
    blocks.extend(form.fields.iter().map(input));
    let only_show = option("dry", "Only show what would be done");
    let mut dry = json!({ "type": "checkboxes", "action_id": FIELD, "options": [only_show] });
    if form.dry {
        dry["initial_options"] = json!([only_show]);
    }
    blocks.push(json!({
        "type": "input", "block_id": DRY, "optional": true, "label": plain("Dry run", LABEL), "element": dry,
    }));
    (blocks.len() <= BLOCKS).then(|| view(RUN, &format!("/{}", form.runbook), "Run", blocks, &memory))?
}

/// The form in which one of these runbooks is chosen; none if there is none to choose.
pub fn choose(runbooks: &[Pick], memory: &Memory) -> Option<Value> {
    if runbooks.is_empty() {
        return None;
    }
    let mut block = json!({
        "type": "input",
        "block_id": RUNBOOK,
        "label": plain("Runbook", LABEL),
        "element": {
            "type": "static_select",
            "action_id": FIELD,
            "options": options(runbooks),
        },
    });
    if runbooks.len() > OPTIONS {
        let hint = format!("The first {OPTIONS}. The others are reached by their own commands.");
        block["hint"] = plain(&hint, HINT);
    }
    view(CHOOSE, "Run a runbook", "Next", vec![block], memory)
}

fn view(callback: &str, title: &str, submit: &str, blocks: Vec<Value>, memory: &Memory) -> Option<Value> {
    Some(json!({
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, TITLE),
        "submit": plain(submit, TITLE),
        "close": plain("Cancel", TITLE),
        "private_metadata": memory.text()?,
        "blocks": blocks,
    }))
}

/// What Slack shows beside the fields of a form that was sent; `fields` are the blocks that the form has. What is wrong with
/// none of the fields stands beside the last one.
pub fn errors(flaws: &[Flaw], fields: &[String]) -> Value {
    let mut errors = serde_json::Map::new();
    for flaw in flaws {
        let block = flaw.field.as_deref().map(block_id);
        let block = block.filter(|block| fields.contains(block));
        let block = block
            .or_else(|| fields.last().cloned())
            .unwrap_or_else(|| DRY.to_owned());
        let told = errors.entry(block).or_insert_with(|| "".into());
        let before = told.as_str().unwrap_or_default();
        let gap = if before.is_empty() { "" } else { " " };
        let end = if flaw.say.ends_with(['.', '!', '?', ')']) {
            ""
        } else {
            "."
        };
        *told = format!("{before}{gap}{}{end}", flaw.say).into();
    }
    json!({ "response_action": "errors", "errors": errors })
}

/// Another form in the place of the one that was sent.
pub fn instead(view: &Value) -> Value {
    json!({ "response_action": "update", "view": view })
}

/// What can be picked, as Slack takes it for a field that offers values.
pub fn suggestions(picks: &[Pick]) -> Value {
    json!({ "options": options(picks) })
}

/// A value that Slack has no room for, or that nobody could see, cannot be picked.
fn options(picks: &[Pick]) -> Vec<Value> {
    picks
        .iter()
        .filter(|pick| fits(pick))
        .take(OPTIONS)
        .map(|pick| option(&pick.value, &pick.label))
        .collect()
}

fn fits(pick: &Pick) -> bool {
    !pick.value.trim().is_empty() && pick.value.chars().count() <= OPTION_VALUE
}

fn option(value: &str, label: &str) -> Value {
    let label = if label.trim().is_empty() { value } else { label };
    json!({ "text": plain(label, OPTION), "value": value })
}

pub(super) fn block_id(input: &str) -> String {
    format!("{INPUT}{input}")
}

pub(super) fn input_of(block: &str) -> Option<&str> {
    block.strip_prefix(INPUT)
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": plain(text, SECTION) })
}

fn input(field: &Field) -> Value {
    let mut block = json!({
        "type": "input",
        "block_id": block_id(&field.name),
        "optional": !field.required,
        "label": plain(&field.name.replace('_', " "), LABEL),
        "element": element(field),
    });
    if let Some(hint) = field.hint() {
        block["hint"] = plain(&hint, HINT);
    }
    block
}

fn element(field: &Field) -> Value {
    let many = field.many.is_some();
    let mut element = match &field.kind {
        _ if field.suggests && many => json!({ "type": "multi_external_select", "min_query_length": 0 }),
        _ if field.suggests => json!({ "type": "external_select", "min_query_length": 0 }),
        FieldKind::Choice(picks) if picks.len() <= OPTIONS && picks.iter().all(fits) => {
            let kind = if many { "multi_static_select" } else { "static_select" };
            json!({ "type": kind, "options": options(picks) })
        }
        FieldKind::Boolean if !many => {
            let picks = [option("yes", "yes"), option("no", "no")];
            match field.default.as_deref() {
                // Ticked or not, it says something.
                Some(default) => {
                    let mut boxes = json!({ "type": "checkboxes", "options": [picks[0]] });
                    if default == "yes" {
                        boxes["initial_options"] = json!([picks[0]]);
                    }
                    boxes
                }
                None => json!({ "type": "radio_buttons", "options": picks }),
            }
        }
        FieldKind::Integer { min, max } if !many => {
            let mut number = json!({ "type": "number_input", "is_decimal_allowed": false });
            for (name, bound) in [("min_value", min), ("max_value", max)] {
                if let Some(bound) = bound {
                    number[name] = bound.to_string().into();
                }
            }
            number
        }
        FieldKind::Text { shortest, longest } if !many => {
            let mut text = json!({ "type": "plain_text_input" });
            // An empty field is one that is left out, so nothing is shorter than one character.
            if let Some(shortest) = shortest.filter(|shortest| (1..=TYPED).contains(shortest)) {
                text["min_length"] = shortest.into();
            }
            text["max_length"] = longest.unwrap_or(TYPED).clamp(1, TYPED).into();
            text
        }
        kind => {
            let mut text = json!({ "type": "plain_text_input", "max_length": TYPED });
            if *kind == FieldKind::Duration {
                text["placeholder"] = plain("15m", OPTION);
            }
            text
        }
    };
    element["action_id"] = FIELD.into();
    if let Some(most) = field
        .many
        .filter(|_| element["type"].as_str().is_some_and(|kind| kind.starts_with("multi_")))
    {
        element["max_selected_items"] = most.max(1).into();
    }
    begin::fill(&mut element, &field.given);
    element
}

fn plain(text: &str, most: usize) -> Value {
    json!({ "type": "plain_text", "text": short(text, most), "emoji": false })
}
