//! Time as a simulator's limits see it: it flows, can be moved, and can be made to stand still.

use std::time::{Duration, Instant};

pub struct Clock {
    started: Instant,
    epoch: i64,
    frozen: Option<Duration>,
    moved: Duration,
}

impl Clock {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            epoch: jiff::Timestamp::now().as_second(),
            frozen: None,
            moved: Duration::ZERO,
        }
    }

    /// Since the simulator started.
    pub fn now(&self) -> Duration {
        self.frozen.unwrap_or_else(|| self.started.elapsed()) + self.moved
    }

    /// Since 1970, as messages are stamped.
    pub fn second(&self) -> i64 {
        self.epoch + self.now().as_secs() as i64
    }

    /// The same to the millisecond, as ids carry it.
    pub fn millisecond(&self) -> i64 {
        self.epoch * 1000 + self.now().as_millis() as i64
    }

    pub fn freeze(&mut self) {
        self.frozen.get_or_insert(self.started.elapsed());
    }

    pub fn advance(&mut self, by: Duration) {
        self.moved += by;
    }
}
