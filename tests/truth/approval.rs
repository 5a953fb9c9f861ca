//! What needs a second person.

use crate::harness::shop::Shop;
use serde_json::json;

#[test]
fn many_orders_wait_for_another_of_ops() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let orders = [2001, 2002, 2003, 2004, 2005, 2006];
    let list = orders.map(|order: u64| order.to_string()).join(",");
    let asked = bot.ask("dana", &["run", "forward-order", &format!("order={list}")]);
    asked.is(
        "awaiting-approval",
        &["More than 5 orders at once need a second person."],
    );
    let run = asked.run().to_owned();

    bot.ask("dana", &["approve", &run])
        .is("denied", &["Nobody approves a plan of their own."]);
    assert_eq!(bot.ask("vic", &["approve", &run]).code, 2);
    assert_eq!(bot.show(&run)["outcome"], "awaiting-approval");
    for order in orders {
        assert_eq!(shop.posts(order, 1), 0, "{order} before the yes");
    }

    let told = bot.ask("lee", &["approve", &run, "--wait"]);
    told.is("succeeded", &[]);
    assert_eq!(told.run(), run);
    for order in orders {
        assert_eq!(shop.posts(order, 1), 1, "{order}");
        assert_eq!(shop.recorded(order), json!({ "CJ": shop.supplier_id(order).unwrap() }));
    }
}

#[test]
fn much_money_waits_and_a_no_ends_it() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let asked = bot.ask("dana", &["run", "forward-order", "order=1052"]);
    asked.is("awaiting-approval", &["USD 1000.00"]);
    let run = asked.run().to_owned();
    assert_eq!(bot.ask("vic", &["deny", &run]).code, 2);
    let told = bot.ask("lee", &["deny", &run]);
    told.is("denied", &["lee"]);
    assert_eq!(bot.ask("lee", &["approve", &run]).code, 2);
    assert_eq!((shop.posts(1052, 1), shop.recorded(1052)), (0, json!({})));
}
