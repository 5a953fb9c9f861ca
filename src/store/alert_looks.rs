//! Groups of alerts and summaries, as they are looked at.

use super::{Store, StoreError, decode, micros, number, optional_number, text, timestamp};
use crate::alert::card::{Line, Storm};
use crate::alert::group::Group;
use crate::report::alert::AlertState;
use crate::request::{Place, Surface};
use jiff::Timestamp;
use sqlx::any::AnyRow;

/// Groups that a summary names.
const NAMED: i64 = 25;

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

impl Store {
    /// A group; none where there is none.
    pub async fn alert_group(&self, id: &str) -> Result<Option<Group>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM alert_group WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        body.map(|body| decode("group of alerts", &body)).transpose()
    }

    /// The group in which another one goes on that has ended, with where it is shown on this platform; none where that is not so.
    pub async fn newer_alert(
        &self,
        group: &Group,
        surface: Surface,
    ) -> Result<Option<(Group, Option<Place>)>, StoreError> {
        let body: Option<String> = sqlx::query_scalar(
            "SELECT body FROM alert_group WHERE grouped = $1 AND opened > $2 ORDER BY opened DESC LIMIT 1",
        )
        .bind(&group.key)
        .bind(micros(group.opened))
        .fetch_optional(&self.read)
        .await?;
        let Some(body) = body else { return Ok(None) };
        let newer: Group = decode("group of alerts", &body)?;
        let shown: Vec<String> =
            sqlx::query_scalar("SELECT place FROM message WHERE run = $1 AND kind = '\"run\"' ORDER BY created, id")
                .bind(&newer.id)
                .fetch_all(&self.read)
                .await?;
        let shown: Result<Vec<Place>, StoreError> = shown.iter().map(|place| decode("place", place)).collect();
        let place = shown?.into_iter().find(|place| place.surface == surface);
        Ok(Some((newer, place)))
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
