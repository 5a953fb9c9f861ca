//! What a runbook means for given inputs and looks: refusals, warnings, concrete steps, locks, radius. And what an answer
//! means for a step. Pure: nothing is called, and the time is not asked.

use super::action::Effect;
use super::expression::{EvalError, Expression, kind_of};
use super::input::{Suggest, quoted};
use super::scope::Scope;
use super::sentence::Sentence;
use super::{
    Argument, Call, Clause, Each, Expectation, Look, Offer, PanelChart, ResultTable, Runbook, StepOutcome, StepSpec,
};
use crate::call::{Arguments, CallResult};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;
use thiserror::Error;

/// How many seconds a chart may show.
const LASTS: RangeInclusive<u64> = 60..=31 * 86_400;

/// What a runbook means, all values computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Composed {
    /// Why it must not be done; all that hold speak. Nothing else is computed if there are any.
    pub refusals: Vec<String>,
    /// Why there is nothing to do. There are no steps if there are any.
    pub nothing: Vec<String>,
    /// What should be known beforehand.
    pub warnings: Vec<String>,
    /// In order.
    pub steps: Vec<PlannedStep>,
    /// Sorted, each once.
    pub locks: Vec<String>,
    /// Whether other shared holders are let in.
    pub locks_shared: bool,
    /// How much is touched; all zero where there is nothing to do.
    pub radius: BTreeMap<String, i64>,
    /// The table that is shown.
    pub result: Option<ComposedResult>,
    /// The panels that are shown.
    pub chart: Option<ComposedChart>,
    /// Follow-ups that make sense here.
    pub offers: Vec<ComposedOffer>,
}

/// One step of a plan: concrete, and complete enough to be carried out and judged with the runbook's source alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Unique in the plan, such as `forward[1042]`.
    pub name: String,
    /// Which of the runbook's steps this is, from zero.
    pub spec: usize,
    /// What is called; none for a manual step.
    pub call: Option<PlannedCall>,
    /// What a person is asked to do.
    pub manual: Option<String>,
    /// What tells whether it happened.
    pub probe: Option<PlannedCall>,
    /// What reverses it.
    pub undo: Option<PlannedCall>,
    /// The item of `each`; null without.
    pub item: Value,
    /// What the plan says of it.
    pub say: String,
    /// From the intent to the latest answer.
    pub timeout: Duration,
    /// Whether its call may change something; false in plans of before, and for what a person does by hand.
    #[serde(default)]
    pub writes: bool,
}

/// One call, its arguments computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// `celery.send`.
    pub action: String,
    /// The connection's name.
    pub on: String,
    /// By name.
    pub arguments: Arguments,
}

/// The table that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComposedResult {
    /// One sentence above it.
    pub say: String,
    /// In order.
    pub columns: Vec<String>,
    /// With these columns alone.
    pub rows: Vec<Map<String, Value>>,
}

/// The panels that are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposedChart {
    /// Their names, each once; none asks for the list of panels.
    pub panels: Vec<String>,
    /// How much of the past.
    pub last: Duration,
}

/// A follow-up, its inputs written as words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposedOffer {
    /// The runbook to ask for.
    pub runbook: String,
    /// The button's text.
    pub label: String,
    /// As [`crate::request::Words::Named`] takes them.
    pub inputs: Vec<(String, String)>,
}

/// Why there is no plan: the runbook does not fit what it met. Its file must be mended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place} cannot be computed: {message}")]
pub struct ComposeError {
    /// Where in the runbook.
    pub place: String,
    /// What went wrong.
    pub message: String,
}

fn at(place: impl Into<String>) -> impl FnOnce(EvalError) -> ComposeError {
    let place = place.into();
    move |error| ComposeError {
        place,
        message: error.to_string(),
    }
}

/// Computes a look's arguments from the inputs and the looks before it.
pub fn look_arguments(
    look: &Look,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
) -> Result<Arguments, ComposeError> {
    arguments(
        &look.call,
        &judged_scope(inputs, looks),
        &format!("look `{}`", look.name),
    )
}

/// Computes the arguments of the call that gives what can be picked for an input.
pub fn suggest_arguments(suggest: &Suggest, typed: &str) -> Result<Arguments, ComposeError> {
    let scope = Scope::new().with("typed", Value::from(typed));
    arguments(&suggest.call, &scope, "suggest")
}

/// Computes what a runbook means. `looks` holds the answers of all its looks, by name.
pub fn compose(
    runbook: &Runbook,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
    person: &str,
) -> Result<Composed, ComposeError> {
    let scope = judged_scope(inputs, looks).with("person", Value::from(person));
    let mut composed = Composed {
        refusals: spoken(&runbook.refuse, &scope, "refuse")?,
        nothing: Vec::new(),
        warnings: Vec::new(),
        steps: Vec::new(),
        locks: Vec::new(),
        locks_shared: runbook.locks_shared,
        radius: BTreeMap::new(),
        result: None,
        chart: None,
        offers: Vec::new(),
    };
    // What a refusal guards against may well be what the rest cannot be computed with.
    if !composed.refusals.is_empty() {
        return Ok(composed);
    }
    composed.nothing = spoken(&runbook.nothing, &scope, "nothing")?;
    composed.warnings = spoken(&runbook.warn, &scope, "warn")?;
    composed.result = runbook.result.as_ref().map(|it| result(it, &scope)).transpose()?;
    composed.chart = runbook.chart.as_ref().map(|it| chart(it, &scope)).transpose()?;
    for offer in &runbook.offers {
        composed.offers.extend(composed_offer(offer, &scope)?);
    }
    // The policy asks for every fact: a plan without steps touches nothing, and says so.
    composed.radius = runbook.radius.keys().map(|name| (name.clone(), 0)).collect();
    if !composed.nothing.is_empty() {
        return Ok(composed);
    }
    for (index, spec) in runbook.steps.iter().enumerate() {
        match planned(spec, index, &scope)? {
            Ok(steps) => composed.steps.extend(steps),
            Err(refusal) => composed.refusals.push(refusal),
        }
    }
    if !composed.refusals.is_empty() {
        composed.steps.clear();
        return Ok(composed);
    }
    if composed.steps.is_empty() && !runbook.steps.is_empty() {
        composed.nothing.push("No step is left to do.".to_owned());
        return Ok(composed);
    }
    unique(&composed.steps)?;
    composed.locks = locks(&runbook.locks, &scope)?;
    for (name, expression) in &runbook.radius {
        composed.radius.insert(name.clone(), count(name, expression, &scope)?);
    }
    Ok(composed)
}

/// Says what an answer means for a step. Never done on a guess: an expectation that cannot be computed, or none that
/// holds, leaves the step unknown, unless the call certainly had no effect.
pub fn judge(
    spec: &StepSpec,
    step: &PlannedStep,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
    call: &CallResult,
    probe: Option<&CallResult>,
) -> (StepOutcome, String) {
    let scope = answered_scope(step, inputs, looks, call, probe);
    expected(&spec.expect, &scope, call).unwrap_or_else(|| unexpected(call))
}

/// The same for the call that undoes a step. Where the runbook does not say what its answer means, an answer is a yes.
pub fn judge_undo(
    spec: &StepSpec,
    step: &PlannedStep,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
    call: &CallResult,
    probe: Option<&CallResult>,
) -> (StepOutcome, String) {
    let name = &step.name;
    let scope = answered_scope(step, inputs, looks, call, probe);
    expected(&spec.undo_expect, &scope, call).unwrap_or_else(|| match call {
        CallResult::NotDone { reason } | CallResult::Unreachable { reason } => {
            (StepOutcome::Failed, format!("{name} could not be undone: {reason}."))
        }
        CallResult::Unknown { reason } => (
            StepOutcome::Unknown,
            format!("Whether {name} was undone is not known: {reason}."),
        ),
        CallResult::Done { .. } if spec.undo_expect.is_empty() => (StepOutcome::Done, format!("{name} was undone.")),
        CallResult::Done { .. } => (
            StepOutcome::Unknown,
            format!("Whether {name} was undone is not known: the answer is none that the runbook expects."),
        ),
    })
}

fn answered_scope(
    step: &PlannedStep,
    inputs: &Map<String, Value>,
    looks: &Map<String, Value>,
    call: &CallResult,
    probe: Option<&CallResult>,
) -> Scope {
    let no_probe = CallResult::Unreachable {
        reason: "it was not asked".to_owned(),
    };
    judged_scope(inputs, looks)
        .with("item", step.item.clone())
        .with("call", call.as_value())
        .with("probe", probe.unwrap_or(&no_probe).as_value())
}

/// What the first expectation that holds says; none where none does.
fn expected(expect: &[Expectation], scope: &Scope, call: &CallResult) -> Option<(StepOutcome, String)> {
    for expectation in expect {
        let said = match expectation.when.test(scope) {
            Ok(false) => continue,
            Ok(true) => expectation.say.render(scope),
            Err(error) => Err(error),
        };
        return Some(match (said, call) {
            (Ok(said), _) => (expectation.outcome, said),
            (Err(_), CallResult::NotDone { .. } | CallResult::Unreachable { .. }) => unexpected(call),
            (Err(error), _) => (
                StepOutcome::Unknown,
                format!(
                    "What became of it cannot be told from the answer: {error}. Look at the target before you do it again."
                ),
            ),
        });
    }
    None
}

/// What an answer means that no expectation covers.
fn unexpected(call: &CallResult) -> (StepOutcome, String) {
    match call {
        CallResult::NotDone { reason } => (StepOutcome::Failed, format!("It was not done: {reason}.")),
        CallResult::Unreachable { reason } => (StepOutcome::Failed, format!("Nothing was sent: {reason}.")),
        CallResult::Unknown { reason } => (StepOutcome::Unknown, format!("It may have happened: {reason}.")),
        CallResult::Done { .. } => (
            StepOutcome::Unknown,
            "The answer is none that the runbook expects. Look at the target before you do it again.".to_owned(),
        ),
    }
}

fn judged_scope(inputs: &Map<String, Value>, looks: &Map<String, Value>) -> Scope {
    Scope::new()
        .with("inputs", Value::Object(inputs.clone()))
        .with("looks", Value::Object(looks.clone()))
}

fn spoken(clauses: &[Clause], scope: &Scope, place: &str) -> Result<Vec<String>, ComposeError> {
    let mut said = Vec::new();
    for clause in clauses {
        if clause.when.test(scope).map_err(at(place))? {
            said.push(clause.say.render(scope).map_err(at(place))?);
        }
    }
    Ok(said)
}

/// The inner error is a refusal.
fn planned(spec: &StepSpec, index: usize, scope: &Scope) -> Result<Result<Vec<PlannedStep>, String>, ComposeError> {
    let place = format!("step `{}`", spec.name);
    if let Some(when) = &spec.when
        && !when.test(scope).map_err(at(&place))?
    {
        return Ok(Ok(Vec::new()));
    }
    let Some(each) = &spec.each else {
        return Ok(Ok(vec![planned_step(
            spec,
            index,
            spec.name.clone(),
            Value::Null,
            scope,
            &place,
        )?]));
    };
    let items = list(&each.list, scope, &place)?;
    if items.len() > each.cap {
        return Ok(Err(format!(
            "There are {} items for step `{}`; {} are the most at once.",
            items.len(),
            spec.name,
            each.cap
        )));
    }
    let mut steps = Vec::new();
    for item in items {
        let scope = scope.clone().with("item", item.clone());
        let name = format!("{}[{}]", spec.name, key(each, &scope, &place)?);
        steps.push(planned_step(spec, index, name, item, &scope, &place)?);
    }
    Ok(Ok(steps))
}

fn planned_step(
    spec: &StepSpec,
    index: usize,
    name: String,
    item: Value,
    scope: &Scope,
    place: &str,
) -> Result<PlannedStep, ComposeError> {
    let call = |call: &Option<Call>| call.as_ref().map(|call| planned_call(call, scope, place)).transpose();
    let say = |sentence: &Sentence| sentence.render(scope).map_err(at(place));
    Ok(PlannedStep {
        name,
        spec: index,
        call: call(&spec.call)?,
        manual: spec.manual.as_ref().map(say).transpose()?,
        probe: call(&spec.probe)?,
        undo: call(&spec.undo)?,
        item,
        say: say(&spec.say)?,
        timeout: spec.timeout,
        writes: spec.call.as_ref().is_some_and(|call| call.action.effect > Effect::Read),
    })
}

fn planned_call(call: &Call, scope: &Scope, place: &str) -> Result<PlannedCall, ComposeError> {
    Ok(PlannedCall {
        action: format!("{}.{}", call.action.integration, call.action.name),
        on: call.on.clone(),
        arguments: arguments(call, scope, place)?,
    })
}

fn arguments(call: &Call, scope: &Scope, place: &str) -> Result<Arguments, ComposeError> {
    let mut arguments = Arguments::new();
    for (name, argument) in &call.with {
        let failed = || at(format!("{place}, `{name}`"));
        let value = match argument {
            Argument::Fixed(value) => value.clone(),
            Argument::Value(expression) => expression.eval(scope).map_err(failed())?,
            Argument::Values(expressions) => {
                let values = expressions
                    .iter()
                    .map(|it| it.eval(scope))
                    .collect::<Result<Vec<_>, _>>();
                Value::Array(values.map_err(failed())?)
            }
            Argument::Fields(expressions) => {
                let fields = expressions
                    .iter()
                    .map(|(key, it)| Ok((key.clone(), it.eval(scope)?)))
                    .collect::<Result<Map<_, _>, _>>();
                Value::Object(fields.map_err(failed())?)
            }
        };
        arguments.insert(name.clone(), value);
    }
    Ok(arguments)
}

fn list(expression: &Expression, scope: &Scope, place: &str) -> Result<Vec<Value>, ComposeError> {
    match expression.eval(scope).map_err(at(place))? {
        Value::Array(items) => Ok(items),
        other => Err(at(place)(
            expression.failed(format!("a list is needed; this gives {}", kind_of(&other))),
        )),
    }
}

fn key(each: &Each, scope: &Scope, place: &str) -> Result<String, ComposeError> {
    let value = each.key.eval(scope).map_err(at(place))?;
    let key = match &value {
        Value::String(text) if !text.is_empty() && text.len() <= 100 && !text.contains(char::is_control) => {
            Some(text.clone())
        }
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    key.ok_or_else(|| {
        let message = format!(
            "a key is a whole number or a short text; this gives {}",
            kind_of(&value)
        );
        at(place)(each.key.failed(message))
    })
}

fn unique(steps: &[PlannedStep]) -> Result<(), ComposeError> {
    let mut names = BTreeSet::new();
    match steps.iter().find(|step| !names.insert(&step.name)) {
        None => Ok(()),
        Some(twice) => Err(ComposeError {
            place: format!("step `{}`", twice.name),
            message: "two items have this key; `key` must tell them apart".to_owned(),
        }),
    }
}

fn locks(expressions: &[Expression], scope: &Scope) -> Result<Vec<String>, ComposeError> {
    let mut locks = BTreeSet::new();
    for expression in expressions {
        let wrong = |value: &Value| {
            at("lock")(expression.failed(format!(
                "a lock is text or a list of texts; this gives {}",
                kind_of(value)
            )))
        };
        let value = expression.eval(scope).map_err(at("lock"))?;
        let items = if let Value::Array(items) = value {
            items
        } else {
            vec![value]
        };
        for item in items {
            match item {
                Value::String(text) if !text.is_empty() => drop(locks.insert(text)),
                other => return Err(wrong(&other)),
            }
        }
    }
    Ok(locks.into_iter().collect())
}

fn count(name: &str, expression: &Expression, scope: &Scope) -> Result<i64, ComposeError> {
    let value = expression.eval(scope).map_err(at(format!("radius `{name}`")))?;
    value.as_i64().filter(|it| *it >= 0).ok_or_else(|| {
        let message = format!(
            "a radius is a whole number, zero or more; this gives {}",
            kind_of(&value)
        );
        at(format!("radius `{name}`"))(expression.failed(message))
    })
}

fn result(table: &ResultTable, scope: &Scope) -> Result<ComposedResult, ComposeError> {
    let mut rows = Vec::new();
    let all = list(&table.rows, scope, "result")?;
    let with_rows = scope.clone().with("rows", Value::Array(all.clone()));
    for row in all {
        let wrong = |message: String| at("result")(table.rows.failed(message));
        let Value::Object(mut fields) = row else {
            return Err(wrong(format!("a row is a table; this gives {}", kind_of(&row))));
        };
        let mut shown = Map::new();
        for column in &table.columns {
            let value = fields
                .remove(column)
                .ok_or_else(|| wrong(format!("a row has no column `{column}`")))?;
            shown.insert(column.clone(), value);
        }
        rows.push(shown);
    }
    Ok(ComposedResult {
        say: table.say.render(&with_rows).map_err(at("result"))?,
        columns: table.columns.clone(),
        rows,
    })
}

fn chart(chart: &PanelChart, scope: &Scope) -> Result<ComposedChart, ComposeError> {
    let mut panels: Vec<String> = Vec::new();
    for panel in list(&chart.panels, scope, "chart")? {
        match panel {
            Value::String(name) if panels.contains(&name) => {}
            Value::String(name) => panels.push(name),
            other => {
                let message = format!("a panel is named by a text; this gives {}", kind_of(&other));
                return Err(at("chart")(chart.panels.failed(message)));
            }
        }
    }
    let last = chart.last.eval(scope).map_err(at("chart"))?;
    let seconds = last.as_u64().filter(|it| LASTS.contains(it)).ok_or_else(|| {
        let message = "the time of a chart is whole seconds, from a minute to 31 days".to_owned();
        at("chart")(chart.last.failed(message))
    })?;
    Ok(ComposedChart {
        panels,
        last: Duration::from_secs(seconds),
    })
}

fn composed_offer(offer: &Offer, scope: &Scope) -> Result<Option<ComposedOffer>, ComposeError> {
    let place = format!("offer of `{}`", offer.runbook);
    if let Some(when) = &offer.when
        && !when.test(scope).map_err(at(&place))?
    {
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for (name, expression) in &offer.with {
        let value = expression.eval(scope).map_err(at(&place))?;
        let text = match &value {
            Value::Array(items) => items
                .iter()
                .map(|item| word(item).map(|it| quoted(&it)))
                .collect::<Option<Vec<_>>>()
                .map(|it| it.join(",")),
            one => word(one),
        };
        let text = text.ok_or_else(|| {
            at(&place)(expression.failed(format!(
                "an input is text, a number or a list of them; this gives {}",
                kind_of(&value)
            )))
        })?;
        inputs.push((name.clone(), text));
    }
    Ok(Some(ComposedOffer {
        runbook: offer.runbook.clone(),
        label: offer.label.render(scope).map_err(at(&place))?,
        inputs,
    }))
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(it) => Some(if *it { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
