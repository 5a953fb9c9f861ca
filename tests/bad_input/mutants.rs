//! Every sample that a platform, a server or our own database may hand us, with each of its fields missing, empty, of
//! another type, or not what anybody expects.

use super::parsers::PARSERS;
use super::world::World;
use futures::StreamExt;
use futures::stream;
use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox::request::{Ask, Words};
use signalbox::run::ledger::Live;
use std::fs;
use std::path::Path;

/// The value with one field changed, once for each place and each change.
pub fn mutants(sample: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    collect(sample, String::new(), &mut places);
    let mut found = Vec::new();
    for place in &places {
        for odd in [
            Value::Null,
            json!(true),
            json!(0),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("\u{0}\u{1b}[2J\u{202e}<!channel>"),
            json!("x".repeat(9000)),
            json!([]),
            json!([null]),
            json!({}),
            json!({ "id": { "id": [] } }),
        ] {
            let mut mutant = sample.clone();
            *mutant.pointer_mut(place).unwrap() = odd;
            found.push(mutant);
        }
        let (parent, key) = place.rsplit_once('/').unwrap_or(("", place));
        let mut mutant = sample.clone();
        match mutant.pointer_mut(parent) {
            Some(Value::Object(fields)) if !place.is_empty() => {
                fields.remove(&key.replace("~1", "/").replace("~0", "~"));
                fields.insert("unheard_of".to_owned(), json!({ "deep": [[[1.5]]] }));
                found.push(mutant);
            }
            Some(Value::Array(items)) if !place.is_empty() => {
                let item = items.remove(key.parse().unwrap());
                items.extend([item.clone(), item]);
                found.push(mutant);
            }
            _ => {}
        }
    }
    found
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            collect(value, format!("{place}/{name}"), places);
        }),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, value)| collect(value, format!("{place}/{at}"), places));
        }
        _ => {}
    }
    places.push(place);
}

fn seed(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_changed_field_breaks_no_parser() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let mut tried = 0;
    for (name, parser) in PARSERS {
        let Ok(entries) = fs::read_dir(here.join(name)) else {
            continue;
        };
        for entry in entries {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            // What is no JSON the fuzzer changes byte by byte.
            let Ok(sample) = serde_json::from_slice::<Value>(&bytes) else {
                continue;
            };
            for mutant in mutants(&sample) {
                parser(mutant.to_string().as_bytes());
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "{tried} mutants");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_press_asks_for_what_it_says_or_for_nothing() {
    let world = World::new().await;
    let sample = seed("presses/press");
    let mut payloads = mutants(&sample);
    let value: Value = serde_json::from_str(sample["actions"][0]["value"].as_str().unwrap()).unwrap();
    for mutant in mutants(&value) {
        let mut payload = sample.clone();
        payload["actions"][0]["value"] = mutant.to_string().into();
        payloads.push(payload);
    }
    let posts = payloads.iter().enumerate().map(|(at, payload)| {
        let mut payload = payload.clone();
        if payload["trigger_id"] == sample["trigger_id"] {
            payload["trigger_id"] = format!("{at}.7.U1").into();
        }
        let encoded: String = payload.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        world.post("/slack/interactivity", format!("payload={encoded}"))
    });
    let answers: Vec<_> = stream::iter(posts).buffered(64).collect().await;
    let mut by_status = std::collections::BTreeMap::new();
    for (status, body) in &answers {
        assert!(body.is_empty(), "{body}");
        *by_status.entry(*status).or_insert(0) += 1;
    }
    assert!(
        by_status.keys().all(|status| [200, 400, 403].contains(status)),
        "{by_status:?}"
    );
    assert!(by_status[&400] > 100 && by_status[&200] > 100, "{by_status:?}");
    let asked = world.work().await;
    assert!(asked.len() > 100, "{} were understood", asked.len());
    for (request, told) in &asked {
        let what = format!("{:?}", request.ask).chars().take(60).collect::<String>();
        assert!(
            matches!(&request.ask, Ask::Approve { .. } | Ask::Deny { .. } | Ask::Stop { .. }),
            "{what}"
        );
        assert!(told.is_turned_away(), "{what}: {:?}", told.report);
        told.assert_harmless(&what);
    }
    assert_eq!((world.runs().await, world.calls()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_read_is_told_with_its_run() {
    let world = World::new().await;
    let ask = Ask::Run {
        runbook: "every".to_owned(),
        words: Words::Line("fine".to_owned()),
        dry: false,
    };
    let run = world.ask(ask).await.report.run.unwrap();
    let raw = world.database().await;
    for (column, update) in [
        ("plan", "UPDATE run SET plan = $1 WHERE id = $2"),
        ("entry", "UPDATE journal SET entry = $1 WHERE run = $2 AND seq = 1"),
        ("entry", "UPDATE journal SET entry = $1 WHERE run = $2 AND seq = 2"),
    ] {
        let select = match update.rsplit_once("seq = ") {
            None => "SELECT plan FROM run WHERE id = $1".to_owned(),
            Some((_, seq)) => format!("SELECT entry FROM journal WHERE run = $1 AND seq = {seq}"),
        };
        let right: String = sqlx::query_scalar(sqlx::AssertSqlSafe(select))
            .bind(&run)
            .fetch_one(&raw)
            .await
            .unwrap();
        let sample: Value = serde_json::from_str(&right).unwrap();
        let mut texts: Vec<String> = mutants(&sample).iter().map(Value::to_string).collect();
        texts.extend(["", "{", "nonsense", "\u{1b}[2J"].map(str::to_owned));
        for text in texts.iter().chain([&right]) {
            sqlx::query(update).bind(text).bind(&run).execute(&raw).await.unwrap();
            match Live::load(&world.app.store, &run).await {
                Ok(_) => {}
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains(&run), "{column}: {said}");
                }
            }
        }
        assert!(Live::load(&world.app.store, &run).await.is_ok(), "{column}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_break_a_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        PARSERS.iter().for_each(|(_, parser)| parser(&bytes));
    }

    #[test]
    fn no_text_breaks_a_parser(text in any::<String>()) {
        PARSERS.iter().for_each(|(_, parser)| parser(text.as_bytes()));
    }

    #[test]
    fn no_odd_line_breaks_a_parser(text in "([a-z]{1,3}=|[\"'“”,= \\\\]|dry|[0-9]{1,3}|[a-z]){0,12}") {
        for (name, parser) in PARSERS {
            if *name == "commands" {
                parser(text.as_bytes());
            }
        }
    }
}
