//! Runbooks that are asked for on account of an alert. An input that the alert does not tell is filled in by a look, which is
//! made when it is asked for, and by the right of whoever asks.

use super::answer::said;
use super::asked::Asked;
use super::authorized::Authorized;
use super::invocation::Invocation;
use super::planned::Planned;
use super::{Desk, Reply, Turned};
use crate::alert::group::Group;
use crate::policy::identity::Person;
use crate::report::fit::one_line;
use crate::report::{Choice, Outcome, Report};
use crate::request::{AlertAct, Ask, Look, OnAccount, Request, Words};
use crate::rules::{ALERTS, Rules};
use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Values that somebody may choose from.
const CHOICES: usize = 25;

/// Values that are named where nobody is there to choose.
const NAMED: usize = 5;

impl Desk {
    /// A button was pressed that means a runbook with these inputs and nothing else. `picked` stands for one of the values
    /// that a look gave.
    pub(super) async fn run_suggested(
        &self,
        rules: &Rules,
        request: &Request,
        asker: &Person,
        group: &Group,
        key: &str,
        picked: Option<&str>,
    ) -> Result<Reply, Turned> {
        let Some(suggested) = rules.suggested(group).into_iter().find(|one| one.key == key) else {
            let say = "Nothing was done: this is no longer suggested. The alert or the rules have changed; look at its message \
                       anew.";
            return Err(said(&asker.name, ALERTS, Outcome::Refused, say).into());
        };
        let runbook = suggested.runbook;
        let mut inputs = suggested.inputs;
        if let Some(look) = &suggested.look {
            let values = self.values(rules, request, &runbook, look).await?;
            let value = match (picked, values.as_slice()) {
                (Some(picked), values) => values.iter().find(|value| short(value) == picked).ok_or_else(|| {
                    let say = format!("Nothing was done: /{} no longer shows what you chose.", look.runbook);
                    said(&asker.name, &runbook, Outcome::Refused, say)
                })?,
                (None, [value]) => value,
                (None, []) => return Err(nothing(asker, &runbook, look).into()),
                (None, values) => return Ok(Reply::Said(Box::new(choice(asker, group, &runbook, key, look, values)))),
            };
            inputs.push((look.input.clone(), value.clone()));
        }
        let account = OnAccount {
            group: group.id.clone(),
            look: None,
        };
        self.run_on_account(rules, request, account, &runbook, inputs).await
    }

    /// What an alert asks for with nobody there, whose one input a look fills in. Nobody is there to choose, either.
    pub(super) async fn looked_up(
        &self,
        rules: &Rules,
        request: &Request,
        runbook: &str,
        words: &Words,
    ) -> Result<Reply, Turned> {
        let asker = Asked::new(rules, request, runbook)?.person().clone();
        let (
            Some(OnAccount {
                group,
                look: Some(look),
            }),
            Words::Named(inputs),
        ) = (&request.alert, words)
        else {
            return self.run(rules, request, runbook, words, false).await;
        };
        let values = self.values(rules, request, runbook, look).await?;
        let value = match values.as_slice() {
            [value] => value,
            [] => return Err(nothing(&asker, runbook, look).into()),
            several => {
                let more = several.len().saturating_sub(NAMED);
                let named = several[..several.len().min(NAMED)].join(", ");
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                let say = format!(
                    "Nothing was done: /{} shows several ({}{more}), and nobody is there to choose. Ask for the right one yourself.",
                    look.runbook,
                    one_line(&named)
                );
                return Err(said(&asker.name, runbook, Outcome::Refused, say).into());
            }
        };
        let mut inputs = inputs.clone();
        inputs.push((look.input.clone(), value.clone()));
        let account = OnAccount {
            group: group.clone(),
            look: None,
        };
        self.run_on_account(rules, request, account, runbook, inputs).await
    }

    /// The request becomes the one for the runbook, so that the run's plan can be built from it again, and the run is the
    /// alert's also if this process dies in between.
    async fn run_on_account(
        &self,
        rules: &Rules,
        request: &Request,
        account: OnAccount,
        runbook: &str,
        inputs: Vec<(String, String)>,
    ) -> Result<Reply, Turned> {
        let words = Words::Named(inputs);
        let mut asked = request.clone();
        asked.alert = Some(account);
        asked.ask = Ask::Run {
            runbook: runbook.to_owned(),
            words: words.clone(),
            dry: false,
        };
        self.store.rewrite_request(&asked).await?;
        // Boxed, as for an offer.
        Box::pin(self.run(rules, &asked, runbook, &words, false)).await
    }

    /// What a look gives for an input, each value once, to somebody who may ask for both runbooks.
    async fn values(
        &self,
        rules: &Rules,
        request: &Request,
        runbook: &str,
        look: &Look,
    ) -> Result<Vec<String>, Turned> {
        Asked::new(rules, request, runbook)?;
        let rows = self.rows(rules, request, &look.runbook).await?;
        let mut values: Vec<String> = Vec::new();
        for row in rows {
            let value = row.get(&look.column).map(plain).unwrap_or_default();
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(values)
    }

    /// What a runbook that only reads shows to somebody who may run it.
    pub(super) async fn rows(
        &self,
        rules: &Rules,
        request: &Request,
        runbook: &str,
    ) -> Result<Vec<Map<String, Value>>, Turned> {
        let asked = Asked::new(rules, request, runbook)?;
        let person = asked.person().name.clone();
        self.bounds
            .ask(&person, Timestamp::now())
            .map_err(|say| said(&person, runbook, Outcome::Refused, say))?;
        let invocation = Invocation::interpret(asked, &Words::Named(Vec::new()))?;
        let planned = Planned::build(invocation, &self.connections).await?;
        let (_, plan, _) = Authorized::decide(planned, &self.store, true).await?.into_parts();
        Ok(plan.result.map(|result| result.rows).unwrap_or_default())
    }
}

fn nothing(asker: &Person, runbook: &str, look: &Look) -> Report {
    let say = format!(
        "Nothing was done: /{} shows no {} now, so there is nothing to ask /{runbook} for.",
        look.runbook, look.column
    );
    said(&asker.name, runbook, Outcome::NothingToDo, say)
}

/// Lets whoever pressed choose.
fn choice(asker: &Person, group: &Group, runbook: &str, key: &str, look: &Look, values: &[String]) -> Report {
    let shown = &values[..values.len().min(CHOICES)];
    let mut say = format!(
        "/{} shows several. For which {} is /{runbook} meant?",
        look.runbook, look.column
    );
    if values.len() > shown.len() {
        say.push_str(&format!(
            " These are the first {} of {}; type /{runbook} for another one.",
            shown.len(),
            values.len()
        ));
    }
    let mut report = said(&asker.name, runbook, Outcome::NothingToDo, say);
    let ways = shown.iter().map(|value| {
        let picked = AlertAct::Picked {
            key: key.to_owned(),
            value: short(value),
        };
        (picked, value.clone())
    });
    report.choice = Some(Choice {
        alert: group.id.clone(),
        ways: ways.collect(),
    });
    report
}

/// A value as people read it; nothing where it is none of few words.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// Stands for a value in a button.
fn short(value: &str) -> String {
    hex::encode(&Sha256::digest(value.as_bytes())[..4])
}
