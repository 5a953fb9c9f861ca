//! One process of the bot, as an operator would set it up: a folder of files, an address, a database.

use super::outside::{Outside, pool};
use super::runbooks;
use crate::harness::served::Served;
use crate::harness::services::free_port;
use crate::harness::slack::{BOT_TOKEN, SIGNING_SECRET};
use sqlx::AnyPool;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// So long may everything take that was asked for, once nothing disturbs it any more.
const PATIENCE: Duration = Duration::from_secs(180);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub const KEY: &str = "a key that seals what is short-lived";

const PEOPLE: &str = "[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n[group.ops]\n";
const POLICY: &str = "@id(\"ops\")\n@say(\"Ops may.\")\npermit (principal in Group::\"ops\", action, resource);\n";

/// How the bot reaches the world. A wire that breaks may stand in between.
#[derive(Debug, Clone)]
pub struct Wiring {
    pub shop: String,
    pub broker: String,
    pub results: String,
    pub supplier: u16,
    pub slack: u16,
}

impl Wiring {
    pub fn straight(outside: &Outside) -> Self {
        Self {
            shop: outside.shop_url.clone(),
            broker: outside.broker_url(),
            results: outside.results_url(),
            supplier: outside.supplier.port,
            slack: outside.slack.port,
        }
    }
}

/// A bot that may be up or not.
pub struct Bot {
    pub url: String,
    /// Where it keeps what it knows.
    pub store: String,
    pub serving: Option<Served>,
    /// What is in its environment beside ours.
    pub environment: Vec<(&'static str, String)>,
    /// The command that becomes it, if it is not started by itself.
    pub through: &'static [&'static str],
    port: u16,
    folder: TempDir,
}

impl Bot {
    /// With a database of its own in its folder.
    pub fn on_sqlite(wiring: &Wiring) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("bot.db").display());
        Self::new(wiring, store, folder)
    }

    /// On a database that others may use as well.
    pub fn on(wiring: &Wiring, store: &str) -> Self {
        Self::new(wiring, store.to_owned(), tempfile::tempdir().unwrap())
    }

    fn new(wiring: &Wiring, store: String, folder: TempDir) -> Self {
        // Others may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let Wiring { supplier, slack, .. } = wiring;
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{url}\"\ndemo = true\n\
             [store]\nurl = \"file:store.url\"\nkey = \"file:key\"\n\
             [files]\ncommands = \"commands\"\npeople = \"people.toml\"\npolicy = \"policy.cedar\"\n\
             [slack]\ntransport = \"http\"\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\n\
             signing_secret = \"file:signing\"\nbot_token = \"file:token\"\napi_url = \"http://127.0.0.1:{slack}/api\"\n\
             [connection.shop]\nkind = \"postgres\"\nurl = \"file:shop.url\"\n\
             [connection.supplier]\nkind = \"http\"\nurl = \"http://127.0.0.1:{supplier}\"\n\
             [connection.queue]\nkind = \"celery\"\nbroker = \"file:broker.url\"\nresults = \"file:results.url\"\n"
        );
        let files = [
            ("signalbox.toml", config.as_str()),
            ("store.url", &store),
            ("key", KEY),
            ("people.toml", PEOPLE),
            ("policy.cedar", POLICY),
            ("signing", SIGNING_SECRET),
            ("token", BOT_TOKEN),
            ("shop.url", &wiring.shop),
            ("broker.url", &wiring.broker),
            ("results.url", &wiring.results),
        ];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("commands")).unwrap();
        for (name, text) in runbooks::all() {
            fs::write(folder.path().join(format!("commands/{name}.toml")), text).unwrap();
        }
        Self {
            url,
            store,
            serving: None,
            environment: vec![("SIGNALBOX_LOG", "warn".to_owned())],
            through: &[],
            port,
            folder,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it and waits until it listens.
    pub async fn start(&mut self) {
        let config = self.path("signalbox.toml");
        self.serving = Some(Served::start_in(&config, self.port, &self.environment, self.through).await);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.serving = None;
    }

    pub fn signal(&self, signal: &str) {
        self.serving.as_ref().unwrap().signal(signal);
    }

    /// Its database as anybody sees it, beside the bot.
    pub async fn raw(&self) -> AnyPool {
        pool(&self.store).await
    }

    /// Waits until something is written to a journal; false if nothing is for so long.
    pub async fn moves(&self, within: Duration) -> bool {
        let (begun, database) = (Instant::now(), self.raw().await);
        let before = written(&database).await;
        let mut moves = false;
        while !moves && begun.elapsed() < within {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            moves = written(&database).await != before;
        }
        database.close().await;
        moves
    }

    /// Waits until everything that was asked is answered and no run has anything left to do by itself. What is not so
    /// far in the end is for the reckoning to tell.
    pub async fn settles(&self) {
        let (begun, database) = (Instant::now(), self.raw().await);
        while begun.elapsed() < PATIENCE {
            let open: Result<i64, _> = sqlx::query_scalar(
                "SELECT (SELECT COUNT(*) FROM request WHERE state <> 'answered') \
                 + (SELECT COUNT(*) FROM run WHERE wake IS NOT NULL AND outcome <> '\"needs-person\"')",
            )
            .fetch_one(&database)
            .await;
            if matches!(open, Ok(0)) {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        database.close().await;
    }

    /// What it has said since it was first started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }
}

/// How long all journals are together.
async fn written(database: &AnyPool) -> i64 {
    sqlx::query_scalar("SELECT CAST(COALESCE(SUM(seq), 0) AS BIGINT) FROM run")
        .fetch_one(database)
        .await
        .unwrap()
}
