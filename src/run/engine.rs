//! Carries runs out. Per step: intent with a deadline, the call, the outcome. What comes next is never decided here but
//! derived from the journal; this does it.

use super::clock::Clock;
use super::journal::{Cited, Entry, Moment};
use super::ledger::{Beside, LedgerError, Live, record};
use super::proof::Sampler;
use super::recovery;
use super::report::closing_say;
use super::retry;
use super::state::{Next, StepState};
use crate::call::{CallContext, CallResult};
use crate::dispatch::authorized::Clearance;
use crate::dispatch::{APPROVAL_LIFE, Desk};
use crate::report::{Outcome, VerdictLine};
use crate::request::Place;
use crate::runbook::compose::{PlannedCall, PlannedStep, judge};
use crate::runbook::{Call, StepOutcome, StepSpec};
use crate::store::StoreError;
use crate::store::audit::AuditRow;
use crate::store::messages::{MessageKind, NewMessage};
use crate::store::runs::{LockChange, Written};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a step that is under way looks whether somebody wants it stopped.
const STOP_LOOK: Duration = Duration::from_millis(300);

/// Longer waits are not sat out: the run rests, and another one has its place.
const SHORT: Duration = Duration::from_secs(2);

/// A claim that nobody renews lasts this long. It is the longest time that a killed process keeps others waiting.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(3);

/// How long a paused run rests before it looks again.
const PAUSE_LOOK: SignedDuration = SignedDuration::from_secs(2);

/// Carries runs out for one process.
#[derive(Debug)]
pub struct Engine {
    /// The gate, for what is built and decided again.
    pub desk: Arc<Desk>,
    /// Reads signals.
    pub sampler: Arc<Sampler>,
    /// What time it is.
    pub clock: Clock,
    /// See [`Engine::leave`].
    pub leaving: AtomicBool,
}

/// Whether a run is to be looked at again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    On,
    /// When its time comes, or somebody does something.
    Rest,
    /// As before, and the claim is given back already.
    Over,
}

impl Engine {
    /// From now on no step is begun here: the process is about to end.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Goes on with a claimed run until it rests. One that cannot be believed is set aside.
    pub async fn drive(&self, id: &str, epoch: i64) -> Result<(), LedgerError> {
        let driven = self.carry_on(id, epoch).await;
        if driven.is_err() {
            self.set_aside(id, epoch).await?;
        }
        driven
    }

    async fn carry_on(&self, id: &str, epoch: i64) -> Result<(), LedgerError> {
        let mut live = Live::load(&self.desk.store, id).await?;
        if live.state.started.is_some() && live.run.epoch > 1 {
            let begun_by_another = live.state.steps.iter().any(
                |step| matches!(step, StepState::Begun { epoch: begun, .. } | StepState::Undoing { epoch: begun, .. } if *begun != epoch),
            );
            if begun_by_another {
                record(
                    &self.desk.store,
                    &mut live,
                    &[Entry::TakenOver { epoch }],
                    Beside::engine(epoch),
                )
                .await?;
            }
        }
        loop {
            if self.leaving.load(Ordering::SeqCst) {
                break;
            }
            let seen = live.run.seq();
            match self.advance(&mut live, epoch).await {
                Ok(Pace::On) => {}
                Ok(Pace::Rest) => break,
                Ok(Pace::Over) => return Ok(()),
                // Somebody wrote meanwhile, and what was about to be written makes no sense any more.
                Err(LedgerError::Illegal(_)) if live.run.seq() > seen => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.desk.store.release_claim(id, epoch).await?)
    }

    /// Right before anything leaves: the lease once more, and the deadline.
    pub(super) async fn may_send(&self, live: &Live, epoch: i64, context: &CallContext) -> Result<bool, LedgerError> {
        let now = Timestamp::now();
        if now >= live.run.claimed_until {
            let renewed = self.desk.store.renew_claim(&live.run.id, epoch, now + CLAIM).await?;
            if !renewed {
                return Err(StoreError::Fenced(live.run.id.clone()).into());
            }
        }
        Ok(self.clock.now() < context.deadline)
    }

    async fn advance(&self, live: &mut Live, epoch: i64) -> Result<Pace, LedgerError> {
        let store = &self.desk.store;
        let now = self.clock.now();
        match live.state.next() {
            Next::AwaitApproval(until) if now >= until => {
                record(store, live, &[Entry::Expired], Beside::engine(epoch)).await?;
            }
            Next::Prove(at) if now >= at => self.prove(live, epoch).await?,
            Next::AwaitApproval(_) | Next::Prove(_) | Next::Nothing => return Ok(Pace::Rest),
            Next::AskPerson(_) => return self.wait_for_person(live, epoch, now).await,
            Next::Start => self.start(live, epoch).await?,
            Next::Read(moment) => {
                let readings = self.sampler.read_for(live.plan()).await;
                record(
                    store,
                    live,
                    &[Entry::Signals { moment, readings }],
                    Beside::engine(epoch),
                )
                .await?;
            }
            Next::Step(..) if live.state.is_overdue(now) => {
                record(store, live, &[Entry::TimeOver], Beside::engine(epoch)).await?;
            }
            Next::Step(_, Some(after)) | Next::Undo(_, Some(after)) if after > now => {
                let wait = after.duration_since(now).unsigned_abs();
                if self.clock.leaps() || wait <= SHORT {
                    self.clock.wait(wait).await;
                } else {
                    return Ok(Pace::Rest);
                }
            }
            Next::Step(..) | Next::Undo(..) if store.paused(&live.plan().runbook).await?.is_some() => {
                store.put_off(&live.run.id, epoch, now + PAUSE_LOOK).await?;
                return Ok(Pace::Rest);
            }
            Next::Step(index, _) => self.step(live, epoch, index).await?,
            Next::Recover(index) => self.recover(live, epoch, index).await?,
            Next::Undo(index, _) => self.undo(live, epoch, index).await?,
            Next::RecoverUndo(index) => self.recover_undo(live, epoch, index).await?,
            Next::Close(outcome) => {
                self.close(live, epoch, outcome).await?;
                return Ok(Pace::Over);
            }
        }
        Ok(Pace::On)
    }

    /// The plan is built again and decided under the policy of now; only then the locks are taken.
    async fn start(&self, live: &mut Live, epoch: i64) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        let request = store.request_body(&live.run.request).await?;
        let (plan, clearance) = match self.desk.again(&request).await? {
            Ok(built) => built,
            Err(report) => {
                let say = format!("Not started. {}", report.say);
                let entry = Entry::NotStarted {
                    say,
                    outcome: report.outcome,
                };
                record(store, live, &[entry], Beside::engine(epoch)).await?;
                return Ok(());
            }
        };
        let same = plan.digest == live.plan().digest;
        let mut entries = Vec::new();
        if !same {
            let changes = plan.changes_since(live.plan());
            entries.push(Entry::Replanned {
                changes,
                digest: plan.digest.clone(),
            });
        }
        let overridden = live
            .run
            .journal
            .iter()
            .any(|row| matches!(row.entry, Entry::Overridden { .. }));
        let enough = |count: u32| same && (overridden || live.state.approvals.len() >= count as usize);
        match clearance {
            Clearance::Nothing { .. } | Clearance::Look { .. } => {
                let say = format!("Not started: everything is already so. {}", plan.nothing.join(" "));
                entries = vec![Entry::NotStarted {
                    say: say.trim_end().to_owned(),
                    outcome: Outcome::NothingToDo,
                }];
                record(store, live, &entries, Beside::engine(epoch)).await?;
                return Ok(());
            }
            Clearance::Approval { count, decision } if !enough(count) => {
                entries.push(ask_again(count, &plan.digest, decision));
                // The edited message calls nobody to the new plan.
                let word = format!("ping-{}", plan.digest);
                let messages = self.thread_messages(live, MessageKind::Ping, &word).await?;
                record(
                    store,
                    live,
                    &entries,
                    Beside::engine(epoch).plan(&plan).messages(&messages),
                )
                .await?;
                return Ok(());
            }
            Clearance::Approval { .. } | Clearance::Start { .. } => entries.push(Entry::Started),
        }
        let beside = Beside::engine(epoch)
            .locks(LockChange::Take(&plan.locks, &plan))
            .plan(&plan);
        if let Written::Locked(held) = record(store, live, &entries, beside).await? {
            let held: Vec<String> = held.iter().map(super::lock::HeldLock::say).collect();
            let say = format!("Not started, nothing was done: {}", held.join("; "));
            record(
                store,
                live,
                &[Entry::NotStarted {
                    say,
                    outcome: Outcome::Refused,
                }],
                Beside::engine(epoch),
            )
            .await?;
        }
        Ok(())
    }

    async fn step(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        let Some((planned, spec)) = self.pinned(live, index) else {
            return self.unreadable(live, epoch, index).await;
        };
        let (Some(call), Some(concrete)) = (&spec.call, &planned.call) else {
            // A manual step is asked of a person like a step whose end nobody knows.
            let entry = Entry::Outcome {
                step: index,
                outcome: StepOutcome::Unknown,
                say: planned.manual.clone().unwrap_or(planned.say),
                call: None,
                probe: None,
            };
            return self.ask_person(live, epoch, &index.to_string(), entry, &[]).await;
        };
        let context = self.context(live, &planned.name, spec.timeout);
        let Some(connection) = self.desk.connections.get(&call.on) else {
            let gone = CallResult::Unreachable {
                reason: format!("there is no connection {} any more", call.on),
            };
            return self.settle(live, epoch, index, gone).await;
        };
        let evidence = match connection.evidence(call.action, &context).await {
            Ok(evidence) => evidence,
            Err(reason) => {
                return self
                    .settle(live, epoch, index, CallResult::Unreachable { reason })
                    .await;
            }
        };
        let attempt = match &live.state.steps[index] {
            StepState::Waiting { attempts, .. } => attempts + 1,
            _ => 1,
        };
        let intent = Entry::Intent {
            step: index,
            attempt,
            deadline: context.deadline,
            evidence,
        };
        record(store, live, &[intent], Beside::engine(epoch)).await?;
        if !self.may_send(live, epoch, &context).await? {
            // Our own database kept the intent waiting: no target has failed that anybody should hear of.
            let entry = Entry::NotMade {
                step: index,
                reason: "its time was over before it could be sent".to_owned(),
                again: self.clock.now(),
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
            return Ok(());
        }
        let made = connection.call(call.action, &concrete.arguments, &context);
        let result = tokio::select! {
            result = made => result,
            // Dropping the call is safe here: what was waited for has been taken back and never comes.
            result = self.taken_back(live, call, concrete, &context) => result,
        };
        self.settle(live, epoch, index, result).await
    }

    /// Resolves only when somebody asked for a stop and the call could be taken back.
    pub(super) async fn taken_back(
        &self,
        live: &Live,
        call: &Call,
        concrete: &PlannedCall,
        context: &CallContext,
    ) -> CallResult {
        let mut seen = live.run.seq();
        loop {
            tokio::time::sleep(STOP_LOOK).await;
            let Ok(now) = self.desk.store.seq(&live.run.id).await else {
                continue;
            };
            if now == seen {
                continue;
            }
            seen = now;
            let Ok(fresh) = Live::load(&self.desk.store, &live.run.id).await else {
                continue;
            };
            if fresh.state.stop.is_none() {
                continue;
            }
            if let Some(connection) = self.desk.connections.get(&call.on)
                && let Some(result) = connection.take_back(call.action, &concrete.arguments, context).await
            {
                return result;
            }
        }
    }

    async fn recover(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let StepState::Begun { deadline, evidence, .. } = &live.state.steps[index] else {
            return Ok(());
        };
        let (deadline, evidence) = (*deadline, evidence.clone());
        let Some((planned, spec)) = self.pinned(live, index) else {
            return self.unreadable(live, epoch, index).await;
        };
        let (Some(call), Some(concrete)) = (&spec.call, &planned.call) else {
            return Ok(());
        };
        let Some(connection) = self.desk.connections.get(&call.on) else {
            let reason = format!("there is no connection {} any more", call.on);
            return self.settle(live, epoch, index, CallResult::Unknown { reason }).await;
        };
        let begun = recovery::Begun {
            action: call.action,
            step: &planned.name,
            arguments: &concrete.arguments,
            run: &live.run.id,
            deadline,
            evidence: &evidence,
        };
        match recovery::recover(connection, begun, &self.clock).await {
            recovery::Found::Ended(result) => self.settle(live, epoch, index, result).await,
            // It may have happened, and is not made again to find out.
            recovery::Found::TakenOnce { reason }
                if !live.state.begins_steps() || live.state.is_overdue(self.clock.now()) =>
            {
                let reason =
                    format!("Signalbox stopped in the middle of this step, and was told to stop before {reason}");
                self.settle(live, epoch, index, CallResult::Unknown { reason }).await
            }
            recovery::Found::NeverMade { reason } | recovery::Found::TakenOnce { reason } => {
                let entry = Entry::NotMade {
                    step: index,
                    reason,
                    again: self.clock.now(),
                };
                record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
                Ok(())
            }
        }
    }

    /// Judges what a call gave, by the pinned runbook, and journals it.
    async fn settle(&self, live: &mut Live, epoch: i64, index: usize, result: CallResult) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        let Some((planned, spec)) = self.pinned(live, index) else {
            return self.unreadable(live, epoch, index).await;
        };
        let certainly_not = matches!(result, CallResult::NotDone { .. } | CallResult::Unreachable { .. });
        let attempts = match &live.state.steps[index] {
            StepState::Waiting { attempts, .. } => attempts + 1,
            StepState::Begun { attempt, .. } => *attempt,
            _ => 1,
        };
        let again = retry::again(&spec.retry, &live.run.id, attempts, self.clock.now());
        let in_time = live.state.deadline().is_none_or(|deadline| again < deadline);
        if certainly_not && attempts <= spec.retry.times && live.state.stop.is_none() && in_time {
            let reason = reason_of(&result);
            record(
                store,
                live,
                &[Entry::NotMade {
                    step: index,
                    reason,
                    again,
                }],
                Beside::engine(epoch),
            )
            .await?;
            return Ok(());
        }
        let probe = match (&spec.probe, certainly_not) {
            (Some(probe), false) => Some(self.probe(live, &planned, probe).await),
            _ => None,
        };
        let (outcome, say) = judge(
            &spec,
            &planned,
            &live.plan().inputs,
            &live.plan().looks,
            &result,
            probe.as_ref(),
        );
        let effect = AuditRow {
            at: Timestamp::now(),
            kind: "effect".to_owned(),
            person: live.plan().person.clone(),
            subject: live.run.id.clone(),
            body: json!({ "step": planned.name, "outcome": outcome, "say": say }),
        };
        let entry = Entry::Outcome {
            step: index,
            outcome,
            say,
            call: Some(result),
            probe,
        };
        let records = std::slice::from_ref(&effect);
        if outcome == StepOutcome::Unknown {
            return self.ask_person(live, epoch, &index.to_string(), entry, records).await;
        }
        record(store, live, &[entry], Beside::engine(epoch).records(records)).await?;
        Ok(())
    }

    pub(super) async fn probe(&self, live: &Live, planned: &PlannedStep, probe: &Call) -> CallResult {
        let Some(concrete) = &planned.probe else {
            return CallResult::Unreachable {
                reason: "the plan holds no probe".to_owned(),
            };
        };
        let Some(connection) = self.desk.connections.get(&probe.on) else {
            return CallResult::Unreachable {
                reason: format!("there is no connection {} any more", probe.on),
            };
        };
        let context = self.context(live, &planned.name, Duration::from_secs(15));
        connection.call(probe.action, &concrete.arguments, &context).await
    }

    async fn close(&self, live: &mut Live, epoch: i64, outcome: Outcome) -> Result<(), LedgerError> {
        let say = closing_say(live, outcome);
        let messages = self.thread_messages(live, MessageKind::Result, "result").await?;
        let beside = Beside::engine(epoch)
            .locks(LockChange::Release)
            .messages(&messages)
            .release();
        record(&self.desk.store, live, &[Entry::Closed { outcome, say }], beside).await?;
        Ok(())
    }

    async fn prove(&self, live: &mut Live, epoch: i64) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        if live.state.reading(Moment::Soaked).is_none() {
            let readings = self.sampler.read_for(live.plan()).await;
            let entry = Entry::Signals {
                moment: Moment::Soaked,
                readings,
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
        }
        let VerdictLine { verdict, say } = self.sampler.verdict(live).await;
        let messages = self.thread_messages(live, MessageKind::Chart, "chart").await?;
        let entry = Entry::Proved { verdict, say };
        record(store, live, &[entry], Beside::engine(epoch).messages(&messages)).await?;
        Ok(())
    }

    /// A message for each thread of the run.
    pub(super) async fn thread_messages(
        &self,
        live: &Live,
        kind: MessageKind,
        word: &str,
    ) -> Result<Vec<NewMessage>, LedgerError> {
        let known = self.desk.store.messages_of(&live.run.id).await?;
        let threads = known
            .into_iter()
            .map(|(due, _)| due.message)
            .filter(|message| message.kind == MessageKind::Run);
        Ok(threads
            .map(|thread| NewMessage {
                id: format!(
                    "{}:{word}:{}",
                    live.run.id,
                    thread.place.channel.as_deref().unwrap_or_default()
                ),
                kind,
                run: Some(live.run.id.clone()),
                request: thread.request.clone(),
                place: Place { ..thread.place },
                body: None,
            })
            .collect())
    }

    pub(super) fn context(&self, live: &Live, step: &str, timeout: Duration) -> CallContext {
        let timeout = SignedDuration::try_from(timeout).unwrap_or(SignedDuration::from_hours(1));
        CallContext {
            run: live.run.id.clone(),
            step: step.to_owned(),
            deadline: self.clock.now() + timeout,
        }
    }

    /// The step as it was planned, with its part of the pinned runbook.
    pub(super) fn pinned(&self, live: &Live, index: usize) -> Option<(PlannedStep, StepSpec)> {
        let plan = live.plan();
        let planned = plan.steps.get(index)?.clone();
        let runbook = self
            .desk
            .rules
            .now()
            .pinned(&plan.runbook, &plan.hash, &plan.source)
            .map_err(|problems| {
                for problem in problems {
                    tracing::error!(run = %live.run.id, "{problem}");
                }
            })
            .ok()?;
        let spec = runbook.steps.get(planned.spec)?.clone();
        Some((planned, spec))
    }

    async fn unreadable(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let say = "The runbook that this run was planned by cannot be read by this version of Signalbox, so the step \
                   cannot be judged. A person must say what became of it."
            .to_owned();
        let entry = Entry::Outcome {
            step: index,
            outcome: StepOutcome::Unknown,
            say,
            call: None,
            probe: None,
        };
        self.ask_person(live, epoch, &index.to_string(), entry, &[]).await
    }
}

fn ask_again(count: u32, digest: &str, decision: Cited) -> Entry {
    Entry::ApprovalAsked {
        needed: count,
        digest: digest.to_owned(),
        until: Timestamp::now() + APPROVAL_LIFE,
        decision,
    }
}

fn reason_of(result: &CallResult) -> String {
    match result {
        CallResult::NotDone { reason } | CallResult::Unreachable { reason } | CallResult::Unknown { reason } => {
            reason.clone()
        }
        CallResult::Done { value } => Value::to_string(value),
    }
}
