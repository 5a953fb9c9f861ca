//! The real `signalbox serve` between the simulated Slack and the demo shop: what a person in a channel really meets.
//!
//! The shop comes up once per test binary, stories take it in turn, and it is wiped when the binary ends, however it
//! ends. Each story has a Slack and a bot of its own.

use super::discord::{self, Discord};
use super::services::{until, until_measured};
use super::slack::{BOT_TOKEN, Message, SIGNING_SECRET, Sent, Slack, Whisper};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const SIGNALBOX: &str = env!("CARGO_BIN_EXE_signalbox");

/// What people wait for in the stories, instead of what the runbooks say.
const SOAK: &str = "3s";

static SHOP: Mutex<Option<Shop>> = Mutex::const_new(None);

/// The demo shop.
pub struct Shop {
    state: PathBuf,
    environment: BTreeMap<String, String>,
    /// Closed when this process ends: then the shop goes too.
    _lifeline: ChildStdin,
}

impl Shop {
    fn up() -> Self {
        let state = tempfile::Builder::new()
            .prefix("signalbox-story-")
            .tempdir()
            .unwrap()
            .keep();
        let ctl = format!("{REPOSITORY}/demo/ctl");
        let mut guard = Command::new("sh")
            .args(["-c", "cat >/dev/null; exec \"$0\" down --wipe --state \"$1\"", &ctl])
            .arg(&state)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _lifeline = guard.stdin.take().unwrap();
        // The guard outlives us, so nobody waits for it.
        drop(guard);
        let mut shop = Self {
            state,
            environment: BTreeMap::new(),
            _lifeline,
        };
        shop.ctl(&["up", "--no-signalbox"]);
        let env = fs::read_to_string(shop.state.join("env")).unwrap();
        shop.environment = env
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .filter(|(name, _)| *name != "PATH")
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        shop
    }

    /// `demo/ctl` for this shop.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let output = Command::new(format!("{REPOSITORY}/demo/ctl"))
            .args(arguments)
            .arg("--state")
            .arg(&self.state)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "demo/ctl {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// See [`until_measured`].
    pub async fn until_measured(&self, signal: &str) {
        until_measured(self.variable("PROMETHEUS_URL"), signal).await;
    }

    fn variable(&self, name: &str) -> &str {
        &self.environment[name]
    }

    /// How often the supplier was sent this order, by its idempotency key.
    pub async fn posts(&self, order: u32) -> u64 {
        self.supplier().await["posts"][format!("{order}-1")]
            .as_u64()
            .unwrap_or(0)
    }

    async fn posts_of_all(&self) -> u64 {
        let posts = self.supplier().await["posts"].clone();
        posts.as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }

    /// The id that the supplier gave to an order.
    pub async fn supplier_id(&self, order: u32) -> Option<String> {
        let known = self.supplier().await;
        let reference = order.to_string();
        let found = known["orders"].as_array().unwrap().iter();
        let mut found = found.filter(|known| known["order_ref"] == json!(reference));
        found.next().and_then(|known| known["id"].as_str()).map(str::to_owned)
    }

    async fn supplier(&self) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/_admin/orders", self.variable("SUPPLIER_URL"));
        client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// One statement, as the shop's owner.
    pub async fn sql(&self, statement: &'static str) {
        use sqlx::Connection;
        let url = self.variable("SHOP_ADMIN_DATABASE_URL");
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }

    /// The shop's database answers nobody until this is dropped; its connections stay open.
    pub fn hang_database(&self) -> Hanging {
        let record = fs::read_to_string(self.state.join("run/postgres.pid")).unwrap();
        let main = record.split_whitespace().next().unwrap().to_owned();
        let children = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &main])
            .output()
            .unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let mut processes = vec![main];
        processes.extend(children.split_whitespace().map(str::to_owned));
        let hanging = Hanging(processes);
        hanging.signal("-STOP");
        hanging
    }

    /// What must not be found anywhere.
    fn secrets(&self) -> Vec<(&'static str, String)> {
        let of_url = |name| {
            let url = reqwest::Url::parse(self.variable(name)).unwrap();
            url.password().unwrap().to_owned()
        };
        vec![
            ("the signing secret", SIGNING_SECRET.to_owned()),
            ("the bot token", BOT_TOKEN.to_owned()),
            ("the database's password", of_url("SHOP_DATABASE_URL")),
            ("the key of the store", self.variable("SIGNALBOX_KEY").to_owned()),
            ("a response URL", "/response/R".to_owned()),
            ("Slack's own token", "legacy-verification-token".to_owned()),
        ]
    }
}

/// A database that has been stopped.
pub struct Hanging(Vec<String>);

impl Hanging {
    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).args(&self.0).status().unwrap();
        assert!(status.success(), "kill {signal} {:?}", self.0);
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// A child process: the bot.
pub struct Bot {
    folder: TempDir,
    child: Option<Child>,
    environment: BTreeMap<String, String>,
    url: String,
    starts: u32,
}

impl Bot {
    fn new(shop: &Shop, slack: &Slack, discord: Option<&Discord>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let url = shop.variable("SIGNALBOX_URL").to_owned();
        fs::create_dir(path.join("commands")).unwrap();
        let soak = Regex::new("soak = \"[^\"]*\"").unwrap();
        for entry in fs::read_dir(format!("{REPOSITORY}/commands")).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let text = soak.replace_all(&text, format!("soak = \"{SOAK}\""));
            fs::write(path.join("commands").join(file.file_name().unwrap()), text.as_bytes()).unwrap();
        }
        let people = fs::read_to_string(format!("{REPOSITORY}/demo/config/people.toml")).unwrap();
        let people = people.replace(
            "[group.ops]",
            "[group.ops]\nslack_usergroups = [\"T1/S0OPS\"]\ndiscord_roles = [\"900/7001\"]",
        );
        fs::write(path.join("people.toml"), people).unwrap();
        // As the demo has it, with its own files and with Slack.
        let demo = fs::read_to_string(shop.state.join("signalbox.toml")).unwrap();
        let config = demo
            .replace(
                &format!("sqlite:{}/signalbox.db", shop.state.display()),
                "sqlite:signalbox.db",
            )
            .replace(&format!("{REPOSITORY}/commands"), "commands")
            .replace(&format!("{REPOSITORY}/demo/config/people.toml"), "people.toml");
        let slack = format!(
            "\n[slack]\ntransport = \"http\"\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\n\
             signing_secret = \"env:SLACK_SIGNING_SECRET\"\nbot_token = \"env:SLACK_BOT_TOKEN\"\napi_url = \"{}\"\n",
            slack.api_url()
        );
        let discord_section = discord.map_or_else(String::new, |discord| {
            format!(
                "\n[discord]\ntransport = \"http\"\nguilds = [\"900\"]\nops_channel = \"9001\"\napplication_id = \
                 \"{}\"\npublic_key = \"env:DISCORD_PUBLIC_KEY\"\nbot_token = \"env:DISCORD_BOT_TOKEN\"\napi_url = \
                 \"{}\"\n",
                discord::APPLICATION,
                discord.api_url()
            )
        });
        fs::write(path.join("signalbox.toml"), config + &slack + &discord_section).unwrap();
        let mut environment: BTreeMap<String, String> = shop
            .environment
            .iter()
            .filter(|(name, _)| *name != "SHOP_ADMIN_DATABASE_URL")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let config = path.join("signalbox.toml").display().to_string();
        environment.insert("SIGNALBOX_CONFIG".to_owned(), config);
        environment.insert("SLACK_SIGNING_SECRET".to_owned(), SIGNING_SECRET.to_owned());
        environment.insert("SLACK_BOT_TOKEN".to_owned(), BOT_TOKEN.to_owned());
        if let Some(discord) = discord {
            environment.insert("DISCORD_PUBLIC_KEY".to_owned(), discord.public_key());
            environment.insert("DISCORD_BOT_TOKEN".to_owned(), discord::BOT_TOKEN.to_owned());
        }
        // More is said than in production, so more could leak.
        environment.insert("SIGNALBOX_LOG".to_owned(), "debug".to_owned());
        Self {
            folder,
            child: None,
            environment,
            url,
            starts: 0,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(SIGNALBOX);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        self.starts += 1;
        let log = File::create(self.path().join(format!("serve-{}.log", self.starts))).unwrap();
        let child = self
            .program(&["serve"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let address = self.url.trim_start_matches("http://").to_owned();
        until("signalbox listens", || {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("signalbox ended with {status}: {}", self.log());
            }
            std::net::TcpStream::connect(&address).is_ok()
        })
        .await;
    }

    /// Lets time pass for what it has written.
    pub async fn grow_older(&self, span: &str) {
        super::older::grow_older(&self.path().join("signalbox.db"), span).await;
    }

    /// Without a chance to say goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Another command of the same program, beside the bot.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// What it has written since the beginning.
    pub fn log(&self) -> String {
        (1..=self.starts)
            .map(|start| fs::read_to_string(self.path().join(format!("serve-{start}.log"))).unwrap())
            .collect()
    }

    pub async fn metrics(&self) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{}/metrics", self.url)).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// All runs, as `signalbox runs --json` tells.
    pub fn runs(&self) -> Vec<Value> {
        let output = self.command(&["runs", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
        runs["runs"].as_array().unwrap().clone()
    }

    /// One run whole, as `signalbox show --json` tells.
    pub fn show(&self, run: &str) -> Value {
        let output = self.command(&["show", run, "--json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let log = log
                .lines()
                .filter(|line| !line.contains("\"level\":\"DEBUG\""))
                .collect::<Vec<_>>();
            eprintln!("signalbox wrote:\n{}", log.join("\n"));
        }
    }
}

/// A story's world. [`Scene::end`] looks at what holds for every story.
pub struct Scene {
    pub bot: Bot,
    pub slack: Slack,
    posts_before: u64,
    shop: MutexGuard<'static, Option<Shop>>,
}

impl Scene {
    /// Everything as at the beginning, and the bot ready.
    pub async fn open() -> Self {
        Self::begin(None).await
    }

    /// The same with a Discord beside Slack, which shows every run too.
    pub async fn open_beside(discord: &mut Discord) -> Self {
        let scene = Self::begin(Some(discord)).await;
        discord.connect(scene.bot.url.clone());
        scene
    }

    async fn begin(discord: Option<&Discord>) -> Self {
        let mut shop = SHOP.lock().await;
        if shop.is_none() {
            *shop = Some(Shop::up());
        }
        let known = shop.as_ref().unwrap();
        known.ctl(&["reset"]);
        let mut slack = Slack::start().await;
        let mut bot = Bot::new(known, &slack, discord);
        bot.start().await;
        slack.connect(bot.url.clone());
        let posts_before = known.posts_of_all().await;
        Self {
            bot,
            slack,
            posts_before,
            shop,
        }
    }

    pub fn shop(&self) -> &Shop {
        self.shop.as_ref().unwrap()
    }

    /// How often the supplier was sent anything since the story began.
    pub async fn posts(&self) -> u64 {
        self.shop().posts_of_all().await - self.posts_before
    }

    /// Types a command in the operations channel. The answer is quick, empty and 200.
    pub async fn types(&self, user: &str, command: &str, text: &str) -> Sent {
        let ack = self.slack.person(user).command("C0OPS", command, text).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "/{command} {text}");
        assert!(ack.took.as_secs_f64() < 1.0, "/{command} {text} took {:?}", ack.took);
        ack.sent
    }

    /// Presses a button. The answer is quick, empty and 200.
    pub async fn presses(&self, user: &str, message: &Message, label: &str) -> Sent {
        let ack = self.slack.person(user).press(message, label).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{label}");
        assert!(ack.took.as_secs_f64() < 1.0, "{label} took {:?}", ack.took);
        ack.sent
    }

    /// Sends a form that was made before, signed now. The answer is quick, empty and 200.
    pub async fn delivers(&self, user: &str, path: &'static str, body: String) {
        let ack = self.slack.deliver(user, "C0OPS", Sent::new(path, body)).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""), "{path}");
        assert!(ack.took.as_secs_f64() < 1.0, "{path} took {:?}", ack.took);
    }

    /// The message once its heading begins so.
    pub async fn until_heading(&self, message: &Message, heading: &str) -> Message {
        self.slack.until(message, |now| now.seen().starts_with(heading)).await
    }

    /// No delivery was left without an answer, Slack was not misused, and no secret is in anything that came out.
    pub async fn end(self) {
        let complaints = self.slack.complaints();
        assert!(complaints.is_empty(), "people saw {complaints:?}");
        self.end_with_complaints().await;
    }

    /// The same for a story that leaves a thread unread.
    pub async fn end_unread(mut self) {
        self.look_for_secrets().await;
        self.slack.look_away();
    }

    /// The same where people have seen errors that they should see.
    pub async fn end_with_complaints(mut self) {
        self.look_for_secrets().await;
    }

    /// Ends the bot, too.
    async fn look_for_secrets(&mut self) {
        assert_eq!(self.slack.misuse(), Vec::<String>::new());
        let mut came_out: Vec<(String, Vec<u8>)> = vec![
            ("the log".to_owned(), self.bot.log().into_bytes()),
            ("/metrics".to_owned(), self.bot.metrics().await.into_bytes()),
            ("what Slack shows".to_owned(), self.slack.everything().into_bytes()),
        ];
        for run in self.bot.runs() {
            let id = run["run"].as_str().unwrap();
            came_out.push((format!("show {id}"), self.bot.show(id).to_string().into_bytes()));
        }
        self.bot.kill();
        for name in ["signalbox.db", "signalbox.db-wal"] {
            if let Ok(bytes) = fs::read(self.bot.path().join(name)) {
                came_out.push((name.to_owned(), bytes));
            }
        }
        for (what, secret) in self.shop().secrets() {
            for (place, bytes) in &came_out {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{what} is in {place}: {}", String::from_utf8_lossy(bytes));
            }
        }
    }
}

/// What differs from one time to the next, in words that stay.
pub fn steady(text: &str) -> String {
    const CHANGES: [(&str, &str); 16] = [
        (r"\brun [0-9a-hjkmnp-tv-z]{10}\b", "run RUN"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "DATE"),
        (r"\d\d:\d\d(:\d\d)? UTC", "TIME"),
        (r"\bDATE UTC", "DATE"),
        (r"(\d+ d \d+ h|\d+ h \d+ min) *", "AGE  "),
        (r"\d+ \w+ \d{4}, \d\d:\d\d(:\d\d)?", "DATE"),
        // Stories follow each other so fast that the past before one of them is that of others.
        // A shop that has just come up is too young to prove anything.
        (r"Proof: (improved|no change|worse|no data)\.", "Proof: VERDICT."),
        (
            r": no data \(([^;)]* after the soak); (known for|no past) [^)]*\)",
            " $1",
        ),
        (
            r" after the soak, (as it also moves by itself|still (for \d+ \w+|right) before)",
            " after the soak",
        ),
        // A look that comes a moment later sees one order more or less, and the queue too.
        (r"[\d.]+ -> [\d.]+( \w+)?, [\d.]+ after", "N -> N$1, N after"),
        (r"\d+ at first[^.]*\.", "NUMBERS."),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"CJORD-\d+", "CJORD-N"),
        (r"\b\d+(\.\d+)? m?s\b", "SOME s"),
        (r"[0-9a-hjkmnp-tv-z]{10}\.png", "RUN.png"),
    ];
    CHANGES.iter().fold(text.to_owned(), |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// A message as it is seen, with its buttons.
pub fn shown(message: &Message) -> String {
    steady(&message.seen())
}

/// The same for what one person alone sees.
pub fn whispered(whisper: &Whisper) -> String {
    steady(&whisper.seen())
}

/// The run that a message is about.
pub fn run_of(message: &Message) -> String {
    message.metadata["event_payload"]["run"].as_str().unwrap().to_owned()
}
