//! Answers to what is posted directly. Slack answers with `ok`, with JSON, or with a bare word.

use super::SlackError;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use std::time::Duration;

/// No answer of interest is longer.
const MOST: usize = 16 * 1024;

#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
}

pub(super) async fn of(sent: Result<Response, reqwest::Error>) -> Result<(), SlackError> {
    let mut response = sent.map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    if status == 429 {
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        return Err(SlackError::rate_limited(after.map(Duration::from_secs)));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > MOST {
            return Err(SlackError::of_status(502));
        }
        body.extend_from_slice(&chunk);
    }
    let said: Option<Said> = serde_json::from_slice(&body).ok();
    match (status, said) {
        (200..300, Some(Said { ok: true, .. }) | None) => Ok(()),
        (_, Some(Said { error: Some(code), .. })) => Err(SlackError::of_code(&code, "")),
        (404 | 410, _) => Err(SlackError::Gone {
            code: format!("HTTP status {status}"),
        }),
        (200..300, Some(_)) => Err(SlackError::Invalid {
            detail: "ok is false, without a reason".to_owned(),
        }),
        _ => Err(SlackError::of_status(status)),
    }
}

fn failed(error: &reqwest::Error) -> SlackError {
    if error.is_timeout() {
        return SlackError::Retry {
            detail: "no answer in time".to_owned(),
            may_be_done: true,
        };
    }
    SlackError::of_transport(error)
}
