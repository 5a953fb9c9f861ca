//! A driver that dies after the N-th entry, for each N.

use super::world::{Keeps, Process, World};
use crate::harness::services::{BROKER, CeleryWorld, RESULTS, effects};
use futures::future::join_all;
use signalbox::report::Outcome;
use signalbox::run::journal::Entry;
use signalbox::run::ledger::LedgerError;
use signalbox::run::state::StepState;
use signalbox::runbook::StepOutcome;
use signalbox::store::StoreError;
use signalbox::store::runs::JournalRow;
use std::time::Duration;

/// A step whose probe tells, a step that its target makes harmless, and a step of which nothing can be known.
const THREE: &str = r#"
summary = "Books, tells and notes."
[[input]]
name = "order"
kind = "integer"
min = 1
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "1"

[[step]]
name = "book"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('book')"
timeout = "1s"
say = "Book it."
[step.probe]
use = "postgres.query"
on = "shop"
with.sql = "select count(*) as n from effect where word = 'book'"
[[step.expect]]
when = "probe.result == 'done' && probe.value.rows[0].n > 0"
outcome = "done"
say = "It is booked."
[[step.expect]]
when = "probe.result == 'done'"
outcome = "failed"
say = "It is not booked."

[[step]]
name = "tell"
use = "celery.send"
on = "queue"
with.task = "echo"
with.args = ["inputs.order"]
with.expires = "1m"
timeout = "10s"
say = "Tell the worker."
[[step.expect]]
when = "call.result == 'done' && call.value.state == 'SUCCESS'"
outcome = "done"
say = "The worker knows."

[[step]]
name = "note"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('note')"
timeout = "1s"
say = "Note it."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is noted."
"#;

/// Created and started by the gate; two entries a step; closed.
const ENTRIES: i64 = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_driver_dies_nothing_happens_twice_and_nothing_is_guessed() {
    sweep(Keeps::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_driver_dies_on_postgresql_it_is_the_same() {
    sweep(Keeps::Postgres).await;
}

async fn sweep(keeps: Keeps) {
    let celery = tokio::task::spawn_blocking(CeleryWorld::shared).await.unwrap();
    let mut ends = Vec::new();
    // The same entry and three moments after it: before the call left, while it is out, when it has come back.
    for moment in [0, 4, 8] {
        let moment = Duration::from_millis(moment);
        let cuts = (2..=ENTRIES).map(|entries| cut_and_taken_over(keeps, &celery, entries, moment));
        ends.extend(join_all(cuts).await);
    }
    // The sweep has met all of them: carried on, finished already, left to a person.
    assert!(ends.contains(&(2, Outcome::Succeeded)), "{ends:?}");
    assert!(ends.contains(&(ENTRIES, Outcome::Succeeded)), "{ends:?}");
    assert!(ends.iter().any(|(_, end)| *end == Outcome::NeedsPerson), "{ends:?}");
}

async fn cut_and_taken_over(keeps: Keeps, celery: &CeleryWorld, entries: i64, moment: Duration) -> (i64, Outcome) {
    let addresses = (celery.redis.url(BROKER), celery.redis.url(RESULTS));
    let world = World::keeping(keeps, &[("three", THREE)], Some(addresses)).await;
    let first_order = match keeps {
        Keeps::Sqlite => 70_000,
        Keeps::Postgres => 80_000,
    };
    let order = first_order + entries * 100 + moment.as_millis() as i64;
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("three", order).await;
    cut(&first, &run, entries, moment).await;

    second.drive(&run).await.unwrap();

    let live = second.live(&run).await;
    let echo = format!("echo {order}");
    let told = effects(&celery.redis).iter().filter(|it| **it == echo).count() as i64;
    let seen = [world.count("book").await, told, world.count("note").await];
    for (state, seen) in live.state.steps.iter().zip(seen) {
        let may_be = match state {
            StepState::Waiting { .. } => 0..=0,
            StepState::Ended { outcome, .. } => match outcome {
                StepOutcome::Done => 1..=1,
                StepOutcome::Failed => 0..=0,
                StepOutcome::Unknown => 0..=1,
                StepOutcome::Skipped => panic!("after {entries} entries: {state:?}"),
            },
            other => panic!("after {entries} entries: {other:?}"),
        };
        assert!(
            may_be.contains(&seen),
            "after {entries} entries: {seen} times, and {state:?}"
        );
    }
    for unguarded in [0, 2] {
        let begun = |row: &&JournalRow| matches!(row.entry, Entry::Intent { step, .. } if step == unguarded);
        let intents = live.run.journal.iter().filter(begun).count();
        assert!(intents <= 1, "made again without a guard: {:?}", live.run.journal);
    }
    let standing = live.state.standing();
    let locks = second.store.tally().await.unwrap().locks;
    match standing {
        Outcome::Succeeded | Outcome::Failed | Outcome::PartlyDone => assert_eq!(locks, 0),
        // What nobody knows the end of keeps its lock.
        Outcome::NeedsPerson => assert_eq!(locks, 1),
        other => panic!("after {entries} entries the run is {}", other.words()),
    }
    assert!(second.claim(&run).await.is_none(), "it has come to a rest");
    (entries, standing)
}

/// Drops the driver when the journal is so long.
pub(super) async fn cut(process: &Process, run: &str, entries: i64, moment: Duration) {
    let epoch = process.claim(run).await.unwrap();
    // It dies with the claim, before it has done anything: whoever looks at the journal first is left to no race.
    if moment.is_zero() && process.store.seq(run).await.unwrap() >= entries {
        return;
    }
    let (engine, id) = (process.station.engine.clone(), run.to_owned());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    while process.store.seq(run).await.unwrap() < entries && !driver.is_finished() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(moment).await;
    driver.abort();
    match driver.await {
        Ok(ended) => ended.unwrap(),
        Err(ended) => assert!(ended.is_cancelled(), "{ended}"),
    }
}

pub(super) const SLOW: &str = r#"
summary = "Takes its time."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'slow'"]
[radius]
orders = "1"
[[step]]
name = "slow"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) select 'slow' from pg_sleep(0.7)"
timeout = "3s"
say = "Slowly."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."
[[step]]
name = "next"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('next')"
say = "Then."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."
"#;

/// The first process is not dead, only late: its call lands, its word does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_was_taken_over_writes_nothing_more() {
    let world = World::new(&[("slow", SLOW)], None).await;
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("slow", 1).await;
    let epoch = first.claim(&run).await.unwrap();
    let (engine, id) = (first.station.engine.clone(), run.clone());
    let late = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    // Sent, not only intended: a process that loses the run before it sends rightly sends nothing.
    while !world.sleeps().await {
        assert!(!late.is_finished(), "{:?}", late.await);
        tokio::task::yield_now().await;
    }

    second.drive(&run).await.unwrap();

    let fenced = late.await.unwrap();
    assert!(
        matches!(fenced, Err(LedgerError::Store(StoreError::Fenced(_)))),
        "{fenced:?}"
    );
    let live = second.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::NeedsPerson);
    assert_eq!(world.effects().await, ["slow"]);
    let taken_over = live
        .run
        .journal
        .iter()
        .any(|row| matches!(row.entry, Entry::TakenOver { .. }));
    assert!(taken_over);
    assert!(
        live.run.journal[3..].iter().all(|row| row.epoch == 2),
        "{:?}",
        live.run.journal
    );
}
