//! The operations API of Jira Service Management, as far as its published rules go: it answers before it has done anything,
//! finds an alert by its id alone, and by its alias only where that is open.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const CLOUD: &str = "11111111-2222-3333-4444-555555555555";
pub const TEAM: &str = "og-66666666-7777-8888-9999-000000000000";
pub const EMAIL: &str = "signalbox@shop.example";
pub const TOKEN: &str = "simulated-atlassian-token";

#[derive(Debug, Clone, PartialEq)]
pub struct JsmAlert {
    pub alias: String,
    pub message: String,
    pub priority: String,
    pub status: &'static str,
    pub acknowledged: bool,
    pub owner: String,
    pub count: usize,
    pub notes: Vec<String>,
}

#[derive(Default)]
struct Shared {
    alerts: Vec<JsmAlert>,
    refused: Vec<String>,
    seen: String,
    throttled: usize,
    schedules: Vec<(String, Vec<String>)>,
}

pub struct FakeJsm {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl Drop for FakeJsm {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type World = State<Arc<Mutex<Shared>>>;

impl FakeJsm {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        let base = format!("/jsm/ops/api/{CLOUD}/v1");
        let router = Router::new()
            .route(&format!("{base}/alerts"), routing::post(create).get(list))
            .route(&format!("{base}/alerts/alias"), routing::get(by_alias))
            .route(&format!("{base}/alerts/{{id}}/{{deed}}"), routing::post(change))
            .route(&format!("{base}/schedules"), routing::get(schedules))
            .route(&format!("{base}/schedules/{{id}}/on-calls"), routing::get(on_calls))
            .route(&format!("/ex/jira/{CLOUD}/rest/api/3/user"), routing::get(user))
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    /// As a connection of the configuration.
    pub fn connection(&self, name: &str) -> String {
        format!(
            "[connection.{name}]\nkind = \"jsm\"\ncloud_id = \"{CLOUD}\"\nteam = \"{TEAM}\"\nemail = \"{EMAIL}\"\ntoken = \
             \"file:jsm.token\"\napi_url = \"{}\"\n",
            self.url
        )
    }

    pub fn alerts(&self) -> Vec<JsmAlert> {
        self.shared.lock().unwrap().alerts.clone()
    }

    pub fn refused(&self) -> Vec<String> {
        self.shared.lock().unwrap().refused.clone()
    }

    pub fn everything(&self) -> String {
        self.shared.lock().unwrap().seen.clone()
    }

    /// So many requests are refused for being too many.
    pub fn throttle(&self, requests: usize) {
        self.shared.lock().unwrap().throttled = requests;
    }

    pub fn acknowledge(&self, who: &str) {
        for alert in &mut self.shared.lock().unwrap().alerts {
            alert.acknowledged = true;
            alert.owner = who.to_owned();
        }
    }

    pub fn has_schedule(&self, name: &str, accounts: &[&str]) {
        let accounts = accounts.iter().map(|&account| account.to_owned()).collect();
        self.shared.lock().unwrap().schedules.push((name.to_owned(), accounts));
    }
}

/// Nobody is let in without e-mail address and token, nor too often.
fn turned_away(shared: &mut Shared, headers: &HeaderMap) -> Option<Response> {
    let right = format!("Basic {}", STANDARD.encode(format!("{EMAIL}:{TOKEN}")));
    if headers.get("authorization").is_none_or(|given| *given != right) {
        return Some((StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthorized"}))).into_response());
    }
    if shared.throttled > 0 {
        shared.throttled -= 1;
        return Some((StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response());
    }
    None
}

fn accepted() -> Response {
    let answer = json!({"result": "Request will be processed", "requestId": "r1", "took": 0.01});
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

async fn create(State(shared): World, headers: HeaderMap, body: Bytes) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let alert = match is_alert(&body) {
        Ok(alert) => alert,
        Err(why) => {
            shared.refused.push(why.clone());
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": why}))).into_response();
        }
    };
    shared.seen.push_str(&alert.to_string());
    let text = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
    let open = shared
        .alerts
        .iter_mut()
        .find(|known| known.alias == text("alias") && known.status == "open");
    match open {
        Some(known) => known.count += 1,
        None => shared.alerts.push(JsmAlert {
            alias: text("alias"),
            message: text("message"),
            priority: text("priority"),
            status: "open",
            acknowledged: false,
            owner: String::new(),
            count: 1,
            notes: Vec::new(),
        }),
    }
    accepted()
}

/// What the schema of a new alert asks for.
fn is_alert(body: &[u8]) -> Result<Value, String> {
    let alert: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let known = [
        "message",
        "alias",
        "description",
        "responders",
        "visibleTo",
        "actions",
        "tags",
        "extraProperties",
        "entity",
        "source",
        "priority",
        "note",
    ];
    let odd = alert
        .as_object()
        .and_then(|all| all.keys().find(|name| !known.contains(&name.as_str())));
    if let Some(odd) = odd {
        return Err(format!("{odd} is not known"));
    }
    let within = |name: &str, most: usize| match &alert[name] {
        Value::Null => Ok(()),
        Value::String(text) if text.chars().count() <= most => Ok(()),
        _ => Err(format!("{name} takes at most {most} characters")),
    };
    for (name, most) in [
        ("message", 130),
        ("alias", 512),
        ("description", 15_000),
        ("source", 100),
    ] {
        within(name, most)?;
    }
    if alert["message"].as_str().is_none_or(str::is_empty) {
        return Err("message may not be empty".to_owned());
    }
    if !matches!(
        alert["priority"].as_str(),
        None | Some("P1" | "P2" | "P3" | "P4" | "P5")
    ) {
        return Err("priority must be one of P1 to P5".to_owned());
    }
    for responder in alert["responders"].as_array().into_iter().flatten() {
        let kind = responder["type"].as_str();
        if responder["id"] != TEAM || !matches!(kind, Some("team" | "user" | "escalation" | "schedule")) {
            return Err("a responder has id and type, and must be there".to_owned());
        }
    }
    Ok(alert)
}

fn shown(at: usize, alert: &JsmAlert) -> Value {
    json!({
        "id": format!("a-{at}"), "tinyId": at.to_string(), "message": alert.message, "alias": alert.alias,
        "status": alert.status, "acknowledged": alert.acknowledged, "owner": alert.owner, "count": alert.count,
        "priority": alert.priority,
    })
}

async fn by_alias(State(shared): World, headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let mut all = shared.alerts.iter().enumerate();
    match all.find(|(_, alert)| Some(&alert.alias) == query.get("alias") && alert.status == "open") {
        Some((at, alert)) => Json(shown(at, alert)).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({"message": "Alert does not exist"}))).into_response(),
    }
}

async fn list(State(shared): World, headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let alias = query.get("query").map(|query| {
        let alias = query.strip_prefix("alias: \"").and_then(|rest| rest.strip_suffix('"'));
        alias.expect("the fake knows this query alone").to_owned()
    });
    let size: usize = query.get("size").map_or(20, |size| size.parse().unwrap());
    let all = shared.alerts.iter().enumerate().rev();
    let found: Vec<Value> = all
        .filter(|(_, alert)| alias.as_ref().is_none_or(|alias| alert.alias == *alias))
        .take(size)
        .map(|(at, alert)| shown(at, alert))
        .collect();
    Json(json!({"values": found, "count": found.len()})).into_response()
}

async fn change(
    State(shared): World,
    headers: HeaderMap,
    Path((id, deed)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let at: Option<usize> = id.strip_prefix("a-").and_then(|at| at.parse().ok());
    let Some(alert) = at.and_then(|at| shared.alerts.get_mut(at)) else {
        return (StatusCode::NOT_FOUND, Json(json!({"message": "Alert does not exist"}))).into_response();
    };
    match deed.as_str() {
        "acknowledge" => alert.acknowledged = true,
        "close" => alert.status = "closed",
        "notes" => {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let Some(note) = body["note"].as_str().filter(|note| !note.is_empty()) else {
                return (
                    StatusCode::BAD_REQUEST,
                    Json(json!({"message": "note may not be empty"})),
                )
                    .into_response();
            };
            alert.notes.push(note.to_owned());
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    accepted()
}

async fn schedules(State(shared): World, headers: HeaderMap) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let all: Vec<Value> = shared
        .schedules
        .iter()
        .enumerate()
        .map(|(at, (name, _))| json!({"id": format!("s-{at}"), "name": name, "enabled": true, "timezone": "UTC"}))
        .collect();
    Json(json!({"values": all})).into_response()
}

async fn on_calls(State(shared): World, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    let at: usize = id.strip_prefix("s-").unwrap().parse().unwrap();
    let users = shared.schedules[at].1.iter();
    let users: Vec<Value> = users.map(|id| json!({"id": id, "type": "user"})).collect();
    let team = json!({"id": TEAM, "type": "team", "onCallParticipants": users});
    Json(json!({"onCallParticipants": [team]})).into_response()
}

async fn user(State(shared): World, headers: HeaderMap, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut shared = shared.lock().unwrap();
    if let Some(refusal) = turned_away(&mut shared, &headers) {
        return refusal;
    }
    match query
        .get("accountId")
        .and_then(|account| account.strip_prefix("account-of-"))
    {
        Some(name) => Json(json!({"displayName": name})).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
