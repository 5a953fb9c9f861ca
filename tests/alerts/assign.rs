//! An alert is given to somebody else, and an old copy of its message decides nothing.

use crate::harness::alertmanager::{alert, notification, notify};
use crate::harness::discord::Message;
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, DANA, LEE, World, steady};
use crate::harness::slack;
use crate::harness::visitor::Visitor;
use serde_json::Value;
use signalbox::alert::notification::Notification;
use std::time::Duration;

const MORE: &str = "[person.max]\ndiscord = [\"104\"]\ngroups = [\"ops\"]\n[person.vic]\nslack = [\"T1/U3\"]\ngroups = \
                    [\"viewers\"]\n";

fn failing(firing: bool) -> Value {
    let mut failing = alert("SupplierFails", &[("supplier", "CJ")], firing);
    failing["generatorURL"] = "".into();
    failing
}

async fn begin(world: &World) -> (slack::Message, Message) {
    notify(world.url(), &notification("SupplierFails", &[failing(true)])).await;
    let there = world.slack.as_ref().unwrap().posted(ALERTS_OF_SLACK).await;
    (there, world.discord.posted(ALERTS).await)
}

async fn group_of(world: &World) -> String {
    world.app.store.alert_lines(1).await.unwrap()[0].id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_chosen_on_each_platform_and_called_once() {
    let world = World::with_rules("", "", MORE).await;
    let (there, here) = begin(&world).await;
    let slack = world.slack.as_ref().unwrap();
    slack.person("U1").press(&there, "Assign…").await;
    let choice = slack.whisper("U1").await;
    insta::assert_snapshot!(steady(&choice.seen()), @"
    Choose
    Who is to take it on? They are called once.
    Choose
    dana
    lee
    max
    Asked by dana
    ");
    // Vic may not take alerts on, and is not offered.
    slack.person("U1").choose(&choice, "lee").await;
    let told = slack.whisper("U1").await;
    assert!(
        told.seen().contains("It is lee's; its message says so."),
        "{}",
        told.seen()
    );
    let there = slack
        .until(&there, |now| now.seen().contains("dana has given it to lee, at"))
        .await;
    let called = slack.reply(&there).await;
    assert_eq!(called.pings, ["@U2"]);
    assert!(called.seen().contains("dana has given it to lee."), "{}", called.seen());
    // Once: on the other platform it is told and calls nobody.
    let here = world.until_says(&here, "dana has given it to lee, at").await;
    let told = world.discord.reply(&here).await;
    assert!(told.seen().contains("dana has given it to lee."), "{}", told.seen());
    assert!(told.pings.is_empty(), "{:?}", told.pings);

    // Max is on Discord alone: there they are called, wherever it was chosen.
    world.presses(LEE, &here, "Assign…").await;
    let choice = world.discord.whisper(LEE).await;
    let ack = world
        .discord
        .person(LEE)
        .selects(&choice, "Choose", &["assign.max"])
        .await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 6));
    let told = world.discord.whisper(LEE).await;
    assert!(
        told.seen().contains("It is max's; its message says so."),
        "{}",
        told.seen()
    );
    let here = world.until_says(&here, "lee has given it to max, at").await;
    let called = world.discord.reply(&here).await;
    assert_eq!(called.pings, ["@104"], "{}", called.seen());
    slack
        .until(&there, |now| now.seen().contains("lee has given it to max, at"))
        .await;
    assert!(slack.reply(&there).await.pings.is_empty());

    // And in the console.
    let visitor = Visitor::pick(world.url(), "lee").await;
    let to = visitor.get("/alerts").await.attribute("ul.runs a", "href").unwrap();
    assert!(visitor.get(&to).await.said().contains("lee has given it to max, at"));
    let press = format!("{to}/press");
    let sent = visitor.post(&press, "n1", &[("press", "alert assign")]).await;
    let choice = visitor.get(&sent.to).await;
    let ways = choice.texts("div.buttons button");
    assert_eq!(ways, ["dana", "lee"]);
    for (nonce, person, says) in [
        ("n2", "dana", "It is dana's; its message says so."),
        ("n3", "dana", "It is dana's already."),
        (
            "n4",
            "nobody",
            "Nothing was done: there is no person nobody in people.toml.",
        ),
        (
            "n5",
            "vic",
            "Nothing was done: vic may not take alerts on. No policy lets vic ask for alerts.",
        ),
    ] {
        let sent = visitor
            .post(&press, nonce, &[("press", &format!("alert assign.{person}"))])
            .await;
        let answer = visitor.get(&sent.to).await;
        assert!(answer.said().contains(says), "{person}: {}", answer.said());
    }
    // Who may only look may give it to nobody.
    let onlooker = Visitor::pick(world.url(), "vic").await;
    let sent = onlooker.post(&press, "n6", &[("press", "alert assign.vic")]).await;
    let answer = onlooker.get(&sent.to).await;
    assert!(answer.said().contains("There is no alert"), "{}", answer.said());
    slack.look_away();
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_an_alerts_message_decides_nothing() {
    let world = World::with_rules("", "", "").await;
    let (there, here) = begin(&world).await;
    let slack = world.slack.as_ref().unwrap();
    let group = group_of(&world).await;
    // The bot takes both for lost, as soon as it knows where they are, and posts them once more.
    let sent = async {
        while world.app.store.unsent_messages().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), sent).await.unwrap();
    let now = jiff::Timestamp::now();
    for channel in [ALERTS_OF_SLACK, ALERTS] {
        world
            .app
            .store
            .forget_remote(&format!("{group}:alert:{channel}"), now)
            .await
            .unwrap();
    }
    let there_anew = slack.posted(ALERTS_OF_SLACK).await;
    let here_anew = world.discord.posted(ALERTS).await;
    let says = "Nothing was done: this is an old copy of the alert's message, and nobody keeps it up to date. Use the buttons \
                of the newer one in this channel.";
    for button in ["Acknowledge", "Take it on", "Assign…", "Show me", "What changed"] {
        slack.person("U1").press(&there, button).await;
        let told = slack.whisper("U1").await;
        assert!(told.seen().contains(says), "{button}: {}", told.seen());
        world.presses(DANA, &here, button).await;
        let told = world.discord.whisper(DANA).await;
        assert!(told.seen().contains("this is an old copy"), "{button}: {}", told.seen());
    }
    let kept = world.app.store.alert_group(&group).await.unwrap().unwrap();
    assert_eq!((kept.acknowledged, kept.taken, kept.changes), (None, None, 1));
    // The newer one works.
    slack.person("U1").press(&there_anew, "Acknowledge").await;
    world.until_says(&here_anew, "dana has acknowledged it").await;
    slack.look_away();
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_and_goes_on_in_a_new_message_says_where() {
    let world = World::with_rules("", "", "").await;
    let slack = world.slack.as_ref().unwrap();
    // Ten minutes ago it fired for a minute.
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10);
    let (places, rules) = (world.app.config.alert_places(), world.app.rules.now());
    let keep = async |firing, at| {
        let body = notification("SupplierFails", &[failing(firing)]).to_string();
        let these = [Notification::read(body.as_bytes()).unwrap()];
        let store = &world.app.store;
        assert!(
            store
                .keep_notifications(&these, &places, &*rules, at, || true)
                .await
                .unwrap()
        );
    };
    keep(true, past).await;
    let there = slack.posted(ALERTS_OF_SLACK).await;
    let before = world.discord.posted(ALERTS).await;
    let older = group_of(&world).await;
    keep(false, past + jiff::SignedDuration::from_mins(1)).await;
    slack.until(&there, |now| now.seen().contains("✓ Resolved")).await;
    notify(world.url(), &notification("SupplierFails", &[failing(true)])).await;
    slack.posted(ALERTS_OF_SLACK).await;
    world.discord.posted(ALERTS).await;
    let newer = group_of(&world).await;
    assert_ne!(newer, older);

    // A client that was asleep still shows the buttons.
    for button in ["Acknowledge", "Take it on", "Assign…", "Show me"] {
        let ack = world.discord.person(DANA).presses_as_it_was(&before, button).await;
        assert_eq!((ack.status, ack.kind()), (Some(200), 6));
        let told = world.discord.whisper(DANA).await;
        let seen = steady(&told.seen()).replace(&newer, "NEWER");
        assert!(
            seen.contains(
                "Nothing was done: this alert has ended. It fired again at TIME: see in this channel, in a message of its own, \
                 and in the console at /alerts/NEWER."
            ),
            "{button}: {seen}"
        );
    }
    // What happened around it can still be asked for.
    slack.person("U1").press(&there, "What changed").await;
    let told = slack.whisper("U1").await;
    assert!(told.seen().contains("Nothing ran here"), "{}", told.seen());
    let visitor = Visitor::pick(world.url(), "dana").await;
    let press = format!("/alerts/{older}/press");
    let sent = visitor.post(&press, "n1", &[("press", "alert assign.lee")]).await;
    let answer = visitor.get(&sent.to).await.said();
    assert!(
        answer.contains(&format!("see in the console at /alerts/{newer}.")),
        "{answer}"
    );
    let kept = world.app.store.alert_group(&older).await.unwrap().unwrap();
    assert_eq!((kept.acknowledged, kept.taken), (None, None));
    slack.look_away();
    world.discord.look_away();
    world.end();
}
