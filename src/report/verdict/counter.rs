//! Signals that only ever grow: their growth since the run began is held against their growth in as long a time before.

use super::{Evidence, Finding, NoData, course, newest, weigh};
use crate::panel::reading::{Missing, Reading};
use crate::report::number::plain;
use jiff::{SignedDuration, Timestamp};

pub(super) fn judge(evidence: &Evidence) -> Result<Finding, NoData> {
    let latest: &[Reading] = evidence.soaked.as_deref().unwrap_or(&evidence.after);
    let when = if evidence.soaked.is_some() {
        "after the soak"
    } else {
        "after the run"
    };
    let soaked = evidence.soaked.iter().flatten();
    let all: Vec<&Reading> = evidence.before.iter().chain(&evidence.after).chain(soaked).collect();
    trustworthy(&all)?;

    let (start, before) = newest(&evidence.before, "before the run")?;
    let (end, after) = newest(latest, when)?;
    if after < before {
        return Err(NoData(format!(
            "it fell from {} to {}: whatever counts it has restarted in between",
            plain(before),
            plain(after)
        )));
    }
    let grown = after - before;
    let span = end.at.duration_since(start.at);
    let Some(grown_before) = growth_before(&evidence.before, start.at, before, span) else {
        return Err(NoData(format!(
            "{}, and how it grew before is not known",
            course(evidence, before, after)
        )));
    };
    // Two counts of independent events differ by about the root of their sum without any cause.
    let noise = 2.0 * (grown + grown_before).sqrt();
    let numbers = format!(
        "{}: {} more in {} s, {} more in as long a time before",
        course(evidence, before, after),
        plain(grown),
        span.as_secs(),
        plain(grown_before)
    );
    Ok(Finding {
        verdict: weigh(grown - grown_before, noise, evidence.better),
        numbers,
    })
}

/// How much it grew in a span that ends at `end`, if the readings reach back that far without a restart.
fn growth_before(before: &[Reading], end: Timestamp, level: f64, span: SignedDuration) -> Option<f64> {
    let then = before
        .iter()
        .rev()
        .find(|reading| end.duration_since(reading.at) >= span)?
        .number()?;
    (then <= level).then_some(level - then)
}

/// A counter may fall once, when its process restarts. One that falls again, or comes and goes, is several processes
/// that answer in turn, each with its own count (2, 1, 2, 1): no number in it is the total.
fn trustworthy(readings: &[&Reading]) -> Result<(), NoData> {
    let numbers: Vec<f64> = readings.iter().filter_map(|reading| reading.number()).collect();
    let falls = numbers.windows(2).filter(|pair| pair[1] < pair[0]).count();
    let vanished = |pair: &&[&Reading]| pair[0].value.is_ok() && matches!(pair[1].value, Err(Missing::Absent { .. }));
    let gone = readings.windows(2).filter(vanished).count();
    if falls + gone < 2 {
        return Ok(());
    }
    let seen: Vec<String> = readings
        .iter()
        .rev()
        .take(6)
        .rev()
        .map(|reading| reading.number().map_or_else(|| "none".to_owned(), plain))
        .collect();
    Err(NoData(format!(
        "it was read as {}: several processes answer in turn, each with its own count, and none of these is the total",
        seen.join(", ")
    )))
}
