//! What people do to a run while it waits, and what changes under it meanwhile.

use super::world::{PEOPLE, Process, World};
use signalbox::dispatch::Reply;
use signalbox::report::Outcome;
use signalbox::request::{Ask, Resolution, Words};
use signalbox::run::journal::Entry;
use signalbox::run::ledger::LedgerError;
use signalbox::run::state::{Phase, StepState};
use signalbox::runbook::StepOutcome;
use sqlx::AnyPool;

/// Two steps with undos and a third that fails where the shop says so.
const ORDERED: &str = r#"
summary = "Does one, two and three."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "inputs.order"

[[step]]
name = "one"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('one')"
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
say = "Two."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "UNDO TWO"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Done."

[[step]]
name = "three"
use = "postgres.statement"
on = "shop"
with.sql = "THREE"
say = "Three."
[[step.expect]]
when = "call.result == 'done'"
outcome = "OUTCOME"
say = "Judged."
"#;

pub(super) const GOES_WELL: &str = "insert into effect (word) values ('three')";
pub(super) const FAILS: &str = "insert into nowhere (word) values ('three')";
pub(super) const UNDOES: &str = "insert into effect (word) values ('undo two')";

pub(super) fn ordered(undo_two: &str, three: &str, outcome: &str) -> String {
    ORDERED
        .replace("UNDO TWO", undo_two)
        .replace("THREE", three)
        .replace("OUTCOME", outcome)
}

pub(super) async fn world(runbook: &str) -> (World, Process) {
    let world = World::new(&[("act", runbook)], None).await;
    let process = world.process("one").await;
    (world, process)
}

pub(super) fn said(reply: Reply) -> String {
    match reply {
        Reply::Said(report) => report.say,
        Reply::Run(run) => panic!("it became run {run}"),
    }
}

pub(super) fn accepted(reply: Reply) {
    if let Reply::Said(report) = reply {
        panic!("{}", report.say);
    }
}

pub(super) fn run(runbook: &str, order: i64) -> Ask {
    Ask::Run {
        runbook: runbook.to_owned(),
        words: Words::Named(vec![("order".to_owned(), order.to_string())]),
        dry: false,
    }
}

pub(super) fn approve(run: &str) -> Ask {
    Ask::Approve {
        run: run.to_owned(),
        digest: None,
    }
}

pub(super) fn resolve(run: &str, resolution: Resolution) -> Ask {
    Ask::Resolve {
        run: run.to_owned(),
        step: "three".to_owned(),
        resolution,
        reason: "I looked at the shop".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stops_and_the_undo_goes_backwards() {
    let (world, process) = world(&ordered(UNDOES, FAILS, "done")).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    let live = process.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::PartlyDone);
    assert_eq!(world.effects().await, ["one", "two"]);

    accepted(process.ask("lee", Ask::Undo { run: run.clone() }).await);
    // Undoing is doing: nobody else may work on the same order meanwhile.
    assert_eq!(process.store.holders("order:1").await.unwrap().len(), 1);
    process.drive(&run).await.unwrap();

    assert_eq!(process.live(&run).await.state.standing(), Outcome::Undone);
    assert_eq!(world.effects().await, ["one", "two", "undo two", "undo one"]);
    assert!(process.store.holders("order:1").await.unwrap().is_empty());
    assert!(said(process.ask("lee", Ask::Undo { run }).await).contains("nothing that can be undone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_fails_stops_the_undoing() {
    let undo =
        format!("say = \"Three.\"\n[step.undo]\nuse = \"postgres.statement\"\non = \"shop\"\nwith.sql = \"{FAILS}\"");
    let runbook = ordered(FAILS, FAILS, "done").replace("say = \"Three.\"", &undo);
    let runbook = format!("on_failure = \"undo\"\n{runbook}");
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    let live = process.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::PartlyDone);
    assert_eq!(world.effects().await, ["one", "two"]);
    let undone = |step: usize| {
        matches!(
            live.state.steps[step],
            StepState::Undone {
                outcome: StepOutcome::Failed,
                ..
            }
        )
    };
    assert!(undone(1) && !undone(0), "{:?}", live.state.steps);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_decided_by_a_person() {
    for (resolution, end) in [
        (Resolution::Done, Outcome::Succeeded),
        (Resolution::NotDone, Outcome::PartlyDone),
        (Resolution::Abandon, Outcome::PartlyDone),
    ] {
        let (world, process) = world(&ordered(UNDOES, GOES_WELL, "unknown")).await;
        let run = process.begin("act", 1).await;
        process.drive(&run).await.unwrap();
        assert_eq!(process.live(&run).await.state.standing(), Outcome::NeedsPerson);
        assert_eq!(process.store.holders("order:1").await.unwrap().len(), 1);
        // Neither time nor another process decides it.
        assert!(process.claim(&run).await.is_none());
        assert!(!said(process.ask("lee", Ask::Undo { run: run.clone() }).await).is_empty());

        accepted(process.ask("lee", resolve(&run, resolution)).await);
        process.drive(&run).await.unwrap();

        assert_eq!(process.live(&run).await.state.standing(), end);
        assert_eq!(world.effects().await, ["one", "two", "three"]);
        assert!(process.store.holders("order:1").await.unwrap().is_empty());
        assert!(said(process.ask("lee", resolve(&run, resolution)).await).contains("no step"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_step_waits_for_its_person() {
    let runbook = ordered(UNDOES, GOES_WELL, "done").replace(
        "name = \"two\"\nuse = \"postgres.statement\"",
        "name = \"call\"\nmanual = \"Call the supplier.\"\nsay = \"Call.\"\n[[step]]\nname = \"two\"\nuse = \
         \"postgres.statement\"",
    );
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::NeedsPerson);
    assert_eq!(world.effects().await, ["one"]);

    let mut tick = resolve(&run, Resolution::Done);
    if let Ask::Resolve { step, .. } = &mut tick {
        *step = "call".to_owned();
    }
    accepted(process.ask("lee", tick).await);
    process.drive(&run).await.unwrap();

    assert_eq!(process.live(&run).await.state.standing(), Outcome::Succeeded);
    assert_eq!(world.effects().await, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_next_step_leaves_the_rest_undone() {
    let runbook = ordered(UNDOES, GOES_WELL, "done").replace("values ('two')", "select 'two' from pg_sleep(0.5)");
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    let epoch = process.claim(&run).await.unwrap();
    let (engine, id) = (process.station.engine.clone(), run.clone());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    // Created, started, two of the first step, the intent of the second.
    while process.store.seq(&run).await.unwrap() < 5 {
        tokio::task::yield_now().await;
    }
    accepted(process.ask("lee", Ask::Stop { run: run.clone() }).await);
    driver.await.unwrap().unwrap();

    let live = process.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::Stopped);
    assert_eq!(world.effects().await, ["one", "two"]);
    assert!(matches!(live.state.steps[2], StepState::Waiting { attempts: 0, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_certainly_not_done_is_made_again() {
    let runbook = ordered(UNDOES, FAILS, "done").replace(
        "say = \"Three.\"",
        "retry = { times = 2, pause = \"1s\" }\nsay = \"Three.\"",
    );
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    let epoch = process.claim(&run).await.unwrap();
    let (engine, id) = (process.station.engine.clone(), run.clone());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    let not_made = |entry: &Entry| matches!(entry, Entry::NotMade { .. });
    while !process
        .live(&run)
        .await
        .run
        .journal
        .iter()
        .any(|row| not_made(&row.entry))
    {
        tokio::task::yield_now().await;
    }
    world.tell("CREATE TABLE nowhere (word TEXT)").await;
    driver.await.unwrap().unwrap();

    let live = process.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::Succeeded);
    assert_eq!(live.run.journal.iter().filter(|row| not_made(&row.entry)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_one_plan() {
    let runbook = ordered(UNDOES, GOES_WELL, "done");
    let (world, before) = world(&runbook).await;
    let run = before.begin("act", 9).await;
    let old = before.live(&run).await.plan().digest.clone();
    assert_eq!(before.live(&run).await.state.standing(), Outcome::AwaitingApproval);
    assert!(
        !said(before.ask("dana", approve(&run)).await).is_empty(),
        "dana asked for it"
    );

    world.write("commands/act.toml", &runbook.replace("'three')", "'another')"));
    let after = world.process("two").await;
    accepted(after.ask("lee", approve(&run)).await);
    after.drive(&run).await.unwrap();

    let live = after.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::AwaitingApproval);
    assert_ne!(live.plan().digest, old);
    assert!(
        live.state
            .history
            .iter()
            .any(|line| line.contains("the runbook's file was edited")),
        "{:?}",
        live.state.history
    );
    assert!(world.effects().await.is_empty());

    // Who looked at the old plan does not approve the new one.
    let stale = Ask::Approve {
        run: run.clone(),
        digest: Some(old),
    };
    assert!(!said(after.ask("lee", stale).await).is_empty());
    accepted(after.ask("lee", approve(&run)).await);
    after.drive(&run).await.unwrap();
    assert_eq!(world.effects().await, ["one", "two", "another"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_run_it_gets_nothing_started() {
    let (world, before) = world(&ordered(UNDOES, GOES_WELL, "done")).await;
    let run = before.begin("act", 9).await;
    // The yes comes while dana is still known; the start comes when not.
    accepted(before.ask("lee", approve(&run)).await);
    world.write(
        "people.toml",
        &PEOPLE.replace("[person.dana]\ngroups = [\"ops\"]\n", ""),
    );
    let after = world.process("two").await;
    after.drive(&run).await.unwrap();
    let live = after.live(&run).await;
    assert_eq!(live.state.standing(), Outcome::Denied);
    assert!(
        live.state
            .say
            .as_deref()
            .is_some_and(|say| say.starts_with("Not started.")),
        "{:?}",
        live.state.say
    );
    assert!(world.effects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runbook_that_is_gone_starts_nothing_and_ends_what_began() {
    let (world, before) = world(&ordered(UNDOES, GOES_WELL, "done")).await;
    let waits = before.begin("act", 9).await;
    accepted(before.ask("lee", approve(&waits)).await);
    let began = before.begin("act", 1).await;
    let stopped = before.begin("act", 2).await;
    std::fs::remove_file(world.path("commands/act.toml")).unwrap();
    let after = world.process("two").await;

    // What began can be stopped all the same, by those who may stop what is destructive.
    accepted(after.ask("lee", Ask::Stop { run: stopped.clone() }).await);
    after.drive(&stopped).await.unwrap();
    assert_eq!(after.live(&stopped).await.state.standing(), Outcome::Stopped);

    // The plan is pinned: a deleted file never changes a run in flight.
    after.drive(&began).await.unwrap();
    assert_eq!(after.live(&began).await.state.standing(), Outcome::Succeeded);
    assert_eq!(world.effects().await, ["one", "two", "three"]);

    after.drive(&waits).await.unwrap();
    let live = after.live(&waits).await;
    assert!(
        matches!(live.state.phase(), Some(Phase::Closed { .. })),
        "{:?}",
        live.state.phase()
    );
    assert_eq!(
        live.state.say.as_deref(),
        Some("Not started. The runbook act was removed after this was asked for, so nobody can decide on it.")
    );
    assert_eq!(world.effects().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_was_changed_in_the_database_is_not_carried_out() {
    let (world, process) = world(&ordered(UNDOES, GOES_WELL, "done")).await;
    let run = process.begin("act", 1).await;
    let file = AnyPool::connect(&format!("sqlite:{}", world.path("bot.db").display()))
        .await
        .unwrap();
    let changed =
        sqlx::query("UPDATE run SET plan = replace(plan, '(word) values (''one'')', '(word) values (''lots'')')")
            .execute(&file)
            .await
            .unwrap();
    assert_eq!(changed.rows_affected(), 1);

    let epoch = process.claim(&run).await.unwrap();
    let driven = process.station.engine.drive(&run, epoch, None).await;

    assert!(matches!(driven, Err(LedgerError::Tampered(_))), "{driven:?}");
    assert!(world.effects().await.is_empty());
}
