//! A small world for the engine: a shop's table in which each effect is a row, and the bot's files in a folder. One
//! [`Process`] is what one process of the bot knows; two of them share the database.

use crate::harness::older::grow_older;
use crate::harness::services::Postgres;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox::app::App;
use signalbox::custody::Custody;
use signalbox::dispatch::Reply;
use signalbox::request::{Account, Ask, Place, Request, Surface, Words};
use signalbox::run::ledger::{LedgerError, Live, cache};
use signalbox::station::{Share, Station};
use signalbox::store::Store;
use signalbox::store::audit::AuditRow;
use signalbox::store::deliveries::Progress;
use sqlx::AnyPool;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The shop, and the folder of the bot's files.
pub struct World {
    pub folder: TempDir,
    pub shop: AnyPool,
    server: Arc<Postgres>,
}

/// One process of the bot.
pub struct Process {
    pub station: Arc<Station>,
    pub store: Store,
    pub owner: String,
}

/// Where the bot keeps what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    Sqlite,
    Postgres,
}

pub const PEOPLE: &str = r#"
[person.dana]
groups = ["ops"]
[person.lee]
groups = ["ops"]
[group.ops]
"#;

pub const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("many")
@say("More than 5 need a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource)
when { context.radius has orders && context.radius.orders > 5 };
"#;

/// What the record tells of a pause, or of its end.
pub fn pauses(person: &str, at: Timestamp) -> AuditRow {
    AuditRow {
        at,
        kind: "pause".to_owned(),
        person: person.to_owned(),
        subject: "all runbooks".to_owned(),
        body: json!({}),
    }
}

impl World {
    /// With runbooks by name. `celery` is a broker's and a result store's address.
    pub async fn new(runbooks: &[(&str, &str)], celery: Option<(String, String)>) -> Self {
        Self::keeping(Keeps::Sqlite, runbooks, celery).await
    }

    /// With the bot's own database of this kind.
    pub async fn keeping(keeps: Keeps, runbooks: &[(&str, &str)], celery: Option<(String, String)>) -> Self {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        let url = server.database("shop").await;
        let shop = AnyPool::connect(&url).await.unwrap();
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            shop,
            server,
        };
        world
            .tell("CREATE TABLE effect (id BIGSERIAL PRIMARY KEY, word TEXT NOT NULL)")
            .await;
        let store = match keeps {
            Keeps::Sqlite => format!("sqlite:{}", world.path("bot.db").display()),
            Keeps::Postgres => world.server.database("bot").await,
        };
        let mut config =
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\ndemo = true\n[store]\nurl = \
             \"file:store.url\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\npolicy = \"policy.cedar\"\n\
             [connection.shop]\nkind = \"postgres\"\nurl = \"file:shop.url\"\n"
            .to_owned();
        if let Some((broker, results)) = celery {
            config.push_str(
                "[connection.queue]\nkind = \"celery\"\nbroker = \"file:broker.url\"\nresults = \"file:results.url\"\n",
            );
            world.write("broker.url", &broker);
            world.write("results.url", &results);
        }
        fs::create_dir(world.path("commands")).unwrap();
        world.write("signalbox.toml", &config);
        world.write("shop.url", &url);
        world.write("store.url", &store);
        world.write("people.toml", PEOPLE);
        world.write("policy.cedar", POLICY);
        for (name, text) in runbooks {
            world.write(&format!("commands/{name}.toml"), text);
        }
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A process that has just read the files.
    pub async fn process(&self, owner: &str) -> Process {
        let app = App::open(&self.path("signalbox.toml")).await.unwrap();
        Process::of(&app, owner)
    }

    /// One that was started with another config, and what keeps its record.
    pub async fn process_with(&self, config: &str) -> (Process, Custody) {
        let app = App::open(&self.path(config)).await.unwrap();
        (Process::of(&app, config), app.custody(config))
    }

    /// The bot's own database.
    pub async fn bot(&self) -> AnyPool {
        AnyPool::connect(&format!("sqlite:{}", self.path("bot.db").display()))
            .await
            .unwrap()
    }

    /// Lets time pass.
    pub async fn grow_older(&self, span: &str) {
        grow_older(&self.path("bot.db"), span).await;
    }

    pub async fn tell(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.shop).await.unwrap();
    }

    /// How often the shop saw this.
    pub async fn count(&self, word: &str) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM effect WHERE word = $1")
            .bind(word)
            .fetch_one(&self.shop)
            .await
            .unwrap()
    }

    /// Whether the shop is in the middle of a statement that takes its time.
    pub async fn sleeps(&self) -> bool {
        sqlx::query_scalar(
            "SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
             AND wait_event = 'PgSleep'",
        )
        .fetch_one(&self.shop)
        .await
        .unwrap()
    }

    /// All that the shop saw, in order.
    pub async fn effects(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT word FROM effect ORDER BY id")
            .fetch_all(&self.shop)
            .await
            .unwrap()
    }
}

impl Process {
    fn of(app: &App, owner: &str) -> Self {
        Self {
            station: app.station(Share::Leader),
            store: app.store.clone(),
            owner: owner.to_owned(),
        }
    }

    /// What somebody types, carried through the gate.
    pub async fn ask(&self, person: &str, ask: Ask) -> Reply {
        let account = Account::Picked {
            person: person.to_owned(),
        };
        self.ask_as(account, Surface::Cli, None, ask).await
    }

    /// The same from one account of somebody's.
    pub async fn ask_as(&self, account: Account, surface: Surface, session: Option<String>, ask: Ask) -> Reply {
        let place = Place {
            surface,
            workspace: None,
            channel: None,
            thread: None,
        };
        let mut request = Request::new(account, place, ask);
        request.session = session;
        self.store.request(&request, Timestamp::now()).await.unwrap();
        let reply = self.station.desk.handle(&request).await.unwrap();
        // Where the process is at work it may have taken the request as well, and been faster: the first answer stands.
        match self.store.progress(&request.id).await.unwrap() {
            Progress::Run(run) => Reply::Run(run),
            Progress::Answered(_) | Progress::Pending => reply,
        }
    }

    /// A run of dana's.
    pub async fn begin(&self, runbook: &str, order: i64) -> String {
        let ask = Ask::Run {
            runbook: runbook.to_owned(),
            words: Words::Named(vec![("order".to_owned(), order.to_string())]),
            dry: false,
        };
        match self.ask("dana", ask).await {
            Reply::Run(run) => run,
            Reply::Said(report) => panic!("{}", report.say),
        }
    }

    /// Claims the run as if the last claim had just run out. The claim lasts longer than any test.
    pub async fn claim(&self, run: &str) -> Option<i64> {
        let long_ago = SignedDuration::from_mins(2);
        let (now, until) = (
            Timestamp::now() + long_ago,
            Timestamp::now() + SignedDuration::from_mins(1),
        );
        // A process takes nothing over from itself, and takes whatever is due.
        let owner = format!("{}-{}", self.owner, uuid::Uuid::new_v4().simple());
        // PostgreSQL passes over a row that is being written, and what a dead driver had handed in may be on its way.
        for _ in 0..400 {
            let claimed = self.store.claim_runs(&owner, now, until, 10, &[]).await.unwrap();
            if let Some((_, epoch)) = claimed.into_iter().find(|(id, _)| id == run) {
                return Some(epoch);
            }
            let live = Live::load(&self.store, run).await;
            let wake = live.ok().and_then(|live| cache(&live.state).wake);
            if wake.is_none_or(|wake| wake > now) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    /// Drives the run until it rests, if it has anything to do.
    pub async fn drive(&self, run: &str) -> Result<(), LedgerError> {
        match self.claim(run).await {
            Some(epoch) => self.station.engine.drive(run, epoch, None).await,
            None => Ok(()),
        }
    }

    pub async fn live(&self, run: &str) -> Live {
        Live::load(&self.store, run).await.unwrap()
    }
}
