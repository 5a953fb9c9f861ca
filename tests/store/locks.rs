//! Locks: many keys, shared or exclusive, all or nothing.

use super::database::{Database, addition, begin, begin_with, is_written, later, locks, plan, stop_asked};
use futures::future::join_all;
use signalbox::store::runs::{Append, LockChange, Written};

pub async fn of_many_takers_one_gets_the_key(database: Database) {
    let store = database.open().await;
    let other = database.open().await;
    let takers = (0..16).map(|index| {
        let store = if index % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let key = locks(&["order:1042"], false);
            begin_with(&store, &format!("r{index}"), Some(&key), &[]).await
        })
    });
    let mut got = 0;
    let mut refused = Vec::new();
    for taker in join_all(takers).await {
        match taker.unwrap() {
            Written::Yes { .. } => got += 1,
            Written::Locked(held) => refused.push(held),
            Written::Paused => panic!("nobody paused anything"),
        }
    }
    assert_eq!((got, refused.len()), (1, 15));
    let holders = store.holders("order:1042").await.unwrap();
    assert_eq!(holders.len(), 1);
    assert!(refused.iter().all(|held| *held == holders), "{refused:?}");
    assert_eq!(
        (holders[0].person.as_str(), holders[0].reason.as_str()),
        ("dana", "forward-order")
    );
    assert_eq!(store.runs(50).await.unwrap().len(), 1);
}

pub async fn many_keys_are_all_or_nothing(database: Database) {
    let store = database.open().await;
    let first = locks(&["order:2"], false);
    assert!(is_written(&begin_with(&store, "r1", Some(&first), &[]).await));

    let more = locks(&["order:1", "order:2", "order:3"], false);
    let Written::Locked(held) = begin_with(&store, "r2", Some(&more), &[]).await else {
        panic!("order:2 is held");
    };

    assert_eq!(
        held.iter()
            .map(|it| (it.key.as_str(), it.run.as_str()))
            .collect::<Vec<_>>(),
        [("order:2", "r1")]
    );
    assert!(store.holders("order:1").await.unwrap().is_empty());
    assert_eq!(store.held(&more).await.unwrap(), held);

    let done = stop_asked("dana");
    let release = Append {
        locks: LockChange::Release,
        ..addition("r1", 1, None, &done)
    };
    store.append(release, later(1)).await.unwrap();
    assert!(is_written(&begin_with(&store, "r3", Some(&more), &[]).await));
    assert_eq!(store.tally().await.unwrap().locks, 3);
}

pub async fn shared_holders_share_and_keep_others_out(database: Database) {
    let store = database.open().await;
    let (shared, alone) = (locks(&["shop"], true), locks(&["shop"], false));
    assert!(is_written(&begin_with(&store, "r1", Some(&shared), &[]).await));
    assert!(is_written(&begin_with(&store, "r2", Some(&shared), &[]).await));
    assert!(store.held(&shared).await.unwrap().is_empty());
    let Written::Locked(held) = begin_with(&store, "r3", Some(&alone), &[]).await else {
        panic!("two share it");
    };
    assert_eq!(held.len(), 2);

    assert_eq!(store.unlock("shop").await.unwrap().len(), 2);
    assert!(is_written(&begin_with(&store, "r4", Some(&alone), &[]).await));
    let Written::Locked(held) = begin_with(&store, "r5", Some(&shared), &[]).await else {
        panic!("one has it alone");
    };
    assert_eq!(held[0].run, "r4");
}

/// Nobody may wait for somebody who waits for them, whatever the order in which a plan names its keys.
pub async fn overlapping_keys_in_any_order_block_nobody(database: Database) {
    let store = database.open().await;
    let takers = (0..24).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let keys = match index % 3 {
                0 => ["a", "b", "c"],
                1 => ["c", "a", "b"],
                _ => ["b", "c", "a"],
            };
            begin_with(&store, &format!("r{index}"), Some(&locks(&keys, false)), &[]).await
        })
    });
    let written: Vec<_> = join_all(takers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(written.iter().filter(|it| is_written(it)).count(), 1);
}

pub async fn a_write_that_gets_no_lock_leaves_nothing(database: Database) {
    let store = database.open().await;
    let key = locks(&["order:1"], false);
    assert!(is_written(&begin_with(&store, "r1", Some(&key), &[]).await));
    begin(&store, "r2").await;
    let start = stop_asked("dana");
    let new_plan = plan("another");
    let take = || Append {
        locks: LockChange::Take(&key, &new_plan),
        new_plan: Some(&new_plan),
        ..addition("r2", 1, None, &start)
    };
    assert!(matches!(
        store.append(take(), later(1)).await.unwrap(),
        Written::Locked(_)
    ));
    let run = store.run("r2").await.unwrap();
    assert_eq!((run.seq(), run.plan.runbook.as_str()), (1, "forward-order"));

    store.unlock("order:1").await.unwrap();
    assert!(is_written(&store.append(take(), later(2)).await.unwrap()));
    let held = store.holders("order:1").await.unwrap();
    assert_eq!((held[0].run.as_str(), held[0].reason.as_str()), ("r2", "another"));
}

pub async fn unlocking_tells_who_held_it(database: Database) {
    let store = database.open().await;
    begin_with(&store, "r1", Some(&locks(&["order:1", "order:2"], false)), &[]).await;
    let freed = store.unlock("order:1").await.unwrap();
    assert_eq!(freed.len(), 1);
    assert_eq!(
        freed[0].say(),
        "order:1 is held by run r1 (forward-order for dana, since 12:00:00 UTC)"
    );
    assert!(store.unlock("order:1").await.unwrap().is_empty());
    assert_eq!(store.holders("order:2").await.unwrap().len(), 1);
}
