//! What a rule asks for: on account of which alerts, which runbook, and with what in its inputs. An input is filled in from
//! the labels of the alerts, or by a look that is made when it is asked for.

use super::matcher::{Matcher, is_label};
use super::notification::Words;
use crate::request::Look;
use crate::toml_file::{Section, Text};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Values that one list takes.
const VALUES: usize = 20;

/// Before a column of what the look gives, between braces.
const LOOKED: &str = "look.";

/// An input of a runbook, as far as a rule must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takes {
    /// Its name.
    pub name: String,
    /// Whether it takes a list.
    pub many: bool,
    /// Whether it must be given.
    pub required: bool,
}

/// What a rule must know of a runbook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its inputs.
    pub inputs: Vec<Takes>,
    /// Whether it only reads.
    pub reads: bool,
    /// The columns that it answers with.
    pub columns: Vec<String>,
}

/// What is known of a runbook that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// It is there.
    Known(Facts),
    /// It is there, and what is wrong with it is told elsewhere.
    Faulty,
    /// There is none of that name.
    Missing,
}

/// What a rule may name.
pub trait Runbooks {
    /// What is known of a runbook.
    fn named(&self, runbook: &str) -> Named;

    /// What is wrong with inputs, as whoever asks would be told; nothing where the runbook takes them.
    fn misfits(&self, runbook: &str, inputs: &[(String, String)]) -> Vec<String>;
}

/// Inputs, as names and values.
pub(super) type Inputs = Vec<(String, String)>;

/// The part that all rules which ask for something have.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    matchers: Vec<Matcher>,
    /// The runbook.
    pub(super) runbook: String,
    inputs: Vec<Filled>,
    /// What fills in the input that the alert does not tell.
    pub(super) look: Option<Look>,
}

#[derive(Debug, Clone)]
struct Filled {
    name: String,
    takes_many: bool,
    value: Template,
}

impl Asking {
    /// Reads it; what is wrong is told.
    pub(super) fn read(section: &mut Section<'_>, runbooks: &impl Runbooks) -> Option<Self> {
        let matchers: Vec<Option<Matcher>> = section
            .required_texts("match")
            .iter()
            .map(|text| Matcher::read(section, text))
            .collect();
        let runbook = section.required_text("runbook");
        let known = runbook.as_ref().and_then(|text| named(section, text, runbooks));
        let mut look = LookFor::read(section, runbooks);
        let inputs: Vec<Option<Filled>> = section
            .texts("with")
            .iter()
            .filter_map(|text| match input(section, text, known.as_ref()) {
                Some(Given::Filled(filled)) => Some(Some(filled)),
                Some(Given::Looked { input, column }) => {
                    look.fills(section, text, input, column);
                    None
                }
                None => Some(None),
            })
            .collect();
        let look = look.found(section);
        Some(Self {
            matchers: matchers.into_iter().collect::<Option<_>>()?,
            runbook: runbook.filter(|_| known.is_some())?.value.to_owned(),
            inputs: inputs.into_iter().collect::<Option<_>>()?,
            look: look?,
        })
    }

    /// Tells what is wrong with its inputs, as far as that can be known before there is an alert: where nobody is there, what
    /// is not filled in stays so.
    pub(super) fn hold_inputs(&self, section: &Section<'_>, runbooks: &impl Runbooks) {
        let Named::Known(known) = runbooks.named(&self.runbook) else {
            return;
        };
        let is_given = |name: &str| {
            self.inputs.iter().any(|input| input.name == name)
                || self.look.as_ref().is_some_and(|look| look.input == name)
        };
        let missing: Vec<&Takes> = known
            .inputs
            .iter()
            .filter(|takes| takes.required && !is_given(&takes.name))
            .collect();
        for missing in &missing {
            let message = format!(
                "`{}` needs its input `{1}`, which nothing fills in; add \"{1}=...\" to `with`",
                self.runbook, missing.name
            );
            section.file().problem(section.span(), message);
        }
        let nothing = Words::new();
        let fixed: Option<Inputs> = self
            .inputs
            .iter()
            .map(|input| Some((input.name.clone(), input.value.fill(&nothing)?)))
            .collect();
        if let Some(fixed) = fixed.filter(|_| missing.is_empty() && self.look.is_none()) {
            for misfit in runbooks.misfits(&self.runbook, &fixed) {
                section.file().problem(section.span(), misfit);
            }
        }
    }

    pub(super) fn matches(&self, labels: &Words) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// Whether an alert of this name could be meant, whatever its other labels are.
    pub(super) fn may_mean(&self, name: &str) -> bool {
        let labels = Words::from([("alertname".to_owned(), name.to_owned())]);
        let mut named = self.matchers.iter().filter(|matcher| matcher.is_of("alertname"));
        named.all(|matcher| matcher.matches(&labels))
    }

    /// The inputs for each of these alerts that has the labels. An input that takes several gets those of all of them.
    pub(super) fn fill<'a>(&self, alerts: &[&'a Words]) -> Vec<(&'a Words, Inputs)> {
        let filled = alerts.iter().filter_map(|labels| {
            let inputs = self.inputs.iter().map(|input| {
                let values = if input.takes_many {
                    let mut values: Vec<String> = alerts.iter().filter_map(|labels| input.value.fill(labels)).collect();
                    let mut seen = BTreeSet::new();
                    values.retain(|value| seen.insert(value.clone()));
                    values.truncate(VALUES);
                    (!values.is_empty()).then(|| values.join(","))
                } else {
                    input.value.fill(labels)
                };
                Some((input.name.clone(), values?))
            });
            Some((*labels, inputs.collect::<Option<Inputs>>()?))
        });
        filled.collect()
    }

    /// Stands for the runbook with these inputs and nothing else.
    pub(super) fn hash(&self, inputs: &Inputs) -> String {
        let mut hash = Sha256::new();
        hash.update(self.runbook.as_bytes());
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        for (name, value) in inputs {
            add(name);
            add(value);
        }
        if let Some(look) = &self.look {
            for part in [&look.runbook, &look.column, &look.input] {
                add(part);
            }
        }
        hex::encode(&hash.finalize()[..4])
    }
}

fn named(section: &Section<'_>, text: &Text<'_>, runbooks: &impl Runbooks) -> Option<Facts> {
    match runbooks.named(text.value) {
        Named::Known(facts) => Some(facts),
        Named::Faulty => None,
        Named::Missing => {
            let message = format!(
                "there is no runbook `{}`; name one of the folder of the runbooks",
                text.value
            );
            section.file().problem(&text.span, message);
            None
        }
    }
}

/// The columns that a look gives. None where the runbook is none that could be looked by, which is told.
pub(super) fn hold_look(section: &Section<'_>, runbook: &Text<'_>, runbooks: &impl Runbooks) -> Option<Vec<String>> {
    let known = named(section, runbook, runbooks)?;
    let wrong = match known.inputs.iter().find(|takes| takes.required) {
        _ if !known.reads => format!(
            "`{}` changes something; a look is a runbook that only reads",
            runbook.value
        ),
        Some(needs) => format!(
            "`{}` needs its input `{}`, and a look is given none",
            runbook.value, needs.name
        ),
        None => return Some(known.columns),
    };
    section.file().problem(&runbook.span, wrong);
    None
}

/// A look while the rule is read.
enum LookFor<'f> {
    /// The rule has none.
    None,
    /// What is wrong with it is told.
    Wrong,
    /// It gives these columns.
    Of {
        runbook: Text<'f>,
        columns: Vec<String>,
        fills: Option<Look>,
    },
}

impl<'f> LookFor<'f> {
    fn read(section: &mut Section<'f>, runbooks: &impl Runbooks) -> Self {
        let Some(runbook) = section.text("look") else {
            return Self::None;
        };
        match hold_look(section, &runbook, runbooks) {
            Some(columns) => Self::Of {
                runbook,
                columns,
                fills: None,
            },
            None => Self::Wrong,
        }
    }

    /// An input takes its value from the look.
    fn fills(&mut self, section: &Section<'_>, text: &Text<'_>, input: String, column: String) {
        let say = match self {
            Self::Wrong => return,
            Self::None => {
                format!("there is no `look` that could give {{{LOOKED}{column}}}; name a runbook that only reads")
            }
            Self::Of { fills: Some(_), .. } => "a look fills in one input; ask for the rest with labels".to_owned(),
            Self::Of { runbook, columns, .. } if !columns.contains(&column) => format!(
                "`{}` gives no column `{column}`; it has {}",
                runbook.value,
                columns
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Self::Of { runbook, fills, .. } => {
                *fills = Some(Look {
                    runbook: runbook.value.to_owned(),
                    column,
                    input,
                });
                return;
            }
        };
        section.file().problem(&text.span, say);
        *self = Self::Wrong;
    }

    /// None where something is wrong.
    fn found(self, section: &Section<'_>) -> Option<Option<Look>> {
        match self {
            Self::None => Some(None),
            Self::Wrong => None,
            Self::Of { fills: Some(look), .. } => Some(Some(look)),
            Self::Of {
                runbook, fills: None, ..
            } => {
                let say = format!("nothing is taken from this look; fill in an input as \"order={{{LOOKED}order}}\"");
                section.file().problem(&runbook.span, say);
                None
            }
        }
    }
}

enum Given {
    Filled(Filled),
    Looked { input: String, column: String },
}

fn input(section: &Section<'_>, text: &Text<'_>, known: Option<&Facts>) -> Option<Given> {
    let Some((name, written)) = text.value.split_once('=') else {
        section
            .file()
            .problem(&text.span, "an input is filled in as \"supplier={supplier}\"");
        return None;
    };
    let column = written
        .strip_prefix('{')
        .and_then(|written| written.strip_prefix(LOOKED)?.strip_suffix('}'));
    let value = match column {
        Some(_) => None,
        None => {
            let value = Text {
                value: written,
                span: text.span.clone(),
            };
            Some(Template::read(section, &value)?)
        }
    };
    let Some(takes) = known?.inputs.iter().find(|takes| takes.name == name) else {
        let message = format!("the runbook has no input `{name}`");
        section.file().problem(&text.span, message);
        return None;
    };
    Some(match value {
        Some(value) => Given::Filled(Filled {
            name: takes.name.clone(),
            takes_many: takes.many,
            value,
        }),
        None => Given::Looked {
            input: takes.name.clone(),
            column: column.unwrap_or_default().to_owned(),
        },
    })
}

/// A text with labels in braces.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Label(String),
}

impl Template {
    /// Reads it; what is wrong is told.
    pub(super) fn read(section: &Section<'_>, text: &Text<'_>) -> Option<Self> {
        let parsed = Self::parse(text.value);
        if let Err(why) = &parsed {
            section.file().problem(&text.span, *why);
        }
        parsed.ok()
    }

    /// None where a label is not there.
    pub(super) fn fill(&self, labels: &BTreeMap<String, String>) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Label(label) => labels.get(label).map(String::as_str),
        });
        parts.collect()
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (label, after) = after.split_once('}').ok_or("a brace is not closed")?;
            if !is_label(label) {
                return Err("between braces stands the name of a label, such as {supplier}");
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Label(label.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err("a brace is closed that was not opened");
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }
}
