//! What the documentation teaches is checked as it stands there.

use super::Desk;
use std::fs;
use std::path::Path;

/// The runbooks that stand whole in docs/runbooks.md: they begin with the schema's line.
fn taught() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks.md");
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .filter(|block| block.starts_with("#:schema "))
        .collect()
}

#[test]
fn the_runbooks_that_the_docs_teach_hold_and_do_what_is_said() {
    let desk = Desk::new();
    let taught = taught();
    assert_eq!(taught.len(), 2);
    let config = fs::read_to_string(desk.path("config/signalbox.toml")).unwrap();
    let writer = "\n[connection.shop-db-write]\nkind = \"postgres\"\nurl = \"env:SHOP_WRITE_DATABASE_URL\"\n";
    desk.write("config/signalbox.toml", &(config + writer));
    for (name, text) in ["pending-orders", "supplier-off"].into_iter().zip(&taught) {
        desk.write(&format!("commands/{name}.toml"), text);
    }
    let (code, said, told) = desk.run(&["check"]);
    assert_eq!(code, 0, "{said}{told}");
    let docs = include_str!("../../docs/runbooks.md");
    for arguments in [
        &["test", "pending-orders"][..],
        &["test", "supplier-off", "--fault", "off=lost"],
    ] {
        let (code, said, told) = desk.run(arguments);
        assert_eq!(code, 0, "{said}{told}");
        let first = said.lines().take_while(|line| !line.contains("none waits"));
        for line in first.filter(|line| !line.trim().is_empty()) {
            assert!(docs.contains(line), "the docs do not show: {line}");
        }
    }
}
