//! What becomes of a delivery, by whichever way it came: stored, then acknowledged; or answered at once where there is
//! nothing to store. Each chat platform has its own door here.

pub mod discord;
pub mod gateway;
pub mod slack;
pub mod socket;

use std::sync::atomic::{AtomicU64, Ordering};

/// Deliveries, by what became of them.
#[derive(Debug, Default)]
pub struct Counts {
    kept: AtomicU64,
    ignored: AtomicU64,
    rejected: AtomicU64,
    not_kept: AtomicU64,
    answered: AtomicU64,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Stored.
    Kept,
    /// It asks for nothing.
    Ignored,
    /// Not believed, or not understood.
    Rejected,
    /// The database does not answer, or too many came at once.
    NotKept,
    /// By a form, by values to pick, or by words for whoever asked; nothing was stored.
    Answered,
}

impl Counts {
    /// One more.
    pub fn add(&self, fate: Fate) {
        let count = match fate {
            Fate::Kept => &self.kept,
            Fate::Ignored => &self.ignored,
            Fate::Rejected => &self.rejected,
            Fate::NotKept => &self.not_kept,
            Fate::Answered => &self.answered,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// By the words of the metrics.
    pub fn all(&self) -> [(&'static str, u64); 5] {
        let count = |value: &AtomicU64| value.load(Ordering::Relaxed);
        [
            ("kept", count(&self.kept)),
            ("ignored", count(&self.ignored)),
            ("rejected", count(&self.rejected)),
            ("not-kept", count(&self.not_kept)),
            ("answered", count(&self.answered)),
        ]
    }
}
