//! How a signal moves by itself. Its past is gone through with the same two levels, as far apart in time as those of the
//! run: each such movement is one that no run has made. A movement counts where it is larger than every one of these in
//! its direction, which is a rank test and needs no shape of the noise, and larger than several times their median, which
//! holds where the past is short and its movements are few. Neither a season nor noise that lasts makes it smaller than it
//! is, as it would be by the steps between neighbours.

use super::samples::{Samples, Span, median};
use super::{Times, lasting, millis};

/// So many movements that do not overlap, or the signal is too young.
const FEWEST: i64 = 12;

/// Closer together they are the same scrape.
const CLOSEST: i64 = 15_000;

/// A movement is beyond the own ones from so many standard deviations on, taken from their median.
const DEVIATIONS: f64 = 3.0;

/// And it is so many times as large as the farthest of them.
const FARTHER: f64 = 1.2;

/// Makes the median of absolute movements a standard deviation, where they are normal.
const NORMAL: f64 = 1.4826;

/// The movements of a signal by itself.
pub(super) struct Own {
    highest_rise: f64,
    deepest_fall: f64,
    deviation: f64,
}

/// Its own movement is not known well enough.
pub(super) struct Young {
    /// Why.
    pub(super) why: String,
    /// Whether it moved by itself in what is known.
    pub(super) moved: bool,
}

impl Own {
    pub(super) fn is_beyond(&self, movement: f64) -> bool {
        let farthest = if movement > 0.0 {
            self.highest_rise
        } else {
            self.deepest_fall
        };
        movement.abs() > FARTHER * farthest && movement.abs() > DEVIATIONS * self.deviation
    }
}

pub(super) fn own(
    times: &Times,
    others: &[Span],
    samples: &Samples,
    movement: impl Fn(i64) -> Option<f64>,
) -> Result<Own, Young> {
    let (began, apart) = (millis(times.began), times.apart());
    let between = apart.max(CLOSEST);
    let mut moves = Vec::new();
    let (mut separate, mut free_from) = (0, i64::MIN);
    for (at, _) in samples.taken() {
        let end = at + apart;
        if end > began {
            break;
        }
        // What another run did shows in the level after it begins.
        if others.iter().any(|(from, until)| *from < end && at - between < *until) {
            continue;
        }
        let Some(moved) = movement(*at) else {
            continue;
        };
        moves.push(moved);
        if *at >= free_from {
            separate += 1;
            free_from = at + between;
        }
    }
    if separate < FEWEST {
        // Short: each signal of a young shop says it.
        let needed = lasting(FEWEST * between);
        let beside = if others.is_empty() { "" } else { " without another run" };
        let why = match separate {
            0 => format!("no past is known{beside}, of {needed}"),
            some => format!("known for {} of {needed}{beside}", lasting(some * between)),
        };
        let moved = moves.iter().any(|one| *one != 0.0);
        return Err(Young { why, moved });
    }
    let highest_rise = moves.iter().copied().fold(0.0, f64::max);
    let deepest_fall = moves.iter().map(|one| -one).fold(0.0, f64::max);
    let mut sizes: Vec<f64> = moves.iter().map(|one| one.abs()).collect();
    Ok(Own {
        highest_rise,
        deepest_fall,
        deviation: NORMAL * median(&mut sizes).unwrap_or_default(),
    })
}
