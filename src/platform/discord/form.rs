//! Forms of runbooks: a field for each input, or where there are more than a form has fields, one field with a line for
//! each. What was typed already stands in them.

use super::render::text::fit;
use super::{answer, press};
use crate::report::form::{Field, FieldKind, Form};
use serde_json::{Value, json};

/// The field that takes all inputs, a line each.
const LINES: &str = "inputs";

/// The field of one input is called like it, behind this.
const INPUT: &str = "in:";

/// Fields of a form, and the characters of what stands in and around them.
const FIELDS: usize = 5;
const LONGEST: usize = 4000;
const TITLE: usize = 45;
const LABEL: usize = 45;
const DESCRIPTION: usize = 100;

/// A line of text, and several.
const SHORT: u8 = 1;
const LONG: u8 = 2;

/// The form of a runbook, as an answer.
pub fn run(form: &Form, dry: bool) -> Value {
    let id = press::inputs_id(&form.runbook, dry);
    let title = fit(&format!("/{}", form.runbook), TITLE);
    let in_fields = (1..=FIELDS).contains(&form.fields.len());
    if in_fields {
        let fields: Vec<Value> = form.fields.iter().map(|field| input(form, field)).collect();
        return answer::form(&id, &title, &fields);
    }
    let wrong = form.flaws.first().map(|flaw| flaw.say.as_str());
    let description = fit(
        wrong.unwrap_or("name=value; leave empty what is not wanted."),
        DESCRIPTION,
    );
    let lines = form
        .fields
        .iter()
        .map(|field| format!("{}={}\n", field.name, field.given.join(",")));
    let written: String = lines.collect::<String>().chars().take(LONGEST).collect();
    let field = json!({
        "type": 18, "label": "Inputs, a line each", "description": description,
        "component": {
            "type": 4, "custom_id": LINES, "style": LONG, "max_length": LONGEST, "required": true, "value": written,
        },
    });
    answer::form(&id, &title, &[field])
}

fn input(form: &Form, field: &Field) -> Value {
    let mut text = json!({
        "type": 4, "custom_id": format!("{INPUT}{}", field.name), "style": SHORT, "max_length": LONGEST,
        "required": field.required,
    });
    if let FieldKind::Text { longest, .. } = field.kind
        && field.many.is_none()
    {
        let most = longest.unwrap_or(LONGEST).clamp(1, LONGEST);
        text["max_length"] = most.into();
        // What is longer than a line is seen whole.
        if most > 200 {
            text["style"] = LONG.into();
        }
    }
    let given = field.given.join(",");
    let most = text["max_length"].as_u64().map_or(LONGEST, |most| most as usize);
    if (1..=most).contains(&given.chars().count()) {
        text["value"] = given.into();
    }
    let mut shown = json!({"type": 18, "label": fit(&field.name.replace('_', " "), LABEL), "component": text});
    let words = form.flaw(field).map(str::to_owned).or_else(|| field.hint());
    if let Some(words) = words {
        shown["description"] = fit(&words, DESCRIPTION).into();
    }
    shown
}

/// What was filled in, by the inputs' names. A line without a name is an input of that name, which there is none of: so it
/// is told. None where it is no form of a runbook's.
pub(super) fn filled(data: &Value) -> Option<Vec<(String, String)>> {
    let mut given = Vec::new();
    let mut is_ours = false;
    for field in fields(data) {
        let (id, value) = (
            field["custom_id"].as_str()?,
            field["value"].as_str().unwrap_or_default(),
        );
        if id == LINES {
            is_ours = true;
            given.extend(lines(value));
        } else if let Some(name) = id.strip_prefix(INPUT) {
            is_ours = true;
            given.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    is_ours.then_some(given)
}

/// The field of this id in a form that was sent.
pub(super) fn field<'d>(data: &'d Value, id: &str) -> Option<&'d str> {
    fields(data).find(|field| field["custom_id"] == id)?["value"].as_str()
}

/// In a row as forms once were made, or in a label.
fn fields(data: &Value) -> impl Iterator<Item = &Value> {
    let parts = data["components"].as_array().into_iter().flatten();
    parts.flat_map(|part| {
        let inner = part["components"].as_array().into_iter().flatten();
        inner.chain(part.get("component"))
    })
}

fn lines(text: &str) -> impl Iterator<Item = (String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    })
}
