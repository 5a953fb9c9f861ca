//! Orders that are forwarded, and orders that are not.

use crate::harness::shop::Shop;
use serde_json::json;

#[test]
fn an_order_is_forwarded_with_the_suppliers_own_id_and_not_twice() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let told = bot.forward("dana", "1042");
    let id = shop.supplier_id(1042).expect("the supplier has it");
    told.is("succeeded", &["Order 1042", &id]);
    assert_eq!(told.json["steps"][0]["outcome"], "done");
    assert_eq!(told.json["person"], "dana");
    assert_eq!(shop.recorded(1042), json!({ "CJ": id }));
    assert_eq!(shop.posts(1042, 1), 1);

    bot.forward("lee", "1042")
        .is("nothing-to-do", &["already forwarded", &id]);
    assert_eq!(shop.posts(1042, 1), 1);
}

#[test]
fn a_viewer_is_told_by_the_policy_that_this_is_not_for_viewers() {
    let shop = Shop::shared();
    let bot = shop.bot();
    bot.forward("vic", "1043")
        .is("denied", &["Only ops may change something; ask one of them."]);
    assert_eq!(shop.posts(1043, 1), 0);
    assert_eq!(bot.runs(), Vec::<String>::new());
}

#[test]
fn orders_that_the_task_would_skip_or_spoil_are_refused_with_the_reason() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let cases: [(u64, &[&str]); 7] = [
        (1049, &["Order 1049 is processing, not paid", "still report SUCCESS"]),
        (1050, &["Order 1050 is shipped, not paid"]),
        (1051, &["Order 1051 is refunded, not paid"]),
        (1056, &["Order 1056 is pending, not paid"]),
        (1048, &["made up (CJ: cj_1048-1)", "Ask the supplier"]),
        (1054, &["no adapter for Handmade Nepal", "Nothing is sent"]),
        (
            1046,
            &["no adapter for Handmade Nepal", "only for CJ", "Nothing is sent"],
        ),
    ];
    for (order, says) in cases {
        let (row, posts) = (shop.recorded(order), shop.posts(order, 1));
        let told = bot.forward("dana", &order.to_string());
        told.is("refused", says);
        assert_eq!(told.json["run"], json!(null), "order {order}");
        assert_eq!(
            (shop.recorded(order), shop.posts(order, 1)),
            (row, posts),
            "order {order}"
        );
    }
}

#[test]
fn an_order_that_does_not_exist_is_refused_without_trying() {
    let shop = Shop::shared();
    let told = shop.bot().forward("dana", "999999");
    told.is("refused", &["Order 999999 does not exist."]);
    // The task itself would try six times, over half a minute.
    assert!(told.took.as_secs() < 10, "{:?}", told.took);
}

#[test]
fn an_order_without_a_supplier_is_nothing_to_do() {
    let shop = Shop::shared();
    shop.bot()
        .forward("dana", "1047")
        .is("nothing-to-do", &["Order 1047 has no item from a supplier."]);
    assert_eq!(shop.recorded(1047), json!({}));
}

#[test]
fn of_a_partly_recorded_order_only_the_rest_is_sent() {
    let shop = Shop::shared();
    let told = shop.bot().forward("dana", "1055");
    let row = shop.recorded(1055);
    told.is("succeeded", &[row["CJ"].as_str().unwrap(), "CJORD-503"]);
    assert_eq!(row["CJ Dropshipping"], "CJORD-503");
    assert!(row["CJ"].as_str().unwrap().starts_with("CJORD-"), "{row}");
    // The one that the seed tells the supplier, and none from us.
    assert_eq!((shop.posts(1055, 1), shop.posts(1055, 2)), (1, 1));
}

#[test]
fn the_adapter_without_an_address_is_warned_of_and_its_id_is_not_believed() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let dry = bot.ask("dana", &["run", "forward-order", "order=1058", "--dry-run"]);
    dry.is("succeeded", &[])
        .warns("adapter for AliExpress Direct has no working address");
    assert_eq!(shop.recorded(1058), json!({}));

    let told = bot.forward("dana", "1058");
    told.is("needs-person", &["made up (AliExpress Direct: ali_1058-3)", "Ask the"]);
    assert_eq!(told.json["steps"][0]["outcome"], "unknown");
    assert_eq!(shop.recorded(1058), json!({ "AliExpress Direct": "ali_1058-3" }));
}

#[test]
fn some_of_several_are_left_out_and_named() {
    let shop = Shop::shared();
    let told = shop.bot().forward("dana", "1044,1045,1047");
    told.is("succeeded", &["Order 1044 is forwarded"])
        .warns("Order 1045 is left out: already forwarded (CJ: CJORD-501).")
        .warns("Order 1047 is left out: no item from a supplier.");
    assert_eq!(told.json["steps"].as_array().unwrap().len(), 1);
    assert_eq!((shop.posts(1044, 1), shop.posts(1045, 1)), (1, 1));
}

#[test]
fn two_people_at_once_forward_an_order_once() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let words = ["run", "forward-order", "order=1060", "--wait"];
    let (dana, lee) = (bot.begin("dana", &words), bot.begin("lee", &words));
    let told = [dana.end(), lee.end()];
    assert!(
        told.iter().any(|told| told.outcome() == "succeeded"),
        "{:#} {:#}",
        told[0].json,
        told[1].json
    );
    for one in &told {
        match one.outcome() {
            "succeeded" => one.is("succeeded", &["Order 1060 is forwarded"]),
            "nothing-to-do" => one.is("nothing-to-do", &["already forwarded"]),
            // The lock is held, or the task was seen under way.
            _ => one.is("refused", &["1060"]),
        };
    }
    assert_eq!(shop.posts(1060, 1), 1);
    let done = told.iter().filter(|told| told.outcome() == "succeeded").count();
    assert_eq!(done, 1, "{:#} {:#}", told[0].json, told[1].json);
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let dry = bot.ask("dana", &["run", "forward-order", "order=1061", "--dry-run"]);
    dry.is("succeeded", &[]);
    assert_eq!(dry.json["dry"], true);
    assert!(
        dry.json["plan"]
            .to_string()
            .contains("Send order 1061 (USD 25.00) to CJ."),
        "{:#}",
        dry.json
    );
    assert_eq!(
        dry.json["steps"],
        json!([{ "name": "forward[1061]", "outcome": null, "say": "Send order 1061 (USD 25.00) to CJ." }])
    );
    assert_eq!(dry.json["run"], json!(null));
    assert_eq!((shop.recorded(1061), shop.posts(1061, 1)), (json!({}), 0));
    assert_eq!(bot.runs(), Vec::<String>::new());
}

/// A worker holds what is to run later in `unacked`, and the queue's list is empty meanwhile.
#[test]
fn a_task_that_waits_outside_of_the_queues_list_is_found() {
    let shop = Shop::shared();
    for id in [
        "d6e1e2c4-1b11-4c6e-9d83-3a3d8e6a0001",
        "d6e1e2c4-1b11-4c6e-9d83-3a3d8e6a0002",
    ] {
        let message = json!({
            "body": [[1062], {}, {}],
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py", "id": id, "eta": "2036-01-01T00:00:00",
                "task": "store.tasks.auto_forward_order_to_supplier",
            },
            "properties": {
                "delivery_tag": id, "correlation_id": id,
                "delivery_info": { "exchange": "", "routing_key": "celery" },
            },
        });
        // Without body_encoding the body is text.
        let mut message = message;
        message["body"] = json!(message["body"].to_string());
        let _: u64 = shop.broker(&["LPUSH", "celery", &message.to_string()]);
    }
    crate::harness::shop::wait_until("the worker has both", || {
        let held: String = shop.broker::<Vec<String>>(&["HVALS", "unacked"]).join(" ");
        shop.broker::<u64>(&["LLEN", "celery"]) == 0 && held.contains("3a3d8e6a0001") && held.contains("3a3d8e6a0002")
    });
    shop.bot().forward("dana", "1062").is(
        "refused",
        &["already under way for order 1062", "two at once would order twice"],
    );
    assert_eq!(shop.posts(1062, 1), 0);
}
