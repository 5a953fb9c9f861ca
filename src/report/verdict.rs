//! What the signals say of a run: each before it, after its last step and after the soak. Only numbers speak: what is
//! absent, stale, too young or not to be trusted is no data, said in words, and never a number.
//!
//! Two levels are held against each other, that before the run and that after its soak: of a gauge the median over up to
//! a minute, of a counter its growth in as long a time as the soak. Their difference counts where the signal does not
//! move so by itself.

mod counter;
mod gauge;
mod own;
mod samples;
#[cfg(test)]
mod tests;

use crate::panel::Shape;
use crate::panel::reading::Reading;
use crate::report::VerdictLine;
use crate::report::number::plain;
use crate::runbook::Better;
use jiff::{SignedDuration, Timestamp};
use own::Young;
use samples::{Samples, Span};
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

/// When what is to be proved happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The first step began.
    pub began: Timestamp,
    /// The last step had ended.
    pub ended: Timestamp,
    /// The soak was over.
    pub soaked: Timestamp,
}

impl Times {
    /// From the level before to the level after.
    fn apart(&self) -> i64 {
        millis(self.soaked) - millis(self.began)
    }

    fn soak(&self) -> i64 {
        millis(self.soaked) - millis(self.ended)
    }

    /// How far apart the readings of the past should be: close enough to see what lies between the two levels, and never
    /// closer than a scrape.
    pub fn step(&self) -> SignedDuration {
        SignedDuration::from_secs((self.past().as_secs() / POINTS).max(5))
    }

    /// How much of the past it takes to tell how a signal moves by itself while as much time goes by. More makes the
    /// verdict surer, and what is rare is met.
    pub fn past(&self) -> SignedDuration {
        SignedDuration::from_millis(self.apart().saturating_mul(PAST)).clamp(SHORTEST_PAST, LONGEST_PAST)
    }
}

/// The past that is looked at, in times of what lies between the two levels.
const PAST: i64 = 120;
/// Readings of the past, at most.
const POINTS: i64 = 720;
const SHORTEST_PAST: SignedDuration = SignedDuration::from_hours(2);
/// No more of the past is looked at.
pub const LONGEST_PAST: SignedDuration = SignedDuration::from_hours(24);

/// All that is known of one proof signal.
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
    /// When it happened.
    pub times: Times,
    /// From its past to the end of the soak, in the order of time.
    pub readings: Vec<Reading>,
    /// Why what was kept of it could not be read, if it could not.
    pub unread: Option<String>,
    /// When other runs were at work: how the signal moved then is none of its own movement.
    pub others: Vec<(Timestamp, Timestamp)>,
}

impl Evidence {
    /// All readings of a signal: those that were kept, and those that the bot took itself when the run began, ended and
    /// had soaked.
    pub fn readings(shape: Shape, mut kept: Vec<Reading>, own: Vec<Reading>) -> Vec<Reading> {
        // What the bot counts is ahead of what was kept, so that the next one kept would look like a restart.
        let ahead = shape == Shape::Counter && kept.iter().any(|reading| reading.value.is_ok());
        kept.extend(own.into_iter().filter(|reading| !ahead || reading.value.is_err()));
        kept.sort_by_key(|reading| reading.at);
        kept
    }

    /// What a movement that counts means.
    fn moved(&self, movement: f64) -> Verdict {
        match self.better {
            _ if movement == 0.0 => Verdict::NoChange,
            Better::Higher if movement > 0.0 => Verdict::Improved,
            Better::Lower if movement < 0.0 => Verdict::Improved,
            Better::Higher | Better::Lower => Verdict::Worse,
        }
    }

    /// What could not be read is not called young.
    fn or_unread(&self, young: Young) -> Young {
        match &self.unread {
            Some(reason) => Young {
                why: format!("its past could not be read: {reason}"),
                ..young
            },
            None => young,
        }
    }

    fn others(&self) -> Vec<Span> {
        let spans = self.others.iter();
        spans.map(|(from, until)| (millis(*from), millis(*until))).collect()
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
    let samples = Samples::of(&evidence.readings);
    let judged = match evidence.shape {
        Shape::Gauge => gauge::judge(evidence, &samples),
        Shape::Counter => counter::judge(evidence, &samples),
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

/// A movement, of which `chance` may be mere chance, against how the signal moves by itself.
fn weigh(
    evidence: &Evidence,
    movement: f64,
    chance: f64,
    numbers: &str,
    samples: &Samples,
    by_itself: impl Fn(i64) -> Option<f64>,
) -> Result<Finding, Young> {
    let own = own::own(&evidence.times, &evidence.others(), samples, by_itself);
    let own = own.map_err(|young| evidence.or_unread(young))?;
    let beyond = movement.abs() > chance && own.is_beyond(movement);
    let verdict = if beyond {
        evidence.moved(movement)
    } else {
        Verdict::NoChange
    };
    let doubt = if verdict == Verdict::NoChange && movement != 0.0 {
        ", as it also moves by itself"
    } else {
        ""
    };
    Ok(Finding {
        verdict,
        numbers: format!("{numbers}{doubt}"),
    })
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

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// `90 s`, `12 min`.
fn lasting(millis: i64) -> String {
    match millis / 1000 {
        seconds @ ..600 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 59) / 60),
    }
}
