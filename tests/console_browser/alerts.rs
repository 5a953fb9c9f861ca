//! An alert on its own page.

use super::Console;
use crate::harness::alertmanager::{alert, notification, post};
use crate::harness::shop::Shop;

#[test]
fn whom_to_give_an_alert_to_is_asked_on_its_page() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let told = notification("Stuck", &[alert("Stuck", &[("severity", "warning")], true)]);
    let bearer = format!("Bearer {}", shop.known("SIGNALBOX_ALERTS_TOKEN"));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (status, _) = runtime.block_on(post(&bot.address(), told.to_string(), Some(&bearer)));
    assert_eq!(status, 200);

    let dana = console.window_of("dana");
    dana.open("/alerts");
    dana.open(dana.link("Stuck").as_str());
    dana.press("Assign…");
    dana.sees("Who is to take it on?");
    dana.press("lee");
    dana.sees("It is lee's; its message says so.");
    dana.sees("dana has given it to lee");
}
