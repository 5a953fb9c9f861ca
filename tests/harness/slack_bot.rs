//! A bot whose runs wait for a yes, beside a simulated Slack, and nothing else: for what happens between the two. Its
//! database is never asked to do anything; whoever asks it something waits in vain.

use super::served::Served;
use super::services::free_port;
use super::slack::{APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Slack};
use regex::Regex;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;
use tokio::net::TcpListener;

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("two")
@say("Every run needs a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource);
"#;

const PEOPLE: &str = r#"
[person.dana]
slack = ["T1/U1"]
console = "file:console.token"
groups = ["ops"]
[person.lee]
slack = ["T1/U2"]
groups = ["ops"]
[person.vic]
slack = ["T1/U3"]
groups = ["viewers"]
[group.ops]
[group.viewers]
"#;

/// One required word.
pub const WRITE: &str = r#"
summary = "Writes a word."
[[input]]
name = "word"
kind = "text"
help = "what is written"
[lock]
keys = ["inputs.word"]
[[step]]
name = "write"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ($1)"
with.params = ["inputs.word"]
say = "Write {{ inputs.word }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Wrote {{ inputs.word }}."
"#;

/// How Slack reaches the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Http,
    Socket,
}

pub struct SlackBot {
    pub slack: Slack,
    pub served: Served,
    folder: TempDir,
    port: u16,
    /// Takes connections and says nothing.
    _database: TcpListener,
}

impl SlackBot {
    /// With `/write`.
    pub async fn start(transport: Transport) -> Self {
        Self::start_with(transport, &[("write", WRITE)], PEOPLE).await
    }

    pub async fn start_with(transport: Transport, runbooks: &[(&str, &str)], people: &str) -> Self {
        let mut slack = Slack::start().await;
        let folder = tempfile::tempdir().unwrap();
        let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free_port();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        for (name, runbook) in runbooks {
            write(&format!("commands/{name}.toml"), runbook);
        }
        write("people.toml", people);
        write("policy.cedar", POLICY);
        write("signing", SIGNING_SECRET);
        write("bot.token", BOT_TOKEN);
        write("app.token", APP_TOKEN);
        write("console.token", "dana's own token for the console");
        write("key", "a key of this test");
        write(
            "shop.url",
            &format!("postgres://shop:x@{}/shop", database.local_addr().unwrap()),
        );
        let inbound = match transport {
            Transport::Http => "transport = \"http\"\nsigning_secret = \"file:signing\"",
            Transport::Socket => "transport = \"socket\"\napp_token = \"file:app.token\"",
        };
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n[store]\nurl = \
                 \"sqlite:bot.db\"\nkey = \"file:key\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\n\
                 policy = \"policy.cedar\"\n[slack]\n{inbound}\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\nbot_token = \
                 \"file:bot.token\"\napi_url = \"{}\"\n[console]\nsession = \"1h\"\n[connection.shop]\nkind = \
                 \"postgres\"\nurl = \"file:shop.url\"\n",
                slack.api_url()
            ),
        );
        let served = Served::start(&folder.path().join("signalbox.toml"), port).await;
        match transport {
            Transport::Http => slack.connect(served.url.clone()),
            Transport::Socket => {
                slack.use_socket();
                slack.until_connections(|open| open.len() == 2).await;
            }
        }
        Self {
            slack,
            served,
            folder,
            port,
            _database: database,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the process without a goodbye, and starts another one.
    pub async fn restart(&mut self) {
        self.served.signal("-KILL");
        self.served = Served::start(&self.path("signalbox.toml"), self.port).await;
    }

    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_signalbox"))
            .args(arguments)
            .arg("--config")
            .arg(self.path("signalbox.toml"))
            .output()
            .unwrap()
    }

    /// All runs, as `signalbox runs --json` tells.
    pub fn runs(&self) -> Vec<Value> {
        let output = self.command(&["runs", "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
        runs["runs"].as_array().unwrap().clone()
    }

    pub async fn get(&self, path: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{}{path}", self.served.url)).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// The value of one line of `/metrics`.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {metrics}"));
        line.trim().parse().unwrap()
    }

    /// The same for a story that is not read to its end.
    pub fn end_unread(self) {
        self.slack.look_away();
        self.end();
    }

    /// No secret is in what came out, and nothing was done that Slack does not like.
    pub fn end(self) {
        assert_eq!(self.slack.misuse(), Vec::<String>::new());
        let log = self.served.log();
        let mut places = vec![("the log", log), ("what Slack got", self.slack.everything())];
        for name in ["bot.db", "bot.db-wal"] {
            let bytes = fs::read(self.path(name)).unwrap_or_default();
            places.push(("the database", String::from_utf8_lossy(&bytes).into_owned()));
        }
        for secret in [
            SIGNING_SECRET,
            BOT_TOKEN,
            APP_TOKEN,
            "legacy-verification-token",
            "ticket=ticket",
            "/response/R",
        ] {
            for (place, text) in &places {
                assert!(!text.contains(secret), "{secret} is in {place}: {text}");
            }
        }
    }
}

/// What differs from one time to the next, in words that stay.
pub fn steady(text: &str) -> String {
    const CHANGES: [(&str, &str); 5] = [
        (r"on \d{4}-\d\d-\d\d", "on DAY"),
        (r"\brun [0-9a-hjkmnp-tv-z]{10}\b", "run RUN"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?", "DATE"),
        (r"\d\d:\d\d(:\d\d)? UTC", "TIME"),
    ];
    CHANGES.iter().fold(text.to_owned(), |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}
