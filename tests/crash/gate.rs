//! What people say to a run that it cannot take: too late, twice, for another plan, from another account, about what is
//! known. Each is answered and changes nothing.

use super::people::{GOES_WELL, UNDOES, accepted, approve, ordered, run, said};
use super::world::{PEOPLE, POLICY, Process, World};
use signalbox::dispatch::Reply;
use signalbox::report::Outcome;
use signalbox::request::{Account, Ask, Resolution, Surface};
use signalbox::run::journal::Entry;

/// Dana's and lee's accounts everywhere, and one more of ops.
const ACCOUNTS: &str = r#"
[person.dana]
slack = ["T1/U1"]
discord = ["101"]
os_user = "dana"
console = "file:dana.token"
groups = ["ops"]
[person.lee]
slack = ["T1/U2"]
discord = ["102"]
groups = ["ops"]
[person.kim]
groups = ["ops"]
[group.ops]
"#;

fn accounts_of_dana() -> [(Account, Surface, Option<String>); 5] {
    [
        (
            Account::Slack {
                team: "T1".to_owned(),
                user: "U1".to_owned(),
            },
            Surface::Slack,
            None,
        ),
        (Account::Discord { user: "101".to_owned() }, Surface::Discord, None),
        (
            Account::Os {
                user: "dana".to_owned(),
            },
            Surface::Cli,
            None,
        ),
        (
            Account::Session {
                person: "dana".to_owned(),
                session: "s1".to_owned(),
            },
            Surface::Console,
            Some("s1".to_owned()),
        ),
        (
            Account::Picked {
                person: "dana".to_owned(),
            },
            Surface::Cli,
            None,
        ),
    ]
}

async fn waiting(people: &str, policy: &str) -> (World, Process, String) {
    let world = World::new(&[("act", &ordered(UNDOES, GOES_WELL, "done"))], None).await;
    world.write("people.toml", people);
    world.write("policy.cedar", policy);
    let process = world.process("one").await;
    let run = process.begin("act", 9).await;
    assert_eq!(process.live(&run).await.state.standing(), Outcome::AwaitingApproval);
    (world, process, run)
}

/// The yes of a chat or the console is to what was seen.
async fn seen(process: &Process, run: &str) -> Ask {
    Ask::Approve {
        run: run.to_owned(),
        digest: Some(process.live(run).await.plan().digest.clone()),
    }
}

async fn yeses(process: &Process, run: &str) -> usize {
    let journal = process.live(run).await.run.journal;
    journal
        .iter()
        .filter(|row| matches!(row.entry, Entry::Approved { .. }))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_of_the_requesters_is_another_person() {
    // Whichever account asked, none of the others is somebody else.
    for (account, surface, session) in accounts_of_dana() {
        let world = World::new(&[("act", &ordered(UNDOES, GOES_WELL, "done"))], None).await;
        world.write("people.toml", ACCOUNTS);
        let process = world.process("one").await;
        let Reply::Run(run) = process.ask_as(account, surface, session, run("act", 9)).await else {
            panic!("dana is not known by every account");
        };
        for (account, surface, session) in accounts_of_dana() {
            let told = said(
                process
                    .ask_as(account.clone(), surface, session, seen(&process, &run).await)
                    .await,
            );
            assert!(told.contains("asked for this yourself"), "{account}: {told}");
        }
        assert_eq!(yeses(&process, &run).await, 0);
        assert!(world.effects().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_counts_once_whatever_the_account_and_however_often() {
    let two = POLICY.replace("@approvals(\"1\")", "@approvals(\"2\")");
    let (_world, process, run) = waiting(ACCOUNTS, &two).await;
    let yes = seen(&process, &run).await;
    let lee = |account, surface| process.ask_as(account, surface, None, yes.clone());
    let slack = Account::Slack {
        team: "T1".to_owned(),
        user: "U2".to_owned(),
    };
    let discord = Account::Discord { user: "102".to_owned() };
    // Two clicks at once, in two places.
    let (one, other) = tokio::join!(lee(slack, Surface::Slack), lee(discord.clone(), Surface::Discord));
    let refused = [one, other].into_iter().filter_map(|reply| match reply {
        Reply::Said(report) => Some(report.say),
        Reply::Run(_) => None,
    });
    let refused: Vec<String> = refused.collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(said(lee(discord, Surface::Discord).await).contains("already"));
    assert_eq!(yeses(&process, &run).await, 1);
    assert_eq!(process.live(&run).await.state.standing(), Outcome::AwaitingApproval);
    accepted(process.ask("kim", approve(&run)).await);
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Succeeded);
    assert!(said(process.ask("kim", approve(&run)).await).contains("does not wait for an approval"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_comes_too_late_is_none() {
    let (world, process, run) = waiting(ACCOUNTS, POLICY).await;
    world.grow_older("31m").await;
    // Before anybody has looked at the clock.
    let late = said(process.ask("lee", approve(&run)).await);
    assert!(
        late.contains("too late") || late.contains("expired") || late.contains("time"),
        "{late}"
    );
    process.drive(&run).await.unwrap();
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Denied);
    assert!(said(process.ask("lee", approve(&run)).await).contains("does not wait for an approval"));
    assert!(world.effects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_somebody_who_is_gone_is_not_approved_and_can_be_ended() {
    let (world, before, run) = waiting(PEOPLE, POLICY).await;
    let unknown = ordered(UNDOES, GOES_WELL, "unknown");
    world.write("commands/act.toml", &unknown);
    let doubting = world.process("doubting").await;
    let doubt = doubting.begin("act", 1).await;
    doubting.drive(&doubt).await.unwrap();
    let held = doubting.begin("act", 2).await;
    doubting.drive(&held).await.unwrap();
    drop((before, doubting));
    world.write(
        "people.toml",
        &PEOPLE.replace("[person.dana]\ngroups = [\"ops\"]\n", ""),
    );
    let after = world.process("two").await;
    assert!(said(after.ask("lee", approve(&run)).await).contains("no longer in people.toml"));
    accepted(after.ask("lee", Ask::Deny { run: run.clone() }).await);
    assert_eq!(after.live(&run).await.state.standing(), Outcome::Denied);
    // What they left behind is not locked for ever.
    accepted(after.ask("lee", resolve(&doubt, "three")).await);
    after.drive(&doubt).await.unwrap();
    assert_eq!(after.live(&doubt).await.state.standing(), Outcome::Succeeded);
    let unlock = Ask::Unlock {
        key: "order:2".to_owned(),
        reason: "dana has left".to_owned(),
    };
    assert!(said(after.ask("lee", unlock).await).contains("order:2 is free"));
}

fn resolve(run: &str, step: &str) -> Ask {
    Ask::Resolve {
        run: run.to_owned(),
        step: step.to_owned(),
        resolution: Resolution::Done,
        reason: "I looked at the shop".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_resolve_at_once_one_is_heard() {
    let world = World::new(&[("act", &ordered(UNDOES, GOES_WELL, "unknown"))], None).await;
    let (one, two) = (world.process("one").await, world.process("two").await);
    let run = one.begin("act", 1).await;
    one.drive(&run).await.unwrap();
    assert!(said(one.ask("lee", resolve(&run, "two")).await).contains("asks about three"));
    assert!(said(one.ask("lee", resolve(&run, "nowhere")).await).contains("asks about three"));
    let mut no = resolve(&run, "three");
    if let Ask::Resolve { resolution, .. } = &mut no {
        *resolution = Resolution::NotDone;
    }
    let (yes, no) = tokio::join!(one.ask("lee", resolve(&run, "three")), two.ask("dana", no));
    let heard = [&yes, &no]
        .iter()
        .filter(|reply| matches!(reply, Reply::Run(_)))
        .count();
    assert_eq!(heard, 1, "{yes:?} {no:?}");
    let journal = one.live(&run).await.run.journal;
    let resolved = journal
        .iter()
        .filter(|row| matches!(row.entry, Entry::Resolved { .. }))
        .count();
    assert_eq!(resolved, 1);
    assert!(said(one.ask("lee", resolve(&run, "three")).await).contains("no step whose end is not known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_not_stopped() {
    let world = World::new(&[("act", &ordered(UNDOES, GOES_WELL, "done"))], None).await;
    let process = world.process("one").await;
    let run = process.begin("act", 1).await;
    process.drive(&run).await.unwrap();
    let stop = Ask::Stop { run: run.clone() };
    insta::assert_snapshot!(said(process.ask("dana", stop).await).replace(&run, "RUN"), @"There is nothing left to stop: run RUN is succeeded.");
    assert_eq!(process.live(&run).await.state.standing(), Outcome::Succeeded);
}

/// The runbook is another one meanwhile. A run keeps to the text that it was planned by.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_needs_a_person_goes_on_by_the_text_that_it_was_planned_by() {
    let text = ordered(UNDOES, GOES_WELL, "unknown");
    let world = World::new(&[("act", &text)], None).await;
    let before = world.process("one").await;
    let run = before.begin("act", 1).await;
    before.drive(&run).await.unwrap();
    drop(before);
    world.write(
        "commands/act.toml",
        &text
            .replace("'undo two'", "'other undo'")
            .replace("\"unknown\"", "\"skipped\""),
    );
    let after = world.process("two").await;
    let mut no = resolve(&run, "three");
    if let Ask::Resolve { resolution, .. } = &mut no {
        *resolution = Resolution::NotDone;
    }
    accepted(after.ask("lee", no).await);
    after.drive(&run).await.unwrap();
    accepted(after.ask("lee", Ask::Undo { run: run.clone() }).await);
    after.drive(&run).await.unwrap();
    assert_eq!(after.live(&run).await.state.standing(), Outcome::Undone);
    assert_eq!(world.effects().await, ["one", "two", "three", "undo two", "undo one"]);
}

/// A newer version, or another configuration, does not know what the text names.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_read_any_more_is_asked_of_a_person() {
    let world = World::new(&[("act", &ordered(UNDOES, GOES_WELL, "done"))], None).await;
    let before = world.process("one").await;
    let began = before.begin("act", 1).await;
    drop(before);
    std::fs::remove_file(world.path("commands/act.toml")).unwrap();
    let config = std::fs::read_to_string(world.path("signalbox.toml")).unwrap();
    let (without, _) = config.split_once("[connection.shop]").unwrap();
    world.write("signalbox.toml", without);
    let after = world.process("two").await;
    after.drive(&began).await.unwrap();
    assert_eq!(after.live(&began).await.state.standing(), Outcome::NeedsPerson);
    let report = after.station.desk.shown(&began).await.unwrap();
    assert!(report.say.contains("cannot be read by this version"), "{}", report.say);
    assert!(world.effects().await.is_empty());
    // Where it can be read again, it goes on: nothing is lost.
    let mut no = resolve(&began, "one");
    if let Ask::Resolve { resolution, .. } = &mut no {
        *resolution = Resolution::NotDone;
    }
    accepted(after.ask("lee", no).await);
    after.drive(&began).await.unwrap();
    assert_eq!(after.live(&began).await.state.standing(), Outcome::Failed);
    assert!(after.store.holders("order:1").await.unwrap().is_empty());
}
