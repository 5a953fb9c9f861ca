//! How the files in `config/panels/` become signals and panels. All problems are found at once.

mod page;
mod panel;

#[cfg(test)]
mod tests;

use super::field::Field;
use super::split::{By, Others};
use super::{Panels, Shape, Signal, Source};
use crate::call::Arguments;
use crate::problem::Problem;
use crate::runbook::Better;
use crate::runbook::action::{ActionSpec, ArgumentKind, Effect};
use crate::runbook::path::PathTemplate;
use crate::toml_file::is_rule_file;
use page::{Page, Section, nearest};
use panel::panel;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const TOP_KEYS: &[&str] = &["signal", "panel"];
const SIGNAL_KEYS: &[&str] = &[
    "help",
    "unit",
    "better",
    "shape",
    "absent_means",
    "caution",
    "promql",
    "by",
    "others",
    "use",
    "on",
    "with",
    "field",
    "history",
];

/// What the files may name: connections (name to kind) and actions.
struct Known<'k> {
    connections: &'k BTreeMap<String, String>,
    actions: &'k [&'static [ActionSpec]],
}

impl Panels {
    /// Reads every `*.toml` of a folder. `connections` gives the kind of each configured connection by its name. What
    /// is faulty is left out of the panels and told among the problems.
    pub fn load_folder(
        folder: &Path,
        connections: &BTreeMap<String, String>,
        actions: &[&'static [ActionSpec]],
    ) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let files = read_folder(folder, &mut problems);
        let (panels, found) = Self::load(&files, connections, actions);
        problems.extend(found);
        (panels, problems)
    }

    /// The same over files that were read already: paths with texts.
    pub fn load(
        files: &[(PathBuf, String)],
        connections: &BTreeMap<String, String>,
        actions: &[&'static [ActionSpec]],
    ) -> (Self, Vec<Problem>) {
        let known = Known { connections, actions };
        let mut broken = Vec::new();
        let mut problems = Vec::new();
        let mut pages = Vec::new();
        for (path, text) in files {
            let (document, errors) = DeTable::parse_recoverable(text);
            for error in errors {
                broken.push(Problem::at(
                    path,
                    text,
                    error.span().map_or(0, |span| span.start),
                    error.message(),
                ));
            }
            let mut page = Page {
                path,
                text,
                problems: &mut problems,
            };
            page.only_keys(document.get_ref(), TOP_KEYS, "a panels file");
            pages.push((path, text, document.into_inner()));
        }

        let mut panels = Self::default();
        let mut declared = BTreeMap::new();
        for (path, text, document) in &pages {
            let mut page = Page {
                path,
                text,
                problems: &mut problems,
            };
            for (name, section) in page.sections(document, "signal") {
                if page.first_of_its_name(name, "signal", &mut declared)
                    && let Some(signal) = signal(&mut page, name, section, &known)
                {
                    panels.signals.insert(signal.name.clone(), signal);
                }
            }
        }
        // A faulty signal is a problem once, not again wherever a panel names it.
        let signals: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
        let mut declared = BTreeMap::new();
        for (path, text, document) in &pages {
            let mut page = Page {
                path,
                text,
                problems: &mut problems,
            };
            for (name, section) in page.sections(document, "panel") {
                if page.first_of_its_name(name, "panel", &mut declared)
                    && let Some(panel) = panel(&mut page, name, section, &signals)
                {
                    panels.panels.insert(panel.name.clone(), panel);
                }
            }
        }
        // What recovery made of a broken line is not what its writer meant.
        problems.retain(|problem| {
            !broken
                .iter()
                .any(|it| (&it.path, it.line) == (&problem.path, problem.line))
        });
        problems.extend(broken);
        problems.sort();
        (panels, problems)
    }
}

fn read_folder(folder: &Path, problems: &mut Vec<Problem>) -> Vec<(PathBuf, String)> {
    let paths: Result<Vec<PathBuf>, _> =
        std::fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    let mut paths = match paths {
        Ok(paths) => paths,
        Err(error) => {
            problems.push(Problem::whole(
                folder,
                format!("the panels folder cannot be read: {error}"),
            ));
            return Vec::new();
        }
    };
    paths.retain(|path| is_rule_file(path));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path, text)),
            Err(error) => problems.push(Problem::whole(path, format!("this file cannot be read: {error}"))),
        }
    }
    files
}

fn signal(page: &mut Page, name: &Spanned<toml::de::DeString>, table: Section, known: &Known) -> Option<Signal> {
    page.only_keys(table, SIGNAL_KEYS, "a signal");
    let at = name.span().start;
    let help = page.required_text(table, "help", at);
    let unit = page.required_text(table, "unit", at);
    let better = page.one_of(table, "better", &[("lower", Better::Lower), ("higher", Better::Higher)]);
    let shape = page.one_of(table, "shape", &[("gauge", Shape::Gauge), ("counter", Shape::Counter)]);
    let absent_means = page.text(table, "absent_means");
    let caution = page.text(table, "caution");
    let call = match (table.get("promql"), table.get("use")) {
        (Some(_), None) => by_promql(page, table, at, known),
        (None, Some(_)) => by_call(page, table, at, known),
        (Some(second), Some(_)) => {
            page.problem(
                second.span().start,
                "a signal has one source: either `promql`, or `use` with `field`",
            );
            None
        }
        (None, None) => {
            page.problem(at, "a signal needs a source: `promql`, or `use` with `field`, and `on`");
            None
        }
    };
    let call = call?;
    Some(Signal {
        name: name.get_ref().to_string(),
        help: help?.into_inner(),
        unit: unit?.into_inner(),
        better: better?,
        shape: shape?.unwrap_or(Shape::Gauge),
        absent_means: absent_means?.map(Spanned::into_inner),
        caution: caution?.map(Spanned::into_inner),
        action: call.action,
        on: call.on,
        with: call.with,
        source: call.source,
    })
}

/// The part of a signal that says what is called and how its answer is read.
struct SignalCall {
    action: &'static ActionSpec,
    on: String,
    with: Arguments,
    source: Source,
}

fn by_promql(page: &mut Page, table: Section, at: usize, known: &Known) -> Option<SignalCall> {
    for key in ["with", "field", "history"] {
        if let Some(value) = table.get(key) {
            page.problem(
                value.span().start,
                format!("`{key}` belongs to a signal with `use`; this one has `promql`"),
            );
        }
    }
    let promql = page.required_text(table, "promql", at);
    let action = known
        .actions
        .iter()
        .copied()
        .flatten()
        .find(|it| it.integration == "prometheus" && it.name == "instant");
    if action.is_none() {
        page.problem(at, "no integration here can ask Prometheus");
    }
    let on = page
        .required_text(table, "on", at)
        .and_then(|on| known.connection(page, &on, "prometheus"));
    let by = by(page, table);
    let (promql, action, on, by) = (promql?.into_inner(), action?, on?, by?);
    let with = Arguments::from_iter([("query".to_owned(), promql.clone().into())]);
    Some(SignalCall {
        action,
        on,
        with,
        source: Source::Prometheus { promql, by },
    })
}

/// What tells the series of a query apart. `None` says that a problem was found.
#[allow(clippy::option_option, reason = "no label and a mistake are two things")]
fn by(page: &mut Page, table: Section) -> Option<Option<By>> {
    let label = page.text(table, "by");
    let others = page.one_of(table, "others", &[("sum", Others::Sum), ("highest", Others::Highest)]);
    let (label, others) = (label?, others?);
    let Some(label) = label else {
        if let Some(value) = table.get("others") {
            page.problem(
                value.span().start,
                "`others` says what becomes of many series; name their label with `by`",
            );
            return None;
        }
        return Some(None);
    };
    if !is_label(label.get_ref()) {
        page.problem(
            label.span().start,
            format!("`{}` is not the name of a label, such as `view`", label.get_ref()),
        );
        return None;
    }
    if table.get("better").is_some() || table.get("shape").is_some() {
        page.problem(
            label.span().start,
            "a signal with `by` is several numbers and proves nothing: leave `better` and `shape` out",
        );
        return None;
    }
    Some(Some(By {
        label: label.into_inner(),
        others: others.unwrap_or(Others::Sum),
    }))
}

/// As Prometheus names labels.
fn is_label(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn by_call(page: &mut Page, table: Section, at: usize, known: &Known) -> Option<SignalCall> {
    for key in ["by", "others"] {
        if let Some(value) = table.get(key) {
            page.problem(
                value.span().start,
                format!("`{key}` belongs to a signal with `promql`; what is measured by `use` is one number"),
            );
        }
    }
    let action = page
        .required_text(table, "use", at)
        .and_then(|name| known.action(page, &name));
    let field = page
        .required_text(table, "field", at)
        .and_then(|text| field(page, &text, action));
    let history = known.history(page, table);
    let on = page.required_text(table, "on", at);
    let action = action?;
    let on = on.and_then(|on| known.connection(page, &on, action.integration));
    let with = with(page, table.get("with"), at, action);
    Some(SignalCall {
        action,
        on: on?,
        with: with?,
        source: Source::Measured {
            field: field?,
            history: history?,
        },
    })
}

fn field(page: &mut Page, text: &Spanned<String>, action: Option<&ActionSpec>) -> Option<Field> {
    let at = text.span().start;
    let field: Field = text
        .get_ref()
        .parse()
        .map_err(|error| page.problem(at, format!("{error}")))
        .ok()?;
    let action = action?;
    let gives = action.gives.iter().map(|(name, _)| *name);
    if gives.clone().any(|name| name == field.first()) {
        return Some(field);
    }
    let hint = nearest(field.first(), gives);
    page.problem(
        at,
        format!(
            "`{}.{}` gives no `{}`{hint}",
            action.integration,
            action.name,
            field.first()
        ),
    );
    None
}

/// The arguments, each of its kind. A signal has no inputs, so where a runbook could compute a value it is written here.
fn with(page: &mut Page, value: Option<&Spanned<DeValue>>, at: usize, action: &ActionSpec) -> Option<Arguments> {
    let empty = DeTable::new();
    let table = match value.map(Spanned::get_ref) {
        None => &empty,
        Some(DeValue::Table(table)) => table,
        Some(other) => {
            let at = value.map_or(at, |value| value.span().start);
            page.problem(
                at,
                format!("`with` is {} and must be a table of arguments", page::kind(other)),
            );
            return None;
        }
    };
    let names: Vec<&str> = action.arguments.iter().map(|argument| argument.name).collect();
    let mut sound = page.only_keys(table, &names, &format!("`{}.{}`", action.integration, action.name));
    let mut arguments = Arguments::new();
    for argument in action.arguments {
        let Some(value) = table.get(argument.name) else {
            if argument.required {
                let at = value.map_or(at, |value| value.span().start);
                page.problem(at, format!("`with` lacks `{}`: {}", argument.name, argument.help));
                sound = false;
            }
            continue;
        };
        let start = value.span().start;
        let name = argument.name;
        match (argument.kind, page::json(value.get_ref())) {
            (ArgumentKind::FixedText, Ok(text @ serde_json::Value::String(_)))
            | (ArgumentKind::Values, Ok(text @ serde_json::Value::Array(_)))
            | (ArgumentKind::Fields, Ok(text @ serde_json::Value::Object(_)))
            | (ArgumentKind::Value, Ok(text)) => {
                arguments.insert(name.to_owned(), text);
            }
            (ArgumentKind::FixedWord(words), Ok(serde_json::Value::String(word))) if words.contains(&word.as_str()) => {
                arguments.insert(name.to_owned(), word.into());
            }
            (ArgumentKind::FixedPath { .. }, Ok(serde_json::Value::String(path))) => match PathTemplate::parse(&path) {
                Ok(_) => {
                    arguments.insert(name.to_owned(), path.into());
                }
                Err(problem) => {
                    page.problem(start, format!("`{name}` {problem}"));
                    sound = false;
                }
            },
            (ArgumentKind::FixedInteger, Ok(number)) if number.is_i64() => {
                arguments.insert(name.to_owned(), number);
            }
            (ArgumentKind::FixedDuration, Ok(serde_json::Value::String(text))) => match page::seconds(&text) {
                Ok(seconds) => {
                    arguments.insert(name.to_owned(), seconds.into());
                }
                Err(message) => {
                    page.problem(start, message);
                    sound = false;
                }
            },
            (_, Err(message)) => {
                page.problem(start, message);
                sound = false;
            }
            (kind, Ok(_)) => {
                page.problem(
                    start,
                    format!(
                        "`{name}` is {} and must be {}",
                        page::kind(value.get_ref()),
                        wanted(kind)
                    ),
                );
                sound = false;
            }
        }
    }
    sound.then_some(arguments)
}

fn wanted(kind: ArgumentKind) -> &'static str {
    match kind {
        ArgumentKind::FixedText => "text",
        ArgumentKind::FixedDuration => "a duration such as \"5m\"",
        ArgumentKind::FixedInteger => "a whole number",
        ArgumentKind::FixedWord(_) => "one of the words that the action takes",
        ArgumentKind::FixedPath { .. } => "a path such as \"/api/items/\"",
        ArgumentKind::Fields => "a table",
        ArgumentKind::Value => "a value",
        ArgumentKind::Values => "a list",
    }
}

impl Known<'_> {
    /// The connection, if there is one of that kind.
    fn connection(&self, page: &mut Page, name: &Spanned<String>, kind: &str) -> Option<String> {
        let at = name.span().start;
        let name = name.get_ref();
        match self.connections.get(name) {
            Some(found) if found == kind => Some(name.clone()),
            Some(found) => {
                page.problem(
                    at,
                    format!("connection `{name}` is of kind {found}; this needs one of kind {kind}"),
                );
                None
            }
            None => {
                let fitting = self
                    .connections
                    .iter()
                    .filter(|(_, found)| *found == kind)
                    .map(|(name, _)| name.as_str());
                let mut hint = nearest(name, fitting);
                if hint.is_empty() {
                    hint = format!("; add [connection.{name}] to the config");
                }
                page.problem(at, format!("no connection is called `{name}`{hint}"));
                None
            }
        }
    }

    /// The action, if it only reads: a signal is measured again and again.
    fn action(&self, page: &mut Page, name: &Spanned<String>) -> Option<&'static ActionSpec> {
        let at = name.span().start;
        let name = name.get_ref();
        let mut all = self.actions.iter().copied().flatten();
        let Some(action) = all.find(|it| name.split_once('.') == Some((it.integration, it.name))) else {
            let names: Vec<String> = self
                .actions
                .iter()
                .copied()
                .flatten()
                .map(|it| format!("{}.{}", it.integration, it.name))
                .collect();
            let hint = nearest(name, names.iter().map(String::as_str));
            page.problem(at, format!("no action is called `{name}`{hint}"));
            return None;
        };
        if action.effect != Effect::Read {
            page.problem(
                at,
                format!("`{name}` changes things; a signal is measured again and again, so it only reads"),
            );
            return None;
        }
        Some(action)
    }

    /// The Prometheus connection that keeps what the bot measures: the one that is named, else the only one.
    /// `None` says that a problem was found.
    #[allow(clippy::option_option, reason = "no history and a mistake are two things")]
    fn history(&self, page: &mut Page, table: Section) -> Option<Option<String>> {
        if let Some(named) = page.text(table, "history")? {
            return self.connection(page, &named, "prometheus").map(Some);
        }
        let mut servers = self
            .connections
            .iter()
            .filter(|(_, kind)| *kind == "prometheus")
            .map(|(name, _)| name);
        match (servers.next(), servers.next()) {
            (only, None) => Some(only.cloned()),
            (Some(first), Some(second)) => {
                let at = table.get("use").map_or(0, |value| value.span().start);
                page.problem(
                    at,
                    format!("say with `history` which Prometheus scrapes Signalbox: `{first}`, `{second}` or another"),
                );
                None
            }
            (None, Some(_)) => Some(None),
        }
    }
}
