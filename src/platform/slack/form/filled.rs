//! A form as it comes back.

use super::{DRY, Memory, input_of};
use crate::report::form::Flaw;
use crate::request::Delivery;
use serde_json::{Map, Value};

/// A runbook's form, filled in and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// What it asks for.
    pub delivery: Delivery,
    /// Where what was wrong can be told: the blocks of its fields, in its order.
    pub fields: Vec<String>,
    /// What the form itself remembered.
    pub memory: Memory,
}

impl Filled {
    /// What Slack shows beside the fields.
    pub fn errors(&self, flaws: &[Flaw]) -> Value {
        super::errors(flaws, &self.fields)
    }
}

/// What was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// By the inputs' names; what was left out is not there.
    pub inputs: Vec<(String, String)>,
    /// Whether a dry run is wanted.
    pub dry: bool,
    /// All blocks of inputs.
    pub fields: Vec<String>,
}

/// Reads the values of a view: by block, each with the one action that it has. What is of no known form was not given: the
/// check of the words tells whether something is missing.
pub fn given(values: &Map<String, Value>) -> Given {
    let mut given = Given::default();
    for (block, actions) in values {
        let element = actions.as_object().and_then(|actions| actions.values().next());
        let value = element.and_then(written);
        if block == DRY {
            given.dry = value.is_some_and(|value| value == "dry");
        } else if let Some(name) = input_of(block) {
            given.fields.push(block.clone());
            given.inputs.extend(value.map(|value| (name.to_owned(), value)));
        }
    }
    given
}

/// As it would be typed.
fn written(element: &Value) -> Option<String> {
    let value_of = |option: &Value| option["value"].as_str().map(str::to_owned);
    if let Some(picked) = element["selected_options"].as_array() {
        let picked: Vec<String> = picked.iter().filter_map(value_of).collect();
        return match (element["type"].as_str(), picked.is_empty()) {
            (Some("checkboxes"), true) => Some("no".to_owned()),
            (_, true) => None,
            (_, false) => Some(picked.join(",")),
        };
    }
    value_of(&element["selected_option"]).or_else(|| value_of(element))
}
