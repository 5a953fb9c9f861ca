//! The outbox.

use super::database::{Database, addition, begin_with, later, message, noon, stop_asked};
use signalbox::store::Store;
use signalbox::store::messages::MessageKind;

pub async fn ten_changes_cost_one_sending(database: Database) {
    let store = with_message(&database).await;
    changes(&store, 1, 10).await;
    let due = store.due_messages(later(1), 10).await.unwrap();
    assert_eq!((due.len(), due[0].wanted, due[0].remote.as_deref()), (1, 11, None));
    store.shown("m", due[0].wanted, Some("ts1"), later(2)).await.unwrap();
    assert!(store.due_messages(later(99), 10).await.unwrap().is_empty());
    assert_eq!(store.unsent_messages().await.unwrap(), 0);

    changes(&store, 11, 1).await;
    let due = store.due_messages(later(99), 10).await.unwrap();
    assert_eq!((due.len(), due[0].remote.as_deref()), (1, Some("ts1")));
}

pub async fn a_change_during_the_sending_keeps_it_due(database: Database) {
    let store = with_message(&database).await;
    let due = store.due_messages(noon(), 10).await.unwrap();
    changes(&store, 1, 1).await;
    store.shown("m", due[0].wanted, Some("ts1"), later(2)).await.unwrap();
    let due = store.due_messages(later(2), 10).await.unwrap();
    assert_eq!(
        (due.len(), due[0].wanted, due[0].remote.as_deref()),
        (1, 2, Some("ts1"))
    );
    // The edit that follows knows the post, and needs no new id.
    store.shown("m", 2, None, later(3)).await.unwrap();
    let of_run = store.messages_of("r1").await.unwrap();
    assert_eq!(of_run[0].0.remote.as_deref(), Some("ts1"));
}

pub async fn a_thread_waits_for_its_beginning(database: Database) {
    let store = with_message(&database).await;
    let mut elsewhere = message("elsewhere", MessageKind::Ping, "r1");
    elsewhere.place.channel = Some("C2".to_owned());
    store
        .post(&message("ping", MessageKind::Ping, "r1"), noon())
        .await
        .unwrap();
    store
        .post(&message("ping", MessageKind::Ping, "r1"), noon())
        .await
        .unwrap();
    store.post(&elsewhere, noon()).await.unwrap();
    assert_eq!(ids(&store).await, ["m"]);
    let place = elsewhere.place.clone();
    assert_eq!(store.thread_of("r1", &place).await.unwrap(), None);

    store.shown("m", 1, Some("ts1"), noon()).await.unwrap();

    assert_eq!(ids(&store).await, ["ping"]);
    let thread = store
        .thread_of("r1", &message("x", MessageKind::Run, "r1").place)
        .await
        .unwrap();
    assert_eq!(thread.as_deref(), Some("ts1"));
}

pub async fn a_lost_post_is_posted_anew(database: Database) {
    let store = with_message(&database).await;
    store.shown("m", 1, Some("ts1"), noon()).await.unwrap();
    assert!(ids(&store).await.is_empty());
    store.forget_remote("m", later(1)).await.unwrap();
    let due = store.due_messages(later(1), 10).await.unwrap();
    assert_eq!(due[0].remote, None);
    store.shown("m", 1, Some("ts2"), later(2)).await.unwrap();
    assert!(ids(&store).await.is_empty());
}

pub async fn a_change_does_not_hurry_a_message_that_waits(database: Database) {
    let store = with_message(&database).await;
    store.not_shown("m", "slow down", Some(later(60))).await.unwrap();
    changes(&store, 1, 3).await;
    assert!(store.due_messages(later(59), 10).await.unwrap().is_empty());
    let due = store.due_messages(later(60), 10).await.unwrap();
    assert_eq!((due[0].wanted, due[0].tries), (4, 1));
    let (_, error) = &store.messages_of("r1").await.unwrap()[0];
    assert_eq!(error.as_deref(), Some("slow down"));
    store.shown("m", 4, Some("ts1"), later(61)).await.unwrap();
    let (shown, error) = &store.messages_of("r1").await.unwrap()[0];
    assert_eq!((shown.tries, error.as_deref()), (0, None));
}

/// Given up is given up: a run goes on for many entries, and each would be another refused call.
pub async fn a_message_given_up_is_left_alone(database: Database) {
    let store = with_message(&database).await;
    store.not_shown("m", "channel_not_found", None).await.unwrap();
    changes(&store, 1, 3).await;
    assert!(ids(&store).await.is_empty());
    assert_eq!(store.unsent_messages().await.unwrap(), 0);
    let (_, error) = &store.messages_of("r1").await.unwrap()[0];
    assert_eq!(error.as_deref(), Some("channel_not_found"));
}

async fn with_message(database: &Database) -> Store {
    let store = database.open().await;
    begin_with(&store, "r1", None, &[message("m", MessageKind::Run, "r1")]).await;
    store
}

async fn changes(store: &Store, from: i64, count: i64) {
    for seq in from..from + count {
        let entry = stop_asked("dana");
        store.append(addition("r1", seq, None, &entry), later(1)).await.unwrap();
    }
}

async fn ids(store: &Store) -> Vec<String> {
    let due = store.due_messages(later(9000), 10).await.unwrap();
    due.into_iter().map(|it| it.message.id).collect()
}
