//! The process that is measured, in a world of its own: no shop, two hundred people, and a Slack that answers at once.

use crate::{Outcome, load, slack};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = r#"
[server]
listen = "ADDRESS"
public_url = "http://ADDRESS"
demo = true
[store]
url = "sqlite:signalbox.db"
key = "env:BENCH_KEY"
[files]
commands = "REPOSITORY/commands"
people = "people.toml"
policy = "REPOSITORY/config/policy.cedar"
panels = "REPOSITORY/config/panels"
[limits]
person_open = 1000000
person_per_minute = 1000000
runbook_open = 1000000
[slack]
transport = "http"
teams = ["T1"]
ops_channel = "C0OPS"
signing_secret = "env:BENCH_SIGNING_SECRET"
bot_token = "env:BENCH_KEY"
api_url = "http://SLACK/api"
[console]
session = "1h"
[connection.shop-db]
kind = "postgres"
url = "env:BENCH_NOWHERE"
[connection.shop-celery]
kind = "celery"
broker = "env:BENCH_NOWHERE_ELSE"
results = "env:BENCH_NOWHERE_ELSE"
[connection.shop-metrics]
kind = "prometheus"
url = "http://127.0.0.1:9"
[connection.shop-api]
kind = "http"
url = "http://127.0.0.1:9"
"#;

/// A running bot.
pub struct Bot {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The Slack that it talks to.
    pub slack: SocketAddr,
    /// From exec to the first good answer of `/readyz`.
    pub started_in: Duration,
    database: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Bot {
    /// Starts it with a new database in `folder`.
    pub fn start(program: &Path, folder: &Path, slack: SocketAddr) -> Outcome<Self> {
        let address = free_address()?;
        let config = CONFIG
            .replace("ADDRESS", &address.to_string())
            .replace("REPOSITORY", env!("CARGO_MANIFEST_DIR"))
            .replace("SLACK", &slack.to_string());
        fs::write(folder.join("signalbox.toml"), config)?;
        fs::write(folder.join("people.toml"), people())?;
        let log = fs::File::create(folder.join("log"))?;
        let begun = Instant::now();
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(folder.join("signalbox.toml"))
            .env_clear()
            .env("BENCH_KEY", "a key for a database that is thrown away")
            .env("BENCH_SIGNING_SECRET", slack::SIGNING_SECRET)
            .env("BENCH_NOWHERE", "postgres://nobody@127.0.0.1:9/nothing")
            .env("BENCH_NOWHERE_ELSE", "redis://127.0.0.1:9/0")
            // A log line for each delivery would measure the log.
            .env("SIGNALBOX_LOG", "error")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut bot = Self {
            child,
            address,
            slack,
            started_in: Duration::ZERO,
            database: folder.join("signalbox.db"),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        };
        if let Err(error) = load::await_ok(address, "/readyz", Duration::from_secs(30)) {
            return Err(format!("{error}: {}", fs::read_to_string(folder.join("log"))?).into());
        }
        bot.started_in = begun.elapsed();
        Ok(bot)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Deliveries in its database that have their request beside them.
    pub fn stored(&self) -> Outcome<usize> {
        self.count("SELECT COUNT(*) FROM delivery JOIN request ON request.id = delivery.request")
    }

    /// Waits until every request is answered, and tells how many are not.
    pub fn settle(&self, patience: Duration) -> Outcome<usize> {
        let begun = Instant::now();
        loop {
            let open = self.count("SELECT COUNT(*) FROM request WHERE state <> 'answered'")?;
            if open == 0 || begun.elapsed() > patience {
                return Ok(open);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn count(&self, question: &'static str) -> Outcome<usize> {
        let count: i64 = self.runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&self.database).read_only(true);
            let mut connection = SqliteConnection::connect_with(&options).await?;
            sqlx::query_scalar(question).fetch_one(&mut connection).await
        })?;
        Ok(usize::try_from(count)?)
    }

    /// Bytes of memory that it holds now.
    pub fn resident(&self) -> Outcome<u64> {
        self.memory("VmRSS:")
    }

    /// Bytes of memory that it held at the most.
    pub fn most_resident(&self) -> Outcome<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes: u64 = line
            .and_then(|line| line.split_whitespace().next())
            .ok_or("no such line")?
            .parse()?;
        Ok(kibibytes * 1024)
    }

    /// Ends it.
    pub fn stop(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.stop();
    }
}

/// Half of those who type commands are known.
fn people() -> String {
    let mut text = String::from("[group.ops]\n[group.viewers]\n[group.oncall-leads]\n");
    for user in 0..slack::USERS / 2 {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[person.p{user}]\nslack = [\"T1/U{user}\"]\ngroups = [\"ops\"]");
    }
    text
}

/// An address of this machine on which nobody listens at the moment.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(crate::listener()?.local_addr()?)
}
