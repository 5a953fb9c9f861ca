//! What an example's world answers, from what its file cans.

use super::{Struck, Trial};
use crate::call::CallResult;
use crate::integration::canned::{Made, Script, StepAnswers, unreachable};
use crate::runbook::action::Guard;
use crate::runbook::compose::{Composed, PlannedCall, PlannedStep, compose, look_arguments};
use crate::runbook::example::Answer;
use crate::runbook::fault::Fault;
use crate::runbook::input::interpret;
use crate::runbook::{Look, StepOutcome};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A script, and what could not be put into it.
pub(super) struct Written {
    pub script: Script,
    /// The plan's steps that call something.
    pub steps: Vec<String>,
    /// Those of them that no answer is canned for.
    pub unanswered: Vec<String>,
}

/// Which world a probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The step's effect shows.
    There,
    /// It does not.
    NotThere,
    /// The probe finds nobody.
    Dark,
}

impl Effect {
    /// What can be made again after a crash is made, so its effect is there.
    fn after(fault: Option<Fault>, guard: Guard) -> Self {
        match fault {
            Some(Fault::KilledBefore) if guard == Guard::Marker => Self::There,
            None | Some(Fault::Late | Fault::Killed) => Self::There,
            Some(Fault::Lost | Fault::Unreachable | Fault::NotDone | Fault::NoWorker | Fault::KilledBefore) => {
                Self::NotThere
            }
            Some(Fault::Unknown) => Self::Dark,
        }
    }
}

impl Trial<'_> {
    /// The connections of the example's world, each with its kind: all that the runbook may use, but for those that a
    /// look finds absent.
    pub(super) fn connections(&self) -> BTreeMap<String, String> {
        let mut connections = self.rules.known.connections.clone();
        let used = self.runbook.connections();
        connections.extend(used.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
        let is_absent = |look: &&Look| self.example.looks.get(&look.name) == Some(&look.absent());
        for look in self.runbook.looks.iter().filter(is_absent) {
            connections.remove(&look.call.on);
        }
        connections
    }

    /// The steps of the example's plan that call something, with the faults that can befall each.
    pub fn steps(&self, person: &str) -> Vec<(String, Vec<Fault>)> {
        let Some((_, composed)) = self.composed(person) else {
            return Vec::new();
        };
        let of_step = |step: &PlannedStep| {
            let call = self.runbook.steps.get(step.spec)?.call.as_ref()?;
            let faults = Fault::ALL.iter().copied().filter(|it| it.befalls(call.action));
            Some((step.name.clone(), faults.collect()))
        };
        composed.steps.iter().filter_map(of_step).collect()
    }

    /// None where the gate refuses before anything is planned; it says so itself.
    fn composed(&self, person: &str) -> Option<(Map<String, Value>, Composed)> {
        let inputs = interpret(self.runbook, &self.example.words).ok()?.values;
        let composed = compose(self.runbook, &inputs, &self.example.looks, person).ok()?;
        Some((inputs, composed))
    }

    pub(super) fn script(&self, person: &str, struck: Option<&Struck>) -> Written {
        let mut written = Written {
            script: Script::default(),
            steps: Vec::new(),
            unanswered: Vec::new(),
        };
        let Some((inputs, composed)) = self.composed(person) else {
            return written;
        };
        let looks = self.runbook.looks.iter().filter_map(|look| {
            let made = Made {
                on: look.call.on.clone(),
                action: format!("{}.{}", look.call.action.integration, look.call.action.name),
                arguments: look_arguments(look, &inputs, &self.example.looks).ok()?,
            };
            let canned = self.example.looks.get(&look.name)?;
            let answer = if look.may_fail {
                CallResult::from_value(canned)?
            } else {
                CallResult::Done { value: canned.clone() }
            };
            Some((made, answer))
        });
        let mut steps = BTreeMap::new();
        for (step, call) in composed
            .steps
            .iter()
            .filter_map(|step| Some((step, step.call.as_ref()?)))
        {
            written.steps.push(step.name.clone());
            match self.answers(step, call, struck.filter(|it| it.step == step.name)) {
                Some(answers) => drop(steps.insert(step.name.clone(), answers)),
                None => written.unanswered.push(step.name.clone()),
            }
        }
        written.script = Script::new(looks.collect(), steps);
        written
    }

    fn answers(&self, step: &PlannedStep, call: &PlannedCall, struck: Option<&Struck>) -> Option<StepAnswers> {
        let canned = self.canned(&step.name);
        let answered = |it: &&&Answer| matches!(it.call, CallResult::Done { .. });
        let good = canned
            .iter()
            .filter(answered)
            .find(|it| it.outcome == StepOutcome::Done)
            .or_else(|| canned.iter().find(answered))?;
        let guard = self.runbook.steps.get(step.spec)?.call.as_ref()?.action.guard;
        let fault = struck.map(|it| it.fault);
        let probed = struck.and_then(|it| it.probe.clone());
        let probe = probed.unwrap_or_else(|| match Effect::after(fault, guard) {
            Effect::There => good.probe.clone().unwrap_or_else(no_probe),
            Effect::NotThere => canned
                .iter()
                .filter(|it| !matches!(it.outcome, StepOutcome::Done | StepOutcome::Skipped))
                .filter(|it| !answered(it))
                .filter_map(|it| it.probe.clone())
                .find(|probe| matches!(probe, CallResult::Done { .. }))
                .unwrap_or_else(no_probe),
            Effect::Dark => unreachable(),
        });
        Some(StepAnswers {
            made: Made {
                on: call.on.clone(),
                action: call.action.clone(),
                arguments: call.arguments.clone(),
            },
            timeout: step.timeout,
            call: good.call.clone(),
            probe,
            fault,
        })
    }

    /// The answers to a step: the example's own, else what other examples can for a step of the same name.
    fn canned(&self, step: &str) -> Vec<&Answer> {
        let own: Vec<&Answer> = self.example.answers.iter().filter(|it| it.step == step).collect();
        if !own.is_empty() {
            return own;
        }
        let others = self.runbook.examples.iter().flat_map(|it| &it.answers);
        others.filter(|it| it.step == step).collect()
    }
}

fn no_probe() -> CallResult {
    CallResult::Unreachable {
        reason: "no [[example.answer]] cans such a probe".to_owned(),
    }
}
