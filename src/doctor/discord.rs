//! Discord: the application and its key, the clock, guilds, the operations channel, the commands, and the way in.

mod channel;

use super::ask::{Answer, Asker};
use super::{Finding, Post, clock, not_answered};
use crate::app::{App, DiscordSecrets};
use crate::config::Discord;
use crate::platform::discord::client::AGENT;
use crate::platform::discord::commands::are_same;
use crate::registration::discord_commands;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

pub(super) async fn examine(app: &App, asker: &Asker, findings: &mut Vec<Finding>) {
    let (Some(secrets), Some(config)) = (&app.discord, &app.config.discord) else {
        return;
    };
    let api = Api {
        asker,
        config,
        token: &secrets.bot_token,
    };
    match api.get("applications/@me").await {
        Ok(answer) if answer.status == 200 => {
            findings.extend(application(app, secrets, config, &answer.body));
            findings.push(clock("Discord", &answer));
        }
        Ok(answer) if answer.status == 401 => {
            findings.push(Finding::Wrong(
                "Discord does not accept the bot token: copy it once more from the application's page Bot".to_owned(),
            ));
            return;
        }
        Ok(answer) => {
            findings.push(not_answered("Discord", "about the application", &answered(&answer)));
            return;
        }
        Err(problem) => {
            findings.push(not_answered("Discord", "about the application", &problem));
            return;
        }
    }
    let (ours, _) = discord_commands(&app.rules.now());
    for guild in &config.guilds {
        match api.get(&format!("guilds/{guild}")).await {
            Ok(answer) if answer.status == 200 => {
                let name = answer.body["name"].as_str().unwrap_or(guild);
                findings.push(Finding::Good(format!("the bot is in the server {name} ({guild})")));
            }
            Ok(answer) if matches!(answer.status, 403 | 404) => {
                findings.push(Finding::Wrong(format!(
                    "the bot is not in the server {guild}: invite it with the link in the README, with the scopes bot and \
                     applications.commands"
                )));
                continue;
            }
            Ok(answer) => findings.push(not_answered(
                "Discord",
                &format!("about the server {guild}"),
                &answered(&answer),
            )),
            Err(problem) => findings.push(not_answered("Discord", &format!("about the server {guild}"), &problem)),
        }
        let path = format!("applications/{}/guilds/{guild}/commands", config.application_id);
        findings.push(match api.get(&path).await {
            Ok(Answer {
                status: 200,
                body: Value::Array(theirs),
                ..
            }) => registered(guild, &ours, &theirs),
            Ok(answer) => not_answered("Discord", &format!("for the commands of {guild}"), &answered(&answer)),
            Err(problem) => not_answered("Discord", &format!("for the commands of {guild}"), &problem),
        });
    }
    findings.push(api.channel(&Post::operations("discord", &config.ops_channel)).await);
    if let Some(channel) = alerts(app) {
        findings.push(api.channel(&channel).await);
    }
    if secrets.key.is_some() {
        findings.push(way_in(app, asker).await);
    }
}

/// Asks Discord as the bot.
struct Api<'a> {
    asker: &'a Asker,
    config: &'a Discord,
    token: &'a SecretString,
}

impl Api<'_> {
    async fn get(&self, path: &str) -> Result<Answer, String> {
        let url = format!("{}/{path}", self.config.api_url.trim_end_matches('/'));
        let token = format!("Bot {}", self.token.expose_secret());
        let call = self.asker.http.get(url).header("authorization", token);
        let call = call.header("user-agent", AGENT);
        self.asker.ask(call).await
    }
}

fn alerts(app: &App) -> Option<Post<'_>> {
    let channel = app.config.alerts.as_ref()?.discord_channel.as_deref()?;
    Some(Post::alerts("discord", channel))
}

/// The channel for alerts alone, where there is one.
pub(super) async fn alert_channel(app: &App, asker: &Asker) -> Option<Finding> {
    let (secrets, config, channel) = (app.discord.as_ref()?, app.config.discord.as_ref()?, alerts(app)?);
    let api = Api {
        asker,
        config,
        token: &secrets.bot_token,
    };
    Some(api.channel(&channel).await)
}

fn answered(answer: &Answer) -> String {
    let say = answer.body["message"].as_str().unwrap_or("no word why");
    format!("it answered {}: {say}", answer.status)
}

fn application(app: &App, secrets: &DiscordSecrets, config: &Discord, theirs: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let id = theirs["id"].as_str().unwrap_or_default();
    findings.push(if id == config.application_id {
        Finding::Good(format!("Discord knows the bot token, of application {id}"))
    } else {
        Finding::Wrong(format!(
            "the bot token is of application {id}, and discord.application_id says {}: both stand in the developer portal",
            config.application_id
        ))
    });
    let entered = theirs["interactions_endpoint_url"].as_str().unwrap_or_default();
    match &secrets.key {
        Some(key) => {
            if let Some(right) = theirs["verify_key"].as_str() {
                findings.push(if key.is(right) {
                    Finding::Good("the public key is the application's".to_owned())
                } else {
                    Finding::Wrong(
                        "discord.public_key is not the application's: copy it once more from the page General Information"
                            .to_owned(),
                    )
                });
            }
            let wanted = address(app);
            findings.push(if entered == wanted {
                Finding::Good(format!("Discord sends commands to {wanted}"))
            } else if entered.is_empty() {
                Finding::Wrong(format!(
                    "Discord sends commands nowhere: enter {wanted} as Interactions Endpoint URL on the page General \
                     Information, while `signalbox serve` runs"
                ))
            } else {
                Finding::Wrong(format!(
                    "Discord sends commands to {entered}, and server.public_url makes that {wanted}: change one of them"
                ))
            });
        }
        None if entered.is_empty() => {
            findings.push(Finding::Good("Discord sends commands over the gateway".to_owned()));
        }
        None => findings.push(Finding::Wrong(format!(
            "Discord sends commands to {entered}, and so none over the gateway: empty Interactions Endpoint URL on the page \
             General Information, or set transport = \"http\""
        ))),
    }
    findings
}

fn registered(guild: &str, ours: &[Value], theirs: &[Value]) -> Finding {
    if are_same(ours, theirs) {
        return Finding::Good(format!("{} commands are registered in {guild}", theirs.len()));
    }
    Finding::Wrong(format!(
        "the commands registered in {guild} are not those of the runbooks: `signalbox serve` registers them at its start and \
         after an edit; its log says what Discord would not take"
    ))
}

fn address(app: &App) -> String {
    let base = app.config.server.public_url.trim_end_matches('/');
    format!("{base}/discord/interactions")
}

/// Discord takes an address only if it refuses what is not signed; nobody but Discord can sign rightly.
async fn way_in(app: &App, asker: &Asker) -> Finding {
    let url = address(app);
    let call = asker
        .http
        .post(&url)
        .header("content-type", "application/json")
        .header("x-signature-timestamp", jiff::Timestamp::now().as_second())
        .header("x-signature-ed25519", "00".repeat(64))
        .body(r#"{"type":1}"#);
    match asker.ask(call).await {
        Ok(answer) if answer.status == 401 => Finding::Good(format!("what Discord has not signed is refused at {url}")),
        Ok(answer) => Finding::Wrong(format!(
            "what Discord has not signed is answered {} at {url}, and must be 401: something else than Signalbox answers there",
            answer.status
        )),
        Err(problem) => Finding::Untold(format!(
            "nothing answers at {url} from here ({problem}): Discord must reach it from outside, and `signalbox serve` must \
             run behind it"
        )),
    }
}
