//! The demo shop, with all its real servers, brought up once for the whole test binary; and the bot at its command line.
//!
//! Every [`Bot`] has its own database, so tests go side by side as long as each keeps to orders of its own. What breaks
//! a server for everybody is done by whoever has the shop alone, see [`Shop::alone`].

use super::services::{free_port, until_measured};
use serde_json::{Value, json};
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(45);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Ends the world when the pipe from this process closes, however this process ends.
const WATCHDOG: &str = r#"trap '' INT TERM HUP; cat >/dev/null; "$1" --state "$2" down --wipe; rm -rf "$2""#;

static SHOP: OnceLock<Shop> = OnceLock::new();
static USE: RwLock<()> = RwLock::new(());

/// A demo shop that is up.
#[derive(Debug)]
pub struct Shop {
    state: PathBuf,
    environment: BTreeMap<String, String>,
    _watchdog: Mutex<Child>,
}

/// The shop as one of many uses it: nothing is broken meanwhile.
#[derive(Debug)]
pub struct Shared {
    shop: &'static Shop,
    _use: RwLockReadGuard<'static, ()>,
}

/// The shop for one test alone, which may break it; it is whole again afterwards.
#[derive(Debug)]
pub struct Alone {
    shop: &'static Shop,
    stopped: Vec<&'static str>,
    _use: RwLockWriteGuard<'static, ()>,
}

impl std::ops::Deref for Shared {
    type Target = Shop;
    fn deref(&self) -> &Shop {
        self.shop
    }
}

impl std::ops::Deref for Alone {
    type Target = Shop;
    fn deref(&self) -> &Shop {
        self.shop
    }
}

impl Alone {
    /// `stop` ends a service as an operator does, `kill` as an accident does.
    pub fn take_away(&mut self, how: &str, service: &'static str) {
        self.stopped.push(service);
        self.ctl(&[how, service]);
    }

    /// Puts the shop's data back, for those who use the same orders.
    pub fn reset(&self) {
        self.ctl(&["reset"]);
    }

    /// A bot where the shop's Prometheus expects one, so that its charts have a past.
    pub fn scraped_bot(&self) -> Bot {
        let url = self.known("SIGNALBOX_URL");
        self.bot_at(url.rsplit(':').next().unwrap().parse().unwrap())
    }

    pub fn bring_back(&mut self, service: &'static str) {
        self.ctl(&["start", service]);
        self.stopped.retain(|stopped| *stopped != service);
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let redis_was_gone = self.stopped.contains(&"redis");
        for service in ["postgres", "redis", "supplier", "web", "worker"] {
            if self.stopped.contains(&service) {
                self.shop.try_ctl(&["start", service]);
            }
        }
        if redis_was_gone {
            // Celery does not always find its way back to a broker that was away.
            self.shop.try_ctl(&["kill", "worker"]);
            self.shop.try_ctl(&["start", "worker"]);
        }
        self.shop.try_ctl(&["outage", "off"]);
    }
}

impl Shop {
    pub fn shared() -> Shared {
        let guard = USE.read().unwrap_or_else(PoisonError::into_inner);
        Shared {
            shop: SHOP.get_or_init(Self::up),
            _use: guard,
        }
    }

    pub fn alone() -> Alone {
        let guard = USE.write().unwrap_or_else(PoisonError::into_inner);
        Alone {
            shop: SHOP.get_or_init(Self::up),
            stopped: Vec::new(),
            _use: guard,
        }
    }

    fn up() -> Self {
        let state = tempfile::Builder::new()
            .prefix("signalbox-shop-")
            .tempdir()
            .unwrap()
            .keep();
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog"])
            .arg(ctl_program())
            .arg(&state)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let up = ctl(&state, &["up", "--no-signalbox"]);
        assert!(up.status.success(), "the demo shop is not up: {}", told(&up));
        let environment = fs::read_to_string(state.join("env"))
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .filter(|(name, _)| *name != "PATH")
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        Self {
            state,
            environment,
            _watchdog: Mutex::new(watchdog),
        }
    }

    pub fn ctl(&self, words: &[&str]) {
        let done = ctl(&self.state, words);
        assert!(done.status.success(), "ctl {words:?}: {}", told(&done));
    }

    /// For when a panic may be under way already.
    fn try_ctl(&self, words: &[&str]) {
        let done = ctl(&self.state, words);
        if !done.status.success() {
            eprintln!("ctl {words:?}: {}", told(&done));
        }
    }

    /// What its file `env` says.
    pub fn known(&self, name: &str) -> &str {
        &self.environment[name]
    }

    /// Its web application says of itself that it is well.
    pub fn says_it_is_well(&self) -> bool {
        let url = self.known("SHOP_URL");
        get(url, "/api/health/") == Some(json!({"status": "ok"}))
    }

    /// How often an order was posted to the supplier, whether it took it or not.
    pub fn posts(&self, order: u64, supplier: u64) -> u64 {
        let book = get(self.known("SUPPLIER_URL"), "/_admin/orders").unwrap();
        let key = format!("{order}-{supplier}");
        ["posts", "refused"]
            .iter()
            .map(|list| book[list][&key].as_u64().unwrap_or(0))
            .sum()
    }

    /// The id that the supplier gave an order.
    pub fn supplier_id(&self, order: u64) -> Option<String> {
        let book = get(self.known("SUPPLIER_URL"), "/_admin/orders").unwrap();
        let orders = book["orders"].as_array().unwrap();
        let one = orders.iter().find(|one| one["order_ref"] == json!(order.to_string()))?;
        Some(one["id"].as_str().unwrap().to_owned())
    }

    /// One value from the shop's database, as the shop's owner sees it.
    pub fn value(&self, sql: &'static str, order: u64) -> Value {
        let url = self.known("SHOP_ADMIN_DATABASE_URL").to_owned();
        block_on(async move {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            let row = sqlx::query(sql)
                .bind(i64::try_from(order).unwrap())
                .fetch_one(&mut connection)
                .await
                .unwrap();
            row.get::<Value, _>(0)
        })
    }

    /// A statement as the role that Signalbox writes with; the error is the server's sentence.
    pub fn as_writer(&self, sql: &'static str) -> Result<u64, String> {
        let url = self.known("SHOP_WRITE_DATABASE_URL").to_owned();
        block_on(async move {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            let done = sqlx::query(sql).execute(&mut connection).await;
            done.map(|it| it.rows_affected()).map_err(|error| error.to_string())
        })
    }

    /// See [`until_measured`].
    #[track_caller]
    pub fn until_measured(&self, signal: &str) {
        block_on(until_measured(self.known("PROMETHEUS_URL"), signal));
    }

    /// What the order's row records, supplier by supplier.
    pub fn recorded(&self, order: u64) -> Value {
        self.value("select supplier_order_ids from store_order where id = $1", order)
    }

    pub fn broker<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.known("SHOP_BROKER_URL")).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut ask = redis::cmd(words[0]);
        for word in &words[1..] {
            ask.arg(*word);
        }
        ask.query(&mut connection).unwrap()
    }

    /// Which tasks Signalbox has sent so far, by the marks that it leaves in the broker.
    pub fn marks(&self) -> Vec<String> {
        let mut marks: Vec<String> = self.broker(&["KEYS", "signalbox:sent:*"]);
        marks.sort();
        marks
    }

    /// A bot of its own, with a database of its own, and the demo's people.
    pub fn bot(&self) -> Bot {
        self.bot_at(free_port())
    }

    fn bot_at(&self, port: u16) -> Bot {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string(self.state.join("signalbox.toml")).unwrap();
        let database = self.state.join("signalbox.db").display().to_string();
        let own = folder.path().join("signalbox.db").display().to_string();
        assert!(text.contains(&database), "the demo's config names another database");
        let old = self.known("SIGNALBOX_URL").rsplit(':').next().unwrap();
        let text = text
            .replace(&database, &own)
            .replace(&format!("127.0.0.1:{old}"), &format!("127.0.0.1:{port}"));
        let config = folder.path().join("signalbox.toml");
        fs::write(&config, text).unwrap();
        let mut environment = self.environment.clone();
        // The bot gets what its config names and no more.
        environment.remove("SHOP_ADMIN_DATABASE_URL");
        environment.insert("SIGNALBOX_CONFIG".to_owned(), config.display().to_string());
        Bot {
            environment,
            port,
            folder,
        }
    }
}

/// One installation of Signalbox at the shop.
#[derive(Debug)]
pub struct Bot {
    environment: BTreeMap<String, String>,
    port: u16,
    folder: TempDir,
}

/// What a command answered.
#[derive(Debug)]
pub struct Told {
    pub json: Value,
    pub code: i32,
    pub took: Duration,
}

impl Told {
    pub fn outcome(&self) -> &str {
        self.json["outcome"].as_str().unwrap()
    }

    pub fn say(&self) -> &str {
        self.json["say"].as_str().unwrap()
    }

    pub fn run(&self) -> &str {
        self.json["run"].as_str().unwrap_or_else(|| panic!("no run: {self:?}"))
    }

    /// The outcome and its exit code, which go together, and what the sentence must tell.
    #[track_caller]
    pub fn is(&self, outcome: &str, says: &[&str]) -> &Self {
        let code = match outcome {
            "succeeded" | "nothing-to-do" => 0,
            "denied" | "refused" | "invalid" => 2,
            "failed" | "undone" | "stopped" | "partly-done" => 3,
            "needs-person" => 4,
            "awaiting-approval" | "running" => 5,
            other => panic!("{other} is no outcome"),
        };
        assert_eq!((self.outcome(), self.code), (outcome, code), "{:#}", self.json);
        for words in says {
            assert!(self.say().contains(words), "{words:?} is not said: {:#}", self.json);
        }
        self
    }

    #[track_caller]
    pub fn warns(&self, words: &str) -> &Self {
        assert!(
            self.json["warnings"].to_string().contains(words),
            "{words:?}: {:#}",
            self.json
        );
        self
    }
}

impl Bot {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command
            .args(words)
            .env_clear()
            .envs(&self.environment)
            .env("PATH", "/usr/bin:/bin")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn raw(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Asks as somebody and reads the JSON answer.
    pub fn ask(&self, person: &str, words: &[&str]) -> Told {
        self.begin(person, words).end()
    }

    /// Runs a runbook to its end.
    pub fn run(&self, person: &str, runbook: &str, input: &str) -> Told {
        self.ask(person, &["run", runbook, input, "--wait"])
    }

    pub fn forward(&self, person: &str, orders: &str) -> Told {
        self.run(person, "forward-order", &format!("order={orders}"))
    }

    /// The same, without waiting for the answer.
    pub fn begin(&self, person: &str, words: &[&str]) -> Asking {
        let mut all = words.to_vec();
        all.extend(["--as", person, "--json"]);
        Asking {
            child: Some(self.command(&all).spawn().unwrap()),
            words: all.join(" "),
            since: Instant::now(),
        }
    }

    pub fn show(&self, run: &str) -> Value {
        let out = self.raw(&["show", run, "--json"]);
        serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("show {run}: {error}: {}", self::told(&out)))
    }

    /// Where its pages are.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The ids of all runs, newest first.
    pub fn runs(&self) -> Vec<String> {
        let out = self.raw(&["runs", "--json"]);
        let all: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {}", told(&out)));
        let runs = all["runs"].as_array().unwrap();
        runs.iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
    }

    /// The same config with its secrets in files, for a bot in this process, whose environment belongs to all tests.
    pub fn config_without_environment(&self) -> PathBuf {
        let mut text = fs::read_to_string(self.folder.path().join("signalbox.toml")).unwrap();
        for (name, value) in &self.environment {
            let file = self.folder.path().join(name);
            text = text.replace(&format!("\"env:{name}\""), &format!("\"file:{}\"", file.display()));
            fs::write(file, value).unwrap();
        }
        let path = self.folder.path().join("in-process.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// `signalbox serve`, ready.
    pub fn serve(&self) -> Serving {
        let log = fs::File::create(self.folder.path().join("serve.log")).unwrap();
        let child = self
            .command(&["serve"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut serving = Serving { child };
        let url = self.address();
        wait_until("serve is ready", || {
            if let Some(status) = serving.child.try_wait().unwrap() {
                let log = fs::read_to_string(self.folder.path().join("serve.log")).unwrap();
                panic!("serve ended with {status}: {log}");
            }
            status(&url, "/readyz") == Some(200)
        });
        serving
    }
}

/// A command that has not answered yet.
#[derive(Debug)]
pub struct Asking {
    child: Option<Child>,
    words: String,
    since: Instant,
}

impl Asking {
    pub fn end(mut self) -> Told {
        let out = self.child.take().unwrap().wait_with_output().unwrap();
        let json = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|error| panic!("{} gave no JSON ({error}): {}", self.words, told(&out)));
        Told {
            json,
            code: out.status.code().unwrap(),
            took: self.since.elapsed(),
        }
    }

    /// SIGKILL: it cannot say goodbye.
    pub fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A bot that is up.
#[derive(Debug)]
pub struct Serving {
    child: Child,
}

impl Serving {
    /// SIGKILL: it cannot say goodbye.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the answer is yes.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}");
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn ctl_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/ctl")
}

fn ctl(state: &Path, words: &[&str]) -> Output {
    Command::new(ctl_program())
        .arg("--state")
        .arg(state)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn told(out: &Output) -> String {
    format!(
        "{}: {}{}",
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// The JSON that an address of this machine gives.
fn get(url: &str, path: &str) -> Option<Value> {
    let answer = answer(url, path)?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

fn status(url: &str, path: &str) -> Option<u16> {
    answer(url, path)?.split(' ').nth(1)?.parse().ok()
}

fn answer(url: &str, path: &str) -> Option<String> {
    let host = url.strip_prefix("http://")?;
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
