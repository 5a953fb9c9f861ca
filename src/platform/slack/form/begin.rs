//! What stands in the fields of a form to begin with: what was typed, as far as each kind of field can hold it. Slack
//! refuses a whole form for one value that its field does not take.

use super::{fits, option};
use crate::report::form::Pick;
use serde_json::Value;

/// Puts what was typed into a field. What it cannot hold is left out: it is told above the fields.
pub(super) fn fill(element: &mut Value, given: &[String]) {
    if given.is_empty() {
        return;
    }
    let kind = element["type"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "plain_text_input" => {
            let text = given.join(",");
            let bound = |name: &str| element[name].as_u64().map(|bound| bound as usize);
            let length = text.chars().count();
            if length >= bound("min_length").unwrap_or(1).max(1)
                && bound("max_length").is_none_or(|most| length <= most)
            {
                element["initial_value"] = text.into();
            }
        }
        "number_input" => {
            let bound = |name: &str| element[name].as_str().and_then(|bound| bound.parse::<i64>().ok());
            let number = given[0].trim().parse::<i64>().ok().filter(|number| {
                bound("min_value").is_none_or(|least| *number >= least)
                    && bound("max_value").is_none_or(|most| *number <= most)
            });
            if let Some(number) = number {
                element["initial_value"] = number.to_string().into();
            }
        }
        "external_select" | "multi_external_select" => {
            let picks = given.iter().map(|value| Pick {
                value: value.clone(),
                label: value.clone(),
            });
            let known = picks.filter(fits).map(|pick| option(&pick.value, &pick.label));
            choose(element, &kind, known.collect());
        }
        _ => {
            let options = element["options"].as_array().cloned().unwrap_or_default();
            let is_given = |known: &Value| given.iter().any(|value| known["value"] == **value);
            let known: Vec<Value> = options.into_iter().filter(is_given).collect();
            if kind == "checkboxes" && known.is_empty() {
                // Said no to what would be ticked by itself.
                element.as_object_mut().map(|fields| fields.remove("initial_options"));
            }
            choose(element, &kind, known);
        }
    }
}

fn choose(element: &mut Value, kind: &str, mut known: Vec<Value>) {
    if known.is_empty() {
        return;
    }
    if kind.starts_with("multi_") || kind == "checkboxes" {
        let most = element["max_selected_items"]
            .as_u64()
            .map_or(usize::MAX, |most| most as usize);
        known.truncate(most);
        element["initial_options"] = known.into();
    } else {
        element["initial_option"] = known.swap_remove(0);
    }
}
