//! What Alertmanager posts to its webhook, read into bounded plain data. Fields that we do not know are ignored; what is
//! too long or too many is left out and counted, so that it can be said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Labels or annotations by name.
pub type Words = BTreeMap<String, String>;

/// Alerts that are kept of one group.
pub const MOST_ALERTS: usize = 5_000;

/// Labels, and annotations, that are kept of one alert.
pub const MOST_WORDS: usize = 64;

/// Characters of a name, of a label's value and of an annotation.
const NAME: usize = 128;
const VALUE: usize = 300;
const SENTENCE: usize = 1_500;

/// Characters of an address, which may have a whole expression in it.
const ADDRESS: usize = 8_000;

/// Why a body is no notification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotANotification {
    /// Not what Alertmanager posts.
    #[error("this is no notification of Alertmanager: {0}")]
    Form(String),
    /// Something is missing without which it cannot be told from others.
    #[error(
        "`{0}` is missing or empty: point a webhook_config of Alertmanager at this address (its format is version 4)"
    )]
    Missing(&'static str),
}

/// One notification about a group of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The hash of Alertmanager's own key of the group.
    pub key: String,
    /// Alertmanager's name for where it was sent.
    pub receiver: String,
    /// Which Alertmanager sent it: of a pair each has an address of its own.
    pub sender: String,
    /// What its alerts were grouped by.
    pub group_labels: Words,
    /// What all alerts have in common.
    pub labels: Words,
    /// What all alerts have in common.
    pub annotations: Words,
    /// In the order in which they were sent.
    pub alerts: Vec<Alert>,
    /// Alerts that Alertmanager left out, by its own limit.
    pub truncated: u64,
    /// Alerts that we left out, by ours.
    pub left_out: u64,
}

/// One alert as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Alertmanager's own hash of the labels.
    pub fingerprint: String,
    /// Whether it fires.
    pub firing: bool,
    /// Which alert.
    pub labels: Words,
    /// What is said of it.
    pub annotations: Words,
    /// Since when it fires.
    pub starts_at: Option<Timestamp>,
    /// Until when it did; none while it fires.
    pub ends_at: Option<Timestamp>,
    /// The page of the rule's expression.
    pub generator: Option<String>,
    /// Labels and annotations that were left out, or are shortened.
    pub cut: usize,
}

impl Alert {
    /// The rule's name, or what there is of one.
    pub fn name(&self) -> &str {
        self.labels
            .get("alertname")
            .map_or("alert without a name", String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    group_key: String,
    #[serde(default)]
    receiver: String,
    #[serde(default, rename = "externalURL")]
    external_url: String,
    #[serde(default)]
    truncated_alerts: u64,
    #[serde(default)]
    group_labels: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    common_labels: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    common_annotations: Option<BTreeMap<String, Value>>,
    alerts: Option<Vec<WireAlert>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlert {
    status: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

impl Notification {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<Self, NotANotification> {
        let wire: Wire = serde_json::from_slice(body).map_err(|error| NotANotification::Form(error.to_string()))?;
        if wire.group_key.trim().is_empty() {
            return Err(NotANotification::Missing("groupKey"));
        }
        let told = wire.alerts.ok_or(NotANotification::Missing("alerts"))?;
        if told.is_empty() {
            return Err(NotANotification::Missing("alerts"));
        }
        let left_out = told.len().saturating_sub(MOST_ALERTS) as u64;
        let alerts: Result<Vec<Alert>, NotANotification> = told.into_iter().take(MOST_ALERTS).map(alert).collect();
        let words = |words: Option<BTreeMap<String, Value>>, most| bounded(words.unwrap_or_default(), most).0;
        Ok(Self {
            key: hex::encode(Sha256::digest(wire.group_key.as_bytes())),
            receiver: short(&wire.receiver, NAME).0,
            sender: short(&wire.external_url, VALUE).0,
            group_labels: words(wire.group_labels, VALUE),
            labels: words(wire.common_labels, VALUE),
            annotations: words(wire.common_annotations, SENTENCE),
            alerts: alerts?,
            truncated: wire.truncated_alerts,
            left_out,
        })
    }
}

fn alert(wire: WireAlert) -> Result<Alert, NotANotification> {
    let firing = match wire.status.as_str() {
        "firing" => true,
        "resolved" => false,
        other => {
            let other = short(other, 40).0;
            return Err(NotANotification::Form(format!(
                "an alert's status is {other:?}, not firing or resolved"
            )));
        }
    };
    let (labels, cut_labels) = bounded(wire.labels.unwrap_or_default(), VALUE);
    let (annotations, cut_annotations) = bounded(wire.annotations.unwrap_or_default(), SENTENCE);
    let fingerprint = if wire.fingerprint.is_empty() {
        let mut hash = Sha256::new();
        for (name, value) in &labels {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(value.as_bytes());
            hash.update([0]);
        }
        hex::encode(&hash.finalize()[..8])
    } else {
        short(&wire.fingerprint, NAME).0
    };
    Ok(Alert {
        fingerprint,
        firing,
        labels,
        annotations,
        starts_at: moment(&wire.starts_at),
        // While it fires there is none; an Alertmanager may give the year 1, or when it would give up waiting.
        ends_at: moment(&wire.ends_at).filter(|_| !firing),
        generator: Some(wire.generator_url)
            .filter(|url| !url.is_empty() && url.len() <= ADDRESS)
            .map(clean),
        cut: cut_labels + cut_annotations,
    })
}

/// A time that means something.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|at| at.as_second() > 0)
}

/// So many as are kept, each as long as it may be; and how many are not whole.
fn bounded(words: BTreeMap<String, Value>, most: usize) -> (Words, usize) {
    let mut cut = words.len().saturating_sub(MOST_WORDS);
    // What names the alert is kept, wherever it stands in the alphabet.
    let (first, rest): (Vec<_>, Vec<_>) = words
        .into_iter()
        .partition(|(name, _)| matches!(name.as_str(), "alertname" | "severity" | "summary" | "description"));
    let mut kept = Words::new();
    for (name, value) in first.into_iter().chain(rest).take(MOST_WORDS) {
        let value = match value {
            Value::String(text) => text,
            Value::Null => continue,
            other => other.to_string(),
        };
        let (name, name_cut) = short(&name, NAME);
        let (value, value_cut) = short(&value, most);
        cut += usize::from(name_cut || value_cut);
        kept.insert(name, value);
    }
    (kept, cut)
}

/// At most so many characters, and whether any are missing.
fn short(text: &str, most: usize) -> (String, bool) {
    match text.char_indices().nth(most) {
        None => (clean(text.to_owned()), false),
        Some((end, _)) => (clean(format!("{}…", &text[..end])), true),
    }
}

/// PostgreSQL takes no NUL in a text.
fn clean(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}
