//! One loop per process notices what changed and tells every open page. It rests while nobody looks.

use crate::dispatch::overview::WAITING;
use crate::rules::Rules;
use crate::station::Station;
use crate::store::StoreError;
use crate::store::leases::Pause;
use crate::store::lists::ChangedRun;
use crate::store::platforms::PlatformTrouble;
use crate::troubles::Trouble;
use jiff::Timestamp;
use maud::Markup;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};

/// The net under the bell: the engine and other processes write without ringing it.
const POLL: Duration = Duration::from_millis(250);

/// Between two looks, however often the bell is rung.
const BREATH: Duration = Duration::from_millis(20);

/// Two writers' clocks may differ by this much, in microseconds.
const OVERLAP: i64 = 2_000_000;

/// Changes in one turn.
const TURN: i64 = 500;

/// A page that is this far behind is told to load again.
const BACKLOG: usize = 256;

/// Open streams in all, and of one person.
const STREAMS: usize = 500;
const STREAMS_EACH: usize = 20;

/// Messages that are kept as they were last drawn.
const DRAWN: usize = 256;

/// Something that changed.
#[derive(Debug, Clone)]
pub(super) enum Pulse {
    /// A run.
    Run(Arc<ChangedRun>),
    /// Which runs wait for people.
    Waiting,
    /// What everybody should know.
    Notices,
    /// Alerts.
    Alerts,
    /// A session was ended here.
    Ended(Arc<str>),
}

/// Tells pages what changed.
#[derive(Debug)]
pub(super) struct Hub {
    pulses: broadcast::Sender<Pulse>,
    looked: Notify,
    seats: Arc<Mutex<BTreeMap<String, usize>>>,
    drawn: Mutex<VecDeque<Drawn>>,
}

/// A message as one person sees it. Pages of the same person share it.
#[derive(Debug)]
struct Drawn {
    run: String,
    seq: i64,
    person: String,
    rules: Arc<Rules>,
    markup: Arc<str>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            pulses: broadcast::Sender::new(BACKLOG),
            looked: Notify::new(),
            seats: Arc::default(),
            drawn: Mutex::default(),
        }
    }
}

/// A place among the open streams; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    person: String,
    seats: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = seats.get_mut(&self.person) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.person);
            }
        }
    }
}

impl Hub {
    /// A place for one more stream; none where there are too many.
    pub(super) fn seat(&self, person: &str) -> Option<Seat> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = seats.values().sum();
        let own = seats.get(person).copied().unwrap_or(0);
        if all >= STREAMS || own >= STREAMS_EACH {
            return None;
        }
        seats.insert(person.to_owned(), own + 1);
        Some(Seat {
            person: person.to_owned(),
            seats: self.seats.clone(),
        })
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Pulse> {
        let listening = self.pulses.subscribe();
        self.looked.notify_one();
        listening
    }

    /// Ends the streams of a session.
    pub(super) fn ended(&self, session: &str) {
        self.tell(Pulse::Ended(session.into()));
    }

    fn tell(&self, pulse: Pulse) {
        // An error means that nobody listens.
        let _ = self.pulses.send(pulse);
    }

    /// A message as it was drawn before for the same person.
    pub(super) fn drawn(&self, run: &ChangedRun, person: &str, rules: &Arc<Rules>) -> Option<Arc<str>> {
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |one: &&Drawn| {
            one.run == run.id && one.seq == run.seq && one.person == person && Arc::ptr_eq(&one.rules, rules)
        };
        drawn.iter().find(fits).map(|one| one.markup.clone())
    }

    pub(super) fn keep_drawn(&self, run: &ChangedRun, person: &str, rules: &Arc<Rules>, markup: Markup) -> Arc<str> {
        let markup: Arc<str> = markup.0.into();
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.retain(|one| one.run != run.id || one.person != person);
        if drawn.len() == DRAWN {
            drawn.pop_front();
        }
        drawn.push_back(Drawn {
            run: run.id.clone(),
            seq: run.seq,
            person: person.to_owned(),
            rules: rules.clone(),
            markup: markup.clone(),
        });
        markup
    }

    /// Works until it is dropped.
    pub(super) async fn work(&self, station: &Station) {
        let mut rules = station.desk.rules.changes();
        loop {
            self.looked.notified().await;
            let mut bell = station.bell.listen();
            let mut seen = Seen::new(Timestamp::now());
            while self.pulses.receiver_count() > 0 {
                if let Err(error) = self.turn(station, &mut seen).await {
                    tracing::error!(%error, "the console cannot see what changed");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                // Other rules may let people see other buttons; that comes with the next change of a run.
                if rules.has_changed().unwrap_or(false) {
                    rules.mark_unchanged();
                    self.tell(Pulse::Notices);
                    self.tell(Pulse::Waiting);
                }
                bell.heard(POLL).await;
                tokio::time::sleep(BREATH).await;
            }
        }
    }

    async fn turn(&self, station: &Station, seen: &mut Seen) -> Result<(), StoreError> {
        let store = &station.desk.store;
        let changed = store.changed_runs(seen.since - OVERLAP, TURN).await?;
        let fresh: Vec<ChangedRun> = changed.into_iter().filter(|run| seen.is_new(run)).collect();
        if !fresh.is_empty() {
            // What waits is counted by every page for itself: only where the count may be another one.
            let waiting = store.waiting_runs(WAITING).await?;
            let another = seen.waiting.as_ref() != Some(&waiting) || fresh.iter().any(|run| waiting.contains(&run.id));
            seen.waiting = Some(waiting);
            for run in fresh {
                self.tell(Pulse::Run(Arc::new(run)));
            }
            if another {
                self.tell(Pulse::Waiting);
            }
        }
        let alerts = store.alerts_heard().await?;
        if seen.alerts.is_some_and(|before| before != alerts) {
            self.tell(Pulse::Alerts);
        }
        seen.alerts = Some(alerts);
        let notable = (
            store.pauses().await?,
            store.platform_troubles().await?,
            station.troubles.all(),
        );
        if seen.notable.as_ref() != Some(&notable) {
            if seen.notable.is_some() {
                self.tell(Pulse::Notices);
            }
            seen.notable = Some(notable);
        }
        Ok(())
    }
}

/// What has been told already.
struct Seen {
    since: i64,
    runs: HashMap<String, (i64, i64)>,
    waiting: Option<Vec<String>>,
    alerts: Option<i64>,
    notable: Option<(Vec<Pause>, Vec<PlatformTrouble>, Vec<Trouble>)>,
}

impl Seen {
    fn new(now: Timestamp) -> Self {
        Self {
            since: now.as_microsecond(),
            runs: HashMap::new(),
            waiting: None,
            alerts: None,
            notable: None,
        }
    }

    fn is_new(&mut self, run: &ChangedRun) -> bool {
        self.since = self.since.max(run.updated);
        let floor = self.since - 2 * OVERLAP;
        self.runs.retain(|_, (_, updated)| *updated >= floor);
        self.runs
            .insert(run.id.clone(), (run.seq, run.updated))
            .map(|(seq, _)| seq)
            != Some(run.seq)
    }
}
