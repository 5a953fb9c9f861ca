//! What can be pressed. A choice that has no room for a button is told in words instead.

use super::text::fit;
use crate::platform::discord::press;
use crate::report::fit::one_line;
use crate::report::{Button, Choice, Press};
use crate::request::{AlertAct, Resolution};
use serde_json::{Value, json};
use serenity::builder::{
    CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
};
use serenity::model::application::ButtonStyle;

/// Rows of a message, and buttons of a row.
const ROWS: usize = 5;
const IN_ROW: usize = 5;

/// Characters of a label.
const LABEL: usize = 80;

/// Choices of a list, and characters of each.
const OPTIONS: usize = 25;
const OPTION: usize = 100;

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

/// Lists to choose from, as many as it takes.
pub(super) fn choice(choice: &Choice) -> Vec<Value> {
    let ways = choice.ways.iter().map(|(act, label)| (act.word(), label));
    let options = ways
        .filter(|(word, _)| word.chars().count() <= press::MAX_ID)
        .map(|(word, label)| {
            let label = fit(&one_line(label), OPTION);
            CreateSelectMenuOption::new(if label.trim().is_empty() { "?".to_owned() } else { label }, word)
        });
    let options: Vec<CreateSelectMenuOption> = options.collect();
    let lists = options.chunks(OPTIONS).take(ROWS).enumerate();
    let lists = lists.map(|(index, some)| {
        let id = press::choice_id(&choice.alert, index);
        let list = CreateSelectMenu::new(id, CreateSelectMenuKind::String { options: some.to_vec() });
        json!(CreateActionRow::SelectMenu(list.placeholder("Choose")))
    });
    lists.collect()
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
