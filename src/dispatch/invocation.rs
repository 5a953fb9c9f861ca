//! Stage two: the words become typed inputs, or every mistake in them is told.

use super::Turned;
use super::answer::said;
use super::asked::Asked;
use crate::report::{Outcome, Ruled, Ruling};
use crate::request::Words;
use crate::runbook::input::{Inputs, interpret};

/// A request whose inputs are understood.
#[derive(Debug)]
pub struct Invocation<'a> {
    asked: Asked<'a>,
    inputs: Inputs,
}

impl<'a> Invocation<'a> {
    /// Interprets the words by the runbook's inputs.
    pub fn interpret(asked: Asked<'a>, words: &Words) -> Result<Self, Turned> {
        match interpret(asked.runbook(), words) {
            Ok(inputs) => Ok(Self { asked, inputs }),
            Err(problems) => {
                let say = format!("{} Nothing was done.", sentences(&problems));
                let mut report = said(&asked.person().name, &asked.runbook().name, Outcome::Invalid, say);
                let granted = asked.granted();
                report.policies.clone_from(&granted.policies);
                report.ruling = Some(Ruling::new(Ruled::Allow, &granted.say));
                Err(report.into())
            }
        }
    }

    /// Whether the words themselves ask for a dry run.
    pub fn dry(&self) -> bool {
        self.inputs.dry
    }

    /// Who asked for what.
    pub fn asked(&self) -> &Asked<'a> {
        &self.asked
    }

    /// The typed inputs.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }
}

/// One after the other, each with an end.
fn sentences(problems: &[String]) -> String {
    let ended = problems.iter().map(|problem| {
        let has_end = problem.trim_end().ends_with(['.', '!', '?', ')']);
        if has_end {
            problem.clone()
        } else {
            format!("{problem}.")
        }
    });
    ended.collect::<Vec<_>>().join(" ")
}
