//! How much at once: whoever wants more is told so, nobody's flood is everybody's, and what was acknowledged is answered.

use super::people::{GOES_WELL, UNDOES, ordered, run, said};
use super::world::{Process, World};
use jiff::Timestamp;
use signalbox::dispatch::Reply;
use signalbox::intake::{Intake, NotKept};
use signalbox::request::{Account, Ask, Delivery, Place, Request, Surface, Words};
use signalbox::store::deliveries::Progress;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const GRACE: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Its look takes its time; its step is never reached.
const HANGS: &str = r#"
summary = "Looks for long."
[[look]]
name = "slow"
use = "postgres.query"
on = "shop"
with.sql = "select 1 as one from pg_sleep(4)"
[result]
rows = "looks.slow.rows"
columns = ["one"]
say = "Looked."
"#;

async fn limited(limits: &str) -> (World, Process) {
    let act = ordered(UNDOES, GOES_WELL, "done");
    let world = World::new(&[("act", &act), ("other", &act), ("hangs", HANGS)], None).await;
    let config = std::fs::read_to_string(world.path("signalbox.toml")).unwrap();
    world.write("signalbox.toml", &format!("{config}[limits]\n{limits}\n"));
    let process = world.process("one").await;
    (world, process)
}

fn request(person: &str, ask: Ask) -> Request {
    let account = Account::Picked {
        person: person.to_owned(),
    };
    let place = Place {
        surface: Surface::Cli,
        workspace: None,
        channel: None,
        thread: None,
    };
    Request::new(account, place, ask)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_so_many_open_runs_and_a_runbook_too() {
    let (world, process) = limited("person_open = 2\nrunbook_open = 3").await;
    // One waits for a yes, one is under way.
    let waits = process.begin("act", 9).await;
    process.begin("act", 1).await;
    insta::assert_snapshot!(said(process.ask("dana", run("other", 2)).await), @"You have 2 runs under way or waiting, and 2 are the most for one person. Nothing was done. `runs` lists them: wait until one has ended, or stop one.");
    assert!(matches!(process.ask("lee", run("act", 3)).await, Reply::Run(_)));
    insta::assert_snapshot!(said(process.ask("lee", run("act", 4)).await), @"3 runs of act are under way or waiting, and 3 are the most for one runbook. Nothing was done. `runs` lists them: wait until one has ended, or stop one.");
    assert!(matches!(process.ask("lee", run("other", 5)).await, Reply::Run(_)));
    // A dry run leaves nothing open, and what only looks does neither.
    let dry = Ask::Run {
        runbook: "act".to_owned(),
        words: Words::Named(vec![("order".to_owned(), "6".to_owned())]),
        dry: true,
    };
    assert!(said(process.ask("dana", dry).await).starts_with("Dry run"));
    // The way out works.
    assert!(matches!(
        process.ask("dana", Ask::Stop { run: waits }).await,
        Reply::Run(_)
    ));
    assert!(matches!(process.ask("dana", run("other", 7)).await, Reply::Run(_)));
    assert!(world.effects().await.is_empty());
}

/// Many at once do not all get the last place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_place_is_given_once() {
    let (_world, process) = limited("person_open = 4").await;
    let process = Arc::new(process);
    let asked = (0..12).map(|order| {
        let process = process.clone();
        tokio::spawn(async move { process.ask("dana", run("act", 100 + order)).await })
    });
    let mut runs = 0;
    for reply in futures::future::join_all(asked).await {
        match reply.unwrap() {
            Reply::Run(_) => runs += 1,
            Reply::Said(report) => assert!(report.say.contains("4 are the most"), "{}", report.say),
        }
    }
    assert!((1..=4).contains(&runs), "{runs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_ask_so_often_and_stop_always() {
    let (_world, process) = limited("person_per_minute = 2").await;
    let first = process.begin("act", 1).await;
    process.begin("act", 2).await;
    let refused = said(process.ask("dana", run("act", 3)).await);
    assert!(
        refused.starts_with("You have asked 2 times within a minute"),
        "{refused}"
    );
    assert!(matches!(process.ask("lee", run("act", 4)).await, Reply::Run(_)));
    let stop = Ask::Stop { run: first };
    assert!(matches!(process.ask("dana", stop).await, Reply::Run(_)));
}

/// Five hundred commands of one person whose looks hang, and one of somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_persons_flood_does_not_starve_anothers_command() {
    let (_world, process) = limited("person_per_minute = 1000").await;
    let hangs = Ask::Run {
        runbook: "hangs".to_owned(),
        words: Words::Named(Vec::new()),
        dry: false,
    };
    let store = &process.store;
    for _ in 0..500 {
        store
            .request(&request("dana", hangs.clone()), Timestamp::now())
            .await
            .unwrap();
    }
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, GRACE));
    // Dana's have all the places that she may have.
    let start = Instant::now();
    while store.tally().await.unwrap().requests == 500 && start.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let lees = request("lee", run("act", 1));
    let asked = Instant::now();
    store.request(&lees, Timestamp::now()).await.unwrap();
    process.station.bell.ring();
    while store.progress(&lees.id).await.unwrap() == Progress::Pending {
        assert!(asked.elapsed() < Duration::from_secs(20), "lee waits");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    let (waited, left) = (asked.elapsed(), store.tally().await.unwrap().requests);
    assert!(left > 400, "dana's were still waiting: {left}");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    stop.send(true).unwrap();
    working.await.unwrap();
}

/// More than the door can hold: each is kept or told that it is not, and what was kept is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_is_answered_and_what_was_kept_is_answered_later() {
    let (_world, process) = limited("person_per_minute = 1000").await;
    let (intake, writing) = Intake::new(process.store.clone(), Arc::default(), Arc::default());
    let flood = 3000;
    let deliveries = (0..flood).map(|index| {
        let request = request(if index % 2 == 0 { "dana" } else { "lee" }, Ask::Help { runbook: None });
        Delivery {
            id: format!("flood-{index}"),
            kept: String::new(),
            token: None,
            request,
        }
    });
    let ids: Vec<(String, Delivery)> = deliveries.map(|one| (one.request.id.clone(), one)).collect();
    let asked = ids.into_iter().map(|(id, delivery)| {
        let intake = intake.clone();
        async move { (id, intake.keep(delivery).await) }
    });
    // All knock before the first is let in.
    let answers = futures::future::join_all(asked);
    let writer = async {
        tokio::task::yield_now().await;
        writing.await;
    };
    let answers = tokio::select! {
        answers = answers => answers,
        () = writer => panic!("the door closed"),
    };
    let kept: Vec<&String> = answers
        .iter()
        .filter(|(_, kept)| kept.is_ok())
        .map(|(id, _)| id)
        .collect();
    let overloaded = answers
        .iter()
        .filter(|(_, kept)| *kept == Err(NotKept::Overloaded))
        .count();
    assert_eq!(kept.len() + overloaded, flood);
    assert!(
        overloaded > 0 && kept.len() >= 2048,
        "{overloaded} were told that it is too much"
    );

    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(process.station.clone().work(stopped, GRACE));
    let start = Instant::now();
    while process.store.tally().await.unwrap().requests > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "some are not answered");
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    for id in kept {
        let progress = process.store.progress(id).await.unwrap();
        assert!(matches!(progress, Progress::Answered(_)), "{progress:?}");
    }
    stop.send(true).unwrap();
    working.await.unwrap();
}
