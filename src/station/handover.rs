//! From the gate to the drivers of the same process: a run that is due as soon as it is written is claimed by the very
//! commit that writes it, and driven at once. That saves its people a wait, and the database a look, a claim and a read.
//! Where no place is free, or the process is about to end, nothing is claimed, and whoever looks for runs finds it.

use crate::store::runs::{Claim, StoredRun};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};

/// Runs that were handed over and are under way.
const PLACES: usize = 128;

/// Where runs are handed over.
#[derive(Debug)]
pub struct Handover {
    owner: String,
    open: AtomicBool,
    places: Arc<Semaphore>,
    // Never longer than there are places.
    queue: mpsc::UnboundedSender<Handed>,
    handed: Mutex<mpsc::UnboundedReceiver<Handed>>,
}

/// A place that is kept for one run.
#[derive(Debug)]
pub struct Seat {
    owner: String,
    until: Timestamp,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// What to claim the run with.
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            owner: &self.owner,
            until: self.until,
        }
    }
}

/// A claimed run with its place.
#[derive(Debug)]
pub struct Handed {
    /// As it stands, with the claim's number.
    pub run: StoredRun,
    /// Until it rests.
    pub seat: Seat,
}

impl Handover {
    /// For the process of this name; closed at first.
    pub fn new(owner: &str) -> Self {
        let (queue, handed) = mpsc::unbounded_channel();
        Self {
            owner: owner.to_owned(),
            open: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(PLACES)),
            queue,
            handed: Mutex::new(handed),
        }
    }

    /// Whether runs are taken from now on.
    pub fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
    }

    /// A place for a run that is about to be written, with a claim that lasts so long.
    pub fn seat(&self, now: Timestamp, lasting: SignedDuration) -> Option<Seat> {
        if !self.open.load(Ordering::SeqCst) {
            return None;
        }
        let place = self.places.clone().try_acquire_owned().ok()?;
        Some(Seat {
            owner: self.owner.clone(),
            until: now + lasting,
            _place: place,
        })
    }

    /// Hands a run over that was claimed for its seat. If nobody drives any more, the claim ends by itself.
    pub fn hand(&self, run: StoredRun, seat: Seat) {
        // The other end lives as long as this one.
        let _ = self.queue.send(Handed { run, seat });
    }

    /// The next run; waits for it.
    pub async fn next(&self) -> Option<Handed> {
        self.handed.lock().await.recv().await
    }
}
