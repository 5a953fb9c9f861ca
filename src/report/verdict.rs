//! What the signals say of a run: each before it, after its last step and after the soak. Only numbers speak: what is
//! absent, stale, too young or not to be trusted is no data, said in words, and never a number.

mod counter;
mod gauge;
#[cfg(test)]
mod tests;

use crate::panel::reading::Reading;
use crate::panel::{Shape, Signal};
use crate::report::VerdictLine;
use crate::report::number::plain;
use crate::runbook::Better;
use serde::{Deserialize, Serialize};

/// The four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The signals went the better way and stayed there.
    Improved,
    /// They did not move beyond their noise.
    NoChange,
    /// They went the wrong way.
    Worse,
    /// Absent, stale or too young to say.
    NoData,
}

impl Verdict {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::NoChange => "no change",
            Self::Worse => "worse",
            Self::NoData => "no data",
        }
    }
}

/// All that is known of one proof signal. Readings are in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The signal, in words.
    pub label: String,
    /// What is counted or measured; may be empty.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// Whether its level counts or its growth.
    pub shape: Shape,
    /// Up to the first step; the last is the newest. The more there are, the better its noise is known.
    pub before: Vec<Reading>,
    /// From the last step on, before the soak is over.
    pub after: Vec<Reading>,
    /// Once the soak is over; none as long as it is not, or where the runbook has none.
    pub soaked: Option<Vec<Reading>>,
}

impl Evidence {
    /// Of a signal, before its run has begun. `better` is what the proof says.
    pub fn of(signal: &Signal, better: Better, before: Vec<Reading>) -> Self {
        Self {
            label: signal.words(),
            unit: signal.unit.clone(),
            better,
            shape: signal.shape,
            before,
            after: Vec::new(),
            soaked: None,
        }
    }
}

/// What one signal says.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalVerdict {
    /// The word.
    pub verdict: Verdict,
    /// With numbers, or with the reason why there are none.
    pub say: String,
}

/// What all signals say together. One that went the wrong way outweighs those that went the better one; one without
/// data spoils no other, but is told.
pub fn judge(evidence: &[Evidence]) -> VerdictLine {
    let each: Vec<SignalVerdict> = evidence.iter().map(judge_one).collect();
    let any = |verdict| each.iter().any(|signal| signal.verdict == verdict);
    let verdict = [Verdict::Worse, Verdict::Improved, Verdict::NoChange]
        .into_iter()
        .find(|verdict| any(*verdict));
    let say = match each.as_slice() {
        [] => "no signal was named to prove it by".to_owned(),
        each => each
            .iter()
            .map(|signal| signal.say.as_str())
            .collect::<Vec<_>>()
            .join("; "),
    };
    VerdictLine {
        verdict: verdict.unwrap_or(Verdict::NoData),
        say,
    }
}

/// What one signal says.
pub fn judge_one(evidence: &Evidence) -> SignalVerdict {
    let judged = match evidence.shape {
        Shape::Gauge => gauge::judge(evidence),
        Shape::Counter => counter::judge(evidence),
    };
    match judged {
        Ok(Finding { verdict, numbers }) => SignalVerdict {
            verdict,
            say: format!("{} {numbers}", evidence.label),
        },
        Err(NoData(why)) => SignalVerdict {
            verdict: Verdict::NoData,
            say: format!("{}: no data ({why})", evidence.label),
        },
    }
}

/// A verdict with the numbers that it stands on.
struct Finding {
    verdict: Verdict,
    numbers: String,
}

/// Why a signal says nothing.
struct NoData(String);

/// The newest number may be this many readings old: one lost sample says nothing about the signal.
const NEWEST: usize = 3;

/// The newest number of some readings.
fn newest<'r>(readings: &'r [Reading], when: &str) -> Result<(&'r Reading, f64), NoData> {
    let recent = readings.iter().rev().take(NEWEST);
    if let Some(found) = recent
        .clone()
        .find_map(|reading| reading.number().map(|number| (reading, number)))
    {
        return Ok(found);
    }
    Err(match readings.last().map(|reading| &reading.value) {
        Some(Err(missing)) => NoData(format!("{when}: {missing}")),
        _ => NoData(format!("{when}: no reading was taken")),
    })
}

fn numbers(readings: &[Reading]) -> Vec<f64> {
    readings.iter().filter_map(Reading::number).collect()
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(numbers[middle]),
        _ => Some(numbers[middle - 1] / 2.0 + numbers[middle] / 2.0),
    }
}

/// The verdict on a movement that must be larger than the noise to count.
fn weigh(movement: f64, noise: f64, better: Better) -> Verdict {
    let gain = match better {
        Better::Higher => movement,
        Better::Lower => -movement,
    };
    match gain {
        _ if gain.abs() <= noise => Verdict::NoChange,
        _ if gain > 0.0 => Verdict::Improved,
        _ => Verdict::Worse,
    }
}

/// `12 -> 11 messages`; without the unit where the label names it already.
fn course(evidence: &Evidence, before: f64, after: f64) -> String {
    let unit = if evidence.label.contains(&evidence.unit) {
        String::new()
    } else {
        format!(" {}", evidence.unit)
    };
    format!("{} -> {}{unit}", plain(before), plain(after))
}
