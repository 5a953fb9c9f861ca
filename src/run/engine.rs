//! Carries runs out. What comes next is never decided here but derived from the journal; this does it.

use super::clock::Clock;
use super::journal::{Cited, Entry, Moment};
use super::ledger::{Beside, LedgerError, Live, record};
use super::proof::Sampler;
use super::report::closing_say;
use super::state::{Next, StepState};
use crate::call::CallContext;
use crate::dispatch::authorized::Clearance;
use crate::dispatch::{APPROVAL_LIFE, Desk};
use crate::report::verdict::LONGEST_PAST;
use crate::report::{Outcome, VerdictLine};
use crate::store::StoreError;
use crate::store::messages::MessageKind;
use crate::store::runs::{LockChange, StoredRun, Written};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer waits are not sat out: the run rests, and another one has its place.
const SHORT: Duration = Duration::from_secs(2);

/// A claim that nobody renews lasts this long. It is the longest time that a killed process keeps others waiting.
pub const CLAIM: SignedDuration = SignedDuration::from_secs(3);

/// How long a paused run rests before it looks again.
const PAUSE_LOOK: SignedDuration = SignedDuration::from_secs(2);

/// Carries runs out for one process.
#[derive(Debug)]
pub struct Engine {
    /// The gate, for what is built and decided again.
    pub desk: Arc<Desk>,
    /// Reads signals.
    pub sampler: Arc<Sampler>,
    /// What time it is.
    pub clock: Clock,
    /// See [`Engine::leave`].
    pub leaving: AtomicBool,
}

/// Of so many other runs is it looked at when they were at work, the newest first.
const OTHERS: i64 = 100;

/// Whether a run is to be looked at again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    On,
    /// When its time comes, or somebody does something.
    Rest,
    /// As before, and the claim is given back already.
    Over,
}

impl Engine {
    /// From now on no step is begun here: the process is about to end.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    /// Goes on with a claimed run until it rests. One that cannot be believed is set aside. `read` is the run as it was
    /// read after it was claimed, where it was.
    pub async fn drive(&self, id: &str, epoch: i64, read: Option<StoredRun>) -> Result<(), LedgerError> {
        let driven = self.carry_on(id, epoch, read).await;
        if driven.is_err() {
            self.set_aside(id, epoch).await?;
        }
        driven
    }

    async fn carry_on(&self, id: &str, epoch: i64, read: Option<StoredRun>) -> Result<(), LedgerError> {
        let mut live = match read {
            Some(run) => Live::of(run)?,
            None => Live::load(&self.desk.store, id).await?,
        };
        if live.state.started.is_some() && live.run.epoch > 1 {
            let begun_by_another = live.state.steps.iter().any(
                |step| matches!(step, StepState::Begun { epoch: begun, .. } | StepState::Undoing { epoch: begun, .. } if *begun != epoch),
            );
            if begun_by_another {
                record(
                    &self.desk.store,
                    &mut live,
                    &[Entry::TakenOver { epoch }],
                    Beside::engine(epoch),
                )
                .await?;
            }
        }
        loop {
            if self.leaving.load(Ordering::SeqCst) {
                break;
            }
            let seen = live.run.seq();
            match self.advance(&mut live, epoch).await {
                Ok(Pace::On) => {}
                Ok(Pace::Rest) => break,
                Ok(Pace::Over) => return Ok(()),
                // Somebody wrote meanwhile, and what was about to be written makes no sense any more.
                Err(LedgerError::Illegal(_)) if live.run.seq() > seen => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.desk.store.release_claim(id, epoch).await?)
    }

    /// Right before anything leaves: the lease once more, and the deadline.
    pub(super) async fn may_send(&self, live: &Live, epoch: i64, context: &CallContext) -> Result<bool, LedgerError> {
        let now = Timestamp::now();
        if now >= live.run.claimed_until {
            let renewed = self.desk.store.renew_claim(&live.run.id, epoch, now + CLAIM).await?;
            if !renewed {
                return Err(StoreError::Fenced(live.run.id.clone()).into());
            }
        }
        Ok(self.clock.now() < context.deadline)
    }

    async fn advance(&self, live: &mut Live, epoch: i64) -> Result<Pace, LedgerError> {
        let store = &self.desk.store;
        let now = self.clock.now();
        match live.state.next() {
            Next::AwaitApproval(until) if now >= until => {
                record(store, live, &[Entry::Expired], Beside::engine(epoch)).await?;
            }
            Next::Prove(at) if now >= at => self.prove(live, epoch).await?,
            Next::AwaitApproval(_) | Next::Prove(_) | Next::Nothing => return Ok(Pace::Rest),
            Next::AskPerson(_) => return self.wait_for_person(live, epoch, now).await,
            Next::Start => self.start(live, epoch).await?,
            Next::Read(moment) => {
                let readings = self.sampler.read_for(live.plan()).await;
                record(
                    store,
                    live,
                    &[Entry::Signals { moment, readings }],
                    Beside::engine(epoch),
                )
                .await?;
            }
            Next::Step(..) if live.state.is_overdue(now) => {
                record(store, live, &[Entry::TimeOver], Beside::engine(epoch)).await?;
            }
            Next::Step(_, Some(after)) | Next::Undo(_, Some(after)) if after > now => {
                let wait = after.duration_since(now).unsigned_abs();
                if self.clock.leaps() || wait <= SHORT {
                    self.clock.wait(wait).await;
                } else {
                    return Ok(Pace::Rest);
                }
            }
            Next::Step(..) | Next::Undo(..) if store.paused(&live.plan().runbook).await?.is_some() => {
                store.put_off(&live.run.id, epoch, now + PAUSE_LOOK).await?;
                return Ok(Pace::Rest);
            }
            Next::Step(index, _) => return self.step(live, epoch, index).await,
            Next::Recover(index) => return self.recover(live, epoch, index).await,
            Next::Undo(index, _) => self.undo(live, epoch, index).await?,
            Next::RecoverUndo(index) => self.recover_undo(live, epoch, index).await?,
            Next::Close(outcome) => {
                self.close(live, epoch, outcome).await?;
                return Ok(Pace::Over);
            }
        }
        Ok(Pace::On)
    }

    /// The plan is built again and decided under the policy of now; only then the locks are taken.
    async fn start(&self, live: &mut Live, epoch: i64) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        let request = store.request_body(&live.run.request).await?;
        let (plan, clearance) = match self.desk.again(&request).await? {
            Ok(built) => built,
            Err(report) => {
                let say = format!("Not started. {}", report.say);
                let entry = Entry::NotStarted {
                    say,
                    outcome: report.outcome,
                };
                record(store, live, &[entry], Beside::engine(epoch)).await?;
                return Ok(());
            }
        };
        let same = plan.digest == live.plan().digest;
        let mut entries = Vec::new();
        if !same {
            let changes = plan.changes_since(live.plan());
            entries.push(Entry::Replanned {
                changes,
                digest: plan.digest.clone(),
            });
        }
        let overridden = live
            .run
            .journal
            .iter()
            .any(|row| matches!(row.entry, Entry::Overridden { .. }));
        let enough = |count: u32| same && (overridden || live.state.approvals.len() >= count as usize);
        match clearance {
            Clearance::Nothing { .. } | Clearance::Look { .. } => {
                let say = format!("Not started: everything is already so. {}", plan.nothing.join(" "));
                entries = vec![Entry::NotStarted {
                    say: say.trim_end().to_owned(),
                    outcome: Outcome::NothingToDo,
                }];
                record(store, live, &entries, Beside::engine(epoch)).await?;
                return Ok(());
            }
            Clearance::Approval { count, decision } if !enough(count) => {
                entries.push(ask_again(count, &plan.digest, decision));
                // The edited message calls nobody to the new plan.
                let word = format!("ping-{}", plan.digest);
                let beside = Beside::engine(epoch).plan(&plan).thread(MessageKind::Ping, &word);
                record(store, live, &entries, beside).await?;
                return Ok(());
            }
            Clearance::Approval { .. } | Clearance::Start { .. } => entries.push(Entry::Started),
        }
        let beside = Beside::engine(epoch)
            .locks(LockChange::Take(&plan.locks, &plan))
            .plan(&plan);
        if let Written::Locked(held) = record(store, live, &entries, beside).await? {
            let held: Vec<String> = held.iter().map(super::lock::HeldLock::say).collect();
            let say = format!("Not started, nothing was done: {}", held.join("; "));
            record(
                store,
                live,
                &[Entry::NotStarted {
                    say,
                    outcome: Outcome::Refused,
                }],
                Beside::engine(epoch),
            )
            .await?;
        }
        Ok(())
    }

    async fn close(&self, live: &mut Live, epoch: i64, outcome: Outcome) -> Result<(), LedgerError> {
        let say = closing_say(live, outcome);
        let beside = Beside::engine(epoch).closing();
        record(&self.desk.store, live, &[Entry::Closed { outcome, say }], beside).await?;
        Ok(())
    }

    async fn prove(&self, live: &mut Live, epoch: i64) -> Result<(), LedgerError> {
        let store = &self.desk.store;
        if live.state.reading(Moment::Soaked).is_none() {
            let readings = self.sampler.read_surely_for(live.plan()).await;
            let entry = Entry::Signals {
                moment: Moment::Soaked,
                readings,
            };
            record(store, live, &[entry], Beside::engine(epoch)).await?;
        }
        let others = self.others(live).await?;
        let VerdictLine { verdict, say } = self.sampler.verdict(live, &others).await;
        let entry = Entry::Proved { verdict, say };
        let beside = Beside::engine(epoch).thread(MessageKind::Chart, "chart");
        record(store, live, &[entry], beside).await?;
        Ok(())
    }

    /// When other runs were at work lately: what they did is not taken for a signal's own movement.
    async fn others(&self, live: &Live) -> Result<Vec<(Timestamp, Timestamp)>, LedgerError> {
        let store = &self.desk.store;
        let since = Timestamp::now() - LONGEST_PAST;
        let recent = store.recently_changed(since, OTHERS).await?;
        let ids: Vec<String> = recent.into_iter().filter(|id| *id != live.run.id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        // One that cannot be believed is told of elsewhere.
        let others = store
            .whole(&ids)
            .await?
            .into_values()
            .filter_map(|run| Live::of(run).ok());
        let at_work = others.filter(|other| other.state.any_effect()).filter_map(|other| {
            // A call to whoever may answer is no work.
            let mut journal = other.run.journal.iter().rev();
            let last = journal.find(|row| !matches!(row.entry, Entry::Reminded { .. }))?;
            Some((other.state.started?, last.at))
        });
        Ok(at_work.collect())
    }

    pub(super) fn context(&self, live: &Live, step: &str, timeout: Duration) -> CallContext {
        let timeout = SignedDuration::try_from(timeout).unwrap_or(SignedDuration::from_hours(1));
        CallContext {
            run: live.run.id.clone(),
            step: step.to_owned(),
            deadline: self.clock.now() + timeout,
        }
    }
}

fn ask_again(count: u32, digest: &str, decision: Cited) -> Entry {
    Entry::ApprovalAsked {
        needed: count,
        digest: digest.to_owned(),
        until: Timestamp::now() + APPROVAL_LIFE,
        decision,
    }
}
