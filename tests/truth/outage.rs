//! What is said while a part of the shop is away.

use crate::harness::shop::{Shop, wait_until};
use serde_json::json;
use std::time::Duration;

#[test]
fn an_order_that_no_supplier_confirmed_is_neither_sent_nor_failed_until_a_person_says() {
    let shop = Shop::alone();
    let bot = shop.bot();
    shop.ctl(&["outage", "on"]);
    let told = bot.forward("dana", "2020");
    told.is("needs-person", &["made up (CJ: cj_2020-1)", "Ask the"]);
    assert_eq!(told.json["steps"][0]["outcome"], "unknown");
    assert_eq!(shop.recorded(2020), json!({ "CJ": "cj_2020-1" }));
    assert_eq!(shop.posts(2020, 1), 1);
    let sync = bot.run("dana", "resync-supplier", "supplier=CJ");
    sync.is("failed", &["suspicious", "SUCCESS with 0 products"]);
    shop.ctl(&["outage", "off"]);

    let run = told.run();
    let step = "forward[2020]";
    // The lock stays with the run that does not know; and the row alone would refuse as well.
    bot.forward("lee", "2020").is("refused", &["2020"]);
    let reason = ["--reason", "CJ says by phone that they have nothing"];
    assert_eq!(
        bot.ask("vic", &[&["resolve", run, step, "not-done"], &reason[..]].concat())
            .code,
        2
    );
    let ended = bot.ask("lee", &[&["resolve", run, step, "not-done"], &reason[..]].concat());
    assert_ne!(ended.outcome(), "needs-person", "{:#}", ended.json);
    assert_ne!(ended.outcome(), "succeeded", "{:#}", ended.json);
    assert_eq!(bot.show(run)["outcome"], "failed");
    // The lock is free: what refuses now is the shop's row alone.
    bot.forward("lee", "2020").is("refused", &["made up (CJ: cj_2020-1)"]);
    assert_eq!(shop.posts(2020, 1), 1);
}

#[test]
fn a_person_who_knows_that_it_happened_ends_the_run_so() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let told = bot.forward("dana", "1053");
    told.is("needs-person", &["made up (CJ Dropshipping: cj_1053-2)", "Ask the"]);
    assert_eq!(shop.posts(1053, 2), 1);
    let words = [
        "resolve",
        told.run(),
        "forward[1053]",
        "done",
        "--reason",
        "they have it",
    ];
    bot.ask("lee", &words).is("succeeded", &["lee"]);
    // Once said, it is said.
    assert_eq!(bot.ask("lee", &words).code, 2);
}

#[test]
fn without_a_worker_nothing_is_sent() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    let marks = shop.marks();
    shop.take_away("stop", "worker");
    let told = bot.forward("dana", "2021");
    told.is("refused", &["No Celery worker answers", "Nothing is sent"]);
    assert_eq!(shop.broker::<u64>(&["LLEN", "celery"]), 0);
    bot.run("dana", "resync-supplier", "supplier=CJ")
        .is("refused", &["No Celery worker answers"]);
    assert_eq!(shop.marks(), marks);
    shop.bring_back("worker");
    bot.forward("dana", "2021").is("succeeded", &["Order 2021"]);
    assert_eq!(shop.posts(2021, 1), 1);
}

#[test]
fn a_worker_that_dies_with_the_task_leaves_a_question_and_soon() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    shop.ctl(&["outage", "slow", "60"]);
    let asking = bot.begin("dana", &["run", "forward-order", "order=2022", "--wait"]);
    wait_until("the supplier has it", || shop.posts(2022, 1) == 1);
    shop.take_away("kill", "worker");
    let told = asking.end();
    told.is("needs-person", &["not known whether order 2022 was sent", "Ask CJ"]);
    assert!(told.took < Duration::from_secs(30), "{:?}", told.took);
    assert_eq!((shop.posts(2022, 1), shop.recorded(2022)), (1, json!({})));
}

#[test]
fn without_the_broker_nothing_is_sent_and_an_empty_one_is_enough() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    shop.take_away("stop", "redis");
    let told = bot.forward("dana", "2023");
    told.is("refused", &["cannot be reached"]);
    assert!(told.took < Duration::from_secs(20), "{:?}", told.took);
    assert_eq!((shop.posts(2023, 1), shop.recorded(2023)), (0, json!({})));

    shop.ctl(&["start", "redis"]);
    shop.ctl(&["kill", "worker"]);
    shop.ctl(&["start", "worker"]);
    bot.forward("dana", "2023").is("succeeded", &["Order 2023"]);
    assert_eq!(shop.posts(2023, 1), 1);
}

#[test]
fn a_shop_that_says_ok_without_its_database_is_not_believed() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    shop.take_away("stop", "postgres");
    assert!(shop.says_it_is_well());
    bot.forward("dana", "2024").is("refused", &["cannot be reached"]);
    bot.ask("vic", &["run", "stuck-orders", "--wait"])
        .is("refused", &["cannot be reached"]);
    shop.bring_back("postgres");
    bot.forward("dana", "2024").is("succeeded", &["Order 2024"]);
    assert_eq!(shop.posts(2024, 1), 1);
}
