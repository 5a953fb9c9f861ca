//! Groups of alerts. A notification is kept by taking it into its group's state, together with the messages that show it,
//! in one transaction: what was answered with yes is neither lost nor to be worked on later.
//!
//! A group has one message in each channel for alerts. Where very many begin at once, those beyond a number have one
//! message together.

use super::alert_asks;
use super::dialect::Dialect;
use super::messages::{self, MessageKind, NewMessage, insert_messages};
use super::page_notes::note_deed;
use super::pages;
use super::values::{Row, with_rows, write_rows};
use super::{Store, StoreError, decode, encode, micros, optional_text, text};
use crate::alert::auto::Consequences;
use crate::alert::card;
use crate::alert::group::{Change, Group};
use crate::alert::notification::Notification;
use crate::alert::page::Level;
use crate::alert::{expression, storm_id};
use crate::dispatch::answer::said;
use crate::report::Outcome;
use crate::request::{Place, Surface};
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// Groups that get a message each within a span of time. What begins beyond that is told together.
pub const MESSAGES: i64 = 20;
/// See [`MESSAGES`].
pub const WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// After so long a quiet time, what is too much begins a new summary.
const STORM_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// Whoever takes notifications in does it one after the other: of two replicas each would miss what the other wrote.
const LOCK: &str = "alerts";

/// A group while something is taken into it.
pub(super) struct Taken {
    pub(super) group: Group,
    /// The summary that shows it, if it has no message of its own.
    storm: Option<String>,
    is_new: bool,
    shown: bool,
    ended: bool,
    news: Vec<String>,
    /// Who is called by the news, and on which platform.
    call: Option<(String, Surface)>,
    /// Its alerts that have begun to fire, by their fingerprints.
    pub(super) began: BTreeSet<String>,
}

impl Taken {
    fn known(group: Group, storm: Option<String>) -> Self {
        Self {
            group,
            storm,
            is_new: false,
            shown: false,
            ended: false,
            news: Vec::new(),
            call: None,
            began: BTreeSet::new(),
        }
    }

    fn new(group: Group) -> Self {
        let began = group.firing().map(|member| member.alert.fingerprint.clone()).collect();
        Self {
            is_new: true,
            shown: true,
            began,
            ..Self::known(group, None)
        }
    }

    fn add(&mut self, change: Change) {
        self.shown |= change.shown;
        self.ended |= change.ended;
        self.news.extend(change.news);
        self.began.extend(change.began);
    }

    /// Notes something that the message shows and the thread is told.
    pub(super) fn tell(&mut self, words: String, now: Timestamp) {
        let words = self.group.did(words, now);
        self.news.push(words);
        self.shown = true;
    }
}

/// Whoever changes groups from here on to the end of the transaction does so alone.
pub(super) async fn alone(work: &mut Transaction<'static, Any>, dialect: Dialect) -> Result<(), StoreError> {
    dialect.one_at_a_time(work, &[vec![LOCK.into()]]).await?;
    Ok(())
}

/// A group as it stands, to be changed; none where there is none.
pub(super) async fn taken(work: &mut Transaction<'static, Any>, id: &str) -> Result<Option<Taken>, StoreError> {
    let row = sqlx::query("SELECT body, storm FROM alert_group WHERE id = $1")
        .bind(id.to_owned())
        .fetch_optional(&mut **work)
        .await?;
    row.map(|row| {
        let group: Group = decode("group of alerts", &text(&row, 0)?)?;
        Ok(Taken::known(group, optional_text(&row, 1)?))
    })
    .transpose()
}

/// Writes what has changed, and what people see of it. A new group is shown at these places.
pub(super) async fn write(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    taken: &[Taken],
    places: &[Place],
    now: Timestamp,
) -> Result<(), StoreError> {
    write_groups(work, dialect, taken, now).await?;
    show(work, dialect, taken, places, now).await
}

impl Store {
    /// Takes notifications in, in one commit, if `still` says so when nothing but the commit is left to do. False if it
    /// says no, and nothing is kept. The same notification twice changes nothing the second time. What follows with nobody
    /// there, pages and runbooks that alerts ask for, is kept with it.
    pub async fn keep_notifications(
        &self,
        these: &[Notification],
        places: &[Place],
        follows: &impl Consequences,
        now: Timestamp,
        still: impl FnOnce() -> bool,
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        alone(&mut work, self.dialect).await?;
        let mut taken = self.take_in(&mut work, these, now).await?;
        self.gather(&mut work, &mut taken, places, now).await?;
        alert_asks::ask(&mut work, self.dialect, &mut taken, places, follows, now).await?;
        write_groups(&mut work, self.dialect, &taken, now).await?;
        let pages: Vec<(&Group, Vec<String>)> = taken
            .iter()
            .map(|one| (&one.group, follows.pages(&one.group).into_iter().collect()))
            .collect();
        pages::follow(&mut work, self.dialect, &pages, now).await?;
        show(&mut work, self.dialect, &taken, places, now).await?;
        if taken.iter().any(|one| one.is_new || one.shown) {
            self.dialect.wake_others(&mut work).await?;
        }
        if !still() {
            work.rollback().await?;
            return Ok(false);
        }
        work.commit().await?;
        Ok(true)
    }

    /// Each notification goes to the latest group of its key, or begins a new one.
    async fn take_in(
        &self,
        work: &mut Transaction<'static, Any>,
        these: &[Notification],
        now: Timestamp,
    ) -> Result<Vec<Taken>, StoreError> {
        let mut all: Vec<Taken> = Vec::new();
        let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
        let keys: BTreeSet<&str> = these.iter().map(|one| one.key.as_str()).collect();
        for key in keys {
            let row =
                sqlx::query("SELECT body, storm FROM alert_group WHERE grouped = $1 ORDER BY opened DESC LIMIT 1")
                    .bind(key)
                    .fetch_optional(&mut **work)
                    .await?;
            if let Some(row) = row {
                latest.insert(key, all.len());
                let group = decode("group of alerts", &text(&row, 0)?)?;
                all.push(Taken::known(group, optional_text(&row, 1)?));
            }
        }
        for one in these {
            let known = latest.get(one.key.as_str()).copied();
            if let Some(known) = known.filter(|known| all[*known].group.goes_on(one, now)) {
                let change = all[known].group.apply(one, now);
                all[known].add(change);
            } else if let Some(group) = Group::open(one, now) {
                latest.insert(&one.key, all.len());
                all.push(Taken::new(group));
            }
        }
        Ok(all)
    }

    /// New groups beyond a number are shown together.
    async fn gather(
        &self,
        work: &mut Transaction<'static, Any>,
        taken: &mut [Taken],
        places: &[Place],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !taken.iter().any(|one| one.is_new) {
            return Ok(());
        }
        let lately: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM alert_group WHERE opened > $1 AND storm IS NULL")
            .bind(micros(now - WITHIN))
            .fetch_one(&mut **work)
            .await?;
        let room = usize::try_from(MESSAGES - lately).unwrap_or(0);
        let mut beyond: Vec<&mut Taken> = taken.iter_mut().filter(|one| one.is_new).skip(room).collect();
        if beyond.is_empty() {
            return Ok(());
        }
        let known = sqlx::query("SELECT id FROM alert_storm WHERE latest > $1 ORDER BY opened DESC LIMIT 1")
            .bind(micros(now - STORM_LASTS))
            .fetch_optional(&mut **work)
            .await?;
        let known = known.as_ref().map(|row| text(row, 0)).transpose()?;
        let is_new = known.is_none();
        let storm = known.unwrap_or_else(|| storm_id(now.as_microsecond()));
        sqlx::query(
            "INSERT INTO alert_storm (id, opened, latest) VALUES ($1, $2, $2) \
             ON CONFLICT (id) DO UPDATE SET latest = excluded.latest",
        )
        .bind(&storm)
        .bind(micros(now))
        .execute(&mut **work)
        .await?;
        for one in &mut beyond {
            one.storm = Some(storm.clone());
        }
        if is_new {
            let messages: Vec<NewMessage> = places.iter().map(|place| message(&storm, place)).collect();
            let messages: Vec<(&NewMessage, i64)> = messages.iter().map(|message| (message, micros(now))).collect();
            insert_messages(work, self.dialect, &messages).await?;
        }
        Ok(())
    }

    /// Changes a group by what a person does, and tells its thread in the words that come of it. None, and nothing is
    /// changed, where nothing does.
    pub async fn change_alert(
        &self,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Group) -> Option<String>,
    ) -> Result<Option<()>, StoreError> {
        self.change(id, None, now, change).await
    }

    /// The same, and somebody is called by what the thread of this platform is told.
    pub async fn assign_alert(
        &self,
        id: &str,
        person: &str,
        on: Option<Surface>,
        now: Timestamp,
        change: impl FnOnce(&mut Group) -> Option<String>,
    ) -> Result<Option<()>, StoreError> {
        let call = on.map(|surface| (person.to_owned(), surface));
        self.change(id, call, now, change).await
    }

    async fn change(
        &self,
        id: &str,
        call: Option<(String, Surface)>,
        now: Timestamp,
        change: impl FnOnce(&mut Group) -> Option<String>,
    ) -> Result<Option<()>, StoreError> {
        let mut work = self.begin().await?;
        alone(&mut work, self.dialect).await?;
        let Some(mut one) = taken(&mut work, id).await? else {
            return Ok(None);
        };
        let before = Level::of(&one.group);
        let Some(words) = change(&mut one.group) else {
            return Ok(None);
        };
        if before == Level::Triggered && Level::of(&one.group) == Level::Acknowledged {
            note_deed(&mut work, id, &words, now).await?;
        }
        one.news.push(words);
        one.call = call;
        one.shown = true;
        let taken = [one];
        write_groups(&mut work, self.dialect, &taken, now).await?;
        pages::follow(&mut work, self.dialect, &[(&taken[0].group, Vec::new())], now).await?;
        show(&mut work, self.dialect, &taken, &[], now).await?;
        self.dialect.wake_others(&mut work).await?;
        work.commit().await?;
        Ok(Some(()))
    }

    /// Posts what the rule watches, as it is now, into the thread of a group, where the group is shown at this place; else
    /// wherever it is shown. False where that is nowhere.
    pub async fn chart_alert(&self, id: &str, at: &Place, word: &str, now: Timestamp) -> Result<bool, StoreError> {
        let shown: Vec<String> = sqlx::query_scalar("SELECT place FROM message WHERE run = $1 AND kind = '\"run\"'")
            .bind(id)
            .fetch_all(&self.read)
            .await?;
        let shown: Result<Vec<Place>, StoreError> = shown.iter().map(|place| decode("place", place)).collect();
        let shown = shown?;
        let here = shown.contains(at);
        for place in shown.iter().filter(|place| !here || *place == at) {
            self.post(&of(id, &format!("chart-{word}"), MessageKind::Chart, place), now)
                .await?;
        }
        Ok(!shown.is_empty())
    }

    /// Takes away groups of which nothing was heard since this time, with their messages, also one whose end nobody told.
    pub async fn prune_alerts(&self, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
        let old = sqlx::query("SELECT id FROM alert_group WHERE heard < $1 ORDER BY heard LIMIT $2")
            .bind(micros(before))
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        let storms = sqlx::query("SELECT id FROM alert_storm WHERE latest < $1 ORDER BY latest LIMIT $2")
            .bind(micros(before))
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        if old.is_empty() && storms.is_empty() {
            return Ok(0);
        }
        let mut work = self.begin().await?;
        let mut gone = 0;
        for (rows, delete) in [
            (&old, "DELETE FROM alert_group WHERE id = $1 AND heard < $2"),
            (&storms, "DELETE FROM alert_storm WHERE id = $1 AND latest < $2"),
        ] {
            for row in rows {
                let id = text(row, 0)?;
                let taken = sqlx::query(delete)
                    .bind(&id)
                    .bind(micros(before))
                    .execute(&mut *work)
                    .await?;
                if taken.rows_affected() == 0 {
                    continue;
                }
                gone += 1;
                sqlx::query("DELETE FROM message WHERE run = $1")
                    .bind(&id)
                    .execute(&mut *work)
                    .await?;
                pages::forget(&mut work, &id).await?;
                alert_asks::forget(&mut work, &id).await?;
            }
        }
        work.commit().await?;
        Ok(gone)
    }
}

async fn write_groups(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    taken: &[Taken],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = Vec::with_capacity(taken.len());
    for one in taken {
        let group = &one.group;
        let card = card::of_group(group);
        rows.push(vec![
            (&group.id).into(),
            (&group.key).into(),
            card.title.into(),
            card.state.key().into(),
            card.counts.into(),
            micros(group.opened).into(),
            micros(group.changed).into(),
            micros(now).into(),
            one.storm.clone().into(),
            encode("group of alerts", group)?.into(),
        ]);
    }
    let insert = "INSERT INTO alert_group (id, grouped, title, state, said, opened, changed, heard, storm, body) \
                  SELECT id, grouped, title, state, said, opened, changed, heard, storm, body FROM v \
                  WHERE id IS NOT NULL ON CONFLICT (id) DO UPDATE SET title = excluded.title, state = excluded.state, \
                  said = excluded.said, changed = excluded.changed, heard = excluded.heard, body = excluded.body";
    let columns = "id, grouped, title, state, said, opened, changed, heard, storm, body";
    // Each may be large, and together they make one statement.
    for some in rows.chunks(16) {
        write_rows(dialect, work, columns, some, insert).await?;
    }
    Ok(())
}

/// The messages of new groups, and those that show what has changed.
async fn show(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    taken: &[Taken],
    places: &[Place],
    now: Timestamp,
) -> Result<(), StoreError> {
    let at = micros(now);
    let shows = |one: &Taken| one.storm.clone().unwrap_or_else(|| one.group.id.clone());
    let changed = taken
        .iter()
        .filter(|one| one.shown && (!one.is_new || one.storm.is_some()));
    let changed: BTreeSet<String> = changed.map(shows).collect();
    let changed: Vec<Row> = changed.into_iter().map(|id| vec![id.into(), at.into()]).collect();
    messages::touch(work, dialect, &changed).await?;
    let ended: BTreeSet<String> = taken.iter().filter(|one| one.ended).map(shows).collect();
    let ended: Vec<Row> = ended.into_iter().map(|id| vec![id.into(), at.into()]).collect();
    messages::revive(work, dialect, &ended).await?;

    // The runs that were asked for from an alert say whether it has cleared.
    const RUNS: &str = "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, v.at) FROM v, alert_run \
                        WHERE alert_run.alert = v.id AND message.run = alert_run.run AND kind = '\"run\"' \
                        AND (due IS NOT NULL OR error IS NULL)";
    let cleared = taken
        .iter()
        .filter(|one| one.ended)
        .map(|one| vec![(&one.group.id).into(), at.into()]);
    write_rows(dialect, work, "id, at", &cleared.collect::<Vec<Row>>(), RUNS).await?;

    let alone: Vec<&Taken> = taken.iter().filter(|one| one.storm.is_none()).collect();
    let mut messages = Vec::new();
    for one in alone.iter().filter(|one| one.is_new) {
        for place in places {
            messages.push(message(&one.group.id, place));
            messages.extend(news(one, place));
            messages.extend(chart(&one.group, place));
        }
    }
    // The thread hangs on the message, wherever that is.
    let told: Vec<&&Taken> = alone
        .iter()
        .filter(|one| !one.is_new && (one.ended || !one.news.is_empty()))
        .collect();
    let rows: Vec<Row> = told.iter().map(|one| vec![(&one.group.id).into()]).collect();
    let where_shown = "SELECT run, place FROM message WHERE kind = '\"run\"' AND run IN (SELECT id FROM v) \
                       ORDER BY created, id";
    for row in with_rows(dialect, work, "id", &rows, where_shown).await? {
        let id = text(&row, 0)?;
        let place: Place = decode("place", &text(&row, 1)?)?;
        let Some(one) = told.iter().find(|one| one.group.id == id) else {
            continue;
        };
        messages.extend(news(one, &place));
        if one.ended {
            messages.extend(chart(&one.group, &place));
        }
    }
    let messages: Vec<(&NewMessage, i64)> = messages.iter().map(|message| (message, at)).collect();
    insert_messages(work, dialect, &messages).await
}

/// The message of a group, or of a summary, at a place.
pub fn message(id: &str, place: &Place) -> NewMessage {
    of(id, "alert", MessageKind::Run, place)
}

/// In the thread: what the rule watches, when it began and when it ended.
fn chart(group: &Group, place: &Place) -> Option<NewMessage> {
    let generators = group
        .members
        .values()
        .filter_map(|member| member.alert.generator.as_deref());
    generators.filter_map(expression::of_generator).next()?;
    Some(of(
        &group.id,
        &format!("chart-{}", group.changes),
        MessageKind::Chart,
        place,
    ))
}

/// In the thread: what changed.
fn news(one: &Taken, place: &Place) -> Option<NewMessage> {
    let say = one.news.join("\n");
    let called = one.call.as_ref().filter(|(_, surface)| *surface == place.surface);
    let (kind, person) = match called {
        Some((person, _)) => (MessageKind::Ping, person.as_str()),
        None => (MessageKind::Result, "Alertmanager"),
    };
    let body = said(person, "", Outcome::NothingToDo, say);
    let word = format!("news-{}", one.group.changes);
    (!one.news.is_empty()).then(|| NewMessage {
        body: Some(body),
        ..of(&one.group.id, &word, kind, place)
    })
}

fn of(id: &str, word: &str, kind: MessageKind, place: &Place) -> NewMessage {
    NewMessage {
        id: format!("{id}:{word}:{}", place.spot()),
        kind,
        run: Some(id.to_owned()),
        request: None,
        place: place.clone(),
        body: None,
    }
}
