//! One value of one kind, read and written.

use super::decimal::Decimal;
use super::words::quoted;
use crate::nearest::{nearest, way_out};
use crate::report::unseen::{is_unseen, marked};
use crate::runbook::duration;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// The least and the greatest that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds<T> {
    /// No less than this.
    pub min: Option<T>,
    /// No more than this.
    pub max: Option<T>,
}

/// What an input may hold.
#[derive(Debug, Clone)]
pub enum InputKind {
    /// Text; the bounds are its length in characters.
    Text {
        /// Of the length.
        length: Bounds<usize>,
        /// What the whole text must match.
        pattern: Option<Pattern>,
    },
    /// A whole number of 64 bits.
    Integer(Bounds<i64>),
    /// A decimal number, exact.
    Decimal(Bounds<Decimal>),
    /// Yes or no.
    Boolean,
    /// A span of time in whole seconds.
    Duration(Bounds<Duration>),
    /// One of these.
    Choice(Vec<String>),
    /// The key of a row that `suggest` offers.
    Row,
    /// A panel of `config/panels/`, by name. Where none are known any will do.
    Panel(Option<Vec<String>>),
}

/// A pattern that a whole text must match.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    whole: regex::Regex,
}

impl Pattern {
    /// Compiles a pattern; it is matched against the whole text.
    pub fn parse(text: &str) -> Result<Self, String> {
        // The last line says what is wrong; those before it draw where.
        let told = |error: regex::Error| error.to_string().lines().last().unwrap_or_default().to_owned();
        // First alone: `a)|(b` must not become a pattern by being wrapped.
        regex::Regex::new(text).map_err(told)?;
        let whole = regex::Regex::new(&format!("^(?:{text})$")).map_err(told)?;
        Ok(Self {
            text: text.to_owned(),
            whole,
        })
    }
}

impl InputKind {
    /// The word in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Integer(_) => "integer",
            Self::Decimal(_) => "decimal",
            Self::Boolean => "boolean",
            Self::Duration(_) => "duration",
            Self::Choice(_) => "choice",
            Self::Row => "row",
            Self::Panel(_) => "panel",
        }
    }

    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text { .. } => "a text".to_owned(),
            Self::Integer(_) => "a whole number".to_owned(),
            Self::Decimal(_) => "a decimal number".to_owned(),
            Self::Boolean => "yes or no".to_owned(),
            Self::Duration(_) => "a duration".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Row => "the key of a row".to_owned(),
            Self::Panel(_) => "a panel".to_owned(),
        }
    }

    pub(super) fn example(&self) -> String {
        match self {
            Self::Text { .. } => "\"some text\"".to_owned(),
            Self::Integer(bounds) => bounds
                .min
                .filter(|min| *min > 1042)
                .unwrap_or(1042)
                .min(bounds.max.unwrap_or(1042))
                .to_string(),
            Self::Decimal(_) => "84.50".to_owned(),
            Self::Boolean => "yes".to_owned(),
            Self::Duration(_) => "15m".to_owned(),
            Self::Choice(choices) => choices.first().map_or_else(String::new, |it| quoted(it)),
            Self::Row => "1042".to_owned(),
            Self::Panel(known) => known.iter().flatten().next().map_or_else(String::new, |it| quoted(it)),
        }
    }

    pub(super) fn has_no_blanks(&self) -> bool {
        matches!(
            self,
            Self::Integer(_) | Self::Decimal(_) | Self::Boolean | Self::Duration(_) | Self::Panel(_)
        )
    }

    /// Reads one value; an error is a sentence that begins with the value.
    pub(in crate::runbook) fn read(&self, text: &str) -> Result<Value, String> {
        if let Some(bad) = text.chars().find(|c| is_unseen(*c)) {
            return Err(format!(
                "it has the character U+{:04X} in it, which cannot be seen; type it anew",
                bad as u32
            ));
        }
        let shown = marked(text);
        match self {
            Self::Text { length, pattern } => {
                let count = text.chars().count();
                in_bounds(&count, length, |range| {
                    format!("{count} characters are given; it takes {range}")
                })?;
                match pattern {
                    Some(it) if !it.whole.is_match(text) => {
                        Err(format!("{shown} does not have the form `{}`", it.text))
                    }
                    _ => Ok(Value::from(text)),
                }
            }
            Self::Row => {
                let length = Bounds {
                    min: Some(1),
                    max: Some(200),
                };
                let count = text.chars().count();
                in_bounds(&count, &length, |range| {
                    format!("{count} characters are given; it takes {range}")
                })?;
                Ok(Value::from(text))
            }
            Self::Integer(bounds) => {
                let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(format!("{shown} is not a whole number"));
                }
                let number: i64 = text.parse().map_err(|_| format!("{shown} is too large a number"))?;
                in_bounds(&number, bounds, |range| {
                    format!("{shown} is out of range; it takes {range}")
                })?;
                Ok(Value::from(number))
            }
            Self::Decimal(bounds) => {
                let number = Decimal::parse(text).map_err(|problem| format!("{shown} is {problem}"))?;
                in_bounds(&number, bounds, |range| {
                    format!("{shown} is out of range; it takes {range}")
                })?;
                Ok(Value::from(number.as_str()))
            }
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" => Ok(Value::Bool(true)),
                "no" | "false" | "off" => Ok(Value::Bool(false)),
                _ => Err(format!("{shown} is neither yes nor no")),
            },
            Self::Duration(bounds) => {
                let span = duration::parse(text).map_err(|problem| format!("{shown} is {problem}"))?;
                in_bounds(&Shown(span), &bounds.shown(), |range| {
                    format!("{shown} is out of range; it takes {range}")
                })?;
                Ok(Value::from(span.as_secs()))
            }
            Self::Choice(choices) => match choices.iter().find(|it| it.as_str() == text) {
                Some(it) => Ok(Value::from(it.as_str())),
                None => Err(match nearest(text, choices.iter().map(String::as_str)) {
                    Some(near) => format!("{shown} is no choice; did you mean `{near}`?"),
                    None => format!("{shown} is no choice; it takes one of {}", choices.join(", ")),
                }),
            },
            Self::Panel(None) => Ok(Value::from(text)),
            Self::Panel(Some(known)) if known.iter().any(|it| it == text) => Ok(Value::from(text)),
            Self::Panel(Some(known)) if known.is_empty() => Err(format!(
                "{shown} is no panel: there is none; declare [panel.NAME] in a file of the panels folder"
            )),
            Self::Panel(Some(known)) => {
                let way_out = way_out(text, known.iter().map(String::as_str));
                Err(format!("{shown} is no panel; {way_out}"))
            }
        }
    }

    /// Writes a value so that it reads back; none where nothing was given.
    pub fn write(&self, value: &Value) -> Option<String> {
        match value {
            Value::Null => None,
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.write(item))
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            Value::Bool(it) => Some(if *it { "yes" } else { "no" }.to_owned()),
            Value::Number(it) => match (self, it.as_u64()) {
                (Self::Duration(_), Some(seconds)) => Some(duration::show(Duration::from_secs(seconds))),
                _ => Some(it.to_string()),
            },
            Value::String(it) => Some(quoted(it)),
            Value::Object(_) => None,
        }
    }
}

fn in_bounds<T: PartialOrd + fmt::Display>(
    value: &T,
    bounds: &Bounds<T>,
    say: impl FnOnce(String) -> String,
) -> Result<(), String> {
    let low = bounds.min.as_ref().is_some_and(|min| value < min);
    let high = bounds.max.as_ref().is_some_and(|max| value > max);
    if !low && !high {
        return Ok(());
    }
    Err(say(match (&bounds.min, &bounds.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} at the most"),
        (None, None) => "anything".to_owned(),
    }))
}

#[derive(PartialEq, PartialOrd)]
struct Shown(Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::show(self.0))
    }
}

impl Bounds<Duration> {
    fn shown(&self) -> Bounds<Shown> {
        Bounds {
            min: self.min.map(Shown),
            max: self.max.map(Shown),
        }
    }
}
