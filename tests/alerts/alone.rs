//! What alerts ask for with nobody there: by the policy, each once, and no more than the rule may.

use crate::harness::alertmanager::{alert, notification, notification_by, notify};
use crate::harness::discord_world::{ALERTS, ALERTS_OF_SLACK, OPS, World, steady};
use crate::harness::services::until;
use crate::harness::visitor::Visitor;
use serde_json::Value;
use signalbox::problem::Problem;
use signalbox::report::Outcome;
use signalbox::rules::Rules;
use signalbox::run::ledger::Live;
use signalbox::run::telling::told;

const CHARGE: &str = r#"
[auto.charge]
match = ['alertname="OrderStuck"']
runbook = "charge"
with = ["order={order}"]
at_most = 2
per = "1h"
"#;

const MAY_CHARGE: &str = r#"
@id("alert-charges")
@say("A stuck order may be charged.")
permit (principal == Alert::"OrderStuck", action in [Action::"ask", Action::"run"], resource == Runbook::"charge");
"#;

fn stuck(order: &str, firing: bool) -> Value {
    let mut stuck = alert("OrderStuck", &[("order", order)], firing);
    stuck["generatorURL"] = "".into();
    stuck
}

async fn fires(world: &World, firing: bool) {
    notify(world.url(), &notification("OrderStuck", &[stuck("1042", firing)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_asks_once_and_a_person_says_yes() {
    let mut world = World::with_rules(CHARGE, MAY_CHARGE, "").await;
    fires(&world, true).await;
    let slack = world.slack.take().unwrap();
    let there = slack.posted(ALERTS_OF_SLACK).await;
    let run = slack.posted(ALERTS_OF_SLACK).await;
    let seen = steady(&run.seen());
    assert!(seen.contains("Waits for approval: charge order=1042"), "{seen}");
    assert!(seen.contains("Asked by alert OrderStuck, run RUN"), "{seen}");
    slack.reply(&run).await;
    let told_there = slack.reply(&there).await;
    assert_eq!(
        steady(&told_there.seen()),
        "By itself the alert OrderStuck asked for /charge order=1042: run RUN."
    );
    let here = world.discord.posted(ALERTS).await;
    world.discord.reply(&here).await;
    let elsewhere = world.discord.posted(OPS).await;
    world.discord.reply(&elsewhere).await;

    // A repetition, the other one of a pair, and a process that comes after: nobody asks again.
    fires(&world, true).await;
    let other = notification_by("http://alertmanager-2:9093", "OrderStuck", &[stuck("1042", true)]);
    notify(world.url(), &other).await;
    world.kill();
    world.slack = Some(slack);
    world.start().await;
    let slack = world.slack.take().unwrap();
    fires(&world, true).await;
    let runs = world.app.store.runs(10).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (runs[0].person.as_str(), runs[0].outcome),
        ("alert OrderStuck", Outcome::AwaitingApproval)
    );
    assert_eq!(world.writes(), 0);

    // Whoever may say yes may, and it is one yes as for anybody.
    slack.person("U1").press(&run, "Approve").await;
    slack.until(&run, |now| now.seen().contains("✓ Succeeded")).await;
    assert_eq!(world.writes(), 1);
    let there = slack
        .until(&there, |now| {
            now.seen()
                .contains("By itself, alert OrderStuck ran /charge: succeeded")
        })
        .await;
    assert!(
        there
            .seen()
            .contains("By itself, alert OrderStuck ran /charge: succeeded")
    );

    // It stands so in the journal, in the record, and in the console.
    let live = Live::load(&world.app.store, &runs[0].id).await.unwrap();
    let (what, why) = told(&live.run.journal[0].entry, live.plan());
    assert_eq!(
        (what.as_str(), why.as_str()),
        ("created by alert OrderStuck", "A charge needs a second person.")
    );
    let record = world.app.store.audit_rows(50).await.unwrap();
    let asked = record
        .iter()
        .find(|row| row.kind == "decision" && row.subject == runs[0].id);
    assert_eq!(asked.map(|row| row.person.as_str()), Some("alert OrderStuck"));
    let visitor = Visitor::pick(world.url(), "dana").await;
    let page = visitor.get(&format!("/runs/{}", runs[0].id)).await;
    assert!(page.said().contains("alert OrderStuck at"), "{}", page.said());
    let page = visitor.get("/runs").await;
    assert!(page.said().contains("alert OrderStuck"), "{}", page.said());
    slack.look_away();
    world.discord.look_away();
    world.discord.take_refused();
    world.slack = Some(slack);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_asks_no_more_often_than_it_may_and_says_so_once() {
    let world = World::with_rules(CHARGE, MAY_CHARGE, "").await;
    let slack = world.slack.as_ref().unwrap();
    fires(&world, true).await;
    let there = slack.posted(ALERTS_OF_SLACK).await;
    for _ in 0..2 {
        let run = slack.posted(ALERTS_OF_SLACK).await;
        slack.person("U1").press(&run, "Approve").await;
        slack.until(&run, |now| now.seen().contains("✓ Succeeded")).await;
        fires(&world, false).await;
        slack.until(&there, |now| now.seen().contains("✓ Resolved")).await;
        // It flaps: the same trouble, in the same message, which begins to fire anew.
        fires(&world, true).await;
        slack.until(&there, |now| now.seen().contains("▲ Firing")).await;
    }
    fires(&world, false).await;
    fires(&world, true).await;
    assert_eq!(world.app.store.runs(10).await.unwrap().len(), 2);
    assert_eq!(world.writes(), 2);
    let visitor = Visitor::pick(world.url(), "dana").await;
    let to = visitor.get("/alerts").await.attribute("ul.runs a", "href").unwrap();
    let page = visitor.get(&to).await.said();
    let held_back = "/charge was not asked for: the rule `charge` has asked 2 times within 1h, which is its limit.";
    assert_eq!(page.matches(held_back).count(), 1, "{page}");
    let in_thread = || {
        let posted = slack.calls("chat.postMessage");
        let told = posted
            .iter()
            .filter(|call| call.arguments.to_string().contains("has asked 2 times within 1h"));
        told.count()
    };
    until("the thread is told", || in_thread() > 0).await;
    assert_eq!(in_thread(), 1);
    slack.look_away();
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_does_not_permit_does_not_run_and_the_thread_is_told() {
    // It permits it elsewhere.
    let elsewhere = MAY_CHARGE.replace(");\n", ")\nwhen { context.place.surface == \"cli\" };\n");
    let world = World::with_rules(CHARGE, &elsewhere, "").await;
    let slack = world.slack.as_ref().unwrap();
    fires(&world, true).await;
    let there = slack.posted(ALERTS_OF_SLACK).await;
    assert_eq!(
        slack.reply(&there).await.seen(),
        "By itself the alert OrderStuck asked for /charge order=1042, and nothing ran: No policy lets alert OrderStuck ask \
         for charge."
    );
    let here = world.discord.posted(ALERTS).await;
    world.discord.reply(&here).await;
    fires(&world, true).await;
    assert!(world.app.store.runs(10).await.unwrap().is_empty());
    assert_eq!(world.writes(), 0);
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_no_policy_could_ever_let_run_is_told() {
    let world = World::with_rules(CHARGE, MAY_CHARGE, "").await;
    let rules = world.folder().join("suggest.toml");
    let policy = world.folder().join("policy.cedar");
    let whole = std::fs::read_to_string(&policy).unwrap();
    let problems = |text: String| {
        std::fs::write(&policy, text).unwrap();
        let problems = Rules::load(&world.app.config).err().unwrap_or_default();
        problems.iter().map(Problem::brief).collect::<Vec<_>>()
    };
    assert_eq!(problems(whole.clone()), Vec::<String>::new());
    for other in [
        whole.replace("Alert::\"OrderStuck\"", "Alert::\"OrderLost\""),
        whole.replace("Action::\"ask\", ", ""),
        whole.replace("resource == Runbook::\"charge\");", "resource == Runbook::\"orders\");"),
        whole.replace(MAY_CHARGE, ""),
    ] {
        assert_ne!(other, whole);
        let told = problems(other);
        assert!(
            told.len() == 1 && told[0].contains("no policy lets such an alert ask for `charge`"),
            "{told:?}"
        );
    }
    let told = problems(whole.replace(", Action::\"run\"], resource == Runbook::\"charge\");", "], resource);"));
    assert!(
        told[0].contains("no policy lets such an alert run `charge`"),
        "{told:?}"
    );

    // What could never be carried out is told too.
    std::fs::write(&policy, &whole).unwrap();
    let text = std::fs::read_to_string(&rules).unwrap();
    let odd = text.replace(
        "with = [\"order={order}\"]\nat_most = 2\nper = \"1h\"",
        "at_most = 21\nper = \"30s\"",
    );
    assert_ne!(odd, text);
    std::fs::write(&rules, odd).unwrap();
    let folder = format!("{}/", world.folder().display());
    let told = problems(whole).join("\n").replace(&folder, "");
    insta::assert_snapshot!(told, @r#"
    suggest.toml:8:7: `charge` needs its input `order`, which nothing fills in; add "order=..." to `with`
    suggest.toml:11:11: `auto.charge.at_most` must be a whole number from 1 to 20, and this is a number
    suggest.toml:12:7: `auto.charge.per` takes a duration such as "1h", from a minute to a day; "30s" is not
    "#);
    world.end();
}
