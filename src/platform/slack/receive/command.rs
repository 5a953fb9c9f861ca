//! A slash command.

use super::{Genuine, Known, Origin, Received, Rejection, Trigger, heard, id, is_command, subcommand, unescape};
use crate::request::{Ask, Words};
use serde_json::json;

/// Reads a slash command.
pub fn command(genuine: &Genuine<'_>, teams: &[String]) -> Result<Received, Rejection> {
    let form = genuine.form()?;
    let team = id("team_id", form.required("team_id")?)?;
    let user = id("user_id", form.required("user_id")?)?;
    let channel = id("channel_id", form.required("channel_id")?)?;
    let own = match form.optional("user_team_id").or(form.optional("user_team")) {
        Some(own) => id("user_team_id", own)?,
        None => team,
    };
    let enterprise = form.optional("enterprise_id").filter(|id| !id.is_empty());
    let (team, own) = heard(teams, team, own, enterprise)?;
    let name = form.required("command")?;
    let name = name
        .strip_prefix('/')
        .filter(|name| is_command(name))
        .ok_or(Rejection::BadField("command"))?;
    let text = unescape(form.optional("text").unwrap_or_default());
    let origin = Origin {
        team,
        own,
        user,
        channel: Some(channel),
        // Slack takes no commands in threads.
        thread: None,
    };
    let asker = origin.asker(form.optional("response_url"));
    let link = (name == subcommand::COMMAND).then(|| subcommand::link(&text)).flatten();
    let kept = |text: &str| {
        json!({
            "kind": "command",
            "team": team,
            "enterprise": enterprise,
            "user": user,
            "user_name": form.optional("user_name"),
            "channel": channel,
            "channel_name": form.optional("channel_name"),
            "command": name,
            "text": text,
            "timestamp": genuine.timestamp,
        })
    };
    let trigger = Trigger::of(form.optional("trigger_id"));
    let known = trigger
        .as_ref()
        .map_or(Known::Body, |trigger| Known::Trigger(trigger.expose()));
    let id = known.delivery_id(genuine);
    if let Some(link) = link {
        return Ok(asker.links(id, &kept(link.words()), link));
    }
    let ask = if name == subcommand::COMMAND {
        match subcommand::parse(&text) {
            Ok(ask) => ask,
            Err(usage) => return Ok(Received::Answered(Box::new(asker), usage)),
        }
    } else {
        Ask::Run {
            runbook: name.to_owned(),
            words: Words::Line(text.trim().to_owned()),
            dry: false,
        }
    };
    let delivery = asker.asks(id, &kept(&text), ask);
    Ok(Received::Asked(Box::new(delivery), trigger))
}
