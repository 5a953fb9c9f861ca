//! The action `send`: at most one message per step, whatever happens on the way.

use super::Celery;
use super::follow::{self, Follow};
use super::link::{Incarnation, Line};
use super::look::DEFAULT_QUEUE;
use super::marker::{Attempt, Marker, Sent};
use super::message::Order;
use super::state::{self, State};
use crate::call::{Arguments, CallContext, CallResult, Recall};
use crate::integration::argument::{self, ArgumentError};
use crate::integration::deadline;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const DEFAULT_EXPIRES: Duration = Duration::from_secs(5 * 60);
const BEFORE_ASKING_AGAIN: Duration = Duration::from_millis(250);

/// What is journalled with the intent.
#[derive(Debug, Serialize, Deserialize)]
struct Evidence {
    redis_run_id: String,
    redis_evicted: u64,
    /// A broker that has lost this has lost the mark as well.
    fence: u64,
    task_id: String,
}

impl Celery {
    pub(super) async fn send(&self, arguments: &Arguments, context: &CallContext) -> CallResult {
        let id = context.derived_id();
        let sent = match compose(arguments, id) {
            Ok(sent) => sent,
            Err(error) => {
                return CallResult::NotDone {
                    reason: error.to_string(),
                };
            }
        };
        let deadline = deadline::instant(context);
        let mut broker = self.broker.line(deadline);
        let marker = Marker::of(id);

        // Nothing that stands before the script sends anything, so its failure is harmless.
        let subscription = match self.results.subscribe(&state::key(&id.to_string()), deadline).await {
            Ok(subscription) => subscription,
            Err(error) => return self.unreachable(&self.results, &error),
        };
        let before = match Incarnation::of(&mut broker).await {
            Ok(before) => before,
            Err(error) => return self.unreachable(&self.broker, &error),
        };
        let fence = match marker.fence(&mut broker).await {
            Ok(fence) => fence,
            Err(error) => return self.unreachable(&self.broker, &error),
        };

        let follow = |sent, subscription| Follow {
            broker: &self.broker,
            results: &self.results,
            id,
            sent,
            subscription,
            deadline,
        };
        match marker.send(&mut broker, &sent, fence).await {
            Ok(Attempt::Sent) => follow(&sent, Some(subscription)).until_the_end().await,
            Ok(Attempt::Fenced) => CallResult::NotDone {
                reason: "it was concluded meanwhile that the message was not sent; nothing was sent".to_owned(),
            },
            // What was missed since the first sending is not known.
            Ok(Attempt::Already) => match marker.look(&mut broker).await {
                Ok(Some(earlier)) => follow(&earlier, None).until_the_end().await,
                Ok(None) => unknown("the message was sent before, and its mark is gone"),
                Err(error) => unknown(&format!("the message was sent before; then Redis failed: {error}")),
            },
            Err(error) => match find_out(&marker, &mut broker, &before, deadline).await {
                Settled::Sent(sent) => follow(&sent, Some(subscription)).until_the_end().await,
                Settled::NotSent => CallResult::NotDone {
                    reason: format!(
                        "Redis at {}: {error}; it shows that nothing was queued",
                        self.broker.host
                    ),
                },
                Settled::Unclear(why) => unknown(&format!(
                    "Redis at {} failed while the message was sent: {error}; {why}",
                    self.broker.host
                )),
            },
        }
    }

    pub(super) async fn send_evidence(&self, context: &CallContext) -> Result<Value, String> {
        let task_id = context.derived_id();
        let mut broker = self.broker.line(deadline::instant(context));
        let evidence = async {
            let incarnation = Incarnation::of(&mut broker).await?;
            let fence = Marker::of(task_id).raise(&mut broker).await?;
            Ok(Evidence {
                redis_run_id: incarnation.run_id,
                redis_evicted: incarnation.evicted,
                fence,
                task_id: task_id.to_string(),
            })
        };
        let evidence = evidence
            .await
            .map_err(|error: redis::RedisError| format!("Redis at {}: {error}", self.broker.host))?;
        serde_json::to_value(evidence).map_err(|error| error.to_string())
    }

    pub(super) async fn recall_send(&self, context: &CallContext, evidence: &Value) -> Recall {
        let id = context.derived_id();
        let deadline = deadline::instant(context);
        let mut broker = self.broker.line(deadline);
        let mut results = self.results.line(deadline);
        let task_id = id.to_string();

        let marker = Marker::of(id);
        let settled = marker.settle(&mut broker).await;
        if let Ok((Some(sent), _)) = &settled {
            let follow = Follow {
                broker: &self.broker,
                results: &self.results,
                id,
                sent,
                subscription: None,
                deadline,
            };
            return Recall::Made(follow.until_the_end().await);
        }
        // A result is proof, whatever the broker has lost.
        let result = follow::read(&mut results, &state::key(&task_id)).await;
        match result.as_ref().map(|bytes| bytes.as_deref().and_then(State::read)) {
            Ok(Some(State::Ended(ended))) => {
                return Recall::Made(follow::conclude(ended, &task_id, 0, false));
            }
            Ok(Some(State::Retry | State::Other(_))) => {
                return Recall::NoEvidence {
                    reason: format!("task {task_id} was begun and has not ended, and the broker has lost its mark"),
                };
            }
            Ok(None) => {}
            Err(error) => {
                return Recall::NoEvidence {
                    reason: format!("the results at {} cannot be read: {error}", self.results.host),
                };
            }
        }
        let fence = match settled {
            Ok((_, fence)) => fence,
            Err(error) => {
                return Recall::NoEvidence {
                    reason: format!("Redis at {}: {error}", self.broker.host),
                };
            }
        };
        let now = match Incarnation::of(&mut broker).await {
            Ok(now) => now,
            Err(error) => {
                return Recall::NoEvidence {
                    reason: format!("Redis at {}: {error}", self.broker.host),
                };
            }
        };
        match lost_memory(evidence, &now, fence) {
            Some(reason) => Recall::NoEvidence { reason },
            None => Recall::NeverMade {
                reason: "the broker keeps no mark of the message".to_owned(),
            },
        }
    }

    pub(super) async fn take_back_send(&self, context: &CallContext) -> Option<CallResult> {
        let marker = Marker::of(context.derived_id());
        let mut broker = self.broker.line(deadline::instant(context));
        let sent = marker.look(&mut broker).await.ok()??;
        marker
            .retract(&mut broker, &sent)
            .await
            .ok()?
            .then(|| CallResult::NotDone {
                reason: "the message still waited in the queue and was taken back".to_owned(),
            })
    }
}

fn compose(arguments: &Arguments, id: Uuid) -> Result<Sent, ArgumentError> {
    let task = argument::text(arguments, "task")?;
    let args = argument::optional_list(arguments, "args")?.ok_or(ArgumentError::Missing("args"))?;
    let queue = argument::optional_text(arguments, "queue")?.unwrap_or(DEFAULT_QUEUE);
    let expires = argument::optional_duration(arguments, "expires")?.unwrap_or(DEFAULT_EXPIRES);
    // Beyond all calendars is never.
    let expires = SignedDuration::try_from(expires).unwrap_or(SignedDuration::MAX);
    let expires = Timestamp::now().saturating_add(expires).unwrap_or(Timestamp::MAX);
    let message = Order {
        id,
        task,
        args,
        queue,
        expires,
    }
    .compose();
    Ok(Sent {
        queue: queue.to_owned(),
        message,
    })
}

enum Settled {
    Sent(Sent),
    NotSent,
    Unclear(String),
}

/// After a failure in the middle of sending: asks until there is an answer, or no time.
async fn find_out(marker: &Marker, broker: &mut Line<'_>, before: &Incarnation, deadline: Instant) -> Settled {
    loop {
        let settled = async {
            let (sent, _) = marker.settle(broker).await?;
            Ok::<_, redis::RedisError>((sent, Incarnation::of(broker).await?))
        };
        match settled.await {
            Ok((Some(sent), _)) => return Settled::Sent(sent),
            Ok((None, now)) if now == *before => return Settled::NotSent,
            Ok((None, _)) => {
                return Settled::Unclear("it has been restarted or has thrown keys out since".to_owned());
            }
            Err(error) if Instant::now() >= deadline => {
                return Settled::Unclear(format!("it did not come back in time: {error}"));
            }
            Err(_) => sleep(BEFORE_ASKING_AGAIN).await,
        }
    }
}

/// Why the absence of a mark proves nothing, if so.
fn lost_memory(evidence: &Value, now: &Incarnation, fence: Option<u64>) -> Option<String> {
    let Ok(then) = Evidence::deserialize(evidence) else {
        return Some("nothing was journalled of the broker before the call".to_owned());
    };
    if then.redis_run_id != now.run_id {
        return Some("Redis has been restarted since, and may have forgotten the mark of the message".to_owned());
    }
    if then.redis_evicted != now.evicted {
        return Some("Redis has thrown out keys for want of memory since, perhaps the mark of the message".to_owned());
    }
    if fence.is_none_or(|fence| fence < then.fence) {
        return Some(
            "Redis has lost what was noted there before the call, and with it the mark of the message".to_owned(),
        );
    }
    None
}

fn unknown(reason: &str) -> CallResult {
    CallResult::Unknown {
        reason: reason.to_owned(),
    }
}
