//! What a million past runs cost those of today.

use crate::Outcome;
use crate::world::World;
use jiff::{SignedDuration, Timestamp};
use std::time::Instant;

const ROUNDS: usize = 40;

/// Seconds, the median of each.
pub struct Times {
    pub receive: f64,
    pub start: f64,
    pub list: f64,
    pub claim: f64,
}

impl Times {
    pub async fn take(world: &World) -> Outcome<Self> {
        let (mut receive, mut start, mut list, mut claim) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let delivery = world.delivery("five");
            let begun = Instant::now();
            world.store.receive(&[delivery], Timestamp::now()).await?;
            receive.push(begun.elapsed());
            let begun = Instant::now();
            world.start().await?;
            start.push(begun.elapsed());
            let begun = Instant::now();
            world.store.runs(50).await?;
            list.push(begun.elapsed());
            let now = Timestamp::now() + SignedDuration::from_secs(round as i64);
            let begun = Instant::now();
            world
                .store
                .claim_runs(&format!("claimer-{round}"), now, now, 8, &[])
                .await?;
            claim.push(begun.elapsed());
        }
        let median = |mut times: Vec<std::time::Duration>| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64()
        };
        Ok(Self {
            receive: median(receive),
            start: median(start),
            list: median(list),
            claim: median(claim),
        })
    }
}

/// Past runs as they are kept, with short plans: rows are what counts here.
pub async fn fill(world: &World, many: u64) -> Outcome<()> {
    const NUMBERS: &str =
        "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1)";
    let each = [
        "INSERT INTO run (id, runbook, person, request, created, updated, outcome, seq, epoch, owner, lease_until, wake, \
         plan, inputs, said) SELECT 'past-' || i, 'five', 'dana', 'past-' || i, i * 1000000, i * 1000000, '\"succeeded\"', \
         3, 1, NULL, 0, NULL, '{}', 'order=' || i, 'Done.' FROM n",
        "INSERT INTO journal (run, seq, at, epoch, entry) SELECT 'past-' || i, 1, i * 1000000, 1, '{}' FROM n",
        "INSERT INTO journal (run, seq, at, epoch, entry) SELECT 'past-' || i, 2, i * 1000000, 1, '{}' FROM n",
        "INSERT INTO journal (run, seq, at, epoch, entry) SELECT 'past-' || i, 3, i * 1000000, 1, '{}' FROM n",
        "INSERT INTO request (id, at, body, state) SELECT 'past-' || i, i * 1000000, '{}', 'answered' FROM n",
        "INSERT INTO delivery (id, surface, at, kept, request) SELECT 'past-' || i, 'slack', i * 1000000, '', 'past-' || i FROM n",
    ];
    for insert in each {
        sqlx::query(sqlx::AssertSqlSafe(format!("{NUMBERS} {insert}")))
            .bind(i64::try_from(many)?)
            .execute(&world.database)
            .await?;
    }
    Ok(())
}
