//! `[[example]]` and `[[example.answer]]`.

use super::sheet::{Section, Sheet, as_integer, as_text};
use super::{calls, steps};
use crate::call::CallResult;
use crate::request::Words;
use crate::runbook::example::{Answer, Example, ExampleFault, Expect};
use crate::runbook::fault::Fault;
use crate::runbook::input::{InputSpec, quoted};
use crate::runbook::{Call, Look, StepOutcome, StepSpec};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

pub(super) const KEYS: &[&str] = &[
    "name", "line", "inputs", "person", "like", "looks", "expect", "says", "steps", "answer", "fault",
];
pub(super) const ANSWER_KEYS: &[&str] = &["step", "call", "probe", "outcome", "says"];
pub(super) const RESULT_KEYS: &[&str] = &["result", "reason", "value"];
pub(super) const RESULTS: &[&str] = &["done", "not-done", "unreachable", "unknown"];
pub(super) const EXPECT: &[(&str, Expect)] = &[
    ("plan", Expect::Plan),
    ("refused", Expect::Refused),
    ("nothing", Expect::Nothing),
];
pub(super) const FAULT_KEYS: &[&str] = &["step", "is", "probe", "outcome", "says"];

pub(super) fn examples(
    top: &Section<'_>,
    sheet: &mut Sheet<'_>,
    inputs: &[InputSpec],
    looks: &[Look],
    steps: &[StepSpec],
) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for section in top.sections(sheet, "example", KEYS) {
        let name = section.required(sheet, "name");
        let expect = section.required(sheet, "expect").and_then(|it| {
            let known = EXPECT.iter().find(|(word, _)| *word == it.value);
            if known.is_none() {
                sheet.problem(it.span.start, "`expect` is \"plan\", \"refused\" or \"nothing\"");
            }
            known.map(|(_, expect)| *expect)
        });
        let canned = canned_looks(&section, sheet, looks, &examples);
        let says = said(&section, sheet);
        let planned = section
            .texts(sheet, "steps")
            .map(|it| it.iter().map(|it| it.value.to_owned()).collect());
        let answers = section.sections(sheet, "answer", ANSWER_KEYS);
        let answers = answers.iter().filter_map(|it| answer(it, sheet, steps)).collect();
        let faults = section.one_or_more(sheet, "fault", FAULT_KEYS);
        let faults = faults.iter().filter_map(|it| fault(it, sheet, steps)).collect();
        let person = section.text(sheet, "person").map(|it| it.value.to_owned());
        let words = words(&section, sheet, inputs);
        if let (Some(name), Some(expect)) = (name, expect) {
            let name = name.value.to_owned();
            examples.push(Example {
                name,
                offset: section.at,
                words,
                person,
                looks: canned,
                expect,
                says,
                steps: planned,
                answers,
                faults,
            });
        }
    }
    examples
}

fn said(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Vec<String> {
    section
        .texts(sheet, "says")
        .into_iter()
        .flatten()
        .map(|it| it.value.to_owned())
        .collect()
}

fn words(section: &Section<'_>, sheet: &mut Sheet<'_>, inputs: &[InputSpec]) -> Words {
    if let Some(line) = section.text(sheet, "line") {
        if section.has("inputs") {
            sheet.problem(section.place("inputs"), "an example has a `line` or `inputs`, not both");
        }
        return Words::Line(line.value.to_owned());
    }
    let given = section.open_section(sheet, "inputs");
    let mut pairs = Vec::new();
    for (name, value) in given.iter().flat_map(Section::entries) {
        if !inputs.iter().any(|it| it.name == name.value) {
            sheet.problem(
                name.span.start,
                calls::unknown("input", name.value, inputs.iter().map(|it| it.name.as_str())),
            );
        }
        let text = match value.get_ref() {
            DeValue::Array(items) => {
                let items = items.iter().map(|it| typed(it).map(|it| quoted(&it)));
                items.collect::<Option<Vec<_>>>().map(|it| it.join(","))
            }
            _ => typed(value),
        };
        match text {
            Some(text) => pairs.push((name.value.to_owned(), text)),
            None => sheet.problem(
                value.span().start,
                "an input is text, a whole number, or a list of them",
            ),
        }
    }
    Words::Named(pairs)
}

fn typed(value: &Spanned<DeValue<'_>>) -> Option<String> {
    as_text(value)
        .map(|it| it.value.to_owned())
        .or_else(|| as_integer(value.get_ref()).map(|it| it.to_string()))
}

/// Those of the example that this one is like, and its own.
fn canned_looks(
    section: &Section<'_>,
    sheet: &mut Sheet<'_>,
    looks: &[Look],
    earlier: &[Example],
) -> Map<String, Value> {
    let mut canned = Map::new();
    if let Some(like) = section.text(sheet, "like") {
        match earlier.iter().find(|it| it.name == like.value) {
            Some(it) => canned.clone_from(&it.looks),
            None => sheet.problem(
                like.span.start,
                calls::unknown(
                    "example before this one called",
                    like.value,
                    earlier.iter().map(|it| it.name.as_str()),
                ),
            ),
        }
    }
    let own = section.open_section(sheet, "looks");
    for (name, value) in own.iter().flat_map(Section::entries) {
        match looks.iter().find(|it| it.name == name.value) {
            Some(look) if look.may_fail => {
                let answer = own.as_ref().and_then(|own| careful_answer(own, sheet, look));
                canned.insert(name.value.to_owned(), answer.unwrap_or(Value::Null));
            }
            Some(look) => {
                let answer = canned_answer(sheet, value, &look.call);
                canned.insert(name.value.to_owned(), answer);
            }
            None => sheet.problem(
                name.span.start,
                calls::unknown("look", name.value, looks.iter().map(|it| it.name.as_str())),
            ),
        }
    }
    for look in looks.iter().filter(|look| !canned.contains_key(&look.name)) {
        sheet.problem(
            section.at,
            format!(
                "the example lacks an answer to the look `{0}`: add looks.{0} = {{ ... }}, or like = \"an earlier example\"",
                look.name
            ),
        );
    }
    canned
}

/// Of a look that may fail: what it came to, or that its connection is absent.
fn careful_answer(own: &Section<'_>, sheet: &mut Sheet<'_>, look: &Look) -> Option<Value> {
    let word = own
        .value(&look.name)
        .and_then(|it| it.get_ref().get("result")?.get_ref().as_str().map(str::to_owned));
    if word.as_deref() == Some("absent") {
        return Some(look.absent());
    }
    result(own, sheet, &look.name, Some(&look.call)).map(|it| it.as_value())
}

/// Fields that are not given are null; fields that the action does not give are a mistake.
fn canned_answer(sheet: &mut Sheet<'_>, value: &Spanned<DeValue<'_>>, call: &Call) -> Value {
    let mut fields: Map<String, Value> = call
        .action
        .gives
        .iter()
        .map(|it| (it.0.to_owned(), Value::Null))
        .collect();
    match value.get_ref().as_table() {
        Some(table) => {
            for (name, value) in table {
                let word: &str = name.get_ref();
                if !fields.contains_key(word) {
                    let message = calls::unknown("field of the answer", word, call.action.gives.iter().map(|it| it.0));
                    sheet.problem(name.span().start, message);
                }
                fields.insert(word.to_owned(), json(sheet, value));
            }
        }
        None => sheet.problem(
            value.span().start,
            "an answer is a table of fields, such as { rows = [], count = 0 }",
        ),
    }
    Value::Object(fields)
}

fn answer(section: &Section<'_>, sheet: &mut Sheet<'_>, specs: &[StepSpec]) -> Option<Answer> {
    let (step, spec) = step_of(section, sheet, specs)?;
    let call = result(section, sheet, "call", spec.call.as_ref());
    if !section.has("call") {
        sheet.missing(section, "call");
    }
    let probe = result(section, sheet, "probe", spec.probe.as_ref());
    let outcome = outcome(section, sheet);
    let says = said(section, sheet);
    Some(Answer {
        offset: section.at,
        step,
        call: call?,
        probe,
        outcome: outcome?,
        says,
    })
}

fn fault(section: &Section<'_>, sheet: &mut Sheet<'_>, specs: &[StepSpec]) -> Option<ExampleFault> {
    let (step, spec) = step_of(section, sheet, specs)?;
    let is = section.required(sheet, "is").and_then(|it| {
        let fault = Fault::parse(it.value);
        if fault.is_none() {
            let words = Fault::ALL.iter().map(|it| it.word());
            sheet.problem(it.span.start, calls::unknown("fault", it.value, words));
        }
        fault
    });
    if let (Some(is), Some(call)) = (is, &spec.call)
        && !is.befalls(call.action)
    {
        let message = format!(
            "`{}` befalls what a worker takes from a queue; {}.{} is no such call",
            is.word(),
            call.action.integration,
            call.action.name
        );
        sheet.problem(section.place("is"), message);
    }
    let probe = result(section, sheet, "probe", spec.probe.as_ref());
    let outcome = outcome(section, sheet);
    let says = said(section, sheet);
    Some(ExampleFault {
        offset: section.at,
        step,
        is: is?,
        probe,
        outcome: outcome?,
        says,
    })
}

/// The step that is spoken of: `forward`, or `forward[1042]` where there is one for each item.
fn step_of<'s>(section: &Section<'_>, sheet: &mut Sheet<'_>, specs: &'s [StepSpec]) -> Option<(String, &'s StepSpec)> {
    let step = section.required(sheet, "step")?;
    let spec = specs
        .iter()
        .find(|it| it.name == step.value.split('[').next().unwrap_or_default());
    if spec.is_none() {
        sheet.problem(
            step.span.start,
            calls::unknown("step", step.value, specs.iter().map(|it| it.name.as_str())),
        );
    }
    Some((step.value.to_owned(), spec?))
}

fn outcome(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Option<StepOutcome> {
    let text = section.required(sheet, "outcome")?;
    let outcome = steps::outcome(text.value);
    if outcome.is_none() {
        sheet.problem(
            text.span.start,
            "`outcome` is \"done\", \"skipped\", \"failed\" or \"unknown\"",
        );
    }
    outcome
}

fn result(section: &Section<'_>, sheet: &mut Sheet<'_>, key: &str, call: Option<&Call>) -> Option<CallResult> {
    let result = section.section(sheet, key, RESULT_KEYS)?;
    let word = result.required(sheet, "result")?;
    let reason = result
        .text(sheet, "reason")
        .map_or_else(|| "an example".to_owned(), |it| it.value.to_owned());
    match word.value {
        "done" => {
            let Some(call) = call else {
                sheet.problem(section.place(key), format!("the step has no {key}: leave it out here"));
                return None;
            };
            let Some(value) = result.value("value") else {
                sheet.missing(&result, "value");
                return None;
            };
            Some(CallResult::Done {
                value: canned_answer(sheet, value, call),
            })
        }
        "not-done" => Some(CallResult::NotDone { reason }),
        "unreachable" => Some(CallResult::Unreachable { reason }),
        "unknown" => Some(CallResult::Unknown { reason }),
        _ => {
            sheet.problem(
                word.span.start,
                "`result` is \"done\", \"not-done\", \"unreachable\" or \"unknown\"",
            );
            None
        }
    }
}

fn json(sheet: &mut Sheet<'_>, value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(it) => Value::from(it.as_ref()),
        DeValue::Boolean(it) => Value::Bool(*it),
        DeValue::Array(items) => Value::Array(items.iter().map(|it| json(sheet, it)).collect()),
        DeValue::Table(table) => table
            .iter()
            .map(|(name, value)| (name.get_ref().to_string(), json(sheet, value)))
            .collect::<Map<_, _>>()
            .into(),
        DeValue::Float(it) => match it.as_str().parse().ok().and_then(serde_json::Number::from_f64) {
            Some(number) => Value::Number(number),
            None => unfit(sheet, value),
        },
        other => match as_integer(other) {
            Some(number) => Value::from(number),
            None => unfit(sheet, value),
        },
    }
}

fn unfit(sheet: &mut Sheet<'_>, value: &Spanned<DeValue<'_>>) -> Value {
    sheet.problem(
        value.span().start,
        "an answer is made of text, numbers, true, false, lists and tables",
    );
    Value::Null
}
