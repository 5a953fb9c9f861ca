//! The loops of one process: it takes requests to the gate, claims runs and drives them. Every replica does; what is done
//! by one alone (signals, messages, housekeeping) is done by the leader, which holds a lease.

pub mod handover;
pub mod hands;
mod turns;

use crate::bell::Bell;
use crate::dispatch::{Desk, Reply};
use crate::intake::Flood;
use crate::request::Request;
use crate::run::engine::{CLAIM, Engine};
use crate::run::ledger::LedgerError;
use crate::run::proof::{PERIOD, RUN_PERIOD, Sampler};
use crate::store::StoreError;
use crate::store::runs::StoredRun;
use crate::troubles::Troubles;
use handover::{Handed, Handover};
use hands::Hands;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use turns::Turns;

/// The leader's lease and every claim are renewed long before they end.
const RENEW: Duration = Duration::from_millis(750);

/// After a renewal no claim is over for at least so long.
const RENEWED: Duration = Duration::from_millis(2000);

/// What other processes stored, or what was put off until now, is found this late.
const LOOK: Duration = Duration::from_millis(150);

/// The net under the bell.
const POLL: Duration = Duration::from_secs(1);

/// Between two turns of a loop, however often the bell is rung.
const BREATH: Duration = Duration::from_millis(3);

/// Requests at the gate at the same time.
const AT_ONCE: usize = 64;

/// With so many at the gate it is filled again when half of them have gone, or after so long: a look for more costs as
/// much for one as for many.
const CROWD: usize = 8;
const GULP: Duration = Duration::from_millis(25);

/// Runs under way at the same time. They mostly wait, and the more wait for one commit the less each of them costs.
const UNDER_WAY: usize = 128;

/// Requests at the gate at the same time while deliveries come in a flood.
const IN_A_FLOOD: usize = 4;

/// And between two looks for more work.
const IN_A_FLOOD_BREATH: Duration = Duration::from_millis(100);

/// What came to grief is tried again after this.
const GRIEF: SignedDuration = SignedDuration::from_secs(5);

/// The store is told again after this.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// How often what is too old is dropped.
const TIDY: Duration = Duration::from_secs(30);

/// The name of the leader's lease.
pub const ENGINE: &str = "engine";

/// When a process works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Always, beside others.
    Replica,
    /// While it leads: a command line, where no server is up.
    Leader,
}

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
    /// Rung when something was stored here, or by another process that can tell.
    pub bell: Arc<Bell>,
    /// When it works.
    pub share: Share,
    /// See [`Station::leads`].
    pub leads: AtomicBool,
    /// Requests that this process has in hand.
    pub requests: Arc<Hands>,
    /// Runs that it has in hand.
    pub runs: Arc<Hands>,
    /// Whether deliveries come in a flood.
    pub flood: Arc<Flood>,
    /// When all claims of this process were renewed last, in microseconds since 1970.
    pub renewed: AtomicI64,
    /// Where the gate hands over what it has begun.
    pub handover: Arc<Handover>,
    /// What is amiss with what this process depends on.
    pub troubles: Arc<Troubles>,
}

impl Station {
    /// Works until `stop` says so. Then it takes nothing more, so that another process may lead at once, lets what is
    /// under way come to the end of its step, for `grace` at most, and gives everything back. A step that takes longer
    /// is left as after a crash: whoever goes on with the run finds out what became of it.
    pub async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>, grace: Duration) {
        // This may be the version that can read them, or the database may have been put right.
        match self.desk.store.look_at_asides_again(Timestamp::now()).await {
            Ok(0) => {}
            Ok(runs) => tracing::info!(runs, "runs that were set aside are looked at again"),
            Err(error) => tracing::error!(%error, "runs that were set aside stay so"),
        }
        let (mut keeping, mut working) = (JoinSet::new(), JoinSet::new());
        keeping.spawn(self.clone().keep_lease(stop.clone()));
        keeping.spawn(self.clone().signals());
        keeping.spawn(self.clone().heed());
        keeping.spawn(self.clone().look());
        working.spawn(self.clone().requests(stop.clone()));
        working.spawn(self.clone().runs(stop.clone()));
        working.spawn(self.clone().handed_over(stop.clone()));
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
        if let Err(error) = store.release_requests(&self.owner).await {
            tracing::warn!(%error, "requests could not be given back; others take them in time");
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
        let mut tidied: Option<Instant> = None;
        loop {
            let now = Timestamp::now();
            let leaving = *stop.borrow();
            let leads = if leaving {
                self.give_back_lease().await;
                false
            } else {
                let held = self.desk.store.hold_lease(ENGINE, &self.owner, now, now + CLAIM).await;
                held.unwrap_or_else(|error| {
                    tracing::error!(%error, "the lease could not be renewed");
                    false
                })
            };
            if leads != self.leads.swap(leads, Ordering::SeqCst) {
                tracing::info!(leads, owner = %self.owner, "the engine's lease");
                self.bell.ring();
            }
            self.handover.set_open(!leaving && self.works());
            let (store, until) = (&self.desk.store, now + CLAIM);
            let renewed = store.renew_claims(&self.owner, until, &self.runs.ids()).await;
            if renewed.is_ok() {
                self.renewed.store(now.as_microsecond(), Ordering::SeqCst);
            }
            self.log(renewed);
            self.log(store.renew_requests(&self.owner, until, &self.requests.ids()).await);
            // Another process may have linked an account, or taken one away.
            self.log(self.desk.refresh_links().await);
            if leads {
                self.log(self.desk.drop_void_links().await);
            }
            if leads && tidied.is_none_or(|at| at.elapsed() >= TIDY) {
                tidied = Some(Instant::now());
                self.log(self.desk.store.drop_tokens(now).await);
                self.log(self.desk.store.drop_link_codes(now).await);
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

    /// Whether this process does what one alone does.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::SeqCst)
    }

    fn works(&self) -> bool {
        self.share == Share::Replica || self.leads()
    }

    /// What other processes stored rings the bell here, where the database can tell.
    async fn heed(self: Arc<Self>) {
        self.desk.store.heed(&self.bell).await;
    }

    /// One look for all who wait, so that an idle bot costs little. Whoever is rung looks by himself.
    async fn look(self: Arc<Self>) {
        let mut bell = self.bell.listen();
        loop {
            if bell.heard(LOOK).await || !self.works() {
                continue;
            }
            match self.desk.store.anything_waits(Timestamp::now()).await {
                Ok(true) => self.bell.ring(),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "nobody can see whether anything waits"),
            }
        }
    }

    async fn requests(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut bell = self.bell.listen();
        let turns = Arc::new(Turns::default());
        let mut tasks = JoinSet::new();
        let (mut taken, mut crowd) = (Instant::now(), 0);
        while !*stop.borrow() {
            while tasks.try_join_next().is_some() {}
            let crowded = tasks.len() >= CROWD && tasks.len() * 2 > crowd && taken.elapsed() < GULP;
            let room = if self.flood.is_on() { IN_A_FLOOD } else { AT_ONCE };
            // Half of it is for others, however much one person asks.
            let each = room.div_ceil(2);
            let free = room.saturating_sub(tasks.len());
            if self.works() && free > 0 && !crowded {
                let now = Timestamp::now();
                match self
                    .desk
                    .store
                    .take_in_turn(&self.owner, now, now + CLAIM, free as i64, &turns.allowance(each))
                    .await
                {
                    Ok(requests) => {
                        for request in requests {
                            self.clone().at_the_gate(request, each, now, &turns, &mut tasks).await;
                        }
                        (taken, crowd) = (Instant::now(), tasks.len());
                    }
                    Err(error) => tracing::error!(%error, "requests cannot be taken"),
                }
            }
            tokio::select! {
                _ = bell.heard(POLL) => {}
                Some(_) = tasks.join_next(), if tasks.len() >= AT_ONCE => {}
            }
            self.breathe().await;
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn breathe(&self) {
        tokio::time::sleep(if self.flood.is_on() { IN_A_FLOOD_BREATH } else { BREATH }).await;
    }

    /// Brings a request to the gate, or gives it back where its asker has a turn already.
    async fn at_the_gate(
        self: Arc<Self>,
        request: Request,
        each: usize,
        now: Timestamp,
        turns: &Arc<Turns>,
        tasks: &mut JoinSet<()>,
    ) {
        let account = request.account.to_string();
        let rules = self.desk.rules.now();
        let person = rules
            .people
            .who(&request.account)
            .map_or(&account, |person| &person.name);
        let Some(turn) = turns.take(each, person, &account) else {
            let given_back = self.desk.store.put_off_request(&request.id, &self.owner, now);
            self.log(given_back.await);
            return;
        };
        let in_hand = self.requests.take(&request.id);
        tasks.spawn(async move {
            self.answer(request).await;
            drop((turn, in_hand));
            self.bell.ring();
        });
    }

    /// Answers a request, or puts it off for a while.
    async fn answer(self: &Arc<Self>, request: Request) {
        let id = request.id.clone();
        let gate = self.clone();
        let put_off = match tokio::spawn(async move { gate.desk.handle(&request).await }).await {
            Ok(Ok(Reply::Run(run))) => {
                tracing::info!(request = %id, %run, "answered by a run");
                false
            }
            Ok(Ok(Reply::Said(report))) => {
                tracing::info!(request = %id, outcome = report.outcome.words(), "answered");
                false
            }
            // Somebody was faster.
            Ok(Err(StoreError::Answered(_))) => false,
            Ok(Err(error)) => {
                tracing::error!(request = %id, %error, "request put off");
                true
            }
            Err(error) => {
                tracing::error!(request = %id, %error, "a request ended in a defect");
                true
            }
        };
        if put_off {
            let (store, id, owner) = (&self.desk.store, &id, &self.owner);
            insist(|| store.put_off_request(id, owner, Timestamp::now() + GRIEF)).await;
        }
    }

    async fn runs(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut bell = self.bell.listen();
        let mut tasks = JoinSet::new();
        while !*stop.borrow() {
            while tasks.try_join_next().is_some() {}
            let free = UNDER_WAY.saturating_sub(tasks.len());
            if self.works() && free > 0 {
                let now = Timestamp::now();
                match self
                    .desk
                    .store
                    .claim_runs(
                        &self.owner,
                        now,
                        now + CLAIM,
                        free as i64,
                        &self.runs_that_could_be_due(now),
                    )
                    .await
                {
                    Ok(claimed) => {
                        let in_hand: Vec<_> = claimed.iter().map(|(run, _)| self.runs.take(run)).collect();
                        let mut read = self.read(&claimed).await;
                        for ((run, epoch), in_hand) in claimed.into_iter().zip(in_hand) {
                            let (station, read) = (self.clone(), read.remove(&run));
                            tasks.spawn(async move {
                                station.drive(run, epoch, read).await;
                                drop(in_hand);
                                station.bell.ring();
                            });
                        }
                    }
                    Err(error) => tracing::error!(%error, "runs cannot be claimed"),
                }
            }
            tokio::select! {
                _ = bell.heard(POLL) => {}
                Some(_) = tasks.join_next(), if tasks.len() >= UNDER_WAY => {}
            }
            self.breathe().await;
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Drives what was claimed as it was written. What is handed over when the end has come is given back with all claims.
    async fn handed_over(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                Some(_) = tasks.join_next() => {}
                Some(Handed { run, seat }) = self.handover.next() => {
                    let in_hand = self.runs.take(&run.id);
                    let station = self.clone();
                    tasks.spawn(async move {
                        let (id, epoch) = (run.id.clone(), run.epoch);
                        station.drive(id, epoch, Some(run)).await;
                        drop((in_hand, seat));
                        station.bell.ring();
                    });
                }
            }
        }
        self.handover.set_open(false);
        while tasks.join_next().await.is_some() {}
    }

    /// Runs in hand whose claim could be over by now, by a clock that may have been set back or by renewals that failed.
    fn runs_that_could_be_due(&self, now: Timestamp) -> Vec<String> {
        let since = now.as_microsecond() - self.renewed.load(Ordering::SeqCst);
        if (0..RENEWED.as_micros() as i64).contains(&since) {
            Vec::new()
        } else {
            self.runs.ids()
        }
    }

    /// What was just claimed, read together. Whatever is missing is read by itself.
    async fn read(&self, claimed: &[(String, i64)]) -> HashMap<String, StoredRun> {
        let ids: Vec<String> = claimed.iter().map(|(run, _)| run.clone()).collect();
        if ids.is_empty() {
            return HashMap::new();
        }
        self.desk.store.whole(&ids).await.unwrap_or_default()
    }

    /// Drives one run until it rests. One that comes to grief is given back for a while, so that whoever takes it next
    /// finds out what became of its step.
    async fn drive(&self, run: String, epoch: i64, read: Option<StoredRun>) {
        let (engine, id) = (self.engine.clone(), run.clone());
        let grief = match tokio::spawn(async move { engine.drive(&id, epoch, read).await }).await {
            Ok(Ok(())) => return,
            Ok(Err(LedgerError::Store(StoreError::Fenced(_)))) => {
                tracing::warn!(%run, "another process has taken the run over");
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => format!("a defect: {error}"),
        };
        tracing::error!(%run, error = grief, "the run rests");
        let (store, run) = (&self.desk.store, &run);
        insist(|| store.rest_claim(run, epoch, Timestamp::now() + GRIEF)).await;
    }

    /// Every 15 seconds; every 2 while a run is under way, so that its chart shows what it did.
    async fn signals(self: Arc<Self>) {
        let mut rules = self.desk.rules.changes();
        loop {
            let mut waited = Duration::ZERO;
            let led = self.leads();
            if led {
                self.sampler.sample_all().await;
            }
            while waited < PERIOD.unsigned_abs() {
                tokio::time::sleep(RUN_PERIOD.unsigned_abs()).await;
                waited += RUN_PERIOD.unsigned_abs();
                // Whoever begins to lead measures at once: what nobody has measured before a run proves nothing.
                if self.leads() && !led {
                    break;
                }
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

/// What came to grief bears this process's name until the store knows better, and then nobody here would look at it again:
/// the store is told until it hears.
async fn insist<T>(tell: impl Fn() -> T)
where
    T: Future<Output = Result<(), StoreError>>,
{
    while let Err(error) = tell().await {
        tracing::error!(%error, "what came to grief cannot be put off yet");
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// Waits for the end. A sender that is gone is an end too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
