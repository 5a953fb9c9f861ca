//! A payload of the gateway, from its text to what it says. Pure.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a payload says, as far as it matters to us.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    Ready,
    Resumed,
    Reconnect,
    InvalidSession,
    Interaction(Interaction),
    Other,
    Unreadable(String),
}

/// Something that somebody did, as Discord wrote it. Only the gateway makes one: it came over a connection that we opened
/// to Discord with our own token, and needs no other proof.
#[derive(Clone, PartialEq)]
pub struct Interaction {
    text: String,
    is_late: bool,
}

impl std::fmt::Debug for Interaction {
    /// Without the text, which holds a token.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Interaction({} bytes)", self.text.len())
    }
}

/// Where an interaction is answered.
#[derive(Debug, Clone)]
pub struct ReplyTo {
    /// Of the interaction.
    pub id: String,
    /// Stands for the right to answer.
    pub token: SecretString,
}

impl Interaction {
    /// The bytes that came.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it happened while we did not hear: whoever did it may have been shown an error since.
    pub fn is_late(&self) -> bool {
        self.is_late
    }

    /// Where it is answered; none where it does not say so in a way that fits into an address.
    pub fn reply_to(&self) -> Option<ReplyTo> {
        #[derive(Deserialize)]
        struct Address<'a> {
            #[serde(borrow)]
            id: Cow<'a, str>,
            #[serde(borrow)]
            token: Cow<'a, str>,
        }
        let Address { id, token } = serde_json::from_str(&self.text).ok()?;
        let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let is_token = (1..=2048).contains(&token.len())
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+~".contains(&byte));
        (is_id && is_token).then(|| ReplyTo {
            id: id.into_owned(),
            token: token.into_owned().into(),
        })
    }
}

#[derive(Deserialize)]
struct Payload<'a> {
    op: u8,
    #[serde(borrow)]
    t: Option<Cow<'a, str>>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
}

/// `is_late` is whether a session is being taken up, so that what comes happened before.
pub(super) fn read(text: &str, is_late: bool) -> Event {
    let payload: Payload<'_> = match serde_json::from_str(text) {
        Ok(payload) => payload,
        // Not what stood there: that may be a token.
        Err(error) => {
            let (length, at) = (text.len(), error.column());
            return Event::Unreadable(format!("a payload of {length} bytes that makes no sense at byte {at}"));
        }
    };
    match (payload.op, payload.t.as_deref(), payload.d) {
        (0, Some("READY"), _) => Event::Ready,
        (0, Some("RESUMED"), _) => Event::Resumed,
        (0, Some("INTERACTION_CREATE"), Some(told)) => Event::Interaction(Interaction {
            text: told.get().to_owned(),
            is_late,
        }),
        (0, Some("INTERACTION_CREATE"), None) => Event::Unreadable("an interaction that says nothing".to_owned()),
        (7, ..) => Event::Reconnect,
        (9, ..) => Event::InvalidSession,
        _ => Event::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    fn interaction(text: &str) -> Interaction {
        match read(text, false) {
            Event::Interaction(interaction) => interaction,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bytes_of_an_interaction_are_kept_as_they_came() {
        let told = r#"{ "id":"7", "token" : "a.b-C", "n": 1.50, "n": 2, "s": "\u00e9" }"#;
        let text = format!(r#"{{"t":"INTERACTION_CREATE","s":3,"op":0,"d":{told}}}"#);
        let interaction = interaction(&text);
        assert_eq!((interaction.text(), interaction.is_late()), (told, false));
        assert!(!format!("{interaction:?}").contains("a.b-C"));
        let reply = interaction.reply_to().unwrap();
        assert_eq!((reply.id.as_str(), reply.token.expose_secret()), ("7", "a.b-C"));
    }

    #[test]
    fn what_fits_into_no_address_is_not_answered() {
        for told in [
            r#"{}"#,
            r#"[]"#,
            r#"{"id":7,"token":"a"}"#,
            r#"{"id":"7/8","token":"a"}"#,
            r#"{"id":"7","token":"a/../b"}"#,
            r#"{"id":"","token":"a"}"#,
            r#"{"id":"7","token":""}"#,
        ] {
            let text = format!(r#"{{"op":0,"t":"INTERACTION_CREATE","d":{told}}}"#);
            assert!(interaction(&text).reply_to().is_none(), "{told}");
        }
    }

    #[test]
    fn payloads_are_told_apart() {
        assert_eq!(read(r#"{"op":0,"t":"READY","d":{}}"#, false), Event::Ready);
        assert_eq!(read(r#"{"op":0,"t":"RESUMED","d":null}"#, true), Event::Resumed);
        assert_eq!(read(r#"{"op":7,"d":null}"#, false), Event::Reconnect);
        assert_eq!(read(r#"{"op":9,"d":false}"#, false), Event::InvalidSession);
        assert_eq!(read(r#"{"op":11}"#, false), Event::Other);
        assert_eq!(read(r#"{"op":0,"t":"GUILD_CREATE","d":[]}"#, false), Event::Other);
        for text in [
            "",
            "[]",
            r#"{"t":"INTERACTION_CREATE"}"#,
            r#"{"op":0,"t":"INTERACTION_CREATE","d":{"token":"secret"}"#,
            r#"{"op":0,"t":"INTERACTION_CREATE"}"#,
        ] {
            let Event::Unreadable(why) = read(text, false) else {
                panic!("{text} was read");
            };
            assert!(!why.contains("secret"), "{why}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".{0,200}") {
            if let Event::Interaction(interaction) = read(&text, true) {
                interaction.reply_to();
            }
        }
    }
}
