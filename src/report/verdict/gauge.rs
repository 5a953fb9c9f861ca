//! Signals whose level counts.

use super::{Evidence, Finding, NoData, course, median, newest, numbers, weigh};
use crate::panel::reading::Reading;
use crate::report::number::plain;

/// Below this many numbers before the run its noise is not known, and every movement counts.
const FEWEST_FOR_NOISE: usize = 5;

/// A movement within this many standard deviations is taken for noise.
const DEVIATIONS: f64 = 3.0;

pub(super) fn judge(evidence: &Evidence) -> Result<Finding, NoData> {
    // The level right before the run, and not a mean of the past: what piled up a minute ago is what the run is for.
    let (_, before) = newest(&evidence.before, "before the run")?;
    let after = level(&evidence.after, "after the run");
    let noise = noise(&numbers(&evidence.before));
    match (&evidence.soaked, after) {
        // What counts in the end is what lasted.
        (Some(soaked), after) => {
            let lasting = match (level(soaked, "after the soak"), &after) {
                (Err(NoData(why)), Ok(after)) => {
                    return Err(NoData(format!("{}, then {why}", course(evidence, before, *after))));
                }
                (lasting, _) => lasting?,
            };
            let numbers = match after {
                Ok(after) => format!("{}, {} after the soak", course(evidence, before, after), plain(lasting)),
                Err(_) => format!("{} after the soak", course(evidence, before, lasting)),
            };
            Ok(Finding {
                verdict: weigh(lasting - before, noise, evidence.better),
                numbers,
            })
        }
        (None, after) => {
            let after = after?;
            let numbers = course(evidence, before, after);
            Ok(Finding {
                verdict: weigh(after - before, noise, evidence.better),
                numbers,
            })
        }
    }
}

/// The middle of the numbers, if at least half of the readings are numbers.
fn level(readings: &[Reading], when: &str) -> Result<f64, NoData> {
    newest(readings, when)?;
    let numbers = numbers(readings);
    let (found, taken) = (numbers.len(), readings.len());
    if found * 2 < taken {
        return Err(NoData(format!(
            "{when}: only {found} of {taken} readings gave a number"
        )));
    }
    median(numbers).ok_or_else(|| NoData(format!("{when}: no reading was taken")))
}

/// How far the signal strays by itself: from the median of the steps between neighbours (as the median absolute
/// deviation, on differences), which neither a slow drift nor a single jump can make large.
fn noise(before: &[f64]) -> f64 {
    if before.len() < FEWEST_FOR_NOISE {
        return 0.0;
    }
    // 1.4826 makes a median absolute deviation a standard deviation; a difference of two strays by sqrt(2) of one.
    let steps = before.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    median(steps).map_or(0.0, |step| DEVIATIONS * 1.4826 * step / std::f64::consts::SQRT_2)
}
