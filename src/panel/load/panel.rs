//! How a `[panel.NAME]` becomes a panel.

use super::page::{self, Page, Section, nearest};
use crate::panel::Panel;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::DeValue;

const PANEL_KEYS: &[&str] = &["title", "signals", "thresholds"];

/// The panel, if all of it is sound. `signals` are those that are declared.
pub(super) fn panel(
    page: &mut Page,
    name: &Spanned<toml::de::DeString>,
    table: Section,
    signals: &BTreeSet<&str>,
) -> Option<Panel> {
    let mut sound = page.only_keys(table, PANEL_KEYS, "a panel");
    let at = name.span().start;
    let title = page.required_text(table, "title", at);
    let mut named = Vec::new();
    match table.get("signals").map(|value| (value.span().start, value.get_ref())) {
        Some((_, DeValue::Array(list))) if !list.is_empty() => {
            for item in list {
                let at = item.span().start;
                match item.get_ref().as_str() {
                    Some(signal) if !signals.contains(signal) => {
                        let hint = nearest(signal, signals.iter().copied());
                        page.problem(at, format!("no signal is called `{signal}`{hint}"));
                        sound = false;
                    }
                    Some(signal) if named.iter().any(|it| it == signal) => {
                        page.problem(at, format!("`{signal}` is in this panel already"));
                        sound = false;
                    }
                    Some(signal) => named.push(signal.to_owned()),
                    None => {
                        page.problem(
                            at,
                            format!("a signal's name is text and not {}", page::kind(item.get_ref())),
                        );
                        sound = false;
                    }
                }
            }
        }
        Some((at, _)) => {
            page.problem(at, "`signals` must be a list of at least one signal's name");
            sound = false;
        }
        None => {
            page.problem(at, "a panel needs `signals`, a list of names");
            sound = false;
        }
    }
    let thresholds = thresholds(page, table, &named);
    let panel = Panel {
        name: name.get_ref().to_string(),
        title: title?.into_inner(),
        signals: named,
        thresholds: thresholds?,
    };
    sound.then_some(panel)
}

fn thresholds(page: &mut Page, table: Section, signals: &[String]) -> Option<BTreeMap<String, f64>> {
    let mut thresholds = BTreeMap::new();
    let Some(value) = table.get("thresholds") else {
        return Some(thresholds);
    };
    let DeValue::Table(table) = value.get_ref() else {
        page.problem(
            value.span().start,
            "`thresholds` must be a table from a signal's name to a number",
        );
        return None;
    };
    let names: Vec<&str> = signals.iter().map(String::as_str).collect();
    let mut sound = page.only_keys(table, &names, "`thresholds`, which takes the signals of this panel");
    for (signal, value) in table {
        match page::number(value.get_ref()) {
            Some(number) => {
                thresholds.insert(signal.get_ref().to_string(), number);
            }
            None => {
                page.problem(value.span().start, "a threshold is a finite number");
                sound = false;
            }
        }
    }
    sound.then_some(thresholds)
}
