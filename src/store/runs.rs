//! Runs, their journals and their locks. Each write is one transaction and a compare-and-set: on the journal's length,
//! and for the engine on its epoch too.

use super::audit::AuditRow;
use super::leases::FORESIGHT;
use super::messages::NewMessage;
use super::writer::{Addition, Begin, Taking, What, Write};
use super::{Store, StoreError, decode, encode, micros, number, text, timestamp};
use crate::plan::Plan;
use crate::report::Outcome;
use crate::run::journal::Entry;
use crate::run::lock::{HeldLock, Locks};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

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
    /// Further messages.
    pub messages: &'a [NewMessage],
    /// Lines of the record.
    pub records: &'a [AuditRow],
    /// Whether the claim is given back with it.
    pub release: bool,
}

/// Whether a write that wants locks got them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// All of it is stored.
    Yes {
        /// Until when the claim on the run lasts, as it was renewed last. In the past where nobody claims it.
        claimed_until: Timestamp,
    },
    /// Nothing is stored: these are in the way.
    Locked(Vec<HeldLock>),
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
                entries: encoded(new.entries)?,
            }),
            now,
        );
        write.take = new.locks.map(|locks| taking(locks, new.plan));
        write.messages.extend_from_slice(new.messages);
        write.records.extend_from_slice(new.records);
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
                plan: append.new_plan.map(|plan| encode("plan", plan)).transpose()?,
                unlock: matches!(append.locks, LockChange::Release),
                release: append.release,
                entries: encoded(append.entries)?,
            }),
            now,
        );
        if let LockChange::Take(locks, plan) = append.locks {
            write.take = Some(taking(locks, plan));
        }
        write.messages.extend_from_slice(append.messages);
        write.records.extend_from_slice(append.records);
        self.writer.write(write).await
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
        Ok(StoredRun {
            id: text(&row, 0)?,
            request: text(&row, 1)?,
            created: timestamp(number(&row, 2)?)?,
            epoch: number(&row, 3)?,
            claimed_until: timestamp(number(&row, 6)?)?,
            plan: decode(&format!("the plan of run {id}"), &text(&row, 4)?)?,
            journal: journal
                .iter()
                .map(|row| journal_row(id, row))
                .collect::<Result<_, _>>()?,
        })
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
        rows.iter()
            .map(|row| {
                Ok(RunLine {
                    id: text(row, 0)?,
                    runbook: text(row, 1)?,
                    person: text(row, 2)?,
                    created: timestamp(number(row, 3)?)?,
                    outcome: outcome_of(&text(row, 4)?)?,
                })
            })
            .collect()
    }

    /// Claims runs whose time has come and that no living process holds. Returns their ids with the new epochs. A process
    /// never takes over from itself: a claim that it let run out, because the machine stood still, is still its driver's.
    pub async fn claim_runs(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        const DUE: &str = "SELECT COUNT(*) FROM run WHERE wake <= $1 AND (lease_until < $1 OR lease_until > $3) AND \
                           (owner IS NULL OR owner <> $2)";
        let due: i64 = sqlx::query_scalar(DUE)
            .bind(micros(now))
            .bind(owner)
            .bind(micros(now + FORESIGHT))
            .fetch_one(&self.read)
            .await?;
        if due == 0 {
            return Ok(Vec::new());
        }
        let mut work = self.begin().await?;
        let rows = sqlx::query(AssertSqlSafe(format!(
            "UPDATE run SET epoch = epoch + 1, owner = $1, lease_until = $2 WHERE id IN (SELECT id FROM run WHERE \
             wake <= $3 AND (lease_until < $3 OR lease_until > $5) AND (owner IS NULL OR owner <> $1) \
             ORDER BY wake, updated LIMIT $4{}) AND wake <= $3 AND (lease_until < $3 OR lease_until > $5) \
             RETURNING id, epoch",
            self.dialect.passing_over()
        )))
        .bind(owner)
        .bind(micros(until))
        .bind(micros(now))
        .bind(limit)
        .bind(micros(now + FORESIGHT))
        .fetch_all(&mut *work)
        .await?;
        work.commit().await?;
        rows.iter().map(|row| Ok((text(row, 0)?, number(row, 1)?))).collect()
    }

    /// Whether any run is under way, or is about to read its signals for the last time.
    pub async fn any_run_under_way(&self, now: Timestamp) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM run WHERE wake IS NOT NULL AND wake <= $1")
            .bind(micros(now + jiff::SignedDuration::from_secs(90)))
            .fetch_one(&self.read)
            .await?;
        Ok(count > 0)
    }

    /// Whether a process has runs to carry on: its own, and those that wait for anybody or for their next try. A paused
    /// one is not waited for.
    pub async fn work_left(&self, owner: &str, now: Timestamp) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM run WHERE (wake <= $2 OR (wake IS NOT NULL AND outcome = $3)) \
             AND (owner = $1 OR lease_until < $2) \
             AND NOT EXISTS (SELECT 1 FROM pause WHERE pause.runbook = '' OR pause.runbook = run.runbook)",
        )
        .bind(owner)
        .bind(micros(now))
        .bind(encode("outcome", &Outcome::Running)?)
        .fetch_one(&self.read)
        .await?;
        Ok(count > 0)
    }

    /// Renews every claim of a living process that nobody took over, even one that has run out.
    pub async fn renew_claims(&self, owner: &str, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET lease_until = $2 WHERE owner = $1 AND lease_until < $2")
            .bind(owner)
            .bind(micros(until))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Renews one claim; false where somebody has taken it over.
    pub async fn renew_claim(&self, run: &str, epoch: i64, until: Timestamp) -> Result<bool, StoreError> {
        let renewed = sqlx::query("UPDATE run SET lease_until = $3 WHERE id = $1 AND epoch = $2 AND owner IS NOT NULL")
            .bind(run)
            .bind(epoch)
            .bind(micros(until))
            .execute(&self.write)
            .await?
            .rows_affected();
        Ok(renewed == 1)
    }

    /// Gives a claim back that came to grief. Nobody takes the run before `until`.
    pub async fn rest_claim(&self, run: &str, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET owner = NULL, lease_until = $3 WHERE id = $1 AND epoch = $2")
            .bind(run)
            .bind(epoch)
            .bind(micros(until))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Lets a claimed run rest until a time that does not follow from its journal. Whatever is journalled sets it anew.
    pub async fn put_off(&self, run: &str, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET wake = $3 WHERE id = $1 AND epoch = $2 AND wake IS NOT NULL")
            .bind(run)
            .bind(epoch)
            .bind(micros(until))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Gives a claim back. The run stays due at its own time.
    pub async fn release_claim(&self, run: &str, epoch: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET owner = NULL, lease_until = 0 WHERE id = $1 AND epoch = $2")
            .bind(run)
            .bind(epoch)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Gives every claim of a process back, at its end.
    pub async fn release_claims(&self, owner: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE run SET owner = NULL, lease_until = 0 WHERE owner = $1")
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
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

/// The sentence that a run ends with, where it ends here.
fn closing(entries: &[Entry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match entry {
        Entry::Closed { say, .. } | Entry::NotStarted { say, .. } => Some(say.clone()),
        _ => None,
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
