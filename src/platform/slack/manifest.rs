//! The app manifest: what an administrator pastes into Slack to get an app with just these commands and rights.

#[cfg(test)]
mod tests;

use super::form;
use super::receive::COMMAND;
use serde_json::{Value, json};

/// What the bot token may do: be asked, by commands and by mentions; post and edit its own messages, attach a chart; and, in
/// the channels that it was invited to, look whether a message of its own is there after Slack did not say so.
pub const SCOPES: [&str; 6] = [
    "commands",
    "app_mentions:read",
    "chat:write",
    "files:write",
    "channels:history",
    "groups:history",
];

/// Wanted beside [`SCOPES`] where people's groups come from Slack user groups.
pub const USER_GROUPS_SCOPE: &str = "usergroups:read";

/// Commands of Slack itself; an app that takes one of these names is never called by it.
const TAKEN: [&str; 38] = [
    "active",
    "apps",
    "archive",
    "away",
    "call",
    "close",
    "collapse",
    "dm",
    "dnd",
    "expand",
    "feed",
    "feedback",
    "herald",
    "invite",
    "invite_people",
    "join",
    "keys",
    "kick",
    "leave",
    "me",
    "msg",
    "mute",
    "open",
    "part",
    "prefs",
    "remind",
    "remove",
    "rename",
    "s",
    "search",
    "shortcuts",
    "shrug",
    "star",
    "status",
    "tableflip",
    "topic",
    "unarchive",
    "who",
];

/// How many slash commands one app may have.
const MOST: usize = 50;

/// A slash command to be.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec<'a> {
    /// Without the slash.
    pub name: &'a str,
    /// One sentence.
    pub summary: &'a str,
    /// The inputs, `ORDER [reason=TEXT]`.
    pub usage: &'a str,
}

/// Something that Slack would not accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// Too long, or of other letters.
    #[error("Slack takes no command /{0}: a name has 1 to 31 of a-z, 0-9, - and _")]
    Name(String),
    /// Slack's own.
    #[error("/{0} is a command of Slack itself; rename the runbook")]
    Taken(String),
    /// Twice the same.
    #[error("/{0} is there twice")]
    Twice(String),
    /// Longer than Slack takes.
    #[error("the {what} of /{name} has {length} characters; Slack takes {most}")]
    TooLong {
        /// The command.
        name: String,
        /// Which text.
        what: &'static str,
        /// As it is.
        length: usize,
        /// As it may be.
        most: usize,
    },
    /// Without a sentence Slack shows nothing.
    #[error("/{0} has no summary")]
    NoSummary(String),
    /// More than an app may have.
    #[error("{0} commands are more than the {MOST} that one Slack app may have")]
    TooMany(usize),
    /// Where Slack is to post.
    #[error("`public_url` {0:?} is no http or https address")]
    Address(String),
}

/// How Slack's deliveries are to reach the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Slack posts to addresses below this one. Slack itself takes https alone; http is for trying things out.
    At(&'a str),
    /// The bot opens a connection, and needs no address.
    Socket,
}

/// The manifest for these commands and the app's own. All problems at once.
pub fn manifest(
    commands: &[CommandSpec<'_>],
    reach: Reach<'_>,
    with_user_groups: bool,
) -> Result<Value, Vec<ManifestProblem>> {
    let own = CommandSpec {
        name: COMMAND,
        summary: "Approve, stop and look at runs; help",
        usage: "help | runs | approve RUN | deny RUN | stop RUN | resolve RUN STEP done REASON | pause | resume | link | unlink",
    };
    let all: Vec<CommandSpec<'_>> = std::iter::once(own).chain(commands.iter().copied()).collect();
    let mut problems = Vec::new();
    let base = match reach {
        Reach::At(address) => {
            let base = address.trim_end_matches('/');
            let is_address = reqwest::Url::parse(base).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !is_address {
                problems.push(ManifestProblem::Address(address.to_owned()));
            }
            Some(base)
        }
        Reach::Socket => None,
    };
    if all.len() > MOST {
        problems.push(ManifestProblem::TooMany(all.len()));
    }
    for (at, command) in all.iter().enumerate() {
        let name = command.name;
        if !super::receive::is_command(name) {
            problems.push(ManifestProblem::Name(name.to_owned()));
        } else if TAKEN.contains(&name) {
            problems.push(ManifestProblem::Taken(name.to_owned()));
        }
        if all[..at].iter().any(|other| other.name == name) {
            problems.push(ManifestProblem::Twice(name.to_owned()));
        }
        if command.summary.trim().is_empty() {
            problems.push(ManifestProblem::NoSummary(name.to_owned()));
        }
        for (what, text, most) in [("summary", command.summary, 2000), ("usage", command.usage, 1000)] {
            let length = text.chars().count();
            if length > most {
                problems.push(ManifestProblem::TooLong {
                    name: name.to_owned(),
                    what,
                    length,
                    most,
                });
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let slash_commands: Vec<Value> = all.iter().map(|command| slash_command(command, base)).collect();
    let mut scopes = SCOPES.to_vec();
    scopes.extend(with_user_groups.then_some(USER_GROUPS_SCOPE));
    let mut interactivity = json!({"is_enabled": true});
    let mut events = json!({"bot_events": ["app_mention"]});
    if let Some(base) = base {
        let address = format!("{base}/slack/interactivity");
        interactivity["request_url"] = address.clone().into();
        // Fields that offer values ask here.
        interactivity["message_menu_options_url"] = address.into();
        events["request_url"] = format!("{base}/slack/events").into();
    }
    Ok(json!({
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Signalbox",
            "description": "Runbook actions: done once, approved by a second person, proved by metrics",
        },
        "features": {
            "bot_user": {"display_name": "Signalbox", "always_online": true},
            "shortcuts": [{
                "name": "Run a runbook",
                "type": "message",
                "callback_id": form::CHOOSE,
                "description": "Choose a runbook and fill in what it takes",
            }],
            "slash_commands": slash_commands,
        },
        "oauth_config": {"scopes": {"bot": scopes}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": base.is_none(),
            "token_rotation_enabled": false,
        },
    }))
}

fn slash_command(command: &CommandSpec<'_>, base: Option<&str>) -> Value {
    let mut entry = json!({ "command": format!("/{}", command.name) });
    if let Some(base) = base {
        entry["url"] = format!("{base}/slack/commands").into();
    }
    entry["description"] = command.summary.into();
    // Names of people and channels are inputs like any other: as they were typed.
    entry["should_escape"] = false.into();
    if !command.usage.is_empty() {
        entry["usage_hint"] = command.usage.into();
    }
    entry
}
