//! `signalbox doctor`, beside a bot that is up, on the simulated platforms.

use crate::harness::discord::BOT_TOKEN;
use crate::harness::discord_world::{OPS, World};
use crate::harness::served::Served;
use crate::harness::services::{free_port, until};
use crate::harness::slack::SIGNING_SECRET;
use std::fs;
use std::process::Command;

/// A bot on both platforms, and what the doctor says of it.
struct Clinic {
    world: World,
    served: Served,
}

impl Clinic {
    async fn open() -> Self {
        let mut world = World::of_both().await;
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
        Self { world, served }
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
    ok     the bot sees the operations channel 9001
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
