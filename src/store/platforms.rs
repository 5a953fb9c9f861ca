//! Chat platforms that cannot be spoken to: whoever sends finds out, and every process tells.

use super::{Store, StoreError, micros, number, text, timestamp};
use jiff::Timestamp;

/// A platform that takes nothing from us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformTrouble {
    /// Which, as the metrics name it.
    pub platform: String,
    /// Since when.
    pub since: Timestamp,
    /// What it is, in one sentence for those who keep the bot going.
    pub say: String,
}

impl Store {
    /// Keeps that a platform cannot be spoken to. True if that is new, or for another reason than before.
    pub async fn platform_fails(&self, platform: &str, say: &str, now: Timestamp) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "INSERT INTO platform_trouble (platform, since, say) VALUES ($1, $2, $3) ON CONFLICT (platform) \
             DO UPDATE SET say = $3 WHERE platform_trouble.say <> $3",
        )
        .bind(platform)
        .bind(micros(now))
        .bind(say)
        .execute(&self.write)
        .await?
        .rows_affected();
        Ok(changed == 1)
    }

    /// Keeps that a platform can be spoken to. True if it could not before.
    pub async fn platform_works(&self, platform: &str) -> Result<bool, StoreError> {
        let ended = sqlx::query("DELETE FROM platform_trouble WHERE platform = $1")
            .bind(platform)
            .execute(&self.write)
            .await?
            .rows_affected();
        Ok(ended == 1)
    }

    /// Since when a platform cannot be spoken to.
    pub async fn platform_fails_since(&self, platform: &str) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> = sqlx::query_scalar("SELECT since FROM platform_trouble WHERE platform = $1")
            .bind(platform)
            .fetch_optional(&self.read)
            .await?;
        since.map(timestamp).transpose()
    }

    /// The platforms that cannot be spoken to now.
    pub async fn platform_troubles(&self) -> Result<Vec<PlatformTrouble>, StoreError> {
        let rows = sqlx::query("SELECT platform, since, say FROM platform_trouble ORDER BY platform")
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(PlatformTrouble {
                    platform: text(row, 0)?,
                    since: timestamp(number(row, 1)?)?,
                    say: text(row, 2)?,
                })
            })
            .collect()
    }
}
