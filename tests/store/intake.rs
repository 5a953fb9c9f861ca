//! What the door says of a delivery, and what is in the database afterwards, agree.

use super::database::{Database, delivery, later, noon};
use signalbox::intake::{Intake, NotKept};
use signalbox::store::Store;
use sqlx::Row;
use std::sync::Arc;
use std::time::Duration;

fn open(store: &Store) -> Intake {
    let (intake, writing) = Intake::new(store.clone(), Arc::default(), Arc::default());
    tokio::spawn(writing);
    intake
}

async fn kept(store: &Store) -> Vec<String> {
    let requests = store.take_requests("reader", noon(), later(60), 9).await.unwrap();
    requests.into_iter().map(|request| request.id).collect()
}

/// On PostgreSQL a commit can be made to take its time: by a check that comes last.
async fn slow_commits(database: &Database, seconds: f64) {
    let statements = [
        format!(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; \
             END $$"
        ),
        "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON delivery DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE \
         FUNCTION slow()"
            .to_owned(),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&database.raw().await)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_not_to_be_kept_is_not_kept_later() {
    let database = Database::sqlite();
    let store = database.open().await;
    let intake = open(&store);
    let mut holder = database.raw().await.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *holder).await.unwrap();
    let told = intake.keep(delivery("early")).await;
    assert_eq!(told, Err(NotKept::NoStore));
    // The first is in the transaction that waits for the lock; the next comes in time.
    let next = delivery("late");
    let id = next.request.id.clone();
    let (told, _) = tokio::join!(intake.keep(next), sqlx::query("ROLLBACK").execute(&mut *holder));
    assert_eq!(told, Ok(()));
    assert_eq!(kept(&store).await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_has_not_answered_is_not_called_nothing() {
    let database = Database::postgres().await;
    let store = database.open().await;
    let intake = open(&store);
    slow_commits(&database, 4.0).await;
    let slow = delivery("slow");
    let id = slow.request.id.clone();
    assert_eq!(intake.keep(slow).await, Err(NotKept::Unknown));
    // The next commit comes after it.
    let raw = database.raw().await;
    sqlx::query("DROP TRIGGER slow ON delivery")
        .execute(&raw)
        .await
        .unwrap();
    assert_eq!(kept(&store).await, [id]);
}

/// The server ends the connection in the middle of the commit. What became of it is found by storing it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_broke_off_is_tried_again_and_stored_once() {
    let database = Database::postgres().await;
    let store = database.open().await;
    let intake = open(&store);
    slow_commits(&database, 0.5).await;
    let first = delivery("first");
    let id = first.request.id.clone();
    let raw = database.raw().await;
    let cut = async {
        loop {
            let cut = sqlx::query(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event = 'PgSleep') AS cut",
            )
            .fetch_one(&raw)
            .await
            .unwrap();
            if cut.get::<i64, _>(0) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (told, ()) = tokio::join!(intake.keep(first), cut);
    assert_eq!(told, Ok(()));
    assert_eq!(kept(&store).await, [id]);
}

/// A refusal of one is a refusal at once; nobody waits out the patience for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_is_believed() {
    let database = Database::postgres().await;
    let store = database.open().await;
    let intake = open(&store);
    let raw = database.raw().await;
    let readonly = "ALTER TABLE delivery ADD CONSTRAINT none CHECK (id <> 'unwanted')";
    sqlx::query(readonly).execute(&raw).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(1), intake.keep(delivery("unwanted"))).await;
    assert_eq!(told, Ok(Err(NotKept::NoStore)));
    assert_eq!(kept(&store).await, Vec::<String>::new());
}
