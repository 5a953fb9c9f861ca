//! Rules on labels, written as a route of Alertmanager has them: `severity="critical"`, `team=~"shop|payments"`.

use super::notification::Words;
use crate::toml_file::{Section, Text};
use regex::Regex;

/// What one label must be, or must not be.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    label: String,
    pattern: Regex,
    negated: bool,
}

impl Matcher {
    /// Reads one as Alertmanager writes it. What is wrong is told.
    pub(super) fn read(section: &Section<'_>, text: &Text<'_>) -> Option<Self> {
        let wrong = |why: &str| {
            section.file().problem(
                &text.span,
                format!("{why}; a matcher is written as 'severity=~\"critical|warning\"'"),
            );
            None
        };
        let found = ["!=", "=~", "!~", "="]
            .into_iter()
            .filter_map(|operator| Some((text.value.find(operator)?, operator)))
            .min_by_key(|(at, operator)| (*at, usize::MAX - operator.len()));
        let Some((at, operator)) = found else {
            return wrong("there is no =, !=, =~ or !~");
        };
        let label = text.value[..at].trim();
        if !is_label(label) {
            return wrong("before the operator stands the name of a label");
        }
        let value = text.value[at + operator.len()..].trim();
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        let pattern = if operator.ends_with('~') {
            value.to_owned()
        } else {
            regex::escape(value)
        };
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(pattern) => Some(Self {
                label: label.to_owned(),
                pattern,
                negated: operator.starts_with('!'),
            }),
            Err(_) => wrong("this is no regular expression"),
        }
    }

    /// Whether it is about this label.
    pub(super) fn is_of(&self, label: &str) -> bool {
        self.label == label
    }

    /// A label that is not there is empty, as for Alertmanager.
    pub(super) fn matches(&self, labels: &Words) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        self.pattern.is_match(value) != self.negated
    }
}

/// Whether this can be a label's name.
pub(super) fn is_label(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
