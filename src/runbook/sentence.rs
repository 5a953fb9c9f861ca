//! Sentences that people read: minijinja, and nothing of it but values, conditions and loops. What a user typed or a
//! system answered is data in it, never template.

use super::expression::{EvalError, ExpressionError, Names, shortened};
use super::money;
use super::scope::Scope;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use std::fmt;
use std::sync::Arc;

const MAX_LENGTH: usize = 4000;
const NAME: &str = "sentence";
const BLOCKS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "set"];
const FILTERS: &[&str] = &[
    "default", "first", "items", "join", "last", "length", "list", "lower", "money", "replace", "trim", "upper",
];

/// A compiled sentence.
#[derive(Clone)]
pub struct Sentence {
    text: String,
    environment: Arc<Environment<'static>>,
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sentence").field(&self.text).finish()
    }
}

impl Sentence {
    /// Compiles a text, which may be written over several lines: its line breaks become spaces.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.trim().is_empty() {
            return Err(ExpressionError {
                offset: 0,
                message: "the sentence is empty".to_owned(),
            });
        }
        if text.len() > MAX_LENGTH {
            let message = format!("the sentence has {} characters; {MAX_LENGTH} are the most", text.len());
            return Err(ExpressionError { offset: 0, message });
        }
        only_known_words(text)?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_filter("money", money_filter);
        environment.add_filter("list", list_filter);
        environment
            .add_template_owned(NAME, text.to_owned())
            .map_err(|error| ExpressionError {
                offset: 0,
                message: format!("not a sentence: {}", error.detail().unwrap_or("it cannot be read")),
            })?;
        Ok(Self {
            text: text.to_owned(),
            environment: Arc::new(environment),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All names that are not known, each with its place.
    pub fn check(&self, names: &Names) -> Vec<ExpressionError> {
        let Ok(template) = self.environment.get_template(NAME) else {
            return Vec::new();
        };
        let mut unknown: Vec<_> = template
            .undeclared_variables(true)
            .into_iter()
            .filter_map(|path| {
                let message = names.follow(&path.split('.').collect::<Vec<_>>()).err()?;
                Some(ExpressionError {
                    offset: self.text.find(&path).unwrap_or(0),
                    message,
                })
            })
            .collect();
        unknown.sort_by(|a, b| (a.offset, &a.message).cmp(&(b.offset, &b.message)));
        unknown
    }

    /// Fills in the values.
    pub fn render(&self, scope: &Scope) -> Result<String, EvalError> {
        let failed = |error: minijinja::Error| {
            let message = match (error.kind(), error.detail()) {
                (ErrorKind::UndefinedError, _) => "it uses a value that is not there".to_owned(),
                (kind, None) => kind.to_string(),
                (_, Some(detail)) => detail.to_owned(),
            };
            EvalError {
                text: shortened(&self.text),
                message,
            }
        };
        let template = self.environment.get_template(NAME).map_err(failed)?;
        let rendered = template.render(scope.for_sentence()).map_err(failed)?;
        Ok(one_line(&rendered))
    }
}

/// A line break and the blanks around it count as one blank, and as none before a mark that closes.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty()) {
        if !line.is_empty() && !part.starts_with([')', ',', '.', ';', ':']) {
            line.push(' ');
        }
        line.push_str(part);
    }
    line
}

/// Templates can include, import and define, and find out that a filter is not there when somebody needs the sentence.
/// Its writer should hear so at once.
fn only_known_words(text: &str) -> Result<(), ExpressionError> {
    let known = |at: usize, kind: &str, list: &[&str]| {
        let inside = text[at..].trim_start_matches(['-', '+']).trim_start();
        let word: String = inside
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        if list.contains(&word.as_str()) {
            return Ok(());
        }
        Err(ExpressionError {
            offset: at,
            message: format!("a sentence has no {kind} `{word}`; it knows {}", list.join(", ")),
        })
    };
    let mut inside = false;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        match (inside, quote) {
            (false, _) if rest.starts_with("{%") => {
                inside = true;
                known(at + 2, "block", BLOCKS)?;
            }
            (false, _) => inside = rest.starts_with("{{"),
            (true, Some(open)) => quote = (c != open).then_some(open),
            (true, None) => match c {
                '"' | '\'' => quote = Some(c),
                '|' => known(at + 1, "filter", FILTERS)?,
                _ if rest.starts_with("}}") || rest.starts_with("%}") => inside = false,
                _ => {}
            },
        }
    }
    Ok(())
}

fn money_filter(minor: minijinja::Value, currency: &str) -> Result<String, minijinja::Error> {
    let invalid = |detail: &'static str| minijinja::Error::new(ErrorKind::InvalidOperation, detail);
    if !minor.is_integer() {
        return Err(invalid("`money` takes a whole number of minor units"));
    }
    let minor = minor.as_i64().ok_or_else(|| invalid("the amount is too large"))?;
    if !money::is_currency(currency) {
        return Err(invalid("a currency is three capital letters, such as USD"));
    }
    Ok(money::money(minor, currency))
}

/// `a`, `a and b`, `a, b and c`.
fn list_filter(items: &minijinja::Value) -> Result<String, minijinja::Error> {
    if items.kind() != minijinja::value::ValueKind::Seq {
        return Err(minijinja::Error::new(
            ErrorKind::InvalidOperation,
            "`list` takes a list",
        ));
    }
    let words: Vec<String> = items.try_iter()?.map(|item| item.to_string()).collect();
    Ok(match words.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    })
}

#[cfg(test)]
mod tests;
