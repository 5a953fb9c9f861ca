//! The bot with outside systems that answer at once.

use crate::{Outcome, long_ago};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use signalbox::bell::Bell;
use signalbox::call::CallResult;
use signalbox::config::{Config, Limits};
use signalbox::dispatch::bounds::Bounds;
use signalbox::dispatch::{Desk, Reply};
use signalbox::integration::canned::{Canned, Made, Script, StepAnswers};
use signalbox::integration::{Connection, Connections};
use signalbox::request::{Account, Ask, Delivery, Place, Request, Surface, Words};
use signalbox::rules::Rules;
use signalbox::rules::live::LiveRules;
use signalbox::run::clock::Clock;
use signalbox::run::engine::Engine;
use signalbox::run::journal::Entry;
use signalbox::run::ledger::{Beside, Live, record};
use signalbox::run::proof::Sampler;
use signalbox::station::handover::Handover;
use signalbox::station::{Share, Station};
use signalbox::store::Store;
use sqlx::AnyPool;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1"
demo = true
[store]
url = "env:NOTHING"
[files]
commands = "commands"
people = "people.toml"
policy = "policy.cedar"
[limits]
person_open = 1000000
person_per_minute = 1000000
runbook_open = 1000000
[connection.shop]
kind = "postgres"
url = "env:NOTHING"
[connection.queue]
kind = "celery"
broker = "env:NOTHING"
results = "env:NOTHING"
"#;

const PEOPLE: &str = "[person.dana]\ngroups = [\"ops\"]\n[person.lee]\ngroups = [\"ops\"]\n[group.ops]\n";

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("many")
@say("More than 5 need a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource)
when { context.radius has orders && context.radius.orders > 5 };
"#;

const HEAD: &str = r#"
summary = "Measured."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "ORDERS"
"#;

const STATEMENT: &str = r#"
[[step]]
name = "NAME"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('NAME')"
say = "Do NAME."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "NAME is done."
"#;

const MESSAGE: &str = r#"
[[step]]
name = "send"
use = "celery.send"
on = "queue"
with.task = "echo"
with.args = ["1"]
with.expires = "1m"
timeout = "1m"
say = "Send it."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Sent."
"#;

const STEPS: [&str; 5] = ["one", "two", "three", "four", "five"];

/// What is measured is how much the bot can do, not how much it would let one person ask for.
fn unbounded() -> Limits {
    Limits {
        person_open: u32::MAX,
        person_per_minute: u32::MAX,
        runbook_open: u32::MAX,
    }
}

pub struct World {
    pub store: Store,
    /// For what no door of the bot tells.
    pub database: AnyPool,
    rules: Arc<LiveRules>,
    connections: Arc<Connections>,
    asked: AtomicUsize,
    _folder: TempDir,
}

/// A process of the bot at work.
pub struct Working {
    bell: Arc<Bell>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Working {
    pub async fn end(self) -> Outcome<()> {
        self.stop.send(true)?;
        Ok(self.task.await?)
    }
}

impl World {
    pub async fn new(url: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        fs::create_dir(folder.path().join("commands"))?;
        write("signalbox.toml", CONFIG)?;
        write("people.toml", PEOPLE)?;
        write("policy.cedar", POLICY)?;
        let five: String = STEPS.iter().map(|name| STATEMENT.replace("NAME", name)).collect();
        write("commands/five.toml", &format!("{}{five}", HEAD.replace("ORDERS", "1")))?;
        write("commands/asks.toml", &format!("{}{five}", HEAD.replace("ORDERS", "9")))?;
        write(
            "commands/marked.toml",
            &format!("{}{MESSAGE}", HEAD.replace("ORDERS", "1")),
        )?;
        let words = |problems: Vec<signalbox::problem::Problem>| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let config = Config::load(&folder.path().join("signalbox.toml")).map_err(words)?;
        let rules = Rules::load(&config).map_err(words)?;

        let answers = |on: &str, action: &str, arguments: Value, value: Value| StepAnswers {
            made: Made {
                on: on.to_owned(),
                action: action.to_owned(),
                arguments: arguments.as_object().cloned().unwrap_or_default(),
            },
            timeout: Duration::from_secs(60),
            call: CallResult::Done { value: value.clone() },
            // What was made is told alike whether it is asked for as a call or as a probe.
            probe: CallResult::Done { value },
            fault: None,
        };
        let mut steps: BTreeMap<String, StepAnswers> = STEPS
            .iter()
            .map(|name| {
                let sql = json!({ "sql": format!("insert into effect (word) values ('{name}')") });
                (
                    (*name).to_owned(),
                    answers("shop", "postgres.statement", sql, json!({ "count": 1 })),
                )
            })
            .collect();
        steps.insert(
            "send".to_owned(),
            answers("queue", "celery.send", json!({}), json!({ "state": "SUCCESS" })),
        );
        let script = Arc::new(Script::new(Vec::new(), steps));
        let canned = |name: &str, kind: &str| {
            (
                name.to_owned(),
                Connection::Canned(Canned::new(name, kind, script.clone())),
            )
        };
        let connections = [canned("shop", "postgres"), canned("queue", "celery")]
            .into_iter()
            .collect();
        let secret = SecretString::from(url.to_owned());
        Ok(Self {
            store: Store::open(&secret, &SecretString::from("bench")).await?,
            database: AnyPool::connect(url).await?,
            rules: Arc::new(LiveRules::new(rules, Timestamp::now())),
            connections: Arc::new(Connections::new(connections)),
            asked: AtomicUsize::new(0),
            _folder: folder,
        })
    }

    fn station(&self, owner: &str) -> Arc<Station> {
        let handover = Arc::new(Handover::new(owner));
        let desk = Arc::new(Desk {
            rules: self.rules.clone(),
            connections: self.connections.clone(),
            store: self.store.clone(),
            suggestions: Arc::default(),
            announce: Vec::new(),
            bounds: Bounds::new(unbounded()),
            handover: handover.clone(),
        });
        let sampler = Arc::new(Sampler::new(self.rules.clone(), self.connections.clone()));
        Arc::new(Station {
            engine: Arc::new(Engine {
                desk: desk.clone(),
                sampler: sampler.clone(),
                clock: Clock::Wall,
                leaving: AtomicBool::new(false),
            }),
            desk,
            sampler,
            owner: owner.to_owned(),
            handover,
            bell: Arc::default(),
            share: Share::Replica,
            leads: AtomicBool::new(false),
            requests: Arc::default(),
            runs: Arc::default(),
            flood: Arc::default(),
            renewed: AtomicI64::default(),
            troubles: Arc::default(),
        })
    }

    /// A process of the bot that works from now on.
    pub fn work(&self, owner: &str) -> Working {
        let (stop, stopped) = watch::channel(false);
        let station = self.station(owner);
        let bell = station.bell.clone();
        let task = tokio::spawn(station.work(stopped, Duration::from_secs(20)));
        Working { bell, stop, task }
    }

    fn request(&self, person: &str, ask: Ask) -> Request {
        let account = Account::Picked {
            person: person.to_owned(),
        };
        let place = Place {
            surface: Surface::Cli,
            workspace: None,
            channel: None,
            thread: None,
        };
        Request::new(account, place, ask)
    }

    fn run(&self, runbook: &str) -> Request {
        let order = self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let ask = Ask::Run {
            runbook: runbook.to_owned(),
            words: Words::Named(vec![("order".to_owned(), order.to_string())]),
            dry: false,
        };
        self.request("dana", ask)
    }

    /// Stores requests in one commit, as the doors do.
    pub async fn ask_many(&self, runbook: &str, count: usize) -> Outcome<()> {
        let deliveries: Vec<Delivery> = (0..count).map(|_| self.delivery(runbook)).collect();
        self.store.receive(&deliveries, Timestamp::now()).await?;
        Ok(())
    }

    /// What a door would store.
    pub fn delivery(&self, runbook: &str) -> Delivery {
        let request = self.run(runbook);
        Delivery {
            id: request.id.clone(),
            kept: String::new(),
            token: None,
            request,
        }
    }

    /// One commit.
    pub async fn store_request(&self) -> Outcome<()> {
        Ok(self.store.request(&self.run("five"), Timestamp::now()).await?)
    }

    pub async fn forget_requests(&self) -> Outcome<()> {
        sqlx::query("DELETE FROM request").execute(&self.database).await?;
        Ok(())
    }

    async fn count(&self, question: &'static str) -> Outcome<usize> {
        let count: i64 = sqlx::query_scalar(question).fetch_one(&self.database).await?;
        Ok(usize::try_from(count)?)
    }

    /// Runs that are over.
    pub async fn closed(&self) -> Outcome<usize> {
        self.count("SELECT COUNT(*) FROM run WHERE outcome = '\"succeeded\"'")
            .await
    }

    /// Waits until so many runs are over.
    pub async fn settle(&self, asked: usize) -> Outcome<()> {
        while self.closed().await? < asked {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Writes and journal entries of one run. Entries of one write bear the same moment.
    pub async fn writes_each(&self) -> Outcome<(usize, usize)> {
        let run: String = sqlx::query_scalar("SELECT id FROM run WHERE outcome = '\"succeeded\"' LIMIT 1")
            .fetch_one(&self.database)
            .await?;
        let journal = self.store.run(&run).await?.journal;
        let mut moments: Vec<Timestamp> = journal.iter().map(|row| row.at).collect();
        moments.dedup();
        Ok((moments.len(), journal.len()))
    }

    /// A run that waits for its approval.
    pub async fn waiting_run(&self) -> Outcome<String> {
        let request = self.run("asks");
        self.store.request(&request, Timestamp::now()).await?;
        loop {
            if let signalbox::store::deliveries::Progress::Run(run) = self.store.progress(&request.id).await? {
                return Ok(run);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stores somebody's yes, and tells how long after it the first step was begun.
    pub async fn approve(&self, run: &str, working: &Working) -> Outcome<Duration> {
        let ask = Ask::Approve {
            run: run.to_owned(),
            digest: None,
        };
        let request = self.request("lee", ask);
        let delivery = Delivery {
            id: request.id.clone(),
            kept: String::new(),
            token: None,
            request,
        };
        self.store.receive(&[delivery], Timestamp::now()).await?;
        let stored = Timestamp::now();
        // As every door does.
        working.bell.ring();
        loop {
            let live = Live::load(&self.store, run).await?;
            let begun = live
                .run
                .journal
                .iter()
                .find(|row| matches!(row.entry, Entry::Intent { .. }));
            if let (Some(begun), Some(_)) = (begun, live.state.closed()) {
                return Ok(begun.at.duration_since(stored).unsigned_abs());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many runs wait for an approval.
    pub async fn until_waiting(&self, count: usize) -> Outcome<()> {
        while self
            .count("SELECT COUNT(*) FROM run WHERE outcome = '\"awaiting-approval\"'")
            .await?
            < count
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Runs whose process died right after it had begun a step.
    pub async fn in_flight(&self, count: usize) -> Outcome<Vec<String>> {
        let desk = self.station("dead").desk.clone();
        let mut runs = Vec::new();
        for _ in 0..count {
            let request = self.run("marked");
            self.store.request(&request, Timestamp::now()).await?;
            match desk.handle(&request).await? {
                Reply::Run(run) => runs.push(run),
                Reply::Said(report) => return Err(report.say.into()),
            }
        }
        let now = Timestamp::now();
        for (run, epoch) in self
            .store
            .claim_runs("dead", now, long_ago(), count as i64, &[])
            .await?
        {
            let mut live = Live::load(&self.store, &run).await?;
            let intent = Entry::Intent {
                step: 0,
                attempt: 1,
                deadline: now + SignedDuration::from_secs(1),
                evidence: Value::Null,
            };
            record(&self.store, &mut live, &[intent], Beside::engine(epoch)).await?;
        }
        Ok(runs)
    }

    /// Waits until none of these is under way, and tells how many wait for a person.
    pub async fn until_rested(&self, runs: &[String]) -> Outcome<usize> {
        while self
            .count("SELECT COUNT(*) FROM run WHERE outcome = '\"running\"'")
            .await?
            > 0
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut unsure = 0;
        for run in runs {
            let outcome = Live::load(&self.store, run).await?.state.standing();
            unsure += usize::from(outcome != signalbox::report::Outcome::Succeeded);
        }
        Ok(unsure)
    }

    /// Begins a run, without anybody who carries it out.
    pub async fn start(&self) -> Outcome<()> {
        let request = self.run("five");
        self.store.request(&request, Timestamp::now()).await?;
        self.station("starter").desk.handle(&request).await?;
        Ok(())
    }
}
