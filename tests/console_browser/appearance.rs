//! Every page in light and dark, wide and narrow, with something on it. `make screenshots` keeps the pictures.

use super::{Console, command, run_of};
use crate::harness::browser::Window;
use crate::harness::shop::Shop;

#[test]
fn every_page_can_be_read_in_every_light_and_width() {
    let shop = Shop::alone();
    let bot = shop.scraped_bot();
    let console = Console::of(&bot);
    let bare = console.browser.window(&bot.address());
    bare.open("/");
    bare.sees("Who do you want to be?");
    looks_good(&bare, "sign-in");

    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));
    looks_good(&dana, "welcome");
    command(&dana, "/forward-order 1049");
    dana.sees("Order 1049 is processing, not paid");
    command(&dana, "/stuck-orders");
    dana.sees("paid orders wait for a supplier");
    // The chart has to show how it was before.
    shop.until_measured("orders_awaiting_forwarding");
    command(&dana, "/forward-order 2129");
    dana.sees("Order 2129 is forwarded");
    command(&lee, "/forward-order 1053");
    dana.sees("needs a person");
    command(&dana, "/forward-order 1052");
    dana.sees("USD 1000.00 need a second person");
    lee.sees("USD 1000.00 need a second person");
    lee.until_script("the chart is there", CHART);
    looks_good(&lee, "channel");
    // More than a screen, for the README.
    lee.tall(1640);
    lee.picture("channel-whole");
    lee.dark(true);
    lee.until_script("the chart is dark as well", DARK_CHART);
    lee.picture("channel-whole-dark");
    lee.dark(false);
    lee.desktop();
    lee.fill("Command", "/");
    lee.sees("/resync-supplier");
    looks_good(&lee, "completion");
    let run = run_of(&lee, "/forward-order order=2129");
    for (path, words, name) in [
        ("/approvals".to_owned(), "Approve", "approvals"),
        ("/runs".to_owned(), "/forward-order order=2129", "runs"),
        ("/runs?q=nothing-of-that-name".to_owned(), "No run fits.", "no-runs"),
        (format!("/runs/{run}"), "Journal", "run"),
        ("/runbooks".to_owned(), "/stuck-orders", "runbooks"),
        ("/runbooks/forward-order".to_owned(), "Show the plan", "form"),
        ("/runs/nosuchrun0".to_owned(), "No such run", "not-found"),
    ] {
        lee.open(&path);
        lee.sees(words);
        looks_good(&lee, name);
        if name == "run" {
            lee.tall(1620);
            lee.picture("run-whole");
            lee.desktop();
        }
    }
    lee.open("/approvals");
    lee.press("Approve");
    looks_good(&lee, "approving");
    let vic = console.window_of("vic");
    vic.open("/runbooks");
    vic.sees("Not for you");
    looks_good(&vic, "runbooks-of-a-viewer");
    drop((bare, dana, lee, vic));
    drop(console);
    shop.reset();
}

const CHART: &str = "const all = [...document.querySelectorAll('.message img')];
    all.forEach((one) => one.scrollIntoView());
    scrollTo(0, document.body.scrollHeight);
    return all.length > 0 && all.every((one) => one.complete && one.naturalWidth > 300)";

const DARK_CHART: &str = "const all = [...document.querySelectorAll('.message img')];
    return all.every((one) => one.currentSrc.includes('theme=dark') && one.complete && one.naturalWidth > 300)";

/// Takes the pictures and measures. All faults of a page are told at once.
fn looks_good(window: &Window<'_>, page: &str) {
    let mut faults = Vec::new();
    for (look, dark, phone) in [("light", false, false), ("dark", true, false), ("phone", false, true)] {
        window.dark(dark);
        if phone {
            window.phone();
        }
        window.picture(&format!("{page}-{look}"));
        faults.extend(
            window
                .pale()
                .into_iter()
                .map(|fault| format!("{look}: hard to read: {fault}")),
        );
        faults.extend(
            window
                .too_wide()
                .into_iter()
                .map(|fault| format!("{look}: sticks out: {fault}")),
        );
        faults.extend(
            window
                .too_small()
                .into_iter()
                .map(|fault| format!("{look}: hard to hit: {fault}")),
        );
        window.desktop();
    }
    window.dark(false);
    faults.extend(window.nameless().into_iter().map(|fault| format!("nameless: {fault}")));
    let told_not_found = |complaint: &String| page == "not-found" && complaint.contains("404");
    let complaints = window
        .complaints()
        .into_iter()
        .filter(|complaint| !told_not_found(complaint));
    faults.extend(complaints.map(|complaint| format!("the browser complains: {complaint}")));
    assert!(
        faults.is_empty(),
        "{page} at {}:\n{}",
        window.address(),
        faults.join("\n")
    );
}
