//! How soon Alertmanager is answered: notifications of one, of twenty and of two hundred alerts, each of a group of its own,
//! over sixteen connections, to a bot that is a process of its own and keeps them in SQLite before it answers. Afterwards
//! it is counted what was kept.
//!
//! `cargo bench --profile dev --bench webhook` measures what `make demo` runs. `SIGNALBOX_BIN` names another program to
//! measure, `NOTIFICATIONS` how many of each size. `/healthz` in the same minute is the baseline: numbers alone say more
//! about the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../tests/harness"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod harness {
    pub mod clock;
    pub mod services;
    pub mod slack;
}
#[path = "surfaces/table.rs"]
mod table;

use futures::StreamExt as _;
use harness::slack::{self, Slack};
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use table::Table;
use tempfile::TempDir;

const SIZES: [usize; 3] = [1, 20, 200];
const CONNECTIONS: usize = 16;
const ANSWERED: Duration = Duration::from_millis(100);

const TOKEN: &str = "a token of this bench";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let program =
        std::env::var_os("SIGNALBOX_BIN").map_or_else(|| env!("CARGO_BIN_EXE_signalbox").into(), PathBuf::from);
    let each = std::env::var("NOTIFICATIONS").map_or(1000, |text| text.parse().expect("NOTIFICATIONS is a number"));
    println!("program  {}", program.display());
    println!("load     {}", fs::read_to_string("/proc/loadavg").unwrap().trim());
    println!("{each} notifications of each size over {CONNECTIONS} connections\n");
    let bot = Bot::start(&program).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(CONNECTIONS)
        .build()
        .unwrap();
    let mut table = Table::new();
    let health = format!("{}/healthz", bot.url);
    let baseline = at_once((0..each).map(|_| client.get(&health))).await;
    table.baseline("GET /healthz", &baseline);
    for size in SIZES {
        let url = format!("{}/alerts/alertmanager", bot.url);
        let posts = (0..each).map(|nth| client.post(&url).bearer_auth(TOKEN).json(&notification(size, nth)));
        // Bodies are made before the clock runs.
        let posts: Vec<reqwest::RequestBuilder> = posts.collect();
        let took = at_once(posts.into_iter()).await;
        table.row(&format!("notifications of {size} alerts"), &took, ANSWERED);
    }
    table.end();
    let (groups, alerts) = bot.end_and_count().await;
    let alerts_sent = each * SIZES.iter().sum::<usize>();
    println!(
        "kept: {groups} of {} groups, {alerts} of {alerts_sent} alerts",
        each * SIZES.len()
    );
    assert_eq!((groups, alerts), ((each * SIZES.len()) as i64, alerts_sent as i64));
}

/// How long each took, so many at a time. All are answered with yes.
async fn at_once(calls: impl Iterator<Item = reqwest::RequestBuilder>) -> Vec<Duration> {
    let calls = calls.map(async |call| {
        let begun = Instant::now();
        let answer = call.send().await.unwrap();
        let status = answer.status();
        let words = answer.text().await.unwrap();
        assert!(status.is_success(), "{status}: {words}");
        begun.elapsed()
    });
    futures::stream::iter(calls)
        .buffer_unordered(CONNECTIONS)
        .collect()
        .await
}

/// As Alertmanager sends it.
fn notification(size: usize, nth: usize) -> Value {
    let name = format!("Broken{size}of{nth}");
    let alerts: Vec<Value> = (0..size)
        .map(|at| {
            json!({
                "status": "firing",
                "labels": {"alertname": name, "severity": "critical", "job": "shop", "instance": format!("web-{at}:8000")},
                "annotations": {"summary": "The shop does not answer.", "description": format!("web-{at} is silent.")},
                "startsAt": "2026-11-27T11:58:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                "fingerprint": format!("{size:04x}{nth:06x}{at:06x}"),
            })
        })
        .collect();
    json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname=\"{name}\"}}"), "truncatedAlerts": 0, "status": "firing",
        "receiver": "signalbox", "externalURL": "http://alertmanager:9093", "groupLabels": {"alertname": name},
        "commonLabels": {"alertname": name, "severity": "critical"},
        "commonAnnotations": {"summary": "The shop does not answer."}, "alerts": alerts,
    })
}

/// The process that is measured, with a Slack in which it shows the alerts.
struct Bot {
    url: String,
    slack: Slack,
    child: Child,
    folder: TempDir,
}

impl Bot {
    async fn start(program: &Path) -> Self {
        let slack = Slack::start().await;
        let folder = tempfile::tempdir().unwrap();
        let url = configure(folder.path(), &slack);
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(folder.path().join("signalbox.toml"))
            // A log line for each notification would measure the log.
            .env("SIGNALBOX_LOG", "error")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let bot = Self {
            url,
            slack,
            child,
            folder,
        };
        let begun = Instant::now();
        while !reqwest::get(format!("{}/readyz", bot.url))
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let log = bot.folder.path().join("log");
            assert!(begun.elapsed() < PATIENCE, "{}", fs::read_to_string(&log).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bot
    }

    /// Groups and alerts in the database, once nobody writes to it any more.
    async fn end_and_count(mut self) -> (i64, i64) {
        self.slack.look_away();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let path = self.folder.path().join("bot.db");
        let mut kept = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap();
        let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM alert_group")
            .fetch_all(&mut kept)
            .await
            .unwrap();
        let alerts = bodies
            .iter()
            .map(|body| body.matches("\"fingerprint\":").count() as i64);
        (bodies.len() as i64, alerts.sum())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives the address.
fn configure(folder: &Path, slack: &Slack) -> String {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let address = format!("127.0.0.1:{}", harness::services::free_port());
    fs::create_dir(folder.join("commands")).unwrap();
    write(
        "policy.cedar",
        "@id(\"ops\")\n@say(\"Ops may.\")\npermit (principal in Group::\"ops\", action, resource);\n",
    );
    write("people.toml", "[person.dana]\ngroups = [\"ops\"]\n[group.ops]\n");
    write("key", "a key for a database that is thrown away");
    write("alerts.token", TOKEN);
    write("signing", slack::SIGNING_SECRET);
    write("slack.token", slack::BOT_TOKEN);
    write(
        "signalbox.toml",
        &format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n[store]\nurl = \"sqlite:bot.db\"\nkey = \
             \"file:key\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\npolicy = \"policy.cedar\"\n[slack]\n\
             transport = \"http\"\nsigning_secret = \"file:signing\"\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\nbot_token \
             = \"file:slack.token\"\napi_url = \"{}\"\n[alerts]\ntoken = \"file:alerts.token\"\nslack_channel = \
             \"C0ALERTS\"\n",
            slack.api_url()
        ),
    );
    format!("http://{address}")
}
