//! What is old enough to go, found by index and taken away in small steps: each is one short transaction, so that whoever
//! writes waits for milliseconds.

use super::runs::outcome_text;
use super::sealing::Segment;
use super::{Store, StoreError, micros, number, optional_number, text};
use crate::report::Outcome;
use jiff::Timestamp;
use sqlx::Row;

// By age, through the index of the age. Where another index would seem to fit as well, it leads through all that is over:
// such a condition is written so that no index has it.

const OLD_RUNS: &str = "SELECT id FROM run WHERE updated < $1 AND COALESCE(wake, 0) = 0 AND lease_until < $2 \
                        AND outcome NOT IN ($3, $4, $5) \
                        AND NOT EXISTS (SELECT 1 FROM held_lock WHERE held_lock.run = run.id) \
                        AND NOT EXISTS (SELECT 1 FROM message WHERE message.run = run.id AND message.due >= 0) \
                        ORDER BY updated LIMIT $6";

const OLD_DELIVERIES: &str = "SELECT id FROM delivery WHERE at < $1 ORDER BY at LIMIT $2";

const OLD_REQUESTS: &str = "SELECT id FROM request WHERE run IS NULL AND at < $1 AND state NOT IN ('new', 'taken') \
                            ORDER BY at LIMIT $2";

const OLD_MESSAGES: &str = "SELECT id FROM message WHERE run IS NULL AND created < $1 AND COALESCE(due, 0) = 0 \
                            ORDER BY created LIMIT $2";

const OLD_SESSIONS: &str = "SELECT hash FROM session WHERE expires < $1 ORDER BY expires LIMIT $2";

const OLD_ROWS: &str =
    "SELECT subject, at FROM audit WHERE at < $1 AND at > $2 AND sealed IS NOT NULL ORDER BY at LIMIT $3";

impl Store {
    /// Takes away runs that changed last before this time, with journals, messages and the requests that led to them, at
    /// most `limit`. One that is not over, holds a lock or has something to be sent stays. Returns how many went.
    pub async fn prune_runs(&self, before: Timestamp, now: Timestamp, limit: i64) -> Result<usize, StoreError> {
        // Read first: an idle bot must not take SQLite's write lock.
        let rows = sqlx::query(OLD_RUNS)
            .bind(micros(before))
            .bind(micros(now))
            .bind(outcome_text(Outcome::Running)?)
            .bind(outcome_text(Outcome::AwaitingApproval)?)
            .bind(outcome_text(Outcome::NeedsPerson)?)
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut work = self.begin().await?;
        let mut gone = 0;
        for row in &rows {
            let id = text(row, 0)?;
            // Whoever writes to a run writes its row first: what moved since it was read stays.
            let taken = sqlx::query("DELETE FROM run WHERE id = $1 AND updated < $2 AND wake IS NULL")
                .bind(&id)
                .bind(micros(before))
                .execute(&mut *work)
                .await?
                .rows_affected();
            if taken == 0 {
                continue;
            }
            gone += 1;
            for statement in [
                "DELETE FROM journal WHERE run = $1",
                "DELETE FROM message WHERE run = $1",
                "DELETE FROM request WHERE run = $1",
            ] {
                sqlx::query(statement).bind(&id).execute(&mut *work).await?;
            }
        }
        work.commit().await?;
        Ok(gone)
    }

    /// Takes away deliveries that came before this time. What they asked for is kept as a request.
    pub async fn prune_deliveries(&self, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
        let delete = "DELETE FROM delivery WHERE id = $1";
        self.prune(OLD_DELIVERIES, delete, before, limit).await
    }

    /// Takes away requests of before this time that were answered without a run. Those of a run go with it.
    pub async fn prune_requests(&self, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
        let delete = "DELETE FROM request WHERE id = $1 AND run IS NULL";
        self.prune(OLD_REQUESTS, delete, before, limit).await
    }

    /// Takes away answers of before this time that were sent, or given up. Those of a run go with it.
    pub async fn prune_messages(&self, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
        let delete = "DELETE FROM message WHERE id = $1 AND due IS NULL";
        self.prune(OLD_MESSAGES, delete, before, limit).await
    }

    /// Takes away sign-ins that have ended.
    pub async fn prune_sessions(&self, now: Timestamp, limit: i64) -> Result<usize, StoreError> {
        self.prune(OLD_SESSIONS, "DELETE FROM session WHERE hash = $1", now, limit)
            .await
    }

    /// Read first: an idle bot must not take SQLite's write lock.
    async fn prune(
        &self,
        find: &'static str,
        delete: &'static str,
        before: Timestamp,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let old: Vec<String> = sqlx::query_scalar(find)
            .bind(micros(before))
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        if old.is_empty() {
            return Ok(0);
        }
        let mut work = self.begin().await?;
        let mut gone = 0;
        for id in old {
            gone += sqlx::query(delete).bind(id).execute(&mut *work).await?.rows_affected();
        }
        work.commit().await?;
        Ok(gone as usize)
    }

    /// Beginnings of chains of which every row is sealed and of before this time, for those rows of the record that stand
    /// behind `after`; with the time to go on behind. None are left where that is none.
    pub async fn old_segments(
        &self,
        before: Timestamp,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<Segment>, Option<i64>), StoreError> {
        let rows = sqlx::query(OLD_ROWS)
            .bind(micros(before))
            .bind(after)
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        let Some(last) = rows.last() else {
            return Ok((Vec::new(), None));
        };
        let go_on = number(last, 1)?;
        let mut subjects = rows.iter().map(|row| text(row, 0)).collect::<Result<Vec<_>, _>>()?;
        subjects.sort();
        subjects.dedup();
        let mut segments = Vec::new();
        for subject in subjects {
            let bounds = sqlx::query(
                "SELECT MIN(seq), MAX(seq), MIN(CASE WHEN at >= $2 OR sealed IS NULL THEN seq END) FROM audit \
                 WHERE subject = $1 AND seq IS NOT NULL",
            )
            .bind(&subject)
            .bind(micros(before))
            .fetch_one(&self.read)
            .await?;
            let (Some(first), Some(last)) = (optional_number(&bounds, 0)?, optional_number(&bounds, 1)?) else {
                continue;
            };
            let upto = bounds.try_get::<Option<i64>, _>(2)?.map_or(last, |stays| stays - 1);
            if upto >= first {
                segments.push(Segment { subject, upto });
            }
        }
        Ok((segments, Some(go_on)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::AssertSqlSafe;

    /// With a million runs of before, a search through all of them would keep everybody waiting every hour.
    #[tokio::test]
    async fn what_is_old_is_found_by_the_index_of_its_age() {
        let store = Store::in_memory().await.unwrap();
        for (statement, index) in [
            (OLD_RUNS, "run_updated"),
            (OLD_DELIVERIES, "delivery_at"),
            (OLD_REQUESTS, "request_without_run"),
            (OLD_MESSAGES, "message_without_run"),
            (OLD_ROWS, "audit_at"),
        ] {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.read)
                .await
                .unwrap();
            let plan: Vec<String> = plan.iter().map(|row| text(row, 3).unwrap()).collect();
            let plan = plan.join("\n");
            assert!(plan.contains(&format!("USING INDEX {index} (")), "{statement}\n{plan}");
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{statement}\n{plan}"
            );
        }
    }
}
