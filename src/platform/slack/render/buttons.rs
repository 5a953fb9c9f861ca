//! What can be pressed. A button that Slack could not carry is told in words instead.

use super::blocks::{self, plain_text};
use super::text::{cost, fit};
use crate::platform::slack::press;
use crate::platform::slack::receive::COMMAND;
use crate::report::fit::{Cut, one_line};
use crate::report::{Button, Choice, Press};
use crate::request::Resolution;
use serde_json::{Value, json};

/// The share of the message that buttons have, and what one value may take of it.
const BUTTONS: usize = 3000;
const VALUE: usize = 400;
/// The share that a list to choose from has.
const OPTIONS: usize = 9000;
/// Steps with three buttons each; a person answers them one by one, and the next ones move up.
const STEPS: usize = 2;

pub(super) fn blocks(run: Option<&str>, buttons: &[Button]) -> Vec<Value> {
    let Some(run) = run else {
        return Vec::new();
    };
    let mut row = Vec::new();
    let mut by_step: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut left_out = 0;
    let mut used = 0;
    for (index, button) in buttons.iter().enumerate() {
        let made = element(run, &button.press, &button.label, index);
        let step = match &button.press {
            Press::Resolve { step, .. } => Some(step.as_str()),
            _ => None,
        };
        let is_known = step.is_none_or(|step| by_step.iter().any(|(known, _)| *known == step));
        let Some(made) = made.filter(|_| is_known || by_step.len() < STEPS) else {
            left_out += 1;
            continue;
        };
        used += made.to_string().chars().count();
        if used > BUTTONS {
            left_out += 1;
            continue;
        }
        match step {
            None => row.push(made),
            Some(step) => match by_step.iter_mut().find(|(known, _)| *known == step) {
                Some((_, buttons)) => buttons.push(made),
                None => by_step.push((step, vec![made])),
            },
        }
    }
    let mut blocks = Vec::new();
    for (step, buttons) in by_step {
        let question = format!("What became of {}?", one_line(step));
        blocks.extend(blocks::plain(&fit(&question, 300, &mut Cut::default())));
        blocks.push(json!({"type": "actions", "elements": buttons}));
    }
    if !row.is_empty() {
        blocks.push(json!({"type": "actions", "elements": row}));
    }
    if left_out > 0 {
        blocks.push(blocks::context(&[format!(
            "{left_out} more choices have no button here; see /{COMMAND} help"
        )]));
    }
    blocks
}

/// A list to choose from. What has no room in it is counted.
pub(super) fn choice(choice: &Choice) -> Vec<Value> {
    let mut options = Vec::new();
    let mut used = 0;
    for (act, label) in &choice.ways {
        let word = act.word();
        let label = fit(&one_line(label), 75, &mut Cut::default());
        let label = if label.trim().is_empty() { "?" } else { &label };
        let option = json!({"text": plain_text(label), "value": word});
        used += option.to_string().encode_utf16().count();
        if cost(&word) <= press::MAX_OPTION && used <= OPTIONS && options.len() < press::MAX_OPTIONS {
            options.push(option);
        }
    }
    let left_out = choice.ways.len() - options.len();
    let mut blocks = Vec::new();
    // A list of nothing is none.
    if !options.is_empty() {
        blocks.push(json!({"type": "actions", "block_id": press::choice_id(&choice.alert), "elements": [{
            "type": "static_select", "action_id": press::CHOICE, "placeholder": plain_text("Choose"), "options": options,
        }]}));
    }
    if left_out > 0 {
        blocks.push(blocks::context(&[format!(
            "{left_out} more have no room here; the console has all of them"
        )]));
    }
    blocks
}

fn element(run: &str, press: &Press, label: &str, index: usize) -> Option<Value> {
    let value = press::encode(run, press).ok().filter(|value| cost(value) <= VALUE)?;
    let (own, style) = looks(press);
    let label = if label.trim().is_empty() { own } else { label };
    let mut button = json!({
        "type": "button",
        "text": plain_text(&fit(&one_line(label), 75, &mut Cut::default())),
        "action_id": press::action_id(press, index),
        "value": value,
    });
    if let Some(style) = style {
        button["style"] = style.into();
    }
    if let Some(asks) = press.question() {
        button["confirm"] = json!({
            "title": plain_text(asks.title), "text": plain_text(asks.text), "confirm": plain_text(asks.yes),
            "deny": plain_text(asks.no),
        });
    }
    Some(button)
}

/// The usual label and the style.
fn looks(press: &Press) -> (&'static str, Option<&'static str>) {
    match press {
        Press::Approve { .. } => ("Approve", Some("primary")),
        Press::Deny => ("Deny", Some("danger")),
        Press::Stop => ("Stop", Some("danger")),
        Press::Undo => ("Undo", None),
        Press::Resolve { resolution, .. } => match resolution {
            Resolution::Done => ("It happened", None),
            Resolution::NotDone => ("It did not happen", None),
            Resolution::Abandon => ("Give up", Some("danger")),
        },
        Press::Offer { .. } | Press::Alert(_) => ("Do this next", None),
    }
}
