//! Linked accounts, and the codes that join them. Of a code its hash is kept, and that until it is used or ten minutes old.
//! Whatever changes a link stands in the record, in the same transaction.

use super::audit::{AuditRow, insert_audits};
use super::{Store, StoreError, decode, encode, micros, number, text, timestamp};
use crate::policy::identity::{Link, Links};
use crate::request::Account;
use crate::request::link::LinkDelivery;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{Any, Transaction};

/// How long a code is good.
pub const CODE_LIVES: SignedDuration = SignedDuration::from_mins(10);

/// Wrong codes are counted over this time.
pub const TRIES_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Wrong codes by one account, and by all, before nothing more is tried. There are 2^60 codes.
pub const TRIES: i64 = 5;
/// See [`TRIES`].
pub const TRIES_OF_ALL: i64 = 60;

/// Further accounts of one person.
pub const MOST: i64 = 10;

/// Whoever brings a code meets here, one at a time: tries are counted, and the next one counts them all.
const DOOR: &str = "signalbox link";

/// What became of a delivery about linked accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked<T> {
    /// This.
    Now(T),
    /// The same delivery was here before.
    Before,
}

impl<T> Linked<T> {
    /// The same of something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Linked<U> {
        match self {
            Self::Now(done) => Linked::Now(change(done)),
            Self::Before => Linked::Before,
        }
    }
}

/// What a code came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The account is this person's from now on.
    Joined(String),
    /// Wrong, used, too old, or of the same platform.
    Wrong,
    /// There were too many wrong ones lately; whether this one is right was not looked at.
    TooMany,
    /// The person has as many linked accounts as there may be.
    Full(String),
    /// Somebody was faster.
    Taken,
}

impl Store {
    /// All linked accounts.
    pub async fn links(&self) -> Result<Links, StoreError> {
        let rows = sqlx::query("SELECT account, person, origin, since FROM linked_account")
            .fetch_all(&self.read)
            .await?;
        let link = |row| {
            let link = Link {
                person: text(row, 1)?,
                origin: decode("account", &text(row, 2)?)?,
                since: timestamp(number(row, 3)?)?,
            };
            Ok((decode("account", &text(row, 0)?)?, link))
        };
        rows.iter().map(link).collect()
    }

    /// Keeps a code for a person, in the place of one that the same account was given before.
    pub async fn offer_link(
        &self,
        delivery: &LinkDelivery,
        hash: &str,
        person: &str,
        now: Timestamp,
    ) -> Result<Linked<()>, StoreError> {
        let mut work = self.begin().await?;
        if !self.hear(&mut work, delivery, now).await? {
            return Ok(Linked::Before);
        }
        let origin = encode("account", &delivery.account)?;
        sqlx::query("DELETE FROM link_code WHERE origin = $1 OR expires <= $2")
            .bind(&origin)
            .bind(micros(now))
            .execute(&mut *work)
            .await?;
        sqlx::query("INSERT INTO link_code (hash, person, origin, expires) VALUES ($1, $2, $3, $4)")
            .bind(hash)
            .bind(person)
            .bind(&origin)
            .bind(micros(now + CODE_LIVES))
            .execute(&mut *work)
            .await?;
        let body = json!({ "asked": "code" });
        self.record(&mut work, now, person, &delivery.account, body).await?;
        work.commit().await?;
        Ok(Linked::Now(()))
    }

    /// Joins the account that brings a code to the person who was given it. A code counts once, whatever comes of it; it is
    /// for another platform than the one that it was asked for on, and `stands` says whether it still proves anything.
    pub async fn finish_link(
        &self,
        delivery: &LinkDelivery,
        hash: &str,
        stands: impl FnOnce(&str, &Account) -> bool,
        now: Timestamp,
    ) -> Result<Linked<Finished>, StoreError> {
        let mut work = self.begin().await?;
        self.dialect.one_at_a_time(&mut work, &[vec![DOOR.into()]]).await?;
        if !self.hear(&mut work, delivery, now).await? {
            return Ok(Linked::Before);
        }
        let account = encode("account", &delivery.account)?;
        let too_many = self.tried_too_often(&mut work, &account, now).await?;
        let finished = if too_many {
            Finished::TooMany
        } else {
            let code = spend(&mut work, hash, now).await?;
            let good = code
                .filter(|(person, origin)| origin.surface() != delivery.account.surface() && stands(person, origin));
            match good {
                Some((person, origin)) => match join(&mut work, &account, &person, &origin, now).await? {
                    Finished::Joined(person) => {
                        let body = json!({ "linked": true, "by": origin.to_string() });
                        self.record(&mut work, now, &person, &delivery.account, body).await?;
                        Finished::Joined(person)
                    }
                    other => other,
                },
                None => {
                    self.count_try(&mut work, delivery, &account, now).await?;
                    Finished::Wrong
                }
            }
        };
        work.commit().await?;
        Ok(Linked::Now(finished))
    }

    /// Takes a code away that others have read.
    pub async fn spoil_link(
        &self,
        delivery: &LinkDelivery,
        hash: &str,
        now: Timestamp,
    ) -> Result<Linked<()>, StoreError> {
        let mut work = self.begin().await?;
        if !self.hear(&mut work, delivery, now).await? {
            return Ok(Linked::Before);
        }
        spend(&mut work, hash, now).await?;
        work.commit().await?;
        Ok(Linked::Now(()))
    }

    /// Takes links away; gives those that were there. `why` says by what right.
    pub async fn unlink(
        &self,
        delivery: Option<&LinkDelivery>,
        accounts: &[Account],
        by: &str,
        why: &str,
        now: Timestamp,
    ) -> Result<Linked<Vec<Account>>, StoreError> {
        let mut work = self.begin().await?;
        if let Some(delivery) = delivery
            && !self.hear(&mut work, delivery, now).await?
        {
            return Ok(Linked::Before);
        }
        let mut gone = Vec::new();
        for account in accounts {
            let person: Option<String> =
                sqlx::query_scalar("DELETE FROM linked_account WHERE account = $1 RETURNING person")
                    .bind(encode("account", account)?)
                    .fetch_optional(&mut *work)
                    .await?;
            if let Some(person) = person {
                let body = json!({ "linked": false, "of": person, "why": why });
                self.record(&mut work, now, by, account, body).await?;
                gone.push(account.clone());
            }
        }
        work.commit().await?;
        Ok(Linked::Now(gone))
    }

    /// Forgets codes and tries that are too old.
    pub async fn drop_link_codes(&self, now: Timestamp) -> Result<(), StoreError> {
        for (delete, before) in [
            ("DELETE FROM link_code WHERE expires <= $1", now),
            ("DELETE FROM link_try WHERE at <= $1", now - TRIES_WITHIN),
        ] {
            sqlx::query(delete).bind(micros(before)).execute(&self.write).await?;
        }
        Ok(())
    }

    /// Keeps the delivery, as every other one; false if it was here before. It is answered at once, so no request is kept.
    async fn hear(
        &self,
        work: &mut Transaction<'static, Any>,
        delivery: &LinkDelivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let heard = sqlx::query(
            "INSERT INTO delivery (id, surface, at, kept, request) VALUES ($1, $2, $3, $4, '') ON CONFLICT (id) DO NOTHING",
        )
        .bind(&delivery.id)
        .bind(encode("surface", &delivery.place.surface)?)
        .bind(micros(now))
        .bind(delivery.kept.replace('\0', "\u{fffd}"))
        .execute(&mut **work)
        .await?;
        Ok(heard.rows_affected() == 1)
    }

    async fn tried_too_often(
        &self,
        work: &mut Transaction<'static, Any>,
        account: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT COUNT(*), COUNT(CASE WHEN account = $1 THEN 1 END) FROM link_try WHERE at > $2")
            .bind(account)
            .bind(micros(now - TRIES_WITHIN))
            .fetch_one(&mut **work)
            .await?;
        Ok(number(&row, 0)? >= TRIES_OF_ALL || number(&row, 1)? >= TRIES)
    }

    async fn count_try(
        &self,
        work: &mut Transaction<'static, Any>,
        delivery: &LinkDelivery,
        account: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO link_try (id, account, at) VALUES ($1, $2, $3)")
            .bind(uuid::Uuid::now_v7().simple().to_string())
            .bind(account)
            .bind(micros(now))
            .execute(&mut **work)
            .await?;
        let body = json!({ "asked": "link", "outcome": "denied" });
        let who = delivery.account.to_string();
        self.record(work, now, &who, &delivery.account, body).await
    }

    async fn record(
        &self,
        work: &mut Transaction<'static, Any>,
        at: Timestamp,
        person: &str,
        about: &Account,
        body: serde_json::Value,
    ) -> Result<(), StoreError> {
        let row = AuditRow {
            at,
            kind: "link".to_owned(),
            person: person.to_owned(),
            subject: about.to_string(),
            body,
        };
        insert_audits(work, self.dialect, &[&row]).await
    }
}

/// Takes a code away; gives whose it was, if it was good.
async fn spend(
    work: &mut Transaction<'static, Any>,
    hash: &str,
    now: Timestamp,
) -> Result<Option<(String, Account)>, StoreError> {
    let row = sqlx::query("DELETE FROM link_code WHERE hash = $1 RETURNING person, origin, expires")
        .bind(hash)
        .fetch_optional(&mut **work)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let is_good = number(&row, 2)? > micros(now);
    let code = (text(&row, 0)?, decode("account", &text(&row, 1)?)?);
    Ok(is_good.then_some(code))
}

async fn join(
    work: &mut Transaction<'static, Any>,
    account: &str,
    person: &str,
    origin: &Account,
    now: Timestamp,
) -> Result<Finished, StoreError> {
    let linked: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM linked_account WHERE person = $1")
        .bind(person)
        .fetch_one(&mut **work)
        .await?;
    if linked >= MOST {
        return Ok(Finished::Full(person.to_owned()));
    }
    let joined = sqlx::query(
        "INSERT INTO linked_account (account, person, origin, since) VALUES ($1, $2, $3, $4) ON CONFLICT (account) \
         DO NOTHING",
    )
    .bind(account)
    .bind(person)
    .bind(encode("account", origin)?)
    .bind(micros(now))
    .execute(&mut **work)
    .await?
    .rows_affected();
    Ok(if joined == 1 {
        Finished::Joined(person.to_owned())
    } else {
        Finished::Taken
    })
}
