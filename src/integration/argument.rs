//! Reads the computed arguments of a call. What is absent or of another kind means that the call is not made.

use crate::call::Arguments;
use serde_json::{Map, Value};
use std::time::Duration;

/// An argument that does not fit its action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// The file does not give it.
    #[error("the argument `{0}` is missing")]
    Missing(&'static str),
    /// It is of another kind.
    #[error("the argument `{name}` must be {wanted}, and is {found}")]
    Kind {
        /// Which.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
}

/// A text that must be there.
pub(super) fn text<'a>(arguments: &'a Arguments, name: &'static str) -> Result<&'a str, ArgumentError> {
    optional_text(arguments, name)?.ok_or(ArgumentError::Missing(name))
}

/// A text that may be left out.
pub(super) fn optional_text<'a>(
    arguments: &'a Arguments,
    name: &'static str,
) -> Result<Option<&'a str>, ArgumentError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(kind(name, "text", other)),
    }
}

/// A list that may be left out.
pub(super) fn optional_list<'a>(
    arguments: &'a Arguments,
    name: &'static str,
) -> Result<Option<&'a [Value]>, ArgumentError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => Err(kind(name, "a list", other)),
    }
}

/// A table that may be left out.
pub(super) fn optional_fields<'a>(
    arguments: &'a Arguments,
    name: &'static str,
) -> Result<Option<&'a Map<String, Value>>, ArgumentError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(other) => Err(kind(name, "a table", other)),
    }
}

/// A whole number, not negative, that may be left out.
pub(super) fn optional_count(arguments: &Arguments, name: &'static str) -> Result<Option<u64>, ArgumentError> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| kind(name, "a whole number that is not negative", value)),
    }
}

/// A duration, which comes as seconds, that may be left out.
pub(super) fn optional_duration(arguments: &Arguments, name: &'static str) -> Result<Option<Duration>, ArgumentError> {
    Ok(optional_count(arguments, name)?.map(Duration::from_secs))
}

fn kind(name: &'static str, wanted: &'static str, value: &Value) -> ArgumentError {
    ArgumentError::Kind {
        name,
        wanted,
        found: kind_of(value),
    }
}

/// What a value is, for a sentence.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "a whole number",
        Value::Number(_) => "a fraction",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
