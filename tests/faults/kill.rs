//! `kill -9`, at moments that nobody chose: while the bot starts, while it takes commands, while it carries runs out.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::Outside;
use super::reckoning::{Blame, Reckoning, reckon};
use super::table::{Row, times};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;

/// Bots beside each other, each with a database of its own: who was killed leaves a lease that must run out first.
fn beside() -> usize {
    times(4, 8)
}

/// A claim of a dead process lasts three seconds.
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_it_is_killed_on_sqlite() {
    let outside = Outside::start().await;
    let wiring = Wiring::straight(&outside);
    let lanes = (0..beside()).map(|_| Bot::on_sqlite(&wiring)).collect();
    killed("SQLite", lanes, &outside).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_it_is_killed_on_postgresql() {
    let outside = Outside::start().await;
    let wiring = Wiring::straight(&outside);
    let mut lanes = Vec::new();
    for _ in 0..beside() {
        lanes.push(Bot::on(&wiring, &outside.server.database("bot").await));
    }
    killed("PostgreSQL", lanes, &outside).await;
}

async fn killed(store: &'static str, lanes: Vec<Bot>, outside: &Outside) {
    let kills = times(1, 125);
    let seed = rand::random();
    println!("{store}: seed {seed}");
    let lanes = lanes.into_iter().zip(seed..).map(|(bot, seed)| lane(bot, kills, seed));
    let mut found = Reckoning::default();
    for (bot, asker) in join_all(lanes).await {
        found.add(reckon(&bot.store, &asker.asked, outside, Blame::Targets).await);
    }
    let row = Row {
        fault: "kill -9 at a random moment",
        store,
        faults: kills * beside(),
        note: String::new(),
    };
    row.tell(&found);
}

async fn lane(mut bot: Bot, kills: usize, seed: u64) -> (Bot, Asker) {
    let (mut asker, mut chance) = (Asker::new(), StdRng::seed_from_u64(seed));
    // The moment is the fault: these waits let nothing pass but chance.
    for _ in 0..kills {
        match chance.random_range(0..8) {
            0 => {
                let moment = Duration::from_millis(chance.random_range(0..400));
                let _ = tokio::time::timeout(moment, bot.start()).await;
            }
            1..=2 => {
                bot.start().await;
                asker.ask_again(&bot.url).await;
                let moment = Duration::from_millis(chance.random_range(0..40));
                let url = bot.url.clone();
                let killed = async {
                    tokio::time::sleep(moment).await;
                    bot.kill();
                };
                tokio::join!(asker.ask(&url, 4), killed);
            }
            _ => {
                bot.start().await;
                asker.ask_again(&bot.url).await;
                asker.ask(&bot.url, 3).await;
                bot.moves(UNTIL_IT_WORKS).await;
                let moment = Duration::from_millis(chance.random_range(0..400));
                tokio::time::sleep(moment).await;
            }
        }
        bot.kill();
    }
    bot.start().await;
    asker.ask_again(&bot.url).await;
    bot.settles().await;
    bot.kill();
    (bot, asker)
}
