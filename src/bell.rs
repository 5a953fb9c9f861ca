//! Rung when something was stored. A loop that was busy at that moment hears it at its next turn.

use std::time::Duration;
use tokio::sync::watch;

/// Rung by whoever stores, heard by whoever works.
#[derive(Debug)]
pub struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Bell {
    /// Everybody who listens has a look.
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// From now on every ring is heard.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears one bell.
#[derive(Debug)]
pub struct Listener(watch::Receiver<()>);

impl Listener {
    /// Waits until the bell was rung since the last time, but no longer than this; false where it was not.
    pub async fn heard(&mut self, at_most: Duration) -> bool {
        let heard = tokio::time::timeout(at_most, self.0.changed()).await;
        // A bell that is gone will not be rung any more: then time alone counts.
        if let Ok(Err(_)) = heard {
            tokio::time::sleep(at_most).await;
        }
        matches!(heard, Ok(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn waits(listener: &mut Listener) -> bool {
        let heard = pin!(listener.heard(Duration::from_secs(3600)));
        heard.poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending
    }

    #[tokio::test]
    async fn a_ring_is_heard_once_also_by_who_was_busy() {
        let bell = Bell::default();
        let mut listener = bell.listen();
        assert!(waits(&mut listener));
        bell.ring();
        bell.ring();
        assert!(!waits(&mut listener));
        assert!(waits(&mut listener));
    }
}
