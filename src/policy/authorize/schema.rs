//! The schema that policies are validated against. It follows from the runbooks: a fact that no runbook tells cannot be
//! judged.

use super::{ActName, Radius, RunbookFacts, Unanswerable, record};
use cedar_policy::RestrictedExpression;
use std::collections::{BTreeMap, BTreeSet};

/// The schema in Cedar's own syntax.
pub(super) fn text(runbooks: &[RunbookFacts]) -> String {
    let names = runbooks
        .iter()
        .flat_map(|runbook| &runbook.radius_names)
        .map(|name| (name.clone(), ()));
    let mut radius = String::new();
    for (name, member) in nested(names) {
        let kind = match member {
            Member::Whole(()) => "Long".to_owned(),
            Member::Record(parts) => {
                let parts: Vec<_> = parts.keys().map(|part| format!("{part:?}?: Long")).collect();
                format!("{{ {} }}", parts.join(", "))
            }
        };
        radius.push_str(&format!("    {name:?}?: {kind},\n"));
    }
    let mut text = format!(
        "entity Group;
entity Person in [Group];
entity Alert;
entity Runbook {{ name: String, effect: String }};
type Place = {{ surface: String, workspace?: String, channel?: String }};
type Radius = {{
{radius}}};
"
    );
    for act in ActName::ALL {
        let facts = match act {
            ActName::Ask | ActName::View => "",
            ActName::Run => ", radius: Radius",
            ActName::Approve => ", radius: Radius, requester: Person, approver: { account: String }",
            ActName::Stop | ActName::Resolve => ", requester: Person",
            ActName::Override => ", radius: Radius, requester: Person",
        };
        let principal = match act {
            ActName::Ask | ActName::Run => "[Person, Alert]",
            _ => "Person",
        };
        text.push_str(&format!(
            "action {} appliesTo {{ principal: {principal}, resource: Runbook, context: {{ place: Place{facts} }} }};\n",
            act.as_str()
        ));
    }
    text
}

/// Names that are a whole number in one runbook and a record in another.
pub(super) fn contradictions(runbooks: &[RunbookFacts]) -> Vec<String> {
    let names: BTreeSet<&str> = runbooks
        .iter()
        .flat_map(|it| &it.radius_names)
        .map(String::as_str)
        .collect();
    let records: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.split_once('.')?.0)).collect();
    records.intersection(&names).map(|name| (*name).to_owned()).collect()
}

/// The facts as the schema has them.
pub(super) fn radius(radius: &Radius) -> Result<RestrictedExpression, Unanswerable> {
    let mut members = Vec::new();
    for (name, member) in nested(radius.iter().map(|(name, amount)| (name.clone(), *amount))) {
        let value = match member {
            Member::Whole(amount) => RestrictedExpression::new_long(amount),
            Member::Record(parts) => record(
                parts
                    .into_iter()
                    .map(|(part, amount)| (part, RestrictedExpression::new_long(amount))),
            )?,
        };
        members.push((name, value));
    }
    record(members)
}

enum Member<T> {
    Whole(T),
    Record(BTreeMap<String, T>),
}

/// `money.USD` is the member `USD` of the record `money`.
fn nested<T>(names: impl Iterator<Item = (String, T)>) -> BTreeMap<String, Member<T>> {
    let mut members = BTreeMap::new();
    for (name, value) in names {
        match name.split_once('.') {
            None => {
                members.insert(name, Member::Whole(value));
            }
            Some((record, part)) => {
                let member = members
                    .entry(record.to_owned())
                    .or_insert_with(|| Member::Record(BTreeMap::new()));
                if let Member::Record(parts) = member {
                    parts.insert(part.to_owned(), value);
                }
            }
        }
    }
    members
}
