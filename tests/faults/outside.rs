//! The world that the bots act upon, and what happened there: effects are counted where they happen.

use super::supplier::{QuietSlack, Supplier};
use crate::harness::services::{BROKER, CeleryWorld, Postgres, RESULTS};
use sqlx::AnyPool;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A shop's database, a supplier, a broker with its worker, and a Slack.
pub struct Outside {
    pub shop: AnyPool,
    pub shop_url: String,
    pub supplier: Supplier,
    pub slack: QuietSlack,
    pub celery: Arc<CeleryWorld>,
    pub server: Arc<Postgres>,
}

impl Outside {
    pub async fn start() -> Self {
        Self::with(CeleryWorld::shared).await
    }

    /// With a broker of its own, which may forget everything.
    pub async fn forgetful() -> Self {
        Self::with(|| Arc::new(CeleryWorld::forgetful())).await
    }

    async fn with(celery: fn() -> Arc<CeleryWorld>) -> Self {
        let (server, celery) = tokio::task::spawn_blocking(move || (Postgres::shared(), celery()))
            .await
            .unwrap();
        let shop_url = server.database("shop").await;
        let shop = pool(&shop_url).await;
        for table in [
            "CREATE TABLE effect (id BIGSERIAL PRIMARY KEY, order_no BIGINT NOT NULL, step TEXT NOT NULL)",
            "CREATE INDEX effect_order ON effect (order_no, step)",
            "CREATE TABLE booked (order_no BIGINT PRIMARY KEY)",
        ] {
            sqlx::query(table).execute(&shop).await.unwrap();
        }
        Self {
            shop,
            shop_url,
            supplier: Supplier::start().await,
            slack: QuietSlack::start().await,
            celery,
            server,
        }
    }

    pub fn broker_url(&self) -> String {
        self.celery.redis.url(BROKER)
    }

    pub fn results_url(&self) -> String {
        self.celery.redis.url(RESULTS)
    }

    /// How often each step happened, by order and step.
    pub async fn effects(&self) -> BTreeMap<(i64, String), u64> {
        let mut all = self.supplier.effects();
        let rows: Vec<(i64, String, i64)> =
            sqlx::query_as("SELECT order_no, step, COUNT(*) FROM effect GROUP BY order_no, step")
                .fetch_all(&self.shop)
                .await
                .unwrap();
        all.extend(
            rows.into_iter()
                .map(|(order, step, times)| ((order, step), times as u64)),
        );
        for told in self.celery.effects() {
            if let Some(order) = told.strip_prefix("echo ").and_then(|told| told.strip_suffix(" tell")) {
                *all.entry((order.parse().unwrap(), "tell".to_owned())).or_default() += 1;
            }
        }
        all
    }
}

pub async fn pool(url: &str) -> AnyPool {
    sqlx::any::install_default_drivers();
    AnyPool::connect(url).await.unwrap()
}
