//! `signalbox audit`: the record of who did what, proved and given away.

use super::ask::os_user;
use crate::app::{AppError, open_store};
use crate::custody::Custody;
use crate::custody::seals::Accepted;
use crate::custody::verify::{Examined, verify};
use crate::report::terminal::shown;
use crate::runbook::duration;
use crate::store::chain::TrailRow;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Rows in memory at once.
const PAGE: i64 = 1000;

/// What to do with the record.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compare the record with its seals; exit 0, or 1 with each finding on a line
    #[command(after_help = "Example: signalbox audit verify\n         \
                            signalbox audit verify --seals /mnt/archive/signalbox.seals --json")]
    Verify {
        /// A further seal file: a copy, or another replica's. Can be given several times
        #[arg(long, value_name = "FILE")]
        seals: Vec<PathBuf>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give the record away, as JSON lines, oldest first
    #[command(after_help = "Example: signalbox audit export > audit.jsonl\n         \
                            signalbox audit export --since 2026-11-01 --run 7k2m9qx4ab")]
    Export {
        /// Rows of then or later: a date, a time such as 2026-11-01T12:00:00Z, or an age such as 30d
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Rows of this run, or of this request, alone
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
    },
    /// Note in the seal file why the findings of now are explained; they count no more, and stay to be seen
    #[command(after_help = "Example: signalbox audit accept --reason 'restored the backup of 2026-11-01, ticket 812'")]
    Accept {
        /// Why
        #[arg(long)]
        reason: String,
        /// A further seal file: a copy, or another replica's. Can be given several times
        #[arg(long, value_name = "FILE")]
        seals: Vec<PathBuf>,
    },
}

/// Does it.
pub(super) async fn audit(path: &Path, command: Command) -> Result<u8, AppError> {
    match command {
        Command::Verify { seals, json } => {
            let (config, store) = open_store(path).await?;
            let examined = verify(&store, &files(config.store.seals, seals)?).await?;
            if json {
                let object = serde_json::to_value(&examined).map_err(|error| AppError::Other(error.to_string()))?;
                super::line(&object.to_string());
            } else {
                tell(&examined);
            }
            Ok(u8::from(!examined.findings.is_empty()))
        }
        Command::Export { since, run } => export(path, since.as_deref(), run.as_deref()).await,
        Command::Accept { reason, seals } => accept(path, reason, seals).await,
    }
}

/// The config's own, and those that were named. One that was named must be there.
fn files(own: PathBuf, named: Vec<PathBuf>) -> Result<Vec<PathBuf>, AppError> {
    for path in &named {
        if !path.exists() {
            return Err(AppError::Other(format!("there is no seal file {}", path.display())));
        }
    }
    Ok(std::iter::once(own).chain(named).collect())
}

fn tell(examined: &Examined) {
    for finding in &examined.findings {
        super::line(&shown(&finding.say));
    }
    for explained in &examined.explained {
        super::line(&shown(&format!(
            "Explained by {} ({}): {}",
            explained.person, explained.reason, explained.finding.say
        )));
    }
    for note in &examined.notes {
        super::line(&shown(note));
    }
    super::line(&summary(examined));
    if !examined.findings.is_empty() {
        super::aside(&counted(examined.findings.len(), "finding"));
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn summary(examined: &Examined) -> String {
    let mut text = format!(
        "{} in {}, {}.",
        counted(examined.rows, "row"),
        counted(examined.chains, "chain"),
        counted(examined.seals, "seal")
    );
    if let Some(until) = examined.covered_until {
        text.push_str(&format!(
            " All of before {} is sealed",
            until.strftime("%Y-%m-%d %H:%M:%S UTC")
        ));
        text.push_str(match examined.findings.is_empty() {
            true if examined.explained.is_empty() => ", and nothing of it was changed, removed or added.",
            true => ", and what is different is explained.",
            false => ".",
        });
    }
    if examined.unsealed > 0 {
        text.push_str(&format!(
            " {} not sealed yet: only their own hashes speak for them.",
            counted(examined.unsealed, "row")
        ));
    }
    text
}

async fn accept(path: &Path, reason: String, seals: Vec<PathBuf>) -> Result<u8, AppError> {
    if reason.trim().is_empty() {
        return Err(AppError::Denied(
            "--reason: say why these findings are explained".to_owned(),
        ));
    }
    let (config, store) = open_store(path).await?;
    let person = format!("os:{}", os_user()?);
    let examined = verify(&store, &files(config.store.seals.clone(), seals)?).await?;
    if examined.findings.is_empty() {
        super::line("There is nothing to explain.");
        return Ok(0);
    }
    let custody = Custody {
        store,
        seals: config.store.seals,
        keep: config.store.keep,
        owner: format!("accept-{}", std::process::id()),
    };
    let findings = examined.findings.iter().map(|finding| finding.key.clone()).collect();
    let accepted = Accepted {
        person,
        reason,
        findings,
    };
    custody.accept(accepted, Timestamp::now()).await?;
    for finding in &examined.findings {
        super::line(&shown(&finding.say));
    }
    super::line(&format!(
        "Noted in {}: {} explained.",
        custody.seals.display(),
        counted(examined.findings.len(), "finding")
    ));
    Ok(0)
}

async fn export(path: &Path, since: Option<&str>, run: Option<&str>) -> Result<u8, AppError> {
    let since = match since {
        None => Timestamp::UNIX_EPOCH,
        Some(text) => begin(text, Timestamp::now()).ok_or_else(|| {
            AppError::Denied(format!(
                "--since {text}: a date such as 2026-11-01, a time such as 2026-11-01T12:00:00Z, or an age such as 30d"
            ))
        })?,
    };
    let (_, store) = open_store(path).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut last: Option<TrailRow> = None;
    loop {
        let page = store.trail(since, last.as_ref(), run, PAGE).await?;
        let Some(end) = page.last() else { break };
        for row in &page {
            if let Err(error) = writeln!(out, "{}", exported(row)) {
                return gone(error);
            }
        }
        last = Some(end.clone());
    }
    match out.flush() {
        Ok(()) => Ok(0),
        Err(error) => gone(error),
    }
}

/// A reader that has gone away is no error of ours; half an export on a full disk is.
fn gone(error: std::io::Error) -> Result<u8, AppError> {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(0),
        _ => Err(AppError::Other(format!("the record could not be written out: {error}"))),
    }
}

fn exported(row: &TrailRow) -> Value {
    let at = Timestamp::from_microsecond(row.at).map_or_else(|_| json!(row.at), |at| json!(at.to_string()));
    json!({
        "at": at,
        "kind": row.kind,
        "person": row.person,
        "subject": row.subject,
        "body": serde_json::from_str::<Value>(&row.body).unwrap_or_else(|_| json!(row.body)),
        "id": row.id,
        "seq": row.link.as_ref().map(|link| link.seq),
        "prev": row.link.as_ref().map(|link| &link.prev),
        "hash": row.link.as_ref().map(|link| &link.hash),
    })
}

fn begin(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(age) = duration::parse(text) {
        return now.checked_sub(SignedDuration::try_from(age).ok()?).ok();
    }
    // A day begins at midnight, UTC.
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_day_a_time_or_an_age() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let told = |text| begin(text, now).map(|at| at.to_string());
        assert_eq!(told("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(told("2026-11-01T12:00:00+01:00").unwrap(), "2026-11-01T11:00:00Z");
        assert_eq!(told("36h").unwrap(), "2026-11-22T00:00:00Z");
        for wrong in ["", "yesterday", "30", "2026-13-01", "9999999999d"] {
            assert_eq!(told(wrong), None, "{wrong}");
        }
    }
}
