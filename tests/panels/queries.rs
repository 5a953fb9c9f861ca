//! The shipped queries, tried by Prometheus' own tool on counters as the shop's three web processes show them.

use serde_json::{Value, json};
use signalbox::integration::ACTIONS;
use signalbox::panel::Panels;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Which process each scrape meets, again and again.
const MET: [usize; 11] = [0, 1, 2, 1, 1, 0, 2, 2, 0, 1, 2];
const SCRAPES: usize = 60;

/// What scrapes 15 seconds apart see of a counter that three processes keep, each from a number of its own.
fn seen(from: [f64; 3], grown: impl Fn(usize) -> f64) -> String {
    let value = |scrape: usize| from[MET[scrape % MET.len()]] + grown(scrape);
    (0..SCRAPES)
        .map(|scrape| value(scrape).to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn series(name: &str, labels: &str, values: &str) -> Value {
    json!({"series": format!("{name}{{job=\"shop\",instance=\"a\",{labels}}}"), "values": values})
}

fn shipped() -> Panels {
    let connections = [
        ("shop-db", "postgres"),
        ("shop-celery", "celery"),
        ("shop-metrics", "prometheus"),
    ];
    let connections = connections
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .into();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/panels");
    let (panels, problems) = Panels::load_folder(&folder, &connections, ACTIONS);
    assert_eq!(problems, []);
    panels
}

/// What a query says of these series at these minutes, by promtool.
fn assert_says(series: Vec<Value>, minutes: &[u32], says: &[(String, Option<(&str, f64)>)]) {
    let folder = tempfile::tempdir().unwrap();
    let mut input = vec![json!({"series": "up{job=\"shop\",instance=\"a\"}", "values": format!("1x{SCRAPES}")})];
    input.extend(series);
    let asked: Vec<Value> = says
        .iter()
        .flat_map(|(expr, sample)| {
            let samples: Vec<Value> = sample
                .iter()
                .map(|(labels, value)| json!({"labels": labels, "value": value}))
                .collect();
            minutes
                .iter()
                .map(move |minute| json!({"expr": expr, "eval_time": format!("{minute}m"), "exp_samples": samples}))
        })
        .collect();
    let test = json!({
        "evaluation_interval": "15s",
        "tests": [{"interval": "15s", "input_series": input, "promql_expr_test": asked}],
    });
    let path = folder.path().join("test.yml");
    fs::write(&path, test.to_string()).unwrap();
    let tried = Command::new("promtool")
        .args(["test", "rules"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy;
    assert!(tried.status.success(), "{}{}", text(&tried.stdout), text(&tried.stderr));
}

const ONE: Option<(&str, f64)> = Some(("{}", 1.0));
const REQUESTS: &str = "django_http_requests_total_by_view_transport_method_total";
const LATENCY: &str = "django_http_requests_latency_seconds_by_view_method";
const RESPONSES: &str = "django_http_responses_total_by_status_total";

#[test]
fn what_seems_to_jump_back_is_no_growth() {
    let panels = shipped();
    let query = |signal: &str| panels.signals[signal].history().unwrap().promql;
    let idle = |_| 0.0;
    // One in three scrapes, so four in three minutes.
    let busy = |scrape: usize| (scrape / 3) as f64;
    let times = [6, 8, 10, 12, 14];

    let requests = query("requests_by_endpoint");
    let idle_view = series(REQUESTS, "view=\"idle\"", &seen([1000.0, 1010.0, 990.0], idle));
    let naive = format!("count(sum by (view) (rate({REQUESTS}[3m])) > 10)");
    assert_says(
        vec![idle_view],
        &times,
        &[(format!("count({requests} == 0)"), ONE), (naive, ONE)],
    );
    let busy_view = series(REQUESTS, "view=\"busy\"", &seen([1000.0, 1010.0, 990.0], busy));
    assert_says(
        vec![busy_view],
        &times,
        &[(format!("count(({requests} >= 3 / 180) <= 5 / 180)"), ONE)],
    );

    let latency = query("latency_by_endpoint");
    let labels = "view=\"busy\"";
    assert_says(
        vec![
            series(
                &format!("{LATENCY}_sum"),
                labels,
                &seen([100.0, 101.0, 99.0], |scrape| 0.25 * busy(scrape)),
            ),
            series(
                &format!("{LATENCY}_count"),
                labels,
                &seen([1000.0, 1010.0, 990.0], busy),
            ),
        ],
        &times,
        &[(format!("count(({latency} > 0.15) < 0.45)"), ONE)],
    );

    let (errors, share) = (query("errors_by_status"), query("server_errors"));
    let fine = || series(RESPONSES, "status=\"200\"", &seen([1000.0, 1010.0, 990.0], busy));
    let failed = |grown: fn(usize) -> f64| series(RESPONSES, "status=\"500\"", &seen([10.0, 11.0, 9.0], grown));
    assert_says(
        vec![fine(), failed(|_| 0.0)],
        &times,
        &[
            (format!("count({errors} == 0)"), ONE),
            (format!("count({share} == 0)"), ONE),
        ],
    );
    assert_says(
        vec![fine(), failed(|scrape| (scrape / 3) as f64)],
        &times,
        &[(format!("count(({share} > 40) < 60)"), ONE)],
    );
    // Without a single one: none of a hundred, and not nothing.
    assert_says(
        vec![fine()],
        &times,
        &[(format!("count({share} == 0)"), ONE), (errors, None)],
    );

    let failures = series(
        "payment_failures_total",
        "provider=\"esewa\"",
        &seen([2.0, 1.0, 3.0], idle),
    );
    assert_says(
        vec![failures],
        &times,
        &[(query("payment_failures"), Some(("{provider=\"esewa\"}", 3.0)))],
    );
}

#[test]
fn the_first_of_a_kind_has_grown_from_zero() {
    let panels = shipped();
    let query = |signal: &str| panels.signals[signal].history().unwrap().promql;
    // Ten minutes without, then two requests.
    let first = |name: &str, labels: &str| series(name, labels, "_x40 2x19");
    assert_says(
        vec![first(REQUESTS, "view=\"checkout\"")],
        &[11, 12],
        &[(
            format!("180 * {}", query("requests_by_endpoint")),
            Some(("{view=\"checkout\"}", 2.0)),
        )],
    );
    assert_says(
        vec![first(RESPONSES, "status=\"503\"")],
        &[11, 12],
        &[
            (
                format!("180 * {}", query("errors_by_status")),
                Some(("{status=\"503\"}", 2.0)),
            ),
            (query("server_errors"), Some(("{}", 100.0))),
        ],
    );
}
