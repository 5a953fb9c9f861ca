//! How long to wait between tries, and when to stop. Pure.

use jiff::{SignedDuration, Timestamp};

/// The pause after the first failure; each further one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_secs(1);

/// No pause is longer: when the platform is back, people wait no more than this.
const LONGEST: SignedDuration = SignedDuration::from_mins(3);

/// What could not be sent for this long is told and left.
const LIFE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The pause after `tries` failures that came before.
pub(super) fn pause(tries: i64) -> SignedDuration {
    let doublings = u32::try_from(tries.clamp(0, 16)).unwrap_or(0);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

/// Whether a message has failed for too long.
pub(super) fn is_over(failing_since: Option<Timestamp>, now: Timestamp) -> bool {
    failing_since.is_some_and(|since| now.duration_since(since) > LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_few_minutes() {
        let seconds: Vec<i64> = (0..10).map(|tries| pause(tries).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 180, 180]);
        assert_eq!((pause(-1).as_secs(), pause(i64::MAX).as_secs()), (1, 180));
    }

    #[test]
    fn days_pass_before_a_message_is_left() {
        let since: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        assert!(!is_over(None, since));
        assert!(!is_over(Some(since), since + SignedDuration::from_hours(72)));
        assert!(is_over(Some(since), since + SignedDuration::from_hours(73)));
    }
}
