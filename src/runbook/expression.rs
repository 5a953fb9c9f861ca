//! Conditions and values: CEL. Typed, without silent conversion; a name that is not known is an error, in the check and
//! again when it is evaluated.

mod functions;
mod names;

pub use names::{Names, Shape};

use super::scope::Scope;
use cel::common::ast::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::{Context, ExecutionError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Longer expressions belong into the query that feeds them.
const MAX_LENGTH: usize = 4000;
/// Of the tree; what is deeper is not readable either, and evaluation must fit on the stack of any thread.
const MAX_DEPTH: usize = 40;
/// The grammar's own parser needs some 100 kB for each bracket.
const PARSER_STACK: usize = 64 * 1024 * 1024;
const PARSER_DEPTH: u16 = 96;

/// A compiled condition or value.
#[derive(Clone)]
pub struct Expression {
    text: String,
    program: Arc<(IdedExpr, SourceInfo)>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// Why a text is no expression or no sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// In bytes, into the text.
    pub offset: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Why an expression or a sentence has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}`: {message}")]
pub struct EvalError {
    /// The expression or sentence.
    pub text: String,
    /// What went wrong. Names the types of values, not the values.
    pub message: String,
}

impl Expression {
    /// Compiles a text. Whether its names are known is asked with [`Expression::check`].
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.trim().is_empty() {
            return Err(ExpressionError {
                offset: 0,
                message: "the expression is empty".to_owned(),
            });
        }
        if text.len() > MAX_LENGTH {
            let message = format!(
                "the expression has {} characters; {MAX_LENGTH} are the most",
                text.len()
            );
            return Err(ExpressionError { offset: 0, message });
        }
        let program = parse_on_large_stack(text)?;
        if names::is_deeper(&program.0, MAX_DEPTH) {
            let message =
                format!("the expression is nested more than {MAX_DEPTH} deep; let the query do it, or use a list");
            return Err(ExpressionError { offset: 0, message });
        }
        Ok(Self {
            text: text.to_owned(),
            program: Arc::new(program),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All names and functions that are not known, each with its place.
    pub fn check(&self, names: &Names) -> Vec<ExpressionError> {
        names::check(&self.program.0, &self.program.1, names)
    }

    /// Computes the value.
    pub fn eval(&self, scope: &Scope) -> Result<Value, EvalError> {
        let mut context = Context::with_env(functions::environment());
        context.set_variable_resolver(scope);
        let value = cel::Value::resolve(&self.program.0, &context).map_err(|error| self.failed(explain(&error)))?;
        json(&value).map_err(|message| self.failed(message))
    }

    /// Computes a condition. Anything but true and false is an error.
    pub fn test(&self, scope: &Scope) -> Result<bool, EvalError> {
        match self.eval(scope)? {
            Value::Bool(it) => Ok(it),
            other => Err(self.failed(format!(
                "a condition gives true or false; this gives {}",
                kind_of(&other)
            ))),
        }
    }

    pub(super) fn failed(&self, message: String) -> EvalError {
        EvalError {
            text: shortened(&self.text),
            message,
        }
    }
}

fn parse_on_large_stack(text: &str) -> Result<(IdedExpr, SourceInfo), ExpressionError> {
    let parse = || {
        let parser = functions::environment().parser().max_recursion_depth(PARSER_DEPTH);
        parser
            .parse_with_source_info(text)
            .map_err(|errors| syntax_error(text, &errors))
    };
    let broken = |what: &str| ExpressionError {
        offset: 0,
        message: format!("the expression could not be read: {what}"),
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(PARSER_STACK)
            .spawn_scoped(scope, parse);
        let thread = thread.map_err(|error| broken(&error.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(broken("the parser gave up")))
    })
}

/// Names the kind of a value for a message.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(it) if it.is_f64() => "a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// One line, not too long.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 80 {
        return line;
    }
    let start: String = line.chars().take(77).collect();
    format!("{start}...")
}

fn syntax_error(text: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError {
            offset: 0,
            message: "not an expression".to_owned(),
        };
    };
    if first.msg.contains("Recursion limit") {
        return ExpressionError {
            offset: 0,
            message: "the expression is nested too deeply".to_owned(),
        };
    }
    let (line, column) = (first.pos.0.max(1) as usize, first.pos.1.max(1) as usize);
    let line_start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
    let offset = text[line_start..]
        .char_indices()
        .nth(column - 1)
        .map_or(text.len(), |(at, _)| line_start + at);
    // The parser lists every token that it could have gone on with; nobody reads that.
    let told = first.msg.trim_start_matches("Syntax error: ");
    let told = told.split_once(" expecting ").map_or(told, |(told, _)| told);
    let told = if told.contains("<EOF>") {
        "it ends too early"
    } else {
        told
    };
    ExpressionError {
        offset,
        message: format!("not an expression: {told}"),
    }
}

/// The errors of the interpreter, without the values that are in them: those may be customers' data.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no field `{key}`"),
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not known"),
        ExecutionError::NoSuchOverload(it) => {
            format!(
                "`{}` does not take {}",
                it.function(),
                it.argument_types().join(" and ")
            )
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("{} and {} cannot be compared", left.type_of(), right.type_of())
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            format!("`{operator}` does not take {} and {}", left.type_of(), right.type_of())
        }
        ExecutionError::UnsupportedIndex(index, list) => {
            format!("{} cannot be looked up in {}", index.type_of(), list.type_of())
        }
        ExecutionError::UnexpectedType { want, .. } => format!("a value is not of the type {want}"),
        ExecutionError::UnsupportedTargetType { target } => format!("it does not work on {}", target.type_of()),
        ExecutionError::NotSupportedAsMethod { method, target } => {
            format!("`{method}` does not work on {}", target.type_of())
        }
        ExecutionError::UnsupportedKeyType(key) => format!("{} cannot be a key", key.type_of()),
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
        ExecutionError::Overflow(..) => "the number is too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "the list has no such item".to_owned(),
        ExecutionError::DuplicateKey(_) => "a key occurs twice".to_owned(),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("{actual} arguments are given where {expected} are taken")
        }
        _ => "it cannot be computed".to_owned(),
    }
}

fn json(value: &cel::Value) -> Result<Value, String> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(it) => Value::Bool(*it),
        cel::Value::Int(it) => Value::from(*it),
        cel::Value::UInt(it) => Value::from(*it),
        cel::Value::Float(it) => Value::Number(
            serde_json::Number::from_f64(*it).ok_or_else(|| "the number is infinite or undefined".to_owned())?,
        ),
        cel::Value::String(it) => Value::String(it.as_ref().clone()),
        cel::Value::List(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        cel::Value::Map(map) => {
            // CEL keeps no order; a plan must come out the same each time.
            let mut fields = BTreeMap::new();
            for (key, value) in map.map.iter() {
                let cel::objects::Key::String(name) = key else {
                    return Err("the keys of a table are text".to_owned());
                };
                fields.insert(name.as_ref().clone(), json(value)?);
            }
            Value::Object(fields.into_iter().collect())
        }
        other => return Err(format!("a value of type {} cannot be kept", other.type_of())),
    })
}

#[cfg(test)]
mod tests;
