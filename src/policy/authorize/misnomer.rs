//! Names in a policy that are right for Cedar and name nothing: a `forbid` about them would forbid nothing, silently.

use super::RunbookFacts;
use crate::nearest::{nearest, way_out};
use crate::policy::identity::People;
use cedar_policy::{Effect, EntityUid, Policy, PrincipalConstraint};
use serde_json::Value;
use std::collections::BTreeSet;

/// Attributes that hold one of a few words.
const WORDS: [(&str, &[&str]); 3] = [
    ("resource.effect", &["read", "write", "destructive"]),
    ("context.place.surface", &["slack", "discord", "console", "cli"]),
    (
        "context.approver.account",
        &["slack", "discord", "session", "os", "picked"],
    ),
];

/// What policies can name.
pub(super) struct Existing<'a> {
    entities: [(&'static str, BTreeSet<&'a str>, &'static str); 3],
    facts: BTreeSet<&'a str>,
}

/// A name that names nothing.
pub(super) struct Misnomer {
    /// As the policy has it.
    pub(super) written: String,
    /// What is wrong with it.
    pub(super) message: String,
    /// It does no harm: as long as the name names nothing, the policy permits nothing.
    pub(super) harmless: bool,
}

impl<'a> Existing<'a> {
    pub(super) fn new(runbooks: &'a [RunbookFacts], people: &'a People) -> Self {
        let groups = people.groups().map(|group| group.name.as_str()).collect();
        let persons = people.persons().map(|person| person.name.as_str()).collect();
        let commands = runbooks.iter().map(|runbook| runbook.name.as_str()).collect();
        let facts: BTreeSet<_> = runbooks
            .iter()
            .flat_map(|it| &it.radius_names)
            .map(String::as_str)
            .collect();
        let records: Vec<_> = facts.iter().filter_map(|fact| Some(fact.split_once('.')?.0)).collect();
        Self {
            entities: [
                ("Group", groups, "no [group.NAME] section declares it"),
                ("Person", persons, "no [person.NAME] section has it"),
                ("Runbook", commands, "no runbook has this name"),
            ],
            facts: facts.into_iter().chain(records).collect(),
        }
    }

    /// Every misnomer of one policy.
    pub(super) fn misnomers(&self, policy: &Policy) -> Vec<Misnomer> {
        let mut found = Vec::new();
        let uids: BTreeSet<_> = policy.entity_literals().into_iter().collect();
        for uid in uids {
            let kind = uid.type_name().to_string();
            let name = uid.id().unescaped();
            if let Some((_, known, because)) = self.entities.iter().find(|(entity, ..)| *entity == kind)
                && !known.contains(name)
            {
                let message = format!("`{uid}`: {because}; {}", way_out(name, known.iter().copied()));
                // A slip of the pen is told as one also here.
                let slip = nearest(name, known.iter().copied()).is_some();
                found.push(Misnomer {
                    written: uid.to_string(),
                    message,
                    harmless: !slip && is_permitted_group(policy, &uid),
                });
            }
        }
        match policy.to_json() {
            Ok(tree) => self.walk(&tree, &mut found),
            Err(error) => {
                let message = format!("the policy cannot be looked through for misnomers: {error}");
                found.push(Misnomer {
                    written: String::new(),
                    message,
                    harmless: false,
                });
            }
        }
        found
    }

    fn walk(&self, node: &Value, found: &mut Vec<Misnomer>) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, found)),
            Value::Object(members) => {
                for (operator, operands) in members {
                    match operator.as_str() {
                        "has" => found.extend(self.fact(operands)),
                        "==" | "!=" | "contains" => found.extend(word(operands)),
                        _ => {}
                    }
                    self.walk(operands, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// A fact near to one that a runbook tells. One that is near to none may be of a runbook that is not here.
    fn fact(&self, has: &Value) -> Option<Misnomer> {
        // `has money.USD` gives a list.
        let attribute = match has.get("attr")? {
            Value::Array(parts) => parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.join("."),
            attribute => attribute.as_str()?.to_owned(),
        };
        let path = format!("{}.{attribute}", path(has.get("left")?)?);
        let fact = path.strip_prefix("context.radius.")?;
        if self.facts.contains(fact) {
            return None;
        }
        // One currency is not near to another because both are money.
        let (record, part) = fact.rsplit_once('.').unwrap_or(("", fact));
        let parts = self
            .facts
            .iter()
            .map(|known| known.rsplit_once('.').unwrap_or(("", known)));
        let meant = match nearest(part, parts.filter(|(of, _)| *of == record).map(|(_, part)| part))? {
            meant if record.is_empty() => meant.to_owned(),
            meant => format!("{record}.{meant}"),
        };
        let message = format!("no runbook's radius has `{fact}`; did you mean `{meant}`?");
        Some(Misnomer {
            written: attribute,
            message,
            harmless: false,
        })
    }
}

/// Whether a policy permits something to this group and to nobody else.
fn is_permitted_group(policy: &Policy, group: &EntityUid) -> bool {
    let scope = match policy.principal_constraint() {
        PrincipalConstraint::In(scope) | PrincipalConstraint::IsIn(_, scope) => Some(scope),
        _ => None,
    };
    policy.effect() == Effect::Permit && scope.as_ref() == Some(group)
}

/// A text that an attribute is held against and never is.
fn word(operands: &Value) -> Option<Misnomer> {
    let (left, right) = (operands.get("left")?, operands.get("right")?);
    let (attribute, other) = match (path(left), path(right)) {
        (Some(attribute), None) => (attribute, texts(right)),
        (None, Some(attribute)) => (attribute, texts(left)),
        _ => return None,
    };
    let (_, words) = WORDS.iter().find(|(name, _)| *name == attribute)?;
    let stranger = other.into_iter().find(|text| !words.contains(text))?;
    let message = format!(
        "`{attribute}` is never \"{stranger}\"; {}",
        way_out(stranger, words.iter().copied())
    );
    Some(Misnomer {
        written: format!("{stranger:?}"),
        message,
        harmless: false,
    })
}

/// The texts of a literal: one, or those of a set.
fn texts(literal: &Value) -> Vec<&str> {
    match literal.get("Set").and_then(Value::as_array) {
        Some(items) => items.iter().filter_map(text).collect(),
        None => text(literal).into_iter().collect(),
    }
}

fn text(literal: &Value) -> Option<&str> {
    literal.get("Value")?.as_str()
}

/// `context.place.surface`, if that is what the expression is.
fn path(expression: &Value) -> Option<String> {
    if let Some(variable) = expression.get("Var") {
        return variable.as_str().map(str::to_owned);
    }
    let access = expression.get(".")?;
    Some(format!(
        "{}.{}",
        path(access.get("left")?)?,
        access.get("attr")?.as_str()?
    ))
}
