//! What is sent, read from a call's arguments. A value fills a value: it becomes no second segment, parameter or field.

use crate::call::{Arguments, CallContext};
use crate::integration::argument::{self, ArgumentError};
use crate::integration::exchange::Site;
use crate::runbook::action::{ActionSpec, Guard};
use crate::runbook::path::{FillError, PathError, PathTemplate};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Map, Value};

const MOST_PARAMETERS: usize = 200;

/// A call that cannot be made as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error("`path` {0}")]
    Path(#[from] PathError),
    #[error(transparent)]
    Fill(#[from] FillError),
    #[error("`{name}` takes texts, numbers, truth values and lists of them, and its `{key}` is {found}")]
    Parameter {
        name: &'static str,
        key: String,
        found: &'static str,
    },
    #[error("`{0}` has more than {MOST_PARAMETERS} values")]
    Many(&'static str),
    #[error("`expect_status` takes whole numbers from 100 to 599")]
    Status,
    #[error("`json` and `form` cannot both be the body")]
    TwoBodies,
    #[error("`key_header` is no name of a header")]
    Header,
    #[error("http has no action `{0}`")]
    Action(String),
}

#[derive(Debug)]
pub(super) enum Body {
    None,
    Json(Map<String, Value>),
    Form(Vec<(String, String)>),
}

/// One request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Body,
    pub(super) key: Option<(HeaderName, HeaderValue)>,
    /// The statuses that the runbook judges, where it names any.
    statuses: Vec<StatusCode>,
    pub(super) as_json: bool,
}

impl Ask {
    pub(super) fn read(
        site: &Site,
        action: &ActionSpec,
        arguments: &Arguments,
        context: &CallContext,
    ) -> Result<Self, AskError> {
        let method = match action.name {
            "get" => Method::GET,
            "post" | "post_with_key" => Method::POST,
            "put" => Method::PUT,
            "patch" => Method::PATCH,
            "delete" => Method::DELETE,
            other => return Err(AskError::Action(other.to_owned())),
        };
        let path = PathTemplate::parse(argument::text(arguments, "path")?)?;
        let nothing = Map::new();
        let fill = argument::optional_fields(arguments, "fill")?.unwrap_or(&nothing);
        let segments = path.fill(fill)?;
        let mut url = site.url(segments.iter().map(String::as_str));
        if let Some(query) = argument::optional_fields(arguments, "query")? {
            let pairs = pairs("query", query)?;
            if !pairs.is_empty() {
                url.query_pairs_mut().extend_pairs(pairs);
            }
        }
        let json = argument::optional_fields(arguments, "json")?;
        let form = argument::optional_fields(arguments, "form")?;
        let body = match (json, form) {
            (None, None) => Body::None,
            (Some(fields), None) => Body::Json(fields.clone()),
            (None, Some(fields)) => Body::Form(pairs("form", fields)?),
            (Some(_), Some(_)) => return Err(AskError::TwoBodies),
        };
        let statuses = argument::optional_list(arguments, "expect_status")?.unwrap_or_default();
        let statuses = statuses
            .iter()
            .map(status)
            .collect::<Option<_>>()
            .ok_or(AskError::Status)?;
        let key = if action.guard == Guard::Key {
            let name = argument::text(arguments, "key_header")?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| AskError::Header)?;
            let key = HeaderValue::from_str(&context.derived_id().to_string()).map_err(|_| AskError::Header)?;
            Some((name, key))
        } else {
            None
        };
        Ok(Self {
            method,
            url,
            body,
            key,
            statuses,
            as_json: argument::optional_text(arguments, "as")? != Some("text"),
        })
    }

    /// The server's address itself, for whatever it answers.
    pub(super) fn front(site: &Site) -> Self {
        Self {
            method: Method::GET,
            url: site.path("/"),
            body: Body::None,
            key: None,
            statuses: Vec::new(),
            as_json: false,
        }
    }

    /// Whether an answer of this status is for the runbook to judge.
    pub(super) fn expects(&self, status: StatusCode) -> bool {
        let usual = status.is_success() && (self.statuses.is_empty() || self.method != Method::GET);
        usual || self.statuses.contains(&status)
    }

    /// `GET /api/health/`, for sentences. The query stays out: it may hold what customers are called.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

fn status(value: &Value) -> Option<StatusCode> {
    let number = u16::try_from(value.as_u64()?).ok()?;
    StatusCode::from_u16(number).ok().filter(|it| it.as_u16() < 600)
}

fn pairs(name: &'static str, fields: &Map<String, Value>) -> Result<Vec<(String, String)>, AskError> {
    let mut pairs = Vec::new();
    for (key, value) in fields {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            let text = match item {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                other => {
                    return Err(AskError::Parameter {
                        name,
                        key: key.clone(),
                        found: argument::kind_of(other),
                    });
                }
            };
            pairs.push((key.clone(), text));
        }
    }
    if pairs.len() > MOST_PARAMETERS {
        return Err(AskError::Many(name));
    }
    Ok(pairs)
}
