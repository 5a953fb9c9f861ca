//! An input that the alert does not tell is filled in by a look.

use crate::harness::alertmanager::{alert, notification, notify};
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, DANA, LEE, World, steady};
use crate::harness::visitor::Visitor;

const SUGGESTED: &str = r#"
[suggest.settle]
label = "Charge what is stuck"
match = ['alertname="OrdersStuck"']
runbook = "charge"
look = "orders"
with = ["order={look.order}", "note={alertname}"]
"#;

async fn begin(world: &World) {
    let mut stuck = alert("OrdersStuck", &[], true);
    stuck["generatorURL"] = "".into();
    notify(world.url(), &notification("OrdersStuck", &[stuck])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_values_one_is_chosen_on_each_platform() {
    let world = World::with_rules(SUGGESTED, "", "").await;
    begin(&world).await;
    let slack = world.slack.as_ref().unwrap();
    let there = slack.posted(ALERTS_OF_SLACK).await;
    let here = world.discord.posted(ALERTS).await;
    slack.person("U1").press(&there, "Charge what is stuck").await;
    let choice = slack.whisper("U1").await;
    insta::assert_snapshot!(steady(&choice.seen()), @"
    Choose
    /orders shows several. For which order is /charge meant?
    Choose
    1042
    1043
    Asked by dana
    ");
    slack.person("U1").choose(&choice, "1042").await;
    let run = slack.posted(ALERTS_OF_SLACK).await;
    assert!(
        run.seen()
            .contains("Waits for approval: charge order=1042 note=OrdersStuck"),
        "{}",
        run.seen()
    );
    assert!(run.seen().contains("Asked by dana"), "{}", run.seen());
    let told = slack.reply(&there).await;
    assert_eq!(
        steady(&told.seen()),
        "dana asked for /charge order=1042 note=OrdersStuck: run RUN."
    );

    world.presses(LEE, &here, "Charge what is stuck").await;
    let choice = world.discord.whisper(LEE).await;
    let list = choice
        .parts()
        .into_iter()
        .find(|part| part["type"] == 3)
        .unwrap()
        .clone();
    let options = list["options"].as_array().unwrap();
    assert_eq!(
        options
            .iter()
            .map(|option| option["label"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["1042", "1043"]
    );
    let second = options[1]["value"].as_str().unwrap();
    world.discord.person(LEE).selects(&choice, "Choose", &[second]).await;
    let run = world.discord.posted(ALERTS).await;
    assert!(
        run.seen().contains("charge order=1043 note=OrdersStuck"),
        "{}",
        run.seen()
    );

    let visitor = Visitor::pick(world.url(), "dana").await;
    let to = visitor.get("/alerts").await.attribute("ul.runs a", "href").unwrap();
    let page = visitor.get(&to).await;
    let value = page.attribute("main div.buttons button", "value").unwrap();
    let sent = visitor.post(&format!("{to}/press"), "n1", &[("press", &value)]).await;
    let choice = visitor.get(&sent.to).await;
    assert_eq!(choice.texts("div.buttons button"), ["1042", "1043"]);
    // What nobody was shown is not chosen.
    let picked = choice.attribute("div.buttons button", "value").unwrap();
    let key = picked.rsplit('.').next().unwrap();
    let odd = format!("alert pick.00000000.{key}");
    let sent = visitor.post(&format!("{to}/press"), "n2", &[("press", &odd)]).await;
    let answer = visitor.get(&sent.to).await.said();
    assert!(
        answer.contains("Nothing was done: /orders no longer shows what you chose."),
        "{answer}"
    );
    assert_eq!(world.app.store.runs(10).await.unwrap().len(), 2);
    slack.look_away();
    world.discord.look_away();
    world.end();
}

const ONE: &str = r#"
summary = "Shows the first order."
[[look]]
name = "orders"
use = "http.get"
on = "shop"
with.path = "/orders"
[result]
rows = "looks.orders.json.rows.filter(row, row.order == 1042)"
columns = ["order"]
say = "One."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_value_fills_and_none_says_so() {
    let rules = SUGGESTED.replace("look = \"orders\"", "look = \"first\"");
    let none = ONE.replace("1042", "1");
    for (runbook, comes) in [(ONE, true), (none.as_str(), false)] {
        let world = World::with_rules_and(&rules, "", "", &[("first", runbook)]).await;
        begin(&world).await;
        let here = world.discord.posted(ALERTS).await;
        world.presses(DANA, &here, "Charge what is stuck").await;
        if comes {
            let run = world.discord.posted(ALERTS).await;
            assert!(
                run.seen()
                    .contains("Waits for approval: charge order=1042 note=OrdersStuck"),
                "{}",
                run.seen()
            );
        } else {
            let told = world.discord.whisper(DANA).await;
            assert!(
                told.seen()
                    .contains("Nothing was done: /first shows no order now, so there is nothing to ask /charge for."),
                "{}",
                told.seen()
            );
            assert!(world.app.store.runs(10).await.unwrap().is_empty());
        }
        world.slack.as_ref().unwrap().look_away();
        world.discord.look_away();
        world.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_looks_by_its_own_right_and_chooses_nothing() {
    let rules = r#"
[auto.settle]
match = ['alertname="OrdersStuck"']
runbook = "charge"
look = "first"
with = ["order={look.order}"]
at_most = 1
per = "1h"
"#;
    let policy = r#"
@id("alert-charges")
@say("Stuck orders may be charged.")
permit (principal == Alert::"OrdersStuck", action in [Action::"ask", Action::"run"], resource);
"#;
    let several = ONE.replace(".filter(row, row.order == 1042)", "");
    for (runbook, says) in [
        (
            ONE,
            "By itself the alert OrdersStuck asked for /charge order=1042: run RUN.",
        ),
        (
            several.as_str(),
            "By itself the alert OrdersStuck asked for /charge, and nothing ran: Nothing was done: /first shows several (1042, \
             1043), and nobody is there to choose. Ask for the right one yourself.",
        ),
    ] {
        let world = World::with_rules_and(rules, policy, "", &[("first", runbook)]).await;
        begin(&world).await;
        let slack = world.slack.as_ref().unwrap();
        let there = slack.posted(ALERTS_OF_SLACK).await;
        assert_eq!(steady(&slack.reply(&there).await.seen()), says);
        slack.look_away();
        world.discord.look_away();
        world.end();
    }
}

const DEPLOYS: &str = r#"
summary = "Shows what was deployed."
[[look]]
name = "deploys"
use = "http.get"
on = "shop"
with.path = "/deploys"
[result]
rows = "looks.deploys.json.rows"
columns = ["finished", "version", "by"]
say = "Deploys."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deployed_around_the_beginning_is_told_beside_what_ran() {
    let rules = "[changed.deploys]\nlook = \"deploys\"\nat = \"finished\"\n";
    let denied = "@id(\"no-deploys\")\n@say(\"Vic sees no deploys.\")\nforbid (principal == Person::\"vic\", action == \
                  Action::\"ask\", resource == Runbook::\"deploys\");\n@id(\"vic-looks\")\n@say(\"Vic may look.\")\npermit \
                  (principal == Person::\"vic\", action == Action::\"view\", resource);\n";
    let vic = "[person.vic]\nslack = [\"T1/U3\"]\n";
    let world = World::with_rules_and(rules, denied, vic, &[("deploys", DEPLOYS)]).await;
    begin(&world).await;
    let slack = world.slack.as_ref().unwrap();
    let there = slack.posted(ALERTS_OF_SLACK).await;
    let told = async |user: &str| {
        slack.person(user).press(&there, "What changed").await;
        slack.whisper(user).await.seen()
    };
    insta::assert_snapshot!(told("U1").await, @"
    ✓ Succeeded: alerts
    What ran here from 2026-11-27 10:58:00 UTC to 2026-11-27 12:03:00 UTC, and deploys, newest first:
    2026-11-27 12:01:00 UTC deploys: version=c3, by=max
    2026-11-27 11:40:00 UTC deploys: version=b2, by=ci
    Asked by dana
    ");
    insta::assert_snapshot!(told("U3").await, @"
    ✓ Succeeded: alerts
    Nothing ran here from 2026-11-27 10:58:00 UTC to 2026-11-27 12:03:00 UTC. What was changed elsewhere is not known here.
    deploys cannot be told: Vic sees no deploys.
    Asked by vic
    ");
    world.discord.look_away();
    world.end();
}
