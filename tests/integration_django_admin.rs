//! Django's admin: that of the real demo shop, and a strict fake for what the real one does not do at will.

mod fake;
mod shop;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use signalbox::call::{CallContext, CallResult};
use signalbox::integration::django_admin::{Config, DjangoAdmin};
use signalbox::integration::{Connection, action};

fn connection(url: &str, user: &str, password: &str) -> Connection {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config {
        name: "shop-admin".to_owned(),
        url: url.to_owned(),
        user: user.to_owned(),
        password: password.to_owned().into(),
    };
    Connection::DjangoAdmin(DjangoAdmin::new(&config).unwrap())
}

fn context(seconds: i64) -> CallContext {
    CallContext {
        run: "r".to_owned(),
        step: "s".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(seconds),
    }
}

async fn call(connection: &Connection, name: &str, with: Value) -> CallResult {
    connection
        .call(
            action("django_admin", name).unwrap(),
            with.as_object().unwrap(),
            &context(20),
        )
        .await
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
        CallResult::Done { value } => ("done", value.to_string()),
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
