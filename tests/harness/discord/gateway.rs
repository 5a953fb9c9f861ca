use super::Shared;
use super::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Default)]
pub struct Gateway {
    pub url: String,
}

pub async fn listen(_shared: &Arc<Shared>) -> Vec<tokio::task::JoinHandle<()>> {
    Vec::new()
}

impl World {
    pub fn gateway_for_bot(&self) -> Value {
        json!({"url": self.gateway.url, "shards": 1})
    }
}

impl Gateway {
    pub fn dispatch(&mut self, _name: &str, _data: Value) {}
}
