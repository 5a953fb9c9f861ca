//! What can be pressed. A choice that has no room for a button is told in words instead.

use super::text::fit;
use crate::platform::discord::press;
use crate::report::fit::one_line;
use crate::report::{Button, Press};
use crate::request::{AlertAct, Resolution};
use serde_json::{Value, json};
use serenity::builder::{CreateActionRow, CreateButton};
use serenity::model::application::ButtonStyle;

/// Rows of a message, and buttons of a row.
const ROWS: usize = 5;
const IN_ROW: usize = 5;

/// Characters of a label.
const LABEL: usize = 80;

/// The rows, and how many choices have no button.
pub(super) fn rows(run: Option<&str>, choices: &[Button]) -> (Vec<Value>, usize) {
    let Some(run) = run else {
        return (Vec::new(), 0);
    };
    let mut ids: Vec<String> = Vec::new();
    let mut buttons: Vec<CreateButton> = Vec::new();
    for button in choices {
        let id = press::id(run, &button.press);
        // Discord refuses a message in which one is too long, or there twice.
        if buttons.len() == ROWS * IN_ROW || id.chars().count() > press::MAX_ID || ids.contains(&id) {
            continue;
        }
        let (usual, style) = looks(&button.press);
        let label = fit(&one_line(&button.label), LABEL);
        let label = if label.trim().is_empty() {
            usual.to_owned()
        } else {
            label
        };
        buttons.push(CreateButton::new(&id).label(label).style(style));
        ids.push(id);
    }
    let rows = buttons
        .chunks(IN_ROW)
        .map(|row| json!(CreateActionRow::Buttons(row.to_vec())));
    (rows.collect(), choices.len() - buttons.len())
}

/// The usual label, and the style.
fn looks(press: &Press) -> (&'static str, ButtonStyle) {
    match press {
        Press::Approve { .. } => ("Approve", ButtonStyle::Success),
        Press::Deny => ("Deny", ButtonStyle::Danger),
        Press::Stop => ("Stop", ButtonStyle::Danger),
        Press::Undo => ("Undo", ButtonStyle::Secondary),
        Press::Resolve { resolution, .. } => match resolution {
            Resolution::Done => ("It happened", ButtonStyle::Secondary),
            Resolution::NotDone => ("It did not happen", ButtonStyle::Secondary),
            Resolution::Abandon => ("Give up", ButtonStyle::Danger),
        },
        Press::Offer { .. } | Press::Alert(AlertAct::Suggested { .. }) => ("Do this next", ButtonStyle::Primary),
        Press::Alert(_) => ("Do this", ButtonStyle::Secondary),
    }
}
