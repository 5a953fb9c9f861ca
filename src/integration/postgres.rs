//! A PostgreSQL database: read-only looks, and statements with bound parameters.
//!
//! Its credential needs no more than SELECT on what the runbooks look at, and UPDATE where one has a `statement`.
//!
//! Every call has a connection of its own, a few at a time. Looks are rare, and a pool would hide why the server cannot
//! be reached (it tries again until it has waited too long) and hand out connections that a restart has killed.

mod bind;

use super::argument::{self, ArgumentError};
use super::deadline;
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use bind::BindError;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _};
use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "postgres",
        name: "query",
        summary: "Reads rows in a read-only transaction.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec {
                name: "sql",
                kind: Kind::FixedText,
                required: true,
                help: "One SELECT with $1, $2... placeholders. A number keeps its digits; what has no JSON kind comes as text.",
            },
            ArgumentSpec {
                name: "params",
                kind: Kind::Values,
                required: false,
                help: "What is bound to them, each of the type that the server wants there; for other types than numbers, text, booleans, JSON and lists of them write `$1::text::date`.",
            },
            ArgumentSpec {
                name: "limit",
                kind: Kind::FixedInteger,
                required: false,
                help: "Rows at the most; 1000 unless given.",
            },
        ],
        gives: &[
            ("rows", "A list of objects by column name."),
            ("count", "How many rows."),
            ("more", "True if the limit cut the list."),
        ],
    },
    ActionSpec {
        integration: "postgres",
        name: "statement",
        summary: "Runs one statement in a transaction.",
        effect: Effect::Write,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec {
                name: "sql",
                kind: Kind::FixedText,
                required: true,
                help: "One statement with placeholders.",
            },
            ArgumentSpec {
                name: "params",
                kind: Kind::Values,
                required: false,
                help: "What is bound to them.",
            },
            ArgumentSpec {
                name: "expect_rows",
                kind: Kind::Value,
                required: false,
                help: "Rolls back unless exactly this many rows are touched.",
            },
        ],
        gives: &[("count", "Rows touched.")],
    },
];

/// Rows that a query gives unless its runbook says otherwise, and the most that it may say.
const DEFAULT_LIMIT: u64 = 1000;
const MOST_ROWS: u64 = 10_000;
const CONNECT: Duration = Duration::from_secs(5);
/// No statement of a runbook takes longer than this on a healthy database.
const STATEMENT: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 4;

/// How to reach a database.
#[derive(Debug, Clone)]
pub struct Config {
    /// `postgres://user:password@host:port/database`.
    pub url: SecretString,
}

/// A URL that leads nowhere. It does not show the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the `url` of a postgres connection must be postgres://user:password@host:port/database: {reason}")]
pub struct ConfigError {
    reason: &'static str,
}

/// One configured instance.
pub struct Postgres {
    options: PgConnectOptions,
    host: String,
    database: String,
    seats: Semaphore,
}

/// Why a call was not made, or not to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("PostgreSQL at {host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("PostgreSQL refuses it: {message} (SQLSTATE {code})")]
    Refused { code: String, message: String },
    #[error("the connection to PostgreSQL at {host} broke: {reason}")]
    Broken { host: String, reason: String },
    #[error("it touched {touched} rows instead of {expected}, and was rolled back")]
    Rows { touched: u64, expected: u64 },
    #[error("{0}")]
    Unreadable(String),
    #[error("PostgreSQL at {host} did not answer in time")]
    Late { host: String },
    /// The only failure after which it may have happened.
    #[error("the connection to PostgreSQL at {host} broke during the commit: {reason}")]
    Commit { host: String, reason: String },
}

impl From<Failure> for CallResult {
    fn from(failure: Failure) -> Self {
        let reason = failure.to_string();
        match failure {
            Failure::Unreachable { .. } => Self::Unreachable { reason },
            Failure::Commit { .. } => Self::Unknown { reason },
            _ => Self::NotDone { reason },
        }
    }
}

impl Postgres {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let url = config.url.expose_secret();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError {
                reason: "it begins otherwise",
            });
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| ConfigError {
            reason: "it cannot be read",
        })?;
        let database = options
            .get_database()
            .ok_or(ConfigError {
                reason: "it names no database",
            })?
            .to_owned();
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let options = options.application_name("signalbox");
        Ok(Self {
            options,
            host,
            database,
            seats: Semaphore::new(AT_ONCE),
        })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "postgres".to_owned(),
            host: self.host.clone(),
            database: Some(self.database.clone()),
            user: Some(self.options.get_username().to_owned()),
        }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        if deadline::remaining(context).is_zero() {
            return CallResult::NotDone {
                reason: "the deadline had passed before anything was sent".to_owned(),
            };
        }
        let until = deadline::instant(context);
        let done = match action.name {
            "query" => self.query(arguments, until).await,
            "statement" => self.statement(arguments, until).await,
            other => {
                return CallResult::NotDone {
                    reason: format!("postgres has no action `{other}`"),
                };
            }
        };
        done.map_or_else(CallResult::from, |value| CallResult::Done { value })
    }

    async fn query(&self, arguments: &Arguments, until: Instant) -> Result<Value, Failure> {
        let sql = argument::text(arguments, "sql")?;
        let params = argument::optional_list(arguments, "params")?.unwrap_or_default();
        let limit = argument::optional_count(arguments, "limit")?
            .unwrap_or(DEFAULT_LIMIT)
            .min(MOST_ROWS);
        let sql = wrapped(sql, limit.saturating_add(1));
        let read = async {
            let _seat = self.seats.acquire().await;
            let mut connection = self.connect(until).await?;
            self.heed(connection.execute("BEGIN READ ONLY").await)?;
            let rows = self.fetch(&mut connection, sql, params).await?;
            // Nothing is to be kept, and the connection is not used again; a farewell that fails costs nothing.
            drop(connection.close().await);
            Ok::<_, Failure>(rows)
        };
        let mut rows = timeout_at(until, read).await.map_err(|_| self.late())??;
        let more = rows.len() as u64 > limit;
        if more {
            rows.pop();
        }
        Ok(json!({ "count": rows.len(), "more": more, "rows": rows }))
    }

    async fn fetch(&self, connection: &mut PgConnection, sql: String, params: &[Value]) -> Result<Vec<Value>, Failure> {
        let statement = self.heed(connection.prepare(AssertSqlSafe(sql).into_sql_str()).await)?;
        let bound = bind::arguments(params, statement.parameters())?;
        let rows = self.heed(statement.query_with(bound).fetch_all(&mut *connection).await)?;
        let read = |text: &str| {
            serde_json::from_str(text).map_err(|error| Failure::Unreadable(format!("a row is no JSON: {error}")))
        };
        rows.iter()
            .map(|row| read(&self.heed(row.try_get::<String, _>(0))?))
            .collect()
    }

    async fn statement(&self, arguments: &Arguments, until: Instant) -> Result<Value, Failure> {
        let sql = argument::text(arguments, "sql")?;
        let params = argument::optional_list(arguments, "params")?.unwrap_or_default();
        let expected = argument::optional_count(arguments, "expect_rows")?;
        let work = async {
            let _seat = self.seats.acquire().await;
            let mut connection = self.connect(until).await?;
            self.heed(connection.execute("BEGIN").await)?;
            let statement = self.heed(connection.prepare(AssertSqlSafe(sql).into_sql_str()).await)?;
            let bound = bind::arguments(params, statement.parameters())?;
            let touched = self
                .heed(statement.query_with(bound).execute(&mut connection).await)?
                .rows_affected();
            match expected {
                Some(expected) if expected != touched => {
                    self.heed(connection.execute("ROLLBACK").await)?;
                    Err(Failure::Rows { touched, expected })
                }
                _ => Ok((connection, touched)),
            }
        };
        // Until here the server rolls back whatever is cut off.
        let (mut connection, touched) = timeout_at(until, work).await.map_err(|_| self.late())??;
        match timeout_at(until, connection.execute("COMMIT")).await {
            Ok(Ok(_)) => {
                drop(connection.close().await);
                Ok(json!({ "count": touched }))
            }
            Ok(Err(error)) => match self.failure(&error) {
                // The server itself says that it did not commit.
                refused @ Failure::Refused { .. } => Err(refused),
                other => Err(self.commit(other.to_string())),
            },
            Err(_) => Err(self.commit("no answer in time".to_owned())),
        }
    }

    async fn connect(&self, until: Instant) -> Result<PgConnection, Failure> {
        let left = until.saturating_duration_since(Instant::now()).min(STATEMENT);
        // Zero would mean no limit.
        let milliseconds = left.as_millis().max(1).to_string();
        let options = self.options.clone().options([
            ("statement_timeout", milliseconds.as_str()),
            ("lock_timeout", milliseconds.as_str()),
            ("idle_in_transaction_session_timeout", "60000"),
        ]);
        let connect = timeout_at(
            until.min(Instant::now() + CONNECT),
            PgConnection::connect_with(&options),
        );
        let reason = match connect.await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => match self.failure(&error) {
                Failure::Refused { code, message } => format!("{message} (SQLSTATE {code})"),
                Failure::Broken { reason, .. } => reason,
                other => other.to_string(),
            },
            Err(_) => "no connection in time".to_owned(),
        };
        Err(Failure::Unreachable {
            host: self.host.clone(),
            reason,
        })
    }

    fn heed<T>(&self, answer: Result<T, sqlx::Error>) -> Result<T, Failure> {
        answer.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &sqlx::Error) -> Failure {
        match error {
            // Its detail and hint are left out: they quote rows.
            sqlx::Error::Database(error) => Failure::Refused {
                code: error
                    .code()
                    .map_or_else(|| "unknown".to_owned(), |code| code.into_owned()),
                message: error.message().to_owned(),
            },
            sqlx::Error::Io(error) => Failure::Broken {
                host: self.host.clone(),
                reason: error.to_string(),
            },
            other => Failure::Broken {
                host: self.host.clone(),
                reason: other.to_string(),
            },
        }
    }

    fn late(&self) -> Failure {
        Failure::Late {
            host: self.host.clone(),
        }
    }

    fn commit(&self, reason: String) -> Failure {
        Failure::Commit {
            host: self.host.clone(),
            reason,
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("host", &self.host)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// The rows of a query as JSON, by the server itself: it knows every type. The line break ends a comment that the query
/// may end in.
fn wrapped(sql: &str, limit: u64) -> String {
    let sql = sql.trim_end().trim_end_matches(';');
    format!("SELECT to_json(q)::text FROM (\n{sql}\n) q LIMIT {limit}")
}
