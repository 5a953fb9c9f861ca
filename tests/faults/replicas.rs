//! Two processes on one PostgreSQL: one is killed, or stands still for longer than its claims last and then goes on as if
//! nothing had been.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::{Outside, pool};
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use crate::harness::services::until;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const LOAD: usize = 12;
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

/// Claims last three seconds.
const BEYOND_THE_LEASE: Duration = Duration::from_millis(4500);

/// A dead process's claims last three seconds at the most; then somebody else looks for what is due. The rest is for a
/// machine that has much else to do.
const GO_ON: SignedDuration = SignedDuration::from_secs(8);

async fn two(outside: &Outside) -> [Bot; 2] {
    let store = outside.server.database("bot").await;
    let wiring = Wiring::straight(outside);
    let mut both = [Bot::on(&wiring, &store), Bot::on(&wiring, &store)];
    for bot in &mut both {
        bot.start().await;
    }
    both
}

/// How long what the killed process carried out stood still: from the kill to the next line of the journal of each run
/// that another one went on with.
async fn stood_still(store: &str, killed: Timestamp) -> Vec<SignedDuration> {
    let database = pool(store).await;
    let lines: Vec<(String, i64, i64)> = sqlx::query_as("SELECT run, at, epoch FROM journal ORDER BY run, seq")
        .fetch_all(&database)
        .await
        .unwrap();
    database.close().await;
    let at = |micros| Timestamp::from_microsecond(micros).unwrap();
    let pairs = lines.windows(2).filter(|pair| {
        let ((run, before, epoch), (next_run, after, next_epoch)) = (&pair[0], &pair[1]);
        run == next_run && at(*before) <= killed && at(*after) > killed && epoch != next_epoch
    });
    pairs.map(|pair| at(pair[1].1).duration_since(killed)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_one_of_two_is_killed() {
    let outside = Outside::start().await;
    let [mut one, mut other] = two(&outside).await;
    let (mut asker, mut waits, kills) = (Asker::new(), Vec::new(), times(2, 20));
    for _ in 0..kills {
        asker.ask_again(&other.url).await;
        asker.ask(&one.url, LOAD / 2).await;
        asker.ask(&other.url, LOAD / 2).await;
        one.moves(UNTIL_IT_WORKS).await;
        one.kill();
        let killed = Timestamp::now();
        other.settles().await;
        waits.extend(stood_still(&one.store, killed).await);
        one.start().await;
        std::mem::swap(&mut one, &mut other);
    }
    asker.ask_again(&other.url).await;
    other.settles().await;
    waits.sort();
    assert!(!waits.is_empty(), "no run was under way when its process was killed");
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let row = Row {
        fault: "one of two replicas is killed -9",
        store: "PostgreSQL",
        faults: kills,
        note: format!(
            "{} runs under way went on after {:.1} s (median), {:.1} s (longest)",
            waits.len(),
            median.as_secs_f64(),
            longest.as_secs_f64()
        ),
    };
    row.tell(&reckon(&one.store, &asker.asked, &outside, Blame::Targets).await);
    assert!(longest < GO_ON, "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_one_of_two_stands_still_beyond_its_lease() {
    let outside = Outside::start().await;
    let both = two(&outside).await;
    let (mut asker, pauses) = (Asker::new(), times(1, 20));
    for pause in 0..pauses {
        let (still, awake) = (&both[pause % 2], &both[(pause + 1) % 2]);
        asker.ask_again(&awake.url).await;
        asker.ask(&still.url, LOAD / 2).await;
        asker.ask(&awake.url, LOAD / 2).await;
        still.moves(UNTIL_IT_WORKS).await;
        still.signal("-STOP");
        // That it stands still for so long is the fault.
        tokio::time::sleep(BEYOND_THE_LEASE).await;
        still.signal("-CONT");
        until("it answers again", || {
            std::net::TcpStream::connect(still.url.trim_start_matches("http://")).is_ok()
        })
        .await;
        if pause % 4 == 3 {
            awake.settles().await;
        }
    }
    asker.ask_again(&both[0].url).await;
    both[0].settles().await;
    let row = Row {
        fault: "SIGSTOP beyond the lease, then SIGCONT",
        store: "PostgreSQL",
        faults: pauses,
        note: String::new(),
    };
    row.tell(&reckon(&both[0].store, &asker.asked, &outside, Blame::Targets).await);
}
