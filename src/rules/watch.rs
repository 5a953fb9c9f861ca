//! Looks whether the files of the rules were edited, and puts what they say in force: all of it, or nothing.
//!
//! The files' stamps are looked at again and again, since that sees what every editor, deployment tool and network file
//! system does, renames and swapped folders included. A look at 200 files takes about a millisecond.

use super::Rules;
use super::change::Change;
use super::live::LiveRules;
use crate::config::{Config, Files};
use crate::problem::Problem;
use crate::toml_file::is_rule_file;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);

/// An edit is over when nothing has changed for this long: editors write in several goes, people save several files.
const QUIET: Duration = Duration::from_millis(200);

/// After this many looks it is told that the files do not come to rest.
const PATIENCE: u32 = 50;

/// Problems told in the log; `signalbox check` tells all.
const TOLD: usize = 50;

/// Follows the files of the rules.
#[derive(Debug)]
pub struct Watch {
    config: Config,
    config_path: PathBuf,
    rules: Arc<LiveRules>,
    hangup: Signal,
}

/// What reading the files again came to.
enum Reload {
    /// They say what is in force already.
    AsBefore,
    /// They are in force now.
    Applied(Change),
    /// They are wrong; what was before is in force.
    Rejected(Vec<Problem>),
}

impl Watch {
    /// Over the files that a config names, which was read from `config_path`. From now on SIGHUP ends nothing, but has
    /// the files read at once.
    pub fn new(config: Config, config_path: PathBuf, rules: Arc<LiveRules>) -> io::Result<Self> {
        Ok(Self {
            config,
            config_path,
            rules,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Works until it is dropped.
    pub async fn work(mut self) {
        let mut own = text_of(&self.config_path).await;
        // None: what was edited while the process started is found by the first look.
        let mut read: Option<Stamps> = None;
        loop {
            let at_once = tokio::select! {
                () = sleep(LOOK) => false,
                _ = self.hangup.recv() => true,
            };
            let Some(mut seen) = self.look().await else { continue };
            if !at_once {
                if read.as_ref() == Some(&seen) {
                    continue;
                }
                seen = self.at_rest(seen).await;
            }
            let before = self.rules.now();
            let reading = {
                let (config, before) = (self.config.clone(), before.clone());
                spawn_blocking(move || before.load_again(&config)).await
            };
            if self.look().await.is_none_or(|now| now != seen) {
                // Edited meanwhile: what was read may be half of one edit and half of the next.
                continue;
            }
            self.tell_of_config(&mut own).await;
            match reading {
                Ok(found) => tell(&settle(&self.rules, &before, found, Timestamp::now()), at_once),
                Err(error) => tracing::error!(%error, "the rules could not be read again; what was before is in force"),
            }
            read = Some(seen);
        }
    }

    async fn look(&self) -> Option<Stamps> {
        let (files, config) = (self.config.files.clone(), self.config_path.clone());
        let seen = spawn_blocking(move || Stamps::of(&files, &config)).await;
        seen.map_err(|error| tracing::error!(%error, "the files of the rules could not be looked at"))
            .ok()
    }

    async fn at_rest(&self, mut seen: Stamps) -> Stamps {
        let mut looks = 0;
        loop {
            sleep(QUIET).await;
            match self.look().await {
                Some(now) if now != seen => seen = now,
                _ => return seen,
            }
            looks += 1;
            if looks == PATIENCE {
                tracing::warn!("the files of the rules keep changing; they are read when they come to rest");
            }
        }
    }

    async fn tell_of_config(&self, own: &mut Option<String>) {
        let now = text_of(&self.config_path).await;
        if now != *own {
            *own = now;
            tracing::warn!(
                file = %self.config_path.display(),
                "the config file was edited; it is read at the start alone, so restart Signalbox for it to count"
            );
        }
    }
}

/// Puts what was read in force, if all of it is right and something is different.
fn settle(rules: &LiveRules, before: &Rules, found: Result<Rules, Vec<Problem>>, now: Timestamp) -> Reload {
    match found {
        Ok(read) => {
            let change = Change::between(before, &read);
            if change.is_none() && rules.trouble().is_none() {
                return Reload::AsBefore;
            }
            rules.replace(read, now);
            Reload::Applied(change)
        }
        Err(problems) => {
            rules.reject(problems.clone(), now);
            Reload::Rejected(problems)
        }
    }
}

fn tell(reload: &Reload, asked: bool) {
    match reload {
        Reload::AsBefore if asked => tracing::info!("the rules were read again: nothing has changed"),
        Reload::AsBefore => {}
        Reload::Applied(change) => tracing::info!(%change, "the rules on disk are in force"),
        Reload::Rejected(problems) => {
            for problem in problems.iter().take(TOLD) {
                tracing::error!(problem = %problem.brief(), "the rules on disk are wrong");
            }
            tracing::error!(
                problems = problems.len(),
                "what was before is in force; `signalbox check` shows what is wrong"
            );
        }
    }
}

async fn text_of(path: &Path) -> Option<String> {
    tokio::fs::read_to_string(path).await.ok()
}

/// What tells an edited file from what it was, without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Stamps(BTreeMap<PathBuf, Option<Stamp>>);

/// Modified, changed, size and number: a file written by rename has another number, one written in place another time.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
    number: u64,
}

impl Stamps {
    fn of(files: &Files, config: &Path) -> Self {
        let mut paths = vec![files.people.clone(), files.policy.clone(), config.to_owned()];
        paths.extend(files.alerts.clone());
        for folder in std::iter::once(&files.commands).chain(&files.panels) {
            // A folder that cannot be listed is told by the reading; here its own stamp stands for it.
            paths.push(folder.clone());
            if let Ok(entries) = std::fs::read_dir(folder) {
                let entries = entries.filter_map(Result::ok).map(|entry| entry.path());
                paths.extend(entries.filter(|path| is_rule_file(path)));
            }
        }
        Self(paths.into_iter().map(|path| (path.clone(), Stamp::of(&path))).collect())
    }
}

impl Stamp {
    /// None where there is no such file; links are followed.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        if metadata.is_dir() {
            // Swap files of editors come and go in a folder; what counts is in the list.
            return Some(Self {
                modified: (0, 0),
                changed: (0, 0),
                size: 0,
                number: 0,
            });
        }
        Some(Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
            number: metadata.ino(),
        })
    }
}
