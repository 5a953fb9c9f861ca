//! Which messages Slack takes, judged by a crate that is not ours, and whom a message pings.

use serde_json::{Value, json};
use slackblocks::{MessagePayload, ModalView};
use std::collections::BTreeSet;

/// Undocumented; reports put it near 13.2 thousand characters over all blocks.
const BLOCKS_IN_TOTAL: usize = 13_200;
/// Slack cuts longer texts; a bot that sends one has a bug.
const TEXT: usize = 40_000;

pub struct Refusal {
    pub code: &'static str,
    pub detail: String,
}

impl Refusal {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// The blocks of a message that Slack takes. In a form they come as JSON in a string.
pub fn message(arguments: &Value) -> Result<Vec<Value>, Refusal> {
    let text = arguments["text"].as_str().unwrap_or_default();
    let blocks = match &arguments["blocks"] {
        Value::Null => Vec::new(),
        Value::Array(blocks) => blocks.clone(),
        Value::String(form) => {
            serde_json::from_str(form).map_err(|error| Refusal::new("invalid_blocks_format", error.to_string()))?
        }
        other => return Err(Refusal::new("invalid_blocks_format", format!("blocks are {other}"))),
    };
    if text.is_empty() && blocks.is_empty() {
        return Err(Refusal::new("no_text", ""));
    }
    if text.chars().count() > TEXT {
        return Err(Refusal::new("msg_too_long", ""));
    }
    let payload = json!({"channel": "C0", "text": text, "blocks": blocks});
    MessagePayload::try_from(payload).map_err(|error| Refusal::new("invalid_blocks", error.to_string()))?;
    for block in &blocks {
        let elements = block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = elements
            .iter()
            .filter_map(|element| element["action_id"].as_str())
            .collect();
        if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
            return Err(Refusal::new(
                "invalid_blocks",
                "an action_id is there twice in one block",
            ));
        }
    }
    if Value::from(blocks.clone()).to_string().encode_utf16().count() > BLOCKS_IN_TOTAL {
        return Err(Refusal::new("msg_blocks_too_long", ""));
    }
    match &arguments["metadata"] {
        Value::Null => {}
        // A form has it as a string.
        Value::String(form) => metadata(&serde_json::from_str(form).unwrap_or(Value::Null))?,
        given => metadata(given)?,
    }
    Ok(blocks)
}

/// Whether a view is one that Slack takes.
pub fn view(view: &Value) -> Result<(), Refusal> {
    let refused = |error: String| Refusal::new("invalid_arguments", error);
    ModalView::try_from(view.clone()).map_err(|error| refused(error.to_string()))?;
    Ok(())
}

fn metadata(given: &Value) -> Result<(), Refusal> {
    let values = given["event_payload"].as_object();
    if given["event_type"].as_str().is_none_or(str::is_empty) || values.is_none() {
        return Err(Refusal::new("invalid_metadata_format", given.to_string()));
    }
    Ok(())
}

/// Whom a new message notifies by its markup.
pub fn pings(blocks: &[Value], text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    if blocks.is_empty() {
        texts.push(text);
    }
    blocks.iter().for_each(|block| mrkdwn(block, &mut texts));
    let mut found = Vec::new();
    for text in texts {
        for part in text.split('<').skip(1).filter_map(|part| part.split_once('>')) {
            if part.0.starts_with('!') || part.0.starts_with('@') {
                found.push(part.0.to_owned());
            }
        }
    }
    found
}

fn mrkdwn<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "mrkdwn") => {
            found.extend(fields.get("text").and_then(Value::as_str));
        }
        Value::Object(fields) => fields.values().for_each(|value| mrkdwn(value, found)),
        Value::Array(items) => items.iter().for_each(|item| mrkdwn(item, found)),
        _ => {}
    }
}
