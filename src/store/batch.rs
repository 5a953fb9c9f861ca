//! Many writes as one transaction of few statements.

use super::audit::insert_audit;
use super::dialect::Dialect;
use super::messages::insert_message;
use super::runs::{Written, held_lock};
use super::values::{at_once, list, places, statement};
use super::writer::{Addition, Begin, What, Write};
use super::{StoreError, number, text, timestamp};
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
    let mut refused = locked(&mut work, dialect, writes).await?;
    let open = |refused: &BTreeMap<usize, Result<Written, StoreError>>| -> Vec<usize> {
        (0..writes.len()).filter(|index| !refused.contains_key(index)).collect()
    };

    let mut until = BTreeMap::new();
    let left = open(&refused);
    add(&mut work, writes, &left, &mut until, &mut refused).await?;
    answer(&mut work, writes, &left, &mut refused).await?;

    let left = open(&refused);
    let those = |wanted: &[usize]| wanted.iter().map(|&index| &writes[index]).collect::<Vec<_>>();
    let written = those(&left);
    begin(&mut work, &written).await?;
    take(&mut work, &written).await?;
    journal(&mut work, &written).await?;
    unlock(&mut work, &written).await?;
    touch(&mut work, &written).await?;
    for write in &written {
        let at = timestamp(write.now)?;
        for message in &write.messages {
            insert_message(&mut work, message, at).await?;
        }
        for record in &write.records {
            insert_audit(&mut work, record).await?;
        }
    }
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
            None => Ok(Written::Yes {
                claimed_until: until.get(&index).copied().unwrap_or(Timestamp::UNIX_EPOCH),
            }),
        });
    }
    Ok(done)
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
    let keys: Vec<&String> = keys.into_iter().collect();
    dialect.one_at_a_time(work, &keys).await?;
    let mut held: Vec<(HeldLock, bool)> = Vec::new();
    for some in keys.chunks(at_once(1)) {
        let mut query = statement(
            format!(
                "SELECT name, run, person, reason, since, shared FROM held_lock WHERE name IN ({}) ORDER BY name, since",
                list(0, some.len())
            ),
            some.len(),
        );
        for key in some {
            query = query.bind((*key).clone());
        }
        for row in query.fetch_all(&mut **work).await? {
            held.push((held_lock(&row)?, number(&row, 5)? == 1));
        }
    }
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

/// Moves the rows of runs on, where their journals are as long as they were and their claims still hold.
async fn add(
    work: &mut Work,
    writes: &[Write],
    open: &[usize],
    until: &mut BTreeMap<usize, Timestamp>,
    refused: &mut BTreeMap<usize, Result<Written, StoreError>>,
) -> Result<(), StoreError> {
    const WIDTH: usize = 9;
    let additions: BTreeMap<&str, (usize, &Addition)> = open
        .iter()
        .filter_map(|&index| match &writes[index].what {
            What::Add(addition) => Some((addition.run.as_str(), (index, addition))),
            What::Begin(_) | What::Answer { .. } => None,
        })
        .collect();
    let all: Vec<&(usize, &Addition)> = additions.values().collect();
    let mut moved: BTreeMap<String, i64> = BTreeMap::new();
    for some in all.chunks(at_once(WIDTH)) {
        let mut query = statement(
            format!(
                "WITH v (id, was, epoch, grown, outcome, wake, said, released, at) AS (VALUES {}) UPDATE run SET \
                 seq = v.grown, outcome = v.outcome, wake = v.wake, updated = v.at, said = COALESCE(v.said, run.said), \
                 owner = CASE WHEN v.released = 1 THEN NULL ELSE run.owner END, \
                 lease_until = CASE WHEN v.released = 1 THEN 0 ELSE run.lease_until END \
                 FROM v WHERE run.id = v.id AND run.seq = v.was AND (v.epoch < 0 OR run.epoch = v.epoch) \
                 RETURNING run.id, run.lease_until",
                places(0, some.len(), WIDTH)
            ),
            some.len(),
        );
        for (index, addition) in some {
            query = query
                .bind(addition.run.clone())
                .bind(addition.seq)
                .bind(addition.epoch)
                .bind(addition.seq + addition.entries.len() as i64)
                .bind(addition.outcome.clone())
                .bind(addition.wake)
                .bind(addition.said.clone())
                .bind(i64::from(addition.release))
                .bind(writes[*index].now);
        }
        for row in query.fetch_all(&mut **work).await? {
            moved.insert(text(&row, 0)?, number(&row, 1)?);
        }
    }
    let mut left = Vec::new();
    for (run, (index, addition)) in &additions {
        match moved.get(*run) {
            Some(lease) => {
                until.insert(*index, timestamp(*lease)?);
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
    writes: &[Write],
    open: &[usize],
    refused: &mut BTreeMap<usize, Result<Written, StoreError>>,
) -> Result<(), StoreError> {
    const WIDTH: usize = 3;
    let answers: Vec<(usize, &str, Option<&str>, Option<&str>)> = open
        .iter()
        .filter_map(|&index| match &writes[index].what {
            What::Begin(begin) => Some((index, begin.request.as_str(), Some(begin.run.as_str()), None)),
            What::Answer { request, answer } => Some((index, request.as_str(), None, Some(answer.as_str()))),
            What::Add(_) => None,
        })
        .collect();
    let mut first = BTreeSet::new();
    for some in answers.chunks(at_once(WIDTH)) {
        let mut query = statement(
            format!(
                "WITH v (id, run, answer) AS (VALUES {}) UPDATE request SET state = 'answered', \
                 run = COALESCE(v.run, request.run), answer = COALESCE(v.answer, request.answer) \
                 FROM v WHERE request.id = v.id AND request.state <> 'answered' RETURNING request.id",
                places(0, some.len(), WIDTH)
            ),
            some.len(),
        );
        for (_, request, run, answer) in some {
            query = query
                .bind((*request).to_owned())
                .bind(run.map(str::to_owned))
                .bind(answer.map(str::to_owned));
        }
        for row in query.fetch_all(&mut **work).await? {
            first.insert(text(&row, 0)?);
        }
    }
    for (index, request, ..) in answers {
        if !first.contains(request) {
            refused.insert(index, Err(StoreError::Answered(request.to_owned())));
        }
    }
    Ok(())
}

async fn begin(work: &mut Work, writes: &[&Write]) -> Result<(), StoreError> {
    const WIDTH: usize = 14;
    let begun: Vec<(&Begin, i64)> = writes
        .iter()
        .filter_map(|write| match &write.what {
            What::Begin(begin) => Some((begin, write.now)),
            What::Add(_) | What::Answer { .. } => None,
        })
        .collect();
    for some in begun.chunks(at_once(WIDTH)) {
        let mut query = statement(
            format!(
                "INSERT INTO run (id, runbook, person, request, created, updated, outcome, seq, epoch, lease_until, \
                 wake, plan, inputs, said) VALUES {}",
                places(0, some.len(), WIDTH)
            ),
            some.len(),
        );
        for (begin, now) in some {
            query = query
                .bind(begin.run.clone())
                .bind(begin.runbook.clone())
                .bind(begin.person.clone())
                .bind(begin.request.clone())
                .bind(*now)
                .bind(*now)
                .bind(begin.outcome.clone())
                .bind(begin.entries.len() as i64)
                .bind(0_i64)
                .bind(0_i64)
                .bind(begin.wake)
                .bind(begin.plan.clone())
                .bind(begin.inputs.clone())
                .bind(begin.said.clone());
        }
        query.execute(&mut **work).await?;
    }
    Ok(())
}

async fn take(work: &mut Work, writes: &[&Write]) -> Result<(), StoreError> {
    const WIDTH: usize = 6;
    let mut taken = Vec::new();
    for write in writes {
        let run = match &write.what {
            What::Begin(begin) => &begin.run,
            What::Add(addition) => &addition.run,
            What::Answer { .. } => continue,
        };
        if let Some(take) = &write.take {
            taken.extend(take.keys.iter().map(|key| (key, run, take, write.now)));
        }
    }
    for some in taken.chunks(at_once(WIDTH)) {
        let mut query = statement(
            format!(
                "INSERT INTO held_lock (name, run, shared, person, reason, since) VALUES {} ON CONFLICT (name, run) \
                 DO NOTHING",
                places(0, some.len(), WIDTH)
            ),
            some.len(),
        );
        for (key, run, take, now) in some {
            query = query
                .bind((*key).clone())
                .bind((*run).clone())
                .bind(i64::from(take.shared))
                .bind(take.person.clone())
                .bind(take.reason.clone())
                .bind(*now);
        }
        query.execute(&mut **work).await?;
    }
    Ok(())
}

async fn journal(work: &mut Work, writes: &[&Write]) -> Result<(), StoreError> {
    const WIDTH: usize = 5;
    let mut rows = Vec::new();
    for write in writes {
        let (run, after, epoch, entries) = match &write.what {
            What::Begin(begin) => (&begin.run, 0, 0, &begin.entries),
            What::Add(addition) => (&addition.run, addition.seq, addition.epoch.max(0), &addition.entries),
            What::Answer { .. } => continue,
        };
        rows.extend(
            (after + 1..)
                .zip(entries)
                .map(|(seq, entry)| (run, seq, write.now, epoch, entry)),
        );
    }
    for some in rows.chunks(at_once(WIDTH)) {
        let mut query = statement(
            format!(
                "INSERT INTO journal (run, seq, at, epoch, entry) VALUES {}",
                places(0, some.len(), WIDTH)
            ),
            some.len(),
        );
        for (run, seq, at, epoch, entry) in some {
            query = query
                .bind((*run).clone())
                .bind(*seq)
                .bind(*at)
                .bind(*epoch)
                .bind((*entry).clone());
        }
        query.execute(&mut **work).await?;
    }
    Ok(())
}

fn added<'w>(writes: &'w [&Write]) -> impl Iterator<Item = &'w Addition> {
    writes.iter().filter_map(|write| match &write.what {
        What::Add(addition) => Some(addition),
        What::Begin(_) | What::Answer { .. } => None,
    })
}

async fn unlock(work: &mut Work, writes: &[&Write]) -> Result<(), StoreError> {
    let over: Vec<&String> = added(writes)
        .filter(|addition| addition.unlock)
        .map(|addition| &addition.run)
        .collect();
    for some in over.chunks(at_once(1)) {
        let mut query = statement(
            format!("DELETE FROM held_lock WHERE run IN ({})", list(0, some.len())),
            some.len(),
        );
        for run in some {
            query = query.bind((*run).clone());
        }
        query.execute(&mut **work).await?;
    }
    Ok(())
}

/// The runs changed, so what their messages show is out of date.
async fn touch(work: &mut Work, writes: &[&Write]) -> Result<(), StoreError> {
    let runs: Vec<&String> = added(writes).map(|addition| &addition.run).collect();
    let Some(now) = writes.iter().map(|write| write.now).max() else {
        return Ok(());
    };
    for some in runs.chunks(at_once(2)) {
        // A message that waits for its next try keeps that time: a change must not jump the queue of a failing platform.
        let mut query = statement(
            format!(
                "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, $1) WHERE run IN ({}) AND \
                 kind = '\"run\"' AND (due IS NOT NULL OR error IS NULL)",
                list(1, some.len())
            ),
            some.len(),
        )
        .bind(now);
        for run in some {
            query = query.bind((*run).clone());
        }
        query.execute(&mut **work).await?;
    }
    Ok(())
}
