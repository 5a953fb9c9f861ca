use super::*;
use crate::integration::ACTIONS;
use crate::panel::Panels;
use crate::report::chart::{ChartSpec, Theme, alt};
use jiff::tz::TimeZone;
use std::path::PathBuf;

const START: i64 = 1_795_442_400;

fn signals() -> Panels {
    let text = r#"
[signal.requests]
help = "h"
unit = "requests/s"
by = "view"
promql = "q"
on = "metrics"
absent_means = "nobody has asked yet"
caution = "at least so many"

[signal.queue]
help = "h"
unit = "messages"
promql = "q"
on = "metrics"
"#;
    let connections = [("metrics".to_owned(), "prometheus".to_owned())].into();
    let (panels, problems) = Panels::load(&[(PathBuf::from("a.toml"), text.to_owned())], &connections, ACTIONS);
    assert_eq!(problems, []);
    panels
}

/// A sample a minute from the start, 11 at most.
fn series(view: Option<&str>, values: &[f64]) -> Series {
    let points = (0..).zip(values).map(|(minute, value)| {
        let at = f64::from(START as i32 + 60 * minute);
        (at, Some(*value).filter(|value| value.is_finite()))
    });
    Series {
        labels: view
            .map(|view| ("view".to_owned(), view.to_owned()))
            .into_iter()
            .collect(),
        points: points.collect(),
        nan: values.iter().filter(|value| value.is_nan()).count(),
        infinite: values.iter().filter(|value| value.is_infinite()).count(),
    }
}

fn range(series: Vec<Series>) -> Result<Range, String> {
    Ok(Range {
        series,
        warnings: Vec::new(),
    })
}

/// Ten minutes of a signal, in the words of its picture.
fn told(signal: &str, answer: Result<Range, String>) -> String {
    let start = Timestamp::from_second(START).unwrap();
    let end = start + SignedDuration::from_mins(10);
    let span = Span {
        end,
        step: SignedDuration::from_mins(1),
    };
    let spec = ChartSpec {
        title: "T".to_owned(),
        start,
        end,
        zone: TimeZone::UTC,
        strips: vec![strip(&signals().signals[signal], answer, span, None)],
        band: None,
        note: None,
        theme: Theme::Light,
    };
    let words = alt(&spec);
    let (_, said) = words.split_once("UTC. ").unwrap();
    said.to_owned()
}

#[test]
fn each_series_has_its_name_and_the_caution_is_said() {
    let two = vec![series(Some("cart"), &[1.0; 11]), series(Some("health"), &[2.0; 11])];
    insta::assert_snapshot!(told("requests", range(two)), @"requests (requests/s): health 2 at first, 2 at last; cart 1 at first, 1 at last. requests: at least so many.");
    let many = (0..500).map(|index| series(Some(&format!("v{index:03}")), &[f64::from(index); 11]));
    insta::assert_snapshot!(told("requests", range(many.collect())), @"requests (requests/s): v499 499 at first, 499 at last; v498 498 at first, 498 at last; v497 497 at first, 497 at last; v496 496 at first, 496 at last; v495 495 at first, 495 at last; 495 more, summed 122265 at first, 122265 at last. requests: at least so many.");
}

#[test]
fn no_data_is_told_with_its_reason() {
    insta::assert_snapshot!(told("requests", range(Vec::new())), @"requests (requests/s): no data (nobody has asked yet). requests: at least so many.");
    insta::assert_snapshot!(told("queue", range(Vec::new())), @"queue (messages): no data (no series: absent is not zero).");
    insta::assert_snapshot!(told("queue", Err("HTTP 503".to_owned())), @"queue (messages): no data (HTTP 503).");
    let two = || vec![series(Some("a"), &[1.0; 11]), series(Some("b"), &[1.0; 11])];
    insta::assert_snapshot!(told("queue", range(two())), @"queue (messages): no data (its query gives 2 series and a signal is one number; sum them, or name their label with `by`).");
    let twins = vec![series(None, &[1.0; 11]), series(Some(""), &[1.0; 11])];
    insta::assert_snapshot!(told("requests", range(twins)), @"requests (requests/s): no data (unreadable: several of its series are called `no view`; one for each view is wanted, as `sum by (view) (...)` gives). requests: at least so many.");
}

#[test]
fn what_is_no_number_is_a_gap_and_counted() {
    let values = [
        1.0,
        f64::NAN,
        2.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        3.0,
        3.0,
        3.0,
        3.0,
        3.0,
        3.0,
    ];
    insta::assert_snapshot!(told("queue", range(vec![series(None, &values)])), @"queue (messages): 1 at first, 3 at last, with gaps. queue: NaN once and infinite twice, which is drawn as a gap.");
    insta::assert_snapshot!(told("queue", range(vec![series(None, &[f64::NAN; 11])])), @"queue (messages): no data. queue: NaN 11 times, which is drawn as a gap.");
}

#[test]
fn what_fell_silent_does_not_stand_for_now() {
    let silent = strip(
        &signals().signals["queue"],
        range(vec![series(None, &[1.0; 5])]),
        Span {
            end: Timestamp::from_second(START + 600).unwrap(),
            step: SignedDuration::from_mins(1),
        },
        None,
    );
    let last = silent.curves.each().last().unwrap().last().copied();
    assert_eq!(last, Some((Timestamp::from_second(START + 300).unwrap(), None)));
}

#[test]
fn warnings_are_passed_on_and_not_without_end() {
    let warned = |warnings: Vec<String>| {
        told(
            "queue",
            Ok(Range {
                series: vec![series(None, &[1.0; 11])],
                warnings,
            }),
        )
    };
    insta::assert_snapshot!(warned(vec!["a store\nis missing".to_owned()]), @"queue (messages): 1 at first, 1 at last. queue: Prometheus warns: a store is missing.");
    let many = warned(
        (0..100)
            .map(|index| format!("{index} {}", "x".repeat(10_000)))
            .collect(),
    );
    assert!(many.ends_with(" queue: Prometheus warns of 97 things more."), "{many}");
    assert!(many.len() < 1000, "{} letters", many.len());
}
