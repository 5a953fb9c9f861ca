//! The door for Alertmanager: who is let in, and what is answered to what.

use crate::harness::alertmanager::{alert, notification, notify, post};
use crate::harness::discord_world::{ALERTS_TOKEN, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::Connection as _;

const NOWHERE: &str = "http://127.0.0.1:1";

fn a_body() -> String {
    notification("Quiet", &[alert("Quiet", &[], false)]).to_string()
}

async fn metric(world: &World, name: &str) -> String {
    let metrics = reqwest::get(format!("{}/metrics", world.url())).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}"))
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_configured_nobody_is_let_in() {
    let world = World::new().await;
    let (status, words) = post(world.url(), a_body(), Some(&format!("Bearer {ALERTS_TOKEN}"))).await;
    assert_eq!(status, 404);
    assert_eq!(words, "Alerts are off: there is no [alerts] in the configuration.\n");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_token_is_let_in_and_nobody_else() {
    let world = World::with_alerts(NOWHERE).await;
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for (authorization, status) in [
        (None, 401),
        (Some(String::new()), 401),
        (Some("Bearer".to_owned()), 401),
        (Some("Bearer ".to_owned()), 401),
        (Some("Bearer another".to_owned()), 401),
        (Some(format!("Bearer {ALERTS_TOKEN}x")), 401),
        (Some(format!("Token {ALERTS_TOKEN}")), 401),
        (Some(basic("signalbox:another")), 401),
        (Some(basic(ALERTS_TOKEN)), 401),
        (Some("Basic %%%".to_owned()), 401),
        (Some(format!("Bearer {ALERTS_TOKEN}")), 200),
        (Some(format!("bearer {ALERTS_TOKEN}")), 200),
        (Some(basic(&format!("signalbox:{ALERTS_TOKEN}"))), 200),
        (Some(basic(&format!(":{ALERTS_TOKEN}"))), 200),
    ] {
        let (given, words) = post(world.url(), a_body(), authorization.as_deref()).await;
        assert_eq!(given, status, "{authorization:?}");
        // Whoever is not let in learns nothing.
        assert_eq!(words, if status == 200 { "kept\n" } else { "" });
    }
    assert_eq!(
        metric(&world, "signalbox_alert_notifications_total{outcome=\"rejected\"}").await,
        "10"
    );
    assert_eq!(
        metric(&world, "signalbox_alert_notifications_total{outcome=\"kept\"}").await,
        "4"
    );
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_told_and_changes_nothing() {
    let world = World::with_alerts(NOWHERE).await;
    let bearer = format!("Bearer {ALERTS_TOKEN}");
    let large = format!("{{\"groupKey\": \"{}\"}}", "x".repeat(5_000_000));
    for (body, status, says) in [
        (large, 413, "A notification of more than 4 MiB is not read."),
        (String::new(), 400, "this is no notification of Alertmanager: EOF"),
        ("[]".to_owned(), 400, "this is no notification of Alertmanager"),
        (
            "{}".to_owned(),
            400,
            "`groupKey` is missing or empty: point a webhook_config of Alertmanager at this address",
        ),
        ("{\"groupKey\": \"k\"}".to_owned(), 400, "`alerts` is missing or empty"),
    ] {
        let (given, words) = post(world.url(), body, Some(&bearer)).await;
        assert_eq!(given, status, "{words}");
        assert!(words.starts_with(says), "{words}");
    }
    assert_eq!(world.app.store.alert_lines(10).await.unwrap(), []);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_sent_again_and_kept_once() {
    let world = World::with_alerts(NOWHERE).await;
    // Somebody else holds the database's only place to write.
    let path = world.folder().join("bot.db");
    let mut other = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let body = notification("Stuck", &[alert("Stuck", &[], true)]);
    let bearer = format!("Bearer {ALERTS_TOKEN}");
    let (status, words) = post(world.url(), body.to_string(), Some(&bearer)).await;
    assert_eq!(status, 503, "{words}");
    assert!(words.starts_with("Signalbox"), "{words}");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(
        metric(&world, "signalbox_alert_notifications_total{outcome=\"not-kept\"}").await,
        "1"
    );
    notify(world.url(), &body).await;
    let slack = world.slack.as_ref().unwrap();
    let there = slack.posted_within("C0ALERTS", 30).await;
    assert!(there.seen().contains("Firing: Stuck"), "{}", there.seen());
    slack.reply_within(&there, 30).await;
    let here = world.discord.posted_within("9002", 30).await;
    world.discord.reply_within(&here, 30).await;
    assert_eq!(world.app.store.alert_lines(10).await.unwrap().len(), 1);
    assert_eq!(metric(&world, "signalbox_alert_groups_firing").await, "1");
    world.end();
}
