//! Single calls, with what an answer tells beside its body.

use crate::platform::tls;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::RequestBuilder;
use serde_json::Value;
use std::time::Duration;

/// Each call has this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// More of an answer is not read.
const MOST: usize = 4 << 20;

/// Makes the calls.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) http: reqwest::Client,
}

/// An answer, whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The sender's time.
    pub(super) date: Option<Timestamp>,
    /// What the token may do, as Slack tells it.
    pub(super) scopes: Option<String>,
    /// Null where it is no JSON.
    pub(super) body: Value,
    /// As it came.
    pub(super) text: String,
}

impl Asker {
    pub(super) fn new() -> Result<Self, String> {
        let http = tls::client(tls::AGENT, PATIENCE)?;
        Ok(Self { http })
    }

    /// The error says why there is no answer, without the address: it may hold a token.
    pub(super) async fn ask(&self, call: RequestBuilder) -> Result<Answer, String> {
        let mut response = call.send().await.map_err(told)?;
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (date, scopes) = (header("date"), header("x-oauth-scopes"));
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST {
                return Err("the answer is too long".to_owned());
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer {
            status,
            date: date
                .and_then(|date| rfc2822::parse(&date).ok())
                .map(|date| date.timestamp()),
            scopes,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }
}

fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut say = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        say = inner.to_string();
        source = inner.source();
    }
    say
}
