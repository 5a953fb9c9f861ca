//! When a connection is tried, and when it counts as dead.

use std::time::{Duration, Instant};

/// The times that connections live by.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For each part of opening a connection, up to Slack's first word.
    pub patience: Duration,
    /// Between two questions whether the other end is there.
    pub ping: Duration,
    /// Without a word from the other end for so long, it is not.
    pub dead: Duration,
    /// A connection that is about to end is given up after this, where Slack does not end it.
    pub farewell: Duration,
    /// The first pause after a failure; each further one is twice as long.
    pub first: Duration,
    /// And the longest.
    pub longest: Duration,
    /// Where only a person can mend it.
    pub rarely: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            ping: Duration::from_secs(5),
            dead: Duration::from_secs(15),
            farewell: Duration::from_secs(60),
            first: Duration::from_millis(250),
            longest: Duration::from_secs(30),
            rarely: Duration::from_secs(120),
        }
    }
}

/// When the next connection is opened.
#[derive(Debug)]
pub(super) struct Backoff {
    pace: Pace,
    failures: u32,
    next: Instant,
    blamed: Option<String>,
    /// Slack has said that there are too many: one is enough until one was opened.
    fewer: bool,
}

impl Backoff {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            failures: 0,
            next: Instant::now(),
            blamed: None,
            fewer: false,
        }
    }

    pub(super) fn is_time(&self, now: Instant) -> bool {
        now >= self.next
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn wanted(&self, usual: usize) -> usize {
        if self.fewer { 1 } else { usual }
    }

    pub(super) fn opened(&mut self) {
        self.failures = 0;
        self.blamed = None;
    }

    /// `after` is what Slack, or reason, asks for.
    pub(super) fn failed(&mut self, now: Instant, after: Option<Duration>) {
        let doubled = self.pace.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.wait(now, after.unwrap_or_else(|| doubled.min(self.pace.longest)));
    }

    pub(super) fn blame(&mut self, say: String) {
        self.blamed = Some(say);
    }

    pub(super) fn blamed(&self) -> Option<&str> {
        self.blamed.as_deref()
    }

    /// Slack has said that it will end a connection, and why.
    pub(super) fn leaving(&mut self, reason: &str, now: Instant) {
        match reason {
            "link_disabled" => {
                let say = "Slack says that Socket Mode is switched off for this app: switch it on under *Socket Mode* at \
                           api.slack.com/apps, or set `transport = \"http\"` in [slack]";
                tracing::error!(reason = say, "no deliveries come from Slack");
                self.blame(say.to_owned());
                self.wait(now, self.pace.rarely);
            }
            "too_many_websockets" => {
                tracing::error!(
                    "Slack says that this app has too many connections open; ten are the most, and each replica wants two"
                );
                self.fewer = true;
                self.blame("Slack says that this app has too many connections open".to_owned());
                self.wait(now, self.pace.longest);
            }
            // At once: the other one still brings deliveries.
            _ => self.next = now,
        }
    }

    /// From half of the time to all of it, so that replicas do not all come back at the same moment.
    fn wait(&mut self, now: Instant, span: Duration) {
        self.next = now + span.mul_f64(0.5 + rand::random::<f64>() / 2.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(backoff: &Backoff, now: Instant) -> Duration {
        backoff.next().saturating_duration_since(now)
    }

    #[test]
    fn pauses_grow_with_jitter_up_to_the_longest_and_begin_anew() {
        let (pace, now) = (Pace::default(), Instant::now());
        let mut backoff = Backoff::new(pace);
        assert!(backoff.is_time(Instant::now()));
        for doubled in [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            backoff.failed(now, None);
            let (least, most) = (doubled / 2, doubled);
            let paused = pause(&backoff, now).as_millis();
            assert!((least..=most).contains(&paused), "{paused} of {doubled}");
        }
        backoff.opened();
        backoff.failed(now, None);
        assert!(pause(&backoff, now) <= pace.first);
        backoff.failed(now, Some(Duration::from_secs(90)));
        assert!(pause(&backoff, now) >= Duration::from_secs(45), "Slack asked for it");
    }

    #[test]
    fn what_slack_says_at_the_end_decides_when_to_come_back() {
        let (pace, now) = (Pace::default(), Instant::now());
        let mut backoff = Backoff::new(pace);
        for reason in ["warning", "refresh_requested", "something new"] {
            backoff.failed(now, None);
            backoff.leaving(reason, now);
            assert!(backoff.is_time(now), "{reason}");
        }
        assert_eq!((backoff.wanted(2), backoff.blamed()), (2, None));
        backoff.leaving("link_disabled", now);
        assert!(pause(&backoff, now) >= pace.rarely / 2);
        assert!(backoff.blamed().is_some_and(|say| say.contains("switched off")));
        backoff.opened();
        backoff.leaving("too_many_websockets", now);
        assert!(pause(&backoff, now) >= pace.longest / 2);
        assert_eq!(backoff.wanted(2), 1);
    }
}
