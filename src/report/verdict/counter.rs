//! Signals that only ever grow: their growth in the soak against their growth in as long a time before the run.

use super::samples::Samples;
use super::{Evidence, Finding, NoData, course, lasting, millis, weigh};
use crate::panel::reading::Missing;
use crate::report::number::plain;

/// Growth is never told from two readings of one scrape.
const SHORTEST: i64 = 15_000;

/// The first reading of a span may be so much older than its beginning, and the last so much older than its end.
const SLACK: i64 = 60_000;

/// Who has lost a count does not have half of it again in one step so soon.
const BACK: i64 = 120_000;

/// Two counts of independent events differ by chance alone by less than this, mostly: three standard deviations, of which
/// each count has one as [`steadied`].
const CHANCE: f64 = 3.0 * std::f64::consts::SQRT_2;

pub(super) fn judge(evidence: &Evidence, samples: &Samples) -> Result<Finding, NoData> {
    comes_and_goes(evidence)?;
    let grown = Growth::of(samples)?;
    let times = &evidence.times;
    let (began, soaked) = (millis(times.began), millis(times.soaked));
    let width = times.soak().max(SHORTEST);
    let growth = |until| grown.within(until - width, until);

    let before = samples
        .last(began)
        .ok_or_else(|| samples.missing((began - SLACK, began), "before the run"))?;
    let after = samples
        .last(soaked)
        .ok_or_else(|| samples.missing((soaked - SLACK, soaked), "after the soak"))?;
    let course = course(evidence, before, after);
    let known = |growth: Option<f64>, when: &str| {
        growth.ok_or_else(|| NoData(format!("{course}, and how it grew {when} is not known")))
    };
    let (grown_after, grown_before) = (known(growth(soaked), "in the soak")?, known(growth(began), "before")?);
    let numbers = format!(
        "{course}: {} more in {}, {} more in as long a time before",
        plain(grown_after),
        lasting(width),
        plain(grown_before)
    );
    let movement = steadied(grown_after) - steadied(grown_before);
    let weighed = weigh(evidence, movement, CHANCE, &numbers, samples, |at| {
        Some(steadied(growth(at + times.apart())?) - steadied(growth(at)?))
    });
    weighed.map_err(|young| NoData(format!("{numbers}; {}", young.why)))
}

/// A count of independent events strays by its root; so does a large one more than a small one, and none at all after many
/// would hardly stand out. In these numbers (Anscombe's) each strays by one.
fn steadied(count: f64) -> f64 {
    2.0 * (count + 0.375).sqrt()
}

impl Samples<'_> {
    /// The newest number of that moment.
    fn last(&self, at: i64) -> Option<f64> {
        if self.gone(at) {
            return None;
        }
        let recent = self.within((at - SLACK, at));
        recent.iter().rev().find_map(|(_, number)| *number)
    }
}

/// How much was counted since the first reading, at each reading that gave a number.
struct Growth(Vec<(i64, f64)>);

impl Growth {
    /// A fall is a restart of whatever counts: it has counted from zero since. No restart begins far above zero, nor does
    /// a count come back at once. Those are several processes that answer in turn, each with its own count (2, 1, 2, 1),
    /// or a sum that lost a part; no number in it is the total.
    fn of(samples: &Samples) -> Result<Self, NoData> {
        let numbers = samples
            .taken()
            .iter()
            .filter_map(|(at, number)| Some((*at, (*number)?)));
        let (mut grown, mut total) = (Vec::new(), 0.0);
        let mut last: Option<f64> = None;
        // When it has fallen last, and by how much.
        let (mut fell, mut fallen) = (i64::MIN, 0.0);
        for (at, number) in numbers {
            let rise = number - last.unwrap_or(number);
            let back = at.saturating_sub(fell) <= BACK && rise * 2.0 >= fallen;
            if rise < 0.0 {
                if number * 2.0 > number - rise {
                    return Err(NoData(format!(
                        "it fell from {} to {}, and what restarts begins at 0: {OF_SEVERAL}",
                        plain(number - rise),
                        plain(number)
                    )));
                }
                (fell, fallen) = (at, -rise);
                total += number;
            } else if back {
                return Err(NoData(format!(
                    "it fell by {} and rose again by {} at once: {OF_SEVERAL}",
                    plain(fallen),
                    plain(rise)
                )));
            } else {
                total += rise;
            }
            last = Some(number);
            grown.push((at, total));
        }
        Ok(Self(grown))
    }

    fn at(&self, at: i64) -> Option<f64> {
        let (taken, total) = self.0[..self.0.partition_point(|(taken, _)| *taken <= at)].last()?;
        (at - taken <= SLACK).then_some(*total)
    }

    fn within(&self, from: i64, until: i64) -> Option<f64> {
        Some(self.at(until)? - self.at(from)?)
    }
}

const OF_SEVERAL: &str = "several processes answer in turn, each with its own count, and none of these is the total";

/// A process that has not counted anything yet has no series at all.
fn comes_and_goes(evidence: &Evidence) -> Result<(), NoData> {
    let pairs = evidence.readings.windows(2);
    let vanished = pairs.filter(|pair| pair[0].value.is_ok() && matches!(pair[1].value, Err(Missing::Absent { .. })));
    match vanished.count() {
        0 | 1 => Ok(()),
        times => Err(NoData(format!("it was absent {times} times in between: {OF_SEVERAL}"))),
    }
}
