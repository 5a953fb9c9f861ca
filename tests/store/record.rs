//! The record: its chains, its seals, and what is found when somebody has been at it.

use super::database::{Database, later, noon};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox::config::Keep;
use signalbox::custody::Custody;
use signalbox::custody::seals::{Seal, SealFile, each_line};
use signalbox::custody::verify::{Examined, verify};
use signalbox::store::Store;
use signalbox::store::audit::AuditRow;
use signalbox::store::chain::{End, TrailRow};
use sqlx::AnyPool;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A store with its custodian, and the seal file.
pub struct Kept {
    pub store: Store,
    pub custody: Custody,
    pub raw: AnyPool,
    pub folder: TempDir,
    pub database: Database,
}

impl Kept {
    pub async fn new(database: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = database.open().await;
        let custody = Custody {
            store: store.clone(),
            seals: folder.path().join("record.seals"),
            keep: Keep::USUAL,
            owner: "keeper".to_owned(),
        };
        Self {
            store,
            custody,
            raw: database.raw().await,
            folder,
            database,
        }
    }

    /// Rows of `r1` and `r2` that are sealed, and then more.
    pub async fn sealed_twice(database: Database) -> Self {
        let kept = Self::new(database).await;
        for seconds in [1, 2, 3] {
            kept.write("r1", seconds).await;
        }
        kept.write("r2", 2).await;
        assert_eq!(kept.custody.seal(later(60)).await.unwrap(), 4);
        kept.write("r1", 3600).await;
        kept.write("r3", 3601).await;
        assert_eq!(kept.custody.seal(later(3660)).await.unwrap(), 2);
        kept
    }

    pub async fn write(&self, subject: &str, seconds: i64) {
        self.store.audit(&row(subject, seconds)).await.unwrap();
    }

    pub fn seals(&self) -> PathBuf {
        self.custody.seals.clone()
    }

    pub async fn examine(&self) -> Examined {
        verify(&self.store, &[self.seals()]).await.unwrap()
    }

    pub async fn findings(&self) -> Vec<String> {
        self.examine().await.findings.into_iter().map(|it| it.say).collect()
    }

    async fn tell(&self, sql: &str) {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.raw)
            .await
            .unwrap();
    }

    async fn chain(&self, subject: &str) -> Vec<TrailRow> {
        self.store.chain(subject, i64::MAX).await.unwrap()
    }

    /// Writes a chain as somebody would who knows how its hashes are made.
    async fn forge(&self, rows: Vec<TrailRow>) {
        let subject = rows[0].subject.clone();
        self.tell(&format!("DELETE FROM audit WHERE subject = '{subject}'"))
            .await;
        let mut end: Option<End> = None;
        for row in rows {
            let link = row.link_after(end);
            sqlx::query(
                "INSERT INTO audit (id, at, kind, person, subject, body, seq, prev, hash, sealed) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
            )
            .bind(&row.id)
            .bind(row.at)
            .bind(&row.kind)
            .bind(&row.person)
            .bind(&row.subject)
            .bind(&row.body)
            .bind(link.seq)
            .bind(&link.prev)
            .bind(&link.hash)
            .execute(&self.raw)
            .await
            .unwrap();
            end = Some(End {
                seq: link.seq,
                hash: link.hash,
            });
        }
    }
}

pub fn row(subject: &str, seconds: i64) -> AuditRow {
    AuditRow {
        at: later(seconds),
        kind: "decision".to_owned(),
        person: "dana".to_owned(),
        subject: subject.to_owned(),
        body: json!({ "n": seconds }),
    }
}

pub async fn many_writers_of_one_chain_leave_no_gap(database: Database) {
    let (one, other) = (database.open().await, database.open().await);
    let writers = (0..12).map(|writer| {
        let store = if writer % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move {
            for turn in 0..5 {
                store.audit(&row("r1", writer * 10 + turn)).await.unwrap();
                store.audit(&row(&format!("own-{writer}"), turn)).await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let chain = one.chain("r1", i64::MAX).await.unwrap();
    let mut end: Option<End> = None;
    for row in &chain {
        let link = row.link.as_ref().unwrap();
        assert_eq!(row.link_after(end), *link);
        end = Some(End {
            seq: link.seq,
            hash: link.hash.clone(),
        });
    }
    assert_eq!(end.unwrap().seq, 60);
}

pub async fn what_nobody_touched_is_proved(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.write("r1", 3700).await;
    let examined = kept.examine().await;
    assert_eq!(examined.findings, []);
    assert_eq!(examined.notes, Vec::<String>::new());
    assert_eq!(
        (examined.rows, examined.chains, examined.seals, examined.unsealed),
        (7, 3, 2, 1)
    );
    assert_eq!(examined.covered_until, Some(later(3660)));
    // Nothing new is no seal.
    assert_eq!(kept.custody.seal(later(3720)).await.unwrap(), 1);
    assert_eq!(kept.custody.seal(later(3780)).await.unwrap(), 0);
    assert_eq!(kept.examine().await.seals, 3);
}

/// Each case spoils a record that was sealed, and is mended before the next.
pub async fn whatever_is_done_to_a_row_is_found_and_named(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.tell("CREATE TABLE put_away AS SELECT * FROM audit").await;
    let at = |seconds: i64| later(seconds).as_microsecond();
    let cases: Vec<(String, &[&str])> = vec![
        (
            "UPDATE audit SET body = '{\"n\":9}' WHERE subject = 'r1' AND seq = 2".to_owned(),
            &["Row 2 of r1 (2026-11-23 12:00:02 UTC, decision, dana) was changed."],
        ),
        (
            "UPDATE audit SET person = 'vic' WHERE subject = 'r1' AND seq = 4".to_owned(),
            &["Row 4 of r1 (2026-11-23 13:00:00 UTC, decision, vic) was changed."],
        ),
        (
            format!("UPDATE audit SET at = {} WHERE subject = 'r2'", at(900)),
            &["Row 1 of r2 (2026-11-23 12:15:00 UTC, decision, dana) was changed."],
        ),
        (
            "UPDATE audit SET hash = NULL WHERE subject = 'r2'".to_owned(),
            &["Row 1 of r2 (2026-11-23 12:00:02 UTC, decision, dana) was changed."],
        ),
        (
            "DELETE FROM audit WHERE subject = 'r1' AND seq = 2".to_owned(),
            &["Row 2 of r1 is missing."],
        ),
        (
            "DELETE FROM audit WHERE subject = 'r1' AND seq = 1".to_owned(),
            &["Row 1 of r1 is missing."],
        ),
        (
            "DELETE FROM audit WHERE subject = 'r1' AND seq = 4".to_owned(),
            &["Row 4 of r1 is missing, sealed by seal 2 of 2026-11-23 13:01:00 UTC."],
        ),
        (
            "DELETE FROM audit WHERE subject = 'r1'".to_owned(),
            &[
                "Rows 1 to 3 of r1 are missing, sealed by seal 1 of 2026-11-23 12:01:00 UTC.",
                "Row 4 of r1 is missing, sealed by seal 2 of 2026-11-23 13:01:00 UTC.",
            ],
        ),
        (
            "UPDATE audit SET seq = seq + 10 WHERE subject = 'r1' AND seq IN (2, 3)".to_owned(),
            &[
                "Rows 2 to 3 of r1 are missing.",
                "Rows 5 to 11 of r1 are missing.",
                "Row 12 of r1 (2026-11-23 12:00:02 UTC, decision, dana) was changed.",
                "Row 13 of r1 (2026-11-23 12:00:03 UTC, decision, dana) was changed.",
            ],
        ),
        (
            "UPDATE audit SET subject = 'r4' WHERE subject = 'r3'".to_owned(),
            &[
                "Row 1 of r4 (2026-11-23 13:00:01 UTC, decision, dana) was changed.",
                "Row 1 of r3 is missing, sealed by seal 2 of 2026-11-23 13:01:00 UTC.",
            ],
        ),
        // As a version of before would have written it, an hour late.
        (
            format!(
                "INSERT INTO audit (id, at, kind, person, subject, body) VALUES ('x', {}, 'approval', 'lee', 'r1', '{{}}')",
                at(10)
            ),
            &[
                "A row of r1 (2026-11-23 12:00:10 UTC, approval, lee) is covered by no seal, although seal 2 covers all of \
               before 2026-11-23 13:01:00 UTC: it was added afterwards, or kept from being sealed.",
            ],
        ),
    ];
    for (sql, told) in cases {
        kept.tell(&sql).await;
        assert_eq!(kept.findings().await, told, "{sql}");
        kept.tell("DELETE FROM audit").await;
        kept.tell("INSERT INTO audit SELECT * FROM put_away").await;
        assert_eq!(kept.findings().await, Vec::<String>::new());
    }
}

/// By somebody who makes all hashes of the chain anew, so that it fits itself.
pub async fn a_chain_that_was_written_anew_is_found_by_its_seals(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    let chain = kept.chain("r1").await;

    let mut changed = chain.clone();
    changed[1].body = "{\"n\":9}".to_owned();
    kept.forge(changed).await;
    let told = kept.findings().await;
    assert!(
        told[0].starts_with("Row 2 of r1 (2026-11-23 12:00:02 UTC, decision, dana) is not the one that seal 1 of"),
        "{told:#?}"
    );

    // The newest row, which only the second seal covers.
    let mut changed = chain.clone();
    changed[3].person = "vic".to_owned();
    kept.forge(changed).await;
    let told = kept.findings().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].starts_with("Row 4 of r1 (") && told[0].contains("that seal 2 of"),
        "{told:#?}"
    );

    let mut shorter = chain.clone();
    shorter.remove(1);
    kept.forge(shorter).await;
    let told = kept.findings().await;
    assert!(told[0].starts_with("Row 2 of r1 (2026-11-23 12:00:03 UTC"), "{told:#?}");
    assert!(
        told[1].starts_with("Row 4 of r1 is missing, sealed by seal 2"),
        "{told:#?}"
    );

    let mut exchanged = chain.clone();
    exchanged.swap(0, 1);
    kept.forge(exchanged).await;
    assert!(kept.findings().await[0].starts_with("Row 1 of r1 ("));

    let mut longer = chain.clone();
    let mut added = chain[1].clone();
    added.id = "between".to_owned();
    added.kind = "approval".to_owned();
    longer.insert(2, added);
    kept.forge(longer).await;
    let told = kept.findings().await;
    assert!(
        told[0].starts_with("Row 3 of r1 (2026-11-23 12:00:02 UTC, approval, dana) is not the one"),
        "{told:#?}"
    );

    // Behind the end: no hash tells, its time does.
    let mut longer = chain.clone();
    let mut added = chain[1].clone();
    added.id = "behind".to_owned();
    longer.push(added);
    kept.forge(longer).await;
    let told = kept.findings().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].starts_with("Row 5 of r1 (2026-11-23 12:00:02 UTC, decision, dana) is covered by no seal"),
        "{told:#?}"
    );

    kept.forge(chain).await;
    assert_eq!(kept.findings().await, Vec::<String>::new());
}

/// With its hashes right, by somebody who lets the bot itself seal it an hour later.
pub async fn a_row_that_was_put_in_later_is_known_by_its_time(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.write("r1", 10).await;
    let told = kept.findings().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("is covered by no seal, although seal 2 covers all"),
        "{told:#?}"
    );

    kept.write("r1", 7200).await;
    kept.custody.seal(later(7260)).await.unwrap();

    let told = kept.findings().await;
    assert_eq!(
        told,
        [
            "Row 5 of r1 (2026-11-23 12:00:10 UTC, decision, dana) is covered only by seal 3, although seal 2 covers all of \
          before 2026-11-23 13:01:00 UTC: it was added afterwards, or kept from being sealed."
        ]
    );
}

/// A line as it would be if its writer had meant it so.
fn forged(line: &str, change: impl FnOnce(&mut Seal)) -> String {
    let mut seal: Seal = serde_json::from_str(line).unwrap();
    change(&mut seal);
    seal.line().unwrap().0
}

pub async fn whatever_is_done_to_the_seals_is_found_and_named(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.write("r3", 7200).await;
    kept.custody.seal(later(7260)).await.unwrap();
    let path = kept.seals();
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 3);
    let copy = kept.folder.path().join("copy.seals");
    fs::write(&copy, &whole).unwrap();
    let missing = |which: &str| {
        format!("{which} missing: name each file that the replicas have written, or a copy, with --seals.")
    };
    let place = |line: usize| format!("{}:{line}", path.display());

    let edited = lines[1].replace("\"r1\",4", "\"r1\",5");
    let anew = forged(lines[1], |seal| seal.at = noon());
    let last = forged(lines[2], |seal| seal.at = noon());
    let torn = &whole[..whole.len() - 40];
    let cases: Vec<(String, Vec<String>)> = vec![
        (
            format!("{}\n{edited}\n{}\n", lines[0], lines[2]),
            vec![format!("{}: seal 2 was changed after it was written.", place(2))],
        ),
        (
            format!("{}\n{anew}{}\n", lines[0], lines[2]),
            vec![format!(
                "{}: seal 3 does not follow seal 2 as it stands: one of them was changed.",
                place(3)
            )],
        ),
        (
            format!("{}\n{}\n{last}", lines[0], lines[1]),
            vec!["Seal 3 is not the one that the database knows.".to_owned()],
        ),
        (format!("{}\n{}\n", lines[0], lines[1]), vec![missing("Seal 3 is")]),
        (torn.to_owned(), vec![missing("Seal 3 is")]),
        (String::new(), vec![missing("Seals 1 to 3 are")]),
        (
            format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
            vec![format!("{}: seal 2 stands behind seal 3.", place(3))],
        ),
        (
            format!("{}\nno seal\n{}\n{}\n", lines[0], lines[1], lines[2]),
            vec![format!("{}: this line is no seal: it was changed.", place(2))],
        ),
    ];
    for (text, told) in cases {
        fs::write(&path, &text).unwrap();
        assert_eq!(kept.findings().await, told, "{text}");
    }
    // One that is missing in the middle leaves rows that nobody vouches for.
    fs::write(&path, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    let told = kept.findings().await;
    assert_eq!(told[0], missing("Seal 2 is"));
    assert!(
        told[1].starts_with("Row 4 of r1 (") && told[1].contains("covered by no seal"),
        "{told:#?}"
    );

    // All written anew by somebody who can write to the database too: only a copy tells.
    let (one, hash) = serde_json::from_str::<Seal>(&forged(lines[0], |seal| seal.at = noon()))
        .unwrap()
        .line()
        .unwrap();
    let two = forged(lines[1], |seal| seal.prev = hash);
    let hash = serde_json::from_str::<Seal>(&two).unwrap().line().unwrap().1;
    let three = forged(lines[2], |seal| seal.prev = hash);
    let hash = serde_json::from_str::<Seal>(&three).unwrap().line().unwrap().1;
    fs::write(&path, format!("{one}{two}{three}")).unwrap();
    let mut mark = kept.store.last_seal().await.unwrap().unwrap();
    mark.hash = hash;
    let mark = serde_json::to_string(&mark).unwrap();
    kept.tell(&format!("UPDATE meta SET value = '{mark}' WHERE name = 'seal'"))
        .await;
    assert_eq!(kept.findings().await, Vec::<String>::new());
    let both = verify(&kept.store, &[path.clone(), copy.clone()]).await.unwrap();
    let told: Vec<_> = both.findings.iter().map(|it| it.say.clone()).collect();
    assert!(
        told.contains(&format!(
            "There are two different seals 1: {} and {}:1.",
            place(1),
            copy.display()
        )),
        "{told:#?}"
    );
}

pub async fn a_seal_that_the_database_never_heard_of_is_no_harm(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.write("r4", 7200).await;
    // The process died between the file and the database.
    let mark = kept.store.last_seal().await.unwrap().unwrap();
    let id = kept.store.database_id().await.unwrap();
    let mut file = SealFile::open(&kept.seals(), &id).unwrap();
    let seal = Seal {
        seal: mark.number + 1,
        at: later(7260),
        database: id,
        prev: mark.hash,
        chains: Vec::new(),
        pruned: Vec::new(),
        until: Some(later(7260)),
        accepted: None,
    };
    file.add(&seal).unwrap();
    drop(file);
    assert_eq!(kept.custody.seal(later(7300)).await.unwrap(), 1);
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.seals), (vec![], 4));
}

pub async fn a_line_that_was_cut_off_is_written_anew(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    let mut text = fs::read_to_string(kept.seals()).unwrap();
    text.push_str("{\"seal\":3,\"at\":\"2026-11-2");
    fs::write(kept.seals(), text).unwrap();
    kept.write("r4", 7200).await;
    kept.custody.seal(later(7260)).await.unwrap();
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.seals), (vec![], 3));
}

pub async fn of_two_that_seal_at_once_one_is_turned_back(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    let elsewhere = kept.folder.path().join("other/record.seals");
    let other = Custody {
        store: kept.database.open().await,
        seals: elsewhere.clone(),
        keep: Keep::USUAL,
        owner: "keeper".to_owned(),
    };
    for turn in 0..8 {
        kept.write("r1", 7200 + turn).await;
        // The same name holds the lease for both, as if it had been lost unnoticed.
        let at = later(7300 + turn);
        let (one, two) = tokio::join!(kept.custody.seal(at), other.seal(at));
        assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    }
    let examined = verify(&kept.store, &[kept.seals(), elsewhere]).await.unwrap();
    assert_eq!(examined.findings, []);
    assert_eq!(examined.unsealed, 0);
}

pub async fn a_file_that_cannot_take_the_seal_is_named_and_the_rows_wait(database: Database) {
    let mut kept = Kept::new(database).await;
    kept.write("r1", 1).await;
    let sound = std::mem::replace(&mut kept.custody.seals, PathBuf::from("/dev/full"));
    let error = kept.custody.seal(later(60)).await.unwrap_err().to_string();
    assert!(
        error.contains("/dev/full") && error.contains("No space left"),
        "{error}"
    );
    assert!(error.contains("store.seals"), "{error}");

    kept.custody.seals = kept.folder.path().to_owned();
    let error = kept.custody.seal(later(60)).await.unwrap_err().to_string();
    assert!(error.contains("directory"), "{error}");

    assert_eq!(kept.store.last_seal().await.unwrap(), None);
    kept.custody.seals = sound;
    assert_eq!(kept.custody.seal(later(60)).await.unwrap(), 1);
    assert_eq!(kept.findings().await, Vec::<String>::new());
}

pub async fn the_seals_of_another_database_are_left_alone(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    let mut other = Kept::new(Database::sqlite()).await;
    other.write("r1", 1).await;
    other.custody.seals = kept.seals();
    let before = fs::read_to_string(kept.seals()).unwrap();
    let error = other.custody.seal(later(60)).await.unwrap_err().to_string();
    assert!(error.contains("of another database"), "{error}");
    let error = verify(&other.store, &[kept.seals()]).await.unwrap_err().to_string();
    assert!(error.contains("of another database"), "{error}");
    assert_eq!(fs::read_to_string(kept.seals()).unwrap(), before);

    // One whose end was edited is evidence: nothing is put on top of it.
    fs::write(kept.seals(), before.replace("13:01:00", "13:02:00")).unwrap();
    kept.write("r1", 7200).await;
    let error = kept.custody.seal(later(7260)).await.unwrap_err().to_string();
    assert!(error.contains("not as it was written"), "{error}");
    assert_eq!(fs::read_to_string(kept.seals()).unwrap().lines().count(), 2);
}

/// As after a move to another machine: the new file goes on where the old one ended.
pub async fn a_new_file_goes_on_where_the_old_one_ended(database: Database) {
    let mut kept = Kept::sealed_twice(database).await;
    let old = std::mem::replace(&mut kept.custody.seals, kept.folder.path().join("new.seals"));
    kept.write("r1", 7200).await;
    kept.custody.seal(later(7260)).await.unwrap();
    let told = kept.findings().await;
    assert!(
        told[0].starts_with("Seals 1 to 2 are missing: name each file"),
        "{told:#?}"
    );
    let examined = verify(&kept.store, &[kept.seals(), old]).await.unwrap();
    assert_eq!(examined.findings, []);
}

/// More rows than one seal takes.
pub async fn a_great_many_rows_are_sealed_in_several_steps(database: Database) {
    let kept = Kept::new(database).await;
    // As a version of before left them.
    let mut work = kept.raw.begin().await.unwrap();
    for index in 0..2500_i64 {
        sqlx::query(
            "INSERT INTO audit (id, at, kind, person, subject, body) VALUES ($1, $2, 'effect', 'dana', $3, '{}')",
        )
        .bind(format!("row-{index:05}"))
        .bind(later(index / 10).as_microsecond())
        .bind(format!("r{}", index % 400))
        .execute(&mut *work)
        .await
        .unwrap();
    }
    work.commit().await.unwrap();
    let before = kept.examine().await;
    assert_eq!((before.findings, before.unsealed), (vec![], 2500));
    assert!(
        before.notes[1].starts_with("2500 rows were written by a version"),
        "{:?}",
        before.notes
    );

    assert_eq!(kept.custody.seal(later(3600)).await.unwrap(), 2500);

    let after = kept.examine().await;
    assert_eq!((after.findings, after.unsealed, after.chains), (vec![], 0, 400));
    let mut until = Vec::new();
    each_line(&kept.seals(), |_, found| until.push(found.seal.unwrap().until)).unwrap();
    assert_eq!(until, [None, None, Some(later(3600))]);
}

pub async fn what_was_explained_counts_no_more_and_stays_to_be_seen(database: Database) {
    let kept = Kept::sealed_twice(database).await;
    kept.tell("DELETE FROM audit WHERE subject = 'r2'").await;
    let examined = kept.examine().await;
    let accepted = signalbox::custody::seals::Accepted {
        person: "os:dana".to_owned(),
        reason: "ticket 812".to_owned(),
        findings: examined.findings.iter().map(|it| it.key.clone()).collect(),
    };
    kept.custody.accept(accepted, later(7200)).await.unwrap();
    let examined = kept.examine().await;
    assert_eq!(examined.findings, []);
    assert_eq!(examined.explained[0].reason, "ticket 812");
    assert!(examined.explained[0].finding.say.starts_with("Row 1 of r2 is missing"));
    // Only what was explained.
    kept.tell("DELETE FROM audit WHERE subject = 'r3'").await;
    assert_eq!(kept.findings().await.len(), 1);
}

pub async fn the_record_is_given_in_the_order_of_its_times(database: Database) {
    let kept = Kept::new(database).await;
    for (subject, seconds) in [("r1", 3), ("r2", 1), ("r1", 2), ("r2", 2)] {
        kept.write(subject, seconds).await;
    }
    let mut told = Vec::new();
    let mut last: Option<TrailRow> = None;
    loop {
        let page = kept.store.trail(later(2), last.as_ref(), None, 1).await.unwrap();
        let Some(row) = page.into_iter().next() else { break };
        told.push((row.subject.clone(), row.at));
        last = Some(row);
    }
    let micros = |seconds: i64| later(seconds).as_microsecond();
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], ("r1".to_owned(), micros(3)));
    let of_one = kept
        .store
        .trail(Timestamp::UNIX_EPOCH, None, Some("r1"), 10)
        .await
        .unwrap();
    let times: Vec<_> = of_one.iter().map(|row| row.at).collect();
    assert_eq!(times, [micros(2), micros(3)]);
}

/// Long after noon.
pub fn days(days: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(24 * days)
}
