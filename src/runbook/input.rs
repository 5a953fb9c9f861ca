//! Typed arguments of a runbook: from the words that a person typed to values that a plan can use. Static: nothing is
//! looked up. All problems are told at once, each with the way out.

pub mod choice;
pub mod cursor;
pub mod decimal;
mod value;
mod words;

pub use value::{Bounds, InputKind, Pattern};
pub use words::quoted;

use super::{Call, Runbook};
use crate::nearest::nearest;
use crate::report::unseen::marked;
use crate::request::Words;
use serde_json::{Map, Value};
use words::Word;

/// Longer lines and values are not inputs.
const MAX_BYTES: usize = 8192;
/// Whoever makes more mistakes than this reads none of them.
const MAX_PROBLEMS: usize = 10;

/// One input, as the file declares it.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// As `inputs.<name>` in expressions and `name=` in chat.
    pub name: String,
    /// What it may hold.
    pub kind: InputKind,
    /// Whether it must be given.
    pub required: bool,
    /// Taken where it is not given; null (or an empty list) where the file has none either.
    pub default: Option<Value>,
    /// A list of values.
    pub many: bool,
    /// Items at the most, of a list.
    pub max_items: usize,
    /// One sentence for forms and help.
    pub help: Option<String>,
    /// What a form may offer to pick from.
    pub suggest: Option<Suggest>,
}

/// A read-only call whose rows a form offers.
#[derive(Debug, Clone)]
pub struct Suggest {
    /// The call; `typed` is what has been typed so far.
    pub call: Call,
    /// The column that becomes the value.
    pub value: String,
    /// The column that people see.
    pub label: String,
}

/// Inputs that fit their types.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// A value for each declared input. A decimal is text, exact as written; a duration is whole seconds.
    pub values: Map<String, Value>,
    /// The line ended in `dry`.
    pub dry: bool,
}

/// Reads words as a runbook's inputs.
pub fn interpret(runbook: &Runbook, words: &Words) -> Result<Inputs, Vec<String>> {
    interpret_specs(&runbook.name, &runbook.inputs, words)
}

/// Writes inputs as one line that [`interpret`] reads back, for headings and follow-ups.
pub fn line(specs: &[InputSpec], values: &Map<String, Value>) -> String {
    let given = specs.iter().filter_map(|spec| {
        let value = values.get(&spec.name)?;
        let text = spec.kind.write(value)?;
        Some(format!("{}={text}", spec.name))
    });
    given.collect::<Vec<_>>().join(" ")
}

fn interpret_specs(runbook: &str, specs: &[InputSpec], words: &Words) -> Result<Inputs, Vec<String>> {
    let mut problems = Vec::new();
    let (given, dry) = sort(runbook, specs, words, &mut problems);
    let unreadable = matches!(words, Words::Line(_)) && !problems.is_empty();
    let mut values = Map::new();
    for (spec, word) in specs.iter().zip(given) {
        match word {
            Some(word) => match read(spec, &word) {
                Ok(value) => drop(values.insert(spec.name.clone(), value)),
                Err(found) => problems.extend(found),
            },
            None if spec.required && spec.default.is_none() => {
                // After a line that could not be split nobody knows what was given.
                if !unreadable {
                    problems.push(missing(runbook, spec));
                }
            }
            None => drop(values.insert(spec.name.clone(), spec.absent())),
        }
    }
    if problems.is_empty() {
        return Ok(Inputs { values, dry });
    }
    if problems.len() > MAX_PROBLEMS {
        let more = problems.len() - MAX_PROBLEMS;
        problems.truncate(MAX_PROBLEMS);
        problems.push(format!("and {more} more like these"));
    }
    Err(problems)
}

/// Gives each input its word, as far as that can be told, and whether a dry run is wanted.
fn sort(runbook: &str, specs: &[InputSpec], words: &Words, problems: &mut Vec<String>) -> (Vec<Option<Word>>, bool) {
    let line = match words {
        Words::Named(pairs) => return (assign_named(runbook, specs, pairs, problems), false),
        Words::Line(line) => line,
    };
    match words::split(line, MAX_BYTES) {
        Err(problem) => {
            problems.push(problem);
            (vec![None; specs.len()], false)
        }
        Ok(mut words) => {
            let dry = words.last().is_some_and(Word::is_dry);
            if dry {
                words.pop();
            }
            (assign(runbook, specs, words, problems), dry)
        }
    }
}

/// What was typed for each input, right or wrong: a text, or the items of a list; and whether a dry run is wanted.
pub fn typed(runbook: &Runbook, words: &Words) -> (Vec<Vec<String>>, bool) {
    // What is wrong is told by who interprets the words.
    let (given, dry) = sort(&runbook.name, &runbook.inputs, words, &mut Vec::new());
    let items = |(spec, word): (&InputSpec, Option<Word>)| match word {
        None => Vec::new(),
        Some(word) if spec.many => word.items(),
        Some(word) => vec![word.text()],
    };
    (runbook.inputs.iter().zip(given).map(items).collect(), dry)
}

impl InputSpec {
    fn absent(&self) -> Value {
        match &self.default {
            Some(default) => default.clone(),
            None if self.many => Value::Array(Vec::new()),
            None => Value::Null,
        }
    }

    /// Whether this is a value, or one of several.
    pub fn takes(&self, item: &str) -> bool {
        self.kind.read(item).is_ok()
    }

    /// Reads one or, for `many`, several values out of text that is not quoted.
    pub(super) fn read_text(&self, text: &str) -> Result<Value, Vec<String>> {
        let word = if self.many {
            Word::list(text)
        } else {
            Ok(Word::whole(text))
        };
        word.map_err(|problem| vec![format!("`{}`: {problem}", self.name)])
            .and_then(|word| read(self, &word))
    }
}

/// Whether a problem that `interpret` has found is an input that was not given at all.
pub fn is_missing(problem: &str) -> bool {
    let name = problem.strip_prefix('`').and_then(|rest| rest.split_once('`'));
    name.is_some_and(|(_, rest)| rest.starts_with(MISSING))
}

const MISSING: &str = " is missing";

fn missing(runbook: &str, spec: &InputSpec) -> String {
    let help = spec.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
    format!(
        "`{name}`{MISSING}{help}: give {what}, such as `/{runbook} {name}={example}`",
        name = spec.name,
        what = spec.kind.expected(),
        example = spec.kind.example(),
    )
}

fn read(spec: &InputSpec, word: &Word) -> Result<Value, Vec<String>> {
    let named = |problem: String| format!("`{}`: {problem}", spec.name);
    if !spec.many {
        return spec.kind.read(&word.text()).map_err(|problem| vec![named(problem)]);
    }
    let items = word.items();
    if items.len() > spec.max_items {
        return Err(vec![named(format!(
            "{} items are given; {} are the most at once",
            items.len(),
            spec.max_items
        ))]);
    }
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for item in items {
        match spec.kind.read(&item) {
            // Asked twice is asked once.
            Ok(value) if values.contains(&value) => {}
            Ok(value) => values.push(value),
            Err(_) if item.is_empty() => {
                let problem = named(
                    "there is nothing between two commas, or after the last one; leave that comma out".to_owned(),
                );
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            Err(problem) => problems.push(named(problem)),
        }
    }
    if problems.is_empty() {
        Ok(Value::Array(values))
    } else {
        Err(problems)
    }
}

fn assign(runbook: &str, specs: &[InputSpec], words: Vec<Word>, problems: &mut Vec<String>) -> Vec<Option<Word>> {
    let mut given: Vec<Option<Word>> = vec![None; specs.len()];
    let mut unnamed = Vec::new();
    for word in words {
        match word.named() {
            Some((name, rest)) => match specs.iter().position(|spec| spec.name == name) {
                Some(at) if given[at].is_some() => problems.push(twice(&name)),
                Some(at) => given[at] = Some(rest),
                None => problems.push(format!(
                    "{} (A value with `=` in it goes in quotes.)",
                    unknown(runbook, specs, &name)
                )),
            },
            None => unnamed.push(word),
        }
    }
    let mut open: Vec<usize> = (0..specs.len()).filter(|at| given[*at].is_none()).rev().collect();
    let mut last = None;
    for word in unnamed {
        if let Some(at) = open.pop() {
            last = Some(at);
            given[at] = Some(word);
            continue;
        }
        // Numbers may follow each other with blanks between; text may not, for it may itself have blanks.
        match last
            .filter(|at| specs[*at].many && specs[*at].kind.has_no_blanks())
            .and_then(|at| given[at].as_mut())
        {
            Some(list) => list.append(word),
            None => problems.push(too_many(runbook, specs, &word)),
        }
    }
    given
}

fn assign_named(
    runbook: &str,
    specs: &[InputSpec],
    pairs: &[(String, String)],
    problems: &mut Vec<String>,
) -> Vec<Option<Word>> {
    let mut given: Vec<Option<Word>> = vec![None; specs.len()];
    for (name, text) in pairs {
        let Some(at) = specs.iter().position(|spec| spec.name == *name) else {
            problems.push(unknown(runbook, specs, name));
            continue;
        };
        if text.len() > MAX_BYTES {
            problems.push(format!(
                "`{name}`: {} bytes are given; {MAX_BYTES} are the most",
                text.len()
            ));
            // Not absent: it would be told twice otherwise.
            given[at] = None;
            continue;
        }
        // Forms send their empty fields too.
        if text.trim().is_empty() {
            continue;
        }
        let word = if specs[at].many {
            Word::list(text)
        } else {
            Ok(Word::whole(text))
        };
        match word {
            _ if given[at].is_some() => problems.push(twice(name)),
            Ok(word) => given[at] = Some(word),
            Err(problem) => problems.push(format!("`{name}`: {problem}")),
        }
    }
    given
}

fn twice(name: &str) -> String {
    format!("`{name}` is given twice; give it once, several values separated by commas")
}

fn unknown(runbook: &str, specs: &[InputSpec], name: &str) -> String {
    let shown = marked(name);
    let names = || specs.iter().map(|spec| spec.name.as_str());
    match nearest(name, names()) {
        Some(near) => format!("there is no input {shown}; did you mean `{near}`?"),
        None if specs.is_empty() => format!("there is no input {shown}; /{runbook} takes none"),
        None => format!("there is no input {shown}; /{runbook} takes {}", backticked(names())),
    }
}

fn too_many(runbook: &str, specs: &[InputSpec], word: &Word) -> String {
    let shown = marked(&word.text());
    match specs {
        [] => format!("{shown} is too much: /{runbook} takes no inputs"),
        _ => format!(
            "{shown} is one word too many: /{runbook} takes {}; put a value with blanks in quotes, and commas between several",
            backticked(specs.iter().map(|spec| spec.name.as_str()))
        ),
    }
}

fn backticked<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
