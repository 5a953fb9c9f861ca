//! What keeps the record: its chains are sealed every hour in a file outside of the database, and what is older than is
//! kept is taken away. One process of all does it, by a lease of its own.
//!
//! A row of the record cannot be changed unseen once it is sealed: [`verify`] compares. What is pruned of the record is
//! first checked, and its end is noted in the seal file, so that what is left can still be proved.

mod book;
pub mod seals;
pub mod verify;

use crate::config::Keep;
use crate::store::sealing::{Covered, SealMark, Segment, Unsealed};
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use seals::{Accepted, BRIEF, Grown, Pruned, Seal, SealError, SealFile, brief};
use std::path::PathBuf;
use std::time::Duration;

/// The lease of the one process that seals and prunes.
pub const CUSTODY: &str = "custody";

/// Longer than the longest step may take.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// After a failure.
const AGAIN: Duration = Duration::from_secs(300);

const LOOK: Duration = Duration::from_secs(30);

/// Between two steps of pruning: whoever waits to write comes in between.
const BREATH: Duration = Duration::from_millis(100);

/// Rows in one seal.
const ROWS: i64 = 1000;

/// Rows of versions before that are chained in one transaction.
const LOOSE: i64 = 250;

/// Runs in one transaction; each has some tens of rows.
const RUNS: i64 = 50;

/// Rows of other tables in one transaction.
const OTHERS: i64 = 500;

/// Why it could not be done now. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seal file.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Another process does it now.
    #[error("another process has sealed meanwhile")]
    Overtaken,
    /// The runtime ended it.
    #[error("the writing of a seal was broken off")]
    BrokenOff,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows of the record that were sealed.
    pub sealed: usize,
    /// Runs that were taken away.
    pub runs: usize,
    /// Deliveries, requests, messages, alerts and sign-ins that were taken away.
    pub others: usize,
    /// Rows of the record that were taken away.
    pub record: usize,
}

/// Keeps the record of one database.
#[derive(Debug)]
pub struct Custody {
    /// The bot's own database.
    pub store: Store,
    /// The seal file.
    pub seals: PathBuf,
    /// How long what is kept.
    pub keep: Keep,
    /// Unique to this process.
    pub owner: String,
}

impl Custody {
    /// Every hour, for as long as this process holds the lease. Never ends by itself.
    pub async fn work(self) {
        loop {
            let rest = match self.hourly(Timestamp::now()).await {
                Ok(rest) => rest,
                Err(error) => {
                    tracing::error!(%error, "the record is not kept as it should be");
                    AGAIN
                }
            };
            tokio::time::sleep(rest.max(LOOK)).await;
        }
    }

    /// A round, if it is time and nobody else does it. Says how long to wait before the next look.
    async fn hourly(&self, now: Timestamp) -> Result<Duration, CustodyError> {
        if !self.holds(now).await? {
            return Ok(LOOK);
        }
        // Another process may have sealed, and ended. A seal of the future tells that a clock was set back.
        let last = self.store.last_seal().await?.filter(|last| last.at <= now);
        let left = last.map_or(SignedDuration::ZERO, |last| EVERY - now.duration_since(last.at));
        if let Ok(left) = Duration::try_from(left)
            && !left.is_zero()
        {
            return Ok(left);
        }
        let done = self.round(now).await;
        if let Err(error) = self.store.release_lease(CUSTODY, &self.owner).await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
        let done = done?;
        tracing::info!(?done, "sealed and pruned");
        Ok(EVERY.unsigned_abs())
    }

    async fn holds(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.store.hold_lease(CUSTODY, &self.owner, now, now + LEASE).await
    }

    /// Before each step: one that took too long may have lost the lease.
    async fn still_holds(&self) -> Result<(), CustodyError> {
        if self.holds(Timestamp::now()).await? {
            Ok(())
        } else {
            Err(CustodyError::Overtaken)
        }
    }

    /// Seals what is there and takes away what is too old at `now`. A failure of the one does not keep from the other.
    pub async fn round(&self, now: Timestamp) -> Result<Done, CustodyError> {
        let sealed = self.seal(now).await;
        let mut done = Done::default();
        let pruned = self.prune(now, &mut done).await;
        done.sealed = sealed?;
        pruned?;
        Ok(done)
    }

    /// Seals all rows of the record that no seal covers. Returns how many there were.
    pub async fn seal(&self, now: Timestamp) -> Result<usize, CustodyError> {
        loop {
            self.still_holds().await?;
            if self.store.chain_loose(LOOSE).await? == 0 {
                break;
            }
        }
        let mut sealed = 0;
        loop {
            self.still_holds().await?;
            // One more than fits tells whether this seal is the last of the round.
            let mut rows = self.store.unsealed(ROWS + 1).await?;
            if rows.is_empty() {
                return Ok(sealed);
            }
            let whole = rows.len() <= ROWS as usize;
            rows.truncate(ROWS as usize);
            self.add(Addition {
                chains: grown(&rows),
                until: whole.then_some(now),
                ..Addition::at(now)
            })
            .await?;
            sealed += rows.len();
            if whole {
                // What is written meanwhile is for the next hour, or this would have no end.
                return Ok(sealed);
            }
        }
    }

    /// Notes in the seal file that somebody has explained these findings.
    pub async fn accept(&self, accepted: Accepted, now: Timestamp) -> Result<(), CustodyError> {
        self.add(Addition {
            accepted: Some(accepted),
            ..Addition::at(now)
        })
        .await
    }

    async fn add(&self, addition: Addition) -> Result<(), CustodyError> {
        let database = self.store.database_id().await?;
        let known = self.store.last_seal().await?;
        let path = self.seals.clone();
        let writing = {
            let known = known.clone();
            // The disk may take its time, and nobody else of this process is to wait for it.
            tokio::task::spawn_blocking(move || -> Result<_, SealError> {
                let mut file = SealFile::open(&path, &database)?;
                let seal = addition.after(database, known, file.last());
                let mark = file.add(&seal)?;
                Ok((file, seal, mark))
            })
        };
        let (file, seal, mark) = writing.await.map_err(|_| CustodyError::BrokenOff)??;
        let covered: Vec<Covered<'_>> = seal
            .chains
            .iter()
            .map(|Grown(subject, to, _, earlier)| Covered {
                subject,
                from: to - (earlier.len() / BRIEF) as i64,
                to: *to,
            })
            .collect();
        let gone: Vec<Segment> = seal
            .pruned
            .iter()
            .map(|Pruned(subject, upto, _)| Segment {
                subject: subject.clone(),
                upto: *upto,
            })
            .collect();
        if self.store.note_seal(known.as_ref(), &mark, &covered, &gone).await? {
            return Ok(());
        }
        file.withdraw(&seal);
        Err(CustodyError::Overtaken)
    }

    async fn prune(&self, now: Timestamp, done: &mut Done) -> Result<(), CustodyError> {
        let store = &self.store;
        // Whoever prunes for longer than until the next seal goes on after it.
        let end = Timestamp::now() + EVERY;
        if let Some(before) = older(now, self.keep.runs) {
            while Timestamp::now() < end {
                self.still_holds().await?;
                match store.prune_runs(before, now, RUNS).await? {
                    0 => break,
                    gone => done.runs += gone,
                }
                tokio::time::sleep(BREATH).await;
            }
        }
        while Timestamp::now() < end {
            self.still_holds().await?;
            let mut gone = store.prune_sessions(now, OTHERS).await?;
            if let Some(before) = older(now, self.keep.requests) {
                // A delivery that came again must not find its request gone.
                gone += store.prune_deliveries(before, OTHERS).await?;
                gone += store.prune_messages(before, OTHERS).await?;
                gone += store.prune_requests(before, OTHERS).await?;
                gone += store.prune_alerts(before, OTHERS).await?;
            }
            if gone == 0 {
                break;
            }
            done.others += gone;
            tokio::time::sleep(BREATH).await;
        }
        let Some(before) = older(now, self.keep.audit) else {
            return Ok(());
        };
        let mut after = i64::MIN;
        while Timestamp::now() < end {
            self.still_holds().await?;
            let (segments, go_on) = store.old_segments(before, after, OTHERS).await?;
            let Some(go_on) = go_on else { break };
            after = go_on;
            done.record += self.prune_record(segments, now).await?;
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    /// Nothing goes that was tampered with: it is the evidence.
    async fn prune_record(&self, segments: Vec<Segment>, now: Timestamp) -> Result<usize, CustodyError> {
        let mut pruned = Vec::new();
        let mut gone = 0;
        for segment in segments {
            let rows = self.store.chain(&segment.subject, segment.upto).await?;
            match verify::end_of_intact(&rows) {
                Some(end) if end.seq == segment.upto => {
                    gone += rows.len();
                    pruned.push(Pruned(segment.subject, end.seq, end.hash));
                }
                _ => tracing::error!(
                    subject = segment.subject,
                    "a chain of the record is broken, so it is not pruned: see `signalbox audit verify`"
                ),
            }
        }
        if !pruned.is_empty() {
            self.add(Addition {
                pruned,
                ..Addition::at(now)
            })
            .await?;
        }
        Ok(gone)
    }
}

/// A seal that has no place yet.
#[derive(Debug)]
struct Addition {
    at: Timestamp,
    chains: Vec<Grown>,
    pruned: Vec<Pruned>,
    until: Option<Timestamp>,
    accepted: Option<Accepted>,
}

impl Addition {
    fn at(at: Timestamp) -> Self {
        Self {
            at,
            chains: Vec::new(),
            pruned: Vec::new(),
            until: None,
            accepted: None,
        }
    }

    /// Behind the later one of the last seals that the database and the file know. They differ after a crash between the
    /// two, after a restore, and where replicas on several machines have a file each.
    fn after(self, database: String, known: Option<SealMark>, last: Option<SealMark>) -> Seal {
        let before = match (known, last) {
            (Some(known), Some(last)) if last.number < known.number => Some(known),
            (known, last) => last.or(known),
        };
        let (seal, prev) = before.map_or((1, String::new()), |mark| (mark.number + 1, mark.hash));
        Seal {
            seal,
            at: self.at,
            database,
            prev,
            chains: self.chains,
            pruned: self.pruned,
            until: self.until,
            accepted: self.accepted,
        }
    }
}

/// Rows of several chains, which come chain by chain.
fn grown(rows: &[Unsealed]) -> Vec<Grown> {
    let mut chains: Vec<Grown> = Vec::new();
    for row in rows {
        match chains.last_mut() {
            Some(Grown(subject, seq, hash, earlier)) if *subject == row.subject && *seq + 1 == row.seq => {
                earlier.push_str(&brief(hash));
                *seq = row.seq;
                hash.clone_from(&row.hash);
            }
            _ => chains.push(Grown(row.subject.clone(), row.seq, row.hash.clone(), String::new())),
        }
    }
    chains
}

fn older(now: Timestamp, keep: Option<SignedDuration>) -> Option<Timestamp> {
    now.checked_sub(keep?).ok()
}
