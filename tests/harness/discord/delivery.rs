//! How an interaction reaches the bot, by a signed request or by the gateway, and what comes of it.

use super::Discord;
use super::interaction::{ANSWER_WITHIN, Answer, Interaction, Kind};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATH: &str = "/discord/interactions";
const NO_ANSWER: &str = "The application did not respond";
const FAILED: &str = "This interaction failed";

/// A delivery by HTTP, to be sent again or changed.
#[derive(Debug, Clone)]
pub struct Sent {
    pub body: String,
    pub timestamp: String,
    pub signature: String,
}

/// What the bot answered to a delivery.
#[derive(Debug)]
pub struct Ack {
    /// Of the interaction.
    pub id: String,
    pub user: String,
    /// Of the reply to a request; none by the gateway, or where there was no reply in time.
    pub status: Option<u16>,
    /// The first answer, by whatever way it came; none where it did not come in time or was refused.
    pub answer: Option<Answer>,
    pub took: Duration,
    pub sent: Sent,
}

impl Ack {
    /// The number of the answer's type, zero for none.
    pub fn kind(&self) -> u64 {
        self.answer.as_ref().map_or(0, |answer| answer.kind)
    }

    /// What is offered for completion: the names and values.
    pub fn choices(&self) -> Vec<(String, Value)> {
        let answer = self.answer.as_ref().expect("there was no answer");
        assert_eq!(answer.kind, 8, "these are no choices: {answer:?}");
        let choices = answer.data["choices"].as_array().unwrap().iter();
        choices
            .map(|choice| (choice["name"].as_str().unwrap().to_owned(), choice["value"].clone()))
            .collect()
    }

    /// The form that a person is shown.
    pub fn form(&self) -> &Value {
        let answer = self.answer.as_ref().expect("there was no answer");
        assert_eq!(answer.kind, 9, "this is no form: {answer:?}");
        &answer.data
    }
}

impl Sent {
    /// Signed now, by Discord's own key.
    pub fn new(discord: &Discord, body: String) -> Self {
        let timestamp = jiff::Timestamp::now().as_second().to_string();
        Self::signed(&discord.key, body, timestamp)
    }

    pub fn signed(key: &SigningKey, body: String, timestamp: String) -> Self {
        let signature = hex::encode(key.sign(format!("{timestamp}{body}").as_bytes()).to_bytes());
        Self {
            body,
            timestamp,
            signature,
        }
    }
}

impl Discord {
    /// Makes an interaction known and sends it to the bot. A person waits three seconds and sees what came of it.
    pub(super) async fn send(&self, interaction: Interaction, payload: Value) -> Ack {
        self.shared
            .world()
            .interactions
            .insert(interaction.id.clone(), interaction.clone());
        let sent = Sent::new(self, payload.to_string());
        if self.bot.is_some() {
            return self.deliver(&interaction.id, sent).await;
        }
        let began = Instant::now();
        self.shared.world().gateway.dispatch("INTERACTION_CREATE", payload);
        let answer = self.answer_of(&interaction.id, began).await;
        self.judged(&interaction.id, None, answer, began, sent)
    }

    /// Sends a delivery to the bot by HTTP, for the first time or once more.
    pub async fn deliver(&self, id: &str, sent: Sent) -> Ack {
        let began = Instant::now();
        let reply = tokio::time::timeout(ANSWER_WITHIN, self.request(&sent))
            .await
            .ok()
            .flatten();
        let status = reply.as_ref().map(|reply| reply.status);
        let answer = match reply {
            // The bot answers by a callback.
            Some(reply) if reply.status == 202 && reply.body.is_empty() => self.answer_of(id, began).await,
            Some(reply) => self.inline(id, &reply),
            None => None,
        };
        self.judged(id, status, answer, began, sent)
    }

    /// An answer in the reply to the delivery is judged as a callback is.
    fn inline(&self, id: &str, reply: &Reply) -> Option<Answer> {
        let mut world = self.shared.world();
        let interaction = world.interactions[id].clone();
        let body: Option<Value> = serde_json::from_str(&reply.body).ok();
        let outcome = match body {
            Some(body) if reply.status == 200 && reply.is_json => world
                .answer(id, &interaction.token, &body, Vec::new())
                .map_err(|refusal| refusal.body().to_string()),
            _ => Err(format!("{} {}", reply.status, reply.body)),
        };
        let answer = world.interactions[id].answer.clone();
        drop(world);
        self.shared.changed();
        match outcome {
            Ok(()) => answer,
            Err(why) => {
                let mut world = self.shared.world();
                world.misuse.push(format!(
                    "the reply to interaction {id} is none that Discord takes: {why}"
                ));
                None
            }
        }
    }

    /// Waits for a callback, as long as a person does.
    async fn answer_of(&self, id: &str, began: Instant) -> Option<Answer> {
        let mut changes = self.shared.changes.subscribe();
        let search = async {
            loop {
                let answer = self.shared.world().interactions[id].answer.clone();
                if answer.is_some() {
                    return answer;
                }
                changes.changed().await.ok()?;
            }
        };
        let left = ANSWER_WITHIN.saturating_sub(began.elapsed());
        tokio::time::timeout(left, search).await.ok().flatten()
    }

    fn judged(&self, id: &str, status: Option<u16>, answer: Option<Answer>, began: Instant, sent: Sent) -> Ack {
        let mut world = self.shared.world();
        let interaction = world.interactions[id].clone();
        // What fails to complete is not shown to anybody.
        let is_shown = !matches!(interaction.kind, Kind::Autocomplete { .. });
        if answer.is_none() && is_shown {
            let words = if status.is_some() { FAILED } else { NO_ANSWER };
            world.complaints.push((interaction.user.clone(), words.to_owned()));
        }
        Ack {
            id: id.to_owned(),
            user: interaction.user,
            status,
            answer,
            took: began.elapsed(),
            sent,
        }
    }

    async fn request(&self, sent: &Sent) -> Option<Reply> {
        let bot = self.bot.as_deref().expect("no bot is connected");
        let request = self
            .client
            .post(format!("{bot}{PATH}"))
            .header("content-type", "application/json")
            .header("user-agent", "Discord-Interactions/1.0 (+https://discord.com)")
            .header("x-signature-timestamp", &sent.timestamp)
            .header("x-signature-ed25519", &sent.signature)
            .body(sent.body.clone());
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
        let body = response.text().await.ok()?;
        Some(Reply { status, is_json, body })
    }

    /// What Discord does when somebody enters the address of the bot in the developer portal, and now and then afterwards:
    /// a ping must be answered, and what is signed badly must get 401. The words say what was wrong.
    pub async fn probe(&self) -> Result<(), String> {
        let ping = json!({
            "application_id": super::APPLICATION, "id": "1", "token": "ping", "type": 1, "version": 1,
            "entitlements": [], "user": self.shared.world().user_json("109"), "app_permissions": "0",
            "authorizing_integration_owners": {},
        });
        let right = Sent::new(self, ping.to_string());
        let reply = self.request(&right).await.ok_or("no reply to a ping")?;
        let body: Option<Value> = serde_json::from_str(&reply.body).ok();
        if (reply.status, reply.is_json, body) != (200, true, Some(json!({"type": 1}))) {
            return Err(format!("a ping was answered by {} {}", reply.status, reply.body));
        }
        let other = SigningKey::from_bytes(&rand::random());
        let now = || jiff::Timestamp::now().as_second().to_string();
        let by = |change: &dyn Fn(&mut Sent)| {
            let mut sent = Sent::new(self, ping.to_string());
            change(&mut sent);
            sent
        };
        let bad = [
            ("signed by another key", Sent::signed(&other, ping.to_string(), now())),
            ("with another body", by(&|sent| sent.body.push(' '))),
            ("with another time", by(&|sent| sent.timestamp = "1".to_owned())),
            ("with half a signature", by(&|sent| sent.signature.truncate(64))),
            (
                "with a signature that is no hex",
                by(&|sent| sent.signature = "zz".repeat(64)),
            ),
            ("without a signature", by(&|sent| sent.signature.clear())),
        ];
        for (what, sent) in bad {
            let reply = self.request(&sent).await.ok_or(format!("no reply to what is {what}"))?;
            if reply.status != 401 {
                return Err(format!("what is {what} got {}", reply.status));
            }
        }
        Ok(())
    }
}

struct Reply {
    status: u16,
    is_json: bool,
    body: String,
}
