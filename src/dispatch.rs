//! The way of a request through the gate. The output of each stage is the only key to the next: what a stage needs can
//! be made by nobody but the stage before it.

mod alerts;
pub mod answer;
pub mod aside;
pub mod asked;
mod assign;
pub mod authorized;
pub mod bounds;
mod by_itself;
mod changed;
mod charted;
pub mod completion;
pub mod form;
pub mod invocation;
pub mod link;
mod lists;
mod looks;
pub mod overview;
pub mod planned;
mod standing;
mod suggested;

use crate::integration::Connections;
use crate::plan::Plan;
use crate::report::{Outcome, Report};
use crate::request::{Ask, Place, Request, Words};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use crate::run::engine::CLAIM;
use crate::run::journal::Entry;
use crate::run::ledger::Live;
use crate::run::lock::HeldLock;
use crate::run::report::report_of;
use crate::station::handover::{Handover, Seat};
use crate::store::audit::AuditRow;
use crate::store::messages::{MessageKind, NewMessage};
use crate::store::runs::{AT_ONCE, Cache, NewRun, StoredRun, Written};
use crate::store::{Store, StoreError};
use asked::Asked;
use authorized::{Authorized, Clearance};
use bounds::Bounds;
use completion::Suggestions;
use invocation::Invocation;
use jiff::Timestamp;
use planned::Planned;
use serde_json::json;
use std::sync::Arc;

/// How long others have to say yes.
pub const APPROVAL_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// What the gate works with.
#[derive(Debug)]
pub struct Desk {
    /// Runbooks, people, policy, panels, as they are in force.
    pub rules: Arc<LiveRules>,
    /// The outside systems.
    pub connections: Arc<Connections>,
    /// The bot's own database.
    pub store: Store,
    /// What was suggested lately.
    pub suggestions: Arc<Suggestions>,
    /// Where runs are shown that were not asked for in a chat channel.
    pub announce: Vec<Place>,
    /// How much at once.
    pub bounds: Bounds,
    /// Where a run goes that is due at once.
    pub handover: Arc<Handover>,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A run: a new one, or the one that was spoken of.
    Run(String),
    /// No run; this is said to whoever asked.
    Said(Box<Report>),
}

/// Why a request goes no further.
#[derive(Debug)]
pub enum Turned {
    /// Somebody or something says no.
    Away(Box<Report>),
    /// The store failed; the request is tried again later.
    Store(StoreError),
}

impl From<StoreError> for Turned {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Report> for Turned {
    fn from(report: Report) -> Self {
        Self::Away(Box::new(report))
    }
}

impl Desk {
    /// Carries a stored request through the gate, and stores what it came to.
    pub async fn handle(&self, request: &Request) -> Result<Reply, StoreError> {
        self.refresh_links_for(&request.account).await?;
        let reply = match self.follow(request).await {
            Ok(reply) => reply,
            Err(Turned::Away(report)) => Reply::Said(report),
            Err(Turned::Store(error)) => return Err(error),
        };
        match &reply {
            Reply::Said(report) => {
                let deed = by_itself::came_to_nothing(request, report);
                // An alert has no eyes; its thread is told.
                let is_read = request.place.channel.is_some() && deed.is_none();
                let message = is_read.then(|| answer::ephemeral(request, report));
                let record = said_row(request, report);
                self.store
                    .answer(&request.id, report, message.as_ref(), &record, deed)
                    .await?;
            }
            // A new run was stored together with its request.
            Reply::Run(_) if matches!(request.ask, Ask::Run { .. } | Ask::Offer { .. } | Ask::Alert { .. }) => {}
            Reply::Run(run) => {
                let place = Some(&request.place).filter(|place| place.channel.is_some());
                // A press is answered by the message that it changes.
                if let Some(place) = place.filter(|place| place.surface.awaits_answers() && request.message.is_none()) {
                    let message = answer::pointer(request, run, place);
                    self.store.post(&message, Timestamp::now()).await?;
                }
                self.store.answered_by_run(&request.id, run).await?;
            }
        }
        Ok(reply)
    }

    async fn follow(&self, request: &Request) -> Result<Reply, Turned> {
        // One snapshot for the whole request: what changes meanwhile is for the next one.
        let rules = &self.rules.now();
        match &request.ask {
            Ask::Run { runbook, words, .. } if request.looks() => self.looked_up(rules, request, runbook, words).await,
            Ask::Run { runbook, words, dry } => self.run(rules, request, runbook, words, *dry).await,
            Ask::Offer { run, index } => self.offered(rules, request, run, *index).await,
            Ask::Alert { alert, act } => self.alert(rules, request, alert, act).await,
            Ask::Approve { run, digest } => self.approve(rules, request, run, digest.as_deref()).await,
            Ask::Deny { run } => self.deny(rules, request, run).await,
            Ask::Stop { run } => self.stop(rules, request, run).await,
            Ask::Override { run, reason } => self.override_approval(rules, request, run, reason).await,
            Ask::Resolve {
                run,
                step,
                resolution,
                reason,
            } => self.resolve(rules, request, run, step, *resolution, reason).await,
            Ask::Undo { run } => self.undo(rules, request, run).await,
            Ask::Unlock { key, reason } => self.unlock(rules, request, key, reason).await,
            Ask::Pause { runbook } => self.pause(rules, request, runbook.as_deref(), true).await,
            Ask::Resume { runbook } => self.pause(rules, request, runbook.as_deref(), false).await,
            Ask::Help { runbook } => self.help(rules, request, runbook.as_deref()),
            Ask::Runs => self.recent(rules, request).await,
        }
    }

    /// The whole way: who asks, may they ask, what exactly, what would happen, may that happen, begin.
    pub(super) async fn run(
        &self,
        rules: &Rules,
        request: &Request,
        runbook: &str,
        words: &Words,
        dry: bool,
    ) -> Result<Reply, Turned> {
        let asked = Asked::new(rules, request, runbook)?;
        let (person, runbook) = (asked.person().name.clone(), asked.runbook().name.clone());
        let too_much = |say: String| answer::said(&person, &runbook, Outcome::Refused, say);
        self.bounds.ask(&person, Timestamp::now()).map_err(too_much)?;
        let reads = asked.runbook().effect() == crate::runbook::action::Effect::Read;
        let invocation = Invocation::interpret(asked, words)?;
        let dry = dry || invocation.dry();
        // Before anything is looked at; what only looks stays open for nobody.
        let _room = if dry || reads {
            None
        } else {
            let room = self.bounds.room(&self.store, &person, &runbook).await?;
            Some(room.map_err(too_much)?)
        };
        let planned = Planned::build(invocation, &self.connections).await?;
        let authorized = Authorized::decide(planned, &self.store, dry).await?;
        if dry {
            return Ok(Reply::Said(Box::new(authorized.dry_report())));
        }
        self.begin(authorized).await
    }

    /// Stores the run. One that may start takes its locks in the same transaction; the engine does the rest.
    async fn begin(&self, authorized: Authorized<'_>) -> Result<Reply, Turned> {
        let now = Timestamp::now();
        let (request, plan, clearance) = authorized.into_parts();
        let id = new_run_id();
        let mut entries = vec![Entry::Created {
            decision: clearance.cited().clone(),
            by: by_itself::asker(request),
        }];
        let mut locks = None;
        let cache = match &clearance {
            Clearance::Look { .. } => {
                let say = plan
                    .result
                    .as_ref()
                    .map_or_else(|| "Looked.".to_owned(), |result| result.say.clone());
                entries.push(Entry::Closed {
                    outcome: Outcome::Succeeded,
                    say,
                });
                Cache {
                    outcome: Outcome::Succeeded,
                    wake: None,
                }
            }
            Clearance::Nothing { .. } => {
                entries.push(Entry::Closed {
                    outcome: Outcome::NothingToDo,
                    say: plan.nothing.join(" "),
                });
                Cache {
                    outcome: Outcome::NothingToDo,
                    wake: None,
                }
            }
            Clearance::Start { .. } => {
                locks = Some(&plan.locks);
                entries.push(Entry::Started);
                Cache {
                    outcome: Outcome::Running,
                    wake: Some(AT_ONCE),
                }
            }
            Clearance::Approval { count, decision } => {
                let until = now + APPROVAL_LIFE;
                entries.push(Entry::ApprovalAsked {
                    needed: *count,
                    digest: plan.digest.clone(),
                    until,
                    decision: decision.clone(),
                });
                Cache {
                    outcome: Outcome::AwaitingApproval,
                    wake: Some(until),
                }
            }
        };
        let messages = self.messages(&id, request, &plan, cache.outcome);
        let record = AuditRow {
            at: now,
            kind: "decision".to_owned(),
            person: plan.person.clone(),
            subject: id.clone(),
            body: json!({ "runbook": plan.runbook, "inputs": plan.inputs, "outcome": cache.outcome,
                "policies": clearance.cited().policies, "digest": plan.digest, "request": request.id }),
        };
        // What may start is claimed with it, and driven at once.
        let seat = cache
            .wake
            .filter(|wake| *wake <= now)
            .and_then(|_| self.handover.seat(now, CLAIM));
        let written = self
            .store
            .create_run(
                NewRun {
                    id: &id,
                    request: &request.id,
                    plan: &plan,
                    entries: &entries,
                    cache,
                    locks,
                    messages: &messages,
                    records: &[record],
                    claim: seat.as_ref().map(Seat::claim),
                    deed: by_itself::came_to_a_run(request, &plan, &id),
                },
                now,
            )
            .await?;
        if let Written::Locked(held) = written {
            return Err(answer::locked(&plan, &held).into());
        }
        if let Some(seat) = seat {
            let until = seat.claim().until;
            let run = StoredRun::begun(id.clone(), request.id.clone(), plan, entries, now, until);
            self.handover.hand(run, seat);
        }
        Ok(Reply::Run(id))
    }

    /// Where a run is shown: where it was asked, and if what it does concerns others in the operations channels of the
    /// other platforms.
    fn messages(&self, run: &str, request: &Request, plan: &Plan, outcome: Outcome) -> Vec<NewMessage> {
        let by_itself = by_itself::asker(request).is_some();
        // What an alert sees, people are to see wherever they are.
        let quiet =
            !by_itself && (plan.effect == crate::runbook::action::Effect::Read || outcome == Outcome::NothingToDo);
        let own = Some(&request.place).filter(|place| place.channel.is_some());
        // Each platform shows it once, so that whoever may answer finds it where they are.
        let others = self.announce.iter().filter(|place| {
            let is_shown = own.is_some_and(|own| own.surface == place.surface);
            !quiet && !is_shown
        });
        let places: Vec<&Place> = own.into_iter().chain(others).collect();
        let message = |kind: MessageKind, word: &str, place: &Place| NewMessage {
            id: format!("{run}:{word}:{}", place.spot()),
            kind,
            run: Some(run.to_owned()),
            // What came with the request leads to where it was asked, and nowhere else.
            request: Some(request.id.clone()).filter(|_| own.is_none_or(|own| own == place)),
            place: place.clone(),
            body: None,
        };
        let mut messages = Vec::new();
        // A press is answered by the message that it changes.
        let awaits = |own: &Place| own.surface.awaits_answers() && request.message.is_none() && !by_itself;
        if let Some(own) = own.filter(|own| awaits(own)) {
            messages.push(answer::pointer(request, run, own));
        }
        for place in places {
            messages.push(message(MessageKind::Run, "run", place));
            if plan.result.is_some() || outcome == Outcome::AwaitingApproval {
                messages.push(message(MessageKind::Details, "details", place));
            }
            if plan.chart.is_some() {
                messages.push(message(MessageKind::Chart, "chart", place));
            }
        }
        messages
    }

    /// The same way again for a run that waited: the plan is built anew from the stored request and decided under the
    /// policy of now.
    pub(crate) async fn again(
        &self,
        request: &Request,
    ) -> Result<Result<(crate::plan::Plan, Clearance), Report>, StoreError> {
        let Ask::Run { runbook, words, .. } = &request.ask else {
            return Err(StoreError::Corrupt(format!(
                "request {} asks for no runbook",
                request.id
            )));
        };
        let rules = self.rules.now();
        if rules.catalog.get(runbook).is_none() {
            let say =
                format!("The runbook {runbook} was removed after this was asked for, so nobody can decide on it.");
            return Ok(Err(answer::said(
                &request.account.to_string(),
                runbook,
                Outcome::Refused,
                say,
            )));
        }
        let built = async {
            let asked = Asked::new(&rules, request, runbook)?;
            let invocation = Invocation::interpret(asked, words)?;
            let planned = Planned::build(invocation, &self.connections).await?;
            Authorized::decide(planned, &self.store, false).await
        };
        match built.await {
            Ok(authorized) => {
                let (_, plan, clearance) = authorized.into_parts();
                Ok(Ok((plan, clearance)))
            }
            Err(Turned::Away(report)) => Ok(Err(*report)),
            Err(Turned::Store(error)) => Err(error),
        }
    }

    /// What a run's state says, with whom to ask.
    pub fn report(&self, live: &Live) -> Report {
        let plan = live.plan();
        let rules = self.rules.now();
        let approvers = match rules.people.requester(&plan.person) {
            Some(requester) => {
                let may =
                    rules
                        .policy
                        .who_may_approve(&rules.people, &plan.runbook, &plan.radius, &requester, &plan.place);
                if may.groups.is_empty() { may.persons } else { may.groups }
            }
            None => Vec::new(),
        };
        report_of(live, &approvers)
    }
}

/// The record of an answer.
fn said_row(request: &Request, report: &Report) -> AuditRow {
    AuditRow {
        at: Timestamp::now(),
        kind: "decision".to_owned(),
        person: report.person.clone(),
        subject: request.id.clone(),
        body: json!({ "runbook": report.runbook, "outcome": report.outcome, "say": report.say,
            "policies": report.policies, "surface": request.place.surface, "dry": report.dry }),
    }
}

/// Short enough to type, and not to be guessed: 50 random bits.
fn new_run_id() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bits: u64 = rand::random();
    (0..10)
        .map(|_| {
            let letter = LETTERS[(bits & 31) as usize] as char;
            bits >>= 5;
            letter
        })
        .collect()
}

/// Which locks are in the way, for people.
fn held_words(held: &[HeldLock]) -> String {
    held.iter().map(HeldLock::say).collect::<Vec<_>>().join("; ")
}
