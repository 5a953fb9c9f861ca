//! Commands about the bot itself: serve, check, migrate, chart.

use super::{live, watch};
use crate::app::{App, AppError, open_store};
use crate::config::Config;
use crate::doctor::{self, Finding};
use crate::http::console::door::somebody_can_sign_in;
use crate::nearest::way_out;
use crate::problem::Problem;
use crate::registration::{discord_problems, spec};
use crate::report::chart::{self, Theme};
use crate::rules::Rules;
use crate::run;
use crate::serve::serve as run_server;
use jiff::{SignedDuration, Timestamp};
use std::io::IsTerminal;
use std::path::Path;

/// Runs the bot.
pub(super) async fn serve(path: &Path) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    run_server(app).await?;
    Ok(0)
}

/// How much `check` says and does.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct CheckOptions {
    /// Ask the connections too, and Prometheus whether its rules and the panels can work
    #[arg(long, conflicts_with = "watch")]
    live: bool,
    /// Check again whenever a file changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Show the line of each problem below it, as on a terminal
    #[arg(long)]
    excerpts: bool,
}

/// Reads everything and tells every problem.
pub(super) async fn check(path: &Path, options: CheckOptions) -> Result<u8, AppError> {
    if options.watch {
        return watch::watch(path, || once(path, options.excerpts)).await;
    }
    let code = once(path, options.excerpts);
    if code == 0 && options.live {
        return live::live(path, options.excerpts).await;
    }
    Ok(code)
}

fn once(path: &Path, excerpts: bool) -> u8 {
    let read = Config::load(path).and_then(|config| Ok((Rules::load(&config)?, config)));
    let (rules, config) = match read {
        Ok(read) => read,
        Err(problems) => return tell(&problems, excerpts),
    };
    if let Err(error) = somebody_can_sign_in(&config, &rules) {
        return tell(&[Problem::whole(&config.files.people, error.to_string())], excerpts);
    }
    if config.discord.is_some() {
        let problems = discord_problems(&config.files.commands, &rules);
        if !problems.is_empty() {
            return tell(&problems, excerpts);
        }
    }
    super::line(&format!(
        "{} runbooks, {} people, {} panels, {} connections: no problems.",
        rules.catalog.runbooks().count(),
        rules.people.persons().count(),
        rules.panels.panels.len(),
        config.connections.len()
    ));
    for remark in rules.policy.remarks() {
        show(remark, excerpts);
    }
    for runbook in rules.catalog.left_out() {
        super::line(&format!(
            "/{} is left out: there is no connection {}.",
            runbook.name,
            runbook.lacks().unwrap_or_default()
        ));
    }
    let forms = rules
        .catalog
        .runbooks()
        .filter(|runbook| config.discord.is_some() && spec(runbook).takes_form());
    for runbook in forms {
        super::line(&format!(
            "/{} has more inputs than a command of Discord has options: there it opens a form with a line for each.",
            runbook.name
        ));
    }
    0
}

/// Asks everything outside whether it would hear the bot.
pub(super) async fn doctor(path: &Path) -> Result<u8, AppError> {
    let code = once(path, false);
    if code != 0 {
        return Ok(code);
    }
    let app = App::open(path).await?;
    let findings = doctor::examine(&app).await;
    for finding in &findings {
        super::line(&app.redactor.redact(&finding.to_string()));
    }
    let wrong = findings
        .iter()
        .filter(|finding| matches!(finding, Finding::Wrong(_)))
        .count();
    if wrong > 0 {
        super::aside(&format!("{wrong} of {} wrong", findings.len()));
    }
    Ok(u8::from(wrong > 0))
}

/// One line for each problem, for programs; people get the place shown below it.
pub(super) fn tell(problems: &[Problem], excerpts: bool) -> u8 {
    for problem in problems {
        show(problem, excerpts);
    }
    count(problems.len())
}

/// One of them.
pub(super) fn show(problem: &Problem, excerpts: bool) {
    let excerpts = excerpts || std::io::stdout().is_terminal();
    super::line(&if excerpts { problem.to_string() } else { problem.brief() });
}

/// How many they were, and the exit code.
pub(super) fn count(problems: usize) -> u8 {
    let plural = if problems == 1 { "" } else { "s" };
    super::aside(&format!("{problems} problem{plural}"));
    1
}

/// Opening the store brings its schema up to date.
pub(super) async fn migrate(path: &Path) -> Result<u8, AppError> {
    let (_, store) = open_store(path).await?;
    store.alive().await?;
    super::line("The database's schema is up to date.");
    Ok(0)
}

/// Draws panels, as one picture.
pub(super) async fn chart(path: &Path, names: &[String], last: &str, out: &Path, dark: bool) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    let rules = app.rules.now();
    let declared = &rules.panels.panels;
    let mut panels = Vec::new();
    for name in names {
        let panel = declared.get(name).ok_or_else(|| {
            let way_out = way_out(name, declared.keys().map(String::as_str));
            AppError::Denied(format!("there is no panel {name}; {way_out}"))
        })?;
        panels.push(panel);
    }
    let span: SignedDuration = last
        .parse()
        .map_err(|_| AppError::Denied(format!("--last {last}: a duration is written 30m, 1h or 2h30m")))?;
    if span < SignedDuration::from_mins(1) || span > SignedDuration::from_hours(24 * 31) {
        return Err(AppError::Denied(format!("--last {last}: between 1m and 744h")));
    }
    let now = Timestamp::now();
    let mut spec = run::chart::chart(&rules.panels, &app.connections, &panels, now - span, now).await;
    spec.theme = if dark { Theme::Dark } else { Theme::Light };
    let png = chart::draw(&spec).map_err(|error| AppError::Other(error.to_string()))?;
    std::fs::write(out, png).map_err(|error| AppError::Other(format!("cannot write {}: {error}", out.display())))?;
    super::line(&app.redactor.redact(&chart::alt(&spec)));
    Ok(0)
}
