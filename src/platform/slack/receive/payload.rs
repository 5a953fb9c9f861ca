//! The wire types of interactions: the fields that are used and no others. Slack adds fields at any time, leaves some out
//! and sets others to null.

use super::Rejection;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct Payload {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) team: Option<Named>,
    pub(super) enterprise: Option<Named>,
    pub(super) user: Option<User>,
    pub(super) channel: Option<Named>,
    pub(super) container: Option<Container>,
    pub(super) message: Option<Message>,
    #[serde(default)]
    pub(super) actions: Option<Vec<Action>>,
    pub(super) view: Option<View>,
    /// Of a shortcut.
    pub(super) callback_id: Option<String>,
    /// Of a field that somebody types into, with what stands there.
    pub(super) block_id: Option<String>,
    pub(super) value: Option<Value>,
    pub(super) trigger_id: Option<String>,
    pub(super) response_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
    pub(super) user_team: Option<String>,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Container {
    pub(super) message_ts: Option<String>,
    pub(super) thread_ts: Option<String>,
    pub(super) channel_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) ts: Option<String>,
    pub(super) thread_ts: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Action {
    #[serde(default)]
    pub(super) action_id: String,
    #[serde(default)]
    pub(super) block_id: String,
    /// Text where it is a button.
    pub(super) value: Option<Value>,
    /// Where it is a list.
    pub(super) selected_option: Option<Chosen>,
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct View {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) callback_id: String,
    #[serde(default)]
    pub(super) hash: String,
    #[serde(default)]
    pub(super) private_metadata: String,
    pub(super) state: Option<ViewState>,
}

#[derive(Deserialize)]
pub(super) struct ViewState {
    #[serde(default)]
    pub(super) values: Map<String, Value>,
}

impl Payload {
    /// The thread of the message whose button or shortcut was used.
    pub(super) fn thread(&self) -> Result<Option<&str>, Rejection> {
        let of_container = self
            .container
            .as_ref()
            .and_then(|container| container.thread_ts.as_deref());
        let of_message = self.message.as_ref().and_then(|message| message.thread_ts.as_deref());
        super::thread("container.thread_ts", of_container.or(of_message), self.message_ts())
    }

    /// The message whose button was pressed.
    pub(super) fn message_ts(&self) -> Option<&str> {
        let contained = self
            .container
            .as_ref()
            .and_then(|container| container.message_ts.as_deref());
        contained.or(self.message.as_ref().and_then(|message| message.ts.as_deref()))
    }
}

/// The parser's own message may quote the payload, and a payload holds tokens: only the place is told.
pub(super) fn parse(text: &str) -> Result<Payload, Rejection> {
    serde_json::from_str(text).map_err(|error| Rejection::BadPayload(misread(&error, true)))
}

/// The same of an envelope, in which no places are.
pub(super) fn of_json(payload: &Value) -> Result<Payload, Rejection> {
    Payload::deserialize(payload).map_err(|error| Rejection::BadPayload(misread(&error, false)))
}

pub(super) fn misread(error: &serde_json::Error, with_place: bool) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it is cut off",
        serde_json::error::Category::Data => "a field is missing or has another type than Slack documents",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    if with_place {
        format!("{kind}, at line {} column {}", error.line(), error.column())
    } else {
        kind.to_owned()
    }
}
