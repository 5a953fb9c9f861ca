//! `/runbooks`, and the form of one.

use super::page::{Guest, hidden};
use super::{said, shown};
use crate::report::form::{Field, FieldKind};
use maud::{Markup, html};

/// A runbook in the list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The slash command.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// `reads`, `writes` or `destroys`.
    pub effect: &'static str,
    /// Why the onlooker may not run it.
    pub why_not: Option<String>,
}

/// The list.
pub fn runbooks(entries: &[Entry], text: &str) -> Markup {
    let (others, mine): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.why_not.is_some());
    html! {
        main #main {
            h1 { "Runbooks" }
            form.filter method="get" action="/runbooks" role="search" {
                label { span { "Search" } input type="search" name="q" value=(text) maxlength="200" data-filter="#mine li"; }
                button { "Show" }
            }
            @if mine.is_empty() {
                p.empty { @if text.is_empty() { "There is nothing that you may run here." } @else { "No runbook fits." } }
            }
            ul #mine .runbooks {
                @for entry in mine {
                    li { a href={ "/runbooks/" (entry.name) } { "/" (shown(&entry.name)) }
                        span.effect { (entry.effect) } p { (shown(&entry.summary)) } }
                }
            }
            @if !others.is_empty() {
                h2 { "Not for you" }
                ul.runbooks {
                    @for entry in others {
                        li { span.name { "/" (shown(&entry.name)) } span.effect { (entry.effect) }
                            p { (shown(&entry.summary)) }
                            @if let Some(why) = &entry.why_not { p.why { (shown(why)) } } }
                    }
                }
            }
        }
    }
}

/// One input, as somebody has filled it in.
#[derive(Debug, Clone)]
pub struct Entered {
    /// What it takes.
    pub field: Field,
    /// As typed.
    pub value: String,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A runbook with its form.
#[derive(Debug)]
pub struct Form<'a> {
    /// The slash command.
    pub name: &'a str,
    /// One sentence.
    pub summary: &'a str,
    /// The heading of the written runbook.
    pub section: Option<&'a str>,
    /// `reads`, `writes` or `destroys`.
    pub effect: &'static str,
    /// The line for chat.
    pub usage: &'a str,
    /// In order.
    pub fields: &'a [Entered],
    /// What is wrong with none of the fields.
    pub problems: &'a [String],
}

/// The form.
pub fn form(form: &Form<'_>, guest: &Guest, nonce: &str) -> Markup {
    let wrong = form.problems.len() + form.fields.iter().map(|field| field.problems.len()).sum::<usize>();
    html! {
        main #main .narrow {
            p.crumb { a href="/runbooks" { "Runbooks" } " / /" (shown(form.name)) }
            h1 { "/" (shown(form.name)) }
            p.say { (shown(form.summary)) " " span.effect { "It " (form.effect) "." } }
            @if let Some(section) = form.section { p.hint { "Carries out the written runbook “" (shown(section)) "”." } }
            @if wrong > 0 {
                div.problem role="alert" {
                    p { "Nothing was done: " (wrong) @if wrong == 1 { " thing is" } @else { " things are" } " to be put right." }
                    @for problem in form.problems { p { (said(problem)) } }
                }
            }
            form.stack method="post" action={ "/runbooks/" (form.name) } {
                (hidden("csrf", &guest.csrf))
                (hidden("nonce", nonce))
                @for field in form.fields { (self::field(form.name, field)) }
                p.ways {
                    button name="do" value="plan" { "Show the plan" } " "
                    button.primary name="do" value="run" { "Run" }
                }
            }
            p.hint { "In chat: " code { "/" (shown(form.usage)) } }
        }
    }
}

fn field(runbook: &str, entered: &Entered) -> Markup {
    let Entered { field, value, problems } = entered;
    let many = field.many.is_some();
    let id = format!("in-{}", field.name);
    let (hint, error) = (format!("{id}-hint"), format!("{id}-error"));
    let described = match (field.help.is_some() || field.default.is_some(), problems.is_empty()) {
        (true, true) => Some(hint.clone()),
        (true, false) => Some(format!("{error} {hint}")),
        (false, false) => Some(error.clone()),
        (false, true) => None,
    };
    let invalid = (!problems.is_empty()).then_some("true");
    html! {
        div.field {
            label for=(id) { (shown(&field.name.replace('_', " "))) @if !field.required { span.hint { " (optional)" } } }
            @match &field.kind {
                FieldKind::Choice(choices) if !many => {
                    select #(id) name=(field.name) aria-describedby=[described] aria-invalid=[invalid] {
                        @if !field.required || value.is_empty() { option value="" { "choose" } }
                        @for choice in choices {
                            option value=(choice.value) selected[choice.value == *value] { (shown(&choice.label)) }
                        }
                    }
                }
                FieldKind::Boolean if !many => {
                    select #(id) name=(field.name) aria-describedby=[described] aria-invalid=[invalid] {
                        @if !field.required || value.is_empty() { option value="" { "choose" } }
                        @for choice in ["yes", "no"] { option value=(choice) selected[choice == value] { (choice) } }
                    }
                }
                FieldKind::Integer { min, max } if !many && !field.suggests => {
                    input #(id) name=(field.name) value=(value) type="number" step="1" min=[*min] max=[*max]
                        aria-describedby=[described] aria-invalid=[invalid];
                }
                kind => {
                    input #(id) name=(field.name) value=(value) autocomplete="off" spellcheck="false"
                        inputmode=[numeric(kind, many)] maxlength=[longest(kind)] aria-describedby=[described]
                        aria-invalid=[invalid] list=[field.suggests.then(|| format!("{id}-list"))]
                        data-suggest=[field.suggests.then(|| format!("/complete?runbook={runbook}&input={}&typed=", field.name))];
                    @if field.suggests {
                        datalist #{ (id) "-list" } {}
                        p.hint #{ (id) "-stale" } role="status" hidden {}
                    }
                }
            }
            @for (index, problem) in problems.iter().enumerate() {
                p.problem id=[(index == 0).then_some(&error)] { (said(problem)) }
            }
            @if field.help.is_some() || field.default.is_some() || many {
                p.hint #(hint) {
                    @if let Some(help) = &field.help { (shown(help)) ". " }
                    @if many { "Several are separated by commas. " }
                    @if let Some(default) = &field.default { "Without it: " code { (shown(default)) } "." }
                }
            }
        }
    }
}

fn numeric(kind: &FieldKind, many: bool) -> Option<&'static str> {
    match kind {
        FieldKind::Decimal if !many => Some("decimal"),
        _ => None,
    }
}

fn longest(kind: &FieldKind) -> Option<usize> {
    match kind {
        FieldKind::Text { longest, .. } => *longest,
        _ => None,
    }
}
