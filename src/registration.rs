//! Slash commands that a platform must be told of: at the start and after each change of the runbooks, by the leader
//! alone, and only where it has others. What Discord would not take is left out, and told.

use crate::platform::discord::client::{DiscordClient, DiscordError};
use crate::platform::discord::commands::{
    CommandProblem, CommandSpec, InputKind, InputSpec, are_same, commands, usual_help,
};
use crate::platform::discord::limits::Method;
use crate::problem::Problem;
use crate::rules::Rules;
use crate::runbook::Runbook;
use crate::runbook::input;
use crate::station::Station;
use crate::toml_file::TomlFile;
use serde_json::Value;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use toml::de::DeTable;

/// Between two looks whether this process leads.
const LOOK: Duration = Duration::from_millis(500);

/// Between two tries, doubled up to the other one.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(300);

/// A runbook as a slash command.
pub fn spec(runbook: &Runbook) -> CommandSpec {
    CommandSpec {
        name: runbook.name.clone(),
        summary: runbook.summary.clone(),
        inputs: runbook.inputs.iter().map(input_spec).collect(),
    }
}

fn input_spec(input: &input::InputSpec) -> InputSpec {
    let offers = input.suggest.is_some();
    let kind = match &input.kind {
        // Commas part them, so whatever they are they are typed as text.
        _ if input.many => InputKind::Text {
            min: None,
            max: None,
            offers: offers || input.fixed_choices().is_some(),
        },
        input::InputKind::Text { length, .. } => InputKind::Text {
            min: length.min,
            max: length.max,
            offers,
        },
        input::InputKind::Integer(bounds) => InputKind::Whole {
            min: bounds.min,
            max: bounds.max,
            offers,
        },
        input::InputKind::Boolean => InputKind::Flag,
        input::InputKind::Choice(words) => InputKind::Choice(words.clone()),
        // Offered while one types, to those who may ask: a list of choices is there for everybody to read.
        input::InputKind::Panel(_) => InputKind::Text {
            min: None,
            max: None,
            offers: true,
        },
        // A double is not exact, and a duration has units.
        input::InputKind::Decimal(_) | input::InputKind::Duration(_) | input::InputKind::Row => InputKind::Text {
            min: None,
            max: None,
            offers,
        },
    };
    InputSpec {
        name: input.name.clone(),
        help: input
            .help
            .clone()
            .unwrap_or_else(|| usual_help(input.kind.name(), input.many)),
        required: input.required,
        kind,
    }
}

/// All commands as Discord takes them, and what it would not take.
pub fn discord_commands(rules: &Rules) -> (Vec<Value>, Vec<CommandProblem>) {
    let specs: Vec<CommandSpec> = rules.catalog.runbooks().map(|runbook| spec(runbook)).collect();
    commands(&specs)
}

/// The same problems with their places in the files.
pub fn discord_problems(folder: &Path, rules: &Rules) -> Vec<Problem> {
    let (_, found) = discord_commands(rules);
    let problems = found.into_iter().map(|found| {
        let path = folder.join(format!("{}.toml", found.command));
        let source = rules.catalog.get(&found.command).map_or("", |runbook| &runbook.source);
        let place = place(&path, source, &found);
        Problem::at(&path, source, place.start, found.say)
    });
    let mut problems: Vec<Problem> = problems.collect();
    problems.sort();
    problems
}

/// The input, or the summary; the beginning of the file where neither is found.
fn place(path: &Path, source: &str, found: &CommandProblem) -> Range<usize> {
    let file = TomlFile::new(path, source);
    let tree = file.parse();
    let tree = tree.get_ref();
    let span = match &found.input {
        None => tree.get("summary").map(toml::Spanned::span),
        Some(name) => {
            let inputs = tree.get("input").and_then(|inputs| inputs.get_ref().as_array());
            let inputs = inputs
                .into_iter()
                .flatten()
                .filter_map(|input| input.get_ref().as_table());
            let named = |input: &DeTable<'_>| {
                let own = input.get("name").filter(|own| own.get_ref().as_str() == Some(name))?;
                Some(input.get("help").unwrap_or(own).span())
            };
            inputs.filter_map(named).next()
        }
    };
    span.unwrap_or(0..0)
}

/// Keeps Discord's commands the same as the runbooks.
#[derive(Debug)]
pub struct Registration {
    station: Arc<Station>,
    client: Arc<DiscordClient>,
    guilds: Vec<String>,
}

impl Registration {
    /// For these guilds.
    pub fn new(station: Arc<Station>, client: Arc<DiscordClient>, guilds: Vec<String>) -> Self {
        Self {
            station,
            client,
            guilds,
        }
    }

    /// Works until it is dropped.
    pub async fn work(self) {
        let mut changes = self.station.desk.rules.changes();
        let mut pause = FIRST;
        // Whoever comes to lead looks anew: the one before may have been of another mind.
        let mut is_told = false;
        loop {
            if !self.station.leads() {
                is_told = false;
                tokio::time::sleep(LOOK).await;
                continue;
            }
            // An error means that the rules are gone, and we too.
            if changes.has_changed().unwrap_or(false) {
                changes.mark_unchanged();
                (is_told, pause) = (false, FIRST);
            }
            if is_told {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            match self.tell_all().await {
                Ok(()) => (is_told, pause) = (true, FIRST),
                Err(wait) => {
                    tokio::time::sleep(wait.unwrap_or(pause)).await;
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    /// The error is how long Discord asked to wait, where it did.
    async fn tell_all(&self) -> Result<(), Option<Duration>> {
        let (commands, problems) = discord_commands(&self.station.desk.rules.now());
        for problem in problems {
            tracing::error!(
                command = problem.command,
                problem = problem.say,
                "no command in Discord"
            );
        }
        let mut result = Ok(());
        // What is wrong with one guild keeps no other one from its commands.
        for guild in &self.guilds {
            match self.tell(guild, &commands).await {
                Ok(false) => {}
                Ok(true) => tracing::info!(guild, commands = commands.len(), "commands registered in Discord"),
                Err(error) => {
                    tracing::error!(guild, %error, "the commands could not be registered in Discord");
                    result = Err(match error {
                        DiscordError::RateLimited { after } => Some(after),
                        _ => None,
                    });
                }
            }
        }
        result
    }

    /// Whether anything had to be told.
    async fn tell(&self, guild: &str, commands: &[Value]) -> Result<bool, DiscordError> {
        let take = || {
            let taken = self.client.take(Method::Commands, guild);
            taken.map_err(|after| DiscordError::RateLimited { after })
        };
        take()?;
        if are_same(commands, &self.client.commands(guild).await?) {
            return Ok(false);
        }
        take()?;
        self.client.set_commands(guild, commands).await?;
        Ok(true)
    }
}
