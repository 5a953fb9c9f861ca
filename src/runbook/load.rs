//! From a file in `commands/` to a [`Runbook`]. A file is validated whole: all problems at once, each with its place.
//! The same code reads the text that a run has pinned.

mod calls;
mod chart;
mod examples;
mod inputs;
mod proof;
pub mod schema;
mod sheet;
mod steps;

use super::action::{ActionSpec, Effect};
use super::catalog::Catalog;
use super::example;
use super::expression::{Names, Shape};
use super::input::InputKind;
use super::money::is_currency;
use super::{Clause, Look, Offer, ResultTable, Runbook};
use crate::problem::Problem;
use crate::toml_file::is_rule_file;
use proof::proof;
use sha2::{Digest, Sha256};
use sheet::{Section, Sheet, as_text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use toml::de::DeTable;

const MAX_BYTES: usize = 256 * 1024;
/// Long enough for a step that waits for somebody to come back to work.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(24 * 3600);
const MAX_DEADLINE: Duration = Duration::from_secs(30 * 24 * 3600);

const KEYS: &[&str] = &[
    "summary",
    "section",
    "optional_connections",
    "input",
    "look",
    "refuse",
    "nothing",
    "warn",
    "lock",
    "radius",
    "step",
    "on_failure",
    "deadline",
    "proof",
    "result",
    "chart",
    "offer",
    "example",
];

const LOOK_KEYS: &[&str] = &["name", "use", "on", "with", "may_fail", "timeout"];
const CLAUSE_KEYS: &[&str] = &["when", "say"];
const LOCK_KEYS: &[&str] = &["keys", "shared"];
const PROOF_KEYS: &[&str] = &["signals", "panel", "soak"];
const SIGNAL_KEYS: &[&str] = &["signal", "better"];
const RESULT_KEYS: &[&str] = &["rows", "columns", "say"];
const CHART_KEYS: &[&str] = &["panels", "last"];
const OFFER_KEYS: &[&str] = &["runbook", "label", "when", "with"];

/// What a runbook may refer to.
#[derive(Debug, Clone)]
pub struct Known {
    /// Connections by name, with their kind.
    pub connections: BTreeMap<String, String>,
    /// Names of signals; none where any will do.
    pub signals: Option<BTreeSet<String>>,
    /// Names of signals that are several numbers, and so prove nothing.
    pub split: BTreeSet<String>,
    /// Names of panels; none where any will do.
    pub panels: Option<BTreeSet<String>>,
    /// Every action of every integration.
    pub actions: &'static [&'static [ActionSpec]],
}

impl Known {
    /// For the text that a run has pinned: what it proves itself by was there when it was planned, and may be gone.
    pub fn when_planned(&self) -> Self {
        Self {
            signals: None,
            panels: None,
            ..self.clone()
        }
    }

    /// Whether what a sound runbook names outside of itself is still there.
    fn has_all_of(&self, runbook: &Runbook) -> bool {
        let panels = self.panels.iter().flatten();
        runbook.proof.iter().all(|proof| {
            proof.signals.iter().all(|named| has(&self.signals, &named.signal))
                && proof.panel.iter().all(|panel| has(&self.panels, panel))
        }) && runbook.inputs.iter().all(|input| match &input.kind {
            // What can be picked is what there is now.
            InputKind::Panel(known) => known.iter().flatten().eq(panels.clone()),
            _ => true,
        })
    }
}

/// Reads all runbooks of a folder and runs their examples. What is sound is in the catalog, whatever else is wrong.
pub fn load_folder(folder: &Path, known: &Known) -> (Catalog, Vec<Problem>) {
    load_folder_again(folder, known, &Catalog::default())
}

/// The same where most files are as they were: `before` is a catalog without problems of the same connections, and a
/// runbook of it whose text has not changed is taken over with its examples passed.
pub fn load_folder_again(folder: &Path, known: &Known, before: &Catalog) -> (Catalog, Vec<Problem>) {
    let mut catalog = Catalog::default();
    let mut problems = Vec::new();
    let mut wrong = BTreeSet::new();
    let paths = match std::fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|it| it.path()))
            .collect::<Result<Vec<_>, _>>()
    }) {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) => {
            return (
                catalog,
                vec![Problem::whole(folder, format!("the folder cannot be read: {error}"))],
            );
        }
    };
    for path in paths.iter().filter(|path| is_rule_file(path)) {
        let Some(name) = path.file_stem().and_then(|it| it.to_str()) else {
            problems.push(Problem::whole(
                path,
                "the file's name is the slash command; it is not readable text",
            ));
            continue;
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem::whole(path, format!("the file cannot be read: {error}")));
                wrong.insert(name);
                continue;
            }
        };
        if let Some(unchanged) = before
            .read(name)
            .filter(|runbook| runbook.source == text && known.has_all_of(runbook))
        {
            catalog.keep(unchanged.clone());
            continue;
        }
        match load_text(name, path, &text, known) {
            Ok(runbook) => {
                problems.extend(example::check(&runbook, path));
                catalog.insert(runbook);
            }
            Err(found) => {
                problems.extend(found);
                wrong.insert(name);
            }
        }
    }
    problems.extend(offers_lead_somewhere(&catalog, &wrong, folder));
    problems.sort();
    (catalog, problems)
}

/// Reads one runbook. `path` is for the problems alone.
pub fn load_text(name: &str, path: &Path, text: &str, known: &Known) -> Result<Runbook, Vec<Problem>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Problem::whole(
            path,
            format!(
                "the file has {} bytes; {MAX_BYTES} are the most: make two runbooks of it",
                text.len()
            ),
        )]);
    }
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut sheet = Sheet::new(path, text, &errors);
    if !is_command(name) {
        sheet.problem(
            0,
            "the file's name is the slash command: a small letter, then at most 31 small letters, digits and hyphens",
        );
    }
    let top = Section::new(&mut sheet, tree.get_ref(), 0, "a runbook", KEYS);
    let runbook = runbook(name, text, &top, &mut sheet, known);
    match runbook {
        Some(runbook) if sheet.problems.is_empty() => Ok(runbook),
        _ => {
            let mut problems = sheet.problems;
            problems.sort();
            problems.dedup();
            Err(problems)
        }
    }
}

fn has(names: &Option<BTreeSet<String>>, name: &str) -> bool {
    names.as_ref().is_none_or(|all| all.contains(name))
}

/// Whether a name can be typed as a slash command on every platform.
pub fn is_command(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn runbook(name: &str, text: &str, top: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known) -> Option<Runbook> {
    let summary = top.required(sheet, "summary");
    let section = top.text(sheet, "section");
    let mut known = known.clone();
    let missing = missing(top, sheet, &mut known);
    let known = &known;
    let (inputs, named) = inputs::inputs(top, sheet, known);
    let declared = Shape::fields(named.iter().map(String::as_str));
    let names = Names::new().with("inputs", declared);
    let (looks, names) = looks(top, sheet, known, names);
    let names = names.with("person", Shape::Any);
    let refuse = clauses(top, sheet, "refuse", &names);
    let nothing = clauses(top, sheet, "nothing", &names);
    let warn = clauses(top, sheet, "warn", &names);
    let (locks, locks_shared) = locks(top, sheet, &names);
    let radius = radius(top, sheet, &names);
    let undo_on_failure = undo_on_failure(top, sheet);
    let deadline = deadline(top, sheet);
    let steps = steps::steps(top, sheet, known, &names);
    let proof = proof(top, sheet, known);
    let result = result(top, sheet, &names);
    let chart = chart::chart(top, sheet, &names);
    let offers = offers(top, sheet, &names);
    // What an example says of an input, a look or a step that could not be read cannot be checked.
    let readable =
        inputs.len() == top.length("input") && looks.len() == top.length("look") && steps.len() == top.length("step");
    let examples = if readable {
        examples::examples(top, sheet, &inputs, &looks, &steps)
    } else {
        Vec::new()
    };

    let effect_of = |step: &super::StepSpec| step.call.as_ref().map_or(Effect::Read, |call| call.action.effect);
    if steps.iter().any(|step| effect_of(step) > Effect::Read) && locks.is_empty() {
        sheet.problem(
            top.place("step"),
            "a runbook that writes needs a lock: [lock] keys = [\"...\"], so that two runs cannot do it at once",
        );
    }
    if undo_on_failure {
        for step in steps
            .iter()
            .filter(|step| effect_of(step) > Effect::Read && step.undo.is_none())
        {
            sheet.problem(
                top.place("on_failure"),
                format!(
                    "on_failure = \"undo\" needs an `undo` in each step that writes; `{}` has none",
                    step.name
                ),
            );
        }
    }
    if !sheet.is_torn && !["step", "result", "chart"].iter().any(|key| top.has(key)) {
        sheet.problem(
            0,
            "a runbook needs a [[step]] or, if it only reads, a [result] or a [chart]",
        );
    }
    Some(Runbook {
        name: name.to_owned(),
        source: text.to_owned(),
        hash: hex::encode(Sha256::digest(text)),
        summary: summary?.value.to_owned(),
        section: section.map(|it| it.value.to_owned()),
        missing,
        inputs,
        looks,
        refuse,
        nothing,
        warn,
        locks,
        locks_shared,
        radius,
        steps,
        undo_on_failure,
        deadline,
        proof,
        result,
        chart,
        offers,
        examples,
    })
}

/// The connections that an installation may lack, each with its kind. Those that are not configured are given back, and
/// are known from here on.
fn missing(top: &Section<'_>, sheet: &mut Sheet<'_>, known: &mut Known) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let optional = top.open_section(sheet, "optional_connections");
    for (name, value) in optional.iter().flat_map(Section::entries) {
        let kind = as_text(value);
        let kinds: BTreeSet<&str> = known
            .actions
            .iter()
            .copied()
            .flatten()
            .map(|it| it.integration)
            .collect();
        match kind.filter(|kind| kinds.contains(kind.value)) {
            Some(_) if known.connections.contains_key(name.value) => {}
            Some(kind) => {
                missing.insert(name.value.to_owned());
                known.connections.insert(name.value.to_owned(), kind.value.to_owned());
            }
            None => {
                let kinds: Vec<&str> = kinds.into_iter().collect();
                sheet.problem(
                    value.span().start,
                    format!(
                        "`{}` is a kind of connection in quotes: {}",
                        name.value,
                        kinds.join(", ")
                    ),
                );
            }
        }
    }
    missing
}

fn looks(top: &Section<'_>, sheet: &mut Sheet<'_>, known: &Known, names: Names) -> (Vec<Look>, Names) {
    let mut shapes = BTreeMap::new();
    let mut looks: Vec<Look> = Vec::new();
    let with = |shapes: &BTreeMap<String, Shape>| names.clone().with("looks", Shape::Fields(shapes.clone()));
    for section in top.sections(sheet, "look", LOOK_KEYS) {
        let name = inputs::name(&section, sheet);
        let call = calls::read_call(&section, sheet, known, &with(&shapes));
        let may_fail = section.boolean(sheet, "may_fail").unwrap_or(false);
        let timeout = section.duration(sheet, "timeout");
        if timeout.is_some_and(|it| it.is_zero() || it > Look::LONGEST) {
            sheet.problem(
                section.place("timeout"),
                format!("`timeout` is 1s to {}s", Look::LONGEST.as_secs()),
            );
        }
        let Some(name) = name else { continue };
        if looks.iter().any(|look| look.name == name) || shapes.contains_key(&name) {
            sheet.problem(
                section.place("name"),
                format!("there is another look `{name}`: give one of them another name"),
            );
        }
        // A look whose call is wrong is known all the same: its users have done nothing wrong.
        let shape = match &call {
            None => Shape::Any,
            Some(call) if may_fail => steps::answer(Some(call)),
            Some(call) => Shape::fields(call.action.gives.iter().map(|it| it.0)),
        };
        shapes.insert(name.clone(), shape);
        if let Some(call) = call {
            // What cannot be computed without the looks uses one.
            let waits = call.expressions().any(|it| !it.check(&names).is_empty());
            looks.push(Look {
                name,
                call,
                may_fail,
                timeout,
                waits,
            });
        }
    }
    let names = with(&shapes);
    (looks, names)
}

fn clauses(top: &Section<'_>, sheet: &mut Sheet<'_>, key: &str, names: &Names) -> Vec<Clause> {
    let mut clauses = Vec::new();
    for section in top.sections(sheet, key, CLAUSE_KEYS) {
        let when = section
            .required(sheet, "when")
            .and_then(|it| sheet.expression(&it, names));
        let say = section.required(sheet, "say").and_then(|it| sheet.sentence(&it, names));
        if let (Some(when), Some(say)) = (when, say) {
            clauses.push(Clause { when, say });
        }
    }
    clauses
}

fn locks(top: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> (Vec<super::expression::Expression>, bool) {
    let Some(section) = top.section(sheet, "lock", LOCK_KEYS) else {
        return (Vec::new(), false);
    };
    let keys = section.texts(sheet, "keys");
    if keys.as_ref().is_none_or(Vec::is_empty) {
        sheet.missing(&section, "keys");
    }
    let keys = keys
        .into_iter()
        .flatten()
        .filter_map(|it| sheet.expression(&it, names))
        .collect();
    (keys, section.boolean(sheet, "shared").unwrap_or(false))
}

fn radius(top: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> BTreeMap<String, super::expression::Expression> {
    let mut radius = BTreeMap::new();
    let Some(section) = top.open_section(sheet, "radius") else {
        return radius;
    };
    for (key, value) in section.entries() {
        if key.value == "money" {
            let Some(currencies) = section.open_section(sheet, "money") else {
                continue;
            };
            for (currency, value) in currencies.entries() {
                if !is_currency(currency.value) {
                    sheet.problem(
                        currency.span.start,
                        "money is named by its currency, three capital letters: money.USD",
                    );
                }
                if let Some(expression) = radius_value(sheet, value, names) {
                    radius.insert(format!("money.{}", currency.value), expression);
                }
            }
        } else if let Some(expression) = radius_value(sheet, value, names) {
            radius.insert(key.value.to_owned(), expression);
        }
    }
    radius
}

fn radius_value(
    sheet: &mut Sheet<'_>,
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    names: &Names,
) -> Option<super::expression::Expression> {
    let text = as_text(value);
    if text.is_none() {
        sheet.problem(
            value.span().start,
            "a radius is an expression in quotes that gives a whole number",
        );
    }
    sheet.expression(&text?, names)
}

fn undo_on_failure(top: &Section<'_>, sheet: &mut Sheet<'_>) -> bool {
    match top.text(sheet, "on_failure") {
        None => false,
        Some(it) if it.value == "undo" => true,
        Some(it) if it.value == "stop" => false,
        Some(it) => {
            sheet.problem(
                it.span.start,
                "`on_failure` is \"stop\" (offer the undo) or \"undo\" (do it)",
            );
            false
        }
    }
}

fn deadline(top: &Section<'_>, sheet: &mut Sheet<'_>) -> Duration {
    let Some(deadline) = top.duration(sheet, "deadline") else {
        return DEFAULT_DEADLINE;
    };
    if deadline.is_zero() || deadline > MAX_DEADLINE {
        sheet.problem(
            top.place("deadline"),
            "`deadline` is 1s to 30d: after it no further step is begun",
        );
    }
    deadline
}

fn result(top: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> Option<ResultTable> {
    let section = top.section(sheet, "result", RESULT_KEYS)?;
    let rows = section
        .required(sheet, "rows")
        .and_then(|it| sheet.expression(&it, names));
    let with_rows = names.clone().with("rows", Shape::Any);
    let say = section
        .required(sheet, "say")
        .and_then(|it| sheet.sentence(&it, &with_rows));
    let columns = section.texts(sheet, "columns");
    if columns.as_ref().is_none_or(Vec::is_empty) {
        sheet.missing(&section, "columns");
    }
    let columns = columns?.into_iter().map(|it| it.value.to_owned()).collect();
    Some(ResultTable {
        rows: rows?,
        columns,
        say: say?,
    })
}

fn offers(top: &Section<'_>, sheet: &mut Sheet<'_>, names: &Names) -> Vec<Offer> {
    let mut offers = Vec::new();
    for section in top.sections(sheet, "offer", OFFER_KEYS) {
        let runbook = section.required(sheet, "runbook");
        let label = section
            .required(sheet, "label")
            .and_then(|it| sheet.sentence(&it, names));
        let when = section.text(sheet, "when").and_then(|it| sheet.expression(&it, names));
        let mut with = BTreeMap::new();
        for (name, value) in section.open_section(sheet, "with").iter().flat_map(Section::entries) {
            match as_text(value) {
                Some(text) => with.extend(sheet.expression(&text, names).map(|it| (name.value.to_owned(), it))),
                None => sheet.problem(
                    value.span().start,
                    format!("`{}` is an expression in quotes", name.value),
                ),
            }
        }
        if let (Some(runbook), Some(label)) = (runbook, label) {
            offers.push(Offer {
                runbook: runbook.value.to_owned(),
                label,
                when,
                with,
            });
        }
    }
    offers
}

/// An offer names a runbook of the same folder and inputs that it has. Of a file that is `wrong` its own problems are told.
fn offers_lead_somewhere(catalog: &Catalog, wrong: &BTreeSet<&str>, folder: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for runbook in catalog.runbooks() {
        let path = folder.join(format!("{}.toml", runbook.name));
        let mut tell = |word: &str, message: String| {
            let offset = runbook.source.find("[[offer]]").unwrap_or(0);
            let at = runbook.source[offset..].find(word).map_or(offset, |it| offset + it);
            problems.push(Problem::at(&path, &runbook.source, at, message));
        };
        for offer in &runbook.offers {
            match catalog.get(&offer.runbook) {
                None if wrong.contains(offer.runbook.as_str()) => {}
                None => tell(
                    &offer.runbook,
                    calls::unknown("runbook", &offer.runbook, catalog.runbooks().map(|it| it.name.as_str())),
                ),
                Some(target) => {
                    let inputs = || target.inputs.iter().map(|it| it.name.as_str());
                    for name in offer.with.keys().filter(|name| !inputs().any(|it| it == name.as_str())) {
                        tell(
                            name,
                            calls::unknown(&format!("input of {}", target.name), name, inputs()),
                        );
                    }
                }
            }
        }
    }
    problems
}

#[cfg(test)]
pub(in crate::runbook) mod tests;
