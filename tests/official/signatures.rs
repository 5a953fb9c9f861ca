//! Who signs like the platforms is believed, and the platforms' own helpers believe who signs here.

use super::Program;
use crate::harness::discord::{Discord, Sent as SentByDiscord};
use crate::harness::slack::{SIGNING_SECRET, Sent as SentBySlack};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use signalbox::platform::discord::receive::{self as discord, PublicKey};
use signalbox::platform::slack::receive as slack;

const BODIES: [&str; 3] = [
    "token=x&team_id=T1&command=%2Fforward-order&text=1042+%26+%C3%A9",
    r#"{"type":1}"#,
    "{\"name\":\"全球速卖通 😀\"}\n",
];

struct Helpers(Program);

impl Helpers {
    async fn answer(&mut self, question: &Value) -> Value {
        self.0.tell(&question.to_string()).await;
        serde_json::from_str(&self.0.says().await).unwrap()
    }
}

#[tokio::test]
async fn slack_s_own_helper_and_we_believe_each_other() {
    let mut helpers = Helpers(Program::start("signatures.py", &[]));
    let secret = SecretString::from(SIGNING_SECRET);
    let now = Timestamp::now();
    let timestamp = now.as_second().to_string();
    for body in BODIES {
        let question = |what: &str| json!({"do": what, "secret": SIGNING_SECRET, "timestamp": timestamp, "body": body});
        let theirs = helpers.answer(&question("slack-sign")).await;
        let theirs = theirs.as_str().unwrap();
        let believed =
            |body: &str| slack::verify(&secret, Some(&timestamp), Some(theirs), body.as_bytes(), now).is_ok();
        assert!(believed(body), "{body}");
        assert!(!believed(&format!("{body} ")), "{body}");

        // By the bot, when it tries itself, and by the simulator.
        let bot = slack::signature(&secret, &timestamp, body.as_bytes()).unwrap();
        let simulator = SentBySlack::signed("/slack/commands", body.to_owned(), now.as_second(), SIGNING_SECRET);
        for (ours, is_good) in [
            (bot, true),
            (simulator.signature, true),
            (format!("v0={}", "0".repeat(64)), false),
        ] {
            let mut asked = question("slack-verify");
            asked["signature"] = ours.into();
            assert_eq!(helpers.answer(&asked).await, json!(is_good), "{asked}");
        }
    }
}

#[tokio::test]
async fn discord_s_own_helper_and_we_believe_each_other() {
    let mut helpers = Helpers(Program::start("signatures.py", &[]));
    let key = SigningKey::from_bytes(&rand::random());
    let public = hex::encode(key.verifying_key().to_bytes());
    let ours = PublicKey::parse(&public).unwrap();
    let now = Timestamp::now();
    let timestamp = now.as_second().to_string();
    for body in BODIES {
        let secret = hex::encode(key.to_bytes());
        let asked = json!({"do": "discord-sign", "secret": secret, "timestamp": timestamp, "body": body});
        let theirs = helpers.answer(&asked).await;
        let theirs = theirs.as_str().unwrap();
        let believed =
            |body: &str| discord::verify(&ours, Some(&timestamp), Some(theirs), body.as_bytes(), now).is_ok();
        assert!(believed(body), "{body}");
        assert!(!believed(&format!("{body} ")), "{body}");

        let sent = SentByDiscord::signed(&key, body.to_owned(), timestamp.clone());
        for (signature, is_good) in [(sent.signature, true), ("0".repeat(128), false)] {
            let asked = json!({
                "do": "discord-verify", "key": public, "timestamp": timestamp, "body": body, "signature": signature,
            });
            assert_eq!(helpers.answer(&asked).await, json!(is_good), "{asked}");
        }
    }
}

/// A request that nobody but PyNaCl signed, at the simulator's own public key.
#[tokio::test]
async fn the_simulator_s_key_is_one_that_discord_s_helper_reads() {
    let discord = Discord::start().await;
    let mut helpers = Helpers(Program::start("signatures.py", &[]));
    let sent = SentByDiscord::new(&discord, r#"{"type":1}"#.to_owned());
    let asked = json!({
        "do": "discord-verify", "key": discord.public_key(), "timestamp": sent.timestamp, "body": sent.body,
        "signature": sent.signature,
    });
    assert_eq!(helpers.answer(&asked).await, json!(true));
}
