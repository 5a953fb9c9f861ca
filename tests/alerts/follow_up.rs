//! What people do about an alert, from its message.

use crate::harness::alertmanager::{alert, notification, notify};
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, DANA, EVE, LEE, World, offering, shown, steady};
use crate::harness::slack;
use crate::harness::visitor::Visitor;
use serde_json::Value;

const NOWHERE: &str = "http://127.0.0.1:1";

fn stuck(order: &str, firing: bool) -> Value {
    let mut stuck = alert("OrderStuck", &[("order", order)], firing);
    stuck["generatorURL"] = "".into();
    stuck
}

/// An order is stuck, and both platforms show it.
async fn begin(world: &World) -> (slack::Message, crate::harness::discord::Message) {
    notify(world.url(), &notification("OrderStuck", &[stuck("1042", true)])).await;
    let there = world.slack.as_ref().unwrap().posted(ALERTS_OF_SLACK).await;
    (there, world.discord.posted(ALERTS).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_suggested_goes_through_the_gate_and_both_tell_of_each_other() {
    let mut world = World::with_alerts(NOWHERE).await;
    let (there, here) = begin(&world).await;
    let slack = world.slack.take().unwrap();
    assert_eq!(
        here.labels(),
        [
            "Charge 1042",
            "Acknowledge",
            "Take it on",
            "Assign…",
            "Show me",
            "What changed"
        ]
    );

    // It is asked for by whoever presses it, and needs a second person like any charge.
    let ack = slack.person("U1").press(&there, "Charge 1042").await;
    assert_eq!(ack.status, Some(200));
    let run = slack.posted(ALERTS_OF_SLACK).await;
    assert!(
        run.seen().contains("Waits for approval: charge order=1042"),
        "{}",
        run.seen()
    );
    slack.reply(&run).await;
    let told = slack.reply(&there).await;
    assert_eq!(steady(&told.seen()), "dana asked for /charge order=1042: run RUN.");
    let elsewhere = world.discord.posted("9001").await;
    world.discord.reply(&elsewhere).await;
    world.discord.reply(&here).await;
    assert_eq!(world.writes(), 0);
    slack.person("U2").press(&run, "Approve").await;
    let run = slack.until(&run, |now| now.seen().contains("✓ Succeeded")).await;
    assert_eq!(world.writes(), 1);
    assert!(
        run.seen()
            .contains("The alert OrderStuck, from which this was asked for, still fires."),
        "{}",
        run.seen()
    );
    slack.reply(&run).await;
    let elsewhere = world.until_says(&elsewhere, "✓ Succeeded").await;
    world.discord.reply(&elsewhere).await;
    let there = slack.until(&there, |now| now.seen().contains("succeeded")).await;
    insta::assert_snapshot!(steady(&there.seen()), @"
    ▲ Firing: OrderStuck
    1 firing. severity=critical
    OrderStuck: something is wrong.
    Alerts
    • ▲ order=1042, since TIME
    What is done
    • dana ran /charge: succeeded (run RUN)
    Charge 1042
    Acknowledge
    Take it on
    Assign…
    Show me
    What changed
    since TIME, receiver signalbox, 2 changes
    ");
    let here = world.until_says(&here, "dana ran /charge: succeeded").await;

    // It clears: the run says so, and nothing is suggested any more.
    notify(world.url(), &notification("OrderStuck", &[stuck("1042", false)])).await;
    slack.until(&run, |now| now.seen().contains("has cleared")).await;
    world.until_says(&elsewhere, "has cleared").await;
    let there = slack.until(&there, |now| now.seen().contains("✓ Resolved")).await;
    slack.reply(&there).await;
    world.discord.reply(&here).await;
    let here = world.until_says(&here, "✓ Resolved").await;
    assert_eq!(here.labels(), ["What changed"]);
    slack.person("U1").press(&there, "What changed").await;
    let whisper = slack.whisper("U1").await;
    assert!(
        whisper.seen().contains("Nothing ran here from 2026-11-27"),
        "{}",
        whisper.seen()
    );
    world.end();
    assert_eq!(slack.misuse(), Vec::<String>::new());
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_acknowledges_and_another_takes_it_on() {
    let world = World::with_alerts(NOWHERE).await;
    let (there, here) = begin(&world).await;
    let slack = world.slack.as_ref().unwrap();
    // Somebody whom nobody knows does nothing.
    world.presses(EVE, &here, "Acknowledge").await;
    let told = world.discord.whisper(EVE).await;
    assert!(told.seen().contains("I do not know who you are"), "{}", told.seen());

    world.presses(DANA, &here, "Acknowledge").await;
    let here = world.until_says(&here, "dana has acknowledged it").await;
    assert!(
        !here.labels().contains(&"Acknowledge".to_owned()),
        "{:?}",
        here.labels()
    );
    world.discord.whisper(DANA).await;
    let there = slack
        .until(&there, |now| now.seen().contains("dana has acknowledged it"))
        .await;
    assert_eq!(slack.reply(&there).await.seen(), "dana has acknowledged it.");
    world.discord.reply(&here).await;
    world.presses(LEE, &here, "Take it on").await;
    let here = world.until_says(&here, "lee has taken it on").await;
    world.discord.whisper(LEE).await;
    world.discord.reply(&here).await;
    slack
        .until(&there, |now| now.seen().contains("lee has taken it on"))
        .await;
    slack.reply(&there).await;
    insta::assert_snapshot!(shown(&here), @"
    ▲ Firing: OrderStuck
    1 firing. severity=critical

    OrderStuck: something is wrong.

    **Alerts**
    • ▲ order=1042, since TIME

    **What is done**
    • lee has taken it on, at TIME
    • dana has acknowledged it, at TIME
    since TIME, receiver signalbox, 3 changes · MARK
    [Charge 1042]
    [Assign…]
    [Show me]
    [What changed]
    ");

    // The console has the same buttons.
    let visitor = Visitor::pick(world.url(), "dana").await;
    let to = visitor.get("/alerts").await.attribute("ul.runs a", "href").unwrap();
    let page = visitor.get(&to).await;
    assert_eq!(
        page.texts("main button"),
        ["Charge 1042", "Assign…", "Show me", "What changed"]
    );
    let id = to.strip_prefix("/alerts/").unwrap();
    let sent = visitor
        .post(&format!("/alerts/{id}/press"), "n1", &[("press", "alert changes")])
        .await;
    assert_eq!(sent.status, 303, "{}", sent.page);
    let answer = visitor.get(&sent.to).await;
    assert!(answer.said().contains("Nothing ran here from"), "{}", answer.said());
    for odd in ["alert", "alert nothing", "approve x", "alert run.", "alert run.<b>"] {
        let sent = visitor
            .post(&format!("/alerts/{id}/press"), "n2", &[("press", odd)])
            .await;
        assert_eq!(sent.status, 422, "{odd}");
    }
    let sent = visitor
        .post(
            &format!("/alerts/{id}/press"),
            "n3",
            &[("press", "alert run.charge-00000000")],
        )
        .await;
    let answer = visitor.get(&sent.to).await;
    assert!(
        answer.said().contains("this is no longer suggested"),
        "{}",
        answer.said()
    );
    assert_eq!(world.writes(), 0);
    world.end();
}

const OFFER: &str = r#"
[[offer]]
runbook = "write"
label = "Write it down"
with.word = "'red'"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_from_what_was_suggested_is_the_alerts_as_well() {
    let rules =
        "[suggest.waiting]\nlabel = \"What waits?\"\nmatch = ['alertname=\"OrderStuck\"']\nrunbook = \"waiting\"\n";
    let mut world = World::with_rules_and(rules, "", "", &[("waiting", &offering(OFFER))]).await;
    let (there, here) = begin(&world).await;
    let slack = world.slack.take().unwrap();
    slack.person("U1").press(&there, "What waits?").await;
    let run = slack.posted(ALERTS_OF_SLACK).await;
    let told = slack.reply(&there).await;
    assert_eq!(steady(&told.seen()), "dana asked for /waiting: run RUN.");
    let run = slack.until(&run, |now| now.seen().contains("Write it down")).await;
    slack.person("U2").press(&run, "Write it down").await;
    let told = slack.reply(&there).await;
    assert_eq!(steady(&told.seen()), "lee asked for /write word=red: run RUN.");
    let there = slack
        .until(&there, |now| now.seen().contains("lee ran /write: succeeded"))
        .await;
    assert!(
        there.seen().contains("What is done\n• dana ran /waiting: succeeded"),
        "{}",
        there.seen()
    );
    slack.reply(&run).await;
    let second = slack.posted(ALERTS_OF_SLACK).await;
    slack.reply(&second).await;
    for _ in 0..2 {
        world.discord.reply(&here).await;
    }
    let elsewhere = world.discord.posted("9001").await;
    world.discord.reply(&elsewhere).await;
    world.end();
    world.slack = Some(slack);
}
