//! The outbox.

use super::database::{Database, addition, begin_with, channel, later, message, noon, stop_asked};
use signalbox::report::Outcome;
use signalbox::request::Surface;
use signalbox::run::journal::Entry;
use signalbox::store::Store;
use signalbox::store::messages::{Again, Doubt, MessageKind, Thread, UNNAMED};

pub async fn ten_changes_cost_one_sending(database: Database) {
    let store = with_message(&database).await;
    changes(&store, 1, 10).await;
    let due = store.due_messages(Surface::Slack, later(1), 10, 10).await.unwrap();
    assert_eq!((due.len(), due[0].wanted, due[0].remote.as_deref()), (1, 11, None));
    store.shown("m", due[0].wanted, Some("ts1"), later(2)).await.unwrap();
    assert!(
        store
            .due_messages(Surface::Slack, later(99), 10, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.unsent_messages().await.unwrap(), 0);

    changes(&store, 11, 1).await;
    let due = store.due_messages(Surface::Slack, later(99), 10, 10).await.unwrap();
    assert_eq!((due.len(), due[0].remote.as_deref()), (1, Some("ts1")));
}

pub async fn a_change_during_the_sending_keeps_it_due(database: Database) {
    let store = with_message(&database).await;
    let due = store.due_messages(Surface::Slack, noon(), 10, 10).await.unwrap();
    changes(&store, 1, 1).await;
    store.shown("m", due[0].wanted, Some("ts1"), later(2)).await.unwrap();
    let due = store.due_messages(Surface::Slack, later(2), 10, 10).await.unwrap();
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
    // Nothing begins a thread elsewhere, so whoever sends is told, and gives it up.
    assert_eq!(ids(&store).await, ["elsewhere", "m"]);
    store.shown("elsewhere", 1, None, noon()).await.unwrap();
    assert_eq!(ids(&store).await, ["m"]);
    let place = elsewhere.place.clone();
    assert_eq!(store.thread_of("r1", &place).await.unwrap(), Thread::Never);

    store.shown("m", 1, Some("ts1"), noon()).await.unwrap();

    assert_eq!(ids(&store).await, ["ping"]);
    let thread = store
        .thread_of("r1", &message("x", MessageKind::Run, "r1").place)
        .await
        .unwrap();
    assert_eq!(thread, Thread::Begun("ts1".to_owned()));
}

pub async fn a_lost_post_is_posted_anew(database: Database) {
    let store = with_message(&database).await;
    store.shown("m", 1, Some("ts1"), noon()).await.unwrap();
    assert!(ids(&store).await.is_empty());
    store.forget_remote("m", later(1)).await.unwrap();
    let due = store.due_messages(Surface::Slack, later(1), 10, 10).await.unwrap();
    assert_eq!(due[0].remote, None);
    store.shown("m", 1, Some("ts2"), later(2)).await.unwrap();
    assert!(ids(&store).await.is_empty());
}

pub async fn a_change_does_not_hurry_a_message_that_waits(database: Database) {
    let store = with_message(&database).await;
    store
        .not_shown("m", "slow down", &Again::At(later(60)), noon())
        .await
        .unwrap();
    changes(&store, 1, 3).await;
    assert!(
        store
            .due_messages(Surface::Slack, later(59), 10, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let due = store.due_messages(Surface::Slack, later(60), 10, 10).await.unwrap();
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
    give_up(&store, "m").await;
    changes(&store, 1, 3).await;
    assert!(ids(&store).await.is_empty());
    assert_eq!(store.unsent_messages().await.unwrap(), 0);
    let (_, error) = &store.messages_of("r1").await.unwrap()[0];
    assert_eq!(error.as_deref(), Some("channel_not_found"));
}

/// The end of a run is worth one more try, with all the patience that a new message gets.
pub async fn a_message_given_up_is_tried_again_when_its_run_closes(database: Database) {
    let store = with_message(&database).await;
    store
        .not_shown("m", "slow down", &Again::At(later(1)), noon())
        .await
        .unwrap();
    give_up(&store, "m").await;
    changes(&store, 1, 1).await;
    assert!(ids(&store).await.is_empty());

    let closed = [Entry::Closed {
        outcome: Outcome::Stopped,
        say: "Stopped by dana.".to_owned(),
    }];
    store.append(addition("r1", 2, None, &closed), later(5)).await.unwrap();

    let due = store.due_messages(Surface::Slack, later(5), 10, 10).await.unwrap();
    assert_eq!((due.len(), due[0].tries, due[0].failing_since), (1, 0, None));
    give_up(&store, "m").await;
    changes(&store, 3, 1).await;
    assert!(
        ids(&store).await.is_empty(),
        "once more, and not for every entry that follows"
    );
}

/// Replies to what will never stand there are handed out too, so that they can be given up; and they come back.
pub async fn replies_do_not_wait_for_ever(database: Database) {
    let store = with_message(&database).await;
    store
        .post(&message("details", MessageKind::Details, "r1"), noon())
        .await
        .unwrap();
    assert_eq!(ids(&store).await, ["m"]);
    give_up(&store, "m").await;
    assert_eq!(ids(&store).await, ["details"]);
    assert_eq!(store.thread_of("r1", &channel("C1")).await.unwrap(), Thread::Never);
    give_up(&store, "details").await;
    assert_eq!(store.unsent_messages().await.unwrap(), 0);
    assert_eq!(store.tally().await.unwrap().given_up, 2);

    store.shown("m", 1, Some("ts1"), later(9)).await.unwrap();
    assert_eq!(ids(&store).await, ["details"]);
    store.shown("details", 1, None, later(9)).await.unwrap();
    store.forget_remote("m", later(10)).await.unwrap();
    store.shown("m", 1, Some(UNNAMED), later(10)).await.unwrap();
    assert!(ids(&store).await.is_empty(), "what was shown is shown");
    assert_eq!(store.thread_of("r1", &channel("C1")).await.unwrap(), Thread::Unnamed);
}

pub async fn of_many_senders_one_gets_a_message(database: Database) {
    let store = with_message(&database).await;
    let takers = (0..8).map(|taker| {
        let store = store.clone();
        tokio::spawn(async move {
            let taken = store.take_message("m", &format!("p{taker}"), noon(), later(20)).await;
            taken.unwrap().is_some()
        })
    });
    let mut got = 0;
    for taker in takers {
        got += usize::from(taker.await.unwrap());
    }
    assert_eq!(got, 1);
    assert!(
        store
            .due_messages(Surface::Slack, later(19), 10, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Whoever was too slow must not send; whoever comes after it knows that it may have.
pub async fn a_post_is_begun_by_whoever_has_the_message(database: Database) {
    let store = with_message(&database).await;
    let first = store.take_message("m", "a", noon(), later(20)).await.unwrap().unwrap();
    assert_eq!(first.doubt, None);
    assert!(store.begin_post("m", "a", later(1), later(21)).await.unwrap());

    let second = store
        .take_message("m", "b", later(21), later(41))
        .await
        .unwrap()
        .unwrap();

    let doubt = Doubt {
        since: later(1),
        sought: None,
    };
    assert_eq!(second.doubt, Some(doubt));
    assert!(!store.begin_post("m", "a", later(22), later(42)).await.unwrap());
    store.release_messages("b").await.unwrap();
    assert!(
        store
            .take_message("m", "c", later(22), later(42))
            .await
            .unwrap()
            .is_some()
    );
}

/// Neither who sends it nor when it is due may lie so far ahead.
pub async fn a_clock_that_is_set_back_keeps_no_message_waiting(database: Database) {
    let store = with_message(&database).await;
    store
        .take_message("m", "a", later(7200), later(7220))
        .await
        .unwrap()
        .unwrap();
    let taken = store.take_message("m", "b", noon(), later(20)).await.unwrap();
    assert!(taken.is_some(), "the claim is of a time that has not come");
    store.keep_back("m", later(7200)).await.unwrap();
    assert_eq!(
        store.due_messages(Surface::Slack, noon(), 10, 10).await.unwrap().len(),
        1
    );
    store.keep_back("m", later(3600)).await.unwrap();
    assert!(
        store
            .due_messages(Surface::Slack, noon(), 10, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_doubt_lasts_until_it_is_settled(database: Database) {
    let store = with_message(&database).await;
    store.take_message("m", "a", noon(), later(20)).await.unwrap();
    store.begin_post("m", "a", later(1), later(21)).await.unwrap();
    let again = Again::Doubtful {
        at: later(3),
        sought: Some("page 2".to_owned()),
    };
    store.not_shown("m", "no answer", &again, later(2)).await.unwrap();
    store.keep_back("m", later(5)).await.unwrap();
    let due = store.due_messages(Surface::Slack, later(5), 10, 10).await.unwrap();
    let doubt = Doubt {
        since: later(1),
        sought: Some("page 2".to_owned()),
    };
    assert_eq!(
        (due[0].doubt.clone(), due[0].failing_since),
        (Some(doubt), Some(later(2)))
    );

    store.found("m", "ts1", later(6)).await.unwrap();

    let due = store.due_messages(Surface::Slack, later(6), 10, 10).await.unwrap();
    assert_eq!(
        (due[0].doubt.clone(), due[0].failing_since, due[0].remote.as_deref()),
        (None, None, Some("ts1")),
        "what stands there may be of before: it stays due"
    );
}

pub async fn no_place_takes_all_the_turns(database: Database) {
    let store = database.open().await;
    for number in 0..20 {
        let crowded = message(&format!("crowd-{number:02}"), MessageKind::Ephemeral, "r1");
        store.post(&crowded, noon()).await.unwrap();
    }
    let mut other = message("other", MessageKind::Ephemeral, "r1");
    other.place = channel("C2");
    store.post(&other, later(1)).await.unwrap();
    let due = store.due_messages(Surface::Slack, later(1), 3, 10).await.unwrap();
    let due: Vec<&str> = due.iter().map(|due| due.message.id.as_str()).collect();
    assert_eq!(due, ["crowd-00", "crowd-01", "crowd-02", "other"]);
}

pub async fn what_failed_is_hurried_and_what_was_kept_back_is_not(database: Database) {
    let store = with_message(&database).await;
    let mut other = message("other", MessageKind::Ephemeral, "r1");
    other.place = channel("C2");
    store.post(&other, noon()).await.unwrap();
    store
        .not_shown("m", "HTTP status 503", &Again::At(later(180)), noon())
        .await
        .unwrap();
    store.keep_back("other", later(180)).await.unwrap();
    store.hurry_messages(Surface::Slack, later(10)).await.unwrap();
    let due = store.due_messages(Surface::Slack, later(10), 10, 10).await.unwrap();
    assert_eq!((due.len(), due[0].message.id.as_str()), (1, "m"));
}

/// Kept for every process to tell, and told once.
pub async fn a_platform_fails_once_and_works_once(database: Database) {
    let store = database.open().await;
    assert!(!store.platform_works("slack").await.unwrap());
    assert!(store.platform_fails("slack", "token_revoked", later(1)).await.unwrap());
    assert!(!store.platform_fails("slack", "token_revoked", later(2)).await.unwrap());
    assert!(store.platform_fails("slack", "no answer", later(3)).await.unwrap());
    let troubles = store.platform_troubles().await.unwrap();
    assert_eq!(
        (troubles.len(), troubles[0].say.as_str(), troubles[0].since),
        (1, "no answer", later(1))
    );
    assert!(store.platform_works("slack").await.unwrap());
    assert!(store.platform_troubles().await.unwrap().is_empty());
}

async fn give_up(store: &Store, id: &str) {
    store
        .not_shown(id, "channel_not_found", &Again::Never, noon())
        .await
        .unwrap();
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
    let due = store.due_messages(Surface::Slack, later(9000), 10, 10).await.unwrap();
    due.into_iter().map(|it| it.message.id).collect()
}

/// While replicas are restarted one after the other, one of before may lead.
pub async fn what_a_later_version_wants_sent_is_left_to_it(database: Database) {
    let store = with_message(&database).await;
    store
        .post(&message("later", MessageKind::Notice, "r1"), noon())
        .await
        .unwrap();
    let raw = database.raw().await;
    let changed = sqlx::query("UPDATE message SET kind = '\"hologram\"' WHERE id = 'later'")
        .execute(&raw)
        .await;
    assert_eq!(changed.unwrap().rows_affected(), 1);

    // What is of kinds that are known here goes on, and the other is not in its way even where one turn is given.
    let due = store.due_messages(Surface::Slack, later(1), 1, 10).await.unwrap();
    assert_eq!(due.iter().map(|due| due.message.id.as_str()).collect::<Vec<_>>(), ["m"]);
    assert_eq!(
        store.take_message("later", "us", later(1), later(9)).await.unwrap(),
        None
    );
    assert_eq!(store.messages_of("r1").await.unwrap().len(), 1);
    store.shown("m", due[0].wanted, Some("ts1"), later(2)).await.unwrap();

    // It still waits, as its own version left it, and nothing takes it away.
    assert_eq!(store.unsent_messages().await.unwrap(), 1);
    assert_eq!(store.prune_messages(later(999_999_999), 10).await.unwrap(), 0);
    store.hurry_messages(Surface::Slack, later(3)).await.unwrap();
    let kept: (String, i64, i64) = sqlx::query_as("SELECT kind, shown, tries FROM message WHERE id = 'later'")
        .fetch_one(&raw)
        .await
        .unwrap();
    assert_eq!(kept, ("\"hologram\"".to_owned(), 0, 0));
    sqlx::query("UPDATE message SET kind = '\"notice\"' WHERE id = 'later'")
        .execute(&raw)
        .await
        .unwrap();
    let due = store.due_messages(Surface::Slack, later(4), 10, 10).await.unwrap();
    assert_eq!(due.len(), 1, "the version that knows it sends it");
}
