//! How often may be called.

use super::{IN_OPS, done, get, hello, post, raw};
use crate::harness::discord::{BOT_TOKEN, Discord};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn five_messages_in_five_seconds_and_channel() {
    let discord = Discord::start().await;
    discord.freeze();
    let mut left = Vec::new();
    for _ in 0..5 {
        let response = raw(&discord, Some(BOT_TOKEN), Method::POST, IN_OPS, hello())
            .await
            .unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-ratelimit-limit"), header("x-ratelimit-reset-after")),
            ("5".into(), "5.000".into())
        );
        assert_eq!(header("x-ratelimit-bucket").len(), 32);
        assert!(header("x-ratelimit-reset").parse::<f64>().unwrap() > 1.7e9);
        left.push(header("x-ratelimit-remaining"));
    }
    assert_eq!(left, ["4", "3", "2", "1", "0"]);
    discord.advance(Duration::from_millis(1500));
    let response = raw(&discord, Some(BOT_TOKEN), Method::POST, IN_OPS, hello())
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 429);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let told = (
        header("retry-after"),
        header("x-ratelimit-scope"),
        header("x-ratelimit-remaining"),
    );
    assert_eq!(told, ("4".into(), "user".into(), "0".into()));
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body,
        json!({"message": "You are being rate limited.", "retry_after": 3.5, "global": false})
    );
    let elsewhere = post(&discord, "channels/9002/messages", hello()).await;
    assert_eq!(elsewhere.0, 200, "another channel has its own");
    discord.advance(Duration::from_millis(3500));
    done(&discord, Method::POST, IN_OPS, hello()).await;
    assert_eq!(discord.take_refused().len(), 1);
    assert_eq!(discord.take_unread().len(), 7);
    discord.check();
}

#[tokio::test]
async fn fifty_calls_a_second_in_all() {
    let discord = Discord::start().await;
    discord.freeze();
    for channel in ["9001", "9002", "9003", "9501", "9004"] {
        for _ in 0..10 {
            assert_eq!(get(&discord, &format!("channels/{channel}")).await.0, 200);
        }
    }
    let response = raw(&discord, Some(BOT_TOKEN), Method::GET, "guilds/900", Value::Null)
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers()["x-ratelimit-global"], "true");
    assert_eq!(response.headers()["x-ratelimit-scope"], "global");
    let answer = super::call_as(
        &discord,
        None,
        Method::POST,
        "interactions/1/x/callback",
        json!({"type": 5}),
    )
    .await;
    assert_eq!(answer.0, 404, "interactions are not counted");
    discord.advance(Duration::from_secs(1));
    assert_eq!(get(&discord, "guilds/900").await.0, 200);
}

#[tokio::test]
async fn ten_thousand_calls_that_are_no_good_are_a_ban() {
    let discord = Discord::start().await;
    discord.freeze();
    discord.pretend_invalid_calls(9_999);
    assert_eq!(get(&discord, "users/@me").await.0, 200);
    assert_eq!(
        super::call_as(&discord, Some("other"), Method::GET, "users/@me", Value::Null)
            .await
            .0,
        401
    );
    let (status, page) = get(&discord, "users/@me").await;
    assert!(
        status == 429 && page.as_str().unwrap().starts_with("<html>"),
        "{status} {page}"
    );
    discord.advance(Duration::from_secs(600));
    assert_eq!(get(&discord, "users/@me").await.0, 200);
}
