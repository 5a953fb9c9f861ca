//! The actions that only read.

use super::backlog::{self, Found};
use super::link::Line;
use super::marker;
use super::message::{Task, same, scalar_text};
use super::workers;
use super::{Celery, ReadError};
use crate::call::Arguments;
use crate::integration::argument;
use redis::RedisResult;
use serde_json::{Map, Value, json};

pub(super) const DEFAULT_QUEUE: &str = "celery";

/// Where a worker has a task; also the names of the questions.
const WORKER_PLACES: [&str; 3] = ["active", "reserved", "scheduled"];

/// A task that a worker has.
struct Held {
    place: &'static str,
    worker: String,
    task: Task,
}

impl Celery {
    pub(super) async fn ping(&self, line: &mut Line<'_>) -> Result<Value, ReadError> {
        let mut listening = 0;
        let mut names = Vec::new();
        for answers in workers::ask(&self.broker, line, &[("ping", json!({}))]).await? {
            listening = answers.listening;
            names.extend(answers.by_worker.into_keys());
        }
        Ok(json!({ "workers": names, "listening": listening }))
    }

    pub(super) async fn inspect(&self, line: &mut Line<'_>) -> Result<Value, ReadError> {
        let (held, silent) = self.held(line).await?;
        let mut answer = Map::new();
        for place in WORKER_PLACES {
            let there = held.iter().filter(|held| held.place == place);
            let there: Vec<_> = there
                .map(|Held { worker, task, .. }| {
                    json!({
                        "id": task.id,
                        "name": task.name,
                        "args": task.args,
                        "kwargs": task.kwargs,
                        "worker": worker,
                    })
                })
                .collect();
            answer.insert(place.to_owned(), Value::Array(there));
        }
        answer.insert("silent".to_owned(), json!(silent));
        Ok(Value::Object(answer))
    }

    /// What the workers say that they have, and how many said nothing.
    async fn held(&self, line: &mut Line<'_>) -> RedisResult<(Vec<Held>, usize)> {
        let questions = WORKER_PLACES.map(|place| (place, json!({})));
        let answers = workers::ask(&self.broker, line, &questions).await?;
        let silent = answers
            .iter()
            .map(|it| it.listening.saturating_sub(it.by_worker.len()))
            .max()
            .unwrap_or(0);
        let mut held = Vec::new();
        for (place, answers) in WORKER_PLACES.into_iter().zip(answers) {
            for (worker, said) in answers.by_worker {
                // What waits for its time is wrapped once more.
                let entries = said.as_array().into_iter().flatten();
                let tasks = entries.filter_map(|entry| Task::read_inspected(entry.get("request").unwrap_or(entry)));
                held.extend(tasks.map(|task| Held {
                    place,
                    worker: worker.clone(),
                    task,
                }));
            }
        }
        Ok((held, silent))
    }

    pub(super) async fn find(&self, line: &mut Line<'_>, arguments: &Arguments) -> Result<Value, ReadError> {
        let name = argument::text(arguments, "task")?;
        let args = argument::optional_list(arguments, "args")?;
        let first_args = argument::optional_list(arguments, "first_args")?;
        let queue = argument::optional_text(arguments, "queue")?.unwrap_or(DEFAULT_QUEUE);
        let wanted = |task: &Task| {
            task.name == name
                && args.is_none_or(|args| task.has_args(args))
                && first_args.is_none_or(|any| {
                    task.first(any)
                        .is_some_and(|first| any.iter().any(|wanted| same(wanted, first)))
                })
        };

        // In the order in which a message travels, so that none slips past. One that is seen in two places is told
        // where it was seen last, but a retry count is known from the message alone.
        let queued = backlog::queued(line, queue).await?;
        let unacked = backlog::unacked(line, queue).await?;
        let (held, silent) = self.held(line).await?;
        let unreadable = queued.unreadable + unacked.unreadable;
        let in_lists = |found: Found, place| found.tasks.into_iter().map(move |task| (place, task));
        let everywhere = in_lists(queued, "queued")
            .chain(in_lists(unacked, "unacked"))
            .chain(held.into_iter().map(|held| (held.place, held.task)));
        let mut found: Vec<(&str, Task)> = Vec::new();
        for (place, task) in everywhere.filter(|(_, task)| wanted(task)) {
            match found.iter_mut().find(|(_, known)| known.id == task.id) {
                Some((known_place, known)) => {
                    *known_place = place;
                    known.retries = known.retries.max(task.retries);
                }
                None => found.push((place, task)),
            }
        }

        let ids: Vec<&str> = found.iter().map(|(_, task)| task.id.as_str()).collect();
        let ours = marker::ours(line, &ids).await?;
        let found: Vec<_> = found
            .iter()
            .zip(ours)
            .map(|((place, task), ours)| {
                json!({
                    "id": task.id,
                    "where": place,
                    "args": task.args,
                    "kwargs": task.kwargs,
                    "first": task.first(first_args.or(args).unwrap_or_default()).and_then(scalar_text),
                    "retries": task.retries,
                    "ours": ours,
                })
            })
            .collect();
        Ok(json!({ "found": found, "unreadable": unreadable, "silent": silent }))
    }
}

pub(super) async fn queue_length(line: &mut Line<'_>, arguments: &Arguments) -> Result<Value, ReadError> {
    let queue = argument::optional_text(arguments, "queue")?.unwrap_or(DEFAULT_QUEUE);
    let waiting = backlog::waiting(line, queue).await?;
    let unacked = backlog::unacked(line, queue).await?;
    let unacked = unacked.tasks.len() + unacked.unreadable;
    Ok(json!({ "waiting": waiting, "unacked": unacked, "total": waiting + unacked }))
}
