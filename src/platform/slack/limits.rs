//! When a call may go out. Slack takes about one post per second and channel with short bursts, and fifty edits per
//! minute and workspace; staying below costs less than being told to wait. Where it says so all the same, the calls that
//! it means are kept back for as long as it says, and no others.

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

type Keyed<C> = RateLimiter<String, DashMapStateStore<String>, C, NoOpMiddleware<<C as Clock>::Instant>>;

const POST_BURST: NonZeroU32 = NonZeroU32::new(3).unwrap();
const POST_EVERY: Duration = Duration::from_secs(1);
// With the burst these make fifty in any minute.
const EDITS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(40).unwrap();
const EDIT_BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();
const EDIT_EVERY: Duration = Duration::from_millis(1500);

/// Nobody is sent away for longer: those in front may have nothing to send any more.
const QUEUE: Duration = Duration::from_secs(30);

/// What Slack counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `chat.postMessage`, which it counts by channel as well.
    Post,
    /// `chat.update`.
    Edit,
    /// `chat.postEphemeral`.
    Whisper,
    /// The calls that make a file.
    File,
    /// `conversations.history` and `conversations.replies`.
    Find,
}

/// Where a call goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The workspace.
    pub workspace: &'a str,
    /// The channel in it.
    pub channel: &'a str,
}

/// Counts what goes out of this process.
#[derive(Debug)]
pub struct Limits<C: Clock = DefaultClock> {
    posts: Keyed<C>,
    edits: Keyed<C>,
    held: Mutex<HashMap<Held, C::Instant>>,
    /// When the last of those who wait may come, by what they wait for.
    promised: Mutex<HashMap<String, C::Instant>>,
    clock: C,
}

/// What Slack has asked to wait. Without a channel it is the whole workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Held {
    method: Method,
    workspace: String,
    channel: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    /// With a clock to measure by.
    pub fn new(clock: C) -> Self {
        let posts = Quota::per_second(NonZeroU32::MIN).allow_burst(POST_BURST);
        let edits = Quota::per_minute(EDITS_PER_MINUTE).allow_burst(EDIT_BURST);
        Self {
            posts: RateLimiter::new(posts, DashMapStateStore::default(), clock.clone()),
            edits: RateLimiter::new(edits, DashMapStateStore::default(), clock.clone()),
            held: Mutex::default(),
            promised: Mutex::default(),
            clock,
        }
    }

    /// Takes a place for a call; the error is how long to wait before asking again.
    pub fn take(&self, method: Method, target: Target<'_>) -> Result<(), Duration> {
        if let Some(wait) = self.held(method, target) {
            return Err(wait);
        }
        match method {
            Method::Post => {
                let key = format!("{}/{}", target.workspace, target.channel);
                self.take_of(&self.posts, key, POST_EVERY)
            }
            Method::Edit => self.take_of(&self.edits, target.workspace.to_owned(), EDIT_EVERY),
            Method::Whisper | Method::File | Method::Find => Ok(()),
        }
    }

    /// Those who must wait come one after the other: if a hundred came at the same moment, each would take part in all
    /// of a hundred turns.
    fn take_of(&self, limiter: &Keyed<C>, key: String, every: Duration) -> Result<(), Duration> {
        let Err(not_until) = limiter.check_key(&key) else {
            return Ok(());
        };
        let now = self.clock.now();
        let soonest = now + Nanos::from(not_until.wait_time_from(now));
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = promised.get(&key).map(|last| *last + Nanos::from(every));
        let turn = behind.map_or(soonest, |behind| behind.max(soonest));
        let turn = turn.min((now + Nanos::from(QUEUE)).max(soonest));
        promised.insert(key, turn);
        Err(turn.duration_since(now).into())
    }

    /// Slack asked to wait. For a post that is first taken as meant for the channel, since that is the limit which is
    /// met; if another channel of the workspace was asked to wait as well, for all of them.
    pub fn hold(&self, method: Method, target: Target<'_>, wait: Duration) {
        let now = self.clock.now();
        let until = now + Nanos::from(wait);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let others = held.iter().any(|(known, until)| {
            known.method == method
                && known.workspace == target.workspace
                && known.channel.as_deref() != Some(target.channel)
                && *until > now
        });
        let channel = (method == Method::Post && !others).then(|| target.channel.to_owned());
        let known = Held {
            method,
            workspace: target.workspace.to_owned(),
            channel,
        };
        held.insert(known, until);
    }

    fn held(&self, method: Method, target: Target<'_>) -> Option<Duration> {
        let now = self.clock.now();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter()
            .filter(|(known, _)| {
                known.method == method
                    && known.workspace == target.workspace
                    && known.channel.as_deref().is_none_or(|channel| channel == target.channel)
            })
            .map(|(_, until)| Duration::from(until.duration_since(now)))
            .filter(|wait| !wait.is_zero())
            .max()
    }

    /// Forgets channels in which nothing has been posted for a while.
    pub fn tidy(&self) {
        self.posts.retain_recent();
        self.edits.retain_recent();
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, until| *until > now);
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        promised.retain(|_, turn| *turn > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    const OPS: Target<'_> = Target {
        workspace: "T1",
        channel: "C1",
    };
    const ALERTS: Target<'_> = Target {
        workspace: "T1",
        channel: "C2",
    };
    const ELSEWHERE: Target<'_> = Target {
        workspace: "T2",
        channel: "C3",
    };
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn posts_are_limited_by_channel_with_a_short_burst() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        assert_eq!([(); 3].map(|()| limits.take(Method::Post, OPS)), [Ok(()); 3]);
        assert_eq!(limits.take(Method::Post, OPS), Err(Duration::from_secs(1)));
        assert_eq!(
            limits.take(Method::Post, ALERTS),
            Ok(()),
            "another channel is not held up"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.take(Method::Post, OPS), Ok(()));
        assert_eq!(limits.take(Method::Post, OPS), Err(Duration::from_secs(1)));
    }

    #[test]
    fn those_who_wait_come_one_after_the_other_and_not_too_late() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        for _ in 0..10 {
            limits.take(Method::Edit, OPS).unwrap();
        }
        let wait = |limits: &Limits<FakeRelativeClock>| limits.take(Method::Edit, ALERTS).unwrap_err().as_millis();
        let waits: Vec<u128> = (0..22).map(|_| wait(&limits)).collect();
        assert_eq!(waits[..4], [1500, 3000, 4500, 6000]);
        assert_eq!(waits[18..], [28_500, 30_000, 30_000, 30_000]);
        clock.advance(Duration::from_secs(60));
        limits.tidy();
        assert_eq!(limits.take(Method::Edit, OPS), Ok(()));
    }

    #[test]
    fn edits_are_limited_to_fifty_a_minute() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        let mut sent = 0;
        for turn in 0..600 {
            let target = if turn % 2 == 0 { OPS } else { ALERTS };
            sent += u32::from(limits.take(Method::Edit, target).is_ok());
            clock.advance(Duration::from_millis(100));
        }
        assert!((49..=50).contains(&sent), "{sent} edits in the first minute");
        assert_eq!(limits.take(Method::Edit, ELSEWHERE), Ok(()));
    }

    #[test]
    fn a_wait_holds_its_method_in_its_workspace_and_ends() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        limits.hold(Method::Edit, OPS, MINUTE);
        assert_eq!(limits.take(Method::Edit, ALERTS), Err(MINUTE));
        assert_eq!(limits.take(Method::Post, OPS), Ok(()), "another method");
        assert_eq!(limits.take(Method::Edit, ELSEWHERE), Ok(()), "another workspace");
        clock.advance(MINUTE);
        limits.tidy();
        assert_eq!(limits.take(Method::Edit, ALERTS), Ok(()));
    }

    #[test]
    fn a_wait_of_posts_holds_the_channel_and_then_all_of_them() {
        let limits = Limits::new(FakeRelativeClock::default());
        limits.hold(Method::Post, OPS, MINUTE);
        limits.hold(Method::Post, OPS, MINUTE);
        assert_eq!(limits.take(Method::Post, OPS), Err(MINUTE));
        assert_eq!(limits.take(Method::Post, ALERTS), Ok(()));
        limits.hold(Method::Post, ALERTS, MINUTE);
        let third = Target {
            workspace: "T1",
            channel: "C4",
        };
        assert_eq!(
            limits.take(Method::Post, third),
            Err(MINUTE),
            "it is the workspace that is limited"
        );
        assert_eq!(limits.take(Method::Post, ELSEWHERE), Ok(()));
    }
}
