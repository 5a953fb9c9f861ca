//! Signals whose level counts: the median before the run against the medians of the middle and the last third of the soak.

use super::samples::{Samples, Span};
use super::{Evidence, Finding, NoData, course, millis, weigh};
use crate::report::number::plain;

/// A level is the median over a third of the soak, within these bounds: a glitch says nothing, and what piled up some
/// minutes ago is what the run is for.
const SHORTEST: i64 = 10_000;
const LONGEST: i64 = 60_000;

/// What the bot measures itself it measures so often, and serves the last number meanwhile.
const BETWEEN_MEASUREMENTS: i64 = 15_000;

/// What is read so soon after the last step is shown as the level after the run.
const SETTLED: i64 = 15_000;

pub(super) fn judge(evidence: &Evidence, samples: &Samples) -> Result<Finding, NoData> {
    let times = &evidence.times;
    let (began, ended, soaked) = (millis(times.began), millis(times.ended), millis(times.soaked));
    let third = times.soak() / 3;
    let width = third.clamp(SHORTEST, LONGEST);
    // Nothing of a level after the run is older than its last step.
    let after_run = |until: i64| samples.median((ended.max(until - width) - 1, until));
    let by_itself = |until: i64| samples.median((until - width, until));

    let now = |at: i64| Some(at).filter(|at| !samples.gone(*at));
    let before = now(began)
        .and_then(|at| right_before(samples, (at - width, at)))
        .ok_or_else(|| samples.missing((began - width, began), "before the run"))?;
    let after = samples.median((ended - 1, soaked.min(ended + SETTLED)));
    let Some(lasting) = now(soaked).and_then(after_run) else {
        let NoData(why) = samples.missing((ended.max(soaked - width) - 1, soaked), "after the soak");
        return Err(NoData(match after {
            Some(after) => format!("{}, then {why}", course(evidence, before, after)),
            None => why,
        }));
    };
    let numbers = match after {
        Some(after) => format!("{}, {} after the soak", course(evidence, before, after), plain(lasting)),
        None => format!("{} after the soak", course(evidence, before, lasting)),
    };
    let movement = lasted(before, after_run(soaked - third).unwrap_or(lasting), lasting);
    let weighed = weigh(evidence, movement, 0.0, &numbers, samples, |at| {
        let end = at + times.apart();
        Some(lasted(by_itself(at)?, by_itself(end - third)?, by_itself(end)?))
    });
    weighed.or_else(|young| {
        let at_once = movement == 0.0 || after.is_some_and(|after| (after - before) * movement > 0.0);
        let Some(still) = stood(evidence, samples).filter(|_| at_once && !young.moved) else {
            return Err(NoData(format!("{numbers}; {}", young.why)));
        };
        let numbers = match movement == 0.0 {
            true => numbers,
            false if still < 1000 => format!("{numbers}, still right before"),
            false => format!("{numbers}, still for {} before", super::lasting(still)),
        };
        Ok(Finding {
            verdict: evidence.moved(movement),
            numbers,
        })
    })
}

/// The level right before the run. What is served is as old as the last measurement, and the bot measures once more as the run
/// begins: where all that was served may be copies of one measurement, and this one says otherwise, it is the level.
fn right_before(samples: &Samples, (from, until): Span) -> Option<f64> {
    let recent = samples.within((until - BETWEEN_MEASUREMENTS - 1, until));
    match recent {
        [(_, served), copies @ .., (_, Some(measured))]
            if until - from <= BETWEEN_MEASUREMENTS
                && !copies.is_empty()
                && copies.iter().all(|(_, copy)| copy == served) =>
        {
            Some(*measured)
        }
        _ => samples.median((from, until)),
    }
}

/// For how long a signal that is young stood still right before the run, if it did by two readings or more. What then moves
/// in the run itself, and stays so, is hardly ever chance.
fn stood(evidence: &Evidence, samples: &Samples) -> Option<i64> {
    let times = &evidence.times;
    let began = millis(times.began);
    let others = evidence.others();
    let others = others.iter().map(|(_, until)| *until).filter(|until| *until <= began);
    let from = others.max().unwrap_or(i64::MIN).max(began - times.apart());
    let readings = samples.within((from, began));
    let (since, level) = readings.first()?;
    let stood = readings.len() > 1 && level.is_some() && readings.iter().all(|(_, number)| number == level);
    stood.then_some(began - since)
}

/// The movement that was there in the middle of the soak and at its end: a glance at the end alone would take for the
/// run's doing whatever comes about meanwhile.
fn lasted(before: f64, middle: f64, end: f64) -> f64 {
    let (first, second) = (middle - before, end - before);
    match first * second > 0.0 {
        true if first.abs() < second.abs() => first,
        true => second,
        false => 0.0,
    }
}
