//! `signalbox test`.

use super::Desk;
use std::time::{Duration, Instant};

#[test]
fn a_lost_call_reads_as_people_would_read_it() {
    let desk = Desk::new();
    let (code, said, _) = desk.run(&["test", "forward-order", "--fault", "forward=lost"]);
    assert_eq!(code, 0, "{said}");
    let first = said.split("forward-order: of two").next().unwrap();
    insta::assert_snapshot!(first, @"
    forward-order: one order that waits

      lost on forward[1042] (the call leaves, no answer comes): needs a person, sent once
      (a real run is then proved by orders_awaiting_forwarding, queue_length, workers_alive, the last time after 30s)

    needs a person  /forward-order order=1042  by dana  run RUN
    It is not known whether order 1042 was sent: no answer came within 2m. Its row shows no id from CJ.
    Ask CJ before it is sent again. Say what became of it; until then its locks stay held and nothing
    more is started.
    touches: money USD 84.50, orders 1

      unknown  forward[1042]  It is not known whether order 1042 was sent: no answer came within 2m. Its
                              row shows no id from CJ. Ask CJ before it is sent again.

    ops: Somebody must say what became of a step.
      It happened: signalbox resolve RUN 'forward[1042]' done --reason TEXT
      It did not happen: signalbox resolve RUN 'forward[1042]' not-done --reason TEXT
      Give up: signalbox resolve RUN 'forward[1042]' abandon --reason TEXT
    ");
}

#[test]
fn every_shipped_example_holds_whatever_goes_wrong() {
    let desk = Desk::new();
    let (code, said, told) = desk.run(&["test"]);
    assert_eq!(code, 0, "{said}{told}");
    let (_, json, _) = desk.run(&["test", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let tried = json["tried"].as_array().unwrap();
    let forward = |fault: &str| {
        let found = tried.iter().find(|it| {
            it["example"] == "one order that waits" && it["fault"]["is"] == fault && it["runbook"] == "forward-order"
        });
        let found = found.unwrap_or_else(|| panic!("{fault} was not tried"));
        (
            found["outcome"].as_str().unwrap(),
            found["sent"]["forward[1042]"].as_i64().unwrap(),
        )
    };
    for (fault, outcome, sent) in [
        ("lost", "needs-person", 1),
        ("late", "succeeded", 1),
        ("unknown", "needs-person", 1),
        ("unreachable", "failed", 0),
        ("not-done", "failed", 0),
        ("no-worker", "failed", 0),
        ("killed", "succeeded", 1),
        ("killed-before", "succeeded", 1),
    ] {
        assert_eq!(forward(fault), (outcome, sent), "{fault}");
    }
    assert!(json["problems"].as_array().unwrap().is_empty());
    // Approvals are given by somebody else, and that is said.
    assert!(
        said.contains("lee approves, by this test (All suppliers at once need a second person.)"),
        "{said}"
    );
}

#[test]
fn what_does_not_hold_is_told_with_its_place() {
    let desk = Desk::new();
    let runbook = "commands/forward-order.toml";
    desk.edit(
        runbook,
        "is = \"lost\"\noutcome = \"unknown\"",
        "is = \"lost\"\noutcome = \"failed\"",
    );
    desk.edit(
        runbook,
        "name = \"no worker\"",
        "person = \"vic\"\nname = \"no worker\"",
    );
    // What `check` can see of it is right.
    assert_eq!(desk.run(&["check"]).0, 0);
    let (code, said, told) = desk.run(&["test", "forward-order", "--faults", "none"]);
    assert_eq!((code, told.as_str()), (1, "2 problems\n"));
    let text = std::fs::read_to_string(desk.path(runbook)).unwrap();
    let line = |needle: &str| text.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let found: Vec<&str> = said.lines().filter(|line| line.contains(".toml:")).collect();
    assert_eq!(found.len(), 2, "{said}");
    let fault = line("[[example.fault]]");
    assert!(found[0].starts_with(&format!("{runbook}:{fault}:1: ")), "{}", found[0]);
    assert!(
        found[0].contains("should come to failed, and it comes to unknown: It is not known"),
        "{}",
        found[0]
    );
    let example = line("person = \"vic\"") - 1;
    assert!(
        found[1].starts_with(&format!("{runbook}:{example}:1: ")),
        "{}",
        found[1]
    );
    assert!(
        found[1].contains("asked by vic, is denied: Only ops may change"),
        "{}",
        found[1]
    );
}

#[test]
fn a_fault_that_cannot_be_is_refused() {
    let desk = Desk::new();
    for (arguments, why) in [
        (
            ["test", "forward-order", "--fault", "forward=loste"],
            "a fault is one of lost, late",
        ),
        (["test", "forward-order", "--fault", "forward"], "write STEP=FAULT"),
        (
            ["test", "forward-order", "--fault", "send=lost"],
            "no example has such a step to strike; there is: forward[1042]",
        ),
        (
            ["test", "forward-ordr", "--faults", "all"],
            "did you mean `forward-order`?",
        ),
    ] {
        let (code, _, told) = desk.run(&arguments);
        assert!(code != 0 && told.contains(why), "{arguments:?}: {code}, {told}");
    }
    desk.edit("commands/forward-order.toml", "is = \"lost\"", "is = \"lots\"");
    let (code, said, _) = desk.run(&["test"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("there is no fault `lots`; did you mean `lost`?"),
        "{said}"
    );
}

/// Repeats after minutes, an hour's timeout, an undo, a person's tick.
const SLOW: &str = r#"
summary = "Takes its time."
on_failure = "undo"
[lock]
keys = ["'all'"]
[[step]]
name = "call"
manual = "Call the supplier."
say = "Call."
[[step]]
name = "one"
use = "postgres.statement"
on = "shop-db"
with.sql = "update a set b = 1"
timeout = "1h"
say = "One."
undo = { use = "postgres.statement", on = "shop-db", with = { sql = "update a set b = 0" } }
expect = [{ when = "call.result == 'done'", outcome = "done", say = "One is done." }]
[[step]]
name = "two"
use = "postgres.statement"
on = "shop-db"
with.sql = "update c set d = 1"
timeout = "1h"
retry = { times = 3, pause = "10m" }
say = "Two."
undo = { use = "postgres.statement", on = "shop-db", with = { sql = "update c set d = 0" } }
expect = [{ when = "call.result == 'done'", outcome = "done", say = "Two is done." }]
[[example]]
name = "both"
line = ""
expect = "plan"
answer = [
  { step = "one", call = { result = "done", value = { count = 1 } }, outcome = "done" },
  { step = "two", call = { result = "done", value = { count = 1 } }, outcome = "done" },
]
"#;

#[test]
fn no_time_passes_while_a_run_waits() {
    let desk = Desk::new();
    desk.write("more/slow.toml", SLOW);
    let begun = Instant::now();
    let (code, said, told) = desk.run(&["test", "slow", "--commands", "more"]);
    assert_eq!(code, 0, "{said}{told}");
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    assert!(
        said.ends_with("1 example and 14 faults tried: no problems, nothing sent twice.\n"),
        "{said}"
    );
    let (_, said, _) = desk.run(&["test", "slow", "--commands", "more", "--fault", "two=unreachable"]);
    insta::assert_snapshot!(said, @"
    slow: both

      unreachable on two (the target cannot be reached): undone, not sent
      (dana ticks call)

    undone  /slow  by dana  run RUN
    What was done is undone. two: Nothing was sent: connection refused. Undone: one. Done by hand, which
    nothing here can undo: call.

      done     call  dana says that it happened: ticked by this test
      done     one   one was undone.
      failed   two   Nothing was sent: connection refused.

    dana resolved a step: ticked by this test
    The runbook undoes what is done

    1 example and 1 fault tried: no problems, nothing sent twice.
    ");
}
