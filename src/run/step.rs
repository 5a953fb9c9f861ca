//! Carries out a step: intent, call, probe, outcome. Where the next step's call can be made at once, its intent is
//! journalled together with the outcome before it, and the run's end with the last one: each commit saved is a wait that
//! people do not see.

use super::engine::{Engine, Pace};
use super::journal::Entry;
use super::ledger::{Beside, LedgerError, Live, record};
use super::recovery;
use super::report::closing_say;
use super::retry;
use super::state::{Next, StepState};
use crate::call::{CallContext, CallResult};
use crate::runbook::compose::{PlannedCall, PlannedStep, judge};
use crate::runbook::{Call, Runbook, StepOutcome, StepSpec};
use crate::store::audit::AuditRow;
use crate::store::runs::Written;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often a step that is under way looks whether somebody wants it stopped.
const STOP_LOOK: Duration = Duration::from_millis(300);

/// Why a call is not made whose intent was journalled after its deadline.
pub(super) const TOO_LATE: &str = "its time was over before it could be sent";

/// A call whose intent stands in the journal, and which is to be made now.
struct Begun {
    step: usize,
    call: Call,
    concrete: PlannedCall,
    context: CallContext,
}

/// What an outcome was journalled together with.
enum Then {
    /// The intent of the next call, which is to be made now.
    Call(Box<Begun>),
    /// The end of the run.
    Over,
    /// Nothing: what comes next is to be derived.
    Look,
}

/// A step of the runbook by which a run was planned.
pub(super) struct Pinned {
    runbook: Arc<Runbook>,
    step: usize,
}

impl Deref for Pinned {
    type Target = StepSpec;

    fn deref(&self) -> &StepSpec {
        &self.runbook.steps[self.step]
    }
}

/// A step with all that a call needs.
struct Callable {
    name: String,
    call: Call,
    concrete: PlannedCall,
    timeout: Duration,
}

impl Engine {
    pub(super) async fn step(&self, live: &mut Live, epoch: i64, index: usize) -> Result<Pace, LedgerError> {
        let Some((planned, spec)) = self.pinned(live, index) else {
            self.unreadable(live, epoch, index).await?;
            return Ok(Pace::On);
        };
        let Some(callable) = callable(&planned, &spec) else {
            // A manual step is asked of a person like a step whose end nobody knows.
            let entry = Entry::Outcome {
                step: index,
                outcome: StepOutcome::Unknown,
                say: planned.manual.clone().unwrap_or(planned.say),
                call: None,
                probe: None,
            };
            self.ask_person(live, epoch, &index.to_string(), entry, &[]).await?;
            return Ok(Pace::On);
        };
        let context = self.context(live, &callable.name, callable.timeout);
        let Some(connection) = self.desk.connections.get(&callable.call.on) else {
            let gone = CallResult::Unreachable {
                reason: format!("there is no connection {} any more", callable.call.on),
            };
            return self.ended(live, epoch, index, gone).await;
        };
        let evidence = match connection.evidence(callable.call.action, &context).await {
            Ok(evidence) => evidence,
            Err(reason) => {
                let unreachable = CallResult::Unreachable { reason };
                return self.ended(live, epoch, index, unreachable).await;
            }
        };
        let (intent, begun) = begin(live, index, callable, context, evidence);
        record(&self.desk.store, live, &[intent], Beside::engine(epoch)).await?;
        self.go_on(live, epoch, Then::Call(Box::new(begun))).await
    }

    /// Judges what became of a call, and makes the calls that were begun with that.
    async fn ended(&self, live: &mut Live, epoch: i64, index: usize, result: CallResult) -> Result<Pace, LedgerError> {
        let then = self.settle(live, epoch, index, result).await?;
        self.go_on(live, epoch, then).await
    }

    async fn go_on(&self, live: &mut Live, epoch: i64, mut then: Then) -> Result<Pace, LedgerError> {
        loop {
            let begun = match then {
                Then::Call(begun) => begun,
                Then::Over => return Ok(Pace::Over),
                Then::Look => return Ok(Pace::On),
            };
            then = match self.make(live, epoch, &begun).await? {
                Some(result) => self.settle(live, epoch, begun.step, result).await?,
                None => Then::Look,
            };
        }
    }

    /// Makes a call whose intent is journalled; none where it was too late for that, which is journalled then.
    async fn make(&self, live: &mut Live, epoch: i64, begun: &Begun) -> Result<Option<CallResult>, LedgerError> {
        if !self.may_send(live, epoch, &begun.context).await? {
            // Our own database kept the intent waiting: no target has failed that anybody should hear of.
            let entry = Entry::NotMade {
                step: begun.step,
                reason: TOO_LATE.to_owned(),
                again: self.clock.now(),
            };
            record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
            return Ok(None);
        }
        let Some(connection) = self.desk.connections.get(&begun.call.on) else {
            return Ok(Some(CallResult::Unreachable {
                reason: format!("there is no connection {} any more", begun.call.on),
            }));
        };
        let made = connection.call(begun.call.action, &begun.concrete.arguments, &begun.context);
        Ok(Some(tokio::select! {
            result = made => result,
            // Dropping the call is safe here: what was waited for has been taken back and never comes.
            result = self.taken_back(live, &begun.call, &begun.concrete, &begun.context) => result,
        }))
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

    pub(super) async fn recover(&self, live: &mut Live, epoch: i64, index: usize) -> Result<Pace, LedgerError> {
        let StepState::Begun { deadline, evidence, .. } = &live.state.steps[index] else {
            return Ok(Pace::On);
        };
        let (deadline, evidence) = (*deadline, evidence.clone());
        let Some((planned, spec)) = self.pinned(live, index) else {
            self.unreadable(live, epoch, index).await?;
            return Ok(Pace::On);
        };
        let (Some(call), Some(concrete)) = (&spec.call, &planned.call) else {
            return Ok(Pace::On);
        };
        let Some(connection) = self.desk.connections.get(&call.on) else {
            let reason = format!("there is no connection {} any more", call.on);
            return self.ended(live, epoch, index, CallResult::Unknown { reason }).await;
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
            recovery::Found::Ended(result) => self.ended(live, epoch, index, result).await,
            // It may have happened, and is not made again to find out.
            recovery::Found::TakenOnce { reason }
                if !live.state.begins_steps() || live.state.is_overdue(self.clock.now()) =>
            {
                let reason =
                    format!("Signalbox stopped in the middle of this step, and was told to stop before {reason}");
                self.ended(live, epoch, index, CallResult::Unknown { reason }).await
            }
            recovery::Found::NeverMade { reason } | recovery::Found::TakenOnce { reason } => {
                let entry = Entry::NotMade {
                    step: index,
                    reason,
                    again: self.clock.now(),
                };
                record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
                Ok(Pace::On)
            }
        }
    }

    /// Judges what a call gave, by the pinned runbook, and journals it. Tells what was journalled with
    /// it.
    async fn settle(&self, live: &mut Live, epoch: i64, index: usize, result: CallResult) -> Result<Then, LedgerError> {
        let store = &self.desk.store;
        let Some((planned, spec)) = self.pinned(live, index) else {
            self.unreadable(live, epoch, index).await?;
            return Ok(Then::Look);
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
            let entry = Entry::NotMade {
                step: index,
                reason: reason_of(&result),
                again,
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
            return Ok(Then::Look);
        }
        let probe = match (&spec.probe, certainly_not) {
            (Some(probe), false) => Some(self.probe(live, &planned, probe).await),
            _ => None,
        };
        let plan = live.plan();
        let (outcome, say) = judge(&spec, &planned, &plan.inputs, &plan.looks, &result, probe.as_ref());
        let effect = AuditRow {
            at: Timestamp::now(),
            kind: "effect".to_owned(),
            person: plan.person.clone(),
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
            self.ask_person(live, epoch, &index.to_string(), entry, records).await?;
            return Ok(Then::Look);
        }
        self.with_what_follows(live, epoch, entry, records).await
    }

    /// Journals an outcome, with the next step's intent or the run's end if nothing stands between them.
    async fn with_what_follows(
        &self,
        live: &mut Live,
        epoch: i64,
        outcome: Entry,
        records: &[AuditRow],
    ) -> Result<Then, LedgerError> {
        let beside = Beside::engine(epoch).records(records);
        let now = self.clock.now();
        let mut after = live.state.clone();
        after.apply(now, epoch, &outcome)?;
        match after.next() {
            Next::Step(index, None) if !after.is_overdue(now) => {
                let runbook = live.plan().runbook.clone();
                if let Some((intent, begun)) = self.at_once(live, index)
                    && self
                        .both(live, &outcome, intent, beside.unless_paused(&runbook))
                        .await?
                {
                    return Ok(Then::Call(Box::new(begun)));
                }
            }
            Next::Close(end) => {
                let say = live.as_if(after, |live| closing_say(live, end));
                let closed = Entry::Closed { outcome: end, say };
                if self.both(live, &outcome, closed, beside.closing()).await? {
                    return Ok(Then::Over);
                }
            }
            _ => {}
        }
        record(&self.desk.store, live, &[outcome], beside).await?;
        Ok(Then::Look)
    }

    /// False where somebody has said meanwhile what forbids the second one, and neither is written.
    async fn both(
        &self,
        live: &mut Live,
        outcome: &Entry,
        second: Entry,
        beside: Beside<'_>,
    ) -> Result<bool, LedgerError> {
        match record(&self.desk.store, live, &[outcome.clone(), second], beside).await {
            Ok(Written::Yes { .. }) => Ok(true),
            Ok(Written::Locked(_) | Written::Paused) | Err(LedgerError::Illegal(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The call of a step whose target need not be asked for anything first: the outcome before it would wait for that.
    fn at_once(&self, live: &Live, index: usize) -> Option<(Entry, Begun)> {
        if self.leaving.load(Ordering::SeqCst) {
            return None;
        }
        let (planned, spec) = self.pinned(live, index)?;
        let callable = callable(&planned, &spec)?;
        let connection = self.desk.connections.get(&callable.call.on)?;
        if connection.asks_beforehand(callable.call.action) {
            return None;
        }
        let context = self.context(live, &callable.name, callable.timeout);
        Some(begin(live, index, callable, context, Value::Null))
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

    /// The step as it was planned, with its part of the pinned runbook.
    pub(super) fn pinned(&self, live: &Live, index: usize) -> Option<(PlannedStep, Pinned)> {
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
        let step = planned.spec;
        (step < runbook.steps.len()).then_some((planned, Pinned { runbook, step }))
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

/// None for a manual step.
fn callable(planned: &PlannedStep, spec: &StepSpec) -> Option<Callable> {
    Some(Callable {
        name: planned.name.clone(),
        call: spec.call.clone()?,
        concrete: planned.call.clone()?,
        timeout: spec.timeout,
    })
}

fn begin(live: &Live, index: usize, callable: Callable, context: CallContext, evidence: Value) -> (Entry, Begun) {
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
    let begun = Begun {
        step: index,
        call: callable.call,
        concrete: callable.concrete,
        context,
    };
    (intent, begun)
}

fn reason_of(result: &CallResult) -> String {
    match result {
        CallResult::NotDone { reason } | CallResult::Unreachable { reason } | CallResult::Unknown { reason } => {
            reason.clone()
        }
        CallResult::Done { value } => Value::to_string(value),
    }
}
