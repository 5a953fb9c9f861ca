//! When a call may go out. Slack takes about one post per second and channel with short bursts, and fifty edits per
//! minute and workspace; staying below costs less than being told to wait.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

type Keyed<C> = RateLimiter<String, DashMapStateStore<String>, C, NoOpMiddleware<<C as Clock>::Instant>>;

const POST_BURST: NonZeroU32 = NonZeroU32::new(3).unwrap();
// With the burst these make fifty in any minute.
const EDITS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(40).unwrap();
const EDIT_BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Counts what goes out of this process.
#[derive(Debug)]
pub struct Limits<C: Clock = DefaultClock> {
    posts: Keyed<C>,
    edits: Keyed<C>,
    clock: C,
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
            clock,
        }
    }

    /// Takes a place for a post to a channel; the error is how long to wait before asking again.
    pub fn post(&self, channel: &str) -> Result<(), Duration> {
        take(&self.posts, channel, &self.clock)
    }

    /// Takes a place for an edit in a workspace; the error is how long to wait before asking again.
    pub fn edit(&self, workspace: &str) -> Result<(), Duration> {
        take(&self.edits, workspace, &self.clock)
    }

    /// Forgets channels in which nothing has been posted for a while.
    pub fn tidy(&self) {
        self.posts.retain_recent();
        self.edits.retain_recent();
    }
}

fn take<C: Clock>(limiter: &Keyed<C>, key: &str, clock: &C) -> Result<(), Duration> {
    limiter
        .check_key(&key.to_owned())
        .map_err(|not_until| not_until.wait_time_from(clock.now()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    #[test]
    fn posts_are_limited_by_channel_with_a_short_burst() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        assert_eq!([(); 3].map(|()| limits.post("C1")), [Ok(()); 3]);
        assert_eq!(limits.post("C1"), Err(Duration::from_secs(1)));
        assert_eq!(limits.post("C2"), Ok(()), "another channel is not held up");
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.post("C1"), Ok(()));
        assert_eq!(limits.post("C1"), Err(Duration::from_secs(1)));
    }

    #[test]
    fn edits_are_limited_to_fifty_a_minute() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::new(clock.clone());
        let mut sent = 0;
        for _ in 0..600 {
            sent += u32::from(limits.edit("T1").is_ok());
            clock.advance(Duration::from_millis(100));
        }
        assert!((49..=50).contains(&sent), "{sent} edits in the first minute");
    }
}
