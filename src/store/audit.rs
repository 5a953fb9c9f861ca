//! The record of who did what: deliveries, decisions (denials too), approvals, effects.

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

pub(super) async fn insert_audit(work: &mut Transaction<'static, Any>, row: &AuditRow) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (id, at, kind, person, subject, body) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(uuid::Uuid::now_v7().simple().to_string())
        .bind(micros(row.at))
        .bind(&row.kind)
        .bind(&row.person)
        .bind(&row.subject)
        .bind(encode("audit", &row.body)?)
        .execute(&mut **work)
        .await?;
    Ok(())
}
