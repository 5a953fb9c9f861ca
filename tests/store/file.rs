//! What can be wrong with SQLite's file.

use super::database::{Database, delivery, noon};
use signalbox::store::StoreError;

#[tokio::test]
async fn text_is_no_database() {
    let database = Database::sqlite();
    let path = database.url.strip_prefix("sqlite:").unwrap();
    std::fs::write(path, "[server]\nlisten = \"127.0.0.1:8080\"\n".repeat(100)).unwrap();
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("store.db"), "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_folder_is_no_database() {
    let database = Database::sqlite();
    std::fs::create_dir(database.url.strip_prefix("sqlite:").unwrap()).unwrap();
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

/// A typing mistake in `store.url` must not write twelve tables into another program's file.
#[tokio::test]
async fn the_file_of_another_program_is_left_alone() {
    let database = Database::sqlite();
    std::fs::File::create(database.url.strip_prefix("sqlite:").unwrap()).unwrap();
    let raw = database.raw().await;
    sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        .execute(&raw)
        .await
        .unwrap();

    let error = database.try_open().await.unwrap_err();

    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("another program"), "{error}");
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'")
        .fetch_one(&raw)
        .await
        .unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_file_that_somebody_keeps_locked_is_told() {
    let database = Database::sqlite();
    let store = database.open().await;
    let raw = database.raw().await;
    let mut holder = raw.acquire().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *holder).await.unwrap();

    // Who only reads is not kept waiting.
    assert!(store.runs(10).await.unwrap().is_empty());
    let written = store.receive(&[delivery("d1")], noon()).await.unwrap_err();
    assert!(written.to_string().contains("locked"), "{written}");
    let opened = database.try_open().await.unwrap_err();
    assert!(opened.to_string().contains("locked"), "{opened}");

    sqlx::query("ROLLBACK").execute(&mut *holder).await.unwrap();
    assert_eq!(store.receive(&[delivery("d1")], noon()).await.unwrap(), [true]);
}
