//! What Discord would not take of a runbook is told by `check`, where it stands.

use super::Desk;
use crate::harness::discord::{APPLICATION, Discord};
use serde_json::Value;
use signalbox::platform::discord::client::DiscordClient;
use std::time::Duration;

#[test]
fn check_tells_what_discord_would_not_take_and_where() {
    let desk = Desk::new();
    let long = "Lists paid orders that no supplier has, ".repeat(3);
    desk.write(
        "commands/stuck.toml",
        &format!(
            "summary = \"{long}\"\n[[input]]\nname = \"supplier\"\nkind = \"text\"\nhelp = \
             \"{long}\"\n[[look]]\nname = \"one\"\nuse = \"postgres.query\"\non = \"shop-db\"\nwith.sql = \"select 1 as \
             one\"\n[result]\nrows = \"looks.one.rows\"\ncolumns = [\"one\"]\nsay = \"{{{{ inputs.\
             supplier }}}}\"\n"
        ),
    );
    let (code, said, told) = desk.run(&["check"]);
    assert_eq!(code, 1, "{said}{told}");
    insta::assert_snapshot!(said.replace(&desk.path("").display().to_string(), ""), @r"
    commands/stuck.toml:1:11: the summary has 120 characters and Discord shows 100; shorten it
    commands/stuck.toml:5:8: the help of `supplier` has 120 characters and Discord shows 100; shorten it
    ");
    let (code, said, told) = desk.run(&["export", "discord-commands"]);
    assert_eq!((code, said.as_str()), (1, ""), "{told}");
    // Without Discord it is a runbook like any other.
    let config = std::fs::read_to_string(desk.path("config/signalbox.toml")).unwrap();
    let (before, after) = config.split_once("[discord]").unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    desk.write("config/signalbox.toml", &format!("{before}{after}"));
    let (code, said, told) = desk.run(&["check"]);
    assert_eq!(code, 0, "{said}{told}");
}

#[tokio::test]
async fn the_commands_of_the_shipped_runbooks_are_those_that_discord_takes() {
    let (code, said, told) = Desk::new().run(&["export", "discord-commands"]);
    assert_eq!(code, 0, "{told}");
    let commands: Vec<Value> = serde_json::from_str(&said).unwrap();
    let find = |name: &str| {
        let found = commands.iter().find(|command| command["name"] == name);
        serde_json::to_string_pretty(found.unwrap()).unwrap()
    };
    insta::assert_snapshot!(find("forward-order"), @r#"
    {
      "type": 1,
      "name": "forward-order",
      "description": "Sends paid orders to their suppliers, each order once.",
      "options": [
        {
          "type": 3,
          "name": "order",
          "description": "the numbers of the orders",
          "required": true,
          "autocomplete": true
        },
        {
          "type": 5,
          "name": "dry",
          "description": "Show what would be done, and do nothing"
        }
      ]
    }
    "#);
    let discord = Discord::start().await;
    let api = discord.api_url();
    let client = DiscordClient::new(&api, APPLICATION, &discord.bot_token(), Duration::from_secs(5)).unwrap();
    client.set_commands("900", &commands).await.unwrap();
    assert_eq!(discord.commands(Some("900")).len(), commands.len());
    discord.check();
}
