//! What a runbook takes, as a form.

use super::Runbook;
use super::input::{InputKind, InputSpec, quoted, typed};
use crate::report::form::{Field, FieldKind, Flaw, Form, Pick};
use crate::request::Words;
use serde_json::Value;

impl Runbook {
    /// The form of its inputs.
    pub fn form(&self) -> Form {
        Form {
            runbook: self.name.clone(),
            summary: self.summary.clone(),
            fields: self.inputs.iter().map(InputSpec::field).collect(),
            told: None,
            flaws: Vec::new(),
            dry: false,
        }
    }

    /// The form with what was typed filled in, and with what is wrong about that.
    pub fn form_of(&self, words: &Words, problems: Vec<String>) -> Form {
        let (given, dry) = typed(self, words);
        let mut form = self.form();
        for ((field, spec), items) in form.fields.iter_mut().zip(&self.inputs).zip(given) {
            field.given = items.iter().filter_map(|item| spec.given(item)).collect();
        }
        let line = match words {
            Words::Line(line) => line.clone(),
            Words::Named(pairs) => {
                let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
                pairs.collect::<Vec<_>>().join(" ")
            }
        };
        let what = problems.join("\n");
        form.told = Some(format!("{what}\nNothing was done. You typed: /{} {line}", self.name));
        form.flaws = self.flaws(problems);
        form.dry = dry;
        form
    }

    /// Sorts what `interpret` has found wrong by the inputs: a problem of one input begins with its name.
    pub fn flaws(&self, problems: Vec<String>) -> Vec<Flaw> {
        let of = |problem: &str| {
            let (name, _) = problem.strip_prefix('`')?.split_once('`')?;
            self.inputs.iter().find(|spec| spec.name == name)
        };
        problems
            .into_iter()
            .map(|say| Flaw {
                field: of(&say).map(|spec| spec.name.clone()),
                say,
            })
            .collect()
    }
}

impl InputSpec {
    /// Its field in a form.
    pub fn field(&self) -> Field {
        Field {
            name: self.name.clone(),
            help: self.help.clone(),
            kind: self.field_kind(),
            required: self.required && self.default.is_none(),
            many: self.many.then_some(self.max_items),
            default: self.default.as_ref().and_then(|default| self.kind.write(default)),
            suggests: self.suggest.is_some(),
            given: Vec::new(),
        }
    }

    /// What was typed as the field would have it; none where the field can hold nothing but values, and it is none.
    fn given(&self, item: &str) -> Option<String> {
        let text = match self.kind.read(item) {
            Ok(Value::Bool(yes)) => if yes { "yes" } else { "no" }.to_owned(),
            Ok(Value::String(choice)) if matches!(self.kind, InputKind::Choice(_)) => choice,
            Ok(_) => item.trim().to_owned(),
            Err(_) if self.suggest.is_some() => return None,
            Err(_) => item.to_owned(),
        };
        Some(if self.many { quoted(&text) } else { text })
    }

    fn field_kind(&self) -> FieldKind {
        match &self.kind {
            InputKind::Text { length, .. } => FieldKind::Text {
                shortest: length.min,
                longest: length.max,
            },
            InputKind::Integer(bounds) => FieldKind::Integer {
                min: bounds.min,
                max: bounds.max,
            },
            InputKind::Decimal(_) => FieldKind::Decimal,
            InputKind::Boolean => FieldKind::Boolean,
            InputKind::Duration(_) => FieldKind::Duration,
            InputKind::Choice(choices) => FieldKind::Choice(choices.iter().map(|choice| self.pick(choice)).collect()),
            InputKind::Panel(Some(known)) if !known.is_empty() => {
                FieldKind::Choice(known.iter().map(|panel| self.pick(panel)).collect())
            }
            InputKind::Row | InputKind::Panel(_) => FieldKind::Text {
                shortest: None,
                longest: None,
            },
        }
    }

    fn pick(&self, choice: &str) -> Pick {
        Pick {
            // In a list a comma would separate.
            value: if self.many { quoted(choice) } else { choice.to_owned() },
            label: choice.to_owned(),
        }
    }
}
