//! A driver that dies after the N-th entry of a run that is undone and proved.

use super::cut::cut;
use super::world::{Keeps, World};
use futures::StreamExt as _;
use futures::stream;
use signalbox::report::Outcome;
use signalbox::run::journal::Entry;
use signalbox::run::state::{Phase, StepState};
use signalbox::runbook::StepOutcome;
use signalbox::store::runs::JournalRow;
use std::fs;
use std::time::{Duration, Instant};

/// The third step fails, so the first two are undone; a signal proves it.
const TAKEN_BACK: &str = r#"
summary = "Does two things and takes them back."
on_failure = "undo"
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]

[[step]]
name = "one"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('one')"
timeout = "3s"
say = "One."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('undo one')"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."

[[step]]
name = "two"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('two')"
timeout = "3s"
say = "Two."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('undo two')"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."

[[step]]
name = "three"
use = "postgres.statement"
on = "shop"
with.sql = "insert into nowhere (word) values ('three')"
timeout = "3s"
say = "Three."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "delete from nowhere"
[[step.expect]]
when = "call.result != 'unknown'"
outcome = "failed"
say = "It failed."

[proof]
signals = [{ signal = "effects", better = "lower" }]
soak = "1s"
"#;

const SIGNAL: &str = r#"
[signal.effects]
help = "Effects."
unit = "effects"
use = "postgres.query"
on = "shop"
with.sql = "select count(*) as n from effect"
field = "rows.0.n"
"#;

/// Created and started; read before; two entries a step; read after; the undo asked for, two entries each; closed; read
/// after the soak, and proved.
const ENTRIES: i64 = 18;

/// Cuts at the same time: each waits most of the time, for a deadline or a soak.
const AT_ONCE: usize = 8;

const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_driver_dies_nothing_is_undone_twice_and_each_end_is_proved() {
    sweep(Keeps::Sqlite, &[0, 4]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_driver_dies_on_postgresql_it_is_the_same() {
    sweep(Keeps::Postgres, &[2]).await;
}

/// So many milliseconds after the entry.
async fn sweep(keeps: Keeps, moments: &[u64]) {
    let mut ends = Vec::new();
    for moment in moments {
        let moment = Duration::from_millis(*moment);
        let cuts = stream::iter(2..=ENTRIES).map(|entries| cut_and_taken_over(keeps, entries, moment));
        ends.extend(cuts.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
    }
    // The sweep has met both: undone after all, and a step or an undo that nobody knows of.
    for wanted in [Outcome::Undone, Outcome::NeedsPerson] {
        assert!(
            ends.iter().any(|(_, end)| *end == wanted),
            "never {}: {ends:?}",
            wanted.words()
        );
    }
    assert!(ends.contains(&(ENTRIES, Outcome::Undone)), "{ends:?}");
}

async fn cut_and_taken_over(keeps: Keeps, entries: i64, moment: Duration) -> (i64, Outcome) {
    let world = World::keeping(keeps, &[("back", TAKEN_BACK)], None).await;
    let config = fs::read_to_string(world.path("signalbox.toml")).unwrap();
    world.write(
        "signalbox.toml",
        &config.replace("[connection.shop]", "panels = \"panels\"\n[connection.shop]"),
    );
    fs::create_dir(world.path("panels")).unwrap();
    world.write("panels/effects.toml", SIGNAL);
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("back", entries).await;
    let begun = Instant::now();
    // The soak is a rest: a driver that comes to it is called again when it is over.
    while first.store.seq(&run).await.unwrap() < entries && begun.elapsed() < PATIENCE {
        cut(&first, &run, entries, moment).await;
        if first.live(&run).await.state.standing() == Outcome::NeedsPerson {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }

    let begun = Instant::now();
    let live = loop {
        second.drive(&run).await.unwrap();
        let live = second.live(&run).await;
        let asks = live.state.standing() == Outcome::NeedsPerson;
        if asks || live.state.verdict.is_some() || begun.elapsed() > PATIENCE {
            break live;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    };

    for (state, word) in live.state.steps.iter().zip(["one", "two", "three"]) {
        let (done, undone) = (world.count(word).await, world.count(&format!("undo {word}")).await);
        let (may_be_done, may_be_undone) = match state {
            StepState::Waiting { .. } => (0..=0, 0..=0),
            StepState::Ended { outcome, .. } => match outcome {
                StepOutcome::Done => (1..=1, 0..=0),
                StepOutcome::Failed => (0..=0, 0..=0),
                StepOutcome::Unknown => (0..=1, 0..=0),
                StepOutcome::Skipped => panic!("after {entries} entries: {state:?}"),
            },
            StepState::Undone { outcome, .. } => match outcome {
                StepOutcome::Done => (1..=1, 1..=1),
                StepOutcome::Unknown => (1..=1, 0..=1),
                StepOutcome::Failed => (1..=1, 0..=0),
                StepOutcome::Skipped => panic!("after {entries} entries: {state:?}"),
            },
            other => panic!("after {entries} entries: {other:?}"),
        };
        assert!(
            may_be_done.contains(&done) && may_be_undone.contains(&undone),
            "after {entries} entries {word} was done {done} times and undone {undone} times: {state:?}"
        );
    }
    for index in 0..3 {
        let begins = |row: &&JournalRow| matches!(row.entry, Entry::UndoIntent { step, .. } if step == index);
        let intents = live.run.journal.iter().filter(begins).count();
        assert!(intents <= 1, "undone again on a guess: {:?}", live.run.journal);
    }
    let standing = live.state.standing();
    let locks = second.store.tally().await.unwrap().locks;
    if standing == Outcome::NeedsPerson {
        assert_eq!(locks, 1, "after {entries} entries");
    } else {
        assert_eq!(locks, 0, "after {entries} entries");
        assert!(matches!(live.state.phase(), Some(Phase::Closed { .. })), "{live:?}");
        assert!(
            live.state.verdict.is_some(),
            "after {entries} entries: {:?}",
            live.run.journal
        );
    }
    assert!(second.claim(&run).await.is_none(), "it has come to a rest");
    (entries, standing)
}

/// The first process is not dead, only late: what it undoes lands before the locks are let go, or never.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_of_a_process_that_was_taken_over_lands_while_the_locks_are_held() {
    let slowly = TAKEN_BACK.replace("values ('undo two')", "select 'undo two' from pg_sleep(0.7)");
    let slowly = slowly.split("[proof]").next().unwrap();
    let world = World::new(&[("back", slowly)], None).await;
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("back", 1).await;
    let epoch = first.claim(&run).await.unwrap();
    let (engine, id) = (first.station.engine.clone(), run.clone());
    let late = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    while !world.sleeps().await {
        assert!(!late.is_finished(), "{:?}", late.await);
        tokio::task::yield_now().await;
    }

    second.drive(&run).await.unwrap();

    let landed = world.count("undo two").await;
    let live = second.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::NeedsPerson);
    assert_eq!(second.store.tally().await.unwrap().locks, 1);
    assert!(late.await.unwrap().is_err(), "it was taken over");
    assert_eq!(
        world.count("undo two").await,
        landed,
        "it landed after a person was asked"
    );
}
