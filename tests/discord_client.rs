//! The real client at the simulated Discord.

use crate::harness::discord::{APPLICATION, Discord, Fault, Route, Scope, permission};
use serde_json::{Value, json};
use signalbox::platform::discord::client::{DiscordClient, DiscordError, File, Mark, Missing, Page, SetupError};
use signalbox::platform::discord::limits::Method;
use std::time::Duration;

const OPS: &str = "9001";

fn client(discord: &Discord) -> DiscordClient {
    patient(discord, Duration::from_secs(5))
}

fn patient(discord: &Discord, patience: Duration) -> DiscordClient {
    DiscordClient::new(&discord.api_url(), APPLICATION, &discord.bot_token(), patience).unwrap()
}

fn words(words: &str) -> Value {
    json!({"content": words, "allowed_mentions": {"parse": []}})
}

#[tokio::test]
async fn one_message_is_posted_edited_and_answered_in_its_thread() {
    let discord = Discord::start().await;
    let client = client(&discord);
    assert_eq!(client.me().await.unwrap(), "800");
    let id = client.post(OPS, "n1", words("one"), None).await.unwrap();
    let again = client.post(OPS, "n1", words("one"), None).await.unwrap();
    assert_eq!(id, again, "the same nonce is the same message");
    let posted = discord.posted(OPS).await;
    client.edit(OPS, &id, &words("two")).await.unwrap();
    assert_eq!(discord.now(&posted).seen(), "two");
    client.begin_thread(OPS, &id, "a thread").await.unwrap();
    client.begin_thread(OPS, &id, "a thread").await.unwrap();
    let file = File {
        name: "chart.png".to_owned(),
        bytes: vec![1, 2, 3],
    };
    let mut body = words("");
    body["attachments"] = json!([{"id": 0, "filename": "chart.png", "description": "a line"}]);
    client.post(&id, "n2", body, Some(file)).await.unwrap();
    let reply = discord.reply(&posted).await;
    assert_eq!(reply.shown.files[0].description.as_deref(), Some("a line"));
    assert_eq!(reply.shown.files[0].bytes, [1, 2, 3]);
    let refused = discord.take_refused();
    assert_eq!(refused.len(), 1, "it was begun before: {refused:?}");
    discord.check();
}

#[tokio::test]
async fn a_message_of_ours_is_found_among_those_of_others() {
    let discord = Discord::start().await;
    let client = client(&discord);
    let ours = client.post(OPS, "n1", words("word 1 · 0123abcd"), None).await.unwrap();
    discord.posted(OPS).await;
    for at in 0..60 {
        discord.chat("101", OPS, &format!("{at} · 0123abcd"));
    }
    let mut after = "0".to_owned();
    let found = loop {
        match client.find(OPS, Mark::Words("0123abcd"), &after).await.unwrap() {
            Page::More(next) => after = next,
            other => break other,
        }
    };
    assert_eq!(found, Page::Found(ours.clone()));
    let absent = client.find(OPS, Mark::Words("ffffffff"), &after).await.unwrap();
    assert!(matches!(absent, Page::Absent | Page::More(_)), "{absent:?}");
    assert_eq!(client.find(OPS, Mark::File("x.png"), &after).await.unwrap(), absent);
    discord.check();
}

#[tokio::test]
async fn each_failure_says_what_is_to_be_done_about_it() {
    let discord = Discord::start().await;
    let client = patient(&discord, Duration::from_millis(500));
    let gone = |what| DiscordError::Gone { what };
    let limited = |seconds: f64| DiscordError::RateLimited {
        after: Duration::from_secs_f64(seconds),
    };
    for (fault, wanted) in [
        (Fault::Refused(10003), gone(Missing::Channel)),
        (Fault::Refused(10008), gone(Missing::Message)),
        (
            Fault::RateLimited {
                seconds: 1.5,
                scope: Scope::User,
            },
            limited(1.5),
        ),
        (
            Fault::RateLimited {
                seconds: 0.2,
                scope: Scope::Shared,
            },
            limited(0.2),
        ),
        (Fault::RateLimitedInAll { seconds: 0.3 }, limited(0.3)),
        (Fault::BannedByProxy, limited(30.0)),
    ] {
        discord.fault(Route::CreateMessage, fault);
        let failed = client.post(OPS, "n", words("x"), None).await.unwrap_err();
        assert_eq!(failed, wanted, "{fault:?}");
    }
    for (fault, is_in_doubt) in [
        (Fault::Status(503), true),
        (Fault::Reset, true),
        (Fault::DoneThenReset, true),
        (Fault::DoneThenSilence, true),
    ] {
        discord.fault(Route::EditMessage, fault);
        let failed = client.edit(OPS, "1", &words("x")).await.unwrap_err();
        let is_retry = matches!(&failed, DiscordError::Retry { may_be_done, .. } if *may_be_done == is_in_doubt);
        let is_gone = failed == gone(Missing::Message);
        assert!(is_retry || is_gone, "{fault:?} {failed:?}");
    }
    let form = client
        .post(OPS, "n", json!({"content": "x".repeat(2001)}), None)
        .await
        .unwrap_err();
    let DiscordError::Form { detail } = form else {
        panic!("{form:?}")
    };
    assert!(detail.contains("content") && detail.contains("50035"), "{detail}");
    discord.forbid(OPS, permission::SEND_MESSAGES);
    let barred = client.post(OPS, "n", words("x"), None).await.unwrap_err();
    assert!(matches!(barred, DiscordError::Barred { .. }), "{barred:?}");
    discord.revoke_token();
    assert_eq!(client.me().await.unwrap_err(), DiscordError::Token);
    discord.take_refused();
    discord.take_misuse();
    discord.take_unread();
}

#[tokio::test]
async fn what_discord_tells_of_its_limits_is_kept_to() {
    let discord = Discord::start().await;
    let client = client(&discord);
    let mut sent = 0;
    while client.take(Method::Post, OPS).is_ok() {
        client.post(OPS, &format!("n{sent}"), words("x"), None).await.unwrap();
        sent += 1;
        assert!(sent <= 5, "the bucket holds five");
    }
    assert_eq!(sent, 5);
    assert!(
        client.take(Method::Post, "9002").is_ok(),
        "another channel is not held up"
    );
    discord.fault(Route::CreateMessage, Fault::RateLimitedInAll { seconds: 20.0 });
    client.post("9002", "m", words("x"), None).await.unwrap_err();
    assert!(client.take(Method::Edit, "9003").is_err(), "all are held");
    discord.take_unread();
    discord.check();
}

#[tokio::test]
async fn what_is_no_address_or_token_is_refused() {
    let token = "token".to_owned().into();
    let make = |url: &str| DiscordClient::new(url, APPLICATION, &token, Duration::from_secs(1));
    assert!(matches!(make("ftp://example.org"), Err(SetupError::Address)));
    assert!(matches!(make("example"), Err(SetupError::Address)));
    let broken = "a\nb".to_owned().into();
    let made = DiscordClient::new("http://127.0.0.1:1", APPLICATION, &broken, Duration::from_secs(1));
    assert!(matches!(made, Err(SetupError::Token)));
    let nobody = make("http://127.0.0.1:1").unwrap().me().await.unwrap_err();
    assert!(
        matches!(nobody, DiscordError::Retry { may_be_done: false, .. }),
        "{nobody:?}"
    );
    assert!(!format!("{:?}", make("http://127.0.0.1:1").unwrap()).contains("Bot token"));
}
