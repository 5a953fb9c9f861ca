//! The door's ledger: deliveries are stored before they are acknowledged, many in one commit.

use crate::alert::notification::Notification;
use crate::bell::Bell;
use crate::request::{Delivery, Place};
use crate::rules::live::LiveRules;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Deliveries that may wait to be stored. Beyond that the door says that it is overloaded.
const WAITING: usize = 2048;

/// Deliveries in one commit.
const TOGETHER: usize = 256;

/// The platforms give three seconds; what is not stored by then must not be acknowledged.
const PATIENCE: Duration = Duration::from_millis(2300);

/// Alertmanager waits longer, and sends again what was not kept.
const PATIENCE_WITH_ALERTS: Duration = Duration::from_secs(7);

/// Between two tries of what an absent database did not take.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Why a delivery was not acknowledged. The words are for the person who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Too many at once.
    #[error("Signalbox is overloaded and has not kept this. Nothing was done; try again in a minute.")]
    Overloaded,
    /// The database does not answer.
    #[error("Signalbox cannot write to its own database and has not kept this. Nothing was done; try again later.")]
    NoStore,
    /// The database was told to keep it and has not said whether it did.
    #[error(
        "Signalbox does not know whether it has kept this: its own database has not answered in time. If it was kept, it \
         is carried out once and answered here; look before you ask again."
    )]
    Unknown,
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

/// Where a delivery stands between its asker, who may lose patience, and the commit, which cannot be called back. Whoever
/// moves it first decides what the other may say.
#[derive(Debug, Default)]
struct Stage(AtomicU8);

impl Stage {
    const WAITS: u8 = 0;
    /// The asker was told that nothing was kept: so nothing is.
    const LEFT: u8 = 1;
    /// The commit is under way: from here on "nothing was kept" would be a guess.
    const COMMITTING: u8 = 2;

    /// The asker gives up. False if it is too late for that.
    fn leave(&self) -> bool {
        self.turn(Self::WAITS, Self::LEFT)
    }

    /// The commit comes next. False if the asker has left.
    fn commit(&self) -> bool {
        self.turn(Self::WAITS, Self::COMMITTING) || self.0.load(Ordering::SeqCst) == Self::COMMITTING
    }

    /// There was no commit after all.
    fn back(&self) {
        self.turn(Self::COMMITTING, Self::WAITS);
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        let turned = self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        turned.is_ok()
    }
}

/// Somebody who waits to hear whether a delivery is kept.
#[derive(Debug)]
struct Asker {
    stage: Arc<Stage>,
    done: oneshot::Sender<bool>,
}

impl Asker {
    fn waits(&self) -> bool {
        // A connection that broke leaves without a word.
        !self.done.is_closed() && self.stage.0.load(Ordering::SeqCst) != Stage::LEFT
    }

    /// Commits to none unless it can to all.
    fn commit(all: &[Self]) -> bool {
        let before = all.iter().position(|asker| !asker.stage.commit());
        if let Some(before) = before {
            all[..before].iter().for_each(|asker| asker.stage.back());
        }
        before.is_none()
    }
}

type Waiting<T> = (T, Asker);

/// What keeps what came in.
trait Keeper: Send + Sync + 'static {
    /// What comes in.
    type Kept: Send + Sync + 'static;

    /// Keeps all of these in one commit, if `still` says so when nothing but the commit is left to do; false if it says
    /// no, and nothing is kept. What was kept before is kept.
    fn keep(
        &self,
        these: &[Self::Kept],
        still: impl FnOnce() -> bool + Send,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Keeps deliveries of chat platforms.
struct Deliveries(Store);

impl Keeper for Deliveries {
    type Kept = Delivery;

    async fn keep(&self, these: &[Delivery], still: impl FnOnce() -> bool + Send) -> Result<bool, StoreError> {
        Ok(self.0.receive_if(these, Timestamp::now(), still).await?.is_some())
    }
}

/// Keeps notifications about alerts.
struct Alerts {
    store: Store,
    /// Where alerts are shown.
    places: Vec<Place>,
    /// They tell for which alerts somebody is paged, and for which a runbook is asked for.
    rules: Arc<LiveRules>,
}

impl Keeper for Alerts {
    type Kept = Notification;

    async fn keep(&self, these: &[Notification], still: impl FnOnce() -> bool + Send) -> Result<bool, StoreError> {
        let rules = self.rules.now();
        self.store
            .keep_notifications(these, &self.places, &*rules, Timestamp::now(), still)
            .await
    }
}

/// Takes deliveries in, or notifications about alerts.
#[derive(Debug)]
pub struct Intake<T = Delivery> {
    queue: mpsc::Sender<Waiting<T>>,
    patience: Duration,
}

impl<T> Clone for Intake<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            patience: self.patience,
        }
    }
}

impl Intake {
    /// The door, and the loop that must run for it.
    pub fn new(store: Store, bell: Arc<Bell>, flood: Arc<Flood>) -> (Self, impl Future<Output = ()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let patience = PATIENCE;
        (Self { queue, patience }, write(Deliveries(store), bell, flood, waiting))
    }
}

impl Intake<Notification> {
    /// The door for alerts, which are shown at these places and paged by these rules, and the loop that must run for it.
    /// However many come, people who ask for something wait no longer: no flood is noticed.
    pub fn of_alerts(
        store: Store,
        places: Vec<Place>,
        rules: Arc<LiveRules>,
        bell: Arc<Bell>,
    ) -> (Self, impl Future<Output = ()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let keeper = Alerts { store, places, rules };
        let patience = PATIENCE_WITH_ALERTS;
        (Self { queue, patience }, write(keeper, bell, Arc::default(), waiting))
    }
}

impl<T> Intake<T> {
    /// Stores a delivery. Ok means that it survives this process; a delivery that was stored before is stored. `NoStore`
    /// and `Overloaded` mean that it is not stored and will not be.
    pub async fn keep(&self, delivery: T) -> Result<(), NotKept> {
        let (done, stored) = oneshot::channel();
        let stage = Arc::<Stage>::default();
        let asker = Asker {
            stage: stage.clone(),
            done,
        };
        self.queue
            .try_send((delivery, asker))
            .map_err(|_| NotKept::Overloaded)?;
        match tokio::time::timeout(self.patience, stored).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(NotKept::NoStore),
            // Too late, or the loop has ended.
            Ok(Err(_)) | Err(_) if stage.leave() => Err(NotKept::NoStore),
            Ok(Err(_)) | Err(_) => Err(NotKept::Unknown),
        }
    }
}

async fn write<K: Keeper>(
    keeper: K,
    bell: Arc<Bell>,
    flood: Arc<Flood>,
    mut waiting: mpsc::Receiver<Waiting<K::Kept>>,
) {
    let mut batch = Vec::with_capacity(TOGETHER);
    let (mut window, mut counted) = (Instant::now(), 0);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        let count = batch.len();
        if keep(&keeper, &mut batch).await {
            bell.ring();
        }
        if window.elapsed() >= WINDOW {
            (window, counted) = (Instant::now(), 0);
        }
        counted += count;
        if counted >= MANY {
            flood.notice();
        }
    }
}

/// Stores the deliveries whose askers still wait, and tells them. A database that refuses is believed at once; one that
/// is away, or has not said what became of a commit, is tried as long as somebody waits. That is safe: what it has already
/// is not stored again.
async fn keep<K: Keeper>(keeper: &K, batch: &mut Vec<Waiting<K::Kept>>) -> bool {
    loop {
        batch.retain(|(_, asker)| asker.waits());
        if batch.is_empty() {
            return false;
        }
        let (these, askers): (Vec<K::Kept>, Vec<Asker>) = batch.drain(..).unzip();
        let stored = match keeper.keep(&these, || Asker::commit(&askers)).await {
            Ok(true) => Some(true),
            // Somebody left meanwhile; the others go on.
            Ok(false) => None,
            Err(error) => {
                tracing::error!(%error, count = these.len(), "deliveries could not be stored");
                let refused = error.is_refusal();
                if !refused {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                refused.then_some(false)
            }
        };
        let Some(stored) = stored else {
            batch.extend(these.into_iter().zip(askers));
            continue;
        };
        for asker in askers {
            // An asker that has gone away needs no answer.
            let _ = asker.done.send(stored);
        }
        return stored;
    }
}
