//! The loops of one process: it takes requests to the gate, claims runs and drives them, reads signals. Whoever holds
//! the engine's lease does it; a second process waits for its turn.

use crate::dispatch::{Desk, Reply};
use crate::run::engine::Engine;
use crate::run::proof::{PERIOD, RUN_PERIOD, Sampler};
use crate::store::StoreError;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

/// The engine's lease and every claim last this long, and are renewed long before.
const LEASE: SignedDuration = SignedDuration::from_secs(5);
const RENEW: Duration = Duration::from_millis(1500);

/// The net under the bell: what other processes stored is found this late at the most.
const POLL: Duration = Duration::from_millis(150);

/// A request whose taker died is taken again after this.
const REQUEST_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Requests at the gate at the same time, and runs under way at the same time.
const AT_ONCE: usize = 32;

/// The lease's name.
pub const ENGINE: &str = "engine";

/// One process's share of the work.
#[derive(Debug)]
pub struct Station {
    /// The gate.
    pub desk: Arc<Desk>,
    /// Carries runs out.
    pub engine: Arc<Engine>,
    /// Reads signals.
    pub sampler: Arc<Sampler>,
    /// Unique to this process.
    pub owner: String,
    /// Rung when something was stored here.
    pub bell: Arc<Notify>,
    /// See [`Station::leads`].
    pub leads: AtomicBool,
}

impl Station {
    /// Works until `stop` says so. Then it takes nothing more, so that another process may lead at once, lets what is
    /// under way come to the end of its step, for `grace` at most, and gives everything back. A step that takes longer
    /// is left as after a crash: whoever goes on with the run finds out what became of it.
    pub async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>, grace: Duration) {
        let (mut keeping, mut working) = (JoinSet::new(), JoinSet::new());
        keeping.spawn(self.clone().keep_lease(stop.clone()));
        keeping.spawn(self.clone().signals());
        working.spawn(self.clone().requests(stop.clone()));
        working.spawn(self.clone().runs(stop.clone()));
        stopped(&mut stop).await;
        self.engine.leave();
        let ended = async { while working.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::warn!(
                ?grace,
                "a step is still under way: whoever goes on finds out what became of it"
            );
        }
        keeping.shutdown().await;
        working.shutdown().await;
        self.give_back().await;
    }

    async fn give_back(&self) {
        let store = &self.desk.store;
        if let Err(error) = store.release_claims(&self.owner).await {
            tracing::warn!(%error, "claims could not be given back; they end by themselves");
        }
        self.give_back_lease().await;
    }

    async fn give_back_lease(&self) {
        if let Err(error) = self.desk.store.release_lease(ENGINE, &self.owner).await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
    }

    /// At the end the lease goes at once, and the claims are kept alive while what they stand for is finished.
    async fn keep_lease(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let now = Timestamp::now();
            let leaving = *stop.borrow();
            let leads = if leaving {
                self.give_back_lease().await;
                false
            } else {
                let held = self.desk.store.hold_lease(ENGINE, &self.owner, now, now + LEASE).await;
                held.unwrap_or_else(|error| {
                    tracing::error!(%error, "the lease could not be renewed");
                    false
                })
            };
            if leads != self.leads.swap(leads, Ordering::SeqCst) {
                tracing::info!(leads, owner = %self.owner, "the engine's lease");
                self.bell.notify_waiters();
            }
            self.log(self.desk.store.renew_claims(&self.owner, now, now + LEASE).await);
            if leads {
                self.log(self.desk.store.drop_tokens(now).await);
            }
            if leaving {
                tokio::time::sleep(RENEW).await;
            } else {
                let _ = tokio::time::timeout(RENEW, stopped(&mut stop)).await;
            }
        }
    }

    fn log(&self, result: Result<(), StoreError>) {
        if let Err(error) = result {
            tracing::error!(%error, "housekeeping");
        }
    }

    /// Whether this process is the engine now.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }

    /// Waits for the bell, or a little.
    async fn next_turn(&self) {
        let _ = tokio::time::timeout(POLL, self.bell.notified()).await;
    }

    async fn requests(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        while !*stop.borrow() {
            while let Some(ended) = tasks.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a request ended in a defect");
                }
            }
            let free = room.available_permits();
            if self.leads() && free > 0 {
                let now = Timestamp::now();
                let taken = self
                    .desk
                    .store
                    .take_requests(&self.owner, now, now + REQUEST_PATIENCE, free as i64)
                    .await;
                match taken {
                    Ok(requests) => {
                        for request in requests {
                            let Ok(permit) = room.clone().acquire_owned().await else {
                                return;
                            };
                            let station = self.clone();
                            tasks.spawn(async move {
                                match station.desk.handle(&request).await {
                                    Ok(Reply::Run(run)) => tracing::info!(request = %request.id, %run, "answered by a run"),
                                    Ok(Reply::Said(report)) => {
                                        tracing::info!(request = %request.id, outcome = report.outcome.words(), "answered");
                                    }
                                    Err(error) => tracing::error!(request = %request.id, %error, "request put off"),
                                }
                                station.bell.notify_waiters();
                                drop(permit);
                            });
                        }
                    }
                    Err(error) => tracing::error!(%error, "requests cannot be taken"),
                }
            }
            self.next_turn().await;
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn runs(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        while !*stop.borrow() {
            while let Some(ended) = tasks.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a run's driver ended in a defect");
                }
            }
            let free = room.available_permits();
            if self.leads() && free > 0 {
                let now = Timestamp::now();
                match self
                    .desk
                    .store
                    .claim_runs(&self.owner, now, now + LEASE, free as i64)
                    .await
                {
                    Ok(claimed) => {
                        for (run, epoch) in claimed {
                            let Ok(permit) = room.clone().acquire_owned().await else {
                                return;
                            };
                            let station = self.clone();
                            tasks.spawn(async move {
                                if let Err(error) = station.engine.drive(&run, epoch).await {
                                    tracing::error!(%run, %error, "the run rests");
                                    // Not given back at once: what failed is tried again when the claim has run out.
                                }
                                station.bell.notify_waiters();
                                drop(permit);
                            });
                        }
                    }
                    Err(error) => tracing::error!(%error, "runs cannot be claimed"),
                }
            }
            self.next_turn().await;
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Every 15 seconds; every 2 while a run is under way, so that its chart shows what it did.
    async fn signals(self: Arc<Self>) {
        let mut rules = self.desk.rules.changes();
        loop {
            let mut waited = Duration::ZERO;
            if self.leads() {
                self.sampler.sample_all().await;
            }
            while waited < PERIOD.unsigned_abs() {
                tokio::time::sleep(RUN_PERIOD.unsigned_abs()).await;
                waited += RUN_PERIOD.unsigned_abs();
                // A signal that was just declared is not waited for. An error means that the rules are gone, and we too.
                if rules.has_changed().unwrap_or(false) {
                    rules.mark_unchanged();
                    break;
                }
                match self.desk.store.any_run_under_way(Timestamp::now()).await {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => tracing::error!(%error, "runs cannot be counted"),
                }
            }
        }
    }
}

/// Waits for the end. A sender that is gone is an end too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
