//! When a call that was certainly not made is made again.

use crate::runbook::Retry;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// No pause between two calls is longer, however often the first one was doubled.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// The time of the next call, after `attempts` calls in vain. The pause doubles with each, and up to a quarter is added,
/// so that runs which failed together do not all come back together. What is added follows from the run and the attempt;
/// the engine journals the time, so it survives a restart.
pub(super) fn again(retry: &Retry, run: &str, attempts: u32, now: Timestamp) -> Timestamp {
    let doubled = retry
        .pause
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let pause = SignedDuration::try_from(doubled).map_or(LONGEST, |pause| pause.min(LONGEST));
    let hash = Sha256::digest(format!("{run} {attempts}"));
    let quarter = pause.as_millis() / 4 * i128::from(hash[0]) / 255;
    now + pause + SignedDuration::from_millis(quarter as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn at_noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn pause_of(pause: Duration, run: &str, attempts: u32) -> SignedDuration {
        again(&Retry { times: 9, pause }, run, attempts, at_noon()).duration_since(at_noon())
    }

    #[test]
    fn a_pause_doubles_and_has_an_end() {
        let five = Duration::from_secs(5);
        let seconds: Vec<i64> = [1, 2, 3, 11, u32::MAX]
            .map(|attempts| pause_of(five, "vn59rnyca6", attempts).as_secs())
            .to_vec();
        for (found, least) in seconds.iter().zip([5, 10, 20, 3600, 3600]) {
            assert!((least..=least * 5 / 4).contains(found), "{seconds:?}");
        }
    }

    #[test]
    fn runs_that_failed_together_come_back_apart() {
        let run = |index: usize| pause_of(Duration::from_secs(60), &format!("run-{index}"), 1);
        let times: BTreeSet<SignedDuration> = (0..100).map(run).collect();
        assert!(times.len() > 60, "{times:?}");
    }

    proptest! {
        #[test]
        fn no_pause_is_shorter_than_asked_for_nor_much_longer(millis in 0_u64..4_000_000, attempts in 1_u32..40, run in "[a-z0-9]{10}") {
            let asked = Duration::from_millis(millis).saturating_mul(2_u32.saturating_pow(attempts - 1));
            let asked = SignedDuration::try_from(asked).unwrap().min(LONGEST);
            let found = pause_of(Duration::from_millis(millis), &run, attempts);
            prop_assert!(found >= asked && found <= asked + asked / 4 + SignedDuration::from_millis(1));
            prop_assert_eq!(found, pause_of(Duration::from_millis(millis), &run, attempts));
        }
    }
}
