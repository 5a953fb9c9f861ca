//! A time in which nobody heard Discord, and what is told of it. Pure.

use super::news::News;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Shorter ones are for the log alone: Discord asks for a new connection now and then.
const LONG: SignedDuration = SignedDuration::from_secs(5);

/// What is told while the bot is not there.
pub(super) const STOPPED: &str = "what is typed and pressed does not reach the bot: it was stopped";

/// Nobody hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// Since when, where it is known: not at the very first start.
    since: Option<Timestamp>,
    /// Since when this process knows of it.
    noticed: Timestamp,
    why: String,
    is_told: bool,
}

impl Gap {
    pub(super) fn new(since: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            since: since.map(|since| since.min(now)),
            noticed: now,
            why: "there is no connection yet".to_owned(),
            is_told: false,
        }
    }

    /// Since when, where it is known.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// It goes on, for this reason.
    pub(super) fn because(&mut self, why: &str) {
        self.since.get_or_insert(self.noticed);
        why.clone_into(&mut self.why);
    }

    /// After how much time it is to be told, if it was not yet.
    pub(super) fn is_long_in(&self, now: Timestamp) -> Option<Duration> {
        let left = LONG - now.duration_since(self.noticed);
        (!self.is_told).then(|| left.try_into().unwrap_or(Duration::ZERO))
    }

    /// It lasts.
    pub(super) fn is_long(&mut self) -> Option<News> {
        let is_news = !std::mem::replace(&mut self.is_told, true);
        is_news.then(|| self.away(false))
    }

    /// Discord does not want us: no time mends that.
    pub(super) fn refused(&mut self, say: &str) -> News {
        self.because(say);
        self.is_told = true;
        self.away(true)
    }

    fn away(&self, is_refused: bool) -> News {
        News::Away {
            since: self.since.unwrap_or(self.noticed),
            say: format!("what is typed and pressed does not reach the bot: {}", self.why),
            is_refused,
        }
    }

    /// It is over.
    pub(super) fn ends(self, now: Timestamp) -> News {
        let lasted = self.since.filter(|since| now.duration_since(*since) >= LONG);
        News::Back {
            since: self.since,
            say: lasted.map(|since| said(since, now)),
        }
    }
}

/// For those who may have typed meanwhile.
fn said(since: Timestamp, until: Timestamp) -> String {
    let day = "%Y-%m-%d";
    let is_one_day = since.strftime(day).to_string() == until.strftime(day).to_string();
    let begin = if is_one_day {
        "%H:%M:%S"
    } else {
        "%H:%M:%S UTC on %Y-%m-%d"
    };
    format!(
        "Signalbox did not hear Discord between {} and {} ({}). Whoever typed a command or pressed a button in that time \
         was shown an error, and nothing of it was kept: please do it again.",
        since.strftime(begin),
        until.strftime("%H:%M:%S UTC on %Y-%m-%d"),
        span(until.duration_since(since))
    )
}

fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn said_of(since: &str, until: &str) -> Option<String> {
        match Gap::new(Some(at(since)), at(until)).ends(at(until)) {
            News::Back { say, .. } => say,
            News::Away { .. } => panic!("it is over"),
        }
    }

    #[test]
    fn a_gap_is_told_with_its_span() {
        let say = said_of("2026-05-04T10:42:05Z", "2026-05-04T10:42:40Z").unwrap();
        insta::assert_snapshot!(say, @"Signalbox did not hear Discord between 10:42:05 and 10:42:40 UTC on 2026-05-04 (35 s). Whoever typed a command or pressed a button in that time was shown an error, and nothing of it was kept: please do it again.");
        let say = said_of("2026-05-03T22:00:00Z", "2026-05-04T07:05:00Z").unwrap();
        assert!(
            say.contains("between 22:00:00 UTC on 2026-05-03 and 07:05:00 UTC on 2026-05-04 (9 h 5 min)"),
            "{say}"
        );
        assert!(
            said_of("2026-05-04T10:00:00Z", "2026-05-04T10:02:00Z")
                .unwrap()
                .contains("(2 min)")
        );
    }

    #[test]
    fn a_moment_is_for_the_log_alone() {
        assert_eq!(said_of("2026-05-04T10:42:05Z", "2026-05-04T10:42:09Z"), None);
        assert_eq!(
            said_of("2026-05-04T10:42:05Z", "2026-05-04T10:42:04Z"),
            None,
            "clocks differ"
        );
    }

    #[test]
    fn before_the_first_start_there_was_nobody_to_hear() {
        let gap = Gap::new(None, at("2026-05-04T10:00:00Z"));
        let News::Back { since, say } = gap.ends(at("2026-05-04T10:01:00Z")) else {
            panic!("it is over");
        };
        assert_eq!((since, say), (None, None));
        let mut gap = Gap::new(None, at("2026-05-04T10:00:00Z"));
        gap.because("no connection");
        let News::Back { say, .. } = gap.ends(at("2026-05-04T10:01:00Z")) else {
            panic!("it is over");
        };
        assert!(say.is_some(), "since then the bot was there, and did not hear");
    }

    #[test]
    fn it_is_told_once_when_it_lasts() {
        let begin = at("2026-05-04T10:00:00Z");
        let mut gap = Gap::new(Some(begin), begin);
        gap.because("the connection was closed");
        let left = gap.is_long_in(at("2026-05-04T10:00:02Z"));
        assert_eq!(left, Some(Duration::from_secs(3)));
        assert_eq!(gap.is_long_in(at("2026-05-04T10:01:00Z")), Some(Duration::ZERO));
        let told = gap.is_long();
        let say = "what is typed and pressed does not reach the bot: the connection was closed".to_owned();
        let since = begin;
        assert_eq!(
            told,
            Some(News::Away {
                since,
                say,
                is_refused: false
            })
        );
        assert_eq!((gap.is_long_in(begin), gap.is_long()), (None, None));
    }
}
