//! Whether a platform can be spoken to. While it cannot, one small question now and then takes the place of all
//! messages, so that nobody is hammered and nothing counts as tried. Pure: the time is an argument.

use jiff::{SignedDuration, Timestamp};

/// So many calls in a row without a proper answer, over at least this time, are an outage; fewer happen.
const SILENT_CALLS: u32 = 3;
const SILENT_FOR: SignedDuration = SignedDuration::from_secs(30);

/// The first question comes after this time; each further one after twice as long, up to the other.
const FIRST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// What one call told of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It answers, be it with a refusal of this one call.
    Well,
    /// It takes nothing from us.
    Refused(String),
    /// No answer, or none that makes sense.
    Silent,
}

/// What everybody should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It can be spoken to.
    Works,
    /// It cannot.
    Fails(String),
}

/// Whether messages go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// They do.
    Open,
    /// It is time to ask whether they may.
    Ask,
    /// They do not.
    Shut,
}

/// How one platform stands, as far as this process has heard.
#[derive(Debug, Default)]
pub(super) struct Standing {
    state: State,
    silent: Option<(u32, Timestamp)>,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was heard yet; what an earlier process found out may stand in the store.
    #[default]
    Unknown,
    Works,
    Fails {
        ask: Timestamp,
        pause: SignedDuration,
    },
}

impl Standing {
    /// Takes in what a call told.
    pub(super) fn hear(&mut self, heard: Heard, now: Timestamp) -> Option<Change> {
        match heard {
            Heard::Well => {
                self.silent = None;
                let is_news = !matches!(self.state, State::Works);
                self.state = State::Works;
                is_news.then_some(Change::Works)
            }
            Heard::Refused(say) => {
                self.silent = None;
                self.fail(now);
                Some(Change::Fails(say))
            }
            Heard::Silent => {
                let (calls, since) = self.silent.map_or((1, now), |(calls, since)| (calls + 1, since));
                self.silent = Some((calls, since));
                let lasts = calls >= SILENT_CALLS && now.duration_since(since) >= SILENT_FOR;
                if !lasts && !matches!(self.state, State::Fails { .. }) {
                    return None;
                }
                self.fail(now);
                // Not how it failed: that may change from one call to the next, and is no news.
                Some(Change::Fails("it does not answer, or not properly".to_owned()))
            }
        }
    }

    fn fail(&mut self, now: Timestamp) {
        let pause = match self.state {
            // Calls that were under way together are one failure.
            State::Fails { ask, pause } if now < ask => {
                self.state = State::Fails { ask, pause };
                return;
            }
            State::Fails { pause, .. } => (pause + pause).min(LONGEST),
            _ => FIRST,
        };
        self.state = State::Fails {
            ask: now + pause,
            pause,
        };
    }

    /// Nobody learned of a change, so it is news once more. A failure is told at each question anyway.
    pub(super) fn was_not_told(&mut self, change: &Change) {
        if *change == Change::Works && matches!(self.state, State::Works) {
            self.state = State::Unknown;
        }
    }

    /// Whether messages go out now.
    pub(super) fn gate(&self, now: Timestamp) -> Gate {
        match self.state {
            State::Fails { ask, .. } if now >= ask => Gate::Ask,
            State::Fails { .. } => Gate::Shut,
            State::Unknown | State::Works => Gate::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn refused() -> Heard {
        Heard::Refused("token_revoked".to_owned())
    }

    #[test]
    fn a_refusal_shuts_the_gate_at_once_and_an_answer_opens_it() {
        let mut standing = Standing::default();
        assert_eq!(standing.gate(at(0)), Gate::Open);
        assert_eq!(
            standing.hear(refused(), at(0)),
            Some(Change::Fails("token_revoked".to_owned()))
        );
        assert_eq!((standing.gate(at(4)), standing.gate(at(5))), (Gate::Shut, Gate::Ask));
        assert_eq!(standing.hear(Heard::Well, at(5)), Some(Change::Works));
        assert_eq!(standing.hear(Heard::Well, at(6)), None);
        assert_eq!(standing.gate(at(6)), Gate::Open);
    }

    #[test]
    fn questions_become_rarer_and_never_rare() {
        let mut standing = Standing::default();
        let (mut now, mut asked) = (0, Vec::new());
        standing.hear(refused(), at(0));
        // Another call that was under way meanwhile changes nothing.
        standing.hear(refused(), at(1));
        for second in 0..300 {
            if standing.gate(at(second)) == Gate::Ask {
                asked.push(second - now);
                now = second;
                standing.hear(refused(), at(second));
            }
        }
        assert_eq!(asked, [5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn a_few_lost_answers_are_no_outage() {
        let mut standing = Standing::default();
        standing.hear(Heard::Well, at(0));
        for second in [0, 1, 2, 3] {
            assert_eq!(standing.hear(Heard::Silent, at(second)), None);
        }
        assert_eq!(standing.hear(Heard::Well, at(29)), None);
        assert_eq!(standing.hear(Heard::Silent, at(30)), None);
        assert_eq!(standing.hear(Heard::Silent, at(61)), None, "two are too few");
        let change = standing.hear(Heard::Silent, at(62));
        assert!(matches!(change, Some(Change::Fails(_))), "{change:?}");
        assert_eq!(standing.gate(at(62)), Gate::Shut);
    }

    #[test]
    fn whoever_begins_tells_that_it_works() {
        let mut standing = Standing::default();
        assert_eq!(standing.hear(Heard::Well, at(0)), Some(Change::Works));
        standing.was_not_told(&Change::Works);
        assert_eq!(standing.hear(Heard::Well, at(1)), Some(Change::Works));
    }
}
