//! Alert rules: those that are shipped, by `promtool`, and `check --live`, which judges the rules of a running Prometheus.

mod world;

use crate::harness::services::{Prometheus, export_in_turn, free_port};
use insta::assert_snapshot;
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};
use world::World;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_rules_for_the_shop_fire_on_what_they_are_for_and_on_nothing_else() {
    let tried = Command::new("promtool")
        .args(["test", "rules"])
        .arg(root().join("tests/rules/shop.yml"))
        .output()
        .expect("promtool comes with Prometheus");
    assert!(
        tried.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tried.stdout),
        String::from_utf8_lossy(&tried.stderr)
    );
}

/// What `/metrics` of the shop says, by whichever of its processes answers. One counter has never counted there.
fn shop() -> Vec<String> {
    [(31, 9), (20, 4), (12, 2)]
        .map(|(answers, failures)| {
            format!(
                "# TYPE django_http_requests_total_by_transport_total counter\n\
                 django_http_requests_total_by_transport_total{{transport=\"http\"}} {answers}\n\
                 # TYPE django_http_responses_total_by_status_total counter\n\
                 django_http_responses_total_by_status_total{{status=\"200\"}} {answers}\n\
                 # TYPE payment_failures_total counter\npayment_failures_total{{provider=\"esewa\"}} {failures}\n\
                 # TYPE supplier_sync_failures_total counter\n\
                 # TYPE django_http_requests_total_by_view_transport_method_total counter\n\
                 django_http_requests_total_by_view_transport_method_total{{view=\"orders\",transport=\"http\",method=\"GET\"}} \
                 {answers}\n# TYPE django_http_requests_latency_seconds_by_view_method histogram\n\
                 django_http_requests_latency_seconds_by_view_method_bucket{{view=\"orders\",method=\"GET\",le=\"+Inf\"}} \
                 {answers}\n\
                 django_http_requests_latency_seconds_by_view_method_sum{{view=\"orders\",method=\"GET\"}} {answers}\n\
                 django_http_requests_latency_seconds_by_view_method_count{{view=\"orders\",method=\"GET\"}} {answers}\n"
            )
        })
        .into()
}

/// What `/metrics` of Signalbox says, as far as its panels and the rules ask.
fn signalbox() -> Vec<String> {
    let signals = [
        ("orders_awaiting_forwarding", 12),
        ("orders_with_failed_payment", 1),
        ("suppliers_not_synced", 4),
        ("queue_length", 0),
        ("workers_alive", 1),
    ]
    .map(|(name, value)| format!("signalbox_signal{{signal=\"{name}\"}} {value}\n"));
    vec![format!(
        "# TYPE signalbox_signal gauge\n{}# TYPE signalbox_requests_waiting gauge\nsignalbox_requests_waiting 0\n\
         # TYPE signalbox_messages_failing gauge\nsignalbox_messages_failing 0\n# TYPE signalbox_store_up gauge\n\
         signalbox_store_up 1\n",
        signals.concat()
    )]
}

#[test]
fn the_shops_own_rules_are_seen_through_and_ours_are_not() {
    let rules = [
        root().join("config/rules/shop.yml"),
        root().join("demo/config/shipped.yml"),
    ];
    let mut prometheus = Prometheus::watching(&[export_in_turn(shop()), export_in_turn(signalbox())], &rules);
    prometheus.until_more_than(2, "min(resets(django_http_requests_total_by_transport_total[15m]))");
    prometheus.until_more_than(2, "min(resets(payment_failures_total[15m]))");
    let world = World::new(&prometheus.url(), &root().join("config/panels")).beside_silent_systems();
    let (code, said) = world.checks();
    assert_snapshot!(said, @r#"
    shop-metrics: answers
    shop-metrics: 12 rules there and 15 signals of ours: 6 problems.
    demo/config/shipped.yml: dropshipper-alerts/High5xxRate: `django_http_requests_total_by_transport_total` has no label `status`, so status=~"5.." fits nothing. `django_http_responses_total_by_status_total` has it
    demo/config/shipped.yml: dropshipper-alerts/High5xxRate: `django_http_requests_total_by_transport_total` is a counter and fell N times within a quarter of an hour: several processes behind one target count each for itself, and each fall is taken for a restart, so failures are counted that never happened. Let the processes count together (Python: PROMETHEUS_MULTIPROC_DIR), or compare max_over_time() of two windows, as config/rules/shop.yml does
    demo/config/shipped.yml: dropshipper-alerts/PaymentWebhookFailures: `payment_failures_total` is a counter and fell N times within a quarter of an hour: several processes behind one target count each for itself, and each fall is taken for a restart, so failures are counted that never happened. Let the processes count together (Python: PROMETHEUS_MULTIPROC_DIR), or compare max_over_time() of two windows, as config/rules/shop.yml does
    demo/config/shipped.yml: dropshipper-alerts/SupplierSyncFailures: `supplier_sync_failures_total` is declared by a target and has no series: nothing was counted yet, or the process that counts is not scraped. No series is not zero, and the first count is never seen as growth. Say what it means, with `or vector(0)`, or watch a sign that is there
    demo/config/shipped.yml: dropshipper-alerts/CeleryQueueBacklog: there is no metric `celery_tasks_active`, so this gives nothing, whatever happens. Let something export it, or watch a sign that is there
    demo/config/shipped.yml: dropshipper-alerts/CeleryQueueBacklog: there is no metric `celery_tasks_succeeded`, so this gives nothing, whatever happens. Let something export it, or watch a sign that is there
    6 problems
    "#);
    assert_eq!(code, 1);
    assert!(!said.contains("config/rules/shop.yml: "), "{said}");
}

#[test]
fn each_fault_of_a_rule_or_a_signal_is_told_with_its_place() {
    let metrics = format!(
        "{}# TYPE orders_total counter\norders_total{{provider=\"esewa\"}} 7\norders_total{{provider=\"khalti\"}} 3\n",
        signalbox().concat()
    );
    let mut prometheus = Prometheus::watching(
        &[export_in_turn(vec![metrics])],
        &[root().join("tests/rules/faulty.yml")],
    );
    prometheus.until_more_than(0, "min(orders_total)");
    prometheus.until_told("/api/v1/rules", "invalid destination label name");
    let panels = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("tests/rules/ours.toml"), panels.path().join("ours.toml")).unwrap();
    let world = World::new(&prometheus.url(), panels.path());
    let (code, said) = world.checks();
    assert_snapshot!(said.replace(&panels.path().display().to_string(), "PANELS"), @r#"
    shop-metrics: answers
    shop-metrics: 12 rules there and 3 signals of ours: 10 problems.
    tests/rules/faulty.yml: faulty/NotEvaluated: Prometheus cannot evaluate it: invalid destination label name in label_replace(): 1x
    tests/rules/faulty.yml: faulty/NoSuchMetric: there is no metric `signalbox_signals`, so this gives nothing, whatever happens. Did you mean `signalbox_signal`?
    tests/rules/faulty.yml: faulty/NoSuchValue: no series of `signalbox_signal` has signal="queue_lenght", so this gives nothing. There is orders_awaiting_forwarding, orders_with_failed_payment, queue_length, suppliers_not_synced, workers_alive
    tests/rules/faulty.yml: faulty/NoSuchJob: no series of `orders_total` has job="shopp", so this gives nothing. There is shop
    tests/rules/faulty.yml: faulty/NoSuchGroup: it groups by `team`, which `orders_total` does not have, so all of it falls into one group. It has instance, job, provider
    tests/rules/faulty.yml: faulty/TooShort: the range [2s] of `orders_total` is shorter than 4 scrapes, which come every 1s: one that is late leaves too few samples. Take [4s] or longer
    tests/rules/faulty.yml: faulty/RateOfGauge: increase() of the gauge `signalbox_signal`: each fall is taken for a restart, so it counts what never happened. Take delta() or deriv()
    tests/rules/faulty.yml: faulty/GaugeMinusCounter: the gauge `signalbox_signal` and the counter `orders_total`, one minus the other: the counter grows for ever and the gauge does not, so the result says how old the process is. Take a gauge for both, or the growth of the counter
    tests/rules/faulty.yml: faulty/RawCounter: the counter `orders_total` is compared as it stands: it grows until its process starts again, so what was true once stays true. Compare its growth, increase(orders_total[10m])
    PANELS/ours.toml:15:1: there is no metric `returns_total`, so this gives nothing, whatever happens. Let something export it, or watch a sign that is there
    10 problems
    "#);
    assert_eq!(code, 1);
}

#[test]
fn rules_without_a_fault_are_said_to_be_so() {
    let mut prometheus = Prometheus::watching(&[export_in_turn(signalbox())], &[]);
    prometheus.until_more_than(0, "count(signalbox_signal)");
    let panels = tempfile::tempdir().unwrap();
    let (code, said) = World::new(&prometheus.url(), panels.path()).checks();
    assert_snapshot!(said, @"
    shop-metrics: answers
    shop-metrics: 0 rules there and 0 signals of ours: no problems.
    ");
    assert_eq!(code, 0);
}

/// Alive, and something else than rules where those are asked for.
async fn rules_answer(answer: ResponseTemplate) -> String {
    let server = MockServer::start().await;
    let one = json!({ "status": "success", "data": { "resultType": "vector", "result": [] } });
    Mock::given(method("POST"))
        .and(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_json(one))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/v1/rules"))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let url = server.uri();
    let checked = tokio::task::spawn_blocking(move || {
        let panels = tempfile::tempdir().unwrap();
        World::new(&url, panels.path()).checks()
    });
    let (code, said) = checked.await.unwrap();
    assert_eq!(code, 1, "{said}");
    said.replace(&server.address().to_string(), "HOST")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_does_not_tell_its_rules_is_told_apart() {
    let error = json!({ "status": "error", "errorType": "bad_data", "error": "invalid parameter" });
    let mut said = Vec::new();
    for answer in [
        ResponseTemplate::new(400).set_body_json(error),
        ResponseTemplate::new(503).set_body_string("<h1>upstream down</h1>"),
        ResponseTemplate::new(404).set_body_string("404 page not found"),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({ "status": "success", "data": { "groups": 7 } })),
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; 17 * 1024 * 1024]),
        ResponseTemplate::new(200).set_delay(Duration::from_secs(60)),
    ] {
        said.push(rules_answer(answer).await);
    }
    assert_snapshot!(said.join("\n"), @"
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. Prometheus at HOST refuses the query: invalid parameter (bad_data)
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. HOST does not answer as Prometheus does: HTTP 503 Service Unavailable
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. HOST does not answer as Prometheus does: HTTP 404 Not Found
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. HOST does not answer as Prometheus does: its answer cannot be read: expected value at line 1 column 1
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. HOST does not answer as Prometheus does: its answer cannot be read: invalid type: integer `7`, expected a sequence at line 1 column 38
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. HOST does not answer as Prometheus does: its answer is larger than 16777216 bytes; it has more rules, targets or metrics than can be examined here, and `signalbox check` without `--live` examines the rest
    shop-metrics: answers
    shop-metrics: its rules cannot be examined. Prometheus at HOST cannot be reached: operation timed out
    ");
}

#[test]
fn a_prometheus_that_is_down_is_told_once() {
    let port = free_port();
    let panels = tempfile::tempdir().unwrap();
    let (code, said) = World::new(&format!("http://127.0.0.1:{port}"), panels.path()).checks();
    assert_eq!(
        said,
        format!("shop-metrics: Prometheus at 127.0.0.1:{port} cannot be reached: Connection refused (os error 111)")
    );
    assert_eq!(code, 1);
}
