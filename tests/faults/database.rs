//! The databases go away and come back under load: the bot's own PostgreSQL, and the broker with all that it knew.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::{Outside, pool};
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use crate::harness::services::{Postgres, Shutdown};
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;

/// Runs get under way within this.
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

/// And are somewhere in their steps after as many milliseconds.
const UNDER_WAY: u64 = 250;

/// Commands at once.
const LOAD: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_its_own_postgresql_is_restarted() {
    let fault = "its own PostgreSQL is restarted";
    stopped(fault, Duration::ZERO, times(1, 20)).await;
}

/// Longer than anybody waits for a connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_its_own_postgresql_is_away_for_a_while() {
    let fault = "its own PostgreSQL is away for 15 s";
    stopped(fault, Duration::from_secs(15), times(1, 5)).await;
}

/// Fast and immediate by turns, as `pg_ctl -m` has it.
async fn stopped(fault: &'static str, away: Duration, faults: usize) {
    let outside = Outside::start().await;
    let mut own = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let store = own.database("bot").await;
    let mut bot = Bot::on(&Wiring::straight(&outside), &store);
    bot.start().await;
    let mut asker = Asker::new();
    for fault in 0..faults {
        asker.ask_again(&bot.url).await;
        asker.ask(&bot.url, LOAD).await;
        somewhere_in_between(&bot).await;
        let how = if fault % 2 == 0 {
            Shutdown::Fast
        } else {
            Shutdown::Immediate
        };
        own = tokio::task::spawn_blocking(move || {
            own.stop(how);
            // That it is away for so long is the fault.
            std::thread::sleep(away);
            own.start_again();
            own
        })
        .await
        .unwrap();
    }
    finish(&bot, &mut asker).await;
    let row = Row {
        fault,
        store: "PostgreSQL",
        faults,
        note: "fast and immediate by turns".to_owned(),
    };
    row.tell(&reckon(&bot.store, &asker.asked, &outside, Blame::NoTarget).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_all_its_connections_are_terminated() {
    let outside = Outside::start().await;
    let store = outside.server.database("bot").await;
    let mut bot = Bot::on(&Wiring::straight(&outside), &store);
    bot.start().await;
    let admin = pool(&outside.server.url()).await;
    let name = store.rsplit_once('/').unwrap().1;
    let (mut asker, mut ended, faults) = (Asker::new(), 0, times(1, 20));
    for _ in 0..faults {
        asker.ask_again(&bot.url).await;
        asker.ask(&bot.url, LOAD).await;
        somewhere_in_between(&bot).await;
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1")
                .bind(name)
                .fetch_one(&admin)
                .await
                .unwrap();
        ended += count;
    }
    assert!(ended > 0, "the bot had no connection");
    finish(&bot, &mut asker).await;
    let row = Row {
        fault: "its own connections are terminated",
        store: "PostgreSQL",
        faults,
        note: format!("{ended} connections"),
    };
    row.tell(&reckon(&bot.store, &asker.asked, &outside, Blame::NoTarget).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_the_broker_forgets_everything() {
    let mut outside = Outside::forgetful().await;
    let mut bot = Bot::on_sqlite(&Wiring::straight(&outside));
    bot.start().await;
    let (mut asker, restarts) = (Asker::new(), times(1, 10));
    for _ in 0..restarts {
        asker.ask(&bot.url, LOAD).await;
        somewhere_in_between(&bot).await;
        outside = tokio::task::spawn_blocking(move || {
            Arc::get_mut(&mut outside.celery).unwrap().forget();
            outside
        })
        .await
        .unwrap();
    }
    finish(&bot, &mut asker).await;
    let row = Row {
        fault: "Redis is restarted, empty",
        store: "SQLite",
        faults: restarts,
        note: "queue, markers and results are gone".to_owned(),
    };
    row.tell(&reckon(&bot.store, &asker.asked, &outside, Blame::Targets).await);
}

/// Runs are under way; how far they are is chance, and that is the fault.
async fn somewhere_in_between(bot: &Bot) {
    bot.moves(UNTIL_IT_WORKS).await;
    let moment = rand::rng().random_range(0..UNDER_WAY);
    tokio::time::sleep(Duration::from_millis(moment)).await;
}

async fn finish(bot: &Bot, asker: &mut Asker) {
    asker.ask_again(&bot.url).await;
    bot.settles().await;
}
