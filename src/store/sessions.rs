//! Sign-ins to the console. They survive a restart and hold on every replica. What the cookie carries is not stored: its
//! hash is.

use super::{Store, StoreError, micros, number, text, timestamp};
use jiff::Timestamp;

/// One person is signed in this often at the same time; the oldest sign-in makes way.
const PER_PERSON: i64 = 10;

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What it is called where others see it; not what opens it.
    pub id: String,
    /// Whose, by the name in `people.toml`.
    pub person: String,
    /// Made of the cookie's secret and the person's token: with another token it is another.
    pub proof: String,
    /// When it was last used, to the minute.
    pub seen: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl Store {
    /// Opens a session under the hash of its secret. The person's oldest ones end if there are too many.
    pub async fn open_session(&self, hash: &str, session: &Session) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        sqlx::query("DELETE FROM session WHERE expires <= $1")
            .bind(micros(session.seen))
            .execute(&mut *work)
            .await?;
        sqlx::query(
            "DELETE FROM session WHERE person = $1 AND hash NOT IN (SELECT hash FROM session WHERE person = $1 \
             ORDER BY created DESC, hash LIMIT $2)",
        )
        .bind(&session.person)
        .bind(PER_PERSON - 1)
        .execute(&mut *work)
        .await?;
        sqlx::query(
            "INSERT INTO session (hash, id, person, proof, created, seen, expires) VALUES ($1, $2, $3, $4, $5, $5, $6)",
        )
        .bind(hash)
        .bind(&session.id)
        .bind(&session.person)
        .bind(&session.proof)
        .bind(micros(session.seen))
        .bind(micros(session.expires))
        .execute(&mut *work)
        .await?;
        work.commit().await?;
        Ok(())
    }

    /// The session whose secret has this hash, if it has not ended.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query("SELECT id, person, proof, seen, expires FROM session WHERE hash = $1 AND expires > $2")
            .bind(hash)
            .bind(micros(now))
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| {
            Ok(Session {
                id: text(&row, 0)?,
                person: text(&row, 1)?,
                proof: text(&row, 2)?,
                seen: timestamp(number(&row, 3)?)?,
                expires: timestamp(number(&row, 4)?)?,
            })
        })
        .transpose()
    }

    /// Notes that a session is in use.
    pub async fn session_seen(&self, hash: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE session SET seen = $2 WHERE hash = $1")
            .bind(hash)
            .bind(micros(now))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Ends a session.
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE hash = $1")
            .bind(hash)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
