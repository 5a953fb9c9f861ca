//! Alerts: what Alertmanager tells us ([`notification`]), and what becomes of it ([`group`]). A group's state is a pure
//! function of the notifications that came, so that a repeated one changes nothing, whoever of a pair of Alertmanagers
//! sends it. What people see of a group is its [`card`].

pub mod asking;
pub mod auto;
pub mod card;
pub mod changed;
pub mod expression;
pub mod group;
mod matcher;
pub mod notification;
pub mod page;
pub mod picture;
pub mod route;
pub mod suggest;
#[cfg(test)]
mod tests;

/// Begins the id of a group of alerts. Runs have ten letters, so neither is taken for the other.
const GROUP: &str = "alert";

/// Begins the id of a summary of many groups.
const STORM: &str = "storm";

/// Letters behind it.
const LETTERS: usize = 16;

/// Whether an id is of a group of alerts or of a summary, not of a run.
pub fn is_alert(id: &str) -> bool {
    is_storm(id) || has_form(id, GROUP)
}

/// Whether an id is of a summary of many groups.
pub fn is_storm(id: &str) -> bool {
    has_form(id, STORM)
}

fn has_form(id: &str, begins: &str) -> bool {
    let rest = id.strip_prefix(begins);
    rest.is_some_and(|rest| rest.len() == LETTERS && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The id of a group that began at this moment, in microseconds since 1970: whoever computes it finds the same one.
pub fn group_id(key: &str, opened: i64) -> String {
    format!("{GROUP}{}", short_hash(&[key.as_bytes(), &opened.to_be_bytes()]))
}

/// The id of a summary that began at this moment.
pub fn storm_id(opened: i64) -> String {
    format!("{STORM}{}", short_hash(&[STORM.as_bytes(), &opened.to_be_bytes()]))
}

fn short_hash(parts: &[&[u8]]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut hash = hex::encode(hash.finalize());
    hash.truncate(LETTERS);
    hash
}
