//! What differs between SQLite and PostgreSQL, and stands nowhere else: how a connection is opened and how a
//! transaction begins.

use super::StoreError;
use super::values::{Row, with_rows};
use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyPoolOptions;
use sqlx::postgres::PgListener;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction};
use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// FULL: what was acknowledged survives the machine, not just the process.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                               PRAGMA temp_store = MEMORY";

/// The writer touches the same pages again and again: it keeps 16 MB of them, and copies them from the log into the file
/// less often than by default.
const WRITER_SETTINGS: &str = "PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 8000";

/// Whoever opens a file waits so long for another one that has it to itself.
const LOCKED: Duration = Duration::from_secs(5);

/// Statements are planned once and kept. A plan made while a table was small reads all of it, and would go on to when it
/// holds a million rows; whatever we ask for has an index.
const POSTGRES_SETTINGS: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// Statements that a connection to PostgreSQL keeps prepared: all that we have, in all their sizes.
const KEPT_STATEMENTS: u32 = 500;

/// A connection that was used so lately is not asked whether it is still there.
const SURELY_THERE: Duration = Duration::from_millis(50);

/// The ways to the database.
#[derive(Debug)]
pub(super) struct Pools {
    /// For whatever is written but for journals.
    pub(super) write: AnyPool,
    /// For looks.
    pub(super) read: AnyPool,
    /// For the one writer of journals and answers.
    pub(super) journal: AnyPool,
}

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

    /// Opens the database. SQLite has one writer, and readers that never wait for it.
    pub(super) async fn open(self, url: &str) -> Result<Pools, StoreError> {
        match self {
            Self::Sqlite => {
                let path = sqlite_path(url);
                let file = on_disk(path);
                if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(|error| StoreError::Open {
                        place: path.to_owned(),
                        reason: error.to_string(),
                    })?;
                }
                not_cut_off(&file)?;
                let url = format!("sqlite:{path}?mode=rwc");
                let place = |error: sqlx::Error| StoreError::Open {
                    place: path.to_owned(),
                    reason: error.to_string(),
                };
                // A pool tries again until its patience ends, and then knows no reason; one connection does.
                let mut first = AnyConnection::connect(&url).await.map_err(place)?;
                // Two that turn a new file to a write-ahead log at once are in each other's way, whatever their patience.
                let begun = Instant::now();
                while let Err(error) = first.execute(SQLITE_SETTINGS).await {
                    if !is_locked(&error) || begun.elapsed() > LOCKED {
                        return Err(place(error));
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                first.close().await.map_err(place)?;
                let pool = |size: u32, settings: &'static str| {
                    AnyPoolOptions::new()
                        .max_connections(size)
                        .acquire_timeout(Duration::from_secs(10))
                        // A file does not go away like a server.
                        .test_before_acquire(false)
                        .before_acquire(|connection, _| Box::pin(between_transactions(connection)))
                        .after_connect(move |connection, _| {
                            Box::pin(async move {
                                connection.execute(SQLITE_SETTINGS).await?;
                                connection.execute(settings).await.map(|_| ())
                            })
                        })
                };
                let write = pool(1, WRITER_SETTINGS).connect(&url).await.map_err(place)?;
                Ok(Pools {
                    journal: write.clone(),
                    write,
                    read: pool(3, "PRAGMA query_only = ON").connect(&url).await.map_err(place)?,
                })
            }
            Self::Postgres => {
                let url = with_cache(url);
                let pool = |size: u32| {
                    AnyPoolOptions::new()
                        .max_connections(size)
                        .acquire_timeout(Duration::from_secs(10))
                        .test_before_acquire(false)
                        .before_acquire(|connection, meta| Box::pin(still_there(connection, meta.idle_for)))
                        .after_connect(|connection, _| {
                            Box::pin(async move { connection.execute(POSTGRES_SETTINGS).await.map(|_| ()) })
                        })
                };
                let place = |error: sqlx::Error| StoreError::Open {
                    place: "on PostgreSQL".to_owned(),
                    reason: error.to_string(),
                };
                // Twelve connections with the one for journals, which the server must have room for.
                let write = pool(11).connect(&url).await.map_err(place)?;
                Ok(Pools {
                    read: write.clone(),
                    write,
                    // One connection, so that each of the many long statements is planned once and no more.
                    journal: pool(1).connect(&url).await.map_err(place)?,
                })
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

    /// How tables lie on the disk. A row that is written anew within its page costs no index an entry; so pages of what is
    /// written often keep room for it.
    pub(super) async fn lay_out(self, work: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            for table in ["run", "request", "message", "lease"] {
                let text = format!("ALTER TABLE {table} SET (fillfactor = 50)");
                sqlx::query(AssertSqlSafe(text)).execute(&mut **work).await?;
            }
        }
        Ok(())
    }

    /// Whoever wants one of these keys meets here, until the end of the transaction. SQLite has one writer anyway.
    pub(super) async fn one_at_a_time(
        self,
        work: &mut Transaction<'static, Any>,
        keys: &[Row],
    ) -> Result<(), sqlx::Error> {
        if self == Self::Sqlite {
            return Ok(());
        }
        // In the order in which they are given; all takers sort alike, or two could wait for each other for ever.
        let lock = "SELECT COUNT(*) FROM (SELECT pg_advisory_xact_lock(hashtextextended(v.k, 7369676)) FROM v \
                    WHERE v.k IS NOT NULL) AS held";
        with_rows(self, work, "k", keys, lock).await?;
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

/// A server may have gone since.
async fn still_there(connection: &mut AnyConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        return Ok(false);
    }
    Ok(idle < SURELY_THERE || connection.ping().await.is_ok())
}

/// The address with our number of kept statements, unless it names one.
fn with_cache(url: &str) -> String {
    const NAME: &str = "statement-cache-capacity";
    if url.contains(NAME) {
        return url.to_owned();
    }
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}{NAME}={KEPT_STATEMENTS}")
}

/// Whether another process has the file to itself at this moment.
fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|it| it.code()).as_deref() == Some("5")
}

/// The two signs that are written otherwise in an address.
fn on_disk(path: &str) -> PathBuf {
    PathBuf::from(path.replace("%3F", "?").replace("%25", "%"))
}

/// SQLite opens a file of which the end is missing, and fails where it comes to it: days later, perhaps. The header says how
/// long the file must be. What is still in the write-ahead log may make it longer.
fn not_cut_off(path: &Path) -> Result<(), StoreError> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    if std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0) {
        return Ok(());
    }
    let mut header = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| {
        file.read_exact(&mut header)?;
        Ok(file.metadata()?.len())
    });
    // What is no database at all is told by SQLite.
    let Ok(length) = read else { return Ok(()) };
    if !header.starts_with(b"SQLite format 3\0") {
        return Ok(());
    }
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]));
    if length >= page * pages {
        return Ok(());
    }
    Err(StoreError::Open {
        place: path.display().to_string(),
        reason: format!(
            "the file is cut off: {length} bytes of {} are there. Restore a backup; what the file still holds can be tried \
             with `sqlite3 FILE .recover`",
            page * pages
        ),
    })
}

/// `sqlite:data/x.db`, `sqlite://data/x.db` and `sqlite:///data/x.db`, with or without options.
fn sqlite_path(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    path.split_once('?').map_or(path, |(path, _)| path)
}
