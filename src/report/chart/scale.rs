//! Axes: round numbers and round times.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A vertical axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// The value at the bottom.
    pub(super) low: f64,
    /// The value at the top.
    pub(super) high: f64,
    /// Values with a grid line, upwards.
    pub(super) ticks: Vec<f64>,
}

/// A scale begins at zero unless all numbers are larger than this part of the largest.
const NARROW: f64 = 0.9;

impl Scale {
    /// A scale with about three steps that holds all the numbers; none if there are none. It begins at zero unless the
    /// numbers stay in a narrow range far from it: twice as high should mean twice as much.
    pub(super) fn of(numbers: &[f64]) -> Option<Self> {
        let (mut low, mut high) = range(numbers)?;
        if low >= 0.0 && (low == high || low <= NARROW * high) {
            low = 0.0;
        } else if high <= 0.0 && (low == high || high >= NARROW * low) {
            high = 0.0;
        }
        if low == high {
            high = low + 1.0;
        }
        // Below this, neighbouring ticks would be the same number.
        let finest = low.abs().max(high.abs()) * 1e-9;
        let whole = numbers.iter().all(|number| number.fract() == 0.0);
        let mut step = round_up(((high - low) / 3.0).max(finest));
        if whole {
            step = step.max(1.0);
        }
        low = (low / step).floor() * step;
        high = (high / step).ceil() * step;
        let steps = ((high - low) / step).round() as usize;
        let ticks = (0..=steps).map(|index| low + step * index as f64).collect();
        Some(Self { low, high, ticks })
    }

    /// Whether the bottom is zero, so that the area below a line means something.
    pub(super) fn begins_at_zero(&self) -> bool {
        self.low == 0.0
    }

    /// How far up a value stands, from 0 at the bottom to 1 at the top.
    pub(super) fn height(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The least and the greatest.
pub(super) fn range(numbers: &[f64]) -> Option<(f64, f64)> {
    let least = numbers.iter().copied().reduce(f64::min)?;
    let greatest = numbers.iter().copied().reduce(f64::max)?;
    Some((least, greatest))
}

/// The next of 1, 2, 5, 10, 20, 50...
fn round_up(number: f64) -> f64 {
    let power = 10f64.powf(number.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| number <= factor * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const STEPS: &[i64] = &[
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
];

/// Round times between two moments, `most` at the most, with their labels.
pub(super) fn times(start: Timestamp, end: Timestamp, zone: &TimeZone, most: i64) -> Vec<(Timestamp, String)> {
    let span = end.as_second() - start.as_second();
    // Rounded up: rounded down, the labels of a quarter of a minute would stand on each other.
    let most = most.max(1);
    let longest = ((span + most - 1) / most).max(1);
    let step = STEPS
        .iter()
        .copied()
        .find(|step| *step >= longest)
        .unwrap_or_else(|| (longest / DAY + 1) * DAY);
    let format = match step {
        _ if step >= DAY => "%-d %b",
        _ if step >= MINUTE => "%H:%M",
        _ => "%H:%M:%S",
    };
    let offset = i64::from(zone.to_offset(start).seconds());
    let first = (start.as_second() + offset).div_euclid(step) * step - offset;
    (0..)
        .map_while(|index| Timestamp::from_second(first + index * step).ok())
        .skip_while(|at| *at < start)
        .take_while(|at| *at <= end)
        .map(|at| (at, clock(at, zone, format)))
        .collect()
}

pub(super) fn clock(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    at.to_zoned_datetime(zone.clone()).strftime(format).to_string()
}

/// Both ends of a span and the zone: `23 Nov 2026, 14:00 to 15:00 UTC`.
pub(super) fn span(start: Timestamp, end: Timestamp, zone: &TimeZone) -> String {
    let time = if end.as_second() - start.as_second() < 10 * MINUTE {
        "%H:%M:%S"
    } else {
        "%H:%M"
    };
    let (day, last_day) = (clock(start, zone, "%-d %b %Y"), clock(end, zone, "%-d %b %Y"));
    let between = if day == last_day {
        String::new()
    } else {
        format!("{last_day}, ")
    };
    let (from, to) = (clock(start, zone, time), clock(end, zone, time));
    format!(
        "{day}, {from} to {between}{to} {}",
        zone.iana_name().map_or_else(|| clock(start, zone, "%Z"), str::to_owned)
    )
}
