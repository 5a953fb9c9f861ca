use super::{Known, load_folder, load_text};
use crate::integration::ACTIONS;
use crate::problem::Problem;
use std::path::Path;

pub(in crate::runbook) fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let kinds = [("shop-db", "postgres"), ("shop-celery", "celery"), ("shop-metrics", "prometheus")];
    Known {
        connections: kinds.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into(),
        signals: names(&["orders_awaiting_forwarding", "queue_length", "workers_alive", "supplier_sync_failures"]),
        panels: names(&["forwarding", "suppliers"]),
        actions: ACTIONS,
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_runbooks_are_sound_and_their_examples_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands");
    let (catalog, problems) = load_folder(&folder, &known());
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let names: Vec<&str> = catalog.runbooks().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["forward-order", "resync-supplier", "stuck-orders"]);
}
