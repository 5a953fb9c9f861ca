//! The gateway as tests see it: sessions, the connections that they had, and what can be done to them.

mod connection;
mod session;

pub use connection::listen;
pub use session::{Closed, Connection, Gateway, Way};

use super::Discord;
use serde_json::{Value, json};
use session::Out;
use std::time::Duration;

/// What a test does to the gateway.
pub struct Line<'a> {
    discord: &'a Discord,
}

impl Discord {
    pub fn gateway(&self) -> Line<'_> {
        Line { discord: self }
    }
}

impl Line<'_> {
    fn with<T>(&self, deed: impl FnOnce(&mut Gateway) -> T) -> T {
        let outcome = deed(&mut self.discord.shared.world().gateway);
        self.discord.shared.changed();
        outcome
    }

    /// Every connection so far, oldest first.
    pub fn connections(&self) -> Vec<Connection> {
        self.with(|gateway| gateway.connections.clone())
    }

    /// Waits until this many sessions were begun or taken up again in all.
    pub async fn up(&self, times: usize) -> Vec<Connection> {
        self.up_within(times, 10).await
    }

    pub async fn up_within(&self, times: usize, seconds: u64) -> Vec<Connection> {
        let what = format!("{times} sessions to be begun or resumed");
        self.until(&what, seconds, |all| {
            all.iter().filter(|one| one.is_up).count() >= times
        })
        .await
    }

    /// Waits until the connections fulfil a condition.
    pub async fn until(&self, what: &str, seconds: u64, holds: impl Fn(&[Connection]) -> bool) -> Vec<Connection> {
        let find = |world: &mut super::World| {
            let all = &world.gateway.connections;
            holds(all).then(|| all.clone())
        };
        self.discord.next(what, seconds, find).await
    }

    /// Something happened; sessions are told, those that are away when they come back.
    pub fn dispatch(&self, name: &str, data: Value) {
        self.with(|gateway| gateway.dispatch(name, data));
    }

    /// Text that need not be a payload is sent as it is.
    pub fn send_raw(&self, text: &str) {
        self.send_to_all(|| Out::Text(text.to_owned()));
    }

    /// Asks for a new connection: opcode 7.
    pub fn ask_to_reconnect(&self) {
        self.send_raw(&json!({"op": 7, "d": null, "s": null, "t": null}).to_string());
    }

    /// Says that the session is over, or may be resumed: opcode 9.
    pub fn invalidate(&self, resumable: bool) {
        if !resumable {
            self.with(Gateway::forget);
        }
        self.send_raw(&json!({"op": 9, "d": resumable, "s": null, "t": null}).to_string());
    }

    /// Asks for a heartbeat at once: opcode 1.
    pub fn ask_for_heartbeat(&self) {
        self.send_raw(&json!({"op": 1, "d": null, "s": null, "t": null}).to_string());
    }

    pub fn close(&self, code: u16) {
        self.send_to_all(|| Out::Close(code, "closed by the test"));
    }

    /// The wire is cut, without a word.
    pub fn cut(&self) {
        self.send_to_all(|| Out::Cut);
    }

    /// Connections that are there stay open, and nothing comes any more: no event, no word that a heartbeat was heard.
    pub fn go_numb(&self) {
        self.send_to_all(|| Out::GoNumb);
    }

    /// Nothing is known any more of the sessions so far.
    pub fn forget_sessions(&self) {
        self.with(Gateway::forget);
    }

    /// New connections are closed at once.
    pub fn refuse(&self, refuses: bool) {
        self.with(|gateway| gateway.refuses = refuses);
    }

    /// When a session is taken up again, events come once more that it has had.
    pub fn replay_too_much(&self) {
        self.with(|gateway| gateway.replays_too_much = true);
    }

    /// For connections from now on.
    pub fn set_heartbeat_interval(&self, interval: Duration) {
        self.with(|gateway| gateway.interval = interval);
    }

    /// So many sessions were begun today by others of this bot.
    pub fn pretend_identifies(&self, count: usize) {
        let mut world = self.discord.shared.world();
        let now = world.now();
        world.gateway.pretend_identifies(count, now);
    }

    fn send_to_all(&self, out: impl Fn() -> Out) {
        self.with(|gateway| gateway.send_to_all(out));
    }
}
