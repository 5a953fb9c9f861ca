//! Calls: an action, the connection it is made on, and its arguments. Which arguments are written in the file and which
//! are computed is told by the action.

use super::Known;
use super::sheet::{Section, Sheet, as_integer, as_text};
use crate::nearest::way_out;
use crate::runbook::action::{ActionSpec, ArgumentKind, ArgumentSpec, Effect};
use crate::runbook::duration;
use crate::runbook::expression::{Expression, Names};
use crate::runbook::{Argument, Call};
use serde_json::Value;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeValue;

/// A call that must only read.
pub(super) fn read_call(section: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known, names: &Names) -> Option<Call> {
    let call = call(section, sheet, known, names)?;
    if call.action.effect > Effect::Read {
        let message = format!(
            "{} only reads, and {}.{} writes: take an action that reads, or make it a [[step]]",
            section.title, call.action.integration, call.action.name
        );
        sheet.problem(section.place("use"), message);
        return None;
    }
    Some(call)
}

/// A call of any effect.
pub(super) fn call(section: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known, names: &Names) -> Option<Call> {
    let used = section.required(sheet, "use");
    let on = section.required(sheet, "on");
    let action = used.and_then(|used| {
        let action = find(known, used.value);
        if action.is_none() {
            let all = actions(known)
                .map(|it| format!("{}.{}", it.integration, it.name))
                .collect::<Vec<_>>();
            sheet.problem(
                used.span.start,
                unknown("action", used.value, all.iter().map(String::as_str)),
            );
        }
        action
    });
    let on = on.filter(|on| match known.connections.get(on.value) {
        None => {
            sheet.problem(
                on.span.start,
                unknown("connection", on.value, known.connections.keys().map(String::as_str)),
            );
            false
        }
        Some(kind) => match action.filter(|it| it.integration != kind) {
            Some(action) => {
                let message = format!(
                    "`{}` is a connection of kind {kind}; {}.{} needs one of kind {}",
                    on.value, action.integration, action.name, action.integration
                );
                sheet.problem(on.span.start, message);
                false
            }
            None => true,
        },
    });
    let action = action?;
    let with = arguments(section, sheet, action, names);
    Some(Call {
        action,
        on: on?.value.to_owned(),
        with,
    })
}

fn actions(known: &Known) -> impl Iterator<Item = &'static ActionSpec> {
    known.actions.iter().copied().flatten()
}

fn find(known: &Known, used: &str) -> Option<&'static ActionSpec> {
    let (integration, name) = used.split_once('.')?;
    actions(known).find(|it| it.integration == integration && it.name == name)
}

/// "There is no such thing", with what was likely meant.
pub(super) fn unknown<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    format!("there is no {what} `{word}`; {}", way_out(word, known))
}

fn arguments(
    section: &Section<'_>,
    sheet: &mut Sheet<'_>,
    action: &ActionSpec,
    names: &Names,
) -> BTreeMap<String, Argument> {
    let mut arguments = BTreeMap::new();
    let with = section.open_section(sheet, "with");
    let title = format!("{}.{}", action.integration, action.name);
    for (key, value) in with.iter().flat_map(Section::entries) {
        let Some(spec) = action.arguments.iter().find(|it| it.name == key.value) else {
            let message = unknown(
                &format!("argument of {title}"),
                key.value,
                action.arguments.iter().map(|it| it.name),
            );
            sheet.problem(key.span.start, message);
            continue;
        };
        match argument(spec, value, sheet, names) {
            Ok(argument) => drop(arguments.insert(spec.name.to_owned(), argument)),
            Err(Some(message)) => sheet.problem(value.span().start, message),
            Err(None) => {}
        }
    }
    for spec in action.arguments.iter().filter(|it| it.required) {
        if with.as_ref().is_none_or(|it| !it.has(spec.name)) {
            let place = with.as_ref().map_or(section.at, |it| it.at);
            sheet.problem(place, format!("{title} needs `{}` in `with`: {}", spec.name, spec.help));
        }
    }
    arguments
}

/// An error without a message has been told already.
fn argument(
    spec: &ArgumentSpec,
    value: &Spanned<DeValue<'_>>,
    sheet: &mut Sheet<'_>,
    names: &Names,
) -> Result<Argument, Option<String>> {
    let name = spec.name;
    match spec.kind {
        ArgumentKind::FixedText => match as_text(value) {
            Some(text) if !text.value.trim().is_empty() => Ok(Argument::Fixed(Value::from(text.value))),
            _ => Err(Some(format!("`{name}` is text written here; no value gets into it"))),
        },
        ArgumentKind::FixedDuration => {
            let text =
                as_text(value).ok_or_else(|| Some(format!("`{name}` is a duration written here, such as \"5m\"")))?;
            let duration = duration::parse(text.value).map_err(|problem| Some(format!("`{name}` is {problem}")))?;
            Ok(Argument::Fixed(Value::from(duration.as_secs())))
        }
        ArgumentKind::FixedInteger => as_integer(value.get_ref())
            .map(|it| Argument::Fixed(Value::from(it)))
            .ok_or_else(|| Some(format!("`{name}` is a whole number written here"))),
        ArgumentKind::Value => computed(value, sheet, names)
            .map(Argument::Value)
            .map_err(|told| (!told).then(|| format!("`{name}` is an expression in quotes"))),
        ArgumentKind::Values => {
            let wrong = || format!("`{name}` is a list of expressions, each in quotes");
            let items = value.get_ref().as_array().ok_or_else(|| Some(wrong()))?;
            let items = items
                .iter()
                .map(|item| computed(item, sheet, names))
                .collect::<Vec<_>>();
            let items = items.into_iter().collect::<Result<Vec<_>, bool>>();
            items.map(Argument::Values).map_err(|told| (!told).then(wrong))
        }
    }
}

/// An expression in quotes, or a plain number or truth value, which is one too. The error tells whether the problem was
/// told.
fn computed(value: &Spanned<DeValue<'_>>, sheet: &mut Sheet<'_>, names: &Names) -> Result<Expression, bool> {
    if let Some(text) = as_text(value) {
        return sheet.expression(&text, names).ok_or(true);
    }
    let literal = match value.get_ref() {
        DeValue::Boolean(it) => Some(it.to_string()),
        other => as_integer(other).map(|it| it.to_string()),
    };
    literal.and_then(|it| Expression::parse(&it).ok()).ok_or(false)
}
