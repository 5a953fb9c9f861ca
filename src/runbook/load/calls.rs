//! Calls: an action, the connection it is made on, and its arguments. Which arguments are written in the file and which
//! are computed is told by the action.

use super::Known;
use super::sheet::{Section, Sheet, as_integer, as_text};
use crate::nearest::way_out;
use crate::runbook::action::{ActionSpec, ArgumentKind, ArgumentSpec, Effect};
use crate::runbook::duration;
use crate::runbook::expression::{Expression, Names};
use crate::runbook::path::PathTemplate;
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
            sheet.problem(on.span.start, no_connection(known, on.value, action));
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

/// The same of a connection: another one is meant only if it is of the kind that the action needs.
fn no_connection(known: &Known, name: &str, action: Option<&ActionSpec>) -> String {
    let Some(kind) = action.map(|action| action.integration) else {
        return unknown("connection", name, known.connections.keys().map(String::as_str));
    };
    let fit = known.connections.iter().filter(|(_, it)| *it == kind);
    let fit: Vec<&str> = fit.map(|(name, _)| name.as_str()).collect();
    if fit.is_empty() {
        format!("there is no connection `{name}`; give the config a [connection.{name}] of kind {kind}")
    } else {
        format!("there is no connection `{name}` of kind {kind}; {}", way_out(name, fit))
    }
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
    if let Some(with) = &with {
        unfilled(with, sheet, action, &arguments);
    }
    arguments
}

/// A path and what fills it must name the same segments.
fn unfilled(with: &Section<'_>, sheet: &mut Sheet<'_>, action: &ActionSpec, arguments: &BTreeMap<String, Argument>) {
    for spec in action.arguments {
        let ArgumentKind::FixedPath { filled_by } = spec.kind else {
            continue;
        };
        let Some(Argument::Fixed(Value::String(path))) = arguments.get(spec.name) else {
            continue;
        };
        let Ok(path) = PathTemplate::parse(path) else {
            continue;
        };
        let given = match arguments.get(filled_by) {
            Some(Argument::Fields(fields)) => fields.keys().map(String::as_str).collect(),
            // What cannot be read has been told already.
            None if !with.has(filled_by) => Vec::new(),
            _ => continue,
        };
        for name in path.names().filter(|name| !given.contains(name)) {
            let message = format!(
                "`{filled_by}` must give `{name}`, for `{{{name}}}` stands in `{}`",
                spec.name
            );
            sheet.problem(with.place(spec.name), message);
        }
        for name in given.iter().filter(|name| !path.names().any(|it| it == **name)) {
            let message = format!(
                "`{filled_by}` gives `{name}`, and no `{{{name}}}` stands in `{}`",
                spec.name
            );
            sheet.problem(with.place(filled_by), message);
        }
    }
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
        ArgumentKind::FixedWord(words) => match as_text(value) {
            Some(text) if words.contains(&text.value) => Ok(Argument::Fixed(Value::from(text.value))),
            _ => Err(Some(format!(
                "`{name}` is one of the words \"{}\"",
                words.join("\", \"")
            ))),
        },
        ArgumentKind::FixedPath { .. } => {
            let text = as_text(value)
                .ok_or_else(|| Some(format!("`{name}` is a path written here, such as \"/api/items/\"")))?;
            PathTemplate::parse(text.value).map_err(|problem| Some(format!("`{name}` {problem}")))?;
            Ok(Argument::Fixed(Value::from(text.value)))
        }
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
        ArgumentKind::Fields => {
            let wrong = || format!("`{name}` is a table of expressions, each in quotes");
            let fields = value.get_ref().as_table().ok_or_else(|| Some(wrong()))?;
            let fields = fields
                .iter()
                .map(|(key, item)| Ok((key.get_ref().to_string(), computed(item, sheet, names)?)))
                .collect::<Vec<_>>();
            let fields = fields.into_iter().collect::<Result<BTreeMap<_, _>, bool>>();
            fields.map(Argument::Fields).map_err(|told| (!told).then(wrong))
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
