//! What is offered to somebody who types: by the real database, slow, and away; and to whom nothing is offered.

use crate::crash::world::{PEOPLE, World};
use crate::harness::services::free_port;
use crate::harness::shop::Shop;
use signalbox::app::App;
use signalbox::dispatch::Desk;
use signalbox::dispatch::completion::{Completion, Typist};
use signalbox::request::{Account, Place, Surface};
use signalbox::station::Share;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PICK: &str = r#"
summary = "Looks at orders."
[[input]]
name = "order"
kind = "integer"
many = true
min = 1
[input.suggest]
use = "postgres.query"
on = "shop"
value = "id"
label = "label"
with.params = ["typed"]
with.sql = "select id, label from orders where starts_with(id::text, $1::text) order by id"
[[input]]
name = "how"
kind = "choice"
choices = ["at once", "at night"]
required = false
[[input]]
name = "sure"
kind = "boolean"
required = false
[result]
rows = "[]"
columns = ["n"]
say = "Looked."
"#;

const ORDERS: &str = "CREATE TABLE orders (id BIGINT, label TEXT)";

struct Desks {
    world: World,
    desk: Arc<Desk>,
}

impl Desks {
    async fn new() -> Self {
        let world = World::new(&[("pick", PICK), ("other", &PICK.replace("orders", "others"))], None).await;
        world.write(
            "people.toml",
            &format!("{PEOPLE}[person.vic]\ngroups = [\"viewers\"]\n[group.viewers]\n"),
        );
        world.tell(ORDERS).await;
        world
            .tell("INSERT INTO orders VALUES (1042, '1042: USD 84.50'), (1043, NULL), (207, '207: USD 1.00'), (-5, 'odd'), (1042, 'twice')")
            .await;
        let desk = desk(&world.path("signalbox.toml")).await;
        Self { world, desk }
    }

    async fn types(&self, person: &str, typed: &str) -> Completion {
        complete(&self.desk, person, "pick", "order", typed).await
    }

    /// What the database says now, however busy the machine is.
    async fn fresh(&self, typed: &str) -> Completion {
        let mut told = self.types("dana", typed).await;
        until_some("the database answers in time", async || {
            let is_fresh = told.stale.is_none() && !told.choices.is_empty();
            if !is_fresh {
                told = self.types("dana", typed).await;
            }
            is_fresh
        })
        .await;
        told
    }

    /// Suggestions that the database is at.
    async fn asked(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND query LIKE '%starts_with(id%' AND pid <> pg_backend_pid()";
        sqlx::query_scalar(sql).fetch_one(&self.world.shop).await.unwrap()
    }
}

async fn desk(config: &Path) -> Arc<Desk> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    App::open(config).await.unwrap().station(Share::Leader).desk.clone()
}

fn console() -> Place {
    Place {
        surface: Surface::Console,
        workspace: None,
        channel: None,
        thread: None,
    }
}

fn picked(person: &str) -> Account {
    Account::Picked {
        person: person.to_owned(),
    }
}

async fn complete(desk: &Desk, person: &str, runbook: &str, input: &str, typed: &str) -> Completion {
    let (account, place) = (picked(person), console());
    let typist = Typist {
        account: &account,
        place: &place,
        memberships: &[],
    };
    desk.complete(typist, runbook, input, typed).await
}

async fn line(desk: &Desk, person: &str, line: &str) -> Completion {
    let (account, place) = (picked(person), console());
    let typist = Typist {
        account: &account,
        place: &place,
        memberships: &[],
    };
    desk.complete_line(typist, line).await
}

fn values(completion: &Completion) -> Vec<&str> {
    completion.choices.iter().map(|choice| choice.value.as_str()).collect()
}

fn labels(completion: &Completion) -> Vec<&str> {
    completion.choices.iter().map(|choice| choice.label.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_as_typed_is_offered() {
    let desks = Desks::new().await;
    let all = desks.fresh("").await;
    // -5 is no order, and what is there twice is offered once.
    assert_eq!(values(&all), ["207", "1042", "1043"]);
    assert_eq!(labels(&all), ["207: USD 1.00", "1042: USD 84.50", "1043"]);
    assert_eq!((all.stale, all.replace.clone()), (None, 0..0));
    assert_eq!(values(&desks.fresh("104").await), ["1042", "1043"]);
    // Of a list the last item, and nothing twice.
    let second = desks.fresh("1042, 10").await;
    assert_eq!((values(&second), second.replace.clone()), (vec!["1043"], 6..8));

    desks
        .world
        .tell("INSERT INTO orders SELECT n, repeat('x', 150) FROM generate_series(3000, 3100) n")
        .await;
    let many = desks.fresh("3").await;
    assert_eq!(many.choices.len(), 25);
    assert!(
        many.choices.iter().all(|choice| choice.label.len() == 100),
        "{:?}",
        many.choices[0]
    );
    assert!(desks.types("dana", &"1".repeat(101)).await.choices.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_is_offered_nothing_and_loads_nothing() {
    let desks = Desks::new().await;
    let mut held = desks.world.shop.begin().await.unwrap();
    sqlx::query("LOCK TABLE orders").execute(&mut *held).await.unwrap();
    for person in ["vic", "nobody"] {
        assert_eq!(desks.types(person, "1").await, Completion::default());
        for typed in ["/", "/pick", "/pick ", "/pick 10"] {
            let told = line(&desks.desk, person, typed).await;
            assert!(
                told.choices.is_empty() && told.usage.is_none(),
                "{person} typed {typed:?}: {told:?}"
            );
        }
    }
    assert_eq!(
        complete(&desks.desk, "dana", "pick", "nothing", "1").await,
        Completion::default()
    );
    assert_eq!(
        complete(&desks.desk, "dana", "nothing", "order", "1").await,
        Completion::default()
    );
    // Whoever had come before dana would still wait for the lock, and would have had the room first.
    desks.types("dana", "1").await;
    until_some("the database is asked", async || desks.asked().await > 0).await;
    assert_eq!(desks.asked().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_is_answered_from_before_and_learned_all_the_same() {
    let desks = Desks::new().await;
    assert_eq!(desks.fresh("").await.choices.len(), 3);
    let mut held = desks.world.shop.begin().await.unwrap();
    sqlx::query("LOCK TABLE orders").execute(&mut *held).await.unwrap();

    let start = Instant::now();
    let late = desks.types("dana", "10").await;
    let took = start.elapsed();
    assert_eq!(values(&late), ["1042", "1043"]);
    assert!(late.stale.is_some());
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(1),
        "{took:?}"
    );

    // Ten windows with the same letters are one call, and there are never more than two.
    let same = (0..10).map(|_| desks.types("dana", "10"));
    assert!(
        futures::future::join_all(same)
            .await
            .iter()
            .all(|told| told.stale.is_some())
    );
    until_some("the database is asked", async || desks.asked().await > 0).await;
    assert_eq!(desks.asked().await, 1);
    let typed = ["1", "104", "2", "20"];
    futures::future::join_all(typed.map(|typed| desks.types("lee", typed))).await;
    until_some("the second is asked too", async || desks.asked().await > 1).await;
    assert_eq!(desks.asked().await, 2);
    // What another runbook asks is its own.
    assert!(
        complete(&desks.desk, "dana", "other", "order", "10")
            .await
            .choices
            .is_empty()
    );

    sqlx::query("INSERT INTO orders VALUES (1099, 'new')")
        .execute(&mut *held)
        .await
        .unwrap();
    sqlx::query("DELETE FROM orders WHERE id = 1043")
        .execute(&mut *held)
        .await
        .unwrap();
    held.commit().await.unwrap();
    let start = Instant::now();
    while desks.asked().await > 0 {
        assert!(start.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut held = desks.world.shop.begin().await.unwrap();
    sqlx::query("LOCK TABLE orders").execute(&mut *held).await.unwrap();
    let late = desks.types("dana", "10").await;
    assert!(late.stale.is_some());
    assert_eq!(values(&late), ["1042", "1099"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_offers_nothing_and_keeps_nobody_waiting() {
    let desks = Desks::new().await;
    desks
        .world
        .write("shop.url", &format!("postgres://nobody@127.0.0.1:{}/shop", free_port()));
    let desk = desk(&desks.world.path("signalbox.toml")).await;
    let start = Instant::now();
    assert_eq!(complete(&desk, "dana", "pick", "order", "1").await.choices, []);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_completed_word_by_word() {
    let desks = Desks::new().await;
    // What is late afterwards is known from before.
    desks.fresh("").await;
    let mut shown = Vec::new();
    for typed in [
        "/p",
        "pick",
        "/pick 104",
        "/pick 1042,",
        "/pick 1042 at",
        "/pick order=20",
        "/pick 1042 how=\"at n",
        "/pick 1042 \"at once\" y",
        "/pick 1042 'at night' yes x",
        "/pack ",
    ] {
        let told = line(&desks.desk, "dana", typed).await;
        let lines = told.choices.iter().map(|choice| {
            let mut line = typed.to_owned();
            line.replace_range(told.replace.clone(), &choice.value);
            line
        });
        let lines: Vec<String> = lines.collect();
        shown.push(format!(
            "{typed} -> {}",
            if lines.is_empty() {
                "nothing".to_owned()
            } else {
                lines.join(" | ")
            }
        ));
        assert_eq!(
            told.usage.is_some(),
            typed.trim_start_matches('/').starts_with("pick"),
            "{typed}"
        );
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
    /p -> /pick
    pick -> pick
    /pick 104 -> /pick 1042 | /pick 1043
    /pick 1042, -> /pick 1042,207 | /pick 1042,1043
    /pick 1042 at -> /pick 1042 "at once" | /pick 1042 "at night"
    /pick order=20 -> /pick order=207
    /pick 1042 how="at n -> /pick 1042 how="at night"
    /pick 1042 "at once" y -> /pick 1042 "at once" yes
    /pick 1042 'at night' yes x -> nothing
    /pack  -> nothing
    "#);
    assert_eq!(
        line(&desks.desk, "dana", "/pick ").await.usage.as_deref(),
        Some("/pick ORDER[,ORDER...] [how=HOW] [sure=SURE]: Looks at orders.")
    );
}

#[test]
fn the_shipped_runbooks_suggest_what_the_shop_has() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let config = bot.config_without_environment();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(suggest_from_the_shop(&config));
}

async fn suggest_from_the_shop(config: &Path) {
    let desk = desk(config).await;
    // An order that no test forwards. The first call may be late on a busy machine, and is then known from before.
    let mut waits = Completion::default();
    until_some("the order is offered", async || {
        waits = line(&desk, "dana", "/forward-order 232").await;
        !waits.choices.is_empty()
    })
    .await;
    assert!(values(&waits).contains(&"2320"), "{waits:?}");
    assert!(values(&waits).iter().all(|value| value.starts_with("232")), "{waits:?}");
    let label = &waits
        .choices
        .iter()
        .find(|choice| choice.value == "2320")
        .unwrap()
        .label;
    assert!(label.starts_with("2320: USD ") && label.ends_with(", CJ"), "{label}");
    // 1045 is forwarded already.
    let all = line(&desk, "dana", "/forward-order 1045").await;
    assert!(!values(&all).contains(&"1045"), "{all:?}");
    assert_eq!(line(&desk, "vic", "/forward-order 232").await, Completion::default());

    let mut supplier = Completion::default();
    until_some("the supplier is offered", async || {
        supplier = line(&desk, "dana", "/resync-supplier hand").await;
        !supplier.choices.is_empty()
    })
    .await;
    assert_eq!(values(&supplier), ["\"Handmade Nepal\""]);
}

async fn until_some(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}: not so");
    }
}
