//! The few kinds of blocks that messages are made of. Texts come in escaped and fitted.

use serde_json::{Value, json};

pub(super) fn header(text: &str) -> Value {
    json!({"type": "header", "text": plain_text(text)})
}

/// None for a text in which nothing would be seen, which Slack refuses.
pub(super) fn plain(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "section", "text": plain_text(text)}))
}

/// `verbatim` keeps Slack from making links of what looks like one.
pub(super) fn mrkdwn(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}

pub(super) fn context(parts: &[String]) -> Value {
    let parts: Vec<Value> = parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .map(|part| plain_text(part))
        .collect();
    json!({"type": "context", "elements": parts})
}

pub(super) fn plain_text(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}
