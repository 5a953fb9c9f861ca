//! The only way to write to a run: what is added must be legal where the run stands now, in one transaction with what
//! follows from it.

use super::journal::Entry;
use super::state::{Illegal, Next, RunState};
use crate::plan::Plan;
use crate::store::messages::NewMessage;
use crate::store::runs::{Append, Cache, LockChange, StoredRun, Written};
use crate::store::{Store, StoreError};
use jiff::Timestamp;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The run has moved on to where this makes no sense.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The store failed, or another process has the run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored is not what was decided upon.
    #[error("run {0} holds a plan that differs from its digest: it is not carried out")]
    Tampered(String),
}

/// A run with its state, as it was read.
#[derive(Debug, Clone)]
pub struct Live {
    /// As stored.
    pub run: StoredRun,
    /// Derived from the journal.
    pub state: RunState,
}

impl Live {
    /// Reads a run and derives its state.
    pub async fn load(store: &Store, id: &str) -> Result<Self, LedgerError> {
        let run = store.run(id).await?;
        if !run.plan.is_intact() {
            return Err(LedgerError::Tampered(id.to_owned()));
        }
        let state = RunState::fold(
            run.plan.shape(),
            run.journal.iter().map(|row| (row.at, row.epoch, &row.entry)),
        )?;
        Ok(Self { run, state })
    }

    /// What the run does.
    pub fn plan(&self) -> &Plan {
        &self.run.plan
    }
}

/// What is written beside the entries.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The engine's claim; none for what a person does.
    pub epoch: Option<i64>,
    /// What happens to the locks.
    pub locks: LockChange<'a>,
    /// The plan, where it was built anew.
    pub plan: Option<&'a Plan>,
    /// Further messages.
    pub messages: &'a [NewMessage],
}

impl<'a> Beside<'a> {
    /// Nothing but the entries, by the engine.
    pub fn engine(epoch: i64) -> Self {
        Self {
            epoch: Some(epoch),
            locks: LockChange::Keep,
            plan: None,
            messages: &[],
        }
    }

    /// Nothing but the entries, by a person.
    pub fn person() -> Self {
        Self {
            epoch: None,
            locks: LockChange::Keep,
            plan: None,
            messages: &[],
        }
    }

    /// With a change of locks.
    pub fn locks(self, locks: LockChange<'a>) -> Self {
        Self { locks, ..self }
    }

    /// With messages.
    pub fn messages(self, messages: &'a [NewMessage]) -> Self {
        Self { messages, ..self }
    }

    /// With a new plan.
    pub fn plan(self, plan: &'a Plan) -> Self {
        Self {
            plan: Some(plan),
            ..self
        }
    }
}

/// Adds entries. If somebody else wrote meanwhile, the run is read again and the entries are tried on what it is now.
pub async fn record(
    store: &Store,
    live: &mut Live,
    entries: &[Entry],
    beside: Beside<'_>,
) -> Result<Written, LedgerError> {
    loop {
        let now = Timestamp::now();
        let mut state = match beside.plan {
            // A new plan has other steps: what was folded for the old one starts anew under the new shape.
            Some(plan) => RunState::fold(
                plan.shape(),
                live.run.journal.iter().map(|row| (row.at, row.epoch, &row.entry)),
            )?,
            None => live.state.clone(),
        };
        for entry in entries {
            state.apply(now, beside.epoch.unwrap_or(0), entry)?;
        }
        let written = store
            .append(
                Append {
                    run: &live.run.id,
                    seq: live.run.seq(),
                    epoch: beside.epoch,
                    entries,
                    cache: cache(&state, now),
                    locks: beside.locks,
                    plan: beside.plan,
                    messages: beside.messages,
                },
                now,
            )
            .await;
        match written {
            Ok(Written::Yes) => {
                *live = Live::load(store, &live.run.id).await?;
                return Ok(Written::Yes);
            }
            Ok(held) => return Ok(held),
            Err(StoreError::Moved(_)) => *live = Live::load(store, &live.run.id).await?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What stands in the run's row for a state.
pub fn cache(state: &RunState, now: Timestamp) -> Cache {
    let wake = match state.next() {
        Next::AwaitApproval(until) | Next::Prove(until) => Some(until),
        // A run whose time is over before its next try need not wait for that.
        Next::Step(_, after) => Some(after.unwrap_or(now).min(state.deadline().unwrap_or(Timestamp::MAX))),
        Next::Undo(_, after) => Some(after.unwrap_or(now)),
        Next::AskPerson(_) => state.next_call(),
        Next::Nothing => None,
        Next::Start | Next::Read(_) | Next::Recover(_) | Next::RecoverUndo(_) | Next::Close(_) => Some(now),
    };
    Cache {
        outcome: state.standing(),
        wake,
    }
}
