//! The engine's sense of time. Waits that only let time pass go through it, so that `signalbox test` need not sit them
//! out.

use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// What time it is, and how waiting is done.
#[derive(Debug)]
pub enum Clock {
    /// The machine's.
    Wall,
    /// The machine's, ahead by these microseconds: it leaps over every wait.
    Leaping(AtomicI64),
}

impl Clock {
    /// A clock that leaps.
    pub fn leaping() -> Self {
        Self::Leaping(AtomicI64::new(0))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Wall => Timestamp::now(),
            Self::Leaping(ahead) => Timestamp::now() + SignedDuration::from_micros(ahead.load(Ordering::SeqCst)),
        }
    }

    /// Whether a wait takes no time.
    pub fn leaps(&self) -> bool {
        matches!(self, Self::Leaping(_))
    }

    /// Lets time pass.
    pub async fn wait(&self, span: Duration) {
        match self {
            Self::Wall => tokio::time::sleep(span).await,
            Self::Leaping(ahead) => {
                // Longer than any timeout or pause that a runbook may have is as good as for ever.
                let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4);
                ahead.fetch_add(micros, Ordering::SeqCst);
            }
        }
    }
}
