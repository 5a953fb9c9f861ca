//! How long a chart takes and how large it is: the picture that is posted under a run. `cargo bench --bench chart --
//! FILE.png` writes it as well, to be looked at.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use signalbox::report::chart::{Band, ChartSpec, Curves, Strip, Theme, draw};
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = hour("2026-11-23T14:00:00Z".parse()?);
    let mut picture = draw(&spec)?;
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        picture = draw(&spec)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!(
        "chart of 4 signals and 240 samples each: median {:?}, {} bytes",
        times[ROUNDS / 2],
        picture.len()
    );
    if let Some(path) = std::env::args().skip(1).find(|argument| argument.ends_with(".png")) {
        std::fs::write(path, &picture)?;
    }
    Ok(())
}

fn hour(start: Timestamp) -> ChartSpec {
    let strip = |label: &str, unit: &str, value: fn(i64) -> f64| Strip {
        label: label.to_owned(),
        unit: unit.to_owned(),
        curves: Curves::One(
            (0..240)
                .map(|index| (start + SignedDuration::from_secs(15 * index), Some(value(index))))
                .collect(),
        ),
        threshold: None,
        missing: None,
        remarks: Vec::new(),
    };
    let run = start + SignedDuration::from_mins(40);
    ChartSpec {
        title: "Forwarding orders to suppliers".to_owned(),
        start,
        end: start + SignedDuration::from_hours(1),
        zone: TimeZone::UTC,
        strips: vec![
            Strip {
                threshold: Some(10.0),
                ..strip("orders awaiting forwarding", "orders", |index| {
                    if index < 160 { 12.0 } else { 11.0 }
                })
            },
            strip("queue length", "messages", |index| ((index * 7919) % 5) as f64),
            strip("workers alive", "workers", |_| 2.0),
            Strip {
                curves: Curves::none(),
                missing: Some("absent: nobody exposes it".to_owned()),
                ..strip("supplier sync failures", "failures", |_| 0.0)
            },
        ],
        band: Some(Band {
            start: run,
            end: run + SignedDuration::from_secs(90),
            label: "run 7f3a".to_owned(),
        }),
        note: Some("improved: orders awaiting forwarding 12 -> 11".to_owned()),
        theme: Theme::Dark,
    }
}
