//! Forms.

use super::super::refusal::{Objections, Outcome};
use super::components::select_itself;
use super::{join, second};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whether Discord would show this form.
pub fn modal(data: &Value, path: &str) -> Outcome {
    let mut objections = Objections::default();
    objections.text(&join(path, "custom_id"), &data["custom_id"], 1, 100);
    objections.text(&join(path, "title"), &data["title"], 1, 45);
    let at = join(path, "components");
    let mut custom_ids = BTreeSet::new();
    let rows = objections.list(&at, &data["components"], 1, 5);
    for (number, row) in rows.iter().enumerate() {
        let here = join(&at, number);
        match row["type"].as_u64() {
            Some(1) => {
                let inner = objections.list(&join(&here, "components"), &row["components"], 1, 1);
                for input in inner {
                    let here = join(&here, "components.0");
                    if input["type"] != 4 {
                        let message = "Value of field \"type\" must be one of (4,).";
                        objections.object(&join(&here, "type"), "UNION_TYPE_CHOICES", message);
                        continue;
                    }
                    objections.text(&join(&here, "label"), &input["label"], 1, 45);
                    field(&mut objections, input, &here, &mut custom_ids);
                }
            }
            Some(10) => objections.text(&join(&here, "content"), &row["content"], 1, 4000),
            Some(18) => {
                objections.text(&join(&here, "label"), &row["label"], 1, 45);
                objections.optional_text(&join(&here, "description"), &row["description"], 0, 100);
                field(
                    &mut objections,
                    &row["component"],
                    &join(&here, "component"),
                    &mut custom_ids,
                );
            }
            _ => {
                let message = "Value of field \"type\" must be one of (1, 10, 18).";
                objections.object(&join(&here, "type"), "UNION_TYPE_CHOICES", message);
            }
        }
    }
    objections.done()?;
    second::modal(rows)
}

/// What a person fills in.
fn field(objections: &mut Objections, input: &Value, path: &str, custom_ids: &mut BTreeSet<String>) {
    let at = join(path, "custom_id");
    objections.text(&at, &input["custom_id"], 1, 100);
    if input["custom_id"]
        .as_str()
        .is_some_and(|id| !custom_ids.insert(id.to_owned()))
    {
        let message = "Component custom id cannot be duplicated";
        objections.object(&at, "COMPONENT_CUSTOM_ID_DUPLICATED", message);
    }
    match input["type"].as_u64() {
        Some(4) => text_input(objections, input, path),
        Some(kind @ (3 | 5..=8)) => select_itself(objections, input, kind, path),
        Some(19) => {
            objections.optional_number(&join(path, "min_values"), &input["min_values"], 0, 10);
            objections.optional_number(&join(path, "max_values"), &input["max_values"], 1, 10);
        }
        Some(21 | 22) => {
            objections.list(&join(path, "options"), &input["options"], 1, 10);
        }
        Some(23) => {}
        _ => {
            let message = "Value of field \"type\" must be one of (3, 4, 5, 6, 7, 8, 19, 21, 22, 23).";
            objections.object(&join(path, "type"), "UNION_TYPE_CHOICES", message);
        }
    }
}

fn text_input(objections: &mut Objections, input: &Value, path: &str) {
    if !matches!(input["style"].as_u64(), Some(1 | 2)) {
        objections.object(
            &join(path, "style"),
            "BASE_TYPE_CHOICES",
            "Value must be one of {1, 2}.",
        );
    }
    objections.optional_text(&join(path, "placeholder"), &input["placeholder"], 0, 100);
    objections.optional_number(&join(path, "min_length"), &input["min_length"], 0, 4000);
    objections.optional_number(&join(path, "max_length"), &input["max_length"], 1, 4000);
    let least = input["min_length"].as_u64().unwrap_or(0) as usize;
    let most = input["max_length"].as_u64().unwrap_or(4000) as usize;
    if least > most {
        let message = "The least length is greater than the greatest.";
        objections.object(
            &join(path, "min_length"),
            "TEXT_INPUT_COMPONENT_MIN_MAX_LENGTH",
            message,
        );
    }
    objections.optional_text(&join(path, "value"), &input["value"], 0, most);
}
