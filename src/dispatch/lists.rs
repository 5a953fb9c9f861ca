//! What somebody may run here, and what ran lately, as far as they may see it.

use super::answer::said;
use super::asked::person;
use super::{Desk, Reply, Turned};
use crate::policy::authorize::{Act, Question};
use crate::policy::identity::Person;
use crate::report::Outcome;
use crate::request::Request;
use crate::rules::Rules;

impl Desk {
    pub(super) fn help(&self, rules: &Rules, request: &Request, topic: Option<&str>) -> Result<Reply, Turned> {
        let asker = &*person(rules, request, "help")?;
        let mine = rules
            .catalog
            .runbooks()
            .filter(|runbook| super::asked::may_ask(rules, request, asker, runbook).is_ok())
            .filter(|runbook| topic.is_none_or(|topic| runbook.name == topic));
        let lines: Vec<String> = mine
            .map(|runbook| format!("/{}: {}", runbook.usage(), runbook.summary))
            .collect();
        let mut say = if lines.is_empty() {
            "There is nothing that you may run here.".to_owned()
        } else {
            format!("What you may run here:\n{}", lines.join("\n"))
        };
        if let Some(trouble) = self.rules.trouble().filter(|_| operates(rules, request, asker)) {
            say.push_str("\n\n");
            say.push_str(&trouble.say());
        }
        Ok(Reply::Said(Box::new(said(
            &asker.name,
            "help",
            Outcome::Succeeded,
            say,
        ))))
    }

    pub(super) async fn recent(&self, rules: &Rules, request: &Request) -> Result<Reply, Turned> {
        let asker = &*person(rules, request, "runs")?;
        let mut lines = Vec::new();
        for line in self.store.runs(50).await? {
            let seen = Question {
                person: asker,
                act: Act::View,
                runbook: &line.runbook,
                place: &request.place,
            };
            if rules.policy.decide(&seen).is_allowed() {
                let at = line.created.strftime("%m-%d %H:%M UTC");
                lines.push(format!(
                    "{} {at} {} for {}: {}",
                    line.id,
                    line.runbook,
                    line.person,
                    line.outcome.words()
                ));
            }
        }
        lines.truncate(15);
        let say = if lines.is_empty() {
            "Nothing has run yet.".to_owned()
        } else {
            lines.join("\n")
        };
        Ok(Reply::Said(Box::new(said(
            &asker.name,
            "runs",
            Outcome::Succeeded,
            say,
        ))))
    }
}

/// Whether somebody keeps the bot going here: may stop the runs of some runbook.
pub(super) fn operates(rules: &Rules, request: &Request, asker: &Person) -> bool {
    rules.catalog.runbooks().any(|runbook| {
        let question = Question {
            person: asker,
            act: Act::Stop { requester: asker },
            runbook: &runbook.name,
            place: &request.place,
        };
        rules.policy.decide(&question).is_allowed()
    })
}
