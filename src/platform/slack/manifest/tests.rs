use super::*;
use insta::assert_snapshot;

const FORWARD: CommandSpec<'_> = CommandSpec {
    name: "forward-order",
    summary: "Send an order to its supplier",
    usage: "ORDER [note=TEXT]",
};

#[test]
fn the_manifest_asks_for_the_least() {
    let bare = CommandSpec {
        name: "queue-length",
        summary: "How many orders wait",
        usage: "",
    };
    let made = manifest(&[FORWARD, bare], Reach::At("https://signalbox.example/"), true).unwrap();
    assert_snapshot!(serde_json::to_string_pretty(&made).unwrap(), @r#"
    {
      "_metadata": {
        "major_version": 1,
        "minor_version": 1
      },
      "display_information": {
        "name": "Signalbox",
        "description": "Runbook actions: done once, approved by a second person, proved by metrics"
      },
      "features": {
        "bot_user": {
          "display_name": "Signalbox",
          "always_online": true
        },
        "shortcuts": [
          {
            "name": "Run a runbook",
            "type": "message",
            "callback_id": "signalbox:choose",
            "description": "Choose a runbook and fill in what it takes"
          }
        ],
        "slash_commands": [
          {
            "command": "/signalbox",
            "url": "https://signalbox.example/slack/commands",
            "description": "Approve, stop and look at runs; help",
            "should_escape": false,
            "usage_hint": "help | runs | approve RUN | deny RUN | stop RUN | resolve RUN STEP done REASON | pause | resume | link | unlink"
          },
          {
            "command": "/forward-order",
            "url": "https://signalbox.example/slack/commands",
            "description": "Send an order to its supplier",
            "should_escape": false,
            "usage_hint": "ORDER [note=TEXT]"
          },
          {
            "command": "/queue-length",
            "url": "https://signalbox.example/slack/commands",
            "description": "How many orders wait",
            "should_escape": false
          }
        ]
      },
      "oauth_config": {
        "scopes": {
          "bot": [
            "commands",
            "app_mentions:read",
            "chat:write",
            "files:write",
            "channels:history",
            "groups:history",
            "usergroups:read"
          ]
        }
      },
      "settings": {
        "event_subscriptions": {
          "bot_events": [
            "app_mention"
          ],
          "request_url": "https://signalbox.example/slack/events"
        },
        "interactivity": {
          "is_enabled": true,
          "request_url": "https://signalbox.example/slack/interactivity",
          "message_menu_options_url": "https://signalbox.example/slack/interactivity"
        },
        "org_deploy_enabled": false,
        "socket_mode_enabled": false,
        "token_rotation_enabled": false
      }
    }
    "#);
    let without = manifest(&[FORWARD], Reach::At("https://signalbox.example"), false).unwrap();
    assert_eq!(
        without["oauth_config"]["scopes"]["bot"],
        json!([
            "commands",
            "app_mentions:read",
            "chat:write",
            "files:write",
            "channels:history",
            "groups:history"
        ])
    );
}

#[test]
fn over_the_socket_no_address_is_told() {
    let made = manifest(&[FORWARD], Reach::Socket, false).unwrap();
    assert_eq!(made["settings"]["socket_mode_enabled"], json!(true));
    assert_eq!(
        made["settings"]["event_subscriptions"],
        json!({"bot_events": ["app_mention"]})
    );
    assert_eq!(made["settings"]["interactivity"], json!({"is_enabled": true}));
    assert!(!made.to_string().contains("http"), "{made:#}");
}

#[test]
fn what_slack_would_not_take_is_told_all_at_once() {
    let long = "x".repeat(2001);
    let commands = [
        FORWARD,
        FORWARD,
        CommandSpec {
            name: "Forward Order",
            ..FORWARD
        },
        CommandSpec {
            name: "a-name-of-more-than-thirty-one-characters",
            ..FORWARD
        },
        CommandSpec {
            name: "remind",
            ..FORWARD
        },
        CommandSpec {
            name: "signalbox",
            ..FORWARD
        },
        CommandSpec {
            name: "long",
            summary: &long,
            usage: &long,
        },
        CommandSpec {
            name: "mute-alert",
            summary: " ",
            usage: "",
        },
    ];
    let problems = manifest(&commands, Reach::At("signalbox.example"), false).unwrap_err();
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_snapshot!(texts.join("\n"), @r#"
    `public_url` "signalbox.example" is no http or https address
    /forward-order is there twice
    Slack takes no command /Forward Order: a name has 1 to 31 of a-z, 0-9, - and _
    Slack takes no command /a-name-of-more-than-thirty-one-characters: a name has 1 to 31 of a-z, 0-9, - and _
    /remind is a command of Slack itself; rename the runbook
    /signalbox is there twice
    the summary of /long has 2001 characters; Slack takes 2000
    the usage of /long has 2001 characters; Slack takes 1000
    /mute-alert has no summary
    "#);
}

#[test]
fn an_app_has_fifty_commands_at_most() {
    let names: Vec<String> = (0..50).map(|n| format!("run-{n}")).collect();
    let commands: Vec<CommandSpec<'_>> = names.iter().map(|name| CommandSpec { name, ..FORWARD }).collect();
    assert!(manifest(&commands[..49], Reach::At("https://a.b"), false).is_ok());
    assert_eq!(
        manifest(&commands, Reach::At("https://a.b"), false),
        Err(vec![ManifestProblem::TooMany(51)])
    );
}
