//! The schema that editors get.

use super::Desk;
use jsonschema::Validator;
use serde_json::Value;
use signalbox::config::Config;
use signalbox::rules::known_to_editors;
use signalbox::runbook::load::schema::schema;
use std::fs;
use std::path::Path;

fn shipped() -> Value {
    let config = Config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/signalbox.toml")).unwrap();
    schema(&known_to_editors(&config))
}

fn validator() -> Validator {
    jsonschema::draft7::new(&shipped()).unwrap()
}

fn wrongs(validator: &Validator, text: &str) -> Vec<String> {
    let runbook: Value = toml::from_str(text).unwrap();
    validator.iter_errors(&runbook).map(|error| error.to_string()).collect()
}

#[test]
fn the_schema_in_docs_is_what_export_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.schema.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        kept,
        shipped(),
        "run: signalbox export schema > docs/runbook.schema.json"
    );
}

#[test]
fn what_is_shipped_and_what_new_writes_fits() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["new", "reads"]).0, 0);
    assert_eq!(desk.run(&["new", "writes", "--write"]).0, 0);
    let validator = validator();
    let mut fitting = 0;
    for entry in fs::read_dir(desk.path("commands")).unwrap() {
        let path = entry.unwrap().path();
        let wrongs = wrongs(&validator, &fs::read_to_string(&path).unwrap());
        assert!(wrongs.is_empty(), "{}:\n{}", path.display(), wrongs.join("\n"));
        fitting += 1;
    }
    assert!(fitting >= 5);
}

#[test]
fn a_typical_mistake_does_not_fit() {
    let desk = Desk::new();
    let right = fs::read_to_string(desk.path("commands/forward-order.toml")).unwrap();
    let validator = validator();
    for (from, to) in [
        ("summary = ", "sumary = "),
        ("kind = \"integer\"", "kind = \"integr\""),
        ("use = \"postgres.query\"", "use = \"postgres.qery\""),
        // A look only reads.
        ("use = \"postgres.query\"", "use = \"postgres.statement\""),
        ("on = \"shop-db\"", "on = \"shop-bd\""),
        // A connection of another kind.
        ("on = \"shop-db\"", "on = \"shop-celery\""),
        ("with.sql = ", "with.sqll = "),
        ("with.args = [\"item.id\"]", "with.args = \"item.id\""),
        (
            "with.task = \"store.tasks.auto_forward_order_to_supplier\"\nwith.args",
            "with.args",
        ),
        ("cap = 500", "cap = 5000"),
        ("timeout = \"2m\"", "timeout = \"2 minutes\""),
        ("outcome = \"failed\"", "outcome = \"fail\""),
        ("signal = \"queue_length\"", "signal = \"queue_lenght\""),
        ("better = \"lower\"", "better = \"less\""),
        ("expect = \"plan\"", "expect = \"plans\""),
        ("is = \"lost\"", "is = \"lots\""),
        ("money.USD", "money.usd"),
        ("soak = \"30s\"", "soak = 30"),
    ] {
        assert!(right.contains(from), "{from}");
        let wrong = right.replacen(from, to, 1);
        assert!(!wrongs(&validator, &wrong).is_empty(), "{to} fits");
    }
}
