//! How long a chart takes and how large it is: the picture that is posted under a run, and one of several series beside
//! what matplotlib takes for the same numbers in the same minute. `cargo bench --bench chart -- FILE.png` writes the second
//! one as well, to be looked at.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use signalbox::report::chart::{Band, ChartError, ChartSpec, Curve, Curves, Strip, Theme, draw};
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;
const SAMPLES: i64 = 240;
const SERIES: i64 = 5;

/// What is meant.
const LONGEST: Duration = Duration::from_millis(10);
const LARGEST: usize = 60_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start: Timestamp = "2026-11-23T14:00:00Z".parse()?;
    let (took, picture) = measured(&hour(start))?;
    println!(
        "4 signals of {SAMPLES} samples and a run: {} ms, {} bytes",
        ms(took),
        picture.len()
    );
    let (took, picture) = measured(&endpoints(start))?;
    println!(
        "{SERIES} series of {SAMPLES} samples: {} ms (meant: {} ms), {} bytes (meant: {LARGEST})",
        ms(took),
        ms(LONGEST),
        picture.len(),
    );
    match matplotlib() {
        Ok((theirs, bytes)) => println!(
            "the same by matplotlib: {} ms, {bytes} bytes; ratio {:.2}",
            ms(theirs),
            took.as_secs_f64() / theirs.as_secs_f64()
        ),
        Err(why) => println!("no ratio, for there is no matplotlib to hold it against: {why}"),
    }
    if let Some(path) = std::env::args().skip(1).find(|argument| argument.ends_with(".png")) {
        std::fs::write(path, &picture)?;
    }
    Ok(())
}

/// The median, and the picture.
fn measured(spec: &ChartSpec) -> Result<(Duration, Vec<u8>), ChartError> {
    let mut picture = draw(spec)?;
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        picture = draw(spec)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok((times[ROUNDS / 2], picture))
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// The median and the bytes of the same numbers in a picture of the same size, drawn by whatever `python3` is there, whose
/// start does not count.
fn matplotlib() -> Result<(Duration, usize), String> {
    let program = format!(
        r#"
import io, statistics, time
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plot
def draw():
    figure, axes = plot.subplots(figsize=(8, 3.3), dpi=100)
    for one in range({SERIES}):
        axes.plot([i * 15 for i in range({SAMPLES})], [(i * 7919 * (one + 1)) % (20 * (one + 1)) for i in range({SAMPLES})], label=f"endpoint-{{one}}")
    axes.set_title("Requests by endpoint"); axes.legend(); axes.grid(True)
    out = io.BytesIO(); figure.savefig(out, format="png"); plot.close(figure)
    return len(out.getvalue())
draw()
times = []
for _ in range(10):
    begun = time.perf_counter(); size = draw(); times.append(time.perf_counter() - begun)
print(statistics.median(times), size)
"#
    );
    let output = Command::new("python3").arg("-c").arg(program).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(told.lines().last().unwrap_or("python3 fails").to_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let mut words = said.split_whitespace();
    let mut next = || words.next().ok_or_else(|| format!("it says {said:?}"));
    let (seconds, size) = (next()?, next()?);
    let seconds: f64 = seconds.parse().map_err(|_| format!("it says {said:?}"))?;
    let size: usize = size.parse().map_err(|_| format!("it says {said:?}"))?;
    Ok((Duration::from_secs_f64(seconds), size))
}

fn samples(start: Timestamp, value: impl Fn(i64) -> f64) -> Vec<(Timestamp, Option<f64>)> {
    let sample = |index| (start + SignedDuration::from_secs(15 * index), Some(value(index)));
    (0..SAMPLES).map(sample).collect()
}

fn endpoints(start: Timestamp) -> ChartSpec {
    let curve = |one: i64| Curve {
        name: format!("endpoint-{one}"),
        points: samples(start, |index| ((index * 7919 * (one + 1)) % (20 * (one + 1))) as f64),
    };
    ChartSpec {
        title: "Requests by endpoint".to_owned(),
        start,
        end: start + SignedDuration::from_hours(1),
        zone: TimeZone::UTC,
        strips: vec![Strip {
            begins: None,
            label: "requests by endpoint".to_owned(),
            unit: "requests/s".to_owned(),
            curves: Curves::Named {
                named: (0..SERIES).rev().map(curve).collect(),
                rest: None,
            },
            threshold: None,
            missing: None,
            remarks: Vec::new(),
        }],
        band: None,
        note: None,
        theme: Theme::Light,
    }
}

fn hour(start: Timestamp) -> ChartSpec {
    let strip = |label: &str, unit: &str, value: fn(i64) -> f64| Strip {
        begins: None,
        label: label.to_owned(),
        unit: unit.to_owned(),
        curves: Curves::One(samples(start, value)),
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
