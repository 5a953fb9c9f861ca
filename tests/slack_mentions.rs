//! Mentions of the bot: a runbook is asked for where slash commands cannot be typed.

use crate::harness::slack::Acked;
use crate::harness::slack_bot::{SlackBot, Transport, steady};
use insta::assert_snapshot;
use serde_json::{Value, json};

async fn kept(bot: &SlackBot) -> f64 {
    bot.metric("signalbox_deliveries_total{outcome=\"kept\"}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_in_a_thread_asks_for_a_run() {
    for transport in [Transport::Http, Transport::Socket] {
        let bot = SlackBot::start(transport).await;
        let parent = bot.slack.chat("U2", "C0OPS", "it hangs", Value::Null);
        let dana = bot.slack.person("U1");
        let ack = dana
            .mentions("C0OPS", Some(&parent), "<@U0BOT> write “it &amp; &lt;b&gt;”")
            .await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{transport:?}");
        // It is answered where it was asked: the run and what belongs to it stand in that thread.
        let message = bot.slack.reply(&parent).await;
        insta::allow_duplicates! {
            assert_snapshot!(steady(&message.seen()).lines().next().unwrap(), @r#"… Waits for approval: write word="it & <b>""#);
        }
        let details = bot.slack.reply(&parent).await;
        assert!(details.seen().contains("Write it"), "{}", details.seen());
        // A word that is wrong there is told there, and a run in a thread is answered by its buttons as any other.
        dana.mentions("C0OPS", Some(&parent), "<@U0BOT> approve").await;
        let usage = bot.slack.whisper("U1").await;
        assert_eq!(usage.thread_ts.as_ref(), Some(&parent.ts));
        bot.slack
            .person("U3")
            .mentions("C0OPS", Some(&parent), "<@U0BOT> write x")
            .await;
        let denied = bot.slack.whisper("U3").await;
        assert_eq!(denied.thread_ts.as_ref(), Some(&parent.ts), "{}", denied.seen());
        bot.slack.person("U2").press(&message, "Deny").await;
        let message = bot.slack.until(&message, |now| now.seen().contains("⊘ Denied")).await;
        assert_eq!(message.thread_ts.as_ref(), Some(&parent.ts));
        // The same words as behind the app's own command; what is wrong is told to the one who wrote.
        dana.mentions("C0OPS", None, "<@U0BOT|signalbox> approve").await;
        let usage = bot.slack.whisper("U1").await.seen();
        assert_eq!(usage, "That is not complete. Type: /signalbox approve RUN");
        dana.mentions("C0OPS", None, "<@U0BOT>").await;
        assert!(bot.slack.whisper("U1").await.seen().contains("write"));
        bot.slack.person("U3").mentions("C0OPS", None, "<@U0BOT> write x").await;
        assert!(
            bot.slack
                .whisper("U3")
                .await
                .seen()
                .contains("No policy lets vic ask for write")
        );
        assert_eq!(bot.slack.complaints(), []);
        assert_eq!(bot.runs().len(), 1);
        bot.end_unread();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_to_us_is_let_be() {
    let bot = SlackBot::start(Transport::Http).await;
    let dana = bot.slack.person("U1");
    let event = |text: &str| dana.mention_event("C0OPS", None, text);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut event = event("<@U0BOT> write x");
        change(&mut event);
        event
    };
    for (what, event) in [
        ("somebody is thanked", event("thanks <@U0BOT>, well done")),
        ("another is spoken to", event("<@U2> write x")),
        ("no text", changed(&|it| it["event"]["text"] = Value::Null)),
        ("a bot", changed(&|it| it["event"]["bot_id"] = "B7".into())),
        ("we ourselves", changed(&|it| it["event"]["user"] = "U0BOT".into())),
        (
            "an edit",
            changed(&|it| it["event"]["edited"] = json!({"user": "U1", "ts": "1.2"})),
        ),
        (
            "a subtype",
            changed(&|it| it["event"]["subtype"] = "bot_message".into()),
        ),
        ("another event", changed(&|it| it["event"]["type"] = "message".into())),
        (
            "a limit",
            json!({"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1}),
        ),
    ] {
        let ack = bot.slack.event("U1", event).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{what}");
    }
    let late = changed(&|it| it["event_time"] = (it["event_time"].as_i64().unwrap() - 3600).into());
    assert_eq!(bot.slack.event("U1", late).await.status, Some(200));
    assert_snapshot!(bot.slack.whisper("U1").await.seen(), @"Your message reached Signalbox 60 minutes late. Nothing was done; ask again.");
    assert_eq!(kept(&bot).await, 0.0);
    let challenge = json!({"type": "url_verification", "token": "legacy", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"});
    let ack = bot.slack.event("U1", challenge).await;
    assert_eq!(ack.body, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    bot.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_again_is_one_run_and_one_that_is_garbled_does_not_come_again() {
    let bot = SlackBot::start(Transport::Http).await;
    let dana = bot.slack.person("U1");
    let event = dana.mention_event("C0OPS", None, "<@U0BOT> write once");
    for _ in 0..3 {
        assert_eq!(bot.slack.event("U1", event.clone()).await.status, Some(200));
    }
    bot.slack.posted("C0OPS").await;
    assert_eq!(bot.runs().len(), 1);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut event = event.clone();
        change(&mut event);
        event
    };
    let foreign = bot.slack.person("U9").mention_event("C0OPS", None, "<@U0BOT> write x");
    let rejected = [
        ("no event", changed(&|it| it["event"] = Value::Null), 400),
        ("no user", changed(&|it| it["event"]["user"] = Value::Null), 400),
        (
            "a user that is none",
            changed(&|it| it["event"]["user"] = "U 1".into()),
            400,
        ),
        ("no channel", changed(&|it| it["event"]["channel"] = Value::Null), 400),
        (
            "a time of another type",
            changed(&|it| it["event_time"] = "now".into()),
            400,
        ),
        ("a list", json!([]), 400),
        ("a foreign user", foreign, 403),
        ("a foreign workspace", changed(&|it| it["team_id"] = "T7".into()), 403),
    ];
    let count = rejected.len() as f64;
    for (what, event, status) in rejected {
        let ack = bot.slack.event("U1", event).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(status), ""), "{what}");
    }
    assert_eq!(
        bot.metric("signalbox_deliveries_total{outcome=\"rejected\"}").await,
        count,
        "each once"
    );
    bot.end_unread();
}

/// Slack sends each event to one connection; should two ever get the same one, it is one run.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_one_run_over_whatever_connections_it_comes() {
    let bot = SlackBot::start(Transport::Socket).await;
    let event = bot
        .slack
        .person("U1")
        .mention_event("C0OPS", None, "<@U0BOT> write once");
    for connection in bot.slack.connections() {
        bot.slack.route(connection);
        assert_eq!(
            bot.slack.envelope("events_api", event.clone(), false).await,
            Acked::Yes(None)
        );
    }
    bot.slack.posted("C0OPS").await;
    assert_eq!(bot.runs().len(), 1);
    bot.end_unread();
}
