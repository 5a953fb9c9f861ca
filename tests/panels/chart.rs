//! `signalbox chart`.

use super::Desk;
use crate::harness::alertmanager::{FakePrometheus, Says};
use crate::harness::services::{Prometheus, free_port};
use serde_json::{Value, json};

const REAL: &str = r#"
[signal.orders]
help = "h"
unit = "orders"
by = "provider"
promql = "orders_total"
on = "metrics"

[signal.not_a_number]
help = "h"
unit = "u"
promql = "broken"
on = "metrics"

[signal.endless]
help = "h"
unit = "u"
promql = "endless"
on = "metrics"

[signal.not_summed]
help = "h"
unit = "u"
promql = "orders_total"
on = "metrics"

[signal.misspelt]
help = "h"
unit = "u"
promql = "sum(("
on = "metrics"

[signal.nothing]
help = "h"
unit = "u"
by = "provider"
promql = "nobody_exports_this"
on = "metrics"

[panel.several]
title = "Orders"
signals = ["orders"]

[panel.odd]
title = "Odd"
signals = ["not_a_number", "endless", "not_summed", "misspelt", "nothing"]
"#;

#[test]
fn a_real_prometheus_gives_several_series_and_reasons_where_there_is_none() {
    let server = Prometheus::shared();
    let desk = Desk::new(&server.url(), REAL);
    let said = desk.chart(&["several"]);
    // How far back the server remembers is its own affair.
    let said = said.replace(", with gaps", "");
    insta::assert_snapshot!(said, @"orders: esewa 7 at first, 7 at last; khalti 0 at first, 0 at last.");

    let odd = desk.chart(&["odd"]).replace(&server.port.to_string(), "PORT");
    let counted = regex::Regex::new(r"once|twice|\d+ times").unwrap();
    let odd = counted.replace_all(&odd, "SO OFTEN").replace(". ", ".\n");
    insta::assert_snapshot!(odd, @"
    not a number (u): no data.
    endless (u): no data.
    not summed (u): no data (its query gives 2 series and a signal is one number; sum them, or name their label with `by`).
    misspelt (u): no data (Prometheus at 127.0.0.1:PORT refuses the query: 1:6: parse error: unclosed left parenthesis (bad_data)).
    nothing (u): no data (no series: absent is not zero).
    not a number: NaN SO OFTEN, which is drawn as a gap.
    endless: infinite SO OFTEN, which is drawn as a gap.
    ");
}

const MANY: &str = r#"
[signal.requests_by_endpoint]
help = "h"
unit = "requests/s"
by = "view"
promql = "q"
on = "metrics"
caution = "at least so many"

[panel.requests]
title = "Requests"
signals = ["requests_by_endpoint"]
thresholds = { requests_by_endpoint = 500 }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_series_are_five_names_and_a_sum() {
    let series = (0..500).map(|index| (json!({"view": format!("view-{index:03}")}), f64::from(index)));
    let prometheus = FakePrometheus::start(Says::Series(series.collect())).await;
    let desk = Desk::new(&prometheus.url, MANY);
    insta::assert_snapshot!(desk.chart(&["requests"]), @"requests by endpoint (requests/s): view-499 499 at first, 499 at last; view-498 498 at first, 498 at last; view-497 497 at first, 497 at last; view-496 496 at first, 496 at last; view-495 495 at first, 495 at last; 495 more, summed 122265 at first, 122265 at last, threshold 500. requests by endpoint: at least so many.");
}

/// What a panel says when its Prometheus answers this.
async fn said_of(says: Says) -> String {
    let prometheus = FakePrometheus::start(says).await;
    let host = prometheus.url.trim_start_matches("http://").to_owned();
    let desk = Desk::new(&prometheus.url, MANY);
    desk.chart(&["requests"]).replace(&host, "HOST")
}

fn answer(status: u16, answer: &Value) -> Says {
    Says::Text(status, answer.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_prometheus_answers_is_told_in_words() {
    let refusal = |kind: &str, text: &str| json!({"status": "error", "errorType": kind, "error": text});
    let range = |result: Value| json!({"resultType": "matrix", "result": result});
    let twins = json!([{"metric": {"view": "a", "method": "GET"}, "values": [[1, "1"]]},
                       {"metric": {"view": "a", "method": "POST"}, "values": [[1, "1"]]}]);
    let mut said = Vec::new();
    for says in [
        answer(
            400,
            &refusal(
                "bad_data",
                "invalid parameter \"query\": 1:1: parse error: no expression found in input",
            ),
        ),
        answer(
            422,
            &refusal(
                "execution",
                "query processing would load too many samples into memory in query execution",
            ),
        ),
        answer(503, &refusal("timeout", "query timed out in expression evaluation")),
        Says::Status(503),
        Says::Text(200, " ".repeat(17 * 1024 * 1024)),
        answer(
            200,
            &json!({"status": "success", "data": range(json!([])), "warnings": ["a store is missing"]}),
        ),
        answer(200, &json!({"status": "success", "data": range(twins)})),
    ] {
        said.push(said_of(says).await);
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    requests by endpoint (requests/s): no data (Prometheus at HOST refuses the query: invalid parameter "query": 1:1: parse error: no expression found in input (bad_data)). requests by endpoint: at least so many.
    requests by endpoint (requests/s): no data (Prometheus at HOST refuses the query: query processing would load too many samples into memory in query execution (execution)). requests by endpoint: at least so many.
    requests by endpoint (requests/s): no data (Prometheus at HOST refuses the query: query timed out in expression evaluation (timeout)). requests by endpoint: at least so many.
    requests by endpoint (requests/s): no data (HOST does not answer as Prometheus does: HTTP 503 Service Unavailable). requests by endpoint: at least so many.
    requests by endpoint (requests/s): no data (HOST does not answer as Prometheus does: its answer is larger than 16777216 bytes; ask for fewer series, as `sum by (...)` or `topk` give). requests by endpoint: at least so many.
    requests by endpoint (requests/s): no data (no series: absent is not zero). requests by endpoint: at least so many. requests by endpoint: Prometheus warns: a store is missing.
    requests by endpoint (requests/s): no data (unreadable: several of its series are called `a`; one for each view is wanted, as `sum by (view) (...)` gives). requests by endpoint: at least so many.
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_slow_is_waited_for_a_while() {
    let said = said_of(Says::Nothing).await;
    insta::assert_snapshot!(said, @"requests by endpoint (requests/s): no data (metrics has not answered within 10 seconds). requests by endpoint: at least so many.");
}

/// As a proxy might answer that knows no limit: many times as many points as were asked for, and more than a server gives.
#[tokio::test(flavor = "multi_thread")]
async fn more_points_than_anybody_asked_for_are_drawn_all_the_same() {
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1e3;
    let values: Vec<Value> = (0..60_000)
        .map(|nth| json!([now - 120.0 + f64::from(nth) / 500.0, "7"]))
        .collect();
    let series = json!([{"metric": {"view": "a"}, "values": values}]);
    let range = json!({"resultType": "matrix", "result": series});
    let said = said_of(answer(200, &json!({"status": "success", "data": range}))).await;
    insta::assert_snapshot!(said, @"requests by endpoint (requests/s): a 7 at first, 7 at last, threshold 500. requests by endpoint: at least so many.");
}

#[test]
fn a_server_that_is_down_is_told() {
    let port = free_port();
    let desk = Desk::new(&format!("http://127.0.0.1:{port}"), MANY);
    let said = desk.chart(&["requests"]).replace(&port.to_string(), "PORT");
    insta::assert_snapshot!(said, @"requests by endpoint (requests/s): no data (Prometheus at 127.0.0.1:PORT cannot be reached: Connection refused (os error 111)). requests by endpoint: at least so many.");
}

#[test]
fn several_panels_are_one_picture_each_under_its_title() {
    let server = Prometheus::shared();
    let more = "[panel.more]\ntitle = \"More\"\nsignals = [\"nothing\", \"orders\"]\nthresholds = { orders = 5 }\n";
    let desk = Desk::new(&server.url(), &format!("{REAL}{more}"));
    let said = desk.chart(&["several", "more"]).replace(", with gaps", "");
    insta::assert_snapshot!(said, @"Orders. orders: esewa 7 at first, 7 at last; khalti 0 at first, 0 at last. More. nothing (u): no data (no series: absent is not zero). orders: esewa 7 at first, 7 at last; khalti 0 at first, 0 at last, threshold 5.");
    let (code, said, complaint) = desk.run(&["chart", "several", "mor", "--out", "chart.png"]);
    assert_eq!((code, said.as_str()), (2, ""));
    insta::assert_snapshot!(complaint, @"signalbox: there is no panel mor; did you mean `more`?");
}

#[test]
fn the_command_line_gives_a_panel_of_a_real_prometheus_in_numbers() {
    let server = Prometheus::shared();
    let desk = Desk::new(&server.url(), REAL);
    let asked = [
        "run",
        "metrics",
        "panel=several,misspelt",
        "last=2m",
        "--as",
        "dana",
        "--json",
    ];
    let (code, said, _) = desk.run(&asked);
    assert_eq!(code, 2, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    insta::assert_snapshot!(said["say"].as_str().unwrap(), @"`panel`: `misspelt` is no panel; there is `odd`, `several`. Nothing was done.");
    let (code, said, complaint) = desk.run(&["run", "metrics", "panel=several", "last=2m", "--as", "vic", "--json"]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    insta::assert_snapshot!(format!("{:#}", said["rows"]), @r#"
    [
      {
        "signal": "orders",
        "of": "esewa",
        "last": "7",
        "highest": "7",
        "lowest": "7",
        "first": "7"
      },
      {
        "signal": "orders",
        "of": "khalti",
        "last": "0",
        "highest": "0",
        "lowest": "0",
        "first": "0"
      }
    ]
    "#);
}

#[test]
fn a_server_that_is_silent_is_waited_for_once_and_not_for_long() {
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let another = MANY.replace("requests_by_endpoint", "requests_by_view");
    let another = another.replace("[panel.requests]", "[panel.more]");
    let desk = Desk::new(
        &format!("http://{}", silent.local_addr().unwrap()),
        &format!("{MANY}{another}"),
    );
    let begun = std::time::Instant::now();
    let said = desk.chart(&["requests", "more"]);
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(18),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        said.matches("no data (metrics has not answered within 10 seconds)")
            .count(),
        2,
        "{said}"
    );
}
