//! What waits and what stands how, in numbers: for those who watch the bot.

use super::platforms::PlatformTrouble;
use super::{Store, StoreError, decode, number, text, timestamp};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What `/metrics` tells of the bot's own work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How many runs stand how.
    pub runs: Vec<(String, i64)>,
    /// Locks that are held.
    pub locks: i64,
    /// Pauses of writes that stand.
    pub pauses: i64,
    /// Requests that were kept and not answered yet.
    pub requests: i64,
    /// When the oldest of them was kept.
    pub oldest_request: Option<Timestamp>,
    /// Messages that wait to be sent.
    pub unsent: i64,
    /// Those of them that were tried in vain.
    pub failing: i64,
    /// When the oldest row of the record was written that is not sealed.
    pub oldest_unsealed: Option<Timestamp>,
    /// Messages that were given up.
    pub given_up: i64,
    /// Chat platforms that cannot be spoken to.
    pub silent: Vec<PlatformTrouble>,
    /// Runs that cannot be carried on.
    pub aside: i64,
    /// Groups of alerts of which something fires.
    pub firing: i64,
    /// Pages that wait to be told.
    pub unpaged: i64,
    /// Pages that were given up.
    pub pages_given_up: i64,
}

/// Runs that have ended are counted this seldom: there may be a million of them.
const ENDED_ANEW: Duration = Duration::from_secs(60);

/// A count that takes no longer need not be remembered.
const QUICK: Duration = Duration::from_millis(50);

/// How many runs have ended how, as it was counted last.
pub(super) type Ended = Mutex<Option<(Instant, Vec<(String, i64)>)>>;

impl Store {
    async fn runs_by_outcome(&self, which: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let counted = format!("SELECT outcome, COUNT(*) FROM run WHERE outcome {which} GROUP BY outcome");
        let rows = sqlx::query(AssertSqlSafe(counted)).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((decode::<String>("outcome", &text(row, 0)?)?, number(row, 1)?)))
            .collect()
    }

    async fn ended_runs(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let known = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, runs)) = known
            && at.elapsed() < ENDED_ANEW
        {
            return Ok(runs);
        }
        let begun = Instant::now();
        let runs = self
            .runs_by_outcome("NOT IN ('\"running\"', '\"awaiting-approval\"', '\"needs-person\"')")
            .await?;
        // What is quickly counted is always counted anew.
        if begun.elapsed() > QUICK {
            *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), runs.clone()));
        }
        Ok(runs)
    }

    /// Counts what is there now.
    pub async fn tally(&self) -> Result<Tally, StoreError> {
        let mut runs = self
            .runs_by_outcome("IN ('\"running\"', '\"awaiting-approval\"', '\"needs-person\"')")
            .await?;
        runs.extend(self.ended_runs().await?);
        runs.sort();
        let locks = sqlx::query_scalar("SELECT COUNT(*) FROM held_lock")
            .fetch_one(&self.read)
            .await?;
        let pauses = sqlx::query_scalar("SELECT COUNT(*) FROM pause")
            .fetch_one(&self.read)
            .await?;
        let waiting = sqlx::query("SELECT COUNT(*), MIN(at) FROM request WHERE state IN ('new', 'taken')")
            .fetch_one(&self.read)
            .await?;
        let failing = sqlx::query_scalar("SELECT COUNT(*) FROM message WHERE due >= 0 AND tries > 0")
            .fetch_one(&self.read)
            .await?;
        let given_up = sqlx::query_scalar("SELECT COUNT(*) FROM message WHERE due IS NULL AND error IS NOT NULL")
            .fetch_one(&self.read)
            .await?;
        let aside = sqlx::query_scalar("SELECT COUNT(*) FROM aside")
            .fetch_one(&self.read)
            .await?;
        let oldest: Option<i64> = sqlx::Row::try_get(&waiting, 1)?;
        let unsealed: Option<i64> = sqlx::query_scalar("SELECT MIN(at) FROM audit WHERE sealed IS NULL")
            .fetch_one(&self.read)
            .await?;
        let (unpaged, pages_given_up) = self.pages_waiting().await?;
        Ok(Tally {
            runs,
            locks,
            pauses,
            requests: number(&waiting, 0)?,
            oldest_request: oldest.map(timestamp).transpose()?,
            unsent: self.unsent_messages().await?,
            failing,
            oldest_unsealed: unsealed.map(timestamp).transpose()?,
            given_up,
            silent: self.platform_troubles().await?,
            aside,
            firing: self.firing_groups().await?,
            unpaged,
            pages_given_up,
        })
    }
}
