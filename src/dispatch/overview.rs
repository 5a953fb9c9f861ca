//! What somebody may see, ask for and press. Nothing here decides: the gate does, when it is asked. This tells beforehand
//! what it would say, so that no page offers what would be refused.

use super::Desk;
use super::aside::Sight;
use super::asked::may_ask;
use super::lists;
use super::standing::party;
use crate::policy::authorize::{Act, Question};
use crate::policy::identity::Person;
use crate::report::{Button, Press};
use crate::request::Request;
use crate::rules::Rules;
use crate::run::ledger::{LedgerError, Live};
use crate::run::state::Phase;
use crate::runbook::Runbook;
use crate::runbook::example::Expect;
use crate::store::StoreError;
use std::borrow::Cow;
use std::sync::Arc;

/// Runs that wait for people are listed up to this many.
pub const WAITING: i64 = 50;

/// The runbooks, as one person stands to them.
#[derive(Debug)]
pub struct Runnable {
    /// Those that the person may ask for.
    pub mine: Vec<Arc<Runbook>>,
    /// Those whose runs the person may see without asking for any, with the policy's sentence.
    pub others: Vec<(Arc<Runbook>, String)>,
}

/// A button of a run, as one person stands to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pressable {
    /// The button.
    pub button: Button,
    /// Why this person may not press it.
    pub why_not: Option<String>,
}

/// What one person may do about a run now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Presses {
    /// The run's buttons.
    pub buttons: Vec<Pressable>,
    /// Whether this person may start it without the approval that it waits for.
    pub may_override: bool,
}

/// A run that waits for people.
#[derive(Debug)]
pub struct WaitingRun {
    /// The run.
    pub live: Live,
    /// What the onlooker may do about it.
    pub presses: Presses,
}

impl WaitingRun {
    /// Whether the onlooker's word would help it on.
    pub fn is_mine(&self) -> bool {
        self.why_not().is_none()
    }

    /// Why the onlooker's word would not help it on. A no of one's own does not count: what is waited for is the yes.
    pub fn why_not(&self) -> Option<&str> {
        match self.presses.buttons.first() {
            Some(first) => first.why_not.as_deref(),
            None => Some("There is nothing to press."),
        }
    }
}

fn asker_of<'r>(rules: &'r Rules, asker: &Request) -> Option<Cow<'r, Person>> {
    rules.people.asker(&asker.account, &asker.memberships)
}

/// Whether the asker may see runs of a runbook, here.
pub fn may_view(rules: &Rules, asker: &Request, runbook: &str) -> bool {
    asker_of(rules, asker).is_some_and(|person| {
        let question = Question {
            person: &person,
            act: Act::View,
            runbook,
            place: &asker.place,
        };
        rules.policy.decide(&question).is_allowed()
    })
}

/// Whether the asker keeps the bot going, and is told what is wrong with its files.
pub fn operates(rules: &Rules, asker: &Request) -> bool {
    asker_of(rules, asker).is_some_and(|person| lists::operates(rules, asker, &person))
}

/// Every runbook that the asker may know of.
pub fn runnable(rules: &Rules, asker: &Request) -> Runnable {
    let mut all = Runnable {
        mine: Vec::new(),
        others: Vec::new(),
    };
    let Some(person) = asker_of(rules, asker) else {
        return all;
    };
    for runbook in rules.catalog.runbooks() {
        match may_ask(rules, asker, &person, runbook) {
            Ok(_) => all.mine.push(runbook.clone()),
            Err(denied) if may_view(rules, asker, &runbook.name) => {
                all.others.push((runbook.clone(), denied.say().to_owned()));
            }
            Err(_) => {}
        }
    }
    all
}

/// The first command of each runbook's own examples: something that can be tried.
pub fn examples(runnable: &Runnable) -> Vec<(String, String)> {
    let lines = runnable.mine.iter().filter_map(|runbook| {
        let example = runbook.examples.iter().find(|example| example.expect == Expect::Plan)?;
        let words = match &example.words {
            crate::request::Words::Line(line) => line.clone(),
            crate::request::Words::Named(pairs) => pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", crate::runbook::input::quoted(value)))
                .collect::<Vec<_>>()
                .join(" "),
        };
        Some((
            format!("/{} {words}", runbook.name).trim_end().to_owned(),
            runbook.summary.clone(),
        ))
    });
    lines.collect()
}

impl Desk {
    /// A run that the asker may see and that can be read. A wrong id and a run of others look the same.
    pub async fn seen(&self, rules: &Rules, asker: &Request, run: &str) -> Result<Option<Live>, LedgerError> {
        Ok(match self.in_sight(rules, asker, run).await? {
            Some(Sight::Live(live)) => Some(*live),
            // Told by those who look at it.
            Some(Sight::Aside(..)) | None => None,
        })
    }

    /// What the asker may press on a run, and why not the rest.
    pub async fn presses(&self, rules: &Rules, asker: &Request, live: &Live) -> Result<Presses, StoreError> {
        let report = self.report(live);
        let (Some(person), Some(requester)) = (asker_of(rules, asker), rules.people.person(&live.plan().person)) else {
            let why = "Who asked for this is no longer in people.toml; nobody can decide on it.";
            let buttons = report.buttons.into_iter().map(|button| Pressable {
                button,
                why_not: Some(why.to_owned()),
            });
            return Ok(Presses {
                buttons: buttons.collect(),
                may_override: false,
            });
        };
        let mut presses = Presses::default();
        for button in report.buttons {
            let why_not = match &button.press {
                Press::Approve { digest } => {
                    let origin = self.store.request_body(&live.run.request).await?;
                    let by = party(&person, asker);
                    self.counts(rules, live, &party(requester, &origin), &by, asker, Some(digest))
                        .err()
                }
                press => why_not(rules, asker, &person, requester, live, press),
            };
            presses.buttons.push(Pressable { button, why_not });
        }
        if matches!(live.state.phase(), Some(Phase::AwaitingApproval { .. })) {
            let radius = &live.plan().radius;
            presses.may_override = refusal(rules, asker, &person, live, Act::Override { radius, requester }).is_none();
        }
        Ok(presses)
    }

    /// The runs that wait for a yes or for a word on what became of a step, as far as the asker may see them.
    pub async fn waiting(&self, rules: &Rules, asker: &Request) -> Result<Vec<WaitingRun>, LedgerError> {
        let mut waiting = Vec::new();
        for run in self.store.waiting_runs(WAITING).await? {
            if let Some(live) = self.seen(rules, asker, &run).await? {
                let presses = self.presses(rules, asker, &live).await?;
                waiting.push(WaitingRun { live, presses });
            }
        }
        Ok(waiting)
    }
}

fn why_not(
    rules: &Rules,
    asker: &Request,
    person: &Person,
    requester: &Person,
    live: &Live,
    press: &Press,
) -> Option<String> {
    let own = person.name == live.plan().person;
    let radius = &live.plan().radius;
    let act = match press {
        // One's own request can be taken back and stopped by oneself.
        Press::Deny | Press::Stop if own => return None,
        Press::Approve { .. } | Press::Deny => Act::Approve {
            radius,
            requester,
            account: &asker.account,
        },
        Press::Stop => Act::Stop { requester },
        Press::Resolve { .. } => Act::Resolve { requester },
        Press::Undo => Act::Run { radius },
        Press::Offer { index } => {
            let offered = live.plan().offers.get(*index)?;
            let Some(runbook) = rules.catalog.get(&offered.runbook) else {
                return Some(format!("There is no runbook {} any more.", offered.runbook));
            };
            return may_ask(rules, asker, person, runbook)
                .err()
                .map(|denied| denied.say().to_owned());
        }
        // No run's message has one.
        Press::Alert(_) => return Some("This belongs to a group of alerts.".to_owned()),
    };
    refusal(rules, asker, person, live, act)
}

fn refusal(rules: &Rules, asker: &Request, person: &Person, live: &Live, act: Act<'_>) -> Option<String> {
    let decision = rules.policy.decide(&Question {
        person,
        act,
        runbook: &live.plan().runbook,
        place: &asker.place,
    });
    (!decision.is_allowed()).then(|| decision.say().to_owned())
}
