//! An HTTP API: reads and writes with JSON or form bodies, signed in with a token or a login.
//!
//! Its credential needs the rights for what the runbooks call and no more. Host and verb are written in config and
//! runbook; what people typed fills segments of the path, values of the query and of the body.
//!
//! What a read gets is an answer if its status is one that the runbook expects. A write is told by facts: 2xx is an
//! answer, a refusal by status is certainly not done, and whatever leaves that open is unknown.

mod ask;
mod meaning;
mod sign_in;

use super::deadline;
use super::exchange::{AddressError, Answer, Lost, Site, exchange};
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use ask::{Ask, Body};
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use sign_in::{Bearer, SignInError, SignedIn};
use std::fmt;
use tokio::time::{Instant, timeout_at};

const PATH: ArgumentSpec = ArgumentSpec {
    name: "path",
    kind: Kind::FixedPath { filled_by: "fill" },
    required: true,
    help: "The path below the connection's address; `{name}` stands for one segment.",
};
const FILL: ArgumentSpec = ArgumentSpec {
    name: "fill",
    kind: Kind::Fields,
    required: false,
    help: "What fills the segments: texts and whole numbers, encoded, so that each stays one segment.",
};
const QUERY: ArgumentSpec = ArgumentSpec {
    name: "query",
    kind: Kind::Fields,
    required: false,
    help: "What stands after `?`: texts, numbers, truth values and lists of them; null is left out.",
};
const JSON: ArgumentSpec = ArgumentSpec {
    name: "json",
    kind: Kind::Fields,
    required: false,
    help: "The fields of a JSON body.",
};
const FORM: ArgumentSpec = ArgumentSpec {
    name: "form",
    kind: Kind::Fields,
    required: false,
    help: "The fields of a form, instead of `json`.",
};
const STATUS: ArgumentSpec = ArgumentSpec {
    name: "expect_status",
    kind: Kind::Values,
    required: false,
    help: "The statuses that the runbook judges itself: for a read instead of 200 to 299, for a write beside them.",
};
const AS: ArgumentSpec = ArgumentSpec {
    name: "as",
    kind: Kind::FixedWord(&["json", "text"]),
    required: false,
    help: "What the answer must be; \"json\" unless given.",
};
const KEY_HEADER: ArgumentSpec = ArgumentSpec {
    name: "key_header",
    kind: Kind::FixedText,
    required: true,
    help: "The header that carries the key, such as \"Idempotency-Key\". The key is the same for the same step of the same run.",
};
const GIVES: &[(&str, &str)] = &[
    ("status", "The answer's status, a whole number."),
    (
        "json",
        "Its body as JSON; null with `as = \"text\"`, or if it has no body.",
    ),
    ("text", "Its body as text; null unless `as = \"text\"`."),
    (
        "headers",
        "content_type, etag, last_modified, location, retry_after; null where the answer has none.",
    ),
];

const fn writes(name: &'static str, summary: &'static str, effect: Effect) -> ActionSpec {
    ActionSpec {
        integration: "http",
        name,
        summary,
        effect,
        guard: Guard::None,
        arguments: &[PATH, FILL, QUERY, JSON, FORM, STATUS, AS],
        gives: GIVES,
    }
}

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "http",
        name: "get",
        summary: "Reads.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[PATH, FILL, QUERY, STATUS, AS],
        gives: GIVES,
    },
    writes("post", "Posts JSON or a form.", Effect::Write),
    ActionSpec {
        integration: "http",
        name: "post_with_key",
        summary: "Posts JSON or a form with an idempotency key, by which the server knows a repeat.",
        effect: Effect::Write,
        guard: Guard::Key,
        arguments: &[PATH, FILL, QUERY, JSON, FORM, STATUS, AS, KEY_HEADER],
        gives: GIVES,
    },
    writes(
        "put",
        "Puts JSON or a form in the place of what is there.",
        Effect::Write,
    ),
    writes("patch", "Changes what is there by JSON or a form.", Effect::Write),
    writes("delete", "Deletes.", Effect::Destructive),
];

/// Redirects that a read follows.
const REDIRECTS: usize = 3;

/// How to reach an HTTP API.
#[derive(Debug, Clone)]
pub struct Config {
    /// The connection's name, for sentences about its login.
    pub name: String,
    /// `http://host:8000`, with the path that it is served under, if any.
    pub url: String,
    /// How one signs in.
    pub sign_in: SignIn,
}

/// How one signs in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// Not at all.
    Nobody,
    /// With a bearer token that does not change.
    Token(SecretString),
    /// With user and password, which give a bearer token for a while.
    Login(Login),
}

/// A login that gives `{"access": ..., "refresh": ...}`.
#[derive(Debug, Clone)]
pub struct Login {
    /// Where user and password are posted as JSON.
    pub path: String,
    /// The field that takes the user.
    pub user_field: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
    /// Where `{"refresh": ...}` gives another `access`, if the API has that.
    pub refresh: Option<String>,
}

/// A connection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an http connection cannot be made: {0}")]
pub struct ConfigError(#[from] AddressError);

/// One configured instance.
pub struct Http {
    site: Site,
    signed_in: SignedIn,
    user: Option<String>,
}

impl Http {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let site = Site::new(&config.url)?;
        let user = match &config.sign_in {
            SignIn::Login(login) => Some(login.user.clone()),
            SignIn::Nobody | SignIn::Token(_) => None,
        };
        Ok(Self {
            signed_in: SignedIn::new(&config.name, site.clone(), config.sign_in.clone()),
            site,
            user,
        })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "http".to_owned(),
            host: self.site.host().to_owned(),
            database: None,
            user: self.user.clone(),
        }
    }

    /// Asks whether it is there: signs in if it must, and takes any answer at its address.
    pub async fn alive(&self, context: &CallContext) -> Result<String, String> {
        let until = deadline::instant(context);
        let bearer = self.bearer(None, until).await.map_err(|error| error.to_string())?;
        let ask = Ask::front(&self.site);
        let answer = self.send(&ask, bearer.as_ref(), until).await;
        match answer {
            Ok(_) if bearer.is_some() => Ok("answers, and takes the login".to_owned()),
            Ok(_) => Ok("answers".to_owned()),
            Err(lost) => Err(format!("{}: {}", self.site.host(), lost.reason())),
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
        let ask = match Ask::read(&self.site, action, arguments, context) {
            Ok(ask) => ask,
            Err(error) => {
                let reason = error.to_string();
                return CallResult::NotDone { reason };
            }
        };
        let answer = match self.answered(&ask, until).await {
            Ok(answer) => answer,
            Err(error) => return error.into(),
        };
        let result = if ask.method == Method::GET {
            meaning::of_read(&ask, self.site.host(), answer)
        } else {
            meaning::of_write(&ask, self.site.host(), answer)
        };
        let redactor = match self.signed_in.redactor().await {
            Ok(redactor) => redactor,
            Err(error) => return meaning::unsaid(&result, &error),
        };
        match result {
            CallResult::Done { value } => CallResult::Done {
                value: redactor.redact_value(value),
            },
            CallResult::NotDone { reason } => CallResult::NotDone {
                reason: redactor.redact(&reason).into_owned(),
            },
            CallResult::Unknown { reason } => CallResult::Unknown {
                reason: redactor.redact(&reason).into_owned(),
            },
            unreachable @ CallResult::Unreachable { .. } => unreachable,
        }
    }

    /// The outer error is that of signing in: nothing was sent then.
    async fn answered(&self, ask: &Ask, until: Instant) -> Result<Result<Answer, Lost>, SignInError> {
        let bearer = self.bearer(None, until).await?;
        let answer = self.send(ask, bearer.as_ref(), until).await;
        // Who is not signed in has done nothing: once more with another token is no repeat.
        match (&answer, bearer) {
            (Ok(Answer { status, .. }), Some(refused)) if *status == StatusCode::UNAUTHORIZED && refused.renewable => {
                let bearer = self.bearer(Some(&refused), until).await?;
                Ok(self.send(ask, bearer.as_ref(), until).await)
            }
            _ => Ok(answer),
        }
    }

    async fn bearer(&self, refused: Option<&Bearer>, until: Instant) -> Result<Option<Bearer>, SignInError> {
        match timeout_at(until, self.signed_in.bearer(refused)).await {
            Ok(bearer) => bearer,
            Err(_) => Err(SignInError::Late {
                host: self.site.host().to_owned(),
            }),
        }
    }

    /// Sends it once; a read is sent on to where this same server points.
    async fn send(&self, ask: &Ask, bearer: Option<&Bearer>, until: Instant) -> Result<Answer, Lost> {
        let mut url = ask.url.clone();
        for redirect in 0..=REDIRECTS {
            let mut request = self.site.request(ask.method.clone(), url.clone());
            request = request.header(ACCEPT, if ask.as_json { "application/json" } else { "*/*" });
            request = match &ask.body {
                Body::None => request,
                Body::Json(fields) => request.json(fields),
                Body::Form(pairs) => request.form(pairs),
            };
            if let Some((name, key)) = &ask.key {
                request = request.header(name, key);
            }
            if let Some(bearer) = bearer {
                request = request.bearer_auth(bearer.token.expose_secret());
            }
            let answer = timeout_at(until, exchange(request))
                .await
                .unwrap_or_else(|_| Err(Lost::Unanswered("the deadline passed".to_owned())))?;
            let next = answer
                .header(LOCATION)
                .filter(|_| answer.status.is_redirection() && ask.method == Method::GET && !ask.expects(answer.status));
            match next.and_then(|location| self.site.same_origin(&url, location)) {
                Some(next) if redirect < REDIRECTS => url = next,
                _ => return Ok(answer),
            }
        }
        Err(Lost::Unanswered("it redirects without end".to_owned()))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("host", &self.site.host())
            .finish_non_exhaustive()
    }
}
