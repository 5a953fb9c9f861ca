//! A Redis server, reached when it is needed.

use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, Pipeline};
use redis::{RedisError, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(5);

/// Where a Redis server is, and how to log in. Connects to nothing by itself.
pub(super) struct Link {
    client: Client,
    /// Host and port, or the path of a socket.
    pub host: String,
    pub database: i64,
    pub user: Option<String>,
}

impl Link {
    /// `Err` says what is wrong with the URL, without showing it.
    pub fn new(url: &SecretString) -> Result<Self, String> {
        let info = url
            .expose_secret()
            .into_connection_info()
            .map_err(|error| error.to_string())?;
        let host = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => return Err("is of a kind that is not known".to_owned()),
        };
        let database = info.redis_settings().db();
        let user = info.redis_settings().username().map(str::to_owned);
        let client = Client::open(info).map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            host,
            database,
            user,
        })
    }

    /// A line to it that asks nothing after the deadline.
    pub fn line(&self, deadline: Instant) -> Line<'_> {
        Line {
            link: self,
            open: None,
            deadline,
        }
    }

    /// Listens to one channel. When this returns, whatever is published arrives.
    pub async fn subscribe(&self, channel: &str, deadline: Instant) -> RedisResult<PubSubStream> {
        let subscribe = async {
            let (mut sink, stream) = self.client.get_async_pubsub().await?.split();
            sink.subscribe(channel).await?;
            Ok(stream)
        };
        let deadline = deadline.min(Instant::now() + CONNECT);
        timeout_at(deadline, subscribe)
            .await
            .unwrap_or_else(|_| Err(late("no connection in time")))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("host", &self.host)
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// One conversation with a Redis server. A connection that broke is made anew for the next question.
pub(super) struct Line<'a> {
    link: &'a Link,
    open: Option<MultiplexedConnection>,
    deadline: Instant,
}

impl Line<'_> {
    /// Host and port.
    pub fn host(&self) -> &str {
        &self.link.host
    }

    async fn connection(&mut self) -> RedisResult<MultiplexedConnection> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connect = self.link.client.get_multiplexed_async_connection_with_config(&config);
        let open = timeout_at(self.deadline, connect)
            .await
            .unwrap_or_else(|_| Err(late("no connection in time")))?;
        self.open = Some(open.clone());
        Ok(open)
    }

    /// Asks one thing.
    pub async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let answer = timeout_at(self.deadline, command.query_async(&mut connection)).await;
        self.heed(answer.unwrap_or_else(|_| Err(late("no answer in time"))))
    }

    /// Asks several things in one go.
    pub async fn ask_all<T: FromRedisValue>(&mut self, commands: &Pipeline) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let answer = timeout_at(self.deadline, commands.query_async(&mut connection)).await;
        self.heed(answer.unwrap_or_else(|_| Err(late("no answer in time"))))
    }

    fn heed<T>(&mut self, answer: RedisResult<T>) -> RedisResult<T> {
        // A connection that let one question wait is not trusted with the next.
        if answer
            .as_ref()
            .is_err_and(|error| error.is_io_error() || error.is_unrecoverable_error())
        {
            self.open = None;
        }
        answer
    }
}

fn late(what: &'static str) -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, what).into()
}

/// The server process: what it forgets shows in these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incarnation {
    /// Another one after every restart.
    pub run_id: String,
    /// How many keys it has thrown out for want of memory.
    pub evicted: u64,
}

impl Incarnation {
    pub async fn of(line: &mut Line<'_>) -> RedisResult<Self> {
        let info: String = line.ask(&redis::cmd("INFO")).await?;
        Self::read(&info).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "INFO names no run_id").into())
    }

    pub fn read(info: &str) -> Option<Self> {
        let field = |name: &str| {
            info.lines()
                .filter_map(|line| line.trim_end().split_once(':'))
                .find(|(key, _)| *key == name)
                .map(|it| it.1)
        };
        Some(Self {
            run_id: field("run_id")?.to_owned(),
            evicted: field("evicted_keys")?.parse().ok()?,
        })
    }
}
