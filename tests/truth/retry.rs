//! Orders that count as forwarded and may not be: sent again only after the supplier was asked, by two people.

use crate::harness::shop::{Bot, Shop, Told};
use serde_json::json;

const NO_ORDER: [&str; 2] = ["supplier_says=no-order", "reason=Mia of CJ by phone: not in their list"];

fn retry(bot: &Bot, person: &str, order: u64, more: &[&str]) -> Told {
    let order = format!("order={order}");
    bot.ask(person, &[&["run", "retry-forward", &order], more].concat())
}

/// The shop makes an id up for an order while its supplier is down.
fn make_up(shop: &Shop, bot: &Bot, order: u64) {
    shop.ctl(&["outage", "on"]);
    let told = bot.forward("dana", &order.to_string());
    told.is(
        "needs-person",
        &["made up", &format!("say so here, then /retry-forward {order}")],
    );
    shop.ctl(&["outage", "off"]);
    assert_eq!(shop.recorded(order), json!({ "CJ": format!("cj_{order}-1") }));
    // While that run does not know, it holds the order.
    retry(bot, "dana", order, &NO_ORDER);
    let step = format!("forward[{order}]");
    bot.ask(
        "lee",
        &[
            "resolve",
            told.run(),
            &step,
            "not-done",
            "--reason",
            "Mia of CJ: not in their list",
        ],
    );
}

#[test]
fn two_people_send_an_order_again_once() {
    let shop = Shop::alone();
    let bot = shop.bot();
    make_up(&shop, &bot, 2040);
    // The one that the supplier refused.
    assert_eq!(shop.posts(2040, 1), 1);

    retry(&bot, "vic", 2040, &NO_ORDER).is("denied", &["Only ops may"]);
    retry(&bot, "dana", 2040, &[]).is("refused", &["Ask CJ first", "the idempotency key 2040-1"]);
    retry(&bot, "dana", 2040, &["supplier_says=has-order"]).is("refused", &["nothing is sent", "cj_2040-1"]);
    let asked = retry(&bot, "dana", 2040, &NO_ORDER);
    asked.is("awaiting-approval", &["needs a second person"]);
    bot.ask("dana", &["approve", asked.run()])
        .is("denied", &["Nobody approves a plan of their own."]);
    assert_eq!(shop.recorded(2040), json!({ "CJ": "cj_2040-1" }));

    let told = bot.ask("lee", &["approve", asked.run(), "--wait"]);
    let id = shop.supplier_id(2040).expect("the supplier has it");
    told.is("succeeded", &["Order 2040 is forwarded", &id]);
    assert_eq!(shop.recorded(2040), json!({ "CJ": id }));
    assert_eq!(shop.posts(2040, 1), 2);

    retry(&bot, "dana", 2040, &NO_ORDER).is("nothing-to-do", &["no id that the shop made up", &id]);
    assert_eq!(shop.posts(2040, 1), 2);
}

#[test]
fn a_supplier_that_does_not_answer_is_not_sent_to_again() {
    let shop = Shop::alone();
    let bot = shop.bot();
    make_up(&shop, &bot, 2041);
    shop.ctl(&["outage", "on"]);
    retry(&bot, "dana", 2041, &NO_ORDER).is("refused", &["CJ does not answer now", "Nothing is done."]);
    // It goes down after the plan: the shop makes an id up again, and that is no success.
    shop.ctl(&["outage", "off"]);
    let asked = retry(&bot, "dana", 2041, &NO_ORDER);
    asked.is("awaiting-approval", &[]);
    shop.ctl(&["outage", "on"]);
    // The plan is built again before the start, and refuses.
    let told = bot.ask("lee", &["approve", asked.run()]);
    assert_ne!(told.outcome(), "succeeded", "{:#}", told.json);
    assert_eq!(shop.recorded(2041), json!({ "CJ": "cj_2041-1" }));
    assert_eq!(shop.posts(2041, 1), 1);
}

#[test]
fn somebody_else_at_the_same_order_waits_for_nothing_and_does_nothing() {
    let shop = Shop::alone();
    let bot = shop.bot();
    make_up(&shop, &bot, 2042);
    let (first, second) = (
        retry(&bot, "dana", 2042, &NO_ORDER),
        retry(&bot, "lee", 2042, &NO_ORDER),
    );
    let yes = bot.begin("lee", &["approve", first.run(), "--wait"]);
    let other = bot.begin("dana", &["approve", second.run()]);
    let told = [yes.end(), other.end()];
    let done = told.iter().filter(|told| told.outcome() == "succeeded").count();
    assert_eq!(done, 1, "{:#} {:#}", told[0].json, told[1].json);
    // The one that was refused in its time, and one more.
    assert_eq!(shop.posts(2042, 1), 2);
    assert_eq!(shop.recorded(2042), json!({ "CJ": shop.supplier_id(2042).unwrap() }));
}

#[test]
fn the_writing_role_may_clear_an_id_and_nothing_else() {
    let shop = Shop::shared();
    let refused = |sql: &'static str| shop.as_writer(sql).unwrap_err();
    for sql in [
        "update store_order set status = 'shipped' where id = 1045",
        "delete from store_order where id = 1045",
        "select api_credentials from store_supplier",
        "select user_id from store_order",
        "update store_payment set status = 'succeeded'",
    ] {
        assert!(refused(sql).contains("permission denied"), "{sql}: {}", refused(sql));
    }
    assert_eq!(
        shop.as_writer("update store_order set supplier_order_ids = supplier_order_ids where id = 1045"),
        Ok(1)
    );
}

#[test]
fn what_has_no_made_up_id_is_left_alone() {
    let shop = Shop::shared();
    let bot = shop.bot();
    retry(&bot, "dana", 1045, &NO_ORDER).is("nothing-to-do", &["CJ: CJORD-501"]);
    retry(&bot, "dana", 2300, &NO_ORDER).is("nothing-to-do", &["It waits for CJ: /forward-order 2300."]);
    retry(&bot, "dana", 1050, &NO_ORDER).is("refused", &["Order 1050 is shipped, not paid"]);
    retry(&bot, "dana", 999_999, &NO_ORDER).is("refused", &["does not exist"]);
    assert_eq!(bot.show(&bot.runs()[0])["runbook"], "retry-forward");
}
