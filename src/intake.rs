//! The door's ledger: deliveries are stored before they are acknowledged, many in one commit.

use crate::bell::Bell;
use crate::request::Delivery;
use crate::store::Store;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Deliveries that may wait to be stored. Beyond that the door says that it is overloaded.
const WAITING: usize = 2048;

/// Deliveries in one commit.
const TOGETHER: usize = 256;

/// The platforms give three seconds; what is not stored by then must not be acknowledged.
const PATIENCE: Duration = Duration::from_millis(2300);

/// Why a delivery was not kept. The words are for the person who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Too many at once.
    #[error("Signalbox is overloaded and has not kept this. Nothing was done; try again in a minute.")]
    Overloaded,
    /// The database does not answer.
    #[error("Signalbox cannot write to its own database and has not kept this. Nothing was done; try again later.")]
    NoStore,
}

/// So many deliveries within a window are a flood; people alone do not come so fast.
const MANY: usize = 40;
const WINDOW: Duration = Duration::from_millis(200);

/// Whether deliveries come in a flood. Then the gate stands back: what was kept can wait, what is not kept in three
/// seconds is lost to whoever asked.
#[derive(Debug)]
pub struct Flood {
    begun: Instant,
    /// Milliseconds since then at which it was noticed last; zero for never.
    noticed: AtomicU64,
}

impl Default for Flood {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            noticed: AtomicU64::new(0),
        }
    }
}

impl Flood {
    /// Whether it is so now.
    pub fn is_on(&self) -> bool {
        let noticed = self.noticed.load(Ordering::Relaxed);
        noticed > 0 && self.now().saturating_sub(noticed) < 2 * WINDOW.as_millis() as u64
    }

    fn notice(&self) {
        self.noticed.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }
}

type Waiting = (Delivery, oneshot::Sender<bool>);

/// Takes deliveries in.
#[derive(Debug, Clone)]
pub struct Intake {
    queue: mpsc::Sender<Waiting>,
}

impl Intake {
    /// The door, and the loop that must run for it.
    pub fn new(store: Store, bell: Arc<Bell>, flood: Arc<Flood>) -> (Self, impl Future<Output = ()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        (Self { queue }, write(store, bell, flood, waiting))
    }

    /// Stores a delivery. Ok means that it survives this process; a delivery that was stored before is stored.
    pub async fn keep(&self, delivery: Delivery) -> Result<(), NotKept> {
        let (done, stored) = oneshot::channel();
        self.queue.try_send((delivery, done)).map_err(|_| NotKept::Overloaded)?;
        match tokio::time::timeout(PATIENCE, stored).await {
            Ok(Ok(true)) => Ok(()),
            // Later than the patience it may still be stored; then it is done once all the same, and answered.
            Ok(Ok(false) | Err(_)) | Err(_) => Err(NotKept::NoStore),
        }
    }
}

async fn write(store: Store, bell: Arc<Bell>, flood: Arc<Flood>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    let (mut window, mut counted) = (Instant::now(), 0);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        let (deliveries, askers): (Vec<Delivery>, Vec<_>) = batch
            .drain(..)
            // Who has stopped waiting was told that nothing was kept, so nothing is.
            .filter(|(_, done): &Waiting| !done.is_closed())
            .unzip();
        let stored = match store.receive(&deliveries, Timestamp::now()).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, count = deliveries.len(), "deliveries could not be stored");
                false
            }
        };
        for done in askers {
            // An asker that has gone away needs no answer.
            let _ = done.send(stored);
        }
        if stored {
            bell.ring();
        }
        if window.elapsed() >= WINDOW {
            (window, counted) = (Instant::now(), 0);
        }
        counted += deliveries.len();
        if counted >= MANY {
            flood.notice();
        }
    }
}
