//! `[[input]]`.

use super::sheet::{Section, Sheet, as_integer, as_text};
use super::{Known, calls};
use crate::runbook::duration;
use crate::runbook::expression::{Expression, Names, Shape};
use crate::runbook::input::decimal::Decimal;
use crate::runbook::input::{Bounds, InputKind, InputSpec, Pattern, Suggest};
use serde_json::Value;
use std::time::Duration;

pub(super) const KEYS: &[&str] = &[
    "name",
    "kind",
    "required",
    "default",
    "min",
    "max",
    "pattern",
    "many",
    "max_items",
    "choices",
    "help",
    "suggest",
];
pub(super) const SUGGEST_KEYS: &[&str] = &["use", "on", "with", "value", "label"];
pub(super) const KINDS: &[&str] = &[
    "text", "integer", "decimal", "boolean", "duration", "choice", "row", "panel",
];
const MAX_TEXT: usize = 200;
const MAX_ITEMS: usize = 50;

/// The inputs, and the names of all: each use of one that is otherwise wrong would be told as a mistake of its own.
pub(super) fn inputs(top: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known) -> (Vec<InputSpec>, Vec<String>) {
    let mut inputs: Vec<InputSpec> = Vec::new();
    let mut names = Vec::new();
    for section in top.sections(sheet, "input", KEYS) {
        let name = name(&section, sheet);
        let kind = kind(&section, sheet, known);
        names.extend(name.clone());
        let (Some(name), Some(kind)) = (name, kind) else {
            continue;
        };
        if inputs.iter().any(|it| it.name == name) {
            sheet.problem(
                section.place("name"),
                format!("there is another input `{name}`: give one of them another name"),
            );
        }
        if name == "dry" {
            sheet.problem(
                section.place("name"),
                "`dry` as the last word asks for a dry run; call the input something else",
            );
        }
        let has_default = section.has("default");
        let required = section.boolean(sheet, "required").unwrap_or(!has_default);
        if required && has_default {
            sheet.problem(
                section.place("default"),
                "an input is required or has a default, not both",
            );
        }
        if required && inputs.iter().any(|it| !it.required) {
            sheet.problem(
                section.at,
                format!(
                    "the required input `{name}` stands before the optional ones: the order here is the order in chat"
                ),
            );
        }
        let many = section.boolean(sheet, "many").unwrap_or(false);
        if section.has("max_items") && !many {
            sheet.problem(section.place("max_items"), "`max_items` goes with many = true");
        }
        let mut input = InputSpec {
            name,
            kind,
            required,
            default: None,
            many,
            max_items: section.count(sheet, "max_items", 1..=1000).unwrap_or(MAX_ITEMS),
            help: section.text(sheet, "help").map(|it| it.value.to_owned()),
            suggest: suggest(&section, sheet, known),
        };
        if matches!(input.kind, InputKind::Row) && !section.has("suggest") {
            sheet.missing(&section, "suggest");
        }
        input.default = default(&section, sheet, &input);
        inputs.push(input);
    }
    (inputs, names)
}

/// The `name` of a table, fit to stand behind a dot in expressions.
pub(super) fn name(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Option<String> {
    let text = section.required(sheet, "name")?;
    let fits = text.value.len() <= 32
        && text.value.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .value
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
        && Expression::parse(&format!("inputs.{}", text.value)).is_ok();
    if !fits {
        sheet.problem(
            text.span.start,
            "a name is a small letter, then at most 31 small letters, digits and underscores, and no word of CEL",
        );
        return None;
    }
    Some(text.value.to_owned())
}

fn kind(section: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known) -> Option<InputKind> {
    let text = section.required(sheet, "kind")?;
    let allowed: &[&str] = match text.value {
        "text" => &["min", "max", "pattern"],
        "integer" | "decimal" | "duration" => &["min", "max"],
        "choice" => &["choices"],
        "boolean" | "row" | "panel" => &[],
        other => {
            sheet.problem(
                text.span.start,
                calls::unknown("kind of input", other, KINDS.iter().copied()),
            );
            return None;
        }
    };
    for key in ["min", "max", "pattern", "choices"] {
        if section.has(key) && !allowed.contains(&key) {
            sheet.problem(
                section.place(key),
                format!(
                    "an input of kind {} has no `{key}`: it may have {}",
                    text.value,
                    match allowed {
                        [] => "no limits".to_owned(),
                        keys => keys.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
                    }
                ),
            );
        }
    }
    Some(match text.value {
        "text" => {
            let length = bounds(section, sheet, "a whole number of characters", |value| {
                as_integer(value.get_ref())
                    .and_then(|it| usize::try_from(it).ok())
                    .filter(|it| *it <= 4000)
            });
            InputKind::Text {
                length: Bounds {
                    max: length.max.or(Some(MAX_TEXT)),
                    ..length
                },
                pattern: pattern(section, sheet),
            }
        }
        "integer" => InputKind::Integer(bounds(section, sheet, "a whole number", |value| {
            as_integer(value.get_ref())
        })),
        "decimal" => InputKind::Decimal(bounds(
            section,
            sheet,
            "a decimal number in quotes, such as \"84.50\"",
            |value| Decimal::parse(as_text(value)?.value).ok(),
        )),
        "duration" => InputKind::Duration(bounds(
            section,
            sheet,
            "a duration in quotes, such as \"15m\"",
            |value| -> Option<Duration> { duration::parse(as_text(value)?.value).ok() },
        )),
        "boolean" => InputKind::Boolean,
        "row" => InputKind::Row,
        "panel" => InputKind::Panel(known.panels.as_ref().map(|names| names.iter().cloned().collect())),
        _ => {
            let choices = section.texts(sheet, "choices").unwrap_or_default();
            if choices.is_empty() {
                sheet.missing(section, "choices");
            }
            InputKind::Choice(choices.into_iter().map(|it| it.value.to_owned()).collect())
        }
    })
}

fn bounds<T: PartialOrd>(
    section: &Section<'_>,
    sheet: &mut Sheet<'_>,
    what: &str,
    read: impl Fn(&toml::Spanned<toml::de::DeValue<'_>>) -> Option<T>,
) -> Bounds<T> {
    let mut one = |key: &str| {
        let value = section.value(key)?;
        let bound = read(value);
        if bound.is_none() {
            sheet.problem(value.span().start, format!("`{key}` is {what}"));
        }
        bound
    };
    let (min, max) = (one("min"), one("max"));
    if let (Some(min), Some(max)) = (&min, &max)
        && min > max
    {
        sheet.problem(section.place("min"), "`min` is greater than `max`: nothing fits");
    }
    Bounds { min, max }
}

fn pattern(section: &Section<'_>, sheet: &mut Sheet<'_>) -> Option<Pattern> {
    let text = section.text(sheet, "pattern")?;
    Pattern::parse(text.value)
        .map_err(|message| sheet.problem(text.span.start, format!("`pattern`: {message}")))
        .ok()
}

/// A default is written as it would be typed, or as a plain number or truth value.
fn default(section: &Section<'_>, sheet: &mut Sheet<'_>, input: &InputSpec) -> Option<Value> {
    let value = section.value("default")?;
    let typed = match value.get_ref() {
        toml::de::DeValue::String(it) => Some(it.to_string()),
        toml::de::DeValue::Boolean(it) => Some(if *it { "yes" } else { "no" }.to_owned()),
        other => as_integer(other).map(|it| it.to_string()),
    };
    let Some(typed) = typed else {
        sheet.problem(
            value.span().start,
            "`default` is written as it would be typed, in quotes: default = \"10m\"",
        );
        return None;
    };
    match input.read_text(&typed) {
        Ok(value) => Some(value),
        Err(problems) => {
            for problem in problems {
                sheet.problem(value.span().start, format!("`default` does not fit: {problem}"));
            }
            None
        }
    }
}

fn suggest(section: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known) -> Option<Suggest> {
    let suggest = section.section(sheet, "suggest", SUGGEST_KEYS)?;
    let call = calls::read_call(&suggest, sheet, known, &Names::new().with("typed", Shape::Any));
    if let Some(action) = call.as_ref().map(|call| call.action)
        && !action.gives.iter().any(|(field, _)| *field == "rows")
    {
        let message = format!(
            "{}.{} gives no rows to pick from; postgres.query does",
            action.integration, action.name
        );
        sheet.problem(suggest.place("use"), message);
    }
    let value = suggest.required(sheet, "value")?.value.to_owned();
    let label = suggest
        .text(sheet, "label")
        .map_or_else(|| value.clone(), |it| it.value.to_owned());
    Some(Suggest {
        call: call?,
        value,
        label,
    })
}
