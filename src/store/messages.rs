//! The outbox. A message is state: what it should show is derived from its run when it is sent, so that ten changes
//! while a platform was down cost one call.
//!
//! A post is journalled before it is sent, as a step is: one without a recorded answer is in doubt, and the platform is
//! asked for it before it is posted again. Of several processes one sends a message at a time.

use super::dialect::Dialect;
use super::leases::FORESIGHT;
use super::values::{Row, statement, write_rows};
use super::{Store, StoreError, decode, encode, micros, number, optional_number, optional_text, text, timestamp};
use crate::report::Report;
use crate::request::{Place, Surface};
use jiff::{SignedDuration, Timestamp};
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
    /// About the bot itself, for all who use it: of no run, and nobody asked.
    Notice,
}

/// The kinds that this version knows, as they are stored. One that a later version has left is that version's to send: it
/// is neither lost nor in anybody's way.
const KNOWN: &str = "('\"run\"', '\"details\"', '\"result\"', '\"ping\"', '\"chart\"', '\"ephemeral\"', '\"notice\"')";

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
    /// The post of which nobody knows whether the platform took it.
    pub doubt: Option<Doubt>,
    /// Since when sending it has failed.
    pub failing_since: Option<Timestamp>,
}

/// A post that was begun, with no answer recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// When it was begun, by our clock.
    pub since: Timestamp,
    /// Where the search for it stands, in the platform's own words.
    pub sought: Option<String>,
}

/// When a message that was not shown is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It is certainly not there.
    At(Timestamp),
    /// It may be there: the platform is asked before it is posted again.
    Doubtful {
        /// When to ask.
        at: Timestamp,
        /// Where the search stands.
        sought: Option<String>,
    },
    /// It is given up, until its run closes.
    Never,
}

/// How the message stands that a run's thread hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thread {
    /// Posted, under this id of the platform.
    Begun(String),
    /// Posted in a way that can be neither edited nor answered.
    Unnamed,
    /// Not posted yet.
    Awaited,
    /// Given up, or never meant to be.
    Never,
}

/// No message is put off for longer. One that seems to be was put off by a clock that has been set back since.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Stands for the platform's id where a message was posted without one.
pub const UNNAMED: &str = "response-url";

impl Store {
    /// Stores a message to be sent.
    pub async fn post(&self, message: &NewMessage, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        insert_messages(&mut work, self.dialect, &[(message, micros(now))]).await?;
        work.commit().await?;
        Ok(())
    }

    /// Messages to one platform that are due and that nobody is sending, oldest first, and at most `each` of one place: one that is
    /// limited does not hold up the others. Those in a thread wait for the message that begins it, unless it never will.
    pub async fn due_messages(
        &self,
        surface: Surface,
        now: Timestamp,
        each: i64,
        limit: i64,
    ) -> Result<Vec<DueMessage>, StoreError> {
        let text = format!(
            "SELECT id, kind, run, request, place, body, wanted, remote, tries, attempted, sought, failing_since FROM \
             (SELECT m.*, ROW_NUMBER() OVER (PARTITION BY m.place ORDER BY m.due, m.created, m.id) AS turn \
             FROM message m LEFT JOIN message r ON r.run = m.run AND r.kind = '\"run\"' AND r.place = m.place \
             WHERE m.place LIKE $6 AND m.kind IN {KNOWN} AND (m.due <= $1 OR m.due > $4) AND \
             (m.sending_until IS NULL OR m.sending_until <= $1 OR m.sending_until > $5) \
             AND (m.kind IN ('\"run\"', '\"ephemeral\"') OR r.id IS NULL OR r.remote IS NOT NULL \
             OR (r.due IS NULL AND r.error IS NOT NULL))) \
             AS fair WHERE turn <= $2 ORDER BY due, created, id LIMIT $3"
        );
        let rows = statement(text, 1)
            .bind(micros(now))
            .bind(each)
            .bind(limit)
            .bind(micros(now + LONGEST_WAIT))
            .bind(micros(now + FORESIGHT))
            .bind(places_of(surface)?)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(due_message).collect()
    }

    /// Takes a message to send it; none where somebody else has it, or where it is no longer due. Whoever has it sends
    /// until `until` and no longer.
    pub async fn take_message(
        &self,
        id: &str,
        sender: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<DueMessage>, StoreError> {
        let text = format!(
            "UPDATE message SET sender = $2, sending_until = $4 WHERE id = $1 AND kind IN {KNOWN} AND (due <= $3 OR due > $5) \
             AND (sending_until IS NULL OR sending_until <= $3 OR sending_until > $6) RETURNING id, kind, run, request, \
             place, body, wanted, remote, tries, attempted, sought, failing_since"
        );
        let taken = statement(text, 1)
            .bind(id.to_owned())
            .bind(sender.to_owned())
            .bind(micros(now))
            .bind(micros(until))
            .bind(micros(now + LONGEST_WAIT))
            .bind(micros(now + FORESIGHT))
            .fetch_optional(&self.write)
            .await?;
        taken.as_ref().map(due_message).transpose()
    }

    /// Journals that a post begins, before it does, and since when it may be there: from here on it may be there, whatever becomes of this process.
    /// False where somebody else has the message by now, so nothing must be sent.
    pub async fn begin_post(
        &self,
        id: &str,
        sender: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let begun = sqlx::query(
            "UPDATE message SET attempted = $3, sought = NULL, sending_until = $4 WHERE id = $1 AND sender = $2",
        )
        .bind(id)
        .bind(sender)
        .bind(micros(since))
        .bind(micros(until))
        .execute(&self.write)
        .await?
        .rows_affected();
        Ok(begun == 1)
    }

    /// Gives back what a process has taken to send, at its end.
    pub async fn release_messages(&self, sender: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET sender = NULL, sending_until = NULL WHERE sender = $1")
            .bind(sender)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// How the message stands that a run's thread hangs on.
    pub async fn thread_of(&self, run: &str, place: &Place) -> Result<Thread, StoreError> {
        let row =
            sqlx::query("SELECT remote, due, error FROM message WHERE run = $1 AND kind = '\"run\"' AND place = $2")
                .bind(run)
                .bind(encode("place", place)?)
                .fetch_optional(&self.read)
                .await?;
        let Some(row) = row else { return Ok(Thread::Never) };
        Ok(match optional_text(&row, 0)? {
            Some(remote) if remote == UNNAMED => Thread::Unnamed,
            Some(remote) => Thread::Begun(remote),
            None if optional_number(&row, 1)?.is_none() && optional_text(&row, 2)?.is_some() => Thread::Never,
            None => Thread::Awaited,
        })
    }

    /// The platform shows `wanted` changes now. If more came meanwhile it stays due. What was given up because the thread
    /// had no beginning is tried again once it has one.
    pub async fn shown(&self, id: &str, wanted: i64, remote: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        sqlx::query(
            "UPDATE message SET shown = $2, remote = COALESCE($3, remote), tries = 0, error = NULL, attempted = NULL, \
             sought = NULL, failing_since = NULL, sender = NULL, sending_until = NULL, \
             due = CASE WHEN wanted > $2 THEN $4 ELSE NULL END WHERE id = $1",
        )
        .bind(id)
        .bind(wanted)
        .bind(remote)
        .bind(micros(now))
        .execute(&mut *work)
        .await?;
        if remote.is_some() {
            begin_thread(&mut work, id, now).await?;
        }
        work.commit().await?;
        Ok(())
    }

    /// A post that was in doubt is there, under this id. What it shows may be of before, so it stays due.
    pub async fn found(&self, id: &str, remote: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        sqlx::query(
            "UPDATE message SET remote = $2, tries = 0, error = NULL, attempted = NULL, sought = NULL, \
             failing_since = NULL, sender = NULL, sending_until = NULL, due = $3 WHERE id = $1",
        )
        .bind(id)
        .bind(remote)
        .bind(micros(now))
        .execute(&mut *work)
        .await?;
        begin_thread(&mut work, id, now).await?;
        work.commit().await?;
        Ok(())
    }

    /// The platform lost the post: it is to be posted anew.
    pub async fn forget_remote(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE message SET remote = NULL, attempted = NULL, sought = NULL, sender = NULL, sending_until = NULL, \
             due = $2 WHERE id = $1",
        )
        .bind(id)
        .bind(micros(now))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Our own limit keeps it back: no failure, and whatever was in doubt stays so.
    pub async fn keep_back(&self, id: &str, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET due = $2, sender = NULL, sending_until = NULL WHERE id = $1")
            .bind(id)
            .bind(micros(until))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Sending failed.
    pub async fn not_shown(&self, id: &str, error: &str, again: &Again, now: Timestamp) -> Result<(), StoreError> {
        let (due, doubtful, sought) = match again {
            Again::At(at) => (Some(*at), 0_i64, None),
            Again::Doubtful { at, sought } => (Some(*at), 1, sought.as_deref()),
            Again::Never => (None, 0, None),
        };
        sqlx::query(
            "UPDATE message SET tries = tries + 1, error = $2, due = $3, sender = NULL, sending_until = NULL, \
             attempted = CASE WHEN $4 = 1 THEN attempted ELSE NULL END, sought = $5, \
             failing_since = COALESCE(failing_since, $6) WHERE id = $1",
        )
        .bind(id)
        .bind(error)
        .bind(due.map(micros))
        .bind(doubtful)
        .bind(sought)
        .bind(micros(now))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The platform works again: what waits for its next try waits no longer.
    pub async fn hurry_messages(&self, surface: Surface, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET due = $1 WHERE due > $1 AND error IS NOT NULL AND place LIKE $2")
            .bind(micros(now))
            .bind(places_of(surface)?)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Where a run's message was given up, with the reason.
    pub async fn given_up(&self, run: &str) -> Result<Vec<(Place, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT place, error FROM message WHERE run = $1 AND kind = '\"run\"' AND due IS NULL AND error IS NOT NULL",
        )
        .bind(run)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| Ok((decode("place", &text(row, 0)?)?, text(row, 1)?)))
            .collect()
    }

    /// All messages of a run of the kinds that are known here, with the last error of each: for `show`.
    pub async fn messages_of(&self, run: &str) -> Result<Vec<(DueMessage, Option<String>)>, StoreError> {
        let text = format!(
            "SELECT id, kind, run, request, place, body, wanted, remote, tries, attempted, sought, failing_since, error \
             FROM message WHERE run = $1 AND kind IN {KNOWN} ORDER BY created, id"
        );
        let rows = statement(text, 1).bind(run.to_owned()).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| Ok((due_message(row)?, optional_text(row, 12)?)))
            .collect()
    }

    /// How many messages wait to be sent.
    pub async fn unsent_messages(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM message WHERE due >= 0")
            .fetch_one(&self.read)
            .await?)
    }
}

pub(super) async fn insert_messages(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    messages: &[(&NewMessage, i64)],
) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = Vec::with_capacity(messages.len());
    for (message, now) in messages {
        rows.push(vec![
            (&message.id).into(),
            encode("kind", &message.kind)?.into(),
            message.run.clone().into(),
            message.request.clone().into(),
            encode("place", &message.place)?.into(),
            message
                .body
                .as_ref()
                .map(|body| encode("report", body))
                .transpose()?
                .into(),
            (*now).into(),
        ]);
    }
    let insert = "INSERT INTO message (id, kind, run, request, place, body, wanted, shown, due, tries, created) \
                  SELECT id, kind, run, request, place, body, 1, 0, at, 0, at FROM v WHERE id IS NOT NULL \
                  ON CONFLICT (id) DO NOTHING";
    write_rows(dialect, work, "id, kind, run, request, place, body, at", &rows, insert).await?;
    Ok(())
}

/// What these messages show is out of date: rows of a run's, group's or summary's id and a time.
pub(super) async fn touch(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    rows: &[Row],
) -> Result<(), StoreError> {
    // A message that waits for its next try keeps that time: a change must not jump the queue of a failing platform.
    const CHANGED: &str = "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, v.at) FROM v \
                           WHERE message.run = v.id AND kind = '\"run\"' AND (due IS NOT NULL OR error IS NULL)";
    write_rows(dialect, work, "id, at", rows, CHANGED).await?;
    Ok(())
}

/// What these messages show has ended, which is worth another try of one that was given up.
pub(super) async fn revive(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    rows: &[Row],
) -> Result<(), StoreError> {
    const ENDED: &str = "UPDATE message SET wanted = wanted + 1, due = v.at, tries = 0, failing_since = NULL FROM v \
                         WHERE message.run = v.id AND kind = '\"run\"' AND due IS NULL AND error IS NOT NULL";
    write_rows(dialect, work, "id, at", rows, ENDED).await?;
    Ok(())
}

/// What the places of a platform look like as they are stored: its name stands first.
fn places_of(surface: Surface) -> Result<String, StoreError> {
    Ok(format!("{{\"surface\":{},%", encode("surface", &surface)?))
}

/// A thread has its beginning: what was given up for want of it is due.
async fn begin_thread(work: &mut Transaction<'static, Any>, id: &str, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE message SET due = $2, tries = 0, failing_since = NULL WHERE due IS NULL AND error IS NOT NULL \
         AND shown = 0 AND kind NOT IN ('\"run\"', '\"ephemeral\"') AND EXISTS (SELECT 1 FROM message r \
         WHERE r.id = $1 AND r.kind = '\"run\"' AND r.run = message.run AND r.place = message.place)",
    )
    .bind(id)
    .bind(micros(now))
    .execute(&mut **work)
    .await?;
    Ok(())
}

fn due_message(row: &AnyRow) -> Result<DueMessage, StoreError> {
    let attempted = optional_number(row, 9)?.map(timestamp).transpose()?;
    let sought = optional_text(row, 10)?;
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
        doubt: attempted.map(|since| Doubt { since, sought }),
        failing_since: optional_number(row, 11)?.map(timestamp).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_among_the_known_ones() {
        let all = [
            MessageKind::Run,
            MessageKind::Details,
            MessageKind::Result,
            MessageKind::Ping,
            MessageKind::Chart,
            MessageKind::Ephemeral,
            MessageKind::Notice,
        ];
        // Whoever adds a kind is led here.
        for kind in all {
            match kind {
                MessageKind::Run
                | MessageKind::Details
                | MessageKind::Result
                | MessageKind::Ping
                | MessageKind::Chart
                | MessageKind::Ephemeral
                | MessageKind::Notice => {}
            }
        }
        let stored: Vec<String> = all
            .iter()
            .map(|kind| format!("'{}'", encode("kind", kind).unwrap()))
            .collect();
        assert_eq!(KNOWN, format!("({})", stored.join(", ")));
    }
}
