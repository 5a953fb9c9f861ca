//! Stage one: who asks, and may they ask for this runbook at all. Before any look, suggestion or "did you mean": a
//! stranger learns nothing and loads nothing.

use super::Turned;
use super::answer::said;
use crate::policy::authorize::{Act, Decision, Question};
use crate::policy::identity::Person;
use crate::report::unseen::brief;
use crate::report::{Outcome, Ruled, Ruling};
use crate::request::{Account, Request};
use crate::rules::Rules;
use crate::run::journal::Cited;
use crate::runbook::Runbook;
use std::borrow::Cow;

/// A request by a known person, for a runbook that this person may ask for.
#[derive(Debug)]
pub struct Asked<'a> {
    rules: &'a Rules,
    request: &'a Request,
    person: Cow<'a, Person>,
    runbook: &'a Runbook,
    granted: Cited,
}

impl<'a> Asked<'a> {
    /// Finds the person and the runbook, and asks the policy.
    pub fn new(rules: &'a Rules, request: &'a Request, name: &str) -> Result<Self, Turned> {
        let person = person(rules, request, name)?;
        let Some(runbook) = rules.catalog.get(name) else {
            // Only names that this person may ask for are offered.
            let near: Vec<&str> = rules
                .catalog
                .nearest(name)
                .into_iter()
                .filter(|near| {
                    rules
                        .catalog
                        .get(near)
                        .is_some_and(|runbook| may_ask(rules, request, &person, runbook).is_ok())
                })
                .collect();
            let hint = if near.is_empty() {
                "`help` lists what you may run.".to_owned()
            } else {
                format!("Did you mean {}?", near.join(" or "))
            };
            return Err(said(
                &person.name,
                name,
                Outcome::Invalid,
                format!("There is no runbook of that name. {hint}"),
            )
            .into());
        };
        let granted = may_ask(rules, request, &person, runbook).map_err(|denied| {
            let mut report = said(&person.name, name, Outcome::Denied, denied.say());
            report.policies = denied.policies().into_iter().map(str::to_owned).collect();
            report.ruling = Some(Ruling::new(Ruled::Deny, denied.say()));
            Turned::from(report)
        })?;
        Ok(Self {
            rules,
            request,
            person,
            runbook,
            granted,
        })
    }

    /// By which policy they may ask.
    pub fn granted(&self) -> &Cited {
        &self.granted
    }

    /// Runbooks, people, policy.
    pub fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// What was asked.
    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// Who asked.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// For what.
    pub fn runbook(&self) -> &'a Runbook {
        self.runbook
    }
}

/// The person behind a request's account, in the groups that the surface proved too.
pub fn person<'a>(rules: &'a Rules, request: &Request, runbook: &str) -> Result<Cow<'a, Person>, Turned> {
    let asker = rules.people.asker(&request.account, &request.memberships);
    asker.ok_or_else(|| {
        let say = match &request.account {
            Account::Picked { person } => format!("There is no person {} in people.toml.", brief(person)),
            account => unknown(account),
        };
        said(&request.account.to_string(), runbook, Outcome::Denied, say).into()
    })
}

/// What an account is told that is nobody's, with the ways out.
pub(super) fn unknown(account: &Account) -> String {
    let nobody = format!("I do not know who you are: the {account} belongs to nobody in people.toml.");
    if account.is_of_chat() {
        format!(
            "{nobody} If Signalbox knows you on another platform, type `/signalbox link` there and bring the code here by \
             `/signalbox link CODE`. Otherwise ask an operator to add this account."
        )
    } else {
        format!("{nobody} Ask an operator to add it.")
    }
}

/// Whether a person may ask for a runbook here; otherwise the decision that says why not.
pub fn may_ask(rules: &Rules, request: &Request, person: &Person, runbook: &Runbook) -> Result<Cited, Decision> {
    let question = Question {
        person,
        act: Act::Ask,
        runbook: &runbook.name,
        place: &request.place,
    };
    match rules.policy.decide(&question) {
        Decision::Allow(grant) => Ok(Cited::from(&grant)),
        decision => Err(decision),
    }
}
