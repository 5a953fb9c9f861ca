//! What Alertmanager sends, and a Prometheus that answers as a test says.

use super::discord_world::ALERTS_TOKEN;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One alert, as Alertmanager sends it.
pub fn alert(name: &str, labels: &[(&str, &str)], firing: bool) -> Value {
    let mut all = json!({"alertname": name, "severity": "critical"});
    for (label, value) in labels {
        all[*label] = (*value).into();
    }
    json!({
        "status": if firing { "firing" } else { "resolved" },
        "labels": all.clone(),
        "annotations": {"summary": format!("{name}: something is wrong.")},
        "startsAt": "2026-11-27T11:58:00Z",
        "endsAt": if firing { "0001-01-01T00:00:00Z" } else { "2026-11-27T12:03:00Z" },
        "generatorURL": "http://prometheus:9090/graph?g0.expr=sum+by+%28supplier%29+%28failures%29+%3E+3&g0.tab=1",
    "fingerprint": all.to_string(),
    })
}

/// A notification about the group of this name.
pub fn notification(group: &str, alerts: &[Value]) -> Value {
    notification_by("http://alertmanager-1:9093", group, alerts)
}

/// The same by one of a pair.
pub fn notification_by(sender: &str, group: &str, alerts: &[Value]) -> Value {
    let firing = alerts.iter().any(|alert| alert["status"] == "firing");
    json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname=\"{group}\"}}"), "truncatedAlerts": 0,
        "status": if firing { "firing" } else { "resolved" }, "receiver": "signalbox",
        "externalURL": sender,
        "groupLabels": {"alertname": group},
        "commonLabels": {"alertname": group, "severity": "critical"},
        "commonAnnotations": {"summary": format!("{group}: something is wrong.")},
        "alerts": alerts,
    })
}

/// Posts one, and gives status and words.
pub async fn post(url: &str, body: String, authorization: Option<&str>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    post_by(&client, url, body, authorization).await
}

/// The same over connections that are kept.
pub async fn post_by(client: &reqwest::Client, url: &str, body: String, authorization: Option<&str>) -> (u16, String) {
    let mut request = client
        .post(format!("{url}/alerts/alertmanager"))
        .header("content-type", "application/json")
        .body(body);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Posts one as Alertmanager does; it is kept.
pub async fn notify(url: &str, notification: &Value) {
    let answer = post(url, notification.to_string(), Some(&format!("Bearer {ALERTS_TOKEN}"))).await;
    assert_eq!(answer, (200, "kept\n".to_owned()));
}

/// What a Prometheus answers to every query over a span of time.
#[derive(Debug, Clone)]
pub enum Says {
    /// These series: labels, and a value at every step.
    Series(Vec<(Value, f64)>),
    /// The same, as far as there are samples: up to this moment.
    SeriesUntil(jiff::Timestamp, Vec<(Value, f64)>),
    /// Nothing, ever.
    Nothing,
    /// That it cannot.
    Status(u16),
    /// This, word for word.
    Text(u16, String),
}

struct Shared {
    says: Mutex<Says>,
    queries: Mutex<Vec<String>>,
}

/// It takes queries as Prometheus does: a form with all four fields, or 400.
pub struct FakePrometheus {
    pub url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for FakePrometheus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakePrometheus {
    pub async fn start(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            says: Mutex::new(says),
            queries: Mutex::default(),
        });
        let router = Router::new()
            .route("/api/v1/query_range", post_route())
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    /// From now on it answers so.
    pub fn says(&self, says: Says) {
        *self.shared.says.lock().unwrap() = says;
    }

    /// What it was asked so far.
    pub fn queries(&self) -> Vec<String> {
        self.shared.queries.lock().unwrap().clone()
    }
}

fn post_route() -> axum::routing::MethodRouter<Arc<Shared>> {
    routing::post(
        async |State(shared): State<Arc<Shared>>, Form(form): Form<HashMap<String, String>>| -> Response {
            let time = |name: &str| form.get(name).and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let step = form.get("step").and_then(|step| step.parse::<f64>().ok());
            let (Some(start), Some(end), Some(step), Some(query)) =
                (time("start"), time("end"), step, form.get("query"))
            else {
                let refusal = json!({"status": "error", "errorType": "bad_data", "error": "a parameter is missing"});
                return (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
            };
            shared.queries.lock().unwrap().push(query.clone());
            let says = shared.says.lock().unwrap().clone();
            let (series, until) = match says {
                Says::Nothing => std::future::pending().await,
                Says::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
                Says::Text(status, text) => return (StatusCode::from_u16(status).unwrap(), text).into_response(),
                Says::Series(series) => (series, end),
                Says::SeriesUntil(until, series) => (series, until.min(end)),
            };
            let seconds = |at: jiff::Timestamp| at.as_second() as f64;
            let first = seconds(start);
            let steps = (seconds(end) - first) / step;
            assert!(steps <= 11_000.0, "Prometheus gives no more points");
            let result: Vec<Value> = series
                .into_iter()
                .map(|(labels, value)| {
                    let at = (0..=steps as u32).map(|nth| first + f64::from(nth) * step);
                    let values = at.take_while(|at| *at <= seconds(until));
                    let values: Vec<Value> = values.map(|at| json!([at, value.to_string()])).collect();
                    json!({"metric": labels, "values": values})
                })
                .collect();
            let answer = json!({"status": "success", "data": {"resultType": "matrix", "result": result}});
            axum::Json(answer).into_response()
        },
    )
}

/// How a simulated Alertmanager fails.
#[derive(Debug, Clone, Copy)]
pub enum Refuses {
    /// It does not.
    Nothing,
    /// By its own words, as JSON text.
    WithText(u16, &'static str),
    /// By its own words, as an object.
    WithCode(u16, &'static str),
    /// As a proxy in front of it does.
    ByPage(u16),
    /// It takes what comes and says nothing.
    BySilence,
}

/// The silences of Alertmanager's API, version 2, for what a real one does not do at will. It takes what the published
/// schema takes and nothing else.
pub struct FakeAlertmanager {
    pub url: String,
    calls: Arc<Mutex<usize>>,
    server: JoinHandle<()>,
}

impl Drop for FakeAlertmanager {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeAlertmanager {
    pub async fn start(refuses: Refuses) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::<Mutex<usize>>::default();
        let counted = calls.clone();
        let made = async move |axum::Json(body): axum::Json<Value>| -> Response {
            *counted.lock().unwrap() += 1;
            if let Err(why) = is_silence(&body) {
                return (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    axum::Json(json!({"code": 602, "message": why})),
                )
                    .into_response();
            }
            let status = |status: u16| StatusCode::from_u16(status).unwrap();
            match refuses {
                Refuses::Nothing => axum::Json(json!({"silenceID": "e1a5"})).into_response(),
                Refuses::WithText(code, words) => (status(code), axum::Json(json!(words))).into_response(),
                Refuses::WithCode(code, words) => {
                    (status(code), axum::Json(json!({"code": 612, "message": words}))).into_response()
                }
                Refuses::ByPage(code) => (status(code), "<html>sign in</html>").into_response(),
                Refuses::BySilence => std::future::pending().await,
            }
        };
        let router = Router::new().route("/api/v2/silences", routing::post(made));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, calls, server }
    }

    /// Silences that were asked for so far.
    pub fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }
}

/// What the schema of `postableSilence` asks for.
fn is_silence(body: &Value) -> Result<(), String> {
    let required = ["matchers", "startsAt", "endsAt", "createdBy", "comment"];
    if let Some(missing) = required.iter().find(|name| body[**name].is_null()) {
        return Err(format!("{missing} in body is required"));
    }
    let unknown = body
        .as_object()
        .unwrap()
        .keys()
        .find(|name| !required.contains(&name.as_str()) && *name != "id");
    if let Some(unknown) = unknown {
        return Err(format!("{unknown} is not known"));
    }
    let matchers = body["matchers"].as_array().ok_or("matchers must be a list")?;
    if matchers.is_empty() {
        return Err("matchers should have at least 1 items".to_owned());
    }
    for matcher in matchers {
        let whole = matcher["name"].is_string() && matcher["value"].is_string() && matcher["isRegex"].is_boolean();
        if !whole || !(matcher["isEqual"].is_boolean() || matcher["isEqual"].is_null()) {
            return Err("a matcher has name, value, isRegex and perhaps isEqual".to_owned());
        }
    }
    let time = |name: &str| body[name].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    match (time("startsAt"), time("endsAt")) {
        (Some(start), Some(end)) if end > start => Ok(()),
        _ => Err("end time must not be before start time".to_owned()),
    }
}

/// A real Alertmanager on a port of its own, which posts to this address. It waits a second before it tells anything.
pub struct Alertmanager {
    port: u16,
    _process: super::services::Process,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    pub fn start(to: &str, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = super::services::free_port();
        let token = if token.is_empty() { "none" } else { token };
        let config = folder.path().join("alertmanager.yml");
        let text = format!(
            "route: {{receiver: signalbox, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: \
             1h}}\nreceivers:\n  - name: signalbox\n    webhook_configs:\n      - url: \
             '{to}/alerts/alertmanager'\n        http_config: {{authorization: {{credentials: '{token}'}}}}\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut command = std::process::Command::new("prometheus-alertmanager");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--cluster.listen-address=");
        let mut process = super::services::Process::start(&mut command, folder.path().join("alertmanager.log"));
        process.wait_until("Alertmanager is ready", || {
            super::services::get(port, "/-/ready").contains("200")
        });
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Tells it of alerts, as Prometheus does.
    pub async fn told(&self, alerts: &Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client
            .post(format!("{}/api/v2/alerts", self.url()))
            .json(alerts)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 200, "{}", sent.text().await.unwrap());
    }
}
