//! Databases of versions before, as real bots left them, and a process of the version before beside the new schema.

use super::database::Database;
use super::record::Kept;
use signalbox::report::Outcome;
use signalbox::run::ledger::Live;
use signalbox::store::lists::RunFilter;
use sqlx::AnyPool;

const VERSIONS: [&str; 4] = [
    include_str!("versions/1.sql"),
    include_str!("versions/2.sql"),
    include_str!("versions/3.sql"),
    include_str!("versions/4.sql"),
];

/// As that version left it.
async fn left_by(database: &Database, version: usize) -> AnyPool {
    let raw = database.raw_new().await;
    let text = VERSIONS[version - 1];
    sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))
        .execute(&raw)
        .await
        .unwrap();
    raw
}

pub async fn a_database_of_version_1_is_taken_over(database: Database) {
    taken_over(database, 1).await;
}

pub async fn a_database_of_version_2_is_taken_over(database: Database) {
    taken_over(database, 2).await;
}

pub async fn a_database_of_version_3_is_taken_over(database: Database) {
    taken_over(database, 3).await;
}

pub async fn a_database_of_version_4_is_taken_over(database: Database) {
    taken_over(database, 4).await;
}

/// Nothing of it is lost, and what came with later versions works on it.
async fn taken_over(database: Database, version: usize) {
    drop(left_by(&database, version).await);
    let kept = Kept::new(database).await;
    let store = &kept.store;

    let runs = store.runs(10).await.unwrap();
    let stand: Vec<_> = runs.iter().map(|run| (run.id.as_str(), run.outcome)).collect();
    assert_eq!(
        stand,
        [
            ("zz0nqfq9f4", Outcome::AwaitingApproval),
            ("1dbzqa2qe7", Outcome::AwaitingApproval),
            ("kgcrm01266", Outcome::Succeeded)
        ]
    );
    let over = Live::load(store, "kgcrm01266").await.unwrap();
    assert_eq!((over.state.standing(), over.run.seq()), (Outcome::Succeeded, 5));
    let waits = Live::load(store, "1dbzqa2qe7").await.unwrap();
    assert_eq!(waits.state.standing(), Outcome::AwaitingApproval);
    assert_eq!(store.pauses().await.unwrap()[0].person, "lee");
    assert_eq!(store.messages_of("kgcrm01266").await.unwrap().len(), 2);
    assert_eq!(store.find_runs(&RunFilter::default(), 10).await.unwrap().len(), 3);
    assert!(store.delivered("Ev01").await.unwrap().is_some());

    assert_eq!(
        kept.custody
            .seal("2027-01-01T00:00:00Z".parse().unwrap())
            .await
            .unwrap(),
        7
    );
    let examined = kept.examine().await;
    assert_eq!((examined.findings, examined.rows, examined.unsealed), (vec![], 7, 0));
    let done = kept
        .custody
        .round("2030-01-01T00:00:00Z".parse().unwrap())
        .await
        .unwrap();
    // Two wait to be approved. The messages of the third wait to be sent.
    assert_eq!((done.runs, done.record), (0, 7));
    assert_eq!(kept.examine().await.findings, []);
}

/// What version 3 writes, table by table, in its words.
const OF_VERSION_3: &[&str] = &[
    "INSERT INTO delivery (id, surface, at, kept, request) VALUES ('Ev02', '\"slack\"', 1, '', 'q2') ON CONFLICT (id) DO NOTHING",
    "INSERT INTO request (id, at, body, state, session) VALUES ('q2', 1, '{}', 'new', NULL)",
    "INSERT INTO token (request, sealed, expires, uses) VALUES ('q2', 'x', 1, 0)",
    "UPDATE request SET state = 'taken', owner = 'old', taken_until = 2 WHERE id IN (SELECT id FROM request \
     WHERE state = 'new' OR (state = 'taken' AND taken_until < 3) ORDER BY at LIMIT 4) \
     AND (state = 'new' OR (state = 'taken' AND taken_until < 3)) RETURNING body, at",
    "INSERT INTO run (id, runbook, person, request, created, updated, outcome, seq, epoch, lease_until, wake, plan, inputs, \
     said) SELECT 'old', runbook, person, 'q2', created, updated, outcome, seq, 0, 0, wake, plan, 'order=1', NULL FROM run \
     WHERE id = '1dbzqa2qe7'",
    "INSERT INTO journal (run, seq, at, epoch, entry) SELECT 'old', seq, at, epoch, entry FROM journal \
     WHERE run = '1dbzqa2qe7'",
    "UPDATE request SET state = 'answered', run = 'old' WHERE id = 'q2' AND state <> 'answered'",
    "UPDATE run SET seq = seq + 0, outcome = outcome, wake = wake, updated = 4, said = COALESCE(NULL, said) \
     WHERE id = 'old' AND seq = 2 AND (-1 < 0 OR epoch = -1) RETURNING person",
    "INSERT INTO message (id, kind, run, request, place, body, wanted, shown, due, tries, created) \
     VALUES ('m2', '\"run\"', 'old', 'q2', '{}', NULL, 1, 0, 5, 0, 5) ON CONFLICT (id) DO NOTHING",
    "UPDATE message SET wanted = wanted + 1, due = COALESCE(due, 6) WHERE run = 'old' AND kind = '\"run\"' \
     AND (due IS NOT NULL OR error IS NULL)",
    "INSERT INTO held_lock (name, run, shared, person, reason, since) VALUES ('order:1', 'old', 0, 'dana', 'x', 6) \
     ON CONFLICT (name, run) DO NOTHING",
    "INSERT INTO audit (id, at, kind, person, subject, body) VALUES ('a2', 1800000000000000, 'decision', 'dana', 'old', '{}')",
    "INSERT INTO lease (name, owner, epoch, until) VALUES ('engine', 'old', 1, 7) ON CONFLICT (name) DO UPDATE \
     SET owner = 'old', until = 7, epoch = lease.epoch + CASE WHEN lease.owner = 'old' THEN 0 ELSE 1 END \
     WHERE lease.owner = 'old' OR lease.until < 8",
    "INSERT INTO session (hash, id, person, proof, created, seen, expires) VALUES ('h2', 's2', 'dana', 'p', 1, 1, 2)",
    "UPDATE request SET state = 'answered', answer = NULL WHERE id = 'q2' AND state <> 'answered'",
];

/// During a restart of replicas one after the other.
pub async fn a_process_of_version_3_works_on_beside_the_new_schema(database: Database) {
    let old = left_by(&database, 3).await;
    // Its statements are prepared before the schema changes under it.
    const AUDIT: &str =
        "INSERT INTO audit (id, at, kind, person, subject, body) VALUES ($1, $2, 'effect', 'dana', 'old', '{}')";
    let mut connection = old.acquire().await.unwrap();
    let add = |id: &'static str| sqlx::query(AUDIT).bind(id).bind(1_799_999_999_000_000_i64);
    add("before").execute(&mut *connection).await.unwrap();

    let kept = Kept::new(database).await;

    add("after").execute(&mut *connection).await.unwrap();
    drop(connection);
    for statement in OF_VERSION_3 {
        sqlx::query(*statement).execute(&old).await.unwrap();
    }
    let waits = Live::load(&kept.store, "old").await.unwrap();
    assert_eq!(waits.state.standing(), Outcome::AwaitingApproval);
    // And the new one goes on in the same chain.
    kept.write("old", 1).await;
    assert_eq!(
        kept.custody
            .seal("2028-01-01T00:00:00Z".parse().unwrap())
            .await
            .unwrap(),
        7 + 4
    );
    assert_eq!(kept.examine().await.findings, []);
    let chain = kept.store.chain("old", i64::MAX).await.unwrap();
    assert_eq!(chain.len(), 4);
}

/// For going back: the program of before is started again on the schema of the new one.
pub async fn a_later_schema_that_lets_this_version_work_is_opened(database: Database) {
    drop(database.open().await);
    let raw = database.raw().await;
    for (name, value) in [("schema", "99"), ("oldest", "4")] {
        sqlx::query("UPDATE meta SET value = $2 WHERE name = $1")
            .bind(name)
            .bind(value)
            .execute(&raw)
            .await
            .unwrap();
    }
    database.open().await.alive().await.unwrap();
    let kept: String = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'schema'")
        .fetch_one(&raw)
        .await
        .unwrap();
    assert_eq!(kept, "99");
}
