//! A plan: everything that a run would do, worked out before anything is done, with the digest that approvals bind to.
//! Pure; the looks were made by whoever hands them in.

use crate::call::Identity;
use crate::request::Place;
use crate::run::lock::Locks;
use crate::run::state::Shape;
use crate::runbook::Runbook;
use crate::runbook::action::Effect;
use crate::runbook::compose::{Composed, ComposedOffer, ComposedResult, PlannedStep};
use crate::runbook::duration;
use crate::runbook::input::quoted;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// What would be done, pinned. A newer bot or runbook never changes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The runbook's name.
    pub runbook: String,
    /// SHA-256 of its text.
    pub hash: String,
    /// Its text: expectations and probes are read from here, not from today's file.
    pub source: String,
    /// Who asked.
    pub person: String,
    /// Where it was asked.
    pub place: Place,
    /// Typed.
    pub inputs: Map<String, Value>,
    /// What was seen beforehand.
    pub looks: Map<String, Value>,
    /// The strongest effect of its steps.
    pub effect: Effect,
    /// In order.
    pub steps: Vec<PlannedStep>,
    /// What should be known beforehand.
    pub warnings: Vec<String>,
    /// Why there is nothing to do, where that is so.
    pub nothing: Vec<String>,
    /// What the run holds.
    pub locks: Locks,
    /// How much it touches.
    pub radius: BTreeMap<String, i64>,
    /// The rows that people and programs get.
    pub result: Option<ComposedResult>,
    /// The picture of it, where that is panels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Charted>,
    /// Follow-ups.
    pub offers: Vec<ComposedOffer>,
    /// Where its connections lead.
    pub connections: BTreeMap<String, Identity>,
    /// Whether done steps are undone by themselves when a later one fails.
    pub undo_on_failure: bool,
    /// How long after the end its signals are read once more, in seconds; none where nothing proves it.
    pub soak: Option<u64>,
    /// How long after the start a step may still be begun, in seconds; none in plans of before.
    #[serde(default)]
    pub deadline: Option<u64>,
    /// The inputs that are spans of time, which are written as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<String>,
    /// SHA-256 over all that an approval binds.
    pub digest: String,
}

/// Panels over a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charted {
    /// Their names; at least one.
    pub panels: Vec<String>,
    /// The left edge.
    pub start: Timestamp,
    /// The right edge.
    pub end: Timestamp,
}

/// What the plan is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The runbook.
    pub runbook: &'a Runbook,
    /// Who asked.
    pub person: &'a str,
    /// Where.
    pub place: &'a Place,
    /// Typed.
    pub inputs: Map<String, Value>,
    /// What was seen.
    pub looks: Map<String, Value>,
    /// What the runbook makes of both.
    pub composed: Composed,
    /// The picture of it.
    pub chart: Option<Charted>,
    /// Where its connections lead.
    pub connections: BTreeMap<String, Identity>,
}

impl Plan {
    /// Puts the parts together and works out the digest.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts {
            runbook,
            person,
            place,
            inputs,
            looks,
            composed,
            chart,
            connections,
        } = parts;
        let mut plan = Self {
            runbook: runbook.name.clone(),
            hash: runbook.hash.clone(),
            source: runbook.source.clone(),
            person: person.to_owned(),
            place: place.clone(),
            inputs,
            looks,
            effect: runbook.effect(),
            steps: composed.steps,
            warnings: composed.warnings,
            nothing: composed.nothing,
            locks: Locks {
                keys: composed.locks,
                shared: composed.locks_shared,
            },
            radius: composed.radius,
            result: composed.result,
            chart,
            offers: composed.offers,
            connections,
            undo_on_failure: runbook.undo_on_failure,
            soak: runbook.proof.as_ref().map(|proof| proof.soak.as_secs()),
            deadline: Some(runbook.deadline.as_secs()),
            spans: runbook.spans(),
            digest: String::new(),
        };
        plan.digest = plan.digest_of();
        plan
    }

    /// SHA-256 over canonical JSON (keys sorted) of what an approval binds: the runbook's content, who asked, the
    /// inputs, the resolved steps and undos, where the connections lead, the locks and the facts given to policy. Other
    /// looks are shown, not bound.
    fn digest_of(&self) -> String {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|step| json!({ "name": step.name, "call": step.call, "undo": step.undo, "manual": step.manual }))
            .collect();
        let mut bound = json!({
            "runbook": self.hash,
            "person": self.person,
            "inputs": self.inputs,
            "steps": steps,
            "connections": self.connections,
            "locks": self.locks,
            "radius": self.radius,
            "place": self.place,
            "effect": self.effect,
        });
        // Plans of before have none, and their digests stay what they were.
        if let Some(deadline) = self.deadline {
            bound["deadline"] = deadline.into();
        }
        if !self.spans.is_empty() {
            bound["spans"] = self.spans.clone().into();
        }
        let bound = canonical(bound);
        hex::encode(Sha256::digest(bound.to_string().as_bytes()))
    }

    /// Whether the digest is that of what stands beside it: a plan from the database is believed only then. The digest
    /// binds the runbook by its hash, and the text that steps are judged by must be of that hash.
    pub fn is_intact(&self) -> bool {
        self.digest == self.digest_of() && self.hash == hex::encode(Sha256::digest(&self.source))
    }

    /// What the run's state needs to know of it.
    pub fn shape(&self) -> Shape {
        let span = |seconds: Option<u64>| {
            seconds
                .and_then(|seconds| i64::try_from(seconds).ok())
                .map(SignedDuration::from_secs)
        };
        Shape {
            undoable: self.steps.iter().map(|step| step.undo.is_some()).collect(),
            stays: self
                .steps
                .iter()
                .map(|step| step.writes && step.undo.is_none())
                .collect(),
            undo_on_failure: self.undo_on_failure,
            soak: span(self.soak),
            deadline: span(self.deadline),
        }
    }

    /// What differs from an older plan in what an approval binds, a line each.
    pub fn changes_since(&self, old: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.hash != old.hash {
            changes.push("the runbook's file was edited".to_owned());
        }
        let names = |plan: &Self| plan.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
        let (before, now) = (names(old), names(self));
        let gone: Vec<_> = before.iter().filter(|name| !now.contains(name)).cloned().collect();
        let come: Vec<_> = now.iter().filter(|name| !before.contains(name)).cloned().collect();
        if !gone.is_empty() {
            changes.push(format!("no longer: {}", gone.join(", ")));
        }
        if !come.is_empty() {
            changes.push(format!("new: {}", come.join(", ")));
        }
        if self.radius != old.radius {
            changes.push(format!(
                "radius {} instead of {}",
                radius_words(&self.radius),
                radius_words(&old.radius)
            ));
        }
        if self.connections != old.connections {
            changes.push("a connection leads elsewhere".to_owned());
        }
        if changes.is_empty() {
            changes.push("what a step is given has changed".to_owned());
        }
        changes
    }

    /// The inputs as people type them.
    pub fn inputs_text(&self) -> String {
        inputs_text(&self.inputs, &self.spans)
    }
}

/// Inputs as people type them: `order=1042,1043 last=15m`. In quotes where one value could pass for two. `spans` are those
/// that are spans of time.
pub fn inputs_text(inputs: &Map<String, Value>, spans: &[String]) -> String {
    let plain = |name: &String, value: &Value| match (value, value.as_u64()) {
        (Value::String(text), _) => quoted(text),
        (_, Some(seconds)) if spans.contains(name) => duration::show(Duration::from_secs(seconds)),
        (other, _) => other.to_string(),
    };
    let list = |name: &String, items: &[Value]| -> String {
        let items: Vec<_> = items.iter().map(|item| plain(name, item)).collect();
        items.join(",")
    };
    let text = |name: &String, value: &Value| match value {
        Value::Array(items) if items.len() > 12 => {
            format!("{} and {} more", list(name, &items[..10]), items.len() - 10)
        }
        Value::Array(items) => list(name, items),
        other => plain(name, other),
    };
    inputs
        .iter()
        // A list that was not given is empty.
        .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()))
        .map(|(name, value)| format!("{name}={}", text(name, value)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A radius in words, `2 orders, USD 84.50`.
pub fn radius_words(radius: &BTreeMap<String, i64>) -> String {
    radius_pairs(radius)
        .into_iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A radius as pairs of name and value, without what is not touched; money in its currency, not in minor units.
pub fn radius_pairs(radius: &BTreeMap<String, i64>) -> Vec<(String, String)> {
    radius
        .iter()
        .filter(|(_, value)| **value != 0)
        .map(|(name, value)| match name.strip_prefix("money.") {
            Some(currency) => {
                let sign = if *value < 0 { "-" } else { "" };
                let minor = value.unsigned_abs();
                (
                    "money".to_owned(),
                    format!("{currency} {sign}{}.{:02}", minor / 100, minor % 100),
                )
            }
            None => (name.replace('_', " "), value.to_string()),
        })
        .collect()
}

/// The same value with every object's keys in order.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<String, Value> = fields
                .into_iter()
                .map(|(name, value)| (name, canonical(value)))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        other => other,
    }
}
