//! The time that a run has, and the time that people take. Time passes by making what was written older.

use super::people::{FAILS, GOES_WELL, UNDOES, accepted, ordered, said, world};
use super::world::{Process, World};
use signalbox::report::Outcome;
use signalbox::request::{Ask, Resolution};
use signalbox::run::journal::Entry;
use signalbox::run::ledger::LedgerError;
use signalbox::store::StoreError;

/// Half an hour for its steps.
fn short(runbook: &str) -> String {
    format!("deadline = \"30m\"\n{runbook}")
}

/// A manual step between the first and the others.
fn with_a_call(runbook: &str) -> String {
    runbook.replace(
        "name = \"two\"\nuse = \"postgres.statement\"",
        "name = \"call\"\nmanual = \"Call the supplier.\"\nsay = \"Call.\"\n[[step]]\nname = \"two\"\nuse = \
         \"postgres.statement\"",
    )
}

async fn say(process: &Process, run: &str) -> String {
    process.station.desk.report(&process.live(run).await).say
}

fn tick(run: &str) -> Ask {
    Ask::Resolve {
        run: run.to_owned(),
        step: "call".to_owned(),
        resolution: Resolution::Done,
        reason: "Mia of CJ by phone".to_owned(),
    }
}

async fn waits_for_a_call(runbook: &str) -> (World, Process, String) {
    let (world, process) = world(runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::NeedsPerson);
    (world, process, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_time_a_run_begins_no_further_step_and_says_so() {
    let runbook = short(&with_a_call(&ordered(UNDOES, GOES_WELL, "done")));
    let (world, process, run) = waits_for_a_call(&runbook).await;
    world.grow_older("31m").await;
    // What nobody knows is asked all the same; nothing else is begun.
    accepted(process.ask("lee", tick(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::PartlyDone);
    insta::assert_snapshot!(say(&process, &run).await, @"Done. lee says that it happened: Mia of CJ by phone. Its time of 30m was over. 2 of 4 steps were not begun.");
    assert_eq!(world.effects().await, ["one"]);
    assert!(process.store.holders("order:1").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn within_its_time_it_goes_on() {
    let runbook = short(&with_a_call(&ordered(UNDOES, GOES_WELL, "done")));
    let (world, process, run) = waits_for_a_call(&runbook).await;
    world.grow_older("28m").await;
    accepted(process.ask("lee", tick(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Succeeded);
    assert_eq!(world.effects().await, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_that_undoes_what_failed_undoes_what_it_had_no_time_for() {
    let third = "say = \"Three.\"\n[step.undo]\nuse = \"postgres.statement\"\non = \"shop\"\nwith.sql = \"select 1\"";
    let runbook = with_a_call(&ordered(UNDOES, GOES_WELL, "done")).replace("say = \"Three.\"", third);
    let runbook = format!("on_failure = \"undo\"\n{}", short(&runbook));
    let (world, process, run) = waits_for_a_call(&runbook).await;
    world.grow_older("31m").await;
    accepted(process.ask("lee", tick(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(world.effects().await, ["one", "undo one"]);
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Undone);
    insta::assert_snapshot!(say(&process, &run).await, @"What was done is undone. Its time of 30m was over. Undone: one. Done by hand, which nothing here can undo: call.");
}

/// The pause before the next try is longer than what is left: no try is promised that is never made.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_made_again_after_its_time() {
    let runbook = short(&ordered(UNDOES, FAILS, "done")).replace(
        "say = \"Three.\"",
        "retry = { times = 3, pause = \"45m\" }\nsay = \"Three.\"",
    );
    let (_world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    let live = process.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::PartlyDone);
    assert!(
        !live
            .run
            .journal
            .iter()
            .any(|row| matches!(row.entry, Entry::NotMade { .. }))
    );
}

/// The time ends while a run waits for its next try.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_time_ends_before_its_next_try_ends_then() {
    let runbook = short(&ordered(UNDOES, FAILS, "done")).replace(
        "say = \"Three.\"",
        "retry = { times = 3, pause = \"10m\" }\nsay = \"Three.\"",
    );
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Running);
    assert!(process.claim(&run).await.is_none(), "not before its next try");
    world.grow_older("31m").await;
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::PartlyDone);
    insta::assert_snapshot!(say(&process, &run).await, @"Done. Done. Its time of 30m was over. three was tried once in vain and certainly not done.");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_answer_is_called_again_and_by_one_process() {
    let (world, process, run) = waits_for_a_call(&with_a_call(&ordered(UNDOES, GOES_WELL, "done"))).await;
    let other = world.process("two").await;
    let calls = async || {
        let journal = process.live(&run).await.run.journal;
        journal
            .iter()
            .filter(|row| matches!(row.entry, Entry::Reminded { .. }))
            .count()
    };
    let attention = async || {
        process
            .station
            .desk
            .report(&process.live(&run).await)
            .attention
            .unwrap()
    };
    insta::assert_snapshot!(attention().await.say, @"Somebody must say what became of a step.");
    world.grow_older("20m").await;
    assert!(process.claim(&run).await.is_none(), "not yet");
    world.grow_older("11m").await;
    // Both look at the same time.
    let (one, two) = tokio::join!(process.drive(&run), other.drive(&run));
    for driven in [one, two] {
        let fenced = matches!(driven, Err(LedgerError::Store(StoreError::Fenced(_))));
        assert!(driven.is_ok() || fenced, "{driven:?}");
    }
    process.drive(&run).await.unwrap();
    assert_eq!(calls().await, 1);
    let told = attention().await;
    insta::assert_snapshot!(crate::harness::slack_world::steady(&told.say), @"Somebody must say what became of a step. Reminder 1: it has waited for 31m, since DATE. Locked meanwhile: order:1 since DATE.");
    assert_eq!(told.groups, ["ops"]);
    process.drive(&run).await.unwrap();
    assert_eq!(calls().await, 1, "once");

    // Whoever was down for three days calls once, not for every time that was missed.
    world.grow_older("72h").await;
    other.drive(&run).await.unwrap();
    other.drive(&run).await.unwrap();
    assert_eq!(calls().await, 2);

    // What was unlocked meanwhile is not called locked.
    let unlock = Ask::Unlock {
        key: "order:1".to_owned(),
        reason: "needed elsewhere".to_owned(),
    };
    said(process.ask("lee", unlock).await);
    world.grow_older("24h").await;
    process.drive(&run).await.unwrap();
    let told = attention().await;
    insta::assert_snapshot!(crate::harness::slack_world::steady(&told.say), @"Somebody must say what became of a step. Reminder 3: it has waited for 4d31m, since DATE. Nothing is locked by it.");

    accepted(process.ask("lee", tick(&run)).await);
    world.grow_older("1h").await;
    process.drive(&run).await.unwrap();
    assert_eq!(calls().await, 3, "nobody is called about what is known");
}
