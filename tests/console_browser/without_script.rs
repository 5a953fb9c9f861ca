//! The main job by forms and links alone.

use super::{command, sign_in};
use crate::harness::browser::Browser;
use crate::harness::shop::Shop;

#[test]
fn without_scripts_an_order_is_asked_for_approved_and_followed() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let _serving = bot.serve();
    let browser = Browser::start();
    let (dana, lee) = (
        browser.window_without_script(&bot.address()),
        browser.window_without_script(&bot.address()),
    );
    for (window, person) in [(&dana, "dana"), (&lee, "lee")] {
        window.open("/");
        sign_in(window, person);
    }
    command(&dana, "/forward-order 2123,2124,2125,2126,2127,2128");
    // The page that says "at it" loads again by itself, until there is an answer.
    dana.sees("waits for approval");

    lee.open("/approvals");
    lee.press("Approve");
    lee.press("Yes, approve and start");
    lee.sees("lee approved");
    dana.open("/runs");
    dana.press("/forward-order order=2123,2124,2125,2126,2127,2128");
    dana.sees("Journal");
    dana.sees("lee approved at");
    dana.until_open(&dana.address(), "Order 2128 is forwarded");
    assert_eq!(shop.posts(2123, 1), 1);

    command_is_refused(&dana);
}

fn command_is_refused(dana: &crate::harness::browser::Window<'_>) {
    dana.open("/");
    command(dana, "/");
    dana.sees("Nothing was typed.");
    command(dana, "/forward-order 1050");
    dana.sees("Order 1050 is shipped, not paid");
}
