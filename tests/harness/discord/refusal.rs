//! How Discord says no: a status, a code, and for what is wrong in a body the tree of errors.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An answer with a status of 4xx.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub code: u32,
    pub message: String,
    pub errors: Value,
}

pub type Outcome<T = ()> = Result<T, Refusal>;

impl Refusal {
    /// By its code; the words and the status are Discord's own.
    pub fn new(code: u32) -> Self {
        let (status, message) = match code {
            10002 => (404, "Unknown Application"),
            10003 => (404, "Unknown Channel"),
            10004 => (404, "Unknown Guild"),
            10007 => (404, "Unknown Member"),
            10008 => (404, "Unknown Message"),
            10013 => (404, "Unknown User"),
            10015 => (404, "Unknown Webhook"),
            10062 => (404, "Unknown interaction"),
            30034 => (
                429,
                "Max number of daily application command creates has been reached (200)",
            ),
            40005 => (413, "Request entity too large"),
            40060 => (400, "Interaction has already been acknowledged."),
            50001 => (403, "Missing Access"),
            50005 => (403, "Cannot edit a message authored by another user"),
            50006 => (400, "Cannot send an empty message"),
            50007 => (403, "Cannot send messages to this user"),
            50008 => (400, "Cannot send messages in a non-text channel"),
            50013 => (403, "Missing Permissions"),
            50024 => (400, "Cannot execute action on this channel type"),
            50027 => (401, "Invalid Webhook Token"),
            50035 => (400, "Invalid Form Body"),
            50083 => (400, "Thread is archived"),
            50109 => (400, "The request body contains invalid JSON."),
            160_002 => (400, "Cannot reply without permission to read message history"),
            160_004 => (400, "A thread has already been created for this message"),
            other => panic!("no words for the code {other}"),
        };
        Self {
            status,
            code,
            message: message.to_owned(),
            errors: Value::Null,
        }
    }

    /// Without a code of its own.
    pub fn plain(status: u16, words: &str) -> Self {
        Self {
            status,
            code: 0,
            message: format!("{status}: {words}"),
            errors: Value::Null,
        }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if !self.errors.is_null() {
            body["errors"] = self.errors.clone();
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::from_u16(self.status).unwrap(), axum::Json(self.body())).into_response()
    }
}

/// What is wrong with a body, gathered: Discord tells all of it at once.
#[derive(Default)]
pub struct Objections {
    errors: Map<String, Value>,
}

impl Objections {
    /// At a path like `embeds.0.title`; an empty one is the body itself.
    pub fn object(&mut self, path: &str, code: &str, message: impl Into<String>) {
        let mut at = &mut self.errors;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = at.entry(part).or_insert_with(|| json!({}));
            at = next.as_object_mut().unwrap();
        }
        let errors = at.entry("_errors").or_insert_with(|| json!([]));
        let objection = json!({"code": code, "message": message.into()});
        errors.as_array_mut().unwrap().push(objection);
    }

    pub fn required(&mut self, path: &str) {
        self.object(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    pub fn wrong_type(&mut self, path: &str, kind: &str) {
        self.object(path, "MODEL_TYPE_CONVERT", format!("Only {kind} may be used here."));
    }

    /// A text that must be there, of so many characters.
    pub fn text(&mut self, path: &str, given: &Value, least: usize, most: usize) {
        if given.is_null() {
            return self.required(path);
        }
        self.optional_text(path, given, least, most);
    }

    /// A text of so many characters, if it is there.
    pub fn optional_text(&mut self, path: &str, given: &Value, least: usize, most: usize) {
        if given.is_null() {
            return;
        }
        let Some(text) = given.as_str() else {
            return self.object(path, "STRING_TYPE_CONVERT", "Could not interpret as string.");
        };
        let length = text.chars().count();
        if (least..=most).contains(&length) {
            return;
        }
        if least > 0 && length == 0 {
            self.required(path);
        } else if least == 0 {
            let message = format!("Must be {most} or fewer in length.");
            self.object(path, "BASE_TYPE_MAX_LENGTH", message);
        } else {
            let message = format!("Must be between {least} and {most} in length.");
            self.object(path, "BASE_TYPE_BAD_LENGTH", message);
        }
    }

    /// A whole number within bounds, if it is there.
    pub fn optional_number(&mut self, path: &str, given: &Value, least: i64, most: i64) {
        if given.is_null() {
            return;
        }
        match given.as_i64() {
            None => self.object(path, "NUMBER_TYPE_COERCE", "Value is not an integer."),
            Some(number) if number < least => {
                let message = format!("int value should be greater than or equal to {least}.");
                self.object(path, "NUMBER_TYPE_MIN", message);
            }
            Some(number) if number > most => {
                let message = format!("int value should be less than or equal to {most}.");
                self.object(path, "NUMBER_TYPE_MAX", message);
            }
            Some(_) => {}
        }
    }

    /// A list of so many, if it is there. What is no list is objected to, and is empty.
    pub fn list<'a>(&mut self, path: &str, given: &'a Value, least: usize, most: usize) -> &'a [Value] {
        let Some(items) = given.as_array() else {
            if !given.is_null() {
                self.object(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.");
            } else if least > 0 {
                self.required(path);
            }
            return &[];
        };
        if !(least..=most).contains(&items.len()) {
            let message = format!("Must be between {least} and {most} in length.");
            self.object(path, "BASE_TYPE_BAD_LENGTH", message);
        }
        items
    }

    pub fn done(self) -> Outcome {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Refusal {
            errors: Value::Object(self.errors),
            ..Refusal::new(50035)
        })
    }
}
