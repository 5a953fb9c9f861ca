//! Who is in which Slack user group, as a serving process has read it last: for processes that do not ask Slack.

use super::{Store, StoreError, decode, encode, micros, number, text, timestamp};
use crate::policy::identity::SlackUsergroup;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// One user group as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRoll {
    /// Which.
    pub usergroup: SlackUsergroup,
    /// When.
    pub read: Timestamp,
    /// Its members, by their ids.
    pub users: BTreeSet<String>,
}

impl Store {
    /// Keeps a user group as it was read, unless another process has read it later.
    pub async fn keep_roll(&self, roll: &KeptRoll) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO usergroup_roll (usergroup, read_at, users) VALUES ($1, $2, $3) ON CONFLICT (usergroup) \
             DO UPDATE SET read_at = $2, users = $3 WHERE usergroup_roll.read_at < $2",
        )
        .bind(roll.usergroup.to_string())
        .bind(micros(roll.read))
        .bind(encode("users", &roll.users)?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// All that were kept.
    pub async fn kept_rolls(&self) -> Result<Vec<KeptRoll>, StoreError> {
        let rows = sqlx::query("SELECT usergroup, read_at, users FROM usergroup_roll ORDER BY usergroup")
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                let name = text(row, 0)?;
                let (team, usergroup) = name
                    .split_once('/')
                    .ok_or_else(|| StoreError::Corrupt(format!("user group {name:?}")))?;
                Ok(KeptRoll {
                    usergroup: SlackUsergroup {
                        team: team.to_owned(),
                        usergroup: usergroup.to_owned(),
                    },
                    read: timestamp(number(row, 1)?)?,
                    users: decode("users", &text(row, 2)?)?,
                })
            })
            .collect()
    }
}
