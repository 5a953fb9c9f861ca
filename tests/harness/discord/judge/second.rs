//! The judge that is not ours. What our own rules let pass and it does not is refused too, with its words.

use super::super::message::Shown;
use super::super::refusal::{Objections, Outcome};
use serde_json::{Value, json};
use twilight_model::application::command::Command;
use twilight_model::channel::message::{Component, Embed};
use twilight_validate::{command, message};

/// Under this code, which is none of Discord's.
fn refused(path: &str, words: impl std::fmt::Display) -> Outcome {
    let mut objections = Objections::default();
    objections.object(path, "REFUSED_BY_TWILIGHT", words.to_string());
    objections.done()
}

pub fn message(shown: &Shown) -> Outcome {
    if let Err(error) = message::content(&shown.content) {
        return refused("content", error);
    }
    let embeds: Result<Vec<Embed>, _> = shown
        .embeds
        .iter()
        .map(|embed| {
            let mut embed = embed.clone();
            embed["type"] = json!("rich");
            serde_json::from_value(embed)
        })
        .collect();
    match embeds.map(|embeds| message::embeds(&embeds)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return refused("embeds", error),
        Err(error) => return refused("embeds", error),
    }
    match parsed(&shown.components) {
        Ok(components) => match message::components(&components, shown.is_v2()) {
            Ok(()) => Ok(()),
            Err(error) => refused("components", error),
        },
        Err(error) => refused("components", error),
    }
}

fn parsed(components: &[Value]) -> Result<Vec<Component>, serde_json::Error> {
    components.iter().map(|one| serde_json::from_value(one.clone())).collect()
}

/// It has no rule for a form as a whole; each row is judged by itself.
pub fn modal(rows: &[Value]) -> Outcome {
    let rows = match parsed(rows) {
        Ok(rows) => rows,
        Err(error) => return refused("components", error),
    };
    for (number, row) in rows.iter().enumerate() {
        let judged = match row {
            Component::ActionRow(row) => twilight_validate::component::action_row(row, false),
            _ => continue,
        };
        if let Err(error) = judged {
            return refused(&format!("components.{number}"), error);
        }
    }
    Ok(())
}

pub fn command(given: &Value) -> Outcome {
    let mut full = given.clone();
    for (field, value) in [
        ("id", json!("1")),
        ("application_id", json!("1")),
        ("version", json!("1")),
        ("description", json!("")),
        ("type", json!(1)),
    ] {
        if full[field].is_null() {
            full[field] = value;
        }
    }
    match serde_json::from_value::<Command>(full).map(|full| command::command(&full)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => refused("", error),
        Err(error) => refused("", error),
    }
}
