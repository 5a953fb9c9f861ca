//! Leases: which process is the engine. And pauses: which runbooks start no writes.

use super::audit::{AuditRow, insert_audits};
use super::messages::{NewMessage, insert_messages};
use super::{Store, StoreError, micros, number, text, timestamp};
use crate::bell::Bell;
use jiff::{SignedDuration, Timestamp};
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use std::time::Duration;

/// Nothing is held for so long beforehand. What claims to be was written by a clock that has been set back since, and
/// holds no more.
pub(super) const FORESIGHT: SignedDuration = SignedDuration::from_mins(2);

/// After the line to the database broke.
const HEED_AGAIN: Duration = Duration::from_secs(1);

/// A halt of writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// None means every runbook.
    pub runbook: Option<String>,
    /// Who said so.
    pub person: String,
    /// Since when.
    pub since: Timestamp,
}

impl Store {
    /// Takes or renews a lease by compare-and-set. True if `owner` holds it until `until`.
    pub async fn hold_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = sqlx::query(
            "INSERT INTO lease (name, owner, epoch, until) VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO UPDATE \
             SET owner = $2, until = $3, epoch = lease.epoch + CASE WHEN lease.owner = $2 THEN 0 ELSE 1 END \
             WHERE lease.owner = $2 OR lease.until < $4 OR lease.until > $5",
        )
        .bind(name)
        .bind(owner)
        .bind(micros(until))
        .bind(micros(now))
        .bind(micros(now + FORESIGHT))
        .execute(&self.write)
        .await?
        .rows_affected();
        Ok(held == 1)
    }

    /// Rings the bell whenever another process stored something, where the database can tell. Works until it is dropped.
    pub async fn heed(&self, bell: &Bell) {
        loop {
            let Err(error) = self.dialect.heed(&self.url, || bell.ring()).await;
            tracing::warn!(%error, "what others store is noticed a little later, until the database tells of it again");
            tokio::time::sleep(HEED_AGAIN).await;
        }
    }

    /// Gives a lease back, so that the next owner need not wait.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM lease WHERE name = $1 AND owner = $2")
            .bind(name)
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Who holds a lease now.
    pub async fn lease_holder(&self, name: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT owner FROM lease WHERE name = $1 AND until >= $2 AND until <= $3")
                .bind(name)
                .bind(micros(now))
                .bind(micros(now + FORESIGHT))
                .fetch_optional(&self.read)
                .await?,
        )
    }

    /// Until when a lease was or is held, by whomever; none where nobody ever held it, or it was given back.
    pub async fn lease_until(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let until: Option<i64> = sqlx::query_scalar("SELECT until FROM lease WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.read)
            .await?;
        until.map(timestamp).transpose()
    }

    /// Halts writes of a runbook, or of all, in the name of whom the record tells, and tells it with these messages.
    /// Whether that is news: a pause that stands already stays as it is.
    pub async fn pause(
        &self,
        runbook: Option<&str>,
        record: &AuditRow,
        told: &[NewMessage],
    ) -> Result<bool, StoreError> {
        let insert = "INSERT INTO pause (runbook, person, since) VALUES ($1, $2, $3) ON CONFLICT (runbook) DO NOTHING";
        let query = sqlx::query(insert)
            .bind(runbook.unwrap_or_default())
            .bind(&record.person)
            .bind(micros(record.at));
        Ok(self.change_pauses(query, record, told).await? > 0)
    }

    /// Lets writes go on, and tells it with these messages. Without a runbook every pause ends. Returns how many ended.
    pub async fn resume(
        &self,
        runbook: Option<&str>,
        record: &AuditRow,
        told: &[NewMessage],
    ) -> Result<u64, StoreError> {
        let query = match runbook {
            Some(runbook) => sqlx::query("DELETE FROM pause WHERE runbook = $1").bind(runbook),
            None => sqlx::query("DELETE FROM pause"),
        };
        self.change_pauses(query, record, told).await
    }

    /// What changes nothing is neither recorded nor told; what does is both, however soon this process ends.
    async fn change_pauses(
        &self,
        query: Query<'_, Any, AnyArguments>,
        record: &AuditRow,
        told: &[NewMessage],
    ) -> Result<u64, StoreError> {
        let mut work = self.begin().await?;
        let changed = query.execute(&mut *work).await?.rows_affected();
        if changed > 0 {
            let messages: Vec<_> = told.iter().map(|message| (message, micros(record.at))).collect();
            insert_messages(&mut work, self.dialect, &messages).await?;
            insert_audits(&mut work, self.dialect, &[record]).await?;
        }
        work.commit().await?;
        Ok(changed)
    }

    /// The pause that stands over a runbook now.
    pub async fn paused(&self, runbook: &str) -> Result<Option<Pause>, StoreError> {
        let row =
            sqlx::query("SELECT runbook, person, since FROM pause WHERE runbook = $1 OR runbook = '' ORDER BY since")
                .bind(runbook)
                .fetch_optional(&self.read)
                .await?;
        row.as_ref().map(pause_of).transpose()
    }

    /// Every pause that stands now.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let rows = sqlx::query("SELECT runbook, person, since FROM pause ORDER BY since, runbook LIMIT 50")
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(pause_of).collect()
    }
}

fn pause_of(row: &AnyRow) -> Result<Pause, StoreError> {
    let runbook = text(row, 0)?;
    Ok(Pause {
        runbook: (!runbook.is_empty()).then_some(runbook),
        person: text(row, 1)?,
        since: timestamp(number(row, 2)?)?,
    })
}
