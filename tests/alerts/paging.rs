//! Somebody is paged: once, whatever fails, and what people do here and there shows on both sides.

use crate::harness::alertmanager::{alert, notification, notify};
use crate::harness::discord_world::{ALERTS, DANA, World};
use crate::harness::jsm::FakeJsm;
use crate::harness::pagerduty::{Fails, FakePagerDuty};
use crate::harness::services::until;
use serde_json::Value;
use signalbox::alert::page::Level;
use std::time::Duration;

const RULE: &str = "[page.critical]\nmatch = ['severity=\"critical\"']\non = \"oncall\"\n";

fn stuck(firing: bool) -> Value {
    of_severity("critical", firing)
}

fn of_severity(severity: &str, firing: bool) -> Value {
    let mut stuck = alert("OrderStuck", &[("order", "1042"), ("severity", severity)], firing);
    stuck["generatorURL"] = "".into();
    stuck
}

async fn fires(world: &World, firing: bool) {
    notify(world.url(), &notification("OrderStuck", &[stuck(firing)])).await;
}

async fn of_pagerduty(pagerduty: &FakePagerDuty) -> World {
    World::with_paging(&pagerduty.connection("oncall"), RULE).await
}

/// Nothing was misused, and no secret is anywhere.
fn end(world: &World, pagerduty: &FakePagerDuty) {
    assert_eq!(pagerduty.refused(), Vec::<String>::new());
    for secret in [crate::harness::pagerduty::ROUTING_KEY, crate::harness::pagerduty::TOKEN] {
        assert!(!pagerduty.everything().contains(secret));
        assert!(!world.discord.everything().contains(secret));
    }
    world.slack.as_ref().unwrap().look_away();
    world.discord.look_away();
    world.end();
}

async fn stands(pagerduty: &FakePagerDuty, status: &str) {
    until(&format!("the incident is {status}"), || {
        pagerduty
            .incidents()
            .last()
            .is_some_and(|incident| incident.status == status)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_one_page_from_firing_to_resolved() {
    let pagerduty = FakePagerDuty::start().await;
    let mut world = of_pagerduty(&pagerduty).await;
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    world.until_says(&here, "Somebody was paged through oncall").await;
    let page = pagerduty.incidents().remove(0);
    assert_eq!(page.summary, "OrderStuck: OrderStuck: something is wrong.");
    assert_eq!(page.severity, "critical");
    assert!(page.client_url.contains("/alerts/alert"), "{}", page.client_url);
    // The same as Alertmanager's own integration would give it.
    let digest = <sha2::Sha256 as sha2::Digest>::digest("{}:{alertname=\"OrderStuck\"}");
    assert_eq!(page.key, hex::encode(digest));

    // It comes again, and the process dies and another one goes on: no second page.
    fires(&world, true).await;
    world.kill();
    world.start().await;
    fires(&world, true).await;
    world.presses(DANA, &here, "Acknowledge").await;
    stands(&pagerduty, "acknowledged").await;
    world.until_says(&here, "it is acknowledged there").await;
    fires(&world, false).await;
    stands(&pagerduty, "resolved").await;
    world.until_says(&here, "it is resolved there").await;
    assert_eq!(pagerduty.actions(), ["trigger", "acknowledge", "resolve"]);
    assert_eq!(pagerduty.incidents().len(), 1);

    // The same trouble again, soon: somebody is wanted again.
    fires(&world, true).await;
    until("it is opened again", || pagerduty.incidents().len() == 2).await;
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_names_pages_nobody() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    notify(
        world.url(),
        &notification("OrderStuck", &[of_severity("warning", true)]),
    )
    .await;
    let here = world.discord.posted(ALERTS).await;
    world.presses(DANA, &here, "Acknowledge").await;
    world.until_says(&here, "dana has acknowledged it").await;
    let id = world.app.store.alert_lines(1).await.unwrap().remove(0).id;
    assert_eq!(world.app.store.pages_of(&id).await.unwrap(), []);
    // It becomes critical.
    notify(
        world.url(),
        &notification("OrderStuck", &[of_severity("warning", true), stuck(true)]),
    )
    .await;
    until("somebody is paged", || !pagerduty.incidents().is_empty()).await;
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_and_tried_again() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    pagerduty.fail(&[Fails::With(429, Some(60)), Fails::With(503, None)]);
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    let here = world
        .until_says(&here, "Nobody could be paged through oncall yet")
        .await;
    assert!(here.seen().contains("answers HTTP 429"), "{}", here.seen());
    // It is left alone as long as it says.
    world.clock.wait(Duration::from_secs(50)).await;
    world.station().bell.ring();
    let id = world.app.store.alert_lines(1).await.unwrap().remove(0).id;
    assert_eq!(world.app.store.due_pages(world.clock.now(), 10).await.unwrap(), []);
    assert_eq!(pagerduty.actions(), ["trigger"]);
    world.clock.wait(Duration::from_secs(11)).await;
    until("it was tried again", || pagerduty.actions().len() == 2).await;
    let here = world.until_says(&here, "answers HTTP 503").await;
    world.clock.wait(Duration::from_secs(10)).await;
    let here = world.until_says(&here, "Somebody was paged through oncall").await;
    assert!(!here.seen().contains("HTTP 503"), "{}", here.seen());
    assert_eq!(
        world.app.store.pages_of(&id).await.unwrap()[0].told,
        Some(Level::Triggered)
    );
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_got_no_answer_is_sent_again_and_stays_one_page() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    pagerduty.fail(&[Fails::Silently]);
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    until("it was taken", || pagerduty.incidents().len() == 1).await;
    // A request is given ten seconds.
    let here = world
        .discord
        .until_within(&here, 30, |now| now.seen().contains("yet: 127.0.0.1"))
        .await;
    world.clock.wait(Duration::from_secs(10)).await;
    world.until_says(&here, "Somebody was paged through oncall").await;
    let pages = pagerduty.incidents();
    assert_eq!((pages.len(), pages[0].again), (1, 1));
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_and_never_tried_again() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    pagerduty.fail(&[Fails::With(400, None)]);
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    let here = world
        .until_says(&here, "Nobody is paged through oncall: 127.0.0.1")
        .await;
    assert!(
        here.seen().contains("It is not tried again; page somebody yourself."),
        "{}",
        here.seen()
    );
    let metrics = reqwest::get(format!("{}/metrics", world.url())).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\nsignalbox_pages_given_up 1\n"), "{metrics}");
    world.presses(DANA, &here, "Acknowledge").await;
    world.until_says(&here, "dana has acknowledged it").await;
    fires(&world, false).await;
    world.until_says(&here, "Resolved").await;
    world.clock.wait(Duration::from_hours(1)).await;
    assert_eq!(world.app.store.due_pages(world.clock.now(), 10).await.unwrap(), []);
    assert_eq!(pagerduty.actions(), ["trigger"]);
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_ended_there_too() {
    let pagerduty = FakePagerDuty::start().await;
    let address = pagerduty
        .connection("oncall")
        .replace(&pagerduty.url, "http://127.0.0.1:1");
    let world = World::with_paging(&address, RULE).await;
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    world
        .until_says(&here, "Nobody could be paged through oncall yet")
        .await;
    fires(&world, false).await;
    let here = world.until_says(&here, "Resolved").await;
    // Nobody knows whether it arrived, so the end is told too.
    assert!(here.seen().contains("yet: 127.0.0.1:1"), "{}", here.seen());
    assert_eq!(world.app.store.pages_waiting().await.unwrap(), (1, 0));
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledges_there_is_shown_here() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    world.until_says(&here, "Somebody was paged through oncall").await;
    pagerduty.acknowledge("Jane Doe");
    world.clock.wait(Duration::from_secs(31)).await;
    let here = world
        .until_says(&here, "Jane Doe (in PagerDuty) has acknowledged it")
        .await;
    assert!(
        !here.labels().contains(&"Acknowledge".to_owned()),
        "{:?}",
        here.labels()
    );
    // That is known there.
    until("nothing is left to tell", || pagerduty.actions() == ["trigger"]).await;
    fires(&world, false).await;
    stands(&pagerduty, "resolved").await;
    assert_eq!(pagerduty.actions(), ["trigger", "resolve"]);
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resolved_there_is_told_and_not_opened_again() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    let here = world.until_says(&here, "Somebody was paged through oncall").await;
    pagerduty.resolve();
    world.clock.wait(Duration::from_secs(31)).await;
    world.until_says(&here, "it is resolved there").await;
    world.presses(DANA, &here, "Acknowledge").await;
    world.until_says(&here, "dana has acknowledged it").await;
    fires(&world, false).await;
    world.until_says(&here, "✓ Resolved").await;
    until("nothing waits", || {
        futures::executor::block_on(world.app.store.pages_waiting()).unwrap() == (0, 0)
    })
    .await;
    assert_eq!(pagerduty.actions(), ["trigger"]);
    end(&world, &pagerduty);
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_service_management_is_paged_acknowledged_and_closed() {
    let jsm = FakeJsm::start().await;
    let world = World::with_paging(&jsm.connection("oncall"), RULE).await;
    jsm.throttle(1);
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    let here = world
        .until_says(&here, "Nobody could be paged through oncall yet")
        .await;
    world.clock.wait(Duration::from_secs(2)).await;
    let here = world.until_says(&here, "Somebody was paged through oncall").await;
    fires(&world, true).await;
    world.presses(DANA, &here, "Acknowledge").await;
    world.until_says(&here, "it is acknowledged there").await;
    assert!(jsm.alerts()[0].acknowledged);
    fires(&world, false).await;
    world.until_says(&here, "it is resolved there").await;
    let alerts = jsm.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0].status, alerts[0].count, alerts[0].priority.as_str()),
        ("closed", 1, "P1")
    );
    assert_eq!(jsm.refused(), Vec::<String>::new());
    assert!(!jsm.everything().contains(crate::harness::jsm::TOKEN));
    world.slack.as_ref().unwrap().look_away();
    world.discord.look_away();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_here_is_noted_there() {
    let pagerduty = FakePagerDuty::start().await;
    let world = of_pagerduty(&pagerduty).await;
    fires(&world, true).await;
    let here = world.discord.posted(ALERTS).await;
    let here = world.until_says(&here, "Somebody was paged through oncall").await;
    world.presses(DANA, &here, "Acknowledge").await;
    let notes = || pagerduty.incidents()[0].notes.clone();
    until("it is noted who has it", || notes() == ["dana has acknowledged it."]).await;
    world.presses(DANA, &here, "Charge 1042").await;
    let run = world.discord.posted(ALERTS).await;
    world.presses(crate::harness::discord_world::LEE, &run, "Approve").await;
    until("it is noted how the run ended", || notes().len() == 2).await;
    let note = crate::harness::discord_world::steady(&notes()[1]);
    assert_eq!(note, "dana ran /charge in Signalbox: succeeded (run RUN).");
    end(&world, &pagerduty);
}
