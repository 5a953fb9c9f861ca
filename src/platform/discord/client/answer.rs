//! Answers of the REST API: what they say, what they tell of limits, and why a call was refused.

use super::super::limits::Told;
use super::error::DiscordError;
use reqwest::Response;
use serde_json::Value;

/// No answer of interest is longer: fifty messages with all their embeds.
const MOST: usize = 2 * 1024 * 1024;

/// What Discord says beyond its code is told up to this many characters.
const SAID: usize = 300;

/// An answer, whatever it says.
pub(super) struct Answer {
    status: u16,
    told: Option<Told>,
    /// Scope and reach of a limit that was met.
    is_shared: bool,
    everywhere: bool,
    /// No answer to a call that Discord itself has counted is without it.
    has_scope: bool,
    retry_after: Option<f64>,
    body: Result<Vec<u8>, DiscordError>,
}

/// A call that was not taken.
pub(super) struct Failed {
    pub(super) error: DiscordError,
    /// Discord's own code; zero where it gave none.
    pub(super) code: u64,
    /// Whether a limit was met that all calls share.
    pub(super) everywhere: bool,
}

impl From<Failed> for DiscordError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl From<DiscordError> for Failed {
    fn from(error: DiscordError) -> Self {
        Self {
            error,
            code: 0,
            everywhere: false,
        }
    }
}

/// An answer that cannot have come from Discord: a proxy's page, or one that was cut off.
pub(super) fn not_json() -> DiscordError {
    DiscordError::Retry {
        detail: "the answer is not Discord's JSON".to_owned(),
        may_be_done: true,
    }
}

pub(super) async fn read(sent: Result<Response, reqwest::Error>) -> Answer {
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => {
            return Answer {
                status: 0,
                told: None,
                is_shared: false,
                everywhere: false,
                has_scope: false,
                retry_after: None,
                body: Err(DiscordError::of_transport(&error)),
            };
        }
    };
    let headers = response.headers().clone();
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let mut body = Vec::new();
    let body = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MOST => break Err(not_json()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break Ok(body),
            Err(error) => break Err(DiscordError::of_transport(&error)),
        }
    };
    Answer {
        status: response.status().as_u16(),
        told: super::told(header),
        is_shared: header("x-ratelimit-scope").is_some_and(|scope| scope == "shared"),
        everywhere: header("x-ratelimit-global").is_some_and(|it| it == "true"),
        has_scope: header("x-ratelimit-scope").is_some(),
        retry_after: header("retry-after").and_then(|seconds| seconds.parse().ok()),
        body,
    }
}

impl Answer {
    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_ref().filter(|_| self.status != 429)
    }

    /// Of these ten thousand within ten minutes are one too many.
    pub(super) fn counts_as_refused(&self) -> bool {
        matches!(self.status, 401 | 403) || (self.status == 429 && !self.is_shared)
    }

    pub(super) fn value(self) -> Result<Value, DiscordError> {
        serde_json::from_slice(&self.body?).map_err(|_| not_json())
    }

    /// The answer where the call was taken.
    pub(super) fn taken(self) -> Result<Self, Failed> {
        let body = match &self.body {
            Ok(body) => body,
            // What was refused was refused, though nobody read why.
            Err(_) if (400..500).contains(&self.status) && self.status != 429 => &Vec::new(),
            Err(error) => return Err(error.clone().into()),
        };
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = said["code"].as_u64().unwrap_or(0);
        // What stands before Discord refuses the whole address, and names no scope.
        let everywhere = self.everywhere || said["global"] == true || !self.has_scope;
        let error = match self.status {
            429 => DiscordError::rate_limited(said["retry_after"].as_f64().or(self.retry_after)),
            // Somebody is between Discord and us.
            300..400 => DiscordError::of(502, 0, "the answer leads elsewhere"),
            status => DiscordError::of(status, code, &words(&said)),
        };
        Err(Failed {
            error,
            code,
            everywhere,
        })
    }
}

/// What Discord says, and of the fields that it does not like where and why.
fn words(said: &Value) -> String {
    let mut words = said["message"].as_str().unwrap_or_default().to_owned();
    faults(&said["errors"], "", &mut words);
    words.chars().take(SAID).collect()
}

fn faults(of: &Value, path: &str, words: &mut String) {
    for fault in of["_errors"].as_array().into_iter().flatten() {
        let message = fault["message"].as_str().unwrap_or_default();
        words.push_str(&format!("; {path}: {message}"));
    }
    if words.len() > SAID {
        return;
    }
    for (name, inner) in of
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "_errors")
    {
        let dot = if path.is_empty() { "" } else { "." };
        faults(inner, &format!("{path}{dot}{name}"), words);
    }
}
