//! Who may call how often: buckets by route and its main id, fifty calls a second in all, and a ban for ten thousand
//! calls that were no good.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const GLOBAL_PER_SECOND: u32 = 50;
/// Calls refused with 401, 403 or 429 within ten minutes that the whole address is banned for.
pub const INVALID_CALLS: usize = 10_000;
const INVALID_WITHIN: Duration = Duration::from_secs(600);

/// So many calls in so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    pub calls: u32,
    pub seconds: f64,
}

/// What the headers of an answer tell.
#[derive(Debug, Clone)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
    pub reset_after: Duration,
    pub bucket: String,
}

/// A call too many, and how long to wait.
#[derive(Debug, Clone)]
pub enum Overrun {
    Global(Duration),
    Route(Standing),
}

#[derive(Default)]
pub struct Limits {
    buckets: BTreeMap<String, Bucket>,
    invalid: VecDeque<Duration>,
}

struct Bucket {
    used: u32,
    resets: Duration,
}

impl Limits {
    /// One of fifty in this second, for all routes but those of interactions.
    pub fn take_global(&mut self, now: Duration) -> Result<(), Overrun> {
        let everything = Allowance {
            calls: GLOBAL_PER_SECOND,
            seconds: 1.0,
        };
        match self.take("global", "", everything, now) {
            Ok(_) => Ok(()),
            Err(standing) => Err(Overrun::Global(standing.reset_after)),
        }
    }

    pub fn take_route(
        &mut self,
        route: &str,
        id: &str,
        allowed: Allowance,
        now: Duration,
    ) -> Result<Standing, Overrun> {
        self.take(route, id, allowed, now).map_err(Overrun::Route)
    }

    fn take(&mut self, route: &str, id: &str, allowed: Allowance, now: Duration) -> Result<Standing, Standing> {
        let window = Duration::from_secs_f64(allowed.seconds);
        let bucket = self.buckets.entry(format!("{route} {id}")).or_insert(Bucket {
            used: 0,
            resets: now + window,
        });
        if bucket.resets <= now {
            (bucket.used, bucket.resets) = (0, now + window);
        }
        let is_full = bucket.used >= allowed.calls;
        bucket.used += u32::from(!is_full);
        let standing = Standing {
            limit: allowed.calls,
            remaining: allowed.calls - bucket.used,
            reset_after: bucket.resets - now,
            bucket: hash(route),
        };
        if is_full { Err(standing) } else { Ok(standing) }
    }

    pub fn note_invalid(&mut self, now: Duration) {
        self.invalid.push_back(now);
    }

    /// Of the last ten minutes.
    pub fn invalid_calls(&mut self, now: Duration) -> usize {
        while self.invalid.front().is_some_and(|at| *at + INVALID_WITHIN <= now) {
            self.invalid.pop_front();
        }
        self.invalid.len()
    }

    pub fn is_banned(&mut self, now: Duration) -> bool {
        self.invalid_calls(now) >= INVALID_CALLS
    }
}

/// A name that says nothing, as Discord's do.
fn hash(route: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(route.as_bytes())[..16])
}
