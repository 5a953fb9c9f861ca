//! Many writes as one transaction of few statements.

use super::alert_runs::{self, Done};
use super::alerts;
use super::audit::{AuditRow, insert_audits};
use super::dialect::Dialect;
use super::lists::STILL;
use super::messages::{self, MessageKind, NewMessage, insert_messages};
use super::page_notes;
use super::runs::{Written, held_lock};
use super::values::{Row, with_rows, write_rows};
use super::writer::{Addition, What, Write};
use super::{StoreError, decode, number, optional_text, text, timestamp};
use crate::request::Place;
use crate::run::lock::HeldLock;
use jiff::Timestamp;
use sqlx::{Any, AnyPool, Transaction};
use std::collections::{BTreeMap, BTreeSet};

type Work = Transaction<'static, Any>;

/// What became of each write; an error where the database took none of them. No two of them are about the same run or
/// request, nor take locks that exclude each other.
pub(super) async fn commit(
    pool: &AnyPool,
    dialect: Dialect,
    writes: &[Write],
) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
    let mut work = dialect.begin(pool).await?;
    // First of all locks, so that nobody who has it waits for another.
    if writes.iter().any(|write| write.deed.is_some()) {
        alerts::alone(&mut work, dialect).await?;
    }
    let mut refused = locked(&mut work, dialect, writes).await?;
    paused(&mut work, writes, &mut refused).await?;
    let open = |refused: &BTreeMap<usize, Result<Written, StoreError>>| -> Vec<usize> {
        (0..writes.len()).filter(|index| !refused.contains_key(index)).collect()
    };

    let mut claims = BTreeMap::new();
    let left = open(&refused);
    add(&mut work, dialect, writes, &left, &mut claims, &mut refused).await?;
    answer(&mut work, dialect, writes, &left, &mut refused).await?;

    let written: Vec<&Write> = open(&refused).into_iter().map(|index| &writes[index]).collect();
    begin(&mut work, dialect, &written).await?;
    take(&mut work, dialect, &written).await?;
    journal(&mut work, dialect, &written).await?;
    unlock(&mut work, dialect, &written).await?;
    touch(&mut work, dialect, &written).await?;
    let told = thread(&mut work, dialect, &written).await?;
    let messages: Vec<_> = written
        .iter()
        .flat_map(|write| write.messages.iter().map(|message| (message, write.now)))
        .chain(told.iter().map(|(message, now)| (message, *now)))
        .collect();
    insert_messages(&mut work, dialect, &messages).await?;
    alert_runs::tell(&mut work, dialect, &deeds(&written)).await?;
    let records: Vec<&AuditRow> = written.iter().flat_map(|write| &write.records).collect();
    insert_audits(&mut work, dialect, &records).await?;
    // What the engine adds concerns its own process, and is found by others when they look.
    let concerns_others = |write: &&Write| !matches!(&write.what, What::Add(addition) if addition.epoch >= 0);
    if written.iter().any(concerns_others) {
        dialect.wake_others(&mut work).await?;
    }
    work.commit().await?;

    let mut done = Vec::with_capacity(writes.len());
    for index in 0..writes.len() {
        done.push(match refused.remove(&index) {
            Some(refusal) => refusal,
            None => {
                let (claimed_until, claimed) = claims.remove(&index).unwrap_or((Timestamp::UNIX_EPOCH, None));
                Ok(Written::Yes { claimed_until, claimed })
            }
        });
    }
    Ok(done)
}

/// What the threads of alerts are told.
fn deeds<'w>(writes: &[&'w Write]) -> Vec<Done<'w>> {
    let done = writes.iter().filter_map(|write| {
        let run = match &write.what {
            What::Begin(begin) => Some(begin.run.as_str()),
            What::Add(_) | What::Answer { .. } => None,
        };
        Some(Done {
            deed: write.deed.as_ref()?,
            run,
            at: write.now,
        })
    });
    done.collect()
}

/// Those whose locks somebody holds.
async fn locked(
    work: &mut Work,
    dialect: Dialect,
    writes: &[Write],
) -> Result<BTreeMap<usize, Result<Written, StoreError>>, StoreError> {
    let takes = || {
        writes
            .iter()
            .enumerate()
            .filter_map(|(index, write)| Some((index, write.take.as_ref()?)))
    };
    let keys: BTreeSet<&String> = takes().flat_map(|(_, take)| &take.keys).collect();
    let mut refused = BTreeMap::new();
    if keys.is_empty() {
        return Ok(refused);
    }
    let keys: Vec<Row> = keys.into_iter().map(|key| vec![key.into()]).collect();
    dialect.one_at_a_time(work, &keys).await?;
    let held = with_rows(
        dialect,
        work,
        "name",
        &keys,
        "SELECT l.name, l.run, l.person, l.reason, l.since, l.shared FROM held_lock l WHERE l.name IN (SELECT name FROM v) \
         ORDER BY l.name, l.since",
    );
    let held: Vec<(HeldLock, bool)> = held
        .await?
        .iter()
        .map(|row| Ok((held_lock(row)?, number(row, 5)? == 1)))
        .collect::<Result<_, StoreError>>()?;
    for (index, take) in takes() {
        let mine = match &writes[index].what {
            What::Begin(begin) => &begin.run,
            What::Add(addition) => &addition.run,
            What::Answer { .. } => continue,
        };
        let in_the_way: Vec<HeldLock> = held
            .iter()
            .filter(|(lock, shared)| take.keys.contains(&lock.key) && !(*shared && take.shared) && lock.run != *mine)
            .map(|(lock, _)| lock.clone())
            .collect();
        if !in_the_way.is_empty() {
            refused.insert(index, Ok(Written::Locked(in_the_way)));
        }
    }
    Ok(refused)
}

/// Those that begin a step of what somebody has paused.
async fn paused(
    work: &mut Work,
    writes: &[Write],
    refused: &mut BTreeMap<usize, Result<Written, StoreError>>,
) -> Result<(), StoreError> {
    let begin: Vec<(usize, &str)> = writes
        .iter()
        .enumerate()
        .filter_map(|(index, write)| match &write.what {
            What::Add(addition) => Some((index, addition.unless_paused.as_deref()?)),
            What::Begin(_) | What::Answer { .. } => None,
        })
        .collect();
    if begin.is_empty() {
        return Ok(());
    }
    let paused: Vec<String> = sqlx::query_scalar("SELECT runbook FROM pause")
        .fetch_all(&mut **work)
        .await?;
    for (index, runbook) in begin {
        // Without a name all are meant.
        if paused.iter().any(|paused| paused.is_empty() || paused == runbook) {
            refused.insert(index, Ok(Written::Paused));
        }
    }
    Ok(())
}

/// Whether a run's journal is as long as it was when it was read, and the claim still holds.
const AS_READ: &str = "run.id = v.id AND run.seq = v.was AND (v.epoch < 0 OR run.epoch = v.epoch)";

/// The journal's length afterwards.
fn grown(addition: &Addition) -> i64 {
    addition.seq + addition.entries.len() as i64
}

/// Whether a run is claimed together with what is added: nobody has it.
const CLAIMS: &str = "v.claimer IS NOT NULL AND run.lease_until < v.at";

/// Moves the rows of runs on, where their journals are as long as they were and their claims still hold.
async fn add(
    work: &mut Work,
    dialect: Dialect,
    writes: &[Write],
    open: &[usize],
    claims: &mut BTreeMap<usize, (Timestamp, Option<i64>)>,
    refused: &mut BTreeMap<usize, Result<Written, StoreError>>,
) -> Result<(), StoreError> {
    let additions: BTreeMap<&str, (usize, &Addition)> = open
        .iter()
        .filter_map(|&index| match &writes[index].what {
            What::Add(addition) => Some((addition.run.as_str(), (index, addition))),
            What::Begin(_) | What::Answer { .. } => None,
        })
        .collect();
    // SQLite writes an index entry anew for each column that is named, also where its value stays.
    let steady = |addition: &Addition| dialect == Dialect::Sqlite && addition.steady;
    let some = |which: bool| {
        additions
            .values()
            .filter(move |(_, addition)| steady(addition) == which)
    };
    let rows: Vec<Row> = some(false)
        .map(|(index, addition)| {
            vec![
                (&addition.run).into(),
                addition.seq.into(),
                addition.epoch.into(),
                grown(addition).into(),
                (&addition.outcome).into(),
                addition.wake.into(),
                addition.said.clone().into(),
                i64::from(addition.release).into(),
                writes[*index].now.into(),
                addition.claim.as_ref().map(|(owner, _)| owner.as_str()).into(),
                addition.claim.as_ref().map(|(_, until)| *until).into(),
            ]
        })
        .collect();
    // A change that follows another one at once does not move `updated`, and so no index.
    let update = format!(
        "UPDATE run SET seq = v.grown, outcome = v.outcome, wake = v.wake, updated = CASE WHEN v.outcome = run.outcome \
         AND COALESCE(v.wake, -1) = COALESCE(run.wake, -1) AND v.at - run.updated BETWEEN 0 AND {STILL} \
         THEN run.updated ELSE v.at END, \
         said = COALESCE(v.said, run.said), owner = CASE WHEN v.released = 1 THEN NULL WHEN {CLAIMS} THEN v.claimer \
         ELSE run.owner END, lease_until = CASE WHEN v.released = 1 THEN 0 WHEN {CLAIMS} THEN v.until ELSE \
         run.lease_until END, epoch = CASE WHEN {CLAIMS} THEN run.epoch + 1 ELSE run.epoch END \
         FROM v WHERE {AS_READ} RETURNING run.id, run.lease_until, run.epoch"
    );
    let columns = "id, was, epoch, grown, outcome, wake, said, released, at, claimer, until";
    let mut moved = with_rows(dialect, work, columns, &rows, &update).await?;
    let rows: Vec<Row> = some(true)
        .map(|(_, addition)| {
            let (run, was, epoch) = (&addition.run, addition.seq, addition.epoch);
            vec![run.into(), was.into(), epoch.into(), grown(addition).into()]
        })
        .collect();
    let update =
        format!("UPDATE run SET seq = v.grown FROM v WHERE {AS_READ} RETURNING run.id, run.lease_until, run.epoch");
    moved.extend(with_rows(dialect, work, "id, was, epoch, grown", &rows, &update).await?);
    let moved: BTreeMap<String, (i64, i64)> = moved
        .iter()
        .map(|row| Ok((text(row, 0)?, (number(row, 1)?, number(row, 2)?))))
        .collect::<Result<_, StoreError>>()?;
    let mut left = Vec::new();
    for (run, (index, addition)) in &additions {
        match moved.get(*run) {
            Some((lease, epoch)) => {
                // Nobody else's claim ends at the same microsecond; if one did, the journal's length would let one of the
                // two go on.
                let mine = addition.claim.as_ref().is_some_and(|(_, until)| until == lease);
                claims.insert(*index, (timestamp(*lease)?, mine.then_some(*epoch)));
                if let Some(plan) = &addition.plan {
                    sqlx::query("UPDATE run SET plan = $2 WHERE id = $1")
                        .bind(addition.run.clone())
                        .bind(plan.clone())
                        .execute(&mut **work)
                        .await?;
                }
            }
            None => left.push((*index, *addition)),
        }
    }
    for (index, addition) in left {
        let epoch: Option<i64> = sqlx::query_scalar("SELECT epoch FROM run WHERE id = $1")
            .bind(addition.run.clone())
            .fetch_optional(&mut **work)
            .await?;
        let run = addition.run.clone();
        refused.insert(
            index,
            Err(match epoch {
                None => StoreError::NoSuchRun(run),
                Some(now) if addition.epoch >= 0 && now != addition.epoch => StoreError::Fenced(run),
                Some(_) => StoreError::Moved(run),
            }),
        );
    }
    Ok(())
}

/// Marks requests as answered, each once: a request that was taken twice, because its first taker was slow, becomes one
/// run or one answer all the same.
async fn answer(
    work: &mut Work,
    dialect: Dialect,
    writes: &[Write],
    open: &[usize],
    refused: &mut BTreeMap<usize, Result<Written, StoreError>>,
) -> Result<(), StoreError> {
    let answers: Vec<(usize, &str, Option<&str>, Option<&str>)> = open
        .iter()
        .filter_map(|&index| match &writes[index].what {
            What::Begin(begin) => Some((index, begin.request.as_str(), Some(begin.run.as_str()), None)),
            What::Answer { request, answer } => Some((index, request.as_str(), None, Some(answer.as_str()))),
            What::Add(_) => None,
        })
        .collect();
    let rows: Vec<Row> = answers
        .iter()
        .map(|&(_, request, run, answer)| vec![request.into(), run.into(), answer.into()])
        .collect();
    let first = with_rows(
        dialect,
        work,
        "id, run, answer",
        &rows,
        "UPDATE request SET state = 'answered', run = COALESCE(v.run, request.run), \
         answer = COALESCE(v.answer, request.answer) \
         FROM v WHERE request.id = v.id AND request.state <> 'answered' RETURNING request.id",
    );
    let first: BTreeSet<String> = first.await?.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?;
    for (index, request, ..) in answers {
        if !first.contains(request) {
            refused.insert(index, Err(StoreError::Answered(request.to_owned())));
        }
    }
    Ok(())
}

async fn begin(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<(), StoreError> {
    let rows: Vec<Row> = writes
        .iter()
        .filter_map(|write| match &write.what {
            What::Begin(begin) => Some((begin, write.now)),
            What::Add(_) | What::Answer { .. } => None,
        })
        .map(|(begin, now)| {
            vec![
                (&begin.run).into(),
                (&begin.runbook).into(),
                (&begin.person).into(),
                (&begin.request).into(),
                now.into(),
                (&begin.outcome).into(),
                (begin.entries.len() as i64).into(),
                begin.wake.into(),
                (&begin.plan).into(),
                (&begin.inputs).into(),
                begin.said.clone().into(),
                begin.claim.as_ref().map(|(owner, _)| owner.as_str()).into(),
                i64::from(begin.claim.is_some()).into(),
                begin.claim.as_ref().map_or(0, |(_, until)| *until).into(),
            ]
        })
        .collect();
    let columns = "id, runbook, person, request, at, outcome, seq, wake, plan, inputs, said, owner, epoch, until";
    let insert = "INSERT INTO run (id, runbook, person, request, created, updated, outcome, seq, epoch, lease_until, wake, \
                  plan, inputs, said, owner) \
                  SELECT id, runbook, person, request, at, at, outcome, seq, epoch, until, wake, plan, inputs, said, owner FROM v \
                  WHERE id IS NOT NULL";
    write_rows(dialect, work, columns, &rows, insert).await?;
    Ok(())
}

async fn take(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    for write in writes {
        let run = match &write.what {
            What::Begin(begin) => &begin.run,
            What::Add(addition) => &addition.run,
            What::Answer { .. } => continue,
        };
        if let Some(take) = &write.take {
            rows.extend(take.keys.iter().map(|key| {
                vec![
                    key.into(),
                    run.into(),
                    i64::from(take.shared).into(),
                    (&take.person).into(),
                    (&take.reason).into(),
                    write.now.into(),
                ]
            }));
        }
    }
    let columns = "name, run, shared, person, reason, since";
    let insert = "INSERT INTO held_lock (name, run, shared, person, reason, since) \
                  SELECT name, run, shared, person, reason, since FROM v WHERE name IS NOT NULL \
                  ON CONFLICT (name, run) DO NOTHING";
    write_rows(dialect, work, columns, &rows, insert).await?;
    Ok(())
}

async fn journal(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<(), StoreError> {
    let mut rows: Vec<Row> = Vec::new();
    for write in writes {
        let (run, after, epoch, entries) = match &write.what {
            What::Begin(begin) => (&begin.run, 0, 0, &begin.entries),
            What::Add(addition) => (&addition.run, addition.seq, addition.epoch.max(0), &addition.entries),
            What::Answer { .. } => continue,
        };
        rows.extend(
            (after + 1..)
                .zip(entries)
                .map(|(seq, entry)| vec![run.into(), seq.into(), write.now.into(), epoch.into(), entry.into()]),
        );
    }
    let insert = "INSERT INTO journal (run, seq, at, epoch, entry) SELECT run, seq, at, epoch, entry FROM v \
                  WHERE run IS NOT NULL";
    write_rows(dialect, work, "run, seq, at, epoch, entry", &rows, insert).await?;
    Ok(())
}

fn added<'w>(writes: &'w [&Write]) -> impl Iterator<Item = &'w Addition> {
    writes.iter().filter_map(|write| match &write.what {
        What::Add(addition) => Some(addition),
        What::Begin(_) | What::Answer { .. } => None,
    })
}

async fn unlock(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<(), StoreError> {
    let over: Vec<Row> = added(writes)
        .filter(|addition| addition.unlock)
        .map(|addition| vec![(&addition.run).into()])
        .collect();
    let delete = "DELETE FROM held_lock WHERE run IN (SELECT run FROM v)";
    write_rows(dialect, work, "run", &over, delete).await?;
    Ok(())
}

/// What threads are told: a message for each place where a run is shown.
async fn thread(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<Vec<(NewMessage, i64)>, StoreError> {
    let tell: BTreeMap<&str, (&MessageKind, &str, i64)> = writes
        .iter()
        .filter_map(|write| match (&write.what, &write.thread) {
            (What::Add(addition), Some((kind, word))) => {
                Some((addition.run.as_str(), (kind, word.as_str(), write.now)))
            }
            _ => None,
        })
        .collect();
    let rows: Vec<Row> = tell.keys().map(|run| vec![(*run).into()]).collect();
    let shown = "SELECT run, request, place FROM message WHERE kind = '\"run\"' AND run IN (SELECT id FROM v) \
                 ORDER BY created, id";
    let mut told = Vec::new();
    for row in with_rows(dialect, work, "id", &rows, shown).await? {
        let run = text(&row, 0)?;
        let Some((kind, word, now)) = tell.get(run.as_str()) else {
            continue;
        };
        let place: Place = decode("place", &text(&row, 2)?)?;
        let message = NewMessage {
            id: format!("{run}:{word}:{}", place.spot()),
            kind: **kind,
            run: Some(run),
            request: optional_text(&row, 1)?,
            place,
            body: None,
        };
        told.push((message, *now));
    }
    Ok(told)
}

/// The runs changed, so what their messages show is out of date.
async fn touch(work: &mut Work, dialect: Dialect, writes: &[&Write]) -> Result<(), StoreError> {
    let rows = |of: fn(&Addition) -> bool| -> Vec<Row> {
        let additions = writes.iter().filter_map(|write| match &write.what {
            What::Add(addition) if of(addition) => Some(vec![(&addition.run).into(), write.now.into()]),
            What::Add(_) | What::Begin(_) | What::Answer { .. } => None,
        });
        additions.collect()
    };
    messages::touch(work, dialect, &rows(|_| true)).await?;
    // An alert's message shows what became of the runs that were asked for from it.
    const ALERTS: &str = "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, v.at) FROM v, alert_run \
                          WHERE alert_run.run = v.id AND message.run = alert_run.alert AND kind = '\"run\"' \
                          AND (due IS NOT NULL OR error IS NULL)";
    let ended = rows(|addition| addition.ends);
    messages::revive(work, dialect, &ended).await?;
    write_rows(dialect, work, "id, at", &ended, ALERTS).await?;
    page_notes::note_runs(work, dialect, &ended).await
}
