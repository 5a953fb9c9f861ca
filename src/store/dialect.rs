//! What differs between SQLite and PostgreSQL, and stands nowhere else: how a connection is opened and how a
//! transaction begins.

use super::StoreError;
use super::values::{at_once, places, statement};
use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyPoolOptions;
use sqlx::postgres::PgListener;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

/// FULL: what was acknowledged survives the machine, not just the process.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA temp_store = MEMORY";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(super) fn of(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            scheme => Err(StoreError::Open {
                place: scheme.unwrap_or("without a scheme").to_owned(),
                reason: "store.url begins with sqlite: or postgres:".to_owned(),
            }),
        }
    }

    /// A pool to write with and one to read with. SQLite has one writer, and readers that never wait for it.
    pub(super) async fn open(self, url: &str) -> Result<(AnyPool, AnyPool), StoreError> {
        match self {
            Self::Sqlite => {
                let path = sqlite_path(url);
                if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(|error| StoreError::Open {
                        place: path.to_owned(),
                        reason: error.to_string(),
                    })?;
                }
                let url = format!("sqlite:{path}?mode=rwc");
                let place = |error: sqlx::Error| StoreError::Open {
                    place: path.to_owned(),
                    reason: error.to_string(),
                };
                // A pool tries again until its patience ends, and then knows no reason; one connection does.
                let mut first = AnyConnection::connect(&url).await.map_err(place)?;
                first.execute(SQLITE_SETTINGS).await.map_err(place)?;
                first.close().await.map_err(place)?;
                let pool = |size: u32| {
                    AnyPoolOptions::new()
                        .max_connections(size)
                        .acquire_timeout(Duration::from_secs(10))
                        // A file does not go away like a server.
                        .test_before_acquire(false)
                        .before_acquire(|connection, _| Box::pin(between_transactions(connection)))
                        .after_connect(|connection, _| {
                            Box::pin(async move { connection.execute(SQLITE_SETTINGS).await.map(|_| ()) })
                        })
                };
                Ok((
                    pool(1).connect(&url).await.map_err(place)?,
                    pool(3).connect(&url).await.map_err(place)?,
                ))
            }
            Self::Postgres => {
                let pool = AnyPoolOptions::new()
                    .max_connections(12)
                    .acquire_timeout(Duration::from_secs(10))
                    .before_acquire(|connection, _| Box::pin(between_transactions(connection)))
                    .connect(url)
                    .await
                    .map_err(|error| StoreError::Open {
                        place: "on PostgreSQL".to_owned(),
                        reason: error.to_string(),
                    })?;
                Ok((pool.clone(), pool))
            }
        }
    }

    /// One connection that is never closed: it is the database.
    pub(super) async fn in_memory() -> Result<AnyPool, StoreError> {
        let pool = AnyPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect("sqlite::memory:")
            .await?;
        Ok(pool)
    }

    /// SQLite takes the write lock at once: a transaction that reads first and writes later could fail half-way.
    pub(super) async fn begin(self, pool: &AnyPool) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self {
            Self::Sqlite => pool.begin_with("BEGIN IMMEDIATE").await,
            Self::Postgres => pool.begin().await,
        }
    }

    /// Two processes that start together must not both create the tables.
    pub(super) async fn serialize_migrations(self, work: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            sqlx::query("SELECT CAST(1 AS BIGINT) FROM (SELECT pg_advisory_xact_lock(7369676)) AS held")
                .execute(&mut **work)
                .await?;
        }
        Ok(())
    }

    /// Whoever wants one of these keys meets here, until the end of the transaction. SQLite has one writer anyway.
    pub(super) async fn one_at_a_time(
        self,
        work: &mut Transaction<'static, Any>,
        keys: &[&String],
    ) -> Result<(), sqlx::Error> {
        if self == Self::Sqlite {
            return Ok(());
        }
        for some in keys.chunks(at_once(1)) {
            // In the order in which they are given; all takers sort alike, or two could wait for each other for ever.
            let mut query = statement(
                format!(
                    "SELECT COUNT(*) FROM (SELECT pg_advisory_xact_lock(hashtextextended(v.k, 7369676)) \
                     FROM (VALUES {}) AS v (k)) AS held",
                    places(0, some.len(), 1)
                ),
                some.len(),
            );
            for key in some {
                query = query.bind((*key).clone());
            }
            query.fetch_one(&mut **work).await?;
        }
        Ok(())
    }

    /// Tells other processes, when the transaction is committed, that there is something new.
    pub(super) async fn wake_others(self, work: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            sqlx::query("SELECT COUNT(*) FROM (SELECT pg_notify('signalbox', '')) AS told")
                .execute(&mut **work)
                .await?;
        }
        Ok(())
    }

    /// Calls `ring` whenever a process says that there is something new, until the line breaks.
    pub(super) async fn heed(self, url: &SecretString, ring: impl Fn()) -> Result<Infallible, sqlx::Error> {
        match self {
            // Processes on one file find by looking.
            Self::Sqlite => std::future::pending().await,
            Self::Postgres => {
                let mut listener = PgListener::connect(url.expose_secret()).await?;
                listener.listen("signalbox").await?;
                loop {
                    // None: the line broke and is there again. What was told meanwhile is found by looking.
                    listener.try_recv().await?;
                    ring();
                }
            }
        }
    }

    /// What is locked by another replica at this moment is passed over instead of waited for.
    pub(super) fn passing_over(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// A file with tables, but without ours, belongs to another program. A server's database may be shared.
    pub(super) async fn refuse_foreign(self, work: &mut Transaction<'static, Any>) -> Result<(), StoreError> {
        if self == Self::Postgres {
            return Ok(());
        }
        let foreign: Option<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND NOT EXISTS \
             (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta') ORDER BY name LIMIT 1",
        )
        .fetch_optional(&mut **work)
        .await?;
        match foreign {
            None => Ok(()),
            Some(table) => Err(StoreError::Open {
                place: "in this file".to_owned(),
                reason: format!(
                    "it is the database of another program, with a table {table}; name another file in store.url"
                ),
            }),
        }
    }
}

/// After a full disk SQLite has rolled back by itself, and the connection still counts a transaction that it can neither
/// end nor go on with: it is thrown away.
async fn between_transactions(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    Ok(!connection.is_in_transaction())
}

/// `sqlite:data/x.db`, `sqlite://data/x.db` and `sqlite:///data/x.db`, with or without options.
fn sqlite_path(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.split_once('?').map_or(path, |(path, _)| path)
}
