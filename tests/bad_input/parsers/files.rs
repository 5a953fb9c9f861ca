//! Files that people write.

use super::assert_harmless;
use signalbox::config::Config;
use signalbox::integration::ACTIONS;
use signalbox::panel::Panels;
use signalbox::policy::authorize::{Policy, RunbookFacts};
use signalbox::policy::identity::People;
use signalbox::problem::Problem;
use signalbox::runbook::action::Effect;
use signalbox::runbook::example;
use signalbox::runbook::load::{Known, load_text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A connection of each kind, as the shipped configuration has them.
pub fn connections() -> BTreeMap<String, String> {
    [
        ("shop-db", "postgres"),
        ("shop-celery", "celery"),
        ("shop-metrics", "prometheus"),
        ("shop-api", "http"),
    ]
    .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
    .into()
}

/// What the shipped runbooks refer to.
pub fn known() -> Known {
    Known {
        connections: connections(),
        signals: Some(
            ["orders_awaiting_forwarding", "queue_length", "workers_alive"]
                .map(str::to_owned)
                .into(),
        ),
        split: BTreeSet::new(),
        panels: Some(["forwarding".to_owned()].into()),
        actions: ACTIONS,
    }
}

fn assert_told(problems: &[Problem]) {
    for problem in problems {
        assert!(problem.line > 0 && problem.column > 0, "{problem:?}");
        assert!(!problem.message.trim().is_empty(), "{problem:?}");
        assert_harmless(&problem.to_string());
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

pub fn runbooks(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let path = Path::new("commands/fuzz.toml");
    match load_text("fuzz", path, text, &known()) {
        Ok(runbook) => assert_told(&example::check(&runbook, path)),
        Err(problems) => {
            assert!(!problems.is_empty());
            assert_told(&problems);
        }
    }
}

pub fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Err(problems) = Config::parse(Path::new("config/signalbox.toml"), text) {
        assert!(!problems.is_empty());
        assert_told(&problems);
    }
}

pub fn people(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (people, problems) = People::read(Path::new("config/people.toml"), text, false);
    assert_told(&problems);
    assert!(people.persons().all(|person| !person.name.is_empty()));
}

pub fn panels(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let files = [(PathBuf::from("config/panels/fuzz.toml"), text.to_owned())];
    let (_, problems) = Panels::load(&files, &connections(), ACTIONS);
    assert_told(&problems);
}

pub fn policy(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let runbooks = [RunbookFacts {
        name: "forward-order".to_owned(),
        effect: Effect::Write,
        radius_names: ["orders".to_owned()].into(),
    }];
    assert_told(&Policy::problems(Path::new("config/policy.cedar"), text, &runbooks));
}
