//! What Slack says over a connection, and what is said back.

use serde_json::{Value, json};

/// A delivery, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Names it until it is acknowledged.
    pub id: String,
    /// What is in it.
    pub kind: EnvelopeKind,
    /// The same as the body of a request would have.
    pub payload: Value,
    /// Whether the acknowledgement may say something.
    pub accepts_payload: bool,
    /// The how manieth time Slack sends it again, and why: for the log.
    pub retry: Option<String>,
}

/// What is in an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvelopeKind {
    /// A slash command.
    Command,
    /// A button, a form, a shortcut, a field that offers values.
    Interaction,
    /// A mention.
    Event,
    /// Something that is not known yet.
    Other(String),
}

/// What whoever handles deliveries is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A delivery, to be acknowledged.
    Envelope(Box<Envelope>),
    /// Something that nobody can read, so that nobody can acknowledge it.
    Garbled(&'static str),
}

/// What Slack is told of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is taken.
    Ack,
    /// It is taken, and this is what to show.
    AckWith(Value),
    /// It is not taken: Slack sends an event again, and tells a person that the app did not answer.
    Nothing,
}

/// One message of Slack.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    Hello,
    Disconnect { reason: String },
    Envelope(Box<Envelope>),
    Garbled(&'static str),
}

impl Frame {
    pub(super) fn read(text: &str) -> Self {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return Self::Garbled("it is not JSON");
        };
        let Some(kind) = frame["type"].as_str() else {
            return Self::Garbled("it has no type");
        };
        match kind {
            "hello" => return Self::Hello,
            "disconnect" => {
                let reason = frame["reason"].as_str().unwrap_or("no reason").to_owned();
                return Self::Disconnect { reason };
            }
            _ => {}
        }
        let Some(id) = frame["envelope_id"].as_str().filter(|id| !id.is_empty()) else {
            return Self::Garbled("it has no envelope_id");
        };
        let kind = match kind {
            "slash_commands" => EnvelopeKind::Command,
            "interactive" => EnvelopeKind::Interaction,
            "events_api" => EnvelopeKind::Event,
            other => EnvelopeKind::Other(other.to_owned()),
        };
        let retry = frame["retry_attempt"].as_i64().filter(|attempt| *attempt > 0);
        let reason = frame["retry_reason"].as_str().unwrap_or_default();
        Self::Envelope(Box::new(Envelope {
            id: id.to_owned(),
            kind,
            accepts_payload: frame["accepts_response_payload"] == true,
            retry: retry.map(|attempt| format!("{attempt} {reason}").trim_end().to_owned()),
            payload: match frame {
                Value::Object(mut fields) => fields.remove("payload").unwrap_or_default(),
                _ => Value::Null,
            },
        }))
    }
}

impl Reply {
    /// The text to send, if anything is to be sent.
    pub(super) fn text(self, envelope: &str) -> Option<String> {
        let ack = match self {
            Self::Ack => json!({ "envelope_id": envelope }),
            Self::AckWith(payload) => json!({ "envelope_id": envelope, "payload": payload }),
            Self::Nothing => return None,
        };
        Some(ack.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_read_in_the_forms_that_slack_sends() {
        let hello =
            r#"{"type":"hello","num_connections":2,"debug_info":{"host":"x"},"connection_info":{"app_id":"A1"}}"#;
        assert_eq!(Frame::read(hello), Frame::Hello);
        let reason = |text: &str| match Frame::read(text) {
            Frame::Disconnect { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            reason(r#"{"type":"disconnect","reason":"warning","debug_info":{}}"#),
            "warning"
        );
        assert_eq!(reason(r#"{"type":"disconnect"}"#), "no reason");
        let envelope = r#"{"type":"events_api","envelope_id":"E1","payload":{"a":1},"accepts_response_payload":false,
            "retry_attempt":1,"retry_reason":"timeout","new":[{}]}"#;
        let Frame::Envelope(envelope) = Frame::read(envelope) else {
            panic!("no envelope")
        };
        assert_eq!(envelope.kind, EnvelopeKind::Event);
        assert_eq!((envelope.id.as_str(), envelope.accepts_payload), ("E1", false));
        assert_eq!(envelope.retry.as_deref(), Some("1 timeout"));
        assert_eq!(envelope.payload, json!({"a": 1}));
        let Frame::Envelope(odd) = Frame::read(
            r#"{"type":"tomorrow","envelope_id":"E2","retry_attempt":"x","accepts_response_payload":"yes"}"#,
        ) else {
            panic!("no envelope")
        };
        assert_eq!(odd.kind, EnvelopeKind::Other("tomorrow".to_owned()));
        assert_eq!(
            (odd.payload, odd.accepts_payload, odd.retry),
            (Value::Null, false, None)
        );
    }

    #[test]
    fn what_cannot_be_acknowledged_is_told() {
        for (text, why) in [
            ("", "it is not JSON"),
            ("[1]", "it has no type"),
            (r#"{"type":5}"#, "it has no type"),
            (r#"{"type":"interactive"}"#, "it has no envelope_id"),
            (r#"{"type":"interactive","envelope_id":7}"#, "it has no envelope_id"),
            (r#"{"type":"interactive","envelope_id":""}"#, "it has no envelope_id"),
        ] {
            assert_eq!(Frame::read(text), Frame::Garbled(why), "{text}");
        }
    }

    #[test]
    fn an_acknowledgement_names_its_envelope() {
        let text = |reply: Reply| reply.text("E1");
        assert_eq!(text(Reply::Ack).as_deref(), Some(r#"{"envelope_id":"E1"}"#));
        assert_eq!(
            text(Reply::AckWith(json!({"text": "hi"}))).as_deref(),
            Some(r#"{"envelope_id":"E1","payload":{"text":"hi"}}"#)
        );
        assert_eq!(text(Reply::Nothing), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", kind in ".{0,12}", id in ".{0,12}") {
            let _ = Frame::read(&text);
            let _ = Frame::read(&json!({"type": kind, "envelope_id": id, "payload": text}).to_string());
        }
    }
}
