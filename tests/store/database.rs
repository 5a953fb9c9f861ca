//! A database of each kind, empty and for one test alone, and the smallest things that can be stored in it.

use crate::harness::services::Postgres;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;
use signalbox::plan::Plan;
use signalbox::report::Outcome;
use signalbox::request::{Account, Ask, Delivery, Place, Request, Surface, Words};
use signalbox::run::journal::{Cited, Entry};
use signalbox::run::lock::Locks;
use signalbox::store::messages::{MessageKind, NewMessage};
use signalbox::store::runs::{Append, Cache, LockChange, NewRun, Written};
use signalbox::store::{Store, StoreError};
use sqlx::AnyPool;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Where one test keeps its store.
pub struct Database {
    pub url: String,
    folder: Option<TempDir>,
    _server: Option<Arc<Postgres>>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}", folder.path().join("store.db").display()),
            folder: Some(folder),
            _server: None,
        }
    }

    pub async fn postgres() -> Self {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        Self {
            url: server.database("store").await,
            folder: None,
            _server: Some(server),
        }
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&SecretString::from(self.url.as_str()), &SecretString::from("a key")).await
    }

    /// The database as anybody sees it, beside the store.
    pub async fn raw(&self) -> AnyPool {
        raw(&self.url).await
    }

    /// The same, before anybody has opened it.
    pub async fn raw_new(&self) -> AnyPool {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            std::fs::File::create(path).unwrap();
        }
        self.raw().await
    }

    /// As the documentation tells operators to: while it is written to.
    pub async fn back_up(&self, to: &Path) {
        if self.folder.is_some() {
            sqlx::query("VACUUM INTO $1")
                .bind(to.to_str().unwrap())
                .execute(&self.raw().await)
                .await
                .unwrap();
            return;
        }
        run(Postgres::client("pg_dump")
            .arg("-Fc")
            .arg("--file")
            .arg(to)
            .arg(&self.url));
    }

    /// A database of its own with what stands in a backup.
    pub async fn restored(&self, from: &Path) -> Self {
        if self.folder.is_some() {
            let restored = Self::sqlite();
            std::fs::copy(from, restored.url.strip_prefix("sqlite:").unwrap()).unwrap();
            return restored;
        }
        let restored = Self::postgres().await;
        let mut command = Postgres::client("pg_restore");
        command
            .args(["--no-owner", "--exit-on-error", "--dbname", &restored.url])
            .arg(from);
        run(&mut command);
        restored
    }

    /// The files of SQLite; none where a server keeps them.
    pub fn files(&self) -> Vec<PathBuf> {
        self.folder.as_ref().map_or_else(Vec::new, |folder| {
            std::fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect()
        })
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn raw(url: &str) -> AnyPool {
    sqlx::any::install_default_drivers();
    AnyPool::connect(url).await.unwrap()
}

/// A fixed beginning: time passes by arithmetic.
pub fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub fn later(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

pub fn channel(name: &str) -> Place {
    Place {
        surface: Surface::Slack,
        workspace: Some("T1".to_owned()),
        channel: Some(name.to_owned()),
        thread: None,
    }
}

pub fn request() -> Request {
    Request::new(
        Account::Slack {
            team: "T1".to_owned(),
            user: "U1".to_owned(),
        },
        channel("C1"),
        Ask::Run {
            runbook: "forward-order".to_owned(),
            words: Words::Line("1042".to_owned()),
            dry: false,
        },
    )
}

pub fn delivery(id: &str) -> Delivery {
    Delivery {
        id: id.to_owned(),
        kept: "command=/forward-order&text=1042".to_owned(),
        token: None,
        request: request(),
    }
}

pub fn locks(keys: &[&str], shared: bool) -> Locks {
    Locks {
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        shared,
    }
}

/// A plan with nothing in it but its name.
pub fn plan(runbook: &str) -> Plan {
    serde_json::from_value(json!({
        "runbook": runbook, "hash": "", "source": "", "person": "dana", "place": channel("C1"), "inputs": {},
        "looks": {}, "effect": "write", "steps": [], "warnings": [], "nothing": [],
        "locks": { "keys": [], "shared": false }, "radius": {}, "result": null, "offers": [], "connections": {},
        "undo_on_failure": false, "soak": null, "digest": ""
    }))
    .unwrap()
}

pub fn created() -> Entry {
    Entry::Created {
        decision: Cited {
            policies: Vec::new(),
            say: "Ops may.".to_owned(),
        },
        by: None,
    }
}

pub fn running(wake: Timestamp) -> Cache {
    Cache {
        outcome: Outcome::Running,
        wake: Some(wake),
    }
}

/// Stores a run that is due at noon, with its request.
pub async fn begin(store: &Store, id: &str) {
    assert!(is_written(&begin_with(store, id, None, &[]).await));
}

pub fn is_written(written: &Written) -> bool {
    matches!(written, Written::Yes { .. })
}

pub async fn begin_with(store: &Store, id: &str, locks: Option<&Locks>, messages: &[NewMessage]) -> Written {
    let asked = request();
    store.request(&asked, noon()).await.unwrap();
    store
        .create_run(
            NewRun {
                id,
                request: &asked.id,
                plan: &plan("forward-order"),
                entries: &[created()],
                cache: running(noon()),
                locks,
                messages,
                records: &[],
                claim: None,
                deed: None,
            },
            noon(),
        )
        .await
        .unwrap()
}

/// One more entry, by whoever holds the epoch.
pub fn addition<'a>(run: &'a str, seq: i64, epoch: Option<i64>, entries: &'a [Entry]) -> Append<'a> {
    Append {
        run,
        seq,
        epoch,
        entries,
        cache: running(noon()),
        locks: LockChange::Keep,
        new_plan: None,
        thread: None,
        records: &[],
        release: false,
        steady: false,
        claim: None,
        unless_paused: None,
    }
}

pub fn stop_asked(person: &str) -> [Entry; 1] {
    [Entry::StopAsked {
        person: person.to_owned(),
    }]
}

pub fn message(id: &str, kind: MessageKind, run: &str) -> NewMessage {
    NewMessage {
        id: id.to_owned(),
        kind,
        run: Some(run.to_owned()),
        request: None,
        place: channel("C1"),
        body: None,
    }
}
