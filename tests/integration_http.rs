//! The HTTP integration: the real demo shop, and strict fakes for what it does not answer at will.

mod meaning;
mod shop;
mod sign_in;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::call::{CallContext, CallResult};
use signalbox::integration::http::{Config, Http, Login, SignIn};
use signalbox::integration::{Connection, action};

const PASSWORD: &str = "correct-horse-battery";

fn connection(url: &str, sign_in: SignIn) -> Connection {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config {
        name: "shop-api".to_owned(),
        url: url.to_owned(),
        sign_in,
    };
    Connection::Http(Http::new(&config).unwrap())
}

fn login(user: &str, password: &str) -> SignIn {
    SignIn::Login(Login {
        path: "/api/auth/login/".to_owned(),
        user_field: "email".to_owned(),
        user: user.to_owned(),
        password: password.to_owned().into(),
        refresh: Some("/api/token/refresh/".to_owned()),
    })
}

async fn within(seconds: i64, connection: &Connection, name: &str, with: Value) -> CallResult {
    let context = CallContext {
        run: "r".to_owned(),
        step: "s".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
    };
    connection
        .call(action("http", name).unwrap(), with.as_object().unwrap(), &context)
        .await
}

async fn call(connection: &Connection, name: &str, with: Value) -> CallResult {
    within(20, connection, name, with).await
}

#[track_caller]
fn done(result: CallResult) -> Value {
    match result {
        CallResult::Done { value } => value,
        other => panic!("it is {other:?}"),
    }
}

/// `not done: ...`, with the server's port left out.
fn told(result: &CallResult, port: u16) -> String {
    let (word, reason) = match result {
        CallResult::Done { value } => ("done", format!("{} {}", value["status"], value["json"])),
        CallResult::NotDone { reason } => ("not done", reason.clone()),
        CallResult::Unreachable { reason } => ("unreachable", reason.clone()),
        CallResult::Unknown { reason } => ("unknown", reason.clone()),
    };
    let reason = reason.replace(&format!("127.0.0.1:{port}"), "SHOP");
    // How long one waits depends on the moment.
    let reason = regex::Regex::new("in [0-9]+ s at")
        .unwrap()
        .replace(&reason, "in N s at")
        .into_owned();
    format!("{word}: {reason}")
}

fn ignoring_arguments() -> Value {
    json!({ "path": "/x/" })
}
