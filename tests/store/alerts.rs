//! Groups of alerts.

use super::database::{Database, begin_with, channel, created, is_written, later, locks, noon, plan, request, running};
use jiff::SignedDuration;
use serde_json::{Value, json};
use signalbox::alert::auto::{ByItself, Consequences};
use signalbox::alert::group::Group;
use signalbox::alert::notification::Notification;
use signalbox::dispatch::answer::said;
use signalbox::report::Outcome;
use signalbox::report::alert::AlertState;
use signalbox::request::{Ask, Place, Words};
use signalbox::store::Store;
use signalbox::store::alert_runs::Deed;
use signalbox::store::alerts::MESSAGES;
use signalbox::store::audit::AuditRow;
use signalbox::store::messages::MessageKind;
use signalbox::store::runs::NewRun;
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

/// Nothing follows by itself.
struct Nothing;

impl Consequences for Nothing {
    fn pages(&self, _: &Group) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn asks(&self, _: &Group, _: &BTreeSet<String>) -> Vec<ByItself> {
        Vec::new()
    }
}

/// The rule `charge` asks for `forward-order` on account of each alert that begins to fire, twice an hour at the most.
struct Asks;

impl Consequences for Asks {
    fn pages(&self, _: &Group) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn asks(&self, group: &Group, began: &BTreeSet<String>) -> Vec<ByItself> {
        let asks = began.iter().map(|fingerprint| ByItself {
            rule: "charge".to_owned(),
            alert: group.title(),
            runbook: "forward-order".to_owned(),
            inputs: vec![("order".to_owned(), fingerprint.clone())],
            look: None,
            key: fingerprint.clone(),
            at_most: 2,
            per: SignedDuration::from_hours(1),
        });
        asks.collect()
    }
}

async fn keep(store: &Store, these: &[Notification], seconds: i64) {
    keep_with(store, these, seconds, &Nothing).await;
}

async fn keep_with(store: &Store, these: &[Notification], seconds: i64, follows: &impl Consequences) {
    assert!(
        store
            .keep_notifications(these, &places(), follows, later(seconds), || true)
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
                        .keep_notifications(&these, &places(), &Nothing, noon(), || true)
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
            .keep_notifications(&these, &places(), &Nothing, noon(), || false)
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
            .keep_notifications(&[hidden], &[], &Nothing, later(0), || true)
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

/// Who asks for what, of the requests that nobody has taken yet.
async fn asked(store: &Store) -> Vec<String> {
    let taken = store.take_requests("one", noon(), later(60), 10).await.unwrap();
    let asked = taken.iter().map(|request| {
        let Ask::Run {
            words: Words::Named(inputs),
            ..
        } = &request.ask
        else {
            panic!("{request:?}")
        };
        assert!(request.alert.is_some());
        format!("{}: {}={}", request.account, inputs[0].0, inputs[0].1)
    });
    asked.collect()
}

pub async fn what_an_alert_asks_for_is_kept_with_it_and_asked_once(database: Database) {
    let store = database.open().await;
    let one = notification("Stuck", &[("1042", true)]);
    // Nothing is asked for by what was not kept.
    assert!(
        !store
            .keep_notifications(std::slice::from_ref(&one), &places(), &Asks, later(0), || false)
            .await
            .unwrap()
    );
    assert_eq!(asked(&store).await, Vec::<String>::new());
    keep_with(&store, &[one.clone(), one.clone()], 0, &Asks).await;
    assert_eq!(asked(&store).await, ["alert Stuck: order=1042"]);
    // By whoever tells it again, and by a process that comes after.
    let store = database.open().await;
    keep_with(&store, &[one], 60, &Asks).await;
    assert_eq!(asked(&store).await, Vec::<String>::new());
    // What joins asks for itself.
    let both = notification("Stuck", &[("1042", true), ("1043", true)]);
    keep_with(&store, std::slice::from_ref(&both), 70, &Asks).await;
    assert_eq!(asked(&store).await, ["alert Stuck: order=1043"]);
    // A third time within the hour is one too many, and so is a fourth. It is told once.
    let over = notification("Stuck", &[("1042", false), ("1043", false)]);
    for second in [80, 100] {
        keep_with(&store, std::slice::from_ref(&over), second, &Asks).await;
        keep_with(&store, std::slice::from_ref(&both), second + 10, &Asks).await;
    }
    assert_eq!(asked(&store).await, Vec::<String>::new());
    let group = store.alert_lines(1).await.unwrap()[0].id.clone();
    let held_back = |say: &str| say.contains("has asked 2 times within 1h, which is its limit");
    let group = store.alert_group(&group).await.unwrap().unwrap();
    assert_eq!(group.history.iter().filter(|(_, say)| held_back(say)).count(), 1);
    let messages = store.messages_of(&group.id).await.unwrap();
    let told = messages.iter().filter_map(|(due, _)| due.message.body.as_ref());
    assert_eq!(told.filter(|body| held_back(&body.say)).count(), 1);
    // After the hour there is room again, for what begins to fire then.
    keep_with(&store, std::slice::from_ref(&over), 3700, &Asks).await;
    keep_with(&store, &[both], 3710, &Asks).await;
    assert_eq!(asked(&store).await.len(), 2);
    // What is forgotten is forgotten with the group.
    assert_eq!(store.prune_alerts(later(9000), 100).await.unwrap(), 1);
}

pub async fn of_many_that_are_told_the_same_one_asks(database: Database) {
    let mut tasks = tokio::task::JoinSet::new();
    drop(database.open().await);
    for _ in 0..8 {
        let store = database.open().await;
        tasks.spawn(async move {
            let one = notification("Stuck", &[("1042", true)]);
            keep_with(&store, &[one], 0, &Asks).await;
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(asked(&database.open().await).await, ["alert Stuck: order=1042"]);
}

/// The run and that it is the alert's are one write: none of the two is ever there without the other.
pub async fn a_run_is_its_alerts_as_it_is_written(database: Database) {
    let store = database.open().await;
    keep(&store, &[notification("Stuck", &[("1042", true)])], 0).await;
    let group = store.alert_lines(1).await.unwrap()[0].id.clone();
    begin_with(&store, "r0", Some(&locks(&["order:1042"], false)), &[]).await;
    let deed = |run: &str| Deed {
        group: group.clone(),
        say: format!("dana asked for it: run {run}."),
    };
    let told = async || {
        let messages = store.messages_of(&group).await.unwrap();
        let told = messages
            .iter()
            .filter_map(|(due, _)| Some(due.message.body.as_ref()?.say.clone()));
        told.collect::<Vec<_>>()
    };
    for (id, key, comes) in [("r1", "order:1042", false), ("r2", "order:1043", true)] {
        let asked = request();
        store.request(&asked, noon()).await.unwrap();
        let new = NewRun {
            id,
            request: &asked.id,
            plan: &plan("forward-order"),
            entries: &[created()],
            cache: running(noon()),
            locks: Some(&locks(&[key], false)),
            messages: &[],
            records: &[],
            claim: None,
            deed: Some(deed(id)),
        };
        let written = store.create_run(new, later(5)).await.unwrap();
        assert_eq!(is_written(&written), comes);
        let runs = store.runs_of_alert(&group).await.unwrap();
        assert_eq!(
            runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
            if comes { vec!["r2"] } else { vec![] }
        );
        assert_eq!(store.alert_of_run(id).await.unwrap().is_some(), comes);
        assert_eq!(
            told().await,
            if comes {
                vec!["dana asked for it: run r2."]
            } else {
                vec![]
            }
        );
    }
    // What comes to nothing is told, and links nothing.
    let asked = request();
    store.request(&asked, noon()).await.unwrap();
    let record = AuditRow {
        at: later(6),
        kind: "decision".to_owned(),
        person: "alert Stuck".to_owned(),
        subject: asked.id.clone(),
        body: json!({}),
    };
    let report = said("alert Stuck", "forward-order", Outcome::Denied, "No.");
    for _ in 0..2 {
        let deed = Some(deed("none"));
        store.answer(&asked.id, &report, None, &record, deed).await.unwrap();
    }
    assert_eq!(
        told().await,
        ["dana asked for it: run r2.", "dana asked for it: run none."]
    );
    assert_eq!(store.runs_of_alert(&group).await.unwrap().len(), 1);
}
