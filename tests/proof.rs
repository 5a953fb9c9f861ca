//! What a run did to its signals, as people see it: a real bot whose Prometheus has kept their past, beside a simulated
//! Slack.

use crate::harness::alertmanager::{FakePrometheus, Says};
use crate::harness::served::Served;
use crate::harness::services::{Postgres, free_port, until};
use crate::harness::slack::{BOT_TOKEN, Message, SIGNING_SECRET, Slack};
use crate::harness::slack_bot::steady;
use serde_json::json;
use sqlx::AnyPool;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Its step makes one order more, which is the wrong way; that can be undone.
const ORDER: &str = r#"
summary = "Makes an order."
[lock]
keys = ["'orders'"]
[[step]]
name = "make"
use = "postgres.statement"
on = "shop"
with.sql = "insert into orders (word) values ('made')"
say = "Make an order."
[step.undo]
use = "postgres.statement"
on = "shop"
with.sql = "delete from orders where word = 'made'"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "It is made."
[proof]
signals = [{ signal = "orders", better = "lower" }]
soak = "6s"
"#;

const SIGNAL: &str = r#"
[signal.orders]
help = "Orders."
unit = "orders"
use = "postgres.query"
on = "shop"
with.sql = "select count(*) as n from orders"
field = "rows.0.n"
history = "metrics"
"#;

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);
"#;

struct World {
    slack: Slack,
    served: Served,
    shop: AnyPool,
    folder: TempDir,
    port: u16,
    prometheus: FakePrometheus,
    _server: Arc<Postgres>,
}

impl World {
    /// A shop with some orders, of which it has been known for long how many there are, and a bot.
    async fn with_orders(before: u32) -> Self {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        let url = server.database("proof").await;
        let shop = AnyPool::connect(&url).await.unwrap();
        let make = "CREATE TABLE orders (word TEXT NOT NULL)";
        sqlx::query(make).execute(&shop).await.unwrap();
        for _ in 0..before {
            let other = "insert into orders (word) values ('another')";
            sqlx::query(other).execute(&shop).await.unwrap();
        }
        // What comes after the run only the bot has seen.
        let known = Says::SeriesUntil(jiff::Timestamp::now(), Self::known(before));
        let prometheus = FakePrometheus::start(known).await;

        let mut slack = Slack::start().await;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        for sub in ["commands", "panels"] {
            fs::create_dir(folder.path().join(sub)).unwrap();
        }
        write("commands/order.toml", ORDER);
        write("panels/orders.toml", SIGNAL);
        write(
            "people.toml",
            "[person.dana]\nslack = [\"T1/U1\"]\ngroups = [\"ops\"]\n[group.ops]\n",
        );
        write("policy.cedar", POLICY);
        write("signing", SIGNING_SECRET);
        write("bot.token", BOT_TOKEN);
        write("key", "a key of this test");
        write("shop.url", &url);
        write(
            "signalbox.toml",
            &format!(
                "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n[store]\nurl = \
                 \"sqlite:bot.db\"\nkey = \"file:key\"\n[files]\ncommands = \"commands\"\npeople = \"people.toml\"\n\
                 policy = \"policy.cedar\"\npanels = \"panels\"\n[slack]\ntransport = \"http\"\nsigning_secret = \
                 \"file:signing\"\nteams = [\"T1\"]\nops_channel = \"C0OPS\"\nbot_token = \"file:bot.token\"\napi_url = \
                 \"{}\"\n[connection.shop]\nkind = \"postgres\"\nurl = \"file:shop.url\"\n[connection.metrics]\nkind = \
                 \"prometheus\"\nurl = \"{}\"\n",
                slack.api_url(),
                prometheus.url
            ),
        );
        let served = Served::start(&folder.path().join("signalbox.toml"), port).await;
        slack.connect(served.url.clone());
        Self {
            slack,
            served,
            shop,
            folder,
            port,
            prometheus,
            _server: server,
        }
    }

    fn known(orders: u32) -> Vec<(serde_json::Value, f64)> {
        vec![(json!({}), f64::from(orders))]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the bot without a goodbye, and starts another one.
    async fn restart(&mut self) {
        self.served.signal("-KILL");
        self.served = Served::start(&self.path("signalbox.toml"), self.port).await;
    }

    async fn orders(&self) -> i64 {
        let count = "SELECT COUNT(*) FROM orders";
        sqlx::query_scalar(count).fetch_one(&self.shop).await.unwrap()
    }

    /// Dana asks for the run, which succeeds and then soaks.
    async fn soaks(&self) -> Message {
        self.slack.person("U1").command("C0OPS", "/order", "").await;
        let message = self.slack.posted("C0OPS").await;
        let soaks = |now: &Message| now.seen().contains("The signals are read once more at");
        let message = self.slack.until(&message, soaks).await;
        assert!(!message.seen().contains("Proof:"), "{}", message.seen());
        message
    }

    async fn proved(&self, message: &Message) -> Message {
        let proved = |now: &Message| now.seen().contains("Proof:");
        self.slack.until_within(message, 90, proved).await
    }
}

/// Not after as long as lies between two measurements: what is not known before a run proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_begins_to_lead_measures_at_once() {
    let world = World::with_orders(4).await;
    let begun = Instant::now();
    loop {
        let metrics = reqwest::get(format!("{}/metrics", world.served.url)).await.unwrap();
        if metrics
            .text()
            .await
            .unwrap()
            .contains("signalbox_signal{signal=\"orders\"} 4")
        {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(14), "orders are not measured yet");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.slack.look_away();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_made_it_worse_offers_its_undo_also_after_a_restart_in_the_soak() {
    let mut world = World::with_orders(4).await;
    let message = world.soaks().await;
    assert!(
        message.labels().is_empty(),
        "nothing is known to be amiss: {:?}",
        message.labels()
    );
    world.restart().await;
    let message = world.proved(&message).await;
    insta::assert_snapshot!(steady(&message.seen()), @"
    ✓ Succeeded: order
    It is made.
    Proof: worse. orders 4 -> 5, 5 after the soak
    Steps: 1 done
    ✓ make
    Undo what is done
    Asked by dana, run RUN
    ");
    let details = world.slack.reply_within(&message, 90).await;
    assert!(details.seen().contains("Details"), "{}", details.seen());
    let chart = world.slack.reply_within(&message, 90).await;
    let named = regex::Regex::new(r"^file [0-9a-z]{10}\.png$").unwrap();
    assert!(named.is_match(&chart.seen()), "{}", chart.seen());
    assert_eq!(world.orders().await, 5);

    world.slack.person("U1").press(&message, "Undo what is done").await;
    let undone = |now: &Message| now.seen().contains("What was done is undone");
    let message = world.slack.until_within(&message, 90, undone).await;
    insta::assert_snapshot!(steady(&message.seen()), @"
    ↶ Undone: order
    What was done is undone. Undone: make.
    Proof: worse. orders 4 -> 5, 5 after the soak
    Steps: 1 done
    ✓ make: make was undone.
    Asked by dana, run RUN
    dana asked to undo what is done
    ");
    assert_eq!(world.orders().await, 4);
    assert!(message.labels().is_empty(), "{:?}", message.labels());
    assert_eq!(world.slack.misuse(), Vec::<String>::new());
    world.slack.look_away();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_young_proves_nothing_and_offers_no_undo() {
    let world = World::with_orders(4).await;
    world
        .prometheus
        .says(Says::SeriesUntil(jiff::Timestamp::now(), Vec::new()));
    let message = world.soaks().await;
    let message = world.proved(&message).await;
    insta::assert_snapshot!(steady(&message.seen()), @"
    ✓ Succeeded: order
    It is made.
    Proof: no data. orders: no data (4 -> 5, 5 after the soak; no past is known, of 180 s)
    Steps: 1 done
    ✓ make
    Asked by dana, run RUN
    ");
    assert!(message.labels().is_empty(), "{:?}", message.labels());
    world.slack.look_away();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_cannot_be_read_for_a_moment_is_asked_for_again() {
    let world = World::with_orders(4).await;
    let scraped = jiff::Timestamp::now();
    let message = world.soaks().await;
    let asked = world.prometheus.queries().len();
    world.prometheus.says(Says::Status(503));
    until("the past is asked for", || world.prometheus.queries().len() > asked).await;
    world.prometheus.says(Says::SeriesUntil(scraped, World::known(4)));
    let message = world.proved(&message).await;
    assert!(
        message.seen().contains("Proof: worse. orders 4 -> 5"),
        "{}",
        message.seen()
    );
    world.slack.look_away();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_cannot_be_read_at_all_proves_nothing_and_is_told() {
    let world = World::with_orders(4).await;
    world.prometheus.says(Says::Status(503));
    let message = world.soaks().await;
    let message = world.proved(&message).await;
    let seen = steady(&message.seen()).replace(&world.prometheus.url["http://".len()..], "PROMETHEUS");
    insta::assert_snapshot!(seen, @"
    ✓ Succeeded: order
    It is made.
    Proof: no data. orders: no data (4 -> 5, 5 after the soak; its past could not be read: PROMETHEUS does not answer as Prometheus does: HTTP 503 Service Unavailable)
    Steps: 1 done
    ✓ make
    Asked by dana, run RUN
    ");
    world.slack.look_away();
}
