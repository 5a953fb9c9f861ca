//! The rules in force, and how others take their place: all four at once, or none of them.

use super::Rules;
use crate::policy::identity::{Links, People, Rolls};
use crate::problem::Problem;
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Holds the rules in force. Whoever handles a request takes one snapshot at its beginning and keeps it to the end.
#[derive(Debug)]
pub struct LiveRules {
    standing: watch::Sender<Standing>,
    /// Who is in which user group, and which accounts were linked. The people in force are those of the file with these.
    beside: Mutex<Beside>,
    applied: AtomicU64,
    rejected: AtomicU64,
}

/// What is known of people beside the file.
#[derive(Debug, Clone, Default)]
struct Beside {
    rolls: Arc<Rolls>,
    links: Arc<Links>,
}

impl Beside {
    fn join(&self, people: &People) -> People {
        people.enrolled(&self.rolls).linked(&self.links)
    }
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

/// Problems that people are told in one answer.
const TOLD: usize = 5;

impl Trouble {
    /// For those who keep the bot going.
    pub fn say(&self) -> String {
        let count = match self.problems.len() {
            1 => "a problem".to_owned(),
            several => format!("{several} problems"),
        };
        let since = self.since.strftime("%H:%M UTC on %Y-%m-%d");
        let mut say = format!("The files on disk have had {count} since {since}; what was before is in force:");
        for problem in self.problems.iter().take(TOLD) {
            say.push('\n');
            say.push_str(&problem.brief());
        }
        if self.problems.len() > TOLD {
            say.push_str("\nand more, which `signalbox check` shows");
        }
        say
    }
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
            beside: Mutex::default(),
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
        let mut rules = rules;
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        rules.people = beside.join(&rules.people);
        // Still locked: nobody puts others in between.
        self.standing.send_replace(Standing {
            rules: Arc::new(rules),
            loaded: now,
            trouble: None,
        });
    }

    /// Puts in force who is in which user group. Requests under way end with what they began with.
    pub fn enrol(&self, rolls: Rolls) {
        self.join(|beside| beside.rolls = Arc::new(rolls));
    }

    /// Puts in force which accounts were linked.
    pub fn link(&self, links: Links) {
        self.join(|beside| beside.links = Arc::new(links));
    }

    fn join(&self, change: impl FnOnce(&mut Beside)) {
        let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut beside);
        self.standing.send_if_modified(|standing| {
            let people = beside.join(&standing.rules.people);
            let is_news = people != standing.rules.people;
            if is_news {
                let mut rules = Rules::clone(&standing.rules);
                rules.people = people;
                standing.rules = Arc::new(rules);
            }
            is_news
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
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = format!(
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
        );
        if !beside.rolls.is_empty() {
            text.push_str(
                "# HELP signalbox_usergroup_read_timestamp_seconds When the members of a user group were read last.\n\
                 # TYPE signalbox_usergroup_read_timestamp_seconds gauge\n",
            );
            for (usergroup, roll) in beside.rolls.iter() {
                let read = roll.read.as_second();
                let line = format!("signalbox_usergroup_read_timestamp_seconds{{usergroup=\"{usergroup}\"}} {read}\n");
                text.push_str(&line);
            }
        }
        text
    }
}
