use super::link::Incarnation;
use super::message::{Order, Task, same};
use super::state::{Ended, State};
use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn compose(args: &[Value]) -> String {
    let expires: Timestamp = "2026-11-23T18:41:44.6+01:00".parse().unwrap();
    let id = Uuid::from_u128(7);
    Order {
        id,
        task: "store.tasks.forward",
        args,
        queue: "celery",
        expires,
    }
    .compose()
}

#[test]
fn a_message_has_all_that_a_worker_wants() {
    let message: Value = serde_json::from_str(&compose(&[json!(1042)])).unwrap();
    assert_snapshot!(serde_json::to_string_pretty(&message).unwrap(), @r#"
    {
      "body": "W1sxMDQyXSx7fSx7ImNhbGxiYWNrcyI6bnVsbCwiZXJyYmFja3MiOm51bGwsImNoYWluIjpudWxsLCJjaG9yZCI6bnVsbH1d",
      "content-encoding": "utf-8",
      "content-type": "application/json",
      "headers": {
        "lang": "py",
        "task": "store.tasks.forward",
        "id": "00000000-0000-0000-0000-000000000007",
        "shadow": null,
        "eta": null,
        "expires": "2026-11-23T17:41:44.600000+00:00",
        "group": null,
        "group_index": null,
        "retries": 0,
        "timelimit": [
          null,
          null
        ],
        "root_id": "00000000-0000-0000-0000-000000000007",
        "parent_id": null,
        "argsrepr": "(1042,)",
        "kwargsrepr": "{}",
        "origin": "signalbox",
        "ignore_result": false,
        "replaced_task_nesting": 0,
        "stamped_headers": null,
        "stamps": {}
      },
      "properties": {
        "correlation_id": "00000000-0000-0000-0000-000000000007",
        "reply_to": "01c29e14-cc6e-5f2e-9a8b-8974d26d4be6",
        "delivery_mode": 2,
        "delivery_info": {
          "exchange": "",
          "routing_key": "celery"
        },
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": "a85e3635-f0ad-5204-b5ea-3a596532297a"
      }
    }
    "#);
}

#[test]
fn arguments_are_shown_as_python_writes_them() {
    for (args, shown) in [
        (json!([]), "()"),
        (json!([1]), "(1,)"),
        (json!([1, "a"]), "(1, 'a')"),
        (json!([null, true, false, 1.5]), "(None, True, False, 1.5)"),
        (json!(["it's \\ \n", "नेपाल"]), "('it\\'s \\\\ \\n', 'नेपाल')"),
        (json!([["x"], { "k": [] }]), "(['x'], {'k': []})"),
    ] {
        let message: Value = serde_json::from_str(&compose(args.as_array().unwrap())).unwrap();
        assert_eq!(message["headers"]["argsrepr"], shown);
    }
}

fn task(args: Value, kwargs: Value) -> Task {
    Task {
        id: "1".to_owned(),
        name: "t".to_owned(),
        args: args.as_array().unwrap().clone(),
        kwargs: kwargs.as_object().unwrap().clone(),
        retries: 0,
    }
}

#[test]
fn arguments_match_by_position_or_by_name() {
    for (wanted, args, kwargs, matches) in [
        (json!([2]), json!([2]), json!({}), true),
        (json!([2]), json!(["2"]), json!({}), true),
        (json!([2]), json!([]), json!({ "order_id": "2" }), true),
        (json!([2]), json!([3]), json!({}), false),
        (json!([2]), json!([2, 3]), json!({}), false),
        (json!([2]), json!([2]), json!({ "force": true }), false),
        (json!([2, 3]), json!([2]), json!({ "b": 3 }), true),
        (json!([2, 3]), json!([]), json!({ "b": 3, "a": 2 }), true),
        (json!([2, 2]), json!([]), json!({ "b": 3, "a": 2 }), false),
        (json!([true]), json!(["true"]), json!({}), false),
        (json!([null]), json!([]), json!({}), false),
        (json!([]), json!([]), json!({}), true),
    ] {
        let task = task(args, kwargs);
        assert_eq!(task.has_args(wanted.as_array().unwrap()), matches, "{wanted} {task:?}");
    }
    let by_name = task(json!([]), json!({ "a": 1, "b": 2 }));
    assert_eq!(by_name.first(&[json!("2")]), Some(&json!(2)));
    assert_eq!(by_name.first(&[json!("3")]), None);
    assert!(!same(&json!(null), &json!("null")));
}

#[test]
fn states_that_are_no_end_are_told_from_ends() {
    let ended = |state: &str, result: Value, error: &str| {
        Some(State::Ended(Ended {
            state: state.to_owned(),
            result,
            error: error.to_owned(),
        }))
    };
    for (bytes, state) in [
        (
            r#"{"status":"SUCCESS","result":{"CJ":"CJORD-2"}}"#,
            ended("SUCCESS", json!({ "CJ": "CJORD-2" }), ""),
        ),
        (
            r#"{"status":"FAILURE","result":{"exc_type":"Order.DoesNotExist","exc_message":["no such","order"]}}"#,
            ended("FAILURE", Value::Null, "Order.DoesNotExist: no such, order"),
        ),
        (
            r#"{"status":"FAILURE","result":"plain"}"#,
            ended("FAILURE", Value::Null, "\"plain\""),
        ),
        (
            r#"{"status":"REVOKED","result":{"exc_type":"TaskRevokedError","exc_message":["expired"]}}"#,
            ended("REVOKED", Value::Null, "TaskRevokedError: expired"),
        ),
        (r#"{"status":"RETRY","result":{"exc_type":"X"}}"#, Some(State::Retry)),
        (
            r#"{"status":"STARTED","result":{}}"#,
            Some(State::Other("STARTED".to_owned())),
        ),
        ("", None),
        ("[1]", None),
    ] {
        assert_eq!(State::read(bytes.as_bytes()), state, "{bytes}");
    }
}

#[test]
fn a_server_is_known_by_what_it_tells_of_itself() {
    let info = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n\r\n# Stats\r\nevicted_keys:3\r\n";
    assert_eq!(
        Incarnation::read(info),
        Some(Incarnation {
            run_id: "abc".to_owned(),
            evicted: 3
        })
    );
    assert_eq!(Incarnation::read("# Server\r\nredis_version:7.0.15\r\n"), None);
}

proptest! {
    #[test]
    fn what_is_composed_is_read(order: i64, text: String, flag: bool) {
        let args = vec![json!(order), json!(text), json!(flag), Value::Null];
        let read = Task::read(compose(&args).as_bytes());
        let id = Uuid::from_u128(7).to_string();
        let name = "store.tasks.forward".to_owned();
        prop_assert_eq!(read, Some(Task { id, name, args, kwargs: Map::new(), retries: 0 }));
    }

    #[test]
    fn a_message_of_others_breaks_nothing(bytes: Vec<u8>, at in 0_usize..900, to: u8) {
        prop_assert_eq!(Task::read(&bytes), None);
        prop_assert_eq!(Task::read_unacked(&bytes), None);
        let mut message = compose(&[json!(1)]).into_bytes();
        let at = at % message.len();
        message[at] = to;
        // Whatever comes of it, it comes.
        let _ = Task::read(&message);
    }
}
