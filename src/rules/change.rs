//! What is different between two sets of rules, for the log.

use super::Rules;
use std::collections::BTreeSet;
use std::fmt;

/// What is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    added: Vec<String>,
    removed: Vec<String>,
    edited: Vec<String>,
    people: bool,
    policy: bool,
    panels: bool,
    alerts: bool,
}

impl Change {
    /// From one set to another.
    pub fn between(old: &Rules, new: &Rules) -> Self {
        let names = |rules: &Rules| -> BTreeSet<String> {
            let runbooks = rules.catalog.runbooks();
            runbooks.map(|runbook| runbook.name.clone()).collect()
        };
        let (before, after) = (names(old), names(new));
        let source = |rules: &Rules, name: &str| rules.catalog.get(name).map(|runbook| runbook.hash.clone());
        Self {
            added: after.difference(&before).cloned().collect(),
            removed: before.difference(&after).cloned().collect(),
            edited: before
                .intersection(&after)
                .filter(|name| source(old, name) != source(new, name))
                .cloned()
                .collect(),
            people: old.people != new.people,
            policy: old.policy_text != new.policy_text,
            panels: old.panels != new.panels,
            alerts: old.suggestions != new.suggestions,
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self
            == Self {
                added: Vec::new(),
                removed: Vec::new(),
                edited: Vec::new(),
                people: false,
                policy: false,
                panels: false,
                alerts: false,
            }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runbooks = [
            ("new", &self.added),
            ("edited", &self.edited),
            ("removed", &self.removed),
        ];
        let runbooks = runbooks
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(word, names)| format!("{word}: {}", names.join(", ")));
        let files = [
            ("people", self.people),
            ("policy", self.policy),
            ("panels", self.panels),
            ("alerts", self.alerts),
        ];
        let files = files
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(word, _)| word.to_owned());
        let parts: Vec<String> = runbooks.chain(files).collect();
        if parts.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&parts.join("; "))
    }
}
