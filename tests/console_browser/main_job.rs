//! Asked in one window, approved in another, seen in both.

use super::{Console, command, run_of};
use crate::harness::shop::Shop;
use fantoccini::key::Key;
use serde_json::json;

const OPEN: &str = "return document.querySelector('details[data-key=\"look:orders\"]').open";
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
    lee.sees("Your word is in: /forward-order order=2107");
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
fn many_tabs_of_one_person_all_load_and_the_one_that_is_looked_at_moves() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    // A browser keeps six connections to one server.
    let tabs: Vec<_> = (0..9)
        .map(|_| {
            let tab = dana.new_tab();
            dana.open("/");
            dana.sees("Nothing has happened yet.");
            tab
        })
        .collect();
    command(&dana, "/order-status 1050");
    dana.sees("Order 1050 is shipped");
    dana.to_tab(&tabs[0]);
    dana.sees("Order 1050 is shipped");
    command(&dana, "/order-status 1051");
    dana.sees("/order-status order=1051");
    dana.to_tab(&tabs[8]);
    dana.sees("/order-status order=1051");
    assert_eq!(dana.complaints(), Vec::<String>::new());
}

#[test]
fn commands_may_follow_each_other_faster_than_their_answers() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    // All at once, and the last one twice.
    dana.script(
        "const line = document.getElementById('line'), form = document.getElementById('composer');
         for (const order of [1050, 1051, 1042, 1042]) { line.value = `/order-status ${order}`; form.requestSubmit(); }",
    );
    for order in [1050, 1051, 1042] {
        dana.sees(&format!("/order-status order={order}"));
    }
    assert_eq!(dana.filled("Command"), "");
    dana.until_script("nothing is under way", "return !document.querySelector('.pending')");
    assert_eq!(bot.runs().len(), 3, "{:?}", bot.runs());
}

#[test]
fn what_somebody_has_opened_and_where_they_are_stays_while_a_run_moves() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));
    let orders: Vec<String> = (2140..2155).map(|order| order.to_string()).collect();
    command(&dana, &format!("/forward-order {}", orders.join(",")));
    lee.sees("waits for approval");
    lee.press("3 more steps");
    lee.sees("Send order 2154");
    // The channel is longer than the window, and the run is above.
    for order in [1042, 1050, 1051] {
        command(&lee, &format!("/order-status {order}"));
        lee.sees(&format!("Order {order} is"));
    }
    lee.script("document.querySelector('.message').scrollIntoView()");
    lee.press("Approve");
    lee.press("Yes, approve and start");
    lee.sees("lee approved");
    lee.until_script(
        "the run that was approved is in sight",
        "const box = document.querySelector('.message').getBoundingClientRect(); return box.bottom > 60 && box.top < innerHeight",
    );
    dana.sees("succeeded");

    // The page of a run: a fold and the keyboard's place stay.
    let run = run_of(
        &lee,
        &format!("/forward-order order={} and 5 more", orders[..10].join(",")),
    );
    dana.open(&format!("/runs/{run}"));
    dana.press("orders");
    dana.until_script("the fold is open", OPEN);
    dana.script("document.querySelector('a[href$=\"/json\"]').focus(); document.querySelector('main').stamp = 1");
    dana.until_script(
        "the soak is over, and it is the same page",
        "return document.body.innerText.includes('proved: ') && document.querySelector('main').stamp === 1",
    );
    assert_eq!(dana.script(OPEN), json!(true));
    assert_eq!(
        dana.script("return document.activeElement.innerText"),
        json!("Everything as JSON")
    );
}

#[test]
fn what_is_drawn_anew_under_a_held_button_does_not_swallow_the_click() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));
    command(&dana, "/forward-order 2160,2161,2162,2163,2164,2165");
    lee.sees("waits for approval");
    let run = run_of(&lee, "/forward-order order=2160,2161,2162,2163,2164,2165");
    dana.open(&format!("/runs/{run}"));
    dana.until_script(
        "the page hears what happens",
        "return !!document.querySelector('#lost[hidden]')",
    );
    lee.press("Approve");
    dana.press_down("orders");
    lee.press("Yes, approve and start");
    dana.until_script(
        "the page was fetched anew",
        "return performance.getEntriesByType('resource').some((one) => one.name === location.href && one.responseEnd)",
    );
    dana.release();
    dana.until_script("the fold is open", OPEN);
    dana.sees("lee approved");
    dana.sees("succeeded");
    assert_eq!(dana.script(OPEN), json!(true));
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
    vic.sees("Who do you want to be?");
    vic.press_beginning("vic");
    vic.sees_address("/runs");
    vic.press("Runbooks");
    vic.sees("Not for you");
    vic.sees("Only ops may change something; ask one of them.");
    vic.press("Channel");
    command(&vic, "/forward-order 2121");
    vic.sees("Only ops may change something; ask one of them.");
    vic.sees("only you see this");
    assert_eq!(shop.posts(2121, 1), 0);
    command(&vic, "/stuck-orders");
    vic.sees("can be forwarded");
    vic.sees("more rows on the run's page");
}
