//! A bot whose outside systems are one recorder: whoever is called is counted, and nobody answers.

use super::parsers::assert_harmless;
use super::parsers::slack::assert_safe_in_slack;
use crate::harness::slack::{SIGNING_SECRET, Sent, judged};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox::app::App;
use signalbox::dispatch::Reply;
use signalbox::http::console::Console;
use signalbox::http::console::door::Door;
use signalbox::http::{Face, SlackDoor, routes};
use signalbox::intake::Intake;
use signalbox::platform::slack::client::SlackClient;
use signalbox::platform::slack::render::{self, Mentions, Rendered};
use signalbox::reception::slack::SlackReception;
use signalbox::report::{Outcome, Report, terminal};
use signalbox::request::{Account, Ask, Place, Request, Surface};
use signalbox::run::ledger::Live;
use signalbox::station::{Share, Station};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("two")
@say("Every run needs a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource);
"#;

/// The bot, with a door for Slack.
pub struct World {
    pub app: App,
    pub station: Arc<Station>,
    pub url: String,
    calls: Arc<AtomicUsize>,
    client: reqwest::Client,
    folder: TempDir,
    _stop: watch::Sender<bool>,
}

/// What a request came to.
pub struct Told {
    pub report: Report,
    /// As Slack gets it: the whole message, as JSON.
    pub slack: Value,
    pub terminal: String,
}

impl World {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let calls = Arc::new(AtomicUsize::new(0));
        let recorder = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = recorder.local_addr().unwrap();
        let counted = calls.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = recorder.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        write("commands/every.toml", include_str!("every.toml"));
        write(
            "people.toml",
            "[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n[person.lee]\nslack = [\"T1/U2\"]\ngroups = \
             [\"ops\"]\n[group.ops]\n",
        );
        write("policy.cedar", POLICY);
        write("secret", SIGNING_SECRET);
        write("shop.url", &format!("postgres://shop:x@{address}/shop"));
        write("broker.url", &format!("redis://{address}/0"));
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\ndemo = true\n[store]\nurl = \
                 \"sqlite:bot.db\"\nkey = \"file:secret\"\n[files]\ncommands = \"commands\"\npeople = \
                 \"people.toml\"\npolicy = \"policy.cedar\"\n[slack]\ntransport = \"http\"\nteams = [\"T1\"]\nops_channel \
                 = \"C0OPS\"\nsigning_secret = \"file:secret\"\nbot_token = \"file:secret\"\n[console]\nsession = \"1h\"\n[limits]\nperson_open = 1000000\nperson_per_minute = 1000000\nrunbook_open = 1000000\n[connection.shop-db]\nkind = \
                 \"postgres\"\nurl = \"file:shop.url\"\n[connection.shop-celery]\nkind = \"celery\"\nbroker = \
                 \"file:broker.url\"\nresults = \"file:broker.url\"\n[connection.shop-metrics]\nkind = \
                 \"prometheus\"\nurl = \"http://{address}\"\n"
            ),
        );
        let app = App::open(&folder.path().join("signalbox.toml")).await.unwrap();
        let station = app.station(Share::Leader);
        let (intake, writing) = Intake::new(app.store.clone(), station.bell.clone(), station.flood.clone());
        tokio::spawn(writing);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let life = Duration::from_hours(1);
        let door = Door::new(&app.config, life, &app.rules.now(), |_| None).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (console, watching) = Console::new(
            station.clone(),
            intake.clone(),
            app.redactor.clone(),
            door,
            false,
            stopped,
        );
        tokio::spawn(watching);
        let counts = Arc::default();
        let reception = SlackReception {
            intake,
            desk: station.desk.clone(),
            // Nothing answers there.
            client: SlackClient::new("http://127.0.0.1:1/api", &"token".into(), Duration::from_secs(1)).unwrap(),
            teams: vec!["T1".to_owned()].into(),
            counts: Arc::clone(&counts),
        };
        let router = routes(Face {
            alerts: None,
            station: station.clone(),
            discord: None,
            slack: Some(SlackDoor {
                signing: SIGNING_SECRET.into(),
                reception: Arc::new(reception),
            }),
            socket: None,
            console: Some(console),
            counts,
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, service).into_future());
        Self {
            app,
            station,
            url,
            calls,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            folder,
            _stop: stop,
        }
    }

    /// Posts a body that Slack has signed. Gives the status and the answer.
    pub async fn post(&self, path: &'static str, body: String) -> (u16, String) {
        let sent = Sent::new(path, body);
        let response = self
            .client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", sent.timestamp.to_string())
            .header("x-slack-signature", &sent.signature)
            .body(sent.body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Takes what the door has stored through the gate.
    pub async fn work(&self) -> Vec<(Request, Told)> {
        let now = Timestamp::now();
        let until = now + SignedDuration::from_mins(10);
        let taken = self.app.store.take_requests("test", now, until, 10_000).await.unwrap();
        let mut all = Vec::new();
        for request in taken {
            let told = self.told(self.station.desk.handle(&request).await.unwrap()).await;
            all.push((request, told));
        }
        all
    }

    /// Takes what is stored through the gate as soon as it is there, until the handle is dropped.
    pub fn keep_working(&self) -> Working {
        let (store, station) = (self.app.store.clone(), self.station.clone());
        let working = tokio::spawn(async move {
            let mut bell = station.bell.listen();
            loop {
                let now = Timestamp::now();
                let until = now + SignedDuration::from_mins(10);
                let taken = store.take_requests("test", now, until, 100).await.unwrap();
                if taken.is_empty() {
                    bell.heard(Duration::from_millis(20)).await;
                }
                for request in taken {
                    station.desk.handle(&request).await.unwrap();
                    station.bell.ring();
                }
            }
        });
        Working(working.abort_handle())
    }

    /// What the command line does with what was typed.
    pub async fn ask(&self, ask: Ask) -> Told {
        let account = Account::Picked {
            person: "dana".to_owned(),
        };
        let place = Place {
            surface: Surface::Cli,
            workspace: None,
            channel: None,
            thread: None,
        };
        let request = Request::new(account, place, ask);
        self.app.store.request(&request, Timestamp::now()).await.unwrap();
        self.told(self.station.desk.handle(&request).await.unwrap()).await
    }

    async fn told(&self, reply: Reply) -> Told {
        let (report, seen) = match reply {
            Reply::Said(report) => (*report.clone(), vec![render::ephemeral(&report)]),
            Reply::Run(run) => {
                let live = Live::load(&self.app.store, &run).await.unwrap();
                let report = self.station.desk.report(&live);
                let seen = vec![
                    render::run_message(&report, &Mentions::default()),
                    render::thread_details(&report).message,
                ];
                (report, seen)
            }
        };
        Told {
            slack: seen.iter().map(as_sent).collect(),
            terminal: terminal::render(&report, false, 100),
            report,
        }
    }

    /// How often anybody outside was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The bot's own database, beside the bot.
    pub async fn database(&self) -> sqlx::AnyPool {
        let path = self.folder.path().join("bot.db");
        sqlx::AnyPool::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap()
    }

    pub async fn runs(&self) -> usize {
        self.app.store.runs(100_000).await.unwrap().len()
    }
}

/// The gate's loop.
pub struct Working(AbortHandle);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn as_sent(rendered: &Rendered) -> Value {
    let message = json!({ "text": rendered.text, "blocks": rendered.blocks });
    if let Err(refusal) = judged(&message) {
        panic!("Slack refuses the message: {refusal}\n{message:#}");
    }
    message
}

impl Told {
    pub fn is_turned_away(&self) -> bool {
        self.report.run.is_none()
            && matches!(
                self.report.outcome,
                Outcome::Invalid | Outcome::Refused | Outcome::Denied | Outcome::NothingToDo | Outcome::Succeeded
            )
    }

    /// Nothing in it is obeyed anywhere, and it is not longer than anybody reads.
    pub fn assert_harmless(&self, what: &str) {
        assert_safe_in_slack(&self.slack);
        assert_harmless(&self.terminal);
        assert!(self.terminal.len() < 12_000, "{what}: {} bytes", self.terminal.len());
    }
}
