//! The process that is measured, with its Slack, its Discord and fifty people on both.

use crate::harness::discord::{self, Discord};
use crate::harness::slack::{self, Slack};
use crate::shop::Shop;
use crate::{OPS, PEOPLE};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);
"#;

const LOOK: &str = r#"
summary = "Looks at an order."
[[input]]
name = "order"
kind = "row"
[input.suggest]
use = "postgres.query"
on = "shop"
value = "id"
with.params = ["typed"]
with.sql = "select id from orders where starts_with(id::text, $1::text) order by id"
[[look]]
name = "found"
use = "postgres.query"
on = "shop"
with.sql = "select id from orders where id::text = $1::text"
with.params = ["inputs.order"]
[result]
rows = "looks.found.rows"
columns = ["id"]
say = "Looked."
"#;

const WRITE: &str = r#"
summary = "Writes a word."
[[input]]
name = "word"
kind = "text"
[lock]
keys = ["inputs.word"]
[[step]]
name = "write"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect values ($1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)"
with.params = ["inputs.word"]
say = "Write {{ inputs.word }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Wrote {{ inputs.word }}."
"#;

/// How the platforms reach the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By requests that they sign.
    Http,
    /// By connections that the bot holds.
    Connections,
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Http => "HTTP",
            Self::Connections => "socket, gateway",
        })
    }
}

pub struct Bot {
    pub url: String,
    pub slack: Slack,
    pub discord: Discord,
    child: Child,
    _folder: TempDir,
}

/// `U1` is there anyway.
pub fn slack_person(at: usize) -> String {
    format!("UBENCH{at}")
}

pub fn discord_person(at: usize) -> String {
    (5000 + at).to_string()
}

impl Bot {
    pub async fn start(program: &Path, way: Way, shop: &Shop) -> Self {
        let (mut slack, mut discord) = (Slack::start().await, Discord::start().await);
        for at in 0..PEOPLE {
            slack.hire(&slack_person(at), "somebody");
            discord.join("900", &discord_person(at), "somebody", &["7001"]);
        }
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        configure(folder.path(), way, &address, &slack, &discord, shop);
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(folder.path().join("signalbox.toml"))
            // A log line for each delivery would measure the log.
            .env("SIGNALBOX_LOG", "error")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let url = format!("http://{address}");
        match way {
            Way::Http => {
                slack.connect(url.clone());
                discord.connect(url.clone());
            }
            Way::Connections => slack.use_socket(),
        }
        let bot = Self {
            url,
            slack,
            discord,
            child,
            _folder: folder,
        };
        bot.until_ready(way).await;
        bot
    }

    async fn until_ready(&self, way: Way) {
        let begun = Instant::now();
        let log = self._folder.path().join("log");
        loop {
            let is_up = reqwest::get(format!("{}/readyz", self.url))
                .await
                .is_ok_and(|answer| answer.status().is_success());
            let is_connected = way == Way::Http
                || (self.slack.connections().len() == 2
                    && self.discord.gateway().connections().iter().any(|one| one.is_up));
            if is_up && is_connected && !self.discord.commands(Some("900")).is_empty() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{}", fs::read_to_string(&log).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// When the run about a word is shown as a success.
    pub async fn shown_in_slack(&self, word: &str) -> SystemTime {
        let is_it = |seen: &str| seen.contains("✓ Succeeded: write") && seen.contains(word);
        loop {
            let message = self.slack.posted_within("C0OPS", PATIENCE.as_secs()).await;
            if message.seen().contains(word) {
                self.slack
                    .until_within(&message, PATIENCE.as_secs(), |now| is_it(&now.seen()))
                    .await;
                return SystemTime::now();
            }
        }
    }

    /// The same on Discord.
    pub async fn shown_in_discord(&self, word: &str) -> SystemTime {
        let is_it = |seen: &str| seen.contains("✓ Succeeded: write") && seen.contains(word);
        loop {
            let message = self.discord.posted_within(OPS, PATIENCE.as_secs()).await;
            if message.seen().contains(word) {
                self.discord
                    .until_within(&message, PATIENCE.as_secs(), |now| is_it(&now.seen()))
                    .await;
                return SystemTime::now();
            }
        }
    }

    /// Ends it; what its channels show is nobody's business any more.
    pub fn end(self) {
        self.slack.look_away();
        self.discord.take_unread();
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(folder: &Path, way: Way, address: &str, slack: &Slack, discord: &Discord, shop: &Shop) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    fs::create_dir(folder.join("commands")).unwrap();
    write("commands/look.toml", LOOK);
    write("commands/write.toml", WRITE);
    write("policy.cedar", POLICY);
    write("people.toml", &people());
    write("key", "a key for a database that is thrown away");
    write("signing", slack::SIGNING_SECRET);
    write("slack.token", slack::BOT_TOKEN);
    write("app.token", slack::APP_TOKEN);
    write("discord.token", discord::BOT_TOKEN);
    write("discord.key", &discord.public_key());
    write("shop.url", &shop.url);
    let (in_slack, in_discord) = match way {
        Way::Http => (
            "transport = \"http\"\nsigning_secret = \"file:signing\"",
            "transport = \"http\"\npublic_key = \"file:discord.key\"",
        ),
        Way::Connections => (
            "transport = \"socket\"\napp_token = \"file:app.token\"",
            "transport = \"gateway\"",
        ),
    };
    let config = format!(
        r#"[server]
listen = "{address}"
public_url = "http://{address}"
[store]
url = "sqlite:bot.db"
key = "file:key"
[files]
commands = "commands"
people = "people.toml"
policy = "policy.cedar"
[limits]
person_open = 1000000
person_per_minute = 1000000
runbook_open = 1000000
[slack]
{in_slack}
teams = ["T1"]
ops_channel = "C0OPS"
bot_token = "file:slack.token"
api_url = "{}"
[discord]
{in_discord}
guilds = ["900"]
ops_channel = "{OPS}"
application_id = "{}"
bot_token = "file:discord.token"
api_url = "{}"
[connection.shop]
kind = "postgres"
url = "file:shop.url"
"#,
        slack.api_url(),
        discord::APPLICATION,
        discord.api_url(),
    );
    write("signalbox.toml", &config);
}

fn people() -> String {
    let mut text = String::from("[group.ops]\n[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n");
    for at in 0..PEOPLE {
        let (slack, discord) = (slack_person(at), discord_person(at));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "[person.p{at}]\nslack = [\"T1/{slack}\"]\ndiscord = [\"{discord}\"]\ngroups = [\"ops\"]"
        );
    }
    text
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().to_string()
}
