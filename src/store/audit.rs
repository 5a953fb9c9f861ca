//! The record of who did what: deliveries, decisions (denials too), approvals, effects. Rows are only added, each behind
//! the last one of its subject ([`super::chain`]).

use super::chain::{TrailRow, ends_of};
use super::values::{at_once, places, statement};
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
        insert_audits(&mut work, &[row]).await?;
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
pub(super) async fn insert_audits(work: &mut Transaction<'static, Any>, rows: &[&AuditRow]) -> Result<(), StoreError> {
    const WIDTH: usize = 9;
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
        let mut written = BTreeSet::new();
        for some in next.chunks(at_once(WIDTH)) {
            let subjects: Vec<&str> = some.iter().map(|row| row.subject.as_str()).collect();
            let mut ends = ends_of(work, &subjects).await?;
            let mut query = statement(
                format!(
                    "INSERT INTO audit (id, at, kind, person, subject, body, seq, prev, hash) VALUES {} \
                     ON CONFLICT (subject, seq) DO NOTHING RETURNING subject",
                    places(0, some.len(), WIDTH)
                ),
                some.len(),
            );
            for row in some {
                let link = row.link_after(ends.remove(&row.subject));
                query = query
                    .bind(row.id.clone())
                    .bind(row.at)
                    .bind(row.kind.clone())
                    .bind(row.person.clone())
                    .bind(row.subject.clone())
                    .bind(row.body.clone())
                    .bind(link.seq)
                    .bind(link.prev)
                    .bind(link.hash);
            }
            for row in query.fetch_all(&mut **work).await? {
                written.insert(text(&row, 0)?);
            }
        }
        waiting.retain(|subject, rows| {
            if written.contains(*subject) {
                rows.pop_front();
            }
            !rows.is_empty()
        });
    }
    Ok(())
}
