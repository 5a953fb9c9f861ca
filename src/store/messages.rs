//! The outbox. A message is state: what it should show is derived from its run when it is sent, so that ten changes
//! while a platform was down cost one call.

use super::{Store, StoreError, decode, encode, micros, number, optional_text, text};
use crate::report::Report;
use crate::request::Place;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// The one message of a run, edited in place.
    Run,
    /// In the run's thread: the plan, written once.
    Details,
    /// In the run's thread: what came out, written once.
    Result,
    /// In the run's thread: somebody must answer.
    Ping,
    /// In the run's thread: the chart, written once.
    Chart,
    /// For the asker's eyes.
    Ephemeral,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Unique; the same message twice is one.
    pub id: String,
    /// What it is.
    pub kind: MessageKind,
    /// Whose, for all but an answer to a request.
    pub run: Option<String>,
    /// The request that it answers or that the run came from.
    pub request: Option<String>,
    /// Where to.
    pub place: Place,
    /// What an answer says; a run's message is derived from the run.
    pub body: Option<Report>,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueMessage {
    /// As given.
    pub message: NewMessage,
    /// How many changes it should show.
    pub wanted: i64,
    /// The platform's own id, once it is posted.
    pub remote: Option<String>,
    /// How often sending it failed.
    pub tries: i64,
}

impl Store {
    /// Stores a message to be sent.
    pub async fn post(&self, message: &NewMessage, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        insert_message(&mut work, message, now).await?;
        work.commit().await?;
        Ok(())
    }

    /// Messages that are due, oldest first. Those in a thread wait for the message that begins it.
    pub async fn due_messages(&self, now: Timestamp, limit: i64) -> Result<Vec<DueMessage>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.id, m.kind, m.run, m.request, m.place, m.body, m.wanted, m.remote, m.tries FROM message m \
             WHERE m.due <= $1 AND (m.kind IN ('\"run\"', '\"ephemeral\"') OR EXISTS (SELECT 1 FROM message r WHERE \
             r.run = m.run AND r.kind = '\"run\"' AND r.place = m.place AND r.remote IS NOT NULL)) \
             ORDER BY m.due, m.created LIMIT $2",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(due_message).collect()
    }

    /// The platform's id of the message that a run's thread hangs on.
    pub async fn thread_of(&self, run: &str, place: &Place) -> Result<Option<String>, StoreError> {
        let remote: Option<Option<String>> =
            sqlx::query_scalar("SELECT remote FROM message WHERE run = $1 AND kind = '\"run\"' AND place = $2")
                .bind(run)
                .bind(encode("place", place)?)
                .fetch_optional(&self.read)
                .await?;
        Ok(remote.flatten())
    }

    /// The platform shows `wanted` changes now. If more came meanwhile it stays due.
    pub async fn shown(&self, id: &str, wanted: i64, remote: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE message SET shown = $2, remote = COALESCE($3, remote), tries = 0, error = NULL, \
             due = CASE WHEN wanted > $2 THEN $4 ELSE NULL END WHERE id = $1",
        )
        .bind(id)
        .bind(wanted)
        .bind(remote)
        .bind(micros(now))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The platform lost the post: it is to be posted anew.
    pub async fn forget_remote(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET remote = NULL, due = $2 WHERE id = $1")
            .bind(id)
            .bind(micros(now))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Sending failed: try again at `again`, or never.
    pub async fn not_shown(&self, id: &str, error: &str, again: Option<Timestamp>) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET tries = tries + 1, error = $2, due = $3 WHERE id = $1")
            .bind(id)
            .bind(error)
            .bind(again.map(micros))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// All messages of a run, with the last error of each: for `show`.
    pub async fn messages_of(&self, run: &str) -> Result<Vec<(DueMessage, Option<String>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, kind, run, request, place, body, wanted, remote, tries, error FROM message WHERE run = $1 \
             ORDER BY created, id",
        )
        .bind(run)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| Ok((due_message(row)?, optional_text(row, 9)?)))
            .collect()
    }

    /// How many messages wait to be sent.
    pub async fn unsent_messages(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM message WHERE due >= 0")
            .fetch_one(&self.read)
            .await?)
    }
}

pub(super) async fn insert_message(
    work: &mut Transaction<'static, Any>,
    message: &NewMessage,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO message (id, kind, run, request, place, body, wanted, shown, due, tries, created) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, 0, $7, 0, $7) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&message.id)
    .bind(encode("kind", &message.kind)?)
    .bind(message.run.as_deref())
    .bind(message.request.as_deref())
    .bind(encode("place", &message.place)?)
    .bind(message.body.as_ref().map(|body| encode("report", body)).transpose()?)
    .bind(micros(now))
    .execute(&mut **work)
    .await?;
    Ok(())
}

fn due_message(row: &AnyRow) -> Result<DueMessage, StoreError> {
    Ok(DueMessage {
        message: NewMessage {
            id: text(row, 0)?,
            kind: decode("message kind", &text(row, 1)?)?,
            run: optional_text(row, 2)?,
            request: optional_text(row, 3)?,
            place: decode("place", &text(row, 4)?)?,
            body: optional_text(row, 5)?.map(|body| decode("report", &body)).transpose()?,
        },
        wanted: number(row, 6)?,
        remote: optional_text(row, 7)?,
        tries: number(row, 8)?,
    })
}
