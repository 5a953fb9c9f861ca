//! What runs hold, looked at from the run.

use super::runs::held_lock;
use super::{Store, StoreError};
use crate::run::lock::HeldLock;

impl Store {
    /// What a run holds now. Less than its plan names where somebody unlocked a key.
    pub async fn locks_of(&self, run: &str) -> Result<Vec<HeldLock>, StoreError> {
        let rows = sqlx::query("SELECT name, run, person, reason, since FROM held_lock WHERE run = $1 ORDER BY name")
            .bind(run)
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(held_lock).collect()
    }
}
