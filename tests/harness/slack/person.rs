//! People who type commands and press buttons; what they do reaches the bot as Slack would send it.

use super::socket::{ACK_WITHIN, Acked};
use super::world::{Message, Whisper};
use super::{Bot, SIGNING_SECRET, Slack};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{Duration, Instant};

/// Somebody in the workspace.
pub struct Person<'a> {
    pub(super) slack: &'a Slack,
    pub(super) user: &'a str,
}

/// Forms in which Slack really sends a press, beside the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    None,
    /// An app that is installed for a whole organization.
    TeamIsNull,
    /// Fields that nobody has documented yet.
    UnknownFields,
    /// No trigger to know the delivery by.
    NoTrigger,
}

/// A delivery, to be sent again or changed.
#[derive(Debug, Clone)]
pub struct Sent {
    pub path: &'static str,
    pub body: String,
    pub timestamp: i64,
    pub signature: String,
}

impl Sent {
    /// Signed now, by the app's own secret.
    pub fn new(path: &'static str, body: String) -> Self {
        Self::signed(path, body, jiff::Timestamp::now().as_second(), SIGNING_SECRET)
    }

    pub fn signed(path: &'static str, body: String, timestamp: i64, secret: &str) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("v0:{timestamp}:{body}").as_bytes());
        let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        Self {
            path,
            body,
            timestamp,
            signature,
        }
    }
}

/// What the bot answered to a delivery.
#[derive(Debug)]
pub struct Ack {
    /// None where the bot did not answer in time, or could not be reached.
    pub status: Option<u16>,
    pub body: String,
    pub took: Duration,
    pub sent: Sent,
}

impl<'a> Person<'a> {
    pub(super) fn new(slack: &'a Slack, user: &'a str) -> Self {
        Self { slack, user }
    }

    /// Types a slash command in a channel.
    pub async fn command(&self, channel: &str, command: &str, text: &str) -> Ack {
        let body = self.command_body(channel, command, text);
        self.slack
            .deliver(self.user, channel, Sent::new("/slack/commands", body))
            .await
    }

    /// What a typed command looks like on the wire.
    pub fn command_body(&self, channel: &str, command: &str, text: &str) -> String {
        let mut world = self.slack.shared.world();
        let (name, team) = world.people[self.user].clone();
        let channel_name = world.channels[channel].name;
        let response_url = world.new_response_url(channel, self.user, None);
        let trigger = world.new_trigger(self.user);
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        form(&[
            ("token", "legacy-verification-token"),
            ("team_id", &team),
            ("team_domain", "shop"),
            ("channel_id", channel),
            ("channel_name", channel_name),
            ("user_id", self.user),
            ("user_name", &name),
            ("command", command),
            ("text", &text),
            ("api_app_id", "A1"),
            ("is_enterprise_install", "false"),
            ("response_url", &response_url),
            ("trigger_id", &trigger),
        ])
    }

    /// Presses a button that the message really has, and says yes to what it asks first.
    pub async fn press(&self, message: &Message, label: &str) -> Ack {
        self.press_oddly(message, label, Oddity::None).await
    }

    pub async fn press_oddly(&self, message: &Message, label: &str, oddity: Oddity) -> Ack {
        let body = self.press_body(message, label, oddity);
        self.slack
            .deliver(self.user, &message.channel, Sent::new("/slack/interactivity", body))
            .await
    }

    /// What a press looks like on the wire.
    pub fn press_body(&self, message: &Message, label: &str, oddity: Oddity) -> String {
        let now = self.slack.now(message);
        let labels = now.labels();
        let at = labels.iter().position(|known| known == label);
        let at = at.unwrap_or_else(|| panic!("no button {label:?} among {labels:?}"));
        let button = now.buttons()[at].clone();
        let mut world = self.slack.shared.world();
        let (name, team) = world.people[self.user].clone();
        let response_url = world.new_response_url(&now.channel, self.user, Some(&now.ts));
        let trigger = world.new_trigger(self.user);
        let mut container = json!({
            "type": "message", "message_ts": now.ts, "channel_id": now.channel, "is_ephemeral": false,
        });
        if let Some(thread) = &now.thread_ts {
            container["thread_ts"] = thread.clone().into();
        }
        let mut action = json!({
            "action_id": button["action_id"],
            "block_id": "b1",
            "text": button["text"],
            "value": button["value"],
            "type": "button",
            "action_ts": format!("1700000000.{:06}", world.count()),
        });
        if !button["style"].is_null() {
            action["style"] = button["style"].clone();
        }
        let mut payload = json!({
            "type": "block_actions",
            "user": {"id": self.user, "username": name, "name": name, "team_id": team},
            "api_app_id": "A1",
            "token": "legacy-verification-token",
            "container": container,
            "trigger_id": trigger,
            "team": {"id": "T1", "domain": "shop"},
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": {"id": now.channel, "name": world.channels[&now.channel].name},
            "message": {
                "type": "message", "user": "U0BOT", "bot_id": "B0BOT", "ts": now.ts, "text": now.text,
                "blocks": now.blocks, "team": "T1",
            },
            "state": {"values": {}},
            "response_url": response_url,
            "actions": [action],
        });
        match oddity {
            Oddity::None => {}
            Oddity::TeamIsNull => {
                payload["team"] = Value::Null;
                payload["enterprise"] = json!({"id": "E1", "name": "organization"});
                payload["is_enterprise_install"] = true.into();
            }
            Oddity::UnknownFields => {
                payload["function_data"] = json!({"execution_id": "Fx1", "inputs": {"n": 1.5}});
                payload["actions"][0]["agent"] = json!([null, {"deep": [[]]}]);
                payload["user"]["future"] = json!({"a": 1});
            }
            Oddity::NoTrigger => {
                payload.as_object_mut().unwrap().remove("trigger_id");
            }
        }
        form(&[("payload", &payload.to_string())])
    }

    /// Chooses in the list of a message that this person alone sees.
    pub async fn choose(&self, whisper: &Whisper, label: &str) -> Ack {
        assert_eq!(whisper.user, self.user, "the list was shown to somebody else");
        let lists = whisper.blocks.iter().filter(|block| block["type"] == "actions");
        let lists = lists.flat_map(|block| {
            let elements = block["elements"].as_array().into_iter().flatten();
            elements.map(move |element| (block["block_id"].clone(), element.clone()))
        });
        let (block, list) = lists
            .into_iter()
            .find(|(_, element)| element["type"] == "static_select")
            .unwrap_or_else(|| panic!("no list in {}", whisper.seen()));
        let options = list["options"].as_array().unwrap();
        let option = options.iter().find(|option| option["text"]["text"] == label);
        let option = option.unwrap_or_else(|| panic!("no {label:?} in {list}"));
        let body = {
            let mut world = self.slack.shared.world();
            let (name, team) = world.people[self.user].clone();
            let response_url = world.new_response_url(&whisper.channel, self.user, None);
            let payload = json!({
                "type": "block_actions",
                "user": {"id": self.user, "username": name, "name": name, "team_id": team},
                "api_app_id": "A1",
                "token": "legacy-verification-token",
                "container": {
                    "type": "message", "message_ts": "1700000000.000001", "channel_id": whisper.channel,
                    "is_ephemeral": true,
                },
                "trigger_id": world.new_trigger(self.user),
                "team": {"id": "T1", "domain": "shop"},
                "enterprise": null,
                "is_enterprise_install": false,
                "channel": {"id": whisper.channel, "name": world.channels[&whisper.channel].name},
                "state": {"values": {}},
                "response_url": response_url,
                "actions": [{
                    "type": "static_select", "action_id": list["action_id"], "block_id": block,
                    "selected_option": option, "placeholder": list["placeholder"],
                    "action_ts": format!("1700000000.{:06}", world.count()),
                }],
            });
            form(&[("payload", &payload.to_string())])
        };
        self.slack
            .deliver(self.user, &whisper.channel, Sent::new("/slack/interactivity", body))
            .await
    }
}

impl Slack {
    /// Sends a delivery to the bot, once more or for the first time, and measures how long the answer takes. The person
    /// sees what Slack shows: the words of an answer to a command, or a complaint about the bot.
    pub async fn deliver(&self, user: &str, channel: &str, sent: Sent) -> Ack {
        let began = Instant::now();
        let answer = match self.bot.as_ref().expect("no bot is connected") {
            Bot::Http(bot) => self.over_http(bot, &sent).await,
            Bot::Socket => self.over_socket(&sent).await,
        };
        let took = began.elapsed();
        let mut world = self.shared.world();
        let mut complain = |what: &str| world.complaints.push((user.to_owned(), what.to_owned()));
        let (status, body) = match answer {
            Acked::No => {
                complain("operation_timeout");
                (None, String::new())
            }
            Acked::Nowhere => {
                complain("dispatch_failed");
                (None, String::new())
            }
            Acked::Yes(answer) => {
                let status = answer.as_ref().map_or(200, |answer| answer["status"].as_u64().unwrap());
                let body = answer.map_or(String::new(), |answer| answer["body"].as_str().unwrap().to_owned());
                if status != 200 {
                    complain("dispatch_failed");
                } else if sent.path == "/slack/commands" && !body.is_empty() {
                    let json: Option<Value> = serde_json::from_str(&body).ok();
                    let text = json.as_ref().and_then(|json| json["text"].as_str()).unwrap_or(&body);
                    world.add_whisper(channel, user, text, Vec::new());
                }
                (Some(status as u16), body)
            }
        };
        drop(world);
        self.shared.changed();
        Ack {
            status,
            body,
            took,
            sent,
        }
    }

    async fn over_http(&self, bot: &str, sent: &Sent) -> Acked {
        let content = match sent.path {
            "/slack/events" => "application/json",
            _ => "application/x-www-form-urlencoded",
        };
        let request = self
            .client
            .post(format!("{bot}{}", sent.path))
            .header("content-type", content)
            .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", sent.timestamp.to_string())
            .header("x-slack-signature", &sent.signature)
            .body(sent.body.clone());
        let exchange = async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let no_retry = response.headers().contains_key("x-slack-no-retry");
            let body = response.text().await.ok()?;
            Some(json!({"status": status, "body": body, "no_retry": no_retry}))
        };
        match tokio::time::timeout(ACK_WITHIN, exchange).await {
            Err(_) => Acked::No,
            Ok(None) => Acked::Nowhere,
            Ok(answer) => Acked::Yes(answer),
        }
    }

    /// The same delivery as an envelope.
    async fn over_socket(&self, sent: &Sent) -> Acked {
        let fields: Vec<(String, String)> = serde_urlencoded(&sent.body);
        let (kind, payload, accepts_payload) = match sent.path {
            "/slack/commands" => {
                let fields = fields.into_iter().map(|(name, value)| (name, Value::from(value)));
                ("slash_commands", Value::Object(fields.collect()), true)
            }
            _ => {
                let payload: Value = serde_json::from_str(&fields[0].1).unwrap();
                let accepts = payload["type"] == "view_submission" || payload["type"] == "block_suggestion";
                ("interactive", payload, accepts)
            }
        };
        let envelope = self.shared.new_envelope(kind, payload, accepts_payload);
        match self.shared.envelope(envelope).await {
            Acked::Yes(payload) => {
                let body = payload.map_or(String::new(), |payload| payload.to_string());
                Acked::Yes(Some(json!({"status": 200, "body": body})))
            }
            other => other,
        }
    }

    /// Tells the bot of an event, and tells it again where it was not taken.
    pub async fn event(&self, user: &str, event: Value) -> Ack {
        if matches!(self.bot, Some(Bot::Socket)) {
            let began = Instant::now();
            let taken = self.shared.event_over_socket(event.clone()).await;
            self.shared.changed();
            return Ack {
                status: taken.map(|_| 200),
                body: String::new(),
                took: began.elapsed(),
                sent: Sent::new("/slack/events", event.to_string()),
            };
        }
        let sent = Sent::new("/slack/events", event.to_string());
        let ack = self.deliver(user, "", sent.clone()).await;
        match ack.status {
            Some(200..=299 | 400..=499) => ack,
            // At once, for the first time; the other times are minutes apart.
            _ => self.deliver(user, "", sent).await,
        }
    }
}

fn serde_urlencoded(body: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                b' ' => "+".to_owned(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}
