//! Runs: their journals, their claims and who may write.

use super::database::{
    Database, addition, begin, begin_with, created, is_written, later, locks, message, noon, plan, request, running,
    stop_asked,
};
use futures::future::join_all;
use jiff::SignedDuration;
use signalbox::report::Outcome;
use signalbox::store::deliveries::Progress;
use signalbox::store::lists::BLUR;
use signalbox::store::messages::MessageKind;
use signalbox::store::runs::{AT_ONCE, Append, Cache, Claim, NewRun, StoredRun, Word, Written};
use signalbox::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::time::Duration;

pub async fn a_new_run_answers_its_request(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let run = store.run("r1").await.unwrap();
    assert_eq!((run.id.as_str(), run.seq(), run.epoch), ("r1", 1, 0));
    assert_eq!(run.journal[0].entry, created());
    assert_eq!(run.created, noon());
    assert_eq!(
        store.progress(&run.request).await.unwrap(),
        Progress::Run("r1".to_owned())
    );
    assert!(
        store
            .take_requests("one", later(900), later(960), 9)
            .await
            .unwrap()
            .is_empty()
    );
    let lines = store.runs(10).await.unwrap();
    assert_eq!((lines.len(), lines[0].outcome), (1, Outcome::Running));
    assert!(matches!(store.run("r2").await, Err(StoreError::NoSuchRun(_))));
}

/// A request whose taker was slow is taken again; whichever of the two comes second must begin nothing.
pub async fn one_request_becomes_one_run(database: Database) {
    let store = database.open().await;
    let asked = request();
    store.request(&asked, noon()).await.unwrap();
    let both = join_all(["r1", "r2", "r3", "r4"].map(|id| {
        let (store, request) = (store.clone(), asked.id.clone());
        async move {
            let new = NewRun {
                id,
                request: &request,
                plan: &plan("forward-order"),
                entries: &[created()],
                cache: running(noon()),
                locks: Some(&locks(&["order:1042"], true)),
                messages: &[message(&format!("{id}:run"), MessageKind::Run, id)],
                records: &[],
                claim: None,
                deed: None,
            };
            store.create_run(new, noon()).await
        }
    }))
    .await;

    assert_eq!(
        both.iter()
            .filter(|made| matches!(made, Ok(Written::Yes { .. })))
            .count(),
        1,
        "{both:?}"
    );
    let others = both.iter().filter_map(|made| made.as_ref().err());
    for other in others {
        assert!(matches!(other, StoreError::Answered(_)), "{other:?}");
    }
    assert_eq!(store.runs(10).await.unwrap().len(), 1);
    assert_eq!(store.holders("order:1042").await.unwrap().len(), 1);
    assert_eq!(store.unsent_messages().await.unwrap(), 1);
}

pub async fn only_one_of_many_writers_gets_a_place_in_the_journal(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let writers = (0..24).map(|index| {
        let store = store.clone();
        tokio::spawn(async move {
            let entry = stop_asked(&format!("person {index}"));
            let mut moved = 0;
            loop {
                let seq = store.seq("r1").await.unwrap();
                match store.append(addition("r1", seq, None, &entry), later(1)).await {
                    Ok(Written::Yes { .. }) => return moved,
                    Err(StoreError::Moved(_)) => moved += 1,
                    other => panic!("{other:?}"),
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let run = store.run("r1").await.unwrap();
    let numbers: Vec<i64> = run.journal.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
    let people: BTreeSet<String> = run.journal[1..].iter().map(|row| format!("{:?}", row.entry)).collect();
    assert_eq!(people.len(), 24);
}

pub async fn a_stale_epoch_is_fenced(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let (_, old) = claim(&store, "one", 1).await.unwrap();
    let (_, new) = claim(&store, "two", 7).await.unwrap();
    assert_eq!((old, new), (1, 2));

    let entry = stop_asked("dana");
    let fenced = store.append(addition("r1", 1, Some(old), &entry), later(8)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced(_))), "{fenced:?}");
    // Fenced is told even where the journal has moved too: reading it again would not help.
    store
        .append(addition("r1", 1, Some(new), &entry), later(8))
        .await
        .unwrap();
    let fenced = store.append(addition("r1", 1, Some(old), &entry), later(8)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced(_))), "{fenced:?}");
    let moved = store.append(addition("r1", 1, Some(new), &entry), later(8)).await;
    assert!(matches!(moved, Err(StoreError::Moved(_))), "{moved:?}");
    let gone = store.append(addition("r9", 1, Some(1), &entry), later(8)).await;
    assert!(matches!(gone, Err(StoreError::NoSuchRun(_))), "{gone:?}");

    // The old owner can neither check, nor give back, what is no longer its own.
    assert!(!holds(&store, old, 8).await);
    store.release_claim("r1", old).await.unwrap();
    store.release_claims("one").await.unwrap();
    assert!(holds(&store, new, 8).await);
    let journal = store.run("r1").await.unwrap().journal;
    assert_eq!(journal.iter().map(|row| row.epoch).collect::<Vec<_>>(), [0, 2]);
}

pub async fn a_claim_runs_out_and_is_taken_over(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    assert_eq!(claim(&store, "one", 1).await, Some(("r1".to_owned(), 1)));
    assert!(holds(&store, 1, 6).await);
    assert_eq!(claim(&store, "two", 6).await, None);
    assert!(!holds(&store, 1, 7).await);
    assert_eq!(claim(&store, "two", 7).await, Some(("r1".to_owned(), 2)));
    store.release_claim("r1", 2).await.unwrap();
    assert_eq!(claim(&store, "one", 7).await, Some(("r1".to_owned(), 3)));

    // A run that waits for a person has no time of its own, and is nobody's to claim.
    let entry = stop_asked("dana");
    let resting = Append {
        cache: Cache {
            outcome: Outcome::NeedsPerson,
            wake: None,
        },
        ..addition("r1", 1, Some(3), &entry)
    };
    store.append(resting, later(7)).await.unwrap();
    store.release_claim("r1", 3).await.unwrap();
    assert_eq!(claim(&store, "one", 9000).await, None);
}

/// What is claimed as it is written is nobody else's, and reads again as its driver got it.
pub async fn a_run_may_be_claimed_as_it_is_written(database: Database) {
    let store = database.open().await;
    let asked = request();
    store.request(&asked, noon()).await.unwrap();
    let claimed_by = |owner, until| Some(Claim { owner, until });
    let new = NewRun {
        id: "r1",
        request: &asked.id,
        plan: &plan("forward-order"),
        entries: &[created()],
        cache: running(AT_ONCE),
        locks: None,
        messages: &[],
        records: &[],
        claim: claimed_by("one", later(5)),
        deed: None,
    };
    assert!(is_written(&store.create_run(new, noon()).await.unwrap()));
    let begun = StoredRun::begun(
        "r1".to_owned(),
        asked.id.clone(),
        plan("forward-order"),
        vec![created()],
        noon(),
        later(5),
    );
    assert_eq!(format!("{:?}", store.run("r1").await.unwrap()), format!("{begun:?}"));
    assert_eq!(claim(&store, "two", 5).await, None);

    // Somebody has it: what a person adds claims nothing.
    let entry = stop_asked("dana");
    let add = |seq, epoch, by| Append {
        claim: by,
        ..addition("r1", seq, epoch, &entry)
    };
    let of_a_person = add(1, None, claimed_by("two", later(9)));
    let written = store.append(of_a_person, later(4)).await.unwrap();
    let until_five = Written::Yes {
        claimed_until: later(5),
        claimed: None,
    };
    assert_eq!(written, until_five);
    assert_eq!(store.append(add(2, Some(1), None), later(5)).await.unwrap(), until_five);

    // Nobody has it any more: it is claimed anew, and whoever had it is fenced.
    let of_a_person = add(3, None, claimed_by("two", later(9)));
    let written = store.append(of_a_person, later(6)).await.unwrap();
    assert_eq!(
        written,
        Written::Yes {
            claimed_until: later(9),
            claimed: Some(2),
        }
    );
    let fenced = store.append(add(4, Some(1), None), later(7)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced(_))), "{fenced:?}");
    assert_eq!(claim(&store, "one", 9).await, None);
    assert_eq!(claim(&store, "one", 10).await, Some(("r1".to_owned(), 3)));
}

/// Where nothing but the journal grows, that is all that is written; the claim and the length count as ever.
pub async fn a_steady_run_grows_and_is_fenced_as_any(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let (_, old) = claim(&store, "one", 1).await.unwrap();
    let entry = stop_asked("dana");
    let steady = |seq, epoch| Append {
        steady: true,
        ..addition("r1", seq, Some(epoch), &entry)
    };
    assert!(is_written(&store.append(steady(1, old), later(2)).await.unwrap()));
    let moved = store.append(steady(1, old), later(2)).await;
    assert!(matches!(moved, Err(StoreError::Moved(_))), "{moved:?}");
    claim(&store, "two", 7).await.unwrap();
    let fenced = store.append(steady(2, old), later(8)).await;
    assert!(matches!(fenced, Err(StoreError::Fenced(_))), "{fenced:?}");
    assert_eq!(store.run("r1").await.unwrap().seq(), 2);
}

/// Whoever follows what changes looks back by the blur, and finds each change, also one that left its row's moment alone.
pub async fn each_change_is_found_by_looking_back_by_the_blur(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let (_, epoch) = claim(&store, "one", 0).await.unwrap();
    let entry = stop_asked("dana");
    let after = |millis| noon() + SignedDuration::from_millis(millis);
    // An engine adds; a moment later it adds again, and knows that it did.
    for (seq, millis, steady) in [(1, 190, false), (2, 289, true)] {
        let add = Append {
            steady,
            ..addition("r1", seq, Some(epoch), &entry)
        };
        assert!(is_written(&store.append(add, after(millis)).await.unwrap()));
        let since = after(millis).as_microsecond() - BLUR;
        let changed = store.changed_runs(since, 9).await.unwrap();
        assert!(
            changed.iter().any(|run| run.id == "r1" && run.seq == seq + 1),
            "{changed:?}"
        );
    }
}

/// A process that was asleep for longer than its claim wakes up with it only where nobody has taken over meanwhile.
pub async fn a_claim_is_renewed_until_it_is_taken_over(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    claim(&store, "one", 1).await.unwrap();
    let mine = ["r1".to_owned()];
    store.renew_claims("one", later(10), &mine).await.unwrap();
    assert!(holds(&store, 1, 10).await);
    store.renew_claims("two", later(99), &mine).await.unwrap();
    assert!(!holds(&store, 1, 11).await);
    let claimed = store.claim_runs("one", later(12), later(17), 9, &mine).await.unwrap();
    assert_eq!(claimed, [], "nobody takes over from themselves what they have in hand");
    store.renew_claims("one", later(16), &mine).await.unwrap();
    assert!(holds(&store, 1, 16).await);
    assert!(store.renew_claim("r1", 1, later(18)).await.unwrap());

    assert_eq!(claim(&store, "two", 19).await, Some(("r1".to_owned(), 2)));
    store.renew_claims("one", later(99), &mine).await.unwrap();
    assert!(!store.renew_claim("r1", 1, later(99)).await.unwrap());
    assert!(holds(&store, 2, 24).await && !holds(&store, 2, 25).await);

    // What came to grief is given back, and left alone for a while.
    store.rest_claim("r1", 2, later(40)).await.unwrap();
    assert_eq!(claim(&store, "one", 40).await, None);
    assert_eq!(claim(&store, "two", 41).await, Some(("r1".to_owned(), 3)));

    // Of a claim whose answer was lost nobody knows: it bears a name, and is in nobody's hand.
    assert_eq!(claim(&store, "two", 47).await, Some(("r1".to_owned(), 4)));
}

/// Or a process would take from itself what it has in hand, in the middle of a step.
pub async fn a_claim_is_renewed_by_a_clock_that_was_set_back(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    claim(&store, "one", 3600).await.unwrap();
    store.renew_claims("one", later(10), &["r1".to_owned()]).await.unwrap();
    let claimed = store.claim_runs("one", later(9), later(14), 9, &[]).await.unwrap();
    assert_eq!(claimed, []);
    assert_eq!(claim(&store, "two", 11).await, Some(("r1".to_owned(), 2)));
}

/// What a clock wrote that ran an hour ahead keeps nobody waiting for that hour.
pub async fn a_clock_that_was_set_back_keeps_nothing_waiting(database: Database) {
    const HOUR: i64 = 3600;
    let store = database.open().await;
    begin(&store, "r1").await;
    assert!(claim(&store, "one", HOUR).await.is_some());
    let entry = stop_asked("dana");
    let due = Append {
        cache: running(AT_ONCE),
        ..addition("r1", 1, Some(1), &entry)
    };
    store.append(due, later(HOUR)).await.unwrap();
    assert_eq!(claim(&store, "two", HOUR + 1).await, None, "it is held by that clock");
    assert_eq!(claim(&store, "two", 1).await, Some(("r1".to_owned(), 2)));

    assert!(
        store
            .hold_lease("engine", "one", later(HOUR), later(HOUR + 5))
            .await
            .unwrap()
    );
    assert_eq!(store.lease_holder("engine", later(1)).await.unwrap(), None);
    assert!(store.hold_lease("engine", "two", later(1), later(6)).await.unwrap());

    store.request(&request(), later(HOUR)).await.unwrap();
    let taken = store
        .take_requests("one", later(HOUR), later(HOUR + 5), 9)
        .await
        .unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(store.take_requests("two", later(1), later(6), 9).await.unwrap(), taken);
}

/// The last word of a run gives the claim back with it.
pub async fn a_claim_is_given_back_with_a_write(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    claim(&store, "one", 1).await.unwrap();
    let entry = stop_asked("dana");
    let last = Append {
        release: true,
        ..addition("r1", 1, Some(1), &entry)
    };
    store.append(last, later(2)).await.unwrap();
    assert_eq!(claim(&store, "two", 2).await, Some(("r1".to_owned(), 2)));
}

/// What one of many cannot be written for must not keep the others from being written in the same commit.
pub async fn of_many_writes_at_once_each_stands_by_itself(database: Database) {
    let store = database.open().await;
    for index in 0..40 {
        begin(&store, &format!("r{index}")).await;
    }
    let entry = stop_asked("dana");
    let writes = (0..80).map(|index| {
        let (store, entry) = (store.clone(), entry.clone());
        tokio::spawn(async move {
            // Even ones are right; the others come too late, by a claim that nobody has, for a run that is not there,
            // or with what no database takes.
            let (run, seq, epoch) = match index % 8 {
                1 => (format!("r{}", index / 2), 7, None),
                3 => (format!("r{}", index / 2), 1, Some(9)),
                5 => ("nowhere".to_owned(), 1, None),
                7 => (format!("r{}\0", index / 2), 1, None),
                _ => (format!("r{}", index / 2), 1, None),
            };
            let right = index % 2 == 0;
            let written = store.append(addition(&run, seq, epoch, &entry), later(1)).await;
            (index, right, written)
        })
    });
    for written in join_all(writes).await {
        let (index, right, written) = written.unwrap();
        match (right, written) {
            (true, Ok(written)) => assert!(is_written(&written)),
            (false, Err(StoreError::Moved(_))) => assert!(index % 8 == 1 || index % 8 == 7),
            (false, Err(StoreError::Fenced(_))) => assert_eq!(index % 8, 3),
            (false, Err(StoreError::NoSuchRun(_))) => assert!(index % 8 == 5 || index % 8 == 7),
            (false, Err(StoreError::Database(_))) => assert_eq!(index % 8, 7),
            (_, other) => panic!("{index}: {other:?}"),
        }
    }
    for index in 0..40 {
        assert_eq!(store.run(&format!("r{index}")).await.unwrap().seq(), 2);
    }
}

pub async fn many_claimers_share_the_runs(database: Database) {
    let store = database.open().await;
    for index in 0..40 {
        begin(&store, &format!("r{index}")).await;
    }
    let other = database.open().await;
    let claimers = (0..12).map(|index| {
        let store = if index % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let owner = format!("claimer-{index}");
            let mut mine = Vec::new();
            for _ in 0..20 {
                mine.extend(store.claim_runs(&owner, later(1), later(6), 3, &[]).await.unwrap());
                store.renew_claims(&owner, later(6), &in_hand(&mine)).await.unwrap();
            }
            mine
        })
    });
    let mut all = Vec::new();
    for claimer in join_all(claimers).await {
        all.extend(claimer.unwrap());
    }
    let each: BTreeSet<_> = all.iter().map(|(run, _)| run).collect();
    assert_eq!((all.len(), each.len()), (40, 40));
    assert!(all.iter().all(|(_, epoch)| *epoch == 1));
}

/// The plan and the journal of one moment, never the plan of one and the journal of another.
pub async fn a_run_is_read_whole_while_it_is_written(database: Database) {
    let store = database.open().await;
    begin(&store, "r1").await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for seq in 1..120 {
                let entry = stop_asked("dana");
                let with_plan = Append {
                    new_plan: Some(&plan(&format!("plan-{}", seq + 1))),
                    ..addition("r1", seq, None, &entry)
                };
                store.append(with_plan, later(1)).await.unwrap();
            }
        })
    };
    while !writer.is_finished() {
        let run = store.run("r1").await.unwrap();
        if run.seq() > 1 {
            assert_eq!(run.plan.runbook, format!("plan-{}", run.seq()));
        }
    }
    writer.await.unwrap();
}

/// Dropping the driver of a run is how a process ends its work: in the middle of any statement.
pub async fn writers_that_are_cut_off_leave_no_half_write(database: Database) {
    let store = database.open().await;
    begin_with(&store, "r1", None, &[message("r1:run", MessageKind::Run, "r1")]).await;
    for round in 0..60_u64 {
        let store = store.clone();
        let writer = tokio::spawn(async move {
            loop {
                match add_two(&store).await {
                    Ok(_) | Err(StoreError::Moved(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        // Not a wait for anything: a cut at another moment each round.
        tokio::time::sleep(Duration::from_micros(1537 * round)).await;
        writer.abort();
        let Err(ended) = writer.await;
        assert!(ended.is_cancelled(), "{ended}");
    }
    // A commit that was under way when its writer was dropped may still land; who writes to the same run comes after.
    while matches!(add_two(&store).await, Err(StoreError::Moved(_))) {}
    let run = store.run("r1").await.unwrap();
    let seq = run.seq();
    assert_eq!(run.journal.len() as i64, seq);
    assert!(seq > 1, "nothing was written at all");
    assert_eq!(seq % 2, 1, "entries that belong together were torn apart");
    let posts = store.messages_of("r1").await.unwrap().len() as i64 - 1;
    assert_eq!(posts, (seq - 1) / 2);
}

/// Two entries and a message, which belong together.
async fn add_two(store: &Store) -> Result<Written, StoreError> {
    let entries = [stop_asked("dana"), stop_asked("lee")].concat();
    let seq = store.seq("r1").await.unwrap();
    let word = format!("m{seq}");
    let append = Append {
        thread: Some(Word {
            kind: MessageKind::Ping,
            word: &word,
        }),
        ..addition("r1", seq, None, &entries)
    };
    store.append(append, later(1)).await
}

async fn claim(store: &Store, owner: &str, at: i64) -> Option<(String, i64)> {
    let claimed = store
        .claim_runs(owner, later(at), later(at + 5), 10, &[])
        .await
        .unwrap();
    assert!(claimed.len() < 2);
    claimed.into_iter().next()
}

async fn holds(store: &Store, epoch: i64, at: i64) -> bool {
    let run = store.run("r1").await.unwrap();
    run.epoch == epoch && run.claimed_until >= later(at)
}

fn in_hand(claimed: &[(String, i64)]) -> Vec<String> {
    claimed.iter().map(|(run, _)| run.clone()).collect()
}
