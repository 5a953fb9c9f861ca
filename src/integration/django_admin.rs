//! Django's admin, as a person uses it: the list of a model, and an action on rows of that list.
//!
//! Its account must be one that the admin lets in, which many sites restrict to superusers. Give it an account of its own:
//! the admin's history then tells what the bot did.
//!
//! The admin answers every action with a redirect, so its messages are read; what they mean is for the runbook to judge.
//! An action that queued work says so and no more: what came of the work is not to be seen here.

mod act;
mod cookies;
mod page;
mod session;

use super::argument::{self, ArgumentError};
use super::deadline;
use super::exchange::{AddressError, Site};
use crate::call::{Arguments, CallContext, CallResult, Identity};
use crate::report::redact::RedactorError;
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use page::PageError;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use session::Visit;
use std::fmt;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

const MODEL: ArgumentSpec = ArgumentSpec {
    name: "model",
    kind: Kind::FixedText,
    required: true,
    help: "As in the admin's address: \"store/supplier\".",
};

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "django_admin",
        name: "rows",
        summary: "Reads the first page of a model's list.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            MODEL,
            ArgumentSpec {
                name: "ids",
                kind: Kind::Value,
                required: false,
                help: "Only these: a list of ids, or one.",
            },
        ],
        gives: &[
            (
                "rows",
                "A list of objects: `id`, and the text of each column by its name.",
            ),
            ("count", "How many rows."),
            ("more", "True if the list has more pages."),
        ],
    },
    ActionSpec {
        integration: "django_admin",
        name: "action",
        summary: "Runs an action of a model's list on some rows and reads the messages.",
        effect: Effect::Write,
        guard: Guard::None,
        arguments: &[
            MODEL,
            ArgumentSpec {
                name: "action",
                kind: Kind::FixedText,
                required: true,
                help: "Its name in the list's form: \"action_trigger_sync\".",
            },
            ArgumentSpec {
                name: "ids",
                kind: Kind::Value,
                required: true,
                help: "The rows: a list of ids, or one; 100 at the most.",
            },
        ],
        gives: &[
            (
                "messages",
                "A list of: level (debug, info, success, warning, error), text.",
            ),
            (
                "count",
                "The number in the message, if there is exactly one message with exactly one number; else null.",
            ),
        ],
    },
];

/// A page of Django's list has so many rows unless the site says otherwise.
const MOST_IDS: usize = 100;

/// How to reach an admin.
#[derive(Debug, Clone)]
pub struct Config {
    /// The connection's name, for sentences about its login.
    pub name: String,
    /// The admin's own address: `http://host:8000/admin`.
    pub url: String,
    /// What stands in the login form's first field.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// A connection that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a django_admin connection cannot be made: {0}")]
pub struct ConfigError(#[from] AddressError);

/// Why the admin gave no answer that can be used. Nothing was done in any of these cases.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error("`model` is an app and a model as in the admin's address: \"store/supplier\"")]
    Model,
    #[error("`ids` takes whole numbers and texts of letters, digits, `-` and `_`, or a list of them")]
    Id,
    #[error("`ids` is empty: without a row there is nothing to do")]
    NoId,
    #[error("`ids` has {0} ids; {MOST_IDS} are the most at once")]
    Many(usize),
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the admin at {0} had not answered when the deadline passed; nothing was sent to it that changes anything")]
    Late(String),
    #[error(
        "the user or the password of connection {connection} is refused ({answer}); the login is tried again in {wait} s at \
         the earliest"
    )]
    Refused {
        connection: String,
        answer: String,
        wait: u64,
    },
    #[error(
        "the user of connection {0} can log in to the admin and is sent back to its login: the account is no superuser, and \
         this admin shows itself to superusers only"
    )]
    NotLetIn(String),
    #[error("the user of connection {connection} may not see {what} in the admin (HTTP 403)")]
    Forbidden { connection: String, what: String },
    #[error("the admin at {host} has no {what} (HTTP 404)")]
    Missing { host: String, what: String },
    #[error("the admin at {host} is not as expected: {reason}")]
    Strange { host: String, reason: String },
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Redactor(#[from] RedactorError),
}

impl From<AdminError> for CallResult {
    fn from(error: AdminError) -> Self {
        let reason = error.to_string();
        match error {
            AdminError::Unreachable { .. } => Self::Unreachable { reason },
            _ => Self::NotDone { reason },
        }
    }
}

/// One configured instance.
pub struct DjangoAdmin {
    config: Config,
    site: Site,
    // Held during a call: messages belong to the session, and two calls at once would read each other's.
    visit: Mutex<Visit>,
}

impl DjangoAdmin {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            site: Site::new(&config.url)?,
            config: config.clone(),
            visit: Mutex::default(),
        })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "django_admin".to_owned(),
            host: self.site.host().to_owned(),
            database: None,
            user: Some(self.config.user.clone()),
        }
    }

    /// Asks whether it is there and lets us in.
    pub async fn alive(&self, context: &CallContext) -> Result<String, String> {
        let until = deadline::instant(context);
        let look = async {
            let mut visit = self.entered(until).await?;
            self.open(&mut visit, self.site.path("/"), "its first page", until)
                .await
        };
        match look.await {
            Ok(_) => Ok("answers, and takes the login".to_owned()),
            Err(error) => Err(error.to_string()),
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
        let result = match action.name {
            "rows" => self.rows(arguments, until).await,
            "action" => self.act(arguments, until).await,
            other => {
                let reason = format!("django_admin has no action `{other}`");
                Ok(CallResult::NotDone { reason })
            }
        };
        result.unwrap_or_else(CallResult::from)
    }

    async fn entered(&self, until: Instant) -> Result<tokio::sync::MutexGuard<'_, Visit>, AdminError> {
        timeout_at(until, self.visit.lock())
            .await
            .map_err(|_| AdminError::Late(self.site.host().to_owned()))
    }

    async fn rows(&self, arguments: &Arguments, until: Instant) -> Result<CallResult, AdminError> {
        let model = self.model(arguments)?;
        let mut list = model.url.clone();
        if let Some(ids) = ids(arguments)? {
            narrow(&mut list, &ids);
        }
        let mut visit = self.entered(until).await?;
        let page = self.open(&mut visit, list, &model.name, until).await?;
        let rows = page.rows.iter().map(|row| json!(row)).collect::<Vec<_>>();
        let value = json!({ "count": rows.len(), "rows": rows, "more": page.more });
        Ok(CallResult::Done {
            value: visit.redact(value)?,
        })
    }

    fn model(&self, arguments: &Arguments) -> Result<Model, AdminError> {
        let text = argument::text(arguments, "model")?;
        let word = |it: &str| {
            !it.is_empty()
                && it
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
        };
        let (app, name) = text
            .split_once('/')
            .filter(|(app, name)| word(app) && word(name))
            .ok_or(AdminError::Model)?;
        Ok(Model {
            name: text.to_owned(),
            url: self.site.url([app, name, ""]),
        })
    }
}

/// A model's list.
#[derive(Debug)]
struct Model {
    name: String,
    url: Url,
}

/// Each once, in order.
fn ids(arguments: &Arguments) -> Result<Option<Vec<String>>, AdminError> {
    let given = match arguments.get("ids") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut ids: Vec<String> = Vec::new();
    for item in given {
        let id = id(item).ok_or(AdminError::Id)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > MOST_IDS {
            return Err(AdminError::Many(given.len()));
        }
    }
    if ids.is_empty() {
        return Err(AdminError::NoId);
    }
    Ok(Some(ids))
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        Value::String(text) => {
            let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
            ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.clone())
        }
        _ => None,
    }
}

/// Only these rows of a list.
fn narrow(list: &mut Url, ids: &[String]) {
    list.query_pairs_mut().append_pair("pk__in", &ids.join(","));
}

impl fmt::Debug for DjangoAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoAdmin")
            .field("host", &self.site.host())
            .finish_non_exhaustive()
    }
}
