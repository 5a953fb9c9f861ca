//! Runs that wait keep nobody else waiting: they hold no place among those that are under way at the same time.

use super::world::{Process, World, pauses};
use jiff::{SignedDuration, Timestamp};
use signalbox::report::Outcome;
use signalbox::run::state::{RunState, StepState};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// More than are ever under way at the same time.
const CROWD: i64 = 80;
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);
const GRACE: Duration = Duration::from_secs(5);

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

/// A process, with many runs that will have to wait.
async fn crowd(table: &str) -> (World, Process, Vec<String>) {
    let runbooks = [("held", mark("held", table)), ("free", mark("free", "effect"))];
    let runbooks = runbooks.each_ref().map(|(name, text)| (*name, text.as_str()));
    let world = World::new(&runbooks, None).await;
    // All of them are one person's.
    let config = std::fs::read_to_string(world.path("signalbox.toml")).unwrap();
    world.write(
        "signalbox.toml",
        &format!("{config}[limits]\nperson_open = 100\nperson_per_minute = 100\nrunbook_open = 100\n"),
    );
    let process = world.process("one").await;
    let mut held = Vec::new();
    for order in 0..CROWD {
        held.push(process.begin("held", order).await);
    }
    (world, process, held)
}

async fn until(process: &Process, run: &str, is_so: impl Fn(&RunState) -> bool) {
    let start = Instant::now();
    loop {
        let state = process.live(run).await.state;
        if is_so(&state) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{run} does not come that far: {state:?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn succeeded(state: &RunState) -> bool {
    state.standing() == Outcome::Succeeded
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paused_runs_keep_nobody_waiting_and_go_on_after_it() {
    let (world, process, held) = crowd("effect").await;
    process
        .store
        .pause(Some("held"), &pauses("lee", Timestamp::now()), &[])
        .await
        .unwrap();
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, GRACE));
    for run in &held {
        until(&process, run, |state| state.started.is_some()).await;
    }

    let free = process.begin("free", 1).await;
    until(&process, &free, succeeded).await;
    assert_eq!(world.count("held").await, 0);

    process
        .store
        .resume(Some("held"), &pauses("lee", Timestamp::now()), &[])
        .await
        .unwrap();
    for run in &held {
        until(&process, run, succeeded).await;
    }
    assert_eq!(world.count("held").await, CROWD);
    stop.send(true).unwrap();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn runs_that_wait_for_their_next_try_keep_nobody_waiting() {
    let (_world, process, held) = crowd("nowhere").await;
    let next_try = |state: &RunState| match state.steps[0] {
        StepState::Waiting { attempts: 1, after } => after,
        _ => None,
    };
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, GRACE));
    for run in &held {
        until(&process, run, |state| next_try(state).is_some()).await;
    }

    let free = process.begin("free", 1).await;
    until(&process, &free, succeeded).await;

    // Many that failed together do not come back together.
    let mut tries = Vec::new();
    for run in &held {
        tries.extend(next_try(&process.live(run).await.state));
    }
    tries.sort();
    assert_eq!(tries.len(), held.len());
    let spread = tries[tries.len() - 1].duration_since(tries[0]);
    assert!(spread > SignedDuration::from_secs(60), "{spread}");
    stop.send(true).unwrap();
    working.await.unwrap();
}
