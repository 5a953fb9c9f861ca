//! A database that is older than the world: what it believes is still to be done was done.

use super::world::World;
use signalbox::custody::verify::verify;
use signalbox::dispatch::Reply;
use signalbox::report::Outcome;
use signalbox::request::Ask;
use sqlx::AnyPool;
use std::fs;

/// One step; more than 5 orders need a second person.
const SEND: &str = r#"
summary = "Sends."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "inputs.order"
[[step]]
name = "send"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('sent')"
say = "Sends."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Sent."
"#;

fn approve(run: &str) -> Ask {
    Ask::Approve {
        run: run.to_owned(),
        digest: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_restored_database_has_forgotten_is_told_and_not_done_twice() {
    let world = World::new(&[("send", SEND)], None).await;
    let (process, custody) = world.process_with("signalbox.toml").await;
    let run = process.begin("send", 9).await;
    custody.seal(jiff::Timestamp::now()).await.unwrap();
    let file = AnyPool::connect(&format!("sqlite:{}", world.path("bot.db").display()))
        .await
        .unwrap();
    sqlx::query("VACUUM INTO $1")
        .bind(world.path("backup.db").to_str().unwrap())
        .execute(&file)
        .await
        .unwrap();

    assert!(matches!(process.ask("lee", approve(&run)).await, Reply::Run(_)));
    process.drive(&run).await.unwrap();
    assert_eq!(world.count("sent").await, 1);
    custody.seal(jiff::Timestamp::now()).await.unwrap();

    // The disk is lost, the seals are not.
    let config = fs::read_to_string(world.path("signalbox.toml")).unwrap();
    let seals = custody.seals.display().to_string();
    world.write("restored.url", &format!("sqlite:{}", world.path("backup.db").display()));
    let restored = config.replace(
        "\"file:store.url\"",
        &format!("\"file:restored.url\"\nseals = \"{seals}\""),
    );
    assert_ne!(config, restored);
    world.write("restored.toml", &restored);
    let (after, custody) = world.process_with("restored.toml").await;
    assert_eq!(after.live(&run).await.state.standing(), Outcome::AwaitingApproval);
    after.ask("dana", Ask::Pause { runbook: None }).await;

    let told = verify(&after.store, std::slice::from_ref(&custody.seals))
        .await
        .unwrap();
    let of_run = format!(" of {run} are missing, sealed by seal 2 of ");
    assert!(
        told.findings.iter().any(|it| it.say.contains(&of_run)),
        "{:#?}",
        told.findings
    );

    // Somebody presses the old button all the same, and is told no.
    after.ask("lee", approve(&run)).await;
    after.drive(&run).await.unwrap();
    after.ask("dana", Ask::Resume { runbook: None }).await;
    after.drive(&run).await.unwrap();
    assert_eq!(after.live(&run).await.state.standing(), Outcome::Refused);
    assert_eq!(world.count("sent").await, 1);
}
