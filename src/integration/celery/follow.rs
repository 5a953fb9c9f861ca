//! Waits for the end of a task that was sent.
//!
//! A result is all that Celery promises. A worker that dies takes its task with it without a word, so while nothing is
//! heard this looks whether the task can still come to an end: it waits in the queue, or a worker has it.

use super::backlog;
use super::link::{Line, Link};
use super::marker::{Marker, Sent};
use super::message::Task;
use super::state::{self, Ended, State};
use super::workers;
use crate::call::CallResult;
use crate::integration::deadline::NOT_TAKEN;
use futures::StreamExt;
use redis::RedisResult;
use redis::aio::PubSubStream;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, interval, sleep_until};
use uuid::Uuid;

/// The net below the subscription, and how soon a lost one is made anew.
const POLL: Duration = Duration::from_secs(1);
/// How long nothing may be heard before the task is looked for, and between such looks.
const SILENCE: Duration = Duration::from_secs(3);
/// Workers take longer than that to come back after an outage of the broker.
const SILENCE_AFTER_OUTAGE: Duration = Duration::from_secs(15);
/// What is kept of the time for taking the message back.
const TAKE_BACK: Duration = Duration::from_secs(2);

/// One task that is waited for.
pub(super) struct Follow<'a> {
    pub broker: &'a Link,
    pub results: &'a Link,
    pub id: Uuid,
    pub sent: &'a Sent,
    /// Listening since before the message was sent; `None` if it is not known what was missed.
    pub subscription: Option<PubSubStream>,
    pub deadline: Instant,
}

/// Where a task that has not ended was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whereabouts {
    Queued,
    Unacked,
    AtWorker {
        worker: String,
        state: String,
    },
    /// Somebody took it back.
    Retracted,
    /// A worker listens and does not say what it has.
    Silent,
    /// Workers are there, and none has it.
    InNoWorker,
    /// It is not waiting, and there is no worker.
    NoWorker,
}

impl Follow<'_> {
    /// Waits until the task ended, is certainly lost, or the deadline is there.
    pub async fn until_the_end(mut self) -> CallResult {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let enough = self.deadline - TAKE_BACK.min(left / 4);
        let task_id = self.id.to_string();
        let channel = state::key(&task_id);
        let mut results = self.results.line(self.deadline);
        let mut broker = self.broker.line(self.deadline);
        // Whether every RETRY since the sending was heard.
        let mut heard_all = self.subscription.is_some();
        let mut retries = 0;
        let mut trouble = None;
        let mut quiet_until = Instant::now() + SILENCE;
        let mut missing = None;
        let mut poll = interval(POLL);
        loop {
            let heard = tokio::select! {
                payload = next(&mut self.subscription) => match payload {
                    Some(payload) => Some(payload),
                    None => {
                        heard_all = false;
                        self.subscription = None;
                        continue;
                    }
                },
                _ = poll.tick() => None,
                () = sleep_until(enough) => break,
            };
            let published = heard.is_some();
            let bytes = match heard {
                Some(bytes) => Some(bytes),
                None => {
                    if self.subscription.is_none() {
                        self.subscription = self.results.subscribe(&channel, enough).await.ok();
                    }
                    match read(&mut results, &channel).await {
                        Ok(bytes) => {
                            trouble = None;
                            bytes
                        }
                        Err(error) => {
                            trouble = Some(format!("the results at {} cannot be read: {error}", results.host()));
                            None
                        }
                    }
                }
            };
            match bytes.as_deref().and_then(State::read) {
                Some(State::Ended(ended)) => return conclude(ended, &task_id, retries, heard_all),
                Some(State::Retry) if published => {
                    retries += 1;
                    quiet_until = Instant::now() + SILENCE;
                }
                Some(State::Retry) => retries = retries.max(1),
                Some(State::Other(_)) | None => {}
            }
            if Instant::now() < quiet_until {
                continue;
            }
            let whereabouts = match self.whereabouts(&mut broker).await {
                Ok(whereabouts) => whereabouts,
                Err(error) => {
                    trouble = Some(format!("the broker at {} does not answer: {error}", broker.host()));
                    quiet_until = Instant::now() + SILENCE_AFTER_OUTAGE;
                    missing = None;
                    continue;
                }
            };
            quiet_until = Instant::now() + SILENCE;
            let lost = match &whereabouts {
                Whereabouts::Retracted => {
                    return CallResult::NotDone {
                        reason: "the message was taken back before a worker took it".to_owned(),
                    };
                }
                Whereabouts::NoWorker => {
                    "the message was taken from the queue and no worker is there: the one that took it is gone, and \
                     the task may have acted"
                }
                Whereabouts::InNoWorker => {
                    "the message was taken from the queue, no worker has the task and there is no result: the worker \
                     that had it died, and the task may have acted"
                }
                Whereabouts::Queued | Whereabouts::Unacked | Whereabouts::AtWorker { .. } | Whereabouts::Silent => {
                    missing = None;
                    continue;
                }
            };
            // Once is not enough: between being taken and being known a message is nowhere for a moment.
            if missing.replace(whereabouts).is_some() {
                return match read(&mut results, &channel)
                    .await
                    .map(|bytes| bytes.as_deref().and_then(State::read))
                {
                    Ok(Some(State::Ended(ended))) => conclude(ended, &task_id, retries, heard_all),
                    Ok(_) => CallResult::Unknown {
                        reason: lost.to_owned(),
                    },
                    Err(_) => continue,
                };
            }
        }
        self.at_the_deadline(broker, results, retries, heard_all, trouble).await
    }

    async fn whereabouts(&self, broker: &mut Line<'_>) -> RedisResult<Whereabouts> {
        let id = self.id.to_string();
        let is_it = |task: &Task| task.id == id;
        // In the order in which a message travels, so that it cannot slip past.
        if backlog::queued(broker, &self.sent.queue).await?.tasks.iter().any(is_it) {
            return Ok(Whereabouts::Queued);
        }
        if backlog::unacked(broker, &self.sent.queue)
            .await?
            .tasks
            .iter()
            .any(is_it)
        {
            return Ok(Whereabouts::Unacked);
        }
        let marker = Marker::of(self.id);
        if marker.look(broker).await?.is_none() && marker.fence(broker).await?.is_some() {
            return Ok(Whereabouts::Retracted);
        }
        let answers = workers::ask(self.broker, broker, &[("query_task", json!({ "ids": [&id] }))]).await?;
        let Some(answers) = answers.into_iter().next() else {
            return Ok(Whereabouts::Silent);
        };
        let has_it = answers.by_worker.iter().find_map(|(worker, said)| {
            let state = said.get(&id)?.get(0)?.as_str()?;
            Some(Whereabouts::AtWorker {
                worker: worker.clone(),
                state: state.to_owned(),
            })
        });
        Ok(match has_it {
            Some(at_worker) => at_worker,
            None if answers.is_somebody_silent() => Whereabouts::Silent,
            None if answers.listening == 0 => Whereabouts::NoWorker,
            None => Whereabouts::InNoWorker,
        })
    }

    async fn at_the_deadline(
        &self,
        mut broker: Line<'_>,
        mut results: Line<'_>,
        retries: u64,
        heard_all: bool,
        trouble: Option<String>,
    ) -> CallResult {
        if let Ok(true) = Marker::of(self.id).retract(&mut broker, self.sent).await {
            return CallResult::NotDone {
                reason: NOT_TAKEN.to_owned(),
            };
        }
        let task_id = self.id.to_string();
        let last = read(&mut results, &state::key(&task_id)).await.ok().flatten();
        if let Some(State::Ended(ended)) = last.as_deref().and_then(State::read) {
            return conclude(ended, &task_id, retries, heard_all);
        }
        let known = match (self.whereabouts(&mut broker).await, trouble) {
            (_, Some(trouble)) => trouble,
            (Err(error), None) => format!("the broker at {} does not answer: {error}", broker.host()),
            (Ok(whereabouts), None) => match whereabouts {
                Whereabouts::Queued => "it waits in the queue again, after a worker had it".to_owned(),
                Whereabouts::Unacked if retries > 0 => "it raised and waits to be tried again".to_owned(),
                Whereabouts::Unacked => "a worker has taken the message and not begun".to_owned(),
                Whereabouts::AtWorker { worker, state } if state == "active" => format!("it is running at {worker}"),
                Whereabouts::AtWorker { worker, .. } => format!("{worker} has taken it and not begun"),
                Whereabouts::Silent => "a worker listens and does not answer; it may be busy with it".to_owned(),
                Whereabouts::Retracted => {
                    return CallResult::NotDone {
                        reason: "the message was taken back before a worker took it".to_owned(),
                    };
                }
                Whereabouts::InNoWorker | Whereabouts::NoWorker => "no worker has it".to_owned(),
            },
        };
        CallResult::Unknown {
            reason: format!("task {task_id} has not ended in time: {known}"),
        }
    }
}

async fn next(subscription: &mut Option<PubSubStream>) -> Option<Vec<u8>> {
    match subscription {
        Some(stream) => stream.next().await.map(|message| message.get_payload_bytes().to_vec()),
        None => std::future::pending().await,
    }
}

/// The task's result, if it has one.
pub(super) async fn read(results: &mut Line<'_>, key: &str) -> RedisResult<Option<Vec<u8>>> {
    results.ask(redis::cmd("GET").arg(key)).await
}

/// What an end means for the call. A task that expired had no effect only if it was never begun: one that is tried
/// again expires as well.
pub(super) fn conclude(ended: Ended, task_id: &str, retries: u64, heard_all: bool) -> CallResult {
    if ended.is_revoked() && retries == 0 && heard_all {
        let how = ended.error;
        return CallResult::NotDone {
            reason: format!("the worker dropped the message before it began ({how})"),
        };
    }
    CallResult::Done {
        value: ended.value(task_id, retries),
    }
}
