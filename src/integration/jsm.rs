//! Jira Service Management: alerts and who is on call, by the operations API of one site. The account of the API token
//! needs to be one that may create and work on alerts of the team that is paged.
//!
//! The API answers before it has done anything, and finds an alert by its own id alone: the one of a group is looked up by
//! its alias, first among those that are open. A second alert of an alias that is open is counted there and is none.

use super::deadline;
use super::exchange::{AddressError, Answer, Lost, Site, exchange};
use super::verdict::{System, by_status, by_words, read};
use crate::alert::page::{Event, Page, Seen, Severity, Told};
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::runbook::action::{ActionSpec, Effect, Guard};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use tokio::time::Instant;

/// What this integration can do for runbooks. It pages nobody by them.
pub const ACTIONS: &[ActionSpec] = &[ActionSpec {
    integration: "jsm",
    name: "oncalls",
    summary: "Who is on call now, by schedule.",
    effect: Effect::Read,
    guard: Guard::None,
    arguments: &[],
    gives: &[("oncalls", "A list of: schedule, who (a list, empty where nobody is).")],
}];

/// Characters of a message and of a description, as the API takes them.
const MESSAGE: usize = 130;
const DESCRIPTION: usize = 15_000;

/// Schedules that are looked at, and persons of one that are named.
const SCHEDULES: usize = 20;
const PERSONS: usize = 10;

/// How to reach a site.
#[derive(Debug, Clone)]
pub struct Config {
    /// The site's id.
    pub cloud_id: String,
    /// The id of the team that is paged.
    pub team: String,
    /// The account.
    pub email: String,
    /// Its API token.
    pub token: SecretString,
    /// The API's address.
    pub api_url: String,
}

/// A connection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a jsm connection cannot be made: {0}")]
pub struct ConfigError(#[from] AddressError);

const SYSTEM: System = System {
    name: "Jira Service Management",
    proof: "the e-mail address and the token",
    said,
};

/// One configured instance.
pub struct Jsm {
    site: Site,
    cloud_id: String,
    team: String,
    email: String,
    token: SecretString,
}

#[derive(Debug, Deserialize)]
struct Listed<T> {
    values: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct Alert {
    id: String,
    status: String,
    #[serde(default)]
    acknowledged: bool,
    #[serde(default)]
    owner: String,
}

#[derive(Debug, Deserialize)]
struct Schedule {
    id: String,
    name: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// Whoever is on call for something: persons at the end of teams and escalations.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnCalls {
    #[serde(default)]
    on_call_participants: Vec<Participant>,
}

#[derive(Debug, Deserialize)]
struct Participant {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    within: OnCalls,
}

impl OnCalls {
    /// Each once.
    fn persons(self) -> Vec<String> {
        let mut persons = Vec::new();
        let mut all = self.on_call_participants;
        all.reverse();
        while let Some(one) = all.pop() {
            if one.kind == "user" && !persons.contains(&one.id) {
                persons.push(one.id);
            }
            all.extend(one.within.on_call_participants.into_iter().rev());
        }
        persons.truncate(PERSONS);
        persons
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    display_name: String,
}

impl Jsm {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            site: Site::new(&config.api_url)?,
            cloud_id: config.cloud_id.clone(),
            team: config.team.clone(),
            email: config.email.clone(),
            token: config.token.clone(),
        })
    }

    /// Where it leads.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "jsm".to_owned(),
            host: self.site.host().to_owned(),
            database: None,
            user: Some(self.email.clone()),
        }
    }

    /// Whether the account may see alerts.
    pub async fn alive(&self, context: &CallContext) -> Result<String, String> {
        let mut url = self.operations(&["alerts"]);
        url.query_pairs_mut().append_pair("size", "1");
        let _: Listed<Alert> = self.ask(url, deadline::instant(context)).await?;
        Ok("takes the token and shows alerts; whether it takes pages shows when somebody is paged".to_owned())
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, _: &Arguments, context: &CallContext) -> CallResult {
        if action.name != "oncalls" {
            return CallResult::NotDone {
                reason: format!("jsm has no action `{}`", action.name),
            };
        }
        match self.on_calls(deadline::instant(context)).await {
            Ok(oncalls) => CallResult::Done {
                value: json!({ "oncalls": oncalls }),
            },
            Err(reason) => CallResult::Unreachable { reason },
        }
    }

    async fn on_calls(&self, until: Instant) -> Result<Vec<Value>, String> {
        let mut url = self.operations(&["schedules"]);
        url.query_pairs_mut().append_pair("size", &SCHEDULES.to_string());
        let schedules: Listed<Schedule> = self.ask(url, until).await?;
        let mut all = Vec::new();
        for schedule in schedules.values.iter().filter(|one| one.enabled).take(SCHEDULES) {
            let url = self.operations(&["schedules", &schedule.id, "on-calls"]);
            let found: OnCalls = self.ask(url, until).await?;
            let mut who = Vec::new();
            for account in found.persons() {
                who.push(self.name(account, until).await);
            }
            all.push(json!({ "schedule": schedule.name, "who": who }));
        }
        Ok(all)
    }

    /// What an account is called; where the site does not tell, its id.
    async fn name(&self, account: String, until: Instant) -> String {
        let path = ["ex", "jira", self.cloud_id.as_str(), "rest", "api", "3", "user"];
        let mut url = self.site.url(path);
        url.query_pairs_mut().append_pair("accountId", &account);
        match self.ask::<User>(url, until).await {
            Ok(user) => user.display_name,
            Err(_) => format!("account {account}"),
        }
    }

    /// Tells of a page.
    pub async fn tell(&self, event: Event, page: &Page, until: Instant) -> Told {
        let word = match event {
            Event::Trigger => {
                let body = self.alert(page);
                let request = self
                    .site
                    .request(Method::POST, self.operations(&["alerts"]))
                    .json(&body);
                return by_status(self.site.host(), exchange(self.proved(request), until).await, said);
            }
            Event::Acknowledge => "acknowledge",
            Event::Resolve => "close",
        };
        match self.find(&page.key, until).await {
            Ok(Some(alert)) if alert.status != "closed" => {
                let url = self.operations(&["alerts", &alert.id, word]);
                let request = self.proved(self.site.request(Method::POST, url));
                by_status(self.site.host(), exchange(request, until).await, said)
            }
            // It was closed there: nothing is left to tell.
            Ok(Some(_)) => Told::Taken,
            Ok(None) => Told::Later(None, "Jira Service Management does not show the alert yet".to_owned()),
            Err(reason) => Told::Later(None, reason),
        }
    }

    /// Adds a note to the alert of this key. What got no answer is not sent again: it would stand there twice.
    pub async fn note(&self, key: &str, say: &str, until: Instant) -> Told {
        let alert = match self.find(key, until).await {
            Ok(Some(alert)) => alert,
            Ok(None) => return Told::Later(None, "Jira Service Management does not show the alert yet".to_owned()),
            Err(reason) => return Told::Later(None, reason),
        };
        let url = self.operations(&["alerts", &alert.id, "notes"]);
        let request = self.site.request(Method::POST, url).json(&json!({ "note": say }));
        by_words(self.site.host(), exchange(self.proved(request), until).await, said)
    }

    /// How the alert of this key stands.
    pub async fn seen(&self, key: &str, until: Instant) -> Result<Seen, String> {
        Ok(match self.find(key, until).await? {
            None => Seen::Missing,
            Some(alert) if alert.status == "closed" => Seen::Resolved,
            Some(alert) if alert.acknowledged => Seen::Acknowledged(if alert.owner.is_empty() {
                "somebody".to_owned()
            } else {
                alert.owner
            }),
            Some(_) => Seen::Open,
        })
    }

    fn alert(&self, page: &Page) -> Value {
        let mut description = page.details.clone();
        if let Some(link) = &page.link {
            description = format!("{link}\n{description}");
        }
        json!({
            "message": page.summary.chars().take(MESSAGE).collect::<String>(), "alias": page.key,
            "description": description.chars().take(DESCRIPTION).collect::<String>(),
            "responders": [{"id": self.team, "type": "team"}], "priority": priority(page.severity),
            "source": "Signalbox", "extraProperties": page.labels,
        })
    }

    /// The alert of this alias: the open one, else the latest.
    async fn find(&self, key: &str, until: Instant) -> Result<Option<Alert>, String> {
        let mut url = self.operations(&["alerts", "alias"]);
        url.query_pairs_mut().append_pair("alias", key);
        let answer = exchange(self.proved(self.site.request(Method::GET, url)), until).await;
        if !matches!(&answer, Ok(answer) if answer.status == StatusCode::NOT_FOUND) {
            return self.read(answer).map(Some);
        }
        let mut url = self.operations(&["alerts"]);
        url.query_pairs_mut()
            .append_pair("query", &format!("alias: \"{key}\""))
            .append_pair("sort", "createdAt")
            .append_pair("order", "desc")
            .append_pair("size", "1");
        let found: Listed<Alert> = self.ask(url, until).await?;
        Ok(found.values.into_iter().next())
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, url: Url, until: Instant) -> Result<T, String> {
        let request = self.proved(self.site.request(Method::GET, url));
        self.read(exchange(request, until).await)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, answer: Result<Answer, Lost>) -> Result<T, String> {
        read(SYSTEM, self.site.host(), answer)
    }

    fn operations(&self, path: &[&str]) -> Url {
        let base = ["jsm", "ops", "api", self.cloud_id.as_str(), "v1"];
        self.site.url(base.into_iter().chain(path.iter().copied()))
    }

    fn proved(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.email, Some(self.token.expose_secret()))
    }
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "P1",
        Severity::Error => "P2",
        Severity::Warning => "P3",
        Severity::Info => "P5",
    }
}

/// Its own words, with what leads to them: `{"message"}`, or `{"errors": [{"title"}]}`.
fn said(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let words = body["message"].as_str().or_else(|| body["errors"][0]["title"].as_str());
    let words: String = words.unwrap_or_default().chars().take(300).collect();
    if words.is_empty() { words } else { format!(": {words}") }
}

impl fmt::Debug for Jsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jsm")
            .field("host", &self.site.host())
            .finish_non_exhaustive()
    }
}
