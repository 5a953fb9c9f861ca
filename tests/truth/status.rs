//! Runbooks that only look: at the shop's parts, at one order, at suppliers. Each with something broken.

use crate::harness::shop::{Shop, Told};
use serde_json::{Value, json};

fn rows(told: &Told) -> &[Value] {
    told.json["rows"].as_array().unwrap()
}

/// What a table says of one part.
fn of<'a>(told: &'a Told, column: &str, part: &str) -> &'a Value {
    let row = rows(told).iter().find(|row| row[column] == part);
    row.unwrap_or_else(|| panic!("no row {part}: {:#}", told.json))
}

fn states(told: &Told) -> Value {
    let pair = |row: &Value| (row["part"].as_str().unwrap().to_owned(), row["state"].clone());
    Value::Object(rows(told).iter().map(pair).collect())
}

#[test]
fn a_healthy_shop_is_told_part_by_part() {
    let shop = Shop::shared();
    let told = shop.bot().ask("vic", &["run", "shop-health"]);
    told.is("succeeded", &["All 6 parts answer."]);
    assert!(
        of(&told, "part", "workers")["detail"]
            .as_str()
            .unwrap()
            .contains("celery@")
    );
    assert!(
        of(&told, "part", "database")["detail"]
            .as_str()
            .unwrap()
            .contains("of 80 in all")
    );
}

#[test]
fn the_part_that_is_down_is_named_and_the_others_are_told_all_the_same() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    shop.take_away("stop", "worker");
    let told = bot.ask("vic", &["run", "shop-health"]);
    told.is("succeeded", &["1 of 6 parts is down: workers (no worker answers)."]);

    shop.take_away("stop", "redis");
    let told = bot.ask("vic", &["run", "shop-health"]);
    told.is(
        "succeeded",
        &[
            "1 of 6 parts is down: broker",
            "Not known: workers (the broker does not answer)",
        ],
    );
    assert_eq!(
        states(&told),
        json!({ "database": "up", "broker": "down", "workers": "not known", "queue": "not known", "web": "up", "page": "up" })
    );

    // The shop's own health page goes on saying that all is well.
    shop.take_away("stop", "postgres");
    assert!(shop.says_it_is_well());
    let told = bot.ask("vic", &["run", "shop-health"]);
    told.is("succeeded", &["3 of 6 parts are down: database"]);
    assert_eq!(
        (&states(&told)["web"], &states(&told)["page"]),
        (&json!("up"), &json!("down"))
    );
    assert!(told.took.as_secs() < 15, "{:?}", told.took);

    shop.take_away("stop", "web");
    let told = bot.ask("vic", &["run", "shop-health"]);
    told.is("succeeded", &["4 of 6 parts are down"]);
    // What must not fail still refuses, and says why.
    bot.ask("vic", &["run", "order-status", "order=1045"])
        .is("refused", &["shop-db cannot be reached"]);
}

#[test]
fn an_order_is_told_with_its_payment_its_suppliers_and_what_is_under_way() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let cases: [(u64, &[&str]); 7] = [
        (1045, &["Order 1045 is paid", "CJ: forwarded (CJORD-501)"]),
        (
            1046,
            &[
                "CJ: not forwarded.",
                "Handmade Nepal: not forwarded: the shop has no adapter for it.",
            ],
        ),
        (1047, &["Order 1047 is paid", "No item is from a supplier."]),
        (1049, &["Order 1049 is processing", "payment pending"]),
        (1050, &["Order 1050 is shipped", "CJ: forwarded (CJORD-502)"]),
        (1051, &["Order 1051 is refunded", "CJ: forwarded (CJORD-504)"]),
        (
            1057,
            &["CJ: forwarded (CJORD-505)", "AliExpress Direct: not forwarded."],
        ),
    ];
    for (order, says) in cases {
        let told = bot.ask("vic", &["run", "order-status", &format!("order={order}")]);
        told.is("succeeded", says);
        assert_eq!(of(&told, "what", "order")["of"], order.to_string());
        let text = told.json.to_string();
        for secret in [
            "customers.example",
            "Station Road",
            "YO1",
            "Mira",
            "Jonas",
            "Priya",
            "Elif",
        ] {
            assert!(!text.contains(secret), "order {order} tells {secret}");
        }
    }
    let told = bot.ask("vic", &["run", "order-status", "order=1051"]);
    // Twice USD 12.50, in the currency that eSewa is paid in.
    assert_eq!(of(&told, "what", "payment")["detail"], "NPR 3337.50, esewa_1051");
    bot.ask("vic", &["run", "order-status", "order=1045"])
        .warns("no proof of funds");
    bot.ask("vic", &["run", "order-status", "order=1049"])
        .warns("skips an order that is processing");
    bot.ask("vic", &["run", "order-status", "order=999999"])
        .is("refused", &["Order 999999 does not exist."]);
}

#[test]
fn an_order_is_told_without_the_broker_and_what_is_not_known_is_said() {
    let mut shop = Shop::alone();
    let bot = shop.bot();
    bot.ask("vic", &["run", "order-status", "order=1045"])
        .is("succeeded", &["No task for it is under way."]);
    shop.take_away("stop", "redis");
    let told = bot.ask("vic", &["run", "order-status", "order=1045"]);
    told.is("succeeded", &["CJ: forwarded (CJORD-501)"])
        .warns("Whether a task for it is under way is not known");
    assert!(!told.say().contains("under way"), "{}", told.say());
}

#[test]
fn suppliers_are_told_with_what_waits_for_them_and_whether_they_answer() {
    let shop = Shop::alone();
    let bot = shop.bot();
    let told = bot.ask("vic", &["run", "supplier-status"]);
    told.is(
        "succeeded",
        &["5 suppliers.", "CJ Dropshipping does not answer", "503", "CJ answers."],
    )
    .warns("no adapter for Handmade Nepal");
    let cj = of(&told, "supplier", "CJ");
    assert_eq!((&cj["state"], &cj["answers"]), (&json!("active"), &json!("yes")));
    assert_eq!(of(&told, "supplier", "CJ Dropshipping")["answers"], "no");
    assert_eq!(
        of(&told, "supplier", "AliExpress Outlet")["state"],
        "inactive, adapter without an address"
    );
    assert_eq!(of(&told, "supplier", "Handmade Nepal")["answers"], "not asked");
    assert!(!told.json.to_string().contains("api_key"), "{:#}", told.json);

    shop.ctl(&["outage", "on"]);
    let told = bot.ask("vic", &["run", "supplier-status", "supplier=cj"]);
    told.is("succeeded", &["1 supplier.", "CJ does not answer"]);
    bot.ask("vic", &["run", "supplier-status", "supplier=Acme"])
        .is("refused", &["There is no supplier Acme."]);
}
