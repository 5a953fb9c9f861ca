//! Whether the simulated Discord keeps to the platform's rules: a test at its face for each of them.

mod calls;
pub mod commands;
mod interactions;
mod limits;
mod messages;
mod people;
mod places;
mod serenity;
mod shapes;
mod stub;
mod waits;

use crate::harness::discord::{BOT_TOKEN, Discord};
use reqwest::Method;
use serde_json::{Value, json};

pub const AGENT: &str = "DiscordBot (https://example.org, 1.0)";

/// A call by a client that is nobody's in particular.
pub async fn call_as(discord: &Discord, token: Option<&str>, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = raw(discord, token, method, path, body).await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub async fn raw(
    discord: &Discord,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: Value,
) -> reqwest::Result<reqwest::Response> {
    let client = reqwest::Client::builder().no_proxy().user_agent(AGENT).build().unwrap();
    let mut request = client.request(method, format!("{}/{path}", discord.api_url()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bot {token}"));
    }
    if !body.is_null() {
        request = request.json(&body);
    }
    request.send().await
}

pub async fn call(discord: &Discord, method: Method, path: &str, body: Value) -> (u16, Value) {
    call_as(discord, Some(BOT_TOKEN), method, path, body).await
}

pub async fn post(discord: &Discord, path: &str, body: Value) -> (u16, Value) {
    call(discord, Method::POST, path, body).await
}

pub async fn get(discord: &Discord, path: &str) -> (u16, Value) {
    call(discord, Method::GET, path, Value::Null).await
}

/// A call that is done.
pub async fn done(discord: &Discord, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = call(discord, method, path, body).await;
    assert!(status < 300, "{path}: {status} {answer}");
    answer
}

/// The status and the code of a call that is refused.
pub fn refused(answer: &(u16, Value)) -> (u16, u64) {
    (
        answer.0,
        answer.1["code"].as_u64().unwrap_or_else(|| panic!("{answer:?}")),
    )
}

/// The code at a path of the tree of errors, `embeds.0.title`.
pub fn objection<'a>(answer: &'a (u16, Value), path: &str) -> &'a str {
    assert_eq!(refused(answer), (400, 50035), "{answer:?}");
    let parts = path.split('.').filter(|part| !part.is_empty());
    let at = parts.fold(&answer.1["errors"], |at, part| &at[part]);
    at["_errors"][0]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("nothing at {path}: {answer:?}"))
}

pub fn hello() -> Value {
    json!({"content": "hello"})
}

pub fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

pub fn button(label: &str, custom_id: &str) -> Value {
    json!({"type": 2, "style": 1, "label": label, "custom_id": custom_id})
}

pub fn row(inside: &[Value]) -> Value {
    json!({"type": 1, "components": inside})
}

/// A message of one row of buttons.
pub fn with_buttons(buttons: &[Value]) -> Value {
    with(hello(), "components", json!([row(buttons)]))
}

pub const IN_OPS: &str = "channels/9001/messages";
