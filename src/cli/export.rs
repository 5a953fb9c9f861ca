//! What other programs must be told.

use crate::app::AppError;
use crate::config::{Config, SlackTransport};
use crate::panel::grafana;
use crate::platform::slack::manifest::{CommandSpec, Reach, manifest};
use crate::policy::authorize::Policy;
use crate::registration::{self, discord_problems};
use crate::rules::{Rules, known_to_editors};
use crate::runbook::load::schema;
use serde_json::Value;
use std::path::Path;

/// All rules and where they came from.
pub(super) fn rules(path: &Path) -> Result<(Config, Rules), AppError> {
    let config = Config::load(path).map_err(AppError::Files)?;
    let rules = Rules::load(&config).map_err(AppError::Files)?;
    Ok((config, rules))
}

/// The manifest of the Slack app, with a slash command for each runbook and the least scopes.
pub(super) fn slack_manifest(path: &Path) -> Result<u8, AppError> {
    let (config, rules) = rules(path)?;
    let usages: Vec<(String, String, String)> = rules
        .catalog
        .runbooks()
        .map(|runbook| {
            // Slack shows the hint behind the command.
            let usage = runbook.usage();
            let hint = usage
                .strip_prefix(&runbook.name)
                .unwrap_or(&usage)
                .trim_start()
                .to_owned();
            (runbook.name.clone(), runbook.summary.clone(), hint)
        })
        .collect();
    let commands: Vec<CommandSpec<'_>> = usages
        .iter()
        .map(|(name, summary, usage)| CommandSpec { name, summary, usage })
        .collect();
    let groups = rules.people.groups().any(|group| !group.slack_usergroups.is_empty());
    let is_socket = config
        .slack
        .as_ref()
        .is_some_and(|slack| matches!(slack.transport, SlackTransport::Socket { .. }));
    let reach = if is_socket {
        Reach::Socket
    } else {
        Reach::At(&config.server.public_url)
    };
    let manifest = manifest(&commands, reach, groups)
        .map_err(|problems| AppError::Other(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    super::line(&format!("{manifest:#}"));
    Ok(0)
}

/// The slash commands that Discord is told of, as it takes them. The bot tells it by itself; this is to look at.
pub(super) fn discord_commands(path: &Path) -> Result<u8, AppError> {
    let (config, rules) = rules(path)?;
    let problems = discord_problems(&config.files.commands, &rules);
    if !problems.is_empty() {
        return Err(AppError::Files(problems));
    }
    let (commands, _) = registration::discord_commands(&rules);
    super::line(&format!("{:#}", Value::Array(commands)));
    Ok(0)
}

/// The schema that policies are validated against.
pub(super) fn policy_schema(path: &Path) -> Result<u8, AppError> {
    let (_, rules) = rules(path)?;
    super::line(&Policy::schema_text(&rules.facts()));
    Ok(0)
}

/// The schema of runbook files, for editors, with the names of what is configured. Runbooks may be wrong meanwhile: that
/// is when an editor helps.
pub(super) fn schema(path: &Path) -> Result<u8, AppError> {
    let config = Config::load(path).map_err(AppError::Files)?;
    super::line(&format!("{:#}", schema::schema(&known_to_editors(&config))));
    Ok(0)
}

/// The panels, for Grafana to import.
pub(super) fn grafana(path: &Path) -> Result<u8, AppError> {
    let (_, rules) = rules(path)?;
    let dashboard = grafana::dashboard(&rules.panels).map_err(|error| AppError::Denied(error.to_string()))?;
    super::line(&format!("{dashboard:#}"));
    Ok(0)
}
