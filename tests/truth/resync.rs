//! Suppliers whose products are read anew.

use crate::harness::shop::{Shop, wait_until};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// There is one CJ, and a sync of it that is under way refuses the next one: these tests go one after another.
fn suppliers() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_supplier_is_synced_by_name_and_by_id_with_the_tasks_own_count() {
    let _turn = suppliers();
    let shop = Shop::shared();
    let bot = shop.bot();
    for word in ["CJ", "1", "cj"] {
        bot.run("dana", "resync-supplier", &format!("supplier={word}"))
            .is("succeeded", &["CJ: 75 products upserted"]);
    }
}

#[test]
fn a_sync_that_brought_nothing_is_no_success() {
    let _turn = suppliers();
    let shop = Shop::shared();
    shop.bot()
        .run("dana", "resync-supplier", "supplier=CJ Dropshipping")
        .is("failed", &["suspicious", "SUCCESS with 0 products"]);
}

#[test]
fn an_inactive_supplier_is_warned_of() {
    let _turn = suppliers();
    let shop = Shop::shared();
    shop.bot()
        .ask(
            "dana",
            &["run", "resync-supplier", "supplier=AliExpress Outlet", "--dry-run"],
        )
        .is("succeeded", &[])
        .warns("AliExpress Outlet is inactive");
}

#[test]
fn what_cannot_be_synced_is_refused() {
    let _turn = suppliers();
    let shop = Shop::shared();
    let bot = shop.bot();
    bot.run("dana", "resync-supplier", "supplier=Handmade Nepal")
        .is("refused", &["no adapter for Handmade Nepal", "Nothing is sent."]);
    bot.run("dana", "resync-supplier", "supplier=Acme")
        .is("refused", &["There is no supplier Acme.", "CJ (id 1)"]);
    bot.run("vic", "resync-supplier", "supplier=CJ")
        .is("denied", &["Only ops may"]);
}

#[test]
fn all_suppliers_need_a_second_person() {
    let _turn = suppliers();
    let shop = Shop::shared();
    let bot = shop.bot();
    let asked = bot.ask("dana", &["run", "resync-supplier", "supplier=all"]);
    asked
        .is("awaiting-approval", &["second person"])
        .warns("Left out, for the shop has no adapter for them: Handmade Nepal.");
    bot.ask("dana", &["deny", asked.run()]).is("denied", &["dana"]);
}

#[test]
fn by_the_admin_a_sync_is_queued_and_nothing_more_is_claimed() {
    let _turn = suppliers();
    let shop = Shop::alone();
    let bot = shop.bot();
    let synced_at = || {
        shop.value(
            "select coalesce(to_jsonb(last_synced_at), 'null') from store_supplier where id = $1",
            3,
        )
    };
    let before = synced_at();
    let told = bot.run("dana", "resync-supplier-admin", "supplier=AliExpress Direct");
    told.is("succeeded", &["Queued for 1 supplier(s)", "I cannot follow"])
        .warns("cannot be followed");
    assert!(!told.say().contains("upserted"), "{}", told.say());
    wait_until("the worker has had it", || synced_at() != before);
    bot.run("dana", "resync-supplier-admin", "supplier=Acme")
        .is("refused", &["There is no supplier Acme."]);
    bot.run("vic", "resync-supplier-admin", "supplier=CJ")
        .is("denied", &["Only ops may"]);
    let asked = bot.ask("dana", &["run", "resync-supplier-admin", "supplier=all"]);
    asked.is("awaiting-approval", &["second person"]);
    bot.ask("dana", &["deny", asked.run()]).is("denied", &["dana"]);
}

#[test]
fn by_the_admin_a_shop_without_its_broker_is_unknown() {
    let _turn = suppliers();
    let mut shop = Shop::alone();
    let bot = shop.bot();
    shop.take_away("stop", "redis");
    // The shop answers 500 in the middle of the action: some could have been queued.
    bot.run("dana", "resync-supplier-admin", "supplier=CJ").is(
        "needs-person",
        &["It is not known whether syncs were queued", "HTTP 500"],
    );
}
