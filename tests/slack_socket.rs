//! Slack over the bot's own connections: the real program, and its client of Socket Mode by itself where time is too long.

mod client;

use crate::harness::services::until;
use crate::harness::slack::Acked;
use crate::harness::slack_bot::{SlackBot, Transport, steady};
use insta::assert_snapshot;
use serde_json::{Value, json};

/// A slash command, as an envelope has it.
fn command(bot: &SlackBot, user: &str, text: &str) -> Value {
    let body = bot.slack.person(user).command_body("C0OPS", "/write", text);
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let fields = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    Value::Object(fields.collect())
}

async fn rejected(bot: &SlackBot) -> f64 {
    bot.metric("signalbox_deliveries_total{outcome=\"rejected\"}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_goes_over_the_socket_and_needs_no_address() {
    let bot = SlackBot::start(Transport::Socket).await;
    let ack = bot.slack.person("U1").command("C0OPS", "/write", "signal").await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    let message = bot.slack.posted("C0OPS").await;
    assert_snapshot!(steady(&message.seen()).lines().next().unwrap(), @"… Waits for approval: write word=signal");
    let ack = bot.slack.person("U2").press(&message, "Deny").await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    bot.slack
        .until(&message, |now| now.seen().contains("lee said no"))
        .await;
    // What is wrong with a line is told in the acknowledgement.
    bot.slack.person("U1").command("C0OPS", "/signalbox", "approve").await;
    assert_snapshot!(bot.slack.whisper("U1").await.seen(), @"That is not complete. Type: /signalbox approve RUN");
    for address in ["/slack/commands", "/slack/interactivity", "/slack/events"] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client
            .post(format!("{}{address}", bot.served.url))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{address} is closed");
    }
    assert_eq!(bot.metric("signalbox_slack_connections").await, 2.0);
    assert_eq!(bot.slack.complaints(), []);
    assert_eq!(bot.runs().len(), 1);
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_envelope_twice_is_one_run_also_when_it_comes_over_the_other_connection() {
    let bot = SlackBot::start(Transport::Socket).await;
    let payload = command(&bot, "U1", "once");
    for connection in bot.slack.connections() {
        bot.slack.route(connection);
        for _ in 0..2 {
            let acked = bot.slack.envelope("slash_commands", payload.clone(), true).await;
            assert_eq!(acked, Acked::Yes(None));
        }
    }
    bot.slack.posted("C0OPS").await;
    assert_eq!(bot.runs().len(), 1);
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_slack_renews_the_connections() {
    let bot = SlackBot::start(Transport::Socket).await;
    let first = bot.slack.connections();
    for connection in &first {
        bot.slack.disconnect(*connection, "warning");
        let open = bot.slack.until_connections(|open| open.len() == 3).await;
        // The old one brings deliveries to the end, and the new one has begun.
        for route in [*connection, *open.last().unwrap()] {
            bot.slack.route(route);
            let acked = bot
                .slack
                .envelope("slash_commands", command(&bot, "U1", "word"), true)
                .await;
            assert_eq!(acked, Acked::Yes(None));
        }
        bot.slack.disconnect(*connection, "refresh_requested");
        bot.slack.close_connection(*connection);
        bot.slack.until_connections(|open| open.len() == 2).await;
    }
    assert!(bot.slack.connections().iter().all(|open| !first.contains(open)));
    assert_eq!(bot.slack.complaints(), []);
    assert_eq!(
        bot.slack.calls("apps.connections.open").len(),
        4,
        "none more than needed"
    );
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_covered_by_the_other_and_opened_again() {
    let bot = SlackBot::start(Transport::Socket).await;
    let first = bot.slack.connections();
    bot.slack.drop_connection(first[0]);
    let acked = bot
        .slack
        .envelope("slash_commands", command(&bot, "U1", "word"), true)
        .await;
    assert_ne!(acked, Acked::Nowhere);
    let open = bot
        .slack
        .until_connections(|open| open.len() == 2 && !open.contains(&first[0]))
        .await;
    assert!(open.contains(&first[1]));
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_and_harms_nothing() {
    let bot = SlackBot::start(Transport::Socket).await;
    let connection = bot.slack.connections()[0];
    bot.slack.route(connection);
    for frame in ["", "nonsense", "[]", "{\"type\":\"interactive\"}"] {
        bot.slack.say(connection, frame);
    }
    let mut count = 4.0;
    let mut wrong = async |kind: &str, payload: Value, accepts: bool| {
        let answer = bot.slack.envelope(kind, payload, accepts).await;
        count += 1.0;
        let Acked::Yes(answer) = answer else {
            panic!("{kind} was not acknowledged")
        };
        answer.map(|answer| answer.to_string())
    };
    assert_eq!(wrong("tomorrow", json!({}), true).await, None);
    assert_snapshot!(
        wrong("slash_commands", json!({"command": "/write"}), true).await.unwrap(),
        @r#"{"response_type":"ephemeral","text":"Signalbox could not make sense of what Slack sent of this. Nothing was done; its log says why."}"#
    );
    assert_eq!(wrong("slash_commands", json!(null), false).await, None);
    assert_snapshot!(
        wrong("slash_commands", command(&bot, "U9", "word"), true).await.unwrap(),
        @r#"{"response_type":"ephemeral","text":"Signalbox takes nothing from your workspace. Nothing was done."}"#
    );
    let form = json!({"type": "view_submission", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"},
        "view": {"id": "V1", "callback_id": "signalbox:run", "blocks": [{"type": "input", "block_id": "input:word"}]}});
    assert_snapshot!(
        wrong("interactive", form, true).await.unwrap(),
        @r#"{"response_action":"errors","errors":{"input:word":"Signalbox could not make sense of what Slack sent of this. Nothing was done; its log says why."}}"#
    );
    let press = json!({"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "actions": [],
        "response_url": bot.slack.response_url("C0OPS", "U1")});
    assert_eq!(wrong("interactive", press, false).await, None);
    assert!(bot.slack.whisper("U1").await.seen().contains("could not make sense"));
    assert_eq!(
        wrong(
            "events_api",
            json!({"type": "event_callback", "event": {"type": "app_mention"}}),
            false
        )
        .await,
        None
    );
    assert_eq!(rejected(&bot).await, count);
    assert_eq!(bot.runs(), Vec::<Value>::new());
    // It still listens.
    let acked = bot
        .slack
        .envelope("slash_commands", command(&bot, "U1", "word"), true)
        .await;
    assert_eq!(acked, Acked::Yes(None));
    assert_eq!(bot.slack.connections().len(), 2);
    bot.end_unread();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switched_off_socket_is_told_where_it_is_looked_for() {
    let bot = SlackBot::start(Transport::Socket).await;
    bot.slack.disable_socket_mode(true);
    bot.slack.until_connections(<[u64]>::is_empty).await;
    until("the metric tells", || {
        let metrics = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(bot.get("/metrics")));
        metrics.contains("signalbox_slack_connections 0")
    })
    .await;
    until("/readyz tells", || {
        let ready = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(bot.get("/readyz")));
        ready.starts_with("ready") && ready.contains("no connection brings Slack's deliveries")
    })
    .await;
    assert_snapshot!(steady(&bot.get("/readyz").await), @r#"
    ready
    - since TIME on DAY: no connection brings Slack's deliveries: Slack says that Socket Mode is switched off for this app: switch it on under *Socket Mode* at api.slack.com/apps, or set `transport = "http"` in [slack]; what is typed there is not heard
    "#);
    let log = bot.served.log();
    assert!(log.contains("switch it on under *Socket Mode*"), "{log}");
    let tries = bot.slack.calls("apps.connections.open").len();
    assert!(tries <= 4, "tried {tries} times");
    bot.end();
}

/// The database cannot be written to.
#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_acknowledged_only_when_it_is_kept() {
    let bot = SlackBot::start(Transport::Socket).await;
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(bot.path("bot.db"));
    let mut connection = {
        use sqlx::ConnectOptions;
        database.connect().await.unwrap()
    };
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    let answer = bot
        .slack
        .envelope("slash_commands", command(&bot, "U1", "word"), true)
        .await;
    let Acked::Yes(Some(answer)) = answer else {
        panic!("{answer:?}")
    };
    assert!(
        answer["text"].as_str().unwrap().contains("has not kept this"),
        "{answer}"
    );
    // An event is sent again until it is taken.
    let mention = bot
        .slack
        .person("U1")
        .mention_event("C0OPS", None, "<@U0BOT> write again");
    let told = bot.slack.event("U1", mention);
    let freed = async {
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    };
    let (ack, ()) = tokio::join!(told, freed);
    assert_eq!(ack.status, Some(200));
    let mut posted = Vec::new();
    while !posted.iter().any(|seen: &String| seen.contains("write word=again")) {
        posted.push(bot.slack.posted_within("C0OPS", 20).await.seen());
    }
    // What was told not to be kept is not.
    assert_eq!(bot.runs().len(), 1, "{posted:?}");
    bot.end_unread();
}
