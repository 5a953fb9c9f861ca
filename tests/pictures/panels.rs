//! The shipped panels, drawn from an hour that a real Prometheus remembers. The hour is made up; the counters are the
//! shop's, and the queries are the shipped ones.

use crate::harness::services::Prometheus;
use jiff::Timestamp;
use std::fs;
use std::path::Path;
use std::process::Command;

const STEP: i64 = 15;
/// A little more than what is drawn: the queries look back.
const SAMPLES: i64 = 4 * 80;

/// Requests a second on the average, and milliseconds for one of them.
const VIEWS: [(&str, f64, f64); 8] = [
    ("product-list", 4.1, 48.0),
    ("product-detail", 3.2, 35.0),
    ("cart", 1.9, 62.0),
    ("health", 1.3, 3.0),
    ("checkout", 0.9, 240.0),
    ("payments-webhook", 0.6, 95.0),
    ("order-detail", 0.4, 41.0),
    ("login", 0.3, 120.0),
];

/// Answers a second on the average, and while the provider fails.
const STATUSES: [(&str, f64, f64); 5] = [
    ("200", 11.5, 10.6),
    ("400", 0.12, 0.15),
    ("404", 0.2, 0.2),
    ("429", 0.02, 0.05),
    ("502", 0.0, 1.1),
];

/// Failures of a quarter of an hour, by provider.
const FAILURES: [(&str, f64); 3] = [("khalti", 74.0), ("esewa", 11.0), ("stripe", 2.0)];

/// Whether the provider fails then: in the last third of the hour.
fn is_bad(step: i64) -> bool {
    (210..270).contains(&step)
}

/// The day's ups and downs.
fn swing(step: i64, of: usize) -> f64 {
    let phase = of as f64;
    1.0 + 0.25 * (step as f64 / 23.0 + phase).sin() + 0.1 * (step as f64 / 5.0 + 2.0 * phase).sin()
}

struct History {
    text: String,
    begin: i64,
}

impl History {
    /// A series with this value at each step.
    fn is(&mut self, series: &str, mut value: impl FnMut(i64) -> f64) {
        for step in 0..SAMPLES {
            let at = self.begin + step * STEP;
            self.text.push_str(&format!("{series} {:.3} {at}\n", value(step)));
        }
    }

    /// A counter that grows by so much at each step.
    fn grows(&mut self, series: &str, more: impl Fn(i64) -> f64) {
        let mut count = 0.0;
        self.is(series, |step| {
            count += more(step);
            count
        });
    }

    fn shop(now: Timestamp) -> String {
        let begin = now.as_second() - (SAMPLES - 1) * STEP;
        let mut history = Self {
            text: String::new(),
            begin,
        };
        let web = "job=\"shop\",instance=\"web\"";
        history.is(&format!("up{{{web}}}"), |_| 1.0);
        let step = STEP as f64;
        let view = "django_http_requests_total_by_view_transport_method_total";
        for (of, (name, rate, _)) in VIEWS.into_iter().enumerate() {
            let series = format!("{view}{{{web},view=\"{name}\",transport=\"http\",method=\"GET\"}}");
            history.grows(&series, |at| (rate * step * swing(at, of)).round());
        }
        for part in ["count", "sum"] {
            for (of, (name, rate, took)) in VIEWS.into_iter().enumerate() {
                let name = format!(
                    "django_http_requests_latency_seconds_by_view_method_{part}{{{web},view=\"{name}\",method=\"GET\"}}"
                );
                history.grows(&name, |at| {
                    let count = (rate * step * swing(at, of)).round();
                    let slow = if is_bad(at) && of == 5 { 14.0 } else { 1.0 };
                    let took = took / 1000.0 * swing(at, of + 3) * slow;
                    if part == "sum" { count * took } else { count }
                });
            }
        }
        for (of, (status, rate, bad)) in STATUSES.into_iter().enumerate() {
            let series = format!("django_http_responses_total_by_status_total{{{web},status=\"{status}\"}}");
            history.grows(&series, |at| {
                let rate = if is_bad(at) { bad } else { rate };
                rate * step * swing(at, of)
            });
        }
        for (provider, failures) in FAILURES {
            let series = format!("payment_failures_total{{{web},provider=\"{provider}\"}}");
            history.grows(&series, |at| if is_bad(at) { failures / 60.0 } else { 0.01 });
        }
        history.text + "# EOF\n"
    }
}

#[test]
fn the_shipped_panels_of_an_hour() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prometheus = Prometheus::remembering(&History::shop(Timestamp::now()));
    let folder = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(here.join("config/signalbox.toml")).unwrap();
    // As it is shipped, but for what is not asked here.
    let (server, _) = shipped.split_once("[slack]").unwrap();
    let mut config = server
        .replace("../data/", "")
        .replace("\"../commands\"", &format!("\"{}\"", here.join("commands").display()))
        .replace("\"env:SIGNALBOX_KEY\"", "\"file:secret\"");
    for name in ["people.toml", "policy.cedar", "panels", "alerts.toml"] {
        let shipped = format!("\"{}\"", here.join("config").join(name).display());
        config = config.replace(&format!("\"{name}\""), &shipped);
    }
    config.push_str(&format!(
        "[connection.shop-metrics]\nkind = \"prometheus\"\nurl = \"{}\"\n[connection.shop-db]\nkind = \
         \"postgres\"\nurl = \"file:database\"\n[connection.shop-celery]\nkind = \"celery\"\nbroker = \
         \"file:broker\"\nresults = \"file:broker\"\n",
        prometheus.url()
    ));
    for (name, text) in [
        ("signalbox.toml", config.as_str()),
        ("secret", "a key of this test"),
        ("database", "postgres://nobody:x@127.0.0.1:1/shop"),
        ("broker", "redis://127.0.0.1:1/0"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let kept = here.join("target/screenshots");
    fs::create_dir_all(&kept).unwrap();
    for (picture, panels, more, words) in [
        (
            "panels.png",
            ["requests", "errors"],
            &[][..],
            ["payments-webhook", "3 more, summed", "502 0 at first"],
        ),
        (
            "panels-dark.png",
            ["errors", "payments"],
            &["--dark"],
            ["khalti", "502 0 at first", "orders with failed payment: no data"],
        ),
    ] {
        let out = kept.join(picture);
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command.arg("chart").args(panels).args(more).arg("--out").arg(&out);
        command.args(["--last", "1h", "--config", "signalbox.toml"]);
        let output = command.current_dir(folder.path()).env_clear().output().unwrap();
        let (said, told) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{told}");
        // Every curve is there, and the hour that was bad is seen in it.
        for word in words {
            assert!(said.contains(word), "{word} is not in: {said}");
        }
        assert!(fs::read(&out).unwrap().starts_with(b"\x89PNG"));
    }
}
