//! A bot whose runs wait for a yes, and whose outbox speaks to a simulated Slack. Time passes when a test says so: for the
//! outbox and for Slack alike.

use crate::harness::services::until;
use crate::harness::slack::{Message, Slack};
use jiff::Timestamp;
use signalbox::app::App;
use signalbox::dispatch::Reply;
use signalbox::outbox::{Outbox, slack};
use signalbox::platform::slack::client::SlackClient;
use signalbox::report::Report;
use signalbox::request::{Account, Ask, Place, Request, Surface, Words};
use signalbox::run::clock::Clock;
use signalbox::station::{Share, Station};
use signalbox::store::messages::{DueMessage, MessageKind};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where runs are announced, and another channel.
pub const OPS: &str = "C0OPS";
pub const ALERTS: &str = "C0ALERTS";

const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// For tests in which answers do not come.
pub const BRIEFLY: Duration = Duration::from_millis(300);
/// Longer than any test.
pub const LONG: Duration = Duration::from_secs(120);

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("two")
@say("Every run needs a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource);
"#;

const RUNBOOK: &str = r#"
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
with.sql = "insert into effect (word) values ($1)"
with.params = ["inputs.word"]
say = "Write {{ inputs.word }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Wrote {{ inputs.word }}."
"#;

pub struct World {
    pub slack: Slack,
    pub app: App,
    station: Arc<Station>,
    clock: Arc<Clock>,
    _folder: TempDir,
}

/// A process that sends. Dropped, it is as if it were killed.
pub struct Sender {
    stop: watch::Sender<bool>,
    working: JoinHandle<()>,
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.working.abort();
    }
}

impl Sender {
    /// As at the end of a process that is asked to go.
    pub async fn ends(mut self) {
        self.stop.send(true).unwrap();
        (&mut self.working).await.unwrap();
    }
}

impl World {
    pub async fn new() -> Self {
        let slack = Slack::start().await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        write("commands/write.toml", RUNBOOK);
        write(
            "people.toml",
            "[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n[person.lee]\nslack = [\"T1/U2\"]\ngroups = \
             [\"ops\"]\n[group.ops]\n",
        );
        write("policy.cedar", POLICY);
        write("secret", "a secret of this test");
        write("shop.url", "postgres://shop:x@127.0.0.1:1/shop");
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\ndemo = true\n[store]\nurl = \
                 \"sqlite:{}\"\nkey = \"file:secret\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\n\
                 policy = \"policy.cedar\"\n[slack]\ntransport = \"http\"\nteams = [\"T1\"]\nops_channel = \"{OPS}\"\n\
                 signing_secret = \"file:secret\"\nbot_token = \"file:secret\"\napi_url = \"{}\"\n[connection.shop]\n\
                 kind = \"postgres\"\nurl = \"file:shop.url\"\n",
                folder.path().join("bot.db").display(),
                slack.api_url()
            ),
        );
        let app = App::open(&folder.path().join("signalbox.toml")).await.unwrap();
        Self {
            slack,
            station: app.station(Share::Replica),
            app,
            clock: Arc::new(Clock::leaping()),
            _folder: folder,
        }
    }

    /// A process that leads and sends, and waits this long for an answer.
    pub fn sender(&self, patience: Duration) -> Sender {
        let station = self.app.station(Share::Replica);
        station.leads.store(true, Ordering::SeqCst);
        let client = SlackClient::new(&self.slack.api_url(), &self.slack.bot_token(), patience).unwrap();
        let (stop, stopped) = watch::channel(false);
        let outbox = Outbox::new(
            station,
            slack::Slack::from(client),
            self.app.redactor.clone(),
            self.clock.clone(),
        );
        let working = tokio::spawn(Arc::new(outbox).work(stopped));
        Sender { stop, working }
    }

    /// Time passes, here and at Slack.
    pub async fn pass(&self, span: Duration) {
        self.slack.advance(span);
        self.clock.wait(span).await;
    }

    /// Time passes in pieces until something is so.
    pub async fn pass_until(&self, what: &str, span: Duration, mut holds: impl AsyncFnMut() -> bool) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < PATIENCE, "{what}: not so after {PATIENCE:?}");
            self.pass(span).await;
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    pub async fn asks(&self, user: &str, channel: &str, ask: Ask, message: Option<&Message>) -> Reply {
        let account = Account::Slack {
            team: "T1".to_owned(),
            user: user.to_owned(),
        };
        let mut request = Request::new(account, place(channel), ask);
        request.message = message.map(|message| message.ts.clone());
        self.app.store.request(&request, Timestamp::now()).await.unwrap();
        self.station.desk.handle(&request).await.unwrap()
    }

    /// Dana asks for a run, which waits for lee.
    pub async fn begins(&self, channel: &str, word: &str) -> String {
        let ask = Ask::Run {
            runbook: "write".to_owned(),
            words: Words::Named(vec![("word".to_owned(), word.to_owned())]),
            dry: false,
        };
        match self.asks("U1", channel, ask, None).await {
            Reply::Run(run) => run,
            Reply::Said(report) => panic!("{}", report.say),
        }
    }

    /// Lee says no, by a button of this message or else in words. Gives what is said instead, if it does not count.
    pub async fn denies(&self, run: &str, channel: &str, message: Option<&Message>) -> Option<Report> {
        match self
            .asks("U2", channel, Ask::Deny { run: run.to_owned() }, message)
            .await
        {
            Reply::Run(_) => None,
            Reply::Said(report) => Some(*report),
        }
    }

    /// A run's message in a channel, as the store knows it, with the last failure.
    pub async fn stored(&self, run: &str, kind: MessageKind, channel: &str) -> (DueMessage, Option<String>) {
        let all = self.app.store.messages_of(run).await.unwrap();
        let mut found = all
            .into_iter()
            .filter(|(due, _)| due.message.kind == kind && due.message.place.channel.as_deref() == Some(channel));
        found.next().expect("there is such a message")
    }

    /// Waits until so many calls of a method were made.
    pub async fn calls(&self, method: &str, count: usize) {
        until(&format!("{count} calls of {method}"), || {
            self.slack.calls(method).len() >= count
        })
        .await;
    }
}

pub fn place(channel: &str) -> Place {
    Place {
        surface: Surface::Slack,
        workspace: Some("T1".to_owned()),
        channel: Some(channel.to_owned()),
        thread: None,
    }
}
