//! Alertmanager's API, version 2: silences. Its credential needs no more than to be let in; Alertmanager knows no rights.
//!
//! A silence bears our mark in its comment, so that one of which no answer came is found again.

use super::argument::{self, ArgumentError};
use super::deadline;
use super::exchange::{AddressError, Answer, Lost, Site, exchange};
use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "alertmanager",
        name: "silences",
        summary: "The silences that are in force or will be.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[],
        gives: &[(
            "silences",
            "A list of: id, state, matchers (text), by, comment, ends_at.",
        )],
    },
    ActionSpec {
        integration: "alertmanager",
        name: "silence",
        summary: "Silences the alerts that have these labels, for a while.",
        effect: Effect::Write,
        guard: Guard::Marker,
        arguments: &[
            ArgumentSpec {
                name: "matchers",
                kind: Kind::Fields,
                required: true,
                help: "Labels with the values that they must have; one that is null is left out.",
            },
            ArgumentSpec {
                name: "duration",
                kind: Kind::Value,
                required: true,
                help: "For how long, in seconds: from a minute to 30 days.",
            },
            ArgumentSpec {
                name: "comment",
                kind: Kind::Value,
                required: true,
                help: "Why.",
            },
            ArgumentSpec {
                name: "by",
                kind: Kind::Value,
                required: true,
                help: "Who.",
            },
        ],
        gives: &[("id", "The silence's id."), ("ends_at", "When it ends, as text.")],
    },
    ActionSpec {
        integration: "alertmanager",
        name: "expire",
        summary: "Ends a silence; as an undo the one that its step made. One that has ended already stays so.",
        effect: Effect::Write,
        guard: Guard::Conditional,
        arguments: &[ArgumentSpec {
            name: "id",
            kind: Kind::Value,
            required: false,
            help: "The silence's id; left out in an undo.",
        }],
        gives: &[("id", "The silence's id.")],
    },
];

/// How long a silence may last, in seconds.
const SHORTEST: u64 = 60;
const LONGEST: u64 = 30 * 24 * 3600;

/// Characters of a comment.
const COMMENT: usize = 500;

/// How to reach an Alertmanager.
#[derive(Debug, Clone)]
pub struct Config {
    /// `http://host:9093`, with the path that it is served under, if any.
    pub url: String,
    /// A bearer token, where what stands in front of it wants one.
    pub token: Option<SecretString>,
}

/// A connection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an alertmanager connection cannot be made: {0}")]
pub struct ConfigError(#[from] AddressError);

/// One configured instance.
pub struct Alertmanager {
    site: Site,
    token: Option<SecretString>,
}

#[derive(Debug, Deserialize)]
struct Silence {
    id: String,
    status: Status,
    matchers: Vec<Matcher>,
    #[serde(rename = "createdBy")]
    created_by: String,
    comment: String,
    #[serde(rename = "endsAt")]
    ends_at: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

/// Versions before 0.22 do not say it.
fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

impl Silence {
    fn json(&self) -> Value {
        let matchers = self.matchers.iter().map(|matcher| {
            let operator = match (matcher.is_equal, matcher.is_regex) {
                (true, false) => "=",
                (false, false) => "!=",
                (true, true) => "=~",
                (false, true) => "!~",
            };
            format!("{}{operator}{:?}", matcher.name, matcher.value)
        });
        json!({
            "id": self.id, "state": self.status.state, "matchers": matchers.collect::<Vec<_>>().join(", "),
            "by": self.created_by, "comment": self.comment, "ends_at": self.ends_at,
        })
    }
}

impl Alertmanager {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            site: Site::new(&config.url)?,
            token: config.token.clone(),
        })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "alertmanager".to_owned(),
            host: self.site.host().to_owned(),
            database: None,
            user: None,
        }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        if deadline::remaining(context).is_zero() {
            return CallResult::NotDone {
                reason: "the deadline had passed before anything was sent".to_owned(),
            };
        }
        match action.name {
            "silences" => match self.silences(context).await {
                Ok(all) => {
                    let lasting = all.iter().filter(|silence| silence.status.state != "expired");
                    CallResult::Done {
                        value: json!({ "silences": lasting.map(Silence::json).collect::<Vec<_>>() }),
                    }
                }
                Err(reason) => CallResult::Unreachable { reason },
            },
            "silence" => match wanted(arguments, context) {
                Ok(body) => self.silence(&body, context).await,
                Err(reason) => CallResult::NotDone { reason },
            },
            "expire" => self.expire(arguments, context).await,
            other => CallResult::NotDone {
                reason: format!("alertmanager has no action `{other}`"),
            },
        }
    }

    /// What became of a call whose caller died: a silence is found by the mark in its comment.
    pub async fn recall(&self, action: &ActionSpec, context: &CallContext) -> Recall {
        if action.name != "silence" {
            return Recall::NoEvidence {
                reason: "Alertmanager keeps no mark of the call".to_owned(),
            };
        }
        match self.silences(context).await {
            Err(reason) => Recall::NoEvidence { reason },
            Ok(all) => match all.iter().find(|silence| silence.comment.ends_with(&mark(context))) {
                Some(silence) => Recall::Made(CallResult::Done {
                    value: json!({ "id": silence.id, "ends_at": silence.ends_at }),
                }),
                None => Recall::NeverMade {
                    reason: "Alertmanager has no silence with this step's mark".to_owned(),
                },
            },
        }
    }

    async fn silences(&self, context: &CallContext) -> Result<Vec<Silence>, String> {
        let host = self.site.host();
        let answer = self.ask(Method::GET, &["api", "v2", "silences"], None, context).await;
        let answer = answer.map_err(|lost| format!("{host}: {}", lost.reason()))?;
        if !answer.status.is_success() {
            return Err(said(host, &answer));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("{host} does not answer as Alertmanager does: {error}"))
    }

    /// The silence that the step made which this call undoes.
    async fn own(&self, context: &CallContext) -> Result<Option<String>, String> {
        let Some(step) = context.step.strip_prefix("undo:") else {
            return Err("the argument `id` may be left out in an undo alone".to_owned());
        };
        let made = mark(&CallContext {
            step: step.to_owned(),
            ..context.clone()
        });
        let all = self.silences(context).await?;
        let found = all.into_iter().find(|silence| silence.comment.ends_with(&made));
        Ok(found.map(|silence| silence.id))
    }

    async fn silence(&self, body: &Value, context: &CallContext) -> CallResult {
        let host = self.site.host();
        match self
            .ask(Method::POST, &["api", "v2", "silences"], Some(body), context)
            .await
        {
            Ok(answer) if answer.status.is_success() => match serde_json::from_slice::<Made>(&answer.body) {
                Ok(made) => CallResult::Done {
                    value: json!({ "id": made.id, "ends_at": body["endsAt"] }),
                },
                Err(error) => CallResult::Unknown {
                    reason: format!("{host} does not answer as Alertmanager does: {error}"),
                },
            },
            other => undone(host, other),
        }
    }

    async fn expire(&self, arguments: &Arguments, context: &CallContext) -> CallResult {
        let not_done = |reason: String| CallResult::NotDone { reason };
        let id = match argument::optional_text(arguments, "id") {
            Ok(Some(id)) if !id.trim().is_empty() => id.to_owned(),
            Ok(Some(_)) => return not_done("the argument `id` is empty".to_owned()),
            Ok(None) => match self.own(context).await {
                Ok(Some(id)) => id,
                Ok(None) => return not_done("Alertmanager has no silence that this step made".to_owned()),
                Err(reason) => return CallResult::Unreachable { reason },
            },
            Err(error) => return not_done(error.to_string()),
        };
        let id = id.as_str();
        match self
            .ask(Method::DELETE, &["api", "v2", "silence", id], None, context)
            .await
        {
            Ok(answer) if answer.status.is_success() => CallResult::Done {
                value: json!({ "id": id }),
            },
            other => undone(self.site.host(), other),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
        context: &CallContext,
    ) -> Result<Answer, Lost> {
        let mut request = self.site.request(method, self.site.url(path.iter().copied()));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        exchange(request, deadline::instant(context)).await
    }
}

/// A silence as it is posted.
fn wanted(arguments: &Arguments, context: &CallContext) -> Result<Value, String> {
    let text = |error: ArgumentError| error.to_string();
    let fields = argument::optional_fields(arguments, "matchers").map_err(text)?;
    let mut matchers = Vec::new();
    for (name, value) in fields.into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(value) if !value.is_empty() => {
                matchers.push(json!({"name": name, "value": value, "isRegex": false, "isEqual": true}));
            }
            _ => return Err(format!("the label {name} must have a text that is not empty")),
        }
    }
    if matchers.is_empty() {
        return Err("a silence needs a label at least, or it would silence everything".to_owned());
    }
    let seconds = argument::optional_count(arguments, "duration")
        .map_err(text)?
        .unwrap_or(0);
    if !(SHORTEST..=LONGEST).contains(&seconds) {
        return Err("a silence lasts from a minute to 30 days".to_owned());
    }
    let comment = argument::text(arguments, "comment").map_err(text)?.trim();
    let by = argument::text(arguments, "by").map_err(text)?.trim();
    // Alertmanager takes an empty comment; whoever wonders later does not.
    if comment.is_empty() || by.is_empty() {
        return Err("a silence says who made it and why".to_owned());
    }
    let comment: String = comment.chars().take(COMMENT).collect();
    let now = Timestamp::now();
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let ends = now.checked_add(span).map_err(|error| error.to_string())?;
    Ok(json!({
        "matchers": matchers, "startsAt": now.to_string(), "endsAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "createdBy": by, "comment": format!("{comment} {}", mark(context)),
    }))
}

/// By which a silence is found again. It tells people where it came from, too.
fn mark(context: &CallContext) -> String {
    format!("(Signalbox run {}, step {})", context.run, context.step)
}

/// What a write without a good answer means.
fn undone(host: &str, answer: Result<Answer, Lost>) -> CallResult {
    match answer {
        Err(Lost::NeverSent(reason)) => CallResult::Unreachable {
            reason: format!("{host}: {reason}"),
        },
        Err(lost) => CallResult::Unknown {
            reason: format!("{host}: {}", lost.reason()),
        },
        Ok(answer) if answer.status.is_client_error() && answer.status != StatusCode::REQUEST_TIMEOUT => {
            CallResult::NotDone {
                reason: said(host, &answer),
            }
        }
        Ok(answer) => CallResult::Unknown {
            reason: said(host, &answer),
        },
    }
}

/// Its own words: a text as JSON, or `{"code", "message"}`.
fn said(host: &str, answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let words = body.as_str().or_else(|| body["message"].as_str()).unwrap_or_default();
    let words: String = words.chars().take(300).collect();
    let status = answer.status.as_u16();
    if words.is_empty() {
        format!("{host} answers HTTP {status}")
    } else {
        format!("{host} answers HTTP {status}: {words}")
    }
}

impl fmt::Debug for Alertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alertmanager")
            .field("host", &self.site.host())
            .finish_non_exhaustive()
    }
}
