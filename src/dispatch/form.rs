//! Forms of runbooks, for those who may ask for them, and what is wrong with one that was filled in. Nothing is stored and
//! nothing looked at: what a form asks for goes the way of every request.

use super::Desk;
use super::asked::Asked;
use super::completion::Typist;
use super::overview::runnable;
use crate::report::form::{Flaw, Form, Pick};
use crate::request::{Ask, Request, Words};
use crate::runbook::input::{interpret, is_missing, quoted};

/// When a form is offered in the place of the words that say what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Where something is missing. Opening it costs a call within the three seconds, and what is whole and wrong has its
    /// answer in words.
    Incomplete,
    /// Where something is missing or wrong: the form is the answer itself.
    Faulty,
}

impl Desk {
    /// The form of what was asked for without saying all that it needs, or with something wrong, and with what was said
    /// filled in; none for those who may not ask, and they are told so by the gate.
    pub fn form_wanted(&self, request: &Request, offer: Offer) -> Option<Form> {
        let Ask::Run { runbook, words, .. } = &request.ask else {
            return None;
        };
        let rules = self.rules.now();
        // The policy costs far more than reading the words, and most words need no form.
        let problems = interpret(rules.catalog.get(runbook)?, words).err()?;
        if offer == Offer::Incomplete && !problems.iter().any(|problem| is_missing(problem)) {
            return None;
        }
        let asked = Asked::new(&rules, request, runbook).ok()?;
        let runbook = asked.runbook();
        let is_empty = match words {
            Words::Line(line) => line.trim().is_empty(),
            Words::Named(pairs) => pairs.is_empty(),
        };
        Some(if is_empty {
            runbook.form()
        } else {
            runbook.form_of(words, problems)
        })
    }

    /// The form of a runbook, for whoever may ask for it.
    pub fn form(&self, asker: &Request, runbook: &str) -> Option<Form> {
        let rules = self.rules.now();
        let asked = Asked::new(&rules, asker, runbook).ok()?;
        Some(asked.runbook().form())
    }

    /// The runbooks that somebody may choose from.
    pub fn choice(&self, asker: &Request) -> Vec<Pick> {
        let mine = runnable(&self.rules.now(), asker).mine;
        mine.iter()
            .map(|runbook| Pick {
                value: runbook.name.clone(),
                label: format!("/{}: {}", runbook.name, runbook.summary),
            })
            .collect()
    }

    /// What is wrong with a form that was filled in, as far as the words alone tell. Nothing is told to those who may not
    /// ask: the gate tells them.
    pub fn flaws(&self, request: &Request) -> Vec<Flaw> {
        let Ask::Run { runbook, words, .. } = &request.ask else {
            return Vec::new();
        };
        let rules = self.rules.now();
        let Ok(asked) = Asked::new(&rules, request, runbook) else {
            return Vec::new();
        };
        match interpret(asked.runbook(), words) {
            Ok(_) => Vec::new(),
            Err(problems) => asked.runbook().flaws(problems),
        }
    }

    /// What can be picked in a field that takes nothing else than what is picked: what is offered, and what is typed where
    /// that is a value. So nobody is kept from their work by suggestions that come late or not at all.
    pub async fn picks(&self, asker: &Request, runbook: &str, input: &str, typed: &str) -> Vec<Pick> {
        let rules = self.rules.now();
        let Ok(asked) = Asked::new(&rules, asker, runbook) else {
            return Vec::new();
        };
        let Some(spec) = asked.runbook().inputs.iter().find(|spec| spec.name == input) else {
            return Vec::new();
        };
        let typist = Typist {
            account: &asker.account,
            memberships: &asker.memberships,
            place: &asker.place,
        };
        let offered = self.complete(typist, runbook, input, typed).await;
        let mut picks: Vec<Pick> = offered
            .choices
            .into_iter()
            .map(|choice| Pick {
                value: choice.value,
                label: choice.label,
            })
            .collect();
        let typed = typed.trim();
        if !typed.is_empty() && spec.takes(typed) {
            let value = if spec.many { quoted(typed) } else { typed.to_owned() };
            if picks.iter().all(|pick| pick.value != value) {
                let label = typed.to_owned();
                picks.insert(0, Pick { value, label });
            }
        }
        picks
    }
}
