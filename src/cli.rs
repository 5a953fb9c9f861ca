//! The command line: what can be typed, and what it prints. It writes a request to the store like every other door; a
//! live server carries it out, and where there is none, this process does, under the engine's lease.

mod ask;
mod audit;
mod coverage;
mod export;
mod live;
mod look;
mod new;
mod people;
mod show;
mod test;
mod watch;

use crate::app::{AppError, config_path};
use crate::report::unseen::spelled_lines;
use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runbook actions from chat: done once, approved by a second person, proved by metrics.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, about, max_term_width = 100)]
pub struct Cli {
    /// The config file; else $SIGNALBOX_CONFIG, else config/signalbox.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot
    #[command(after_help = "Example: signalbox serve --config config/signalbox.toml")]
    Serve,
    /// Check config, people, policy, panels and runbooks; every problem as path:line:column
    #[command(
        after_help = "Example: signalbox check\n         signalbox check --watch\n         signalbox check --live"
    )]
    Check(look::CheckOptions),
    /// Ask Slack, Discord and the connections whether they would hear the bot, and tell what to mend
    #[command(after_help = "Posts nothing and changes nothing. Exit 0 if nothing is wrong.")]
    Doctor,
    /// Write a runbook to begin with, commented, which check finds nothing wrong with
    #[command(after_help = "Example: signalbox new supplier-status\n         signalbox new cancel-order --write")]
    New {
        /// The runbook's name, which is the slash command
        runbook: String,
        /// One that writes: with a step, a probe, an undo and a proof
        #[arg(long)]
        write: bool,
    },
    /// Try the examples of runbooks on canned answers, with faults, and show what people would see
    #[command(after_help = "Example: signalbox test\n         \
                            signalbox test forward-order --fault forward=lost\n\n\
                            Nothing is reached: no chat, no connection, no secret. Exit 0 if all holds, else 1 with each\n\
                            problem as path:line:column.")]
    Test(test::Options),
    /// Run a runbook through the gate
    #[command(after_help = "Example: signalbox run forward-order order=1042 --wait\n         \
                            signalbox run resync-supplier supplier=all --dry-run")]
    Run {
        /// The runbook's name
        runbook: String,
        /// Its inputs, NAME=VALUE
        inputs: Vec<String>,
        /// Stop after the plan
        #[arg(long)]
        dry_run: bool,
        /// Until the end, approval included; the verdict comes after the soak, and `show` tells it
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        who: Who,
    },
    /// Say yes to a plan that waits
    #[command(after_help = "Example: signalbox approve 7k2m9qx4ab")]
    Approve {
        /// The run's id
        run: String,
        /// Until the run's end
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        who: Who,
    },
    /// Say no to a plan that waits
    #[command(after_help = "Example: signalbox deny 7k2m9qx4ab")]
    Deny {
        /// The run's id
        run: String,
        #[command(flatten)]
        who: Who,
    },
    /// Start a plan that waits without the approval, alone, for those who may (break-glass)
    #[command(after_help = "Example: signalbox override 7k2m9qx4ab --reason 'site down, nobody else awake'")]
    Override {
        /// The run's id
        run: String,
        /// Why; it is posted and listed for review
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Start no further step of a run
    #[command(after_help = "Example: signalbox stop 7k2m9qx4ab")]
    Stop {
        /// The run's id
        run: String,
        #[command(flatten)]
        who: Who,
    },
    /// Undo what a run has done, in reverse
    #[command(after_help = "Example: signalbox undo 7k2m9qx4ab")]
    Undo {
        /// The run's id
        run: String,
        #[command(flatten)]
        who: Who,
    },
    /// Say what became of a step that nobody knows the end of
    #[command(
        after_help = "Example: signalbox resolve 7k2m9qx4ab 'forward[1042]' done --reason 'CJ confirmed CJORD-7 by phone'"
    )]
    Resolve {
        /// The run's id
        run: String,
        /// The step's name, as the message gives it
        step: String,
        /// What became of it
        resolution: ResolutionWord,
        /// How you know
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Let a lock go whose run will not
    #[command(after_help = "Example: signalbox unlock order:1042 --reason 'run abandoned, supplier says no'")]
    Unlock {
        /// The lock's key
        key: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        who: Who,
    },
    /// Start no writes, of one runbook or of all
    #[command(after_help = "Example: signalbox pause forward-order")]
    Pause {
        /// All runbooks unless named
        runbook: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Let writes start again
    #[command(after_help = "Example: signalbox resume")]
    Resume {
        /// All pauses unless named
        runbook: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// What ran, newest first
    #[command(after_help = "Example: signalbox runs")]
    Runs {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// One run whole: plan, journal, verdict, messages
    #[command(after_help = "Example: signalbox show 7k2m9qx4ab")]
    Show {
        /// The run's id
        run: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Who is known, by which accounts; and take a linked account away
    #[command(after_help = "Example: signalbox people\n         signalbox people unlink T1/U9")]
    People {
        /// One JSON object
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        what: Option<people::Command>,
    },
    /// What the gate would decide, and by which policies
    #[command(after_help = "Example: signalbox why forward-order order=1042 --as vic")]
    Why {
        /// The runbook's name
        runbook: String,
        /// Its inputs, NAME=VALUE; without them only whether it may be asked for
        inputs: Vec<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Which sections of a written runbook, in Markdown, can be carried out, and by which runbooks
    #[command(after_help = "Example: signalbox coverage RUNBOOK.md\n\n\
                            A runbook's `section` is the heading that it carries out. Exit 0 if each section has one, else 1.")]
    Coverage {
        /// The written runbook
        #[arg(value_name = "DOC.md")]
        document: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Draw a panel as PNG, or several below each other
    #[command(after_help = "Example: signalbox chart payments errors --last 1h --out shop.png")]
    Chart {
        /// The panels' names
        #[arg(required = true, value_name = "PANEL")]
        panels: Vec<String>,
        /// How far back
        #[arg(long, default_value = "1h", value_name = "DURATION")]
        last: String,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Light letters on black
        #[arg(long)]
        dark: bool,
    },
    /// Print what another program must be told
    #[command(after_help = "Example: signalbox export slack-manifest > manifest.json")]
    Export {
        /// What
        what: ExportWord,
    },
    /// Prove the record of who did what by its seals, or give it away
    #[command(after_help = "Example: signalbox audit verify\n         \
                            signalbox audit verify --seals /mnt/archive/signalbox.seals --json\n         \
                            signalbox audit export --since 30d > audit.jsonl")]
    Audit {
        #[command(subcommand)]
        what: audit::Command,
    },
    /// Bring the database's schema up to date
    #[command(after_help = "Example: signalbox migrate")]
    Migrate,
}

impl Command {
    /// The runbook that a program asks about, which gets one object whatever happens; none where nobody wants JSON.
    fn as_json(&self) -> Option<&str> {
        let (who, runbook) = match self {
            Self::Run { runbook, who, .. } | Self::Why { runbook, who, .. } => (who, runbook.as_str()),
            Self::Pause { runbook, who } | Self::Resume { runbook, who } => {
                (who, runbook.as_deref().unwrap_or_default())
            }
            Self::Approve { who, .. }
            | Self::Deny { who, .. }
            | Self::Override { who, .. }
            | Self::Stop { who, .. }
            | Self::Undo { who, .. }
            | Self::Resolve { who, .. }
            | Self::Unlock { who, .. } => (who, ""),
            Self::Show { json: true, .. } => return Some(""),
            _ => return None,
        };
        who.json.then_some(runbook)
    }
}

/// Who acts.
#[derive(Debug, clap::Args)]
struct Who {
    /// Act as this person of people.toml; demo mode alone
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ResolutionWord {
    Done,
    NotDone,
    Abandon,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ExportWord {
    SlackManifest,
    /// Slash commands, as the bot registers them
    DiscordCommands,
    /// JSON Schema of runbook files, for editors
    Schema,
    /// The Cedar schema that policies are validated against
    PolicySchema,
    /// The panels as a dashboard of Grafana
    Grafana,
}

/// Prints a line. A reader that has gone away (`| head`) is no error of ours.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line beside what was asked for: why something is not so, and what people should know.
fn aside(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Parses the arguments, does it, and gives the exit code.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let code = if error.use_stderr() { 1 } else { 0 };
            let plain = error.render().to_string();
            // It quotes what was typed, and a terminal must not obey that.
            if spelled_lines(&plain) == plain {
                let _ = error.print();
            } else {
                aside(spelled_lines(&plain).trim_end());
            }
            return ExitCode::from(code);
        }
    };
    let path = config_path(cli.config);
    let as_json = cli.command.as_json().map(str::to_owned);
    let done = match cli.command {
        Command::Serve => look::serve(&path).await,
        Command::Check(options) => look::check(&path, options).await,
        Command::Doctor => look::doctor(&path).await,
        Command::New { runbook, write } => new::new(&path, &runbook, write),
        Command::Test(options) => test::test(&path, options).await,
        Command::Migrate => look::migrate(&path).await,
        Command::Coverage { document, json } => coverage::coverage(&path, &document, json),
        Command::Audit { what } => audit::audit(&path, what).await,
        Command::Runs { json } => show::runs(&path, json).await,
        Command::People { json, what: None } => people::list(&path, json).await,
        Command::People { what: Some(what), .. } => people::people(&path, what).await,
        Command::Show { run, json } => show::show(&path, &run, json).await,
        Command::Chart {
            panels,
            last,
            out,
            dark,
        } => look::chart(&path, &panels, &last, &out, dark).await,
        Command::Export {
            what: ExportWord::SlackManifest,
        } => export::slack_manifest(&path),
        Command::Export {
            what: ExportWord::DiscordCommands,
        } => export::discord_commands(&path),
        Command::Export {
            what: ExportWord::Schema,
        } => export::schema(&path),
        Command::Export {
            what: ExportWord::PolicySchema,
        } => export::policy_schema(&path),
        Command::Export {
            what: ExportWord::Grafana,
        } => export::grafana(&path),
        command => ask::ask(&path, command).await,
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            aside(&format!("signalbox: {}", spelled_lines(&error.to_string())));
            if let Some(told) = as_json.and_then(|runbook| show::turned_away(&error, &runbook)) {
                line(&told.to_string());
            }
            let turned_away = matches!(error, AppError::Denied(_) | AppError::Invalid(_));
            ExitCode::from(if turned_away { 2 } else { 1 })
        }
    }
}
