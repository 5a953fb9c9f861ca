//! What was asked for on account of alerts, and by alerts themselves, in the words that the alerts' threads are told.

use crate::plan::Plan;
use crate::report::Report;
use crate::report::fit::one_line;
use crate::request::{Account, Ask, Request, Words};
use crate::store::alert_runs::Deed;

/// The alert that asks, where no person does.
pub(super) fn asker(request: &Request) -> Option<String> {
    matches!(request.account, Account::Alert { .. }).then(|| request.account.to_string())
}

/// A run came of it.
pub(super) fn came_to_a_run(request: &Request, plan: &Plan, run: &str) -> Option<Deed> {
    let group = request.alert.as_ref()?.group.clone();
    let asked = command(&plan.runbook, &plan.inputs_text());
    let say = match asker(request) {
        Some(alert) => format!("By itself the {alert} asked for {asked}: run {run}."),
        None => format!("{} asked for {asked}: run {run}.", plan.person),
    };
    Some(Deed { group, say })
}

/// No run came of what an alert asked for. A person who asks is told elsewhere.
pub(super) fn came_to_nothing(request: &Request, report: &Report) -> Option<Deed> {
    let alert = asker(request)?;
    let group = request.alert.as_ref()?.group.clone();
    let asked = match &request.ask {
        Ask::Run { runbook, words, .. } => command(runbook, &inputs(words)),
        _ => command(&report.runbook, &report.inputs),
    };
    let say = format!(
        "By itself the {alert} asked for {asked}, and nothing ran: {}",
        report.say
    );
    Some(Deed { group, say })
}

fn command(runbook: &str, inputs: &str) -> String {
    one_line(format!("/{runbook} {inputs}").trim_end())
}

fn inputs(words: &Words) -> String {
    match words {
        Words::Line(line) => line.clone(),
        Words::Named(inputs) => {
            let inputs = inputs.iter().map(|(name, value)| format!("{name}={value}"));
            inputs.collect::<Vec<_>>().join(" ")
        }
    }
}
