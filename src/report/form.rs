//! A form to be filled in, for platforms to render: what a runbook takes, input by input.

/// The form of one runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The slash command.
    pub runbook: String,
    /// One sentence.
    pub summary: String,
    /// In the file's order.
    pub fields: Vec<Field>,
    /// What was wrong with what was typed, and what that was; none where nothing was.
    pub told: Option<String>,
    /// The same, by the fields.
    pub flaws: Vec<Flaw>,
    /// Whether a dry run was asked for.
    pub dry: bool,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub help: Option<String>,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Several values, separated by commas; so many at the most.
    pub many: Option<usize>,
    /// Taken where nothing is given.
    pub default: Option<String>,
    /// Whether values are offered while typing.
    pub suggests: bool,
    /// What was typed for it already, each as it would be typed into the field. It may be wrong.
    pub given: Vec<String>,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of so many characters.
    Text {
        /// No fewer.
        shortest: Option<usize>,
        /// No more.
        longest: Option<usize>,
    },
    /// A whole number.
    Integer {
        /// No less.
        min: Option<i64>,
        /// No more.
        max: Option<i64>,
    },
    /// A decimal number, as text: fields for numbers would round it.
    Decimal,
    /// Yes or no.
    Boolean,
    /// `15m`
    Duration,
    /// One of these.
    Choice(Vec<Pick>),
}

/// Something that can be picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// As it would be typed into the field.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// What is wrong with a form that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field; none where it is not one field's.
    pub field: Option<String>,
    /// With the way out.
    pub say: String,
}

impl Form {
    /// What is wrong with a field.
    pub fn flaw(&self, field: &Field) -> Option<&str> {
        let found = self
            .flaws
            .iter()
            .find(|flaw| flaw.field.as_deref() == Some(field.name.as_str()))?;
        Some(&found.say)
    }
}

impl Field {
    /// What stands below the field.
    pub fn hint(&self) -> Option<String> {
        let mut parts = Vec::new();
        parts.extend(self.help.as_ref().map(|help| format!("{help}.")));
        if self.many.is_some() {
            parts.push("Several are separated by commas.".to_owned());
        }
        parts.extend(self.default.as_ref().map(|default| format!("Without it: {default}.")));
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}
