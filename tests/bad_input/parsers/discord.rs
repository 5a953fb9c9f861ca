//! What Discord posts, and what people type and press there.

use super::assert_harmless;
use super::slack::{assert_kept, assert_no_code};
use ed25519_dalek::{Signer, SigningKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox::platform::discord::press;
use signalbox::platform::discord::receive::{self, Door, PublicKey, Received, Rejection};
use std::sync::LazyLock;

const NOW: i64 = 1_790_000_000;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[9; 32]));
static PUBLIC: LazyLock<PublicKey> = LazyLock::new(|| {
    let digits = hex::encode(KEY.verifying_key().to_bytes());
    PublicKey::parse(&digits).expect("a key is a key")
});

fn read(body: &[u8]) -> Result<Received, Rejection> {
    let signed = [NOW.to_string().as_bytes(), body].concat();
    let signature = hex::encode(KEY.sign(&signed).to_bytes());
    let now = Timestamp::from_second(NOW).expect("a time");
    let genuine = receive::verify(&PUBLIC, Some(&NOW.to_string()), Some(&signature), body, now)?;
    let guilds = ["900".to_owned()];
    let door = Door {
        application: "800",
        guilds: &guilds,
    };
    receive::interaction(&genuine, door)
}

/// Interactions, whole.
pub fn interactions(bytes: &[u8]) {
    match read(bytes) {
        Ok(Received::Asked { delivery, answer, .. }) => {
            assert_kept(&delivery.request, &delivery.kept);
            assert!(answer["type"].is_u64());
        }
        Ok(Received::Answered { answer, .. }) => {
            let words = answer["data"]["content"].as_str().unwrap_or_default();
            assert_harmless(words);
            assert!(words.chars().count() <= 2000);
        }
        Ok(Received::Linking(delivery)) => assert_no_code(&delivery),
        Ok(Received::Typing(typing)) => assert!(typing.place.channel.is_some()),
        Err(rejection) => assert!((400..500).contains(&rejection.status()), "{rejection}"),
    }
}

/// Ids of buttons and forms, names of options, and what is typed into them.
pub fn ids(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if press::read(text).is_some() {
        assert!(text.chars().count() <= press::MAX_ID && !text.contains(char::is_control));
    }
    let data: [(u8, Value); 5] = [
        (
            2,
            json!({"name": "every", "type": 1, "options": [{"name": text, "type": 3, "value": text}]}),
        ),
        (
            2,
            json!({"name": "signalbox", "type": 1, "options": [{"name": text, "options": [{"name": "run", "value": text}]}]}),
        ),
        (3, json!({"custom_id": text, "component_type": 2})),
        (
            4,
            json!({"name": "every", "options": [{"name": text, "value": text, "focused": true}]}),
        ),
        (
            5,
            json!({"custom_id": text, "components": [{"type": 18, "component": {"custom_id": "reason", "value": text}}]}),
        ),
    ];
    for (kind, data) in data {
        let payload = json!({
            "id": "1", "application_id": "800", "type": kind, "token": "t", "guild_id": "900", "channel_id": "9001",
            "member": {"user": {"id": "101"}, "roles": ["7001"]}, "message": {"id": "2"}, "data": data,
        });
        interactions(payload.to_string().as_bytes());
    }
}

/// No text of a message mentions anybody, links anywhere, or holds what cannot be seen.
pub fn assert_safe_in_discord(message: &Value) {
    assert_eq!(message["allowed_mentions"]["parse"], json!([]));
    assert_eq!(message["allowed_mentions"]["roles"], json!([]));
    let mut texts = vec![&message["content"]];
    for embed in message["embeds"].as_array().into_iter().flatten() {
        texts.extend([&embed["title"], &embed["description"]]);
        // Nothing is interpreted there.
        assert_harmless(embed["footer"]["text"].as_str().unwrap_or_default());
    }
    for text in texts.into_iter().filter_map(Value::as_str) {
        assert_harmless(text);
        // In a code block nothing is interpreted, and nothing but its own marks ends it.
        let parts: Vec<&str> = text.split("```").collect();
        assert!(parts.len() % 2 == 1, "{text:?}");
        let obeyed = parts.iter().step_by(2).map(|part| part.replace("\\\\", ""));
        for part in obeyed {
            for markup in [
                "<@",
                "<#",
                "<t:",
                "</",
                "[",
                "||",
                "~~",
                "`",
                "@everyone",
                "@here",
                "://",
            ] {
                let found = part.match_indices(markup).find(|(at, _)| !part[..*at].ends_with('\\'));
                assert!(found.is_none(), "{markup} in {part:?}");
            }
        }
    }
}
