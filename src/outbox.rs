//! Sends what the store says should be seen. A message is derived from its run at the moment of sending, so ten changes
//! while a platform was down cost one call.
//!
//! Each chat platform has an outbox of its own: one that is away holds up nobody else. What is sent there is told by
//! [`slack`] and [`discord`]; what becomes of it is told in words that fit any.
//! A post is journalled before it is sent: one of which nobody knows whether the platform took it is looked for there
//! before it is posted again. Nothing is given up because a platform is away; it waits, and shows how things stand then.

mod alert;
pub mod discord;
mod lanes;
pub mod pages;
mod patience;
mod sent;
pub mod slack;
mod standing;

use crate::dispatch::Desk;
use crate::report::redact::Redactor;
use crate::report::{Outcome, Report};
use crate::request::{Place, Surface};
use crate::run::clock::Clock;
use crate::run::ledger::Live;
use crate::run::proof::Sampler;
use crate::runbook::action::Effect;
use crate::station::Station;
use crate::store::StoreError;
use crate::store::messages::{Again, DueMessage, LONGEST_WAIT, MessageKind, NewMessage};
use jiff::{SignedDuration, Timestamp};
use lanes::Lanes;
use sent::{Sent, Trouble};
use standing::{Change, Gate, Heard, Standing};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Between two turns, however often the bell is rung, and while deliveries come in a flood.
const BREATH: Duration = Duration::from_millis(5);
const IN_A_FLOOD_BREATH: Duration = Duration::from_millis(50);

/// The net under the bell.
const POLL: Duration = Duration::from_millis(250);

/// Messages looked at in one turn, and of one place.
const TURN: i64 = 200;
const EACH: i64 = 5;

/// Whoever takes a message has this long for each call that people see; a call takes half of it at the most. If the
/// process dies meanwhile, another one waits until then.
const CLAIM: SignedDuration = SignedDuration::from_secs(20);

/// What is being sent gets this long at the end.
const GOODBYE: Duration = Duration::from_secs(12);

/// What speaks to one platform.
pub trait Wire: std::fmt::Debug + Send + Sync + Sized + 'static {
    /// Where it leads.
    const SURFACE: Surface;

    /// The platform, as the metrics name it.
    const NAME: &'static str;

    /// Tries to show a message.
    fn send(outbox: &Outbox<Self>, due: &DueMessage) -> impl Future<Output = Result<Sent, Trouble>> + Send;

    /// Asks the platform whether it can be spoken to.
    fn ask(&self) -> impl Future<Output = Heard> + Send;

    /// Forgets what is needed no more.
    fn tidy(&self);
}

/// Sends messages to one platform.
#[derive(Debug)]
pub struct Outbox<W> {
    desk: Arc<Desk>,
    /// For charts.
    sampler: Arc<Sampler>,
    wire: W,
    /// The last gate before a message leaves.
    redactor: Arc<Redactor>,
    /// Whether this process is the engine: of two, one sends. Its bell rings when something changed.
    station: Arc<Station>,
    /// Unique to this outbox: another one of this process gives back nothing of it.
    owner: String,
    /// Of the platform.
    standing: Mutex<Standing>,
    clock: Arc<Clock>,
}

impl<W: Wire> Outbox<W> {
    /// For one process and one platform.
    pub fn new(station: Arc<Station>, wire: W, redactor: Arc<Redactor>, clock: Arc<Clock>) -> Self {
        Self {
            desk: station.desk.clone(),
            sampler: station.sampler.clone(),
            wire,
            redactor,
            owner: format!("{}-{}", station.owner, W::NAME),
            station,
            standing: Mutex::default(),
            clock,
        }
    }

    /// Works until `stop` says so; then what is being sent comes to its end.
    pub async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut lanes = Lanes::default();
        let mut bell = self.station.bell.listen();
        while !*stop.borrow() {
            if self.station.leads()
                && let Err(error) = self.turn(&mut lanes).await
            {
                tracing::error!(%error, "the outbox cannot be read");
            }
            self.wire.tidy();
            tokio::select! {
                _ = bell.heard(POLL) => {}
                () = lanes.ended() => {}
                // A sender that is gone is an end too.
                changed = stop.changed() => if changed.is_err() { break },
            }
            let flood = self.station.flood.is_on();
            tokio::time::sleep(if flood { IN_A_FLOOD_BREATH } else { BREATH }).await;
        }
        if tokio::time::timeout(GOODBYE, lanes.all_ended()).await.is_err() {
            tracing::warn!("messages were still being sent; whoever goes on looks whether they arrived");
        }
        if let Err(error) = self.desk.store.release_messages(&self.owner).await {
            tracing::warn!(%error, "messages could not be given back; that ends by itself");
        }
    }

    /// Begins a lane for each place that has messages due and is not being sent to.
    async fn turn(self: &Arc<Self>, lanes: &mut Lanes) -> Result<(), StoreError> {
        match self.gate() {
            Gate::Open => {}
            Gate::Ask => return self.ask().await,
            Gate::Shut => return Ok(()),
        }
        let now = self.clock.now();
        let due = self.desk.store.due_messages(W::SURFACE, now, EACH, TURN).await?;
        let mut by_place: Vec<(Place, Vec<String>)> = Vec::new();
        for message in due.into_iter().map(|due| due.message) {
            match by_place.iter_mut().find(|(place, _)| *place == message.place) {
                Some((_, ids)) => ids.push(message.id),
                None => by_place.push((message.place, vec![message.id])),
            }
        }
        for (place, ids) in by_place {
            // What is not kept in time is lost to whoever asked; what is told a little later is not.
            if self.station.flood.is_on() && !lanes.are_empty() {
                break;
            }
            if lanes.is_free(&place) {
                lanes.begin(place, self.clone().lane(ids));
            }
        }
        Ok(())
    }

    async fn lane(self: Arc<Self>, ids: Vec<String>) {
        for id in ids {
            if !self.station.leads() || self.gate() != Gate::Open {
                return;
            }
            if let Err(error) = self.one(&id).await {
                tracing::error!(message = id, %error, "the outbox cannot be written");
            }
        }
    }

    async fn one(&self, id: &str) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let taken = store.take_message(id, &self.owner, now, now + CLAIM).await?;
        let Some(due) = taken else { return Ok(()) };
        match W::send(self, &due).await {
            Ok(sent) => self.settle(&due, sent).await,
            Err(error) => {
                tracing::error!(message = id, %error, "message put off");
                let now = self.clock.now();
                let at = now + patience::pause(due.tries);
                let again = match &due.doubt {
                    Some(doubt) => Again::Doubtful {
                        at,
                        sought: doubt.sought.clone(),
                    },
                    None => Again::At(at),
                };
                store.not_shown(id, &error.to_string(), &again, now).await
            }
        }
    }

    /// Keeps what became of a message.
    async fn settle(&self, due: &DueMessage, sent: Sent) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let id = due.message.id.as_str();
        let at = |after: Option<SignedDuration>| {
            let after = after.unwrap_or_else(|| patience::pause(due.tries));
            now + after.min(LONGEST_WAIT)
        };
        let (again, why) = match sent {
            Sent::Shown(remote) => return store.shown(id, due.wanted, remote.as_deref(), now).await,
            // A reply is written once, so what stands there is all of it.
            Sent::Found(remote) if due.message.kind == MessageKind::Run => return store.found(id, &remote, now).await,
            Sent::Found(remote) => return store.shown(id, due.wanted, Some(&remote), now).await,
            Sent::Anew => return store.forget_remote(id, now).await,
            Sent::KeptBack(after) => return store.keep_back(id, at(Some(after))).await,
            Sent::Taken => return Ok(()),
            Sent::Later(after, why) => (Again::At(at(after)), why),
            Sent::Doubtful { after, sought, why } => (Again::Doubtful { at: at(after), sought }, why),
            Sent::Never(why) => (Again::Never, why),
        };
        let again = if patience::is_over(due.failing_since, now) {
            Again::Never
        } else {
            again
        };
        if again == Again::Never {
            tracing::error!(message = id, why, "message given up until its run closes");
        } else {
            tracing::warn!(message = id, why, "message waits");
        }
        store.not_shown(id, &why, &again, now).await?;
        if again == Again::Never && due.message.kind == MessageKind::Run {
            match alert::about(due) {
                Some(id) => self.show_alert_elsewhere(due, id).await?,
                None => self.show_elsewhere(due).await?,
            }
        }
        Ok(())
    }

    /// A run that concerns others is shown in the operations channel where its own channel cannot be written to.
    async fn show_elsewhere(&self, due: &DueMessage) -> Result<(), StoreError> {
        let Some(run) = &due.message.run else { return Ok(()) };
        let stored = self.desk.store.run(run).await?;
        let standing = Live::load(&self.desk.store, run)
            .await
            .map(|live| live.state.standing());
        if stored.plan.effect == Effect::Read || standing.is_ok_and(|outcome| outcome == Outcome::NothingToDo) {
            return Ok(());
        }
        for place in self.desk.announce.iter().filter(|place| **place != due.message.place) {
            let message = NewMessage {
                id: format!("{run}:run:{}", place.spot()),
                kind: MessageKind::Run,
                run: Some(run.clone()),
                // The response URL of the request leads to the channel that cannot be written to.
                request: None,
                place: place.clone(),
                body: None,
            };
            self.desk.store.post(&message, self.clock.now()).await?;
        }
        Ok(())
    }

    fn gate(&self) -> Gate {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.gate(self.clock.now())
    }

    /// Asks a platform that could not be spoken to whether it can be now.
    async fn ask(&self) -> Result<(), StoreError> {
        self.hear(self.wire.ask().await).await;
        Ok(())
    }

    async fn report(&self, run: &str) -> Result<Report, Trouble> {
        Ok(self.desk.shown(run).await?.redacted(&self.redactor))
    }

    /// What a run's message shows. In the operations channel that is also where it could not be shown.
    async fn report_for(&self, due: &DueMessage, run: &str) -> Result<Report, Trouble> {
        let mut report = self.report(run).await?;
        if self.desk.announce.contains(&due.message.place) {
            for (place, why) in self.desk.store.given_up(run).await? {
                if place != due.message.place {
                    let channel = place.channel.unwrap_or_default();
                    report.warnings.push(format!(
                        "It was asked for in channel {channel}, where it cannot be shown: {why}."
                    ));
                }
            }
        }
        Ok(report)
    }

    /// Journals that a post begins, and when the first one of which nobody knows whether it is there did.
    async fn begin(&self, due: &DueMessage, since: Timestamp) -> Result<bool, Trouble> {
        let until = self.clock.now() + CLAIM;
        let store = &self.desk.store;
        Ok(store.begin_post(&due.message.id, &self.owner, since, until).await?)
    }

    /// Takes in what a call told of the platform. Everybody learns of a change, and the log once.
    async fn hear(&self, heard: Heard) {
        let now = self.clock.now();
        let change = {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            standing.hear(heard, now)
        };
        let Some(change) = change else { return };
        if let Err(error) = self.tell(&change, now).await {
            tracing::error!(%error, ?change, "how the platform stands cannot be kept");
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            standing.was_not_told(&change);
        }
    }

    async fn tell(&self, change: &Change, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.desk.store;
        match change {
            Change::Works => {
                if store.platform_works(W::NAME).await? {
                    tracing::info!(platform = W::NAME, "can be spoken to again");
                    store.hurry_messages(W::SURFACE, now).await?;
                    self.station.bell.ring();
                }
            }
            Change::Fails(say) => {
                if store.platform_fails(W::NAME, say, now).await? {
                    tracing::error!(platform = W::NAME, reason = say, "cannot be spoken to; messages wait");
                }
            }
        }
        Ok(())
    }
}
