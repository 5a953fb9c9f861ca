//! The bot itself dies in the middle.

use crate::harness::shop::{Bot, Shop, wait_until};
use serde_json::json;

fn ends_right(shop: &Shop, bot: &Bot, order: u64) {
    let run = bot.runs()[0].clone();
    wait_until("the run has ended", || bot.show(&run)["outcome"] != "running");
    let end = bot.show(&run);
    assert_eq!(end["outcome"], "succeeded", "{end:#}");
    assert_eq!(end["steps"][0]["outcome"], "done");
    assert_eq!(shop.posts(order, 1), 1);
    assert_eq!(shop.recorded(order), json!({ "CJ": shop.supplier_id(order).unwrap() }));
    assert_eq!(bot.runs().len(), 1);
}

#[test]
fn a_server_that_is_killed_finds_its_task_again() {
    let shop = Shop::alone();
    let bot = shop.bot();
    let serving = bot.serve();
    shop.ctl(&["outage", "slow", "4"]);
    bot.ask("dana", &["run", "forward-order", "order=2030"])
        .is("running", &[]);
    wait_until("the supplier has it", || shop.posts(2030, 1) == 1);
    serving.kill();
    let _again = bot.serve();
    ends_right(&shop, &bot, 2030);
}

#[test]
fn a_command_that_is_killed_as_its_own_engine_leaves_its_run_to_the_server() {
    let shop = Shop::alone();
    let bot = shop.bot();
    shop.ctl(&["outage", "slow", "4"]);
    let asking = bot.begin("dana", &["run", "forward-order", "order=2031", "--wait"]);
    wait_until("the supplier has it", || shop.posts(2031, 1) == 1);
    asking.kill();
    let _serving = bot.serve();
    ends_right(&shop, &bot, 2031);
}

#[test]
fn what_is_killed_before_it_begins_is_not_done_twice() {
    let shop = Shop::alone();
    let bot = shop.bot();
    let serving = bot.serve();
    // Wherever in the run this hits, the order is sent once.
    bot.ask("dana", &["run", "forward-order", "order=2032"]);
    serving.kill();
    let _again = bot.serve();
    ends_right(&shop, &bot, 2032);
}
