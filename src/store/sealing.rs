//! What a seal covers. A seal is a line in a file outside of this database ([`crate::custody`]); here stands which rows are
//! covered by which, and which seal was the last.

use super::{Store, StoreError, decode, encode, number, text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};

/// The last seal, as this database knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealMark {
    /// Counted from one.
    pub number: i64,
    /// Of the seal's line.
    pub hash: String,
    /// When it was made.
    pub at: Timestamp,
}

/// A row that no seal covers yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsealed {
    /// Its chain.
    pub subject: String,
    /// Its place there.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// The beginning of a chain, up to a sealed row, all of it older than is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The chain.
    pub subject: String,
    /// The last row that goes.
    pub upto: i64,
}

/// Rows of one chain that a seal covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered<'a> {
    /// The chain.
    pub subject: &'a str,
    /// The first.
    pub from: i64,
    /// The last.
    pub to: i64,
}

impl Store {
    /// What tells this database from all others.
    pub async fn database_id(&self) -> Result<String, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = 'database'")
            .fetch_one(&self.read)
            .await?)
    }

    /// The last seal.
    pub async fn last_seal(&self) -> Result<Option<SealMark>, StoreError> {
        let mark: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'seal'")
            .fetch_optional(&self.read)
            .await?;
        mark.map(|mark| decode("the last seal", &mark)).transpose()
    }

    /// Chained rows that no seal covers, the oldest ones, chain by chain.
    pub async fn unsealed(&self, limit: i64) -> Result<Vec<Unsealed>, StoreError> {
        let rows = sqlx::query(
            "SELECT subject, seq, COALESCE(hash, '') FROM audit WHERE sealed IS NULL AND seq IS NOT NULL \
             ORDER BY at, subject, seq LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let mut unsealed = rows
            .iter()
            .map(|row| {
                Ok(Unsealed {
                    subject: text(row, 0)?,
                    seq: number(row, 1)?,
                    hash: text(row, 2)?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        unsealed.sort();
        Ok(unsealed)
    }

    /// Notes a seal that stands in the file, with what it covers and what goes with it. False, and nothing is done, where
    /// another process has sealed meanwhile.
    pub async fn note_seal(
        &self,
        before: Option<&SealMark>,
        mark: &SealMark,
        covered: &[Covered<'_>],
        gone: &[Segment],
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        if !follow(&mut work, before, mark).await? {
            return Ok(false);
        }
        for rows in covered {
            sqlx::query(
                "UPDATE audit SET sealed = $4 WHERE subject = $1 AND seq >= $2 AND seq <= $3 AND sealed IS NULL",
            )
            .bind(rows.subject)
            .bind(rows.from)
            .bind(rows.to)
            .bind(mark.number)
            .execute(&mut *work)
            .await?;
        }
        for segment in gone {
            sqlx::query("DELETE FROM audit WHERE subject = $1 AND seq <= $2")
                .bind(&segment.subject)
                .bind(segment.upto)
                .execute(&mut *work)
                .await?;
        }
        work.commit().await?;
        Ok(true)
    }
}

/// Compare-and-set of the last seal.
async fn follow(
    work: &mut Transaction<'static, Any>,
    before: Option<&SealMark>,
    mark: &SealMark,
) -> Result<bool, StoreError> {
    let new = encode("seal", mark)?;
    let query = match before {
        None => {
            sqlx::query("INSERT INTO meta (name, value) VALUES ('seal', $1) ON CONFLICT (name) DO NOTHING").bind(new)
        }
        Some(before) => sqlx::query("UPDATE meta SET value = $1 WHERE name = 'seal' AND value = $2")
            .bind(new)
            .bind(encode("seal", before)?),
    };
    Ok(query.execute(&mut **work).await?.rows_affected() == 1)
}
