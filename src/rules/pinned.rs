//! Runbooks as they were when runs were planned by them. A run carries the text; whoever carries it on reads it, and
//! reading takes longer than most steps.

use crate::problem::Problem;
use crate::runbook::Runbook;
use crate::runbook::load::{Known, load_text};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Editions of runbooks that are remembered. Runs under way share few.
const KEPT: usize = 64;

/// Editions that were read lately, the newest last.
#[derive(Debug, Default)]
pub(super) struct Editions(Mutex<VecDeque<Arc<Runbook>>>);

impl Editions {
    pub(super) fn read(
        &self,
        name: &str,
        hash: &str,
        source: &str,
        known: &Known,
    ) -> Result<Arc<Runbook>, Vec<Problem>> {
        let same = |kept: &&Arc<Runbook>| kept.name == name && kept.hash == hash;
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().iter().find(same) {
            return Ok(kept.clone());
        }
        let path = PathBuf::from(format!("{name}.toml (as it was planned)"));
        let read = Arc::new(load_text(name, &path, source, &known.when_planned())?);
        // What bears a hash that is not its own is judged by what it says, and not remembered.
        if read.hash == hash {
            let mut kept = lock();
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(read.clone());
        }
        Ok(read)
    }
}
