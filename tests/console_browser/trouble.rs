//! What is refused, what is not known, and what means no good.

use super::{Console, command, run_of};
use crate::harness::shop::Shop;
use fantoccini::key::Key;

#[test]
fn an_order_that_is_not_paid_is_refused_with_the_reason() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    command(&dana, "/forward-order 1049");
    dana.sees("refused");
    dana.sees("Order 1049 is processing, not paid");
    command(&dana, "/forward-odrer 1049");
    dana.sees("forward-order");
    assert_eq!(bot.runs(), Vec::<String>::new());
}

#[test]
fn a_supplier_without_an_answer_needs_a_person_who_says_how_they_know() {
    let shop = Shop::alone();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));
    // Something else to press stands above.
    command(&dana, "/forward-order 1052");
    dana.sees("waits for approval");
    shop.ctl(&["outage", "on"]);
    command(&dana, "/forward-order 2122");
    dana.sees("needs a person");
    dana.sees("an id that the shop made up (CJ: cj_2122-1)");

    lee.sees("What became of the step?");
    lee.press("It did not happen");
    let said = lee.script("return document.querySelector('input[data-reason]').validationMessage");
    assert_eq!(said, "Say how you know; it is written into the record.");
    assert_eq!(
        bot.show(&run_of(&lee, "/forward-order order=2122"))["outcome"],
        "needs-person"
    );
    lee.fill("How do you know?", "CJ says by phone that they have nothing");
    // Enter in a field presses the first button of its form, wherever that stands.
    lee.key(Key::Enter);
    command(&lee, "/help forward-order");
    lee.sees("only you see this");
    for (line, outcome) in [
        ("/forward-order order=1052", "awaiting-approval"),
        ("/forward-order order=2122", "needs-person"),
    ] {
        assert_eq!(bot.show(&run_of(&lee, line))["outcome"], outcome, "{line}");
    }
    lee.press("It did not happen");
    lee.sees_no_longer("needs a person");
    dana.sees("CJ says by phone that they have nothing");
    dana.sees_no_longer("What became of the step?");
    assert_eq!(
        bot.show(&run_of(&lee, "/forward-order order=2122"))["outcome"],
        "failed"
    );
    assert_eq!(shop.posts(2122, 1), 1);
}

#[test]
fn a_press_that_is_refused_is_told_on_the_page_where_it_was_pressed() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let (dana, lee) = (console.window_of("dana"), console.window_of("lee"));
    command(&dana, "/forward-order 1052");
    dana.sees("waits for approval");
    for page in [
        format!("/runs/{}", run_of(&dana, "/forward-order order=1052")),
        "/approvals".to_owned(),
    ] {
        lee.open(&page);
        lee.press("Approve");
        // As if the plan had become another one since the page was loaded.
        lee.script("document.querySelector('[name=press][value^=approve]').value = 'approve 0'");
        lee.press("Yes, approve and start");
        lee.sees("The plan has changed since you saw it. Look at it again and approve what it is now.");
        lee.sees("waits for approval");
    }
}

#[test]
fn hostile_words_are_text() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let console = Console::of(&bot);
    let dana = console.window_of("dana");
    let words = r#"x'><script>document.title+="broken"</script><b>bold</b><img/src/onerror>"#.replace('"', "'");
    command(&dana, &format!("/forward-order {words}"));
    dana.sees("not understood");
    dana.sees("<script>");
    command(&dana, &format!("/resync-supplier {words}"));
    dana.sees("/resync-supplier");
    command(&dana, "/<b>bold</b>");
    dana.sees("<b>bold</b>");
    let planted = "return document.querySelectorAll('main script, main b, main img:not(.chart img), [onerror]').length";
    assert_eq!(dana.script(planted), 0);
    // A reload renders it by another way.
    dana.open("/");
    dana.sees("<script>");
    assert_eq!(dana.script(planted), 0);
    dana.open("/runs?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&runbook=%3Cb%3E&person='%22%3E&outcome=%3C");
    dana.sees("Runs");
    assert_eq!(dana.script(planted), 0);
    assert!(
        !dana
            .script("return document.title")
            .as_str()
            .unwrap()
            .contains("broken")
    );
    dana.open("/runbooks/%3Cscript%3E");
    assert_eq!(dana.script(planted), 0);
    // A script that the page's policy stopped would be told here; a page that is not there is told too.
    assert!(dana.complaints().iter().all(|complaint| complaint.contains("404")));
}

#[test]
fn a_bot_that_goes_away_is_told_and_found_again() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let mut console = Console::of(&bot);
    let browser = std::mem::replace(&mut console.browser, crate::harness::browser::Browser::start());
    let dana = browser.window(&bot.address());
    dana.open("/");
    super::sign_in(&dana, "dana");
    drop(console);
    dana.sees("The connection to Signalbox is lost");
    // Whoever is at the end of a long channel sees it, too.
    dana.script("document.getElementById('log').style.minHeight = '4000px'; scrollTo(0, 9000)");
    dana.until_script(
        "it is in sight",
        "const box = document.getElementById('lost').getBoundingClientRect(); return scrollY > 500 && box.top >= 0 && box.bottom < 300",
    );
    command(&dana, "/stuck-orders");
    dana.sees("No answer came.");
    let _serving = bot.serve();
    dana.sees_no_longer("The connection to Signalbox is lost");
    dana.press("Send");
    dana.sees("paid orders wait for a supplier");
}
