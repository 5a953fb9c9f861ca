//! What those who watch the bot are told of it: `/readyz`, `/metrics`, and the alert rules that are shipped.

use crate::bad_input::world::World;
use jiff::{SignedDuration, Timestamp};
use signalbox::problem::Problem;
use signalbox::request::{Account, Ask, Place, Request, Surface};
use signalbox::station::ENGINE;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

async fn get(world: &World, path: &str) -> (u16, String) {
    let response = reqwest::get(format!("{}{path}", world.url)).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn somebody_leads(world: &World) {
    let now = Timestamp::now();
    // Longer than any test, and no longer than a lease may be believed.
    let until = now + SignedDuration::from_secs(90);
    assert!(world.app.store.hold_lease(ENGINE, "another", now, until).await.unwrap());
}

/// The value of a sample, by its name with labels.
fn sample(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_where_somebody_carries_out_what_is_asked() {
    let world = World::new().await;
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    503
    not ready
    - no process holds the engine's lease: what is asked is kept and not carried out; within seconds one should take it, else the log of each process says why not
    ");
    somebody_leads(&world).await;
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    200
    ready
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_are_told_and_do_not_make_it_unready() {
    let world = World::new().await;
    somebody_leads(&world).await;
    let problem = Problem::whole("/etc/signalbox/people.toml", "dana is nobody");
    let at: Timestamp = "2026-05-04T03:02:01Z".parse().unwrap();
    world.app.rules.reject(vec![problem], at);
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    200
    ready
    - the runbooks, people, policy or panels on disk have been wrong since 03:02 UTC on 2026-05-04: what was before is in force; `signalbox check` shows what is wrong
    ");
    assert_eq!(
        sample(&get(&world, "/metrics").await.1, "signalbox_rules_current"),
        Some(0.0)
    );
}

/// Whichever process found it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_spoken_to_is_told_and_does_not_make_it_unready() {
    const UP: &str = "signalbox_platform_up{platform=\"slack\"}";
    let world = World::new().await;
    somebody_leads(&world).await;
    assert_eq!(sample(&get(&world, "/metrics").await.1, UP), Some(1.0));
    let at: Timestamp = "2026-05-04T03:02:01Z".parse().unwrap();
    let say = "it does not accept the bot token (token_revoked)";
    world.app.store.platform_fails("slack", say, at).await.unwrap();
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    200
    ready
    - slack cannot be spoken to since 03:02 UTC on 2026-05-04: it does not accept the bot token (token_revoked); runs go on, messages wait, and the console shows both
    ");
    assert_eq!(sample(&get(&world, "/metrics").await.1, UP), Some(0.0));
    world.app.store.platform_works("slack").await.unwrap();
    assert_eq!(sample(&get(&world, "/metrics").await.1, UP), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_set_aside_are_told_and_do_not_make_it_unready() {
    let world = World::new().await;
    somebody_leads(&world).await;
    let database = world.database().await;
    for row in [
        "INSERT INTO run (id, runbook, person, request, created, updated, outcome, seq, epoch, lease_until, plan) VALUES \
         ('r1', 'act', 'dana', 'q1', 0, 0, '\"needs-person\"', 1, 1, 0, '{}')",
        "INSERT INTO aside (run, at, reason, outcome) VALUES ('r1', 0, 'its plan is another one', '\"running\"')",
    ] {
        sqlx::query(row).execute(&database).await.unwrap();
    }
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    200
    ready
    - a run is set aside, because what is stored of it cannot be read or believed; the console and `signalbox runs` show which, `signalbox show RUN` why, and what can be done
    ");
    let metrics = get(&world, "/metrics").await.1;
    assert_eq!(sample(&metrics, "signalbox_runs_set_aside"), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_is_told() {
    let world = World::new().await;
    somebody_leads(&world).await;
    assert_eq!(
        sample(&get(&world, "/metrics").await.1, "signalbox_store_up"),
        Some(1.0)
    );
    let database = world.database().await;
    for table in ["lease", "held_lock"] {
        let rename = format!("ALTER TABLE {table} RENAME TO {table}_away");
        sqlx::query(sqlx::AssertSqlSafe(rename))
            .execute(&database)
            .await
            .unwrap();
    }
    insta::assert_snapshot!(told(get(&world, "/readyz").await), @"
    503
    not ready
    - the bot's own database refuses; the log says why
    ");
    let (status, metrics) = get(&world, "/metrics").await;
    assert_eq!((status, sample(&metrics, "signalbox_store_up")), (200, Some(0.0)));
    assert_eq!(
        sample(&metrics, "signalbox_locks_held"),
        None,
        "what is not known is left out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_counted() {
    let world = World::new().await;
    let before = get(&world, "/metrics").await.1;
    assert_eq!(sample(&before, "signalbox_requests_waiting"), Some(0.0));
    assert_eq!(sample(&before, "signalbox_oldest_request_seconds"), Some(0.0));
    assert_eq!(sample(&before, "signalbox_engine_leads"), Some(0.0));
    let asked = Timestamp::now() - SignedDuration::from_mins(5);
    let account = Account::Slack {
        team: "T1".to_owned(),
        user: "U1".to_owned(),
    };
    let place = Place {
        surface: Surface::Slack,
        channel: Some("C1".to_owned()),
        workspace: Some("T1".to_owned()),
        thread: None,
    };
    let request = Request::new(account, place, Ask::Help { runbook: None });
    world.app.store.request(&request, asked).await.unwrap();
    let metrics = get(&world, "/metrics").await.1;
    assert_eq!(sample(&metrics, "signalbox_requests_waiting"), Some(1.0));
    let waited = sample(&metrics, "signalbox_oldest_request_seconds").unwrap();
    assert!((300.0..400.0).contains(&waited), "{waited}");
}

/// Whatever a rule names is exported, and each rule fires on what it is for.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_alert_rules_work() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let tried = Command::new("promtool")
        .args(["test", "rules"])
        .arg(root.join("tests/health/rules.yml"))
        .output()
        .expect("promtool comes with Prometheus");
    assert!(
        tried.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tried.stdout),
        String::from_utf8_lossy(&tried.stderr)
    );

    let world = World::new().await;
    let metrics = get(&world, "/metrics").await.1;
    let exported: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let rules = std::fs::read_to_string(root.join("config/rules/signalbox.yml")).unwrap();
    let named: Vec<&str> = rules
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("signalbox_"))
        .collect();
    assert!(named.len() >= 6, "{named:?}");
    for name in named {
        assert!(exported.contains(name), "{name} is in no line of /metrics:\n{metrics}");
    }
}

fn told((status, text): (u16, String)) -> String {
    format!("{status}\n{text}")
}
