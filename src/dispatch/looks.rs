//! The looks of a plan, made before anything is decided. What does not use an earlier answer is asked at the same time,
//! each within its own limit, so that one system that hangs does not eat the others' time.

use crate::call::{CallContext, CallResult};
use crate::integration::Connections;
use crate::runbook::compose::{ComposeError, look_arguments};
use crate::runbook::{Look, Runbook};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use thiserror::Error;

/// Why there are no answers to plan with.
#[derive(Debug, Error)]
pub(super) enum Unseen {
    #[error("Nothing was done: look {look} cannot be made: {error}")]
    Unmade { look: String, error: ComposeError },
    #[error("Nothing was done: there is no connection {on}.")]
    Absent { on: String },
    #[error("Nothing was done: I could not look at {look} first, because {on} cannot be reached: {reason}")]
    Unreachable { look: String, on: String, reason: String },
    #[error("Nothing was done: I could not look at {look} first; {on} says: {reason}")]
    Unanswered { look: String, on: String, reason: String },
}

/// Makes all looks of a runbook. The answers are by the looks' names.
pub(super) async fn look(
    runbook: &Runbook,
    inputs: &Map<String, Value>,
    connections: &Connections,
    request: &str,
) -> Result<Map<String, Value>, Unseen> {
    let latest = Timestamp::now() + limit(Look::LONGEST);
    let mut looks = Map::new();
    let mut rest = runbook.looks.as_slice();
    while !rest.is_empty() {
        // The first may use all answers so far; those after it that use none need not wait for it.
        let together = 1 + rest[1..].iter().take_while(|look| !look.waits).count();
        let (now, later) = rest.split_at(together);
        let answers = join_all(
            now.iter()
                .map(|look| one(look, inputs, &looks, connections, request, latest)),
        )
        .await;
        for (look, answer) in now.iter().zip(answers) {
            looks.insert(look.name.clone(), heeded(look, answer?)?);
        }
        rest = later;
    }
    Ok(looks)
}

async fn one(
    look: &Look,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
    connections: &Connections,
    request: &str,
    latest: Timestamp,
) -> Result<Option<CallResult>, Unseen> {
    let arguments = look_arguments(look, inputs, looks).map_err(|error| Unseen::Unmade {
        look: look.name.clone(),
        error,
    })?;
    let Some(connection) = connections.get(&look.call.on) else {
        return Ok(None);
    };
    let own = look.timeout.map(|it| Timestamp::now() + limit(it));
    let context = CallContext {
        run: request.to_owned(),
        step: "look".to_owned(),
        deadline: own.map_or(latest, |own| own.min(latest)),
    };
    Ok(Some(connection.call(look.call.action, &arguments, &context).await))
}

fn heeded(look: &Look, answer: Option<CallResult>) -> Result<Value, Unseen> {
    let (name, on) = (look.name.clone(), look.call.on.clone());
    let Some(answer) = answer else {
        return if look.may_fail {
            Ok(look.absent())
        } else {
            Err(Unseen::Absent { on })
        };
    };
    if look.may_fail {
        return Ok(answer.as_value());
    }
    match answer {
        CallResult::Done { value } => Ok(value),
        CallResult::Unreachable { reason } => Err(Unseen::Unreachable { look: name, on, reason }),
        CallResult::NotDone { reason } | CallResult::Unknown { reason } => {
            Err(Unseen::Unanswered { look: name, on, reason })
        }
    }
}

fn limit(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
