//! The only way to write to a run: what is added must be legal where the run stands now, in one transaction with what
//! follows from it.

use super::journal::Entry;
use super::state::{Illegal, Next, RunState};
use crate::plan::Plan;
use crate::store::audit::AuditRow;
use crate::store::lists::STILL;
use crate::store::messages::MessageKind;
use crate::store::runs::{
    AT_ONCE, Append, Cache, Claim, JournalRow, LockChange, StoredRun, Word, Written, to_the_microsecond,
};
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

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
    /// When its row was last written in all its columns.
    moved: Timestamp,
}

impl Live {
    /// Reads a run and derives its state.
    pub async fn load(store: &Store, id: &str) -> Result<Self, LedgerError> {
        Self::of(store.run(id).await?)
    }

    /// A run as it was read.
    pub fn of(run: StoredRun) -> Result<Self, LedgerError> {
        if !run.plan.is_intact() {
            return Err(LedgerError::Tampered(run.id));
        }
        let state = RunState::fold(
            run.plan.shape(),
            run.journal.iter().map(|row| (row.at, row.epoch, &row.entry)),
        )?;
        Ok(Self {
            run,
            state,
            moved: Timestamp::UNIX_EPOCH,
        })
    }

    /// What is seen of the run if it stands so.
    pub(super) fn as_if<T>(&mut self, state: RunState, look: impl FnOnce(&Self) -> T) -> T {
        let now = std::mem::replace(&mut self.state, state);
        let seen = look(self);
        self.state = now;
        seen
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
    pub new_plan: Option<&'a Plan>,
    /// A message for each thread of the run.
    pub thread: Option<Word<'a>>,
    /// Lines of the record.
    pub records: &'a [AuditRow],
    /// Whether the claim is given back with it.
    pub release: bool,
    /// A runbook; nothing is written while it is paused.
    pub unless_paused: Option<&'a str>,
    /// Who claims the run, if it is due afterwards and nobody has it.
    pub claim: Option<Claim<'a>>,
}

impl<'a> Beside<'a> {
    /// Nothing but the entries, by the engine.
    pub fn engine(epoch: i64) -> Self {
        Self {
            epoch: Some(epoch),
            ..Self::person()
        }
    }

    /// Nothing but the entries, by a person.
    pub fn person() -> Self {
        Self {
            epoch: None,
            locks: LockChange::Keep,
            new_plan: None,
            thread: None,
            records: &[],
            release: false,
            unless_paused: None,
            claim: None,
        }
    }

    /// With a change of locks.
    pub fn locks(self, locks: LockChange<'a>) -> Self {
        Self { locks, ..self }
    }

    /// With a message for each of the run's threads.
    pub fn thread(self, kind: MessageKind, word: &'a str) -> Self {
        Self {
            thread: Some(Word { kind, word }),
            ..self
        }
    }

    /// With a new plan.
    pub fn plan(self, plan: &'a Plan) -> Self {
        Self {
            new_plan: Some(plan),
            ..self
        }
    }

    /// With lines of the record.
    pub fn records(self, records: &'a [AuditRow]) -> Self {
        Self { records, ..self }
    }

    /// Unless somebody has paused the runbook.
    pub fn unless_paused(self, runbook: &'a str) -> Self {
        Self {
            unless_paused: Some(runbook),
            ..self
        }
    }

    /// With a claim, if the run is due afterwards and nobody has it.
    pub fn claim(self, claim: Option<Claim<'a>>) -> Self {
        Self { claim, ..self }
    }

    /// With what goes with a run's end: its locks are let go, its threads are told, and it rests; whoever looks at it
    /// next claims it anew.
    pub fn closing(self) -> Self {
        Self {
            locks: LockChange::Release,
            release: true,
            ..self
        }
        .thread(MessageKind::Result, "result")
    }
}

/// A database that does not answer is asked again for so long, by the engine: what it has just done must not be lost,
/// and while the process lives nobody else knows of it.
const ENGINE_PATIENCE: Duration = Duration::from_secs(600);

/// And so long by somebody whose request is tried again later anyway.
const PERSON_PATIENCE: Duration = Duration::from_secs(10);

/// What changed since then is found by those who look back as far as [`crate::store::lists::BLUR`].
const MOVED_LATELY: SignedDuration = SignedDuration::from_micros(STILL);

/// The first pause between two tries; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Adds entries. If somebody else wrote meanwhile, the run is read again and the entries are tried on what it is now. If
/// the database does not answer, it is asked again; an answer that was lost after the commit is found in the journal.
pub async fn record(
    store: &Store,
    live: &mut Live,
    entries: &[Entry],
    beside: Beside<'_>,
) -> Result<Written, LedgerError> {
    let since = Instant::now();
    let patience = if beside.epoch.is_some() {
        ENGINE_PATIENCE
    } else {
        PERSON_PATIENCE
    };
    let mut pause = FIRST_PAUSE;
    let now = to_the_microsecond(Timestamp::now());
    // True once a commit may have happened of which no answer came.
    let mut doubtful = false;
    loop {
        let mut state = match beside.new_plan {
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
        let cache = cache(&state);
        let since_moved = now.duration_since(live.moved);
        let steady = beside.epoch.is_some()
            && !beside.release
            && cache == self::cache(&live.state)
            && (SignedDuration::ZERO..MOVED_LATELY).contains(&since_moved);
        let append = Append {
            steady,
            run: &live.run.id,
            seq: live.run.seq(),
            epoch: beside.epoch,
            entries,
            cache,
            locks: beside.locks,
            new_plan: beside.new_plan,
            thread: beside.thread,
            records: beside.records,
            release: beside.release,
            unless_paused: beside.unless_paused,
            claim: beside.claim.filter(|_| cache.wake.is_some_and(|wake| wake <= now)),
        };
        match store.append(append, now).await {
            Ok(Written::Yes { claimed_until, claimed }) => {
                live.moved_on(entries, state, beside, now, claimed_until);
                if !steady {
                    live.moved = now;
                }
                live.run.epoch = claimed.unwrap_or(live.run.epoch);
                return Ok(Written::Yes { claimed_until, claimed });
            }
            Ok(held) => return Ok(held),
            Err(StoreError::Moved(_)) => {
                let seen = live.run.seq();
                *live = Live::load(store, &live.run.id).await?;
                if doubtful && live.holds(entries, seen, beside.epoch.unwrap_or(0), now) {
                    return Ok(Written::Yes {
                        claimed_until: live.run.claimed_until,
                        // Whoever looks for runs finds it when the claim is over.
                        claimed: None,
                    });
                }
            }
            Err(StoreError::Database(error)) if since.elapsed() < patience => {
                tracing::warn!(run = %live.run.id, %error, "not written yet; tried again");
                doubtful = true;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Live {
    /// As the run stands after what was just written.
    fn moved_on(
        &mut self,
        entries: &[Entry],
        state: RunState,
        beside: Beside<'_>,
        now: Timestamp,
        claimed_until: Timestamp,
    ) {
        let after = self.run.seq();
        let rows = (after + 1..).zip(entries).map(|(seq, entry)| JournalRow {
            seq,
            at: now,
            epoch: beside.epoch.unwrap_or(0),
            entry: entry.clone(),
        });
        self.run.journal.extend(rows);
        self.run.claimed_until = claimed_until;
        if let Some(plan) = beside.new_plan {
            self.run.plan = plan.clone();
        }
        self.state = state;
    }

    /// Whether these very entries stand after the place `seen`, written at that moment.
    fn holds(&self, entries: &[Entry], seen: i64, epoch: i64, at: Timestamp) -> bool {
        let found: Vec<&JournalRow> = self.run.journal.iter().filter(|row| row.seq > seen).collect();
        found.len() >= entries.len()
            && found
                .iter()
                .zip(entries)
                .all(|(row, entry)| row.epoch == epoch && row.at == at && row.entry == *entry)
    }
}

/// What stands in the run's row for a state.
pub fn cache(state: &RunState) -> Cache {
    let wake = match state.next() {
        Next::AwaitApproval(until) | Next::Prove(until) => Some(until),
        // A run whose time is over before its next try need not wait for that.
        Next::Step(_, after) => Some(after.unwrap_or(AT_ONCE).min(state.deadline().unwrap_or(Timestamp::MAX))),
        Next::Undo(_, after) => Some(after.unwrap_or(AT_ONCE)),
        Next::AskPerson(_) => state.next_call(),
        Next::Nothing => None,
        Next::Start | Next::Read(_) | Next::Recover(_) | Next::RecoverUndo(_) | Next::Close(_) => Some(AT_ONCE),
    };
    Cache {
        outcome: state.standing(),
        wake,
    }
}
