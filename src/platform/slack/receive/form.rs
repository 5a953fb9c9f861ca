//! A form as Slack posts it, read strictly: what two readers could read in two ways is refused.

use super::Rejection;
use serde_json::Value;

/// Fields by name, each at most once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Rejection> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let middle = pair
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or(Rejection::BadForm("a field has no value"))?;
            let name = decode(&pair[..middle])?;
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Rejection::BadForm("a field is given twice"));
            }
            fields.push((name, decode(&pair[middle + 1..])?));
        }
        Ok(Self(fields))
    }

    /// The same fields, as an envelope has them: flags are JSON's own there, and what is not told is null or left out.
    pub(super) fn of_json(payload: &Value) -> Result<Self, Rejection> {
        let fields = payload
            .as_object()
            .ok_or(Rejection::BadForm("the payload is no object"))?;
        let texts = fields.iter().filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Bool(flag) => Some((name.clone(), flag.to_string())),
            // Nothing that is read here is of another type; Slack adds fields at any time.
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        });
        Ok(Self(texts.collect()))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, Rejection> {
        self.optional(name).ok_or(Rejection::NoField(name))
    }
}

fn decode(part: &[u8]) -> Result<String, Rejection> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = rest
                    .as_slice()
                    .get(..2)
                    .ok_or(Rejection::BadForm("it ends within a percent code"))?;
                let decoded = hex::decode(digits).map_err(|_| Rejection::BadForm("a percent code is not one"))?;
                rest.nth(1);
                decoded[0]
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| Rejection::BadForm("a field is not UTF-8"))
}
