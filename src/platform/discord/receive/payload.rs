//! An interaction as JSON, read field by field: Discord adds fields at any time, leaves some out and sets others to null.
//! A field that is needed and is not what it should be is refused by its name; all others may be anything.

use super::Rejection;
use serde_json::Value;

pub(super) struct Payload(Value);

impl Payload {
    /// The parser's own message may quote the payload, and a payload holds tokens: only the place is told.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Rejection> {
        match serde_json::from_slice(body) {
            Ok(payload @ Value::Object(_)) => Ok(Self(payload)),
            Ok(_) => Err(Rejection::BadPayload("it is no object".to_owned())),
            Err(error) => {
                let kind = if error.is_eof() {
                    "it is cut off"
                } else {
                    "it is not JSON"
                };
                let (line, column) = (error.line(), error.column());
                Err(Rejection::BadPayload(format!("{kind}, at line {line} column {column}")))
            }
        }
    }

    pub(super) fn kind(&self) -> Result<i64, Rejection> {
        match self.at("type") {
            None => Err(Rejection::NoField("type")),
            Some(kind) => kind.as_i64().ok_or(Rejection::BadField("type")),
        }
    }

    /// What stands there, names divided by dots; null is nothing.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        let found = path.split('.').try_fold(&self.0, |value, name| value.get(name));
        found.filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }

    pub(super) fn id(&self, path: &'static str) -> Result<&str, Rejection> {
        match self.at(path) {
            None => Err(Rejection::NoField(path)),
            Some(Value::String(id)) if is_id(id) => Ok(id),
            Some(_) => Err(Rejection::BadField(path)),
        }
    }

    /// None in a direct message, and in a group of people.
    pub(super) fn guild(&self) -> Result<Option<&str>, Rejection> {
        match self.at("guild_id") {
            None => Ok(None),
            Some(_) => self.id("guild_id").map(Some),
        }
    }

    pub(super) fn object(&self, path: &'static str) -> Result<&Value, Rejection> {
        match self.at(path) {
            None => Err(Rejection::NoField(path)),
            Some(value @ Value::Object(_)) => Ok(value),
            Some(_) => Err(Rejection::BadField(path)),
        }
    }
}

/// Discord's ids are numbers of 64 bits, written as text.
pub(in crate::platform::discord) fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}
