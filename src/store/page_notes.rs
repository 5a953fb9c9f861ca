//! What is noted at paging systems: who has acknowledged an alert here, and how runs ended that were asked for from it. A
//! note is sent once at the most, since the systems there would keep it twice: taken to be sent, it is due no more.

use super::dialect::Dialect;
use super::runs::run_line;
use super::values::{Row, write_rows};
use super::{Store, StoreError, micros, number, optional_number, optional_text, text, timestamp};
use jiff::Timestamp;
use sqlx::{Any, Transaction};

/// A note to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNote {
    /// Its id.
    pub id: String,
    /// By which the page is known there.
    pub key: String,
    /// What it says.
    pub say: String,
    /// Failures in a row.
    pub tries: i64,
    /// Since when they are.
    pub failing_since: Option<Timestamp>,
}

/// Notes at the pages of a group what somebody did, but for those where it was done.
pub(super) async fn note_deed(
    work: &mut Transaction<'static, Any>,
    alert: &str,
    say: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO page_note (id, page, at, say, due, tries) \
         SELECT CAST($1 AS TEXT) || id, id, $2, $3, $2, 0 FROM page \
         WHERE alert = $4 AND (told IS NULL OR told <> 'acknowledged') ON CONFLICT (id) DO NOTHING",
    )
    .bind(format!("deed-{}:", micros(now)))
    .bind(micros(now))
    .bind(say)
    .bind(alert)
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Notes at the pages of the alerts from which they were asked for that these runs have ended: rows of a run's id and a
/// time. How, is said when it is sent.
pub(super) async fn note_runs(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    runs: &[Row],
) -> Result<(), StoreError> {
    const ENDED: &str = "INSERT INTO page_note (id, page, at, run, due, tries) \
                         SELECT 'run-' || v.id || ':' || page.id, page.id, v.at, v.id, v.at, 0 \
                         FROM v JOIN alert_run ON alert_run.run = v.id JOIN page ON page.alert = alert_run.alert \
                         WHERE v.id IS NOT NULL ON CONFLICT (id) DO NOTHING";
    write_rows(dialect, work, "id, at", runs, ENDED).await?;
    Ok(())
}

impl Store {
    /// Notes to be sent now, by their connections, oldest first: those of pages that are there.
    pub async fn due_notes(&self, now: Timestamp, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT page_note.id, page.connection FROM page_note JOIN page ON page.id = page_note.page \
             WHERE page_note.due <= $1 AND page.told IS NOT NULL ORDER BY page_note.at, page_note.id LIMIT $2",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
    }

    /// Takes a note to send it; none where somebody else has, or nothing is left to say.
    pub async fn take_note(&self, id: &str, now: Timestamp) -> Result<Option<DueNote>, StoreError> {
        let row = sqlx::query(
            "UPDATE page_note SET due = NULL WHERE id = $1 AND due <= $2 RETURNING page, say, run, tries, failing_since",
        )
        .bind(id)
        .bind(micros(now))
        .fetch_optional(&self.write)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let key: Option<String> = sqlx::query_scalar("SELECT grouped FROM page WHERE id = $1")
            .bind(text(&row, 0)?)
            .fetch_optional(&self.read)
            .await?;
        let say = match (optional_text(&row, 1)?, optional_text(&row, 2)?) {
            (Some(say), _) => Some(say),
            (None, Some(run)) => self.outcome_in_words(&run).await?,
            (None, None) => None,
        };
        let (Some(key), Some(say)) = (key, say) else {
            return Ok(None);
        };
        Ok(Some(DueNote {
            id: id.to_owned(),
            key,
            say,
            tries: number(&row, 3)?,
            failing_since: optional_number(&row, 4)?.map(timestamp).transpose()?,
        }))
    }

    async fn outcome_in_words(&self, run: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT id, runbook, person, created, outcome FROM run WHERE id = $1")
            .bind(run)
            .fetch_optional(&self.read)
            .await?;
        let line = row.as_ref().map(run_line).transpose()?;
        Ok(line.map(|line| {
            format!(
                "{} ran /{} in Signalbox: {} (run {}).",
                line.person,
                line.runbook,
                line.outcome.words(),
                line.id
            )
        }))
    }

    /// A note was not taken, and why. It is sent again at this time, or never.
    pub async fn note_failed(
        &self,
        id: &str,
        why: &str,
        again: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE page_note SET due = $2, tries = tries + 1, failing_since = COALESCE(failing_since, $3), error = $4 \
             WHERE id = $1",
        )
        .bind(id)
        .bind(again.map(micros))
        .bind(micros(now))
        .bind(why)
        .execute(&self.write)
        .await?;
        Ok(())
    }
}
