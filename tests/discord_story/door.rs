//! Who is heard at the door, and what is answered at once.

use crate::harness::discord::{APPLICATION, BOT_TOKEN, Route};
use crate::harness::discord_world::{DANA, EVE, GENERAL, LEE, OPS, VIC, World, shown};
use serde_json::{Value, json};
use signalbox::platform::discord::PERMISSIONS;
use signalbox::registration::discord_commands;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn discord_finds_the_address_good() {
    let world = World::new().await;
    world.discord.probe().await.unwrap();
    world.end();
    // What people are told to invite it with is what it needs.
    let invited = format!("&permissions={PERMISSIONS}`");
    assert!(fs::read_to_string("README.md").unwrap().contains(&invited));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_guilds_and_direct_messages_ask_for_nothing() {
    let world = World::new().await;
    // The commands of another guild are those of an installation that is not ours.
    let (commands, _) = discord_commands(&world.app.rules.now());
    world.discord_client().set_commands("950", &commands).await.unwrap();
    let ack = world
        .discord
        .person(DANA)
        .types("9501", "write", &[("word", json!("red"))])
        .await;
    assert_eq!(ack.status, Some(403));
    assert_eq!(world.discord.take_complaints().len(), 1);
    world.discord.take_misuse();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let everywhere = format!("{}/applications/{APPLICATION}/commands", world.discord.api_url());
    let put = client
        .put(everywhere)
        .header("authorization", format!("Bot {BOT_TOKEN}"))
        .header("user-agent", "DiscordBot (https://example.org, 1)");
    let put = put.json(&commands);
    assert_eq!(put.send().await.unwrap().status(), 200);
    let direct = world.discord.direct(DANA);
    let ack = world
        .discord
        .person(DANA)
        .types(&direct, "write", &[("word", json!("red"))])
        .await;
    assert_eq!(ack.kind(), 4);
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @"Signalbox does not take commands from a direct message. Use a channel of the server.");
    assert_eq!((world.writes(), world.app.store.runs(9).await.unwrap().len()), (0, 0));
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_those_of_the_runbooks_and_follow_them() {
    let world = World::new().await;
    let names = |world: &World| {
        let commands = world.discord.commands(Some("900"));
        let names = commands
            .iter()
            .map(|command| command["name"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names(&world), ["charge", "orders", "signalbox", "write"]);
    // Nothing has changed, so nothing is told.
    let rules = world.app.rules.now().load_again(&world.app.config).unwrap();
    world.app.rules.replace(rules, jiff::Timestamp::now());
    crate::harness::services::until("Discord was asked again", || {
        world.discord.calls(Route::GetGuildCommands).len() == 2
    })
    .await;
    let text = fs::read_to_string(world.folder().join("commands/write.toml")).unwrap();
    fs::write(world.folder().join("commands/paint.toml"), text).unwrap();
    let rules = world.app.rules.now().load_again(&world.app.config).unwrap();
    world.app.rules.replace(rules, jiff::Timestamp::now());
    crate::harness::services::until("the new command is known", || {
        names(&world).contains(&"paint".to_owned())
    })
    .await;
    assert_eq!(world.discord.calls(Route::PutGuildCommands).len(), 2);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_offered_to_those_who_may_ask() {
    let world = World::new().await;
    let offered = async |user: &str, typed: &str| {
        let ack = world
            .discord
            .person(user)
            .completes(OPS, "orders", &[], ("of", typed))
            .await;
        let values = ack
            .choices()
            .into_iter()
            .map(|(_, value)| value.as_str().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(offered(VIC, "al").await, ["Ali", "\"Ali Express\""]);
    assert_eq!(offered(VIC, "CJ, al").await, ["CJ, Ali", "CJ, \"Ali Express\""]);
    assert!(offered(EVE, "al").await.is_empty());
    let names = world
        .discord
        .person(VIC)
        .completes(OPS, "signalbox help", &[], ("runbook", ""))
        .await;
    let names: Vec<Value> = names.choices().into_iter().map(|(_, value)| value).collect();
    assert_eq!(names, ["orders"]);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_inputs_than_options_are_asked_for_by_a_form() {
    let mut text = String::from("summary = \"Takes much.\"\n");
    for at in 0..26 {
        text.push_str(&format!(
            "[[input]]\nname = \"i{at}\"\nkind = \"integer\"\nrequired = {}\n",
            at == 0
        ));
    }
    text.push_str(
        "[[look]]\nname = \"orders\"\nuse = \"http.get\"\non = \"shop\"\nwith.path = \"/orders\"\n[result]\nrows = \
         \"looks.orders.json.rows\"\ncolumns = [\"order\"]\nsay = \"{{ inputs.i0 }} and {{ inputs.i25 }}.\"\n",
    );
    let world = World::with(&[("much", &text)]).await;
    let person = world.discord.person(DANA);
    let ack = person.types(OPS, "much", &[]).await;
    assert_eq!(ack.form()["custom_id"], "sbf:much");
    let sent = person.submits(&ack, &[("inputs", "i0=7\ni25 = 9\ni1=")]).await;
    assert_eq!((sent.status, sent.kind()), (Some(200), 5));
    let message = world.discord.posted(OPS).await;
    assert!(message.seen().contains("7 and 9."), "{}", message.seen());
    world.discord.whisper(DANA).await;
    world.discord.reply(&message).await;
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_the_bot_is_answered() {
    let world = World::new().await;
    let told = async |user: &str, command: &str, options: &[(&str, Value)]| {
        world.types(user, command, options).await;
        shown(&world.discord.whisper(user).await)
    };
    insta::assert_snapshot!(told(DANA, "signalbox help", &[]).await, @r"
    ✓ Succeeded: help
    What you may run here:
    /charge ORDER \[note=NOTE]: Charges an order.
    /orders \[of=OF\[,OF...]]: Shows what the shop has.
    /write WORD: Writes a word, at once.
    Asked by dana
    ");
    insta::assert_snapshot!(told(DANA, "signalbox pause", &[("runbook", json!("write"))]).await, @r"
    ✓ Succeeded: pause
    Paused: no writes of write are started until \`resume\`. A step that is under way goes on to its end.
    Asked by dana
    ");
    let posted = world.discord.posted(OPS).await;
    assert!(
        posted
            .seen()
            .starts_with("dana paused writes of write: none is started"),
        "{}",
        posted.seen()
    );
    insta::assert_snapshot!(told(LEE, "write", &[("word", json!("red"))]).await, @r"
    ⊘ Refused: write word=red
    Nothing was done: dana paused write at TIME. \`resume\` lets writes go on.
    Asked by lee
    ");
    insta::assert_snapshot!(told(LEE, "signalbox resume", &[]).await, @r"
    ✓ Succeeded: resume
    Resumed: writes of all runbooks may start again.
    Asked by lee
    ");
    let posted = world.discord.posted(OPS).await;
    assert!(
        posted.seen().starts_with("lee resumed writes of all runbooks"),
        "{}",
        posted.seen()
    );
    insta::assert_snapshot!(told(VIC, "signalbox resume", &[]).await, @r"
    ⊘ Denied: charge
    No policy lets vic stop charge.
    Asked by vic
    ");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_answered_where_it_was_typed() {
    let world = World::new().await;
    let ack = world
        .discord
        .person(DANA)
        .types(GENERAL, "write", &[("word", json!("red"))])
        .await;
    assert_eq!(ack.kind(), 5);
    let message = world.discord.posted(GENERAL).await;
    world.until_says(&message, "✓ Succeeded").await;
    world.discord.whisper(DANA).await;
    world.discord.reply(&message).await;
    assert!(world.discord.messages(OPS).is_empty());
    world.end();
}

/// What Discord's own options cannot hold to the runbook's words.
const TIMED: &str = r#"
summary = "Waits, and looks."
[[input]]
name = "pause"
kind = "duration"
help = "how long"
[[input]]
name = "colour"
kind = "choice"
choices = ["red", "green"]
many = true
[[input]]
name = "loud"
kind = "boolean"
required = false
[[look]]
name = "orders"
use = "http.get"
on = "shop"
with.path = "/orders"
[result]
rows = "looks.orders.json.rows"
columns = ["order"]
say = "{{ inputs.pause }}: {{ inputs.colour }}."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_wrong_is_in_a_form_with_a_field_for_each_input() {
    let world = World::with(&[("timed", TIMED)]).await;
    let person = world.discord.person(DANA);
    let wrong = [
        ("pause", json!("soon")),
        ("colour", json!("red, blue")),
        ("dry", json!(false)),
    ];
    let ack = person.types(OPS, "timed", &wrong).await;
    assert_eq!((ack.status, ack.kind()), (Some(200), 9));
    insta::assert_snapshot!(serde_json::to_string_pretty(ack.form()).unwrap(), @r#"
    {
      "custom_id": "sbf:timed",
      "title": "/timed",
      "components": [
        {
          "type": 18,
          "label": "pause",
          "component": {
            "type": 4,
            "custom_id": "in:pause",
            "style": 1,
            "max_length": 4000,
            "required": true,
            "value": "soon"
          },
          "description": "`pause`: `soon` is not a duration: write a whole number with s, m, h or d, such as \"90s\", \"5m\" or \"…"
        },
        {
          "type": 18,
          "label": "colour",
          "component": {
            "type": 4,
            "custom_id": "in:colour",
            "style": 1,
            "max_length": 4000,
            "required": true,
            "value": "red,blue"
          },
          "description": "`colour`: `blue` is no choice; it takes one of red, green"
        },
        {
          "type": 18,
          "label": "loud",
          "component": {
            "type": 4,
            "custom_id": "in:loud",
            "style": 1,
            "max_length": 4000,
            "required": false
          }
        }
      ]
    }
    "#);
    assert!(world.app.store.runs(9).await.unwrap().is_empty());
    let sent = person
        .submits(&ack, &[("in:pause", "5m"), ("in:colour", "red, green")])
        .await;
    assert_eq!((sent.status, sent.kind()), (Some(200), 5));
    let message = world.discord.posted(OPS).await;
    assert!(message.seen().contains("300: "), "{}", message.seen());
    world.discord.whisper(DANA).await;
    // What is wrong in the form too is told in words: a form is no answer to a form.
    let ack = person.types(OPS, "timed", &wrong).await;
    person.submits(&ack, &[]).await;
    let told = shown(&world.discord.whisper(DANA).await);
    assert!(told.contains("is not a duration"), "{told}");
    // Those who may not ask get no form.
    let ack = world.discord.person(EVE).types(OPS, "timed", &wrong).await;
    assert_eq!(ack.kind(), 5);
    assert!(shown(&world.discord.whisper(EVE).await).contains("belongs to nobody"));
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_in_a_thread_is_answered_there() {
    let world = World::new().await;
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let first = world.discord.posted(OPS).await;
    world.discord.whisper(DANA).await;
    world.discord.reply(&first).await;
    // The run's own thread is a place as any other.
    let thread = first.id.clone();
    let ack = world
        .discord
        .person(LEE)
        .types(&thread, "charge", &[("order", json!(7))])
        .await;
    assert_eq!(ack.kind(), 5);
    let inside = world.discord.posted(&thread).await;
    assert!(shown(&inside).contains("charge order=7"), "{}", shown(&inside));
    let details = world.discord.posted(&thread).await;
    assert!(shown(&details).contains("Charge order 7."), "{}", shown(&details));
    let told = world.discord.whisper(LEE).await;
    assert!(
        told.seen().contains(&format!("/channels/900/{thread}/")),
        "{}",
        told.seen()
    );
    // It is answered by its buttons, and policies see the channel that the thread is in.
    world.presses(DANA, &inside, "Approve").await;
    world.until_says(&inside, "✓ Succeeded").await;
    let run = crate::harness::discord_world::run_of(&inside);
    let live = signalbox::run::ledger::Live::load(&world.app.store, &run)
        .await
        .unwrap();
    let place = &live.plan().place;
    assert_eq!(
        (place.channel.as_deref(), place.thread.as_deref()),
        (Some(OPS), Some(thread.as_str()))
    );
    let result = world.discord.posted(&thread).await;
    assert!(
        shown(&result).contains("Details of charge order=7"),
        "{}",
        shown(&result)
    );
    world.end();
}
