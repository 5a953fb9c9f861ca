//! Who is next at the gate: the oldest request, and not all of one asker's before those of others.

use super::dialect::Dialect;
use super::leases::FORESIGHT;
use super::values::{list, statement};
use super::{Store, StoreError, decode, micros, number, text};
use crate::request::Request;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

/// How many places each asker may take now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Whoever is not named.
    pub each: i64,
    /// Askers that have places already, with how many more they may take.
    pub left: Vec<(String, i64)>,
}

impl Allowance {
    /// As many as there are.
    pub fn all() -> Self {
        Self {
            each: i64::MAX,
            left: Vec::new(),
        }
    }
}

/// At least so many of the oldest requests are looked at, so that a take costs the same however many wait.
const LOOKED_AT: i64 = 1000;

const LEFT_BEHIND: &str = "state = 'taken' AND (taken_until < $3 OR taken_until > $7)";
const WAITS: &str = "(state = 'new' OR (state = 'taken' AND (taken_until < $3 OR taken_until > $7)))";

/// What there is at $1, where nothing lies beyond $2.
const SOME_WAIT: &str = "(EXISTS (SELECT 1 FROM request WHERE state = 'new') OR EXISTS (SELECT 1 FROM request WHERE \
                         state = 'taken' AND (taken_until < $1 OR taken_until > $2)))";
const YES: &str = "CAST(1 AS BIGINT)";
const NO: &str = "CAST(0 AS BIGINT)";

impl Store {
    /// Whether there are requests that nobody is at, or runs whose time has come and that nobody holds.
    pub async fn anything_waits(&self, now: Timestamp) -> Result<bool, StoreError> {
        let text = format!(
            "SELECT CASE WHEN {SOME_WAIT} OR EXISTS (SELECT 1 FROM run WHERE wake <= $1 AND (lease_until < $1 OR \
             lease_until > $2)) THEN {YES} ELSE {NO} END"
        );
        let waits: i64 = statement(text, 1)
            .bind(micros(now))
            .bind(micros(now + FORESIGHT))
            .fetch_one(&self.read)
            .await?
            .try_get(0)?;
        Ok(waits == 1)
    }

    /// Takes requests that nobody is at, oldest first, of each asker no more than may be. One whose taker died, or
    /// whose taking was never answered, is taken again: the first answer stands.
    pub async fn take_in_turn(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
        allowance: &Allowance,
    ) -> Result<Vec<Request>, StoreError> {
        // The cheap look first: an idle bot must not take SQLite's write lock many times a second.
        let waiting: i64 = statement(format!("SELECT CASE WHEN {SOME_WAIT} THEN {YES} ELSE {NO} END"), 1)
            .bind(micros(now))
            .bind(micros(now + FORESIGHT))
            .fetch_one(&self.read)
            .await?
            .try_get(0)?;
        if waiting == 0 {
            return Ok(Vec::new());
        }
        let (full, some): (Vec<_>, Vec<_>) = allowance.left.iter().partition(|(_, left)| *left <= 0);
        let mut taken_before = 7;
        let others = if full.is_empty() {
            String::new()
        } else {
            format!("AND COALESCE(asker, '') NOT IN ({})", list(taken_before, full.len()))
        };
        taken_before += full.len();
        let named: Vec<String> = (0..some.len())
            .map(|index| {
                let at = taken_before + 2 * index;
                format!("WHEN ${} THEN CAST(${} AS BIGINT)", at + 1, at + 2)
            })
            .collect();
        let may = if named.is_empty() {
            "$5".to_owned()
        } else {
            format!("CASE who {} ELSE $5 END", named.join(" "))
        };
        // One index has them in order by state: of both together the database would sort all that wait.
        let oldest = |waits: &str| {
            format!(
                "SELECT * FROM (SELECT id, at, COALESCE(asker, '') AS who FROM request WHERE {waits} {others} ORDER BY at \
                 LIMIT $6) AS oldest"
            )
        };
        let oldest = format!("{} UNION ALL {}", oldest("state = 'new'"), oldest(LEFT_BEHIND));
        let next = format!(
            "SELECT id FROM (SELECT id, at, who, ROW_NUMBER() OVER (PARTITION BY who ORDER BY at, id) AS place FROM \
             ({oldest}) AS waiting) AS ranked WHERE place <= {may} ORDER BY at LIMIT $4"
        );
        let mut work = self.begin().await?;
        let mut query = sqlx::query(AssertSqlSafe(format!(
            "UPDATE request SET state = 'taken', owner = $1, taken_until = $2 WHERE {} RETURNING body, at",
            self.still_waits(&next)
        )))
        .persistent(allowance.left.is_empty())
        .bind(owner)
        .bind(micros(until))
        .bind(micros(now))
        .bind(limit)
        .bind(allowance.each)
        .bind(limit.max(LOOKED_AT))
        .bind(micros(now + FORESIGHT));
        for (asker, _) in full {
            query = query.bind(asker);
        }
        for (asker, left) in some {
            query = query.bind(asker).bind(*left);
        }
        let rows = query.fetch_all(&mut *work).await?;
        work.commit().await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            taken.push((number(row, 1)?, decode::<Request>("request", &text(row, 0)?)?));
        }
        taken.sort_by_key(|(at, _)| *at);
        Ok(taken.into_iter().map(|(_, request)| request).collect())
    }

    /// Those of `next` that still wait when they are written. SQLite has one writer, so that nobody comes between; and told
    /// of the states once more it would look through all that wait.
    fn still_waits(&self, next: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("id IN ({next})"),
            Dialect::Postgres => format!(
                "id IN (SELECT id FROM request WHERE id IN ({next}) AND {WAITS}{}) AND {WAITS}",
                self.dialect.passing_over()
            ),
        }
    }
}
