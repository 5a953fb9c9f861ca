//! What a process has in hand: its claims are renewed, and it takes none of it over from itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Ids, for as long as somebody is at them.
#[derive(Debug, Default)]
pub struct Hands(Mutex<BTreeSet<String>>);

/// One id in hand; let go when it is dropped, also by a defect.
#[derive(Debug)]
pub(super) struct Held {
    id: String,
    hands: Arc<Hands>,
}

impl Hands {
    pub(super) fn take(self: &Arc<Self>, id: &str) -> Held {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(id.to_owned());
        Held {
            id: id.to_owned(),
            hands: self.clone(),
        }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().cloned().collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.hands.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.id);
    }
}
