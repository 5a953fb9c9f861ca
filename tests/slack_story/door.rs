//! Deliveries that must not be believed, or not twice; and the app's manifest.

use crate::harness::slack::{SIGNING_SECRET, Sent};
use crate::harness::slack_world::{Scene, steady};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_delivery_twice_is_one_run() {
    let scene = Scene::open().await;
    let sent = scene.types("U1", "/forward-order", "1043").await;
    for _ in 0..2 {
        let ack = scene.slack.deliver("U1", "C0OPS", sent.clone()).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    }
    let message = scene.slack.posted("C0OPS").await;
    let message = scene.until_heading(&message, "✓").await;
    let ack = scene.slack.deliver("U1", "C0OPS", sent).await;
    assert_eq!(ack.status, Some(200));
    scene.slack.until(&message, |now| now.seen().contains("Proof:")).await;
    assert_eq!(scene.shop().posts(1043).await, 1);
    assert_eq!(scene.bot.runs().len(), 1);
    scene.slack.reply(&message).await;
    scene.slack.reply(&message).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_did_not_sign_is_not_kept() {
    let scene = Scene::open().await;
    let now = jiff::Timestamp::now().as_second();
    let body = || scene.slack.person("U1").command_body("C0OPS", "/forward-order", "1043");
    let path = "/slack/commands";
    let genuine = Sent::new(path, body());
    let cut = genuine.body[..genuine.body.len() / 2].to_owned();
    let foreign = scene.slack.person("U9").command_body("C0OPS", "/forward-order", "1043");
    let half_foreign = body().replace("team_id=T1", "team_id=T9");
    for (what, sent, status) in [
        ("forged", Sent::signed(path, body(), now, "another secret"), 401),
        ("signed with nothing", Sent::signed(path, body(), now, ""), 401),
        (
            "unsigned",
            Sent {
                signature: String::new(),
                ..genuine.clone()
            },
            401,
        ),
        (
            "truncated",
            Sent {
                body: cut,
                ..genuine.clone()
            },
            401,
        ),
        (
            "changed",
            Sent {
                body: genuine.body.replace("1043", "1042"),
                ..genuine.clone()
            },
            401,
        ),
        ("too old", Sent::signed(path, body(), now - 301, SIGNING_SECRET), 401),
        (
            "from the future",
            Sent::signed(path, body(), now + 310, SIGNING_SECRET),
            401,
        ),
        ("half a form", Sent::new(path, genuine.body[..40].to_owned()), 400),
        ("of a foreign workspace", Sent::new(path, foreign), 403),
        ("of a workspace that is not ours", Sent::new(path, half_foreign), 403),
    ] {
        let ack = scene.slack.deliver("U1", "C0OPS", sent).await;
        assert_eq!((ack.status, ack.body.as_str()), (Some(status), ""), "{what}");
    }
    assert!(scene.bot.runs().is_empty());
    assert!(
        scene
            .bot
            .metrics()
            .await
            .contains("signalbox_deliveries_total{outcome=\"kept\"} 0")
    );
    assert_eq!(scene.posts().await, 0);
    scene.end_with_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_has_a_command_for_each_runbook() {
    let scene = Scene::open().await;
    let output = scene.bot.command(&["export", "slack-manifest"]);
    assert!(output.status.success());
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_snapshot!(steady(&format!("{manifest:#}")), @r#"
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
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Approve, stop and look at runs; help",
            "should_escape": false,
            "usage_hint": "help | runs | approve RUN | deny RUN | stop RUN | resolve RUN STEP done REASON | pause | resume | link | unlink"
          },
          {
            "command": "/end-silence",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Ends the silences of an alert, so that people are told of it again.",
            "should_escape": false,
            "usage_hint": "ALERT"
          },
          {
            "command": "/forward-order",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Sends paid orders to their suppliers, each order once.",
            "should_escape": false,
            "usage_hint": "ORDER[,ORDER...]"
          },
          {
            "command": "/metrics",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Shows panels of metrics: a picture, and its numbers.",
            "should_escape": false,
            "usage_hint": "[panel=PANEL[,PANEL...]] [last=LAST]"
          },
          {
            "command": "/oncall",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Shows who is on call now, as the paging systems know it.",
            "should_escape": false
          },
          {
            "command": "/order-status",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Shows what the shop knows of an order: payment, suppliers, tasks under way, history.",
            "should_escape": false,
            "usage_hint": "ORDER"
          },
          {
            "command": "/resync-supplier",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Reads the products of suppliers anew.",
            "should_escape": false,
            "usage_hint": "SUPPLIER[,SUPPLIER...]"
          },
          {
            "command": "/resync-supplier-admin",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Has the shop's admin queue a sync of suppliers, without following it.",
            "should_escape": false,
            "usage_hint": "SUPPLIER[,SUPPLIER...]"
          },
          {
            "command": "/retry-forward",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Sends an order again whose supplier id the shop made up, after the supplier was asked.",
            "should_escape": false,
            "usage_hint": "ORDER [supplier_says=SUPPLIER_SAYS] [reason=REASON] [supplier=SUPPLIER]"
          },
          {
            "command": "/shop-health",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Looks at the parts of the shop, each for itself, and says which is down.",
            "should_escape": false
          },
          {
            "command": "/silence-alert",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Silences an alert for a while, so that nobody is told of it again.",
            "should_escape": false,
            "usage_hint": "ALERT [duration=DURATION] [comment=COMMENT]"
          },
          {
            "command": "/stuck-orders",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Lists paid orders that a supplier has not got yet.",
            "should_escape": false
          },
          {
            "command": "/supplier-status",
            "url": "http://127.0.0.1:PORT/slack/commands",
            "description": "Shows the shop's suppliers: which the shop can send to, what waits for them, whether they answer.",
            "should_escape": false,
            "usage_hint": "[supplier=SUPPLIER]"
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
          "request_url": "http://127.0.0.1:PORT/slack/events"
        },
        "interactivity": {
          "is_enabled": true,
          "request_url": "http://127.0.0.1:PORT/slack/interactivity",
          "message_menu_options_url": "http://127.0.0.1:PORT/slack/interactivity"
        },
        "org_deploy_enabled": false,
        "socket_mode_enabled": false,
        "token_rotation_enabled": false
      }
    }
    "#);
    scene.end().await;
}
