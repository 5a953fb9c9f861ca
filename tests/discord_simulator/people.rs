//! What people can do, what they see, and how it reaches the bot.

use super::commands::HERE;
use super::stub::StubBot;
use super::{IN_OPS, button, done, row, with, with_buttons};
use crate::harness::discord::{Discord, Oddity, Sent};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use futures::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

const EVERYWHERE: &str = "applications/800/commands";

/// A form for what is typed and pressed, and a word for what is sent with it.
fn asks_why(told: &Value) -> Option<Value> {
    let form = json!({"custom_id": "why", "title": "Why", "components": [
        {"type": 18, "label": "Reason", "component": {"type": 4, "custom_id": "reason", "style": 1, "min_length": 3}},
        {"type": 1, "components": [
            {"type": 4, "custom_id": "note", "label": "Note", "style": 2, "required": false, "value": "none"}]},
    ]});
    Some(match told["type"].as_u64() {
        Some(5) => json!({"type": 4, "data": {"content": "thank you", "flags": 64}}),
        _ => json!({"type": 9, "data": form}),
    })
}

async fn scene() -> (Discord, StubBot) {
    let mut discord = Discord::start().await;
    let bot = StubBot::start(&discord.public_key(), asks_why).await;
    discord.connect(&bot.url);
    (discord, bot)
}

async fn panics<T>(deed: impl Future<Output = T>) -> String {
    let told = AssertUnwindSafe(deed)
        .catch_unwind()
        .await
        .map(|_| ())
        .expect_err("Discord let it pass");
    let text = told.downcast_ref::<String>().cloned();
    text.or_else(|| told.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}

#[tokio::test]
async fn only_what_fits_a_command_can_be_typed() {
    let (discord, bot) = scene().await;
    let option = |name: &str, kind: u64, more: Value| {
        let mut option = json!({"name": name, "description": "what", "type": kind});
        option
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        option
    };
    let commands = json!([
        {"name": "do", "description": "does", "options": [
            option("order", 4, json!({"required": true, "min_value": 1})),
            option("to", 3, json!({"choices": [{"name": "A", "value": "a"}]})),
            option("who", 6, json!({})), option("where", 7, json!({})), option("group", 8, json!({})),
            option("sure", 5, json!({})), option("share", 10, json!({"max_value": 1})),
        ]},
        {"name": "signalbox", "description": "rules", "contexts": [0], "options": [
            option("runs", 2, json!({"options": [option("list", 1, json!({}))]})),
            option("approve", 1, json!({"options": [option("run", 3, json!({"required": true}))]})),
        ]},
        {"name": "admins", "description": "for few", "default_member_permissions": "0"},
    ]);
    done(&discord, Method::PUT, EVERYWHERE, commands).await;
    let person = discord.person("101");
    let types = async |command: &str, options: &[(&str, Value)]| person.types("9001", command, options).await;
    let whole = [
        ("order", json!(7)),
        ("to", json!("a")),
        ("who", json!("102")),
        ("where", json!("9002")),
        ("group", json!("7001")),
        ("sure", json!(true)),
        ("share", json!(0.5)),
    ];
    types("/do", &whole).await;
    let resolved = &bot.last()["data"]["resolved"];
    assert_eq!(resolved["users"]["102"]["username"], "lee");
    assert_eq!(resolved["members"]["102"]["roles"], json!(["7001"]));
    assert_eq!(resolved["roles"]["7001"]["name"], "ops");
    assert_eq!(resolved["channels"]["9002"]["name"], "alerts");
    types("/signalbox approve", &[("run", json!("R1"))]).await;
    let nested = json!([{"name": "approve", "type": 1, "options": [{"name": "run", "type": 3, "value": "R1"}]}]);
    assert_eq!(bot.last()["data"]["options"], nested);
    types("/signalbox runs list", &[]).await;
    let nested = json!([{"name": "runs", "type": 2, "options": [{"name": "list", "type": 1, "options": []}]}]);
    assert_eq!(bot.last()["data"]["options"], nested);
    for (command, options, why) in [
        ("/explode", vec![], "no command /explode"),
        ("/do", vec![], "a required option is missing"),
        ("/do", vec![("order", json!("7"))], "no value for"),
        ("/do", vec![("order", json!(0))], "out of bounds"),
        ("/do", vec![("order", json!(7)), ("to", json!("b"))], "no choice of"),
        ("/do", vec![("order", json!(7)), ("from", json!("b"))], "no option from"),
        ("/signalbox explode", vec![], "no explode"),
        ("/admins", vec![], "does not see"),
    ] {
        let told = panics(types(command, &options)).await;
        assert!(told.contains(why), "{command}: {told}");
    }
    let direct = discord.direct("101");
    let told = panics(person.types(&direct, "/signalbox runs list", &[])).await;
    assert!(told.contains("not offered"), "{told}");
    person.types(&direct, "/do", &whole[..1]).await;
    let last = bot.last();
    assert_eq!(
        (&last["user"]["id"], &last["context"], &last["member"]),
        (&json!("101"), &json!(1), &Value::Null)
    );
    discord.check();
}

#[tokio::test]
async fn a_command_of_a_guild_is_typed_there_alone() {
    let (discord, _) = scene().await;
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    assert_eq!(discord.person("109").types("9001", "/do", &[]).await.kind(), 9);
    let told = panics(discord.person("109").types("9501", "/do", &[])).await;
    assert!(told.contains("no command /do"), "{told}");
}

#[tokio::test]
async fn a_button_is_pressed_where_it_is_and_by_who_sees_it() {
    let (discord, bot) = scene().await;
    let disabled = with(button("Never", "n1"), "disabled", json!(true));
    done(
        &discord,
        Method::POST,
        IN_OPS,
        with_buttons(&[button("Approve", "a1"), disabled]),
    )
    .await;
    let message = discord.posted("9001").await;
    for oddity in [Oddity::None, Oddity::UnknownFields, Oddity::Bare] {
        let ack = discord.person("102").oddly(oddity).presses(&message, "Approve").await;
        assert_eq!(ack.kind(), 9, "{oddity:?}");
        let last = bot.last();
        assert_eq!(
            (&last["data"]["custom_id"], &last["message"]["id"]),
            (&json!("a1"), &json!(message.id))
        );
        assert_eq!(last["member"]["roles"], json!(["7001"]));
        assert_eq!(last.get("context").is_none(), oddity == Oddity::Bare);
    }
    for label in ["Deny", "Never"] {
        let told = panics(discord.person("102").presses(&message, label)).await;
        assert!(told.contains("to press"), "{told}");
    }
    let path = format!("{IN_OPS}/{}", message.id);
    done(&discord, Method::PATCH, &path, json!({"components": []})).await;
    let told = panics(discord.person("102").presses(&message, "Approve")).await;
    assert!(told.contains("to press"), "{told}");
    assert_eq!(
        discord
            .person("102")
            .presses_as_it_was(&message, "Approve")
            .await
            .kind(),
        9
    );
    discord.delete(&message);
    let told = panics(discord.person("102").presses_as_it_was(&message, "Approve")).await;
    assert!(told.contains("gone"), "{told}");
}

#[tokio::test]
async fn what_is_for_one_alone_is_pressed_by_that_one() {
    let mut discord = Discord::start().await;
    let whisper = with(with_buttons(&[button("Go", "g1")]), "flags", json!(64));
    let bot = StubBot::start(&discord.public_key(), move |_| {
        Some(json!({"type": 4, "data": whisper.clone()}))
    })
    .await;
    discord.connect(&bot.url);
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    discord.person("101").types("9001", "/do", &[]).await;
    let message = discord.whisper("101").await;
    let told = panics(discord.person("102").presses(&message, "Go")).await;
    assert!(told.contains("does not see"), "{told}");
    assert_eq!(discord.person("101").presses(&message, "Go").await.kind(), 4);
    assert_eq!(bot.last()["message"]["flags"], json!(64));
    let get = super::get(&discord, &format!("{IN_OPS}/{}", message.id)).await;
    assert_eq!(
        super::refused(&get),
        (404, 10008),
        "the bot itself does not find it in the channel"
    );
    assert_eq!(super::get(&discord, IN_OPS).await.1, json!([]));
    discord.take_unread();
}

#[tokio::test]
async fn what_is_offered_is_chosen() {
    let (discord, bot) = scene().await;
    let options: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|one| json!({"label": one, "value": one}))
        .collect();
    let select = json!({"type": 3, "custom_id": "s1", "placeholder": "Which", "max_values": 2, "options": options});
    done(
        &discord,
        Method::POST,
        IN_OPS,
        json!({"content": "x", "components": [row(&[select])]}),
    )
    .await;
    let message = discord.posted("9001").await;
    discord.person("101").selects(&message, "Which", &["a", "c"]).await;
    assert_eq!(
        bot.last()["data"],
        json!({"component_type": 3, "custom_id": "s1", "id": 1, "values": ["a", "c"]})
    );
    let told = panics(discord.person("101").selects(&message, "Which", &["d"])).await;
    assert!(told.contains("not offered"), "{told}");
    let told = panics(discord.person("101").selects(&message, "Which", &["a", "b", "c"])).await;
    assert!(told.contains("are chosen"), "{told}");
}

#[tokio::test]
async fn a_form_is_filled_in_by_who_was_shown_it() {
    let (discord, bot) = scene().await;
    done(&discord, Method::POST, IN_OPS, with_buttons(&[button("Deny", "d1")])).await;
    let message = discord.posted("9001").await;
    let shown = discord.person("101").presses(&message, "Deny").await;
    let told = panics(discord.person("102").submits(&shown, &[])).await;
    assert!(told.contains("somebody else"), "{told}");
    for (fields, why) in [
        (vec![("reason", "no")], "does not fit"),
        (vec![("reason", "because"), ("x", "")], "no fields"),
    ] {
        let told = panics(discord.person("101").submits(&shown, &fields)).await;
        assert!(told.contains(why), "{told}");
    }
    let sent = discord
        .person("101")
        .submits(&shown, &[("Reason", "because"), ("note", "later")])
        .await;
    assert_eq!(sent.kind(), 4);
    assert_eq!(discord.whisper("101").await.seen(), "thank you");
    let last = bot.last();
    let rows = json!([
        {"type": 18, "id": 1, "component": {"type": 4, "custom_id": "reason", "id": 2, "value": "because"}},
        {"type": 1, "id": 3, "components": [{"type": 4, "custom_id": "note", "id": 4, "value": "later"}]},
    ]);
    assert_eq!((&last["type"], &last["data"]["components"]), (&json!(5), &rows));
    assert_eq!(last["message"]["id"], json!(message.id));
    discord.check();
}

#[tokio::test]
async fn a_silent_bot_and_one_that_is_gone_are_complained_about() {
    let mut discord = Discord::start().await;
    let silent = StubBot::start(&discord.public_key(), |_| None).await;
    discord.connect(&silent.url);
    done(&discord, Method::POST, IN_OPS, with_buttons(&[button("Go", "g1")])).await;
    let message = discord.posted("9001").await;
    let ack = discord.person("101").presses(&message, "Go").await;
    assert!(ack.status.is_none() && ack.took >= Duration::from_secs(3), "{ack:?}");
    discord.connect("http://127.0.0.1:1");
    discord.person("102").presses(&message, "Go").await;
    let words = "The application did not respond";
    assert_eq!(
        discord.take_complaints(),
        [
            ("101".to_owned(), words.to_owned()),
            ("102".to_owned(), words.to_owned())
        ]
    );
}

#[tokio::test]
async fn the_same_delivery_can_come_again() {
    let (discord, bot) = scene().await;
    done(
        &discord,
        Method::PUT,
        HERE,
        json!([{"name": "do", "description": "does"}]),
    )
    .await;
    let first = discord.person("101").types("9001", "/do", &[]).await;
    let id = bot.last()["id"].clone();
    discord.deliver(&first.id, first.sent).await;
    assert_eq!((bot.received().len(), &bot.last()["id"]), (2, &id));
    let misuse = discord.take_misuse();
    assert!(misuse[0].contains("40060"), "a second answer is none: {misuse:?}");
}

#[tokio::test]
async fn the_address_of_a_bot_is_proved() {
    let (discord, _) = scene().await;
    discord.probe().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let trusting = post(async || (StatusCode::OK, axum::Json(json!({"type": 1}))));
    let router = Router::new().route("/discord/interactions", trusting);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut discord = discord;
    discord.connect(url);
    let told = discord.probe().await.unwrap_err();
    assert_eq!(told, "what is signed by another key got 200");
    discord.connect("http://127.0.0.1:1");
    assert_eq!(discord.probe().await.unwrap_err(), "no reply to a ping");
    let sent = Sent::new(&discord, "{}".to_owned());
    assert_eq!(sent.signature.len(), 128);
}
