//! discord.py over the gateway, with a compressed stream.

use super::Program;
use crate::harness::discord::{BOT_TOKEN, Discord};
use serde_json::json;

const OPS: &str = "9001";

#[tokio::test(flavor = "multi_thread")]
async fn discord_py_does_its_work_over_the_gateway() {
    let discord = Discord::start().await;
    let environment = [
        ("DISCORD_API_URL", discord.api_url()),
        ("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()),
    ];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut bot = Program::start("discord_bot.py", &environment);
    bot.until_ready().await;
    assert!(
        discord.gateway().connections()[0]
            .query
            .contains("compress=zlib-stream")
    );

    discord.join("900", "150", "ann", &["7001"]);
    let ann = discord.person("150");
    let offered = ann.completes(OPS, "forward-order", &[], ("order", "10")).await;
    assert_eq!(
        offered.choices(),
        [
            ("order 1042".to_owned(), json!(1042)),
            ("order 1043".to_owned(), json!(1043))
        ]
    );
    let ack = ann.types(OPS, "forward-order", &[("order", json!(1042))]).await;
    assert_eq!(ack.kind(), 5);
    let message = discord.posted(OPS).await;
    insta::assert_snapshot!(message.seen(), @r"
    <@&7001> Somebody must say yes
    Order 1042 waits
    USD 84.50
    run r1
    [Approve]
    [Why?]
    ");
    assert_eq!(message.pings, ["@&7001"]);
    insta::assert_snapshot!(discord.reply(&message).await.seen(), @r"
    Details
    file rows.txt
    ");
    insta::assert_snapshot!(discord.whisper("150").await.seen(), @"Posted: True");

    let ack = discord.person("102").presses(&message, "Why?").await;
    assert_eq!(ack.kind(), 9);
    let ack = discord.person("102").submits(&ack, &[("reason", "it is paid")]).await;
    assert_eq!(ack.kind(), 4);
    insta::assert_snapshot!(discord.whisper("102").await.seen(), @"Because it is paid");

    discord.person("102").presses(&message, "Approve").await;
    let message = discord.until(&message, |now| now.seen().contains("Approved")).await;
    insta::assert_snapshot!(message.seen(), @r"
    <@&7001> Somebody must say yes
    Approved
    by 102
    ");

    // The wire is cut; the client takes its session up again, and hears what it missed.
    discord.gateway().cut();
    discord.gateway().up(2).await;
    let ack = ann.completes(OPS, "forward-order", &[], ("order", "2")).await;
    assert_eq!(ack.choices().len(), 1);
    discord.check();
}
