//! The record of who did what: deliveries, decisions (denials too), approvals, effects. Rows are only added, each behind
//! the last one of its subject ([`super::chain`]).

use super::chain::{TrailRow, ends_of};
use super::dialect::Dialect;
use super::values::{Row, with_rows, write_rows};
use super::{Store, StoreError, encode, micros, number, text, timestamp};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::{Any, Transaction};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
        insert_audits(&mut work, self.dialect, &[row]).await?;
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

/// Adds rows, each to the chain of its subject, in the order in which they are given: two statements for as many chains as
/// there are. Another process may follow the same row at the same moment; then what it wrote is followed.
pub(super) async fn insert_audits(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    rows: &[&AuditRow],
) -> Result<(), StoreError> {
    // By subject, in one order: two writers of the same chains must not wait for each other.
    let mut waiting: BTreeMap<&str, VecDeque<TrailRow>> = BTreeMap::new();
    for row in rows {
        let trail = TrailRow {
            id: uuid::Uuid::now_v7().simple().to_string(),
            at: micros(row.at),
            kind: row.kind.clone(),
            person: row.person.clone(),
            subject: row.subject.clone(),
            body: encode("audit", &row.body)?,
            link: None,
        };
        waiting.entry(&row.subject).or_default().push_back(trail);
    }
    while !waiting.is_empty() {
        // Of each chain one: what follows a row that is turned back must not be written.
        let next: Vec<&TrailRow> = waiting.values().filter_map(|rows| rows.front()).collect();
        let subjects: Vec<&str> = next.iter().map(|row| row.subject.as_str()).collect();
        let mut ends = ends_of(work, dialect, &subjects).await?;
        let rows: Vec<Row> = next
            .iter()
            .map(|row| {
                let link = row.link_after(ends.remove(&row.subject));
                vec![
                    (&row.id).into(),
                    row.at.into(),
                    (&row.kind).into(),
                    (&row.person).into(),
                    (&row.subject).into(),
                    (&row.body).into(),
                    link.seq.into(),
                    link.prev.into(),
                    link.hash.into(),
                ]
            })
            .collect();
        let columns = "id, at, kind, person, subject, body, seq, prev, hash";
        let insert = "INSERT INTO audit (id, at, kind, person, subject, body, seq, prev, hash) \
                      SELECT id, at, kind, person, subject, body, seq, prev, hash FROM v WHERE id IS NOT NULL \
                      ON CONFLICT (subject, seq) DO NOTHING";
        let count = write_rows(dialect, work, columns, &rows, insert).await?;
        let written: BTreeSet<String> = if usize::try_from(count) == Ok(rows.len()) {
            subjects.iter().map(|&subject| subject.to_owned()).collect()
        } else {
            let ids: Vec<Row> = next.iter().map(|row| vec![(&row.id).into()]).collect();
            let look = "SELECT audit.subject FROM audit JOIN v ON audit.id = v.id";
            let found = with_rows(dialect, work, "id", &ids, look).await?;
            found.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?
        };
        waiting.retain(|subject, rows| {
            if written.contains(*subject) {
                rows.pop_front();
            }
            !rows.is_empty()
        });
    }
    Ok(())
}
