//! When a call may go out. Discord tells with each answer how many more calls of its kind it takes and when it counts anew;
//! staying below costs less than being told to wait. Where it says so all the same, it is kept to.
//!
//! Ten thousand calls that it refuses within ten minutes, and it hears nothing from this address for a day: long before
//! that nothing is sent any more.

use governor::clock::{Clock, DefaultClock, Reference};
use governor::nanos::Nanos;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Calls within a second, of the fifty that a bot has: others may share its token.
const IN_A_SECOND: u32 = 40;

/// Refused calls within [`REFUSED_WITHIN`] after which none is made.
const REFUSED: usize = 2_000;
const REFUSED_WITHIN: Duration = Duration::from_secs(600);

/// Nobody is sent away for longer: those in front may have nothing to send any more.
const QUEUE: Duration = Duration::from_secs(30);

/// Buckets that are remembered.
const BUCKETS: usize = 4_096;

/// A kind of call, as Discord counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Whose token it is.
    Me,
    /// A new message.
    Post,
    /// Something else in its place.
    Edit,
    /// A thread on a message.
    Thread,
    /// The messages of a channel.
    Find,
    /// A channel with one person.
    Direct,
    /// What answers an interaction.
    Answer,
    /// The commands of a guild.
    Commands,
    /// Where the gateway is.
    Entrance,
}

impl Method {
    /// The calls that answer an interaction are not counted among all.
    fn is_counted(self) -> bool {
        self != Self::Answer
    }
}

/// A call and what it is about: a channel, a guild, the token of an interaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// The kind.
    pub method: Method,
    /// The id that Discord counts by.
    pub about: String,
}

impl Route {
    /// Of this kind, about this.
    pub fn new(method: Method, about: impl Into<String>) -> Self {
        Self {
            method,
            about: about.into(),
        }
    }
}

/// What an answer told of its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Discord's name for it; several kinds of calls can share one.
    pub bucket: String,
    /// Calls that it takes in one window.
    pub limit: u32,
    /// Calls that are left in this one.
    pub remaining: u32,
    /// When it counts anew.
    pub reset_after: Duration,
}

/// Counts what goes out of this process.
#[derive(Debug)]
pub struct Limits<C: Clock = DefaultClock> {
    state: Mutex<State<C::Instant>>,
    clock: C,
}

#[derive(Debug)]
struct State<I> {
    /// The bucket of each route, as far as it was told.
    names: HashMap<Route, String>,
    buckets: HashMap<(String, String), Bucket<I>>,
    /// The calls of this second.
    second: Option<(I, u32)>,
    /// Until when nothing goes out.
    held: Option<I>,
    refused: VecDeque<I>,
}

#[derive(Debug)]
struct Bucket<I> {
    remaining: u32,
    resets: I,
    /// Between two calls, where they come evenly.
    every: Duration,
    /// When the last of those who wait may come.
    promised: Option<I>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(DefaultClock::default())
    }
}

impl<C: Clock> Limits<C> {
    /// With a clock to measure by.
    pub fn new(clock: C) -> Self {
        Self {
            state: Mutex::new(State {
                names: HashMap::new(),
                buckets: HashMap::new(),
                second: None,
                held: None,
                refused: VecDeque::new(),
            }),
            clock,
        }
    }

    fn state(&self) -> MutexGuard<'_, State<C::Instant>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a call; the error is how long to wait before asking again.
    pub fn take(&self, route: &Route) -> Result<(), Duration> {
        let now = self.clock.now();
        let until = |instant: C::Instant| Duration::from(instant.duration_since(now));
        let mut state = self.state();
        while state
            .refused
            .front()
            .is_some_and(|at| Duration::from(now.duration_since(*at)) >= REFUSED_WITHIN)
        {
            state.refused.pop_front();
        }
        if let Some(first) = state.refused.front().filter(|_| state.refused.len() >= REFUSED) {
            return Err(until(*first + Nanos::from(REFUSED_WITHIN)));
        }
        if let Some(held) = state.held.filter(|held| *held > now && route.method.is_counted()) {
            return Err(until(held));
        }
        let key = state.names.get(route).map(|name| (name.clone(), route.about.clone()));
        if let Some(bucket) = key.and_then(|key| state.buckets.get_mut(&key))
            && bucket.resets > now
        {
            if bucket.remaining == 0 {
                let behind = bucket.promised.map(|last| last + Nanos::from(bucket.every));
                let turn = behind.map_or(bucket.resets, |behind| behind.max(bucket.resets));
                let turn = turn.min((now + Nanos::from(QUEUE)).max(bucket.resets));
                bucket.promised = Some(turn);
                return Err(until(turn));
            }
            bucket.remaining -= 1;
        }
        if !route.method.is_counted() {
            return Ok(());
        }
        let second = Duration::from_secs(1);
        let (begun, calls) = match state.second {
            Some((begun, calls)) if Duration::from(now.duration_since(begun)) < second => (begun, calls),
            _ => (now, 0),
        };
        if calls >= IN_A_SECOND {
            return Err(until(begun + Nanos::from(second)));
        }
        state.second = Some((begun, calls + 1));
        Ok(())
    }

    /// Takes in what an answer told.
    pub fn learn(&self, route: &Route, told: &Told) {
        let now = self.clock.now();
        let mut state = self.state();
        if state.buckets.len() >= BUCKETS {
            state.names.clear();
            state.buckets.clear();
        }
        let key = (told.bucket.clone(), route.about.clone());
        let bucket = Bucket {
            remaining: told.remaining,
            resets: now + Nanos::from(told.reset_after),
            every: told.reset_after / told.limit.max(1),
            promised: state.buckets.get(&key).and_then(|before| before.promised),
        };
        state.names.insert(route.clone(), told.bucket.clone());
        state.buckets.insert(key, bucket);
    }

    /// Discord asked to wait: with this kind of call, or with all.
    pub fn hold(&self, route: &Route, wait: Duration, all: bool) {
        let until = self.clock.now() + Nanos::from(wait);
        let mut state = self.state();
        if all {
            state.held = Some(state.held.map_or(until, |held| held.max(until)));
            return;
        }
        let name = state.names.get(route).cloned();
        // Where it never said the bucket's name, the kind of call stands for it.
        let name = name.unwrap_or_else(|| format!("{:?}", route.method));
        state.names.insert(route.clone(), name.clone());
        let bucket = Bucket {
            remaining: 0,
            resets: until,
            every: Duration::ZERO,
            promised: None,
        };
        state.buckets.insert((name, route.about.clone()), bucket);
    }

    /// A call was refused in a way that counts towards the ban.
    pub fn note_refused(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        if state.refused.len() < REFUSED {
            state.refused.push_back(now);
        }
    }

    /// Forgets what holds nobody back any more.
    pub fn tidy(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        state.buckets.retain(|_, bucket| bucket.resets > now);
        let State { names, buckets, .. } = &mut *state;
        names.retain(|route, name| buckets.contains_key(&(name.clone(), route.about.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    const WINDOW: Duration = Duration::from_secs(5);

    fn told(remaining: u32) -> Told {
        Told {
            bucket: "b1".to_owned(),
            limit: 5,
            remaining,
            reset_after: WINDOW,
        }
    }

    fn world() -> (FakeRelativeClock, Limits<FakeRelativeClock>, Route) {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        (clock, limits, Route::new(Method::Post, "9001"))
    }

    #[test]
    fn a_spent_bucket_holds_its_own_calls_until_it_counts_anew() {
        let (clock, limits, ops) = world();
        assert_eq!(limits.take(&ops), Ok(()), "nothing is known yet");
        limits.learn(&ops, &told(1));
        assert_eq!(limits.take(&ops), Ok(()));
        assert_eq!(limits.take(&ops), Err(WINDOW));
        assert_eq!(
            limits.take(&Route::new(Method::Post, "9002")),
            Ok(()),
            "another channel"
        );
        clock.advance(WINDOW);
        assert_eq!(limits.take(&ops), Ok(()));
    }

    #[test]
    fn those_who_wait_come_one_after_the_other_and_not_too_late() {
        let (_, limits, ops) = world();
        limits.learn(&ops, &told(0));
        let waits: Vec<u64> = (0..40).map(|_| limits.take(&ops).unwrap_err().as_secs()).collect();
        assert_eq!(waits[..4], [5, 6, 7, 8]);
        assert_eq!(waits[38..], [30, 30]);
    }

    #[test]
    fn a_wait_for_all_holds_all_but_answers() {
        let (clock, limits, ops) = world();
        limits.hold(&ops, WINDOW, true);
        assert_eq!(limits.take(&Route::new(Method::Edit, "9002")), Err(WINDOW));
        assert_eq!(limits.take(&Route::new(Method::Answer, "token")), Ok(()));
        clock.advance(WINDOW);
        assert_eq!(limits.take(&ops), Ok(()));
        limits.hold(&ops, WINDOW, false);
        assert_eq!(limits.take(&ops), Err(WINDOW));
        assert_eq!(limits.take(&Route::new(Method::Edit, "9001")), Ok(()));
        clock.advance(WINDOW);
        limits.tidy();
        assert_eq!(limits.take(&ops), Ok(()));
    }

    #[test]
    fn no_more_than_a_bot_may_in_a_second() {
        let (clock, limits, _) = world();
        let sent = (0..100).filter(|at| limits.take(&Route::new(Method::Edit, at.to_string())).is_ok());
        assert_eq!(sent.count(), 40);
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.take(&Route::new(Method::Edit, "1")), Ok(()));
    }

    #[test]
    fn nothing_goes_out_long_before_a_ban() {
        let (clock, limits, ops) = world();
        (0..REFUSED).for_each(|_| limits.note_refused());
        assert_eq!(limits.take(&ops), Err(REFUSED_WITHIN));
        clock.advance(REFUSED_WITHIN);
        assert_eq!(limits.take(&ops), Ok(()));
    }
}
