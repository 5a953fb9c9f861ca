//! `/metrics`: panels as a picture and in numbers, wherever somebody asks for them.

use crate::harness::alertmanager::{FakePrometheus, Says};
use crate::harness::discord_world::{DANA, EVE, OPS, VIC, World, shown, steady};
use crate::harness::slack::{Message, Slack};
use crate::harness::visitor::Visitor;
use regex::Regex;
use serde_json::{Value, json};

const PEOPLE: &str = r#"
[person.dana]
slack = ["T1/U1"]
discord = ["101"]
groups = ["ops"]
[person.lee]
slack = ["T1/U2"]
discord = ["102"]
[person.vic]
slack = ["T1/U3"]
discord = ["103"]
groups = ["viewers"]
[group.ops]
discord_roles = ["900/7001"]
[group.viewers]
"#;

const PANELS: &str = r#"
[signal.payment_failures]
help = "h"
unit = "failures"
by = "provider"
promql = "payment_failures_total"
on = "metrics"
caution = "at least so many"

[signal.refunds]
help = "h"
unit = "refunds"
by = "provider"
promql = "refunds_total"
on = "metrics"

[panel.payments]
title = "Payment failures by provider"
signals = ["payment_failures"]
thresholds = { payment_failures = 5 }

[panel.refunds]
title = "Refunds by provider"
signals = ["refunds"]
"#;

async fn shop() -> FakePrometheus {
    let of = |provider: &str, value| (json!({"provider": provider}), value);
    FakePrometheus::start(Says::Series(vec![of("esewa", 9.0), of("खल्ती", 2.0)])).await
}

/// Without what differs from one minute to the next.
fn still(text: &str) -> String {
    let span = Regex::new(r"\d{1,2} \w{3} \d{4}, \d\d:\d\d(:\d\d)? to (\d{1,2} \w{3} \d{4}, )?TIME").unwrap();
    span.replace_all(&steady(text), "SPAN").into_owned()
}

/// The table and the picture of a message, which hang in its thread; either may come first.
async fn thread(slack: &Slack, message: &Message) -> (Message, Message) {
    let (one, other) = (slack.reply(message).await, slack.reply(message).await);
    if one.files.is_empty() {
        (one, other)
    } else {
        (other, one)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn panels_are_one_picture_and_their_numbers_on_both_platforms() {
    let prometheus = shop().await;
    let mut world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let slack = world.slack.take().unwrap();
    let ack = slack
        .person("U1")
        .command("C0OPS", "/metrics", "payments,refunds 15m")
        .await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    let there = slack.posted("C0OPS").await;
    insta::assert_snapshot!(still(&there.seen()), @r"
    ✓ Succeeded: metrics panel=payments,refunds last=15m
    Payment failures by provider; Refunds by provider. SPAN. Threshold: payment failures 5.
    Warning
    • payment failures: at least so many.
    ```
    signal            of     last  highest  lowest  first
    payment failures  esewa  9     9        9       9
    payment failures  खल्ती   2     2        2       2
    refunds           esewa  9     9        9       9
    refunds           खल्ती   2     2        2       2
    ```
    Asked by dana, run RUN
    ");
    let (table, picture) = thread(&slack, &there).await;
    insta::assert_snapshot!(still(&table.seen()), @r"
    Details of metrics panel=payments,refunds last=15m
    Warnings
    • payment failures: at least so many.
    ```
    signal            of     last  highest  lowest  first
    payment failures  esewa  9     9        9       9
    payment failures  खल्ती   2     2        2       2
    refunds           esewa  9     9        9       9
    refunds           खल्ती   2     2        2       2
    ```
    Plan digest DIGEST
    ");
    assert_eq!(picture.thread_ts.as_ref(), Some(&there.ts));
    let file = slack
        .files()
        .into_iter()
        .find(|file| file.name.ends_with(".png"))
        .unwrap();
    assert_eq!(file.shared, Some(("C0OPS".to_owned(), Some(there.ts.clone()))));
    insta::assert_snapshot!(still(&file.alt_text), @"SPAN. Payment failures by provider. payment failures: esewa 9 at first, 9 at last; खल्ती 2 at first, 2 at last, threshold 5. Refunds by provider. refunds: esewa 9 at first, 9 at last; खल्ती 2 at first, 2 at last. payment failures: at least so many.");
    assert_eq!(file.title, "Payment failures by provider; Refunds by provider");
    let png = file.bytes.unwrap();
    assert!(png.starts_with(b"\x89PNG"));

    world
        .types(
            VIC,
            "metrics",
            &[("panel", json!("payments,refunds")), ("last", json!("15m"))],
        )
        .await;
    let here = world.discord.posted(OPS).await;
    insta::assert_snapshot!(still(&here.seen()), @r"
    ✓ Succeeded: metrics panel=payments,refunds last=15m
    Payment failures by provider; Refunds by provider. SPAN. Threshold: payment failures 5.

    **Warning**
    • payment failures: at least so many.
    ```
    signal            of     last  highest  lowest  first
    payment failures  esewa  9     9        9       9
    payment failures  खल्ती   2     2        2       2
    refunds           esewa  9     9        9       9
    refunds           खल्ती   2     2        2       2
    ```
    Asked by vic, run RUN · MARK
    ");
    let replies = [world.discord.reply(&here).await, world.discord.reply(&here).await];
    let picture = replies.iter().find(|reply| !reply.shown.files.is_empty()).unwrap();
    let file = &picture.shown.files[0];
    assert!(file.name.ends_with(".png"), "{}", file.name);
    let pointer = world.discord.whisper(VIC).await;
    assert!(
        shown(&pointer).contains("channels/900/9001/MESSAGE"),
        "{}",
        shown(&pointer)
    );
    // For the numbers and for the picture, each time both signals.
    let mut queries = prometheus.queries();
    queries.sort();
    queries.dedup();
    assert_eq!(queries, ["payment_failures_total", "refunds_total"]);
    world.end();
    assert_eq!(slack.misuse(), Vec::<String>::new());
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_panel_they_are_listed_and_a_slip_names_the_nearest() {
    let prometheus = shop().await;
    let mut world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let slack = world.slack.take().unwrap();
    let dana = slack.person("U1");
    dana.command("C0OPS", "/metrics", "").await;
    let there = slack.posted("C0OPS").await;
    insta::assert_snapshot!(still(&there.seen()), @r"
    ✓ Succeeded: metrics last=1h
    Name a panel, or several with commas between: /metrics payments
    ```
    panel     shows
    payments  Payment failures by provider
    refunds   Refunds by provider
    ```
    Asked by dana, run RUN
    ");
    let listed = slack.reply(&there).await;
    insta::assert_snapshot!(still(&listed.seen()), @r"
    Details of metrics last=1h
    ```
    panel     shows
    payments  Payment failures by provider
    refunds   Refunds by provider
    ```
    Plan digest DIGEST
    ");
    // There is no picture of a list.
    assert!(slack.files().is_empty());

    dana.command("C0OPS", "/metrics", "paymets").await;
    insta::assert_snapshot!(slack.whisper("U1").await.seen(), @r"
    ! Not understood: metrics
    `panel`: `paymets` is no panel; did you mean `payments`? Nothing was done.
    Asked by dana
    ");
    dana.command("C0OPS", "/metrics", "weather 15m").await;
    insta::assert_snapshot!(slack.whisper("U1").await.seen(), @r"
    ! Not understood: metrics
    `panel`: `weather` is no panel; there is `payments`, `refunds`. Nothing was done.
    Asked by dana
    ");
    dana.command("C0OPS", "/metrics", "payments 10s").await;
    insta::assert_snapshot!(slack.whisper("U1").await.seen(), @r"
    ! Not understood: metrics
    `last`: `10s` is out of range; it takes 1m to 31d. Nothing was done.
    Asked by dana
    ");
    assert!(prometheus.queries().is_empty());
    world.end();
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_learns_no_panel() {
    let prometheus = shop().await;
    let mut world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let slack = world.slack.take().unwrap();
    for typed in ["payments", "paymets", ""] {
        slack.person("U2").command("C0OPS", "/metrics", typed).await;
        let said = slack.whisper("U2").await.seen();
        assert!(said.contains("No policy lets lee ask for metrics"), "{said}");
        assert!(!said.contains("refunds") && !said.contains("by provider"), "{said}");
    }
    world.types(EVE, "metrics", &[("panel", json!("payments"))]).await;
    let said = shown(&world.discord.whisper(EVE).await);
    assert!(said.contains("belongs to nobody"), "{said}");
    // Nor by typing: what there is to pick is told to those who may ask, and stands in no list that all can read.
    let offered = async |user: &str| {
        let ack = world
            .discord
            .person(user)
            .completes(OPS, "metrics", &[], ("panel", "payments, r"))
            .await;
        let values = ack.choices().into_iter().map(|(_, value)| value);
        values.collect::<Vec<Value>>()
    };
    assert_eq!(offered(DANA).await, ["payments, refunds"]);
    assert!(offered(EVE).await.is_empty());
    let commands = world.discord.commands(Some("900"));
    let metrics = commands.iter().find(|command| command["name"] == "metrics").unwrap();
    insta::assert_snapshot!(format!("{:#}", metrics["options"]), @r#"
    [
      {
        "type": 3,
        "name": "panel",
        "description": "which panels, such as payments,errors; without one they are listed",
        "required": false,
        "autocomplete": true
      },
      {
        "type": 3,
        "name": "last",
        "description": "how much of the past, such as 15m, 1h, 6h or 1d",
        "required": false
      },
      {
        "type": 5,
        "name": "dry",
        "description": "Show what would be done, and do nothing"
      }
    ]
    "#);
    assert!(prometheus.queries().is_empty());
    world.end();
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_in_a_thread_is_answered_there_with_the_picture() {
    let prometheus = shop().await;
    let mut world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let slack = world.slack.take().unwrap();
    let parent = slack.chat("U2", "C0OPS", "payments fail?", Value::Null);
    slack
        .person("U3")
        .mentions("C0OPS", Some(&parent), "<@U0BOT> metrics payments 1h")
        .await;
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(slack.reply(&parent).await);
    }
    assert!(
        said.iter()
            .any(|reply| reply.seen().contains("Payment failures by provider. "))
    );
    assert_eq!(said.iter().filter(|reply| !reply.files.is_empty()).count(), 1);
    world.end();
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_the_picture_where_it_was_asked_for() {
    let prometheus = shop().await;
    let world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let visitor = Visitor::pick(world.url(), "vic").await;
    let message = visitor.type_in("/metrics refunds 6h", "n1").await;
    let picture = message.attribute("picture img", "src").unwrap();
    let answer = visitor.get(&picture).await;
    assert_eq!(answer.status, 200);
    let dark = message.attribute("picture source", "srcset").unwrap();
    assert_eq!(visitor.get(&dark).await.status, 200);
    // Once it was drawn its words are known.
    let run = picture.split('/').nth(2).unwrap().to_owned();
    let page = visitor.get(&format!("/runs/{run}")).await;
    let alt = page.attribute("picture img", "alt").unwrap();
    insta::assert_snapshot!(still(&alt), @"Refunds by provider. SPAN. refunds: esewa 9 at first, 9 at last; खल्ती 2 at first, 2 at last.");
    // Who may not see the run does not see its picture.
    let lee = Visitor::pick(world.url(), "lee").await;
    assert_eq!(lee.get(&picture).await.status, 404);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prometheus_does_not_answer_is_said_in_words_and_in_the_picture() {
    let prometheus = FakePrometheus::start(Says::Status(503)).await;
    let mut world = World::with_panels(PEOPLE, &prometheus.url, PANELS).await;
    let slack = world.slack.take().unwrap();
    slack.person("U1").command("C0OPS", "/metrics", "refunds").await;
    let there = slack.posted("C0OPS").await;
    insta::assert_snapshot!(still(&there.seen()), @r"
    ✓ Succeeded: metrics panel=refunds last=1h
    Refunds by provider. SPAN.
    Warning
    • refunds: no data (127.0.0.1:PORT does not answer as Prometheus does: HTTP 503 Service Unavailable).
    ```
    signal   of  last     highest  lowest  first
    refunds      no data
    ```
    Asked by dana, run RUN
    ");
    thread(&slack, &there).await;
    let file = slack
        .files()
        .into_iter()
        .find(|file| file.name.ends_with(".png"))
        .unwrap();
    insta::assert_snapshot!(still(&file.alt_text), @"Refunds by provider. SPAN. refunds: no data (127.0.0.1:PORT does not answer as Prometheus does: HTTP 503 Service Unavailable).");
    world.end();
    world.slack = Some(slack);
}
