//! How `policy.cedar` is read: every mistake at once, each with its place.

use super::misnomer::Existing;
use super::{ActName, Article, KnownRunbook, Names, Policy, RunbookFacts, schema};
use crate::nearest::way_out;
use crate::policy::identity::People;
use crate::problem::Problem;
use crate::runbook::action::Effect;
use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Authorizer, Effect as PolicyEffect, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, RestrictedExpression, Schema, ValidationError, ValidationMode, Validator,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::num::NonZeroU8;
use std::path::Path;
use std::str::FromStr;

/// The annotations that mean something here.
const ANNOTATIONS: [&str; 3] = ["id", "say", "approvals"];

pub(super) fn load(
    path: &Path,
    text: &str,
    runbooks: &[RunbookFacts],
    people: Option<&People>,
) -> Result<Policy, Vec<Problem>> {
    // Some editors begin a file with this mark; the other files may have it too.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems: Vec<Problem> = schema::contradictions(runbooks)
        .into_iter()
        .map(|name| {
            let message =
                format!("one runbook's radius has `{name}` as a number, another's has members of it; rename one");
            Problem::whole(path, message)
        })
        .collect();
    let schema_text = schema::text(runbooks);
    let basics = Schema::from_cedarschema_str(&schema_text)
        .map_err(|error| error.to_string())
        .and_then(|(schema, _)| {
            Ok((
                schema,
                names().map_err(|error| error.to_string())?,
                known_runbooks(runbooks)?,
            ))
        });
    let (schema, names, runbooks_known) = match basics {
        Ok(basics) => basics,
        Err(error) => {
            problems.push(Problem::whole(
                path,
                format!("no schema can be made of the runbooks: {error}"),
            ));
            return Err(problems);
        }
    };
    let parsed = match PolicySet::from_str(text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            problems.extend(
                errors
                    .iter()
                    .map(|error| told(path, text, 0, &DetailedError::from(error))),
            );
            problems.sort();
            return Err(problems);
        }
    };
    let mut reading = Reading {
        path,
        text,
        problems,
        remarks: Vec::new(),
        articles: HashMap::new(),
        full: PolicySet::new(),
    };
    reading.read(&parsed);
    reading.validate(&schema);
    if let Some(people) = people {
        reading.names_exist(&Existing::new(runbooks, people));
    }
    let Reading {
        mut problems,
        mut remarks,
        articles,
        full,
        ..
    } = reading;
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        return Err(problems);
    }
    remarks.sort();
    remarks.dedup();
    let lasting = full
        .policies()
        .filter(|policy| articles.get(policy.id()).is_some_and(|it| it.approvals.is_none()));
    let without_thresholds = PolicySet::from_policies(lasting.cloned()).map_err(|error| {
        vec![Problem::whole(
            path,
            format!("the policies contradict each other: {error}"),
        )]
    })?;
    let version = Sha256::new()
        .chain_update(text)
        .chain_update("\n")
        .chain_update(&schema_text)
        .finalize();
    Ok(Policy {
        full,
        without_thresholds,
        articles,
        schema,
        runbooks: runbooks_known,
        names,
        authorizer: Authorizer::new(),
        version: hex::encode(version),
        remarks,
    })
}

fn names() -> Result<Names, Box<dyn std::error::Error>> {
    let action = EntityTypeName::from_str("Action")?;
    let acts = ActName::ALL
        .into_iter()
        .map(|act| {
            (
                act,
                EntityUid::from_type_name_and_id(action.clone(), EntityId::new(act.as_str())),
            )
        })
        .collect();
    Ok(Names {
        person: EntityTypeName::from_str("Person")?,
        alert: EntityTypeName::from_str("Alert")?,
        group: EntityTypeName::from_str("Group")?,
        acts,
    })
}

fn known_runbooks(runbooks: &[RunbookFacts]) -> Result<BTreeMap<String, KnownRunbook>, String> {
    let known = runbooks.iter().map(|runbook| {
        let known = KnownRunbook::new(&runbook.name, runbook.effect, runbook.radius_names.clone())?;
        Ok((runbook.name.clone(), known))
    });
    known.collect()
}

impl KnownRunbook {
    fn new(name: &str, effect: Effect, radius_names: BTreeSet<String>) -> Result<Self, String> {
        let kind = EntityTypeName::from_str("Runbook").map_err(|error| error.to_string())?;
        let word = match effect {
            Effect::Read => "read",
            Effect::Write => "write",
            Effect::Destructive => "destructive",
        };
        let attributes = [("name", name), ("effect", word)]
            .map(|(key, value)| (key.to_owned(), RestrictedExpression::new_string(value.to_owned())));
        let uid = EntityUid::from_type_name_and_id(kind, EntityId::new(name));
        let entity = Entity::new(uid, HashMap::from(attributes), HashSet::new()).map_err(|error| error.to_string())?;
        Ok(Self {
            entity,
            effect,
            radius_names,
        })
    }

    /// A runbook that runs remember and no file describes any more.
    pub(super) fn removed(name: &str) -> Option<Self> {
        Self::new(name, Effect::Destructive, BTreeSet::new()).ok()
    }
}

/// One of Cedar's messages, at its first place; `otherwise` where it has none.
fn told(path: &Path, text: &str, otherwise: usize, error: &DetailedError) -> Problem {
    let offset = error
        .source_locations
        .first()
        .map_or(otherwise, |label| label.loc.start);
    let label = error.source_locations.first().and_then(|it| it.label.as_deref());
    let mut message = error.message.clone();
    for more in [label, error.help.as_deref()].into_iter().flatten() {
        message.push_str("; ");
        message.push_str(more);
    }
    Problem::at(path, text, offset, message)
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
    remarks: Vec<Problem>,
    articles: HashMap<PolicyId, Article>,
    full: PolicySet,
}

impl Reading<'_> {
    fn problem(&mut self, offset: usize, message: impl Into<String>) {
        self.problems.push(Problem::at(self.path, self.text, offset, message));
    }

    fn read(&mut self, parsed: &PolicySet) {
        for template in parsed.templates() {
            let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
            self.problem(
                offset,
                "slots such as `?principal` have no use here; name the group or person",
            );
        }
        let mut policies: Vec<_> = parsed
            .policies()
            .map(|policy| (policy.as_ref().loc().map_or(0, |loc| loc.start()), policy))
            .collect();
        policies.sort_by_key(|(offset, _)| *offset);
        for (order, (offset, policy)) in policies.into_iter().enumerate() {
            self.annotations(offset, policy);
            let say = policy.annotation("say").unwrap_or_default().trim().to_owned();
            if say.is_empty() {
                self.problem(
                    offset,
                    "a policy needs `@say(\"...\")`, the sentence that people see when it decides",
                );
            }
            let article = Article {
                order,
                say,
                approvals: self.approvals(offset, policy),
            };
            let policy = match self.id(offset, policy) {
                Some(id) => policy.new_id(id),
                None => policy.clone(),
            };
            let id = policy.id().clone();
            match self.full.add(policy) {
                Ok(()) => {
                    self.articles.insert(id, article);
                }
                Err(_) => self.problem(
                    offset,
                    format!(
                        "another policy has the id `{id}` already; ids are cited in answers, so each is one policy's"
                    ),
                ),
            }
        }
    }

    fn annotations(&mut self, offset: usize, policy: &cedar_policy::Policy) {
        for (name, _) in policy.annotations().filter(|(name, _)| !ANNOTATIONS.contains(name)) {
            self.problem(
                offset,
                format!("the annotation `@{name}` is not known; {}", way_out(name, ANNOTATIONS)),
            );
        }
    }

    fn id(&mut self, offset: usize, policy: &cedar_policy::Policy) -> Option<PolicyId> {
        let id = policy.annotation("id").unwrap_or_default();
        if id.is_empty() {
            self.problem(
                offset,
                "a policy needs `@id(\"...\")`, the name that answers cite it by",
            );
            return None;
        }
        if !crate::toml_file::is_word(id) {
            self.problem(
                offset,
                format!("ids are lowercase words such as `many-orders`; `{id}` is not"),
            );
            return None;
        }
        Some(PolicyId::new(id))
    }

    fn approvals(&mut self, offset: usize, policy: &cedar_policy::Policy) -> Option<NonZeroU8> {
        let written = policy.annotation("approvals")?;
        let on_run = matches!(policy.action_constraint(), ActionConstraint::Eq(act) if act.id().unescaped() == ActName::Run.as_str());
        if policy.effect() != PolicyEffect::Forbid || !on_run {
            self.problem(offset, "`@approvals` lifts a `forbid(principal, action == Action::\"run\", resource)` and has no meaning elsewhere");
            return None;
        }
        let count = written.parse::<NonZeroU8>().ok().filter(|count| count.get() <= 9);
        if count.is_none() {
            self.problem(
                offset,
                format!("`@approvals` takes how many others must say yes, \"1\" to \"9\"; \"{written}\" is not"),
            );
        }
        count
    }

    /// Strictly: what the validator cannot prove safe is a problem.
    fn validate(&mut self, schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.full, ValidationMode::Strict);
        let mut found: Vec<_> = result.validation_errors().map(|error| self.validation(error)).collect();
        // Cedar tells a mistake once for each action that the policy is about.
        found.sort();
        found.dedup_by_key(|problem| (problem.line, problem.column));
        self.problems.extend(found);
    }

    fn validation(&self, error: &ValidationError) -> Problem {
        let id = error.policy_id();
        let mut problem = told(self.path, self.text, self.offset(id), &DetailedError::from(error));
        // The place tells which policy it is.
        if let Some(message) = problem.message.strip_prefix(&format!("for policy `{id}`, ")) {
            problem.message = message.to_owned();
        }
        problem
    }

    fn offset(&self, policy: &PolicyId) -> usize {
        self.full
            .policy(policy)
            .and_then(|policy| policy.as_ref().loc())
            .map_or(0, |loc| loc.start())
    }

    fn names_exist(&mut self, existing: &Existing<'_>) {
        let mut told = Vec::new();
        for policy in self.full.policies() {
            let start = self.offset(policy.id());
            told.extend(existing.misnomers(policy).into_iter().map(|misnomer| {
                // A name that is spaced or escaped in another way is told at the policy's beginning.
                let at = self.text[start..]
                    .find(&misnomer.written)
                    .map_or(start, |at| start + at);
                (at, misnomer)
            }));
        }
        for (at, misnomer) in told {
            if misnomer.harmless {
                let message = format!("{}; until then this permits nothing", misnomer.message);
                self.remarks.push(Problem::at(self.path, self.text, at, message));
            } else {
                self.problem(at, misnomer.message);
            }
        }
    }
}
