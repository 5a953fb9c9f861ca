//! The record of who did what: deliveries, decisions (denials too), approvals, effects. Rows are only added, each behind
//! the last one of its subject ([`super::chain`]).

use super::chain::{TrailRow, end_of};
use super::{Store, StoreError, encode, micros, number, text, timestamp};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::{Any, Transaction};

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// `decision`, `approval`, `effect`, `delivery`, `lock`, `pause`.
    pub kind: String,
    /// Who; the account where nobody is behind it.
    pub person: String,
    /// A run, a request, a lock.
    pub subject: String,
    /// The rest.
    pub body: Value,
}

impl Store {
    /// Writes one line of the record.
    pub async fn audit(&self, row: &AuditRow) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        insert_audit(&mut work, row).await?;
        work.commit().await?;
        Ok(())
    }

    /// The latest lines of the record, newest first.
    pub async fn audit_rows(&self, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query("SELECT at, kind, person, subject, body FROM audit ORDER BY at DESC, id DESC LIMIT $1")
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditRow {
                    at: timestamp(number(row, 0)?)?,
                    kind: text(row, 1)?,
                    person: text(row, 2)?,
                    subject: text(row, 3)?,
                    body: super::decode("audit", &text(row, 4)?)?,
                })
            })
            .collect()
    }
}

/// Adds a row to the chain of its subject. Whoever writes to several chains in one transaction does it in the order of the
/// subjects, or two such writers could wait for each other.
pub(super) async fn insert_audit(work: &mut Transaction<'static, Any>, row: &AuditRow) -> Result<(), StoreError> {
    let trail = TrailRow {
        id: uuid::Uuid::now_v7().simple().to_string(),
        at: micros(row.at),
        kind: row.kind.clone(),
        person: row.person.clone(),
        subject: row.subject.clone(),
        body: encode("audit", &row.body)?,
        link: None,
    };
    loop {
        let link = trail.link_after(end_of(work, &trail.subject).await?);
        let stored = sqlx::query(
            "INSERT INTO audit (id, at, kind, person, subject, body, seq, prev, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (subject, seq) DO NOTHING",
        )
        .bind(&trail.id)
        .bind(trail.at)
        .bind(&trail.kind)
        .bind(&trail.person)
        .bind(&trail.subject)
        .bind(&trail.body)
        .bind(link.seq)
        .bind(&link.prev)
        .bind(&link.hash)
        .execute(&mut **work)
        .await?
        .rows_affected();
        if stored == 1 {
            return Ok(());
        }
        // Another process has followed the same row meanwhile: follow it.
    }
}
