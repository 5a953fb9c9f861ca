//! One person over platforms: a code from the account that is known, brought by the one that is not yet.

use crate::harness::discord::Message;
use crate::harness::discord_world::{DANA, EVE, LEE, OPS, VIC, World, shown, steady};
use crate::harness::services::until;
use crate::harness::slack::Slack;
use crate::harness::slack_bot::{SlackBot, Transport};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};

/// Dana and zoe are known on Slack alone, vic on Discord alone.
const PEOPLE: &str = r#"
[person.dana]
slack = ["T1/U1"]
groups = ["ops"]
[person.lee]
slack = ["T1/U2"]
discord = ["102"]
groups = ["ops"]
[person.zoe]
slack = ["T1/U4"]
groups = ["viewers"]
[person.vic]
discord = ["103"]
groups = ["viewers"]
[group.ops]
slack_usergroups = ["T1/S0OPS"]
discord_roles = ["900/7001"]
[group.viewers]
"#;

async fn world() -> (World, Slack) {
    let mut world = World::of_both_with(PEOPLE).await;
    let slack = world.slack.take().unwrap();
    (world, slack)
}

fn code_in(words: &str) -> String {
    let found = Regex::new(r"/signalbox link ([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})").unwrap();
    found.captures(words).unwrap_or_else(|| panic!("no code in {words}"))[1].to_owned()
}

fn without_code(words: &str) -> String {
    let code = Regex::new(r"\b[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}\b").unwrap();
    steady(&code.replace_all(words, "CODE"))
}

/// What is answered to `/signalbox WORDS` on Slack, to that person alone.
async fn on_slack(slack: &Slack, user: &str, words: &str) -> String {
    let ack = slack.person(user).command("C0OPS", "/signalbox", words).await;
    assert_eq!(ack.status, Some(200), "{words}");
    assert_eq!(
        serde_json::from_str::<Value>(&ack.body).unwrap()["response_type"],
        "ephemeral"
    );
    slack.whisper(user).await.seen()
}

/// The same on Discord.
async fn on_discord(world: &World, user: &str, word: &str, options: &[(&str, Value)]) -> String {
    let ack = world
        .discord
        .person(user)
        .types(OPS, &format!("signalbox {word}"), options)
        .await;
    // Over the gateway the answer is a call of its own.
    assert!(
        ack.status.is_none_or(|status| status == 200),
        "{word}: {:?}",
        ack.status
    );
    assert_eq!(ack.kind(), 4, "{word}");
    assert_eq!(ack.answer.as_ref().unwrap().data["flags"], 64);
    world.discord.whisper(user).await.seen()
}

async fn charges(world: &World, user: &str) -> Message {
    world.types(user, "charge", &[("order", json!(1042))]).await;
    let message = world.discord.posted(OPS).await;
    world.discord.whisper(user).await;
    message
}

async fn refused(world: &World, user: &str) -> String {
    world.types(user, "charge", &[("order", json!(1042))]).await;
    shown(&world.discord.whisper(user).await)
}

fn signalbox(world: &World, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(arguments)
        .arg("--config")
        .arg(world.folder().join("signalbox.toml"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let words = text(&output.stdout) + &text(&output.stderr);
    Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
        .unwrap()
        .replace_all(&words, "DATE")
        .into_owned()
}

/// Nothing that was ever kept has a code in it.
fn stands_nowhere(world: &World, codes: &[&str]) {
    for name in ["bot.db", "bot.db-wal"] {
        let bytes = fs::read(world.folder().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for code in codes {
            assert!(
                !text.contains(code) && !text.contains(&code.replace('-', "")),
                "a code is in {name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_on_slack_is_the_same_person_on_discord() {
    let (mut world, slack) = world().await;
    assert_snapshot!(refused(&world, DANA).await, @r"
    ⊘ Denied: charge
    I do not know who you are: the Discord account 101 belongs to nobody in people.toml. If Signalbox knows you on another platform, type \`/signalbox link\` there and bring the code here by \`/signalbox link CODE\`. Otherwise ask an operator to add this account.
    Asked by Discord account 101
    ");

    let offered = on_slack(&slack, "U1", "link").await;
    assert_snapshot!(without_code(&offered), @r"
    From your account on Discord, within 10 minutes, type:
    /signalbox link CODE
    That account is yours then, dana. Show the code to nobody: whoever brings it acts as you.
    ");
    let code = code_in(&offered);
    // However it is typed.
    let typed = code.to_uppercase().replace('-', " ");
    let told = on_discord(&world, DANA, "link", &[("code", json!(typed))]).await;
    assert_snapshot!(told, @r"The Discord account 101 is yours now, dana: it may do what people.toml lets you do, and no more. \`/signalbox unlink\` takes it away again.");

    // She is one person: her yes to what she asked for counts from neither account.
    let here = charges(&world, DANA).await;
    let there = slack.posted("C0OPS").await;
    assert!(there.seen().contains("Asked by dana"), "{}", there.seen());
    world.presses(DANA, &here, "Approve").await;
    let own = shown(&world.discord.whisper(DANA).await);
    assert_snapshot!(own, @r"
    ⊘ Denied: charge
    You asked for this yourself, so somebody else has to approve it.
    Asked by dana
    ");
    slack.person("U1").press(&there, "Approve").await;
    assert_eq!(slack.whisper("U1").await.seen(), own);
    assert_eq!(world.writes(), 0);
    world.presses(LEE, &here, "Approve").await;
    world.until_says(&here, "✓ Succeeded").await;
    assert_eq!(world.writes(), 1);

    // Of what she asks for on Slack she says yes on Discord as little.
    slack.person("U1").command("C0OPS", "/charge", "7").await;
    let there = slack.posted("C0OPS").await;
    let here = world.discord.posted(OPS).await;
    world.presses(DANA, &here, "Approve").await;
    assert_eq!(shown(&world.discord.whisper(DANA).await), own);
    slack.person("U2").press(&there, "Approve").await;
    world.until_says(&here, "✓ Succeeded").await;

    stands_nowhere(&world, &[&code]);
    let everything = world.discord.everything().to_lowercase();
    assert!(!everything.contains(&code), "Discord was sent a code of Slack's");
    slack.look_away();
    world.discord.look_away();
    assert_eq!(slack.misuse(), Vec::<String>::new());
    world.slack = Some(slack);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_on_discord_is_the_same_person_on_slack() {
    let (mut world, slack) = world().await;
    slack.person("U3").command("C0OPS", "/orders", "").await;
    assert_snapshot!(slack.whisper("U3").await.seen(), @r"
    ⊘ Denied: orders
    I do not know who you are: the Slack account T1/U3 belongs to nobody in people.toml. If Signalbox knows you on another platform, type `/signalbox link` there and bring the code here by `/signalbox link CODE`. Otherwise ask an operator to add this account.
    Asked by Slack account T1/U3
    ");
    let offered = on_discord(&world, VIC, "link", &[]).await;
    assert_snapshot!(without_code(&offered), @r"
    From your account on Slack, within 10 minutes, type:
    /signalbox link CODE
    That account is yours then, vic. Show the code to nobody: whoever brings it acts as you.
    ");
    let code = code_in(&offered);
    assert_snapshot!(on_slack(&slack, "U3", &format!("link {code}")).await, @"The Slack account T1/U3 is yours now, vic: it may do what people.toml lets you do, and no more. `/signalbox unlink` takes it away again.");
    slack.person("U3").command("C0OPS", "/orders", "").await;
    let message = slack.posted("C0OPS").await;
    assert!(message.seen().contains("Asked by vic"), "{}", message.seen());
    slack.person("U3").command("C0OPS", "/write", "red").await;
    assert!(
        slack
            .whisper("U3")
            .await
            .seen()
            .contains("No policy lets vic ask for write")
    );
    stands_nowhere(&world, &[&code]);
    slack.look_away();
    world.slack = Some(slack);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_not_good_has_one_answer() {
    let (mut world, slack) = world().await;
    let bad = on_discord(&world, EVE, "link", &[("code", json!("abcd-efgh-jkmn"))]).await;
    assert_snapshot!(bad, @r"This code is not good: it is wrong, was used, or is more than 10 minutes old. Nothing was changed. Type \`/signalbox link\` on Slack, where Signalbox knows you, and bring the new code here.");
    // Used, by somebody else.
    let code = code_in(&on_slack(&slack, "U1", "link").await);
    on_discord(&world, DANA, "link", &[("code", json!(code))]).await;
    assert_eq!(on_discord(&world, EVE, "link", &[("code", json!(code))]).await, bad);
    // Too old: ten minutes have passed for the code.
    let code = code_in(&on_slack(&slack, "U4", "link").await);
    let database = format!("sqlite:{}", world.folder().join("bot.db").display());
    let raw = sqlx::AnyPool::connect(&database).await.unwrap();
    let aged = sqlx::query("UPDATE link_code SET expires = expires - 600000000")
        .execute(&raw)
        .await;
    assert_eq!(aged.unwrap().rows_affected(), 1);
    assert_eq!(on_discord(&world, EVE, "link", &[("code", json!(code))]).await, bad);
    // What everybody could read.
    let code = code_in(&on_slack(&slack, "U4", "link").await);
    slack
        .person("U4")
        .mentions("C0OPS", None, &format!("<@U0BOT> link {code}"))
        .await;
    assert_snapshot!(slack.whisper("U4").await.seen(), @"Everybody here could read that code, so it counts no more. Type `/signalbox link` where Signalbox knows you for a new one, and bring it back by the slash command, which nobody else sees.");
    assert_eq!(on_discord(&world, EVE, "link", &[("code", json!(code))]).await, bad);
    // Five wrong ones are enough.
    on_discord(&world, EVE, "link", &[("code", json!("x"))]).await;
    let code = code_in(&on_slack(&slack, "U4", "link").await);
    assert_snapshot!(on_discord(&world, EVE, "link", &[("code", json!(code))]).await, @r"Too many wrong codes came lately, so none is looked at. Wait 15 minutes; then type \`/signalbox link\` on Slack and bring the new code here.");
    // Whose account it is already is told, and costs the code nothing.
    assert_snapshot!(on_discord(&world, LEE, "link", &[("code", json!(code))]).await, @"The Discord account 102 is lee's already. Nothing was changed, and the code is still good.");
    assert_snapshot!(on_discord(&world, DANA, "link", &[("code", json!(code))]).await, @"The Discord account 101 is dana's already. Nothing was changed, and the code is still good.");
    assert_snapshot!(on_discord(&world, DANA, "link", &[]).await, @"This account was linked itself, to dana. Ask for a code from the account that people.toml names.");
    let links = world.app.store.links().await.unwrap();
    assert_eq!(links.len(), 1);
    slack.look_away();
    world.slack = Some(slack);
    world.end();
}

/// Discord proves that 101 has the role of ops. Zoe is a viewer, and stays one.
#[tokio::test(flavor = "multi_thread")]
async fn a_linked_account_brings_its_person_no_groups() {
    let (mut world, slack) = world().await;
    let code = code_in(&on_slack(&slack, "U4", "link").await);
    on_discord(&world, DANA, "link", &[("code", json!(code))]).await;
    assert_snapshot!(refused(&world, DANA).await, @r"
    ⊘ Denied: charge
    No policy lets zoe ask for charge.
    Asked by zoe
    ");
    world.types(DANA, "orders", &[]).await;
    let looked = world.discord.posted(OPS).await;
    assert!(shown(&looked).contains("Asked by zoe"), "{}", shown(&looked));
    world.discord.whisper(DANA).await;
    // Where the file says otherwise it is as the file says, and the link is gone for good.
    let people = PEOPLE.replace("discord = [\"103\"]", "discord = [\"103\", \"101\"]");
    replace_people(&world, &people);
    world.types(DANA, "orders", &[]).await;
    let looked = world.discord.posted(OPS).await;
    assert!(shown(&looked).contains("Asked by vic"), "{}", shown(&looked));
    world.discord.whisper(DANA).await;
    until("the link is gone", || links(&world) == 0).await;
    replace_people(&world, PEOPLE);
    assert!(
        refused(&world, DANA).await.contains("belongs to nobody"),
        "it came back"
    );
    slack.look_away();
    world.discord.look_away();
    world.slack = Some(slack);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_gone_from_the_file_loses_what_was_linked() {
    let (mut world, slack) = world().await;
    for (user, account) in [("U1", DANA), ("U4", EVE)] {
        let code = code_in(&on_slack(&slack, user, "link").await);
        on_discord(&world, account, "link", &[("code", json!(code))]).await;
    }
    assert_eq!(links(&world), 2);
    let (before, after) = PEOPLE.split_once("[person.zoe]").unwrap();
    let (_, after) = after.split_once("[person.vic]").unwrap();
    replace_people(&world, &format!("{before}[person.vic]{after}"));
    assert!(refused(&world, EVE).await.contains("belongs to nobody"));
    until("one link is gone", || links(&world) == 1).await;
    // A link lasts no longer than the account that it was proved by.
    replace_people(&world, &PEOPLE.replace("T1/U1", "T1/U7"));
    assert!(refused(&world, DANA).await.contains("belongs to nobody"));
    until("the other is gone", || links(&world) == 0).await;
    replace_people(&world, PEOPLE);
    assert!(refused(&world, EVE).await.contains("belongs to nobody"), "it came back");
    slack.look_away();
    world.slack = Some(slack);
    world.end();
}

fn replace_people(world: &World, people: &str) {
    fs::write(world.folder().join("people.toml"), people).unwrap();
    let rules = world.app.rules.now().load_again(&world.app.config).unwrap();
    world.app.rules.replace(rules, jiff::Timestamp::now());
}

fn links(world: &World) -> usize {
    let store = world.app.store.clone();
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async { store.links().await.unwrap().len() })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_seen_and_taken_away() {
    let (mut world, slack) = world().await;
    let code = code_in(&on_slack(&slack, "U1", "link").await);
    on_discord(&world, DANA, "link", &[("code", json!(code))]).await;
    assert_snapshot!(on_slack(&slack, "U1", "unlink").await, @"You have no linked account on Slack. Still linked: the Discord account 101; type `/signalbox unlink` there, or ask an operator.");
    assert_snapshot!(said(&signalbox(&world, &["people"])), @r"
    dana: ops
      Slack account T1/U1
      Discord account 101, linked by the Slack account T1/U1 on DATE
    lee: ops
      Discord account 102
      Slack account T1/U2
    vic: viewers
      Discord account 103
    zoe: viewers
      Slack account T1/U4
    ");
    assert_snapshot!(on_discord(&world, DANA, "unlink", &[]).await, @r"No longer yours: the Discord account 101. Link it again by \`/signalbox link\`.");
    assert!(
        on_discord(&world, DANA, "unlink", &[])
            .await
            .contains("belongs to nobody")
    );
    assert!(refused(&world, DANA).await.contains("belongs to nobody"));

    let code = code_in(&on_slack(&slack, "U1", "link").await);
    on_discord(&world, DANA, "link", &[("code", json!(code))]).await;
    let denied = signalbox(&world, &["people", "unlink", "101", "--as", "vic"]);
    assert_eq!(denied.status.code(), Some(2));
    assert_snapshot!(said(&denied), @"signalbox: Nothing was changed: a linked account is taken away by its person, with `/signalbox unlink`, or by somebody who may stop runs.");
    let odd = signalbox(&world, &["people", "unlink", "U1", "--as", "lee"]);
    assert_eq!(odd.status.code(), Some(2));
    assert_snapshot!(said(&odd), @"signalbox: `U1`: an account is written as in people.toml, T1/U9 of Slack or 104 of Discord");
    assert_eq!(links(&world), 1);
    let done = signalbox(&world, &["people", "unlink", "101", "--as", "lee", "--json"]);
    assert_eq!(done.status.code(), Some(0));
    assert_snapshot!(said(&done), @r#"{"outcome":"succeeded","person":"lee","say":"The Discord account 101 is linked to nobody any more."}"#);
    // The serving process knows before it answers.
    assert!(refused(&world, DANA).await.contains("belongs to nobody"));
    let rows = world.app.store.audit_rows(200).await.unwrap();
    let rows: Vec<String> = rows
        .iter()
        .filter(|row| row.kind == "link")
        .map(|row| format!("{} {} {}", row.person, row.subject, row.body))
        .collect();
    assert_snapshot!(rows.join("\n"), @r#"
    lee Discord account 101 {"linked":false,"of":"dana","why":"taken away by an operator"}
    dana Discord account 101 {"linked":true,"by":"Slack account T1/U1"}
    dana Slack account T1/U1 {"asked":"code"}
    dana Discord account 101 {"linked":false,"of":"dana","why":"unlinked by the person"}
    dana Discord account 101 {"linked":true,"by":"Slack account T1/U1"}
    dana Slack account T1/U1 {"asked":"code"}
    "#);
    slack.look_away();
    world.slack = Some(slack);
    world.end();
}

/// Every process that shares the store knows at once who was linked by another one.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_links_another_knows() {
    let (mut world, slack) = world().await;
    let other = world.launch().await;
    let code = code_in(&on_slack(&slack, "U1", "link").await);
    world.discord.connect(other.url.clone());
    on_discord(&world, DANA, "link", &[("code", json!(code))]).await;
    let here = charges(&world, DANA).await;
    assert!(shown(&here).contains("Asked by dana"));
    other.end().await;
    let told = said(&signalbox(&world, &["people", "--json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    let dana = &told["people"].as_array().unwrap()[0];
    assert_eq!(
        (&dana["person"], &dana["linked"][0]["account"], &dana["linked"][0]["by"]),
        (
            &json!("dana"),
            &json!("Discord account 101"),
            &json!("Slack account T1/U1")
        )
    );
    slack.look_away();
    world.discord.look_away();
    world.slack = Some(slack);
    world.end();
}

/// The codes are in the answers themselves, there and back.
#[tokio::test(flavor = "multi_thread")]
async fn over_discords_gateway_it_is_the_same() {
    let mut world = World::of_both_over_gateway_with(PEOPLE).await;
    let slack = world.slack.take().unwrap();
    world.discord.gateway().up(1).await;
    let from_slack = code_in(&on_slack(&slack, "U1", "link").await);
    let told = on_discord(&world, DANA, "link", &[("code", json!(from_slack))]).await;
    assert!(
        told.starts_with("The Discord account 101 is yours now, dana:"),
        "{told}"
    );
    let here = charges(&world, DANA).await;
    assert!(here.seen().contains("Asked by dana"), "{}", here.seen());
    let from_discord = code_in(&on_discord(&world, VIC, "link", &[]).await);
    let told = on_slack(&slack, "U3", &format!("link {from_discord}")).await;
    assert!(told.starts_with("The Slack account T1/U3 is yours now, vic:"), "{told}");
    stands_nowhere(&world, &[&from_slack, &from_discord]);
    slack.look_away();
    world.discord.look_away();
    world.slack = Some(slack);
    world.end();
}

/// Over HTTP and over the socket; what is written to the log too.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_stands_in_no_log_and_a_delivery_twice_gives_one() {
    for transport in [Transport::Http, Transport::Socket] {
        let bot = SlackBot::start(transport).await;
        let ack = bot.slack.person("U1").command("C0OPS", "/signalbox", "link").await;
        let code = code_in(&ack.body);
        bot.slack.whisper("U1").await;
        let again = bot.slack.deliver("U1", "C0OPS", ack.sent.clone()).await;
        assert!(
            again.body.contains("This was answered before"),
            "{transport:?}: {}",
            again.body
        );
        bot.slack.whisper("U1").await;
        let wrong = bot
            .slack
            .person("U4")
            .command("C0OPS", "/signalbox", &format!("link {code}"))
            .await;
        assert!(wrong.body.contains("This code is not good"), "{}", wrong.body);
        bot.slack.whisper("U4").await;
        let mut places = vec![bot.served.log()];
        for name in ["bot.db", "bot.db-wal"] {
            let bytes = fs::read(bot.path(name)).unwrap_or_default();
            places.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        for place in places {
            assert!(!place.contains(&code) && !place.contains(&code.replace('-', "")));
        }
        bot.end();
    }
}
