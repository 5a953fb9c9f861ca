//! Pages: what paging systems should know of groups of alerts, and what they have taken. A page is written in the
//! transaction that changes its group, so that what fires is paged once, whatever becomes of this process.

use super::dialect::Dialect;
use super::messages;
use super::values::{Row, write_rows};
use super::{Store, StoreError, micros, number, optional_number, optional_text, text, timestamp};
use crate::alert::group::Group;
use crate::alert::page::Level;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

/// A page that something is to be told about, taken by one process.
#[derive(Debug, Clone, PartialEq)]
pub struct DuePage {
    /// Its id.
    pub id: String,
    /// The group that it is about, as it stands.
    pub group: Group,
    /// The connection that it goes through.
    pub connection: String,
    /// How it should stand.
    pub wanted: Level,
    /// What the system there has taken last.
    pub told: Option<Level>,
    /// Whether it may have taken a page of which it never said so.
    pub begun: bool,
    /// Failures in a row.
    pub tries: i64,
    /// Since when they are.
    pub failing_since: Option<Timestamp>,
}

/// A page as its group's message tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLine {
    /// The connection that it goes through.
    pub connection: String,
    /// What the system there has taken last.
    pub told: Option<Level>,
    /// Whether something is still to be told.
    pub waits: bool,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// An open page, to be looked at where it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedAt {
    /// Its id.
    pub id: String,
    /// The group that it is about.
    pub alert: String,
    /// The connection that it goes through.
    pub connection: String,
    /// By which it is known there.
    pub key: String,
    /// When it was wanted first.
    pub opened: Timestamp,
}

/// Takes the pages of groups along with the groups: these connections page somebody for this group from now on, and what
/// they paged before stands as the group does.
pub(super) async fn follow(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    groups: &[(&Group, Vec<String>)],
    now: Timestamp,
) -> Result<(), StoreError> {
    const NEW: &str = "INSERT INTO page (id, alert, connection, grouped, opened, level, wanted, due, tries) \
                       SELECT id, alert, connection, grouped, at, level, level, at, 0 FROM v WHERE id IS NOT NULL \
                       ON CONFLICT (id) DO NOTHING";
    // What was ended there stays so until the group has ended too. What was refused before anybody was paged is refused
    // until it fires anew.
    const STANDS: &str = "UPDATE page SET level = v.stands, \
                          wanted = CASE WHEN wanted = 'resolved' AND level <> 'resolved' THEN wanted ELSE v.stands END, \
                          due = CASE WHEN due IS NULL AND told IS NULL AND level <> 'resolved' THEN NULL \
                          ELSE COALESCE(due, v.at) END, \
                          tries = CASE WHEN due IS NULL THEN 0 ELSE tries END, \
                          failing_since = CASE WHEN due IS NULL THEN NULL ELSE failing_since END \
                          FROM v WHERE page.alert = v.alert AND page.level <> v.stands";
    let at = micros(now);
    let new = groups.iter().flat_map(|(group, connections)| {
        connections.iter().map(move |connection| -> Row {
            vec![
                format!("{}:{connection}", group.id).into(),
                (&group.id).into(),
                connection.into(),
                (&group.key).into(),
                at.into(),
                Level::of(group).key().into(),
            ]
        })
    });
    write_rows(
        dialect,
        work,
        "id, alert, connection, grouped, at, level",
        &new.collect::<Vec<_>>(),
        NEW,
    )
    .await?;
    let stands = groups
        .iter()
        .map(|(group, _)| -> Row { vec![(&group.id).into(), at.into(), Level::of(group).key().into()] });
    write_rows(dialect, work, "alert, at, stands", &stands.collect::<Vec<_>>(), STANDS).await?;
    Ok(())
}

/// The pages of a group that is kept no longer go with it.
pub(super) async fn forget(work: &mut Transaction<'static, Any>, alert: &str) -> Result<(), StoreError> {
    for gone in [
        "DELETE FROM page_note WHERE page IN (SELECT id FROM page WHERE alert = $1)",
        "DELETE FROM page WHERE alert = $1",
    ] {
        sqlx::query(gone).bind(alert).execute(&mut **work).await?;
    }
    Ok(())
}

impl Store {
    /// Pages that something is to be told about now, longest due first. One whose key an older one through the same
    /// connection still has something to tell about waits for that.
    pub async fn due_pages(&self, now: Timestamp, limit: i64) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, connection FROM page WHERE due <= $1 AND (sending_until IS NULL OR sending_until <= $1) \
             AND NOT EXISTS (SELECT 1 FROM page AS older WHERE older.grouped = page.grouped \
             AND older.connection = page.connection AND older.opened < page.opened AND older.due IS NOT NULL) \
             ORDER BY due, id LIMIT $2",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
    }

    /// Takes a page to tell about it; none where somebody else has it, or there is nothing to tell.
    pub async fn take_page(
        &self,
        id: &str,
        sender: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<DuePage>, StoreError> {
        let row = sqlx::query(
            "UPDATE page SET sender = $2, sending_until = $4 WHERE id = $1 AND due <= $3 \
             AND (sending_until IS NULL OR sending_until <= $3) \
             RETURNING alert, connection, wanted, told, begun, tries, failing_since",
        )
        .bind(id)
        .bind(sender)
        .bind(micros(now))
        .bind(micros(until))
        .fetch_optional(&self.write)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let alert = text(&row, 0)?;
        let Some(group) = self.alert_group(&alert).await? else {
            return Ok(None);
        };
        Ok(Some(DuePage {
            id: id.to_owned(),
            group,
            connection: text(&row, 1)?,
            wanted: level(&text(&row, 2)?)?,
            told: optional_text(&row, 3)?.as_deref().map(level).transpose()?,
            begun: optional_number(&row, 4)?.is_some(),
            tries: number(&row, 5)?,
            failing_since: optional_number(&row, 6)?.map(timestamp).transpose()?,
        }))
    }

    /// Journals that somebody is about to be paged: from here on it may be so, whatever becomes of this process. False
    /// where another process has the page by now, so nothing must be sent.
    pub async fn begin_page(&self, id: &str, sender: &str, now: Timestamp) -> Result<bool, StoreError> {
        let begun = sqlx::query("UPDATE page SET begun = COALESCE(begun, $3) WHERE id = $1 AND sender = $2")
            .bind(id)
            .bind(sender)
            .bind(micros(now))
            .execute(&self.write)
            .await?
            .rows_affected();
        Ok(begun == 1)
    }

    /// The system there has taken it that the page stands so; and from `look` on it is asked whether somebody there has
    /// done something.
    pub async fn page_told(
        &self,
        page: &DuePage,
        told: Level,
        look: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let over = told == Level::Resolved;
        let text = format!(
            "UPDATE page SET told = $2, due = CASE WHEN wanted = $2 THEN NULL ELSE $3 END, tries = 0, failing_since = NULL, \
             error = NULL, sender = NULL, sending_until = NULL, look = $4, begun = {} WHERE id = $1",
            if over { "NULL" } else { "begun" }
        );
        let mut work = self.begin().await?;
        sqlx::query(AssertSqlSafe(text))
            .bind(&page.id)
            .bind(told.key())
            .bind(micros(now))
            .bind(look.map(micros))
            .execute(&mut *work)
            .await?;
        self.shown_anew(&mut work, &page.group.id, now).await?;
        work.commit().await?;
        Ok(())
    }

    /// There is nothing to tell about a page.
    pub async fn page_settled(&self, page: &DuePage) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE page SET due = CASE WHEN wanted = $2 THEN NULL ELSE due END, sender = NULL, sending_until = NULL \
             WHERE id = $1",
        )
        .bind(&page.id)
        .bind(page.wanted.key())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The system there could not be told, and why. It is tried again at this time, or never.
    pub async fn page_failed(
        &self,
        page: &DuePage,
        why: &str,
        again: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        // What is wanted meanwhile is another matter, which is tried, unless nobody was ever paged.
        sqlx::query(
            "UPDATE page SET due = CASE WHEN told IS NULL OR wanted = $2 THEN $3 ELSE $4 END, tries = tries + 1, \
             failing_since = COALESCE(failing_since, $4), error = $5, sender = NULL, sending_until = NULL WHERE id = $1",
        )
        .bind(&page.id)
        .bind(page.wanted.key())
        .bind(again.map(micros))
        .bind(micros(now))
        .bind(why)
        .execute(&mut *work)
        .await?;
        self.shown_anew(&mut work, &page.group.id, now).await?;
        work.commit().await?;
        Ok(())
    }

    /// Gives back what a process has taken to tell, at its end.
    pub async fn release_pages(&self, sender: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE page SET sender = NULL, sending_until = NULL WHERE sender = $1")
            .bind(sender)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Open pages that it is time to look at, longest due first.
    pub async fn pages_to_look_at(&self, now: Timestamp, limit: i64) -> Result<Vec<LookedAt>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, alert, connection, grouped, opened FROM page WHERE look <= $1 AND wanted = 'triggered' \
             ORDER BY look, id LIMIT $2",
        )
        .bind(micros(now))
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let looks = rows.iter().map(|row| {
            Ok(LookedAt {
                id: text(row, 0)?,
                alert: text(row, 1)?,
                connection: text(row, 2)?,
                key: text(row, 3)?,
                opened: timestamp(number(row, 4)?)?,
            })
        });
        looks.collect()
    }

    /// Nothing has changed there; it is looked at again at this time, or never.
    pub async fn page_looked_at(&self, id: &str, again: Option<Timestamp>) -> Result<(), StoreError> {
        sqlx::query("UPDATE page SET look = $2 WHERE id = $1")
            .bind(id)
            .bind(again.map(micros))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Somebody there has brought it about that a page stands so. It is looked at until that is said, too. What is resolved
    /// there is not opened again until the group fires anew.
    pub async fn page_found(&self, id: &str, level: Level) -> Result<(), StoreError> {
        let over = level == Level::Resolved;
        let text = format!(
            "UPDATE page SET told = $2{} WHERE id = $1",
            if over { ", wanted = $2, begun = NULL" } else { "" }
        );
        sqlx::query(AssertSqlSafe(text))
            .bind(id)
            .bind(level.key())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// The pages about a group, by their connections.
    pub async fn pages_of(&self, alert: &str) -> Result<Vec<PageLine>, StoreError> {
        let rows = sqlx::query("SELECT connection, told, due, error FROM page WHERE alert = $1 ORDER BY connection")
            .bind(alert)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(page_line).collect()
    }

    /// How many pages wait to be told, and of how many nobody will be.
    pub async fn pages_waiting(&self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN due IS NULL THEN 1 ELSE 0 END), 0) FROM page \
             WHERE due IS NOT NULL OR error IS NOT NULL",
        )
        .fetch_one(&self.read)
        .await?;
        let (all, given_up) = (number(&row, 0)?, number(&row, 1)?);
        Ok((all - given_up, given_up))
    }

    async fn shown_anew(
        &self,
        work: &mut Transaction<'static, Any>,
        alert: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        messages::touch(work, self.dialect, &[vec![alert.into(), micros(now).into()]]).await
    }
}

fn page_line(row: &AnyRow) -> Result<PageLine, StoreError> {
    Ok(PageLine {
        connection: text(row, 0)?,
        told: optional_text(row, 1)?.as_deref().map(level).transpose()?,
        waits: optional_number(row, 2)?.is_some(),
        error: optional_text(row, 3)?,
    })
}

fn level(key: &str) -> Result<Level, StoreError> {
    Level::named(key).ok_or_else(|| StoreError::Corrupt(format!("a page stands as {key:?}")))
}
