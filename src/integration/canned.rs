//! Canned answers in the place of an outside system: `signalbox test` carries the examples of runbooks through the real
//! gate and engine with them. Nothing is reached, and faults are answered as the real integrations answer them.

use crate::call::{Arguments, CallContext, CallResult, Identity, Recall};
use crate::runbook::action::{ActionSpec, Effect, Guard};
use crate::runbook::duration;
use crate::runbook::fault::Fault;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// The sampler's calls belong to no run and bear this name.
const SIGNAL: &str = "signal";

/// One connection of an example's world.
#[derive(Debug)]
pub struct Canned {
    name: String,
    kind: String,
    script: Arc<Script>,
}

/// Which call is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The connection's name.
    pub on: String,
    /// `postgres.query`.
    pub action: String,
    /// Computed.
    pub arguments: Arguments,
}

/// The answers of one step.
#[derive(Debug)]
pub struct StepAnswers {
    /// The step's own call; what else it calls is its probe.
    pub made: Made,
    /// From the intent to the latest answer.
    pub timeout: Duration,
    /// What the call gives where nothing goes wrong.
    pub call: CallResult,
    /// What the probe gives.
    pub probe: CallResult,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

/// All that an example's world answers, and what was asked of it.
#[derive(Debug, Default)]
pub struct Script {
    looks: Vec<(Made, CallResult)>,
    steps: BTreeMap<String, StepAnswers>,
    sent: Mutex<BTreeMap<String, u32>>,
    died: AtomicBool,
    death: Notify,
}

impl Script {
    /// Looks by their call, steps by their name in the plan.
    pub fn new(looks: Vec<(Made, CallResult)>, steps: BTreeMap<String, StepAnswers>) -> Self {
        Self {
            looks,
            steps,
            ..Self::default()
        }
    }

    /// How many calls of a step have left, whether or not an answer came.
    pub fn sent(&self, step: &str) -> u32 {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.get(step).copied().unwrap_or(0)
    }

    /// Resolves when the process is to die.
    pub async fn death(&self) {
        self.death.notified().await;
    }

    fn leaves(&self, step: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        *sent.entry(step.to_owned()).or_default() += 1;
    }

    /// The caller dies here, the first time; its successor goes on.
    async fn die_once(&self) {
        if !self.died.swap(true, Ordering::SeqCst) {
            self.death.notify_one();
            pending::<()>().await;
        }
    }

    async fn call(&self, name: &str, step: &StepAnswers) -> CallResult {
        let unknown = |reason: String| CallResult::Unknown { reason };
        match step.fault {
            None => self.leaves(name),
            Some(Fault::Lost | Fault::Late) => {
                self.leaves(name);
                return unknown(format!("no answer came within {}", duration::show(step.timeout)));
            }
            Some(Fault::Unknown) => {
                self.leaves(name);
                return unknown("the connection broke during the call".to_owned());
            }
            Some(Fault::Unreachable) => return unreachable(),
            Some(Fault::NotDone) => {
                return CallResult::NotDone {
                    reason: "the target said no, and nothing changed".to_owned(),
                };
            }
            Some(Fault::NoWorker) => {
                return CallResult::NotDone {
                    reason: super::deadline::NOT_TAKEN.to_owned(),
                };
            }
            Some(Fault::Killed) => {
                self.leaves(name);
                self.die_once().await;
            }
            Some(Fault::KilledBefore) => {
                self.die_once().await;
                self.leaves(name);
            }
        }
        step.call.clone()
    }
}

impl Canned {
    /// In the place of a connection of this name and kind.
    pub fn new(name: &str, kind: &str, script: Arc<Script>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            script,
        }
    }

    /// It leads nowhere.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: self.kind.clone(),
            host: "canned".to_owned(),
            database: None,
            user: None,
        }
    }

    /// Answers as the example says.
    pub async fn call(&self, action: &ActionSpec, arguments: &Arguments, context: &CallContext) -> CallResult {
        let made = Made {
            on: self.name.clone(),
            action: format!("{}.{}", action.integration, action.name),
            arguments: arguments.clone(),
        };
        let script = &self.script;
        if context.run == SIGNAL {
            return CallResult::NotDone {
                reason: "an example measures no signals".to_owned(),
            };
        }
        if let Some(step) = script.steps.get(&context.step) {
            return if step.made == made {
                script.call(&context.step, step).await
            } else {
                step.probe.clone()
            };
        }
        if context.step.starts_with("undo:") {
            script.leaves(&context.step);
            return CallResult::Done { value: Value::Null };
        }
        let look = script.looks.iter().find(|(look, _)| *look == made);
        look.map_or_else(
            || CallResult::NotDone {
                reason: format!("the example holds no answer to {} on {}", made.action, made.on),
            },
            |(_, answer)| answer.clone(),
        )
    }

    /// What the target's guard would show.
    pub fn recall(&self, action: &ActionSpec, context: &CallContext) -> Recall {
        if action.effect == Effect::Read || action.guard != Guard::Marker {
            return Recall::NoEvidence {
                reason: "the target keeps no mark of the call".to_owned(),
            };
        }
        match self.script.steps.get(&context.step) {
            Some(step) if self.script.sent(&context.step) > 0 => Recall::Made(step.call.clone()),
            _ => Recall::NeverMade {
                reason: "the broker keeps no mark of the message".to_owned(),
            },
        }
    }
}

/// As an integration says it of a target that is down.
pub fn unreachable() -> CallResult {
    CallResult::Unreachable {
        reason: "connection refused".to_owned(),
    }
}
