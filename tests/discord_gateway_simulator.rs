//! Whether the simulated gateway keeps to Discord's rules: with a bare client for each rule, and with serenity's.

use crate::discord_simulator::commands::HERE;
use crate::discord_simulator::{done, get};
use crate::harness::discord::{BOT_TOKEN, Closed, Discord, Way};
use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use serenity::all as theirs;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

/// A client that says what it is told to say.
struct Bare {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Bare {
    /// Connected, before the greeting.
    async fn connect(url: &str, query: &str) -> Self {
        let uri = format!("{url}/?{query}");
        let (socket, _) = ClientBuilder::new().uri(&uri).unwrap().connect().await.unwrap();
        Self { socket }
    }

    /// Greeted.
    async fn open(discord: &Discord) -> Self {
        let (_, told) = get(discord, "gateway").await;
        Self::at(told["url"].as_str().unwrap()).await
    }

    async fn at(url: &str) -> Self {
        let mut bare = Self::connect(url, "v=10&encoding=json").await;
        let hello = bare.next().await.unwrap();
        assert_eq!(hello["op"], 10, "{hello}");
        bare
    }

    /// With a session, whose id and address for later it gives too.
    async fn identified(discord: &Discord) -> (Self, String, String) {
        let mut bare = Self::open(discord).await;
        bare.send(identify()).await;
        let ready = bare.next().await.unwrap();
        assert_eq!(ready["t"], "READY", "{ready}");
        let text = |field: &str| ready["d"][field].as_str().unwrap().to_owned();
        (bare, text("session_id"), text("resume_gateway_url"))
    }

    async fn send(&mut self, payload: Value) {
        self.send_text(payload.to_string()).await;
    }

    async fn send_text(&mut self, text: String) {
        // What is closed already says why when it is read.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// The next payload, or the code of the end.
    async fn next(&mut self) -> Result<Value, u16> {
        match tokio::time::timeout(Duration::from_secs(5), self.socket.next())
            .await
            .expect("nothing came")
        {
            Some(Ok(message)) => match message.as_close() {
                Some((code, _)) => Err(code.into()),
                None => Ok(serde_json::from_str(message.as_text().unwrap()).unwrap()),
            },
            _ => Err(0),
        }
    }
}

fn identify() -> Value {
    json!({"op": 2, "d": {
        "token": BOT_TOKEN, "intents": 0, "properties": {"os": "linux", "browser": "bare", "device": "bare"}}})
}

fn identify_with(field: &str, value: Value) -> Value {
    let mut identify = identify();
    identify["d"][field] = value;
    identify
}

fn resume(session: &str, sequence: u64) -> Value {
    json!({"op": 6, "d": {"token": format!("Bot {BOT_TOKEN}"), "session_id": session, "seq": sequence}})
}

#[tokio::test]
async fn what_is_wrong_is_closed_with_its_code() {
    let discord = Discord::start().await;
    let cases = [
        (json!({"op": 99}), 4001),
        (json!({"op": "x"}), 4001),
        (json!({"op": 3, "d": {}}), 4003),
        (identify_with("token", json!("other")), 4004),
        (identify_with("properties", json!({"os": "linux"})), 4002),
        (identify_with("shard", json!([1, 1])), 4010),
        (identify_with("intents", Value::Null), 4013),
        (identify_with("intents", json!(1u64 << 40)), 4013),
        (identify_with("intents", json!(1 << 1)), 4014),
        (identify_with("intents", json!(1 << 15)), 4014),
        (json!({"op": 1, "d": "x"}), 4002),
        (
            json!({"op": 6, "d": {"token": "other", "session_id": "s", "seq": 0}}),
            4004,
        ),
    ];
    for (payload, code) in cases {
        let mut bare = Bare::open(&discord).await;
        bare.send(payload.clone()).await;
        assert_eq!(bare.next().await, Err(code), "{payload}");
    }
    for text in [
        "{".to_owned(),
        format!("{{\"op\": 1, \"d\": null, \"x\": \"{}\"}}", "x".repeat(4096)),
    ] {
        let mut bare = Bare::open(&discord).await;
        bare.send_text(text.clone()).await;
        assert_eq!(bare.next().await, Err(4002), "{} bytes", text.len());
    }
    let (_, told) = get(&discord, "gateway").await;
    let url = told["url"].as_str().unwrap();
    assert_eq!(Bare::connect(url, "v=5&encoding=json").await.next().await, Err(4012));
    assert_eq!(
        Bare::connect(url, "v=10&encoding=json&compress=zstd-stream")
            .await
            .next()
            .await,
        Err(4002)
    );
    let (mut known, ..) = Bare::identified(&discord).await;
    known.send(identify()).await;
    assert_eq!(known.next().await, Err(4005));
}

#[tokio::test]
async fn more_than_120_payloads_a_minute_are_too_many() {
    let discord = Discord::start().await;
    discord.freeze();
    let (mut bare, ..) = Bare::identified(&discord).await;
    for _ in 0..119 {
        bare.send(json!({"op": 1, "d": 1})).await;
        assert_eq!(bare.next().await.unwrap()["op"], 11);
    }
    bare.send(json!({"op": 1, "d": 1})).await;
    assert_eq!(bare.next().await, Err(4008));
}

#[tokio::test]
async fn sessions_are_begun_one_in_five_seconds_and_a_thousand_a_day() {
    let discord = Discord::start().await;
    discord.freeze();
    discord.advance(Duration::from_secs(60));
    let (_first, ..) = Bare::identified(&discord).await;
    let mut soon = Bare::open(&discord).await;
    soon.send(identify()).await;
    assert_eq!(
        soon.next().await.unwrap(),
        json!({"op": 9, "d": false, "s": null, "t": null})
    );
    discord.advance(Duration::from_secs(5));
    let (_second, ..) = Bare::identified(&discord).await;
    let (_, told) = get(&discord, "gateway/bot").await;
    let limit = &told["session_start_limit"];
    assert_eq!(
        (&limit["total"], &limit["remaining"], &limit["max_concurrency"]),
        (&json!(1000), &json!(998), &json!(1))
    );
    assert_eq!(limit["reset_after"], json!((24 * 3600 - 5) * 1000));
    discord.gateway().pretend_identifies(998);
    discord.advance(Duration::from_secs(5));
    let mut last = Bare::open(&discord).await;
    last.send(identify()).await;
    assert_eq!(last.next().await, Err(4004), "the token is taken away");
    assert_eq!(get(&discord, "users/@me").await.0, 401);
}

#[tokio::test]
async fn a_session_is_taken_up_where_it_was_left() {
    let discord = Discord::start().await;
    let (mut bare, session, elsewhere) = Bare::identified(&discord).await;
    discord.gateway().dispatch("ONE", json!(1));
    assert_eq!(bare.next().await.unwrap()["t"], "ONE");
    drop(bare);
    discord
        .gateway()
        .until("the wire to be cut", 5, |all| all[0].closed == Some(Closed::ByBot(0)))
        .await;
    discord.gateway().dispatch("TWO", json!(2));
    let mut again = Bare::at(&elsewhere).await;
    again.send(resume(&session, 2)).await;
    let two = again.next().await.unwrap();
    assert_eq!((&two["t"], &two["s"]), (&json!("TWO"), &json!(3)));
    assert_eq!(again.next().await.unwrap()["t"], "RESUMED");
    assert_eq!(discord.gateway().connections()[1].way, Way::Resume);
    let mut second = Bare::at(&elsewhere).await;
    second.send(resume(&session, 99)).await;
    assert_eq!(second.next().await, Err(4007));
    discord.gateway().replay_too_much();
    let mut third = Bare::at(&elsewhere).await;
    third.send(resume(&session, 3)).await;
    let events = [third.next().await, third.next().await, third.next().await];
    let names = events.map(|event| event.unwrap()["t"].as_str().unwrap().to_owned());
    assert_eq!(names, ["ONE", "TWO", "RESUMED"]);
    assert_eq!(again.next().await, Err(0), "a session has one connection");
}

#[tokio::test]
async fn a_session_that_is_over_is_not_taken_up() {
    let discord = Discord::start().await;
    discord.freeze();
    discord.advance(Duration::from_secs(60));
    for end in ["goodbye", "forgotten", "late"] {
        let (mut bare, session, elsewhere) = Bare::identified(&discord).await;
        match end {
            "goodbye" => bare
                .socket
                .send(Message::close(Some(1000.try_into().unwrap()), ""))
                .await
                .unwrap(),
            "forgotten" => discord.gateway().forget_sessions(),
            _ => {}
        }
        drop(bare);
        let is_gone = |all: &[_]| {
            all.iter()
                .all(|one: &crate::harness::discord::Connection| one.closed.is_some())
        };
        discord.gateway().until("the wire to be cut", 5, is_gone).await;
        discord.advance(Duration::from_secs(181));
        let mut again = Bare::at(&elsewhere).await;
        again.send(resume(&session, 1)).await;
        assert_eq!(
            again.next().await.unwrap(),
            json!({"op": 9, "d": false, "s": null, "t": null}),
            "{end}"
        );
    }
}

#[tokio::test]
async fn who_is_silent_is_cut_off() {
    let discord = Discord::start().await;
    discord.gateway().set_heartbeat_interval(Duration::from_millis(100));
    let (mut bare, ..) = Bare::identified(&discord).await;
    bare.send(json!({"op": 1, "d": null})).await;
    assert_eq!(bare.next().await.unwrap()["op"], 11);
    assert_eq!(bare.next().await, Err(4009));
    let seen = discord.gateway().connections().remove(0);
    assert!(
        seen.first_heartbeat_after.is_some() && seen.received.len() == 2,
        "{seen:?}"
    );
    assert_eq!(seen.query, "v=10&encoding=json");
}

#[tokio::test]
async fn a_numb_connection_stays_open_and_says_nothing() {
    let discord = Discord::start().await;
    let (mut bare, ..) = Bare::identified(&discord).await;
    discord.gateway().go_numb();
    discord.gateway().dispatch("ONE", json!(1));
    bare.send(json!({"op": 1, "d": null})).await;
    discord
        .gateway()
        .until("a heartbeat", 5, |all| all[0].first_heartbeat_after.is_some())
        .await;
    let silence = tokio::time::timeout(Duration::from_millis(50), bare.socket.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    discord.gateway().refuse(true);
    let (_, told) = get(&discord, "gateway").await;
    let refused = ClientBuilder::new()
        .uri(told["url"].as_str().unwrap())
        .unwrap()
        .connect()
        .await;
    assert!(refused.is_err());
}

/// serenity's client, answering whatever is typed.
struct Answering(mpsc::UnboundedSender<&'static str>);

#[theirs::async_trait]
impl theirs::EventHandler for Answering {
    async fn ready(&self, _: theirs::Context, _: theirs::Ready) {
        self.0.send("ready").unwrap();
    }

    async fn resume(&self, _: theirs::Context, _: theirs::ResumedEvent) {
        self.0.send("resumed").unwrap();
    }

    async fn interaction_create(&self, context: theirs::Context, told: theirs::Interaction) {
        let typed = told.command().unwrap();
        typed.defer(&context.http).await.unwrap();
        let words = theirs::EditInteractionResponse::new().content("done");
        typed.edit_response(&context.http, words).await.unwrap();
    }
}

#[tokio::test]
async fn serenity_comes_back_whatever_happens_to_it() {
    let discord = Discord::start().await;
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    let http = theirs::HttpBuilder::new(BOT_TOKEN)
        .proxy(discord.address())
        .ratelimiter_disabled(true)
        .application_id(theirs::ApplicationId::new(800))
        .build();
    let (told, mut events) = mpsc::unbounded_channel();
    let client = theirs::ClientBuilder::new_with_http(http, theirs::GatewayIntents::empty());
    let mut client = client.event_handler(Answering(told)).await.unwrap();
    let shards = Arc::clone(&client.shard_manager);
    let running = tokio::spawn(async move { client.start().await });
    assert_eq!(events.recv().await, Some("ready"));
    let types = async |discord: &Discord| {
        assert_eq!(discord.person("101").types("9001", "/do", &[]).await.kind(), 5);
        let message = discord.posted("9001").await;
        assert_eq!((message.seen().as_str(), message.edits.len()), ("done", 0));
    };
    types(&discord).await;
    discord.gateway().ask_to_reconnect();
    assert_eq!(events.recv().await, Some("resumed"));
    types(&discord).await;
    discord.gateway().cut();
    assert_eq!(events.recv().await, Some("resumed"));
    discord.gateway().close(4000);
    assert_eq!(events.recv().await, Some("resumed"));
    discord.gateway().ask_for_heartbeat();
    let beats = |all: &[crate::harness::discord::Connection]| {
        all.last()
            .unwrap()
            .received
            .iter()
            .filter(|payload| payload["op"] == 1)
            .count()
            >= 1
    };
    discord
        .gateway()
        .until("a heartbeat that was asked for", 5, beats)
        .await;
    types(&discord).await;
    discord.advance(Duration::from_secs(10));
    discord.gateway().invalidate(false);
    assert_eq!(events.recv().await, Some("ready"), "a new session");
    types(&discord).await;
    shards.shutdown_all().await;
    running.await.unwrap().unwrap();
    discord.check();
}

#[tokio::test]
async fn what_is_typed_with_no_bot_there_is_complained_about() {
    let discord = Discord::start().await;
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    let (mut bare, ..) = Bare::identified(&discord).await;
    let ack = discord.person("101").types("9001", "/do", &[]).await;
    assert_eq!((ack.status, ack.kind()), (None, 0));
    let told = bare.next().await.unwrap();
    assert_eq!(
        (&told["t"], &told["d"]["id"]),
        (&json!("INTERACTION_CREATE"), &json!(ack.id))
    );
    let words = "The application did not respond".to_owned();
    assert_eq!(discord.take_complaints(), [("101".to_owned(), words)]);
}
