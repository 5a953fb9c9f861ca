//! The bot's own parts, put together as `serve` does it, between a simulated Discord, a simulated Slack where a story wants
//! one, and a shop of one address that answers as the story says. It can be stopped and started again on the same store.

use super::discord::{self, Ack, BOT_TOKEN, Discord, Message};
use super::services::until;
use super::slack::{self, SIGNING_SECRET, Slack};
use super::{jsm, pagerduty};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use regex::Regex;
use serde_json::{Value, json};
use signalbox::app::App;
use signalbox::http::console::Console;
use signalbox::http::console::door::Door;
use signalbox::http::{AlertDoor, DiscordDoor, DiscordFace, Face, SlackDoor, routes};
use signalbox::intake::Intake;
use signalbox::outbox::pages::Pager;
use signalbox::outbox::{self, Outbox, Wire};
use signalbox::platform::discord::client::DiscordClient;
use signalbox::platform::slack::client::SlackClient;
use signalbox::reception::discord::DiscordReception;
use signalbox::reception::gateway::GatewayReception;
use signalbox::reception::slack::SlackReception;
use signalbox::registration::Registration;
use signalbox::run::clock::Clock;
use signalbox::station::{Share, Station};
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub const OPS: &str = "9001";
pub const ALERTS: &str = "9002";
pub const GENERAL: &str = "9003";
pub const ALERTS_OF_SLACK: &str = "C0ALERTS";
const SUGGEST: &str = r#"
[suggest.charge]
label = "Charge {order}"
match = ["alertname=OrderStuck"]
runbook = "charge"
with = ["order={order}"]
"#;

/// What Alertmanager proves itself with.
pub const ALERTS_TOKEN: &str = "simulated-alerts-token";
pub const DANA: &str = "101";
pub const LEE: &str = "102";
pub const VIC: &str = "103";
/// In the guild, and nobody that `people.toml` knows.
pub const EVE: &str = "109";

const PEOPLE: &str = r#"
[person.dana]
slack = ["T1/U1"]
discord = ["101"]
[person.lee]
slack = ["T1/U2"]
discord = ["102"]
[person.vic]
slack = ["T1/U3"]
discord = ["103"]
groups = ["viewers"]
[group.ops]
slack_usergroups = ["T1/S0OPS"]
discord_roles = ["900/7001"]
[group.viewers]
"#;

/// On Slack nobody proves roles here, so who is ops there stands in the file.
const PEOPLE_OF_BOTH: &str = r#"
[person.dana]
slack = ["T1/U1"]
discord = ["101"]
groups = ["ops"]
[person.lee]
slack = ["T1/U2"]
discord = ["102"]
groups = ["ops"]
[group.ops]
discord_roles = ["900/7001"]
[group.viewers]
"#;

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("viewers")
@say("Viewers may look.")
permit (principal in Group::"viewers", action in [Action::"ask", Action::"run", Action::"view"], resource)
when { resource.effect == "read" };

@id("two")
@say("A charge needs a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource == Runbook::"charge");
"#;

const CHARGE: &str = r#"
summary = "Charges an order."
[[input]]
name = "order"
kind = "integer"
min = 1
help = "the number of the order"
[[input]]
name = "note"
kind = "text"
required = false
[lock]
keys = ["'order:' + string(inputs.order)"]
[[refuse]]
when = "inputs.order == 13"
say = "Order 13 is not charged by anybody."
[[step]]
name = "charge"
use = "http.post"
on = "shop"
with.path = "/charge"
with.json = { order = "inputs.order" }
timeout = "2s"
say = "Charge order {{ inputs.order }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Order {{ inputs.order }} is charged."
"#;

const WRITE: &str = r#"
summary = "Writes a word, at once."
[[input]]
name = "word"
kind = "choice"
choices = ["red", "green"]
[lock]
keys = ["inputs.word"]
[[step]]
name = "write"
use = "http.post"
on = "shop"
with.path = "/write"
with.json = { word = "inputs.word" }
timeout = "2s"
say = "Write {{ inputs.word }}."
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "{{ inputs.word }} is written."
"#;

/// The same of more than a message has room for.
pub fn many() -> String {
    ORDERS.replace("/orders", "/many")
}

/// The same with a follow-up.
pub fn offering(offer: &str) -> String {
    format!("{ORDERS}{offer}")
}

const ORDERS: &str = r#"
summary = "Shows what the shop has."
[[input]]
name = "of"
kind = "choice"
choices = ["CJ", "Ali", "Ali Express"]
required = false
many = true
[[look]]
name = "orders"
use = "http.get"
on = "shop"
with.path = "/orders"
[result]
rows = "looks.orders.json.rows"
columns = ["order", "state"]
say = "{{ looks.orders.json.rows | length }} orders."
"#;

/// What the shop answers to whoever writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Yes,
    /// It does what is asked, and says nothing.
    Nothing,
}

struct Shop {
    answers: Mutex<Answers>,
    writes: AtomicUsize,
}

async fn shop(State(shop): State<Arc<Shop>>, request: axum::extract::Request) -> axum::response::Response {
    let path = request.uri().path().to_owned();
    let rows = |count: u32| {
        let rows: Vec<Value> = (0..count)
            .map(|at| json!({"order": 1000 + at, "state": "paid"}))
            .collect();
        json!({ "rows": rows }).to_string()
    };
    if path == "/many" {
        return ([("content-type", "application/json")], rows(200)).into_response();
    }
    let answer = match path.as_str() {
        "/deploys" => Some(
            r#"{"rows": [{"version": "b2", "by": "ci", "finished": "2026-11-27T11:40:00Z"}, {"version": "a1", "by": "ci",
            "finished": "2026-11-27T09:00:00Z"}, {"version": "c3", "by": "max", "finished": 1795780860}]}"#,
        ),
        "/orders" => Some(r#"{"rows": [{"order": 1042, "state": "paid"}, {"order": 1043, "state": "`new`"}]}"#),
        _ => None,
    };
    if let Some(answer) = answer {
        return ([("content-type", "application/json")], answer).into_response();
    }
    shop.writes.fetch_add(1, Ordering::SeqCst);
    let answers = *shop.answers.lock().unwrap();
    match answers {
        Answers::Yes => ([("content-type", "application/json")], "{}").into_response(),
        Answers::Nothing => {
            std::future::pending::<()>().await;
            StatusCode::OK.into_response()
        }
    }
}

/// A story's world.
pub struct World {
    pub discord: Discord,
    pub slack: Option<Slack>,
    pub app: App,
    /// Of what sends messages and pages.
    pub clock: Arc<Clock>,
    shop: Arc<Shop>,
    folder: TempDir,
    bot: Option<Bot>,
    is_over_gateway: bool,
}

/// A process. Dropped, it is as if it were killed.
pub struct Bot {
    pub url: String,
    pub station: Arc<Station>,
    stop: watch::Sender<bool>,
    working: JoinHandle<()>,
    tasks: JoinSet<()>,
}

impl Bot {
    /// Asks it to end, and waits until it has.
    pub async fn end(mut self) {
        let _ = self.stop.send(true);
        let ended = async {
            while !self.working.is_finished() {
                tokio::time::sleep(Duration::from_millis(10)).await
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended)
            .await
            .expect("it does not end");
        self.tasks.abort_all();
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.working.abort();
    }
}

/// What a world has beside what every one has.
struct Given<'a> {
    people: &'a str,
    /// As name and text.
    runbooks: &'a [(&'a str, &'a str)],
    is_over_gateway: bool,
    /// The end of the configuration.
    more: &'a str,
    /// On alerts.
    rules: &'a str,
    policy: &'a str,
    panels: &'a str,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self {
            people: PEOPLE,
            runbooks: &[],
            is_over_gateway: false,
            more: "",
            rules: "",
            policy: "",
            panels: "",
        }
    }
}

/// Configuration with a channel for alerts on each platform.
fn with_channels(more: &str) -> String {
    format!(
        "[alerts]\ntoken = \"file:alerts.token\"\nslack_channel = \"{ALERTS_OF_SLACK}\"\ndiscord_channel = \
         \"{ALERTS}\"\n{more}"
    )
}

impl World {
    /// With Discord alone.
    pub async fn new() -> Self {
        Self::begin(None, Given::default()).await
    }

    /// With Discord alone, which is heard over its gateway.
    pub async fn over_gateway() -> Self {
        let given = Given {
            is_over_gateway: true,
            ..Given::default()
        };
        Self::begin(None, given).await
    }

    /// With further runbooks, as name and text.
    pub async fn with(runbooks: &[(&str, &str)]) -> Self {
        let given = Given {
            runbooks,
            ..Given::default()
        };
        Self::begin(None, given).await
    }

    /// With Slack beside it.
    pub async fn of_both() -> Self {
        Self::of_both_with(PEOPLE_OF_BOTH).await
    }

    /// With Slack beside it, and people who are known by some of their accounts.
    pub async fn of_both_with(people: &str) -> Self {
        let given = Given {
            people,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    /// The same, where Discord is heard over its gateway.
    pub async fn of_both_over_gateway_with(people: &str) -> Self {
        let given = Given {
            people,
            is_over_gateway: true,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    /// With Slack beside it, a channel for alerts on each, and a Prometheus at this address.
    pub async fn with_alerts(prometheus: &str) -> Self {
        let more = with_channels(&format!(
            "[connection.metrics]\nkind = \"prometheus\"\nurl = \"{prometheus}\"\n"
        ));
        let given = Given {
            people: PEOPLE_OF_BOTH,
            more: &more,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    /// The same with further rules on alerts, further policies and further people, and no Prometheus.
    pub async fn with_rules(rules: &str, policy: &str, people: &str) -> Self {
        Self::with_rules_and(rules, policy, people, &[]).await
    }

    /// The same with further runbooks.
    pub async fn with_rules_and(rules: &str, policy: &str, people: &str, runbooks: &[(&str, &str)]) -> Self {
        let given = Given {
            people: &format!("{PEOPLE_OF_BOTH}{people}"),
            runbooks,
            more: &with_channels(""),
            rules,
            policy,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    /// The same with connections that page somebody, and the rules for whom.
    pub async fn with_paging(connections: &str, rules: &str) -> Self {
        let given = Given {
            people: PEOPLE_OF_BOTH,
            more: &with_channels(connections),
            rules,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    /// With Slack beside it, the shipped `/metrics`, these panels, and a Prometheus at this address.
    pub async fn with_panels(people: &str, prometheus: &str, panels: &str) -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/commands/metrics.toml");
        let metrics = fs::read_to_string(file).unwrap();
        let given = Given {
            people,
            runbooks: &[("metrics", metrics.as_str())],
            more: &format!("[connection.metrics]\nkind = \"prometheus\"\nurl = \"{prometheus}\"\n"),
            panels,
            ..Given::default()
        };
        Self::begin(Some(Slack::start().await), given).await
    }

    async fn begin(slack: Option<Slack>, given: Given<'_>) -> Self {
        let Given {
            people,
            runbooks,
            is_over_gateway,
            more,
            rules,
            policy,
            panels,
        } = given;
        let discord = Discord::start().await;
        let shop = Arc::new(Shop {
            answers: Mutex::new(Answers::Yes),
            writes: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(self::shop).with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("commands")).unwrap();
        for (name, text) in [("charge", CHARGE), ("write", WRITE), ("orders", ORDERS)]
            .iter()
            .chain(runbooks)
        {
            write(&format!("commands/{name}.toml"), text);
        }
        fs::create_dir(folder.path().join("panels")).unwrap();
        write("panels/panels.toml", panels);
        write("people.toml", people);
        write("policy.cedar", &format!("{POLICY}{policy}"));
        write("alerts.token", ALERTS_TOKEN);
        write("pagerduty.key", pagerduty::ROUTING_KEY);
        write("pagerduty.token", pagerduty::TOKEN);
        write("jsm.token", jsm::TOKEN);
        write("slack.secret", SIGNING_SECRET);
        write("slack.token", slack::BOT_TOKEN);
        write("discord.token", BOT_TOKEN);
        write("discord.key", &discord.public_key());
        let transport = if is_over_gateway { "gateway" } else { "http" };
        let mut config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\ndemo = true\n[store]\nurl = \
             \"sqlite:bot.db\"\nkey = \"file:slack.secret\"\n[files]\ncommands = \"commands\"\npeople = \
             \"people.toml\"\npolicy = \"policy.cedar\"\npanels = \"panels\"\n[console]\nsession = \"1h\"\n[connection.shop]\nkind = \
             \"http\"\nurl = \"http://{address}\"\n[discord]\ntransport = \"{transport}\"\nguilds = [\"900\"]\nops_channel = \
             \"{OPS}\"\napplication_id = \"{}\"\npublic_key = \"file:discord.key\"\nbot_token = \
             \"file:discord.token\"\napi_url = \"{}\"\n",
            discord::APPLICATION,
            discord.api_url()
        );
        if let Some(slack) = &slack {
            config.push_str(&format!(
                "[slack]\ntransport = \"http\"\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\nsigning_secret = \
                 \"file:slack.secret\"\nbot_token = \"file:slack.token\"\napi_url = \"{}\"\n",
                slack.api_url()
            ));
        }
        config.push_str(more);
        if !more.is_empty() {
            write("suggest.toml", &format!("{SUGGEST}{rules}"));
            config = config.replace("[console]", "alerts = \"suggest.toml\"\n[console]");
        }
        write("signalbox.toml", &config);
        let app = App::open(&folder.path().join("signalbox.toml")).await.unwrap();
        let mut world = Self {
            discord,
            slack,
            app,
            clock: Arc::new(Clock::leaping()),
            shop,
            folder,
            bot: None,
            is_over_gateway,
        };
        world.start().await;
        world
    }

    /// Starts a process, and waits until it leads and its commands are known.
    pub async fn start(&mut self) {
        self.kill();
        let bot = self.launch().await;
        if !self.is_over_gateway {
            self.discord.connect(bot.url.clone());
        }
        if let Some(slack) = &mut self.slack {
            slack.connect(bot.url.clone());
        }
        let station = bot.station.clone();
        self.bot = Some(bot);
        until("the bot leads", || station.leads()).await;
        until("the commands are known", || {
            !self.discord.commands(Some("900")).is_empty()
        })
        .await;
    }

    /// Another process on the same store.
    pub async fn launch(&self) -> Bot {
        let station = self.app.station(Share::Replica);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (intake, writing) = Intake::new(self.app.store.clone(), station.bell.clone(), station.flood.clone());
        tasks.spawn(writing);
        let working = tokio::spawn(station.clone().work(stopped.clone(), Duration::from_secs(1)));
        let client = self.discord_client();
        let registration = Registration::new(station.clone(), client.clone(), vec!["900".to_owned()]);
        tasks.spawn(registration.work());
        self.send(
            &mut tasks,
            &station,
            outbox::discord::Discord::from(client.clone()),
            &stopped,
        );
        if let Some(slack) = &self.slack {
            let client = SlackClient::new(&slack.api_url(), &slack.bot_token(), Duration::from_secs(2)).unwrap();
            self.send(&mut tasks, &station, outbox::slack::Slack::from(client), &stopped);
        }
        let pager = Pager::new(
            station.clone(),
            self.app.redactor.clone(),
            Some(self.app.config.server.public_url.clone()),
            self.clock.clone(),
        );
        tasks.spawn(pager.work(stopped.clone()));
        let counts = Arc::default();
        let secrets = self.app.discord.clone().unwrap();
        let reception = Arc::new(DiscordReception {
            intake: intake.clone(),
            desk: station.desk.clone(),
            counts: Arc::clone(&counts),
            application: discord::APPLICATION.to_owned(),
            guilds: vec!["900".to_owned()],
        });
        let gateway = GatewayReception {
            reception: reception.clone(),
            client,
            token: secrets.bot_token.clone(),
            owner: station.owner.clone(),
            ops: self.app.config.discord.as_ref().unwrap().ops(),
            bell: station.bell.clone(),
        };
        let discord = match secrets.key {
            Some(key) => DiscordFace::Http(DiscordDoor { key, reception }),
            None => {
                tasks.spawn(Arc::new(gateway).work(stopped.clone()));
                DiscordFace::Gateway
            }
        };
        let door = Door::new(&self.app.config, Duration::from_hours(1), &self.app.rules.now(), |_| {
            None
        })
        .unwrap();
        let redactor = self.app.redactor.clone();
        let door_of_slack = self.slack.as_ref().map(|slack| SlackDoor {
            signing: SIGNING_SECRET.into(),
            reception: Arc::new(SlackReception {
                intake: intake.clone(),
                desk: station.desk.clone(),
                client: SlackClient::new(&slack.api_url(), &slack.bot_token(), Duration::from_secs(2)).unwrap(),
                teams: vec!["T1".to_owned()].into(),
                counts: Arc::clone(&counts),
            }),
        });
        let alerts = self.app.alerts.clone().map(|token| {
            let (store, places) = (self.app.store.clone(), self.app.config.alert_places());
            let (intake, writing) = Intake::of_alerts(store, places, self.app.rules.clone(), station.bell.clone());
            tasks.spawn(writing);
            AlertDoor::new(token, intake)
        });
        let takes_alerts = alerts.is_some();
        let (console, watching) = Console::new(station.clone(), intake.clone(), redactor, door, takes_alerts, stopped);
        tasks.spawn(watching);
        let router = routes(Face {
            station: station.clone(),
            slack: door_of_slack,
            socket: None,
            discord: Some(discord),
            console: Some(console),
            alerts,
            counts,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Bot {
            url,
            station,
            stop,
            working,
            tasks,
        }
    }

    fn send<W: Wire>(&self, tasks: &mut JoinSet<()>, station: &Arc<Station>, wire: W, stopped: &watch::Receiver<bool>) {
        let outbox = Outbox::new(station.clone(), wire, self.app.redactor.clone(), self.clock.clone());
        tasks.spawn(Arc::new(outbox).work(stopped.clone()));
    }

    pub fn discord_client(&self) -> Arc<DiscordClient> {
        let token = self.discord.bot_token();
        let api = self.discord.api_url();
        Arc::new(DiscordClient::new(&api, discord::APPLICATION, &token, Duration::from_secs(2)).unwrap())
    }

    /// Ends the process without a goodbye.
    pub fn kill(&mut self) {
        if let Some(mut bot) = self.bot.take() {
            bot.tasks.abort_all();
            let _ = bot.stop.send(true);
        }
    }

    pub fn station(&self) -> &Arc<Station> {
        &self.bot.as_ref().unwrap().station
    }

    pub fn url(&self) -> &str {
        &self.bot.as_ref().unwrap().url
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn shop_answers(&self, answers: Answers) {
        *self.shop.answers.lock().unwrap() = answers;
    }

    /// How often the shop was asked to do something.
    pub fn writes(&self) -> usize {
        self.shop.writes.load(Ordering::SeqCst)
    }

    /// Types a command in the operations channel. It is promised an answer, quickly, that nobody else sees.
    pub async fn types(&self, user: &str, command: &str, options: &[(&str, Value)]) -> Ack {
        let ack = self.discord.person(user).types(OPS, command, options).await;
        let status = (!self.is_over_gateway).then_some(200);
        assert_eq!((ack.status, ack.kind()), (status, 5), "/{command} {options:?}");
        assert_eq!(ack.answer.as_ref().unwrap().data["flags"], 64);
        ack
    }

    /// Presses a button; what comes of it is seen in the message.
    pub async fn presses(&self, user: &str, message: &Message, label: &str) -> Ack {
        let ack = self.discord.person(user).presses(message, label).await;
        let status = (!self.is_over_gateway).then_some(200);
        assert_eq!((ack.status, ack.kind()), (status, 6), "{label}");
        ack
    }

    /// The message once it says so.
    pub async fn until_says(&self, message: &Message, words: &str) -> Message {
        self.discord.until(message, |now| now.seen().contains(words)).await
    }

    /// Discord was not misused, and nothing was promised and left.
    pub fn end(&self) {
        self.discord.check();
        let seen = self.discord.everything();
        for (what, secret) in [
            ("the bot token", BOT_TOKEN),
            ("a secret", SIGNING_SECRET),
            ("the token for alerts", ALERTS_TOKEN),
        ] {
            assert!(!seen.contains(secret), "{what} is in what Discord was sent");
        }
    }
}

/// What differs from one time to the next, in words that stay.
pub fn steady(text: &str) -> String {
    const CHANGES: [(&str, &str); 7] = [
        (r"\b([Rr])un [0-9a-hjkmnp-tv-z]{10}\b", "${1}un RUN"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"· [0-9a-f]{8}\b", "· MARK"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\d\d:\d\d(:\d\d)? UTC", "TIME"),
        (r"channels/900/(\d+)/\d+", "channels/900/$1/MESSAGE"),
        (r"\d{4}-\d\d-\d\d TIME", "TIME"),
    ];
    CHANGES.iter().fold(text.to_owned(), |text, (pattern, word)| {
        Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
    })
}

/// A message as it is seen, with its buttons.
pub fn shown(message: &Message) -> String {
    steady(&message.seen())
}

/// The run that a message is about.
pub fn run_of(message: &Message) -> String {
    let found = Regex::new(r"\brun ([0-9a-hjkmnp-tv-z]{10})\b").unwrap();
    let seen = message.seen();
    found.captures(&seen).expect("it is about a run")[1].to_owned()
}
