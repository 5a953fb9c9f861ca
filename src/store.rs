//! Everything that the bot keeps, and every SQL statement of its own database. One text for SQLite and PostgreSQL; what
//! differs stands in `dialect`.

mod alert_asks;
pub mod alert_looks;
pub mod alert_runs;
pub mod alerts;
pub mod aside;
pub mod audit;
mod batch;
pub mod chain;
mod claims;
pub mod deliveries;
mod dialect;
pub mod leases;
pub mod links;
pub mod lists;
pub mod messages;
pub mod page_notes;
pub mod pages;
pub mod platforms;
pub mod retention;
pub mod rolls;
pub mod runs;
mod schema;
mod seal;
pub mod sealing;
pub mod sessions;
pub mod tally;
pub mod turns;
mod values;
mod writer;

use dialect::Dialect;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row, Transaction};
use std::sync::Arc;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or could not be reached.
    #[error("the bot's own database: {0}")]
    Database(#[from] sqlx::Error),
    /// The file or server is not there, or not ours to write.
    #[error("cannot open the bot's own database {place}: {reason}")]
    Open {
        /// Where, without a password.
        place: String,
        /// Why.
        reason: String,
    },
    /// It was written by a later version.
    #[error(
        "the bot's own database has schema {found}, this version knows {known}: run the newer signalbox, or restore a backup"
    )]
    Newer {
        /// What is there.
        found: i64,
        /// What we know.
        known: i64,
    },
    /// What is stored cannot be what we stored.
    #[error("the bot's own database holds something that cannot be: {0}")]
    Corrupt(String),
    /// Somebody else has taken the run over; this process must not write to it any more.
    #[error("run {0} was taken over by another process")]
    Fenced(String),
    /// The run moved on since it was read: read it again.
    #[error("run {0} moved on")]
    Moved(String),
    /// The request has been answered already, by whoever was faster.
    #[error("request {0} was answered already")]
    Answered(String),
    /// There is no such run.
    #[error("there is no run {0}")]
    NoSuchRun(String),
}

/// PostgreSQL's class of codes for a server that stops, starts, or ends a connection.
const SERVER_ENDS: &str = "57P";

/// SQLite's codes for a sync of the file, and of its folder, that failed: what was written may be there or not.
const SYNC_FAILED: [&str; 2] = ["1034", "1290"];

impl StoreError {
    /// Whether the database said no, so that nothing was written. Otherwise it could not be reached, or it broke off and
    /// nobody knows what became of the commit.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                let open = |code: &str| code.starts_with(SERVER_ENDS) || SYNC_FAILED.contains(&code);
                !error.code().is_some_and(|code| open(&code))
            }
            Self::Database(_) => false,
            _ => true,
        }
    }
}

/// The bot's own database.
#[derive(Debug, Clone)]
pub struct Store {
    write: AnyPool,
    read: AnyPool,
    writer: writer::Writer,
    url: SecretString,
    dialect: Dialect,
    seal: seal::Seal,
    ended: Arc<tally::Ended>,
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn open(url: &SecretString, key: &SecretString) -> Result<Self, StoreError> {
        let store = Self::connect(url, key).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// An empty one that nothing outlives.
    pub async fn in_memory() -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let pool = Dialect::in_memory().await?;
        let store = Self {
            writer: writer::Writer::start(pool.clone(), Dialect::Sqlite),
            write: pool.clone(),
            read: pool,
            url: SecretString::from(""),
            dialect: Dialect::Sqlite,
            seal: seal::Seal::new(&SecretString::from("")),
            ended: Arc::default(),
        };
        store.migrate().await?;
        Ok(store)
    }

    async fn connect(url: &SecretString, key: &SecretString) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of(url.expose_secret())?;
        let pools = dialect.open(url.expose_secret()).await?;
        Ok(Self {
            writer: writer::Writer::start(pools.journal, dialect),
            write: pools.write,
            read: pools.read,
            url: url.clone(),
            dialect,
            seal: seal::Seal::new(key),
            ended: Arc::default(),
        })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        self.dialect.serialize_migrations(&mut work).await?;
        self.dialect.refuse_foreign(&mut work).await?;
        sqlx::query(schema::META).execute(&mut *work).await?;
        let found: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'schema'")
            .fetch_optional(&mut *work)
            .await?;
        let found: i64 = match found {
            None => 0,
            Some(text) => text
                .parse()
                .ok()
                .filter(|version| *version >= 0)
                .ok_or_else(|| StoreError::Corrupt(format!("schema version {text:?}")))?,
        };
        let known = schema::VERSIONS.len() as i64;
        if found > known {
            // What a later version added is no concern of ours, unless it says so.
            let oldest: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'oldest'")
                .fetch_optional(&mut *work)
                .await?;
            let oldest: Option<i64> = oldest.and_then(|text| text.parse().ok());
            if oldest.is_some_and(|oldest| oldest <= known) {
                tracing::warn!(
                    found,
                    known,
                    "the database was written by a later version, which lets this one work"
                );
                return Ok(());
            }
            return Err(StoreError::Newer { found, known });
        }
        for statements in &schema::VERSIONS[found as usize..] {
            for statement in *statements {
                sqlx::query(*statement).execute(&mut *work).await?;
            }
        }
        if found < known {
            self.dialect.lay_out(&mut work).await?;
        }
        sqlx::query("INSERT INTO meta (name, value) VALUES ('schema', $1) ON CONFLICT (name) DO UPDATE SET value = $1")
            .bind(known.to_string())
            .execute(&mut *work)
            .await?;
        sqlx::query("INSERT INTO meta (name, value) VALUES ('oldest', $1) ON CONFLICT (name) DO UPDATE SET value = $1")
            .bind(schema::OLDEST.to_string())
            .execute(&mut *work)
            .await?;
        // Whose seals are whose.
        sqlx::query("INSERT INTO meta (name, value) VALUES ('database', $1) ON CONFLICT (name) DO NOTHING")
            .bind(uuid::Uuid::new_v4().simple().to_string())
            .execute(&mut *work)
            .await?;
        work.commit().await?;
        Ok(())
    }

    /// Whether the database answers.
    pub async fn alive(&self) -> Result<(), StoreError> {
        let _: i64 = sqlx::query_scalar("SELECT CAST(1 AS BIGINT)")
            .fetch_one(&self.read)
            .await?;
        Ok(())
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.dialect.begin(&self.write).await?)
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn decode<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

fn encode<T: serde::Serialize>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
}

fn text(row: &AnyRow, column: usize) -> Result<String, StoreError> {
    Ok(row.try_get::<String, _>(column)?)
}

fn optional_text(row: &AnyRow, column: usize) -> Result<Option<String>, StoreError> {
    Ok(row.try_get::<Option<String>, _>(column)?)
}

fn optional_number(row: &AnyRow, column: usize) -> Result<Option<i64>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?)
}

fn number(row: &AnyRow, column: usize) -> Result<i64, StoreError> {
    Ok(row.try_get::<i64, _>(column)?)
}
