//! No room is left for the bot's own database: its files cannot grow, until they can again.
//!
//! The limit of the process on the size of files does it, which needs no right and leaves nothing mounted behind.

use super::asker::{Asker, Told};
use super::bot::{Bot, Wiring};
use super::outside::Outside;
use super::reckoning::{Blame, reckon};
use super::table::{Row, times};
use std::fs;
use std::process::Command;
use std::time::Duration;

const LOAD: usize = 6;
const UNTIL_IT_WORKS: Duration = Duration::from_secs(9);

/// Without this the kernel would end a process that writes beyond the limit, instead of refusing.
const REFUSED: &[&str] = &["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_its_disk_is_full() {
    let outside = Outside::start().await;
    let mut bot = Bot::on_sqlite(&Wiring::straight(&outside));
    bot.through = REFUSED;
    bot.start().await;
    let (mut asker, faults) = (Asker::new(), times(1, 20));
    let mut told = 0;
    for _ in 0..faults {
        asker.ask(&bot.url, LOAD).await;
        bot.moves(UNTIL_IT_WORKS).await;
        // Nothing more than is there now fits.
        let largest = ["bot.db", "bot.db-wal"].map(|name| fs::metadata(bot.path(name)).map_or(0, |it| it.len()));
        limit(&bot, &format!("{}:", largest[1]));
        let before = asker.asked.len();
        for _ in 0..4 {
            asker.ask(&bot.url, LOAD).await;
        }
        for one in &asker.asked[before..] {
            if let Told::NotKept(words) = &one.told {
                assert!(words.contains("has not kept this. Nothing was done"), "{words}");
                told += 1;
            }
        }
        limit(&bot, "unlimited:");
        asker.ask(&bot.url, 1).await;
        let last = asker.asked.last().unwrap();
        assert_eq!(last.told, Told::Kept, "there is room again: {}", bot.log());
    }
    assert!(told > 0, "the disk was never full: {}", bot.log());
    asker.ask_again(&bot.url).await;
    bot.settles().await;
    let row = Row {
        fault: "its disk is full, and then is not",
        store: "SQLite",
        faults,
        note: format!("{told} askers were told that nothing was kept"),
    };
    row.tell(&reckon(&bot.store, &asker.asked, &outside, Blame::NoTarget).await);
}

/// What the process may let its files grow to; the hard limit stays.
fn limit(bot: &Bot, bytes: &str) {
    let status = Command::new("prlimit")
        .arg(format!("--pid={}", bot.serving.as_ref().unwrap().id()))
        .arg(format!("--fsize={bytes}"))
        .status()
        .unwrap();
    assert!(status.success());
}
