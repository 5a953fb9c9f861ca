//! What is at the other end of HTTP: a supplier that knows repeats by their key, and a Slack that takes everything.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// It takes a while before it acts, and again before it answers, so that a fault meets it in between.
const THINKS: Duration = Duration::from_millis(15);

/// A supplier that listens on a private port, and notes what happened there.
pub struct Supplier {
    pub port: u16,
    book: Arc<Book>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Book {
    /// Effects by order and step.
    effects: Mutex<BTreeMap<(i64, String), u64>>,
    /// Keys that have been seen.
    keys: Mutex<BTreeSet<String>>,
}

impl Book {
    fn note(&self, order: i64, step: &str) {
        *self
            .effects
            .lock()
            .unwrap()
            .entry((order, step.to_owned()))
            .or_default() += 1;
    }
}

impl Supplier {
    pub async fn start() -> Self {
        let book = Arc::<Book>::default();
        let routes = Router::new()
            .route("/{deed}", post(act))
            .route("/charge/{order}", get(charges))
            .with_state(book.clone());
        let (port, server) = serve(routes).await;
        Self { port, book, server }
    }

    /// How often what was done for which order.
    pub fn effects(&self) -> BTreeMap<(i64, String), u64> {
        self.book.effects.lock().unwrap().clone()
    }
}

impl Drop for Supplier {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn act(
    State(book): State<Arc<Book>>,
    Path(deed): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let step = match deed.as_str() {
        "charge" | "reserve" | "shout" => deed.as_str(),
        "release" => "undo:reserve",
        _ => return (StatusCode::NOT_FOUND, Json(json!({}))),
    };
    let Some(order) = body["order"].as_i64() else {
        return (StatusCode::BAD_REQUEST, Json(json!({})));
    };
    tokio::time::sleep(THINKS).await;
    let key = headers
        .get("idempotency-key")
        .map(|key| key.to_str().unwrap().to_owned());
    let is_new = key.is_none_or(|key| book.keys.lock().unwrap().insert(key));
    if is_new {
        book.note(order, step);
    }
    tokio::time::sleep(THINKS).await;
    (StatusCode::OK, Json(json!({ "done": true })))
}

async fn charges(State(book): State<Arc<Book>>, Path(order): Path<i64>) -> Json<Value> {
    let effects = book.effects.lock().unwrap();
    let times = effects.get(&(order, "charge".to_owned())).copied().unwrap_or(0);
    Json(json!({ "times": times }))
}

/// Takes every message. What is shown there is for other tests to judge.
pub struct QuietSlack {
    pub port: u16,
    server: JoinHandle<()>,
}

impl QuietSlack {
    pub async fn start() -> Self {
        let (port, server) = serve(Router::new().fallback(any(take)).with_state(Arc::default())).await;
        Self { port, server }
    }
}

impl Drop for QuietSlack {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(taken): State<Arc<AtomicU64>>) -> Json<Value> {
    let stamp = format!("{}.1", taken.fetch_add(1, Ordering::Relaxed));
    Json(json!({ "ok": true, "ts": stamp, "message_ts": stamp, "channel": "C1" }))
}

async fn serve(routes: Router) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (port, server)
}
