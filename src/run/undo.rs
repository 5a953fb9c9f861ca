//! Undoes a step that was done. An undo is a call like any other: intent, call, probe, outcome; made again only where it
//! certainly was not made.

use super::engine::Engine;
use super::journal::Entry;
use super::ledger::{Beside, LedgerError, Live, record};
use super::recovery;
use super::retry;
use super::state::{Phase, StepState};
use super::step::{Pinned, TOO_LATE};
use crate::call::CallResult;
use crate::runbook::compose::{PlannedCall, PlannedStep, judge_undo};
use crate::runbook::{Call, StepOutcome};
use crate::store::audit::AuditRow;
use jiff::Timestamp;
use serde_json::json;

/// What undoes a step, as it was planned.
struct Reversal {
    planned: PlannedStep,
    spec: Pinned,
    call: Call,
    concrete: PlannedCall,
}

impl Reversal {
    /// The name that the target knows the call by; the step's own call has another one.
    fn name(&self) -> String {
        format!("undo:{}", self.planned.name)
    }
}

impl Engine {
    pub(super) async fn undo(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        if !matches!(live.state.phase(), Some(Phase::Undoing)) {
            record(store, live, &[Entry::UndoAsked { person: None }], Beside::engine(epoch)).await?;
        }
        let Some(reversal) = self.reversal(live, index) else {
            return self.not_undone(live, epoch, index).await;
        };
        let context = self.context(live, &reversal.name(), reversal.spec.timeout);
        let Some(connection) = self.desk.connections.get(&reversal.call.on) else {
            let reason = format!("there is no connection {} any more", reversal.call.on);
            let gone = CallResult::Unreachable { reason };
            return self.settle_undo(live, epoch, index, &reversal, gone).await;
        };
        let evidence = match connection.evidence(reversal.call.action, &context).await {
            Ok(evidence) => evidence,
            Err(reason) => {
                let unreachable = CallResult::Unreachable { reason };
                return self.settle_undo(live, epoch, index, &reversal, unreachable).await;
            }
        };
        let intent = Entry::UndoIntent {
            step: index,
            attempt: calls(live, index) + 1,
            deadline: context.deadline,
            evidence,
        };
        record(store, live, &[intent], Beside::engine(epoch)).await?;
        if !self.may_send(live, epoch, &context).await? {
            // As for a step: our own database kept the intent waiting, and no target has failed.
            let late = Entry::UndoNotMade {
                step: index,
                reason: TOO_LATE.to_owned(),
                again: self.clock.now(),
            };
            record(store, live, &[late], Beside::engine(epoch)).await?;
            return Ok(());
        }
        let made = connection.call(reversal.call.action, &reversal.concrete.arguments, &context);
        let result = tokio::select! {
            result = made => result,
            // As for a step: what was waited for has been taken back and never comes.
            result = self.taken_back(live, &reversal.call, &reversal.concrete, &context) => result,
        };
        self.settle_undo(live, epoch, index, &reversal, result).await
    }

    /// Begun by somebody who is gone: the target is asked first, then the probe, then a person.
    pub(super) async fn recover_undo(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let StepState::Undoing { deadline, evidence, .. } = &live.state.steps[index] else {
            return Ok(());
        };
        let (deadline, evidence) = (*deadline, evidence.clone());
        let Some(reversal) = self.reversal(live, index) else {
            let say = format!(
                "Signalbox stopped in the middle of undoing {}, and this version cannot read the runbook that says how \
                 to find out whether it was undone.",
                live.plan().steps[index].name
            );
            let entry = Entry::UndoOutcome {
                step: index,
                outcome: StepOutcome::Unknown,
                say,
            };
            let question = format!("undo-{index}");
            return self.ask_person(live, epoch, &question, entry, &[]).await;
        };
        let Some(connection) = self.desk.connections.get(&reversal.call.on) else {
            let reason = format!("there is no connection {} any more", reversal.call.on);
            let unknown = CallResult::Unknown { reason };
            return self.settle_undo(live, epoch, index, &reversal, unknown).await;
        };
        let begun = recovery::Begun {
            action: reversal.call.action,
            step: &reversal.name(),
            arguments: &reversal.concrete.arguments,
            run: &live.run.id,
            deadline,
            evidence: &evidence,
        };
        match recovery::recover(connection, begun, &self.clock).await {
            recovery::Found::Ended(result) => self.settle_undo(live, epoch, index, &reversal, result).await,
            // It may have happened, and is not made again to find out.
            recovery::Found::TakenOnce { reason } if live.state.stop.is_some() => {
                let reason =
                    format!("Signalbox stopped in the middle of this undo, and was told to stop before {reason}");
                let unknown = CallResult::Unknown { reason };
                self.settle_undo(live, epoch, index, &reversal, unknown).await
            }
            recovery::Found::NeverMade { reason } | recovery::Found::TakenOnce { reason } => {
                let again = self.clock.now();
                let entry = Entry::UndoNotMade {
                    step: index,
                    reason,
                    again,
                };
                record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
                Ok(())
            }
        }
    }

    async fn settle_undo(
        &self,
        live: &mut Live,
        epoch: i64,
        index: usize,
        reversal: &Reversal,
        result: CallResult,
    ) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        let Reversal { planned, spec, .. } = reversal;
        let made_in_vain = match &result {
            CallResult::NotDone { reason } | CallResult::Unreachable { reason } => Some(reason.clone()),
            CallResult::Done { .. } | CallResult::Unknown { .. } => None,
        };
        let attempts = match &live.state.steps[index] {
            StepState::Undoing { attempt, .. } => *attempt,
            _ => calls(live, index) + 1,
        };
        if let Some(reason) = &made_in_vain
            && attempts <= spec.retry.times
            && live.state.stop.is_none()
        {
            let again = retry::again(&spec.retry, &live.run.id, attempts, self.clock.now());
            let entry = Entry::UndoNotMade {
                step: index,
                reason: reason.clone(),
                again,
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
            return Ok(());
        }
        let probe = match (&spec.probe, &made_in_vain) {
            // Only an expectation reads what it says.
            (Some(probe), None) if !spec.undo_expect.is_empty() => Some(self.probe(live, planned, probe).await),
            _ => None,
        };
        let (inputs, looks) = (&live.plan().inputs, &live.plan().looks);
        let (outcome, say) = judge_undo(spec, planned, inputs, looks, &result, probe.as_ref());
        let effect = [AuditRow {
            at: Timestamp::now(),
            kind: "effect".to_owned(),
            person: live.plan().person.clone(),
            subject: live.run.id.clone(),
            body: json!({ "undo": planned.name, "outcome": outcome, "say": say }),
        }];
        let entry = Entry::UndoOutcome {
            step: index,
            outcome,
            say,
        };
        if outcome == StepOutcome::Unknown {
            let question = format!("undo-{index}");
            return self.ask_person(live, epoch, &question, entry, &effect).await;
        }
        record(store, live, &[entry], Beside::engine(epoch).records(&effect)).await?;
        Ok(())
    }

    /// Nothing was sent, and by this version nothing will be.
    async fn not_undone(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let say = format!(
            "{} is not undone: this version of Signalbox cannot read the runbook that the run was planned by.",
            live.plan().steps[index].name
        );
        let entry = Entry::UndoOutcome {
            step: index,
            outcome: StepOutcome::Failed,
            say,
        };
        record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
        Ok(())
    }

    fn reversal(&self, live: &Live, index: usize) -> Option<Reversal> {
        let (planned, spec) = self.pinned(live, index)?;
        let (call, concrete) = (spec.undo.clone()?, planned.undo.clone()?);
        Some(Reversal {
            planned,
            spec,
            call,
            concrete,
        })
    }
}

/// How often the undo was called in vain.
fn calls(live: &Live, index: usize) -> u32 {
    match &live.state.steps[index] {
        StepState::UndoWaiting { attempts, .. } => *attempts,
        _ => 0,
    }
}
