//! The inspections themselves: each finds what it is for.

use crate::harness::browser::Browser;

#[test]
fn each_inspection_finds_its_fault() {
    let browser = Browser::start();
    let window = browser.window("data:text/html,");
    window.open(concat!(
        "<title>x</title><body style='background:white'>",
        "<p style='color:%23999'>pale words</p><p style='color:%23333'>dark words</p>",
        "<button style='width:60px;height:30px'></button><button style='height:9px;padding:0'>low</button>",
        "<div style='width:3000px;height:9px;background:%23ccc'></div>",
        "<script>console.error('a complaint')</script>",
    ));
    let pale = window.pale();
    assert!(pale.len() == 1 && pale[0].contains("pale words"), "{pale:?}");
    assert_eq!(window.nameless().len(), 1);
    assert_eq!(window.too_small().len(), 1);
    assert!(window.too_wide().iter().any(|one| one.starts_with("DIV")));
    assert!(window.complaints().iter().any(|one| one.contains("a complaint")));
}
