//! Two processes on one PostgreSQL: one is killed, or stands still for longer than its claims last and then goes on as if
//! nothing had been.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::{Outside, database, pool};
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use crate::harness::services::until;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const LOAD: usize = 12;
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

/// Claims last five seconds.
const BEYOND_THE_LEASE: Duration = Duration::from_millis(6500);

/// A dead process's claims run out, and somebody else looks for them.
const GO_ON: SignedDuration = SignedDuration::from_millis(5500);

/// A call that a dead process may have under way is waited out: the longest timeout of the steps that nothing guards.
const DEADLINE: SignedDuration = SignedDuration::from_secs(2);

async fn two(outside: &Outside) -> [Bot; 2] {
    let store = database(&outside.server, "bot").await;
    let wiring = Wiring::straight(outside);
    let mut both = [Bot::on(&wiring, &store), Bot::on(&wiring, &store)];
    for bot in &mut both {
        bot.start().await;
    }
    both
}

/// What the other one does with what the killed one had: the times from the kill to the next line of each such run's
/// journal.
async fn carried_on(store: &str, killed: Timestamp) -> Vec<SignedDuration> {
    let database = pool(store).await;
    let next: Vec<i64> = sqlx::query_scalar(
        "SELECT MIN(after.at) FROM journal AS after WHERE after.at > $1 AND EXISTS (SELECT 1 FROM journal AS before \
         WHERE before.run = after.run AND before.at <= $1) GROUP BY after.run",
    )
    .bind(killed.as_microsecond())
    .fetch_all(&database)
    .await
    .unwrap();
    database.close().await;
    let mut times: Vec<SignedDuration> = next
        .into_iter()
        .map(|at| Timestamp::from_microsecond(at).unwrap().duration_since(killed))
        .collect();
    times.sort();
    times
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
        waits.extend(carried_on(&one.store, killed).await);
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
    assert!(longest < GO_ON + DEADLINE, "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_one_of_two_stands_still_beyond_its_lease() {
    let outside = Outside::start().await;
    let both = two(&outside).await;
    let (mut asker, pauses) = (Asker::new(), times(2, 20));
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
