//! The point in time after which a call sends nothing and waits for nothing.

use crate::call::CallContext;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// How long there still is until a call's deadline; zero if it has passed.
pub(super) fn remaining(context: &CallContext) -> Duration {
    let left = context.deadline.duration_since(Timestamp::now());
    Duration::try_from(left).unwrap_or(Duration::ZERO)
}

/// The same deadline on the clock that cannot be set.
pub(super) fn instant(context: &CallContext) -> Instant {
    Instant::now() + remaining(context)
}

/// What is said of a message that nobody took until the deadline.
pub(super) const NOT_TAKEN: &str = "no worker took the message in time; it was taken back";
