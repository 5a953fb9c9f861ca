//! `signalbox doctor`, beside a bot that is up, on the simulated platforms.

use crate::harness::discord::BOT_TOKEN;
use crate::harness::discord::permission::{EMBED_LINKS, SEND_MESSAGES};
use crate::harness::discord_world::{ALERTS, OPS, World};
use crate::harness::jsm::FakeJsm;
use crate::harness::pagerduty::FakePagerDuty;
use crate::harness::served::Served;
use crate::harness::services::{free_port, until};
use crate::harness::slack::SIGNING_SECRET;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// The bot looks every ten seconds at what is amiss.
const PATIENCE: Duration = Duration::from_secs(40);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A bot on both platforms, and what the doctor says of it.
struct Clinic {
    world: World,
    served: Served,
    port: u16,
}

impl Clinic {
    async fn open() -> Self {
        Self::of(World::of_both().await).await
    }

    async fn of(mut world: World) -> Self {
        world.kill();
        let port = free_port();
        let path = world.folder().join("signalbox.toml");
        let config = fs::read_to_string(&path)
            .unwrap()
            .replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""))
            .replace(
                "public_url = \"http://127.0.0.1\"",
                &format!("public_url = \"http://127.0.0.1:{port}\""),
            );
        fs::write(&path, config).unwrap();
        let served = Served::start(&path, port).await;
        world.discord.connect(served.url.clone());
        until("the commands are known", || {
            !world.discord.commands(Some("900")).is_empty()
        })
        .await;
        Self { world, served, port }
    }

    /// The same with another process.
    async fn restarted(self) -> Self {
        let Self { world, served, port } = self;
        drop(served);
        let served = Served::start(&world.folder().join("signalbox.toml"), port).await;
        Self { world, served, port }
    }

    fn change(&self, from: &str, to: &str) {
        let path = self.world.folder().join("signalbox.toml");
        let config = fs::read_to_string(&path).unwrap();
        assert!(config.contains(from), "{config}");
        fs::write(&path, config.replace(from, to)).unwrap();
    }

    /// The exit code and the words, with what differs from one time to the next left out.
    async fn says(&self) -> (i32, String) {
        let path = self.world.folder().join("signalbox.toml");
        let asked = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
            command.args(["doctor", "--config"]).arg(path).output().unwrap()
        });
        let output = asked.await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let said = said.replace(&self.served.url, "http://BOT");
        let words: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with("ok  ") || line.starts_with("WRONG") || line.starts_with('?'))
            .filter(|line| !line.contains("shop:"))
            .collect();
        assert!(!said.contains(BOT_TOKEN) && !said.contains(SIGNING_SECRET), "{said}");
        (output.status.code().unwrap(), words.join("\n"))
    }

    /// What it says of these words.
    async fn says_of(&self, words: &str) -> String {
        let (_, says) = self.says().await;
        let lines: Vec<&str> = says.lines().filter(|line| line.contains(words)).collect();
        lines.join("\n")
    }

    /// What `/readyz` says beside that the bot is ready, once that is so.
    async fn readyz_until(&self, is_so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let answer = reqwest::get(format!("{}/readyz", self.served.url)).await.unwrap();
            let says = answer.text().await.unwrap();
            if is_so(&says) {
                return says;
            }
            assert!(start.elapsed() < PATIENCE, "{says}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_channels_for_alerts_are_looked_after_before_an_alert_comes() {
    let clinic = Clinic::of(World::with_alerts("http://127.0.0.1:1").await).await;
    insta::assert_snapshot!(clinic.says_of("for alerts").await, @"
    ok     the bot is in the channel for alerts C0ALERTS
    ok     the bot sees the channel for alerts 9002 and may post there
    ");
    let slack = clinic.world.slack.as_ref().unwrap();
    slack.kick_bot("C0ALERTS");
    clinic.world.discord.forbid(ALERTS, SEND_MESSAGES | EMBED_LINKS);
    insta::assert_snapshot!(clinic.says_of("for alerts").await, @"
    WRONG  the bot is not in the channel for alerts C0ALERTS: type /invite @Signalbox there; until then alerts are shown in the operations channel
    WRONG  the bot may not do what it should in the channel for alerts 9002: give its role Send Messages and Embed Links there; until then alerts are shown in the operations channel
    ");
    // A bot that comes up tells it by itself, and that it is over.
    let clinic = clinic.restarted().await;
    let says = clinic
        .readyz_until(|says| says.contains("C0ALERTS") && says.contains("9002"))
        .await;
    let day = regex::Regex::new(r"since \d\d:\d\d UTC on \d{4}-\d\d-\d\d").unwrap();
    insta::assert_snapshot!(day.replace_all(&says, "since DAY"), @"
    ready
    - since DAY: discord: the bot may not do what it should in the channel for alerts 9002: give its role Send Messages and Embed Links there; until then alerts are shown in the operations channel
    - since DAY: slack: the bot is not in the channel for alerts C0ALERTS: type /invite @Signalbox there; until then alerts are shown in the operations channel
    ");
    clinic.world.slack.as_ref().unwrap().invite_bot("C0ALERTS");
    clinic.world.discord.allow(ALERTS, SEND_MESSAGES | EMBED_LINKS);
    assert_eq!(
        clinic.readyz_until(|says| !says.contains("for alerts")).await,
        "ready\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_for_alerts_that_is_gone_or_named_wrongly_is_told() {
    let clinic = Clinic::of(World::with_alerts("http://127.0.0.1:1").await).await;
    clinic.change("slack_channel = \"C0ALERTS\"", "slack_channel = \"C0NOWHERE\"");
    clinic.world.discord.delete_channel(ALERTS);
    insta::assert_snapshot!(clinic.says_of("alerts").await, @"
    WRONG  there is no channel C0NOWHERE that the bot can see: alerts.slack_channel is a channel's id, and in a private channel the bot must be invited; until then alerts are shown in the operations channel
    WRONG  there is no channel 9002: alerts.discord_channel is a channel's id, which Copy Channel ID gives in developer mode; until then alerts are shown in the operations channel
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pages_is_asked_and_what_is_wrong_has_a_way_out() {
    let (pagerduty, jsm) = (FakePagerDuty::start().await, FakeJsm::start().await);
    let rule = "[page.critical]\nmatch = ['severity=\"critical\"']\non = \"oncall\"\n";
    let connections = pagerduty.connection("oncall") + &jsm.connection("second");
    let clinic = Clinic::of(World::with_paging(&connections, rule).await).await;
    let hosts = |says: String| {
        let bare = |url: &str| url.trim_start_matches("http://").to_owned();
        says.replace(&bare(&pagerduty.url), "PAGERDUTY")
            .replace(&bare(&jsm.url), "JSM")
    };
    let says = async |clinic: &Clinic| {
        let both = [clinic.says_of("oncall:").await, clinic.says_of("second:").await];
        hosts(both.join("\n"))
    };
    insta::assert_snapshot!(says(&clinic).await, @"
    ok     oncall: takes the token; whether the routing key is right shows when somebody is paged
    ok     second: takes the token and shows alerts; whether it takes pages shows when somebody is paged
    ");
    let write = |name: &str, text: &str| fs::write(clinic.world.folder().join(name), text).unwrap();
    write("pagerduty.token", "another");
    write("jsm.token", "another");
    insta::assert_snapshot!(says(&clinic).await, @"
    WRONG  oncall: PAGERDUTY does not accept the token (HTTP 401); see [connection.oncall] in the config. Its `token` is a REST API key, made in PagerDuty under Integrations, API Access Keys; pages go out without it
    WRONG  second: JSM does not accept the e-mail address and the token (HTTP 401); see [connection.second] in the config. Its `token` is an API token of the Atlassian account of `email`, made in that account under Security
    ");
    clinic.change(
        &format!("api_url = \"{}\"", pagerduty.url),
        "api_url = \"http://127.0.0.1:1\"",
    );
    clinic.change(
        &format!("api_url = \"{}\"", jsm.url),
        "api_url = \"http://127.0.0.1:1\"",
    );
    insta::assert_snapshot!(says(&clinic).await, @"
    WRONG  oncall: 127.0.0.1:1: Connection refused (os error 111); see [connection.oncall] in the config. It must be reached from here over HTTPS; what is to be paged waits meanwhile, and is tried again
    WRONG  second: 127.0.0.1:1: Connection refused (os error 111); see [connection.second] in the config. It must be reached from here over HTTPS; what is to be paged waits meanwhile, and is tried again
    ");
    write("pagerduty.key", "too short");
    let path = clinic.world.folder().join("signalbox.toml");
    let asked = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command.args(["doctor", "--config"]).arg(path).output().unwrap()
    });
    let output = asked.await.unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!complaint.contains("too short"), "{complaint}");
    insta::assert_snapshot!(complaint.trim_end(), @"signalbox: connection oncall: its `routing_key` must have 32 letters and digits; it stands on the service's page Integrations, at Events API V2");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_well_is_told_so() {
    let clinic = Clinic::open().await;
    let (code, says) = clinic.says().await;
    insta::assert_snapshot!(says, @"
    ok     the bot's own database answers
    ok     Slack knows the bot token, of workspace T1
    ok     this machine's clock and Slack's agree
    ok     the bot token has all scopes
    ok     the bot is in the operations channel C0OPS
    ok     what Slack signs is believed at http://BOT/slack/events, and what it does not is not
    ok     Discord knows the bot token, of application 800
    ok     the public key is the application's
    ok     Discord sends commands to http://BOT/discord/interactions
    ok     this machine's clock and Discord's agree
    ok     the bot is in the server shop (900)
    ok     4 commands are registered in 900
    ok     the bot sees the operations channel 9001 and may post there
    ok     what Discord has not signed is refused at http://BOT/discord/interactions
    ");
    assert_eq!(code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_told_with_the_way_out() {
    let clinic = Clinic::open().await;
    let slack = clinic.world.slack.as_ref().unwrap();
    slack.withdraw_scope("files:write");
    slack.kick_bot("C0OPS");
    clinic.world.discord.delete_channel(OPS);
    clinic.change("public_url = \"http://127.0.0.1:", "public_url = \"http://localhost:");
    let (code, says) = clinic.says().await;
    insta::assert_snapshot!(says.replace(&clinic.served.url.replace("127.0.0.1", "localhost"), "http://LOCAL"), @"
    ok     the bot's own database answers
    ok     Slack knows the bot token, of workspace T1
    ok     this machine's clock and Slack's agree
    WRONG  the bot token lacks files:write: paste `signalbox export slack-manifest` as the app's manifest and install the app again
    WRONG  the bot is not in the operations channel C0OPS: type /invite @Signalbox there
    ok     what Slack signs is believed at http://LOCAL/slack/events, and what it does not is not
    ok     Discord knows the bot token, of application 800
    ok     the public key is the application's
    WRONG  Discord sends commands to http://BOT/discord/interactions, and server.public_url makes that http://LOCAL/discord/interactions: change one of them
    ok     this machine's clock and Discord's agree
    ok     the bot is in the server shop (900)
    ok     4 commands are registered in 900
    WRONG  there is no channel 9001: discord.ops_channel is a channel's id, which Copy Channel ID gives in developer mode
    ok     what Discord has not signed is refused at http://LOCAL/discord/interactions
    ");
    assert_eq!(code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_revoked_and_a_bot_that_is_down_are_told() {
    let mut clinic = Clinic::open().await;
    assert!(clinic.served.end().await.success());
    clinic.world.slack.as_ref().unwrap().revoke_token();
    clinic.world.discord.revoke_token();
    let (code, says) = clinic.says().await;
    insta::assert_snapshot!(says, @"
    ok     the bot's own database answers
    WRONG  Slack does not accept the bot token (token_revoked): copy it once more from the app's page OAuth & Permissions; it begins with xoxb-
    ok     this machine's clock and Slack's agree
    ?      nothing answers at http://BOT/slack/events from here (Connection refused (os error 111)): Slack must reach it from outside, and `signalbox serve` must run behind it
    WRONG  Discord does not accept the bot token: copy it once more from the application's page Bot
    ");
    assert_eq!(code, 1);
}
