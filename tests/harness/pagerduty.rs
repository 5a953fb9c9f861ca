//! PagerDuty, as far as its published rules go: the Events API, version 2, and what of the REST API is asked. It takes what
//! is published and nothing else, and keeps incidents by their key.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const ROUTING_KEY: &str = "R0UT1NGKEY0123456789abcdefABCDEF";
pub const TOKEN: &str = "u+simulated-pagerduty-token";
pub const FROM: &str = "signalbox@shop.example";

/// How the next event fares, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    /// It is refused with this status, and to be sent again after so many seconds.
    With(u16, Option<u32>),
    /// It is taken, and nothing is answered.
    Silently,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    pub key: String,
    pub status: &'static str,
    pub summary: String,
    pub severity: String,
    pub client_url: String,
    /// Events that told of it anew while it was open.
    pub again: usize,
    pub acknowledged_by: Option<String>,
    pub notes: Vec<String>,
}

#[derive(Default)]
struct Shared {
    incidents: Vec<Incident>,
    actions: Vec<String>,
    fails: VecDeque<Fails>,
    refused: Vec<String>,
    seen: String,
    oncalls: Vec<Value>,
}

pub struct FakePagerDuty {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl Drop for FakePagerDuty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakePagerDuty {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        let router = Router::new()
            .route("/v2/enqueue", routing::post(enqueue))
            .route("/incidents", routing::get(incidents))
            .route("/incidents/{id}/notes", routing::post(note))
            .route("/oncalls", routing::get(oncalls))
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    /// As a connection of the configuration.
    pub fn connection(&self, name: &str) -> String {
        format!(
            "[connection.{name}]\nkind = \"pagerduty\"\nrouting_key = \"file:pagerduty.key\"\ntoken = \
             \"file:pagerduty.token\"\nfrom = \"{FROM}\"\nevents_url = \"{0}\"\napi_url = \"{0}\"\n",
            self.url
        )
    }

    /// The next events fare so, one after the other.
    pub fn fail(&self, these: &[Fails]) {
        self.shared.lock().unwrap().fails.extend(these);
    }

    pub fn incidents(&self) -> Vec<Incident> {
        self.shared.lock().unwrap().incidents.clone()
    }

    /// What events asked for, also those that were refused.
    pub fn actions(&self) -> Vec<String> {
        self.shared.lock().unwrap().actions.clone()
    }

    /// What was refused for breaking a rule.
    pub fn refused(&self) -> Vec<String> {
        self.shared.lock().unwrap().refused.clone()
    }

    /// All that it was sent but for what proves it.
    pub fn everything(&self) -> String {
        self.shared.lock().unwrap().seen.clone()
    }

    /// Somebody there acknowledges what is open.
    pub fn acknowledge(&self, who: &str) {
        for incident in &mut self.shared.lock().unwrap().incidents {
            if incident.status == "triggered" {
                incident.status = "acknowledged";
                incident.acknowledged_by = Some(who.to_owned());
            }
        }
    }

    /// Somebody there resolves what is open.
    pub fn resolve(&self) {
        for incident in &mut self.shared.lock().unwrap().incidents {
            incident.status = "resolved";
        }
    }

    pub fn is_on_call(&self, entry: Value) {
        self.shared.lock().unwrap().oncalls.push(entry);
    }
}

async fn enqueue(State(shared): State<Arc<Mutex<Shared>>>, headers: HeaderMap, body: Bytes) -> Response {
    let fails = {
        let mut shared = shared.lock().unwrap();
        let event = is_event(&headers, &body);
        let mut told: Value = serde_json::from_slice(&body).unwrap_or_default();
        told["routing_key"] = "KEY".into();
        shared.seen.push_str(&told.to_string());
        shared
            .actions
            .push(told["event_action"].as_str().unwrap_or_default().to_owned());
        let fails = shared.fails.pop_front();
        if let Some(Fails::With(status, after)) = fails {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert("retry-after", after.into());
            }
            let body = json!({"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly."});
            return (StatusCode::from_u16(status).unwrap(), headers, Json(body)).into_response();
        }
        match event {
            Ok(event) => shared.take(&event),
            Err((status, why)) => {
                shared.refused.push(why.clone());
                let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": [why]});
                return (status, Json(body)).into_response();
            }
        }
        fails
    };
    if fails == Some(Fails::Silently) {
        std::future::pending::<()>().await;
    }
    let answer = json!({"status": "success", "message": "Event processed", "dedup_key": "as sent"});
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

impl Shared {
    fn take(&mut self, event: &Value) {
        let key = event["dedup_key"].as_str().unwrap_or_default().to_owned();
        let open = self
            .incidents
            .iter_mut()
            .find(|incident| incident.key == key && incident.status != "resolved");
        match (event["event_action"].as_str().unwrap(), open) {
            ("trigger", Some(incident)) => incident.again += 1,
            ("trigger", None) => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                self.incidents.push(Incident {
                    key,
                    status: "triggered",
                    summary: text(&event["payload"]["summary"]),
                    severity: text(&event["payload"]["severity"]),
                    client_url: text(&event["client_url"]),
                    again: 0,
                    acknowledged_by: None,
                    notes: Vec::new(),
                });
            }
            ("acknowledge", Some(incident)) => incident.status = "acknowledged",
            ("resolve", Some(incident)) => incident.status = "resolved",
            // Taken, and nothing comes of it.
            _ => {}
        }
    }
}

/// What the Events API takes.
fn is_event(headers: &HeaderMap, body: &[u8]) -> Result<Value, (StatusCode, String)> {
    let no = |why: &str| Err((StatusCode::BAD_REQUEST, why.to_owned()));
    if body.len() > 512 * 1024 {
        return Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the event is larger than 512 KB".to_owned(),
        ));
    }
    if headers
        .get("content-type")
        .is_none_or(|kind| kind != "application/json")
    {
        return no("the content type is not application/json");
    }
    let Ok(event) = serde_json::from_slice::<Value>(body) else {
        return no("JSON is invalid");
    };
    let known = [
        "routing_key",
        "event_action",
        "dedup_key",
        "payload",
        "client",
        "client_url",
        "links",
        "images",
    ];
    if let Some(odd) = event
        .as_object()
        .and_then(|all| all.keys().find(|name| !known.contains(&name.as_str())))
    {
        return no(&format!("'{odd}' is not known"));
    }
    match event["routing_key"].as_str() {
        Some(key) if key.len() != 32 => return no("Length of 'routing_key' is incorrect (should be 32 characters)"),
        Some(ROUTING_KEY) => {}
        _ => return no("'routing_key' is missing or unknown"),
    }
    match event["dedup_key"].as_str() {
        Some(key) if key.chars().count() > 255 => return no("'dedup_key' is too long (maximum is 255 characters)"),
        Some(_) => {}
        None if event["event_action"] == "trigger" && event["dedup_key"].is_null() => {}
        None => return no("'dedup_key' is missing"),
    }
    match event["event_action"].as_str() {
        Some("trigger") => {}
        Some("acknowledge" | "resolve") => return Ok(event),
        _ => return no("'event_action' must be trigger, acknowledge or resolve"),
    }
    let payload = &event["payload"];
    match payload["summary"].as_str() {
        Some(summary) if !summary.is_empty() && summary.chars().count() <= 1024 => {}
        _ => return no("'payload.summary' is missing, blank or longer than 1024 characters"),
    }
    if payload["source"].as_str().is_none_or(str::is_empty) {
        return no("'payload.source' is missing or blank");
    }
    if !matches!(
        payload["severity"].as_str(),
        Some("critical" | "error" | "warning" | "info")
    ) {
        return no(
            "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        );
    }
    Ok(event)
}

/// The REST API lets nobody in without the token, and answers in the version that is asked for.
fn turned_away(headers: &HeaderMap) -> Option<Response> {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    if !is("authorization", &format!("Token token={TOKEN}")) {
        let error = json!({"error": {"message": "Requires authentication", "code": 2006}});
        return Some((StatusCode::UNAUTHORIZED, Json(error)).into_response());
    }
    if !is("accept", "application/vnd.pagerduty+json;version=2") {
        return Some(StatusCode::NOT_ACCEPTABLE.into_response());
    }
    None
}

async fn incidents(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Some(refusal) = turned_away(&headers) {
        return refusal;
    }
    let shared = shared.lock().unwrap();
    let found: Vec<Value> = shared
        .incidents
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, incident)| query.get("incident_key").is_none_or(|key| *key == incident.key))
        .map(|(at, incident)| {
            let by = incident.acknowledged_by.iter();
            let by: Vec<Value> = by
                .map(|who| json!({"at": "2026-11-27T12:00:00Z", "acknowledger": {"type": "user_reference", "summary": who}}))
                .collect();
            json!({"id": format!("P{at}"), "status": incident.status, "acknowledgements": by})
        })
        .take(query.get("limit").map_or(25, |limit| limit.parse().unwrap()))
        .collect();
    Json(json!({"incidents": found, "limit": 25, "offset": 0, "more": false})).into_response()
}

async fn note(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    if let Some(refusal) = turned_away(&headers) {
        return refusal;
    }
    let error =
        |status, message: &str| (status, Json(json!({"error": {"message": message, "code": 2001}}))).into_response();
    if headers.get("from").is_none_or(|from| from != FROM) {
        return error(StatusCode::BAD_REQUEST, "The From header must be the email of a user");
    }
    let Some(content) = body["note"]["content"].as_str().filter(|content| !content.is_empty()) else {
        return error(StatusCode::BAD_REQUEST, "Content can't be blank");
    };
    let mut shared = shared.lock().unwrap();
    shared.seen.push_str(content);
    let at: Option<usize> = id.strip_prefix('P').and_then(|at| at.parse().ok());
    match at.and_then(|at| shared.incidents.get_mut(at)) {
        Some(incident) => {
            incident.notes.push(content.to_owned());
            (
                StatusCode::CREATED,
                Json(json!({"note": {"id": "N1", "content": content}})),
            )
                .into_response()
        }
        None => error(StatusCode::NOT_FOUND, "Not Found"),
    }
}

async fn oncalls(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Some(refusal) = turned_away(&headers) {
        return refusal;
    }
    let limit: usize = query.get("limit").map_or(25, |limit| limit.parse().unwrap());
    if limit > 100 {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let shared = shared.lock().unwrap();
    let more = shared.oncalls.len() > limit;
    let listed: Vec<&Value> = shared.oncalls.iter().take(limit).collect();
    Json(json!({"oncalls": listed, "limit": limit, "offset": 0, "more": more})).into_response()
}
