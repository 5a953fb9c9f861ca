//! The outside systems, all with the same face. An integration is one file: what it is and the rights its credential
//! needs, its config, its `ACTIONS`, its calls, its wire types.

pub mod alertmanager;
mod argument;
pub mod canned;
pub mod celery;
mod deadline;
pub mod django_admin;
mod exchange;
pub mod http;
pub mod jsm;
pub mod pagerduty;
mod pause;
pub mod postgres;
pub mod prometheus;
mod verdict;

use crate::alert::page::{Event, Page, Seen, Told};
use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, Guard};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// Every action there is; the one list.
pub const ACTIONS: &[&[ActionSpec]] = &[
    celery::ACTIONS,
    postgres::ACTIONS,
    prometheus::ACTIONS,
    alertmanager::ACTIONS,
    http::ACTIONS,
    django_admin::ACTIONS,
    pagerduty::ACTIONS,
    jsm::ACTIONS,
];

/// Finds `integration.action`.
pub fn action(integration: &str, name: &str) -> Option<&'static ActionSpec> {
    ACTIONS
        .iter()
        .copied()
        .flatten()
        .find(|spec| spec.integration == integration && spec.name == name)
}

/// One configured instance of an integration.
#[derive(Debug)]
pub enum Connection {
    /// A Celery application, by its Redis broker and result store.
    Celery(celery::Celery),
    /// A PostgreSQL database.
    Postgres(postgres::Postgres),
    /// A Prometheus server.
    Prometheus(prometheus::Prometheus),
    /// An Alertmanager.
    Alertmanager(alertmanager::Alertmanager),
    /// An HTTP API.
    Http(http::Http),
    /// Django's admin.
    DjangoAdmin(django_admin::DjangoAdmin),
    /// A service of PagerDuty.
    PagerDuty(pagerduty::PagerDuty),
    /// A site of Jira Service Management.
    Jsm(jsm::Jsm),
    /// No system at all: the canned answers of a runbook's example.
    Canned(canned::Canned),
}

impl Connection {
    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        match self {
            Self::Celery(it) => it.identity(),
            Self::Postgres(it) => it.identity(),
            Self::Prometheus(it) => it.identity(),
            Self::Alertmanager(it) => it.identity(),
            Self::Http(it) => it.identity(),
            Self::DjangoAdmin(it) => it.identity(),
            Self::PagerDuty(it) => it.identity(),
            Self::Jsm(it) => it.identity(),
            Self::Canned(it) => it.identity(),
        }
    }

    /// Asks whether it is there, by its cheapest read. The answer is for people.
    pub async fn alive(&self) -> Result<String, String> {
        let context = CallContext {
            run: "check".to_owned(),
            step: "alive".to_owned(),
            deadline: Timestamp::now() + SignedDuration::from_secs(5),
        };
        let (name, arguments) = match self {
            Self::Http(it) => return it.alive(&context).await,
            Self::DjangoAdmin(it) => return it.alive(&context).await,
            Self::PagerDuty(it) => return it.alive(&context).await,
            Self::Jsm(it) => return it.alive(&context).await,
            Self::Celery(_) => ("ping", json!({})),
            Self::Postgres(_) => ("query", json!({ "sql": "SELECT 1 AS one" })),
            Self::Prometheus(_) => ("instant", json!({ "query": "vector(1)" })),
            Self::Alertmanager(_) => ("silences", json!({})),
            Self::Canned(_) => return Ok("canned".to_owned()),
        };
        let kind = self.identity().kind;
        let (Some(action), Value::Object(arguments)) = (action(&kind, name), arguments) else {
            return Err(format!("there is no {kind}.{name}"));
        };
        match self.call(action, &arguments, &context).await {
            CallResult::Done { value } => Ok(match value["workers"].as_array() {
                Some(workers) if workers.is_empty() => "the broker answers; no worker does".to_owned(),
                Some(workers) => format!("answers, {} workers", workers.len()),
                None => "answers".to_owned(),
            }),
            CallResult::NotDone { reason } | CallResult::Unreachable { reason } | CallResult::Unknown { reason } => {
                Err(reason)
            }
        }
    }

    /// What must be journalled with the intent so that [`Connection::recall`] can tell more after a crash.
    /// An error means that the target cannot be reached: nothing has been sent.
    pub async fn evidence(&self, action: &ActionSpec, context: &CallContext) -> Result<Value, String> {
        match self {
            Self::Celery(it) => it.evidence(action, context).await,
            Self::Canned(_)
            | Self::Postgres(_)
            | Self::Prometheus(_)
            | Self::Alertmanager(_)
            | Self::Http(_)
            | Self::DjangoAdmin(_)
            | Self::PagerDuty(_)
            | Self::Jsm(_) => Ok(Value::Null),
        }
    }

    /// Whether [`Connection::evidence`] has to ask the target.
    pub fn asks_beforehand(&self, action: &ActionSpec) -> bool {
        matches!(self, Self::Celery(_)) && action.guard == Guard::Marker
    }

    /// Makes the call. Waits until the deadline at most.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        match self {
            Self::Celery(it) => it.call(action, arguments, context).await,
            Self::Postgres(it) => it.call(action, arguments, context).await,
            Self::Prometheus(it) => it.call(action, arguments, context).await,
            Self::Alertmanager(it) => it.call(action, arguments, context).await,
            Self::Http(it) => it.call(action, arguments, context).await,
            Self::DjangoAdmin(it) => it.call(action, arguments, context).await,
            Self::PagerDuty(it) => it.call(action, arguments, context).await,
            Self::Jsm(it) => it.call(action, arguments, context).await,
            Self::Canned(it) => it.call(action, arguments, context).await,
        }
    }

    /// Tells what became of a call whose caller died, by the target's guard. Never sends anything; waits for an answer
    /// that is still on its way until the deadline at most.
    pub async fn recall(
        &self,
        action: &ActionSpec,
        arguments: &Arguments,
        context: &CallContext,
        evidence: &Value,
    ) -> Recall {
        match self {
            Self::Celery(it) => it.recall(action, arguments, context, evidence).await,
            Self::Canned(it) => it.recall(action, context),
            Self::Alertmanager(it) => it.recall(action, context).await,
            Self::Postgres(_)
            | Self::Prometheus(_)
            | Self::Http(_)
            | Self::DjangoAdmin(_)
            | Self::PagerDuty(_)
            | Self::Jsm(_) => Recall::NoEvidence {
                reason: "the target keeps no mark of the call".to_owned(),
            },
        }
    }

    /// Takes a call back that was sent but not begun. `Some` says how that ended: `NotDone` if it certainly never
    /// begins now.
    pub async fn take_back(
        &self,
        action: &ActionSpec,
        arguments: &Arguments,
        context: &CallContext,
    ) -> Option<CallResult> {
        match self {
            Self::Celery(it) => it.take_back(action, arguments, context).await,
            Self::Canned(_)
            | Self::Postgres(_)
            | Self::Prometheus(_)
            | Self::Alertmanager(_)
            | Self::Http(_)
            | Self::DjangoAdmin(_)
            | Self::PagerDuty(_)
            | Self::Jsm(_) => None,
        }
    }

    /// Tells a paging system of a page.
    pub async fn tell(&self, event: Event, page: &Page, until: Instant) -> Told {
        match self {
            Self::PagerDuty(it) => it.tell(event, page, until).await,
            Self::Jsm(it) => it.tell(event, page, until).await,
            other => other.pages_nobody(),
        }
    }

    /// Adds a note to what was paged by this key.
    pub async fn note(&self, key: &str, say: &str, until: Instant) -> Told {
        match self {
            Self::PagerDuty(it) => it.note(key, say, until).await,
            Self::Jsm(it) => it.note(key, say, until).await,
            other => other.pages_nobody(),
        }
    }

    /// What became there of what was paged by this key; none where that cannot be asked.
    pub async fn seen(&self, key: &str, until: Instant) -> Option<Result<Seen, String>> {
        match self {
            Self::PagerDuty(it) => it.seen(key, until).await,
            Self::Jsm(it) => Some(it.seen(key, until).await),
            _ => None,
        }
    }

    fn pages_nobody(&self) -> Told {
        Told::Never(format!(
            "the connection is of the kind {}, which pages nobody",
            self.identity().kind
        ))
    }
}

/// All configured connections, by the name that runbooks give under `on`.
#[derive(Debug)]
pub struct Connections(BTreeMap<String, Connection>);

impl Connections {
    /// As configured.
    pub fn new(connections: BTreeMap<String, Connection>) -> Self {
        Self(connections)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Connection> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Connection)> {
        self.0.iter().map(|(name, connection)| (name.as_str(), connection))
    }

    /// The first Prometheus server by name, if there is one.
    pub fn a_prometheus(&self) -> Option<(&str, &prometheus::Prometheus)> {
        let mut all = self.0.keys();
        all.find_map(|name| Some((name.as_str(), self.prometheus(name)?)))
    }

    /// One of them, if it is a Prometheus server: charts ask it in its own words.
    pub fn prometheus(&self, name: &str) -> Option<&prometheus::Prometheus> {
        match self.0.get(name)? {
            Connection::Prometheus(it) => Some(it),
            Connection::Canned(_)
            | Connection::Celery(_)
            | Connection::Postgres(_)
            | Connection::Alertmanager(_)
            | Connection::Http(_)
            | Connection::DjangoAdmin(_)
            | Connection::PagerDuty(_)
            | Connection::Jsm(_) => None,
        }
    }
}
