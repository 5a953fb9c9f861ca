//! What is deleted by age, and what never is.

use super::database::{
    Database, addition, begin, begin_with, channel, delivery, later, locks, message, noon, stop_asked,
};
use super::record::{Kept, days};
use jiff::SignedDuration;
use signalbox::report::Outcome;
use signalbox::run::journal::Entry;
use signalbox::store::StoreError;
use signalbox::store::messages::{MessageKind, NewMessage};
use signalbox::store::runs::{Append, Cache, LockChange};
use signalbox::store::sessions::Session;

/// Brings a run to an end at noon.
async fn close(kept: &Kept, run: &str, outcome: Outcome) {
    let entries = [Entry::Closed {
        outcome,
        say: "Over.".to_owned(),
    }];
    let end = Append {
        cache: Cache { outcome, wake: None },
        locks: LockChange::Keep,
        ..addition(run, 1, None, &entries)
    };
    kept.store.append(end, noon()).await.unwrap();
}

async fn count(kept: &Kept, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")))
        .fetch_one(&kept.raw)
        .await
        .unwrap()
}

/// With all that belongs to it.
pub async fn a_run_that_is_over_goes_whole(database: Database) {
    let kept = Kept::new(database).await;
    for index in 0..120 {
        let run = format!("r{index}");
        begin_with(
            &kept.store,
            &run,
            None,
            &[message(&format!("m{index}"), MessageKind::Run, &run)],
        )
        .await;
        close(&kept, &run, Outcome::Succeeded).await;
        kept.store
            .shown(&format!("m{index}"), 2, Some("1"), noon())
            .await
            .unwrap();
    }
    begin(&kept.store, "young").await;
    close(&kept, "young", Outcome::Succeeded).await;
    sqlx::query("UPDATE run SET updated = $1 WHERE id = 'young'")
        .bind(days(100).as_microsecond())
        .execute(&kept.raw)
        .await
        .unwrap();

    let done = kept.custody.round(days(400)).await.unwrap();
    assert_eq!(done.runs, 0, "the day has not ended");
    let done = kept.custody.round(days(401)).await.unwrap();

    assert_eq!(done.runs, 120);
    assert!(matches!(kept.store.run("r0").await, Err(StoreError::NoSuchRun(_))));
    assert_eq!(kept.store.run("young").await.unwrap().seq(), 2);
    for (table, left) in [("run", 1), ("journal", 2), ("message", 0), ("request", 1)] {
        assert_eq!(count(&kept, table).await, left, "{table}");
    }
}

pub async fn a_run_that_is_not_over_stays(database: Database) {
    let kept = Kept::new(database).await;
    let store = &kept.store;
    begin(store, "running").await;
    for (run, outcome) in [
        ("waits", Outcome::AwaitingApproval),
        ("asks", Outcome::NeedsPerson),
        ("claimed", Outcome::Succeeded),
        ("moved", Outcome::Succeeded),
    ] {
        begin(store, run).await;
        close(&kept, run, outcome).await;
    }
    begin_with(store, "locked", Some(&locks(&["order:1"], false)), &[]).await;
    close(&kept, "locked", Outcome::Failed).await;
    begin_with(store, "unsent", None, &[message("m1", MessageKind::Run, "unsent")]).await;
    close(&kept, "unsent", Outcome::Failed).await;
    begin(store, "proves").await;
    let entries = stop_asked("dana");
    let proof = Append {
        cache: Cache {
            outcome: Outcome::Succeeded,
            wake: Some(days(500)),
        },
        ..addition("proves", 1, None, &entries)
    };
    store.append(proof, noon()).await.unwrap();
    sqlx::query("UPDATE run SET owner = 'one', lease_until = $1 WHERE id = 'claimed'")
        .bind(days(900).as_microsecond())
        .execute(&kept.raw)
        .await
        .unwrap();
    // Somebody wanted it undone a day ago.
    store
        .append(addition("moved", 2, None, &stop_asked("dana")), days(799))
        .await
        .unwrap();

    let done = kept.custody.round(days(800)).await.unwrap();

    assert_eq!(done.runs, 0);
    assert_eq!(count(&kept, "run").await, 8);
    let held = store.holders("order:1").await.unwrap();
    assert_eq!(held[0].run, "locked");
}

pub async fn requests_deliveries_answers_and_sign_ins_go_by_their_own_age(database: Database) {
    let kept = Kept::new(database).await;
    let store = &kept.store;
    store
        .receive(&[delivery("old"), delivery("open")], noon())
        .await
        .unwrap();
    store.receive(&[delivery("new")], days(50)).await.unwrap();
    let asked = store.delivered("old").await.unwrap().unwrap();
    let answer = NewMessage {
        request: Some(asked.clone()),
        run: None,
        body: None,
        place: channel("C1"),
        id: "answer".to_owned(),
        kind: MessageKind::Ephemeral,
    };
    store.post(&answer, noon()).await.unwrap();
    store.shown("answer", 1, None, noon()).await.unwrap();
    store
        .post(
            &NewMessage {
                id: "unsent".to_owned(),
                ..answer
            },
            noon(),
        )
        .await
        .unwrap();
    sqlx::query("UPDATE request SET state = 'answered' WHERE id = $1")
        .bind(&asked)
        .execute(&kept.raw)
        .await
        .unwrap();
    begin(store, "r1").await;
    close(&kept, "r1", Outcome::Succeeded).await;
    let session = Session {
        id: "s1".to_owned(),
        person: "dana".to_owned(),
        proof: String::new(),
        seen: noon(),
        expires: later(3600),
    };
    store.open_session("hash", &session).await.unwrap();

    kept.custody.round(days(91)).await.unwrap();

    // The one that nobody answered is no past; that of a run goes with the run.
    let open = store.delivered("new").await.unwrap().unwrap();
    assert_eq!(store.delivered("old").await.unwrap(), None);
    for (table, left) in [
        ("delivery", 1),
        ("request", 3),
        ("message", 1),
        ("session", 0),
        ("run", 1),
    ] {
        assert_eq!(count(&kept, table).await, left, "{table}");
    }
    assert!(store.request_body(&asked).await.is_err());
    store.request_body(&open).await.unwrap();
    let again = store.receive(&[delivery("new")], days(91)).await.unwrap();
    assert_eq!(again, [false]);
}

pub async fn for_ever_is_for_ever(database: Database) {
    let mut kept = Kept::new(database).await;
    kept.custody.keep.runs = None;
    kept.custody.keep.requests = None;
    kept.custody.keep.audit = None;
    begin(&kept.store, "r1").await;
    close(&kept, "r1", Outcome::Succeeded).await;
    kept.store.receive(&[delivery("d1")], noon()).await.unwrap();
    kept.write("r1", 1).await;
    let done = kept.custody.round(days(36_000)).await.unwrap();
    assert_eq!((done.sealed, done.runs, done.others, done.record), (1, 0, 0, 0));
}

/// What is left is proved, and what went is known to have gone by age.
pub async fn the_record_is_pruned_by_sealed_pieces_and_still_proved(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    // A chain that goes on, as of pauses: its beginning goes, and it goes on where it was.
    kept.write("r1", 86_400 * 300).await;
    kept.write("r5", 86_400 * 300).await;
    kept.custody.seal(days(301)).await.unwrap();
    kept.write("r1", 86_400 * 800).await;

    let done = kept.custody.round(days(801)).await.unwrap();

    assert_eq!(done.record, 6);
    let left = kept.store.chain("r1", i64::MAX).await.unwrap();
    assert_eq!(left[0].link.as_ref().unwrap().seq, 5);
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.rows, examined.chains), (vec![], 3, 2));
    // What is left is still held.
    sqlx::query("DELETE FROM audit WHERE subject = 'r1' AND seq = 5")
        .execute(&kept.raw)
        .await
        .unwrap();
    assert_eq!(kept.findings().await, ["Row 5 of r1 is missing."]);
}

/// A chain of which all has gone begins anew.
pub async fn a_chain_that_went_whole_may_begin_again(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.custody.round(days(801)).await.unwrap();
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.rows), (vec![], 0));

    kept.write("r1", 86_400 * 802).await;
    assert_eq!(kept.findings().await, Vec::<String>::new());
    kept.custody.seal(days(803)).await.unwrap();
    kept.write("r1", 86_400 * 804).await;
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.rows, examined.unsealed), (vec![], 2, 1));
    kept.custody.round(days(1700)).await.unwrap();
    assert_eq!(kept.findings().await, Vec::<String>::new());

    kept.write("r1", 86_400 * 1701).await;
    kept.custody.seal(days(1702)).await.unwrap();
    sqlx::query("DELETE FROM audit").execute(&kept.raw).await.unwrap();
    let told = kept.findings().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].starts_with("Row 1 of r1 is missing, sealed by seal"),
        "{told:#?}"
    );
}

/// The seal that says so stands in the file, and then the process died.
pub async fn what_a_crash_left_of_the_pruning_is_no_finding(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    sqlx::query("CREATE TABLE put_away AS SELECT * FROM audit")
        .execute(&kept.raw)
        .await
        .unwrap();
    kept.custody.round(days(801)).await.unwrap();
    sqlx::query("INSERT INTO audit SELECT * FROM put_away")
        .execute(&kept.raw)
        .await
        .unwrap();
    kept.write("r9", 86_400 * 800).await;
    kept.custody.seal(days(802)).await.unwrap();
    assert_eq!(kept.findings().await, Vec::<String>::new());
    kept.custody.round(days(803)).await.unwrap();
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.rows), (vec![], 1));
}

/// It is the evidence.
pub async fn what_was_tampered_with_is_not_pruned(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    sqlx::query("UPDATE audit SET person = 'vic' WHERE subject = 'r1' AND seq = 2")
        .execute(&kept.raw)
        .await
        .unwrap();
    let done = kept.custody.round(days(801)).await.unwrap();
    assert_eq!(done.record, 2);
    assert_eq!(kept.store.chain("r1", i64::MAX).await.unwrap().len(), 4);
    let told = kept.findings().await;
    assert_eq!(
        told,
        ["Row 2 of r1 (2026-11-23 12:00:02 UTC, decision, vic) was changed."]
    );
}

/// One step of pruning is short, and only the holder of the lease takes it.
pub async fn only_one_of_all_prunes(database: Database) {
    let kept = Kept::new(database).await;
    begin(&kept.store, "r1").await;
    close(&kept, "r1", Outcome::Succeeded).await;
    let now = jiff::Timestamp::now();
    let until = now + SignedDuration::from_mins(2);
    assert!(kept.store.hold_lease("custody", "another", now, until).await.unwrap());
    let error = kept.custody.round(days(500)).await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(count(&kept, "run").await, 1);
    kept.store.release_lease("custody", "another").await.unwrap();
    assert_eq!(kept.custody.round(days(500)).await.unwrap().runs, 1);
}
