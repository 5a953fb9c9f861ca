//! Notifications that are odd: as much of them is shown as can be, and what is not is said.

use crate::harness::alertmanager::{alert, notification, notify};
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, World, steady};
use serde_json::{Value, json};

const NOWHERE: &str = "http://127.0.0.1:1";

/// What both platforms show of a notification; Discord's words are looked at, Slack's are kept.
async fn shown(world: &World, notification: &Value, says: &str) -> String {
    notify(world.url(), notification).await;
    let here = world.discord.posted_within(ALERTS, 30).await;
    world.until_says(&here, says).await;
    let there = world.slack.as_ref().unwrap().posted_within(ALERTS_OF_SLACK, 30).await;
    assert!(there.pings.is_empty() && here.pings.is_empty());
    let buttons = there.labels();
    let seen = steady(&there.seen());
    let lines: Vec<&str> = seen
        .lines()
        .filter(|line| !buttons.contains(&(*line).to_owned()))
        .collect();
    lines.join("\n")
}

fn quiet(name: &str, firing: bool) -> Value {
    let mut alert = alert(name, &[], firing);
    alert["generatorURL"] = "".into();
    alert
}

fn end(world: &World) {
    world.slack.as_ref().unwrap().look_away();
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_unknown_too_much_or_left_out_is_shown_as_far_as_it_goes() {
    let world = World::with_alerts(NOWHERE).await;
    let bare = json!({"groupKey": "bare", "alerts": [{"status": "firing"}], "aField": {"ofTomorrow": [1]}});
    let bare = shown(&world, &bare, "without a name").await;
    insta::assert_snapshot!(bare, @"
    ▲ Firing: Alerts without a name
    1 firing
    Alerts
    • ▲ alert without a name, since TIME
    since TIME
    ");

    let mut many = quiet("ManyLabels", true);
    for index in 0..1000 {
        many["labels"][format!("label{index:04}")] = "v".repeat(200).into();
    }
    let many = shown(&world, &notification("ManyLabels", &[many]), "ManyLabels").await;
    assert!(
        many.contains("labels or annotations are left out or shortened"),
        "{many}"
    );
    assert!(many.len() < 10_000, "{}", many.len());

    let mut truncated = notification("Truncated", &[quiet("Truncated", true)]);
    truncated["truncatedAlerts"] = 4999.into();
    let truncated = shown(&world, &truncated, "Truncated").await;
    insta::assert_snapshot!(truncated, @"
    ▲ Firing: Truncated
    1 firing. severity=critical
    Truncated: something is wrong.
    Alerts
    • ▲ Truncated, since TIME
    Note
    • Alertmanager left 4999 alerts out of what it sent (its `max_alerts`), so of those nothing is known here.
    since TIME, receiver signalbox
    ");
    end(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resolved_before_it_fired_is_shown_nowhere_and_what_never_resolves_goes_on() {
    let world = World::with_alerts(NOWHERE).await;
    notify(world.url(), &notification("Over", &[quiet("Over", false)])).await;
    let endless = notification("Endless", &[quiet("Endless", true)]);
    notify(world.url(), &endless).await;
    let here = world.discord.posted_within(ALERTS, 30).await;
    assert!(here.seen().contains("Firing: Endless"), "{}", here.seen());
    // Alertmanager says it again, day after day.
    for _ in 0..40 {
        notify(world.url(), &endless).await;
    }
    let lines = world.app.store.alert_lines(10).await.unwrap();
    let titles: Vec<&str> = lines.iter().map(|line| line.title.as_str()).collect();
    assert_eq!(
        titles,
        ["Endless"],
        "what was over before it was heard of begins nothing"
    );
    assert_eq!(world.app.store.firing_groups().await.unwrap(), 1);
    let there = world.slack.as_ref().unwrap().posted_within(ALERTS_OF_SLACK, 30).await;
    assert!(there.seen().contains("Firing: Endless"), "{}", there.seen());
    assert!(there.edits.is_empty(), "nothing has changed: {:?}", there.edits);
    notify(world.url(), &notification("Endless", &[quiet("Endless", false)])).await;
    world.until_says(&here, "Resolved").await;
    end(&world);
}
