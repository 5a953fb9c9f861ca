//! The last gate before a message, a log line or a journal entry: no secret passes it. Secrets that the config resolved
//! are known by value, in every spelling they may take on their way through URLs, headers and JSON; what merely looks
//! like a well-known token, or stands where a password stands, is taken out as well.

mod pattern;
mod spelling;
#[cfg(test)]
mod tests;

use regex::{Regex, RegexBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// What stands in a secret's place.
pub const MARK: &str = "[redacted]";

/// A shorter value is not looked for by itself: `dev` would blank out half of every sentence. (A short password inside
/// a URL is still taken out.) The config should refuse such a secret.
pub const SHORTEST: usize = 6;

/// Takes secrets out of texts.
#[derive(Clone)]
pub struct Redactor {
    planted: Option<Regex>,
    patterns: pattern::Patterns,
}

/// The secrets are too many or too long to look for, or a pattern of ours is faulty. Says nothing of the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secrets cannot be compiled into one search; shorten or split those that are very long")]
pub struct RedactorError;

impl Redactor {
    /// A redactor for these secrets, and for what looks like one.
    pub fn new(secrets: &[SecretString]) -> Result<Self, RedactorError> {
        let spellings = spelling::spellings(secrets.iter().map(ExposeSecret::expose_secret));
        let planted = match spellings.as_slice() {
            [] => None,
            spellings => {
                let search = RegexBuilder::new(&spellings.join("|")).size_limit(256 << 20).build();
                Some(search.map_err(|_| RedactorError)?)
            }
        };
        Ok(Self {
            planted,
            patterns: pattern::Patterns::new().map_err(|_| RedactorError)?,
        })
    }

    /// The text without secrets; the text itself if there are none in it.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut ranges = self.patterns.find(text);
        if let Some(planted) = &self.planted {
            let mut from = 0;
            // Searched again from the next letter and not from the match's end: two secrets may overlap.
            while let Some(found) = planted.find_at(text, from) {
                ranges.push(found.range());
                from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(replace(text, ranges))
    }

    /// The value with every text in it redacted, keys and numbers included.
    pub fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text).into_owned()),
            Value::Array(list) => list.into_iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| {
                        let value = if pattern::names_a_secret(&key) && value.is_string() {
                            Value::String(MARK.to_owned())
                        } else {
                            self.redact_value(value)
                        };
                        (self.redact(&key).into_owned(), value)
                    })
                    .collect(),
            ),
            Value::Number(number) => match self.redact(&number.to_string()) {
                Cow::Borrowed(_) => Value::Number(number),
                Cow::Owned(text) => Value::String(text),
            },
            value @ (Value::Null | Value::Bool(_)) => value,
        }
    }
}

fn replace(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        if range.end <= at {
            continue;
        }
        // One that begins inside of the last is part of the same mark.
        if range.start >= at {
            clean.push_str(&text[at..range.start]);
            clean.push_str(MARK);
        }
        at = range.end;
    }
    clean.push_str(&text[at..]);
    clean
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}
