//! How soon each surface answers people while the shop hangs: the acknowledgement that the platform waits for, what is
//! offered to those who type, and how soon a channel shows what a run has come to. Slack and Discord are the simulators of
//! the tests, with their rules and limits; the bot is a process of its own.
//!
//! `cargo bench --profile dev --bench surfaces` measures what `make demo` runs. `SIGNALBOX_BIN` names another program to
//! measure, `ROUNDS` how often fifty people come. `/healthz` in the same minute is the baseline: numbers alone say more
//! about the machine.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bot;
#[path = "../../tests/harness"]
#[allow(dead_code, unused_imports, reason = "the tests use all of it")]
mod harness {
    pub mod clock;
    pub mod discord;
    pub mod services;
    pub mod slack;
}
mod shop;
mod table;

use bot::{Bot, Way};
use futures::future::join_all;
use serde_json::json;
use shop::Shop;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use table::Table;

/// Who come at once.
const PEOPLE: usize = 50;

const OPS: &str = "9001";

const ACK: Duration = Duration::from_millis(250);
const COMPLETION: Duration = Duration::from_millis(500);
const SHOWN: Duration = Duration::from_secs(2);

/// Between two runs whose messages are watched.
const APART: Duration = Duration::from_secs(4);

/// Runs whose way into the channels is timed, one after the other.
const RUNS: usize = 8;

#[tokio::main]
async fn main() {
    let program =
        std::env::var_os("SIGNALBOX_BIN").map_or_else(|| env!("CARGO_BIN_EXE_signalbox").into(), PathBuf::from);
    let rounds = std::env::var("ROUNDS").map_or(6, |text| text.parse().expect("ROUNDS is a number"));
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("program  {} (this generator is a {profile} build)", program.display());
    println!("load     {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
    println!("{PEOPLE} people at once, {rounds} times; the shop takes connections and says nothing\n");
    let mut table = Table::new();
    for way in [Way::Http, Way::Connections] {
        let shop = Shop::open().await;
        let bot = Bot::start(&program, way, &shop).await;
        let baseline = health(&bot, rounds).await;
        table.baseline(&format!("GET /healthz ({way})"), &baseline);
        completions(&bot, &shop, way, rounds, &mut table).await;
        // Before hundreds of answers stand in line for the channels, which take one a second.
        in_the_channels(&bot, &shop, way, &mut table).await;
        shop.hang(true);
        acknowledgements(&bot, way, rounds, &mut table).await;
        bot.end();
    }
    table.end();
}

async fn health(bot: &Bot, rounds: usize) -> Vec<Duration> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut took = Vec::new();
    for _ in 0..rounds {
        let calls = (0..PEOPLE).map(async |_| {
            let begun = Instant::now();
            let answer = client.get(format!("{}/healthz", bot.url)).send().await.unwrap();
            assert!(answer.status().is_success());
            begun.elapsed()
        });
        took.extend(join_all(calls).await);
    }
    took
}

/// Everybody asks for something that looks at the shop, which hangs. Who is not answered has waited three seconds.
async fn acknowledgements(bot: &Bot, way: Way, rounds: usize, table: &mut Table) {
    let (mut slack, mut discord) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let order = 1000 + round;
        let calls = (0..PEOPLE).map(async |at| {
            let person = bot::slack_person(at);
            let ack = bot
                .slack
                .person(&person)
                .command("C0OPS", "/look", &order.to_string())
                .await;
            ack.took
        });
        slack.extend(join_all(calls).await);
        let calls = (0..PEOPLE).map(async |at| {
            let person = bot::discord_person(at);
            let order = json!(order.to_string());
            let ack = bot
                .discord
                .person(&person)
                .types(OPS, "look", &[("order", order)])
                .await;
            ack.took
        });
        discord.extend(join_all(calls).await);
    }
    table.row(&format!("Slack, {way}: command acknowledged"), &slack, ACK);
    table.row(&format!("Discord, {way}: command acknowledged"), &discord, ACK);
}

/// Everybody types into a field whose offers the shop knows, which hangs: what it told before, and what it never told.
async fn completions(bot: &Bot, shop: &Shop, way: Way, rounds: usize, table: &mut Table) {
    let ack = bot.slack.person("U1").command("C0OPS", "/look", "").await;
    assert_eq!(ack.status, Some(200));
    let view = bot.slack.view("U1").await;
    // Somebody typed the same a while ago.
    let first = bot.slack.person("U1").types_into(&view, "input:order", "10").await;
    assert!(!first.is_empty(), "the shop's orders are offered");
    shop.hang(true);
    for (typed, what) in [("10", "offers of before"), ("2", "never asked before")] {
        let (mut slack, mut discord, mut empty) = (Vec::new(), Vec::new(), 0);
        for _ in 0..rounds {
            let calls = (0..PEOPLE).map(async |_| {
                let begun = Instant::now();
                let offered = bot.slack.person("U1").types_into(&view, "input:order", typed).await;
                (begun.elapsed(), offered.len())
            });
            let told = join_all(calls).await;
            empty += told.iter().filter(|(_, offers)| *offers == 0).count();
            slack.extend(told.into_iter().map(|(took, _)| took));
            let calls = (0..PEOPLE).map(async |at| {
                let person = bot::discord_person(at);
                let ack = bot
                    .discord
                    .person(&person)
                    .completes(OPS, "look", &[], ("order", typed))
                    .await;
                let offers = ack.answer.as_ref().map_or(0, |_| ack.choices().len());
                (ack.took, offers)
            });
            let told = join_all(calls).await;
            empty += told.iter().filter(|(_, offers)| *offers == 0).count();
            discord.extend(told.into_iter().map(|(took, _)| took));
        }
        table.row(&format!("Slack, {way}: completion, {what}"), &slack, COMPLETION);
        table.row(&format!("Discord, {way}: completion, {what}"), &discord, COMPLETION);
        println!(
            "{empty:>8} of these {} were offered nothing",
            slack.len() + discord.len()
        );
    }
    shop.hang(false);
}

/// From the moment at which the shop did it until a channel shows that the run has succeeded.
async fn in_the_channels(bot: &Bot, shop: &Shop, way: Way, table: &mut Table) {
    let (mut slack, mut discord) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        // Faster than the platforms take messages into one channel, their limits would be measured.
        tokio::time::sleep(APART).await;
        let word = format!("word{run}");
        let ack = bot.slack.person("U1").command("C0OPS", "/write", &word).await;
        assert_eq!(ack.status, Some(200));
        let (in_slack, in_discord) = tokio::join!(bot.shown_in_slack(&word), bot.shown_in_discord(&word));
        let done = shop.written(&word).await;
        slack.push(in_slack.duration_since(done).unwrap_or_default());
        discord.push(in_discord.duration_since(done).unwrap_or_default());
    }
    table.row(&format!("Slack, {way}: done until shown in the channel"), &slack, SHOWN);
    table.row(
        &format!("Discord, {way}: done until shown in the channel"),
        &discord,
        SHOWN,
    );
}
