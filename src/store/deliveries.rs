//! Deliveries and the requests in them: stored before anybody is told that they were received, each once.

use super::audit::{AuditRow, insert_audit};
use super::messages::{NewMessage, insert_message};
use super::{Store, StoreError, decode, encode, micros, number, optional_text, text};
use crate::report::Report;
use crate::request::{Delivery, Request};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sqlx::{Any, Transaction};

/// How long the tokens of a delivery may be kept; the platforms let them die at the same age.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(30);

/// How often a response URL may be used.
const TOKEN_USES: i64 = 5;

/// How a request stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Nobody has looked at it yet, or somebody is at it.
    Pending,
    /// It became this run.
    Run(String),
    /// It became no run; this was said.
    Answered(Box<Report>),
}

impl Store {
    /// Stores many deliveries in one commit. For each: true if it is new, false if it was there before.
    pub async fn receive(&self, deliveries: &[Delivery], now: Timestamp) -> Result<Vec<bool>, StoreError> {
        let mut work = self.begin().await?;
        let mut fresh = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let stored = sqlx::query(
                "INSERT INTO delivery (id, surface, at, kept, request) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
            )
            .bind(&delivery.id)
            .bind(encode("surface", &delivery.request.place.surface)?)
            .bind(micros(now))
            // PostgreSQL takes no NUL in a text, and would refuse all that is stored together with it.
            .bind(delivery.kept.replace('\0', "\u{fffd}"))
            .bind(&delivery.request.id)
            .execute(&mut *work)
            .await?
            .rows_affected()
                == 1;
            if stored {
                insert_request(&mut work, &delivery.request, now).await?;
                if let Some(token) = &delivery.token {
                    let sealed = self
                        .seal
                        .close(token)
                        .ok_or_else(|| StoreError::Corrupt("a token too long to seal".to_owned()))?;
                    sqlx::query("INSERT INTO token (request, sealed, expires, uses) VALUES ($1, $2, $3, 0)")
                        .bind(&delivery.request.id)
                        .bind(sealed)
                        .bind(micros(now + TOKEN_LIFE))
                        .execute(&mut *work)
                        .await?;
                }
            }
            fresh.push(stored);
        }
        work.commit().await?;
        Ok(fresh)
    }

    /// Stores a request that came by the command line.
    pub async fn request(&self, request: &Request, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        insert_request(&mut work, request, now).await?;
        work.commit().await?;
        Ok(())
    }

    /// Takes requests that nobody is at, oldest first. One that its taker did not answer in time is taken again.
    pub async fn take_requests(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Request>, StoreError> {
        // The cheap look first: an idle bot must not take SQLite's write lock many times a second.
        let waiting: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM request WHERE state = 'new' OR (state = 'taken' AND taken_until < $1)",
        )
        .bind(micros(now))
        .fetch_one(&self.read)
        .await?;
        if waiting == 0 {
            return Ok(Vec::new());
        }
        let mut work = self.begin().await?;
        let rows = sqlx::query(
            "UPDATE request SET state = 'taken', owner = $1, taken_until = $2 WHERE id IN (SELECT id FROM request \
             WHERE state = 'new' OR (state = 'taken' AND taken_until < $3) ORDER BY at LIMIT $4) \
             AND (state = 'new' OR (state = 'taken' AND taken_until < $3)) RETURNING body, at",
        )
        .bind(owner)
        .bind(micros(until))
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&mut *work)
        .await?;
        work.commit().await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            taken.push((number(row, 1)?, decode::<Request>("request", &text(row, 0)?)?));
        }
        taken.sort_by_key(|(at, _)| *at);
        Ok(taken.into_iter().map(|(_, request)| request).collect())
    }

    /// Marks a request as answered without a run, with the message that says so and the record of it, all or nothing.
    /// The first answer stands.
    pub async fn answer(
        &self,
        request: &str,
        report: &Report,
        message: Option<&NewMessage>,
        record: &AuditRow,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let first =
            sqlx::query("UPDATE request SET state = 'answered', answer = $2 WHERE id = $1 AND state <> 'answered'")
                .bind(request)
                .bind(encode("answer", report)?)
                .execute(&mut *work)
                .await?
                .rows_affected()
                == 1;
        if first {
            if let Some(message) = message {
                insert_message(&mut work, message, record.at).await?;
            }
            insert_audit(&mut work, record).await?;
        }
        work.commit().await?;
        Ok(())
    }

    /// Marks a request as answered by a run that exists.
    pub async fn answered_by_run(&self, request: &str, run: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE request SET state = 'answered', run = $2 WHERE id = $1")
            .bind(request)
            .bind(run)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// A pressed follow-up becomes the request for what it offers, so that the run's plan can be built from it again.
    pub async fn rewrite_request(&self, request: &Request) -> Result<(), StoreError> {
        sqlx::query("UPDATE request SET body = $2 WHERE id = $1")
            .bind(&request.id)
            .bind(encode("request", request)?)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// How a request stands.
    pub async fn progress(&self, request: &str) -> Result<Progress, StoreError> {
        let row = sqlx::query("SELECT run, answer FROM request WHERE id = $1")
            .bind(request)
            .fetch_optional(&self.read)
            .await?
            .ok_or_else(|| StoreError::Corrupt(format!("request {request} is gone")))?;
        if let Some(answer) = optional_text(&row, 1)? {
            return Ok(Progress::Answered(Box::new(decode("answer", &answer)?)));
        }
        Ok(optional_text(&row, 0)?.map_or(Progress::Pending, Progress::Run))
    }

    /// The request itself.
    pub async fn request_body(&self, request: &str) -> Result<Request, StoreError> {
        let body: String = sqlx::query_scalar("SELECT body FROM request WHERE id = $1")
            .bind(request)
            .fetch_one(&self.read)
            .await?;
        decode("request", &body)
    }

    /// A use of the token that came with a request; none once it is spent or too old.
    pub async fn spend_token(&self, request: &str, now: Timestamp) -> Result<Option<SecretString>, StoreError> {
        let sealed: Option<String> = sqlx::query_scalar(
            "UPDATE token SET uses = uses + 1 WHERE request = $1 AND uses < $2 AND expires > $3 RETURNING sealed",
        )
        .bind(request)
        .bind(TOKEN_USES)
        .bind(micros(now))
        .fetch_optional(&self.write)
        .await?;
        Ok(sealed.and_then(|sealed| self.seal.open(&sealed)))
    }

    /// Forgets tokens that are too old.
    pub async fn drop_tokens(&self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM token WHERE expires <= $1")
            .bind(micros(now))
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

async fn insert_request(
    work: &mut Transaction<'static, Any>,
    request: &Request,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO request (id, at, body, state, session) VALUES ($1, $2, $3, 'new', $4)")
        .bind(&request.id)
        .bind(micros(now))
        .bind(encode("request", request)?)
        .bind(request.session.as_deref())
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// Marks a request as having become a run, in the run's own transaction. A request that was taken twice, because its
/// first taker was slow, becomes one run all the same.
pub(super) async fn became_run(
    work: &mut Transaction<'static, Any>,
    request: &str,
    run: &str,
) -> Result<(), StoreError> {
    let first = sqlx::query("UPDATE request SET state = 'answered', run = $2 WHERE id = $1 AND state <> 'answered'")
        .bind(request)
        .bind(run)
        .execute(&mut **work)
        .await?
        .rows_affected()
        == 1;
    if first {
        Ok(())
    } else {
        Err(StoreError::Answered(request.to_owned()))
    }
}
