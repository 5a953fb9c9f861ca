//! All runbooks, by name.

use super::Runbook;
use crate::nearest::nearest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The runbooks that are sound.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    runbooks: BTreeMap<String, Arc<Runbook>>,
    left_out: BTreeMap<String, Arc<Runbook>>,
}

impl Catalog {
    /// The runbook of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Runbook>> {
        self.runbooks.get(name)
    }

    /// In the order of their names.
    pub fn runbooks(&self) -> impl Iterator<Item = &Arc<Runbook>> + Clone {
        self.runbooks.values()
    }

    /// Those that are sound and need a connection that is not configured here (see [`Runbook::lacks`]). Nobody can ask
    /// for them, and policies may speak of them.
    pub fn left_out(&self) -> impl Iterator<Item = &Arc<Runbook>> + Clone {
        self.left_out.values()
    }

    /// Puts back what was left out, for a world that has every connection.
    pub fn take_all(&mut self) {
        self.runbooks.append(&mut self.left_out);
    }

    /// The runbook of that name, left out or not.
    pub(super) fn read(&self, name: &str) -> Option<&Arc<Runbook>> {
        self.runbooks.get(name).or_else(|| self.left_out.get(name))
    }

    /// What a mistyped name most likely stands for. Only for those who may ask.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.runbooks.keys().map(String::as_str))
    }

    pub(super) fn insert(&mut self, runbook: Runbook) {
        self.keep(Arc::new(runbook));
    }

    pub(super) fn keep(&mut self, runbook: Arc<Runbook>) {
        let kept = match runbook.lacks() {
            None => &mut self.runbooks,
            Some(_) => &mut self.left_out,
        };
        kept.insert(runbook.name.clone(), runbook);
    }
}
