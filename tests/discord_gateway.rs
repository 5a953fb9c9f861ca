//! The bot over Discord's gateway, on the simulated one: what is asked is done, whatever becomes of the connection, and
//! a time in which nobody heard is told.

use crate::harness::discord::{Ack, BOT_TOKEN, Closed, Connection, Fault, Route, Scope, Way};
use crate::harness::discord_world::{DANA, LEE, OPS, World, shown};
use crate::harness::served::Served;
use crate::harness::services::{free_port, until};
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::time::Duration;

/// Somebody wants a word written.
async fn writes(world: &World, word: &str) -> Ack {
    let word = json!(word);
    let ack = world.discord.person(DANA).types(OPS, "write", &[("word", word)]).await;
    assert_eq!((ack.status, ack.kind()), (None, 5), "{ack:?}");
    ack
}

/// It is, and everybody sees it.
async fn is_written(world: &World, word: &str) {
    let words = format!("{word} is written.");
    let stands = || {
        let messages = world.discord.messages(OPS);
        messages.iter().any(|message| message.seen().contains(&words))
    };
    until("it is written", stands).await;
}

/// Whoever asked was answered, Discord was not misused, and nothing was promised and left.
async fn ends(world: World) {
    until("all are answered", || world.discord.owed().is_empty()).await;
    world.discord.look_away();
    world.end();
}

async fn told(world: &World, path: &str) -> String {
    let response = reqwest::get(format!("{}{path}", world.url())).await.unwrap();
    response.text().await.unwrap()
}

async fn counted(world: &World, outcome: &str) -> u64 {
    let metrics = told(world, "/metrics").await;
    let name = format!("signalbox_deliveries_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap().parse().unwrap()
}

/// The connection is cut, and no other comes about.
async fn cut_off(world: &World) {
    world.discord.gateway().refuse(true);
    world.discord.gateway().cut();
    world
        .discord
        .gateway()
        .until("the wire to be cut", 5, |all| all[0].closed.is_some())
        .await;
}

fn last(connections: &[Connection]) -> &Connection {
    connections.last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_to_its_end() {
    let world = World::over_gateway().await;
    let connections = world.discord.gateway().up(1).await;
    assert_eq!((connections.len(), connections[0].way), (1, Way::Main));
    let identify = &connections[0].received[0];
    assert_eq!((&identify["op"], &identify["d"]["intents"]), (&json!(2), &json!(0)));
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let message = world.discord.posted(OPS).await;
    assert_eq!(message.labels(), ["Approve", "Deny"]);
    world.presses(LEE, &message, "Approve").await;
    world.until_says(&message, "Order 1042 is charged.").await;
    let offered = world
        .discord
        .person(DANA)
        .types(OPS, "orders", &[("of", json!("CJ"))])
        .await;
    assert_eq!(offered.kind(), 5);
    assert_eq!(world.writes(), 1);
    let calls = world.discord.calls(Route::Callback);
    assert_eq!(calls.len(), 3, "one answer to each");
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_is_followed_by_another() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    writes(&world, "red").await;
    is_written(&world, "red").await;
    for (turn, end) in ["asked", "cut", "closed"].into_iter().enumerate() {
        match end {
            "asked" => world.discord.gateway().ask_to_reconnect(),
            "cut" => world.discord.gateway().cut(),
            _ => world.discord.gateway().close(4000),
        }
        let connections = world.discord.gateway().up(turn + 2).await;
        let now = last(&connections);
        assert_eq!((now.way, &now.received[0]["op"]), (Way::Resume, &json!(6)), "{end}");
    }
    let connections = world.discord.gateway().connections();
    assert_eq!(
        connections[0].closed,
        Some(Closed::ByBot(4000)),
        "it says that it comes back"
    );
    writes(&world, "green").await;
    is_written(&world, "green").await;
    assert!(
        !told(&world, "/readyz").await.contains("discord-gateway"),
        "a moment is nothing to tell"
    );
    assert_eq!((world.writes(), counted(&world, "kept").await), (2, 2));
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_in_a_moment_without_connection_is_done_all_the_same() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    cut_off(&world).await;
    // However long a busy machine takes: to Discord it is a moment.
    world.discord.freeze();
    let (ack, ()) = tokio::join!(writes(&world, "red"), async { world.discord.gateway().refuse(false) });
    assert_eq!(ack.status, None);
    is_written(&world, "red").await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_too_long_before_is_not_kept() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    cut_off(&world).await;
    let person = world.discord.person(DANA);
    let word = [("word", json!("red"))];
    let (ack, ()) = tokio::join!(person.types(OPS, "write", &word), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.discord.advance(Duration::from_secs(4));
        world.discord.gateway().refuse(false);
        world.discord.gateway().up(2).await;
    });
    assert_eq!(ack.kind(), 0);
    world.discord.called(Route::Callback, 1).await;
    let refused = world.discord.take_refused();
    assert_eq!((refused.len(), refused[0].answer["code"].as_u64()), (1, Some(10062)));
    let words = "The application did not respond".to_owned();
    assert_eq!(world.discord.take_complaints(), [(DANA.to_owned(), words)]);
    writes(&world, "green").await;
    is_written(&world, "green").await;
    assert_eq!((world.writes(), counted(&world, "not-kept").await), (1, 1));
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_found_at_once_is_found_later() {
    let mut world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world.kill();
    world.discord.advance(Duration::from_secs(10));
    let scope = Scope::User;
    for fault in [
        Fault::Status(503),
        Fault::RateLimited { seconds: 0.2, scope },
        Fault::Reset,
    ] {
        world.discord.fault(Route::GetGatewayBot, fault);
    }
    world.start().await;
    world.discord.gateway().up_within(2, 30).await;
    assert_eq!(world.discord.calls(Route::GetGatewayBot).len(), 5);
    writes(&world, "red").await;
    is_written(&world, "red").await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_begun_where_there_were_too_many_today() {
    let mut world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world.kill();
    world.discord.advance(Duration::from_secs(10));
    world.discord.gateway().pretend_identifies(999);
    world.start().await;
    world.discord.called(Route::GetGatewayBot, 2).await;
    let patience = tokio::time::timeout(Duration::from_secs(15), async {
        while !told(&world, "/readyz").await.contains("too many today") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    patience.await.expect("nobody is told");
    assert_eq!(
        world.discord.gateway().connections().len(),
        1,
        "a session too many costs the token"
    );
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_time_without_is_told_to_everybody() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world.discord.gateway().refuse(true);
    world.discord.advance(Duration::from_secs(60));
    world.discord.gateway().invalidate(false);
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while !told(&world, "/readyz").await.contains("discord-gateway") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    patience.await.expect("nobody is told");
    let ready = told(&world, "/readyz").await;
    assert!(
        ready.contains("what is typed and pressed does not reach the bot"),
        "{ready}"
    );
    let metrics = told(&world, "/metrics").await;
    assert!(
        metrics.contains("signalbox_platform_up{platform=\"discord-gateway\"} 0"),
        "{metrics}"
    );
    assert!(
        metrics.contains("signalbox_platform_up{platform=\"discord\"} 1"),
        "{metrics}"
    );
    world.discord.gateway().refuse(false);
    let connections = world.discord.gateway().up_within(2, 30).await;
    assert_eq!(
        (last(&connections).way, &last(&connections).received[0]["op"]),
        (Way::Main, &json!(2))
    );
    let notice = world.discord.posted(OPS).await;
    let seen = shown(&notice);
    let words = regex::Regex::new(r"between [\d:]+ and TIME on [\d-]+ \(\d+ s\)").unwrap();
    assert!(
        seen.starts_with("Signalbox did not hear Discord between ") && !seen.contains("<@"),
        "{seen}"
    );
    assert!(words.is_match(&seen) || seen.contains("UTC"), "{seen}");
    let metrics = told(&world, "/metrics").await;
    assert!(
        metrics.contains("signalbox_platform_up{platform=\"discord-gateway\"} 1"),
        "{metrics}"
    );
    writes(&world, "red").await;
    is_written(&world, "red").await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_any_more_is_left() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world
        .discord
        .gateway()
        .set_heartbeat_interval(Duration::from_millis(700));
    world.discord.gateway().ask_to_reconnect();
    let connections = world.discord.gateway().up(2).await;
    let numb = connections.len() - 1;
    world
        .discord
        .gateway()
        .until("a heartbeat", 5, |all| all[numb].first_heartbeat_after.is_some())
        .await;
    world.discord.gateway().set_heartbeat_interval(Duration::from_secs(40));
    world.discord.gateway().go_numb();
    let connections = world.discord.gateway().up(3).await;
    assert!(
        connections[numb].first_heartbeat_after.unwrap() <= Duration::from_millis(1400),
        "{connections:?}"
    );
    assert!(
        !matches!(connections[numb].closed, Some(Closed::ByBot(1000 | 1001))),
        "{:?}",
        connections[numb].closed
    );
    assert_eq!(last(&connections).way, Way::Resume);
    writes(&world, "red").await;
    is_written(&world, "red").await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_done_once() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    let ack = writes(&world, "red").await;
    let payload: Value = serde_json::from_str(&ack.sent.body).unwrap();
    world.discord.gateway().dispatch("INTERACTION_CREATE", payload);
    world.discord.called(Route::Callback, 2).await;
    is_written(&world, "red").await;
    world.discord.gateway().replay_too_much();
    world.discord.gateway().cut();
    world.discord.gateway().up(2).await;
    let calls = world.discord.called(Route::Callback, 4).await;
    let codes: Vec<Option<u64>> = calls.iter().map(|call| call.answer["code"].as_u64()).collect();
    assert_eq!(codes, [None, Some(40060), Some(40060), Some(40060)]);
    assert_eq!(world.discord.take_refused().len(), 3);
    assert_eq!(world.app.store.runs(10).await.unwrap().len(), 1);
    assert_eq!(world.writes(), 1);
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_counted_and_holds_up_nobody() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world
        .discord
        .gateway()
        .dispatch("INTERACTION_CREATE", json!({"id": 5, "type": "x"}));
    world.discord.gateway().dispatch("INTERACTION_CREATE", json!([]));
    world.discord.gateway().dispatch("SOMETHING_NEW", json!({"a": 1}));
    world
        .discord
        .gateway()
        .send_raw(r#"{"op":0,"t":"INTERACTION_CREATE","s":9,"d":{"id":"7","token":}}"#);
    world.discord.gateway().send_raw("not a payload");
    writes(&world, "red").await;
    is_written(&world, "red").await;
    assert_eq!(counted(&world, "rejected").await, 4);
    assert_eq!(world.discord.gateway().connections().len(), 1, "the connection stays");
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_discord_does_not_want_says_so_and_does_not_insist() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world.discord.revoke_token();
    world.discord.gateway().close(4004);
    let patience = tokio::time::timeout(Duration::from_secs(10), async {
        while !told(&world, "/readyz").await.contains("discord-gateway") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    patience.await.expect("nobody is told");
    let ready = told(&world, "/readyz").await;
    assert!(
        ready.contains("it does not accept the bot token; check `bot_token` in [discord]"),
        "{ready}"
    );
    let tried = (
        world.discord.gateway().connections().len(),
        world.discord.calls(Route::GetGatewayBot).len(),
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let now = (
        world.discord.gateway().connections().len(),
        world.discord.calls(Route::GetGatewayBot).len(),
    );
    assert_eq!((tried, now), ((1, 1), (1, 1)));
    world.discord.restore_token();
    world.discord.take_refused();
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_hears_and_the_other_takes_over() {
    let mut world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    let other = world.launch().await;
    writes(&world, "red").await;
    is_written(&world, "red").await;
    assert_eq!(world.discord.gateway().connections().len(), 1, "one process hears");
    world.discord.advance(Duration::from_secs(10));
    world.kill();
    world.discord.gateway().up(2).await;
    until("the other one leads", || other.station.leads()).await;
    writes(&world, "green").await;
    is_written(&world, "green").await;
    world.discord.advance(Duration::from_secs(10));
    let third = world.launch().await;
    other.end().await;
    let connections = world.discord.gateway().up(3).await;
    assert_eq!(connections[1].closed, Some(Closed::ByBot(1000)), "it says goodbye");
    until("the third one leads", || third.station.leads()).await;
    writes(&world, "red").await;
    until("all three are written", || world.writes() == 3).await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_itself_hears_the_gateway_and_says_goodbye() {
    let mut world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    world.kill();
    world.discord.advance(Duration::from_secs(10));
    let port = free_port();
    let path = world.folder().join("signalbox.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        config.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\"")),
    )
    .unwrap();
    // More is said than in production, so more could leak.
    let environment = [("SIGNALBOX_LOG", "debug".to_owned())];
    let mut served = Served::start_in(&path, port, &environment, &[]).await;
    world.discord.gateway().up_within(2, 30).await;
    writes(&world, "red").await;
    is_written(&world, "red").await;
    until("all are answered", || world.discord.owed().is_empty()).await;
    assert!(served.end().await.success());
    let connections = world.discord.gateway().connections();
    assert_eq!(last(&connections).closed, Some(Closed::ByBot(1000)), "{}", served.log());
    let troubles = world.app.store.platform_troubles().await.unwrap();
    let say = troubles.iter().map(|trouble| trouble.say.as_str()).collect::<Vec<_>>();
    assert_eq!(
        say,
        ["what is typed and pressed does not reach the bot: it was stopped"]
    );
    let log = served.log();
    for secret in [BOT_TOKEN, "interaction-token-"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_slow_holds_up_nobody_else() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    let url = format!("sqlite:{}", world.folder().join("bot.db").display());
    let mut lock = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let completes = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let offered = world
            .discord
            .person(LEE)
            .completes(OPS, "orders", &[], ("of", "C"))
            .await;
        let choices = offered.choices();
        sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
        (offered.took, choices)
    };
    let (ack, (took, choices)) = tokio::join!(writes(&world, "red"), completes);
    assert!(ack.took > took, "{:?} and {took:?}", ack.took);
    assert_eq!(choices[0].0, "CJ");
    is_written(&world, "red").await;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_said_and_not_done() {
    let world = World::over_gateway().await;
    world.discord.gateway().up(1).await;
    let url = format!("sqlite:{}", world.folder().join("bot.db").display());
    let mut lock = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let ack = world
        .discord
        .person(DANA)
        .types(OPS, "write", &[("word", json!("red"))])
        .await;
    assert!(ack.took < Duration::from_secs(3), "{:?}", ack.took);
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    let said = world.discord.whisper(DANA).await.seen();
    assert!(
        said.contains("cannot write to its own database and has not kept this"),
        "{said}"
    );
    assert_eq!(counted(&world, "not-kept").await, 1);
    writes(&world, "green").await;
    is_written(&world, "green").await;
    assert_eq!(world.app.store.runs(9).await.unwrap().len(), 1);
    ends(world).await;
}
