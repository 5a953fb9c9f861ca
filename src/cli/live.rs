//! `check --live`: whether the connections answer, and whether what is asked of Prometheus, by its own rules and by our
//! panels, can give what it is meant to.

use crate::app::{App, AppError};
use crate::integration::prometheus::survey::Survey;
use crate::integration::prometheus::{Prometheus, PrometheusError};
use crate::lint::{Absence, Knowledge, asked, findings};
use crate::panel::Signal;
use crate::problem::Problem;
use crate::promql::Expression;
use crate::report::unseen::spelled;
use crate::toml_file::is_rule_file;
use jiff::Timestamp;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::time::Duration;

/// Rules and signals of one Prometheus that are looked at; more would be somebody else's.
const MOST: usize = 2_000;

/// Each question is answered within seconds; all of them may take so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks each connection by its cheapest read, and each Prometheus about rules and panels.
pub(super) async fn live(path: &Path, excerpts: bool) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    let mut silent = 0;
    let mut problems = Vec::new();
    for name in app.config.connections.keys() {
        let Some(connection) = app.connections.get(name) else {
            super::line(&format!("{name}: this version has no calls for it"));
            continue;
        };
        match connection.alive().await {
            Ok(said) => super::line(&format!("{name}: {said}")),
            Err(reason) => {
                silent += 1;
                super::line(&format!("{name}: {reason}"));
                continue;
            }
        }
        let Some(prometheus) = app.connections.prometheus(name) else {
            continue;
        };
        let looked = tokio::time::timeout(PATIENCE, examine(&app, name, prometheus)).await;
        match looked {
            Ok(Ok(found)) => problems.extend(found),
            Ok(Err(error)) => {
                silent += 1;
                super::line(&format!("{name}: its rules cannot be examined. {error}"));
            }
            Err(_) => {
                silent += 1;
                let patience = PATIENCE.as_secs();
                super::line(&format!(
                    "{name}: its rules cannot be examined within {patience} s: it answers too slowly"
                ));
            }
        }
    }
    if !problems.is_empty() {
        return Ok(tell(&problems, excerpts));
    }
    Ok(u8::from(silent > 0))
}

/// Something that Prometheus is asked, and where it is written.
enum Asked<'a> {
    /// `FILE: GROUP/RULE`, as Prometheus names them.
    Rule(String),
    /// One of ours.
    Signal(&'a Signal),
}

/// What is wrong, and where.
enum Found {
    /// In a rule, which stands where Prometheus reads it.
    Rule(String),
    /// In a file of ours.
    Signal(Problem),
}

async fn examine(app: &App, name: &str, prometheus: &Prometheus) -> Result<Vec<Found>, PrometheusError> {
    let survey = prometheus.survey(Timestamp::now()).await?;
    let rules = app.rules.now();
    let signals: Vec<(&Signal, String)> = rules
        .panels
        .signals
        .values()
        .filter_map(|signal| Some((signal, signal.history()?)))
        .filter(|(_, history)| history.on == name)
        .map(|(signal, history)| (signal, history.promql))
        .collect();
    let mut all: Vec<(Asked, &str)> = Vec::new();
    for rule in &survey.rules {
        let place = Asked::Rule(format!("{}: {}/{}", rule.file, rule.group, rule.name));
        all.push((place, &rule.query));
    }
    all.extend(
        signals
            .iter()
            .map(|(signal, promql)| (Asked::Signal(signal), promql.as_str())),
    );
    let left_out = all.len().saturating_sub(MOST);
    all.truncate(MOST);

    let mut problems = Vec::new();
    for rule in &survey.rules {
        if let Some(error) = &rule.error {
            let place = format!("{}: {}/{}", rule.file, rule.group, rule.name);
            problems.push(Found::Rule(format!("{place}: Prometheus cannot evaluate it: {error}")));
        }
    }
    let mut knowledge = Knowledge::new();
    for (place, promql) in &all {
        let expression = match Expression::parse(promql) {
            Ok(expression) => expression,
            Err(why) => {
                super::line(&format!("{name}: {} was not examined: {why}", place.words()));
                continue;
            }
        };
        learn(&survey, &expression, &mut knowledge).await?;
        let found = findings(&expression, &knowledge, place.absence());
        problems.extend(found.into_iter().map(|finding| place.found(app, finding)));
    }
    let plural = if signals.len() == 1 { "" } else { "s" };
    let outcome = match problems.len() {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        several => format!("{several} problems"),
    };
    super::line(&format!(
        "{name}: {} rules there and {} signal{plural} of ours: {outcome}.",
        survey.rules.len(),
        signals.len()
    ));
    if left_out > 0 {
        super::line(&format!(
            "{name}: {left_out} of them were not examined, which is more than {MOST}."
        ));
    }
    Ok(problems)
}

/// Asks what is not known yet of an expression's selectors.
async fn learn(survey: &Survey<'_>, expression: &Expression, knowledge: &mut Knowledge) -> Result<(), PrometheusError> {
    for selector in expression.selectors().map(asked) {
        if let Entry::Vacant(unknown) = knowledge.entry(selector) {
            let known = survey.known(unknown.key()).await?;
            unknown.insert(known);
        }
    }
    Ok(())
}

impl Asked<'_> {
    fn words(&self) -> String {
        match self {
            Self::Rule(place) => place.clone(),
            Self::Signal(signal) => format!("the signal {}", signal.name),
        }
    }

    fn absence(&self) -> Absence {
        match self {
            Self::Signal(signal) if signal.absent_means.is_some() => Absence::Explained,
            Self::Rule(_) | Self::Signal(_) => Absence::Unsaid,
        }
    }

    fn found(&self, app: &App, finding: String) -> Found {
        match self {
            Self::Rule(place) => Found::Rule(format!("{place}: {finding}")),
            Self::Signal(signal) => Found::Signal(where_written(app, &signal.name, finding)),
        }
    }
}

/// The line that begins the signal.
fn where_written(app: &App, signal: &str, finding: String) -> Problem {
    let folder = app.config.files.panels.clone().unwrap_or_default();
    let header = format!("[signal.{signal}]");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    for path in files.map(|entry| entry.path()).filter(|path| is_rule_file(path)) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(offset) = text.find(&header) {
            return Problem::at(path, &text, offset, finding);
        }
    }
    Problem::whole(folder, format!("the signal {signal}: {finding}"))
}

/// As `check` tells what is wrong in files.
fn tell(problems: &[Found], excerpts: bool) -> u8 {
    for problem in problems {
        match problem {
            Found::Rule(text) => super::line(&spelled(text)),
            Found::Signal(problem) => super::look::show(problem, excerpts),
        }
    }
    super::look::count(problems.len())
}
