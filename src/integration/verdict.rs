//! What the answer of a paging system means: for whether it is told again, and for what was asked.

use super::exchange::{Answer, Lost};
use crate::alert::page::Told;
use jiff::SignedDuration;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;

/// A paging system, for sentences.
#[derive(Debug, Clone, Copy)]
pub(super) struct System {
    /// What it is.
    pub(super) name: &'static str,
    /// What it may refuse to accept.
    pub(super) proof: &'static str,
    /// Its own words in an answer, with what leads to them.
    pub(super) said: fn(&Answer) -> String,
}

/// What was asked, or why it is not known.
pub(super) fn read<T: DeserializeOwned>(system: System, host: &str, answer: Result<Answer, Lost>) -> Result<T, String> {
    let answer = answer.map_err(|lost| format!("{host}: {}", lost.reason()))?;
    if !answer.status.is_success() {
        return Err(match answer.status.as_u16() {
            401 => format!("{host} does not accept {} (HTTP 401)", system.proof),
            status => format!("{host} answers HTTP {status}{}", (system.said)(&answer)),
        });
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| format!("{host} does not answer as {} does: {error}", system.name))
}

/// Of what is the same however often it is sent: told again until there is an answer.
pub(super) fn by_status(host: &str, answer: Result<Answer, Lost>, said: fn(&Answer) -> String) -> Told {
    match answer {
        Ok(answer) => judged(host, &answer, said),
        Err(lost) => Told::Later(None, format!("{host}: {}", lost.reason())),
    }
}

/// Of what would be there twice: told again only where it certainly was not taken.
pub(super) fn by_words(host: &str, answer: Result<Answer, Lost>, said: fn(&Answer) -> String) -> Told {
    match answer {
        Ok(answer) if answer.status.is_server_error() && answer.status != StatusCode::SERVICE_UNAVAILABLE => {
            let status = answer.status.as_u16();
            Told::Never(format!(
                "{host} answers HTTP {status}, and nobody knows whether it was taken"
            ))
        }
        Ok(answer) => judged(host, &answer, said),
        Err(Lost::NeverSent(reason)) => Told::Later(None, format!("{host}: {reason}")),
        Err(lost) => Told::Never(format!("{host}: {}", lost.reason())),
    }
}

fn judged(host: &str, answer: &Answer, said: fn(&Answer) -> String) -> Told {
    if answer.status.is_success() {
        return Told::Taken;
    }
    let why = format!("{host} answers HTTP {}{}", answer.status.as_u16(), said(answer));
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if answer.status.is_client_error() && !passes.contains(&answer.status) {
        return Told::Never(why);
    }
    Told::Later(rest(answer), why)
}

/// How long the system wants to be left alone, in the header that all have or in PagerDuty's own.
fn rest(answer: &Answer) -> Option<SignedDuration> {
    let told = answer
        .header(RETRY_AFTER)
        .or_else(|| answer.headers.get("ratelimit-reset")?.to_str().ok());
    let seconds: u32 = told?.trim().parse().ok()?;
    Some(SignedDuration::from_secs(seconds.into()))
}
