use super::*;
use crate::policy::authorize::{Act, Decision, Policy, Question, Radius, RunbookFacts};
use crate::policy::identity::{People, Person};
use crate::request::Place;
use crate::runbook::action::Effect;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Everybody may approve, so that the rules here are all that is left to say no.
const POLICY: &str = r#"
    @id("all") @say("Everybody may.") permit(principal, action, resource);
    @id("one") @say("One more.") @approvals("1") forbid(principal, action == Action::"run", resource == Runbook::"one");
    @id("two") @say("Two more.") @approvals("2") forbid(principal, action == Action::"run", resource == Runbook::"two");
"#;

fn policy() -> Policy {
    let facts = |name: &str| RunbookFacts {
        name: name.to_owned(),
        effect: Effect::Write,
        radius_names: BTreeSet::new(),
    };
    let people = People::load(Path::new("people.toml"), "", false).unwrap();
    Policy::load(
        Path::new("policy.cedar"),
        POLICY,
        &[facts("one"), facts("two")],
        &people,
    )
    .unwrap()
}

fn place() -> Place {
    Place {
        surface: Surface::Slack,
        workspace: None,
        channel: None,
        thread: None,
    }
}

fn person(name: &str) -> Person {
    Person::named(name, BTreeSet::new())
}

fn grant(policy: &Policy, name: &str, runbook: &str) -> Grant {
    let (radius, requester, account) = (Radius::new(), person("dana"), slack(name).account);
    let act = Act::Approve {
        radius: &radius,
        requester: &requester,
        account: &account,
    };
    match policy.decide(&Question {
        person: &person(name),
        act,
        runbook,
        place: &place(),
    }) {
        Decision::Allow(grant) => grant,
        other => panic!("{other:?}"),
    }
}

fn waiting(policy: &Policy, requester: Party, runbook: &str, demo: bool) -> Waiting {
    let radius = Radius::new();
    let act = Act::Run { radius: &radius };
    match policy.decide(&Question {
        person: &person(&requester.person),
        act,
        runbook,
        place: &place(),
    }) {
        Decision::NeedsApproval(threshold) => Waiting::new(&threshold, "d1".to_owned(), requester, at(600), demo),
        other => panic!("{other:?}"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn party(name: &str, account: Account, session: Option<&str>, surface: Surface) -> Party {
    Party {
        person: name.to_owned(),
        account,
        session: session.map(str::to_owned),
        surface,
        memberships: Vec::new(),
    }
}

fn slack(name: &str) -> Party {
    let account = Account::Slack {
        team: "T1".to_owned(),
        user: format!("U-{name}"),
    };
    party(name, account, None, Surface::Slack)
}

fn os(name: &str) -> Party {
    party(name, Account::Os { user: name.to_owned() }, None, Surface::Cli)
}

fn picked(name: &str, session: Option<&str>, surface: Surface) -> Party {
    party(
        name,
        Account::Picked {
            person: name.to_owned(),
        },
        session,
        surface,
    )
}

fn console(name: &str, session: &str) -> Party {
    let account = Account::Session {
        person: name.to_owned(),
        session: session.to_owned(),
    };
    party(name, account, None, Surface::Console)
}

/// What one answer to dana's plan comes to, `-` where it is enough.
fn answer(by: Party, seen: Option<&str>, second: i64, demo: bool) -> String {
    let policy = policy();
    let mut waiting = waiting(&policy, console("dana", "s1"), "one", demo);
    let grant = grant(&policy, &by.person, "one");
    match waiting.approve(&grant, by, seen, at(second)) {
        Ok(Standing::Approved(approved)) => {
            assert_eq!((approved.digest(), approved.approvals().len()), ("d1", 1));
            "-".to_owned()
        }
        Ok(Standing::Missing(_)) => panic!("one is enough"),
        Err(refusal) => {
            assert!(waiting.approvals().is_empty());
            refusal.to_string()
        }
    }
}

#[test]
fn whose_yes_counts() {
    let mine = |by| answer(by, Some("d1"), 1, false);
    let demo = |by| answer(by, Some("d1"), 1, true);
    let table = [
        (mine(slack("lee")), "-"),
        (mine(os("lee")), "-"),
        (mine(console("lee", "s2")), "-"),
        (
            mine(slack("dana")),
            "You asked for this yourself, so somebody else has to approve it.",
        ),
        (
            mine(console("dana", "s2")),
            "You asked for this yourself, so somebody else has to approve it.",
        ),
        (
            mine(console("lee", "s1")),
            "This was asked for in the session that you use, so it takes another sign-in to approve it.",
        ),
        (
            mine(party("lee", slack("lee").account, Some("s1"), Surface::Slack)),
            "This was asked for in the session that you use, so it takes another sign-in to approve it.",
        ),
        (
            mine(party("lee", console("dana", "s1").account, None, Surface::Console)),
            "Nothing proves that you are lee here, so you cannot approve. Use your own account or console sign-in.",
        ),
        (
            mine(picked("lee", None, Surface::Console)),
            "Nothing proves that you are lee here, so you cannot approve. Use your own account or console sign-in.",
        ),
        (
            demo(picked("lee", None, Surface::Slack)),
            "Nothing proves that you are lee here, so you cannot approve. Use your own account or console sign-in.",
        ),
        (
            mine(party("lee", os("lee").account, None, Surface::Console)),
            "Nothing proves that you are lee here, so you cannot approve. Use your own account or console sign-in.",
        ),
        (demo(picked("lee", None, Surface::Console)), "-"),
        (demo(picked("lee", None, Surface::Cli)), "-"),
        (
            demo(picked("dana", None, Surface::Cli)),
            "You asked for this yourself, so somebody else has to approve it.",
        ),
    ];
    for (said, expected) in table {
        assert_eq!(said, expected);
    }
}

#[test]
fn two_people_with_one_account_count_as_one() {
    let policy = policy();
    let shared = Account::Slack {
        team: "T1".to_owned(),
        user: "UOPS".to_owned(),
    };
    let dana = party("dana", shared.clone(), None, Surface::Slack);
    let lee = party("lee", shared, None, Surface::Slack);
    let mut waiting = waiting(&policy, dana, "one", false);
    let refusal = waiting
        .approve(&grant(&policy, "lee", "one"), lee, Some("d1"), at(1))
        .unwrap_err();
    assert_eq!(refusal, Refusal::Requester(Shared::Account));
}

#[test]
fn what_was_seen_and_when_counts() {
    let late = "The time to approve ran out at 1970-01-01T00:10:00Z; that is a no. Ask for it again.";
    let table = [
        (answer(slack("lee"), Some("d1"), 599, false), "-"),
        (answer(slack("lee"), Some("d1"), 600, false), late),
        (answer(slack("lee"), Some("d1"), 601, false), late),
        (
            answer(slack("lee"), Some("d0"), 1, false),
            "The plan has changed since you saw it. Look at it again and approve what it is now.",
        ),
        (
            answer(slack("lee"), None, 1, false),
            "It is not known which plan you saw. Approve with the button under the plan.",
        ),
        (answer(os("lee"), None, 1, false), "-"),
        (
            answer(os("lee"), Some("d0"), 1, false),
            "The plan has changed since you saw it. Look at it again and approve what it is now.",
        ),
    ];
    for (said, expected) in table {
        assert_eq!(said, expected);
    }
}

#[test]
fn a_grant_is_for_one_person_act_and_runbook() {
    let policy = policy();
    let mut waiting = waiting(&policy, slack("dana"), "two", false);
    let view = policy.decide(&Question {
        person: &person("lee"),
        act: Act::View,
        runbook: "two",
        place: &place(),
    });
    let Decision::Allow(view) = view else {
        panic!("{view:?}")
    };
    for wrong in [grant(&policy, "kim", "two"), grant(&policy, "lee", "one"), view] {
        let refusal = waiting.approve(&wrong, slack("lee"), Some("d1"), at(1)).unwrap_err();
        assert_eq!(refusal.to_string(), "lee has no leave to approve two.");
    }
}

#[test]
fn the_count_must_be_reached_by_different_people() {
    let policy = policy();
    let mut waiting = waiting(&policy, slack("dana"), "two", false);
    let mut say = |by: Party| waiting.approve(&grant(&policy, &by.person, "two"), by, Some("d1"), at(1));
    assert_eq!(say(slack("lee")), Ok(Standing::Missing(NonZeroU8::MIN)));
    assert_eq!(say(slack("lee")), Err(Refusal::Again(Shared::Person)));
    assert_eq!(say(os("lee")), Err(Refusal::Again(Shared::Person)));
    let borrowed = party("kim", slack("lee").account, None, Surface::Slack);
    assert_eq!(say(borrowed), Err(Refusal::Again(Shared::Account)));
    let Ok(Standing::Approved(approved)) = say(slack("kim")) else {
        panic!("two are enough")
    };
    let by: Vec<_> = approved
        .approvals()
        .iter()
        .map(|it| (it.by().person.as_str(), it.policy(), it.at()))
        .collect();
    assert_eq!(by, [("lee", "all", at(1)), ("kim", "all", at(1))]);
}

fn anybody() -> impl Strategy<Value = Party> {
    let name = prop::sample::select(vec!["dana", "lee", "kim", "vic"]);
    let account = prop_oneof![
        (0..4_u8).prop_map(|id| Account::Slack {
            team: "T1".to_owned(),
            user: format!("U{id}")
        }),
        (0..4_u8).prop_map(|id| Account::Discord { user: id.to_string() }),
        (0..4_u8).prop_map(|id| Account::Os { user: id.to_string() }),
        (name.clone(), 0..3_u8).prop_map(|(name, id)| Account::Session {
            person: name.to_owned(),
            session: format!("s{id}")
        }),
        name.clone().prop_map(|name| Account::Picked {
            person: name.to_owned()
        }),
    ];
    let session = prop::option::of((0..3_u8).prop_map(|id| format!("s{id}")));
    let surface = prop::sample::select(vec![Surface::Slack, Surface::Discord, Surface::Console, Surface::Cli]);
    (name, account, session, surface).prop_map(|(name, account, session, surface)| Party {
        person: name.to_owned(),
        account,
        session,
        surface,
        memberships: Vec::new(),
    })
}

proptest! {
    #[test]
    fn the_requester_never_counts_and_nobody_twice(
        requester in anybody(),
        answers in prop::collection::vec(anybody(), 0..12),
        demo in any::<bool>(),
    ) {
        let policy = policy();
        let mut waiting = waiting(&policy, requester.clone(), "two", demo);
        let mut reached = None;
        for by in answers {
            let grant = grant(&policy, &by.person, "two");
            if let Ok(Standing::Approved(approved)) = waiting.approve(&grant, by, Some("d1"), at(1)) {
                reached = Some(approved);
                break;
            }
        }
        let parties: Vec<&Party> =
            std::iter::once(&requester).chain(waiting.approvals().iter().map(Approval::by)).collect();
        for (index, one) in parties.iter().enumerate() {
            for other in &parties[index + 1..] {
                prop_assert_ne!(&one.person, &other.person);
                prop_assert_ne!(&one.account, &other.account);
                prop_assert!(one.session.is_none() || one.session != other.session);
            }
        }
        for approval in waiting.approvals() {
            let is_picked = matches!(approval.by().account, Account::Picked { .. });
            prop_assert!(demo || !is_picked);
        }
        prop_assert_eq!(reached.is_some(), waiting.approvals().len() >= 2);
    }
}
