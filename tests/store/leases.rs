//! Leases, pauses and the record.

use super::database::{Database, later, noon};
use crate::crash::world::pauses;
use futures::future::join_all;
use serde_json::json;
use signalbox::store::audit::AuditRow;

pub async fn one_owner_at_a_time(database: Database) {
    let store = database.open().await;
    assert!(store.hold_lease("engine", "one", noon(), later(5)).await.unwrap());
    assert!(!store.hold_lease("engine", "two", later(5), later(10)).await.unwrap());
    assert!(store.hold_lease("engine", "one", later(4), later(9)).await.unwrap());
    assert_eq!(
        store.lease_holder("engine", later(9)).await.unwrap().as_deref(),
        Some("one")
    );
    assert_eq!(store.lease_holder("engine", later(10)).await.unwrap(), None);
    assert!(store.hold_lease("engine", "two", later(10), later(15)).await.unwrap());
    assert!(!store.hold_lease("engine", "one", later(11), later(16)).await.unwrap());
    // Only its owner gives it back.
    store.release_lease("engine", "one").await.unwrap();
    assert!(!store.hold_lease("engine", "one", later(11), later(16)).await.unwrap());
    store.release_lease("engine", "two").await.unwrap();
    assert!(store.hold_lease("engine", "one", later(11), later(16)).await.unwrap());
}

pub async fn of_many_askers_one_leads(database: Database) {
    let (store, other) = (database.open().await, database.open().await);
    let askers = (0..16).map(|index| {
        let store = if index % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let owner = format!("asker-{index}");
            store.hold_lease("engine", &owner, noon(), later(5)).await.unwrap()
        })
    });
    let leads = join_all(askers)
        .await
        .into_iter()
        .filter(|it| *it.as_ref().unwrap())
        .count();
    assert_eq!(leads, 1);
}

pub async fn a_pause_covers_one_or_all(database: Database) {
    let store = database.open().await;
    assert_eq!(store.paused("forward-order").await.unwrap(), None);
    store
        .pause(Some("forward-order"), &pauses("dana", noon()), &[])
        .await
        .unwrap();
    assert_eq!(store.paused("resync-supplier").await.unwrap(), None);
    let pause = store.paused("forward-order").await.unwrap().unwrap();
    assert_eq!(
        (pause.runbook.as_deref(), pause.person.as_str()),
        (Some("forward-order"), "dana")
    );
    store.pause(None, &pauses("lee", later(1)), &[]).await.unwrap();
    assert_eq!(store.paused("resync-supplier").await.unwrap().unwrap().runbook, None);
    // Who paused first is kept.
    assert!(!store.pause(None, &pauses("dana", later(2)), &[]).await.unwrap());
    assert_eq!(store.paused("resync-supplier").await.unwrap().unwrap().person, "lee");
    assert_eq!(
        store
            .resume(Some("forward-order"), &pauses("lee", later(3)), &[])
            .await
            .unwrap(),
        1
    );
    assert!(store.paused("forward-order").await.unwrap().is_some());
    assert_eq!(store.resume(None, &pauses("lee", later(3)), &[]).await.unwrap(), 1);
    assert_eq!(store.paused("forward-order").await.unwrap(), None);
    assert_eq!(store.resume(None, &pauses("lee", later(3)), &[]).await.unwrap(), 0);
    // What changed nothing is not in the record.
    let record = store.audit_rows(10).await.unwrap();
    let people: Vec<&str> = record.iter().map(|row| row.person.as_str()).collect();
    assert_eq!(people, ["lee", "lee", "lee", "dana"]);
}

pub async fn the_record_is_read_newest_first(database: Database) {
    let store = database.open().await;
    let row = |seconds: i64| AuditRow {
        at: later(seconds),
        kind: "decision".to_owned(),
        person: "dana".to_owned(),
        subject: format!("r{seconds}"),
        body: json!({ "say": "nul \u{0} and ünïcode", "n": seconds }),
    };
    for seconds in [2, 1, 3] {
        store.audit(&row(seconds)).await.unwrap();
    }
    assert_eq!(store.audit_rows(2).await.unwrap(), [row(3), row(2)]);
}
