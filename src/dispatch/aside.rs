//! What is told of a run that cannot be read, or not believed, and what can be done about it.

use super::answer::said;
use super::overview::may_view;
use super::{Desk, Turned};
use crate::policy::authorize::Act;
use crate::policy::identity::Person;
use crate::report::{Button, Outcome, Press, Report};
use crate::request::Request;
use crate::rules::Rules;
use crate::run::ledger::{LedgerError, Live};
use crate::store::StoreError;
use crate::store::aside::Outline;
use jiff::Timestamp;
use serde_json::json;

/// A run, as far as it can be read.
#[derive(Debug)]
pub enum Sight {
    /// As it is.
    Live(Box<Live>),
    /// It cannot be read; this is what can be told.
    Aside(Box<Outline>, Box<Report>),
}

impl Desk {
    /// The report of a run, also of one that cannot be read.
    pub async fn shown(&self, run: &str) -> Result<Report, LedgerError> {
        Ok(match self.sight(run).await? {
            Sight::Live(live) => {
                let mut report = self.report(&live);
                report.history.extend(self.cleared(run).await?);
                report
            }
            Sight::Aside(_, report) => *report,
        })
    }

    /// A run, also one that cannot be read.
    pub async fn sight(&self, run: &str) -> Result<Sight, LedgerError> {
        let error = match Live::load(&self.store, run).await {
            Ok(live) => return Ok(Sight::Live(Box::new(live))),
            Err(error) => error,
        };
        let (Some(reason), Some(outline)) = (error.lasting(), self.store.outline(run).await?) else {
            return Err(error);
        };
        let held: Vec<String> = self
            .store
            .locks_of(run)
            .await?
            .into_iter()
            .map(|lock| lock.key)
            .collect();
        let report = report(&outline, &reason, &held);
        Ok(Sight::Aside(Box::new(outline), Box::new(report)))
    }

    /// The same for somebody who may see runs of its runbook; none for others, and for a wrong id.
    pub async fn in_sight(&self, rules: &Rules, asker: &Request, run: &str) -> Result<Option<Sight>, LedgerError> {
        let sight = match self.sight(run).await {
            Ok(sight) => sight,
            Err(LedgerError::Store(StoreError::NoSuchRun(_))) => return Ok(None),
            Err(error) => return Err(error),
        };
        let runbook = match &sight {
            Sight::Live(live) => &live.plan().runbook,
            Sight::Aside(outline, _) => &outline.runbook,
        };
        Ok(may_view(rules, asker, runbook).then_some(sight))
    }

    /// Gives a run up that is set aside.
    pub(super) async fn give_up(
        &self,
        rules: &Rules,
        request: &Request,
        asker: &Person,
        outline: &Outline,
    ) -> Result<Report, Turned> {
        let (run, runbook) = (&outline.run, &outline.runbook);
        if !is_open(outline) {
            let say = format!(
                "There is nothing left to stop: run {run} is {}.",
                outline.outcome.words()
            );
            return Err(said(&asker.name, runbook, Outcome::Refused, say).into());
        }
        // What it has done is not known: this takes the right to say what became of a step.
        let requester = &rules.people.owner(&outline.person);
        self.may(rules, request, asker, runbook, Act::Resolve { requester })?;
        let say = format!(
            "{} gave it up. What it has done is not known: look at the target.",
            asker.name
        );
        if outline.aside.is_none() {
            // Nobody has looked at it since it was changed.
            let say = format!("Run {run} is about to be set aside; ask again in a moment.");
            return Err(said(&asker.name, runbook, Outcome::Refused, say).into());
        }
        if !self.store.give_up(run, &say, Timestamp::now()).await? {
            let say = format!("Somebody was faster: look at run {run} again.");
            return Err(said(&asker.name, runbook, Outcome::Refused, say).into());
        }
        self.audit("stop", asker, run, json!({ "given_up": true })).await?;
        Ok(said(
            &asker.name,
            runbook,
            Outcome::Stopped,
            format!("Run {run} is given up and its locks are free. What it has done is not known: look at the target."),
        ))
    }
}

fn is_open(outline: &Outline) -> bool {
    matches!(
        outline.outcome,
        Outcome::Running | Outcome::AwaitingApproval | Outcome::NeedsPerson
    )
}

fn report(outline: &Outline, reason: &str, held: &[String]) -> Report {
    let mut report = said(&outline.person, &outline.runbook, outline.outcome, String::new());
    report.run = Some(outline.run.clone());
    report.inputs = outline.inputs.clone().unwrap_or_default();
    if !is_open(outline) {
        let ended = outline.said.as_deref().unwrap_or_default();
        report.say = format!("{ended} What is stored of it cannot be believed any more: {reason}.")
            .trim_start()
            .to_owned();
        return report;
    }
    report.outcome = Outcome::NeedsPerson;
    let locks = if held.is_empty() {
        "It holds no locks.".to_owned()
    } else {
        format!("Its locks stay held: {}.", held.join(", "))
    };
    report.say = format!(
        "Set aside: {reason}. Nothing of it is carried out. {locks} Put the bot's database right, or run the version that \
         wrote it, and start Signalbox again; or give the run up with `stop`, which lets its locks go, and look at what it \
         has done."
    );
    if outline.aside.is_some() {
        report.buttons.push(Button {
            press: Press::Stop,
            label: "Give the run up".to_owned(),
        });
    }
    report
}
