//! What somebody may be typing: runbooks that they may ask for, and values of their inputs. Whoever may not ask gets
//! nothing, and for them nothing is looked at.

mod kept;

pub use crate::runbook::input::choice::Choice;
pub use kept::Suggestions;

use super::Desk;
use crate::call::{CallContext, CallResult};
use crate::policy::authorize::{Act, Question};
use crate::request::{Account, Place};
use crate::rules::Rules;
use crate::runbook::Runbook;
use crate::runbook::compose::suggest_arguments;
use crate::runbook::input::choice::MOST;
use crate::runbook::input::cursor::{Cursor, at_end_of_field, at_end_of_line};
use crate::runbook::input::{InputSpec, Suggest, quoted};
use jiff::{SignedDuration, Timestamp};
use kept::{Answer, Awaited, Key, Turn};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Whoever types waits no longer.
const PATIENCE: Duration = Duration::from_millis(300);

/// A call that was late goes on until this, for the next letter typed.
const CALL: SignedDuration = SignedDuration::from_secs(5);

/// Characters of an item; longer ones are typed by nobody.
const TYPED: usize = 100;

/// What can be picked, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the typed text that a choice's value takes the place of.
    pub replace: Range<usize>,
    /// 25 at the most. A value is written as it is typed at this place, with quotes where it needs them.
    pub choices: Vec<Choice>,
    /// How old the oldest of the choices is, where they could not be looked up in time.
    pub stale: Option<SignedDuration>,
    /// How the runbook is asked for, once its name is complete.
    pub usage: Option<String>,
}

/// The one who types, and where.
#[derive(Debug, Clone, Copy)]
pub struct Typist<'a> {
    /// As proved by the surface.
    pub account: &'a Account,
    /// Where the runbook would be asked for.
    pub place: &'a Place,
    /// The groups that the surface proved, as a request has them.
    pub memberships: &'a [String],
}

impl Typist<'_> {
    fn may_ask(&self, rules: &Rules, runbook: &Runbook) -> bool {
        let Some(person) = rules.people.asker(self.account, self.memberships) else {
            return false;
        };
        let question = Question {
            person: &person,
            act: Act::Ask,
            runbook: &runbook.name,
            place: self.place,
        };
        rules.policy.decide(&question).is_allowed()
    }

    fn runbook(&self, rules: &Rules, name: &str) -> Option<Arc<Runbook>> {
        let runbook = rules.catalog.get(name)?;
        self.may_ask(rules, runbook).then(|| runbook.clone())
    }
}

impl Desk {
    /// What can be picked in the field of one input. `typed` is what stands in the field before the cursor.
    pub async fn complete(&self, typist: Typist<'_>, runbook: &str, input: &str, typed: &str) -> Completion {
        let rules = self.rules.now();
        let Some(runbook) = typist.runbook(&rules, runbook) else {
            return Completion::default();
        };
        let Some(spec) = runbook.inputs.iter().find(|spec| spec.name == input) else {
            return Completion::default();
        };
        let Some(cursor) = at_end_of_field(spec, typed) else {
            return Completion::default();
        };
        let mut completion = self.choices(&runbook, spec, cursor).await;
        if spec.many {
            completion.choices.iter_mut().for_each(write);
        }
        completion
    }

    /// What can be picked at the end of a line such as `/forward-order 10`. `line` is what stands before the cursor.
    pub async fn complete_line(&self, typist: Typist<'_>, line: &str) -> Completion {
        let rules = self.rules.now();
        let blank = line.len() - line.trim_start().len();
        let begin = blank + usize::from(line[blank..].starts_with('/'));
        let name = line[begin..].split(char::is_whitespace).next().unwrap_or_default();
        let Some(rest) = line[begin + name.len()..].chars().next().map(|_| begin + name.len()) else {
            return names(typist, &rules, name, begin);
        };
        let Some(runbook) = typist.runbook(&rules, name) else {
            return Completion::default();
        };
        let mut completion = match at_end_of_line(&runbook.inputs, &line[rest..]) {
            Some(cursor) => {
                let spec = &runbook.inputs[cursor.input];
                self.choices(&runbook, spec, cursor).await
            }
            None => Completion::default(),
        };
        completion.choices.iter_mut().for_each(write);
        completion.replace = completion.replace.start + rest..completion.replace.end + rest;
        completion.usage = Some(usage(&runbook));
        completion
    }

    async fn choices(&self, runbook: &Arc<Runbook>, spec: &InputSpec, cursor: Cursor) -> Completion {
        let typed = cursor.typed.as_str();
        let (mut choices, stale) = match (spec.fixed_choices(), &spec.suggest) {
            (Some(fixed), _) => (fixed.into_iter().filter(|choice| choice.fits(typed)).collect(), None),
            (None, Some(suggest)) => self.suggested(runbook, spec, suggest, typed).await,
            (None, None) => (Vec::new(), None),
        };
        choices.retain(|choice: &Choice| !cursor.given.contains(&choice.value));
        // A call may find by other means than we do; what begins as typed is meant most likely.
        choices.sort_by_key(|choice| !choice.fits(typed));
        choices.truncate(MOST);
        Completion {
            replace: cursor.item,
            choices,
            stale,
            usage: None,
        }
    }

    /// What the input's call says within [`PATIENCE`]; else what is known from before, with its age.
    async fn suggested(
        &self,
        runbook: &Arc<Runbook>,
        spec: &InputSpec,
        suggest: &Suggest,
        typed: &str,
    ) -> (Vec<Choice>, Option<SignedDuration>) {
        if typed.chars().count() > TYPED {
            return (Vec::new(), None);
        }
        let key = Key {
            runbook: runbook.name.clone(),
            hash: runbook.hash.clone(),
            input: spec.name.clone(),
        };
        let answer = match self.suggestions.turn(&key, typed) {
            Turn::Wait(answer) => answer,
            Turn::Call(call) => {
                let answer = call.answer();
                self.ask(spec, suggest, call);
                answer
            }
        };
        match tokio::time::timeout(PATIENCE, told(answer)).await {
            Ok(Some(choices)) => (choices, None),
            Ok(None) | Err(_) => self.suggestions.known(&key, typed, MOST, Timestamp::now()),
        }
    }

    /// Makes the call beside whoever waits for it: what is late is of use for the next letter typed. Where too many are
    /// under way the call is dropped, and whoever waits for it is told so by that.
    fn ask(&self, spec: &InputSpec, suggest: &Suggest, call: kept::Call) {
        let Ok(permit) = self.suggestions.room.clone().try_acquire_owned() else {
            return;
        };
        let arguments = match suggest_arguments(suggest, call.typed()) {
            Ok(arguments) => arguments,
            Err(error) => {
                tracing::warn!(input = %spec.name, %error, "a suggestion cannot be asked for");
                return;
            }
        };
        let (connections, spec, suggest) = (self.connections.clone(), spec.clone(), suggest.clone());
        tokio::spawn(async move {
            let context = CallContext {
                run: "suggest".to_owned(),
                step: spec.name.clone(),
                deadline: Timestamp::now() + CALL,
            };
            let result = match connections.get(&suggest.call.on) {
                Some(connection) => connection.call(suggest.call.action, &arguments, &context).await,
                None => CallResult::Unreachable {
                    reason: format!("there is no connection {}", suggest.call.on),
                },
            };
            // Before the answer is told: whoever asks next on hearing it finds room.
            drop(permit);
            match result {
                CallResult::Done { value } => {
                    let choices = spec.choices_of(&suggest, &value);
                    let cut = value["more"] == true || choices.len() >= MOST;
                    call.end(Some((choices, cut)), Timestamp::now());
                }
                CallResult::NotDone { reason }
                | CallResult::Unreachable { reason }
                | CallResult::Unknown { reason } => {
                    tracing::info!(input = %spec.name, reason, "no suggestions");
                    call.end(None, Timestamp::now());
                }
            }
        });
    }
}

fn names(typist: Typist<'_>, rules: &Rules, typed: &str, begin: usize) -> Completion {
    let begun = rules
        .catalog
        .runbooks()
        .filter(|runbook| runbook.name.starts_with(typed));
    let mine = begun.filter(|runbook| typist.may_ask(rules, runbook));
    let choices = mine
        .take(MOST)
        .map(|runbook| Choice {
            value: runbook.name.clone(),
            label: runbook.summary.clone(),
        })
        .collect();
    Completion {
        replace: begin..begin + typed.len(),
        choices,
        stale: None,
        usage: typist.runbook(rules, typed).map(|runbook| usage(&runbook)),
    }
}

fn usage(runbook: &Runbook) -> String {
    format!("/{}: {}", runbook.usage(), runbook.summary)
}

fn write(choice: &mut Choice) {
    choice.value = quoted(&choice.value);
}

async fn told(mut answer: Awaited) -> Answer {
    // An error means that nobody makes the call any more.
    let answer = answer.wait_for(Option::is_some).await.ok()?;
    answer.clone().flatten()
}
