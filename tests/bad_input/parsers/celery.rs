//! What Celery and its workers write into Redis. The parsers are private to the integration, so their files are read
//! here once more.

#[allow(dead_code, missing_docs)]
#[path = "../../../src/integration/celery/message.rs"]
mod message;
#[allow(dead_code, missing_docs)]
#[path = "../../../src/integration/celery/state.rs"]
mod state;

use message::Task;
use serde_json::Value;
use state::State;

/// Results, queued messages, unacknowledged ones, and what a worker says that it has.
pub fn messages(bytes: &[u8]) {
    if let Some(State::Ended(ended)) = State::read(bytes) {
        let state = ended.state.clone();
        let is_success = state == "SUCCESS";
        assert!(!is_success || ended.error.is_empty());
        let answer = ended.value("id", 0);
        assert_eq!(answer["state"], state);
    }
    let inspected = serde_json::from_slice::<Value>(bytes)
        .ok()
        .and_then(|entry| Task::read_inspected(&entry));
    let unacked = Task::read_unacked(bytes).map(|(task, _)| task);
    for task in [Task::read(bytes), unacked, inspected].into_iter().flatten() {
        // What a task was called with it was called with.
        assert!(!task.kwargs.is_empty() || task.has_args(&task.args));
        assert!(task.first(&[]).is_some() || task.args.is_empty());
    }
}
