//! What the bot sends to Slack and to Discord, drawn. There is no Slack and no Discord here, so a page of our own draws the
//! very JSON that the simulators were sent; `make screenshots` keeps the pictures for the README.

mod panels;

use crate::harness::browser::Browser;
use crate::harness::discord::{Discord, Message as DiscordMessage};
use crate::harness::slack::{Message, Slack};
use crate::harness::slack_world::Scene;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A phone's.
const WIDTH: u32 = 420;

const OPS: &str = "9001";

/// The same moments on both platforms.
#[derive(Default)]
struct Strips {
    slack: Vec<Value>,
    discord: Vec<Value>,
}

impl Strips {
    fn add(&mut self, slack: &Message, discord: &DiscordMessage) {
        self.slack.push(json!({"blocks": slack.blocks}));
        self.discord.push(drawn(discord, &discord.shown.embeds));
    }
}

fn drawn(message: &DiscordMessage, embeds: &[Value]) -> Value {
    json!({"content": message.shown.content, "embeds": embeds, "components": message.shown.components})
}

#[test]
fn what_people_see_in_slack_and_in_discord() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut strips = runtime.block_on(told());
    let browser = Browser::start();
    for (platform, messages) in [("slack", &mut strips.slack), ("discord", &mut strips.discord)] {
        for (message, at) in messages.iter_mut().zip(["14:02", "14:05", "14:06", "14:11", "14:20"]) {
            message["at"] = at.into();
        }
        draw(&browser, platform, messages);
    }
}

/// A morning in the operations channel.
async fn told() -> Strips {
    let mut strips = Strips::default();
    let mut discord = Discord::start().await;
    let scene = Scene::open_beside(&mut discord).await;
    let shop = scene.shop();

    // Two orders, of which one is large; a second person says yes while the supplier is slow.
    scene.types("U1", "/forward-order", "1043,1052").await;
    let (message, elsewhere) = (scene.slack.posted("C0OPS").await, discord.posted(OPS).await);
    strips.add(&message, &elsewhere);
    shop.ctl(&["outage", "slow", "3"]);
    scene.presses("U2", &message, "Approve").await;
    let running = scene
        .slack
        .until_within(&message, 30, |now| is_half_done(&now.seen()))
        .await;
    let there = discord
        .until_within(&elsewhere, 30, |now| is_half_done(&now.seen()))
        .await;
    strips.add(&running, &there);
    let done = scene
        .slack
        .until_within(&message, 60, |now| now.seen().contains("Proof:"))
        .await;
    let there = discord
        .until_within(&elsewhere, 60, |now| now.seen().contains("Proof:"))
        .await;
    shop.ctl(&["outage", "off"]);
    strips.add(&done, &there);
    let (png, alt) = chart(&scene.slack, &message).await;
    for strip in [&mut strips.slack, &mut strips.discord] {
        let last = strip.last_mut().unwrap();
        last["picture"] = BASE64_STANDARD.encode(&png).into();
        last["alt"] = alt.clone().into();
    }

    // The supplier is down, and the shop makes up an id.
    shop.ctl(&["outage", "on"]);
    scene.types("U1", "/forward-order", "1044").await;
    let (message, elsewhere) = (scene.slack.posted("C0OPS").await, discord.posted(OPS).await);
    let asks = |seen: &str| seen.contains("It did not happen");
    let asked = scene.slack.until_within(&message, 60, |now| asks(&now.seen())).await;
    let there = discord.until_within(&elsewhere, 60, |now| asks(&now.seen())).await;
    strips.add(&asked, &there);
    shop.ctl(&["outage", "off"]);

    // The runbook says no, to the one who asked.
    scene.types("U1", "/forward-order", "1049").await;
    let no = scene.slack.whisper("U1").await;
    let ack = discord
        .person("101")
        .types(OPS, "forward-order", &[("order", json!("1049"))])
        .await;
    assert_eq!(ack.status, Some(200));
    let there = discord.whisper("101").await;
    strips.slack.push(json!({"blocks": no.blocks, "alone": true}));
    let mut refusal = drawn(&there, &there.shown.embeds);
    refusal["alone"] = true.into();
    strips.discord.push(refusal);

    discord.take_unread();
    scene.end_unread().await;
    strips
}

/// One step has ended and another has not.
fn is_half_done(seen: &str) -> bool {
    seen.contains("1 running, 1 done") || seen.contains("1 done, 1 to come")
}

/// The chart that hangs in the thread, and what it says to those who hear it.
async fn chart(slack: &Slack, message: &Message) -> (Vec<u8>, String) {
    // What comes before it is in words.
    while slack.reply_within(message, 60).await.files.is_empty() {}
    let files = slack.files();
    let file = files.into_iter().find(|file| file.name.ends_with(".png")).unwrap();
    (file.bytes.expect("its bytes were uploaded"), file.alt_text)
}

/// Takes the picture, once everything that was sent can be read on it.
fn draw(browser: &Browser, platform: &str, messages: &[Value]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let folder = tempfile::tempdir().unwrap();
    for name in ["drawn.css", "drawn.js"] {
        fs::copy(here.join(name), folder.path().join(name)).unwrap();
    }
    let data = json!({"platform": platform, "messages": messages});
    // Inside of a script only this ends it.
    let data = data.to_string().replace('<', "\\u003c");
    let page = format!(
        "<!doctype html><meta charset=utf-8><link rel=stylesheet href=drawn.css><body><script src=drawn.js></script>\
         <script>draw({data})</script>"
    );
    fs::write(folder.path().join("index.html"), page).unwrap();
    let window = browser.window(&format!("file://{}", folder.path().display()));
    window.open("/index.html");
    assert_eq!(
        (window.script("return document.title"), window.complaints()),
        (json!("drawn"), Vec::new()),
        "{platform}"
    );
    window.until_script(
        "the chart is there",
        "return [...document.images].every((one) => one.naturalWidth > 300)",
    );
    let text = window.text();
    for word in said(platform, messages) {
        assert!(
            text.contains(&word),
            "{word:?} is not in the picture of {platform}:\n{text}"
        );
    }
    assert_eq!(window.too_wide(), Vec::<String>::new(), "{platform}");
    window.whole(WIDTH);
    window.picture(platform);
    window.small_picture(platform);
}

/// Words without markup from every message: labels of buttons, and how each stands.
fn said(platform: &str, messages: &[Value]) -> Vec<String> {
    let mut words = Vec::new();
    for message in messages {
        let (parts, label) = if platform == "slack" {
            (&message["blocks"], "/text/text")
        } else {
            (&message["components"], "/label")
        };
        let rows = parts.as_array().into_iter().flatten();
        let buttons = rows.flat_map(|row| {
            let inner = row["elements"].as_array().or(row["components"].as_array());
            inner.into_iter().flatten()
        });
        words.extend(
            buttons
                .filter_map(|one| one.pointer(label)?.as_str())
                .map(str::to_owned),
        );
        let heading = if platform == "slack" {
            &message["blocks"][0]["text"]["text"]
        } else {
            &message["embeds"][0]["title"]
        };
        words.push(heading.as_str().unwrap().to_owned());
    }
    words
}
