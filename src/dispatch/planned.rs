//! Stage three: looks are made, refusals speak, and what is left is a plan.

use super::Turned;
use super::answer::said;
use super::charted::charted;
use super::invocation::Invocation;
use super::looks::look;
use crate::call::Identity;
use crate::integration::Connections;
use crate::plan::{Parts, Plan, inputs_text};
use crate::report::{Outcome, Report};
use crate::request::Request;
use crate::rules::Rules;
use crate::runbook::compose::compose;
use crate::runbook::{Call, Runbook};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A request with its plan, not yet decided.
#[derive(Debug)]
pub struct Planned<'a> {
    rules: &'a Rules,
    request: &'a Request,
    plan: Plan,
}

impl<'a> Planned<'a> {
    /// Makes the looks and works the plan out. Reads only.
    pub async fn build(invocation: Invocation<'a>, connections: &Connections) -> Result<Self, Turned> {
        let asked = invocation.asked();
        let (runbook, person, request) = (asked.runbook(), asked.person(), asked.request());
        let inputs = invocation.inputs().values.clone();
        let refused = |say: String| -> Report {
            let mut report = said(&person.name, &runbook.name, Outcome::Refused, say);
            report.inputs = inputs_text(&inputs, &runbook.spans());
            report
        };
        let looks = look(runbook, &inputs, connections, &request.id)
            .await
            .map_err(|unseen| refused(unseen.to_string()))?;
        let mut composed = compose(runbook, &inputs, &looks, &person.name)
            .map_err(|error| refused(format!("Nothing was done: the runbook cannot be planned: {error}")))?;
        if !composed.refusals.is_empty() {
            let mut report = refused(composed.refusals.join("\n"));
            report.warnings = composed.warnings;
            return Err(report.into());
        }
        let panels = &asked.rules().panels;
        let chart = charted(runbook, &mut composed, panels, connections, Timestamp::now())
            .await
            .map_err(refused)?;
        let identities = identities(runbook, connections);
        let plan = Plan::new(Parts {
            runbook,
            person: &person.name,
            place: &request.place,
            inputs,
            looks,
            composed,
            chart,
            connections: identities,
        });
        Ok(Self {
            rules: asked.rules(),
            request,
            plan,
        })
    }

    /// Runbooks, people, policy.
    pub fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What was asked.
    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// The request and the plan.
    pub fn into_parts(self) -> (&'a Request, Plan) {
        (self.request, self.plan)
    }
}

/// Where the connections lead that a runbook's steps use.
fn identities(runbook: &Runbook, connections: &Connections) -> BTreeMap<String, Identity> {
    runbook
        .steps
        .iter()
        .flat_map(|step| [&step.call, &step.probe, &step.undo])
        .flatten()
        .map(|call: &Call| call.on.as_str())
        .filter_map(|name| Some((name.to_owned(), connections.get(name)?.identity())))
        .collect::<BTreeMap<String, Identity>>()
}
