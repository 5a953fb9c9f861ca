//! Undoing: in reverse, told plainly, never on a guess.

use super::people::{FAILS, GOES_WELL, UNDOES, accepted, ordered, said, world};
use super::world::{Process, World};
use crate::harness::services::{BROKER, CeleryWorld, RESULTS, effects};
use crate::harness::slack_world::steady;
use signalbox::report::{Outcome, Press};
use signalbox::request::{Ask, Resolution};
use signalbox::run::journal::Entry;
use signalbox::run::state::StepState;
use signalbox::runbook::StepOutcome;

/// The undo of the second step, and what its answer means.
const NOBODY_CAN_TELL: &str = "insert into effect (word) values ('undo two')\"\n[[step.undo.expect]]\nwhen = \
                               \"true\"\noutcome = \"unknown\"\nsay = \"Nobody can tell whether two was undone.";

fn undo(run: &str) -> Ask {
    Ask::Undo { run: run.to_owned() }
}

fn resolve(run: &str, step: &str, resolution: Resolution) -> Ask {
    Ask::Resolve {
        run: run.to_owned(),
        step: step.to_owned(),
        resolution,
        reason: "I looked at the shop".to_owned(),
    }
}

async fn say(process: &Process, run: &str) -> String {
    process.station.desk.report(&process.live(run).await).say
}

async fn buttons(process: &Process, run: &str) -> Vec<String> {
    let report = process.station.desk.report(&process.live(run).await);
    report.buttons.into_iter().map(|button| button.label).collect()
}

/// Two steps are done, the third failed, and lee asked for the undo.
async fn undoing(two: &str) -> (World, Process, String) {
    let (world, process) = world(&ordered(two, FAILS, "done")).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    accepted(process.ask("lee", undo(&run)).await);
    (world, process, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_nobody_knows_the_end_of_keeps_its_locks_and_asks() {
    for (resolution, end, effects) in [
        (
            Resolution::Done,
            Outcome::Undone,
            vec!["one", "two", "undo two", "undo one"],
        ),
        (Resolution::NotDone, Outcome::PartlyDone, vec!["one", "two", "undo two"]),
        (Resolution::Abandon, Outcome::PartlyDone, vec!["one", "two", "undo two"]),
    ] {
        let (world, process, run) = undoing(NOBODY_CAN_TELL).await;
        process.drive(&run).await.unwrap();
        let asked = process.live(&run).await;
        assert_eq!(asked.state.standing(), Outcome::NeedsPerson);
        assert_eq!(process.store.holders("order:1").await.unwrap().len(), 1);
        assert_eq!(
            steady(&say(&process, &run).await),
            "Nobody can tell whether two was undone. Not undone, and not touched until then: one. Say whether it was \
             undone; until then its locks stay held and nothing more is undone. It has waited since DATE."
        );
        assert_eq!(
            buttons(&process, &run).await,
            ["It is undone", "It is not undone", "Give up"]
        );
        // Neither time nor another process decides it, and only what is asked can be answered.
        assert!(process.claim(&run).await.is_none());
        assert!(said(process.ask("lee", resolve(&run, "one", resolution)).await).contains("asks about two"));
        assert!(said(process.ask("lee", undo(&run)).await).contains("nothing that can be undone"));

        accepted(process.ask("lee", resolve(&run, "two", resolution)).await);
        process.drive(&run).await.unwrap();

        assert_eq!(process.live(&run).await.state.standing(), end);
        assert_eq!(world.effects().await, effects);
        assert!(process.store.holders("order:1").await.unwrap().is_empty());
        let told = say(&process, &run).await;
        match resolution {
            Resolution::Done => {
                insta::assert_snapshot!(told, @r#"What was done is undone. three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). Undone: two, one."#)
            }
            Resolution::NotDone => {
                insta::assert_snapshot!(told, @r#"three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). two: lee says that it was not undone: I looked at the shop. Not undone: one, two. Undo tries again what is not undone; or put it right by hand."#)
            }
            Resolution::Abandon => {
                insta::assert_snapshot!(told, @r#"three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). two: lee gave up finding out whether it was undone: I looked at the shop. Not undone: one. Look at the target and put the rest right by hand: nothing is undone before a step that may have been."#)
            }
        }
        let again = buttons(&process, &run).await.contains(&"Try the undo again".to_owned());
        assert_eq!(
            again,
            resolution == Resolution::NotDone,
            "nothing is undone before what may have been"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_failed_is_told_and_can_be_tried_again_in_its_turn() {
    let (world, process, run) = undoing("insert into nowhere (word) values ('undo two')").await;
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::PartlyDone);
    insta::assert_snapshot!(say(&process, &run).await, @r#"three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). two could not be undone: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). Not undone: one, two. Undo tries again what is not undone; or put it right by hand."#);
    assert_eq!(buttons(&process, &run).await, ["Try the undo again"]);
    assert_eq!(world.effects().await, ["one", "two"], "one is not undone under two");

    world.tell("CREATE TABLE nowhere (word TEXT)").await;
    accepted(process.ask("lee", undo(&run)).await);
    process.drive(&run).await.unwrap();

    assert_eq!(process.live(&run).await.state.standing(), Outcome::Undone);
    insta::assert_snapshot!(say(&process, &run).await, @r#"What was done is undone. three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). Undone: two, one."#);
    assert_eq!(world.effects().await, ["one", "two", "undo one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_was_certainly_not_made_is_made_again() {
    let runbook = ordered("insert into nowhere (word) values ('undo two')", FAILS, "done").replace(
        "say = \"Two.\"",
        "retry = { times = 1, pause = \"1s\" }\nsay = \"Two.\"",
    );
    let (world, process) = world(&runbook).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    accepted(process.ask("lee", undo(&run)).await);
    let epoch = process.claim(&run).await.unwrap();
    let (engine, id) = (process.station.engine.clone(), run.clone());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    let not_made = |entry: &Entry| matches!(entry, Entry::UndoNotMade { .. });
    while !process
        .live(&run)
        .await
        .run
        .journal
        .iter()
        .any(|row| not_made(&row.entry))
    {
        assert!(!driver.is_finished());
        tokio::task::yield_now().await;
    }
    world.tell("CREATE TABLE nowhere (word TEXT)").await;
    driver.await.unwrap().unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Undone);
    assert_eq!(world.effects().await, ["one", "two", "undo one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_undo_under_way_end_and_undoes_no_more() {
    let (world, process, run) = undoing("insert into effect (word) select 'undo two' from pg_sleep(0.5)").await;
    let epoch = process.claim(&run).await.unwrap();
    let (engine, id) = (process.station.engine.clone(), run.clone());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    while !world.sleeps().await {
        assert!(!driver.is_finished());
        tokio::task::yield_now().await;
    }
    accepted(process.ask("dana", Ask::Stop { run: run.clone() }).await);
    driver.await.unwrap().unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Stopped);
    assert_eq!(world.effects().await, ["one", "two", "undo two"]);
    insta::assert_snapshot!(say(&process, &run).await, @r#"three: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). Undone: two. Not undone: one. Stopped by dana. Undo tries again what is not undone; or put it right by hand."#);

    accepted(process.ask("lee", undo(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Undone);
    assert_eq!(world.effects().await, ["one", "two", "undo two", "undo one"]);
}

/// The process dies while its undo is out, and the target keeps no mark of it.
async fn cut_in_the_middle(two: &str) -> (World, Process, String) {
    let runbook = ordered(two, FAILS, "done").replace(
        "say = \"Two.\"",
        "timeout = \"2s\"\nprobe = { use = \"postgres.query\", on = \"shop\", with = { sql = \"select count(*) as n from \
         effect where word = 'undo two'\" } }\nsay = \"Two.\"",
    );
    let (world, first) = world(&runbook).await;
    let run = first.begin("act", 1).await;
    first.drive(&run).await.unwrap();
    accepted(first.ask("lee", undo(&run)).await);
    let epoch = first.claim(&run).await.unwrap();
    let (engine, id) = (first.station.engine.clone(), run.clone());
    let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
    while !world.sleeps().await {
        assert!(!driver.is_finished());
        tokio::task::yield_now().await;
    }
    driver.abort();
    let _ = driver.await;
    let second = world.process("second").await;
    second.drive(&run).await.unwrap();
    (world, second, run)
}

const SLOWLY: &str = "insert into effect (word) select 'undo two' from pg_sleep(0.5)";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_cut_in_the_middle_is_asked_about_by_its_probe() {
    let expects = format!(
        "{SLOWLY}\"\n[[step.undo.expect]]\nwhen = \"probe.result == 'done' && probe.value.rows[0].n > 0\"\noutcome = \
         \"done\"\nsay = \"Two is undone.\"\n[[step.undo.expect]]\nwhen = \"probe.result == 'done'\"\noutcome = \
         \"failed\"\nsay = \"Two is not undone."
    );
    let (world, process, run) = cut_in_the_middle(&expects).await;
    let standing = process.live(&run).await.state.standing();
    let undone = world.count("undo two").await == 1;
    // The statement of a process that is gone may end either way; what is told is what is so.
    assert_eq!(standing, if undone { Outcome::Undone } else { Outcome::PartlyDone });
    assert_eq!(world.count("undo one").await, i64::from(undone));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_cut_in_the_middle_that_nothing_tells_of_is_asked_of_a_person() {
    let (world, process, run) = cut_in_the_middle(SLOWLY).await;
    assert_eq!(process.live(&run).await.state.standing(), Outcome::NeedsPerson);
    assert!(
        say(&process, &run)
            .await
            .contains("Signalbox stopped in the middle of this step")
    );
    assert_eq!(world.count("undo one").await, 0);
    assert_eq!(process.store.holders("order:1").await.unwrap().len(), 1);
}

/// Celery keeps a mark of each call: what was sent is found again, what was not is sent, and nothing is sent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_by_a_target_that_remembers_needs_nobody_after_a_crash() {
    let celery = tokio::task::spawn_blocking(CeleryWorld::shared).await.unwrap();
    for moment in [0, 3, 30, 300] {
        let order = 91_000 + moment;
        let runbook = ordered(UNDOES, FAILS, "done").replace(
            "[step.undo]\nuse = \"postgres.statement\"\non = \"shop\"\nwith.sql = \"insert into effect (word) values ('undo \
             two')\"",
            "timeout = \"10s\"\n[step.undo]\nuse = \"celery.send\"\non = \"queue\"\nwith.task = \"echo\"\nwith.args = \
             [\"inputs.order\"]\nwith.expires = \"1m\"\n[[step.undo.expect]]\nwhen = \"call.result == 'done' && \
             call.value.state == 'SUCCESS'\"\noutcome = \"done\"\nsay = \"The worker undid two.\"",
        );
        let runbook = runbook.replace("orders = \"inputs.order\"", "orders = \"1\"");
        let addresses = (celery.redis.url(BROKER), celery.redis.url(RESULTS));
        let world = World::new(&[("act", &runbook)], Some(addresses)).await;
        let (first, second) = (world.process("first").await, world.process("second").await);
        let run = first.begin("act", order).await;
        first.drive(&run).await.unwrap();
        accepted(first.ask("lee", undo(&run)).await);
        let epoch = first.claim(&run).await.unwrap();
        let (engine, id) = (first.station.engine.clone(), run.clone());
        let driver = tokio::spawn(async move { engine.drive(&id, epoch, None).await });
        let intent = |entry: &Entry| matches!(entry, Entry::UndoIntent { .. });
        while !first.live(&run).await.run.journal.iter().any(|row| intent(&row.entry)) {
            assert!(!driver.is_finished());
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(moment as u64)).await;
        driver.abort();
        let _ = driver.await;

        second.drive(&run).await.unwrap();

        let live = second.live(&run).await;
        // The last one may have been cut in the undo of the first step, of which nothing tells.
        let undone = matches!(
            live.state.steps[1],
            StepState::Undone {
                outcome: StepOutcome::Done,
                ..
            }
        );
        assert!(undone, "after {moment} ms: {:?}", live.state.steps);
        let echo = format!("echo {order}");
        let sent = effects(&celery.redis).iter().filter(|it| **it == echo).count();
        assert_eq!(sent, 1, "after {moment} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_undo_is_told() {
    let runbook = ordered(UNDOES, GOES_WELL, "done");
    // Three is done and has no undo; a fourth fails.
    let four = runbook.split("[[step]]").nth(3).unwrap();
    let four = four
        .replace("\"three\"", "\"four\"")
        .replace(GOES_WELL, FAILS)
        .replace("Three.", "Four.");
    let (world, process) = world(&format!("{runbook}\n[[step]]{four}")).await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    accepted(process.ask("lee", undo(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::PartlyDone);
    insta::assert_snapshot!(say(&process, &run).await, @r#"four: It was not done: PostgreSQL refuses it: relation "nowhere" does not exist (SQLSTATE 42P01). Undone: two, one. Not undone: three. The runbook has no undo, so put right by hand: three."#);
    assert_eq!(world.effects().await, ["one", "two", "three", "undo two", "undo one"]);
    let offered = process.station.desk.report(&process.live(&run).await).buttons;
    assert!(!offered.iter().any(|button| button.press == Press::Undo), "{offered:?}");
}
