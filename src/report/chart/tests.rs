use super::*;
use proptest::prelude::*;

fn at(minutes: f64) -> Timestamp {
    let start: Timestamp = "2026-11-23T14:00:00Z".parse().expect("a time");
    start + SignedDuration::from_millis((minutes * 60_000.0) as i64)
}

fn line(label: &str, unit: &str, values: impl Fn(i32) -> Option<f64>) -> Line {
    let points = (0..=240).map(|index| (at(f64::from(index) / 4.0), values(index))).collect();
    Line { label: label.to_owned(), unit: unit.to_owned(), points, threshold: None, missing: None }
}

/// An hour with a run in it: a count that falls, a queue with a gap, a signal that nobody exposes.
fn hour(theme: Theme) -> ChartSpec {
    let awaiting = |index| Some(if index < 60 { 0.0 } else if index < 164 { f64::from((index - 60) / 8).min(12.0) } else { 11.0 });
    let queue = |index: i32| match index {
        90..=120 => None,
        121 => Some(3.0),
        122..=124 => None,
        164..=172 => Some(f64::from(172 - index)),
        _ => Some(f64::from((index * 7919) % 5) / 2.0),
    };
    ChartSpec {
        title: "Forwarding orders to suppliers".to_owned(),
        start: at(0.0),
        end: at(60.0),
        zone: TimeZone::UTC,
        lines: vec![
            Line { threshold: Some(10.0), ..line("orders awaiting forwarding", "orders", awaiting) },
            line("queue length", "messages", queue),
            line("workers alive", "workers", |_| Some(2.0)),
            Line {
                points: Vec::new(),
                missing: Some(
                    "absent: this shop counts it only inside the worker, which exposes nothing: absent is not zero".to_owned(),
                ),
                ..line("supplier sync failures", "failures", |_| None)
            },
        ],
        band: Some(Band { start: at(41.0), end: at(42.5), label: "run 7f3a".to_owned() }),
        note: Some("Sampled every 15 s; improved: 12 -> 11 orders.".to_owned()),
        theme,
    }
}

#[test]
fn look() {
    for (name, theme) in [("dark", Theme::Dark), ("light", Theme::Light)] {
        let spec = hour(theme);
        let started = std::time::Instant::now();
        let png = draw(&spec).expect("png");
        eprintln!("{name}: {:?}, {} bytes, {} bytes of svg", started.elapsed(), png.len(), text(&spec).expect("svg").len());
        let started = std::time::Instant::now();
        draw(&spec).expect("png");
        eprintln!("again: {:?}", started.elapsed());
        std::fs::write(format!("/tmp/chart-{name}.png"), png).expect("write");
    }
    eprintln!("{}", alt(&hour(Theme::Dark)));
}
