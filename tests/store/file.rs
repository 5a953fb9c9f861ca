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

/// SQLite would open it, and fail days later where it comes to what is missing.
#[tokio::test]
async fn a_file_that_was_cut_off_is_told_at_once() {
    let database = Database::sqlite();
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let store = database.open().await;
    let many: Vec<_> = (0..200).map(|index| delivery(&format!("d{index}"))).collect();
    store.receive(&many, noon()).await.unwrap();
    let copy = std::path::Path::new(path).with_file_name("backup");
    database.back_up(&copy).await;
    let backup = database.restored(&copy).await;
    let path_of_backup = backup.url.strip_prefix("sqlite:").unwrap();
    let whole = std::fs::read(path_of_backup).unwrap();
    for left in [whole.len() / 2, whole.len() - 1, 4096, 100] {
        std::fs::write(path_of_backup, &whole[..left]).unwrap();
        let error = backup.try_open().await.unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("cut off") && said.contains(path_of_backup),
            "{left}: {said}"
        );
        assert!(said.contains("Restore a backup"), "{said}");
    }
    std::fs::write(path_of_backup, &whole).unwrap();
    backup.open().await;
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
