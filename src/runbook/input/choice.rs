//! What a form offers for an input: the words of a choice, or the rows that a `suggest` gave.

use super::{InputKind, InputSpec, Suggest};
use crate::report::unseen::is_unseen;
use serde_json::Value;

/// More are not read by anybody.
pub const MOST: usize = 25;

/// Characters of a label.
const LABEL: usize = 100;

/// One of what can be picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The value, as it is typed.
    pub value: String,
    /// What people see.
    pub label: String,
}

impl Choice {
    /// Whether it is what somebody is typing: its value or a word of its label begins so.
    pub fn fits(&self, typed: &str) -> bool {
        let typed = typed.trim().to_lowercase();
        let label = self.label.to_lowercase();
        self.value.to_lowercase().starts_with(&typed)
            || label.starts_with(&typed)
            || label
                .match_indices(|c: char| !c.is_alphanumeric())
                .any(|(at, sign)| label[at + sign.len()..].starts_with(&typed))
    }
}

impl InputSpec {
    /// What can be picked without asking anybody; none where that takes a call, or anything can be typed.
    pub fn fixed_choices(&self) -> Option<Vec<Choice>> {
        let words: Vec<&str> = match &self.kind {
            InputKind::Choice(choices) => choices.iter().map(String::as_str).collect(),
            InputKind::Panel(known) => known.iter().flatten().map(String::as_str).collect(),
            InputKind::Boolean => vec!["yes", "no"],
            _ => return None,
        };
        Some(
            words
                .into_iter()
                .map(|word| Choice {
                    value: word.to_owned(),
                    label: word.to_owned(),
                })
                .collect(),
        )
    }

    /// The rows of an answer as choices. What this input would not take is left out.
    pub fn choices_of(&self, suggest: &Suggest, answer: &Value) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for row in answer["rows"].as_array().into_iter().flatten() {
            let Some(value) = text(&row[&suggest.value]).filter(|value| self.kind.read(value).is_ok()) else {
                continue;
            };
            if choices.iter().any(|choice| choice.value == value) {
                continue;
            }
            let label = text(&row[&suggest.label]).map_or_else(|| value.clone(), |label| shortened(&label));
            choices.push(Choice { value, label });
        }
        choices
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(it) => Some(if *it { "yes" } else { "no" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn shortened(label: &str) -> String {
    let seen = |c: char| if is_unseen(c) { ' ' } else { c };
    if label.chars().count() <= LABEL {
        return label.chars().map(seen).collect();
    }
    let mut short: String = label.chars().take(LABEL - 3).map(seen).collect();
    short.push_str("...");
    short
}
