//! Deliveries and the requests in them: stored before anybody is told that they were received, each once.

use super::alert_runs::Deed;
use super::audit::AuditRow;
use super::dialect::Dialect;
use super::messages::NewMessage;
use super::turns::Allowance;
use super::values::{BindAll as _, Row, list, statement, with_rows, write_rows};
use super::writer::{What, Write};
use super::{Store, StoreError, decode, encode, micros, optional_text, text};
use crate::report::Report;
use crate::request::{Delivery, Request, Surface};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sqlx::{Any, Transaction};
use std::collections::HashSet;

/// How long the token of a delivery may be kept; the platforms let them die at the same age.
fn token_life(surface: Surface) -> SignedDuration {
    match surface {
        Surface::Discord => SignedDuration::from_mins(15),
        Surface::Slack | Surface::Console | Surface::Cli => SignedDuration::from_mins(30),
    }
}

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
    /// Stores many deliveries in one commit. For each: true if it is new, false if it was there before, also earlier
    /// among these.
    pub async fn receive(&self, deliveries: &[Delivery], now: Timestamp) -> Result<Vec<bool>, StoreError> {
        Ok(self.receive_if(deliveries, now, || true).await?.unwrap_or_default())
    }

    /// The same, if `still` says so when nothing but the commit is left to do; None if it says no, and nothing is stored.
    pub async fn receive_if(
        &self,
        deliveries: &[Delivery],
        now: Timestamp,
        still: impl FnOnce() -> bool,
    ) -> Result<Option<Vec<bool>>, StoreError> {
        let mut work = self.begin().await?;
        let mut seen = HashSet::new();
        let fresh: Vec<bool> = deliveries
            .iter()
            .map(|delivery| seen.insert(delivery.id.as_str()))
            .collect();
        let mut each: Vec<&Delivery> = deliveries
            .iter()
            .zip(&fresh)
            .filter(|(_, first)| **first)
            .map(|(it, _)| it)
            .collect();
        let mut rows: Vec<Row> = Vec::with_capacity(each.len());
        for delivery in &each {
            rows.push(vec![
                (&delivery.id).into(),
                encode("surface", &delivery.request.place.surface)?.into(),
                micros(now).into(),
                // PostgreSQL takes no NUL in a text, and would refuse all that is stored together with it.
                delivery.kept.replace('\0', "\u{fffd}").into(),
                (&delivery.request.id).into(),
            ]);
        }
        let insert = "INSERT INTO delivery (id, surface, at, kept, request) SELECT id, surface, at, kept, request FROM v \
                      WHERE id IS NOT NULL ON CONFLICT (id) DO NOTHING";
        let columns = "id, surface, at, kept, request";
        let written = write_rows(self.dialect, &mut work, columns, &rows, insert).await?;
        let all_new = usize::try_from(written) == Ok(each.len());
        if !all_new {
            let stored = stored_now(&mut work, self.dialect, &each).await?;
            each.retain(|delivery| stored.contains(&delivery.id));
        }
        let requests: Vec<&Request> = each.iter().map(|delivery| &delivery.request).collect();
        insert_requests(&mut work, self.dialect, &requests, now).await?;
        self.insert_tokens(&mut work, &each, now).await?;
        if !each.is_empty() {
            self.dialect.wake_others(&mut work).await?;
        }
        if !still() {
            work.rollback().await?;
            return Ok(None);
        }
        work.commit().await?;
        if all_new {
            return Ok(Some(fresh));
        }
        let stored: HashSet<&str> = each.iter().map(|delivery| delivery.id.as_str()).collect();
        let is_new = |(delivery, first): (&Delivery, bool)| first && stored.contains(delivery.id.as_str());
        Ok(Some(deliveries.iter().zip(fresh).map(is_new).collect()))
    }

    async fn insert_tokens(
        &self,
        work: &mut Transaction<'static, Any>,
        deliveries: &[&Delivery],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        for delivery in deliveries {
            let Some(token) = delivery.token.as_deref() else {
                continue;
            };
            let sealed = self
                .seal
                .close(token)
                .ok_or_else(|| StoreError::Corrupt("a token too long to seal".to_owned()))?;
            rows.push(vec![
                (&delivery.request.id).into(),
                sealed.into(),
                micros(now + token_life(delivery.request.place.surface)).into(),
            ]);
        }
        let insert = "INSERT INTO token (request, sealed, expires, uses) SELECT request, sealed, expires, 0 FROM v \
                      WHERE request IS NOT NULL";
        write_rows(self.dialect, work, "request, sealed, expires", &rows, insert).await?;
        Ok(())
    }

    /// Stores a request that came by the command line.
    pub async fn request(&self, request: &Request, now: Timestamp) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        insert_requests(&mut work, self.dialect, &[request], now).await?;
        self.dialect.wake_others(&mut work).await?;
        work.commit().await?;
        Ok(())
    }

    /// Takes requests that nobody is at, oldest first, whoever asks.
    pub async fn take_requests(
        &self,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Request>, StoreError> {
        self.take_in_turn(owner, now, until, limit, &Allowance::all()).await
    }

    /// Renews what a living process is at.
    pub async fn renew_requests(&self, owner: &str, until: Timestamp, in_hand: &[String]) -> Result<(), StoreError> {
        if in_hand.is_empty() {
            return Ok(());
        }
        statement(
            format!(
                "UPDATE request SET taken_until = $2 WHERE state = 'taken' AND owner = $1 AND id IN ({})",
                list(2, in_hand.len())
            ),
            in_hand.len(),
        )
        .bind(owner.to_owned())
        .bind(micros(until))
        .bind_all(in_hand)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Gives a request back that could not be answered. Nobody takes it before `until`.
    pub async fn put_off_request(&self, request: &str, owner: &str, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE request SET owner = NULL, taken_until = $3 WHERE id = $1 AND state = 'taken' AND owner = $2",
        )
        .bind(request)
        .bind(owner)
        .bind(micros(until))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Gives back all that a process is at, at its end.
    pub async fn release_requests(&self, owner: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE request SET owner = NULL, state = 'new' WHERE state = 'taken' AND owner = $1")
            .bind(owner)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Marks a request as answered without a run, with the message that says so, the record of it, and what
    /// the thread of an alert is told, all or nothing. The first answer stands.
    pub async fn answer(
        &self,
        request: &str,
        report: &Report,
        message: Option<&NewMessage>,
        record: &AuditRow,
        deed: Option<Deed>,
    ) -> Result<(), StoreError> {
        let what = What::Answer {
            request: request.to_owned(),
            answer: encode("answer", report)?,
        };
        let mut write = Write::new(what, record.at);
        write.messages.extend(message.cloned());
        write.records.push(record.clone());
        write.deed = deed;
        match self.writer.write(write).await {
            Ok(_) | Err(StoreError::Answered(_)) => Ok(()),
            Err(error) => Err(error),
        }
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

    /// The token that came with a request, where the platform lets it be used as often as one likes; none once it is too
    /// old.
    pub async fn token(&self, request: &str, now: Timestamp) -> Result<Option<SecretString>, StoreError> {
        let sealed: Option<String> = sqlx::query_scalar("SELECT sealed FROM token WHERE request = $1 AND expires > $2")
            .bind(request)
            .bind(micros(now))
            .fetch_optional(&self.read)
            .await?;
        Ok(sealed.and_then(|sealed| self.seal.open(&sealed)))
    }

    /// A token, sealed for where it cannot be kept here: in a form, until it is sent.
    pub fn seal_token(&self, token: &str) -> Option<String> {
        self.seal.close(token)
    }

    /// A token that was sealed by [`Store::seal_token`].
    pub fn open_token(&self, sealed: &str) -> Option<SecretString> {
        self.seal.open(sealed)
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

/// Which of these are in the database with the request that came with them: the others were there before.
async fn stored_now(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    deliveries: &[&Delivery],
) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<Row> = deliveries
        .iter()
        .map(|delivery| vec![(&delivery.id).into(), (&delivery.request.id).into()])
        .collect();
    let look = "SELECT delivery.id FROM delivery JOIN v ON delivery.id = v.id AND delivery.request = v.request";
    let found = with_rows(dialect, work, "id, request", &rows, look).await?;
    found.iter().map(|row| text(row, 0)).collect()
}

pub(super) async fn insert_requests(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    requests: &[&Request],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = Vec::with_capacity(requests.len());
    for request in requests {
        rows.push(vec![
            (&request.id).into(),
            micros(now).into(),
            encode("request", request)?.into(),
            request.session.clone().into(),
            request.account.to_string().into(),
        ]);
    }
    let insert = "INSERT INTO request (id, at, body, state, session, asker) \
                  SELECT id, at, body, 'new', session, asker FROM v WHERE id IS NOT NULL";
    write_rows(dialect, work, "id, at, body, session, asker", &rows, insert).await?;
    Ok(())
}
