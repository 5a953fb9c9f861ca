//! One file while it is read: what is looked up in it, and the problems found on the way.

use crate::problem::Problem;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// One `[signal.NAME]` or `[panel.NAME]`.
pub(super) type Section<'d> = &'d DeTable<'d>;

pub(super) struct Page<'p> {
    pub(super) path: &'p Path,
    pub(super) text: &'p str,
    pub(super) problems: &'p mut Vec<Problem>,
}

impl Page<'_> {
    pub(super) fn problem(&mut self, at: usize, message: impl Into<String>) {
        self.problems.push(Problem::at(self.path, self.text, at, message));
    }

    /// Tells every key that is not in the list; true if there is none.
    pub(super) fn only_keys(&mut self, table: &DeTable, keys: &[&str], of: &str) -> bool {
        let before = self.problems.len();
        for (key, _) in table {
            if !keys.contains(&key.get_ref().as_ref()) {
                let hint = nearest(key.get_ref(), keys.iter().copied());
                self.problem(
                    key.span().start,
                    format!("`{}` is not a key of {of}{hint}", key.get_ref()),
                );
            }
        }
        self.problems.len() == before
    }

    /// The tables `[family.NAME]`, in the order of their names.
    pub(super) fn sections<'d>(
        &mut self,
        document: &'d DeTable<'d>,
        family: &str,
    ) -> Vec<(&'d Spanned<DeString<'d>>, Section<'d>)> {
        let Some(value) = document.get(family) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.problem(
                value.span().start,
                format!("write [{family}.NAME], one table for each {family}"),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (name, value) in table {
            let at = name.span().start;
            match value.get_ref() {
                _ if !is_name(name.get_ref()) => self.problem(
                    at,
                    format!(
                        "a {family} is called by lower-case letters, digits and underscores, not `{}`",
                        name.get_ref()
                    ),
                ),
                DeValue::Table(section) => sections.push((name, section)),
                other => self.problem(
                    at,
                    format!("`{}` is {} and must be a table", name.get_ref(), kind(other)),
                ),
            }
        }
        sections
    }

    /// False, and a problem, if another file declares the same name.
    pub(super) fn first_of_its_name(
        &mut self,
        name: &Spanned<DeString>,
        family: &str,
        declared: &mut BTreeMap<String, PathBuf>,
    ) -> bool {
        if let Some(other) = declared.get(name.get_ref().as_ref()) {
            let message = format!(
                "{family} `{}` is declared in {} already",
                name.get_ref(),
                other.display()
            );
            self.problem(name.span().start, message);
            return false;
        }
        declared.insert(name.get_ref().to_string(), self.path.to_owned());
        true
    }

    /// `Some(None)` if the key is not there, `None` if it is there and not text.
    #[allow(clippy::option_option, reason = "an absent key and a mistake are two things")]
    pub(super) fn text(&mut self, table: Section, key: &str) -> Option<Option<Spanned<String>>> {
        let Some(value) = table.get(key) else { return Some(None) };
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => {
                Some(Some(Spanned::new(value.span(), text.to_string())))
            }
            DeValue::String(_) => {
                self.problem(value.span().start, format!("`{key}` is empty"));
                None
            }
            other => {
                self.problem(
                    value.span().start,
                    format!("`{key}` is {} and must be text", kind(other)),
                );
                None
            }
        }
    }

    pub(super) fn required_text(&mut self, table: Section, key: &str, at: usize) -> Option<Spanned<String>> {
        let text = self.text(table, key)?;
        if text.is_none() {
            self.problem(at, format!("`{key}` is missing"));
        }
        text
    }

    /// One of a few words. `Some(None)` if the key is not there, `None` if it says something else.
    #[allow(clippy::option_option, reason = "an absent key and a mistake are two things")]
    pub(super) fn one_of<T: Copy>(&mut self, table: Section, key: &str, words: &[(&str, T)]) -> Option<Option<T>> {
        let Some(text) = self.text(table, key)? else {
            return Some(None);
        };
        let found = words
            .iter()
            .find(|(word, _)| word == text.get_ref())
            .map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.problem(
                text.span().start,
                format!("`{key}` is {} and not `{}`", words.join(" or "), text.get_ref()),
            );
            return None;
        }
        Some(found)
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// `; did you mean ...?`, or nothing where no name is near.
pub(super) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> String {
    let near = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + word.chars().count() / 4 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

pub(super) fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn number(value: &DeValue) -> Option<f64> {
    json(value).ok()?.as_f64()
}

/// The value as JSON; dates and numbers out of range have none.
pub(super) fn json(value: &DeValue) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| format!("`{number}` is too large"))?,
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| format!("`{number}` is not a finite number"))?,
        DeValue::Array(list) => list.iter().map(|item| json(item.get_ref())).collect::<Result<_, _>>()?,
        DeValue::Table(table) => {
            let fields = table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)));
            Value::Object(fields.collect::<Result<_, String>>()?)
        }
        DeValue::Datetime(_) => return Err("write a date or time as text".to_owned()),
    })
}

/// A duration such as `90s`, `5m` or `1h30m`, in whole seconds.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let duration: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is not a duration such as 90s, 5m or 1h30m"))?;
    if duration.as_secs() < 1 || duration.subsec_nanos() != 0 {
        return Err(format!("`{text}` must be one or more whole seconds"));
    }
    Ok(duration.as_secs())
}
