//! The console at the level of HTTP, served by the real program: who comes in, what a form does, and what a page tells.

mod door;
mod forms;
mod messages;
mod pages;
mod stream;
mod trouble;

use crate::crash::world::World;
use crate::harness::served::Served;
use crate::harness::services::free_port;
use crate::harness::visitor::{Answered, Visitor};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

const DANA: &str = "dana-0123456789abcdef0123456789abcdef";
const LEE: &str = "lee-0123456789abcdef0123456789abcdef";
const VIC: &str = "vic-0123456789abcdef0123456789abcdef";

const PEOPLE: &str = r#"
[person.dana]
console = "file:dana.token"
groups = ["ops"]
[person.lee]
console = "file:lee.token"
groups = ["ops"]
[person.vic]
console = "file:vic.token"
groups = ["viewers"]
[group.ops]
[group.viewers]
"#;

const POLICY: &str = r#"
@id("ops")
@say("Ops may.")
permit (principal in Group::"ops", action, resource);

@id("viewers")
@say("Viewers may see every run.")
permit (principal in Group::"viewers", action == Action::"view", resource);

@id("viewers-write-nothing")
@say("Viewers may look and change nothing.")
forbid (principal in Group::"viewers", action in [Action::"ask", Action::"run"], resource);

@id("many")
@say("More than 5 need a second person.")
@approvals("1")
forbid (principal, action == Action::"run", resource)
when { context.radius has orders && context.radius.orders > 5 };
"#;

/// Leaves one row in the shop each time that it runs.
const MARK: &str = r#"
summary = "Leaves a mark."
[[input]]
name = "order"
kind = "integer"
[lock]
keys = ["'order:' + string(inputs.order)"]
[radius]
orders = "inputs.order"
[[step]]
name = "mark"
use = "postgres.statement"
on = "shop"
with.sql = "insert into effect (word) values ('mark')"
say = "Mark {{ inputs.order }}."
timeout = "1m"
[[step.expect]]
when = "call.result == 'done'"
outcome = "done"
say = "Marked."
"#;

/// A bot whose people have tokens.
struct Site {
    world: World,
    served: Served,
}

impl Site {
    async fn open() -> Self {
        Self::with(false, &[("mark", MARK)]).await
    }

    /// Where anyone can be anyone.
    async fn demo() -> Self {
        Self::with(true, &[("mark", MARK)]).await
    }

    /// With one more runbook.
    async fn with_runbook(name: &str, text: &str) -> Self {
        Self::with(false, &[("mark", MARK), (name, text)]).await
    }

    async fn with(demo: bool, runbooks: &[(&str, &str)]) -> Self {
        // Others may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new(runbooks, None).await;
        let port = free_port();
        let config = std::fs::read_to_string(world.path("signalbox.toml")).unwrap();
        let config = config
            .replace("127.0.0.1:0", &format!("127.0.0.1:{port}"))
            .replace("demo = true", &format!("demo = {demo}"))
            .replace("[connection.shop]", "[console]\nsession = \"1h\"\n[connection.shop]");
        world.write("signalbox.toml", &config);
        for (name, token) in [("dana", DANA), ("lee", LEE), ("vic", VIC)] {
            world.write(&format!("{name}.token"), token);
        }
        world.write("people.toml", PEOPLE);
        world.write("policy.cedar", POLICY);
        let served = Served::start(&world.path("signalbox.toml"), port).await;
        Self { world, served }
    }

    fn url(&self) -> &str {
        &self.served.url
    }

    async fn sign_in(&self, token: &str) -> Visitor {
        Visitor::sign_in(self.url(), token).await.unwrap()
    }

    async fn marks(&self) -> i64 {
        self.world.count("mark").await
    }

    /// Opens a page again and again until it is so.
    async fn until(&self, visitor: &Visitor, path: &str, is_so: impl Fn(&Answered) -> bool) -> Answered {
        let start = Instant::now();
        loop {
            let page = visitor.get(path).await;
            if is_so(&page) {
                return page;
            }
            assert!(start.elapsed() < PATIENCE, "{path}: {page:?}\n{}", self.served.log());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// The run that a form without a script led to.
fn run_of(answered: &Answered) -> String {
    assert_eq!(answered.status, 303, "{answered:?}");
    let run = answered.to.rsplit(['-', '/']).next().unwrap();
    assert!(answered.to.contains("run"), "{answered:?}");
    run.to_owned()
}
