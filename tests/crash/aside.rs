//! Runs that cannot be believed, or not be read: they rest, nothing is lost, and everybody is told.

use super::people::{GOES_WELL, UNDOES, accepted, ordered, said, world};
use super::world::{Process, World};
use signalbox::dispatch::aside::Sight;
use signalbox::report::{Outcome, Report};
use signalbox::request::{Ask, Resolution};
use signalbox::run::ledger::LedgerError;
use std::process::Command;

/// Changed by hand in the bot's database.
async fn change(world: &World, sql: &'static str) {
    let bot = world.bot().await;
    let changed = sqlx::query(sql).execute(&bot).await.unwrap();
    assert!(changed.rows_affected() > 0, "{sql}");
    bot.close().await;
}

const OTHER_PLAN: &str = "UPDATE run SET plan = replace(plan, '(word) values (''one'')', '(word) values (''lots'')')";
/// What steps are judged by is part of what was decided upon.
const OTHER_TEXT: &str = "UPDATE run SET plan = replace(plan, 'outcome = \\\"done\\\"', 'outcome = \\\"skipped\\\"')";
const IMPOSSIBLE: &str = "UPDATE journal SET entry = '{\"entry\":\"expired\"}' WHERE seq = 2";
const OF_TOMORROW: &str =
    "UPDATE journal SET entry = '{\"entry\":\"teleported\",\"with\":{\"to\":\"mars\"}}' WHERE seq = 2";
const TORN: &str = "UPDATE journal SET entry = '{\"entry\":' WHERE seq = 2";

async fn told(process: &Process, run: &str) -> Report {
    process.station.desk.shown(run).await.unwrap()
}

async fn begun() -> (World, Process, String) {
    let (world, process) = world(&ordered(UNDOES, GOES_WELL, "done")).await;
    let run = process.begin("act", 1).await;
    (world, process, run)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_is_set_aside_once_and_told() {
    for change_by_hand in [OTHER_PLAN, OTHER_TEXT, IMPOSSIBLE, OF_TOMORROW, TORN] {
        let (world, process, run) = begun().await;
        change(&world, change_by_hand).await;
        let driven = process.drive(&run).await;
        let lasting = driven.as_ref().err().and_then(LedgerError::lasting);
        assert!(lasting.is_some(), "{change_by_hand}: {driven:?}");
        assert!(process.claim(&run).await.is_none(), "not looked at for ever");
        assert!(world.effects().await.is_empty());
        assert_eq!(process.store.holders("order:1").await.unwrap().len(), 1);
        let listed = process.store.runs(10).await.unwrap();
        assert_eq!(listed[0].outcome, Outcome::NeedsPerson);
        let report = told(&process, &run).await;
        assert_eq!(report.outcome, Outcome::NeedsPerson);
        for words in [
            "Set aside:",
            "Its locks stay held: order:1.",
            "start Signalbox again",
            "`stop`",
        ] {
            assert!(report.say.contains(words), "{change_by_hand}: {}", report.say);
        }
        assert!(report.say.len() < 800, "{}", report.say);
        // Whatever is asked about it is answered.
        for ask in [
            Ask::Undo { run: run.clone() },
            Ask::Approve {
                run: run.clone(),
                digest: None,
            },
            Ask::Resolve {
                run: run.clone(),
                step: "one".to_owned(),
                resolution: Resolution::Done,
                reason: "I looked".to_owned(),
            },
        ] {
            assert!(said(process.ask("lee", ask).await).starts_with("Set aside:"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_put_right_goes_on_when_a_process_begins() {
    let (world, process, run) = begun().await;
    change(&world, OTHER_PLAN).await;
    process.drive(&run).await.unwrap_err();
    change(
        &world,
        "UPDATE run SET plan = replace(plan, '(word) values (''lots'')', '(word) values (''one'')')",
    )
    .await;
    assert!(process.claim(&run).await.is_none(), "nobody looks by itself");
    let second = world.process("second").await;
    assert_eq!(
        second.store.look_at_asides_again(jiff::Timestamp::now()).await.unwrap(),
        1
    );
    second.drive(&run).await.unwrap();
    assert_eq!(second.live(&run).await.state.standing(), Outcome::Succeeded);
    assert_eq!(world.effects().await, ["one", "two", "three"]);
    assert!(second.store.asides(9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_can_put_right_is_given_up_and_its_locks_are_free() {
    let (world, process, run) = begun().await;
    change(&world, OF_TOMORROW).await;
    let stop = || Ask::Stop { run: run.clone() };
    assert!(said(process.ask("lee", stop()).await).contains("ask again in a moment"));
    process.drive(&run).await.unwrap_err();
    insta::assert_snapshot!(said(process.ask("lee", stop()).await).replace(&run, "RUN"), @"Run RUN is given up and its locks are free. What it has done is not known: look at the target.");
    assert!(process.store.holders("order:1").await.unwrap().is_empty());
    let report = told(&process, &run).await;
    assert_eq!(report.outcome, Outcome::Stopped);
    assert!(report.say.starts_with("lee gave it up."), "{}", report.say);
    assert!(said(process.ask("lee", stop()).await).contains("nothing left to stop"));
    // It stays as it is for whoever wants to know.
    let Sight::Aside(outline, _) = process.station.desk.sight(&run).await.unwrap() else {
        panic!("it can be read again");
    };
    assert_eq!(outline.person, "dana");
    accepted(process.ask("dana", super::people::run("act", 1)).await);
}

/// Its lock can be let go without the run.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_a_run_that_cannot_be_read_can_be_let_go() {
    let (world, process, run) = begun().await;
    change(&world, TORN).await;
    process.drive(&run).await.unwrap_err();
    let unlock = Ask::Unlock {
        key: "order:1".to_owned(),
        reason: "I looked at the shop".to_owned(),
    };
    assert!(said(process.ask("lee", unlock).await).contains("order:1 is free"));
    assert!(told(&process, &run).await.say.contains("It holds no locks."));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_what_can_be_told() {
    let (world, process, run) = begun().await;
    change(&world, IMPOSSIBLE).await;
    process.drive(&run).await.unwrap_err();
    let config = world.path("signalbox.toml").display().to_string();
    let show = |json: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command.args(["--config", &config, "show", &run]);
        if json {
            command.arg("--json");
        }
        let shown = command.output().unwrap();
        assert!(shown.status.success(), "{shown:?}");
        String::from_utf8(shown.stdout).unwrap()
    };
    insta::assert_snapshot!(show(false).replace(&run, "RUN"), @"
    needs a person  /act order=1  by dana  run RUN
    Set aside: its journal cannot be: the entry expired cannot come where the run may start. Nothing of
    it is carried out. Its locks stay held: order:1. Put the bot's database right, or run the version
    that wrote it, and start Signalbox again; or give the run up with `stop`, which lets its locks go,
    and look at what it has done.

      Give the run up: signalbox stop RUN
    ");
    let told: serde_json::Value = serde_json::from_str(&show(true)).unwrap();
    assert_eq!(told["outcome"], "needs-person");
    assert!(
        told["aside"]["reason"]
            .as_str()
            .unwrap()
            .contains("its journal cannot be"),
        "{told:#}"
    );
}

/// Evidence that was changed after the end is not shown as what happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_run_that_was_changed_is_told_too() {
    let (world, process, run) = begun().await;
    process.drive(&run).await.unwrap();
    change(&world, IMPOSSIBLE).await;
    let report = told(&process, &run).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert!(report.say.contains("cannot be believed any more"), "{}", report.say);
    assert!(report.buttons.is_empty());
}
