//! A bot that keeps what it receives, and answers as it is told.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Told = Arc<Mutex<Vec<Value>>>;
type Answers = Arc<dyn Fn(&Value) -> Option<Value> + Send + Sync>;

#[derive(Clone)]
pub struct StubBot {
    pub url: String,
    received: Told,
    key: VerifyingKey,
    answers: Answers,
}

impl StubBot {
    /// Without an answer it is silent; where the answer is null it says that a callback follows.
    pub async fn start(public_key: &str, answers: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key: [u8; 32] = hex::decode(public_key).unwrap().try_into().unwrap();
        let bot = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            received: Told::default(),
            key: VerifyingKey::from_bytes(&key).unwrap(),
            answers: Arc::new(answers),
        };
        let router = Router::new()
            .route("/discord/interactions", post(receive))
            .with_state(bot.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        bot
    }

    /// All that came, oldest first.
    pub fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }

    /// What came last.
    pub fn last(&self) -> Value {
        self.received.lock().unwrap().last().cloned().expect("nothing came")
    }

    fn is_genuine(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let signature = hex::decode(header("x-signature-ed25519")).ok();
        let Some(signature) = signature.and_then(|bytes| Signature::from_slice(&bytes).ok()) else {
            return false;
        };
        let signed = [header("x-signature-timestamp").as_bytes(), body].concat();
        self.key.verify_strict(&signed, &signature).is_ok()
    }
}

async fn receive(State(bot): State<StubBot>, headers: HeaderMap, body: Bytes) -> Response {
    if !bot.is_genuine(&headers, &body) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let told: Value = serde_json::from_slice(&body).unwrap();
    if told["type"] == 1 {
        return axum::Json(json!({"type": 1})).into_response();
    }
    let answer = (bot.answers)(&told);
    bot.received.lock().unwrap().push(told);
    match answer {
        None => std::future::pending().await,
        Some(Value::Null) => StatusCode::ACCEPTED.into_response(),
        Some(answer) => axum::Json(answer).into_response(),
    }
}
