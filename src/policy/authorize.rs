//! Who may do what: Cedar policies over facts that are handed in. Nothing is allowed that no policy allows, and a policy
//! that cannot be evaluated is a no: Cedar itself skips a failing `forbid`, which would let everything through.

mod decision;
mod load;
mod misnomer;
mod question;
mod reach;
mod schema;

pub use decision::{Approvers, Decision, Grant, Threshold};
pub use question::{Act, ActName, Question, Radius, RunbookFacts};

use crate::policy::identity::{People, Person};
use crate::problem::Problem;
use crate::request::{Account, Place, Surface};
use crate::runbook::action::Effect;
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId, PolicySet, Request,
    RestrictedExpression, Schema,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::num::NonZeroU8;
use std::path::Path;

/// All policies, parsed, validated and ready.
pub struct Policy {
    /// Everything, thresholds included.
    full: PolicySet,
    /// Everything but the thresholds.
    without_thresholds: PolicySet,
    articles: HashMap<PolicyId, Article>,
    schema: Schema,
    runbooks: BTreeMap<String, KnownRunbook>,
    names: Names,
    authorizer: Authorizer,
    version: String,
    remarks: Vec<Problem>,
}

/// What people are told of one policy.
#[derive(Debug, Clone)]
struct Article {
    /// The place in the file.
    order: usize,
    say: String,
    /// The threshold, of a `forbid` on `run` that others can lift.
    approvals: Option<NonZeroU8>,
}

struct KnownRunbook {
    entity: Entity,
    effect: Effect,
    radius_names: BTreeSet<String>,
}

/// Cedar's names, parsed once.
struct Names {
    person: EntityTypeName,
    alert: EntityTypeName,
    group: EntityTypeName,
    acts: HashMap<ActName, EntityUid>,
}

/// Why a question cannot be put to the policies at all.
#[derive(Debug, thiserror::Error)]
enum Unanswerable {
    #[error("the plan does not tell `{0}`, which the policy needs to know")]
    Untold(String),
    #[error("the plan tells `{0}`, which the runbook does not declare")]
    Undeclared(String),
    #[error("the policy engine does not take the question ({0})")]
    Engine(String),
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("version", &self.version)
            .field("articles", &self.articles.len())
            .finish()
    }
}

impl Policy {
    /// Reads and validates `policy.cedar` against the runbooks and the people there are.
    pub fn load(path: &Path, text: &str, runbooks: &[RunbookFacts], people: &People) -> Result<Self, Vec<Problem>> {
        load::load(path, text, runbooks, Some(people))
    }

    /// What is wrong with `policy.cedar`, as far as that can be told without the people.
    pub fn problems(path: &Path, text: &str, runbooks: &[RunbookFacts]) -> Vec<Problem> {
        load::load(path, text, runbooks, None).err().unwrap_or_default()
    }

    /// SHA-256 over the policies and the schema that they were validated against, in hex.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What does no harm and may be a mistake: groups that nothing declares and something is permitted to.
    pub fn remarks(&self) -> &[Problem] {
        &self.remarks
    }

    /// The schema that follows from the runbooks, in Cedar's own syntax, for editors and for `signalbox export policy-schema`.
    pub fn schema_text(runbooks: &[RunbookFacts]) -> String {
        schema::text(runbooks)
    }

    /// Decides. Every answer names its policies. What is known of somebody's groups by a list that is too old counts, except
    /// where somebody approves or destroys: there it counts neither for them nor for others, and the answer says why.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        if question.person.alert().is_some() && !matches!(question.act, Act::Ask | Act::Run { .. }) {
            let say = format!("{} may ask for a runbook and do nothing else.", question.person.name);
            return Decision::Deny {
                policies: Vec::new(),
                say,
            };
        }
        let decided = self.decide_by_all(question);
        if question.person.lapsed.is_empty() || !self.is_grave(question) {
            return decided;
        }
        let person = question.person.beyond_doubt();
        let sure = self.decide_by_all(&Question {
            person: &person,
            ..*question
        });
        decided.or_stricter(sure, &question.person.lapsed)
    }

    fn is_grave(&self, question: &Question<'_>) -> bool {
        match question.act {
            Act::Approve { .. } | Act::Override { .. } => true,
            Act::Run { .. } => self
                .runbooks
                .get(question.runbook)
                .is_none_or(|runbook| runbook.effect == Effect::Destructive),
            Act::Ask | Act::View | Act::Stop { .. } | Act::Resolve { .. } => false,
        }
    }

    fn decide_by_all(&self, question: &Question<'_>) -> Decision {
        let removed;
        let runbook = match (self.runbooks.get(question.runbook), question.act) {
            (Some(runbook), _) => runbook,
            // The run of a runbook that is gone is still there to be seen, stopped and cleared up. How strong its effect
            // was is told nowhere any more, so it counts as the strongest.
            (None, Act::View | Act::Stop { .. } | Act::Resolve { .. }) => match KnownRunbook::removed(question.runbook)
            {
                Some(runbook) => {
                    removed = runbook;
                    &removed
                }
                None => return no_policy(question),
            },
            (None, _) => return no_policy(question),
        };
        let (request, entities) = match self.facts(question, runbook) {
            Ok(facts) => facts,
            Err(reason) => {
                return Decision::Deny {
                    policies: Vec::new(),
                    say: format!("Denied: {reason}."),
                };
            }
        };
        match self.evaluate(&self.full, &request, &entities) {
            Evaluation::Failed { policies, say } => Decision::Deny { policies, say },
            Evaluation::Allowed(by) => self.grant(question, &by),
            Evaluation::Denied(by) => {
                let (thresholds, bans): (Vec<_>, Vec<_>) = by
                    .into_iter()
                    .partition(|id| self.articles.get(id).is_some_and(|it| it.approvals.is_some()));
                if !bans.is_empty() {
                    return Decision::Deny {
                        say: self.sentences(&bans),
                        policies: strings(&bans),
                    };
                }
                let count = thresholds
                    .iter()
                    .filter_map(|id| self.articles.get(id)?.approvals)
                    .max();
                let Some(count) = count else { return no_policy(question) };
                match self.evaluate(&self.without_thresholds, &request, &entities) {
                    Evaluation::Allowed(_) => Decision::NeedsApproval(Threshold {
                        person: question.person.name.clone(),
                        runbook: question.runbook.to_owned(),
                        count,
                        say: self.sentences(&thresholds),
                        policies: strings(&thresholds),
                    }),
                    Evaluation::Denied(_) => no_policy(question),
                    Evaluation::Failed { policies, say } => Decision::Deny { policies, say },
                }
            }
        }
    }

    /// Whom to ask for approval: everybody but the requester whom the policy would let approve, at the place where the
    /// plan was asked for.
    pub fn who_may_approve(
        &self,
        people: &People,
        runbook: &str,
        radius: &Radius,
        requester: &Person,
        place: &Place,
    ) -> Approvers {
        let may = |person: &Person| {
            let account = presumed_account(place.surface, &person.name);
            let act = Act::Approve {
                radius,
                requester,
                account: &account,
            };
            self.decide(&Question {
                person,
                act,
                runbook,
                place,
            })
            .is_allowed()
        };
        let others = people.persons().filter(|person| person.name != requester.name);
        let persons = others
            .filter(|person| may(person))
            .map(|person| person.name.clone())
            .collect();
        let groups = people.groups().map(|group| group.name.clone());
        let groups = groups
            // The name is nobody's: names in `people.toml` are lowercase words.
            .filter(|group| may(&Person::named("?", BTreeSet::from([group.clone()]))))
            .collect();
        Approvers { persons, groups }
    }

    fn facts(&self, question: &Question<'_>, runbook: &KnownRunbook) -> Result<(Request, Entities), Unanswerable> {
        let mut context = vec![("place".to_owned(), place(question.place)?)];
        if let Some(radius) = question.act.radius() {
            // A fact that is not told would be taken for one that is not there, and its threshold would not hold.
            if let Some(untold) = runbook.radius_names.iter().find(|name| !radius.contains_key(*name)) {
                return Err(Unanswerable::Untold(untold.clone()));
            }
            if let Some(undeclared) = radius.keys().find(|name| !runbook.radius_names.contains(*name)) {
                return Err(Unanswerable::Undeclared(undeclared.clone()));
            }
            context.push(("radius".to_owned(), schema::radius(radius)?));
        }
        let principal = self.principal(question.person);
        let mut entities = vec![runbook.entity.clone(), principal.clone()];
        if let Some(requester) = question.act.requester() {
            let uid = self.uid(&self.names.person, &requester.name);
            context.push(("requester".to_owned(), RestrictedExpression::new_entity_uid(uid)));
            if requester.name != question.person.name {
                entities.push(self.person(requester));
            }
        }
        if let Act::Approve { account, .. } = question.act {
            let kind = RestrictedExpression::new_string(account_kind(account).to_owned());
            context.push(("approver".to_owned(), record([("account".to_owned(), kind)])?));
        }
        let act = question.act.name();
        let act = self
            .names
            .acts
            .get(&act)
            .ok_or_else(|| Unanswerable::Engine(format!("no action {}", act.as_str())))?;
        let request = Request::new(
            principal.uid(),
            act.clone(),
            runbook.entity.uid(),
            Context::from_pairs(context).map_err(engine)?,
            Some(&self.schema),
        );
        Ok((
            request.map_err(engine)?,
            Entities::from_entities(entities, None).map_err(engine)?,
        ))
    }

    /// Who asks: a person, or an alert, which is in no group.
    fn principal(&self, person: &Person) -> Entity {
        match person.alert() {
            Some(name) => Entity::new_no_attrs(self.uid(&self.names.alert, name), HashSet::new()),
            None => self.person(person),
        }
    }

    fn person(&self, person: &Person) -> Entity {
        let groups: HashSet<_> = person
            .groups
            .iter()
            .map(|group| self.uid(&self.names.group, group))
            .collect();
        Entity::new_no_attrs(self.uid(&self.names.person, &person.name), groups)
    }

    fn uid(&self, kind: &EntityTypeName, name: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
    }

    fn evaluate(&self, policies: &PolicySet, request: &Request, entities: &Entities) -> Evaluation {
        let response = self.authorizer.is_authorized(request, policies, entities);
        let mut failures: Vec<(&PolicyId, String)> = response
            .diagnostics()
            .errors()
            .map(|error| match error {
                cedar_policy::AuthorizationError::PolicyEvaluationError(error) => {
                    (error.policy_id(), error.inner().to_string())
                }
            })
            .collect();
        if !failures.is_empty() {
            failures.sort_by_key(|(id, _)| self.order(id));
            let told: Vec<_> = failures
                .iter()
                .map(|(id, reason)| format!("`{id}` ({reason})"))
                .collect();
            return Evaluation::Failed {
                say: format!(
                    "Denied, because this policy could not be evaluated: {}.",
                    told.join(", ")
                ),
                policies: failures.iter().map(|(id, _)| id.to_string()).collect(),
            };
        }
        let mut by: Vec<PolicyId> = response.diagnostics().reason().cloned().collect();
        by.sort_by_key(|id| self.order(id));
        match response.decision() {
            cedar_policy::Decision::Allow => Evaluation::Allowed(by),
            cedar_policy::Decision::Deny => Evaluation::Denied(by),
        }
    }

    fn order(&self, id: &PolicyId) -> Option<usize> {
        self.articles.get(id).map(|article| article.order)
    }

    fn sentences(&self, policies: &[PolicyId]) -> String {
        let says: Vec<_> = policies
            .iter()
            .filter_map(|id| self.articles.get(id))
            .map(|it| it.say.as_str())
            .collect();
        says.join(" ")
    }

    fn grant(&self, question: &Question<'_>, by: &[PolicyId]) -> Decision {
        // An answer that nobody can be named for is not given.
        let Some((policy, article)) = by.first().and_then(|id| Some((id, self.articles.get(id)?))) else {
            return no_policy(question);
        };
        Decision::Allow(Grant {
            person: question.person.name.clone(),
            act: question.act.name(),
            runbook: question.runbook.to_owned(),
            policy: policy.to_string(),
            say: article.say.clone(),
        })
    }
}

enum Evaluation {
    Allowed(Vec<PolicyId>),
    /// Empty where no policy says anything.
    Denied(Vec<PolicyId>),
    Failed {
        policies: Vec<String>,
        say: String,
    },
}

fn no_policy(question: &Question<'_>) -> Decision {
    let phrase = question.act.name().phrase();
    let say = format!("No policy lets {} {phrase} {}.", question.person.name, question.runbook);
    Decision::Deny {
        policies: Vec::new(),
        say,
    }
}

fn strings(policies: &[PolicyId]) -> Vec<String> {
    policies.iter().map(ToString::to_string).collect()
}

fn engine(error: impl fmt::Display) -> Unanswerable {
    Unanswerable::Engine(error.to_string())
}

fn record(
    members: impl IntoIterator<Item = (String, RestrictedExpression)>,
) -> Result<RestrictedExpression, Unanswerable> {
    RestrictedExpression::new_record(members).map_err(engine)
}

fn place(place: &Place) -> Result<RestrictedExpression, Unanswerable> {
    let surface = match place.surface {
        Surface::Slack => "slack",
        Surface::Discord => "discord",
        Surface::Console => "console",
        Surface::Cli => "cli",
    };
    let members = [
        ("surface", Some(surface)),
        ("workspace", place.workspace.as_deref()),
        ("channel", place.channel.as_deref()),
    ];
    record(
        members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), RestrictedExpression::new_string(value?.to_owned())))),
    )
}

fn account_kind(account: &Account) -> &'static str {
    match account {
        Account::Slack { .. } => "slack",
        Account::Discord { .. } => "discord",
        Account::Os { .. } => "os",
        Account::Picked { .. } => "picked",
        Account::Session { .. } => "session",
        Account::Alert { .. } => "alert",
    }
}

/// The account that a person would most likely answer with; policies see its kind alone.
fn presumed_account(surface: Surface, person: &str) -> Account {
    let user = person.to_owned();
    match surface {
        Surface::Slack => Account::Slack {
            team: String::new(),
            user,
        },
        Surface::Discord => Account::Discord { user },
        Surface::Console => Account::Session {
            person: user,
            session: String::new(),
        },
        Surface::Cli => Account::Os { user },
    }
}

#[cfg(test)]
mod tests;
