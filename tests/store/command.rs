//! `signalbox audit`, as it is typed.

use super::database::{Database, later};
use super::record::Kept;
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// What a command said: exit code, standard output, standard error.
struct Told(i32, String, String);

/// No runbook, person or secret is there: only what the store needs.
async fn world() -> Kept {
    let kept = Kept::sealed_twice(Database::sqlite()).await;
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"{}\"\nseals = \"record.seals\"\n[files]\ncommands = \"x\"\n\
         people = \"x\"\npolicy = \"x\"\n",
        kept.database.url
    );
    fs::write(kept.folder.path().join("signalbox.toml"), config).unwrap();
    kept
}

fn audit(kept: &Kept, arguments: &[&str]) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .arg("audit")
        .args(arguments)
        .arg("--config")
        .arg(kept.folder.path().join("signalbox.toml"))
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        text.replace(kept.folder.path().to_str().unwrap(), "[folder]")
    };
    Told(output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

async fn spoil(kept: &Kept, sql: &'static str) {
    sqlx::query(sql).execute(&kept.raw).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_says_what_holds_and_what_does_not() {
    let kept = world().await;
    kept.write("r1", 3700).await;
    let Told(code, said, errors) = audit(&kept, &["verify"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_snapshot!(said, @"7 rows in 3 chains, 2 seals. All of before 2026-11-23 13:01:00 UTC is sealed, and nothing of it was changed, removed or added. 1 row not sealed yet: only their own hashes speak for them.");

    spoil(&kept, "UPDATE audit SET body = '{}' WHERE subject = 'r1' AND seq = 2").await;
    spoil(&kept, "DELETE FROM audit WHERE subject = 'r2'").await;
    let Told(code, said, errors) = audit(&kept, &["verify"]);
    assert_eq!((code, errors.as_str()), (1, "2 findings\n"));
    assert_snapshot!(said, @"
    Row 2 of r1 (2026-11-23 12:00:02 UTC, decision, dana) was changed.
    Row 1 of r2 is missing, sealed by seal 1 of 2026-11-23 12:01:00 UTC.
    6 rows in 2 chains, 2 seals. All of before 2026-11-23 13:01:00 UTC is sealed. 1 row not sealed yet: only their own hashes speak for them.
    ");

    let Told(code, said, _) = audit(&kept, &["verify", "--json"]);
    let object: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1);
    assert_eq!(object["findings"][1]["subject"], "r2");
    assert_eq!(object["findings"][1]["row"], 1);
    assert_eq!(object["findings"][1]["seal"], 1);
    assert_eq!(object["rows"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_explained_is_told_and_counts_no_more() {
    let kept = world().await;
    spoil(&kept, "DELETE FROM audit WHERE subject = 'r2'").await;
    assert_eq!(audit(&kept, &["accept", "--reason", " "]).0, 2);
    let Told(code, said, _) = audit(&kept, &["accept", "--reason", "ticket 812"]);
    assert_eq!(code, 0);
    assert_snapshot!(said, @"
    Row 1 of r2 is missing, sealed by seal 1 of 2026-11-23 12:01:00 UTC.
    Noted in [folder]/record.seals: 1 finding explained.
    ");
    let Told(code, said, _) = audit(&kept, &["verify"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Explained by os:"), "{said}");
    assert!(said.contains("(ticket 812): Row 1 of r2 is missing"), "{said}");
    assert!(said.contains("what is different is explained"), "{said}");
    assert_eq!(
        audit(&kept, &["accept", "--reason", "again"]).1,
        "There is nothing to explain.\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn export_gives_each_row_on_a_line_oldest_first() {
    let kept = world().await;
    let rows = |said: &str| -> Vec<Value> { said.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let Told(code, said, _) = audit(&kept, &["export"]);
    assert_eq!(code, 0);
    let all = rows(&said);
    assert_eq!(all.len(), 6);
    assert_eq!(all[0]["at"], later(1).to_string());
    assert_eq!(all[0]["body"]["n"], 1);
    assert_eq!(all[0]["prev"], "");
    assert_eq!(all[1]["seq"], 2);
    assert!(
        all.windows(2)
            .all(|pair| pair[0]["at"].as_str() <= pair[1]["at"].as_str())
    );

    let Told(_, said, _) = audit(&kept, &["export", "--since", "2026-11-23T12:30:00Z", "--run", "r1"]);
    let some = rows(&said);
    assert_eq!((some.len(), some[0]["seq"].as_i64()), (1, Some(4)));

    let Told(code, said, errors) = audit(&kept, &["export", "--since", "yesterday"]);
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(errors.contains("a date such as 2026-11-01"), "{errors}");
}

/// Each tells what is wrong with what, and the way out.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_named() {
    let kept = world().await;
    let seals = kept.seals();
    let whole = fs::read_to_string(&seals).unwrap();

    fs::remove_file(&seals).unwrap();
    let Told(code, said, _) = audit(&kept, &["verify"]);
    assert_eq!(code, 1);
    assert_snapshot!(said, @"
    Seals 1 to 2 are missing: name each file that the replicas have written, or a copy, with --seals.
    There is no seal file [folder]/record.seals.
    6 rows in 3 chains, 0 seals. 6 rows not sealed yet: only their own hashes speak for them.
    ");
    let copy = kept.folder.path().join("copy.seals");
    fs::write(&copy, &whole).unwrap();
    let Told(code, said, _) = audit(&kept, &["verify", "--seals", copy.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let Told(code, _, errors) = audit(&kept, &["verify", "--seals", "/nowhere/x.seals"]);
    assert_eq!(
        (code, errors.as_str()),
        (1, "signalbox: there is no seal file /nowhere/x.seals\n")
    );

    let theirs = whole.replace(&kept.store.database_id().await.unwrap(), "another");
    fs::write(&seals, theirs).unwrap();
    let Told(code, _, errors) = audit(&kept, &["verify"]);
    assert_eq!(code, 1);
    assert!(
        errors.contains("[folder]/record.seals is of another database (another, this one is"),
        "{errors}"
    );

    fs::remove_file(&seals).unwrap();
    fs::create_dir(&seals).unwrap();
    let Told(code, _, errors) = audit(&kept, &["verify"]);
    assert_eq!(code, 1);
    assert!(errors.contains("[folder]/record.seals cannot be read"), "{errors}");
}
