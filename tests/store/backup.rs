//! A backup that is taken while runs are written, and restored elsewhere.

use super::database::{Database, addition, begin, later, noon, stop_asked};
use super::record::Kept;
use signalbox::config::Keep;
use signalbox::custody::Custody;
use signalbox::custody::seals::Accepted;
use signalbox::custody::verify::verify;
use signalbox::store::Store;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tempfile::TempDir;

/// Begins runs, one after the other, until it is told to end. Their rows are of about the time at which they are sealed.
async fn write_runs(store: Store, count: Arc<AtomicI64>, end: Arc<AtomicBool>) {
    while !end.load(Ordering::SeqCst) {
        let index = count.load(Ordering::SeqCst);
        let run = format!("run-{index:05}");
        begin(&store, &run).await;
        store.audit(&super::record::row(&run, 3500 + index)).await.unwrap();
        store
            .append(addition(&run, 1, None, &stop_asked("dana")), noon())
            .await
            .unwrap();
        store.audit(&super::record::row(&run, 3500 + index)).await.unwrap();
        count.fetch_add(1, Ordering::SeqCst);
    }
}

async fn at_least(count: &AtomicI64, wanted: i64) {
    while count.load(Ordering::SeqCst) < wanted {
        tokio::task::yield_now().await;
    }
}

pub async fn a_backup_taken_while_runs_are_written_goes_on_elsewhere(database: Database) {
    let kept = Kept::new(database).await;
    let (count, end) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn(write_runs(kept.store.clone(), count.clone(), end.clone()));
    at_least(&count, 20).await;
    kept.custody.seal(later(3600)).await.unwrap();

    // The seals first: what they cover is then in the copy of the database.
    let elsewhere = tempfile::tempdir().unwrap();
    let seals = elsewhere.path().join("record.seals");
    fs::copy(kept.seals(), &seals).unwrap();
    let backup = elsewhere.path().join("backup");
    kept.database.back_up(&backup).await;
    let at_backup = count.load(Ordering::SeqCst);

    at_least(&count, at_backup + 20).await;
    end.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    kept.custody.seal(later(7200)).await.unwrap();
    assert_eq!(kept.findings().await, Vec::<String>::new());

    let restored = kept.database.restored(&backup).await;
    let store = restored.open().await;
    let runs = store.runs(10_000).await.unwrap();
    assert!(
        runs.len() as i64 >= 20 && (runs.len() as i64) <= at_backup + 1,
        "{}",
        runs.len()
    );
    let examined = verify(&store, std::slice::from_ref(&seals)).await.unwrap();
    assert_eq!(examined.findings, []);
    assert!(examined.rows >= 40);

    // Runs go on: another process takes them over where their journals end.
    let claimed = store
        .claim_runs("new", later(60), later(65), 10_000, &[])
        .await
        .unwrap();
    assert_eq!(claimed.len(), runs.len());
    let (run, epoch) = &claimed[0];
    let seq = store.run(run).await.unwrap().seq();
    store
        .append(addition(run, seq, Some(*epoch), &stop_asked("lee")), later(61))
        .await
        .unwrap();

    older_than_its_seals(&kept, &store, &elsewhere).await;
}

/// The newest seals tell what the restored database lacks.
async fn older_than_its_seals(kept: &Kept, store: &Store, elsewhere: &TempDir) {
    let newest = elsewhere.path().join("newest.seals");
    fs::copy(kept.seals(), &newest).unwrap();
    let examined = verify(store, std::slice::from_ref(&newest)).await.unwrap();
    let lost = kept.store.runs(10_000).await.unwrap();
    let there = store.runs(10_000).await.unwrap();
    assert!(lost.len() > there.len());
    let told: Vec<&str> = examined.findings.iter().map(|it| it.say.as_str()).collect();
    for run in lost.iter().filter(|run| !there.iter().any(|other| other.id == run.id)) {
        let say = format!("Rows 1 to 2 of {} are missing, sealed by seal 2 of", run.id);
        assert!(told.iter().any(|told| told.starts_with(&say)), "{say}\n{told:#?}");
    }

    // An operator explains it, and the record goes on behind the newest seals.
    let custody = Custody {
        store: store.clone(),
        seals: newest.clone(),
        keep: Keep::USUAL,
        // The lease came along in the backup, and lasts for two minutes more.
        owner: "keeper".to_owned(),
    };
    let findings = examined.findings.iter().map(|it| it.key.clone()).collect();
    let accepted = Accepted {
        person: "os:dana".to_owned(),
        reason: "restored".to_owned(),
        findings,
    };
    custody.accept(accepted, later(9000)).await.unwrap();
    store.audit(&super::record::row("run-99999", 9001)).await.unwrap();
    // The same run may be there again, with other rows.
    store.audit(&super::record::row(&lost[0].id, 9002)).await.unwrap();
    assert!(custody.seal(later(10_800)).await.unwrap() >= 2);
    let examined = verify(store, &[newest]).await.unwrap();
    assert_eq!(examined.findings, []);
    assert!(!examined.explained.is_empty());
}

/// Why `cp` is no backup of a live SQLite database.
#[tokio::test]
async fn a_copy_of_the_file_alone_lacks_what_stands_in_the_wal() {
    let kept = Kept::new(Database::sqlite()).await;
    for run in ["r1", "r2"] {
        begin(&kept.store, run).await;
    }
    let (copy, backup) = (kept.folder.path().join("copy"), kept.folder.path().join("backup"));
    fs::copy(Path::new(kept.database.url.strip_prefix("sqlite:").unwrap()), &copy).unwrap();
    kept.database.back_up(&backup).await;

    let of_copy = kept.database.restored(&copy).await.open().await;
    let of_backup = kept.database.restored(&backup).await.open().await;

    assert_eq!(of_backup.runs(10).await.unwrap().len(), 2);
    assert_eq!(of_copy.runs(10).await.unwrap().len(), 0);
}
