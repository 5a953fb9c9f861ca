//! What Slack posts, and what people type into it.

use super::discord::assert_safe_in_discord;
use super::{assert_harmless, files};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use sha2::Sha256;
use signalbox::dispatch::answer::said;
use signalbox::platform::discord::render as discord;
use signalbox::platform::slack::press;
use signalbox::platform::slack::receive::{self, Genuine, Received, Rejection};
use signalbox::platform::slack::render;
use signalbox::report::{Outcome, terminal};
use signalbox::request::link::LinkDelivery;
use signalbox::request::{Request, Words};
use signalbox::runbook::Runbook;
use signalbox::runbook::input::{interpret, line};
use signalbox::runbook::load::load_text;
use std::path::Path;
use std::sync::LazyLock;

const SECRET: &str = "signs deliveries";
const NOW: i64 = 1_790_000_000;

/// With an input of every kind.
pub static EVERY: LazyLock<Runbook> = LazyLock::new(|| {
    let text = include_str!("../every.toml");
    load_text("every", Path::new("every.toml"), text, &files::known()).expect("every.toml is right")
});

/// Reads a body as Slack's, signed.
pub fn read(
    body: &[u8],
    parser: fn(&Genuine<'_>, &[String]) -> Result<Received, Rejection>,
) -> Result<Received, Rejection> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(format!("v0:{NOW}:").as_bytes());
    mac.update(body);
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let now = Timestamp::from_second(NOW).expect("a time");
    let secret = SecretString::from(SECRET);
    let genuine = receive::verify(&secret, Some(&NOW.to_string()), Some(&signature), body, now)?;
    parser(&genuine, &["T1".to_owned()])
}

/// Forms of commands and presses.
pub fn deliveries(bytes: &[u8]) {
    for parser in [receive::command, receive::interaction, receive::event] {
        match read(bytes, parser) {
            Ok(Received::Asked(delivery, _)) => assert_kept(&delivery.request, &delivery.kept),
            Ok(Received::Filled(filled)) => assert_kept(&filled.delivery.request, &filled.delivery.kept),
            Ok(Received::Answered(_, words)) => assert_harmless(&words),
            Ok(Received::Linking(_, delivery)) => assert_no_code(&delivery),
            Ok(
                Received::Ignored(_)
                | Received::Choosing(..)
                | Received::Chosen(..)
                | Received::Typing(_)
                | Received::Challenge(_),
            ) => {}
            Err(rejection) => assert!((400..500).contains(&rejection.status()), "{rejection}"),
        }
    }
}

/// Of what is asked about linked accounts nothing that was typed is kept.
pub fn assert_no_code(delivery: &LinkDelivery) {
    let kept: Value = serde_json::from_str(&delivery.kept).expect("what is kept is JSON");
    let words = kept.get("text").or(kept["asked"].get("options"));
    assert_eq!(words, Some(&Value::from(delivery.ask.words())));
}

/// What is stored can be read again.
pub fn assert_kept(request: &Request, kept: &str) {
    let text = serde_json::to_string(request).expect("a request is JSON");
    assert_eq!(&serde_json::from_str::<Request>(&text).expect("it reads back"), request);
    assert!(
        serde_json::from_str::<Value>(kept)
            .expect("what is kept is JSON")
            .is_object()
    );
    assert!(!kept.contains('\0') && !text.contains('\0'), "PostgreSQL holds no NUL");
}

/// Payloads of interactions, and values of buttons.
pub fn presses(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(pressed) = press::decode(text) {
        let again = press::encode(&pressed.run, &pressed.press).expect("a press is JSON");
        assert_eq!(press::decode(&again).expect("it reads back"), pressed);
    }
    let mut body = b"payload=".to_vec();
    for byte in bytes {
        body.extend(format!("%{byte:02x}").bytes());
    }
    deliveries(&body);
}

/// Lines as they are typed behind a slash command.
pub fn commands(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut body = b"team_id=T1&user_id=U1&channel_id=C1&command=%2Fsignalbox&text=".to_vec();
    for byte in bytes {
        body.extend(format!("%{byte:02x}").bytes());
    }
    deliveries(&body);
    match interpret(&EVERY, &Words::Line(text.to_owned())) {
        Ok(inputs) => {
            let written = line(&EVERY.inputs, &inputs.values);
            let again = interpret(&EVERY, &Words::Line(written.clone()));
            let again = again.unwrap_or_else(|problems| panic!("{written:?} does not read back: {problems:?}"));
            assert_eq!(again.values, inputs.values, "{written:?}");
            assert!(!again.dry, "{written:?}");
        }
        Err(problems) => {
            let report = said("dana", text, Outcome::Invalid, problems.join(" "));
            assert!(!problems.is_empty() && report.say.len() < 8192, "{problems:?}");
            assert_harmless(&report.say);
            assert_harmless(&terminal::render(&report, false, 100));
            let seen = render::ephemeral(&report);
            assert_safe_in_slack(&Value::from(seen.blocks));
            assert_safe_in_slack(&Value::from(seen.text));
            assert_safe_in_discord(&discord::ephemeral(&report).body());
        }
    }
}

/// No text of a message mentions anybody, links anywhere, or holds what cannot be seen.
pub fn assert_safe_in_slack(value: &Value) {
    match value {
        Value::String(text) => {
            assert_harmless(&text.replace('\t', " "));
            assert!(!text.contains(['<', '>']), "{text:?}");
        }
        Value::Array(items) => items.iter().for_each(assert_safe_in_slack),
        Value::Object(fields) => fields.values().for_each(assert_safe_in_slack),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
