//! Commands that ask the bot for something: they store a request and wait for what it comes to.

use super::{Command, ResolutionWord, Who, show};
use crate::app::{App, AppError, environment};
use crate::report::terminal;
use crate::report::unseen::{marked, spelled_lines};
use crate::report::{Outcome, Report};
use crate::request::{Account, Ask, Place, Request, Resolution, Surface, Words};
use crate::station::{ENGINE, Share, Station};
use crate::store::deliveries::Progress;
use jiff::Timestamp;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const LOOK: Duration = Duration::from_millis(60);

/// A gate that answers nothing for this long is not there.
const GATE_PATIENCE: Duration = Duration::from_secs(90);

/// A server that is restarted is back within this.
const SERVER_PATIENCE: Duration = Duration::from_secs(60);

/// Without `--wait` a run gets this long to be over before it is reported as running.
const SHORT: Duration = Duration::from_millis(700);

/// A step under way gets this long once there is nothing more to do: none should be.
const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked who is in which user group.
const RECALL: Duration = Duration::from_secs(60);

/// Whoever still waits after this is told what for.
const EXPLAIN: Duration = Duration::from_secs(2);

/// Asks, waits, prints; gives the exit code.
pub(super) async fn ask(path: &Path, command: Command) -> Result<u8, AppError> {
    let whether = matches!(&command, Command::Why { inputs, .. } if inputs.is_empty());
    let (ask, who, wait) = read(command)?;
    let (app, can) = open(path).await?;
    app.recall_usergroups().await?;
    let request = Request::new(account(&app, who.person.as_deref())?, here(), ask);
    app.store.request(&request, Timestamp::now()).await?;
    let helper = Helper::new(&app, can);
    let mut told = follow(&app, &request, &who, wait, helper).await?;
    if whether && told.outcome == Outcome::Invalid && told.ruling.is_some() {
        told = may_ask(told);
    }
    if who.json {
        super::line(&format!("{}", show::json(&told)));
    } else {
        let mut out = std::io::stdout();
        let colour = out.is_terminal() && environment("NO_COLOR").is_none();
        let width = if out.is_terminal() { show::width() } else { 100 };
        // A reader that has gone away is not an error of ours.
        let _ = writeln!(out, "{}", terminal::render(&told, colour, width));
    }
    Ok(told.outcome.exit_code())
}

/// What somebody learns who gives no inputs: whether they may ask at all.
fn may_ask(told: Report) -> Report {
    Report {
        outcome: Outcome::Succeeded,
        dry: true,
        say: format!(
            "{} may ask for it. Whether a plan may run depends on its inputs: `signalbox why {} NAME=VALUE ...`.",
            told.person, told.runbook
        ),
        ..told
    }
}

/// What this process can do about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Can {
    /// Carry it out where no server does.
    Work,
    /// Leave it to the server.
    Ask,
}

/// A bot that can work. Where its files are wrong or secrets are not at hand, a server that goes by what it has read
/// before can still be asked: to stop what goes on, above all.
async fn open(path: &Path) -> Result<(App, Can), AppError> {
    let amiss = match App::open(path).await {
        Ok(app) => return Ok((app, Can::Work)),
        Err(amiss) if amiss.is_beside_the_store() => amiss,
        Err(error) => return Err(error),
    };
    let Ok(app) = App::open_to_look(path).await else {
        return Err(amiss);
    };
    let amiss = spelled_lines(&app.redactor.redact(&amiss.to_string()));
    if !is_served(&app).await? {
        return Err(AppError::Other(format!(
            "{amiss}\nNothing was asked for: no `signalbox serve` is running that could do it by what it has read before."
        )));
    }
    super::aside(&format!(
        "signalbox: {amiss}\nThe server goes by what it has read before."
    ));
    Ok((app, Can::Ask))
}

async fn is_served(app: &App) -> Result<bool, AppError> {
    Ok(app.store.lease_holder(ENGINE, Timestamp::now()).await?.is_some())
}

fn read(command: Command) -> Result<(Ask, Who, bool), AppError> {
    let reason_to = |resolution: ResolutionWord| match resolution {
        ResolutionWord::Done => Resolution::Done,
        ResolutionWord::NotDone => Resolution::NotDone,
        ResolutionWord::Abandon => Resolution::Abandon,
    };
    Ok(match command {
        Command::Run {
            runbook,
            inputs,
            dry_run,
            wait,
            who,
        } => (
            Ask::Run {
                runbook,
                words: named(&inputs)?,
                dry: dry_run,
            },
            who,
            wait,
        ),
        Command::Why { runbook, inputs, who } => (
            Ask::Run {
                runbook,
                words: named(&inputs)?,
                dry: true,
            },
            who,
            false,
        ),
        Command::Approve { run, wait, who } => (Ask::Approve { run, digest: None }, who, wait),
        Command::Deny { run, who } => (Ask::Deny { run }, who, false),
        Command::Override { run, reason, who } => (Ask::Override { run, reason }, who, false),
        Command::Stop { run, who } => (Ask::Stop { run }, who, false),
        Command::Undo { run, who } => (Ask::Undo { run }, who, true),
        Command::Resolve {
            run,
            step,
            resolution,
            reason,
            who,
        } => (
            Ask::Resolve {
                run,
                step,
                resolution: reason_to(resolution),
                reason,
            },
            who,
            false,
        ),
        Command::Unlock { key, reason, who } => (Ask::Unlock { key, reason }, who, false),
        Command::Pause { runbook, who } => (Ask::Pause { runbook }, who, false),
        Command::Resume { runbook, who } => (Ask::Resume { runbook }, who, false),
        Command::Serve
        | Command::Audit { .. }
        | Command::Check(_)
        | Command::Doctor
        | Command::New { .. }
        | Command::People { .. }
        | Command::Test(_)
        | Command::Runs { .. }
        | Command::Show { .. }
        | Command::Chart { .. }
        | Command::Coverage { .. }
        | Command::Export { .. }
        | Command::Migrate => return Err(AppError::Other("this command asks for nothing".to_owned())),
    })
}

fn named(inputs: &[String]) -> Result<Words, AppError> {
    inputs
        .iter()
        .map(|input| {
            input
                .split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| {
                    let given = marked(input);
                    AppError::Invalid(format!("{given}: an input is written NAME=VALUE, such as order=1042"))
                })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Words::Named)
}

pub(super) fn here() -> Place {
    Place {
        surface: Surface::Cli,
        workspace: None,
        channel: None,
        thread: None,
    }
}

/// Outside of demo mode the command line acts as the user of the operating system.
pub(super) fn account(app: &App, person: Option<&str>) -> Result<Account, AppError> {
    match person {
        Some(_) if !app.config.server.demo => Err(AppError::Denied(
            "--as exists in demo mode alone ([server] demo = true). Here you act as your operating system user."
                .to_owned(),
        )),
        Some(person) => Ok(Account::Picked {
            person: person.to_owned(),
        }),
        None => Ok(Account::Os { user: os_user()? }),
    }
}

/// The user that this process really runs as: an environment variable could be set to anybody's name.
pub(super) fn os_user() -> Result<String, AppError> {
    let unknown = |reason: String| AppError::Other(format!("cannot tell which user this is: {reason}"));
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| unknown(error.to_string()))?;
    let uid = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().next())
        .ok_or_else(|| unknown("no Uid in /proc/self/status".to_owned()))?
        .to_owned();
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| unknown(error.to_string()))?;
    users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&uid.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .ok_or_else(|| unknown(format!("nobody in /etc/passwd has the id {uid}")))
}

/// Does the engine's work in this process where no server does it.
struct Helper {
    can: Can,
    /// Since when no server has been there.
    alone: Option<Instant>,
    station: Arc<Station>,
    stop: watch::Sender<bool>,
    working: Option<tokio::task::JoinHandle<()>>,
}

impl Helper {
    fn new(app: &App, can: Can) -> Self {
        Self {
            can,
            alone: None,
            station: app.station(Share::Leader),
            stop: watch::channel(false).0,
            working: None,
        }
    }

    /// Begins to work where nobody holds the engine's lease.
    async fn look(&mut self, app: &App) -> Result<(), AppError> {
        if self.working.is_some() {
            return Ok(());
        }
        if is_served(app).await? {
            self.alone = None;
        } else if self.can == Can::Work {
            self.working = Some(tokio::spawn(self.station.clone().work(self.stop.subscribe(), GRACE)));
        } else if self.alone.get_or_insert_with(Instant::now).elapsed() > SERVER_PATIENCE {
            return Err(AppError::Other(
                "the server is gone; what was asked for is kept, and carried out when it is back".to_owned(),
            ));
        }
        Ok(())
    }

    /// What this process carries out for others, who may have left on the strength of it, is carried to its rest.
    async fn end(self, app: &App) -> Result<(), AppError> {
        let Some(working) = self.working else {
            return Ok(());
        };
        let since = Instant::now();
        let mut told = false;
        while app.store.work_left(&self.station.owner, Timestamp::now()).await? {
            if !told && since.elapsed() > EXPLAIN {
                told = true;
                super::aside("Other runs are under way in this process, and are finished first.");
            }
            tokio::time::sleep(LOOK).await;
        }
        let _ = self.stop.send(true);
        let _ = working.await;
        Ok(())
    }
}

async fn follow(app: &App, request: &Request, who: &Who, wait: bool, mut helper: Helper) -> Result<Report, AppError> {
    let asked = Instant::now();
    let mut progress = LiveLine::new(who);
    let mut recalled = Instant::now();
    let told = loop {
        if recalled.elapsed() > RECALL {
            app.recall_usergroups().await?;
            recalled = Instant::now();
        }
        helper.look(app).await?;
        match app.store.progress(&request.id).await? {
            Progress::Answered(report) => break *report,
            Progress::Run(run) => {
                let shown = helper.station.desk.shown(&run).await;
                let report = shown
                    .map_err(|error| AppError::Other(error.to_string()))?
                    .redacted(&app.redactor);
                progress.show(&report);
                let over = match report.outcome {
                    Outcome::Running => false,
                    Outcome::AwaitingApproval => !wait && asked.elapsed() >= LOOK,
                    _ => true,
                };
                // Where this process is the engine, leaving would leave the run behind.
                let alone = helper.working.is_some();
                if over || (!wait && !alone && asked.elapsed() >= SHORT) {
                    break report;
                }
            }
            Progress::Pending if asked.elapsed() > GATE_PATIENCE => {
                return Err(AppError::Other(format!(
                    "request {} is stored, and has not been looked at for {} seconds: is `signalbox serve` well?",
                    request.id,
                    GATE_PATIENCE.as_secs()
                )));
            }
            Progress::Pending => {}
        }
        tokio::time::sleep(LOOK).await;
    };
    helper.end(app).await?;
    Ok(told)
}

/// Live progress on a terminal: a line where something changed.
struct LiveLine {
    on: bool,
    last: String,
}

impl LiveLine {
    fn new(who: &Who) -> Self {
        Self {
            on: !who.json && std::io::stderr().is_terminal(),
            last: String::new(),
        }
    }

    fn show(&mut self, report: &Report) {
        if !self.on || !matches!(report.outcome, Outcome::Running | Outcome::AwaitingApproval) {
            return;
        }
        let run = report.run.as_deref().unwrap_or_default();
        let line = terminal::shown(&format!("{run} {}: {}", report.outcome.words(), report.say));
        if line != self.last {
            super::aside(&line);
            self.last = line;
        }
    }
}
