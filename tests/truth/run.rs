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
