//! A Prometheus server, or one that speaks its HTTP API. It needs no more than to be allowed to query.
//!
//! No series is not zero: a counter that was never raised has no series, and neither has one that nobody scrapes.

mod answer;
pub mod survey;

use super::argument::{self, ArgumentError};
use super::deadline;
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use answer::{Data, Refusal, Unfit};
pub use answer::{Instant, Range, Sample, Series};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "prometheus",
        name: "instant",
        summary: "The value of a query now.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[ArgumentSpec {
            name: "query",
            kind: Kind::FixedText,
            required: true,
            help: "PromQL.",
        }],
        gives: &[
            (
                "series",
                "A list of: labels, value (a number, or null for NaN and infinities), text (as Prometheus wrote it).",
            ),
            ("absent", "True if there is no series at all; that is not zero."),
            ("value", "The only value if there is exactly one series, else null."),
            ("warnings", "What Prometheus warns of: a partial answer, say."),
        ],
    },
    ActionSpec {
        integration: "prometheus",
        name: "range",
        summary: "A query over a span of time.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec {
                name: "query",
                kind: Kind::FixedText,
                required: true,
                help: "PromQL.",
            },
            ArgumentSpec {
                name: "last",
                kind: Kind::FixedDuration,
                required: true,
                help: "How far back.",
            },
        ],
        gives: &[
            (
                "series",
                "A list of: labels, points (pairs of unix seconds and a number or null).",
            ),
            ("absent", "True if there is no series at all."),
            ("warnings", "What Prometheus warns of: a partial answer, say."),
        ],
    },
    ActionSpec {
        integration: "prometheus",
        name: "absent",
        summary: "Whether a query gives no series.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[ArgumentSpec {
            name: "query",
            kind: Kind::FixedText,
            required: true,
            help: "PromQL.",
        }],
        gives: &[("absent", "True if there is none.")],
    },
];

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);
/// What it has in memory is told soon, or it has other troubles.
const LOOK: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// What a chart shows, and what the server refuses beyond.
const POINTS_WANTED: u64 = 240;
const POINTS_AT_MOST: u64 = 11_000;

/// How to reach a Prometheus server.
#[derive(Clone)]
pub struct Config {
    /// `http://host:9090`, with the path that it is served under, if any. May hold a user and a password.
    pub url: String,
}

/// A URL that leads nowhere. It does not show the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a prometheus connection cannot be made: {reason}")]
pub struct ConfigError {
    reason: String,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrometheusError {
    /// Nothing was heard.
    #[error("Prometheus at {host} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// It understood and said no.
    #[error("Prometheus at {host} refuses the query: {message} ({kind})")]
    Refused {
        /// Host and port.
        host: String,
        /// Its own name for the kind of error: `bad_data`, `execution`, `timeout`...
        kind: String,
        /// Its sentence.
        message: String,
    },
    /// It answered with another kind of thing than was asked for.
    #[error("the query gives {found}, and {wanted} is wanted")]
    Kind {
        /// What it gives.
        found: String,
        /// What it should give.
        wanted: &'static str,
    },
    /// What answered is no Prometheus, or not the one that is meant.
    #[error("{host} does not answer as Prometheus does: {reason}")]
    Strange {
        /// Host and port.
        host: String,
        /// What is strange.
        reason: String,
    },
}

impl From<PrometheusError> for CallResult {
    fn from(error: PrometheusError) -> Self {
        let reason = error.to_string();
        match error {
            PrometheusError::Unreachable { .. } => Self::Unreachable { reason },
            PrometheusError::Refused { .. } | PrometheusError::Kind { .. } | PrometheusError::Strange { .. } => {
                Self::NotDone { reason }
            }
        }
    }
}

/// One configured instance.
pub struct Prometheus {
    client: Client,
    api: Url,
    host: String,
}

impl Prometheus {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let error = |reason: &str| ConfigError {
            reason: reason.to_owned(),
        };
        let mut api = Url::parse(&config.url).map_err(|why| error(&format!("its `url` is none: {why}")))?;
        if !matches!(api.scheme(), "http" | "https") {
            return Err(error("its `url` must begin with http:// or https://"));
        }
        let host = match (api.host_str(), api.port_or_known_default()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => return Err(error("its `url` names no host")),
        };
        let mut path = api
            .path_segments_mut()
            .map_err(|()| error("its `url` can have no path"))?;
        path.pop_if_empty().extend(["api", "v1"]);
        drop(path);
        // Without this the client's builder panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(error("the program has installed no TLS provider"));
        }
        let client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent("signalbox")
            .build()
            .map_err(|why| error(&chain(&why.without_url())))?;
        Ok(Self { client, api, host })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        let user = Some(self.api.username()).filter(|user| !user.is_empty());
        Identity {
            kind: "prometheus".to_owned(),
            host: self.host.clone(),
            database: None,
            user: user.map(str::to_owned),
        }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        if deadline::remaining(context).is_zero() {
            return CallResult::NotDone {
                reason: "the deadline had passed before anything was sent".to_owned(),
            };
        }
        let make = async {
            match action.name {
                "instant" => self.instant(arguments).await,
                "range" => self.range(arguments).await,
                "absent" => self.absent(arguments).await,
                other => CallResult::NotDone {
                    reason: format!("prometheus has no action `{other}`"),
                },
            }
        };
        tokio::time::timeout_at(deadline::instant(context), make)
            .await
            .unwrap_or_else(|_| {
                let reason = "no answer before the deadline".to_owned();
                PrometheusError::Unreachable {
                    host: self.host.clone(),
                    reason,
                }
                .into()
            })
    }

    async fn instant(&self, arguments: &Arguments) -> CallResult {
        let query = match argument::text(arguments, "query") {
            Ok(query) => query,
            Err(error) => return not_done(&error),
        };
        let Instant { samples, warnings } = match self.instant_value(query).await {
            Ok(instant) => instant,
            Err(error) => return error.into(),
        };
        let value = match samples.as_slice() {
            [only] => only.json(),
            _ => Value::Null,
        };
        let series: Vec<_> = samples
            .iter()
            .map(|sample| json!({ "labels": sample.labels, "value": sample.json(), "text": sample.text }))
            .collect();
        let absent = samples.is_empty();
        CallResult::Done {
            value: json!({ "series": series, "absent": absent, "value": value, "warnings": warnings }),
        }
    }

    async fn range(&self, arguments: &Arguments) -> CallResult {
        let query = argument::text(arguments, "query");
        let last = argument::optional_duration(arguments, "last");
        let (query, last) = match (query, last) {
            (Ok(query), Ok(Some(last))) => (query, last),
            (Ok(_), Ok(None)) => return not_done(&ArgumentError::Missing("last")),
            (Err(error), _) | (_, Err(error)) => return not_done(&error),
        };
        let end = Timestamp::now();
        let Ok(start) = end.checked_sub(last) else {
            return CallResult::NotDone {
                reason: "`last` reaches back before all time".to_owned(),
            };
        };
        let step = Duration::from_secs(last.as_secs().div_ceil(POINTS_WANTED).max(1));
        let Range { series, warnings } = match self.over(query, start, end, step).await {
            Ok(range) => range,
            Err(error) => return error.into(),
        };
        let absent = series.is_empty();
        let series: Vec<_> = series
            .iter()
            .map(|Series { labels, points, .. }| json!({ "labels": labels, "points": points }))
            .collect();
        CallResult::Done {
            value: json!({ "series": series, "absent": absent, "warnings": warnings }),
        }
    }

    async fn absent(&self, arguments: &Arguments) -> CallResult {
        let query = match argument::text(arguments, "query") {
            Ok(query) => query,
            Err(error) => return not_done(&error),
        };
        match self.instant_value(query).await {
            Ok(instant) => CallResult::Done {
                value: json!({ "absent": instant.samples.is_empty() }),
            },
            Err(error) => error.into(),
        }
    }

    /// The series that a query gives now. No series is an empty list.
    pub async fn instant_value(&self, query: &str) -> Result<Instant, PrometheusError> {
        let (data, warnings) = self.ask("query", &[("query", query.to_owned())]).await?;
        let samples = data.samples().map_err(|error| self.unfit(error))?;
        Ok(Instant { samples, warnings })
    }

    /// The points of a query between two times, both included. The step grows where the server would refuse so many
    /// points.
    pub async fn range_points(
        &self,
        query: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Vec<Series>, PrometheusError> {
        Ok(self.over(query, start, end, step).await?.series)
    }

    /// The same with what Prometheus warns of.
    pub async fn over(
        &self,
        query: &str,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
    ) -> Result<Range, PrometheusError> {
        let span = Duration::try_from(end.duration_since(start)).unwrap_or(Duration::ZERO);
        let smallest = Duration::from_millis(
            u64::try_from(span.as_millis())
                .unwrap_or(u64::MAX)
                .div_ceil(POINTS_AT_MOST - 1),
        );
        let step = step.max(smallest).max(Duration::from_millis(1));
        let form = [
            ("query", query.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
            ("step", step.as_secs_f64().to_string()),
        ];
        let (data, warnings) = self.ask("query_range", &form).await?;
        let series = data.series().map_err(|error| self.unfit(error))?;
        Ok(Range { series, warnings })
    }

    async fn ask(&self, what: &str, form: &[(&str, String)]) -> Result<(Data, Vec<String>), PrometheusError> {
        // As a form: a long query does not fit into a URL.
        let asked = self.client.post(self.address(&[what])).form(form);
        let smaller = "ask for fewer series, as `sum by (...)` or `topk` give";
        self.answer(asked, smaller, answer::read).await
    }

    /// What is no query: rules, targets, names.
    async fn look<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, PrometheusError> {
        let asked = self.client.get(self.address(path)).query(query).timeout(LOOK);
        let smaller = "it has more rules, targets or metrics than can be examined here, and `signalbox check` without `--live` \
                       examines the rest";
        Ok(self.answer(asked, smaller, answer::open).await?.0)
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut url = self.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        url
    }

    async fn answer<T>(
        &self,
        asked: RequestBuilder,
        smaller: &str,
        read: impl Fn(&[u8]) -> Result<Result<T, Refusal>, String>,
    ) -> Result<T, PrometheusError> {
        let response = asked.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(self.strange(format!("it sends us elsewhere (HTTP {status})")));
        }
        let body = self.body(response, smaller).await?;
        match read(&body) {
            Ok(answer) => answer.map_err(|refusal| PrometheusError::Refused {
                host: self.host.clone(),
                kind: refusal.kind,
                message: refusal.message,
            }),
            Err(error) if status.is_success() => Err(self.strange(format!("its answer cannot be read: {error}"))),
            Err(_) => Err(self.strange(format!("HTTP {status}"))),
        }
    }

    /// `smaller` is the way out where it is too large.
    async fn body(&self, mut response: Response, smaller: &str) -> Result<Vec<u8>, PrometheusError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.strange(format!("its answer is larger than {LARGEST_ANSWER} bytes; {smaller}")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, error: reqwest::Error) -> PrometheusError {
        // The URL may hold a password.
        PrometheusError::Unreachable {
            host: self.host.clone(),
            reason: chain(&error.without_url()),
        }
    }

    fn unfit(&self, error: Unfit) -> PrometheusError {
        match error {
            Unfit::Kind { found, wanted } => PrometheusError::Kind { found, wanted },
            Unfit::Value(text) => self.strange(format!("it gives {text:?} as a value")),
        }
    }

    fn strange(&self, reason: String) -> PrometheusError {
        PrometheusError::Strange {
            host: self.host.clone(),
            reason,
        }
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

fn not_done(error: &ArgumentError) -> CallResult {
    CallResult::NotDone {
        reason: error.to_string(),
    }
}

/// The innermost cause: the outer ones only say that sending a request failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
