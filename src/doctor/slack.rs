//! Slack: the token and its rights, the clock, the operations channel, and the way in.

use super::ask::{Answer, Asker};
use super::{Finding, Post, clock, not_answered};
use crate::app::{App, SlackInbound};
use crate::config::Slack;
use crate::platform::slack::manifest::{SCOPES, USER_GROUPS_SCOPE};
use crate::platform::slack::receive::signature;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// The way out of most of what is wrong with an app.
const MANIFEST: &str = "paste `signalbox export slack-manifest` as the app's manifest and install the app again";

pub(super) async fn examine(app: &App, asker: &Asker, findings: &mut Vec<Finding>) {
    let (Some(secrets), Some(config)) = (&app.slack, &app.config.slack) else {
        return;
    };
    let wants_groups = app
        .rules
        .now()
        .people
        .groups()
        .any(|group| !group.slack_usergroups.is_empty());
    let answer = call(asker, config, &secrets.bot_token, "auth.test", &[]).await;
    let is_known = match &answer {
        Ok(answer) => {
            let is_known = answer.body["ok"] == true;
            findings.push(token(config, answer));
            findings.push(clock("Slack", answer));
            if is_known {
                findings.push(scopes(answer, wants_groups));
            }
            is_known
        }
        Err(problem) => {
            findings.push(not_answered("Slack", "whose the bot token is", problem));
            false
        }
    };
    if is_known {
        let ops = Post::operations("slack", &config.ops_channel);
        findings.push(channel(asker, config, &secrets.bot_token, &ops).await);
        if let Some(alerts) = alerts(app) {
            findings.push(channel(asker, config, &secrets.bot_token, &alerts).await);
        }
    }
    match &secrets.inbound {
        SlackInbound::Socket(app_token) => {
            findings.push(match call(asker, config, app_token, "apps.connections.open", &[]).await {
                Ok(answer) if answer.body["ok"] == true => {
                    Finding::Good("Slack gives a connection for the app token".to_owned())
                }
                Ok(answer) => Finding::Wrong(format!(
                    "Slack gives no connection for the app token ({}): slack.app_token is one that begins with xapp- and has \
                     the scope connections:write, and Socket Mode is on in the app's settings",
                    error(&answer)
                )),
                Err(problem) => not_answered("Slack", "for a connection", &problem),
            });
        }
        SlackInbound::Http(signing) => findings.push(way_in(app, asker, signing).await),
    }
}

async fn call(
    asker: &Asker,
    config: &Slack,
    token: &SecretString,
    method: &str,
    fields: &[(&str, &str)],
) -> Result<Answer, String> {
    let url = format!("{}/{method}", config.api_url.trim_end_matches('/'));
    let call = asker.http.post(url).bearer_auth(token.expose_secret()).form(fields);
    asker.ask(call).await
}

fn error(answer: &Answer) -> &str {
    answer.body["error"].as_str().unwrap_or("no word why")
}

fn token(config: &Slack, answer: &Answer) -> Finding {
    if answer.body["ok"] != true {
        return Finding::Wrong(format!(
            "Slack does not accept the bot token ({}): copy it once more from the app's page OAuth & Permissions; it begins \
             with xoxb-",
            error(answer)
        ));
    }
    let team = answer.body["team_id"].as_str().unwrap_or_default();
    let organization = answer.body["enterprise_id"].as_str().unwrap_or_default();
    if config.teams.iter().any(|known| known == team || known == organization) {
        return Finding::Good(format!("Slack knows the bot token, of workspace {team}"));
    }
    Finding::Wrong(format!(
        "the bot token is of workspace {team}, which slack.teams does not name: commands from there are not heard"
    ))
}

fn scopes(answer: &Answer, wants_groups: bool) -> Finding {
    let Some(granted) = &answer.scopes else {
        return Finding::Untold("Slack does not tell what the bot token may do".to_owned());
    };
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    let groups = wants_groups.then_some(USER_GROUPS_SCOPE);
    let missing: Vec<&str> = SCOPES
        .into_iter()
        .chain(groups)
        .filter(|scope| !granted.contains(scope))
        .collect();
    if missing.is_empty() {
        return Finding::Good("the bot token has all scopes".to_owned());
    }
    Finding::Wrong(format!("the bot token lacks {}: {MANIFEST}", missing.join(", ")))
}

fn alerts(app: &App) -> Option<Post<'_>> {
    let channel = app.config.alerts.as_ref()?.slack_channel.as_deref()?;
    Some(Post::alerts("slack", channel))
}

/// The channel for alerts alone, where there is one.
pub(super) async fn alert_channel(app: &App, asker: &Asker) -> Option<Finding> {
    let (secrets, config, alerts) = (app.slack.as_ref()?, app.config.slack.as_ref()?, alerts(app)?);
    Some(channel(asker, config, &secrets.bot_token, &alerts).await)
}

/// Whether the bot is in a channel. What it may do there is the same everywhere, by its scopes.
async fn channel(asker: &Asker, config: &Slack, token: &SecretString, post: &Post<'_>) -> Finding {
    let Post {
        channel,
        words,
        setting,
        until_then,
    } = post;
    let asked = [("channel", *channel), ("limit", "1")];
    let answer = match call(asker, config, token, "conversations.history", &asked).await {
        Ok(answer) => answer,
        Err(problem) => return not_answered("Slack", &format!("about the {words}"), &problem),
    };
    if answer.body["ok"] == true {
        return Finding::Good(format!("the bot is in the {words} {channel}"));
    }
    match error(&answer) {
        "not_in_channel" => Finding::Wrong(format!(
            "the bot is not in the {words} {channel}: type /invite @Signalbox there{until_then}"
        )),
        "channel_not_found" => Finding::Wrong(format!(
            "there is no channel {channel} that the bot can see: {setting} is a channel's id, and in a private channel the \
             bot must be invited{until_then}"
        )),
        "is_archived" => Finding::Wrong(format!(
            "the {words} {channel} is archived; name another one{until_then}"
        )),
        other => Finding::Untold(format!(
            "whether the bot is in the {words} {channel} cannot be told ({other})"
        )),
    }
}

/// Whether the address that Slack posts to leads to a bot that knows the signing secret: asked as Slack would, once right
/// and once wrong.
async fn way_in(app: &App, asker: &Asker, signing: &SecretString) -> Finding {
    let url = format!("{}/slack/events", app.config.server.public_url.trim_end_matches('/'));
    let body = json!({"type": "url_verification", "challenge": "signalbox-doctor"}).to_string();
    let now = Timestamp::now().as_second().to_string();
    let post = |secret: &SecretString| {
        let call = asker
            .http
            .post(&url)
            .header("content-type", "application/json")
            .header("x-slack-request-timestamp", &now)
            .header(
                "x-slack-signature",
                signature(secret, &now, body.as_bytes()).unwrap_or_default(),
            )
            .body(body.clone());
        asker.ask(call)
    };
    let (right, wrong) = match (post(signing).await, post(&"not the secret".into()).await) {
        (Ok(right), Ok(wrong)) => (right, wrong),
        (Err(problem), _) | (_, Err(problem)) => {
            return Finding::Untold(format!(
                "nothing answers at {url} from here ({problem}): Slack must reach it from outside, and `signalbox serve` must \
                 run behind it"
            ));
        }
    };
    if wrong.status != 401 {
        return Finding::Wrong(format!(
            "what is signed wrongly is answered {} at {url}, and must be 401: something else than Signalbox answers there",
            wrong.status
        ));
    }
    if right.status == 200 && right.text.contains("signalbox-doctor") {
        return Finding::Good(format!(
            "what Slack signs is believed at {url}, and what it does not is not"
        ));
    }
    Finding::Wrong(format!(
        "what is signed with slack.signing_secret is answered {} at {url}: the bot that runs there has another secret; start \
         it again",
        right.status
    ))
}
