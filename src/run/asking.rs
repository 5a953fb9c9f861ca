//! Asks a person what nobody else can tell, and asks again while nobody answers.

use super::engine::{Engine, Pace};
use super::journal::Entry;
use super::ledger::{Beside, LedgerError, Live, record};
use super::lock::{HeldLock, Holding};
use crate::store::audit::AuditRow;
use crate::store::messages::MessageKind;
use jiff::Timestamp;

impl Engine {
    /// Journals what is not known, and calls whoever may say. An edited message calls nobody; a new one does.
    pub(super) async fn ask_person(
        &self,
        live: &mut Live,
        epoch: i64,
        question: &str,
        entry: Entry,
        records: &[AuditRow],
    ) -> Result<(), LedgerError> {
        let word = format!("ping-{question}");
        let beside = Beside::engine(epoch).thread(MessageKind::Ping, &word).records(records);
        record(&self.desk.store, live, &[entry], beside).await?;
        Ok(())
    }

    /// Calls them again when it is time. Journalled together with the call, so that a restart repeats none and of two
    /// processes one calls.
    pub(super) async fn wait_for_person(
        &self,
        live: &mut Live,
        epoch: i64,
        now: Timestamp,
    ) -> Result<Pace, LedgerError> {
        let store = &self.desk.store;
        let Some(waits) = live.state.waits.clone() else {
            return Ok(Pace::Rest);
        };
        // In a trial nobody is there to be called.
        let is_time = waits.next_call().is_some_and(|call| now >= call) && !self.clock.leaps();
        if !is_time {
            return Ok(Pace::Rest);
        }
        let held = store.locks_of(&live.run.id).await?;
        let held = held
            .into_iter()
            .map(|HeldLock { key, since, .. }| Holding { key, since });
        let entry = Entry::Reminded {
            step: waits.step,
            held: held.collect(),
        };
        let question = format!("again-{}", live.run.seq());
        self.ask_person(live, epoch, &question, entry, &[]).await?;
        Ok(Pace::Rest)
    }
}
