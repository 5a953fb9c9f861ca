//! Runs that are stopped, and runbooks that are paused.

use crate::harness::shop::{Shop, wait_until};
use serde_json::json;

#[test]
fn a_stop_lets_the_step_under_way_end_and_begins_no_other() {
    let shop = Shop::alone();
    let bot = shop.bot();
    shop.ctl(&["outage", "slow", "8"]);
    let asking = bot.begin("dana", &["run", "forward-order", "order=2010,2011,2012", "--wait"]);
    wait_until("the supplier has the first", || shop.posts(2010, 1) == 1);
    let run = bot.runs()[0].clone();
    assert_eq!(bot.ask("vic", &["stop", &run]).code, 2);
    bot.ask("lee", &["stop", &run]);
    let told = asking.end();
    told.is("stopped", &["Stopped by lee", "2 of 3 steps were not begun"]);
    assert_eq!(told.json["steps"][0]["outcome"], "done");
    assert_eq!(shop.recorded(2010), json!({ "CJ": shop.supplier_id(2010).unwrap() }));
    assert_eq!([2011, 2012].map(|order| shop.posts(order, 1)), [0, 0]);
    // Nothing is held by a run that has ended.
    shop.ctl(&["outage", "off"]);
    bot.forward("dana", "2011").is("succeeded", &["Order 2011"]);
}

#[test]
fn a_pause_holds_writes_and_not_looks() {
    let shop = Shop::shared();
    let bot = shop.bot();
    assert_eq!(bot.ask("vic", &["pause", "forward-order"]).code, 2);
    bot.ask("lee", &["pause", "forward-order"]).is("succeeded", &["Paused"]);
    bot.forward("dana", "2013").is("refused", &["paused", "lee"]);
    bot.ask("vic", &["run", "stuck-orders", "--wait"]).is("succeeded", &[]);
    assert_eq!(shop.posts(2013, 1), 0);
    bot.ask("dana", &["resume", "forward-order"])
        .is("succeeded", &["Resumed"]);
    bot.forward("dana", "2013").is("succeeded", &["Order 2013"]);
    assert_eq!(shop.posts(2013, 1), 1);
}

#[test]
fn why_cites_the_policy_and_its_sentence() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let ruled = |person: &str, words: &[&str]| {
        let told = bot.ask(person, &[&["why"], words].concat());
        let of = |key: &str| told.json[key].clone();
        json!([told.outcome(), of("policies"), of("decision"), of("decision_say")])
    };
    assert_eq!(
        ruled("dana", &["forward-order"]),
        json!([
            "succeeded",
            ["ops-ask"],
            "allow",
            "Ops may ask for every runbook and see every run."
        ])
    );
    assert_eq!(
        ruled("dana", &["forward-order", "order=2170"]),
        json!([
            "succeeded",
            ["ops-run"],
            "allow",
            "Ops may run what reads, and what writes and can be put right."
        ])
    );
    assert_eq!(
        ruled("dana", &["forward-order", "order=2170,2171,2172,2173,2174,2175"]),
        json!([
            "succeeded",
            ["many-orders"],
            "needs-approval",
            "More than 5 orders at once need a second person."
        ])
    );
    for words in [&["forward-order"][..], &["forward-order", "order=2170"]] {
        assert_eq!(
            ruled("vic", words),
            json!([
                "denied",
                ["only-ops-write"],
                "deny",
                "Only ops may change something; ask one of them."
            ])
        );
    }
    let read = |words: &[&str]| {
        let words = [&["why"], words, &["--as", "dana"]].concat();
        String::from_utf8(bot.raw(&words).stdout).unwrap()
    };
    insta::assert_snapshot!(read(&["forward-order"]), @r"
    dry run  /forward-order  by dana
    dana may ask for it. Whether a plan may run depends on its inputs: `signalbox why forward-order
    NAME=VALUE ...`.
    policy: ops-ask: Ops may ask for every runbook and see every run.
    ");
    let read = read(&["forward-order", "order=2170"]);
    let policy = "\npolicy: ops-run: Ops may run what reads, and what writes and can be put right.\n";
    assert!(read.contains(policy), "{read}");
    assert_eq!(shop.posts(2170, 1), 0);
}
