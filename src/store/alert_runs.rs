//! Runs that were asked for on account of alerts. Each shows how the other stands; that they belong together is written with
//! the run itself, so that no crash leaves one without the other.

use super::alerts::{self, Taken};
use super::dialect::Dialect;
use super::runs::{RunLine, run_line};
use super::values::{Row, write_rows};
use super::{Store, StoreError, decode, timestamp};
use crate::alert::group::Group;
use sqlx::{Any, Transaction};

/// What became of a request on account of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The group.
    pub group: String,
    /// What its thread is told.
    pub say: String,
}

/// A deed that is written: with the run that it came to, where it came to one, and when.
pub(super) struct Done<'w> {
    pub(super) deed: &'w Deed,
    pub(super) run: Option<&'w str>,
    pub(super) at: i64,
}

/// Links runs to the alerts on whose account they were asked for, and tells the alerts' threads. Whoever calls it has made
/// sure of being alone.
pub(super) async fn tell(
    work: &mut Transaction<'static, Any>,
    dialect: Dialect,
    done: &[Done<'_>],
) -> Result<(), StoreError> {
    let Some(last) = done.iter().map(|done| done.at).max() else {
        return Ok(());
    };
    let links = done.iter().filter_map(|done| {
        let row: Row = vec![done.run?.into(), (&done.deed.group).into(), done.at.into()];
        Some(row)
    });
    let insert = "INSERT INTO alert_run (run, alert, at) SELECT run, alert, at FROM v WHERE run IS NOT NULL \
                  ON CONFLICT (run) DO NOTHING";
    write_rows(dialect, work, "run, alert, at", &links.collect::<Vec<Row>>(), insert).await?;
    let mut changed: Vec<Taken> = Vec::new();
    for Done { deed, at, .. } in done {
        let index = match changed.iter().position(|one| one.group.id == deed.group) {
            Some(index) => index,
            // One that is kept no longer has no thread.
            None => match alerts::taken(work, &deed.group).await? {
                Some(one) => {
                    changed.push(one);
                    changed.len() - 1
                }
                None => continue,
            },
        };
        changed[index].tell(deed.say.clone(), timestamp(*at)?);
    }
    alerts::write(work, dialect, &changed, &[], timestamp(last)?).await
}

impl Store {
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
}
