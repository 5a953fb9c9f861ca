//! How an interaction may be answered, and for how long.

use super::commands::HERE;
use super::stub::StubBot;
use super::{IN_OPS, button, call_as, done, objection, refused, with, with_buttons};
use crate::harness::discord::{APPLICATION, Discord, Message};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const COMMANDS: &str = r#"[{"name": "do", "description": "does it", "options": [
    {"name": "order", "description": "which", "type": 4, "autocomplete": true},
    {"name": "note", "description": "why", "type": 3}]}]"#;

/// A Discord with a bot that answers so, the command `/do`, and a message with buttons.
async fn scene(answers: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static) -> (Discord, StubBot, Message) {
    let mut discord = Discord::start().await;
    let bot = StubBot::start(&discord.public_key(), answers).await;
    discord.connect(&bot.url);
    let commands = serde_json::from_str(COMMANDS).unwrap();
    done(&discord, Method::PUT, HERE, commands).await;
    done(
        &discord,
        Method::POST,
        IN_OPS,
        with_buttons(&[button("Approve", "a1"), button("Deny", "d1")]),
    )
    .await;
    let message = discord.posted("9001").await;
    discord.freeze();
    (discord, bot, message)
}

/// A call that an interaction is answered by needs no token of the bot.
async fn answer(discord: &Discord, method: Method, path: &str, body: Value) -> (u16, Value) {
    discord.advance(Duration::from_millis(500));
    call_as(discord, None, method, path, body).await
}

async fn callback(discord: &Discord, told: &Value, body: Value) -> (u16, Value) {
    let path = format!(
        "interactions/{}/{}/callback",
        told["id"].as_str().unwrap(),
        told["token"].as_str().unwrap()
    );
    answer(discord, Method::POST, &path, body).await
}

fn webhook(told: &Value, rest: &str) -> String {
    format!("webhooks/{APPLICATION}/{}{rest}", told["token"].as_str().unwrap())
}

/// An interaction whose delivery was accepted and which waits for its callback.
async fn pressed(discord: &Discord, bot: &StubBot, message: &Message) -> Value {
    let before = bot.received().len();
    let person = discord.person("101");
    let press = person.presses(message, "Approve");
    let told = async {
        while bot.received().len() == before {
            tokio::task::yield_now().await;
        }
        bot.last()
    };
    // The person goes away; the interaction is known.
    tokio::select! {
        _ = press => panic!("nobody answers"),
        told = told => told,
    }
}

fn accepts(_: &Value) -> Option<Value> {
    Some(Value::Null)
}

#[tokio::test]
async fn an_answer_in_the_reply_is_shown() {
    let words = json!({"type": 4, "data": {"content": "for all"}});
    let (discord, bot, _) = scene(move |_| Some(words.clone())).await;
    let ack = discord
        .person("101")
        .types("9001", "/do", &[("order", json!(1042))])
        .await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 4));
    assert_eq!(discord.posted("9001").await.seen(), "for all");
    let option = json!({"name": "order", "type": 4, "value": 1042});
    assert_eq!(bot.last()["data"]["options"], json!([option]));
    let again = callback(&discord, &bot.last(), json!({"type": 5})).await;
    assert_eq!(refused(&again), (400, 40060), "one answer");
    let later = answer(
        &discord,
        Method::POST,
        &webhook(&bot.last(), ""),
        json!({"content": "alone", "flags": 64}),
    )
    .await;
    assert_eq!((later.0, &later.1["flags"]), (200, &json!(64)));
    let whisper = discord.whisper("101").await;
    assert_eq!(
        (whisper.seen().as_str(), whisper.alone.as_deref()),
        ("alone", Some("101"))
    );
    discord.take_refused();
    discord.check();
}

#[tokio::test]
async fn a_delivery_that_is_accepted_is_answered_by_a_callback() {
    let (discord, bot, _) = scene(accepts).await;
    let person = discord.person("101");
    let types = person.types("9001", "/do", &[]);
    let answers = async {
        loop {
            tokio::task::yield_now().await;
            if let Some(told) = bot.received().pop() {
                return callback(&discord, &told, json!({"type": 5, "data": {"flags": 64}})).await;
            }
        }
    };
    let (ack, (status, _)) = tokio::join!(types, answers);
    assert_eq!((ack.status, ack.kind(), status), (Some(202), 5, 204));
    let owed = discord.owed();
    assert_eq!((owed.len(), owed[0].alone.as_deref()), (1, Some("101")));
    let original = webhook(&bot.last(), "/messages/@original");
    let (_, promised) = answer(&discord, Method::GET, &original, Value::Null).await;
    assert_eq!(promised["flags"], json!(64 | 128), "for one alone, and loading");
    let done = answer(&discord, Method::PATCH, &original, json!({"content": "kept"})).await;
    assert_eq!((done.0, &done.1["flags"]), (200, &json!(64)), "{done:?}");
    assert!(discord.whisper("101").await.edits.is_empty());
    assert_eq!(answer(&discord, Method::DELETE, &original, Value::Null).await.0, 204);
    assert_eq!(
        refused(&answer(&discord, Method::PATCH, &original, json!({"content": "x"})).await),
        (404, 10008)
    );
    discord.take_refused();
    discord.check();
}

#[tokio::test]
async fn with_response_tells_what_was_made() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    let path = format!(
        "interactions/{}/{}/callback?with_response=true",
        told["id"].as_str().unwrap(),
        told["token"].as_str().unwrap()
    );
    let body = json!({"type": 4, "data": {"content": "made"}});
    let (status, told) = answer(&discord, Method::POST, &path, body).await;
    let made = discord.posted("9001").await;
    assert_eq!((status, &told["resource"]["message"]["id"]), (200, &json!(made.id)));
    assert_eq!(told["interaction"]["response_message_ephemeral"], json!(false));
}

#[tokio::test]
async fn three_seconds_and_then_it_is_unknown() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    let before = answer(&discord, Method::POST, &webhook(&told, ""), json!({"content": "x"})).await;
    assert_eq!(refused(&before), (404, 10015), "nothing was answered yet");
    answer(&discord, Method::POST, &webhook(&told, ""), json!({"content": "x"})).await;
    assert!(discord.take_misuse()[0].contains("called again"));
    discord.advance(Duration::from_millis(1400));
    let late = callback(&discord, &told, json!({"type": 5})).await;
    assert_eq!(late.0, 204, "at 2.9 seconds");
    let told = pressed(&discord, &bot, &message).await;
    discord.advance(Duration::from_millis(2600));
    assert_eq!(
        refused(&callback(&discord, &told, json!({"type": 5})).await),
        (404, 10062)
    );
    let mut wrong = told.clone();
    wrong["token"] = "interaction-token-other".into();
    assert_eq!(
        refused(&callback(&discord, &wrong, json!({"type": 5})).await),
        (404, 10062)
    );
}

#[tokio::test]
async fn a_token_lives_for_fifteen_minutes() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    callback(&discord, &told, json!({"type": 6})).await;
    discord.advance(Duration::from_secs(899));
    let edit = webhook(&told, "/messages/@original");
    assert_eq!(
        answer(&discord, Method::PATCH, &edit, json!({"content": "in time"}))
            .await
            .0,
        200
    );
    assert_eq!(discord.now(&message).seen(), "in time\n[Approve]\n[Deny]");
    discord.advance(Duration::from_secs(1));
    for (method, path) in [(Method::PATCH, edit), (Method::POST, webhook(&told, ""))] {
        assert_eq!(
            refused(&answer(&discord, method, &path, json!({"content": "late"})).await),
            (401, 50027)
        );
    }
    let other = webhook(&told, "").replace(APPLICATION, "801");
    assert_eq!(
        refused(&answer(&discord, Method::POST, &other, json!({"content": "x"})).await),
        (404, 10015)
    );
}

#[tokio::test]
async fn each_kind_has_its_answers() {
    let (discord, bot, message) = scene(accepts).await;
    let modal = json!({"custom_id": "m", "title": "Why", "components": [
        {"type": 18, "label": "Reason", "component": {"type": 4, "custom_id": "reason", "style": 1}}]});
    let bodies = [
        (4, json!({"content": "x"})),
        (5, Value::Null),
        (6, Value::Null),
        (7, json!({"content": "x"})),
        (8, json!({"choices": []})),
        (9, modal),
    ];
    for (kind, data) in &bodies {
        let told = pressed(&discord, &bot, &message).await;
        let answered = callback(&discord, &told, json!({"type": kind, "data": data})).await;
        if *kind == 8 {
            assert_eq!(objection(&answered, "type"), "BASE_TYPE_CHOICES");
        } else {
            assert_eq!(answered.0, 204, "{kind}: {answered:?}");
        }
    }
    for kind in [6, 7, 8, 1, 12] {
        let (discord, _, _) =
            scene(move |_| Some(json!({"type": kind, "data": {"content": "x", "choices": []}}))).await;
        let ack = discord.person("101").types("9001", "/do", &[]).await;
        assert_eq!(ack.kind(), 0, "a command is not answered by {kind}");
        let misuse = discord.take_misuse();
        assert!(misuse[0].contains("BASE_TYPE_CHOICES"), "{misuse:?}");
        assert_eq!(
            discord.take_complaints(),
            [("101".to_owned(), "This interaction failed".to_owned())]
        );
    }
    discord.take_unread();
}

#[tokio::test]
async fn a_deferral_takes_one_flag_and_no_words() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    let deferral = |flags: u64| json!({"type": 5, "data": {"flags": flags}});
    assert_eq!(
        objection(&callback(&discord, &told, deferral(1 << 15)).await, "data.flags"),
        "MESSAGE_FLAGS_INVALID"
    );
    assert_eq!(callback(&discord, &told, deferral(64)).await.0, 204);
    let follow = json!({"content": "the promise"});
    let kept = answer(&discord, Method::POST, &webhook(&told, ""), follow).await;
    assert_eq!(kept.1["flags"], json!(64), "for one alone, as it was promised");
    assert!(discord.take_misuse()[0].contains("promise"));
    assert_eq!(discord.whisper("101").await.seen(), "the promise");
    let other = json!({"content": "another"});
    let more = answer(&discord, Method::POST, &webhook(&told, ""), other).await;
    let path = webhook(&told, &format!("/messages/{}", more.1["id"].as_str().unwrap()));
    assert_eq!(
        answer(&discord, Method::PATCH, &path, json!({"content": "edited"}))
            .await
            .0,
        200
    );
    assert_eq!(
        answer(&discord, Method::GET, &path, Value::Null).await.1["content"],
        "edited"
    );
    assert_eq!(answer(&discord, Method::DELETE, &path, Value::Null).await.0, 204);
    let theirs = discord.chat("102", "9001", "theirs");
    let path = webhook(&told, &format!("/messages/{}", theirs.id));
    assert_eq!(
        refused(&answer(&discord, Method::PATCH, &path, json!({"content": "x"})).await),
        (404, 10008)
    );
}

#[tokio::test]
async fn answers_hold_what_messages_hold() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    let long = json!({"type": 4, "data": {"content": "x".repeat(2001)}});
    assert_eq!(
        objection(&callback(&discord, &told, long).await, "data.content"),
        "BASE_TYPE_MAX_LENGTH"
    );
    assert_eq!(
        refused(&callback(&discord, &told, json!({"type": 4, "data": {}})).await),
        (400, 50006)
    );
    let same = json!({"type": 7, "data": with_buttons(&[button("A", "x"), button("B", "x")])});
    let refused = callback(&discord, &told, same).await;
    assert_eq!(
        objection(&refused, "data.components.0.components.1.custom_id"),
        "COMPONENT_CUSTOM_ID_DUPLICATED"
    );
    let update = json!({"type": 7, "data": {"content": "decided", "components": []}});
    assert_eq!(callback(&discord, &told, update).await.0, 204);
    let now = discord.now(&message);
    assert_eq!((now.seen().as_str(), now.edits.len()), ("decided", 1));
}

#[tokio::test]
async fn forms_have_bounds() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    let input = json!({"type": 4, "custom_id": "reason", "style": 2, "label": "Reason"});
    let modal = |row: Value| json!({"custom_id": "m", "title": "Why", "components": [row]});
    let labelled = |component: Value| json!({"type": 18, "label": "Reason", "component": component});
    let bare = json!({"type": 4, "custom_id": "reason", "style": 1});
    let old = |input: &Value| json!({"type": 1, "components": [input]});
    let cases = [
        (
            with(modal(old(&input)), "title", json!("x".repeat(46))),
            "title",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            with(modal(old(&input)), "custom_id", json!("")),
            "custom_id",
            "BASE_TYPE_REQUIRED",
        ),
        (
            with(modal(old(&input)), "components", json!([])),
            "components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            with(modal(old(&input)), "components", json!(vec![old(&input); 6])),
            "components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            with(modal(old(&input)), "components", json!([old(&input), old(&input)])),
            "components.1.components.0.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            modal(old(&button("Go", "go"))),
            "components.0.components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            modal(old(&with(input.clone(), "label", json!("x".repeat(46))))),
            "components.0.components.0.label",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            modal(old(&with(input.clone(), "placeholder", json!("x".repeat(101))))),
            "components.0.components.0.placeholder",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            modal(old(&with(input.clone(), "value", json!("x".repeat(4001))))),
            "components.0.components.0.value",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            modal(old(&with(input.clone(), "max_length", json!(4001)))),
            "components.0.components.0.max_length",
            "NUMBER_TYPE_MAX",
        ),
        (
            modal(old(&with(input.clone(), "style", json!(3)))),
            "components.0.components.0.style",
            "BASE_TYPE_CHOICES",
        ),
        (
            modal(with(labelled(bare.clone()), "label", json!("x".repeat(46)))),
            "components.0.label",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            modal(with(labelled(bare.clone()), "description", json!("x".repeat(101)))),
            "components.0.description",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            modal(labelled(button("Go", "go"))),
            "components.0.component.type",
            "UNION_TYPE_CHOICES",
        ),
        (modal(button("Go", "go")), "components.0.type", "UNION_TYPE_CHOICES"),
    ];
    for (data, path, code) in cases {
        let path_of = format!(
            "interactions/{}/{}/callback",
            told["id"].as_str().unwrap(),
            told["token"].as_str().unwrap()
        );
        let body = json!({"type": 9, "data": data});
        let refused = call_as(&discord, None, Method::POST, &path_of, body).await;
        assert_eq!(objection(&refused, &format!("data.{path}")), code, "{data}");
    }
    let widest = json!({"custom_id": "m", "title": "t".repeat(45), "components": [
        labelled(bare), {"type": 10, "content": "Read this"},
        {"type": 18, "label": "Which", "component": {"type": 3, "custom_id": "which", "options": [{"label": "a", "value": "a"}]}},
    ]});
    assert_eq!(
        callback(&discord, &told, json!({"type": 9, "data": widest})).await.0,
        204
    );
    let original = webhook(&told, "/messages/@original");
    assert_eq!(
        refused(&answer(&discord, Method::GET, &original, Value::Null).await),
        (404, 10008),
        "a form is no message"
    );
}

#[tokio::test]
async fn completions_fit_their_option() {
    let choices = |choices: Value| json!({"type": 8, "data": {"choices": choices}});
    let good = choices(json!([{"name": "order 1042", "value": 1042}]));
    let (discord, bot, _) = scene(move |_| Some(good.clone())).await;
    let offered = discord
        .person("101")
        .completes("9001", "/do", &[("note", json!("n"))], ("order", "10"))
        .await;
    assert_eq!(offered.choices(), [("order 1042".to_owned(), json!(1042))]);
    let focused = json!({"name": "order", "type": 4, "value": "10", "focused": true});
    assert_eq!(bot.last()["data"]["options"][1], focused);
    discord.check();
    for bad in [
        json!([{"name": "order", "value": "1042"}]),
        json!([{"name": "", "value": 1}]),
        json!([{"name": "x".repeat(101), "value": 1}]),
        Value::from(vec![json!({"name": "n", "value": 1}); 26]),
        Value::Null,
    ] {
        let answer = choices(bad.clone());
        let (discord, _, _) = scene(move |_| Some(answer.clone())).await;
        let ack = discord
            .person("101")
            .completes("9001", "/do", &[], ("order", "10"))
            .await;
        assert_eq!(ack.kind(), 0, "{bad}");
        assert_eq!(discord.take_misuse().len(), 1);
        assert!(
            discord.take_complaints().is_empty(),
            "nobody is told that nothing is offered"
        );
    }
}

#[tokio::test]
async fn what_is_shown_to_one_and_to_all_is_a_leak() {
    let (discord, bot, message) = scene(accepts).await;
    let told = pressed(&discord, &bot, &message).await;
    callback(
        &discord,
        &told,
        json!({"type": 4, "data": {"content": "secret", "flags": 64}}),
    )
    .await;
    done(&discord, Method::POST, IN_OPS, json!({"content": "secret"})).await;
    discord.take_unread();
    let check = std::panic::AssertUnwindSafe(|| discord.check());
    let told = std::panic::catch_unwind(check).unwrap_err();
    assert!(told.downcast_ref::<String>().unwrap().contains("told to all: secret"));
}
