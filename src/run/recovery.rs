//! What became of a call whose caller died. The target's own guard is asked first; where it tells nothing, the probe and
//! then a person decide. Nothing is ever sent again on a guess.

use super::clock::Clock;
use crate::call::{Arguments, CallContext, CallResult, Recall};
use crate::integration::Connection;
use crate::runbook::action::{ActionSpec, Guard};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A step that was begun by somebody who is gone.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// What was to be called.
    pub action: &'a ActionSpec,
    /// The step's name in the journal.
    pub step: &'a str,
    /// With what.
    pub arguments: &'a Arguments,
    /// In which run.
    pub run: &'a str,
    /// Until when its caller might still send it.
    pub deadline: Timestamp,
    /// What the target told before the call.
    pub evidence: &'a Value,
}

/// What could be found out.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// How the call ended, or that nobody can tell.
    Ended(CallResult),
    /// It was never made, and making it now cannot double it.
    NeverMade {
        /// How that is known.
        reason: String,
    },
    /// It may have been made, and the target takes it once however often it is made.
    TakenOnce {
        /// How that is known.
        reason: String,
    },
}

/// An answer that is already there is read even when the deadline is past.
const READING: SignedDuration = SignedDuration::from_secs(10);

/// Targets forget keys, the usual ones after a day; a call is made again under its key well before that.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Finds out what can be found out.
pub async fn recover(connection: &Connection, begun: Begun<'_>, clock: &Clock) -> Found {
    let context = CallContext {
        run: begun.run.to_owned(),
        step: begun.step.to_owned(),
        deadline: begun.deadline.max(clock.now() + READING),
    };
    let action = begun.action;
    let recalled = connection
        .recall(action, begun.arguments, &context, begun.evidence)
        .await;
    match recalled {
        Recall::Made(result) => Found::Ended(result),
        Recall::NeverMade { reason } if action.guard != Guard::None => Found::NeverMade { reason },
        Recall::NeverMade { reason } => {
            wait_out(begun.deadline, clock).await;
            Found::Ended(CallResult::NotDone { reason })
        }
        // The target takes the same key for the same call, however often and however late it comes.
        Recall::NoEvidence { .. } if action.guard == Guard::Key && clock.now() < begun.deadline + KEY_LIFE => {
            Found::TakenOnce {
                reason: "it is made again under the same key, which makes it once".to_owned(),
            }
        }
        Recall::NoEvidence { reason } => {
            // Until the deadline a process that only seemed dead could still send it.
            wait_out(begun.deadline, clock).await;
            Found::Ended(CallResult::Unknown {
                reason: format!("Signalbox stopped in the middle of this step, and {reason}"),
            })
        }
    }
}

/// After it nothing of a call arrives any more, whoever made it.
pub(super) async fn wait_out(deadline: Timestamp, clock: &Clock) {
    let left = deadline.duration_since(clock.now());
    if left.is_positive() {
        clock.wait(left.unsigned_abs()).await;
    }
}
