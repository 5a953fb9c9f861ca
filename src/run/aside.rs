//! Runs that cannot be carried on for a reason that time does not mend: a plan that is not the one that was decided upon, a
//! journal that cannot be, or that this version cannot read.

use super::engine::Engine;
use super::ledger::{LedgerError, Live};
use crate::store::StoreError;
use jiff::Timestamp;

/// Letters of a reason. An error of the parser may list all that it would have taken.
const REASON: usize = 200;

impl LedgerError {
    /// Why a run that was just read cannot be carried on, whatever is done; none where trying again may help.
    pub fn lasting(&self) -> Option<String> {
        let reason = match self {
            Self::Tampered(_) => "its plan is not the one that was decided upon".to_owned(),
            Self::Illegal(illegal) => format!("its journal cannot be: {illegal}"),
            Self::Store(StoreError::Corrupt(what)) => {
                format!("it cannot be read by this version of Signalbox: {what}")
            }
            Self::Store(_) => return None,
        };
        let cut: String = reason.chars().take(REASON).collect();
        Some(if cut.len() < reason.len() { cut + "…" } else { cut })
    }
}

impl Engine {
    /// After an error: a run that cannot be read, or not believed, is set aside instead of being tried for ever.
    pub(super) async fn set_aside(&self, id: &str, epoch: i64) -> Result<(), StoreError> {
        let store = &self.desk.store;
        let Err(error) = Live::load(store, id).await else {
            return Ok(());
        };
        let Some(reason) = error.lasting() else {
            return Ok(());
        };
        tracing::error!(run = id, reason, "the run is set aside");
        store.set_aside(id, epoch, &reason, Timestamp::now()).await
    }
}
