//! Prometheus: a real server, and a strict fake for the answers that it does not give at will.

use crate::harness::services::{Prometheus as Server, free_port};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::call::{CallContext, CallResult};
use signalbox::integration::prometheus::{Config, Prometheus, PrometheusError};
use signalbox::integration::{Connection, action};
use std::time::Duration;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn prometheus(url: &str) -> Prometheus {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Prometheus::new(&Config { url: url.to_owned() }).unwrap()
}

async fn call(url: &str, name: &str, with: Value) -> CallResult {
    let context = CallContext {
        run: "r".to_owned(),
        step: "s".to_owned(),
        deadline: Timestamp::now() + SignedDuration::from_secs(20),
    };
    let connection = Connection::Prometheus(prometheus(url));
    connection
        .call(action("prometheus", name).unwrap(), with.as_object().unwrap(), &context)
        .await
}

fn done(result: CallResult) -> Value {
    match result {
        CallResult::Done { value } => value,
        other => panic!("it is {other:?}"),
    }
}

#[tokio::test]
async fn a_value_is_told_from_no_series_and_from_no_number() {
    let server = Server::shared();
    let instant = async |query: &str| done(call(&server.url(), "instant", json!({ "query": query })).await);
    for (query, value, text) in [
        ("sum(orders_total)", json!(7), "7"),
        ("share", json!(0.25), "0.25"),
        ("orders_total{provider='khalti'}", json!(0), "0"),
        ("broken", Value::Null, "NaN"),
        ("endless", Value::Null, "+Inf"),
        ("-endless", Value::Null, "-Inf"),
        ("scalar(share) * 2", json!(0.5), "0.5"),
    ] {
        let got = instant(query).await;
        assert_eq!((&got["value"], &got["absent"]), (&value, &json!(false)), "{query}");
        assert_eq!(got["series"][0]["text"], text, "{query}");
    }
    let two = instant("orders_total").await;
    assert_eq!(two["value"], Value::Null);
    assert_eq!(two["series"].as_array().unwrap().len(), 2);
    assert_eq!(two["series"][0]["labels"]["provider"], "esewa");

    let none = instant("supplier_sync_failures_total").await;
    assert_eq!(
        none,
        json!({ "series": [], "absent": true, "value": null, "warnings": [] })
    );
    for (query, absent) in [
        ("supplier_sync_failures_total", true),
        ("share", false),
        ("share > 1", true),
    ] {
        let got = done(call(&server.url(), "absent", json!({ "query": query })).await);
        assert_eq!(got, json!({ "absent": absent }), "{query}");
    }
}

#[tokio::test]
async fn a_range_has_points_where_there_were_samples() {
    let server = Server::shared();
    let range = done(call(&server.url(), "range", json!({ "query": "share", "last": 600 })).await);
    assert_eq!(range["absent"], false);
    let last = range["series"][0]["points"].as_array().unwrap().last().unwrap();
    assert_eq!(last[1].as_f64(), Some(0.25));
    assert!(
        (last[0].as_f64().unwrap() - Timestamp::now().as_second() as f64).abs() < 30.0,
        "{last}"
    );
    let broken = done(call(&server.url(), "range", json!({ "query": "broken", "last": 60 })).await);
    assert_eq!(broken["series"][0]["points"][0][1], Value::Null);
    let none = done(call(&server.url(), "range", json!({ "query": "nothing", "last": 60 })).await);
    assert_eq!(none, json!({ "series": [], "absent": true, "warnings": [] }));

    // A year by seconds would be refused.
    let (end, year) = (Timestamp::now(), SignedDuration::from_hours(365 * 24));
    let series = prometheus(&server.url())
        .range_points("vector(1)", end - year, end, Duration::from_secs(1))
        .await;
    let points = &series.unwrap()[0].points;
    assert!((10_000..=11_000).contains(&points.len()), "{}", points.len());
    assert!(points.iter().all(|(_, value)| *value == Some(1.0)));
}

#[tokio::test]
async fn what_it_refuses_is_told_in_its_own_words() {
    let server = Server::shared();
    let mut said = Vec::new();
    for (name, query) in [
        ("instant", "sum(("),
        ("range", "nope("),
        ("absent", "1 +"),
        ("instant", "share[5m]"),
        ("instant", "\"text\""),
    ] {
        let result = call(&server.url(), name, json!({ "query": query, "last": 60 })).await;
        let CallResult::NotDone { reason } = result else {
            panic!("it is {result:?}")
        };
        said.push(reason.replace(&server.port.to_string(), "PORT"));
    }
    assert_snapshot!(said.join("\n"), @r#"
    Prometheus at 127.0.0.1:PORT refuses the query: invalid parameter "query": 1:6: parse error: unclosed left parenthesis (bad_data)
    Prometheus at 127.0.0.1:PORT refuses the query: 1:6: parse error: unclosed left parenthesis (bad_data)
    Prometheus at 127.0.0.1:PORT refuses the query: invalid parameter "query": 1:4: parse error: unexpected end of input (bad_data)
    the query gives values over a range, and a value is wanted
    the query gives a string, and a value is wanted
    "#);
}

async fn answering(answer: ResponseTemplate) -> (MockServer, Result<Value, PrometheusError>) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/under/api/v1/query"))
        .and(body_string_contains("query=up"))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let url = format!("{}/under/", server.uri().replace("http://", "http://bot:t0psecret@"));
    let prometheus = prometheus(&url);
    assert!(!format!("{prometheus:?} {:?}", prometheus.identity()).contains("t0psecret"));
    let got = prometheus.instant_value("up").await;
    (
        server,
        got.map(|it| json!({ "series": it.samples.len(), "warnings": it.warnings })),
    )
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_apart() {
    let partial = json!({
        "status": "success", "data": { "result": [], "resultType": "vector" }, "warnings": ["a store is missing"], "infos": []
    });
    let (_server, got) = answering(ResponseTemplate::new(200).set_body_json(partial)).await;
    assert_eq!(got.unwrap(), json!({ "series": 0, "warnings": ["a store is missing"] }));

    let error = |kind: &str, text: &str| json!({ "status": "error", "errorType": kind, "error": text });
    let mut said = Vec::new();
    for answer in [
        ResponseTemplate::new(422).set_body_json(error("execution", "multiple matches for labels")),
        ResponseTemplate::new(503).set_body_json(error("timeout", "query timed out")),
        ResponseTemplate::new(503).set_body_string("<h1>upstream down</h1>"),
        ResponseTemplate::new(401).set_body_string("who are you"),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/login"),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({ "status": "success" })),
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024]),
    ] {
        let (server, got) = answering(answer).await;
        said.push(
            got.unwrap_err()
                .to_string()
                .replace(&server.address().to_string(), "HOST"),
        );
    }
    assert_snapshot!(said.join("\n"), @r#"
    Prometheus at HOST refuses the query: multiple matches for labels (execution)
    Prometheus at HOST refuses the query: query timed out (timeout)
    HOST does not answer as Prometheus does: HTTP 503 Service Unavailable
    HOST does not answer as Prometheus does: HTTP 401 Unauthorized
    HOST does not answer as Prometheus does: it sends us elsewhere (HTTP 302 Found)
    HOST does not answer as Prometheus does: its answer cannot be read: expected value at line 1 column 1
    HOST does not answer as Prometheus does: its answer cannot be read: its status is "success", and what belongs to that is missing
    HOST does not answer as Prometheus does: its answer is larger than 16777216 bytes; ask for fewer series, as `sum by (...)` or `topk` give
    "#);
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable() {
    let port = free_port();
    for name in ["instant", "range", "absent"] {
        let result = call(
            &format!("http://127.0.0.1:{port}"),
            name,
            json!({ "query": "up", "last": 60 }),
        )
        .await;
        let CallResult::Unreachable { reason } = result else {
            panic!("it is {result:?}")
        };
        assert_eq!(
            reason,
            format!("Prometheus at 127.0.0.1:{port} cannot be reached: Connection refused (os error 111)")
        );
    }
}

#[test]
fn a_malformed_url_is_told_without_its_secret() {
    for url in [
        "ftp://u:t0psecret@h",
        "http://u:t0psecret@",
        "http://u:t0psecret@h:port",
        "t0psecret",
    ] {
        let error = Prometheus::new(&Config { url: url.to_owned() })
            .unwrap_err()
            .to_string();
        assert!(error.contains("`url`"), "{error}");
        assert!(!error.contains("t0psecret"), "{error}");
    }
}
