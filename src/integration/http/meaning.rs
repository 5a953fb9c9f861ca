//! What an answer means: for a read whether there is one, for a write whether it happened. The tables are the truth that
//! people are told; where they cannot tell, they say so.

use super::ask::Ask;
use crate::call::CallResult;
use crate::integration::exchange::{Answer, Lost};
use crate::report::redact::RedactorError;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

const SHOWN: usize = 160;

/// A read changes nothing, so whatever is no answer is simply not done.
pub(super) fn of_read(ask: &Ask, host: &str, answer: Result<Answer, Lost>) -> CallResult {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Lost::Broken(status, reason)) => {
            let lost = Lost::Broken(status, reason);
            return unanswered(host, ask, &lost.reason());
        }
        Err(lost) => return unreachable(host, &lost),
    };
    let status = answer.status;
    if ask.expects(status) {
        return match value(ask, &answer) {
            Ok(value) => CallResult::Done { value },
            Err(unfit) => unanswered(host, ask, &format!("HTTP {} came with {unfit}", status.as_u16())),
        };
    }
    if status.is_redirection() {
        return unanswered(host, ask, &sent_away(&answer));
    }
    unanswered(host, ask, &refusal(&answer))
}

/// A write is done by an expected answer, not done by a refusal, and else unknown.
pub(super) fn of_write(ask: &Ask, host: &str, answer: Result<Answer, Lost>) -> CallResult {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost @ Lost::NeverSent(_)) => return unreachable(host, &lost),
        Err(lost) => return unknown(host, ask, &lost.reason()),
    };
    let status = answer.status;
    if ask.expects(status) {
        return match value(ask, &answer) {
            Ok(value) => CallResult::Done { value },
            // A sign-in page comes with 200 too, and then nothing was done; who knows.
            Err(unfit) => unknown(host, ask, &format!("HTTP {} came with {unfit}", status.as_u16())),
        };
    }
    if status.is_redirection() {
        let told = sent_away(&answer);
        return if asks_elsewhere(&ask.url, &answer) {
            not_done(host, ask, &told)
        } else {
            unknown(host, ask, &told)
        };
    }
    if refuses(status) {
        not_done(host, ask, &refusal(&answer))
    } else {
        unknown(host, ask, &refusal(&answer))
    }
}

/// A status that says that the request was not carried out. Not among them: 408, which proxies send when the server is
/// slow; 409, which also says that the same request is under way; and 499, a proxy's word for a client that left.
fn refuses(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 409 | 499)
}

/// Whether a redirect says "ask there instead" and not "done, now look there": by its status, or because the same
/// address is meant but for its scheme, host or last slash.
fn asks_elsewhere(asked: &Url, answer: &Answer) -> bool {
    if matches!(
        answer.status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    ) {
        return true;
    }
    let Some(to) = answer.header(LOCATION).and_then(|location| asked.join(location).ok()) else {
        return false;
    };
    to != *asked && to.path().trim_end_matches('/') == asked.path().trim_end_matches('/') && to.query() == asked.query()
}

fn value(ask: &Ask, answer: &Answer) -> Result<Value, String> {
    if answer
        .header(CONTENT_ENCODING)
        .is_some_and(|it| !it.eq_ignore_ascii_case("identity"))
    {
        return Err("a compressed body, which was not asked for".to_owned());
    }
    let (json, text) = if !ask.as_json {
        let text = std::str::from_utf8(&answer.body).map_err(|_| "a body that is no text in UTF-8".to_owned())?;
        (Value::Null, Value::from(text))
    } else if answer.body.is_empty() {
        (Value::Null, Value::Null)
    } else {
        (parsed(answer)?, Value::Null)
    };
    let header = |name: HeaderName| answer.header(name).map_or(Value::Null, Value::from);
    Ok(json!({
        "status": answer.status.as_u16(),
        "json": json,
        "text": text,
        "headers": {
            "content_type": header(CONTENT_TYPE),
            "etag": header(ETAG),
            "last_modified": header(LAST_MODIFIED),
            "location": header(LOCATION),
            "retry_after": header(RETRY_AFTER),
        },
    }))
}

fn parsed(answer: &Answer) -> Result<Value, String> {
    let media = media(answer);
    if is_page(&media) {
        return Err("a page, not JSON: perhaps a login page".to_owned());
    }
    if !(media.is_empty() || media == "application/json" || media.ends_with("+json")) {
        return Err(format!("{}, not JSON", cut(&media)));
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("a body that is no JSON ({error})"))
}

/// `text/html`, in small letters, without its parameters; empty if nothing is said.
fn media(answer: &Answer) -> String {
    let written = answer.header(CONTENT_TYPE).unwrap_or_default();
    written
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn is_page(media: &str) -> bool {
    matches!(media, "text/html" | "application/xhtml+xml")
}

/// The status and what the server said with it.
pub(super) fn refusal(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let media = media(answer);
    if is_page(&media) {
        return format!("HTTP {status} came with a page");
    }
    let json = serde_json::from_slice::<Value>(&answer.body).ok();
    let said = match &json {
        Some(Value::Object(fields)) => match fields.get("detail").or_else(|| fields.get("message")) {
            Some(Value::String(detail)) => detail.clone(),
            _ => String::from_utf8_lossy(&answer.body).into_owned(),
        },
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    let said = cut(&said);
    let said = said.trim_end_matches('.');
    if said.is_empty() {
        format!("HTTP {status} came without a word")
    } else {
        format!("HTTP {status} came with: {said}")
    }
}

fn sent_away(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match answer.header(LOCATION) {
        // What stands after `?` may be a token.
        Some(location) => {
            let place = location.split(['?', '#']).next().unwrap_or_default();
            format!("HTTP {status} sends us elsewhere ({})", cut(place))
        }
        None => format!("HTTP {status} sends us nowhere"),
    }
}

/// One short line.
fn cut(text: &str) -> String {
    let mut line = String::new();
    for word in text
        .split(|it: char| it.is_whitespace() || it.is_control())
        .filter(|it| !it.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > SHOWN {
            return line.chars().take(SHOWN).chain(['…']).collect();
        }
    }
    line
}

/// What is left of a result that cannot be cleared of secrets.
pub(super) fn unsaid(result: &CallResult, why: &RedactorError) -> CallResult {
    let reason = format!("the answer cannot be shown: {why}");
    match result {
        CallResult::NotDone { .. } => CallResult::NotDone { reason },
        CallResult::Unreachable { .. } => CallResult::Unreachable { reason },
        CallResult::Done { .. } | CallResult::Unknown { .. } => CallResult::Unknown { reason },
    }
}

fn unanswered(host: &str, ask: &Ask, why: &str) -> CallResult {
    CallResult::NotDone {
        reason: format!("{host} did not answer {} as expected: {why}", ask.title()),
    }
}

fn not_done(host: &str, ask: &Ask, why: &str) -> CallResult {
    CallResult::NotDone {
        reason: format!("{host} did not do {}: {why}", ask.title()),
    }
}

fn unknown(host: &str, ask: &Ask, why: &str) -> CallResult {
    CallResult::Unknown {
        reason: format!("{host} may have done {}: {why}", ask.title()),
    }
}

fn unreachable(host: &str, lost: &Lost) -> CallResult {
    CallResult::Unreachable {
        reason: format!("{host} cannot be reached: {}", lost.reason()),
    }
}
