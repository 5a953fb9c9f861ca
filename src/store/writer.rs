//! The one writer of journals and answers. Whatever waits while a commit is under way goes into the next one, so that a
//! commit costs hardly more for sixty runs than for one. Each write stands or falls by itself: one that comes too late or
//! is refused takes no other along.

use super::alert_runs::Deed;
use super::audit::AuditRow;
use super::batch;
use super::dialect::Dialect;
use super::messages::{MessageKind, NewMessage};
use super::runs::Written;
use super::{StoreError, micros};
use jiff::Timestamp;
use sqlx::AnyPool;
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::{mpsc, oneshot};

/// Writes in one commit.
const TOGETHER: usize = 256;

/// Writes that wait. Whoever comes then waits for a place.
const WAITING: usize = 1024;

/// Something to be written, in words that the database takes.
#[derive(Debug)]
pub(super) struct Write {
    /// What it is about.
    pub(super) what: What,
    /// Locks that it takes, or it is not written.
    pub(super) take: Option<Taking>,
    /// Further messages.
    pub(super) messages: Vec<NewMessage>,
    /// What each thread of the run is told, and a word for the message's id.
    pub(super) thread: Option<(MessageKind, String)>,
    /// Lines of the record.
    pub(super) records: Vec<AuditRow>,
    /// What the thread of an alert is told.
    pub(super) deed: Option<Deed>,
    /// When.
    pub(super) now: i64,
}

#[derive(Debug)]
pub(super) enum What {
    /// A new run, which answers its request.
    Begin(Begin),
    /// More of a journal.
    Add(Addition),
    /// An answer without a run.
    Answer {
        /// Which request.
        request: String,
        /// The report.
        answer: String,
    },
}

#[derive(Debug)]
pub(super) struct Begin {
    pub(super) run: String,
    pub(super) request: String,
    pub(super) runbook: String,
    pub(super) person: String,
    pub(super) outcome: String,
    pub(super) wake: Option<i64>,
    pub(super) plan: String,
    pub(super) inputs: String,
    pub(super) said: Option<String>,
    /// Who has it from the beginning, and until when.
    pub(super) claim: Option<(String, i64)>,
    pub(super) entries: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Addition {
    pub(super) run: String,
    /// The journal's length as it was read.
    pub(super) seq: i64,
    /// The claim; negative for what a person does.
    pub(super) epoch: i64,
    pub(super) outcome: String,
    pub(super) wake: Option<i64>,
    pub(super) said: Option<String>,
    /// Whether the run ends with it.
    pub(super) ends: bool,
    /// A plan that was built anew.
    pub(super) plan: Option<String>,
    /// Whether the run's locks are let go.
    pub(super) unlock: bool,
    /// Whether the claim is given back.
    pub(super) release: bool,
    /// Whether nothing changes in the row but the journal's length.
    pub(super) steady: bool,
    /// Who claims the run, and until when; unless somebody has it.
    pub(super) claim: Option<(String, i64)>,
    /// A runbook; nothing is written while it is paused.
    pub(super) unless_paused: Option<String>,
    pub(super) entries: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Taking {
    /// Sorted, each once: two takers that ask in different orders could wait for each other for ever.
    pub(super) keys: BTreeSet<String>,
    pub(super) shared: bool,
    pub(super) person: String,
    pub(super) reason: String,
}

impl Taking {
    pub(super) fn stands_in_the_way_of(&self, other: &Self) -> bool {
        !(self.shared && other.shared) && self.keys.iter().any(|key| other.keys.contains(key))
    }
}

impl Write {
    pub(super) fn new(what: What, now: Timestamp) -> Self {
        Self {
            what,
            take: None,
            messages: Vec::new(),
            thread: None,
            records: Vec::new(),
            deed: None,
            now: micros(now),
        }
    }

    /// What no other write of the same commit may be about.
    fn subject(&self) -> &str {
        match &self.what {
            What::Begin(begin) => &begin.request,
            What::Add(addition) => &addition.run,
            What::Answer { request, .. } => request,
        }
    }

    /// Whether both can go into one commit: what one finds must not depend on what became of the other.
    fn goes_with(&self, other: &Self) -> bool {
        let locks = match (&self.take, &other.take) {
            (Some(mine), Some(theirs)) => !mine.stands_in_the_way_of(theirs),
            _ => true,
        };
        locks && self.subject() != other.subject()
    }
}

type Waiting = (Write, oneshot::Sender<Result<Written, StoreError>>);

/// Where writes are handed in.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Waiting>,
}

impl Writer {
    /// Works until the last handle is dropped.
    pub(super) fn start(pool: AnyPool, dialect: Dialect) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        // Nobody waits for its end: if it dies, every write is answered by `lost`.
        tokio::spawn(work(pool, dialect, waiting));
        Self { queue }
    }

    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let lost = || StoreError::Database(sqlx::Error::WorkerCrashed);
        let (done, written) = oneshot::channel();
        self.queue.send((write, done)).await.map_err(|_| lost())?;
        written.await.map_err(|_| lost())?
    }
}

async fn work(pool: AnyPool, dialect: Dialect, mut queue: mpsc::Receiver<Waiting>) {
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match queue.recv().await {
                Some(first) => waiting.push_back(first),
                None => return,
            }
        }
        while waiting.len() < TOGETHER
            && let Ok(next) = queue.try_recv()
        {
            waiting.push_back(next);
        }
        let mut together: Vec<Waiting> = Vec::with_capacity(waiting.len());
        for next in std::mem::take(&mut waiting) {
            // Who has gone meanwhile would never learn of it.
            if next.1.is_closed() {
                continue;
            }
            if together.iter().all(|(other, _)| next.0.goes_with(other)) {
                together.push(next);
            } else {
                waiting.push_back(next);
            }
        }
        commit(&pool, dialect, together).await;
    }
}

async fn commit(pool: &AnyPool, dialect: Dialect, together: Vec<Waiting>) {
    let (writes, askers): (Vec<Write>, Vec<_>) = together.into_iter().unzip();
    match batch::commit(pool, dialect, &writes).await {
        Ok(written) => {
            for (done, written) in askers.into_iter().zip(written) {
                // An asker that has gone needs no answer.
                let _ = done.send(written);
            }
        }
        Err(error) if writes.len() == 1 => {
            if let Some(done) = askers.into_iter().next() {
                let _ = done.send(Err(error));
            }
        }
        // One that the database cannot take must not take the others along.
        Err(error) => {
            tracing::warn!(%error, count = writes.len(), "a commit failed; each write is tried by itself");
            for (write, done) in writes.iter().zip(askers) {
                let written = match batch::commit(pool, dialect, std::slice::from_ref(write)).await {
                    Ok(mut written) => written
                        .pop()
                        .unwrap_or(Err(StoreError::Database(sqlx::Error::WorkerCrashed))),
                    Err(error) => Err(error),
                };
                let _ = done.send(written);
            }
        }
    }
}
