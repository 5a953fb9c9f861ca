//! Groups of alerts.

use super::database::{Database, channel, later, noon};
use jiff::SignedDuration;
use serde_json::{Value, json};
use signalbox::alert::group::Group;
use signalbox::alert::notification::Notification;
use signalbox::report::alert::AlertState;
use signalbox::request::Place;
use signalbox::store::Store;
use signalbox::store::alerts::MESSAGES;
use signalbox::store::messages::MessageKind;
use std::collections::BTreeSet;

fn notification(group: &str, alerts: &[(&str, bool)]) -> Notification {
    let alerts: Vec<Value> = alerts
        .iter()
        .map(|(name, firing)| {
            json!({
                "status": if *firing { "firing" } else { "resolved" }, "fingerprint": name,
                "labels": {"alertname": group, "job": name}, "startsAt": "2026-05-04T11:00:00Z",
            })
        })
        .collect();
    let body = json!({"groupKey": group, "groupLabels": {"alertname": group}, "alerts": alerts});
    Notification::read(body.to_string().as_bytes()).unwrap()
}

fn places() -> Vec<Place> {
    vec![channel("C1")]
}

/// Nobody is paged.
fn nobody(_: &Group) -> BTreeSet<String> {
    BTreeSet::new()
}

async fn keep(store: &Store, these: &[Notification], seconds: i64) {
    assert!(
        store
            .keep_notifications(these, &places(), nobody, later(seconds), || true)
            .await
            .unwrap()
    );
}

pub async fn the_same_notification_twice_is_one_group_and_one_message(database: Database) {
    let store = database.open().await;
    let one = notification("Down", &[("web", true)]);
    // In one commit, and later again.
    keep(&store, &[one.clone(), one.clone()], 0).await;
    keep(&store, &[one], 60).await;
    let lines = store.alert_lines(10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].title.as_str(), lines[0].state), ("Down", AlertState::Firing));
    let messages = store.messages_of(&lines[0].id).await.unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].0.message.kind, messages[0].0.wanted),
        (MessageKind::Run, 1)
    );

    keep(&store, &[notification("Down", &[("web", true), ("db", true)])], 70).await;
    keep(&store, &[notification("Down", &[("web", false), ("db", false)])], 80).await;
    let messages = store.messages_of(&lines[0].id).await.unwrap();
    // The message changed twice, and the thread was told twice.
    assert_eq!((messages.len(), messages[0].0.wanted), (3, 3));
    let news: Vec<&str> = messages[1..]
        .iter()
        .map(|(due, _)| due.message.body.as_ref().unwrap().say.as_str())
        .collect();
    assert_eq!(
        news,
        [
            "Fires: Down (job=db).",
            "Resolved: Down (job=web); Down (job=db).\nNothing of this group fires any more."
        ]
    );
    let group = store.alert_group(&lines[0].id).await.unwrap().unwrap();
    assert_eq!((group.history.len(), group.ended), (3, Some(later(80))));

    // Much later it is another group, with a message of its own.
    keep(&store, &[notification("Down", &[("web", true)])], 80 + 301).await;
    assert_eq!(store.alert_lines(10).await.unwrap().len(), 2);
    assert_eq!(store.firing_groups().await.unwrap(), 1);
}

pub async fn of_many_that_take_the_same_in_at_once_one_begins_the_group(database: Database) {
    let mut tasks = tokio::task::JoinSet::new();
    drop(database.open().await);
    for index in 0..8 {
        let store = database.open().await;
        tasks.spawn(async move {
            let own = format!("job{index}");
            for _ in 0..3 {
                let these = [
                    notification("Down", &[("web", true)]),
                    notification(&own, &[("web", true)]),
                ];
                assert!(
                    store
                        .keep_notifications(&these, &places(), nobody, noon(), || true)
                        .await
                        .unwrap()
                );
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let store = database.open().await;
    assert_eq!(store.alert_lines(100).await.unwrap().len(), 9);
    assert_eq!(store.unsent_messages().await.unwrap(), 9);
}

pub async fn what_was_told_to_be_given_up_is_not_kept(database: Database) {
    let store = database.open().await;
    let these = [notification("Down", &[("web", true)])];
    assert!(
        !store
            .keep_notifications(&these, &places(), nobody, noon(), || false)
            .await
            .unwrap()
    );
    assert_eq!(store.alert_lines(10).await.unwrap(), []);
    assert_eq!(store.unsent_messages().await.unwrap(), 0);
}

pub async fn beyond_a_number_groups_are_told_together(database: Database) {
    let store = database.open().await;
    let many = |range: std::ops::Range<i64>| -> Vec<Notification> {
        range
            .map(|index| notification(&format!("Down{index:03}"), &[("web", true)]))
            .collect()
    };
    keep(&store, &many(0..MESSAGES - 1), 0).await;
    keep(&store, &many(MESSAGES - 1..MESSAGES + 9), 1).await;
    keep(&store, &many(MESSAGES + 9..MESSAGES + 10), 2).await;
    assert_eq!(store.firing_groups().await.unwrap(), MESSAGES + 10);
    assert_eq!(store.unsent_messages().await.unwrap(), MESSAGES + 1);
    let due = store
        .due_messages(channel("C1").surface, later(9), 100, 100)
        .await
        .unwrap();
    let summary = due
        .iter()
        .find(|due| signalbox::alert::is_storm(due.message.run.as_ref().unwrap()))
        .unwrap();
    let storm = store
        .alert_storm(summary.message.run.as_ref().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((storm.firing, storm.over, storm.lines.len()), (10, 0, 10));
    let wanted = summary.wanted;

    // What is told together changes the summary alone.
    keep(&store, &[notification("Down025", &[("web", false)])], 3).await;
    let storm = store.alert_storm(&storm.id).await.unwrap().unwrap();
    assert_eq!((storm.firing, storm.over), (9, 1));
    assert_eq!(store.messages_of(&storm.id).await.unwrap()[0].0.wanted, wanted + 1);
    assert_eq!(store.unsent_messages().await.unwrap(), MESSAGES + 1);

    // After a quiet while there is room again.
    let quiet = SignedDuration::from_mins(6).as_secs();
    keep(&store, &[notification("Another", &[("web", true)])], quiet).await;
    assert_eq!(store.unsent_messages().await.unwrap(), MESSAGES + 2);
}

pub async fn a_group_goes_by_its_age_with_its_messages(database: Database) {
    let store = database.open().await;
    keep(&store, &[notification("Old", &[("web", true)])], 0).await;
    keep(&store, &[notification("New", &[("web", true)])], 100).await;
    assert_eq!(store.prune_alerts(later(0), 100).await.unwrap(), 0);
    // Nobody told its end, and nobody has told of it since.
    assert_eq!(store.prune_alerts(later(50), 100).await.unwrap(), 1);
    let lines = store.alert_lines(10).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| line.title.as_str()).collect::<Vec<_>>(),
        ["New"]
    );
    assert_eq!(store.unsent_messages().await.unwrap(), 1);
    // One that is heard of stays.
    keep(&store, &[notification("New", &[("web", true)])], 200).await;
    assert_eq!(store.prune_alerts(later(150), 100).await.unwrap(), 0);
}

pub async fn a_chart_is_promised_only_where_the_group_is_shown(database: Database) {
    let store = database.open().await;
    keep(&store, &[notification("Shown", &[("web", true)])], 0).await;
    let hidden = notification("Hidden", &[("web", true)]);
    assert!(
        store
            .keep_notifications(&[hidden], &[], nobody, later(0), || true)
            .await
            .unwrap()
    );
    for line in store.alert_lines(9).await.unwrap() {
        let posted = store
            .chart_alert(&line.id, &channel("C1"), "r1", later(5))
            .await
            .unwrap();
        assert_eq!(posted, line.title == "Shown");
        let messages = store.messages_of(&line.id).await.unwrap();
        let charts = messages
            .iter()
            .filter(|(one, _)| one.message.kind == MessageKind::Chart)
            .count();
        assert_eq!(charts, usize::from(posted), "{messages:?}");
    }
}
