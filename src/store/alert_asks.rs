//! What alerts ask for with nobody there. That it was asked for is kept in the transaction that keeps the notification: a
//! crash neither loses it nor asks twice, and whoever tells the same again finds it.

use super::alerts::Taken;
use super::deliveries::insert_requests;
use super::dialect::Dialect;
use super::{StoreError, micros};
use crate::alert::auto::{ByItself, Consequences};
use crate::request::{Account, Ask, OnAccount, Place, Request, Surface, Words};
use crate::runbook::duration;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::{Any, Transaction};
use std::time::Duration;

type Work = Transaction<'static, Any>;

/// Stores the requests of alerts that have begun to fire. A rule that has asked too often lately asks for nothing, and the
/// group's thread is told so once.
pub(super) async fn ask(
    work: &mut Work,
    dialect: Dialect,
    taken: &mut [Taken],
    places: &[Place],
    follows: &impl Consequences,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut requests = Vec::new();
    for one in taken.iter_mut().filter(|one| !one.began.is_empty()) {
        for asks in follows.asks(&one.group, &one.began) {
            let id = id(&one.group.id, one.group.firings, &asks);
            if was_asked(work, &id).await? {
                continue;
            }
            if asked_lately(work, &asks, now).await? >= i64::from(asks.at_most) {
                if one.group.held_back.insert(asks.rule.clone()) {
                    one.tell(held_back(&asks), now);
                }
                continue;
            }
            sqlx::query("INSERT INTO alert_ask (id, rule, alert, at) VALUES ($1, $2, $3, $4)")
                .bind(id)
                .bind(asks.rule.clone())
                .bind(one.group.id.clone())
                .bind(micros(now))
                .execute(&mut **work)
                .await?;
            requests.push(request(&one.group.id, asks, places));
        }
    }
    let requests: Vec<&Request> = requests.iter().collect();
    insert_requests(work, dialect, &requests, now).await
}

/// A group is kept no longer.
pub(super) async fn forget(work: &mut Work, group: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM alert_ask WHERE alert = $1")
        .bind(group.to_owned())
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// The same for whoever asks for the same on account of the same: once for each time that the group began to fire.
fn id(group: &str, firings: u64, asks: &ByItself) -> String {
    let mut hash = Sha256::new();
    for part in [group, &firings.to_string(), &asks.rule, &asks.alert, &asks.key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

async fn was_asked(work: &mut Work, id: &str) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM alert_ask WHERE id = $1")
        .bind(id.to_owned())
        .fetch_one(&mut **work)
        .await?;
    Ok(count > 0)
}

async fn asked_lately(work: &mut Work, asks: &ByItself, now: Timestamp) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT COUNT(*) FROM alert_ask WHERE rule = $1 AND at > $2")
            .bind(asks.rule.clone())
            .bind(micros(now - asks.per))
            .fetch_one(&mut **work)
            .await?,
    )
}

fn held_back(asks: &ByItself) -> String {
    let times = match asks.at_most {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    let per = Duration::try_from(asks.per).map_or_else(|_| asks.per.to_string(), duration::show);
    format!(
        "/{} was not asked for: the rule `{}` has asked {times} within {per}, which is its limit. Ask for it yourself if it \
         is needed.",
        asks.runbook, asks.rule
    )
}

/// It is shown where alerts are shown.
fn request(group: &str, asks: ByItself, places: &[Place]) -> Request {
    let nowhere = Place {
        surface: Surface::Console,
        workspace: None,
        channel: None,
        thread: None,
    };
    let ask = Ask::Run {
        runbook: asks.runbook,
        words: Words::Named(asks.inputs),
        dry: false,
    };
    let account = Account::Alert { name: asks.alert };
    let mut request = Request::new(account, places.first().cloned().unwrap_or(nowhere), ask);
    request.alert = Some(OnAccount {
        group: group.to_owned(),
        look: asks.look,
    });
    request
}
