//! The rules in force, and how others take their place: all four at once, or none of them.

use super::Rules;
use crate::problem::Problem;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Holds the rules in force. Whoever handles a request takes one snapshot at its beginning and keeps it to the end.
#[derive(Debug)]
pub struct LiveRules {
    standing: watch::Sender<Standing>,
    applied: AtomicU64,
    rejected: AtomicU64,
}

/// What is in force at one moment.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The rules.
    pub rules: Arc<Rules>,
    /// When they were read.
    pub loaded: Timestamp,
    /// What is wrong with the files on disk, where they are not what is in force.
    pub trouble: Option<Arc<Trouble>>,
}

/// Files on disk that are wrong, so that older rules stay in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when the files have been wrong.
    pub since: Timestamp,
    /// Everything that is wrong with them now, in the order of files and lines.
    pub problems: Vec<Problem>,
}

impl LiveRules {
    /// The rules that the process begins with.
    pub fn new(rules: Rules, now: Timestamp) -> Self {
        let (standing, _) = watch::channel(Standing {
            rules: Arc::new(rules),
            loaded: now,
            trouble: None,
        });
        Self {
            standing,
            applied: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        }
    }

    /// The snapshot in force.
    pub fn now(&self) -> Arc<Rules> {
        self.standing.borrow().rules.clone()
    }

    /// What is wrong with the files on disk, if something is.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        self.standing.borrow().trouble.clone()
    }

    /// Tells of every change, of the rules or of the trouble with their files.
    pub fn changes(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Puts other rules in force. Requests under way end with those that they began with.
    pub fn replace(&self, rules: Rules, now: Timestamp) {
        self.applied.fetch_add(1, Ordering::Relaxed);
        self.standing.send_replace(Standing {
            rules: Arc::new(rules),
            loaded: now,
            trouble: None,
        });
    }

    /// Keeps what is in force, and the problems of what was to take its place.
    pub fn reject(&self, problems: Vec<Problem>, now: Timestamp) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        self.standing.send_modify(|standing| {
            let since = standing.trouble.as_ref().map_or(now, |trouble| trouble.since);
            standing.trouble = Some(Arc::new(Trouble { since, problems }));
        });
    }

    /// The lines of `/metrics`.
    pub fn exposition(&self) -> String {
        let standing = self.standing.borrow();
        format!(
            "# HELP signalbox_rules_reloads_total Edits of runbooks, people, policy and panels, by what became of them.\n\
             # TYPE signalbox_rules_reloads_total counter\n\
             signalbox_rules_reloads_total{{outcome=\"applied\"}} {}\n\
             signalbox_rules_reloads_total{{outcome=\"rejected\"}} {}\n\
             # HELP signalbox_rules_current 1 where the files on disk are in force; 0 where they are wrong and what was \
             before is in force.\n\
             # TYPE signalbox_rules_current gauge\nsignalbox_rules_current {}\n\
             # HELP signalbox_rules_loaded_timestamp_seconds When the rules in force were read.\n\
             # TYPE signalbox_rules_loaded_timestamp_seconds gauge\n\
             signalbox_rules_loaded_timestamp_seconds {}\n",
            self.applied.load(Ordering::Relaxed),
            self.rejected.load(Ordering::Relaxed),
            u8::from(standing.trouble.is_none()),
            standing.loaded.as_second(),
        )
    }
}
