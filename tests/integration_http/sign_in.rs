//! Logins, and tokens that run out.

use super::{PASSWORD, call, connection, done, login, told};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use insta::assert_snapshot;
use serde_json::{Value, json};
use signalbox::call::CallResult;
use signalbox::integration::Connection;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A token that lives so many seconds; its payload makes it unlike others.
fn token(name: &str, life: i64) -> String {
    let payload = json!({ "iat": 1_700_000_000, "exp": 1_700_000_000 + life, "jti": name });
    format!(
        "eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl",
        URL_SAFE_NO_PAD.encode(payload.to_string())
    )
}

async fn gives(server: &MockServer, at: &str, wants: Value, times: u64, gives: Value) {
    Mock::given(method("POST"))
        .and(path(at))
        .and(body_json(wants))
        .respond_with(ResponseTemplate::new(200).set_body_json(gives))
        .up_to_n_times(times)
        .expect(times)
        .mount(server)
        .await;
}

async fn logs_in(server: &MockServer, access: &str, times: u64) {
    let wants = json!({ "email": "bot@shop.example", "password": PASSWORD });
    let gives = json!({ "access": access, "refresh": "refresh-token-1", "user": { "id": 1 } });
    self::gives(server, "/api/auth/login/", wants, times, gives).await;
}

async fn refreshes(server: &MockServer, access: &str) {
    let wants = json!({ "refresh": "refresh-token-1" });
    gives(server, "/api/token/refresh/", wants, 1, json!({ "access": access })).await;
}

async fn lets_in(server: &MockServer, token: &str, times: u64) {
    Mock::given(header("authorization", format!("Bearer {token}").as_str()))
        .and(path("/x/"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .expect(times)
        .mount(server)
        .await;
}

async fn turns_away(server: &MockServer, token: &str, times: u64) {
    Mock::given(header("authorization", format!("Bearer {token}").as_str()))
        .and(path("/x/"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "detail": "no", "code": "token_not_valid" })))
        .expect(times)
        .mount(server)
        .await;
}

fn bot(server: &MockServer) -> Connection {
    connection(&server.uri(), login("bot@shop.example", PASSWORD))
}

fn x() -> Value {
    json!({ "path": "/x/" })
}

#[tokio::test]
async fn many_at_once_sign_in_once() {
    let server = MockServer::start().await;
    let access = token("one", 300);
    logs_in(&server, &access, 1).await;
    lets_in(&server, &access, 8).await;
    let bot = bot(&server);
    let calls = futures::future::join_all((0..8).map(|_| call(&bot, "get", x()))).await;
    for result in calls {
        done(result);
    }
}

#[tokio::test]
async fn a_token_is_refreshed_before_it_runs_out() {
    let server = MockServer::start().await;
    // No life at all: it is stale as soon as it is there.
    let (first, second) = (token("first", 0), token("second", 300));
    logs_in(&server, &first, 1).await;
    refreshes(&server, &second).await;
    lets_in(&server, &first, 1).await;
    lets_in(&server, &second, 2).await;
    let bot = bot(&server);
    for _ in 0..3 {
        done(call(&bot, "post", x()).await);
    }
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_write_made_once() {
    let server = MockServer::start().await;
    let (first, second) = (token("first", 300), token("second", 300));
    logs_in(&server, &first, 1).await;
    refreshes(&server, &second).await;
    turns_away(&server, &first, 1).await;
    lets_in(&server, &second, 2).await;
    let bot = bot(&server);
    for _ in 0..2 {
        done(call(&bot, "post", x()).await);
    }
}

#[tokio::test]
async fn without_a_refresh_the_login_is_asked_again() {
    let server = MockServer::start().await;
    let (first, second) = (token("first", 300), token("second", 300));
    logs_in(&server, &first, 1).await;
    Mock::given(path("/api/token/refresh/"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "detail": "Token is blacklisted" })))
        .expect(1)
        .mount(&server)
        .await;
    logs_in(&server, &second, 1).await;
    turns_away(&server, &first, 1).await;
    lets_in(&server, &second, 1).await;
    done(call(&bot(&server), "post", x()).await);
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_given_up() {
    let server = MockServer::start().await;
    let (first, second) = (token("first", 300), token("second", 300));
    logs_in(&server, &first, 1).await;
    refreshes(&server, &second).await;
    turns_away(&server, &first, 1).await;
    turns_away(&server, &second, 1).await;
    let result = call(&bot(&server), "post", x()).await;
    assert_snapshot!(told(&result, server.address().port()), @"not done: SHOP did not do POST /x/: HTTP 401 came with: no");
}

#[tokio::test]
async fn a_login_that_does_not_work_is_told_without_the_password() {
    let json = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let mut said = Vec::new();
    for (answer, asked) in [
        (json(401, json!({ "detail": format!("No account with {PASSWORD}") })), 1),
        (json(400, json!({ "username": ["This field is required."] })), 2),
        (json(200, json!({ "token": "abcdefghijkl" })), 2),
        (json(200, json!({ "access": null, "refresh": "abcdefghijkl" })), 2),
        (ResponseTemplate::new(302).insert_header("location", "/sso/"), 2),
        (ResponseTemplate::new(500), 2),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/api/auth/login/"))
            .respond_with(answer)
            .expect(asked)
            .mount(&server)
            .await;
        let bot = bot(&server);
        for name in ["get", "post"] {
            let result = call(&bot, name, x()).await;
            assert!(matches!(result, CallResult::NotDone { .. }), "{result:?}");
            said.push(told(&result, server.address().port()));
        }
        said.dedup();
        assert!(!format!("{bot:?}").contains(PASSWORD));
    }
    let said = said.join("\n");
    assert!(!said.contains(PASSWORD) && !said.contains("abcdefghijkl"), "{said}");
    assert_snapshot!(said, @r#"
    not done: the user or the password of connection shop-api is refused (HTTP 401 came with: No account with [redacted]); the login is tried again in N s at the earliest
    not done: the login of connection shop-api does not work: HTTP 400 came with: {"username":["This field is required."]}
    not done: the login of connection shop-api does not work: it answers HTTP 200 without an `access` token in JSON
    not done: the login of connection shop-api does not work: HTTP 302 came without a word
    not done: the login of connection shop-api does not work: HTTP 500 came without a word
    "#);
}
