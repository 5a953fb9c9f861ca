//! The Alertmanager integration, against the real server and against one that is strict and fails as we like.

use crate::harness::alertmanager::{Alertmanager, FakeAlertmanager, Refuses};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::call::{Arguments, CallContext, CallResult, Recall};
use signalbox::integration::alertmanager::{self, Config};
use signalbox::integration::{Connection, action};

fn connect(url: &str) -> Connection {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config {
        url: url.to_owned(),
        token: None,
    };
    Connection::Alertmanager(alertmanager::Alertmanager::new(&config).unwrap())
}

fn context(step: &str) -> CallContext {
    CallContext {
        run: "7k2m9qx4ab".to_owned(),
        step: step.to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(5),
    }
}

async fn call(connection: &Connection, name: &str, step: &str, arguments: Value) -> CallResult {
    let arguments: Arguments = arguments.as_object().unwrap().clone();
    connection
        .call(action("alertmanager", name).unwrap(), &arguments, &context(step))
        .await
}

fn a_silence() -> Value {
    json!({
        "matchers": {"alertname": "SupplierFails", "supplier": null}, "duration": 7200, "comment": "being looked at",
        "by": "dana",
    })
}

async fn silences(connection: &Connection) -> Vec<Value> {
    match call(connection, "silences", "look", json!({})).await {
        CallResult::Done { value } => value["silences"].as_array().unwrap().clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_alertmanager_silences_once_and_ends_it_again() {
    let server = tokio::task::spawn_blocking(|| Alertmanager::start("http://127.0.0.1:1", ""))
        .await
        .unwrap();
    let connection = connect(&server.url());
    assert_eq!(connection.alive().await.unwrap(), "answers");
    let silence = action("alertmanager", "silence").unwrap();
    let recall = async |step: &str| {
        connection
            .recall(silence, &Arguments::new(), &context(step), &Value::Null)
            .await
    };
    assert!(matches!(recall("silence").await, Recall::NeverMade { .. }));

    let CallResult::Done { value } = call(&connection, "silence", "silence", a_silence()).await else {
        panic!("it is not silenced")
    };
    let all = silences(&connection).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["id"], &all[0]["state"], &all[0]["matchers"], &all[0]["by"]),
        (
            &value["id"],
            &json!("active"),
            &json!("alertname=\"SupplierFails\""),
            &json!("dana")
        )
    );
    assert_eq!(
        all[0]["comment"],
        "being looked at (Signalbox run 7k2m9qx4ab, step silence)"
    );
    // After a crash it is found again, and no other step's is.
    let Recall::Made(CallResult::Done { value: found }) = recall("silence").await else {
        panic!("it is not found")
    };
    assert_eq!(found["id"], value["id"]);
    assert!(matches!(recall("silence again").await, Recall::NeverMade { .. }));

    // The undo ends the one that its own step made, and once more does no harm.
    for _ in 0..2 {
        let ended = call(&connection, "expire", "undo:silence", json!({})).await;
        assert!(matches!(ended, CallResult::Done { .. }), "{ended:?}");
    }
    assert_eq!(silences(&connection).await, Vec::<Value>::new());
    let other = call(&connection, "expire", "undo:another", json!({})).await;
    assert!(matches!(other, CallResult::NotDone { .. }), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_never_sent() {
    let server = FakeAlertmanager::start(Refuses::Nothing).await;
    let connection = connect(&server.url);
    for (change, why) in [
        (
            json!({"matchers": {}}),
            "a silence needs a label at least, or it would silence everything",
        ),
        (
            json!({"matchers": {"alertname": null}}),
            "a silence needs a label at least",
        ),
        (
            json!({"matchers": {"alertname": ""}}),
            "the label alertname must have a text that is not empty",
        ),
        (json!({"duration": 59}), "a silence lasts from a minute to 30 days"),
        (
            json!({"duration": 2_592_001}),
            "a silence lasts from a minute to 30 days",
        ),
        (
            json!({"duration": "2h"}),
            "the argument `duration` must be a whole number",
        ),
        (json!({"comment": " "}), "a silence says who made it and why"),
        (json!({"by": ""}), "a silence says who made it and why"),
    ] {
        let mut asked = a_silence();
        asked
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        match call(&connection, "silence", "silence", asked).await {
            CallResult::NotDone { reason } => assert!(reason.starts_with(why), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    for (step, arguments) in [("expire", json!({})), ("undo:silence", json!({"id": " "}))] {
        let result = call(&connection, "expire", step, arguments).await;
        assert!(!matches!(result, CallResult::Done { .. }), "{result:?}");
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_is_told_for_what_it_is() {
    for (refuses, unknown, why) in [
        (
            Refuses::WithText(400, "bad matcher format"),
            false,
            "answers HTTP 400: bad matcher format",
        ),
        (
            Refuses::WithCode(422, "matchers in body is required"),
            false,
            "answers HTTP 422: matchers in body is required",
        ),
        (Refuses::WithText(500, "broken"), true, "answers HTTP 500: broken"),
        (Refuses::ByPage(200), true, "does not answer as Alertmanager does"),
        (Refuses::ByPage(302), true, "answers HTTP 302"),
        (Refuses::BySilence, true, "no answer came"),
    ] {
        let server = FakeAlertmanager::start(refuses).await;
        let connection = connect(&server.url);
        let mut patient = context("silence");
        patient.deadline = Timestamp::now() + SignedDuration::from_secs(1);
        let arguments = a_silence().as_object().unwrap().clone();
        let result = connection
            .call(action("alertmanager", "silence").unwrap(), &arguments, &patient)
            .await;
        match result {
            CallResult::Unknown { reason } if unknown => assert!(reason.contains(why), "{reason}"),
            CallResult::NotDone { reason } if !unknown => assert!(reason.contains(why), "{reason}"),
            other => panic!("{refuses:?}: {other:?}"),
        }
        assert_eq!(server.calls(), 1, "{refuses:?}");
    }
    let nobody = connect("http://127.0.0.1:1");
    let result = call(&nobody, "silence", "silence", a_silence()).await;
    assert!(matches!(result, CallResult::Unreachable { .. }), "{result:?}");
}
