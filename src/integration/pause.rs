//! A login that was refused is not tried again at once: more tries could lock the account.

use std::time::Duration;
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(30);

/// Whether logins rest.
#[derive(Debug, Default)]
pub(super) struct Pause(Option<(Instant, String)>);

impl Pause {
    /// What the refusal was, and for how many seconds the login still rests.
    pub(super) fn standing(&self) -> Option<(String, u64)> {
        let (until, why) = self.0.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| (why.clone(), left.as_secs().max(1)))
    }

    /// Begins to rest; says for how many seconds.
    pub(super) fn begin(&mut self, why: String) -> u64 {
        self.0 = Some((Instant::now() + PAUSE, why));
        PAUSE.as_secs()
    }

    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}
