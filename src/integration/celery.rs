//! Celery by its Redis broker and result store.
//!
//! Its credential may read and write the broker's database (lists, `unacked`, keys `signalbox:*`), publish to the
//! workers' mailbox, read the results' database and ask `INFO`.

mod backlog;
mod follow;
mod link;
mod look;
mod marker;
mod message;
mod send;
mod state;
#[cfg(test)]
mod tests;
mod workers;

use super::argument::ArgumentError;
use super::deadline;
use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, ArgumentKind as Kind, ArgumentSpec, Effect, Guard};
use link::Link;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout_at;

/// What this integration can do.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        integration: "celery",
        name: "send",
        summary: "Sends a task and follows it to its end.",
        effect: Effect::Write,
        guard: Guard::Marker,
        arguments: &[
            ArgumentSpec {
                name: "task",
                kind: Kind::FixedText,
                required: true,
                help: "The full name of the task.",
            },
            ArgumentSpec {
                name: "args",
                kind: Kind::Values,
                required: true,
                help: "Its positional arguments.",
            },
            ArgumentSpec {
                name: "queue",
                kind: Kind::FixedText,
                required: false,
                help: "The queue; `celery` unless given.",
            },
            ArgumentSpec {
                name: "expires",
                kind: Kind::FixedDuration,
                required: false,
                help: "A worker that takes the message later than this drops it; 5 minutes unless given.",
            },
        ],
        gives: &[
            ("task_id", "Derived from run and step."),
            (
                "state",
                "SUCCESS, FAILURE, or REVOKED if it expired while it waited to be tried again.",
            ),
            ("result", "What the task returned; null unless SUCCESS."),
            ("error", "Type and text of what it raised; empty if SUCCESS."),
            ("retries", "How many RETRY states were seen on the way."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "ping",
        summary: "Asks the workers whether they are there.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[],
        gives: &[
            ("workers", "Names of those that answered."),
            ("listening", "How many processes the broker counts as listening."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "inspect",
        summary: "What the workers are doing.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[],
        gives: &[
            ("active", "Tasks that run: id, name, args, worker."),
            ("reserved", "Tasks taken by a worker and not begun."),
            ("scheduled", "Tasks that wait for their time, retries among them."),
            (
                "silent",
                "How many workers listen and did not answer, so that what they have is not listed.",
            ),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "queue_length",
        summary: "Messages waiting, with those in priority lists and those taken but not begun.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[ArgumentSpec {
            name: "queue",
            kind: Kind::FixedText,
            required: false,
            help: "The queue; `celery` unless given.",
        }],
        gives: &[
            ("waiting", "In the lists of the queue."),
            ("unacked", "Taken by a worker and not begun, or waiting for a retry."),
            ("total", "Both together."),
        ],
    },
    ActionSpec {
        integration: "celery",
        name: "find",
        summary: "Looks for the same task queued, waiting for a retry, or running.",
        effect: Effect::Read,
        guard: Guard::None,
        arguments: &[
            ArgumentSpec {
                name: "task",
                kind: Kind::FixedText,
                required: true,
                help: "The full name of the task.",
            },
            ArgumentSpec {
                name: "args",
                kind: Kind::Values,
                required: false,
                help: "Its positional arguments; any unless given.",
            },
            ArgumentSpec {
                name: "first_args",
                kind: Kind::Value,
                required: false,
                help: "A list: finds tasks whose first argument is any of these.",
            },
            ArgumentSpec {
                name: "queue",
                kind: Kind::FixedText,
                required: false,
                help: "The queue; `celery` unless given.",
            },
        ],
        gives: &[
            (
                "found",
                "A list of: id, where (queued, unacked, active, reserved, scheduled), args, first (the first argument as text), retries, ours (whether Signalbox sent it).",
            ),
            (
                "unreadable",
                "How many messages could not be read, or were beyond the 10,000 that are read of each list.",
            ),
            (
                "silent",
                "How many workers listen and did not answer, so that what they run is not listed.",
            ),
        ],
    },
];

/// How to reach a Celery application.
#[derive(Debug, Clone)]
pub struct Config {
    /// The broker, `redis://user:password@host:port/database`.
    pub broker: SecretString,
    /// The result store.
    pub results: SecretString,
}

/// A URL that leads nowhere. It does not show the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the `{key}` of a celery connection must be redis://user:password@host:port/database: {reason}")]
pub struct ConfigError {
    key: &'static str,
    reason: String,
}

/// One configured instance.
#[derive(Debug)]
pub struct Celery {
    broker: Link,
    results: Link,
}

/// Why a read was not made.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
}

impl Celery {
    /// Connects to nothing.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let link = |key, url| Link::new(url).map_err(|reason| ConfigError { key, reason });
        Ok(Self {
            broker: link("broker", &config.broker)?,
            results: link("results", &config.results)?,
        })
    }

    /// Where it leads, without any secret.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: "celery".to_owned(),
            host: self.broker.host.clone(),
            database: Some(self.broker.database.to_string()),
            user: self.broker.user.clone(),
        }
    }

    /// Makes the call.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        if deadline::remaining(context).is_zero() {
            return CallResult::NotDone {
                reason: "the deadline had passed before anything was sent".to_owned(),
            };
        }
        if action.name == "send" {
            return self.send(arguments, context).await;
        }
        let until = deadline::instant(context);
        let mut line = self.broker.line(until);
        let read = async {
            match action.name {
                "ping" => self.ping(&mut line).await,
                "inspect" => self.inspect(&mut line).await,
                "queue_length" => look::queue_length(&mut line, arguments).await,
                "find" => self.find(&mut line, arguments).await,
                other => {
                    return CallResult::NotDone {
                        reason: format!("celery has no action `{other}`"),
                    };
                }
            }
            .map_or_else(
                |error| match error {
                    ReadError::Argument(error) => CallResult::NotDone {
                        reason: error.to_string(),
                    },
                    ReadError::Redis(error) => self.unreachable(&self.broker, &error),
                },
                |value| CallResult::Done { value },
            )
        };
        timeout_at(until, read).await.unwrap_or_else(|_| CallResult::NotDone {
            reason: format!("{} was not read before the deadline", self.broker.host),
        })
    }

    /// Journalled with the intent: the broker's `run_id`, and a fence that the broker must still know later.
    pub async fn evidence(&self, action: &ActionSpec, context: &CallContext) -> Result<Value, String> {
        match action.name {
            "send" => self.send_evidence(context).await,
            _ => Ok(Value::Null),
        }
    }

    /// What became of a call whose caller died.
    pub async fn recall(
        &self,
        action: &ActionSpec,
        _arguments: &Arguments,
        context: &CallContext,
        evidence: &Value,
    ) -> Recall {
        match action.name {
            "send" => self.recall_send(context, evidence).await,
            _ => Recall::NeverMade {
                reason: "it only reads".to_owned(),
            },
        }
    }

    /// Takes back an exact message that is still queued.
    pub async fn take_back(
        &self,
        action: &ActionSpec,
        _arguments: &Arguments,
        context: &CallContext,
    ) -> Option<CallResult> {
        match action.name {
            "send" => self.take_back_send(context).await,
            _ => None,
        }
    }

    fn unreachable(&self, link: &Link, error: &redis::RedisError) -> CallResult {
        CallResult::Unreachable {
            reason: format!("Redis at {}: {error}", link.host),
        }
    }
}
