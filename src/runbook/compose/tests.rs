use super::{Composed, compose, judge};
use crate::call::CallResult;
use crate::runbook::load::tests::known;
use crate::runbook::load::{load_folder, load_text};
use crate::runbook::{Runbook, StepOutcome};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn runbook(text: &str) -> Runbook {
    let text = format!("summary = \"A test.\"\n{text}");
    load_text("try", Path::new("try.toml"), &text, &known()).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn composed(runbook: &Runbook, rows: Value) -> Result<Composed, String> {
    let looks = object(json!({"rows": {"rows": rows, "count": 1, "more": false}}));
    compose(runbook, &object(json!({"note": "{{ person }}"})), &looks, "dana").map_err(|it| it.to_string())
}

const TRY: &str = r#"
[[input]]
name = "note"
kind = "text"
[[look]]
name = "rows"
use = "postgres.query"
on = "shop-db"
with = { sql = "select 1" }
[[refuse]]
when = "looks.rows.rows.exists(r, r.id < 0)"
say = "One is negative."
[[refuse]]
when = "looks.rows.rows.exists(r, r.id == -7)"
say = "Seven is worse."
[[nothing]]
when = "looks.rows.rows.exists(r, r.id == 0)"
say = "Zero."
[[warn]]
when = "true"
say = "{{ person }} wrote {{ inputs.note }}."
[lock]
keys = ["looks.rows.rows.map(r, 'row:' + string(r.id))", "'all'", "'all'"]
[radius]
rows = "size(looks.rows.rows)"
money.USD = "sum(looks.rows.rows.map(r, r.id))"
[[step]]
name = "write"
use = "postgres.statement"
on = "shop-db"
with = { sql = "update t set x = $1", params = ["item.id", "inputs.note", "person"], expect_rows = 1 }
each = { list = "looks.rows.rows", key = "item.id", cap = 3 }
say = "Write {{ item.id }}."
undo = { use = "postgres.statement", on = "shop-db", with = { sql = "update t set x = $1", params = ["item.old"] } }
probe = { use = "postgres.query", on = "shop-db", with = { sql = "select $1", params = ["item.id"] } }
[[step.expect]]
when = "probe.value.count == 1"
outcome = "done"
say = "{{ item.id }} is written."
[[step.expect]]
when = "call.result == 'done' && call.value.count == 0"
outcome = "failed"
say = "{{ probe.value.rows[0].nothing }}"
[[step]]
name = "tell"
manual = "Tell the supplier."
when = "size(looks.rows.rows) > 1"
say = "A person tells the supplier."
[result]
rows = "looks.rows.rows"
columns = ["id"]
say = "Rows."
[[offer]]
runbook = "other"
label = "Again"
when = "size(looks.rows.rows) > 1"
with = { ids = "looks.rows.rows.map(r, r.id)", names = "looks.rows.rows.map(r, r.old)", note = "inputs.note" }
"#;

#[test]
fn a_plan_is_concrete() {
    let plan = composed(&runbook(TRY), json!([{"id": 12, "old": "a, b"}, {"id": 5, "old": "c"}])).unwrap();
    insta::assert_debug_snapshot!((&plan.locks, &plan.radius, &plan.warnings, &plan.result, &plan.offers), @r#"
(
    [
        "all",
        "row:12",
        "row:5",
    ],
    {
        "money.USD": 17,
        "rows": 2,
    },
    [
        "dana wrote {{ person }}.",
    ],
    Some(
        ComposedResult {
            say: "Rows.",
            columns: [
                "id",
            ],
            rows: [
                {
                    "id": Number(12),
                },
                {
                    "id": Number(5),
                },
            ],
        },
    ),
    [
        ComposedOffer {
            runbook: "other",
            label: "Again",
            inputs: [
                (
                    "ids",
                    "12,5",
                ),
                (
                    "names",
                    "\"a, b\",c",
                ),
                (
                    "note",
                    "{{ person }}",
                ),
            ],
        },
    ],
)
"#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan.steps[1..]).unwrap(), @r#"
[
  {
    "name": "write[5]",
    "spec": 0,
    "call": {
      "action": "postgres.statement",
      "on": "shop-db",
      "arguments": {
        "expect_rows": 1,
        "params": [
          5,
          "{{ person }}",
          "dana"
        ],
        "sql": "update t set x = $1"
      }
    },
    "manual": null,
    "probe": {
      "action": "postgres.query",
      "on": "shop-db",
      "arguments": {
        "params": [
          5
        ],
        "sql": "select $1"
      }
    },
    "undo": {
      "action": "postgres.statement",
      "on": "shop-db",
      "arguments": {
        "params": [
          "c"
        ],
        "sql": "update t set x = $1"
      }
    },
    "item": {
      "id": 5,
      "old": "c"
    },
    "say": "Write 5.",
    "timeout": {
      "secs": 60,
      "nanos": 0
    },
    "writes": true
  },
  {
    "name": "tell",
    "spec": 1,
    "call": null,
    "manual": "Tell the supplier.",
    "probe": null,
    "undo": null,
    "item": null,
    "say": "A person tells the supplier.",
    "timeout": {
      "secs": 60,
      "nanos": 0
    },
    "writes": false
  }
]
"#);
}

#[test]
fn all_refusals_speak_and_nothing_else_does() {
    let refused = composed(&runbook(TRY), json!([{"id": -7}, {"id": 0}])).unwrap();
    assert_eq!(refused.refusals, ["One is negative.", "Seven is worse."]);
    assert!(refused.steps.is_empty() && refused.nothing.is_empty() && refused.locks.is_empty());
}

#[test]
fn nothing_to_do_has_no_steps_but_its_table() {
    let nothing = composed(&runbook(TRY), json!([{"id": 0, "old": "x"}])).unwrap();
    assert_eq!((nothing.nothing, nothing.steps.len()), (vec!["Zero.".to_owned()], 0));
    assert_eq!(
        nothing.radius,
        BTreeMap::from([("money.USD".to_owned(), 0), ("rows".to_owned(), 0)])
    );
    assert_eq!(nothing.result.map(|it| it.rows.len()), Some(1));
    let empty = composed(&runbook(TRY), json!([])).unwrap();
    assert_eq!(empty.nothing, ["No step is left to do."]);
}

#[test]
fn more_items_than_the_cap_are_refused() {
    let rows: Vec<Value> = (1..5).map(|id| json!({"id": id, "old": "x"})).collect();
    let refused = composed(&runbook(TRY), json!(rows)).unwrap();
    assert_eq!(
        refused.refusals,
        ["There are 4 items for step `write`; 3 are the most at once."]
    );
    assert!(refused.steps.is_empty());
}

#[test]
fn what_does_not_fit_is_no_plan() {
    let tell = |rows: Value| composed(&runbook(TRY), rows).unwrap_err();
    insta::assert_snapshot!(tell(json!([{"id": 3, "old": "x"}, {"id": 3, "old": "y"}])), @r#"step `write[3]` cannot be computed: two items have this key; `key` must tell them apart"#);
    insta::assert_snapshot!(tell(json!([{"id": 3}])), @r#"step `write`, `params` cannot be computed: `item.old`: there is no field `old`"#);
    insta::assert_snapshot!(tell(json!([{"id": "3", "old": "y"}])), @r#"refuse cannot be computed: `looks.rows.rows.exists(r, r.id < 0)`: `_<_` does not take string and int"#);
    insta::assert_snapshot!(tell(json!([{"id": 1.5, "old": "y"}])), @r#"step `write` cannot be computed: `item.id`: a key is a whole number or a short text; this gives a fraction"#);
    insta::assert_snapshot!(tell(json!([{"old": "y"}])), @r#"refuse cannot be computed: `looks.rows.rows.exists(r, r.id < 0)`: there is no field `id`"#);
    insta::assert_snapshot!(tell(json!("rows")), @r#"refuse cannot be computed: `looks.rows.rows.exists(r, r.id < 0)`: a value is not of the type iterable"#);
}

#[test]
fn a_step_is_done_only_when_that_is_known() {
    let runbook = runbook(TRY);
    let (inputs, looks) = (
        object(json!({"note": "x"})),
        object(json!({"rows": {"rows": [{"id": 1, "old": "x"}]}})),
    );
    let step = compose(&runbook, &inputs, &looks, "dana").unwrap().steps.remove(0);
    let answered = |count: i64| CallResult::Done {
        value: json!({ "count": count }),
    };
    let reason = || "the line broke".to_owned();
    let cases = [
        (answered(1), Some(answered(1)), StepOutcome::Done, "1 is written."),
        (
            answered(1),
            Some(answered(0)),
            StepOutcome::Unknown,
            "none that the runbook expects",
        ),
        // Conditions and sentences that cannot be computed never make a step done, nor failed.
        (
            answered(1),
            None,
            StepOutcome::Unknown,
            "cannot be told from the answer: `probe.value.count == 1`",
        ),
        (
            answered(0),
            Some(answered(0)),
            StepOutcome::Unknown,
            "it uses a value that is not there",
        ),
        (
            CallResult::Unknown { reason: reason() },
            Some(answered(1)),
            StepOutcome::Done,
            "1 is written.",
        ),
        (
            CallResult::Unknown { reason: reason() },
            Some(answered(0)),
            StepOutcome::Unknown,
            "It may have happened: the line broke.",
        ),
        (
            CallResult::Unknown { reason: reason() },
            None,
            StepOutcome::Unknown,
            "cannot be told",
        ),
        // Of these it is known that nothing happened, whatever cannot be computed.
        (
            CallResult::NotDone { reason: reason() },
            None,
            StepOutcome::Failed,
            "It was not done: the line broke.",
        ),
        (
            CallResult::Unreachable { reason: reason() },
            None,
            StepOutcome::Failed,
            "Nothing was sent: the line broke.",
        ),
        (
            CallResult::Unreachable { reason: reason() },
            Some(answered(0)),
            StepOutcome::Failed,
            "Nothing was sent",
        ),
    ];
    for (call, probe, outcome, says) in cases {
        let (came, said) = judge(&runbook.steps[0], &step, &inputs, &looks, &call, probe.as_ref());
        assert_eq!(came, outcome, "{call:?} {probe:?}: {said}");
        assert!(said.contains(says), "{call:?} {probe:?}: {said}");
    }
}

#[test]
fn hundreds_of_orders_are_planned_in_no_time() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("commands");
    let (catalog, _) = load_folder(&folder, &known());
    let rows: Vec<Value> = (1..=500)
        .map(|id| {
            json!({"id": id, "found": true, "status": "paid", "total": 100, "has_supplier": true, "recorded": "", "made_up": "",
                "missing": ["CJ"], "without_adapter": [], "with_adapter": ["CJ"], "placeholder": [], "waiting": true})
        })
        .collect();
    let inputs = object(json!({"order": (1..=500).collect::<Vec<i64>>()}));
    let looks = object(json!({
        "orders": {"rows": rows, "count": 500, "more": false},
        "workers": {"workers": ["w"], "listening": 1},
        "queued": {"found": [], "unreadable": 0, "silent": 0},
    }));
    let forward = catalog.get("forward-order").unwrap();
    let begun = std::time::Instant::now();
    let plan = compose(forward, &inputs, &looks, "dana").unwrap();
    assert_eq!(
        (plan.steps.len(), plan.locks.len(), plan.radius["money.USD"]),
        (500, 500, 50_000)
    );
    // Generous, for slow machines: it is a matter of milliseconds unless something became quadratic.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    println!("{:?}", begun.elapsed());
}

#[test]
fn a_chart_is_of_named_panels_and_of_a_time_that_can_be_drawn() {
    let chart = |panels: &str, last: &str| {
        let runbook = runbook(&format!("[chart]\npanels = \"{panels}\"\nlast = \"{last}\"\n"));
        let composed = compose(&runbook, &Map::new(), &Map::new(), "dana");
        composed.map_err(|error| error.to_string()).map(|it| {
            let chart = it.chart.expect("it has one");
            (chart.panels.join(" "), chart.last.as_secs())
        })
    };
    assert_eq!(chart("['b', 'a', 'b']", "900"), Ok(("b a".to_owned(), 900)));
    assert_eq!(chart("[]", "31 * 86400"), Ok((String::new(), 2_678_400)));
    for (panels, last) in [
        ("'a'", "60"),
        ("[1]", "60"),
        ("['a']", "59"),
        ("['a']", "2678401"),
        ("['a']", "'1h'"),
    ] {
        chart(panels, last).expect_err(&format!("{panels} over {last}"));
    }
    insta::assert_snapshot!(chart("['a']", "59").expect_err("too short"), @"chart cannot be computed: `59`: the time of a chart is whole seconds, from a minute to 31 days");
}
