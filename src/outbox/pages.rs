//! Tells paging systems what the store says they should know, and looks what people do there. A page is journalled before
//! it is sent, and bears the same key each time: one of which nobody knows whether it was taken is sent again.

use super::patience;
use crate::alert::page::{Event, Level, Page, Seen, Told, next};
use crate::dispatch::Desk;
use crate::integration::Connection;
use crate::report::redact::Redactor;
use crate::run::clock::Clock;
use crate::station::Station;
use crate::store::StoreError;
use crate::store::messages::LONGEST_WAIT;
use crate::store::pages::{DuePage, LookedAt};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The net under the bell.
const POLL: Duration = Duration::from_secs(1);

/// Between two turns, however often the bell is rung: it rings for everything that is stored.
const BREATH: Duration = Duration::from_millis(200);

/// Pages looked at in one turn, and of one connection.
const TURN: i64 = 200;
const EACH: usize = 5;

/// Each single request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever takes a page has this long. If the process dies meanwhile, another one waits until then.
const CLAIM: SignedDuration = SignedDuration::from_secs(40);

/// How often an open page is looked at there, at first and later, and when that ends.
const OFTEN: SignedDuration = SignedDuration::from_secs(30);
const SELDOM: SignedDuration = SignedDuration::from_mins(5);
const FRESH: SignedDuration = SignedDuration::from_hours(1);
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// Letters of a name from there.
const NAME: usize = 100;

/// What is due at one connection.
#[derive(Debug, Default)]
struct Lane {
    pages: Vec<String>,
    notes: Vec<String>,
    looks: Vec<LookedAt>,
}

/// Sends pages.
#[derive(Debug)]
pub struct Pager {
    desk: Arc<Desk>,
    /// Of several processes one sends. Its bell rings when something changed.
    station: Arc<Station>,
    /// The last gate before a page leaves.
    redactor: Arc<Redactor>,
    owner: String,
    /// Where a group's page in the console begins, if there is a console.
    console: Option<String>,
    /// Connections that want to be left alone, and until when.
    resting: Mutex<BTreeMap<String, Timestamp>>,
    clock: Arc<Clock>,
}

impl Pager {
    /// For one process.
    pub fn new(station: Arc<Station>, redactor: Arc<Redactor>, console: Option<String>, clock: Arc<Clock>) -> Self {
        Self {
            desk: station.desk.clone(),
            redactor,
            owner: format!("{}-pages", station.owner),
            station,
            console,
            resting: Mutex::default(),
            clock,
        }
    }

    /// Works until `stop` says so. What is being sent then is sent again by whoever goes on.
    pub async fn work(self, mut stop: watch::Receiver<bool>) {
        let mut bell = self.station.bell.listen();
        while !*stop.borrow() {
            let turn = async {
                if self.station.leads()
                    && let Err(error) = self.turn().await
                {
                    tracing::error!(%error, "pages cannot be read or written");
                }
                bell.heard(POLL).await;
                tokio::time::sleep(BREATH).await;
            };
            tokio::select! {
                () = turn => {}
                // A sender that is gone is an end too.
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
        if let Err(error) = self.desk.store.release_pages(&self.owner).await {
            tracing::warn!(%error, "pages could not be given back; that ends by itself");
        }
    }

    /// One connection that does not answer holds up no other.
    async fn turn(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let due = self.desk.store.due_pages(now, TURN).await?;
        let looks = self.desk.store.pages_to_look_at(now, TURN).await?;
        let notes = self.desk.store.due_notes(now, TURN).await?;
        let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
        for (id, connection) in due {
            lanes.entry(connection).or_default().pages.push(id);
        }
        for (id, connection) in notes {
            lanes.entry(connection).or_default().notes.push(id);
        }
        for look in looks {
            lanes.entry(look.connection.clone()).or_default().looks.push(look);
        }
        let lanes = lanes.iter().map(|(connection, lane)| self.lane(connection, lane));
        join_all(lanes).await.into_iter().collect()
    }

    /// Pages come before anything else.
    async fn lane(&self, connection: &str, lane: &Lane) -> Result<(), StoreError> {
        for id in lane.pages.iter().take(EACH) {
            if !self.rests(connection) {
                self.one(id).await?;
            }
        }
        for id in lane.notes.iter().take(EACH) {
            if !self.rests(connection) {
                self.note(id, connection).await?;
            }
        }
        for look in lane.looks.iter().take(EACH) {
            if !self.rests(connection) {
                self.look(look).await?;
            }
        }
        Ok(())
    }

    async fn one(&self, id: &str) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let Some(page) = store.take_page(id, &self.owner, now, now + CLAIM).await? else {
            return Ok(());
        };
        let Some(event) = next(page.told, page.begun, page.wanted) else {
            return store.page_settled(&page).await;
        };
        let told = match self.desk.connections.get(&page.connection) {
            Some(connection) => {
                if event == Event::Trigger && !store.begin_page(id, &self.owner, now).await? {
                    return Ok(());
                }
                let console = self.console.as_ref();
                let link = console.map(|console| format!("{console}/alerts/{}", page.group.id));
                let sent = Page::of(&page.group, link).redacted(|text| self.redacted(text));
                connection.tell(event, &sent, Instant::now() + PATIENCE).await
            }
            None => Told::Later(None, "the configuration has no such connection any more".to_owned()),
        };
        self.settle(&page, event, told).await?;
        self.station.bell.ring();
        Ok(())
    }

    /// Keeps what became of an event.
    async fn settle(&self, page: &DuePage, event: Event, told: Told) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let (again, why) = match told {
            Told::Taken => {
                let look = (event == Event::Trigger).then(|| now + OFTEN);
                tracing::info!(page = page.id, event = ?event, "told");
                return store.page_told(page, event.leads_to(), look, now).await;
            }
            Told::Later(after, why) => {
                if let Some(after) = after {
                    self.rest(&page.connection, now + after.min(LONGEST_WAIT));
                }
                let at = now + after.unwrap_or_else(|| patience::pause(page.tries)).min(LONGEST_WAIT);
                ((!patience::is_over(page.failing_since, now)).then_some(at), why)
            }
            Told::Never(why) => (None, why),
        };
        let why = self.redacted(&why);
        if again.is_some() {
            tracing::warn!(page = page.id, event = ?event, why, "page waits");
        } else {
            tracing::error!(page = page.id, event = ?event, why, "page given up");
        }
        store.page_failed(page, &why, again, now).await
    }

    /// Notes there what people did here.
    async fn note(&self, id: &str, connection: &str) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let Some(connected) = self.desk.connections.get(connection) else {
            return Ok(());
        };
        let Some(note) = store.take_note(id, now).await? else {
            return Ok(());
        };
        let say = self.redacted(&note.say);
        let (after, why) = match connected.note(&note.key, &say, Instant::now() + PATIENCE).await {
            Told::Taken => return Ok(()),
            Told::Never(why) => (None, why),
            Told::Later(after, why) => {
                let usual = patience::pause(note.tries);
                let after = after.unwrap_or(usual).min(LONGEST_WAIT);
                ((!patience::is_over(note.failing_since, now)).then_some(after), why)
            }
        };
        let why = self.redacted(&why);
        tracing::info!(note = id, why, again = after.is_some(), "not noted");
        store.note_failed(id, &why, after.map(|after| now + after), now).await
    }

    /// What somebody did there is shown here.
    async fn look(&self, page: &LookedAt) -> Result<(), StoreError> {
        let (store, now) = (&self.desk.store, self.clock.now());
        let Some(connection) = self.desk.connections.get(&page.connection) else {
            return store.page_looked_at(&page.id, later(page.opened, now)).await;
        };
        let Some(seen) = connection.seen(&page.key, Instant::now() + PATIENCE).await else {
            return store.page_looked_at(&page.id, None).await;
        };
        let there = system(connection);
        match seen {
            Ok(Seen::Acknowledged(by)) => {
                let by: String = self.redacted(&by).chars().take(NAME).collect();
                let by = format!("{by} (in {there})");
                store.page_found(&page.id, Level::Acknowledged).await?;
                store
                    .change_alert(&page.alert, now, |group| group.acknowledge(&by, now))
                    .await?;
                store.page_looked_at(&page.id, None).await?;
                self.station.bell.ring();
            }
            Ok(Seen::Resolved) => {
                let say = format!("It was resolved in {there}, where nobody is paged for it any more.");
                store
                    .change_alert(&page.alert, now, |group| {
                        group.ended.is_none().then(|| group.did(say, now))
                    })
                    .await?;
                store.page_found(&page.id, Level::Resolved).await?;
                self.station.bell.ring();
            }
            Ok(Seen::Open | Seen::Missing) => store.page_looked_at(&page.id, later(page.opened, now)).await?,
            Err(why) => {
                let why = self.redacted(&why);
                tracing::warn!(page = page.id, why, "what became of a page cannot be seen");
                store.page_looked_at(&page.id, later(page.opened, now)).await?;
            }
        }
        Ok(())
    }

    fn rest(&self, connection: &str, until: Timestamp) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.insert(connection.to_owned(), until);
    }

    fn rests(&self, connection: &str) -> bool {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(connection).is_some_and(|until| *until > self.clock.now())
    }

    fn redacted(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }
}

/// When a page that was opened then is looked at again; never where it is old.
fn later(opened: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let age = now.duration_since(opened);
    let pause = if age < FRESH { OFTEN } else { SELDOM };
    (age < STALE).then_some(now + pause)
}

/// The system as people call it.
fn system(connection: &Connection) -> &'static str {
    match connection {
        Connection::Jsm(_) => "Jira Service Management",
        _ => "PagerDuty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_page_is_looked_at_often_then_seldom_then_no_more() {
        let opened: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let after = |minutes| {
            let now = opened + SignedDuration::from_mins(minutes);
            later(opened, now).map(|at| at.duration_since(now).as_secs())
        };
        assert_eq!(
            [after(0), after(59), after(60), after(1439), after(1440)],
            [Some(30), Some(30), Some(300), Some(300), None]
        );
    }
}
