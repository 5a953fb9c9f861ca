//! Lists of runs and answers, as the console shows them.

use super::runs::{RunLine, outcome_of, outcome_text};
use super::{Store, StoreError, decode, micros, number, optional_text, text, timestamp};
use crate::report::{Outcome, Report};
use jiff::Timestamp;
use sqlx::any::AnyRow;

/// Which runs are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those that stand so.
    pub outcome: Option<Outcome>,
    /// Only those of this runbook.
    pub runbook: Option<String>,
    /// Only those that this person asked for.
    pub person: Option<String>,
    /// Only those with this text in their id, runbook, person, inputs or closing sentence.
    pub text: Option<String>,
    /// Only those older than this run.
    pub before: Option<(Timestamp, String)>,
}

/// A run as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRun {
    /// What stands in every list.
    pub line: RunLine,
    /// Its inputs as text.
    pub inputs: Option<String>,
    /// The sentence that it ended with.
    pub said: Option<String>,
}

/// A run that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedRun {
    /// Its id.
    pub id: String,
    /// Which runbook.
    pub runbook: String,
    /// The journal's length.
    pub seq: i64,
    /// When it changed, in microseconds since 1970.
    pub updated: i64,
}

/// A request that became no run, with what was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The request.
    pub request: String,
    /// When it was asked.
    pub at: Timestamp,
    /// What was said.
    pub report: Report,
}

/// Changes of one run that follow each other faster, in microseconds, stand under the moment of the first.
pub const BLUR: i64 = 200_000;

/// Half of that the statement of an addition may leave `updated` as it is, and half of that an engine that knows of a
/// recent addition: one comes on top of the other.
pub(crate) const STILL: i64 = BLUR / 2;

/// How many runs are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRuns {
    /// Of one person.
    pub of_person: i64,
    /// Of one runbook.
    pub of_runbook: i64,
}

impl Store {
    /// Runs that fit, newest first.
    pub async fn find_runs(&self, filter: &RunFilter, limit: i64) -> Result<Vec<FoundRun>, StoreError> {
        let outcome = filter.outcome.map(outcome_text).transpose()?.unwrap_or_default();
        let (at, id) = match &filter.before {
            Some((at, id)) => (micros(*at), id.as_str()),
            None => (i64::MAX, ""),
        };
        let rows = sqlx::query(
            "SELECT id, runbook, person, created, outcome, inputs, said FROM run \
             WHERE (created < $1 OR (created = $1 AND id < $2)) AND ($3 = '' OR outcome = $3) \
             AND ($4 = '' OR runbook = $4) AND ($5 = '' OR person = $5) \
             AND ($6 = '' OR LOWER(id || ' ' || runbook || ' ' || person || ' ' || COALESCE(inputs, '') || ' ' || \
             COALESCE(said, '')) LIKE $6 ESCAPE '!') ORDER BY created DESC, id DESC LIMIT $7",
        )
        .bind(at)
        .bind(id)
        .bind(outcome)
        .bind(filter.runbook.as_deref().unwrap_or_default())
        .bind(filter.person.as_deref().unwrap_or_default())
        .bind(filter.text.as_deref().map(containing).unwrap_or_default())
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(found).collect()
    }

    /// Runs that changed at this moment or later, oldest change first. A change may stand under a moment that is up to
    /// [`BLUR`] too early.
    pub async fn changed_runs(&self, since: i64, limit: i64) -> Result<Vec<ChangedRun>, StoreError> {
        let rows =
            sqlx::query("SELECT id, runbook, seq, updated FROM run WHERE updated >= $1 ORDER BY updated, id LIMIT $2")
                .bind(since)
                .bind(limit)
                .fetch_all(&self.read)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(ChangedRun {
                    id: text(row, 0)?,
                    runbook: text(row, 1)?,
                    seq: number(row, 2)?,
                    updated: number(row, 3)?,
                })
            })
            .collect()
    }

    /// Runs that changed at this moment or later, newest change first.
    pub async fn recently_changed(&self, since: Timestamp, limit: i64) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT id FROM run WHERE updated >= $1 ORDER BY updated DESC, id LIMIT $2")
                .bind(micros(since))
                .bind(limit)
                .fetch_all(&self.read)
                .await?,
        )
    }

    /// Runs that wait for a yes, or for a word on what became of a step, oldest first.
    pub async fn waiting_runs(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT id FROM run WHERE outcome IN ($1, $2) ORDER BY created, id LIMIT $3")
                .bind(outcome_text(Outcome::AwaitingApproval)?)
                .bind(outcome_text(Outcome::NeedsPerson)?)
                .bind(limit)
                .fetch_all(&self.read)
                .await?,
        )
    }

    /// How many runs of a person, and of a runbook, are under way or wait for somebody.
    pub async fn open_runs(&self, person: &str, runbook: &str) -> Result<OpenRuns, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM run WHERE outcome IN ($1, $2, $3) AND person = $4), \
             (SELECT COUNT(*) FROM run WHERE outcome IN ($1, $2, $3) AND runbook = $5)",
        )
        .bind(outcome_text(Outcome::Running)?)
        .bind(outcome_text(Outcome::AwaitingApproval)?)
        .bind(outcome_text(Outcome::NeedsPerson)?)
        .bind(person)
        .bind(runbook)
        .fetch_one(&self.read)
        .await?;
        Ok(OpenRuns {
            of_person: number(&row, 0)?,
            of_runbook: number(&row, 1)?,
        })
    }

    /// The latest answers that a session was given, newest first.
    pub async fn answers(&self, session: &str, limit: i64) -> Result<Vec<Answered>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, answer FROM request WHERE session = $1 AND answer IS NOT NULL ORDER BY at DESC LIMIT $2",
        )
        .bind(session)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Answered {
                    request: text(row, 0)?,
                    at: timestamp(number(row, 1)?)?,
                    report: decode("answer", &text(row, 2)?)?,
                })
            })
            .collect()
    }

    /// When a request of this session was stored; none where the session has no such request.
    pub async fn asked_at(&self, request: &str, session: &str) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar("SELECT at FROM request WHERE id = $1 AND session = $2")
            .bind(request)
            .bind(session)
            .fetch_optional(&self.read)
            .await?;
        at.map(timestamp).transpose()
    }

    /// The request that a delivery became.
    pub async fn delivered(&self, delivery: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT request FROM delivery WHERE id = $1")
            .bind(delivery)
            .fetch_optional(&self.read)
            .await?)
    }
}

/// As a pattern in which nothing else has a meaning.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn found(row: &AnyRow) -> Result<FoundRun, StoreError> {
    Ok(FoundRun {
        line: RunLine {
            id: text(row, 0)?,
            runbook: text(row, 1)?,
            person: text(row, 2)?,
            created: timestamp(number(row, 3)?)?,
            outcome: outcome_of(&text(row, 4)?)?,
        },
        inputs: optional_text(row, 5)?,
        said: optional_text(row, 6)?,
    })
}
