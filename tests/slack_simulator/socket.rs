//! Socket Mode's rules.

use super::{call_as, error};
use crate::harness::slack::{APP_TOKEN, Acked, BOT_TOKEN, Slack};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn url(slack: &Slack) -> String {
    let answer = call_as(slack, APP_TOKEN, "apps.connections.open", json!({})).await.1;
    answer["url"].as_str().unwrap().to_owned()
}

async fn connect(url: &str) -> Connection {
    ClientBuilder::new().uri(url).unwrap().connect().await.unwrap().0
}

/// The next frame; none at the end.
async fn next(connection: &mut Connection) -> Option<Value> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(5), connection.next())
            .await
            .unwrap()?
            .ok()?;
        if let Some(text) = message.as_text() {
            return Some(serde_json::from_str(text).unwrap());
        }
    }
}

async fn open(slack: &Slack) -> (Connection, Value) {
    let mut connection = connect(&url(slack).await).await;
    let hello = next(&mut connection).await.unwrap();
    (connection, hello)
}

async fn ack(connection: &mut Connection, ack: &Value) {
    connection.send(Message::text(ack.to_string())).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_opened_by_the_app_token_in_the_header_alone() {
    let slack = Slack::start().await;
    let answer = async |token: &str, body: Value| call_as(&slack, token, "apps.connections.open", body).await.1;
    assert_eq!(error(&answer(BOT_TOKEN, json!({})).await), "not_allowed_token_type");
    assert_eq!(error(&answer("xapp-other", json!({})).await), "invalid_auth");
    assert_eq!(
        error(&answer(APP_TOKEN, json!({"token": APP_TOKEN})).await),
        "invalid_arguments"
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let in_form = client.post(format!("{}/apps.connections.open", slack.api_url()));
    let in_form = in_form
        .form(&[("token", APP_TOKEN)])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(error(&in_form), "not_authed");
    assert!(
        answer(APP_TOKEN, json!({})).await["url"]
            .as_str()
            .unwrap()
            .starts_with("ws://")
    );
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let slack = Slack::start().await;
    let url = url(&slack).await;
    let mut first = connect(&url).await;
    let hello = next(&mut first).await.unwrap();
    assert_eq!(
        (&hello["type"], &hello["num_connections"]),
        (&json!("hello"), &json!(1))
    );
    assert_eq!(hello["connection_info"]["app_id"], "A1");
    let mut second = connect(&url).await;
    assert_eq!(next(&mut second).await, None);
    assert_eq!(slack.misuse(), ["a connection without a ticket that is good"]);
}

#[tokio::test]
async fn an_app_has_ten_connections_and_no_more() {
    let slack = Slack::start().await;
    let mut held = Vec::new();
    for number in 1..=10 {
        let (connection, hello) = open(&slack).await;
        assert_eq!(hello["num_connections"], number);
        held.push(connection);
    }
    let (mut last, refused) = open(&slack).await;
    assert_eq!(
        (&refused["type"], &refused["reason"]),
        (&json!("disconnect"), &json!("too_many_websockets"))
    );
    assert_eq!(next(&mut last).await, None);
    held.pop();
    slack.until_connections(|open| open.len() == 9).await;
    assert_eq!(open(&slack).await.1["type"], "hello");
    slack.disable_socket_mode(true);
    assert_eq!(next(&mut held[0]).await.unwrap()["reason"], "link_disabled");
    assert_eq!(next(&mut held[0]).await, None);
    assert_eq!(open(&slack).await.1["reason"], "link_disabled");
}

#[tokio::test]
async fn an_envelope_goes_to_one_connection_and_is_acknowledged_there() {
    let slack = Slack::start().await;
    let (mut connection, _) = open(&slack).await;
    let talk = async {
        let envelope = next(&mut connection).await.unwrap();
        assert_eq!(
            (&envelope["type"], &envelope["payload"]["text"]),
            (&json!("slash_commands"), &json!("x"))
        );
        assert_eq!(envelope["accepts_response_payload"], true);
        ack(
            &mut connection,
            &json!({"envelope_id": envelope["envelope_id"], "payload": {"text": "y"}}),
        )
        .await;
    };
    let (acked, ()) = tokio::join!(slack.envelope("slash_commands", json!({"text": "x"}), true), talk);
    assert_eq!(acked, Acked::Yes(Some(json!({"text": "y"}))));
    assert_eq!(slack.misuse(), Vec::<String>::new());
}

#[tokio::test]
async fn acknowledgements_of_another_form_are_noted() {
    let slack = Slack::start().await;
    let (mut connection, _) = open(&slack).await;
    connection.send(Message::text("yes".to_owned())).await.unwrap();
    ack(&mut connection, &json!({"payload": {}})).await;
    let talk = async {
        let envelope = next(&mut connection).await.unwrap();
        let wrong = json!({"envelope_id": envelope["envelope_id"], "payload": {}, "ok": true});
        ack(&mut connection, &wrong).await;
    };
    let (acked, ()) = tokio::join!(slack.envelope("events_api", json!({}), false), talk);
    assert_eq!(acked, Acked::Yes(Some(json!({}))));
    let misuse = slack.misuse();
    for (at, what) in ["no object", "of nothing", "other fields", "not taken"]
        .iter()
        .enumerate()
    {
        assert!(misuse[at].contains(what), "{misuse:?}");
    }
}

#[tokio::test]
async fn what_is_not_acknowledged_in_three_seconds_was_not_taken() {
    let mut slack = Slack::start().await;
    slack.use_socket();
    assert_eq!(slack.envelope("slash_commands", json!({}), true).await, Acked::Nowhere);
    let (mut connection, _) = open(&slack).await;
    let began = Instant::now();
    let silent = slack.person("U1").command("C0OPS", "/a", "").await;
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert_eq!(silent.status, None);
    assert_eq!(slack.complaints(), [("U1".to_owned(), "operation_timeout".to_owned())]);
    assert!(next(&mut connection).await.is_some());
    // An event comes again, at first under its old id, and says so.
    let talk = async {
        let first = next(&mut connection).await.unwrap();
        assert_eq!(
            (&first["type"], &first["retry_attempt"]),
            (&json!("events_api"), &json!(0))
        );
        let second = next(&mut connection).await.unwrap();
        assert_eq!(second["envelope_id"], first["envelope_id"]);
        assert_eq!(
            (&second["retry_attempt"], &second["retry_reason"]),
            (&json!(1), &json!("timeout"))
        );
        ack(&mut connection, &json!({"envelope_id": second["envelope_id"]})).await;
    };
    let (ack, ()) = tokio::join!(slack.event("U1", json!({"event_id": "Ev1"})), talk);
    assert_eq!(ack.status, Some(200));
}

#[tokio::test]
async fn a_connection_can_end_in_each_way_that_connections_end() {
    let slack = Slack::start().await;
    for way in ["close", "drop", "silence"] {
        let (mut connection, _) = open(&slack).await;
        let id = slack.connections()[0];
        slack.disconnect(id, "warning");
        assert_eq!(next(&mut connection).await.unwrap()["reason"], "warning");
        match way {
            "close" => slack.close_connection(id),
            "drop" => slack.drop_connection(id),
            _ => slack.silence_connection(id),
        }
        slack.until_connections(<[u64]>::is_empty).await;
        if way == "silence" {
            connection.send(Message::ping("")).await.unwrap();
            let pong = tokio::time::timeout(Duration::from_millis(300), connection.next()).await;
            assert!(pong.is_err(), "nobody is there");
        } else {
            assert_eq!(next(&mut connection).await, None, "{way}");
        }
    }
}
