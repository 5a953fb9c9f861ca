//! Where a number stands in the answer of a call: `total`, `rows.0.n`, `workers.size`.

use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A path into an answer, ending at a number or at the size of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field of the answer that the path begins with.
    first: String,
    rest: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Name(String),
    Index(usize),
    Size,
}

/// A path that cannot be followed anywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path such as `total`, `rows.0.n` or `workers.size`")]
pub struct FieldError(String);

/// An answer in which the path leads to no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path ends early.
    #[error("the answer has no `{path}`")]
    Nothing {
        /// As far as was tried.
        path: String,
    },
    /// The path ends at something else.
    #[error("`{path}` is {found} and not {wanted}")]
    Other {
        /// The whole path.
        path: String,
        /// What is there.
        found: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
}

impl Field {
    /// The field of the answer that the path begins with.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// Follows the path. Text is not taken for a number, and nothing is not taken for zero.
    pub fn read(&self, answer: &Value) -> Result<f64, ReadError> {
        let mut path = self.first.clone();
        let mut at = answer
            .get(&self.first)
            .ok_or_else(|| ReadError::Nothing { path: path.clone() })?;
        for part in &self.rest {
            if *part == Part::Size {
                return match at {
                    Value::Array(list) => Ok(list.len() as f64),
                    other => Err(ReadError::Other {
                        path,
                        found: kind(other),
                        wanted: "a list",
                    }),
                };
            }
            path = format!("{path}.{part}");
            let next = match part {
                Part::Name(name) => at.get(name),
                Part::Index(index) => at.get(index),
                Part::Size => None,
            };
            at = next.ok_or_else(|| ReadError::Nothing { path: path.clone() })?;
        }
        at.as_f64().ok_or(ReadError::Other {
            path,
            found: kind(at),
            wanted: "a number",
        })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let refuse = || FieldError(text.to_owned());
        let mut words = text.split('.');
        let first = words.next().filter(|word| is_name(word)).ok_or_else(refuse)?.to_owned();
        let mut rest = Vec::new();
        for word in words {
            if rest.last() == Some(&Part::Size) {
                return Err(refuse());
            }
            rest.push(match word {
                "size" => Part::Size,
                _ if is_name(word) => Part::Name(word.to_owned()),
                _ => Part::Index(word.parse().map_err(|_| refuse())?),
            });
        }
        Ok(Self { first, rest })
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        self.rest.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
            Self::Size => f.write_str("size"),
        }
    }
}
