//! What goes wrong between the bot and Discord.

use super::route::Route;
use std::time::Duration;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// A status with a proxy's page; nothing is done.
    Status(u16),
    /// The connection breaks; nothing is done.
    Reset,
    /// Nothing is done, and no answer ever comes.
    Silence,
    /// Discord refuses with this code; nothing is done.
    Refused(u32),
    /// 429 of this route, with the words of a bucket; nothing is done.
    RateLimited { seconds: f64, scope: Scope },
    /// 429 of all calls together.
    RateLimitedInAll { seconds: f64 },
    /// 429 as the proxy before Discord gives it: a page, and no time.
    BannedByProxy,
    /// It is done, and no answer ever comes.
    DoneThenSilence,
    /// It is done, and the connection breaks.
    DoneThenReset,
    /// It is done, and the answer is this status with a proxy's page.
    DoneThenStatus(u16),
    /// It is done, and the answer takes so long.
    Slow(Duration),
}

/// Whose limit was met. Only a shared one is not the bot's own doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    User,
    Shared,
}

impl Fault {
    pub fn is_after(self) -> bool {
        matches!(
            self,
            Self::DoneThenSilence | Self::DoneThenReset | Self::DoneThenStatus(_) | Self::Slow(_)
        )
    }
}

/// A fault, and the call that it strikes.
pub struct Strike {
    pub route: Route,
    /// The channel or whatever the route is first about. None means any.
    pub about: Option<String>,
    /// Calls that pass before.
    pub spares: usize,
    pub fault: Fault,
}

/// The faults that wait for their call.
#[derive(Default)]
pub struct Faults {
    waiting: Vec<Strike>,
    /// Nothing answers properly.
    pub is_out: bool,
}

impl Faults {
    pub fn add(&mut self, strike: Strike) {
        self.waiting.push(strike);
    }

    pub fn take(&mut self, route: Route, about: &str) -> Option<Fault> {
        if self.is_out {
            return Some(Fault::Status(503));
        }
        for at in 0..self.waiting.len() {
            let strike = &mut self.waiting[at];
            if strike.route != route || strike.about.as_deref().is_some_and(|wanted| wanted != about) {
                continue;
            }
            if strike.spares == 0 {
                return Some(self.waiting.remove(at).fault);
            }
            strike.spares -= 1;
        }
        None
    }
}
