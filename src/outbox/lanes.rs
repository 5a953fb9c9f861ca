//! What is being sent: a lane for each place, in which messages go one after the other. A place that is slow holds up
//! nobody but itself.

use crate::request::Place;
use std::collections::HashMap;
use tokio::task::{Id, JoinSet};

/// Places that are sent to at the same time.
const MOST: usize = 16;

/// The lanes of this process.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    tasks: JoinSet<()>,
    busy: HashMap<Id, Place>,
}

impl Lanes {
    /// Whether a place has no lane, and there is room for one.
    pub(super) fn is_free(&self, place: &Place) -> bool {
        self.busy.len() < MOST && self.busy.values().all(|busy| busy != place)
    }

    /// Whether nothing is being sent.
    pub(super) fn are_empty(&self) -> bool {
        self.busy.is_empty()
    }

    /// Begins a lane.
    pub(super) fn begin(&mut self, place: Place, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(work).id();
        self.busy.insert(id, place);
    }

    /// Waits until a lane has ended; for ever where there is none.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => {
                self.busy.remove(&id);
            }
            Some(Err(error)) => {
                self.busy.remove(&error.id());
                tracing::error!(%error, "sending ended in a defect");
            }
        }
    }

    /// Waits until all have ended.
    pub(super) async fn all_ended(&mut self) {
        while !self.busy.is_empty() {
            self.ended().await;
        }
    }
}
