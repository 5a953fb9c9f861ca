//! Undoes a step that was done. An undo is a call like any other: intent, call, outcome; it is never made twice.

use super::engine::Engine;
use super::journal::Entry;
use super::ledger::{Beside, LedgerError, Live, record};
use super::state::Phase;
use crate::call::CallResult;
use crate::runbook::StepOutcome;

impl Engine {
    /// Begun by somebody who is gone: no guard covers an undo, so a person must look.
    pub(super) async fn recover_undo(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let say = "Signalbox stopped in the middle of this undo; whether it happened is not known.".to_owned();
        let entry = Entry::UndoOutcome {
            step: index,
            outcome: StepOutcome::Unknown,
            say,
        };
        record(&self.desk.store, live, &[entry], Beside::engine(epoch)).await?;
        Ok(())
    }

    pub(super) async fn undo(&self, live: &mut Live, epoch: i64, index: usize) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        if !matches!(live.state.phase(), Some(Phase::Undoing)) {
            record(store, live, &[Entry::UndoAsked { person: None }], Beside::engine(epoch)).await?;
        }
        let pinned = self.pinned(live, index);
        let undo = pinned
            .as_ref()
            .and_then(|(planned, spec)| Some((planned, spec, spec.undo.as_ref()?, planned.undo.as_ref()?)));
        let Some((planned, spec, undo, concrete)) = undo else {
            let say = "The runbook that this run was planned by cannot be read by this version of Signalbox, so this \
                       step is not undone."
                .to_owned();
            let entry = Entry::UndoOutcome {
                step: index,
                outcome: StepOutcome::Failed,
                say,
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
            return Ok(());
        };
        let name = format!("undo:{}", planned.name);
        let context = self.context(live, &name, spec.timeout);
        let result = match self.desk.connections.get(&undo.on) {
            None => CallResult::Unreachable {
                reason: format!("there is no connection {} any more", undo.on),
            },
            Some(connection) => match connection.evidence(undo.action, &context).await {
                Err(reason) => CallResult::Unreachable { reason },
                Ok(evidence) => {
                    let intent = Entry::UndoIntent {
                        step: index,
                        deadline: context.deadline,
                        evidence,
                    };
                    record(store, live, &[intent], Beside::engine(epoch)).await?;
                    if self.may_send(live, epoch, &context).await? {
                        connection.call(undo.action, &concrete.arguments, &context).await
                    } else {
                        CallResult::Unreachable {
                            reason: "its time was over before it could be sent".to_owned(),
                        }
                    }
                }
            },
        };
        let (outcome, say) = match &result {
            CallResult::Done { .. } => (StepOutcome::Done, format!("{} was undone.", planned.name)),
            CallResult::NotDone { reason } | CallResult::Unreachable { reason } => (
                StepOutcome::Failed,
                format!("{} could not be undone: {reason}", planned.name),
            ),
            CallResult::Unknown { reason } => (
                StepOutcome::Unknown,
                format!("Whether {} was undone is not known: {reason}", planned.name),
            ),
        };
        record(
            store,
            live,
            &[Entry::UndoOutcome {
                step: index,
                outcome,
                say,
            }],
            Beside::engine(epoch),
        )
        .await?;
        Ok(())
    }
}
