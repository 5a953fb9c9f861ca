//! Celery's task messages, protocol 2, as kombu puts them into Redis.
//!
//! A message that lacks its id, `delivery_info` or `delivery_tag`, or that is no JSON, kills the whole worker that takes
//! it; the worker reads them without a guard. So a message is composed here and nowhere else, and reading one that others
//! wrote never fails: it gives `None`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A task that is to be sent.
pub(super) struct Order<'a> {
    pub id: Uuid,
    pub task: &'a str,
    pub args: &'a [Value],
    pub queue: &'a str,
    /// A worker that takes the message later than this drops it.
    pub expires: Timestamp,
}

impl Order<'_> {
    /// The text to put into the queue.
    pub fn compose(&self) -> String {
        let id = self.id.to_string();
        let body =
            json!([self.args, {}, { "callbacks": null, "errbacks": null, "chain": null, "chord": null }]).to_string();
        json!({
            "body": BASE64.encode(body),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": self.task,
                "id": id,
                "shadow": null,
                "eta": null,
                // With an offset: without one the worker takes it for its own zone.
                "expires": self.expires.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
                "group": null,
                "group_index": null,
                "retries": 0,
                "timelimit": [null, null],
                "root_id": id,
                "parent_id": null,
                "argsrepr": python_tuple(self.args),
                "kwargsrepr": "{}",
                "origin": "signalbox",
                "ignore_result": false,
                "replaced_task_nesting": 0,
                "stamped_headers": null,
                "stamps": {},
            },
            "properties": {
                "correlation_id": id,
                "reply_to": Uuid::new_v5(&self.id, b"reply_to").to_string(),
                "delivery_mode": 2,
                "delivery_info": { "exchange": "", "routing_key": self.queue },
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": Uuid::new_v5(&self.id, b"delivery_tag").to_string(),
            },
        })
        .to_string()
    }
}

fn python_tuple(items: &[Value]) -> String {
    let items: Vec<_> = items.iter().map(python).collect();
    match items.as_slice() {
        [only] => format!("({only},)"),
        _ => format!("({})", items.join(", ")),
    }
}

/// As Python would write it; Celery's tools show arguments so.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("'{text}'")
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", python(&Value::String(key.clone())), python(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// A task as a message or a worker tells of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Task {
    pub id: String,
    pub name: String,
    pub args: Vec<Value>,
    pub kwargs: Map<String, Value>,
    pub retries: u64,
}

#[derive(Deserialize)]
struct Envelope {
    body: String,
    headers: Headers,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize)]
struct Headers {
    id: String,
    task: String,
    #[serde(default)]
    retries: Option<u64>,
}

#[derive(Deserialize, Default)]
struct Properties {
    #[serde(default)]
    body_encoding: Option<String>,
}

impl Task {
    /// Reads a message of a queue's list; `None` if it is none that we know.
    pub fn read(message: &[u8]) -> Option<Self> {
        Self::of_envelope(serde_json::from_slice(message).ok()?)
    }

    /// Reads an entry of the hash `unacked`, and the queue that it was taken from.
    pub fn read_unacked(entry: &[u8]) -> Option<(Self, String)> {
        let (envelope, _exchange, queue): (Envelope, Value, String) = serde_json::from_slice(entry).ok()?;
        Some((Self::of_envelope(envelope)?, queue))
    }

    fn of_envelope(envelope: Envelope) -> Option<Self> {
        let body = match envelope.properties.body_encoding.as_deref() {
            Some("base64") => BASE64.decode(envelope.body).ok()?,
            None | Some("") => envelope.body.into_bytes(),
            Some(_) => return None,
        };
        let (args, kwargs, _embed): (Vec<Value>, Map<String, Value>, Value) = serde_json::from_slice(&body).ok()?;
        let Headers {
            id,
            task: name,
            retries,
        } = envelope.headers;
        Some(Self {
            id,
            name,
            args,
            kwargs,
            retries: retries.unwrap_or(0),
        })
    }

    /// Reads an entry of what a worker says that it has.
    pub fn read_inspected(entry: &Value) -> Option<Self> {
        Some(Self {
            id: entry.get("id")?.as_str()?.to_owned(),
            name: entry.get("name")?.as_str()?.to_owned(),
            args: entry.get("args")?.as_array()?.clone(),
            kwargs: entry.get("kwargs")?.as_object()?.clone(),
            retries: 0,
        })
    }

    /// Whether it was called with exactly these values, by position or by name.
    pub fn has_args(&self, wanted: &[Value]) -> bool {
        if wanted.len() != self.args.len() + self.kwargs.len() {
            return false;
        }
        let (by_position, by_name) = wanted.split_at(self.args.len());
        // The order of named arguments says nothing, so each wanted value takes any one of them.
        let mut named: Vec<&Value> = self.kwargs.values().collect();
        by_position
            .iter()
            .zip(&self.args)
            .all(|(wanted, found)| same(wanted, found))
            && by_name.iter().all(|wanted| {
                let found = named.iter().position(|found| same(wanted, found));
                found.map(|at| named.swap_remove(at)).is_some()
            })
    }

    /// Its first argument. Of several that are given by name alone, that one which is wanted; else it cannot be told.
    pub fn first(&self, wanted: &[Value]) -> Option<&Value> {
        if let Some(first) = self.args.first() {
            return Some(first);
        }
        let mut named = self.kwargs.values();
        match (named.next(), named.next()) {
            (only, None) => only,
            _ => self
                .kwargs
                .values()
                .find(|value| wanted.iter().any(|wanted| same(wanted, value))),
        }
    }
}

/// Whether two arguments mean the same: a task takes `2` and `"2"` for the same order.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    one == other || matches!((scalar_text(one), scalar_text(other)), (Some(one), Some(other)) if one == other)
}

/// A number or a text as text.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
