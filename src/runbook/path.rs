//! The path of a URL as a runbook writes it: `/api/orders/{order}/`. A value fills a whole segment and can do no more: it
//! makes no second segment, leaves no folder and begins no query.

use serde_json::{Map, Value};

/// No id is longer; a path that is has been made by somebody who tries something.
const LONGEST: usize = 200;

/// A path that is sound as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Written(String),
    Named(String),
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The host is the connection's alone.
    #[error("begins with a single slash, such as \"/api/items/\": host and port stand in the config")]
    Relative,
    /// It is longer than any path that people write.
    #[error("is longer than 500 characters")]
    Long,
    /// What has a meaning of its own in a URL.
    #[error("holds letters, digits and - . _ ~ only; what stands after `?` goes into `query`")]
    Letter,
    /// An empty one, or one that leads elsewhere.
    #[error("has a segment that is empty, `.` or `..`")]
    Segment,
    /// A brace that is not `{name}`.
    #[error("takes `{{name}}` for a whole segment: small letters, digits and `_` between two slashes")]
    Name,
}

/// Why a value fills no segment. It does not repeat the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Not given.
    #[error("nothing fills `{{{0}}}` of the path")]
    Missing(String),
    /// Neither a text nor a whole number.
    #[error("`{{{0}}}` of the path takes a text or a whole number")]
    Kind(String),
    /// A text that could lead elsewhere.
    #[error(
        "`{{{0}}}` of the path takes a text of 1 to {LONGEST} characters without slash, backslash and control characters, \
         and not `.` or `..`"
    )]
    Text(String),
}

impl PathTemplate {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let rest = text.strip_prefix('/').ok_or(PathError::Relative)?;
        if rest.starts_with('/') {
            return Err(PathError::Relative);
        }
        if text.len() > 500 {
            return Err(PathError::Long);
        }
        let last = rest.split('/').count() - 1;
        let segments = rest
            .split('/')
            .enumerate()
            .map(|(place, segment)| self::segment(segment, place == last));
        segments.collect::<Result<_, _>>().map(Self)
    }

    /// What must be filled.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Named(name) => Some(name.as_str()),
            Segment::Written(_) => None,
        })
    }

    /// The segments, not yet percent-encoded. The last is empty if the path ends in a slash.
    pub fn fill(&self, values: &Map<String, Value>) -> Result<Vec<String>, FillError> {
        self.0
            .iter()
            .map(|segment| match segment {
                Segment::Written(text) => Ok(text.clone()),
                Segment::Named(name) => filled(name, values.get(name)),
            })
            .collect()
    }
}

fn segment(text: &str, last: bool) -> Result<Segment, PathError> {
    if text.contains(['{', '}']) {
        let name = text.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let fits = |name: &&str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
        };
        return name
            .filter(fits)
            .map(|name| Segment::Named(name.to_owned()))
            .ok_or(PathError::Name);
    }
    if matches!(text, "." | "..") || (text.is_empty() && !last) {
        return Err(PathError::Segment);
    }
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
    if !text.bytes().all(plain) {
        return Err(PathError::Letter);
    }
    Ok(Segment::Written(text.to_owned()))
}

fn filled(name: &str, value: Option<&Value>) -> Result<String, FillError> {
    match value {
        None | Some(Value::Null) => Err(FillError::Missing(name.to_owned())),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Some(Value::String(text)) if is_one_segment(text) => Ok(text.clone()),
        Some(Value::String(_)) => Err(FillError::Text(name.to_owned())),
        Some(_) => Err(FillError::Kind(name.to_owned())),
    }
}

fn is_one_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && !matches!(text, "." | "..")
        && !text.contains(|it: char| it == '/' || it == '\\' || it.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fill(path: &str, values: Value) -> Result<String, FillError> {
        let path = PathTemplate::parse(path).unwrap();
        Ok(path.fill(values.as_object().unwrap())?.join("/"))
    }

    #[test]
    fn a_path_is_read_or_told_what_is_wrong() {
        for path in [
            "/",
            "/metrics",
            "/api/health/",
            "/api/orders/{order}/",
            "/a.b/~c/d-e_f/{x}",
        ] {
            assert!(PathTemplate::parse(path).is_ok(), "{path}");
        }
        for (path, error) in [
            ("", PathError::Relative),
            ("api/health/", PathError::Relative),
            ("//evil.example/", PathError::Relative),
            ("http://evil.example/", PathError::Relative),
            ("/api//health/", PathError::Segment),
            ("/api/../admin/", PathError::Segment),
            ("/api/.", PathError::Segment),
            ("/api/?a=b", PathError::Letter),
            ("/api/#top", PathError::Letter),
            ("/api/%2e%2e/", PathError::Letter),
            ("/api/a b", PathError::Letter),
            ("/api/a@b", PathError::Letter),
            ("/api\\x", PathError::Letter),
            ("/api/{}/", PathError::Name),
            ("/api/{Order}/", PathError::Name),
            ("/api/x{order}/", PathError::Name),
            ("/api/{order/", PathError::Name),
            (&format!("/{}", "a".repeat(500)), PathError::Long),
        ] {
            assert_eq!(PathTemplate::parse(path), Err(error), "{path}");
        }
    }

    #[test]
    fn a_value_is_one_segment_or_none() {
        for (value, segment) in [
            (json!(1042), "1042"),
            (json!("CJ Dropshipping"), "CJ Dropshipping"),
            (json!("%2e%2e"), "%2e%2e"),
            (json!("a?b#c"), "a?b#c"),
        ] {
            assert_eq!(fill("/o/{id}/", json!({"id": value})).unwrap(), format!("o/{segment}/"));
        }
        let text = FillError::Text("id".to_owned());
        for value in ["", ".", "..", "a/b", "..\\b", "a\nb", "\0", &"9".repeat(201)] {
            assert_eq!(fill("/o/{id}/", json!({"id": value})).unwrap_err(), text, "{value:?}");
        }
        for value in [json!(1.5), json!(true), json!(["1"]), json!({"a": 1})] {
            assert_eq!(
                fill("/o/{id}/", json!({"id": value})).unwrap_err(),
                FillError::Kind("id".to_owned()),
                "{value}"
            );
        }
        for values in [json!({}), json!({"id": null})] {
            assert_eq!(
                fill("/o/{id}/", values).unwrap_err(),
                FillError::Missing("id".to_owned())
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_is_more_than_one_segment(path in "(?s).{0,40}", value in "(?s).{0,20}") {
            let _ = PathTemplate::parse(&path);
            if let Ok(filled) = fill("/a/{x}/b", json!({"x": value})) {
                prop_assert_eq!(filled.split('/').count(), 3);
                prop_assert!(!filled.split('/').any(|it| it.is_empty() || it == "." || it == ".."));
            }
        }
    }
}
