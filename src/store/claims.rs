//! Claims: which process drives a run, and until when if it does not renew them.

use super::leases::FORESIGHT;
use super::values::{BindAll as _, besides, list, statement};
use super::{Store, StoreError, encode, micros, number, text};
use crate::report::Outcome;
use jiff::Timestamp;
use sqlx::Row as _;

impl Store {
    /// Claims runs whose time has come and that no living process holds. Returns their ids with the new epochs. What this
    /// process has in hand it does not take over from itself: a claim that it let run out, because the machine stood
    /// still, is still its driver's. What bears its name and is not in hand is anybody's once its time is over: the answer
    /// to that claim was lost.
    pub async fn claim_runs(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
        in_hand: &[String],
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let due: i64 = statement(
            format!(
                "SELECT COUNT(*) FROM (SELECT 1 FROM run WHERE wake <= $1 AND (lease_until < $1 OR lease_until > $2) {} \
                 LIMIT 1) AS due",
                besides(2, in_hand)
            ),
            in_hand.len(),
        )
        .bind(micros(now))
        .bind(micros(now + FORESIGHT))
        .bind_all(in_hand)
        .fetch_one(&self.read)
        .await?
        .try_get(0)?;
        if due == 0 {
            return Ok(Vec::new());
        }
        let mut work = self.begin().await?;
        let rows = statement(
            format!(
                "UPDATE run SET epoch = epoch + 1, owner = $1, lease_until = $2 WHERE id IN (SELECT id FROM run WHERE \
                 wake <= $3 AND (lease_until < $3 OR lease_until > $5) {} ORDER BY wake, updated LIMIT $4{}) \
                 AND wake <= $3 AND (lease_until < $3 OR lease_until > $5) RETURNING id, epoch",
                besides(5, in_hand),
                self.dialect.passing_over()
            ),
            in_hand.len(),
        )
        .bind(owner.to_owned())
        .bind(micros(until))
        .bind(micros(now))
        .bind(limit)
        .bind(micros(now + FORESIGHT))
        .bind_all(in_hand)
        .fetch_all(&mut *work)
        .await?;
        work.commit().await?;
        rows.iter().map(|row| Ok((text(row, 0)?, number(row, 1)?))).collect()
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

    /// Renews the claims of what a living process has in hand and nobody took over, even those that have run out, or that
    /// a clock wrote which has been set back since.
    pub async fn renew_claims(&self, owner: &str, until: Timestamp, in_hand: &[String]) -> Result<(), StoreError> {
        if in_hand.is_empty() {
            return Ok(());
        }
        // What is being written at this moment is passed over: neither waits for the other, and the next renewal comes long
        // before the claim ends.
        statement(
            format!(
                "UPDATE run SET lease_until = $2 WHERE owner = $1 AND lease_until <> $2 AND id IN \
                 (SELECT id FROM run WHERE id IN ({}){})",
                list(2, in_hand.len()),
                self.dialect.passing_over()
            ),
            in_hand.len(),
        )
        .bind(owner.to_owned())
        .bind(micros(until))
        .bind_all(in_hand)
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
}
