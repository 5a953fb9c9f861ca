//! One message for a group of alerts on each platform, from its beginning to its end.

use crate::harness::alertmanager::{Alertmanager, FakePrometheus, Says, alert, notification, notification_by, notify};
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, ALERTS_TOKEN, OPS, World, shown, steady};
use crate::harness::visitor::Visitor;
use serde_json::{Value, json};

const NOWHERE: &str = "http://127.0.0.1:1";

fn supplier(name: &str, firing: bool) -> Value {
    alert("SupplierFails", &[("supplier", name)], firing)
}

async fn failing() -> FakePrometheus {
    let series = vec![(json!({"supplier": "CJ"}), 7.0), (json!({"supplier": "Ali"}), 1.0)];
    FakePrometheus::start(Says::Series(series)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_one_message_that_changes_as_it_does() {
    let prometheus = failing().await;
    let mut world = World::with_alerts(&prometheus.url).await;
    let slack = world.slack.take().unwrap();
    notify(world.url(), &notification("SupplierFails", &[supplier("CJ", true)])).await;
    let there = slack.posted(ALERTS_OF_SLACK).await;
    insta::assert_snapshot!(steady(&there.seen()), @"
    ▲ Firing: SupplierFails
    1 firing. severity=critical
    SupplierFails: something is wrong.
    Alerts
    • ▲ supplier=CJ, since TIME
    Acknowledge
    Take it on
    Assign…
    Show me
    What changed
    since TIME, receiver signalbox
    ");
    let here = world.discord.posted(ALERTS).await;
    insta::assert_snapshot!(shown(&here), @"
    ▲ Firing: SupplierFails
    1 firing. severity=critical

    SupplierFails: something is wrong.

    **Alerts**
    • ▲ supplier=CJ, since TIME
    since TIME, receiver signalbox · MARK
    [Acknowledge]
    [Take it on]
    [Assign…]
    [Show me]
    [What changed]
    ");
    assert!(there.pings.is_empty() && here.pings.is_empty());

    // What the rule watches, in the thread.
    let chart = slack.reply(&there).await;
    assert_eq!(chart.files.len(), 1);
    let files = slack.files();
    assert!(files[0].name.ends_with("-chart-1.png"), "{}", files[0].name);
    assert!(files[0].alt_text.contains("threshold 3"), "{}", files[0].alt_text);
    assert!(files[0].bytes.as_ref().unwrap().starts_with(b"\x89PNG"));
    let chart = world.discord.reply(&here).await;
    assert!(chart.seen().contains("-chart-1.png"), "{}", chart.seen());
    assert_eq!(prometheus.queries()[0], "sum by (supplier) (failures)");

    // The other one of a pair, and a repetition: nothing changes.
    let both = notification_by("http://alertmanager-2:9093", "SupplierFails", &[supplier("CJ", true)]);
    notify(world.url(), &both).await;
    notify(world.url(), &notification("SupplierFails", &[supplier("CJ", true)])).await;

    // One more joins.
    let both = [supplier("CJ", true), supplier("Ali", true)];
    notify(world.url(), &notification("SupplierFails", &both)).await;
    let there = slack.until(&there, |now| now.seen().contains("2 firing")).await;
    let here = world.until_says(&here, "2 firing").await;
    let news = slack.reply(&there).await;
    assert_eq!(news.seen(), "Fires: SupplierFails (supplier=Ali).");
    let news = world.discord.reply(&here).await;
    assert!(
        news.seen().starts_with("Fires: SupplierFails (supplier=Ali)."),
        "{}",
        news.seen()
    );

    // The process dies, and another one goes on with the same message.
    world.kill();
    world.slack = Some(slack);
    world.start().await;
    let slack = world.slack.take().unwrap();
    let over = [supplier("CJ", false), supplier("Ali", false)];
    notify(world.url(), &notification("SupplierFails", &over)).await;
    let there = slack.until(&there, |now| now.seen().contains("Resolved")).await;
    insta::assert_snapshot!(steady(&there.seen()), @"
    ✓ Resolved: SupplierFails
    2 resolved. severity=critical
    SupplierFails: something is wrong.
    Alerts
    • ✓ supplier=Ali, resolved at TIME
    • ✓ supplier=CJ, resolved at TIME
    What changed
    since TIME, until TIME, receiver signalbox, 3 changes
    ");
    let here = world.until_says(&here, "Resolved").await;
    insta::assert_snapshot!(shown(&here), @"
    ✓ Resolved: SupplierFails
    2 resolved. severity=critical

    SupplierFails: something is wrong.

    **Alerts**
    • ✓ supplier=Ali, resolved at TIME
    • ✓ supplier=CJ, resolved at TIME
    since TIME, until TIME, receiver signalbox, 3 changes · MARK
    [What changed]
    ");
    for _ in 0..2 {
        // In words, and in a chart; either may come first.
        slack.reply(&there).await;
        world.discord.reply(&here).await;
    }
    // One change, one edit: the pair and the repetition cost none.
    assert_eq!(there.edits.len(), 2);

    // The console tells the same.
    let visitor = Visitor::pick(world.url(), "dana").await;
    let list = visitor.get("/alerts").await;
    assert!(
        list.said().contains("✓ resolved SupplierFails 2 resolved"),
        "{}",
        list.said()
    );
    let to = list.attribute("ul.runs a", "href").unwrap();
    let page = visitor.get(&to).await;
    let said = page.said();
    let begins = "SupplierFails ✓ resolved 2 resolved severity=critical SupplierFails: something is wrong. Alerts ✓ supplier=Ali";
    assert!(said.starts_with(begins), "{said}");
    assert!(said.contains("Fires: SupplierFails (supplier=Ali)."), "{said}");
    let chart = visitor.get(&format!("{to}/chart.png?theme=dark")).await;
    assert_eq!(chart.status, 200);
    assert_eq!(visitor.get("/alerts/alert0000000000000000").await.status, 404);
    assert_eq!(slack.misuse(), Vec::<String>::new());
    // Whoever comes after a restart asks for the thread once more, and learns that it is there.
    let refused = world.discord.take_refused();
    assert!(refused.len() <= 1, "{refused:?}");
    world.end();
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_prometheus_does_not_answer_it_is_said() {
    let prometheus = FakePrometheus::start(Says::Status(503)).await;
    for address in [NOWHERE, &prometheus.url] {
        let world = World::with_alerts(address).await;
        let slack = world.slack.as_ref().unwrap();
        notify(world.url(), &notification("SupplierFails", &[supplier("CJ", true)])).await;
        let there = slack.posted(ALERTS_OF_SLACK).await;
        let said = slack.reply(&there).await;
        assert!(said.seen().contains("No chart: "), "{}", said.seen());
        let here = world.discord.posted(ALERTS).await;
        let said = world.discord.reply(&here).await;
        assert!(said.seen().contains("No chart: "), "{}", said.seen());
        assert!(slack.files().is_empty());
        world.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rules_author_writes_steers_nobody() {
    let world = World::with_alerts(NOWHERE).await;
    let slack = world.slack.as_ref().unwrap();
    let mut odd = alert(
        "<!channel> @everyone",
        &[("job", "**bold** <@U1> [x](http://evil.example)")],
        true,
    );
    odd["annotations"] = json!({"summary": "<!here> <@&7001> *loud*\n# heading", "description": "\u{202e}gnp"});
    odd["generatorURL"] = "".into();
    let mut body = notification("x", &[odd]);
    body["commonLabels"] = json!({"alertname": "<!channel> @everyone"});
    body["commonAnnotations"] = json!({"summary": "<!here> <@&7001> *loud*\n# heading"});
    notify(world.url(), &body).await;
    let there = slack.posted(ALERTS_OF_SLACK).await;
    assert!(there.pings.is_empty(), "{:?}", there.pings);
    insta::assert_snapshot!(steady(&there.seen()), @"
    ▲ Firing: <!channel> @everyone
    1 firing
    <!here> <@&7001> *loud*
    # heading
    Alerts
    • ▲ job=**bold** <@U1> [x](http://evil.example), severity=critical, since TIME: �gnp
    Acknowledge
    Take it on
    Assign…
    Show me
    What changed
    since TIME, receiver signalbox
    ");
    let here = world.discord.posted(ALERTS).await;
    assert!(here.pings.is_empty(), "{:?}", here.pings);
    insta::assert_snapshot!(shown(&here), @r"
    ▲ Firing: \<!channel> \@everyone
    1 firing

    \<!here> \<\@&7001> \*loud\*
    \# heading

    **Alerts**
    • ▲ job=\*\*bold\*\* \<\@U1> \[x](http\://evil.example), severity=critical, since TIME: �gnp
    since TIME, receiver signalbox · MARK
    [Acknowledge]
    [Take it on]
    [Assign…]
    [Show me]
    [What changed]
    ");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_channel_is_gone_the_operations_channel_shows_it_and_says_so() {
    let world = World::with_alerts(NOWHERE).await;
    let slack = world.slack.as_ref().unwrap();
    slack.archive(ALERTS_OF_SLACK);
    world.discord.delete_channel(ALERTS);
    notify(world.url(), &notification("SupplierFails", &[supplier("CJ", true)])).await;
    let there = slack.posted("C0OPS").await;
    assert!(
        there
            .seen()
            .contains("It belongs in channel C0ALERTS, where it cannot be shown"),
        "{}",
        there.seen()
    );
    let here = world.discord.posted(OPS).await;
    assert!(
        here.seen()
            .contains("It belongs in channel 9002, where it cannot be shown"),
        "{}",
        here.seen()
    );
    notify(world.url(), &notification("SupplierFails", &[supplier("CJ", false)])).await;
    slack.until(&there, |now| now.seen().contains("Resolved")).await;
    world.until_says(&here, "Resolved").await;
    slack.look_away();
    world.discord.look_away();
    world.discord.take_refused();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_alertmanager_is_understood_from_firing_to_resolved() {
    let world = World::with_alerts(NOWHERE).await;
    let url = world.url().to_owned();
    let server = tokio::task::spawn_blocking(move || Alertmanager::start(&url, ALERTS_TOKEN))
        .await
        .unwrap();
    let labels = |supplier: &str| json!({"alertname": "SupplierFails", "supplier": supplier});
    let annotations = json!({"summary": "A supplier does not answer."});
    server
        .told(&json!([
            {"labels": labels("CJ"), "annotations": annotations},
            {"labels": labels("Ali"), "annotations": annotations},
        ]))
        .await;
    let here = world.discord.posted_within(ALERTS, 30).await;
    assert!(
        here.seen().contains("▲ Firing: SupplierFails\n2 firing"),
        "{}",
        here.seen()
    );
    assert!(here.seen().contains("A supplier does not answer."), "{}", here.seen());
    let ended = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1)).to_string();
    server
        .told(&json!([{"labels": labels("CJ"), "annotations": annotations, "endsAt": ended}]))
        .await;
    let here = world
        .discord
        .until_within(&here, 30, |now| now.seen().contains("1 firing, 1 resolved"))
        .await;
    let news = world.discord.reply_within(&here, 30).await;
    assert!(
        news.seen().contains("Resolved: SupplierFails (supplier=CJ)."),
        "{}",
        news.seen()
    );
    server
        .told(&json!([{"labels": labels("Ali"), "annotations": annotations, "endsAt": ended}]))
        .await;
    let here = world
        .discord
        .until_within(&here, 30, |now| now.seen().contains("✓ Resolved"))
        .await;
    world.discord.reply_within(&here, 30).await;
    world.slack.as_ref().unwrap().look_away();
    world.end();
}
