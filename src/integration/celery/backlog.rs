//! The messages that wait: the queue's lists, and the hash of those that a worker has taken and not acknowledged.

use super::link::Line;
use super::message::Task;
use redis::RedisResult;
use std::collections::HashMap;

/// Redis' transport knows four priorities; the first has the queue's own name.
const PRIORITIES: [&str; 4] = ["", "\u{6}\u{16}3", "\u{6}\u{16}6", "\u{6}\u{16}9"];
const UNACKED: &str = "unacked";
/// A look reads no more messages than this of each place.
const READ_AT_MOST: usize = 10_000;
const PAGE: usize = 500;

/// The names of a queue's lists.
pub(super) fn lists(queue: &str) -> [String; 4] {
    PRIORITIES.map(|priority| format!("{queue}{priority}"))
}

/// What was found in one place.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub tasks: Vec<Task>,
    /// Messages that are none that we know, or beyond what a look reads.
    pub unreadable: usize,
}

/// How many messages are in the queue's lists.
pub(super) async fn waiting(line: &mut Line<'_>, queue: &str) -> RedisResult<usize> {
    let mut lengths = redis::pipe();
    for list in lists(queue) {
        lengths.llen(list);
    }
    let lengths: Vec<usize> = line.ask_all(&lengths).await?;
    Ok(lengths.iter().sum())
}

/// Reads the messages in the queue's lists.
pub(super) async fn queued(line: &mut Line<'_>, queue: &str) -> RedisResult<Found> {
    let mut found = Found::default();
    for list in lists(queue) {
        // New messages come in at the head: from there a message may be seen twice, and none is missed.
        let mut from = 0;
        loop {
            let page: Vec<Vec<u8>> = line
                .ask(redis::cmd("LRANGE").arg(&list).arg(from).arg(from + PAGE - 1))
                .await?;
            for message in &page {
                match Task::read(message) {
                    Some(task) => found.tasks.push(task),
                    None => found.unreadable += 1,
                }
            }
            from += page.len();
            if page.len() < PAGE {
                break;
            }
            if from >= READ_AT_MOST {
                let length: usize = line.ask(redis::cmd("LLEN").arg(&list)).await?;
                found.unreadable += length.saturating_sub(from);
                break;
            }
        }
    }
    found.tasks.sort_by(|one, other| one.id.cmp(&other.id));
    found.tasks.dedup();
    Ok(found)
}

/// Reads the messages of the queue that a worker has taken and not acknowledged. One whose queue cannot be told counts
/// as unreadable.
pub(super) async fn unacked(line: &mut Line<'_>, queue: &str) -> RedisResult<Found> {
    let mut found = Found::default();
    let mut seen = 0;
    let mut cursor = 0_u64;
    loop {
        let (next, page): (u64, HashMap<Vec<u8>, Vec<u8>>) = line
            .ask(redis::cmd("HSCAN").arg(UNACKED).arg(cursor).arg("COUNT").arg(PAGE))
            .await?;
        seen += page.len();
        for entry in page.values() {
            match Task::read_unacked(entry) {
                Some((task, taken_from)) if taken_from == queue => found.tasks.push(task),
                Some(_) => {}
                None => found.unreadable += 1,
            }
        }
        cursor = next;
        if cursor == 0 {
            break;
        }
        if seen >= READ_AT_MOST {
            let length: usize = line.ask(redis::cmd("HLEN").arg(UNACKED)).await?;
            found.unreadable += length.saturating_sub(seen);
            break;
        }
    }
    // A scan may give an entry twice.
    found.tasks.sort_by(|one, other| one.id.cmp(&other.id));
    found.tasks.dedup();
    Ok(found)
}
