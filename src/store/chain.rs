//! The chains of the record. A row carries its place in the chain of its subject (a run, a request), the hash of the row
//! before it, and its own hash, which covers both. Whoever changes, removes or exchanges a row must make all rows after it
//! anew, and then the last one is not the one that was sealed ([`super::sealing`]).
//!
//! A hash is the SHA-256, in hexadecimal, of the JSON array `["signalbox audit 1", subject, seq, prev, id, at, kind,
//! person, body]` without blanks: `at` in microseconds since 1970, `body` as the text that it is stored as, `prev` empty in
//! the first row. So anybody can compute it.

use super::dialect::Dialect;
use super::values::{Row, with_rows};
use super::{Store, StoreError, micros, number, optional_number, optional_text, text};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};
use std::collections::HashMap;

const FORM: &str = "signalbox audit 1";

/// Where a row stands in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Counted from one.
    pub seq: i64,
    /// The hash of the row before; empty in the first.
    pub prev: String,
    /// Its own.
    pub hash: String,
}

/// The last row of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its place.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// A row of the record, to the letter as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    /// Unique.
    pub id: String,
    /// Microseconds since 1970.
    pub at: i64,
    /// As in [`super::audit::AuditRow`], like the rest.
    pub kind: String,
    /// Who.
    pub person: String,
    /// What it is about: whose chain it is in.
    pub subject: String,
    /// JSON.
    pub body: String,
    /// None where a version of before wrote it and it was not chained yet.
    pub link: Option<Link>,
}

impl TrailRow {
    /// The hash that this row has at a place of its chain.
    pub fn digest(&self, seq: i64, prev: &str) -> String {
        let array: Value = json!([
            FORM,
            self.subject,
            seq,
            prev,
            self.id,
            self.at,
            self.kind,
            self.person,
            self.body
        ]);
        hex::encode(Sha256::digest(array.to_string()))
    }

    /// Its place behind the last row of its chain.
    pub fn link_after(&self, end: Option<End>) -> Link {
        let (seq, prev) = end.map_or((1, String::new()), |end| (end.seq + 1, end.hash));
        let hash = self.digest(seq, &prev);
        Link { seq, prev, hash }
    }

    fn read(row: &AnyRow) -> Result<Self, StoreError> {
        let link = match (optional_number(row, 6)?, optional_text(row, 7)?, optional_text(row, 8)?) {
            (None, ..) => None,
            (Some(seq), prev, hash) => Some(Link {
                seq,
                prev: prev.unwrap_or_default(),
                hash: hash.unwrap_or_default(),
            }),
        };
        Ok(Self {
            id: text(row, 0)?,
            at: number(row, 1)?,
            kind: text(row, 2)?,
            person: text(row, 3)?,
            subject: text(row, 4)?,
            body: text(row, 5)?,
            link,
        })
    }
}

impl Store {
    /// Puts rows that are in no chain behind the last ones of their subjects, oldest first, at most `limit`. Returns how
    /// many. Those of a process of the version before that still writes come to this too.
    pub async fn chain_loose(&self, limit: i64) -> Result<usize, StoreError> {
        if self.loose(i64::MIN, "", 1).await?.is_empty() {
            return Ok(0);
        }
        let mut work = self.begin().await?;
        let rows = sqlx::query(
            "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit WHERE seq IS NULL \
             ORDER BY at, id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&mut *work)
        .await?;
        for row in &rows {
            let row = TrailRow::read(row)?;
            let end = ends_of(&mut work, self.dialect, &[&row.subject])
                .await?
                .remove(&row.subject);
            let link = row.link_after(end);
            sqlx::query("UPDATE audit SET seq = $2, prev = $3, hash = $4 WHERE id = $1 AND seq IS NULL")
                .bind(&row.id)
                .bind(link.seq)
                .bind(&link.prev)
                .bind(&link.hash)
                .execute(&mut *work)
                .await?;
        }
        work.commit().await?;
        Ok(rows.len())
    }

    /// Rows in no chain, oldest first, behind the one given.
    pub async fn loose(&self, at: i64, id: &str, limit: i64) -> Result<Vec<TrailRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit WHERE seq IS NULL \
             AND at >= $1 AND (at > $1 OR id > $2) ORDER BY at, id LIMIT $3",
        )
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(TrailRow::read).collect()
    }

    /// Chained rows, chain by chain, behind the one given.
    pub async fn chained(&self, subject: &str, seq: i64, limit: i64) -> Result<Vec<TrailRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit \
             WHERE (subject, seq) > ($1, $2) AND seq IS NOT NULL ORDER BY subject, seq LIMIT $3",
        )
        .bind(subject)
        .bind(seq)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(TrailRow::read).collect()
    }

    /// One chain up to a place.
    pub async fn chain(&self, subject: &str, upto: i64) -> Result<Vec<TrailRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit \
             WHERE subject = $1 AND seq <= $2 ORDER BY seq",
        )
        .bind(subject)
        .bind(upto)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(TrailRow::read).collect()
    }

    /// The record in the order of its times, behind the row given; of one subject alone, if one is named.
    pub async fn trail(
        &self,
        since: Timestamp,
        after: Option<&TrailRow>,
        subject: Option<&str>,
        limit: i64,
    ) -> Result<Vec<TrailRow>, StoreError> {
        let (at, id) = after.map_or((micros(since), ""), |row| (row.at, row.id.as_str()));
        let query = match subject {
            None => sqlx::query(
                "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit \
                 WHERE at >= $1 AND (at > $1 OR id > $2) ORDER BY at, id LIMIT $3",
            )
            .bind(at)
            .bind(id)
            .bind(limit),
            Some(subject) => sqlx::query(
                "SELECT id, at, kind, person, subject, body, seq, prev, hash FROM audit WHERE subject = $4 \
                 AND at >= $1 AND (at > $1 OR id > $2) ORDER BY at, id LIMIT $3",
            )
            .bind(at)
            .bind(id)
            .bind(limit)
            .bind(subject),
        };
        let rows = query.fetch_all(&self.read).await?;
        rows.iter().map(TrailRow::read).collect()
    }
}

/// The last rows of chains, as this transaction sees them.
pub(super) async fn ends_of(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    subjects: &[&str],
) -> Result<HashMap<String, End>, StoreError> {
    let mut ends = HashMap::with_capacity(subjects.len());
    let rows: Vec<Row> = subjects.iter().map(|subject| vec![(*subject).into()]).collect();
    // Without the condition PostgreSQL would begin with the nulls. A hash that somebody took away keeps nobody from
    // writing.
    let last = "SELECT audit.subject, audit.seq, COALESCE(audit.hash, '') FROM v, audit WHERE audit.subject = v.subject \
                AND audit.seq = (SELECT MAX(a.seq) FROM audit a WHERE a.subject = v.subject AND a.seq IS NOT NULL)";
    for row in with_rows(dialect, work, "subject", &rows, last).await? {
        let end = End {
            seq: number(&row, 1)?,
            hash: text(&row, 2)?,
        };
        ends.insert(text(&row, 0)?, end);
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another program, from the words at the head of this file.
    #[test]
    fn a_hash_is_what_anybody_computes() {
        let row = TrailRow {
            id: "0193".to_owned(),
            at: 1_795_435_200_000_000,
            kind: "decision".to_owned(),
            person: "dana \"D\" ü".to_owned(),
            subject: "r1".to_owned(),
            body: r#"{"say":"nul \u0000, tab \t"}"#.to_owned(),
            link: None,
        };
        assert_eq!(
            row.digest(2, "ab"),
            "0f1bd4bd105568361adc1334229121bc32962dcef92ec0592867674ba0efc051"
        );
    }
}
