//! `check --watch`: looks at the files again and again, and checks when they have changed and rest.

use crate::app::AppError;
use crate::config::Config;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Editors write in several steps; this long nothing must move.
const QUIET: Duration = Duration::from_millis(200);

/// When each file was written, and how long it is.
type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Checks now and after every edit, until Ctrl-C.
pub(super) async fn watch(path: &Path, check: impl Fn() -> u8) -> Result<u8, AppError> {
    let rounds = async {
        let mut watched = vec![path.to_owned()];
        let mut seen = Stamps::new();
        loop {
            let now = stamps(&watched);
            if now == seen {
                sleep(LOOK).await;
                continue;
            }
            rest(&watched, now).await;
            // A config that cannot be read leaves what it named before.
            if let Ok(config) = Config::load(path) {
                watched = named(path, &config);
            }
            // Taken before the check: what is written during it is checked again.
            seen = stamps(&watched);
            super::line(&Timestamp::now().strftime("%H:%M:%S UTC").to_string());
            check();
        }
    };
    tokio::select! {
        () = rounds => Ok(0),
        ended = tokio::signal::ctrl_c() => {
            ended.map(|()| 0).map_err(|error| AppError::Other(format!("cannot wait for Ctrl-C: {error}")))
        }
    }
}

/// Waits until nothing moves any more.
async fn rest(watched: &[PathBuf], mut last: Stamps) {
    loop {
        sleep(QUIET).await;
        let now = stamps(watched);
        if now == last {
            return;
        }
        last = now;
    }
}

fn named(path: &Path, config: &Config) -> Vec<PathBuf> {
    let files = &config.files;
    [path, &files.people, &files.policy, &files.commands]
        .into_iter()
        .chain(files.panels.as_deref())
        .chain(files.alerts.as_deref())
        .map(Path::to_owned)
        .collect()
}

/// Files as they are, folders by what is in them. What cannot be read is as if it were not there: `check` tells why.
fn stamps(watched: &[PathBuf]) -> Stamps {
    let mut stamps = Stamps::new();
    let mut stamp = |path: PathBuf| {
        if let Ok(found) = std::fs::metadata(&path) {
            stamps.insert(path, (found.modified().ok(), found.len()));
        }
    };
    for path in watched {
        stamp(path.clone());
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            stamp(entry.path());
        }
    }
    stamps
}
