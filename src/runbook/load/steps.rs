//! `[[step]]`.

use super::sheet::{Section, Sheet};
use super::{Known, calls};
use crate::runbook::action::Effect;
use crate::runbook::expression::{Expression, Names, Shape};
use crate::runbook::{Call, Each, Expectation, Retry, StepOutcome, StepSpec};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const KEYS: &[&str] = &[
    "name", "use", "on", "with", "when", "each", "key", "cap", "manual", "say", "timeout", "retry", "probe", "undo",
    "expect",
];
pub(super) const CALL_KEYS: &[&str] = &["use", "on", "with"];
pub(super) const UNDO_KEYS: &[&str] = &["use", "on", "with", "expect"];
pub(super) const EACH_KEYS: &[&str] = &["list", "key", "cap"];
pub(super) const RETRY_KEYS: &[&str] = &["times", "pause"];
pub(super) const EXPECT_KEYS: &[&str] = &["when", "outcome", "say"];
pub(super) const OUTCOMES: &[(&str, StepOutcome)] = &[
    ("done", StepOutcome::Done),
    ("skipped", StepOutcome::Skipped),
    ("failed", StepOutcome::Failed),
    ("unknown", StepOutcome::Unknown),
];
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);
pub(super) const MAX_CAP: usize = 1000;

pub(super) fn steps(top: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known, names: &Names) -> Vec<StepSpec> {
    let mut steps: Vec<StepSpec> = Vec::new();
    for section in top.sections(sheet, "step", KEYS) {
        let Some(step) = step(&section, sheet, known, names) else {
            continue;
        };
        if steps.iter().any(|it| it.name == step.name) {
            sheet.problem(
                section.place("name"),
                format!("there is another step `{}`: give one of them another name", step.name),
            );
        }
        steps.push(step);
    }
    steps
}

fn step(section: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known, outer: &Names) -> Option<StepSpec> {
    let name = name(section, sheet);
    let when = section.text(sheet, "when").and_then(|it| sheet.expression(&it, outer));
    let inner = if section.has("each") {
        outer.clone().with("item", Shape::Any)
    } else {
        outer.clone()
    };
    let each = each(section, sheet, outer, &inner);
    let manual = section.text(sheet, "manual").and_then(|it| sheet.sentence(&it, &inner));
    let is_manual = section.has("manual");
    let call = if is_manual {
        None
    } else {
        calls::call(section, sheet, known, &inner)
    };
    if is_manual {
        for key in ["use", "on", "with", "timeout", "retry", "probe", "undo", "expect"]
            .iter()
            .filter(|key| section.has(key))
        {
            sheet.problem(
                section.place(key),
                format!("a manual step has no `{key}`: a person does it and says so"),
            );
        }
    }
    let say = section
        .required(sheet, "say")
        .and_then(|it| sheet.sentence(&it, &inner));
    let timeout = timeout(section, sheet);
    let retry = retry(section, sheet);
    let probe = section
        .section(sheet, "probe", CALL_KEYS)
        .and_then(|probe| calls::read_call(&probe, sheet, known, &inner));
    let undo = section.section(sheet, "undo", UNDO_KEYS);
    let undo_call = undo.as_ref().and_then(|undo| calls::call(undo, sheet, known, &inner));
    let undo_expect = undo.as_ref().map_or_else(Vec::new, |undo| {
        let judged = judged(&inner, undo_call.as_ref(), section.has("probe"), probe.as_ref());
        expectations(undo, sheet, &judged)
    });
    let undo = undo_call;
    let judged = judged(&inner, call.as_ref(), section.has("probe"), probe.as_ref());
    let expect = expectations(section, sheet, &judged);
    let writes = call.as_ref().is_some_and(|it| it.action.effect > Effect::Read);
    if writes && !section.has("expect") {
        sheet.problem(
            section.at,
            "a step that writes needs [[step.expect]]: what its answer means is for the runbook to say",
        );
    }
    if undo.is_some() && !writes {
        sheet.problem(
            section.place("undo"),
            "only a step that writes has an `undo`: this one reads, so leave it out",
        );
    }
    if !is_manual && call.is_none() {
        return None;
    }
    Some(StepSpec {
        name: name?,
        call,
        manual,
        when,
        each,
        say: say?,
        timeout,
        retry,
        probe,
        expect,
        undo,
        undo_expect,
    })
}

/// Names of steps also stand in the journal and on buttons; hyphens are let in.
fn name(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Option<String> {
    let text = section.required(sheet, "name")?;
    let fits = (1..=40).contains(&text.value.len())
        && text
            .value
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'_');
    if !fits {
        sheet.problem(
            text.span.start,
            "a step's name is at most 40 small letters, digits, hyphens and underscores",
        );
    }
    fits.then(|| text.value.to_owned())
}

/// `each = "list"` with `key` and `cap` beside it, or `each = { list, key, cap }`.
fn each(section: &Section<'_>, sheet: &mut Sheet<'_>, outer: &Names, inner: &Names) -> Option<Each> {
    let value = section.value("each")?;
    let (holder, list) = if value.get_ref().is_table() {
        for key in ["key", "cap"].iter().filter(|key| section.has(key)) {
            sheet.problem(section.place(key), format!("`{key}` belongs into the table of `each`"));
        }
        let table = section.section(sheet, "each", EACH_KEYS)?;
        let list = table.required(sheet, "list");
        (table, list)
    } else {
        (section.clone(), section.text(sheet, "each"))
    };
    let list = list.and_then(|it| sheet.expression(&it, outer));
    let key = match holder.text(sheet, "key") {
        Some(text) => sheet.expression(&text, inner),
        None => Expression::parse("item").ok(),
    };
    if !holder.has("cap") {
        sheet.problem(
            holder.at,
            format!("`each` needs a `cap`, {MAX_CAP} at the most: more items than it refuse the plan"),
        );
    }
    let cap = holder.count(sheet, "cap", 1..=MAX_CAP)?;
    Some(Each {
        list: list?,
        key: key?,
        cap,
    })
}

fn timeout(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Duration {
    let Some(timeout) = section.duration(sheet, "timeout") else {
        return DEFAULT_TIMEOUT;
    };
    if timeout.is_zero() || timeout > MAX_TIMEOUT {
        sheet.problem(section.place("timeout"), "`timeout` is 1s to 1h");
    }
    timeout
}

fn retry(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Retry {
    let default = Retry {
        times: 0,
        pause: Duration::from_secs(1),
    };
    let Some(retry) = section.section(sheet, "retry", RETRY_KEYS) else {
        return default;
    };
    if !retry.has("times") {
        sheet.missing(&retry, "times");
    }
    let times = retry
        .count(sheet, "times", 1..=5)
        .and_then(|it| u32::try_from(it).ok())
        .unwrap_or(default.times);
    let pause = retry.duration(sheet, "pause").unwrap_or(default.pause);
    Retry { times, pause }
}

fn judged(names: &Names, call: Option<&Call>, has_probe: bool, probe: Option<&Call>) -> Names {
    // Whoever asked does not change what an answer means.
    let names = names.clone().without("person").with("call", answer(call));
    if has_probe {
        names.with("probe", answer(probe))
    } else {
        names
    }
}

pub(super) fn answer(call: Option<&Call>) -> Shape {
    let value = call.map_or(Shape::Any, |call| {
        Shape::fields(call.action.gives.iter().map(|it| it.0))
    });
    let fields = [("result", Shape::Any), ("reason", Shape::Any), ("value", value)];
    Shape::Fields(
        fields
            .into_iter()
            .map(|(name, shape)| (name.to_owned(), shape))
            .collect::<BTreeMap<_, _>>(),
    )
}

fn expectations(section: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> Vec<Expectation> {
    let mut expectations = Vec::new();
    for section in section.sections(sheet, "expect", EXPECT_KEYS) {
        let when = section
            .required(sheet, "when")
            .and_then(|it| sheet.expression(&it, names));
        let say = section.required(sheet, "say").and_then(|it| sheet.sentence(&it, names));
        let outcome = section.required(sheet, "outcome").and_then(|it| {
            let outcome = outcome(it.value);
            if outcome.is_none() {
                sheet.problem(
                    it.span.start,
                    "`outcome` is \"done\", \"skipped\", \"failed\" or \"unknown\"",
                );
            }
            outcome
        });
        if let (Some(when), Some(outcome), Some(say)) = (when, outcome, say) {
            expectations.push(Expectation { when, outcome, say });
        }
    }
    expectations
}

pub(super) fn outcome(word: &str) -> Option<StepOutcome> {
    let known = OUTCOMES.iter().find(|(known, _)| *known == word);
    known.map(|(_, outcome)| *outcome)
}
