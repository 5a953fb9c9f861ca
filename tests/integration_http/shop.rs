//! What the demo shop answers.

use super::{call, connection, done, login, told};
use crate::harness::proxy::{Break, breaking};
use crate::harness::shop::{Shop, wait_until};
use insta::assert_snapshot;
use serde_json::{Value, json};
use signalbox::call::CallResult;
use signalbox::integration::Connection;
use signalbox::integration::http::SignIn;

fn port(shop: &Shop) -> u16 {
    shop.known("SHOP_URL").rsplit(':').next().unwrap().parse().unwrap()
}

fn admin(shop: &Shop) -> Connection {
    let sign_in = login(shop.known("SHOP_API_USER"), shop.known("SHOP_API_PASSWORD"));
    connection(shop.known("SHOP_URL"), sign_in)
}

#[test]
fn reads_come_as_json_or_text_and_refusals_with_their_reason() {
    let shop = Shop::shared();
    let nobody = connection(shop.known("SHOP_URL"), SignIn::Nobody);
    let admin = admin(&shop);
    block_on(async {
        let health = done(call(&nobody, "get", json!({ "path": "/api/health/" })).await);
        assert_eq!(
            (&health["status"], &health["json"]),
            (&json!(200), &json!({ "status": "ok" }))
        );
        assert_eq!(health["headers"]["content_type"], "application/json");
        assert_eq!(health["text"], Value::Null);
        let metrics = done(call(&nobody, "get", json!({ "path": "/metrics", "as": "text" })).await);
        assert!(metrics["text"].as_str().unwrap().contains("django_http_requests_total"));

        let order = json!({ "path": "/api/admin/orders/{order}/", "fill": { "order": 1042 } });
        let order = done(call(&admin, "get", order).await);
        assert_eq!(order["json"]["status"], "paid");
        let shipped = json!({ "path": "/api/admin/orders/", "query": { "status": "shipped", "page": 1, "q": null } });
        let shipped = done(call(&admin, "get", shipped).await);
        assert_eq!(shipped["json"]["count"], 1);
        assert_eq!(shipped["json"]["results"][0]["id"], 1050);
        // The slash at the end is put there by a redirect of the shop, which a read may follow.
        let slash = done(call(&admin, "get", json!({ "path": "/api/admin/suppliers/1" })).await);
        assert_eq!(slash["json"]["name"], "CJ");

        let missing =
            json!({ "path": "/api/admin/orders/{order}/", "fill": { "order": 999_999 }, "expect_status": [200, 404] });
        assert_eq!(done(call(&admin, "get", missing).await)["status"], 404);
        let mut said = Vec::new();
        for (who, path) in [
            (&nobody, "/api/auth/me/"),
            (&admin, "/api/admin/orders/999999/"),
            (&admin, "/api/admin/orders/cafe/"),
            (&nobody, "/api/nothing/"),
            (&nobody, "/metrics"),
            (&nobody, "/admin/"),
        ] {
            said.push(told(&call(who, "get", json!({ "path": path })).await, port(&shop)));
        }
        assert_snapshot!(said.join("\n"), @"
        not done: SHOP did not answer GET /api/auth/me/ as expected: HTTP 401 came with: Authentication credentials were not provided
        not done: SHOP did not answer GET /api/admin/orders/999999/ as expected: HTTP 404 came with: Not found
        not done: SHOP did not answer GET /api/admin/orders/cafe/ as expected: HTTP 404 came with: Not found
        not done: SHOP did not answer GET /api/nothing/ as expected: HTTP 404 came with a page
        not done: SHOP did not answer GET /metrics as expected: HTTP 200 came with text/plain, not JSON
        not done: SHOP did not answer GET /admin/ as expected: HTTP 200 came with a page, not JSON: perhaps a login page
        ");
    });
}

#[test]
fn a_write_is_done_or_certainly_not() {
    let shop = Shop::shared();
    let admin = admin(&shop);
    let staff = login(shop.known("SHOP_STAFF_USER"), shop.known("SHOP_STAFF_PASSWORD"));
    let staff = connection(shop.known("SHOP_URL"), staff);
    let order = |tracking: &str| json!({ "path": "/api/admin/orders/2315/", "json": { "tracking_number": tracking } });
    block_on(async {
        let patched = done(call(&admin, "patch", order("TRACK-1")).await);
        assert_eq!(
            (&patched["status"], &patched["json"]["tracking_number"]),
            (&json!(200), &json!("TRACK-1"))
        );
        let mut said = Vec::new();
        for (who, name, with) in [
            (
                &admin,
                "patch",
                json!({ "path": "/api/admin/orders/2315/", "json": { "status": "lost" } }),
            ),
            (
                &admin,
                "patch",
                json!({ "path": "/api/admin/orders/2315", "json": { "status": "refunded" } }),
            ),
            (&staff, "post", json!({ "path": "/api/admin/suppliers/1/sync/" })),
            (&admin, "post", json!({ "path": "/api/health" })),
            (
                &admin,
                "post",
                json!({ "path": "/api/payments/webhook/", "form": { "provider": "other", "order_id": 2315 } }),
            ),
        ] {
            said.push(told(&call(who, name, with).await, port(&shop)));
        }
        assert_snapshot!(said.join("\n"), @r#"
        not done: SHOP did not do PATCH /api/admin/orders/2315/: HTTP 400 came with: {"status":["\"lost\" is not a valid choice."]}
        not done: SHOP did not do PATCH /api/admin/orders/2315: HTTP 301 sends us elsewhere (/api/admin/orders/2315/)
        not done: SHOP did not do POST /api/admin/suppliers/1/sync/: HTTP 403 came with: You do not have permission to perform this action
        not done: SHOP did not do POST /api/health: HTTP 301 sends us elsewhere (/api/health/)
        unknown: SHOP may have done POST /api/payments/webhook/: HTTP 500 came with a page
        "#);
    });
    assert_eq!(
        shop.value("select to_jsonb(status) from store_order where id = $1", 2315),
        json!("paid")
    );
}

#[test]
fn a_cut_wire_leaves_a_write_unknown_and_a_read_unreachable() {
    let shop = Shop::shared();
    let sign_in = || login(shop.known("SHOP_API_USER"), shop.known("SHOP_API_PASSWORD"));
    let wired = |how| breaking(port(&shop), b"TRACK-CUT", how);
    for (order, how, arrives) in [(2316, Break::Before, false), (2317, Break::After, true)] {
        let wire = wired(how);
        let there = connection(&format!("http://127.0.0.1:{wire}"), sign_in());
        let with = json!({ "path": "/api/admin/orders/{order}/", "fill": { "order": order }, "json": { "tracking_number": "TRACK-CUT" } });
        let result = block_on(call(&there, "patch", with));
        let CallResult::Unknown { reason } = result else {
            panic!("{how:?}: {result:?}")
        };
        assert!(reason.contains("no answer came"), "{reason}");
        let number = || shop.value("select to_jsonb(tracking_number) from store_order where id = $1", order);
        if arrives {
            wait_until("the shop did it all the same", || number() == json!("TRACK-CUT"));
        } else {
            assert_ne!(number(), json!("TRACK-CUT"));
        }
        let wire = wired(how);
        let there = connection(&format!("http://127.0.0.1:{wire}"), sign_in());
        let with = json!({ "path": "/api/admin/orders/", "query": { "q": "TRACK-CUT" } });
        let result = block_on(call(&there, "get", with));
        assert!(matches!(&result, CallResult::Unreachable { .. }), "{how:?}: {result:?}");
    }
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again_at_once() {
    let shop = Shop::shared();
    let wrong = connection(
        shop.known("SHOP_URL"),
        login(shop.known("SHOP_API_USER"), super::PASSWORD),
    );
    let me = || json!({ "path": "/api/auth/me/" });
    let first = block_on(call(&wrong, "get", me()));
    assert_snapshot!(told(&first, port(&shop)), @"not done: the user or the password of connection shop-api is refused (HTTP 401 came with: No active account found with the given credentials); the login is tried again in N s at the earliest");
    let CallResult::NotDone { reason } = block_on(call(&wrong, "patch", me())) else {
        panic!("it is no refusal")
    };
    assert!(
        reason.contains("refused") && !reason.contains(super::PASSWORD),
        "{reason}"
    );
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}
