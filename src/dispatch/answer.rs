//! Reports of requests that become no run.

use super::held_words;
use crate::plan::Plan;
use crate::report::{Outcome, Report};
use crate::request::{Place, Request};
use crate::run::lock::HeldLock;
use crate::store::messages::{MessageKind, NewMessage};

/// What is said to somebody whose request goes no further.
pub fn said(person: &str, runbook: &str, outcome: Outcome, say: impl Into<String>) -> Report {
    Report {
        run: None,
        runbook: runbook.to_owned(),
        inputs: String::new(),
        person: person.to_owned(),
        outcome,
        dry: false,
        say: say.into(),
        plan: Vec::new(),
        planned: Vec::new(),
        warnings: Vec::new(),
        radius: Vec::new(),
        steps: Vec::new(),
        table: None,
        verdict: None,
        buttons: Vec::new(),
        attention: None,
        choice: None,
        history: Vec::new(),
        digest: None,
        policies: Vec::new(),
        ruling: None,
    }
}

/// Somebody else is at it.
pub fn locked(plan: &Plan, held: &[HeldLock]) -> Report {
    let mut report = said(
        &plan.person,
        &plan.runbook,
        Outcome::Refused,
        format!(
            "Nothing was done: {}. Wait for its end; `runs` tells how it stands.",
            held_words(held)
        ),
    );
    report.inputs = plan.inputs_text();
    report
}

/// Where the run is shown that somebody asked for or spoke to, for the asker's eyes.
pub fn pointer(request: &Request, run: &str, place: &Place) -> NewMessage {
    NewMessage {
        id: format!("{}:answer", request.id),
        kind: MessageKind::Ephemeral,
        run: Some(run.to_owned()),
        request: Some(request.id.clone()),
        place: place.clone(),
        body: None,
    }
}

/// The answer as a message for the asker's eyes.
pub fn ephemeral(request: &Request, report: &Report) -> NewMessage {
    NewMessage {
        id: format!("{}:answer", request.id),
        kind: MessageKind::Ephemeral,
        run: None,
        request: Some(request.id.clone()),
        place: request.place.clone(),
        body: Some(report.clone()),
    }
}
