//! `signalbox doctor`: asks each platform whether it would hear the bot, and tells what to mend where it would not. It posts
//! nothing and changes nothing.

mod ask;
mod discord;
mod slack;
pub mod watch;

use crate::app::App;
use ask::{Answer, Asker};
use jiff::Timestamp;
use std::fmt;

/// Slack and Discord refuse what is signed five minutes off; a clock that drifts is told long before.
const SKEW: i64 = 30;

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is as it should be.
    Good(String),
    /// It is not: what, and the way out.
    Wrong(String),
    /// It could not be found out, or cannot be from here.
    Untold(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(say) => write!(f, "ok     {say}"),
            Self::Wrong(say) => write!(f, "WRONG  {say}"),
            Self::Untold(say) => write!(f, "?      {say}"),
        }
    }
}

/// Looks at everything. The files were read and the store was opened before; else there is no `app`.
pub async fn examine(app: &App) -> Vec<Finding> {
    let mut findings = vec![match app.store.alive().await {
        Ok(()) => Finding::Good("the bot's own database answers".to_owned()),
        Err(error) => Finding::Wrong(format!("the bot's own database does not answer: {error}")),
    }];
    match Asker::new() {
        Ok(asker) => {
            slack::examine(app, &asker, &mut findings).await;
            discord::examine(app, &asker, &mut findings).await;
        }
        Err(error) => findings.push(Finding::Untold(format!("no platform could be asked: {error}"))),
    }
    for (name, connection) in app.connections.all() {
        findings.push(match connection.alive().await {
            Ok(said) => Finding::Good(format!("{name}: {said}")),
            Err(reason) => Finding::Wrong(format!(
                "{name}: {reason}; see [connection.{name}] in the config{}",
                way_out(&connection.identity().kind, &reason)
            )),
        });
    }
    findings
}

/// What to do about a paging system: where what it does not accept is made, or that it must be reached.
fn way_out(kind: &str, reason: &str) -> &'static str {
    match (kind, reason.contains("does not accept")) {
        ("pagerduty", true) => {
            ". Its `token` is a REST API key, made in PagerDuty under Integrations, API Access Keys; pages go out without it"
        }
        ("jsm", true) => {
            ". Its `token` is an API token of the Atlassian account of `email`, made in that account under Security"
        }
        ("pagerduty" | "jsm", false) => {
            ". It must be reached from here over HTTPS; what is to be paged waits meanwhile, and is tried again"
        }
        _ => "",
    }
}

/// A channel that the bot posts to by itself.
struct Post<'c> {
    channel: &'c str,
    /// What it is for.
    words: &'static str,
    /// Where it is named.
    setting: String,
    /// What becomes of messages as long as they cannot be posted there.
    until_then: &'static str,
}

impl<'c> Post<'c> {
    fn operations(platform: &str, channel: &'c str) -> Self {
        Self {
            channel,
            words: "operations channel",
            setting: format!("{platform}.ops_channel"),
            until_then: "",
        }
    }

    fn alerts(platform: &str, channel: &'c str) -> Self {
        Self {
            channel,
            words: "channel for alerts",
            setting: format!("alerts.{platform}_channel"),
            until_then: "; until then alerts are shown in the operations channel",
        }
    }
}

/// Looks at the channels for alerts alone, by platform.
pub async fn alert_channels(app: &App) -> Vec<(&'static str, Finding)> {
    let Ok(asker) = Asker::new() else { return Vec::new() };
    let (slack, discord) = tokio::join!(slack::alert_channel(app, &asker), discord::alert_channel(app, &asker));
    let found = [("slack", slack), ("discord", discord)];
    found
        .into_iter()
        .filter_map(|(platform, finding)| Some((platform, finding?)))
        .collect()
}

/// By the time that an answer bears.
fn clock(platform: &str, answer: &Answer) -> Finding {
    let Some(theirs) = answer.date else {
        return Finding::Untold(format!("{platform} does not tell what time it is there"));
    };
    let off = Timestamp::now().duration_since(theirs).as_secs();
    if off.abs() <= SKEW {
        return Finding::Good(format!("this machine's clock and {platform}'s agree"));
    }
    Finding::Wrong(format!(
        "this machine's clock is {} s {} {platform}'s; from five minutes on nothing that {platform} signs is believed. Set \
         it by NTP",
        off.abs(),
        if off > 0 { "ahead of" } else { "behind" }
    ))
}

/// What a call that should have been answered came to instead.
fn not_answered(platform: &str, what: &str, problem: &str) -> Finding {
    Finding::Untold(format!("{platform} could not be asked {what}: {problem}"))
}
