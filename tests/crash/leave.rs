//! A process that is told to end: the step under way is let to its end, and whoever goes on has no doubt.

use super::cut::SLOW;
use super::world::World;
use signalbox::report::Outcome;
use signalbox::run::journal::Entry;
use std::process::Command;
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_leaves_ends_its_step_and_begins_no_other() {
    let world = World::new(&[("slow", SLOW)], None).await;
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("slow", 1).await;
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(first.station.clone().work(stopped, Duration::from_secs(20)));
    while !world.sleeps().await {
        assert!(!working.is_finished());
        tokio::task::yield_now().await;
    }

    stop.send(true).unwrap();
    working.await.unwrap();

    assert_eq!(world.effects().await, ["slow"]);
    assert_eq!(second.live(&run).await.state.standing(), Outcome::Running);
    second.drive(&run).await.unwrap();
    assert_eq!(world.effects().await, ["slow", "next"]);
    let live = second.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::Succeeded);
    let taken_over = |entry: &Entry| matches!(entry, Entry::TakenOver { .. });
    assert!(!live.run.journal.iter().any(|row| taken_over(&row.entry)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_not_given_the_time_leaves_a_doubt_that_is_told() {
    let world = World::new(&[("slow", SLOW)], None).await;
    let (first, second) = (world.process("first").await, world.process("second").await);
    let run = first.begin("slow", 1).await;
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(first.station.clone().work(stopped, Duration::ZERO));
    while !world.sleeps().await {
        assert!(!working.is_finished());
        tokio::task::yield_now().await;
    }

    stop.send(true).unwrap();
    working.await.unwrap();
    second.drive(&run).await.unwrap();

    assert_eq!(second.live(&run).await.state.standing(), Outcome::NeedsPerson);
    assert_eq!(world.count("next").await, 0);
}

/// Two people at two terminals and no server: the one whose command is over first must not take the other's run along.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_that_is_over_finishes_what_it_carries_out_for_others() {
    let world = World::new(&[("slow", SLOW)], None).await;
    let elsewhere = world.process("elsewhere").await;
    let run = elsewhere.begin("slow", 1).await;

    let config = world.path("signalbox.toml");
    let ended = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .args(["--config", config.to_str().unwrap(), "resume", "slow", "--as", "lee"])
            .output()
            .unwrap()
    })
    .await
    .unwrap();

    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(world.effects().await, ["slow", "next"]);
    assert_eq!(elsewhere.live(&run).await.state.standing(), Outcome::Succeeded);
}
