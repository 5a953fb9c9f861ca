//! A journal in words, for people who read it line by line. Pure.

use super::journal::{Entry, Moment};
use crate::plan::Plan;
use crate::report::Outcome;
use crate::request::Resolution;
use crate::runbook::StepOutcome;

/// What an entry is, and what it says.
pub fn told(entry: &Entry, plan: &Plan) -> (String, String) {
    let name = |step: &usize| {
        plan.steps
            .get(*step)
            .map_or("?", |planned| planned.name.as_str())
            .to_owned()
    };
    match entry {
        Entry::Created { decision, by: None } => ("created".to_owned(), decision.say.clone()),
        Entry::Created { decision, by: Some(by) } => (format!("created by {by}"), decision.say.clone()),
        Entry::ApprovalAsked {
            needed,
            until,
            decision,
            ..
        } => (
            format!("approval asked ({needed})"),
            format!("{} Until {}.", decision.say, until.strftime("%H:%M:%S UTC")),
        ),
        Entry::Approved { by, policy, .. } => (
            format!("approved by {}", by.person),
            format!("In {}, by policy {policy}.", by.surface),
        ),
        Entry::Denied { person } => (format!("denied by {person}"), String::new()),
        Entry::Expired => ("expired".to_owned(), "Nobody answered in time.".to_owned()),
        Entry::Overridden { person, reason, .. } => (format!("started alone by {person}"), reason.clone()),
        Entry::Replanned { changes, .. } => ("plan changed".to_owned(), changes.join("; ")),
        Entry::Started => ("started".to_owned(), "Locks are held.".to_owned()),
        Entry::NotStarted { say, outcome } => (format!("not started: {}", outcome.words()), say.clone()),
        Entry::Signals { moment, readings } => {
            let when = match moment {
                Moment::Before => "before",
                Moment::After => "after",
                Moment::Soaked => "after the soak",
            };
            (format!("signals {when}"), format!("{} read.", readings.len()))
        }
        Entry::Intent {
            step,
            attempt,
            deadline,
            ..
        } => (
            format!("intent {}", name(step)),
            format!(
                "Call {attempt}, answered by {} at the latest.",
                deadline.strftime("%H:%M:%S UTC")
            ),
        ),
        Entry::NotMade { step, reason, again } => (
            format!("not sent {}", name(step)),
            format!("{reason} Again at {}.", again.strftime("%H:%M:%S UTC")),
        ),
        Entry::Outcome { step, outcome, say, .. } => (format!("{} {}", ended(*outcome), name(step)), say.clone()),
        Entry::TimeOver => ("time over".to_owned(), "No further step is begun.".to_owned()),
        Entry::Reminded { step, held } => {
            let keys: Vec<String> = held
                .iter()
                .map(|lock| format!("{} since {}", lock.key, lock.since.strftime("%Y-%m-%d %H:%M UTC")))
                .collect();
            let say = if keys.is_empty() {
                "Nothing is locked.".to_owned()
            } else {
                format!("Locked: {}.", keys.join(", "))
            };
            (format!("called again about {}", name(step)), say)
        }
        Entry::StopAsked { person } => (format!("stop asked by {person}"), String::new()),
        Entry::Resolved {
            step,
            person,
            resolution,
            reason,
        } => {
            let how = match resolution {
                Resolution::Done => "it happened",
                Resolution::NotDone => "it did not happen",
                Resolution::Abandon => "given up",
            };
            (format!("{person} on {}: {how}", name(step)), reason.clone())
        }
        Entry::UndoAsked { person } => (
            format!("undo asked by {}", person.as_deref().unwrap_or("the runbook")),
            String::new(),
        ),
        Entry::UndoIntent { step, deadline, .. } => (
            format!("undo intent {}", name(step)),
            format!("Answered by {} at the latest.", deadline.strftime("%H:%M:%S UTC")),
        ),
        Entry::UndoNotMade { step, reason, again } => (
            format!("undo not sent {}", name(step)),
            format!("{reason} Again at {}.", again.strftime("%H:%M:%S UTC")),
        ),
        Entry::UndoOutcome { step, outcome, say } => (format!("undo {} {}", ended(*outcome), name(step)), say.clone()),
        Entry::TakenOver { .. } => (
            "taken over".to_owned(),
            "Another process goes on with the run.".to_owned(),
        ),
        Entry::Closed { outcome, say } => (closed(*outcome), say.clone()),
        Entry::Proved { verdict, say } => (format!("proved: {}", verdict.words()), say.clone()),
    }
}

fn ended(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Done => "done",
        StepOutcome::Skipped => "nothing to do",
        StepOutcome::Failed => "failed",
        StepOutcome::Unknown => "not known",
    }
}

fn closed(outcome: Outcome) -> String {
    format!("ended: {}", outcome.words())
}
