//! PagerDuty. Pages go to the Events API, version 2, with the routing key of one service, which opens, acknowledges and
//! resolves and does nothing else. What happens there, who is on call, and notes need a REST token: one that may read is
//! enough but for notes, which are written in the name of a user of PagerDuty.
//!
//! An event bears the key of its incident, so that the same one twice is one: whatever got no answer is sent again.

use super::deadline;
use super::exchange::{AddressError, Answer, Site, exchange};
use super::verdict::{System, by_status, by_words, read};
use crate::alert::page::{Event, Page, Seen, Severity, Told};
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::runbook::action::{ActionSpec, Effect, Guard};
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use tokio::time::Instant;

/// What this integration can do for runbooks. It pages nobody by them.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    integration: "pagerduty",
    name: "oncalls",
    summary: "Who is on call now.",
    effect: Effect::Read,
    guard: Guard::None,
    arguments: &[],
    gives: &[
        (
            "oncalls",
            "A list of: policy, level, schedule (empty where there is none), who, until (empty for always).",
        ),
        ("more", "Whether there are more than are listed."),
    ],
}];

/// Letters of a routing key.
const ROUTING_KEY: usize = 32;

/// Entries that are asked for; PagerDuty gives no more in one answer.
const MOST: &str = "100";

const VERSION: &str = "application/vnd.pagerduty+json;version=2";

/// How to reach PagerDuty.
#[derive(Debug, Clone)]
pub struct Config {
    /// Of the service's integration Events API v2.
    pub routing_key: SecretString,
    /// For the REST API.
    pub token: Option<SecretString>,
    /// In whose name notes are written.
    pub from: Option<String>,
    /// The Events API's address.
    pub events_url: String,
    /// The REST API's address.
    pub api_url: String,
}

/// A connection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An address leads nowhere.
    #[error("a pagerduty connection cannot be made: {0}")]
    Address(#[from] AddressError),
    /// What is there is no routing key.
    #[error(
        "its `routing_key` must have {ROUTING_KEY} letters and digits; it stands on the service's page Integrations, at \
         Events API V2"
    )]
    RoutingKey,
}

const SYSTEM: System = System {
    name: "PagerDuty",
    proof: "the token",
    said,
};

/// One configured instance.
pub struct PagerDuty {
    events: Site,
    rest: Site,
    routing_key: SecretString,
    token: Option<SecretString>,
    from: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Incidents {
    incidents: Vec<Incident>,
}

#[derive(Debug, Deserialize)]
struct Incident {
    id: String,
    status: String,
    #[serde(default)]
    acknowledgements: Vec<Acknowledgement>,
}

#[derive(Debug, Deserialize)]
struct Acknowledgement {
    acknowledger: Reference,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(default)]
    summary: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OnCalls {
    oncalls: Vec<OnCall>,
    #[serde(default)]
    more: bool,
}

#[derive(Debug, Deserialize)]
struct OnCall {
    user: Reference,
    schedule: Option<Reference>,
    escalation_policy: Reference,
    escalation_level: u64,
    end: Option<String>,
}

impl PagerDuty {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let key = config.routing_key.expose_secret();
        if key.len() != ROUTING_KEY || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ConfigError::RoutingKey);
        }
        Ok(Self {
            events: Site::new(&config.events_url)?,
            rest: Site::new(&config.api_url)?,
            routing_key: config.routing_key.clone(),
            token: config.token.clone(),
            from: config.from.clone(),
        })
    }

    /// Where it leads.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "pagerduty".to_owned(),
            host: self.events.host().to_owned(),
            database: None,
            user: None,
        }
    }

    /// Whether the token works. Nobody can ask that of a routing key without paging somebody.
    pub async fn alive(&self, context: &CallContext) -> Result<String, String> {
        if self.token.is_none() {
            return Ok("has a routing key; whether that is right shows when somebody is paged".to_owned());
        }
        let answer = self.ask(&["oncalls"], &[("limit", "1")], deadline::instant(context));
        let _: OnCalls = answer.await?;
        Ok("takes the token; whether the routing key is right shows when somebody is paged".to_owned())
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, _: &Arguments, context: &CallContext) -> CallResult {
        if action.name != "oncalls" {
            return CallResult::NotDone {
                reason: format!("pagerduty has no action `{}`", action.name),
            };
        }
        let asked = [("earliest", "true"), ("limit", MOST)];
        match self
            .ask::<OnCalls>(&["oncalls"], &asked, deadline::instant(context))
            .await
        {
            Ok(found) => CallResult::Done {
                value: json!({ "oncalls": found.oncalls.iter().map(OnCall::json).collect::<Vec<_>>(), "more": found.more }),
            },
            Err(reason) => CallResult::Unreachable { reason },
        }
    }

    /// Tells of a page.
    pub async fn tell(&self, event: Event, page: &Page, until: Instant) -> Told {
        let mut body = json!({
            "routing_key": self.routing_key.expose_secret(), "event_action": action(event), "dedup_key": page.key,
        });
        if event == Event::Trigger {
            let mut details = json!({ "firing": page.details });
            for (name, value) in &page.labels {
                details[format!("label {name}")] = value.as_str().into();
            }
            body["payload"] = json!({
                "summary": page.summary, "source": "Alertmanager", "severity": severity(page.severity),
                "custom_details": details,
            });
            body["client"] = "Signalbox".into();
            if let Some(link) = &page.link {
                body["client_url"] = link.as_str().into();
            }
        }
        let url = self.events.url(["v2", "enqueue"]);
        let answer = exchange(self.events.request(Method::POST, url).json(&body), until).await;
        by_status(self.events.host(), answer, said)
    }

    /// Adds a note to the incident of this key. What got no answer is not sent again: it would stand there twice.
    pub async fn note(&self, key: &str, say: &str, until: Instant) -> Told {
        let Some(from) = self.from.as_ref().filter(|_| self.token.is_some()) else {
            return Told::Never("notes need `token` and `from` of the connection".to_owned());
        };
        let incident = match self.incident(key, until).await {
            Ok(Some(incident)) => incident,
            Ok(None) => return Told::Later(None, "PagerDuty knows no incident of this alert".to_owned()),
            Err(reason) => return Told::Later(None, reason),
        };
        let url = self.rest.url(["incidents", &incident.id, "notes"]);
        let request = self.rest.request(Method::POST, url).header("From", from);
        let request = self.proved(request).json(&json!({ "note": { "content": say } }));
        by_words(self.rest.host(), exchange(request, until).await, said)
    }

    /// How the incident of this key stands; none where that cannot be asked.
    pub async fn seen(&self, key: &str, until: Instant) -> Option<Result<Seen, String>> {
        self.token.as_ref()?;
        Some(match self.incident(key, until).await {
            Ok(None) => Ok(Seen::Missing),
            Ok(Some(incident)) => Ok(incident.seen()),
            Err(reason) => Err(reason),
        })
    }

    /// The latest of this key. Where PagerDuty keeps alerts within incidents, it is the one that has the alert of this key.
    async fn incident(&self, key: &str, until: Instant) -> Result<Option<Incident>, String> {
        let asked = [("incident_key", key), ("sort_by", "created_at:desc"), ("limit", "1")];
        let found: Incidents = self.ask(&["incidents"], &asked, until).await?;
        Ok(found.incidents.into_iter().next())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        until: Instant,
    ) -> Result<T, String> {
        if self.token.is_none() {
            return Err("the connection has no `token`, which this takes".to_owned());
        }
        let url = self.rest.url(path.iter().copied());
        let request = self.proved(self.rest.request(Method::GET, url)).query(query);
        read(SYSTEM, self.rest.host(), exchange(request, until).await)
    }

    fn proved(&self, request: RequestBuilder) -> RequestBuilder {
        let token = self.token.as_ref().map_or("", |token| token.expose_secret());
        request
            .header(AUTHORIZATION, format!("Token token={token}"))
            .header(ACCEPT, VERSION)
    }
}

impl Incident {
    fn seen(&self) -> Seen {
        match self.status.as_str() {
            "acknowledged" => {
                let by = self.acknowledgements.last();
                let by = by.and_then(|one| one.acknowledger.summary.clone());
                Seen::Acknowledged(by.unwrap_or_else(|| "somebody".to_owned()))
            }
            "resolved" => Seen::Resolved,
            _ => Seen::Open,
        }
    }
}

impl OnCall {
    fn json(&self) -> Value {
        let name = |reference: &Reference| reference.summary.clone().unwrap_or_else(|| "without a name".to_owned());
        json!({
            "policy": name(&self.escalation_policy), "level": self.escalation_level,
            "schedule": self.schedule.as_ref().map(name).unwrap_or_default(), "who": name(&self.user),
            "until": self.end.as_deref().unwrap_or_default(),
        })
    }
}

fn action(event: Event) -> &'static str {
    match event {
        Event::Trigger => "trigger",
        Event::Acknowledge => "acknowledge",
        Event::Resolve => "resolve",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Its own words, with what leads to them: `{"message", "errors"}`, of the REST API within `error`.
fn said(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let body = if body["error"].is_object() {
        &body["error"]
    } else {
        &body
    };
    let errors = body["errors"].as_array().into_iter().flatten();
    let words: Vec<&str> = body["message"]
        .as_str()
        .into_iter()
        .chain(errors.filter_map(Value::as_str))
        .collect();
    let words: String = words.join("; ").chars().take(300).collect();
    if words.is_empty() { words } else { format!(": {words}") }
}

impl fmt::Debug for PagerDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagerDuty")
            .field("host", &self.events.host())
            .finish_non_exhaustive()
    }
}
