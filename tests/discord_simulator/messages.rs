//! What a message may hold, and who is notified by it.

use super::{IN_OPS, button, call, done, hello, objection, post, refused, row, with, with_buttons};
use crate::harness::discord::Discord;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const V2: u64 = 1 << 15;

fn embed(fields: Value) -> Value {
    json!({"embeds": [fields]})
}

fn select(options: usize) -> Value {
    let options: Vec<Value> = (0..options)
        .map(|at| json!({"label": at.to_string(), "value": at.to_string()}))
        .collect();
    json!({"type": 3, "custom_id": "choose", "placeholder": "Choose", "options": options})
}

fn v2(components: Value) -> Value {
    json!({"flags": V2, "components": components})
}

fn text(content: impl Into<String>) -> Value {
    json!({"type": 10, "content": content.into()})
}

/// Each is refused, with this code at this place.
async fn are_refused(cases: Vec<(Value, &str, &str)>) {
    let discord = Discord::start().await;
    discord.freeze();
    for (body, path, code) in cases {
        discord.advance(Duration::from_secs(1));
        let answer = post(&discord, IN_OPS, body.clone()).await;
        let shown: String = body.to_string().chars().take(300).collect();
        assert_eq!(objection(&answer, path), code, "{shown}");
    }
}

/// Each is taken.
async fn are_taken(cases: Vec<Value>) {
    let discord = Discord::start().await;
    discord.freeze();
    for body in cases {
        discord.advance(Duration::from_secs(1));
        done(&discord, Method::POST, IN_OPS, body).await;
    }
    discord.take_unread();
    discord.check();
}

#[tokio::test]
async fn the_largest_messages_are_taken() {
    let field = json!({"name": "n".repeat(200), "value": "v".repeat(30)});
    let buttons: Vec<Value> = (0..5)
        .map(|at| button(&"l".repeat(80), &format!("{at}{}", "c".repeat(99))))
        .collect();
    let rows: Vec<Value> = (0..5).map(|at| row(&[button("Go", &at.to_string())])).collect();
    are_taken(vec![
        json!({"content": "é".repeat(2000)}),
        json!({"embeds": vec![json!({"title": "t".repeat(256)}); 10]}),
        embed(json!({"description": "d".repeat(4096), "footer": {"text": "f".repeat(1904)}})),
        embed(json!({"fields": vec![field; 25], "author": {"name": "a".repeat(250)}})),
        with_buttons(&buttons),
        with(hello(), "components", rows.into()),
        with(hello(), "components", json!([row(&[select(25)])])),
        with(hello(), "components", json!([row(&[json!({"type": 2, "style": 5, "label": "See", "url": "https://a.b"})])])),
        v2(json!([text("t".repeat(4000))])),
        v2(json!([{"type": 17, "accent_color": 0xFF_FFFF, "components": (0..39).map(|at| text(at.to_string())).collect::<Vec<_>>()}])),
        v2(json!([{"type": 9, "components": [text("a")], "accessory": button("Go", "go")}, {"type": 14, "spacing": 2}])),
    ])
    .await;
}

#[tokio::test]
async fn texts_and_embeds_have_bounds() {
    are_refused(vec![
        (json!({"content": "x".repeat(2001)}), "content", "BASE_TYPE_MAX_LENGTH"),
        (json!({"content": 5}), "content", "STRING_TYPE_CONVERT"),
        (
            json!({"embeds": vec![json!({"title": "t"}); 11]}),
            "embeds",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            embed(json!({"title": "x".repeat(257)})),
            "embeds.0.title",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            embed(json!({"description": "x".repeat(4097)})),
            "embeds.0.description",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            embed(json!({"footer": {"text": "x".repeat(2049)}})),
            "embeds.0.footer.text",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            embed(json!({"author": {"name": "x".repeat(257)}})),
            "embeds.0.author.name",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            embed(json!({"fields": [{"name": "", "value": "v"}]})),
            "embeds.0.fields.0.name",
            "BASE_TYPE_REQUIRED",
        ),
        (
            embed(json!({"fields": [{"name": "n"}]})),
            "embeds.0.fields.0.value",
            "BASE_TYPE_REQUIRED",
        ),
        (
            embed(json!({"fields": [{"name": "n", "value": "v".repeat(1025)}]})),
            "embeds.0.fields.0.value",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            embed(json!({"fields": vec![json!({"name": "n", "value": "v"}); 26]})),
            "embeds.0.fields",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            embed(json!({"title": "t", "color": 0x100_0000})),
            "embeds.0.color",
            "NUMBER_TYPE_MAX",
        ),
        (
            embed(json!({"title": "t", "url": "a.b"})),
            "embeds.0.url",
            "URL_TYPE_INVALID_URL",
        ),
        (
            embed(json!({"title": "t", "timestamp": "today"})),
            "embeds.0.timestamp",
            "DATE_TIME_TYPE_PARSE",
        ),
        (
            json!({"embeds": [{"description": "x".repeat(3000)}, {"description": "x".repeat(3001)}]}),
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
        ),
        (with(hello(), "flags", json!(64)), "flags", "MESSAGE_FLAGS_INVALID"),
        (
            with(hello(), "nonce", json!("x".repeat(26))),
            "nonce",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            with(hello(), "enforce_nonce", json!(true)),
            "nonce",
            "BASE_TYPE_REQUIRED",
        ),
        (
            with(hello(), "attachments", json!([{"id": 0}])),
            "attachments.0.id",
            "ATTACHMENT_NOT_FOUND",
        ),
        (
            with(hello(), "message_reference", json!({"message_id": "1"})),
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
    ])
    .await;
    let discord = Discord::start().await;
    assert_eq!(
        refused(&post(&discord, IN_OPS, json!({"content": ""})).await),
        (400, 50006)
    );
}

#[tokio::test]
async fn buttons_and_selects_have_bounds() {
    let only = |component: Value| with(hello(), "components", json!([component]));
    let six: Vec<Value> = (0..6).map(|at| button("Go", &at.to_string())).collect();
    let first = "components.0.components.0";
    let path = |rest: &'static str| -> &'static str { Box::leak(format!("{first}{rest}").into_boxed_str()) };
    are_refused(vec![
        (only(button("Go", "go")), "components.0.type", "UNION_TYPE_CHOICES"),
        (only(text("hello")), "components.0.type", "UNION_TYPE_CHOICES"),
        (only(row(&[])), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (only(row(&six)), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (
            with(hello(), "components", json!(vec![row(&[button("Go", "go")]); 6])),
            "components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            only(row(&[button(&"x".repeat(81), "go")])),
            path(".label"),
            "BASE_TYPE_MAX_LENGTH",
        ),
        (only(row(&[button("", "go")])), first, "BUTTON_COMPONENT_EMPTY"),
        (
            only(row(&[button("Go", &"x".repeat(101))])),
            path(".custom_id"),
            "BASE_TYPE_BAD_LENGTH",
        ),
        (only(row(&[button("Go", "")])), path(".custom_id"), "BASE_TYPE_REQUIRED"),
        (
            only(row(&[with(button("Go", "go"), "style", json!(9))])),
            path(".style"),
            "BASE_TYPE_CHOICES",
        ),
        (
            only(row(&[with(button("Go", "go"), "style", json!(5))])),
            path(".url"),
            "BASE_TYPE_REQUIRED",
        ),
        (
            only(row(&[with(button("Go", "go"), "url", json!("https://a.b"))])),
            first,
            "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
        ),
        (
            only(row(&[button("Go", "same"), button("Stop", "same")])),
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            only(row(&[
                with(button("Go", "a"), "id", json!(1)),
                with(button("Go", "b"), "id", json!(1)),
            ])),
            "components.0.components.1.id",
            "COMPONENT_ID_DUPLICATED",
        ),
        (only(row(&[select(26)])), path(".options"), "BASE_TYPE_BAD_LENGTH"),
        (only(row(&[select(0)])), path(".options"), "BASE_TYPE_BAD_LENGTH"),
        (
            only(row(&[select(1), button("Go", "go")])),
            "components.0.components",
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
        ),
        (
            only(row(&[with(select(2), "placeholder", json!("x".repeat(151)))])),
            path(".placeholder"),
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            only(row(&[with(select(2), "max_values", json!(3))])),
            first,
            "SELECT_COMPONENT_MAX_VALUES_INVALID",
        ),
        (
            only(row(&[with(
                select(1),
                "options",
                json!([{"label": "a", "value": "x"}, {"label": "b", "value": "x"}]),
            )])),
            path(".options.1.value"),
            "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_message_of_components_alone_has_other_bounds() {
    let many: Vec<Value> = (0..40).map(|at| text(at.to_string())).collect();
    are_refused(vec![
        (
            with(v2(json!([text("a")])), "content", json!("b")),
            "content",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
        (
            with(v2(json!([text("a")])), "embeds", json!([{"title": "b"}])),
            "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        ),
        (
            v2(json!([button("Go", "go")])),
            "components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            v2(json!([{"type": 17, "components": many}])),
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
        ),
        (
            v2(json!([text("x".repeat(4001))])),
            "components.0.content",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            v2(json!([text("x".repeat(4000)), text("y")])),
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
        ),
        (
            v2(json!([{"type": 9, "components": [text("a")]}])),
            "components.0.accessory",
            "BASE_TYPE_REQUIRED",
        ),
        (
            v2(json!([{"type": 17, "components": [{"type": 17, "components": [text("a")]}]}])),
            "components.0.components.0.type",
            "UNION_TYPE_CHOICES",
        ),
        (
            v2(json!([{"type": 12, "items": [{"media": {"url": "attachment://chart.png"}}]}])),
            "components",
            "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
        ),
        (
            v2(json!([{"type": 13, "file": {"url": "https://a.b/c"}}])),
            "components.0.file.url",
            "UNFURLED_MEDIA_ITEM_INVALID",
        ),
        (
            v2(json!([{"type": 14, "spacing": 3}])),
            "components.0.spacing",
            "NUMBER_TYPE_MAX",
        ),
    ])
    .await;
}

#[tokio::test]
async fn components_alone_stay_alone() {
    let discord = Discord::start().await;
    let plain = done(&discord, Method::POST, IN_OPS, hello()).await;
    let at = |message: &Value| format!("{IN_OPS}/{}", message["id"].as_str().unwrap());
    let both = call(&discord, Method::PATCH, &at(&plain), v2(json!([text("new")]))).await;
    assert_eq!(
        objection(&both, "content"),
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    );
    let instead = with(v2(json!([text("new")])), "content", Value::Null);
    done(&discord, Method::PATCH, &at(&plain), instead).await;
    let back = call(
        &discord,
        Method::PATCH,
        &at(&plain),
        json!({"flags": 0, "content": "old", "components": []}),
    )
    .await;
    assert_eq!(
        objection(&back, "content"),
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    );
    let shown = discord.posted("9001").await;
    assert_eq!(
        (shown.seen().as_str(), shown.edits[0].1.content.as_str()),
        ("new", "hello")
    );
}

#[tokio::test]
async fn an_edit_changes_what_it_names() {
    let discord = Discord::start().await;
    let first = with(
        with_buttons(&[button("Go", "go")]),
        "embeds",
        json!([{"title": "title"}]),
    );
    let message = done(&discord, Method::POST, IN_OPS, first).await;
    let at = format!("{IN_OPS}/{}", message["id"].as_str().unwrap());
    done(&discord, Method::PATCH, &at, json!({"content": "other"})).await;
    let shown = discord.posted("9001").await;
    assert_eq!(
        (shown.seen().as_str(), shown.labels()),
        ("other\ntitle\n[Go]", vec!["Go".to_owned()])
    );
    let answer = done(&discord, Method::PATCH, &at, json!({"components": [], "embeds": null})).await;
    assert_eq!(discord.now(&shown).seen(), "other");
    assert!(answer["edited_timestamp"].is_string());
    let empty = call(&discord, Method::PATCH, &at, json!({"content": null})).await;
    assert_eq!(refused(&empty), (400, 50006));
    let theirs = discord.chat("101", "9001", "theirs");
    let foreign = call(&discord, Method::PATCH, &format!("{IN_OPS}/{}", theirs.id), hello()).await;
    assert_eq!(refused(&foreign), (403, 50005));
    let foreign = call(
        &discord,
        Method::DELETE,
        &format!("{IN_OPS}/{}", theirs.id),
        Value::Null,
    )
    .await;
    assert_eq!(refused(&foreign), (403, 50013));
    assert_eq!(call(&discord, Method::DELETE, &at, Value::Null).await.0, 204);
    assert_eq!(
        refused(&call(&discord, Method::PATCH, &at, hello()).await),
        (404, 10008)
    );
}

#[tokio::test]
async fn the_same_nonce_within_a_few_minutes_is_the_same_message() {
    let discord = Discord::start().await;
    discord.freeze();
    let named = json!({"content": "once", "nonce": "run-1", "enforce_nonce": true});
    let first = done(&discord, Method::POST, IN_OPS, named.clone()).await;
    discord.advance(Duration::from_secs(170));
    let again = done(&discord, Method::POST, IN_OPS, named.clone()).await;
    assert_eq!((&again["id"], &again["nonce"]), (&first["id"], &json!("run-1")));
    let elsewhere = done(&discord, Method::POST, "channels/9002/messages", named.clone()).await;
    assert_ne!(elsewhere["id"], first["id"]);
    let mut not_enforced = named.clone();
    not_enforced["enforce_nonce"] = false.into();
    assert_ne!(
        done(&discord, Method::POST, IN_OPS, not_enforced).await["id"],
        first["id"]
    );
    discord.advance(Duration::from_secs(180));
    assert_ne!(done(&discord, Method::POST, IN_OPS, named).await["id"], first["id"]);
    assert_eq!(discord.take_unread().len(), 4);
}

#[tokio::test]
async fn mentions_notify_those_who_are_allowed() {
    let discord = Discord::start().await;
    let text = "<@101> <@!102> <@&7001> <@&7002> @everyone";
    let pings = async |allowed: Value| {
        discord.advance(Duration::from_secs(1));
        done(
            &discord,
            Method::POST,
            IN_OPS,
            json!({"content": text, "allowed_mentions": allowed}),
        )
        .await;
        discord.posted("9001").await.pings
    };
    assert_eq!(pings(json!({"parse": []})).await, [""; 0]);
    assert_eq!(pings(json!({"parse": ["users"]})).await, ["@101", "@102"]);
    assert_eq!(
        pings(json!({"users": ["102"], "roles": ["7001"]})).await,
        ["@&7001", "@102"]
    );
    assert_eq!(
        pings(json!({"parse": ["roles", "everyone"]})).await,
        ["@&7001"],
        "7002 is not for all to mention"
    );
    discord.set_mentionable("900", "7002", true);
    assert_eq!(pings(json!({"roles": ["7002"]})).await, ["@&7002"]);
    discord.check();
    assert_eq!(pings(Value::Null).await, ["@&7001", "@&7002", "@101", "@102"]);
    let misuse = discord.take_misuse();
    assert!(misuse[0].contains("who may be notified"), "{misuse:?}");
    let embedded = json!({"embeds": [{"description": "<@101>"}]});
    done(&discord, Method::POST, IN_OPS, embedded).await;
    assert!(
        discord.posted("9001").await.pings.is_empty(),
        "an embed notifies nobody"
    );
    let exclusive = json!({"content": text, "allowed_mentions": {"parse": ["users"], "users": ["101"]}});
    let answer = post(&discord, "channels/9002/messages", exclusive).await;
    assert_eq!(
        objection(&answer, "allowed_mentions"),
        "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
    );
}

#[tokio::test]
async fn what_our_rules_miss_the_other_judge_refuses() {
    let discord = Discord::start().await;
    let odd = embed(json!({"title": "t", "footer": "none"}));
    let answer = post(&discord, IN_OPS, odd).await;
    assert_eq!(objection(&answer, "embeds"), "REFUSED_BY_TWILIGHT");
}
