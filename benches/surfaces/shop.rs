//! The shop: a real PostgreSQL behind a wire that can hang. Then it takes connections and what is sent, and says nothing.

use crate::harness::services::Postgres;
use sqlx::{AnyConnection, Connection, Row};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const TABLES: &str = "CREATE TABLE effect (word TEXT, at BIGINT);
    CREATE TABLE orders (id BIGINT);
    INSERT INTO orders SELECT generate_series(1042, 1051)";

pub struct Shop {
    /// For the bot, over the wire.
    pub url: String,
    /// Past the wire.
    own: String,
    hangs: watch::Sender<bool>,
    _postgres: Postgres,
}

impl Shop {
    pub async fn open() -> Self {
        let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
        let own = postgres.database("bench").await;
        let mut connection = AnyConnection::connect(&own).await.unwrap();
        for statement in TABLES.split(';') {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
        let (hangs, hung) = watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap().port();
        let port = postgres.port;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(stream, port, hung.clone()));
            }
        });
        Self {
            url: own.replace(&format!(":{port}/"), &format!(":{near}/")),
            own,
            hangs,
            _postgres: postgres,
        }
    }

    pub fn hang(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    /// When a word was written.
    pub async fn written(&self, word: &str) -> SystemTime {
        let mut connection = AnyConnection::connect(&self.own).await.unwrap();
        let row = sqlx::query("SELECT at FROM effect WHERE word = $1").bind(word);
        let row = row.fetch_one(&mut connection).await.unwrap();
        let micros: i64 = row.get(0);
        UNIX_EPOCH + Duration::from_micros(micros.try_into().unwrap())
    }
}

/// Carries both ways, what is asked only while the wire does not hang.
async fn carry(near: TcpStream, port: u16, mut hung: watch::Receiver<bool>) {
    let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let ((mut asked, mut back), (mut answers, mut on)) = (near.into_split(), far.into_split());
    let answering = tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = asked.read(&mut bytes).await {
        let is_over = hung.wait_for(|hangs| !hangs).await.is_err();
        if is_over || on.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    answering.abort();
}
