//! The readings of a signal by time, as the levels are taken from them.

use super::{NoData, millis};
use crate::panel::reading::{Missing, Reading};

/// From and until, in milliseconds since 1970.
pub(super) type Span = (i64, i64);

/// Readings in the order of time: when, and the number if there was one.
pub(super) struct Samples<'r> {
    readings: &'r [Reading],
    taken: Vec<(i64, Option<f64>)>,
}

impl<'r> Samples<'r> {
    pub(super) fn of(readings: &'r [Reading]) -> Self {
        Self {
            readings,
            taken: readings
                .iter()
                .map(|reading| (millis(reading.at), reading.number()))
                .collect(),
        }
    }

    /// When readings were taken, and what they gave.
    pub(super) fn taken(&self) -> &[(i64, Option<f64>)] {
        &self.taken
    }

    /// What was taken after `from`, until `until`.
    pub(super) fn within(&self, (from, until): Span) -> &[(i64, Option<f64>)] {
        let first = self.taken.partition_point(|(at, _)| *at <= from);
        let end = self.taken.partition_point(|(at, _)| *at <= until);
        &self.taken[first..end.max(first)]
    }

    /// Whether the newest reading of that moment says that there is nothing, whatever older ones say. One that could not be
    /// asked for says nothing about the signal.
    pub(super) fn gone(&self, at: i64) -> bool {
        let past = &self.readings[..self.taken.partition_point(|(taken, _)| *taken <= at)];
        past.last()
            .is_some_and(|last| matches!(last.value, Err(Missing::Absent { .. } | Missing::Stale { .. })))
    }

    /// The median of a span, if at least half of its readings are numbers.
    pub(super) fn median(&self, span: Span) -> Option<f64> {
        let readings = self.within(span);
        let mut numbers: Vec<f64> = readings.iter().filter_map(|(_, number)| *number).collect();
        if numbers.len() * 2 < readings.len() {
            return None;
        }
        median(&mut numbers)
    }

    /// Why a span has no level.
    pub(super) fn missing(&self, (from, until): Span, when: &str) -> NoData {
        let readings = self.within((from, until));
        let found = readings.iter().filter(|(_, number)| number.is_some()).count();
        if found > 0 && !self.gone(until) {
            let taken = readings.len();
            return NoData(format!("{when}: only {found} of {taken} readings gave a number"));
        }
        let past = &self.readings[..self.taken.partition_point(|(at, _)| *at <= until)];
        let last = past.iter().rev().find(|reading| reading.number().is_some());
        let stale = last.map(|last| Missing::Stale {
            seconds: (until - millis(last.at)) / 1000,
        });
        // What the last reading says of itself is said first.
        let newest = past.last().and_then(|reading| reading.value.clone().err());
        match newest.or(stale) {
            Some(missing) => NoData(format!("{when}: {missing}")),
            None => NoData(format!("{when}: no reading was taken")),
        }
    }
}

/// The middle of some numbers.
pub(super) fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(numbers[middle]),
        _ => Some(numbers[middle - 1] / 2.0 + numbers[middle] / 2.0),
    }
}
