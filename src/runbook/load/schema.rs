//! The JSON Schema of runbook files, for editors: what the loader takes, from the loader's own lists. Draft 7 is what
//! editors of TOML know. It tells keys, words and names; what expressions mean only `check` tells.

use super::{
    CHART_KEYS, CLAUSE_KEYS, KEYS, Known, LOCK_KEYS, LOOK_KEYS, OFFER_KEYS, PROOF_KEYS, RESULT_KEYS, SIGNAL_KEYS,
};
use super::{examples, inputs, steps};
use crate::runbook::action::{ActionSpec, ArgumentKind, Effect};
use crate::runbook::fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The schema. Connections, signals and panels are those that are known; where none is known, any name goes.
pub fn schema(known: &Known) -> Value {
    let mut schema = object(KEYS, &["summary"], |key| top(key, known));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("A Signalbox runbook");
    schema["definitions"] = json!({ "with": with(known) });
    schema
}

/// The loader knows these keys and no others.
fn object(keys: &[&str], required: &[&str], value: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn list(item: Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn expression() -> Value {
    text("an expression in CEL")
}

fn sentence() -> Value {
    text("a sentence for people; {{ value }} puts one in")
}

fn span() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+[smhd]([0-9]+[smhd])*$", "description": "a duration, such as \"90s\" or \"1h30m\"" })
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "enum": words.into_iter().collect::<Vec<_>>() })
}

/// One of these names; any where none is known.
fn names<'a>(known: impl IntoIterator<Item = &'a str>) -> Value {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        json!({ "type": "string" })
    } else {
        words(known)
    }
}

fn texts() -> Value {
    list(json!({ "type": "string" }))
}

fn top(key: &str, known: &Known) -> Value {
    match key {
        "summary" => text("one sentence for help"),
        "optional_connections" => json!({
            "type": "object",
            "description": "connections that an installation may lack, each with its kind",
            "additionalProperties": words(actions(known).map(|it| it.integration).collect::<BTreeSet<_>>()),
        }),
        "section" => text("the heading of the written runbook that this carries out"),
        "input" => list(object(inputs::KEYS, &["name", "kind"], |key| input(key, known))),
        "look" => list(call(
            LOOK_KEYS,
            &["name", "use", "on"],
            known,
            Effect::Read,
            |key| match key {
                "may_fail" => {
                    json!({ "type": "boolean", "description": "an unreachable system is an answer, not the end" })
                }
                "timeout" => span(),
                _ => text("looks.NAME in expressions"),
            },
        )),
        "refuse" | "nothing" | "warn" => list(object(CLAUSE_KEYS, CLAUSE_KEYS, |key| match key {
            "when" => expression(),
            _ => sentence(),
        })),
        "lock" => object(LOCK_KEYS, &["keys"], |key| match key {
            "keys" => list(expression()),
            _ => json!({ "type": "boolean" }),
        }),
        "radius" => json!({
            "type": "object",
            "properties": { "money": { "type": "object", "propertyNames": { "pattern": "^[A-Z]{3}$" },
                "additionalProperties": expression() } },
            "additionalProperties": expression(),
        }),
        "step" => list(step(known)),
        "on_failure" => words(["stop", "undo"]),
        "deadline" => span(),
        "proof" => object(PROOF_KEYS, &["signals"], |key| match key {
            "signals" => list(object(SIGNAL_KEYS, SIGNAL_KEYS, |key| match key {
                "signal" => names(known.signals.iter().flatten().map(String::as_str)),
                _ => words(["lower", "higher"]),
            })),
            "panel" => names(known.panels.iter().flatten().map(String::as_str)),
            _ => span(),
        }),
        "result" => object(RESULT_KEYS, RESULT_KEYS, |key| match key {
            "rows" => expression(),
            "columns" => texts(),
            _ => sentence(),
        }),
        "chart" => object(CHART_KEYS, CHART_KEYS, |_| expression()),
        "offer" => list(object(OFFER_KEYS, &["runbook", "label"], |key| match key {
            "runbook" => text("the runbook to ask for"),
            "label" => sentence(),
            "when" => expression(),
            _ => json!({ "type": "object", "additionalProperties": expression() }),
        })),
        "example" => list(object(examples::KEYS, &["name", "expect"], example)),
        _ => json!({}),
    }
}

fn input(key: &str, known: &Known) -> Value {
    match key {
        "name" => json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,31}$" }),
        "kind" => words(inputs::KINDS.iter().copied()),
        "required" | "many" => json!({ "type": "boolean" }),
        "default" => json!({ "type": ["string", "integer", "boolean"] }),
        "min" | "max" => json!({ "type": ["integer", "string"] }),
        "max_items" => json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
        "choices" => texts(),
        "suggest" => call(
            inputs::SUGGEST_KEYS,
            &["use", "on", "value"],
            known,
            Effect::Read,
            |_| text("a column of the answer's rows"),
        ),
        _ => json!({ "type": "string" }),
    }
}

fn step(known: &Known) -> Value {
    let called = |effect: Effect| call(steps::CALL_KEYS, &["use", "on"], known, effect, |_| json!({}));
    let mut step = call(
        steps::KEYS,
        &["name", "say"],
        known,
        Effect::Destructive,
        |key| match key {
            "name" => json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,40}$" }),
            "when" | "key" => expression(),
            "each" => json!({ "anyOf": [expression(), object(steps::EACH_KEYS, &["list", "cap"], |key| match key {
            "cap" => cap(),
            _ => expression(),
        })] }),
            "cap" => cap(),
            "manual" | "say" => sentence(),
            "timeout" => span(),
            "retry" => object(steps::RETRY_KEYS, &["times"], |key| match key {
                "times" => json!({ "type": "integer", "minimum": 1, "maximum": 5 }),
                _ => span(),
            }),
            "probe" => called(Effect::Read),
            "undo" => call(steps::UNDO_KEYS, &["use", "on"], known, Effect::Destructive, |_| {
                expectations()
            }),
            "expect" => expectations(),
            _ => json!({}),
        },
    );
    step["anyOf"] = json!([{ "required": ["manual"] }, { "required": ["use", "on"] }]);
    step
}

fn expectations() -> Value {
    list(object(steps::EXPECT_KEYS, steps::EXPECT_KEYS, |key| match key {
        "when" => expression(),
        "outcome" => outcome(),
        _ => sentence(),
    }))
}

fn cap() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": steps::MAX_CAP })
}

fn outcome() -> Value {
    words(steps::OUTCOMES.iter().map(|it| it.0))
}

fn example(key: &str) -> Value {
    let table = || json!({ "type": "object" });
    let result = || {
        object(examples::RESULT_KEYS, &["result"], |key| match key {
            "result" => words(examples::RESULTS.iter().copied()),
            "reason" => json!({ "type": "string" }),
            _ => table(),
        })
    };
    let tried = |key: &str| match key {
        "call" | "probe" => result(),
        "is" => words(Fault::ALL.iter().map(|it| it.word())),
        "outcome" => outcome(),
        "says" => texts(),
        _ => json!({ "type": "string" }),
    };
    match key {
        "inputs" | "looks" => table(),
        "expect" => words(examples::EXPECT.iter().map(|it| it.0)),
        "says" | "steps" => texts(),
        "answer" => list(object(examples::ANSWER_KEYS, &["step", "call", "outcome"], tried)),
        "fault" => {
            let fault = object(examples::FAULT_KEYS, &["step", "is", "outcome"], tried);
            json!({ "anyOf": [fault, list(fault)] })
        }
        _ => json!({ "type": "string" }),
    }
}

/// A table with `use`, `on` and `with`, and keys of its own.
fn call(keys: &[&str], required: &[&str], known: &Known, most: Effect, own: impl Fn(&str) -> Value) -> Value {
    let used: Vec<String> = actions(known)
        .filter(|it| it.effect <= most)
        .map(|it| format!("{}.{}", it.integration, it.name))
        .collect();
    let mut table = object(keys, required, |key| match key {
        "use" => words(used.iter().map(String::as_str)),
        "on" => names(known.connections.keys().map(String::as_str)),
        "with" => json!({ "type": "object" }),
        own_key => own(own_key),
    });
    table["allOf"] = json!([{ "$ref": "#/definitions/with" }]);
    table
}

/// For each action what `with` may hold and which connections fit.
fn with(known: &Known) -> Value {
    let rule = |action: &ActionSpec| {
        let arguments = object(
            &action.arguments.iter().map(|it| it.name).collect::<Vec<_>>(),
            &action
                .arguments
                .iter()
                .filter(|it| it.required)
                .map(|it| it.name)
                .collect::<Vec<_>>(),
            |name| {
                let spec = action.arguments.iter().find(|it| it.name == name);
                spec.map_or(json!({}), |it| argument(it.kind, it.help))
            },
        );
        let fitting = known.connections.iter().filter(|(_, kind)| *kind == action.integration);
        let mut then = json!({ "properties": { "with": arguments } });
        if !known.connections.is_empty() {
            then["properties"]["on"] = words(fitting.map(|(name, _)| name.as_str()));
        }
        if action.arguments.iter().any(|it| it.required) {
            then["required"] = json!(["with"]);
        }
        let used = format!("{}.{}", action.integration, action.name);
        json!({ "if": { "properties": { "use": { "const": used } }, "required": ["use"] }, "then": then })
    };
    json!({ "allOf": actions(known).map(rule).collect::<Vec<_>>() })
}

fn argument(kind: ArgumentKind, help: &str) -> Value {
    let computed = json!({ "type": ["string", "integer", "boolean"] });
    let mut value = match kind {
        ArgumentKind::FixedText => json!({ "type": "string" }),
        ArgumentKind::FixedDuration => span(),
        ArgumentKind::FixedInteger => json!({ "type": "integer" }),
        ArgumentKind::FixedWord(known) => words(known.iter().copied()),
        ArgumentKind::FixedPath { .. } => json!({ "type": "string", "pattern": "^/" }),
        ArgumentKind::Value => computed,
        ArgumentKind::Values => list(computed),
        ArgumentKind::Fields => json!({ "type": "object", "additionalProperties": computed }),
    };
    value["description"] = json!(help);
    value
}

fn actions(known: &Known) -> impl Iterator<Item = &'static ActionSpec> {
    known.actions.iter().copied().flatten()
}
