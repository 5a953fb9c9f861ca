//! Runs that cannot be carried on: set aside with the reason, as they were, until somebody puts them right or gives them
//! up. Nothing of them is deleted.

use super::runs::{held_lock, outcome_of, outcome_text};
use super::{Store, StoreError, micros, number, optional_text, text, timestamp};
use crate::report::Outcome;
use crate::run::lock::HeldLock;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// What a run's row tells without its plan and journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its id.
    pub run: String,
    /// Which runbook.
    pub runbook: String,
    /// Who asked.
    pub person: String,
    /// Its inputs as text.
    pub inputs: Option<String>,
    /// When.
    pub created: Timestamp,
    /// How it stands.
    pub outcome: Outcome,
    /// The sentence that it ended with.
    pub said: Option<String>,
    /// How long its journal was.
    pub seq: i64,
    /// Since when and why it is set aside; none where it is not.
    pub aside: Option<(Timestamp, String)>,
}

const OUTLINE: &str = "SELECT r.id, r.runbook, r.person, r.inputs, r.created, r.outcome, r.said, a.at, a.reason, r.seq FROM run r \
                       LEFT JOIN aside a ON a.run = r.id";

impl Store {
    /// Sets a claimed run aside: nobody looks at it by itself any more. It needs a person.
    pub async fn set_aside(&self, run: &str, epoch: i64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let set = sqlx::query(
            "INSERT INTO aside (run, at, reason, outcome, wake) SELECT id, $2, $3, outcome, wake FROM run WHERE id = $1 \
             AND epoch = $4 ON CONFLICT (run) DO NOTHING",
        )
        .bind(run)
        .bind(micros(now))
        .bind(reason)
        .bind(epoch)
        .execute(&mut *work)
        .await?
        .rows_affected();
        if set == 1 {
            sqlx::query(
                "UPDATE run SET outcome = $2, wake = NULL, owner = NULL, lease_until = 0, updated = $3 WHERE id = $1",
            )
            .bind(run)
            .bind(outcome_text(Outcome::NeedsPerson)?)
            .bind(micros(now))
            .execute(&mut *work)
            .await?;
            touch_run_message(&mut work, run, now).await?;
        }
        work.commit().await?;
        Ok(())
    }

    /// Puts everything that was set aside back as it was: whoever claims it sees whether it can be carried on now. Done
    /// once when a process begins, which may be another version, or find another database. Returns how many.
    pub async fn look_at_asides_again(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut work = self.begin().await?;
        let again = sqlx::query(
            "UPDATE run SET outcome = (SELECT a.outcome FROM aside a WHERE a.run = run.id), \
             wake = (SELECT a.wake FROM aside a WHERE a.run = run.id), updated = $1 \
             WHERE id IN (SELECT a.run FROM aside a) AND wake IS NULL",
        )
        .bind(micros(now))
        .execute(&mut *work)
        .await?
        .rows_affected();
        sqlx::query("DELETE FROM aside").execute(&mut *work).await?;
        work.commit().await?;
        Ok(again)
    }

    /// Ends a run that is set aside: its locks are free. What is left of its journal stays as it is.
    pub async fn give_up(&self, run: &str, say: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let aside = sqlx::query("DELETE FROM aside WHERE run = $1")
            .bind(run)
            .execute(&mut *work)
            .await?
            .rows_affected();
        if aside == 1 {
            sqlx::query("UPDATE run SET outcome = $2, said = $3, wake = NULL, updated = $4 WHERE id = $1")
                .bind(run)
                .bind(outcome_text(Outcome::Stopped)?)
                .bind(say)
                .bind(micros(now))
                .execute(&mut *work)
                .await?;
            sqlx::query("DELETE FROM held_lock WHERE run = $1")
                .bind(run)
                .execute(&mut *work)
                .await?;
            touch_run_message(&mut work, run, now).await?;
        }
        work.commit().await?;
        Ok(aside == 1)
    }

    /// What a run's row tells.
    pub async fn outline(&self, run: &str) -> Result<Option<Outline>, StoreError> {
        if run.contains('\0') {
            return Ok(None);
        }
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{OUTLINE} WHERE r.id = $1")))
            .bind(run)
            .fetch_optional(&self.read)
            .await?;
        row.as_ref().map(outline).transpose()
    }

    /// The runs that are set aside, oldest first.
    pub async fn asides(&self, limit: i64) -> Result<Vec<Outline>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{OUTLINE} WHERE a.run IS NOT NULL ORDER BY a.at, r.id LIMIT $1"
        )))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(outline).collect()
    }

    /// What a run holds now. Less than its plan names where somebody unlocked a key.
    pub async fn locks_of(&self, run: &str) -> Result<Vec<HeldLock>, StoreError> {
        let rows = sqlx::query("SELECT name, run, person, reason, since FROM held_lock WHERE run = $1 ORDER BY name")
            .bind(run)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(held_lock).collect()
    }
}

/// What its message shows is out of date.
async fn touch_run_message(work: &mut Transaction<'static, Any>, run: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, $2) WHERE run = $1 AND kind = '\"run\"' \
         AND (due IS NOT NULL OR error IS NULL)",
    )
    .bind(run)
    .bind(micros(now))
    .execute(&mut **work)
    .await?;
    Ok(())
}

fn outline(row: &AnyRow) -> Result<Outline, StoreError> {
    let reason = optional_text(row, 8)?;
    Ok(Outline {
        run: text(row, 0)?,
        runbook: text(row, 1)?,
        person: text(row, 2)?,
        inputs: optional_text(row, 3)?,
        created: timestamp(number(row, 4)?)?,
        outcome: outcome_of(&text(row, 5)?)?,
        said: optional_text(row, 6)?,
        seq: number(row, 9)?,
        aside: reason
            .map(|reason| Ok::<_, StoreError>((timestamp(number(row, 7)?)?, reason)))
            .transpose()?,
    })
}
