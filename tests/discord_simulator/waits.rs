//! Waiting for what the bot does, and looking back at what it did.

use super::{IN_OPS, done, hello, with};
use crate::harness::discord::{Discord, Route};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn what_comes_later_is_waited_for() {
    let discord = Discord::start().await;
    assert_eq!(discord.bot_token().expose_secret(), super::BOT_TOKEN);
    let waits = async {
        let message = discord.posted_within("9001", 5).await;
        let edited = discord.until(&message, |now| now.seen() == "edited").await;
        let again = discord.until_within(&message, 5, |now| now.edits.len() == 2).await;
        let inside = discord.reply_within(&message, 5).await;
        (edited.edits.len(), again.seen(), inside.seen())
    };
    let does = async {
        let brief = || tokio::time::sleep(Duration::from_millis(20));
        brief().await;
        let message = done(&discord, Method::POST, IN_OPS, hello()).await;
        let id = message["id"].as_str().unwrap();
        for text in ["edited", "edited again"] {
            brief().await;
            done(
                &discord,
                Method::PATCH,
                &format!("{IN_OPS}/{id}"),
                json!({"content": text}),
            )
            .await;
        }
        done(
            &discord,
            Method::POST,
            &format!("{IN_OPS}/{id}/threads"),
            json!({"name": "run"}),
        )
        .await;
        done(
            &discord,
            Method::POST,
            &format!("channels/{id}/messages"),
            json!({"content": "inside"}),
        )
        .await;
        id.to_owned()
    };
    let (seen, id) = tokio::join!(waits, does);
    assert_eq!(seen, (1, "edited again".to_owned(), "inside".to_owned()));
    let calls = discord.called(Route::EditMessage, 2).await;
    assert_eq!(
        (&calls[1].body, &calls[1].ids[1]),
        (&json!({"content": "edited again"}), &id)
    );
    assert!(calls[0].at <= calls[1].at && calls[0].files.is_empty());
    assert_eq!(discord.messages("9001").len(), 1);
    for text in ["hello", "edited again", "inside"] {
        assert!(discord.everything().contains(text), "{text}");
    }
    discord.check();
}

#[tokio::test]
#[should_panic(expected = "waited for a whisper to 101; Discord has:")]
async fn what_does_not_come_is_told_with_all_that_came() {
    let discord = Discord::start().await;
    done(
        &discord,
        Method::POST,
        IN_OPS,
        with(hello(), "content", json!("for all")),
    )
    .await;
    discord.posted("9001").await;
    discord.whisper_within("101", 0).await;
}
