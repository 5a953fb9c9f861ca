//! `signalbox new`: a runbook to begin with.

use crate::app::AppError;
use crate::config::Config;
use crate::rules::known;
use crate::runbook::skeleton::{Skeleton, skeleton};
use std::io::Write as _;
use std::path::Path;

/// Writes the file, which `check` finds nothing wrong with. Never over another one.
pub(super) fn new(path: &Path, name: &str, write: bool) -> Result<u8, AppError> {
    let config = Config::load(path).map_err(AppError::Files)?;
    let (known, _, _) = known(&config);
    let kind = if write { Skeleton::Writes } else { Skeleton::Reads };
    let text = skeleton(name, kind, &known).map_err(|error| AppError::Denied(error.to_string()))?;
    let file = config.files.commands.join(format!("{name}.toml"));
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => AppError::Denied(format!(
            "{} is there already, and is left as it is: choose another name, or edit it",
            file.display()
        )),
        _ => AppError::Other(format!("cannot write {}: {error}", file.display())),
    };
    let mut made = std::fs::File::create_new(&file).map_err(wrong)?;
    made.write_all(text.as_bytes()).map_err(wrong)?;
    super::line(&format!(
        "Wrote {}.\nNext: edit it while `signalbox check --watch` runs; `signalbox test {name}` shows what people would see.",
        file.display()
    ));
    Ok(0)
}
