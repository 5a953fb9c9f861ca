//! How a database is opened, and which are not.

use super::database::{Database, begin, delivery, noon};
use futures::future::join_all;
use signalbox::store::StoreError;

pub async fn begins_empty_and_keeps_what_it_has(database: Database) {
    let store = database.open().await;
    store.alive().await.unwrap();
    assert!(store.runs(10).await.unwrap().is_empty());
    begin(&store, "r1").await;
    store.receive(&[delivery("d1")], noon()).await.unwrap();
    drop(store);

    let again = database.open().await;
    assert_eq!(again.run("r1").await.unwrap().seq(), 1);
    assert_eq!(again.receive(&[delivery("d1")], noon()).await.unwrap(), [false]);
}

pub async fn many_may_open_a_new_one_at_once(database: Database) {
    for opened in join_all((0..8).map(|_| database.try_open())).await {
        opened.unwrap().alive().await.unwrap();
    }
}

pub async fn a_later_schema_is_left_alone(database: Database) {
    drop(database.open().await);
    let raw = database.raw().await;
    for name in ["schema", "oldest"] {
        sqlx::query("UPDATE meta SET value = '99' WHERE name = $1")
            .bind(name)
            .execute(&raw)
            .await
            .unwrap();
    }

    let error = database.try_open().await.unwrap_err();

    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("schema 99"), "{error}");
    let kept: String = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'schema'")
        .fetch_one(&raw)
        .await
        .unwrap();
    assert_eq!(kept, "99");
}

pub async fn a_schema_version_that_is_no_number_is_told(database: Database) {
    drop(database.open().await);
    for wrong in ["one", "-1"] {
        sqlx::query("UPDATE meta SET value = $1 WHERE name = 'schema'")
            .bind(wrong)
            .execute(&database.raw().await)
            .await
            .unwrap();
        let error = database.try_open().await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    }
}
