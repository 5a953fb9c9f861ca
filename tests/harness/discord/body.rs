//! What came with a call: JSON, or a form of several parts with files.

use super::judge::Upload;
use super::refusal::{Objections, Outcome, Refusal};
use axum::extract::{Query, Request};
use axum::http::{Method, header};
use serde_json::Value;
use std::collections::BTreeMap;

/// Discord takes no more in one request, whatever is in it.
const LARGEST_REQUEST: usize = 25 * 1024 * 1024;

#[derive(Default)]
pub struct Given {
    pub query: BTreeMap<String, String>,
    pub body: Value,
    pub uploads: Vec<Upload>,
}

pub async fn read(request: Request) -> Outcome<Given> {
    let query = Query::try_from_uri(request.uri()).map_or_else(|_| BTreeMap::new(), |Query(pairs)| pairs);
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let is_bare = matches!(*request.method(), Method::GET | Method::DELETE);
    let bytes = axum::body::to_bytes(request.into_body(), LARGEST_REQUEST).await;
    let bytes = bytes.map_err(|_| Refusal::new(40005))?;
    let (body, uploads) = if is_bare || bytes.is_empty() {
        (Value::Null, Vec::new())
    } else if kind.starts_with("application/json") {
        (
            serde_json::from_slice(&bytes).map_err(|_| Refusal::new(50109))?,
            Vec::new(),
        )
    } else if let Some(boundary) = boundary(&kind) {
        form(&bytes, boundary)?
    } else {
        let mut objections = Objections::default();
        let message = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.";
        objections.object("", "CONTENT_TYPE_INVALID", message);
        objections.done()?;
        unreachable!("there is an objection");
    };
    Ok(Given { query, body, uploads })
}

fn boundary(kind: &str) -> Option<&str> {
    let rest = kind.strip_prefix("multipart/form-data")?;
    let (_, boundary) = rest.split_once("boundary=")?;
    Some(boundary.split(';').next()?.trim_matches('"'))
}

/// `payload_json` is the body, and `files[0]` a file.
fn form(bytes: &[u8], boundary: &str) -> Outcome<(Value, Vec<Upload>)> {
    let (mut body, mut uploads) = (Value::Object(serde_json::Map::new()), Vec::new());
    for part in parts(bytes, boundary).ok_or_else(|| Refusal::new(50109))? {
        let number = part.name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']'));
        if part.name == "payload_json" {
            body = serde_json::from_slice(part.bytes).map_err(|_| Refusal::new(50109))?;
        } else if let (Some(number), Some(name)) = (number, part.file) {
            uploads.push(Upload {
                number: number.to_owned(),
                name,
                kind: part.kind,
                bytes: part.bytes.to_vec(),
            });
        } else {
            let mut objections = Objections::default();
            let message = format!("A part is payload_json or files[n] with a filename, not {}.", part.name);
            objections.object("", "MULTIPART_PART_UNKNOWN", message);
            objections.done()?;
        }
    }
    Ok((body, uploads))
}

struct Part<'a> {
    name: String,
    file: Option<String>,
    kind: Option<String>,
    bytes: &'a [u8],
}

/// The parts of a form, or nothing if it does not end as one does.
fn parts<'a>(bytes: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let mut rest = bytes.strip_prefix(format!("--{boundary}").as_bytes())?;
    let delimiter = format!("\r\n--{boundary}");
    let mut found = Vec::new();
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = position(rest, delimiter.as_bytes())?;
        let part = &rest[..end];
        let head = position(part, b"\r\n\r\n")?;
        let headers = std::str::from_utf8(&part[..head]).ok()?;
        let line = |name: &str| {
            let mut lines = headers.lines().filter_map(|line| line.split_once(':'));
            lines
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let disposition = line("content-disposition")?;
        let quoted = |field: &str| {
            let (_, rest) = disposition.split_once(&format!("; {field}=\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        found.push(Part {
            name: quoted("name")?,
            file: quoted("filename"),
            kind: line("content-type").map(str::to_owned),
            bytes: &part[head + 4..],
        });
        rest = &rest[end + delimiter.len()..];
    }
    Some(found)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut begin = 0;
    loop {
        let at = begin + bytes[begin..].iter().position(|byte| *byte == wanted[0])?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        begin = at + 1;
    }
}
