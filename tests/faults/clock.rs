//! The clock of the machine jumps by an hour, either way. `libfaketime` stands between the process and its clock; what
//! measures spans of time is left alone, as the kernel leaves it.

use super::asker::Asker;
use super::bot::{Bot, Wiring};
use super::outside::Outside;
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use jiff::SignedDuration;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const LOAD: usize = 9;
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_its_clock_jumps_forward() {
    jumps("the clock jumps an hour forward", "+1h", SignedDuration::from_hours(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_its_clock_jumps_back() {
    jumps("the clock jumps an hour back", "-1h", SignedDuration::from_hours(-1)).await;
}

/// A bot for each jump: an hour is more than anything that it waits for.
async fn jumps(fault: &'static str, by: &str, ahead: SignedDuration) {
    let outside = Outside::start().await;
    let wiring = Wiring::straight(&outside);
    let faults = times(1, 10);
    let mut found = super::reckoning::Reckoning::default();
    for _ in 0..faults {
        let mut bot = Bot::on_sqlite(&wiring);
        let clock = bot.path("clock");
        fs::write(&clock, "+0").unwrap();
        bot.environment.extend([
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]);
        bot.start().await;
        let mut asker = Asker::new();
        asker.ask(&bot.url, LOAD).await;
        bot.moves(UNTIL_IT_WORKS).await;
        fs::write(&clock, by).unwrap();
        asker.ahead = ahead;
        asker.ask(&bot.url, LOAD).await;
        assert!(asker.kept() > LOAD, "its clock did not jump: {}", bot.log());
        bot.settles().await;
        found.add(reckon(&bot.store, &asker.asked, &outside, Blame::Targets).await);
    }
    // Times of before and after the jump make no span.
    found.gap = SignedDuration::ZERO;
    let row = Row {
        fault,
        store: "SQLite",
        faults,
        note: "libfaketime; spans are left alone".to_owned(),
    };
    row.tell(&found);
}

fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap();
    folders
        .map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .expect("libfaketime is not installed; try `demo/ctl install --tests`")
}
