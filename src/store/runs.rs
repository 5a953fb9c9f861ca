//! Runs, their journals and their locks. Each write is one transaction and a compare-and-set: on the journal's length,
//! and for the engine on its epoch too.

use super::alert_runs::Deed;
use super::audit::AuditRow;
use super::messages::{MessageKind, NewMessage};
use super::values::{BindAll as _, list, statement};
use super::writer::{Addition, Begin, Taking, What, Write};
use super::{Store, StoreError, decode, encode, micros, number, text, timestamp};
use crate::plan::Plan;
use crate::report::Outcome;
use crate::run::journal::Entry;
use crate::run::lock::{HeldLock, Locks};
use jiff::Timestamp;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    /// Counted from one.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// By whom: a process has one epoch per claim. Zero is nobody's, a person's doing.
    pub epoch: i64,
    /// What.
    pub entry: Entry,
}

/// A run as it is stored.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// Short, unguessable.
    pub id: String,
    /// The request that it came from.
    pub request: String,
    /// When it was created.
    pub created: Timestamp,
    /// Its claim's number.
    pub epoch: i64,
    /// Until when that claim lasts, as it was renewed last.
    pub claimed_until: Timestamp,
    /// What it does; pinned.
    pub plan: Plan,
    /// Whole.
    pub journal: Vec<JournalRow>,
}

impl StoredRun {
    /// A run as it stands after it was stored for the first time, with its first claim.
    pub fn begun(
        id: String,
        request: String,
        plan: Plan,
        entries: Vec<Entry>,
        now: Timestamp,
        until: Timestamp,
    ) -> Self {
        let now = to_the_microsecond(now);
        let journal = (1..).zip(entries).map(|(seq, entry)| JournalRow {
            seq,
            at: now,
            epoch: 0,
            entry,
        });
        Self {
            id,
            request,
            created: now,
            epoch: 1,
            claimed_until: to_the_microsecond(until),
            plan,
            journal: journal.collect(),
        }
    }

    /// The journal's length.
    pub fn seq(&self) -> i64 {
        self.journal.last().map_or(0, |row| row.seq)
    }
}

/// One line of the list of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLine {
    /// Its id.
    pub id: String,
    /// Which runbook.
    pub runbook: String,
    /// Who asked.
    pub person: String,
    /// When.
    pub created: Timestamp,
    /// How it stands.
    pub outcome: Outcome,
}

/// A claim that is taken together with what is written.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Which process.
    pub owner: &'a str,
    /// Until when nobody else takes the run.
    pub until: Timestamp,
}

/// A run about to be stored for the first time.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// Its id.
    pub id: &'a str,
    /// The request that it came from.
    pub request: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its first entries.
    pub entries: &'a [Entry],
    /// How it stands after them.
    pub cache: Cache,
    /// Taken in the same transaction, or the run is not created.
    pub locks: Option<&'a Locks>,
    /// What people are to see of it.
    pub messages: &'a [NewMessage],
    /// Lines of the record.
    pub records: &'a [AuditRow],
    /// Whose it is from the beginning, if anybody's. The claim's number is one.
    pub claim: Option<Claim<'a>>,
    /// The alerts on whose account it was asked for.
    pub deed: Option<Deed>,
}

/// What stands in the run's row: derived from the journal and written with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// How it stands.
    pub outcome: Outcome,
    /// When an engine should look at it; none means never by itself. See [`AT_ONCE`].
    pub wake: Option<Timestamp>,
}

/// The time of what is due at once: one that no clock is before, also one that was set back.
pub const AT_ONCE: Timestamp = Timestamp::UNIX_EPOCH;

/// What happens to the run's locks together with an entry.
#[derive(Debug, Clone, Copy)]
pub enum LockChange<'a> {
    /// Nothing.
    Keep,
    /// All are taken, for what the plan does, or nothing is written.
    Take(&'a Locks, &'a Plan),
    /// All are let go.
    Release,
}

/// What each thread of a run is told.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// What the message is.
    pub kind: MessageKind,
    /// Stands in its id: the same word twice is one message.
    pub word: &'a str,
}

/// An addition to a journal.
#[derive(Debug)]
pub struct Append<'a> {
    /// Which run.
    pub run: &'a str,
    /// The journal's length as it was read.
    pub seq: i64,
    /// The engine's claim; none for what a person does.
    pub epoch: Option<i64>,
    /// What is added.
    pub entries: &'a [Entry],
    /// How it stands afterwards.
    pub cache: Cache,
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
    /// Whether [`Cache`] is as it was, and was last written a moment ago: then no index changes.
    pub steady: bool,
    /// Who claims the run with it, unless somebody has it.
    pub claim: Option<Claim<'a>>,
    /// A runbook; nothing is written while it is paused.
    pub unless_paused: Option<&'a str>,
}

/// Whether a write that wants locks got them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// All of it is stored.
    Yes {
        /// Until when the claim on the run lasts, as it was renewed last. In the past where nobody claims it.
        claimed_until: Timestamp,
        /// The number of the claim that was taken with it.
        claimed: Option<i64>,
    },
    /// Nothing is stored: these are in the way.
    Locked(Vec<HeldLock>),
    /// Nothing is stored: what it would begin is paused.
    Paused,
}

/// As the database keeps it: a run in memory and the same run read again must not differ.
pub fn to_the_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl Store {
    /// Stores a new run, with its request marked as answered by it.
    pub async fn create_run(&self, new: NewRun<'_>, now: Timestamp) -> Result<Written, StoreError> {
        let mut write = Write::new(
            What::Begin(Begin {
                run: new.id.to_owned(),
                request: new.request.to_owned(),
                runbook: new.plan.runbook.clone(),
                person: new.plan.person.clone(),
                outcome: outcome_text(new.cache.outcome)?,
                wake: new.cache.wake.map(micros),
                plan: encode("plan", new.plan)?,
                inputs: new.plan.inputs_text(),
                said: closing(new.entries),
                claim: new.claim.map(owned),
                entries: encoded(new.entries)?,
            }),
            now,
        );
        write.take = new.locks.map(|locks| taking(locks, new.plan));
        write.messages.extend_from_slice(new.messages);
        write.records.extend_from_slice(new.records);
        write.deed = new.deed;
        self.writer.write(write).await
    }

    /// Adds to a journal.
    pub async fn append(&self, append: Append<'_>, now: Timestamp) -> Result<Written, StoreError> {
        let mut write = Write::new(
            What::Add(Addition {
                run: append.run.to_owned(),
                seq: append.seq,
                epoch: append.epoch.unwrap_or(-1),
                outcome: outcome_text(append.cache.outcome)?,
                wake: append.cache.wake.map(micros),
                said: closing(append.entries),
                ends: append.entries.iter().any(is_end),
                plan: append.new_plan.map(|plan| encode("plan", plan)).transpose()?,
                unlock: matches!(append.locks, LockChange::Release),
                release: append.release,
                steady: append.steady,
                claim: append.claim.map(owned),
                unless_paused: append.unless_paused.map(str::to_owned),
                entries: encoded(append.entries)?,
            }),
            now,
        );
        if let LockChange::Take(locks, plan) = append.locks {
            write.take = Some(taking(locks, plan));
        }
        write.thread = append.thread.map(|Word { kind, word }| (kind, word.to_owned()));
        write.records.extend_from_slice(append.records);
        self.writer.write(write).await
    }

    /// Runs whole, with two looks for all of them. One that cannot be read is left out: whoever reads it by itself learns
    /// why.
    pub async fn whole(&self, ids: &[String]) -> Result<HashMap<String, StoredRun>, StoreError> {
        let (mut runs, mut lengths) = (HashMap::new(), HashMap::new());
        let places = list(0, ids.len());
        let rows = statement(
            format!("SELECT id, request, created, epoch, plan, seq, lease_until FROM run WHERE id IN ({places})"),
            ids.len(),
        );
        for row in rows.bind_all(ids).fetch_all(&self.read).await? {
            if let Ok(run) = stored_run(&row) {
                lengths.insert(run.id.clone(), number(&row, 5)?);
                runs.insert(run.id.clone(), run);
            }
        }
        let rows = statement(
            format!("SELECT seq, at, epoch, entry, run FROM journal WHERE run IN ({places}) ORDER BY run, seq"),
            ids.len(),
        );
        for row in rows.bind_all(ids).fetch_all(&self.read).await? {
            let id = text(&row, 4)?;
            // What was written since belongs to whoever reads it later.
            if lengths
                .get(&id)
                .is_none_or(|length| number(&row, 0).is_ok_and(|seq| seq > *length))
            {
                continue;
            }
            match journal_row(&id, &row) {
                Ok(line) => {
                    if let Some(run) = runs.get_mut(&id) {
                        run.journal.push(line);
                    }
                }
                Err(_) => {
                    runs.remove(&id);
                }
            }
        }
        Ok(runs)
    }

    /// One run whole, as it was at one moment.
    pub async fn run(&self, id: &str) -> Result<StoredRun, StoreError> {
        // PostgreSQL takes no NUL in a text, and would fail instead of finding nothing.
        if id.contains('\0') {
            return Err(StoreError::NoSuchRun(id.to_owned()));
        }
        // Between the row and the journal somebody may write. The row knows how long its journal is: what came later
        // may belong to a later plan.
        let row = sqlx::query("SELECT id, request, created, epoch, plan, seq, lease_until FROM run WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?
            .ok_or_else(|| StoreError::NoSuchRun(id.to_owned()))?;
        let journal =
            sqlx::query("SELECT seq, at, epoch, entry FROM journal WHERE run = $1 AND seq <= $2 ORDER BY seq")
                .bind(id)
                .bind(number(&row, 5)?)
                .fetch_all(&self.read)
                .await?;
        let mut run = stored_run(&row)?;
        run.journal = journal
            .iter()
            .map(|row| journal_row(id, row))
            .collect::<Result<_, _>>()?;
        Ok(run)
    }

    /// The length of a run's journal now.
    pub async fn seq(&self, run: &str) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT seq FROM run WHERE id = $1")
            .bind(run)
            .fetch_optional(&self.read)
            .await?
            .ok_or_else(|| StoreError::NoSuchRun(run.to_owned()))
    }

    /// The latest runs, newest first.
    pub async fn runs(&self, limit: i64) -> Result<Vec<RunLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, runbook, person, created, outcome FROM run ORDER BY created DESC, id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(run_line).collect()
    }

    /// Whether any run is under way, or is about to read its signals for the last time.
    pub async fn any_run_under_way(&self, now: Timestamp) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM run WHERE wake IS NOT NULL AND wake <= $1")
            .bind(micros(now + jiff::SignedDuration::from_secs(90)))
            .fetch_one(&self.read)
            .await?;
        Ok(count > 0)
    }

    /// Which of these keys are held in a way that is in the way.
    pub async fn held(&self, locks: &Locks) -> Result<Vec<HeldLock>, StoreError> {
        let mut held = Vec::new();
        for key in &locks.keys {
            let rows = sqlx::query(HELD)
                .bind(key)
                .bind(if locks.shared { 1_i64 } else { 0 })
                .fetch_all(&self.read)
                .await?;
            for row in &rows {
                held.push(held_lock(row)?);
            }
        }
        Ok(held)
    }

    /// Who holds one key.
    pub async fn holders(&self, key: &str) -> Result<Vec<HeldLock>, StoreError> {
        if key.contains('\0') {
            return Ok(Vec::new());
        }
        self.held(&Locks {
            keys: vec![key.to_owned()],
            shared: false,
        })
        .await
    }

    /// Lets one key go, whoever holds it. Returns who held it.
    pub async fn unlock(&self, key: &str) -> Result<Vec<HeldLock>, StoreError> {
        if key.contains('\0') {
            return Ok(Vec::new());
        }
        let rows = sqlx::query("DELETE FROM held_lock WHERE name = $1 RETURNING name, run, person, reason, since")
            .bind(key)
            .fetch_all(&self.write)
            .await?;
        rows.iter().map(held_lock).collect()
    }
}

const HELD: &str = "SELECT name, run, person, reason, since FROM held_lock WHERE name = $1 AND (shared = 0 OR $2 = 0)";

fn owned(claim: Claim<'_>) -> (String, i64) {
    (claim.owner.to_owned(), micros(claim.until))
}

fn taking(locks: &Locks, plan: &Plan) -> Taking {
    Taking {
        keys: locks.keys.iter().cloned().collect(),
        shared: locks.shared,
        person: plan.person.clone(),
        reason: plan.runbook.clone(),
    }
}

fn encoded(entries: &[Entry]) -> Result<Vec<String>, StoreError> {
    entries.iter().map(|entry| encode("journal entry", entry)).collect()
}

/// Whether a run ends with an entry.
fn is_end(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::Closed { .. } | Entry::NotStarted { .. } | Entry::Denied { .. } | Entry::Expired
    )
}

/// The sentence that a run ends with, where it ends here.
fn closing(entries: &[Entry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match entry {
        Entry::Closed { say, .. } | Entry::NotStarted { say, .. } => Some(say.clone()),
        _ => None,
    })
}

/// A row of id, runbook, person, creation and outcome.
pub(super) fn run_line(row: &AnyRow) -> Result<RunLine, StoreError> {
    Ok(RunLine {
        id: text(row, 0)?,
        runbook: text(row, 1)?,
        person: text(row, 2)?,
        created: timestamp(number(row, 3)?)?,
        outcome: outcome_of(&text(row, 4)?)?,
    })
}

/// Without its journal.
fn stored_run(row: &AnyRow) -> Result<StoredRun, StoreError> {
    let id = text(row, 0)?;
    Ok(StoredRun {
        request: text(row, 1)?,
        created: timestamp(number(row, 2)?)?,
        epoch: number(row, 3)?,
        claimed_until: timestamp(number(row, 6)?)?,
        plan: decode(&format!("the plan of run {id}"), &text(row, 4)?)?,
        journal: Vec::new(),
        id,
    })
}

fn journal_row(run: &str, row: &AnyRow) -> Result<JournalRow, StoreError> {
    Ok(JournalRow {
        seq: number(row, 0)?,
        at: timestamp(number(row, 1)?)?,
        epoch: number(row, 2)?,
        entry: decode(&format!("the journal of run {run}"), &text(row, 3)?)?,
    })
}

pub(super) fn held_lock(row: &AnyRow) -> Result<HeldLock, StoreError> {
    Ok(HeldLock {
        key: text(row, 0)?,
        run: text(row, 1)?,
        person: text(row, 2)?,
        reason: text(row, 3)?,
        since: timestamp(number(row, 4)?)?,
    })
}

pub(super) fn outcome_text(outcome: Outcome) -> Result<String, StoreError> {
    encode("outcome", &outcome)
}

pub(super) fn outcome_of(text: &str) -> Result<Outcome, StoreError> {
    decode("outcome", text)
}
