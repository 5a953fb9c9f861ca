//! The judge that is not ours. What our own rules let pass and it does not is refused too, with its words.

use super::super::message::Shown;
use super::super::refusal::{Objections, Outcome};
use serde_json::{Value, json};
use twilight_model::application::command::Command;
use twilight_model::channel::message::{Component, Embed};
use twilight_validate::{command, message};

/// Under this code, which is none of Discord's.
fn refused(path: &str, why: impl std::error::Error) -> Outcome {
    let mut words = why.to_string();
    let mut cause = why.source();
    while let Some(deeper) = cause {
        words += &format!(": {deeper}");
        cause = deeper.source();
    }
    let mut objections = Objections::default();
    objections.object(path, "REFUSED_BY_TWILIGHT", words);
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
    let one = |component: &Value| {
        let mut component = component.clone();
        cut(&mut component);
        serde_json::from_value(component)
    };
    components.iter().map(one).collect()
}

/// It has half of Discord's bound for a text, which our own rules keep.
fn cut(component: &mut Value) {
    match component {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!(10))
                && let Some(Value::String(text)) = fields.get_mut("content")
            {
                *text = text.chars().take(2000).collect();
            }
            fields.values_mut().for_each(cut);
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        _ => {}
    }
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
    // Discord has allowed the apostrophe since.
    if let Some(name) = given["name"].as_str() {
        full["name"] = name.replace('\'', "-").into();
    }
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
