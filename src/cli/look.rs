//! Commands about the bot itself: serve, check, migrate, chart.

use crate::app::{App, AppError};
use crate::config::Config;
use crate::report::chart::{self, Theme};
use crate::rules::Rules;
use crate::serve::serve as run_server;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// Runs the bot.
pub(super) async fn serve(path: &Path) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    run_server(app).await?;
    Ok(0)
}

/// Reads everything and tells every problem.
pub(super) async fn check(path: &Path, live: bool) -> Result<u8, AppError> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(problems) => return Ok(tell(&problems)),
    };
    let rules = match Rules::load(&config) {
        Ok(rules) => rules,
        Err(problems) => return Ok(tell(&problems)),
    };
    super::line(&format!(
        "{} runbooks, {} people, {} panels, {} connections: no problems.",
        rules.catalog.runbooks().count(),
        rules.people.persons().count(),
        rules.panels.panels.len(),
        config.connections.len()
    ));
    if !live {
        return Ok(0);
    }
    let app = App::open(path).await?;
    let mut wrong = 0;
    for name in app.config.connections.keys() {
        match app.connections.get(name) {
            None => super::line(&format!("{name}: this version has no calls for it")),
            Some(connection) => match connection.alive().await {
                Ok(said) => super::line(&format!("{name}: {said}")),
                Err(reason) => {
                    wrong += 1;
                    super::line(&format!("{name}: {reason}"));
                }
            },
        }
    }
    Ok(u8::from(wrong > 0))
}

pub(super) fn tell(problems: &[crate::problem::Problem]) -> u8 {
    for problem in problems {
        super::line(&problem.to_string());
    }
    let plural = if problems.len() == 1 { "" } else { "s" };
    eprintln!("{} problem{plural}", problems.len());
    1
}

/// Opening the store brings its schema up to date.
pub(super) async fn migrate(path: &Path) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    app.store.alive().await?;
    super::line("The database's schema is up to date.");
    Ok(0)
}

/// Draws a panel.
pub(super) async fn chart(path: &Path, panel: &str, last: &str, out: &Path, dark: bool) -> Result<u8, AppError> {
    let app = App::open(path).await?;
    let rules = app.rules.now();
    let Some(panel) = rules.panels.panels.get(panel) else {
        let known: Vec<&str> = rules.panels.panels.keys().map(String::as_str).collect();
        return Err(AppError::Denied(format!(
            "there is no panel {panel}; there are: {}",
            known.join(", ")
        )));
    };
    let span: SignedDuration = last
        .parse()
        .map_err(|_| AppError::Denied(format!("--last {last}: a duration is written 30m, 1h or 2h30m")))?;
    if span < SignedDuration::from_mins(1) || span > SignedDuration::from_hours(24 * 31) {
        return Err(AppError::Denied(format!("--last {last}: between 1m and 744h")));
    }
    let now = Timestamp::now();
    let mut spec = app.station().sampler.chart(panel, now - span, now, None).await;
    spec.theme = if dark { Theme::Dark } else { Theme::Light };
    let png = chart::draw(&spec).map_err(|error| AppError::Other(error.to_string()))?;
    std::fs::write(out, png).map_err(|error| AppError::Other(format!("cannot write {}: {error}", out.display())))?;
    super::line(&chart::alt(&spec));
    Ok(0)
}
