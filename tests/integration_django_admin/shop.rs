//! The admin of the demo shop.

use super::{call, connection, context, done, told};
use crate::harness::proxy::{Break, breaking};
use crate::harness::shop::{Shop, wait_until};
use insta::assert_snapshot;
use serde_json::{Value, json};
use signalbox::call::CallResult;
use signalbox::integration::Connection;

fn port(shop: &Shop) -> u16 {
    shop.known("SHOP_URL").rsplit(':').next().unwrap().parse().unwrap()
}

fn admin_at(shop: &Shop, port: u16) -> Connection {
    let (user, password) = (shop.known("SHOP_ADMIN_USER"), shop.known("SHOP_ADMIN_PASSWORD"));
    connection(&format!("http://127.0.0.1:{port}/admin"), user, password)
}

fn admin(shop: &Shop) -> Connection {
    admin_at(shop, port(shop))
}

fn sync(ids: Value) -> Value {
    json!({ "model": "store/supplier", "action": "action_trigger_sync", "ids": ids })
}

/// The admin's action does not touch it, the task does.
fn synced_at(shop: &Shop, supplier: u64) -> Value {
    shop.value(
        "select coalesce(to_jsonb(last_synced_at), 'null') from store_supplier where id = $1",
        supplier,
    )
}

#[test]
fn an_action_on_two_suppliers_tells_two_and_the_worker_syncs_them() {
    let shop = Shop::alone();
    let admin = admin(&shop);
    let before = [1, 2].map(|id| synced_at(&shop, id));
    let value = done(block_on(call(&admin, "action", sync(json!([1, "2", 1])))));
    assert_eq!(
        value,
        json!({ "messages": [{ "level": "info", "text": "Triggered sync for 2 supplier(s)." }], "count": 2 })
    );
    wait_until("the worker has synced both", || {
        [1, 2]
            .map(|id| synced_at(&shop, id))
            .iter()
            .zip(&before)
            .all(|(now, then)| now != then)
    });
    // The same session serves again, and its messages are those of this call alone.
    let before = synced_at(&shop, 3);
    assert_eq!(done(block_on(call(&admin, "action", sync(json!(3)))))["count"], 1);
    wait_until("the worker has synced it", || synced_at(&shop, 3) != before);
}

#[test]
fn rows_are_read_with_their_columns() {
    let shop = Shop::shared();
    let admin = admin(&shop);
    let rows = block_on(call(
        &admin,
        "rows",
        json!({ "model": "store/supplier", "ids": [5, 99] }),
    ));
    let rows = done(rows);
    assert_eq!((&rows["count"], &rows["more"]), (&json!(1), &json!(false)));
    assert_eq!(rows["rows"][0]["id"], "5");
    assert_eq!(rows["rows"][0]["name"], "Handmade Nepal");
    assert_eq!(rows["rows"][0]["active"], "True");
    let orders = done(block_on(call(&admin, "rows", json!({ "model": "store/order" }))));
    assert_eq!((&orders["count"], &orders["more"]), (&json!(100), &json!(true)));
}

#[test]
fn what_cannot_be_done_is_told_before_anything_is_sent() {
    let shop = Shop::shared();
    let admin = admin(&shop);
    let mut said = Vec::new();
    for (name, with) in [
        ("action", sync(json!([1, 99]))),
        ("action", sync(json!([]))),
        ("action", sync(json!("1 or 1=1"))),
        ("action", sync(json!((1..=101).collect::<Vec<_>>()))),
        (
            "action",
            json!({ "model": "store/supplier", "action": "action_triger_sync", "ids": 1 }),
        ),
        (
            "action",
            json!({ "model": "store/supplier", "action": "delete_selected", "ids": 1 }),
        ),
        ("rows", json!({ "model": "store/nothing" })),
        ("rows", json!({ "model": "../api" })),
    ] {
        said.push(told(&block_on(call(&admin, name, with)), port(&shop)));
    }
    assert_snapshot!(said.join("\n"), @r#"
    not done: store/supplier has no 99 in the admin's list; nothing was sent
    not done: `ids` is empty: without a row there is nothing to do
    not done: `ids` takes whole numbers and texts of letters, digits, `-` and `_`, or a list of them
    not done: `ids` has 101 ids; 100 are the most at once
    not done: store/supplier has no action `action_triger_sync` for this account; did you mean `action_trigger_sync`?; nothing was sent
    not done: delete_selected asks whether one is sure, and is not for a runbook
    not done: the admin at SHOP has no store/nothing (HTTP 404)
    not done: `model` is an app and a model as in the admin's address: "store/supplier"
    "#);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let shop = Shop::shared();
    let url = format!("{}/admin", shop.known("SHOP_URL"));
    let staff = connection(&url, shop.known("SHOP_STAFF_USER"), shop.known("SHOP_STAFF_PASSWORD"));
    let wrong = connection(&url, shop.known("SHOP_ADMIN_USER"), "correct-horse-battery");
    let elsewhere = connection(shop.known("SHOP_URL"), "u", "correct-horse-battery");
    let mut said = Vec::new();
    for who in [&staff, &wrong, &wrong, &elsewhere] {
        said.push(told(&block_on(call(who, "action", sync(json!(1)))), port(&shop)));
    }
    assert_snapshot!(said.join("\n"), @"
    not done: the user of connection shop-admin can log in to the admin and is sent back to its login: the account is no superuser, and this admin shows itself to superusers only
    not done: the user or the password of connection shop-admin is refused (Please enter the correct email and password for a staff account. Note that both fields may be case-sensitive); the login is tried again in N s at the earliest
    not done: the user or the password of connection shop-admin is refused (Please enter the correct email and password for a staff account. Note that both fields may be case-sensitive); the login is tried again in N s at the earliest
    not done: the admin at SHOP is not as expected: its login page answers HTTP 404
    ");
    assert!(!said.join("\n").contains("correct-horse-battery"));
    let alive = |who: &Connection| {
        let Connection::DjangoAdmin(who) = who else {
            panic!("another kind")
        };
        block_on(who.alive(&context(10)))
    };
    assert_eq!(alive(&admin(&shop)).unwrap(), "answers, and takes the login");
    assert!(alive(&staff).unwrap_err().contains("superuser"));
}

#[test]
fn a_cut_wire_leaves_the_action_unknown() {
    let shop = Shop::alone();
    for (how, arrives) in [(Break::Before, false), (Break::After, true)] {
        let before = synced_at(&shop, 4);
        let admin = admin_at(&shop, breaking(port(&shop), b"_selected_action=4", how));
        let result = block_on(call(&admin, "action", sync(json!(4))));
        let CallResult::Unknown { reason } = result else {
            panic!("{how:?}: {result:?}")
        };
        assert!(
            reason.contains("may have carried out action_trigger_sync: no answer came"),
            "{reason}"
        );
        if arrives {
            wait_until("the worker synced it all the same", || synced_at(&shop, 4) != before);
        } else {
            assert_eq!(synced_at(&shop, 4), before);
        }
    }
}

#[test]
fn a_shop_that_is_down_is_unreachable() {
    let mut shop = Shop::alone();
    let admin = admin(&shop);
    shop.take_away("stop", "web");
    let result = block_on(call(&admin, "action", sync(json!(1))));
    assert_snapshot!(told(&result, port(&shop)), @"unreachable: SHOP cannot be reached: Connection refused (os error 111)");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}
