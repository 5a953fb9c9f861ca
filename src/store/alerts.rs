//! Groups of alerts. A notification is kept by taking it into its group's state, together with the messages that show it,
//! in one transaction: what was answered with yes is neither lost nor to be worked on later.
//!
//! A group has one message in each channel for alerts. Where very many begin at once, those beyond a number have one
//! message together.

use super::dialect::Dialect;
use super::messages::{self, MessageKind, NewMessage, insert_messages};
use super::page_notes::note_deed;
use super::pages;
use super::runs::{RunLine, run_line};
use super::values::{Row, with_rows, write_rows};
use super::{Store, StoreError, decode, encode, micros, number, optional_number, optional_text, text, timestamp};
use crate::alert::card::{self, Line, Storm};
use crate::alert::group::{Change, Group};
use crate::alert::notification::Notification;
use crate::alert::page::Level;
use crate::alert::{expression, storm_id};
use crate::dispatch::answer::said;
use crate::report::Outcome;
use crate::report::alert::AlertState;
use crate::request::Place;
use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// Groups that get a message each within a span of time. What begins beyond that is told together.
pub const MESSAGES: i64 = 20;
/// See [`MESSAGES`].
pub const WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// After so long a quiet time, what is too much begins a new summary.
const STORM_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// Groups that a summary names.
const NAMED: i64 = 25;

/// Whoever takes notifications in does it one after the other: of two replicas each would miss what the other wrote.
const LOCK: &str = "alerts";

/// A group as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLine {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// How it stands.
    pub state: AlertState,
    /// How many alerts stand how, in words.
    pub said: String,
    /// When it began.
    pub opened: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
}

/// A group while notifications are taken into it.
struct Taken {
    group: Group,
    /// The summary that shows it, if it has no message of its own.
    storm: Option<String>,
    is_new: bool,
    shown: bool,
    ended: bool,
    news: Vec<String>,
}

impl Taken {
    fn add(&mut self, change: Change) {
        self.shown |= change.shown;
        self.ended |= change.ended;
        self.news.extend(change.news);
    }
}

impl Store {
    /// Takes notifications in, in one commit, if `still` says so when nothing but the commit is left to do. False if it
    /// says no, and nothing is kept. The same notification twice changes nothing the second time. `paged` tells through
    /// which connections somebody is paged for a group.
    pub async fn keep_notifications(
        &self,
        these: &[Notification],
        places: &[Place],
        paged: impl Fn(&Group) -> BTreeSet<String>,
        now: Timestamp,
        still: impl FnOnce() -> bool,
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        self.dialect.one_at_a_time(&mut work, &[vec![LOCK.into()]]).await?;
        let mut taken = self.take_in(&mut work, these, now).await?;
        self.gather(&mut work, &mut taken, places, now).await?;
        write_groups(&mut work, self.dialect, &taken, now).await?;
        let pages: Vec<(&Group, Vec<String>)> = taken
            .iter()
            .map(|one| (&one.group, paged(&one.group).into_iter().collect()))
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
                all.push(Taken {
                    group: decode("group of alerts", &text(&row, 0)?)?,
                    storm: optional_text(&row, 1)?,
                    is_new: false,
                    shown: false,
                    ended: false,
                    news: Vec::new(),
                });
            }
        }
        for one in these {
            let known = latest.get(one.key.as_str()).copied();
            if let Some(known) = known.filter(|known| all[*known].group.goes_on(one, now)) {
                let change = all[known].group.apply(one, now);
                all[known].add(change);
            } else if let Some(group) = Group::open(one, now) {
                latest.insert(&one.key, all.len());
                all.push(Taken {
                    group,
                    storm: None,
                    is_new: true,
                    shown: true,
                    ended: false,
                    news: Vec::new(),
                });
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

    /// A group; none where there is none.
    pub async fn alert_group(&self, id: &str) -> Result<Option<Group>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM alert_group WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        body.map(|body| decode("group of alerts", &body)).transpose()
    }

    /// Changes a group by what a person does, and tells its thread in the words that come of it. None, and nothing is
    /// changed, where nothing does.
    pub async fn change_alert(
        &self,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Group) -> Option<String>,
    ) -> Result<Option<()>, StoreError> {
        let mut work = self.begin().await?;
        self.dialect.one_at_a_time(&mut work, &[vec![LOCK.into()]]).await?;
        let row = sqlx::query("SELECT body, storm FROM alert_group WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *work)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut group: Group = decode("group of alerts", &text(&row, 0)?)?;
        let before = Level::of(&group);
        let Some(words) = change(&mut group) else {
            return Ok(None);
        };
        if before == Level::Triggered && Level::of(&group) == Level::Acknowledged {
            note_deed(&mut work, id, &words, now).await?;
        }
        let taken = [Taken {
            group,
            storm: optional_text(&row, 1)?,
            is_new: false,
            shown: true,
            ended: false,
            news: vec![words],
        }];
        write_groups(&mut work, self.dialect, &taken, now).await?;
        pages::follow(&mut work, self.dialect, &[(&taken[0].group, Vec::new())], now).await?;
        show(&mut work, self.dialect, &taken, &[], now).await?;
        self.dialect.wake_others(&mut work).await?;
        work.commit().await?;
        Ok(Some(()))
    }

    /// A run was asked for from an alert: from now on each shows how the other stands.
    pub async fn link_alert(&self, id: &str, run: &str, words: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO alert_run (run, alert, at) VALUES ($1, $2, $3) ON CONFLICT (run) DO NOTHING")
            .bind(run)
            .bind(id)
            .bind(micros(now))
            .execute(&self.write)
            .await?;
        self.change_alert(id, now, |group| Some(group.did(words.to_owned(), now)))
            .await?;
        Ok(())
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

    /// The runs that were asked for from an alert, oldest first.
    pub async fn runs_of_alert(&self, id: &str) -> Result<Vec<RunLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT run.id, run.runbook, run.person, run.created, run.outcome FROM alert_run \
             JOIN run ON run.id = alert_run.run WHERE alert_run.alert = $1 ORDER BY alert_run.at, run.id LIMIT 20",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(run_line).collect()
    }

    /// The alert from which a run was asked for.
    pub async fn alert_of_run(&self, run: &str) -> Result<Option<Group>, StoreError> {
        let body: Option<String> = sqlx::query_scalar(
            "SELECT alert_group.body FROM alert_run JOIN alert_group ON alert_group.id = alert_run.alert \
             WHERE alert_run.run = $1",
        )
        .bind(run)
        .fetch_optional(&self.read)
        .await?;
        body.map(|body| decode("group of alerts", &body)).transpose()
    }

    /// A summary as it stands; none where there is none.
    pub async fn alert_storm(&self, id: &str) -> Result<Option<Storm>, StoreError> {
        let opened: Option<i64> = sqlx::query_scalar("SELECT opened FROM alert_storm WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        let Some(opened) = opened else { return Ok(None) };
        let counts = sqlx::query(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'firing' THEN 1 ELSE 0 END), 0) FROM alert_group \
             WHERE storm = $1",
        )
        .bind(id)
        .fetch_one(&self.read)
        .await?;
        let (all, firing) = (number(&counts, 0)?, number(&counts, 1)?);
        let named = sqlx::query(
            "SELECT title, state FROM alert_group WHERE storm = $1 \
             ORDER BY CASE WHEN state = 'firing' THEN 0 ELSE 1 END, opened, title LIMIT $2",
        )
        .bind(id)
        .bind(NAMED)
        .fetch_all(&self.read)
        .await?;
        let lines: Result<Vec<Line>, StoreError> = named
            .iter()
            .map(|row| {
                Ok(Line {
                    title: text(row, 0)?,
                    state: state(&text(row, 1)?)?,
                })
            })
            .collect();
        Ok(Some(Storm {
            id: id.to_owned(),
            opened: timestamp(opened)?,
            firing: u64::try_from(firing).unwrap_or(0),
            over: u64::try_from(all - firing).unwrap_or(0),
            lines: lines?,
        }))
    }

    /// Groups that fire, then those that are over, each newest change first, and so many of each at the most.
    pub async fn alert_lines(&self, limit: i64) -> Result<Vec<AlertLine>, StoreError> {
        let mut lines = Vec::new();
        for which in [
            "SELECT id, title, state, said, opened, changed FROM alert_group WHERE state = 'firing' \
             ORDER BY changed DESC LIMIT $1",
            "SELECT id, title, state, said, opened, changed FROM alert_group WHERE state <> 'firing' \
             ORDER BY changed DESC LIMIT $1",
        ] {
            let rows = sqlx::query(which).bind(limit).fetch_all(&self.read).await?;
            for row in &rows {
                lines.push(alert_line(row)?);
            }
        }
        Ok(lines)
    }

    /// When an alert was heard of last, in microseconds since 1970; zero for never.
    pub async fn alerts_heard(&self) -> Result<i64, StoreError> {
        let heard: Option<i64> = sqlx::query_scalar("SELECT MAX(heard) FROM alert_group")
            .fetch_one(&self.read)
            .await?;
        Ok(heard.unwrap_or_default())
    }

    /// How many groups fire.
    pub async fn firing_groups(&self) -> Result<i64, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT COUNT(*) FROM alert_group WHERE state = 'firing'")
                .fetch_one(&self.read)
                .await?,
        )
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
    let body = said("Alertmanager", "", Outcome::NothingToDo, say);
    let word = format!("news-{}", one.group.changes);
    (!one.news.is_empty()).then(|| NewMessage {
        body: Some(body),
        ..of(&one.group.id, &word, MessageKind::Result, place)
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

fn alert_line(row: &AnyRow) -> Result<AlertLine, StoreError> {
    Ok(AlertLine {
        id: text(row, 0)?,
        title: text(row, 1)?,
        state: state(&text(row, 2)?)?,
        said: text(row, 3)?,
        opened: timestamp(number(row, 4)?)?,
        changed: timestamp(optional_number(row, 5)?.unwrap_or_default())?,
    })
}

fn state(word: &str) -> Result<AlertState, StoreError> {
    let all = [AlertState::Firing, AlertState::Resolved, AlertState::Quiet];
    let known = all.into_iter().find(|state| state.key() == word);
    known.ok_or_else(|| StoreError::Corrupt(format!("a group of alerts stands as {word:?}")))
}
