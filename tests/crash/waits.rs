//! Runs that wait keep nobody else waiting: they hold no place among those that are under way at the same time.

use super::world::{Process, World};
use signalbox::report::Outcome;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// More than are ever under way at the same time.
const CROWD: i64 = 40;
const PATIENCE: Duration = Duration::from_secs(30);

const MARK: &str = r#"
summary = "Leaves a mark."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'WORD:' + string(inputs.order)"]
[[step]]
name = "mark"
use = "postgres.statement"
on = "shop"
with.sql = "insert into TABLE (word) values ('WORD')"
retry = { times = 3, pause = "10m" }
say = "Mark {{ inputs.order }}."
timeout = "1m"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Marked."
[[step.expect]]
when = "call.result == 'not-done'"
outcome = "failed"
say = "Not marked."
"#;

fn mark(word: &str, table: &str) -> String {
    MARK.replace("WORD", word).replace("TABLE", table)
}

async fn until(process: &Process, run: &str, outcome: Outcome) {
    let start = Instant::now();
    while process.live(run).await.state.standing() != outcome {
        assert!(start.elapsed() < PATIENCE, "{:?}", process.live(run).await.state);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paused_runs_keep_nobody_waiting_and_go_on_after_it() {
    let world = World::new(
        &[("held", &mark("held", "effect")), ("free", &mark("free", "effect"))],
        None,
    )
    .await;
    let process = world.process("one").await;
    let mut held = Vec::new();
    for order in 0..CROWD {
        held.push(process.begin("held", order).await);
    }
    process
        .store
        .pause(Some("held"), "lee", jiff::Timestamp::now())
        .await
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, Duration::from_secs(5)));
    let started = |live: signalbox::run::ledger::Live| live.state.started.is_some();
    for run in held.iter().take(33) {
        let start = Instant::now();
        while !started(process.live(run).await) {
            assert!(
                start.elapsed() < PATIENCE,
                "{run} was never looked at: those before it hold all places"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    let free = process.begin("free", 1).await;
    until(&process, &free, Outcome::Succeeded).await;
    assert_eq!(world.count("held").await, 0);

    process.store.resume(Some("held")).await.unwrap();
    for run in &held {
        until(&process, run, Outcome::Succeeded).await;
    }
    assert_eq!(world.count("held").await, CROWD);
    stop.send(true).unwrap();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runs_that_wait_for_their_next_try_keep_nobody_waiting() {
    let world = World::new(
        &[("held", &mark("held", "nowhere")), ("free", &mark("free", "effect"))],
        None,
    )
    .await;
    let process = world.process("one").await;
    let mut held = Vec::new();
    for order in 0..CROWD {
        held.push(process.begin("held", order).await);
    }
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, Duration::from_secs(5)));
    for run in &held {
        let start = Instant::now();
        while process
            .live(run)
            .await
            .state
            .steps
            .iter()
            .all(|step| !matches!(step, signalbox::run::state::StepState::Waiting { attempts: 1, .. }))
        {
            assert!(
                start.elapsed() < PATIENCE,
                "{run} was never tried: those before it hold all places"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    let free = process.begin("free", 1).await;
    until(&process, &free, Outcome::Succeeded).await;

    // Many that failed together do not come back together.
    let mut tries = Vec::new();
    for run in &held {
        let live = process.live(run).await;
        let signalbox::run::state::StepState::Waiting { after: Some(after), .. } = live.state.steps[0] else {
            panic!("{:?}", live.state);
        };
        tries.push(after);
    }
    tries.sort();
    let spread = tries[tries.len() - 1].duration_since(tries[0]);
    assert!(spread > jiff::SignedDuration::from_secs(60), "{spread}");
    stop.send(true).unwrap();
    working.await.unwrap();
}
