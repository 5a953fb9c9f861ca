//! Real servers, each with its own port and folder, gone when the test is.
//!
//! A server that is not installed fails the test: a test that passes without its server says nothing.

use serde_json::Value;
use sqlx::Connection as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const READY: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// A port of the loopback that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Asks until the answer is yes; for tests in which something else goes on meanwhile.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < READY, "{what}: not so after {READY:?}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Waits until a Prometheus has read a signal of the bot a few times, so that a chart of it has a past.
pub async fn until_measured(prometheus: &str, signal: &str) {
    let times = format!("count_over_time(signalbox_signal{{signal=\"{signal}\"}}[1m])");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = Instant::now();
    loop {
        let asked = client
            .get(format!("{prometheus}/api/v1/query"))
            .query(&[("query", &times)]);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        let count = answer["data"]["result"][0]["value"][1].as_str().map(str::parse::<u64>);
        if matches!(count, Some(Ok(3..))) {
            return;
        }
        assert!(start.elapsed() < 2 * READY, "{signal} is not measured: {answer}");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Asks until the answer is yes.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < READY, "{what}: not so after {READY:?}");
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// A child process and all of its own, ended together.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let out = File::create(&log).unwrap();
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{:?} cannot be started: {error}; try `demo/ctl install`",
                    command.get_program()
                )
            });
        Self { child, log }
    }

    pub fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        let Self { child, log } = self;
        wait_for(what, || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("{what}: it ended with {status}: {}", fs::read_to_string(&log).unwrap());
            }
            is_so()
        });
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        Command::new("kill")
            .args([signal, "--", &group])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }

    fn end(&mut self, signal: &str) {
        self.signal(signal);
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("-KILL");
        let _ = self.child.wait();
    }
}

/// A Redis server that keeps nothing over a restart.
pub struct Redis {
    pub port: u16,
    process: Process,
    folder: TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let process = Self::spawn(port, folder.path());
        Self { port, process, folder }
    }

    fn spawn(port: u16, folder: &Path) -> Process {
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &port.to_string(),
        ]);
        let mut process = Process::start(command.arg("--dir").arg(folder), folder.join("redis.log"));
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/0")).unwrap();
        process.wait_until("Redis answers", || {
            client
                .get_connection()
                .is_ok_and(|mut it| redis::cmd("PING").query::<String>(&mut it).is_ok())
        });
        process
    }

    pub fn stop(&mut self) {
        self.process.end("-KILL");
    }

    /// Another process on the same port, empty.
    pub fn restart(&mut self) {
        self.stop();
        self.process = Self::spawn(self.port, self.folder.path());
    }

    pub fn url(&self, database: u8) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    pub fn ask<T: redis::FromRedisValue>(&self, database: u8, command: &[&[u8]]) -> T {
        let mut connection = redis::Client::open(self.url(database))
            .unwrap()
            .get_connection()
            .unwrap();
        let (name, arguments) = command.split_first().unwrap();
        let mut ask = redis::cmd(std::str::from_utf8(name).unwrap());
        for argument in arguments {
            ask.arg(argument);
        }
        ask.query(&mut connection).unwrap()
    }
}

pub const BROKER: u8 = 1;
pub const RESULTS: u8 = 2;
const EFFECTS: u8 = 3;

/// A real Celery worker, with the tasks of `worker/tasks.py`.
pub struct Worker {
    process: Process,
    _folder: TempDir,
}

impl Worker {
    pub fn start(redis: &Redis, name: &str, pool: &str) -> Self {
        Self::spawn(redis, redis, name, pool)
    }

    fn spawn(redis: &Redis, recorded: &Redis, name: &str, pool: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let celery = here.join("demo/.venv/bin/celery");
        assert!(
            celery.exists(),
            "{} is not there; run `demo/ctl install`",
            celery.display()
        );
        let before = Self::listening(redis);
        let mut command = Command::new(celery);
        command
            .current_dir(here.join("tests/harness/worker"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("BROKER", redis.url(BROKER))
            .env("RESULTS", redis.url(RESULTS))
            .env("EFFECTS", recorded.url(EFFECTS))
            .args([
                "-A",
                "tasks",
                "worker",
                "--loglevel=WARNING",
                "--concurrency=2",
                "--without-gossip",
            ])
            .args([
                "--without-mingle",
                &format!("--pool={pool}"),
                &format!("--hostname={name}@test"),
            ]);
        let mut process = Process::start(&mut command, folder.path().join("worker.log"));
        process.wait_until("the worker listens", || Self::listening(redis) > before);
        Self {
            process,
            _folder: folder,
        }
    }

    fn listening(redis: &Redis) -> usize {
        // Workers listen to a pattern, of which Redis counts the kinds and not the listeners.
        let clients: String = redis.ask(BROKER, &[b"CLIENT", b"LIST", b"TYPE", b"pubsub"]);
        clients.lines().filter(|client| client.contains(" psub=1 ")).count()
    }

    pub fn is_alive(&mut self) -> bool {
        self.process.child.try_wait().unwrap().is_none()
    }
}

/// What the tasks did, in order.
pub fn effects(redis: &Redis) -> Vec<String> {
    redis.ask(EFFECTS, &[b"LRANGE", b"effects", b"0", b"-1"])
}

/// A broker with one worker, for all tests that do not break it.
pub struct CeleryWorld {
    pub worker: Mutex<Worker>,
    pub redis: Redis,
    /// Where the tasks leave their trace, if not at the broker.
    recorded: Option<Redis>,
}

impl CeleryWorld {
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<CeleryWorld>> = Mutex::new(Weak::new());
        shared(&SHARED, || {
            let redis = Redis::start();
            let worker = Mutex::new(Worker::start(&redis, "one", "prefork"));
            Self {
                worker,
                redis,
                recorded: None,
            }
        })
    }

    /// One whose broker may forget everything: what the tasks did is noted elsewhere.
    pub fn forgetful() -> Self {
        let (redis, recorded) = (Redis::start(), Redis::start());
        let worker = Mutex::new(Worker::spawn(&redis, &recorded, "forgetful", "prefork"));
        Self {
            worker,
            redis,
            recorded: Some(recorded),
        }
    }

    /// What the tasks did, in order.
    pub fn effects(&self) -> Vec<String> {
        effects(self.recorded.as_ref().unwrap_or(&self.redis))
    }

    /// Another broker on the same port, empty; the worker takes a while until it listens to it.
    pub fn forget(&mut self) {
        self.redis.restart();
        wait_for("the worker is back", || Worker::listening(&self.redis) > 0);
    }
}

/// The one that another test still holds, or a new one.
fn shared<T>(slot: &Mutex<Weak<T>>, start: impl FnOnce() -> T) -> Arc<T> {
    // A test that failed while it started one leaves nothing half made in the slot.
    let mut slot = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    slot.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *slot = Arc::downgrade(&started);
        started
    })
}

/// A PostgreSQL server.
pub struct Postgres {
    pub port: u16,
    process: Process,
    folder: TempDir,
}

/// How a PostgreSQL server is told to end, in the words of `pg_ctl -m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Every connection is ended, what is open is rolled back.
    Fast,
    /// As if it had crashed; it recovers when it starts.
    Immediate,
}

impl Postgres {
    pub const USER: &str = "postgres";
    pub const PASSWORD: &str = "pg-s3cret";

    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        shared(&SHARED, Self::start)
    }

    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let password = folder.path().join("password");
        fs::write(&password, Self::PASSWORD).unwrap();
        if is_root() {
            let owned = Command::new("chown")
                .args(["-R", "postgres"])
                .arg(folder.path())
                .status()
                .unwrap();
            assert!(
                owned.success(),
                "the user postgres is not there; try `demo/ctl install`"
            );
        }
        let data = folder.path().join("data");
        let mut initdb = as_postgres("initdb", folder.path());
        initdb.arg("-D").arg(&data).arg("--pwfile").arg(&password);
        // In an unoptimized build each SCRAM handshake costs the client more than all that a test asks for.
        initdb.args([
            "-U",
            Self::USER,
            "-A",
            "password",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        let output = initdb.output().unwrap();
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let process = Self::spawn(port, folder.path());
        Self { port, process, folder }
    }

    fn spawn(port: u16, folder: &Path) -> Process {
        let mut server = as_postgres("postgres", folder);
        server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        server.args(["-p", &port.to_string(), "-c", "max_connections=300"]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        let mut process = Process::start(&mut server, folder.join("postgres.log"));
        let log = process.log.clone();
        process.wait_until("PostgreSQL is ready", || {
            fs::read_to_string(&log)
                .unwrap()
                .contains("database system is ready to accept connections")
        });
        process
    }

    /// A new database on it, by its address.
    pub async fn database(&self, what: &str) -> String {
        sqlx::any::install_default_drivers();
        let name = format!("{what}_{}", uuid::Uuid::new_v4().simple());
        let mut admin = sqlx::AnyConnection::connect(&self.url()).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        format!("{}/{name}", self.url().rsplit_once('/').unwrap().0)
    }

    /// Ends it; its data stay.
    pub fn stop(&mut self, how: Shutdown) {
        self.process.end(match how {
            Shutdown::Fast => "-INT",
            Shutdown::Immediate => "-QUIT",
        });
    }

    /// Starts another on the same data and port.
    pub fn start_again(&mut self) {
        self.process = Self::spawn(self.port, self.folder.path());
    }

    /// A client program of the server's own version; it takes an address with the password in it.
    pub fn client(program: &str) -> Command {
        Command::new(installed(program))
    }

    pub fn url(&self) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/postgres",
            Self::USER,
            Self::PASSWORD,
            self.port
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its processes have sessions of their own: only it can end them all.
        self.process.end("-QUIT");
    }
}

/// Where the newest PostgreSQL has a program.
fn installed(program: &str) -> PathBuf {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed; try `demo/ctl install`")
        .map(|entry| entry.unwrap().path().join("bin").join(program))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    versions
        .pop()
        .expect("PostgreSQL's server is not installed; try `demo/ctl install`")
}

/// A server program of PostgreSQL, which refuses to run as root.
fn as_postgres(program: &str, folder: &Path) -> Command {
    let path = installed(program);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"])
            .arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir(folder);
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// A Prometheus server that scrapes every second.
pub struct Prometheus {
    pub port: u16,
    process: Process,
    _folder: TempDir,
}

impl Prometheus {
    /// One that scrapes a few metrics of ours.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Prometheus>> = Mutex::new(Weak::new());
        shared(&SHARED, || {
            let exporter = export_in_turn(vec![
                "# TYPE orders_total counter\norders_total{provider=\"esewa\"} 7\norders_total{provider=\"khalti\"} 0\n\
                 broken NaN\nendless +Inf\nshare 0.25\nlarge 9007199254740993\n"
                    .to_owned(),
            ]);
            let mut started = Self::watching(&[exporter], &[]);
            started.until_told("/api/v1/query?query=share", "0.25");
            started
        })
    }

    /// One that scrapes these ports, all as the job `shop`, and has these rules in force.
    pub fn watching(exporters: &[u16], rules: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = folder.path().join("prometheus.yml");
        let targets: Vec<String> = exporters.iter().map(|port| format!("'127.0.0.1:{port}'")).collect();
        let rules: Vec<String> = rules.iter().map(|path| format!("'{}'", path.display())).collect();
        let scrape = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n  - \
             {{job_name: shop, static_configs: [{{targets: [{}]}}]}}\n",
            rules.join(", "),
            targets.join(", ")
        );
        fs::write(&config, scrape).unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::start(&mut command, folder.path().join("prometheus.log"));
        Self {
            port,
            process,
            _folder: folder,
        }
    }

    /// One that scrapes nothing and remembers these samples, which are written as OpenMetrics.
    pub fn remembering(samples: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, told, data) = (free_port(), folder.path().join("samples"), folder.path().join("data"));
        fs::write(&told, samples).unwrap();
        let made = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&told, &data])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, "global: {}\n").unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::start(&mut command, folder.path().join("prometheus.log"));
        let mut started = Self {
            port,
            process,
            _folder: folder,
        };
        started.until_told("/-/ready", "Ready");
        started
    }

    /// Waits until it says this there.
    pub fn until_told(&mut self, path: &str, what: &str) {
        let port = self.port;
        self.process
            .wait_until(&format!("Prometheus says {what}"), || get(port, path).contains(what));
    }

    /// Waits until a query, which needs no escapes, gives more than this.
    pub fn until_more_than(&mut self, least: u32, query: &str) {
        let port = self.port;
        let ask = format!("/api/v1/query?query={query}");
        self.process.wait_until(&format!("{query} > {least}"), || {
            let answer = get(port, &ask);
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
            let value = body["data"]["result"][0]["value"][1]
                .as_str()
                .and_then(|it| it.parse().ok());
            value.is_some_and(|value: f64| value > f64::from(least))
        });
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Serves metrics to everyone who asks, until the test program ends: these texts, one after the other and again.
pub fn export_in_turn(metrics: Vec<String>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (stream, metrics) in listener.incoming().zip(metrics.iter().cycle()) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\ncontent-length: \
                 {}\r\n\r\n{metrics}",
                metrics.len()
            );
        }
    });
    port
}

/// The whole answer, with its status line.
pub fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let _ = write!(stream, "GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}
