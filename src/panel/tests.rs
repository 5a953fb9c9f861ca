use super::*;
use crate::integration::ACTIONS;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

pub(super) fn shipped() -> Panels {
    let connections = [
        ("shop-db", "postgres"),
        ("shop-celery", "celery"),
        ("shop-metrics", "prometheus"),
    ];
    let connections = connections
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .into();
    Panels::load_folder(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("config/panels"),
        &connections,
        ACTIONS,
    )
    .0
}

fn now() -> Timestamp {
    "2026-11-23T14:00:00Z".parse().expect("a time")
}

#[test]
fn answers_become_numbers_or_a_reason() {
    let panels = shipped();
    let read = |signal: &str, answer: Value| match panels.signals[signal].read(&answer) {
        Ok(number) => number.to_string(),
        Err(missing) => missing.to_string(),
    };
    let told = [
        read(
            "orders_awaiting_forwarding",
            json!({"rows": [{"n": 12}], "count": 1, "more": false}),
        ),
        read("orders_awaiting_forwarding", json!({"rows": [], "count": 0})),
        read("orders_awaiting_forwarding", json!({"rows": [{"n": "12"}]})),
        read("orders_awaiting_forwarding", json!({"rows": [{"n": null}]})),
        read("workers_alive", json!({"workers": ["a@x", "b@x"], "listening": 2})),
        read("workers_alive", json!({"workers": [], "listening": 0})),
        read("workers_alive", json!({"workers": 2})),
        read(
            "supplier_sync_failures",
            json!({"series": [{"labels": {}, "value": 3.0, "text": "3"}], "absent": false, "value": 3.0}),
        ),
        read(
            "supplier_sync_failures",
            json!({"series": [], "absent": true, "value": null}),
        ),
        read(
            "supplier_sync_failures",
            json!({"series": [{"value": null, "text": "NaN"}], "absent": false, "value": null}),
        ),
        read(
            "supplier_sync_failures",
            json!({"series": [{"value": 1}, {"value": 2}], "absent": false, "value": null}),
        ),
        read("supplier_sync_failures", json!({})),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    12
    unreadable: the answer has no `rows.0`
    unreadable: `rows.0.n` is text and not a number
    unreadable: `rows.0.n` is null and not a number
    2
    0
    unreadable: `workers` is a number and not a list
    3
    absent: this shop counts it only inside the worker, which exposes nothing: absent is not zero
    unreadable: its value is NaN, which is no number to compare
    unreadable: its query gives 2 series and a signal is one number; sum them
    unreadable: the answer has neither a value nor series
    ");
}

#[test]
fn the_past_is_one_series() {
    let signal = &shipped().signals["supplier_sync_failures"];
    let told = |series: Value| match signal.read_past(&json!({"series": series, "absent": false})) {
        Ok(past) => past
            .iter()
            .map(|(at, value)| format!("{at} {value:?}"))
            .collect::<Vec<_>>()
            .join(", "),
        Err(missing) => missing.to_string(),
    };
    let points = json!([[1795442400, 3], [1795442415.5, null]]);
    let told = [
        told(json!([{"labels": {}, "points": points}])),
        told(json!([])),
        told(json!([{"points": []}, {"points": []}])),
        told(json!([{"points": [["x", 1]]}])),
        told(json!(null)),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    2026-11-23T14:00:00Z Some(3.0), 2026-11-23T14:00:15.5Z None
    absent: this shop counts it only inside the worker, which exposes nothing: absent is not zero
    unreadable: its query gives 2 series and a signal is one number; sum them
    unreadable: a point is ["x",1]
    unreadable: the answer has no series
    "#);
}

#[test]
fn a_call_that_was_not_answered_is_no_number() {
    let signal = &shipped().signals["queue_length"];
    let reason = || "shop-celery refused the connection".to_owned();
    for result in [
        CallResult::Unreachable { reason: reason() },
        CallResult::NotDone { reason: reason() },
        CallResult::Unknown { reason: reason() },
    ] {
        let reading = signal.reading(&result, now());
        assert_eq!(reading.value, Err(Missing::Unreachable { reason: reason() }));
    }
    let done = CallResult::Done {
        value: json!({"total": 4}),
    };
    assert_eq!(signal.reading(&done, now()).number(), Some(4.0));
}

#[test]
fn only_fresh_numbers_are_exposed() {
    let ago = |signal: &str, seconds, value| Reading {
        signal: signal.to_owned(),
        at: now() - SignedDuration::from_secs(seconds),
        value,
    };
    let latest = [
        ago("orders_awaiting_forwarding", 45, Ok(12.0)),
        ago("queue_length", 46, Ok(3.0)),
        ago(
            "workers_alive",
            0,
            Err(Missing::Unreachable {
                reason: "no broker".to_owned(),
            }),
        ),
        // Others expose it; a second copy under our name could disagree with theirs.
        ago("supplier_sync_failures", 0, Ok(1.0)),
    ];
    insta::assert_snapshot!(exposition::render(&shipped(), &latest, now(), SignedDuration::from_secs(15)), @r#"
    # HELP signalbox_signal Numbers that Signalbox measures itself; a signal without a fresh number has no sample.
    # TYPE signalbox_signal gauge
    signalbox_signal{signal="orders_awaiting_forwarding"} 12
    "#);
}

#[test]
fn readings_survive_the_journal() {
    let readings = [
        Reading {
            signal: "a".to_owned(),
            at: now(),
            value: Ok(1.5),
        },
        Reading {
            signal: "a".to_owned(),
            at: now(),
            value: Err(Missing::Absent { means: None }),
        },
    ];
    let text = serde_json::to_string(&readings).expect("JSON");
    assert_eq!(serde_json::from_str::<Vec<Reading>>(&text).expect("readings"), readings);
}

#[test]
fn paths_that_lead_nowhere_are_refused() {
    for text in [
        "",
        ".",
        "a.",
        ".a",
        "0",
        "a b",
        "a.-1",
        "a.size.b",
        "rows[0].n",
        "a.99999999999999999999",
    ] {
        assert!(text.parse::<Field>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_path_is_written_as_it_is_read(text in "[a-z_][a-z0-9_]{0,5}(\\.([a-z_][a-z0-9_]{0,5}|[1-9][0-9]{0,3}))?(\\.size)?") {
        prop_assume!(!text.contains("size.size"));
        let field: Field = text.parse().expect("a path");
        prop_assert_eq!(field.to_string(), text);
    }
}
