//! Words that somebody types who means no good, or whose clipboard does.

use crate::harness::shop::Shop;
use std::fs;

#[test]
fn what_is_no_order_and_no_supplier_sends_nothing() {
    let shop = Shop::shared();
    let bot = shop.bot();
    let long = "9".repeat(10_000);
    let words = [
        long.as_str(),
        "1063\u{7}\u{1b}[2J",
        "1063\n1064",
        "$(touch /tmp/signalbox-was-here)",
        "`id`",
        "\"1063\"x",
        "'; drop table store_order; --",
        "1063 or 1=1",
        "<!channel>",
        "{{7777*7777}}",
        "{% for o in looks %}x{% endfor %}",
        "-1063",
        "1e3",
        "99999999999999999999",
        "1063,,",
        "",
    ];
    for word in words {
        let told = bot.forward("dana", word);
        told.is("invalid", &[]);
        assert!(told.say().len() < 2000, "{} bytes are said", told.say().len());
        assert!(
            !told.say().chars().any(|it| it.is_control() && it != '\n'),
            "{:?}",
            told.say()
        );
        assert!(!told.say().contains("60481729"), "{}", told.say());
    }
    for word in words {
        let told = bot.run("dana", "resync-supplier", &format!("supplier={word}"));
        assert!(
            ["invalid", "refused"].contains(&told.outcome()),
            "{word:?}: {:#}",
            told.json
        );
        assert_eq!(told.code, 2);
        assert!(
            !told.say().chars().any(|it| it.is_control() && it != '\n'),
            "{:?}",
            told.say()
        );
    }
    assert_eq!(bot.runs(), Vec::<String>::new());
    assert_eq!((shop.posts(1063, 1), shop.posts(1064, 1)), (0, 0));
    assert!(!fs::exists("/tmp/signalbox-was-here").unwrap());
}

#[test]
fn inputs_that_do_not_fit_are_all_told_at_once() {
    let shop = Shop::shared();
    let bot = shop.bot();
    bot.ask("dana", &["run", "forward-order", "order=x", "colour=red"])
        .is("invalid", &["order", "colour"]);
    bot.ask("dana", &["run", "forward-order"]).is("invalid", &["order"]);
    bot.ask("dana", &["run", "forward-ordr", "order=1063"])
        .is("invalid", &["no runbook of that name", "Did you mean forward-order?"]);
    let out = bot.raw(&["run", "forward-order", "1063", "--as", "dana"]);
    assert_eq!(out.status.code(), Some(2));
}
