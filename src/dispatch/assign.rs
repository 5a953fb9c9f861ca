//! An alert is given to somebody by somebody else: to those alone who might have taken it on.

use super::answer::said;
use super::{Desk, Turned};
use crate::alert::group::Group;
use crate::policy::authorize::{Act, Question};
use crate::policy::identity::Person;
use crate::report::unseen::brief;
use crate::report::{Choice, Outcome, Report};
use crate::request::{AlertAct, Request, Surface};
use crate::rules::{ALERTS, Rules};
use jiff::Timestamp;

/// People that somebody may choose from.
const CHOICES: usize = 100;

impl Desk {
    /// Lets somebody choose whom to give it to.
    pub(super) fn whom(&self, rules: &Rules, request: &Request, asker: &Person, group: &Group) -> Report {
        if group.ended.is_some() {
            return said(&asker.name, ALERTS, Outcome::NothingToDo, over());
        }
        let has_it = group.taken.as_ref().map(|(person, _)| person.as_str());
        let mut able: Vec<&Person> = rules
            .people
            .persons()
            .filter(|person| Some(person.name.as_str()) != has_it && may_take(rules, request, person).is_ok())
            .collect();
        if able.is_empty() {
            let say = "There is nobody else who may take it on.";
            return said(&asker.name, ALERTS, Outcome::NothingToDo, say);
        }
        let all = able.len();
        able.truncate(CHOICES);
        let mut say = "Who is to take it on? They are called once.".to_owned();
        if all > able.len() {
            say.push_str(&format!(" These are the first {} of {all}.", able.len()));
        }
        let mut report = said(&asker.name, ALERTS, Outcome::NothingToDo, say);
        let ways = able.into_iter().map(|person| {
            let name = person.name.clone();
            (AlertAct::AssignTo { person: name.clone() }, name)
        });
        report.choice = Some(Choice {
            alert: group.id.clone(),
            ways: ways.collect(),
        });
        report
    }

    /// Gives it to somebody, who is called where the one who gives it sees them, or else where they are.
    pub(super) async fn assign(
        &self,
        rules: &Rules,
        request: &Request,
        asker: &Person,
        group: &Group,
        to: &str,
        now: Timestamp,
    ) -> Result<String, Turned> {
        let refused = |outcome, say: String| Turned::from(said(&asker.name, ALERTS, outcome, say));
        let Some(person) = rules.people.person(to) else {
            let say = format!("Nothing was done: there is no person {} in people.toml.", brief(to));
            return Err(refused(Outcome::Invalid, say));
        };
        may_take(rules, request, person).map_err(|why| {
            refused(
                Outcome::Denied,
                format!("Nothing was done: {to} may not take alerts on. {why}"),
            )
        })?;
        let seen: Vec<Surface> = rules
            .people
            .accounts_of(to)
            .into_iter()
            .filter_map(|account| account.surface())
            .collect();
        let here = request.place.surface;
        let call = if seen.contains(&here) {
            Some(here)
        } else {
            seen.first().copied()
        };
        let done = self
            .store
            .assign_alert(&group.id, to, call, now, |group| group.assign(to, &asker.name, now))
            .await?;
        match done {
            Some(()) => Ok(format!("It is {to}'s; its message says so.")),
            None if group.ended.is_some() => Err(refused(Outcome::NothingToDo, over())),
            None => Err(refused(Outcome::NothingToDo, format!("It is {to}'s already."))),
        }
    }
}

fn over() -> String {
    "Nothing of it fires any more.".to_owned()
}

/// Whether somebody might take an alert on here; otherwise the sentence that says why not.
fn may_take(rules: &Rules, request: &Request, person: &Person) -> Result<(), String> {
    let decision = rules.policy.decide(&Question {
        person,
        act: Act::Ask,
        runbook: ALERTS,
        place: &request.place,
    });
    if decision.is_allowed() {
        Ok(())
    } else {
        Err(decision.say().to_owned())
    }
}
