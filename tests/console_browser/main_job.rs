//! Asked in one window, approved in another, seen in both.

use super::{Console, command, run_of, sign_in};
use crate::harness::shop::Shop;
use fantoccini::key::Key;
use serde_json::json;

const CHOICES: &str = "return document.querySelectorAll('#choices:not([hidden]) [role=option]').length > 0";

#[test]
fn two_people_in_two_windows_forward_many_orders() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));

    dana.fill("Command", "/for");
    dana.until_script("the choices are there", CHOICES);
    dana.key(Key::Tab);
    assert_eq!(dana.filled("Command"), "/forward-order ");
    dana.sees("/forward-order ORDER");
    dana.keys("2101,2102,2103,2104,2105,2106");
    dana.key(Key::Enter);
    dana.sees("waits for approval");
    dana.sees("More than 5 orders at once need a second person.");
    assert_eq!(dana.filled("Command"), "");
    dana.sees("Nobody approves a plan of their own.");
    assert!(!dana.can_press("Approve"));

    // Nobody loads lee's page again.
    lee.sees("/forward-order order=2101,2102,2103,2104,2105,2106");
    assert_eq!(shop.posts(2101, 1), 0, "before the yes");
    lee.press("Approve");
    lee.sees("The plan above starts at once, as dana asked for it: 6 steps");
    lee.press("Yes, approve and start");

    dana.sees("lee approved");
    dana.sees("succeeded");
    dana.sees_no_longer("waits for approval");
    lee.sees("succeeded");
    for order in 2101..=2106 {
        assert_eq!(shop.posts(order, 1), 1, "{order}");
        assert_eq!(shop.recorded(order), json!({ "CJ": shop.supplier_id(order).unwrap() }));
    }
    for window in [&dana, &lee] {
        window.until_script(
            "the chart is seen",
            "const chart = document.querySelector('.message img'); chart?.scrollIntoView();
             return !!chart && chart.complete && chart.naturalWidth > 300 && chart.alt.length > 10",
        );
        assert_eq!(window.complaints(), Vec::<String>::new());
        let elsewhere = "return performance.getEntriesByType('resource').map((one) => one.name)
             .filter((name) => !name.startsWith(location.origin + '/'))";
        assert_eq!(window.script(elsewhere), json!([]));
    }
    let run = run_of(&dana, "/forward-order order=2101,2102,2103,2104,2105,2106");
    let history = &bot.show(&run)["history"];
    assert_eq!(history.to_string().matches("lee approved").count(), 1, "{history}");
}

#[test]
fn the_keyboard_is_enough() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (
        console.browser.window(&bot.address()),
        console.browser.window(&bot.address()),
    );
    for (window, person) in [(&dana, "dana"), (&lee, "lee")] {
        window.open("/");
        window.tab_to(person);
        window.key(Key::Enter);
        window.sees_address("/");
    }

    // The cursor is in the line already.
    dana.keys("/fo");
    dana.until_script("the choices are there", CHOICES);
    dana.key(Key::Down);
    dana.key(Key::Enter);
    dana.sees("/forward-order ORDER");
    dana.keys("2107,2108,2109,2110,2111,2112");
    dana.key(Key::Enter);
    dana.sees("waits for approval");

    lee.tab_to("Approvals");
    lee.key(Key::Enter);
    lee.sees_address("/approvals");
    lee.sees("/forward-order order=2107");
    lee.tab_to("Approve");
    lee.key(Key::Enter);
    lee.tab_to("Yes, approve and start");
    lee.key(Key::Enter);
    lee.sees("Nothing waits for your yes.");
    dana.sees("succeeded");
    assert_eq!(shop.posts(2107, 1), 1);

    for window in [&dana, &lee] {
        assert_eq!(window.complaints(), Vec::<String>::new());
    }
    // The last line comes back.
    dana.key(Key::Up);
    assert_eq!(dana.filled("Command"), "/forward-order 2107,2108,2109,2110,2111,2112");
}

#[test]
fn a_page_of_an_ended_sign_in_becomes_the_page_of_the_next() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    command(&dana, "/forward-order 2113,2114,2115,2116,2117,2118");
    dana.sees("waits for approval");
    // Another tab of the same browser becomes lee.
    let stale = dana.script(
        "return fetch('/pick', { method: 'POST', body: new URLSearchParams({ person: 'lee' }) }).then((it) => it.ok)",
    );
    assert_eq!(stale, json!(true));
    dana.sees("Approve");
    assert!(dana.text().contains("lee"), "{}", dana.text());
    assert_eq!(dana.complaints(), Vec::<String>::new());
}

#[test]
fn a_form_gives_the_same_as_a_line_and_tells_what_is_wrong_beside_the_field() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    dana.press("Runbooks");
    dana.press("/forward-order");
    dana.fill("order", "12,,x");
    dana.press("Show the plan");
    dana.sees("Nothing was done");
    // Chromium counts the status of such a page as a complaint.
    assert!(dana.complaints().iter().all(|complaint| complaint.contains("422")));
    assert_eq!(dana.filled("order"), "12,,x");
    dana.fill("order", "2120");
    dana.press("Show the plan");
    dana.sees("dry run");
    dana.sees("Send order 2120");
    assert_eq!(shop.posts(2120, 1), 0);
    dana.press("Run it");
    dana.sees("Order 2120 is forwarded");
    assert_eq!(shop.posts(2120, 1), 1);
    assert_eq!(dana.complaints(), Vec::<String>::new());
}

#[test]
fn a_viewer_sees_what_others_do_and_is_told_why_not() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let vic = console.browser.window(&bot.address());
    vic.open("/runs");
    sign_in(&vic, "vic");
    vic.press("Runbooks");
    vic.sees("Not for you");
    vic.sees("Viewers may look and change nothing; ask somebody of ops.");
    vic.press("Channel");
    command(&vic, "/forward-order 2121");
    vic.sees("Viewers may look and change nothing; ask somebody of ops.");
    vic.sees("only you see this");
    assert_eq!(shop.posts(2121, 1), 0);
    command(&vic, "/stuck-orders");
    vic.sees("can be forwarded");
    vic.sees("more rows on the run's page");
}
