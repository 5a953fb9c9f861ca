use super::group::{Group, Standing};
use super::notification::{MOST_ALERTS, MOST_WORDS, NotANotification, Notification};
use super::{card, group_id, is_alert, is_storm, storm_id};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    "2026-11-27T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// An alert as Alertmanager sends it.
fn alert(name: &str, firing: bool) -> Value {
    json!({
        "status": if firing { "firing" } else { "resolved" },
        "labels": {"alertname": "QueueLong", "severity": "warning", "queue": name},
        "annotations": {"summary": "The queue is long."},
        "startsAt": "2026-11-27T11:58:00Z",
        "endsAt": if firing { "0001-01-01T00:00:00Z" } else { "2026-11-27T12:03:00Z" },
        "generatorURL": "http://prometheus:9090/graph?g0.expr=queue_length+%3E+10&g0.tab=1",
        "fingerprint": format!("f-{name}"),
    })
}

fn body(sender: &str, alerts: &[Value]) -> Value {
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"QueueLong\"}", "receiver": "signalbox", "truncatedAlerts": 0,
        "status": "firing", "externalURL": sender,
        "groupLabels": {"alertname": "QueueLong"},
        "commonLabels": {"alertname": "QueueLong", "severity": "warning"},
        "commonAnnotations": {"summary": "The queue is long."},
        "alerts": alerts,
    })
}

fn read(body: &Value) -> Notification {
    Notification::read(body.to_string().as_bytes()).unwrap()
}

/// From one Alertmanager: which queues fire, and which are over.
fn told(firing: &[&str], over: &[&str]) -> Notification {
    told_by("http://one", firing, over)
}

fn told_by(sender: &str, firing: &[&str], over: &[&str]) -> Notification {
    let firing = firing.iter().map(|name| alert(name, true));
    let over = over.iter().map(|name| alert(name, false));
    read(&body(sender, &firing.chain(over).collect::<Vec<_>>()))
}

/// As a platform shows it.
fn seen(group: &Group) -> String {
    let card = card::of_group(group);
    let mut lines = vec![card.heading(), card.counts, card.labels, card.say];
    lines.extend(card.lines);
    lines.extend(card.notes);
    lines.push(card.footer);
    lines.join("\n")
}

#[test]
fn a_group_from_its_beginning_to_its_end() {
    let mut group = Group::open(&told(&["mail", "web"], &[]), at(0)).unwrap();
    assert_snapshot!(seen(&group), @"
    ▲ Firing: QueueLong
    2 firing
    severity=warning
    The queue is long.
    ▲ queue=mail, since 2026-11-27 11:58:00 UTC
    ▲ queue=web, since 2026-11-27 11:58:00 UTC
    since 2026-11-27 11:58:00 UTC, receiver signalbox
    ");
    let change = group.apply(&told(&["mail", "web", "cron"], &[]), at(60));
    assert_snapshot!(change.news.unwrap(), @"Fires: QueueLong (queue=cron).");
    // A repeated one.
    let change = group.apply(&told(&["mail", "web", "cron"], &[]), at(70));
    assert_eq!((change.shown, change.news, change.ended), (false, None, false));
    let change = group.apply(&told(&["mail"], &["web"]), at(120));
    assert_snapshot!(change.news.unwrap(), @"
    Resolved: QueueLong (queue=web).
    No longer sent (silenced, inhibited or gone): QueueLong (queue=cron).
    ");
    let change = group.apply(&told(&[], &["mail"]), at(180));
    assert!(change.ended && change.shown);
    assert_snapshot!(change.news.unwrap(), @"
    Resolved: QueueLong (queue=mail).
    Nothing of this group fires any more.
    ");
    assert_snapshot!(seen(&group), @"
    ○ No longer sent: QueueLong
    2 resolved, 1 no longer sent
    severity=warning
    The queue is long.
    ○ queue=cron, not sent since 2026-11-27 12:02:00 UTC
    ✓ queue=mail, resolved at 2026-11-27 12:03:00 UTC
    ✓ queue=web, resolved at 2026-11-27 12:03:00 UTC
    since 2026-11-27 11:58:00 UTC, until 2026-11-27 12:03:00 UTC, receiver signalbox, 4 changes
    ");
    assert_eq!(group.stands(), Standing::Left);
}

#[test]
fn what_fires_again_soon_is_the_same_trouble_and_later_another() {
    let mut group = Group::open(&told(&["mail"], &[]), at(0)).unwrap();
    group.apply(&told(&[], &["mail"]), at(60));
    let again = told(&["mail"], &[]);
    assert!(group.goes_on(&again, at(60 + 300)));
    assert!(!group.goes_on(&again, at(60 + 301)));
    // A late word of the end belongs to what has ended.
    assert!(group.goes_on(&told(&[], &["mail"]), at(10_000)));
    let change = group.apply(&again, at(120));
    assert_eq!(change.news.unwrap(), "Fires again: QueueLong (queue=mail).");
    assert_eq!((group.stands(), group.ended), (Standing::Firing, None));
    assert_ne!(group_id(&group.key, 1), group_id(&group.key, 2));
}

#[test]
fn what_is_over_before_it_was_heard_of_begins_nothing() {
    assert_eq!(Group::open(&told(&[], &["mail"]), at(0)), None);
    // Together with one that fires it is listed.
    let group = Group::open(&told(&["web"], &["mail"]), at(0)).unwrap();
    assert_eq!(
        (group.firing().count(), group.standing(Standing::Resolved).count()),
        (1, 1)
    );
}

#[test]
fn of_a_pair_the_late_one_does_not_undo_the_end() {
    let mut group = Group::open(&told_by("http://one", &["mail"], &[]), at(0)).unwrap();
    let other = told_by("http://two", &["mail"], &[]);
    assert_eq!(group.apply(&other, at(1)).news, None);
    group.apply(&told_by("http://one", &[], &["mail"]), at(60));
    let change = group.apply(&other, at(70));
    assert_eq!(
        (change.news, change.shown, group.stands()),
        (None, false, Standing::Resolved)
    );
    // What it goes on telling is believed: it may see what the first one cannot.
    assert!(group.apply(&other, at(91)).news.is_some());
    // And what one of them does not see does not take away what the other one does.
    group.apply(&told_by("http://one", &["web"], &[]), at(100));
    assert_eq!(group.firing().count(), 2);
}

#[test]
fn an_alert_that_is_left_out_for_its_number_has_not_left() {
    let mut group = Group::open(&told(&["a", "b"], &[]), at(0)).unwrap();
    let mut truncated = body("http://one", &[alert("a", true)]);
    truncated["truncatedAlerts"] = 1.into();
    let change = group.apply(&read(&truncated), at(60));
    assert_eq!((change.news, group.firing().count()), (None, 2));
    assert!(change.shown);
    assert!(
        seen(&group).contains("Alertmanager left 1 alert out of what it sent"),
        "{}",
        seen(&group)
    );
}

#[test]
fn a_group_that_flaps_tells_its_thread_a_few_times_and_says_so() {
    let mut group = Group::open(&told(&["mail", "web"], &[]), at(0)).unwrap();
    let mut told_of = Vec::new();
    for turn in 1..=40 {
        let notification = if turn % 2 == 1 {
            told(&["mail"], &["web"])
        } else {
            told(&["mail", "web"], &[])
        };
        told_of.extend(group.apply(&notification, at(turn)).news);
    }
    assert_eq!(told_of.len(), 12);
    assert!(told_of[11].contains("It changes often."), "{}", told_of[11]);
    assert_eq!(group.changes, 41);
    assert!(group.history.len() <= 40);
    // After a quiet while it is told of again.
    assert!(group.apply(&told(&["mail"], &["web"]), at(700)).news.is_some());
}

#[test]
fn bodies_that_are_odd() {
    let broken = Notification::read(b"{").unwrap_err();
    assert!(matches!(broken, NotANotification::Form(_)), "{broken}");
    for (what, value, missing) in [
        ("groupKey", json!(" "), "groupKey"),
        ("alerts", json!([]), "alerts"),
        ("alerts", Value::Null, "alerts"),
    ] {
        let mut body = body("http://one", &[alert("a", true)]);
        body[what] = value;
        let error = Notification::read(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, NotANotification::Missing(missing));
    }
    let mut odd = alert("a", true);
    odd["status"] = "pending".into();
    let error = Notification::read(body("", &[odd]).to_string().as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is no notification of Alertmanager: an alert's status is \"pending\", not firing or resolved"
    );

    // Nothing but what must be there; and things that nobody knows.
    let bare = json!({"groupKey": "k", "alerts": [{"status": "firing"}], "notificationReason": {"a": [1]}});
    let group = Group::open(&read(&bare), at(0)).unwrap();
    assert_snapshot!(seen(&group), @"
    ▲ Firing: Alerts without a name
    1 firing


    ▲ alert without a name, since 2026-11-27 12:00:00 UTC
    since 2026-11-27 12:00:00 UTC
    ");

    // A thousand labels, and some that are long.
    let mut many = alert("a", true);
    for index in 0..1000 {
        many["labels"][format!("label{index:04}")] = "v".repeat(if index == 0 { 1000 } else { 1 }).into();
    }
    let group = Group::open(&read(&body("", &[many])), at(0)).unwrap();
    let kept = &group.members["f-a"].alert;
    assert_eq!(kept.labels.len(), MOST_WORDS);
    assert_eq!(kept.name(), "QueueLong");
    assert!(kept.labels.values().all(|value| value.chars().count() <= 301));
    assert!(
        seen(&group).contains("940 labels or annotations are left out or shortened."),
        "{}",
        seen(&group)
    );

    // More alerts than are kept.
    let many: Vec<Value> = (0..MOST_ALERTS + 7)
        .map(|index| alert(&format!("q{index}"), true))
        .collect();
    let notification = read(&body("", &many));
    assert_eq!((notification.alerts.len(), notification.left_out), (MOST_ALERTS, 7));
    let group = Group::open(&notification, at(0)).unwrap();
    assert!(seen(&group).contains("7 alerts more than are kept of one group were left out."));
    assert!(seen(&group).lines().count() < 40);
}

#[test]
fn ids_of_alerts_are_none_of_runs() {
    let (group, storm) = (group_id("k", 7), storm_id(7));
    assert!(is_alert(&group) && is_alert(&storm) && is_storm(&storm) && !is_storm(&group));
    for run in ["7k2m9qx4ab", "alert", "alert7k2m9qx4ab", "storm7k2m9qx4abzzzzzz"] {
        assert!(!is_alert(run), "{run}");
    }
    assert!(group.bytes().all(|byte| byte.is_ascii_alphanumeric()) && group.len() <= 32);
}

/// What of three queues a notification tells: each fires, is over, or is not in it.
fn notices() -> impl Strategy<Value = Vec<(usize, Vec<Option<bool>>)>> {
    let one = (
        0..2_usize,
        proptest::collection::vec(proptest::option::of(any::<bool>()), 3),
    );
    proptest::collection::vec(one, 1..12)
}

fn notification(sender: usize, queues: &[Option<bool>]) -> Option<Notification> {
    let alerts = queues.iter().enumerate();
    let alerts: Vec<Value> = alerts
        .filter_map(|(index, state)| Some(alert(["mail", "web", "cron"][index], (*state)?)))
        .collect();
    (!alerts.is_empty()).then(|| read(&body(["http://one", "http://two"][sender], &alerts)))
}

proptest! {
    #[test]
    fn whoever_repeats_changes_nothing(notices in notices()) {
        let mut group = Group::open(&told(&["mail"], &[]), at(0)).unwrap();
        let mut twice = group.clone();
        for (turn, (sender, queues)) in notices.iter().enumerate() {
            let Some(notification) = notification(*sender, queues) else { continue };
            let now = at(turn as i64);
            let once = group.apply(&notification, now);
            prop_assert_eq!(&twice.apply(&notification, now), &once);
            let again = twice.apply(&notification, now);
            prop_assert_eq!((again.shown, again.news, again.ended), (false, None, false));
            prop_assert_eq!(&twice, &group);
            // What fires is what fires; and a group is over when nothing does.
            prop_assert_eq!(group.ended.is_none(), group.firing().next().is_some());
            prop_assert!(group.history.len() as u64 <= group.changes);
        }
    }

    #[test]
    fn the_word_of_one_alertmanager_is_what_stands(notices in notices()) {
        let mut group = Group::open(&told(&["mail"], &[]), at(0)).unwrap();
        for (turn, (_, queues)) in notices.iter().enumerate() {
            let Some(notification) = notification(0, queues) else { continue };
            group.apply(&notification, at(turn as i64));
            let firing: Vec<&str> = group.firing().map(|member| member.alert.fingerprint.as_str()).collect();
            let mut told: Vec<&str> = notification.alerts.iter().filter(|alert| alert.firing).map(|alert| alert.fingerprint.as_str()).collect();
            told.sort_unstable();
            prop_assert_eq!(firing, told);
        }
    }

    #[test]
    fn no_body_breaks_it(text in ".*", labels in proptest::collection::btree_map(".{0,20}", ".{0,40}", 0..6)) {
        let _ = Notification::read(text.as_bytes());
        let mut odd = alert("a", true);
        odd["labels"] = json!(labels);
        odd["annotations"] = json!({"summary": text});
        odd["startsAt"] = text.clone().into();
        odd["generatorURL"] = text.clone().into();
        let mut body = body(&text, &[odd]);
        body["commonLabels"] = json!({});
        let group = Group::open(&read(&body), at(0)).unwrap();
        prop_assert!(!group.title().is_empty());
        let kept: Group = serde_json::from_str(&serde_json::to_string(&group).unwrap()).unwrap();
        prop_assert_eq!(kept, group);
    }
}
