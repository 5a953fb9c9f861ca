//! Examples: inputs and canned answers in the runbook's file, with the plan, refusal or outcome that must come of them.
//! `signalbox check` runs them, so that a runbook is not tried out on the systems it is for.

use super::compose::{Composed, compose, judge, look_arguments};
use super::fault::Fault;
use super::input::interpret;
use super::{Runbook, StepOutcome};
use crate::call::CallResult;
use crate::problem::Problem;
use crate::request::Words;
use serde_json::{Map, Value};
use std::path::Path;

/// Inputs and canned looks, with what must come of them.
#[derive(Debug, Clone)]
pub struct Example {
    /// One line that says what it shows.
    pub name: String,
    /// Its place in the file, in bytes.
    pub offset: usize,
    /// As if typed.
    pub words: Words,
    /// Who asks, if it matters.
    pub person: Option<String>,
    /// Answers of all looks, by name.
    pub looks: Map<String, Value>,
    /// What must come of them.
    pub expect: Expect,
    /// Texts that must be said.
    pub says: Vec<String>,
    /// The names of the planned steps, if they matter.
    pub steps: Option<Vec<String>>,
    /// What the runbook must make of answers to its steps.
    pub answers: Vec<Answer>,
    /// What goes wrong with a step, and what must come of it; tried by `signalbox test`.
    pub faults: Vec<ExampleFault>,
}

/// What must come of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Steps, or a table.
    Plan,
    /// A refusal.
    Refused,
    /// Nothing to do.
    Nothing,
}

/// An answer to a step, with the outcome that must come of it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its place in the file, in bytes.
    pub offset: usize,
    /// The step's name in the plan.
    pub step: String,
    /// What the call gave.
    pub call: CallResult,
    /// What the probe gave.
    pub probe: Option<CallResult>,
    /// What must come of it.
    pub outcome: StepOutcome,
    /// Texts that must be said.
    pub says: Vec<String>,
}

/// A fault of a step, with the outcome that must come of it.
#[derive(Debug, Clone)]
pub struct ExampleFault {
    /// Its place in the file, in bytes.
    pub offset: usize,
    /// The step's name in the plan.
    pub step: String,
    /// What goes wrong.
    pub is: Fault,
    /// What the probe gives, if that matters.
    pub probe: Option<CallResult>,
    /// What must come of it.
    pub outcome: StepOutcome,
    /// Texts that must be said.
    pub says: Vec<String>,
}

/// Who asks in examples that do not say.
const ANYBODY: &str = "dana";

/// Runs all examples of a runbook.
pub fn check(runbook: &Runbook, path: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for example in &runbook.examples {
        let tell = |(offset, message): (usize, String)| {
            Problem::at(
                path,
                &runbook.source,
                offset,
                format!("the example \"{}\" {message}", example.name),
            )
        };
        problems.extend(run(runbook, example).into_iter().map(tell));
    }
    problems
}

fn run(runbook: &Runbook, example: &Example) -> Vec<(usize, String)> {
    let at = |message: String| vec![(example.offset, message)];
    let inputs = match interpret(runbook, &example.words) {
        Ok(inputs) => inputs.values,
        Err(problems) => return at(format!("has inputs that do not fit: {}", problems.join("; "))),
    };
    for look in &runbook.looks {
        if let Err(error) = look_arguments(look, &inputs, &example.looks) {
            return at(format!("fails: {error}"));
        }
    }
    let composed = match compose(
        runbook,
        &inputs,
        &example.looks,
        example.person.as_deref().unwrap_or(ANYBODY),
    ) {
        Ok(composed) => composed,
        Err(error) => return at(format!("fails: {error}")),
    };
    let mut problems = Vec::new();
    let (came, what) = came_of(&composed);
    if came != example.expect {
        return at(format!(
            "should be {}, and it is {}: {what}",
            word(example.expect),
            word(came)
        ));
    }
    for text in example.says.iter().filter(|text| !what.contains(text.as_str())) {
        problems.push((example.offset, format!("should say \"{text}\", and it says: {what}")));
    }
    let steps: Vec<&str> = composed.steps.iter().map(|step| step.name.as_str()).collect();
    if let Some(expected) = example.steps.as_ref().filter(|expected| **expected != steps) {
        let message = format!(
            "should have the steps {}, and it has: {}",
            expected.join(", "),
            steps.join(", ")
        );
        problems.push((example.offset, message));
    }
    for answer in &example.answers {
        problems.extend(answered(runbook, example, &inputs, &composed, answer).map(|message| (answer.offset, message)));
    }
    problems
}

fn answered(
    runbook: &Runbook,
    example: &Example,
    inputs: &Map<String, Value>,
    composed: &Composed,
    answer: &Answer,
) -> Option<String> {
    let step = composed.steps.iter().find(|step| step.name == answer.step);
    let Some((step, spec)) = step.and_then(|step| Some((step, runbook.steps.get(step.spec)?))) else {
        return Some(format!(
            "has an answer to the step `{}`, which is not in its plan",
            answer.step
        ));
    };
    let (outcome, said) = judge(spec, step, inputs, &example.looks, &answer.call, answer.probe.as_ref());
    if outcome != answer.outcome {
        return Some(format!(
            "should come to {:?}, and it comes to {outcome:?}: {said}",
            answer.outcome
        ));
    }
    let unsaid = answer.says.iter().find(|text| !said.contains(text.as_str()))?;
    Some(format!("should say \"{unsaid}\", and it says: {said}"))
}

fn came_of(composed: &Composed) -> (Expect, String) {
    if !composed.refusals.is_empty() {
        return (Expect::Refused, composed.refusals.join(" "));
    }
    let warnings = composed.warnings.iter().cloned();
    if !composed.nothing.is_empty() {
        return (
            Expect::Nothing,
            composed
                .nothing
                .iter()
                .cloned()
                .chain(warnings)
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    let steps = composed.steps.iter().map(|step| step.say.clone());
    let result = composed.result.iter().map(|it| it.say.clone());
    let offers = composed.offers.iter().map(|it| it.label.clone());
    (
        Expect::Plan,
        warnings
            .chain(steps)
            .chain(result)
            .chain(offers)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn word(expect: Expect) -> &'static str {
    match expect {
        Expect::Plan => "a plan",
        Expect::Refused => "refused",
        Expect::Nothing => "nothing to do",
    }
}
