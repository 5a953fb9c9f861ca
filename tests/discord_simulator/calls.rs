//! Who may call, how a body comes, and what goes wrong on the way.

use super::{IN_OPS, call_as, done, get, hello, objection, post, raw, refused, with};
use crate::harness::discord::{BOT_TOKEN, Discord, Fault, Route, Scope, permission};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn the_token_is_checked() {
    let discord = Discord::start().await;
    for token in [None, Some("other")] {
        let answer = call_as(&discord, token, Method::POST, IN_OPS, hello()).await;
        assert_eq!(answer, (401, json!({"message": "401: Unauthorized", "code": 0})));
    }
    let open = call_as(&discord, None, Method::GET, "gateway", Value::Null).await;
    assert_eq!(open.0, 200, "the gateway's address is nobody's secret");
    discord.revoke_token();
    assert_eq!(get(&discord, "users/@me").await.0, 401);
    discord.restore_token();
    assert_eq!(get(&discord, "users/@me").await.1["bot"], json!(true));
    assert_eq!(discord.invalid_calls(), 3);
    assert_eq!(discord.take_refused().len(), 3);
    discord.check();
}

#[tokio::test]
async fn a_client_says_who_it_is() {
    let discord = Discord::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client
        .get(format!("{}/gateway", discord.api_url()))
        .send()
        .await
        .unwrap();
    let misuse = discord.take_misuse();
    assert!(misuse.len() == 1 && misuse[0].contains("User-Agent"), "{misuse:?}");
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let discord = Discord::start().await;
    assert_eq!(post(&discord, "channels/9001/explode", hello()).await.0, 404);
    assert_eq!(post(&discord, "users/@me", hello()).await.0, 405);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let old = client
        .get(format!("{}/api/v6/gateway", discord.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(old.status().as_u16(), 404);
}

#[tokio::test]
async fn bodies_are_json_or_forms_of_parts() {
    let discord = Discord::start().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .user_agent(super::AGENT)
        .build()
        .unwrap();
    let send = async |kind: Option<&str>, body: &'static str| {
        let mut request = client.post(format!("{}/{IN_OPS}", discord.api_url()));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request.header("authorization", format!("Bot {BOT_TOKEN}"));
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(
        refused(&send(Some("application/json"), "{\"content\":").await),
        (400, 50109)
    );
    assert_eq!(
        objection(&send(Some("text/plain"), "hello").await, ""),
        "CONTENT_TYPE_INVALID"
    );
    let form = "--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
                {\"content\":\"with files\",\"attachments\":[{\"id\":0,\"description\":\"a list\"}]}\r\n\
                --x\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.csv\"\r\n\
                Content-Type: text/csv\r\n\r\n1,2\r\n3,4\r\n--x--\r\n";
    let (status, message) = send(Some("multipart/form-data; boundary=x"), form).await;
    assert_eq!(status, 200, "{message}");
    assert_eq!(message["attachments"][0]["filename"], "a.csv");
    assert_eq!(message["attachments"][0]["description"], "a list");
    let shown = discord.posted("9001").await;
    assert_eq!(
        (shown.seen().as_str(), &*shown.shown.files[0].bytes),
        ("with files\nfile a.csv", &b"1,2\r\n3,4"[..])
    );
    let cut = "--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{}";
    assert_eq!(
        refused(&send(Some("multipart/form-data; boundary=x"), cut).await),
        (400, 50109)
    );
}

#[tokio::test]
async fn a_file_is_ten_mebibytes_at_most() {
    let discord = Discord::start().await;
    let send = async |length: usize| {
        let head = "--x\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.bin\"\r\n\r\n";
        let body = [head.as_bytes(), &vec![b'a'; length], b"\r\n--x--\r\n"].concat();
        let client = reqwest::Client::builder()
            .no_proxy()
            .user_agent(super::AGENT)
            .build()
            .unwrap();
        let request = client
            .post(format!("{}/{IN_OPS}", discord.api_url()))
            .header("authorization", format!("Bot {BOT_TOKEN}"))
            .header("content-type", "multipart/form-data; boundary=x");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(refused(&send(10 * 1024 * 1024 + 1).await), (413, 40005));
    assert_eq!(send(10 * 1024 * 1024).await.0, 200);
    discord.posted("9001").await;
}

#[tokio::test]
async fn fields_that_discord_does_not_know_are_a_misuse() {
    let discord = Discord::start().await;
    done(
        &discord,
        Method::POST,
        IN_OPS,
        with(hello(), "allowed_mention", json!({})),
    )
    .await;
    let misuse = discord.take_misuse();
    assert!(misuse.len() == 1 && misuse[0].contains("allowed_mention"), "{misuse:?}");
    discord.posted("9001").await;
}

#[tokio::test]
async fn an_outage_is_of_everything_until_it_ends() {
    let discord = Discord::start().await;
    discord.outage(true);
    let (status, body) = post(&discord, IN_OPS, hello()).await;
    assert!(
        status == 503 && body.as_str().unwrap().starts_with("<html>"),
        "{status} {body}"
    );
    assert_eq!(get(&discord, "gateway").await.0, 503);
    discord.outage(false);
    assert_eq!(get(&discord, "gateway").await.0, 200);
    assert!(discord.take_unread().is_empty());
    discord.check();
}

#[tokio::test]
async fn faults_strike_before_and_after_the_deed() {
    let discord = Discord::start().await;
    for (fault, is_done) in [
        (Fault::Status(500), false),
        (Fault::Reset, false),
        (Fault::Silence, false),
        (Fault::DoneThenSilence, true),
        (Fault::DoneThenReset, true),
        (Fault::DoneThenStatus(502), true),
        (Fault::Slow(Duration::from_millis(50)), true),
    ] {
        discord.fault(Route::CreateMessage, fault);
        // Of silence nobody can wait for the end.
        let is_silent = matches!(fault, Fault::Silence | Fault::DoneThenSilence);
        let patience = Duration::from_millis(if is_silent { 500 } else { 10_000 });
        let sent = tokio::time::timeout(patience, async {
            let response = raw(&discord, Some(BOT_TOKEN), Method::POST, IN_OPS, hello()).await?;
            let status = response.status().as_u16();
            response.bytes().await.map(|_| status)
        });
        let came = match sent.await {
            Err(_) => "nothing".to_owned(),
            Ok(Err(_)) => "broken".to_owned(),
            Ok(Ok(status)) => status.to_string(),
        };
        let expected = match fault {
            Fault::Status(_) => "500",
            Fault::Reset | Fault::DoneThenReset => "broken",
            Fault::Silence | Fault::DoneThenSilence => "nothing",
            Fault::DoneThenStatus(_) => "502",
            _ => "200",
        };
        assert_eq!(came, expected, "{fault:?}");
        assert_eq!(discord.take_unread().len(), usize::from(is_done), "{fault:?}");
        discord.advance(Duration::from_secs(5));
    }
    discord.check();
}

#[tokio::test]
async fn a_fault_strikes_once_where_it_is_meant() {
    let discord = Discord::start().await;
    discord.fault_in("9002", Route::CreateMessage, Fault::Refused(50013));
    discord.fault_after(Route::CreateMessage, 1, Fault::Refused(50001));
    done(&discord, Method::POST, IN_OPS, hello()).await;
    assert_eq!(
        refused(&post(&discord, "channels/9002/messages", hello()).await),
        (403, 50013)
    );
    assert_eq!(refused(&post(&discord, IN_OPS, hello()).await), (403, 50001));
    done(&discord, Method::POST, IN_OPS, hello()).await;
    assert_eq!(discord.take_unread().len(), 2);
    assert_eq!(discord.calls(Route::CreateMessage).len(), 4);
    discord.check();
}

#[tokio::test]
async fn limits_that_a_test_makes_look_like_discords() {
    let discord = Discord::start().await;
    let meet = async |fault| {
        discord.fault(Route::CreateMessage, fault);
        let response = raw(&discord, Some(BOT_TOKEN), Method::POST, IN_OPS, hello())
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 429);
        let header = |name| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let told = ["retry-after", "x-ratelimit-scope", "x-ratelimit-global"].map(header);
        (told.map(Option::unwrap_or_default), response.text().await.unwrap())
    };
    let shared = Fault::RateLimited {
        seconds: 1.25,
        scope: Scope::Shared,
    };
    let (told, body) = meet(shared).await;
    assert_eq!(told, ["2", "shared", ""]);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["retry_after"], &body["global"], &body["code"]),
        (&json!(1.25), &json!(false), &json!(20028))
    );
    assert_eq!(discord.invalid_calls(), 0, "what others did is not counted");
    let user = Fault::RateLimited {
        seconds: 1.0,
        scope: Scope::User,
    };
    assert_eq!(meet(user).await.0, ["1", "user", ""]);
    let (told, body) = meet(Fault::RateLimitedInAll { seconds: 0.5 }).await;
    assert_eq!(told, ["1", "global", "true"]);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["global"], json!(true));
    let (told, body) = meet(Fault::BannedByProxy).await;
    assert_eq!(told, ["", "", ""]);
    assert!(body.starts_with("<html>"));
    assert_eq!(discord.invalid_calls(), 3);
    discord.check();
}

#[tokio::test]
#[should_panic(expected = "nobody looked at what Discord got")]
async fn a_message_that_nobody_looks_at_fails_the_test() {
    let discord = Discord::start().await;
    post(&discord, IN_OPS, hello()).await;
}

#[tokio::test]
#[should_panic(expected = "refused: CreateMessage")]
async fn a_call_that_is_refused_fails_the_test() {
    let discord = Discord::start().await;
    discord.forbid("9001", permission::SEND_MESSAGES);
    post(&discord, IN_OPS, hello()).await;
    discord.check();
}
