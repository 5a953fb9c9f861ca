//! Lets time pass without waiting: everything that the bot has written becomes so much older.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::AnyPool;
use std::path::Path;

/// Times that journal entries hold themselves.
const TIMES: [&str; 3] = ["until", "deadline", "again"];

/// `database` is the bot's SQLite file; `span` is written `31m`.
pub async fn grow_older(database: &Path, span: &str) {
    sqlx::any::install_default_drivers();
    let span: SignedDuration = span.parse().unwrap();
    let micros = i64::try_from(span.as_micros()).unwrap();
    let bot = AnyPool::connect(&format!("sqlite:{}", database.display()))
        .await
        .unwrap();
    for older in [
        "UPDATE run SET created = created - $1, wake = wake - $1",
        "UPDATE journal SET at = at - $1",
        "UPDATE held_lock SET since = since - $1",
    ] {
        sqlx::query(older).bind(micros).execute(&bot).await.unwrap();
    }
    let entries: Vec<(String, i64, String)> = sqlx::query_as("SELECT run, seq, entry FROM journal")
        .fetch_all(&bot)
        .await
        .unwrap();
    for (run, seq, entry) in entries {
        let mut entry: Value = serde_json::from_str(&entry).unwrap();
        for name in TIMES {
            if let Some(at) = entry["with"][name].as_str() {
                let at: Timestamp = at.parse().unwrap();
                entry["with"][name] = (at - span).to_string().into();
            }
        }
        sqlx::query("UPDATE journal SET entry = $3 WHERE run = $1 AND seq = $2")
            .bind(run)
            .bind(seq)
            .bind(entry.to_string())
            .execute(&bot)
            .await
            .unwrap();
    }
    bot.close().await;
}
