//! How often the verdict is right, with the interval in which the true share lies.

use super::series::{Age, Effect, Kind, SILENCES, Silence, evidence, silent};
use signalbox::report::verdict::{Evidence, Verdict, judge};
use std::ops::Range;

/// From here on are the seeds on which nothing was tuned: that was done by those of the first hundred million.
pub const HELD_OUT: u64 = 1 << 40;

/// What was said of some runs of which the same is true.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said {
    pub runs: u32,
    pub improved: u32,
    pub worse: u32,
    pub no_data: u32,
}

impl Said {
    fn of(evidence: impl Iterator<Item = Evidence>) -> Self {
        let mut said = Self::default();
        for evidence in evidence {
            said.runs += 1;
            match judge(&[evidence]).verdict {
                Verdict::Improved => said.improved += 1,
                Verdict::Worse => said.worse += 1,
                Verdict::NoData => said.no_data += 1,
                Verdict::NoChange => {}
            }
        }
        said
    }

    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.improved += other.improved;
        self.worse += other.worse;
        self.no_data += other.no_data;
    }
}

/// Of runs with this effect on such a signal.
pub fn said_of(kind: Kind, age: Age, effect: Effect, seeds: Range<u64>) -> Said {
    Said::of(seeds.map(|seed| evidence(kind, age, effect, seed)))
}

/// Of signals that say nothing.
pub fn said_of_silence(seeds: Range<u64>) -> Vec<(Silence, Said)> {
    let of = |silence: &Silence| (*silence, Said::of(seeds.clone().map(|seed| silent(*silence, seed))));
    SILENCES.iter().map(of).collect()
}

/// The interval of Clopper and Pearson: in 95 of 100 cases the true share lies within it, whatever it is.
pub fn interval(hits: u32, of: u32) -> (f64, f64) {
    let solve = |too_low: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if too_low(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        (low + high) / 2.0
    };
    let lower = if hits == 0 {
        0.0
    } else {
        solve(&|share| 1.0 - at_most(hits - 1, of, share) < 0.025)
    };
    let upper = if hits == of {
        1.0
    } else {
        solve(&|share| at_most(hits, of, share) > 0.025)
    };
    (lower, upper)
}

/// How likely it is that no more than so many of all are hits.
fn at_most(hits: u32, of: u32, share: f64) -> f64 {
    let (mut sum, mut ways) = (0.0, 0.0);
    for count in 0..=hits {
        if count > 0 {
            ways += f64::from(of - count + 1).ln() - f64::from(count).ln();
        }
        sum += (ways + f64::from(count) * share.ln() + f64::from(of - count) * (1.0 - share).ln()).exp();
    }
    sum
}
