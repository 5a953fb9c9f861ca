//! The lease of whoever hears the gateway. While it is certainly ours nobody else hears.

use super::GATEWAY;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whoever dies is followed after this time.
const CLAIM: Duration = Duration::from_secs(3);

/// Long before that it is renewed.
pub(super) const RENEW: Duration = Duration::from_millis(750);

/// A lease that this process took, and the last time that somebody surely heard before.
pub(super) struct Held {
    pub hold: Arc<Hold>,
    pub unheard_since: Option<Timestamp>,
}

/// Until when the lease is certainly ours, by the clock that nobody sets.
#[derive(Debug)]
pub(super) struct Hold {
    until: Mutex<Instant>,
}

impl Hold {
    fn new(asked: Instant) -> Self {
        Self {
            until: Mutex::new(asked + CLAIM),
        }
    }

    pub(super) fn is_sure(&self) -> bool {
        Instant::now() < *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renewed(&self, asked: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = asked + CLAIM;
    }
}

async fn ask(store: &Store, owner: &str) -> Result<bool, StoreError> {
    let now = Timestamp::now();
    store.hold_lease(GATEWAY, owner, now, now + CLAIM).await
}

/// Takes the lease, if nobody has it.
pub(super) async fn take(store: &Store, owner: &str) -> Result<Option<Held>, StoreError> {
    let asked = Instant::now();
    // Whoever held it last renewed it so long before its end, and may have heard since.
    let before = store.lease_until(GATEWAY).await?;
    if !ask(store, owner).await? {
        return Ok(None);
    }
    let known = store.platform_fails_since(GATEWAY).await?;
    let claim = SignedDuration::try_from(CLAIM).unwrap_or_default();
    Ok(Some(Held {
        hold: Arc::new(Hold::new(asked)),
        unheard_since: known.or(before.map(|until| until - claim)),
    }))
}

/// Renews the lease until another process has it. While the store does not answer it is asked on, and Discord is heard all
/// the same: whoever types is better told than left alone.
pub(super) async fn renew(store: Store, owner: String, hold: Arc<Hold>) {
    loop {
        tokio::time::sleep(RENEW).await;
        let asked = Instant::now();
        match ask(&store, &owner).await {
            Ok(true) => hold.renewed(asked),
            Ok(false) => return,
            Err(error) => tracing::error!(%error, "the gateway's lease could not be renewed"),
        }
    }
}
