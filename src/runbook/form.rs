//! What a runbook takes, as a form.

use super::Runbook;
use super::input::{InputKind, InputSpec, quoted};
use crate::report::form::{Field, FieldKind, Flaw, Form, Pick};

impl Runbook {
    /// The form of its inputs.
    pub fn form(&self) -> Form {
        Form {
            runbook: self.name.clone(),
            summary: self.summary.clone(),
            fields: self.inputs.iter().map(InputSpec::field).collect(),
        }
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
        }
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
            InputKind::Row => FieldKind::Text {
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
