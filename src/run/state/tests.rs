mod undoing;
mod waits;

use super::*;
use crate::policy::approval::Party;
use crate::request::{Account, Resolution, Surface};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("in range")
}

fn shape(steps: usize) -> Shape {
    Shape {
        undoable: vec![true; steps],
        stays: vec![false; steps],
        undo_on_failure: false,
        soak: None,
        deadline: None,
    }
}

fn cited() -> Cited {
    Cited {
        policies: vec!["ops-run".to_owned()],
        say: "Ops may.".to_owned(),
    }
}

fn created() -> Entry {
    Entry::Created {
        decision: cited(),
        by: None,
    }
}

fn party(person: &str) -> Party {
    Party {
        person: person.to_owned(),
        account: Account::Slack {
            team: "T1".to_owned(),
            user: format!("U-{person}"),
        },
        session: None,
        surface: Surface::Slack,
        memberships: Vec::new(),
    }
}

fn asked(needed: u32) -> Entry {
    Entry::ApprovalAsked {
        needed,
        digest: "d".to_owned(),
        until: at(1800),
        decision: cited(),
    }
}

fn intent(step: usize) -> Entry {
    Entry::Intent {
        step,
        attempt: 1,
        deadline: at(60),
        evidence: Value::Null,
    }
}

fn ended(step: usize, outcome: StepOutcome) -> Entry {
    Entry::Outcome {
        step,
        outcome,
        say: "said".to_owned(),
        call: None,
        probe: None,
    }
}

fn resolved(step: usize, resolution: Resolution) -> Entry {
    Entry::Resolved {
        step,
        person: "lee".to_owned(),
        resolution,
        reason: "asked CJ".to_owned(),
    }
}

fn folded(steps: usize, entries: &[Entry]) -> RunState {
    RunState::fold(shape(steps), entries.iter().map(|entry| (at(0), 1, entry))).expect("legal")
}

fn running(steps: usize, more: &[Entry]) -> RunState {
    let mut entries = vec![created(), Entry::Started];
    entries.extend_from_slice(more);
    folded(steps, &entries)
}

#[test]
fn each_step_is_begun_ended_and_followed_by_the_next() {
    assert_eq!(running(2, &[]).next(), Next::Step(0, None));
    assert_eq!(running(2, &[intent(0)]).next(), Next::Recover(0));
    assert_eq!(
        running(2, &[intent(0), ended(0, StepOutcome::Done)]).next(),
        Next::Step(1, None)
    );
    let both = [
        intent(0),
        ended(0, StepOutcome::Done),
        intent(1),
        ended(1, StepOutcome::Skipped),
    ];
    assert_eq!(running(2, &both).next(), Next::Close(Outcome::Succeeded));
}

#[test]
fn a_failure_stops_what_comes_after_it() {
    use StepOutcome::{Done, Failed};
    assert_eq!(
        running(2, &[intent(0), ended(0, Failed)]).next(),
        Next::Close(Outcome::Failed)
    );
    let second = [intent(0), ended(0, Done), intent(1), ended(1, Failed)];
    assert_eq!(running(3, &second).next(), Next::Close(Outcome::PartlyDone));
}

#[test]
fn an_unknown_step_waits_for_a_person_and_cannot_be_closed_over() {
    let unknown = [intent(0), ended(0, StepOutcome::Unknown)];
    let mut state = running(2, &unknown);
    assert_eq!(state.next(), Next::AskPerson(0));
    assert_eq!(state.standing(), Outcome::NeedsPerson);
    let close = Entry::Closed {
        outcome: Outcome::Succeeded,
        say: String::new(),
    };
    assert!(state.apply(at(1), 1, &close).is_err());
    assert!(
        state.apply(at(1), 1, &intent(0)).is_err(),
        "an unknown step is never begun again"
    );

    let with = |resolution| {
        let mut state = running(2, &unknown);
        state.apply(at(1), 0, &resolved(0, resolution)).expect("legal");
        state.next()
    };
    assert_eq!(with(Resolution::Done), Next::Step(1, None));
    assert_eq!(with(Resolution::NotDone), Next::Close(Outcome::Failed));
    assert_eq!(with(Resolution::Abandon), Next::Close(Outcome::PartlyDone));
}

#[test]
fn a_stop_lets_the_step_under_way_end_and_begins_no_other() {
    let stop = Entry::StopAsked {
        person: "lee".to_owned(),
    };
    assert_eq!(running(2, &[intent(0), stop.clone()]).next(), Next::Recover(0));
    let after = running(2, &[intent(0), stop.clone(), ended(0, StepOutcome::Done)]);
    assert_eq!(after.next(), Next::Close(Outcome::Stopped));
    let before = folded(2, &[created(), asked(1), stop]);
    assert_eq!(before.standing(), Outcome::Stopped);
    assert_eq!(before.next(), Next::Nothing);
}

#[test]
fn a_run_starts_only_with_all_the_approvals_that_were_asked_for() {
    let created = created();
    let yes = |person: &str| Entry::Approved {
        by: party(person),
        policy: "ops-approve".to_owned(),
        digest: Some("d".to_owned()),
    };
    let waiting = folded(1, &[created.clone(), asked(2), yes("lee")]);
    assert_eq!(waiting.next(), Next::AwaitApproval(at(1800)));
    assert!(waiting.clone().apply(at(1), 1, &Entry::Started).is_err());
    assert_eq!(
        folded(1, &[created.clone(), asked(2), yes("lee"), yes("kim")]).next(),
        Next::Start
    );

    let said_twice = waiting.clone().apply(at(1), 0, &yes("lee"));
    assert!(said_twice.is_err(), "one person is one yes");
    let for_another = Entry::Approved {
        by: party("kim"),
        policy: "ops-approve".to_owned(),
        digest: Some("e".to_owned()),
    };
    assert!(waiting.clone().apply(at(1), 0, &for_another).is_err(), "another plan");

    let replanned = Entry::Replanned {
        changes: vec!["radius".to_owned()],
        digest: "e".to_owned(),
    };
    let anew = folded(1, &[created, asked(1), yes("lee"), replanned, asked(1)]);
    assert!(anew.approvals.is_empty(), "a changed plan voids what was approved");
}

#[test]
fn silence_and_a_no_end_a_run_that_waits() {
    for (entry, word) in [
        (Entry::Expired, "in time"),
        (
            Entry::Denied {
                person: "lee".to_owned(),
            },
            "said no",
        ),
    ] {
        let state = folded(1, &[created(), asked(1), entry]);
        assert_eq!(state.standing(), Outcome::Denied);
        assert!(
            state.say.as_ref().is_some_and(|say| say.contains(word)),
            "{:?}",
            state.say
        );
        assert_eq!(state.next(), Next::Nothing);
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let outcome = prop_oneof![
        Just(StepOutcome::Done),
        Just(StepOutcome::Skipped),
        Just(StepOutcome::Failed),
        Just(StepOutcome::Unknown)
    ];
    let resolution = prop_oneof![
        Just(Resolution::Done),
        Just(Resolution::NotDone),
        Just(Resolution::Abandon)
    ];
    prop_oneof![
        Just(created()),
        (1_u32..3).prop_map(asked),
        prop_oneof![Just("lee"), Just("kim")].prop_map(|person| Entry::Approved {
            by: party(person),
            policy: "p".to_owned(),
            digest: None,
        }),
        Just(Entry::Denied {
            person: "lee".to_owned()
        }),
        Just(Entry::Expired),
        Just(Entry::Started),
        (0_usize..3, 1_u32..3).prop_map(|(step, attempt)| Entry::Intent {
            step,
            attempt,
            deadline: at(60),
            evidence: Value::Null
        }),
        (0_usize..3).prop_map(|step| Entry::NotMade {
            step,
            reason: String::new(),
            again: at(1)
        }),
        (0_usize..3, 1_u32..3).prop_map(|(step, attempt)| undoing::intent(step, attempt)),
        (0_usize..3).prop_map(undoing::not_made),
        (0_usize..3, outcome.clone()).prop_map(|(step, outcome)| undoing::ended(step, outcome)),
        Just(Entry::UndoAsked { person: None }),
        Just(Entry::TimeOver),
        (0_usize..3).prop_map(waits::reminded),
        Just(Entry::Closed {
            outcome: Outcome::PartlyDone,
            say: String::new()
        }),
        (0_usize..3, outcome).prop_map(|(step, outcome)| ended(step, outcome)),
        Just(Entry::StopAsked {
            person: "lee".to_owned()
        }),
        (0_usize..3, resolution).prop_map(|(step, resolution)| resolved(step, resolution)),
        Just(Entry::UndoAsked {
            person: Some("lee".to_owned())
        }),
        Just(Entry::Closed {
            outcome: Outcome::Succeeded,
            say: String::new()
        }),
    ]
}

proptest! {
    /// Whatever is thrown at it: what is refused changes nothing, no step is begun before the start or over an unknown
    /// one, and a step that has ended is never begun again.
    #[test]
    fn illegal_entries_change_nothing(entries in proptest::collection::vec(any_entry(), 0..40)) {
        let mut state = RunState::new(shape(3));
        for entry in entries {
            let before = state.clone();
            match state.apply(at(5), 1, &entry) {
                Err(_) => prop_assert_eq!(&state, &before),
                Ok(()) => {
                    if let Entry::UndoIntent { step, .. } = entry {
                        prop_assert!(before.unknown().is_none() && before.stop.is_none());
                        let later = &before.steps[step + 1..];
                        let is_done = |step: &StepState| matches!(step, StepState::Ended { outcome: StepOutcome::Done, .. });
                        prop_assert!(!later.iter().any(is_done), "not the latest: {:?}", before.steps);
                    }
                    if let Entry::Intent { step, .. } = entry {
                        prop_assert!(before.started.is_some() && !before.time_over && before.stop.is_none());
                        let was_waiting = matches!(before.steps[step], StepState::Waiting { .. });
                        prop_assert!(was_waiting, "begun from {:?}", before.steps[step]);
                    }
                    if matches!(entry, Entry::Started) {
                        let ready = matches!(before.phase(), Some(Phase::Ready));
                        prop_assert!(ready);
                    }
                    if matches!(entry, Entry::Closed { .. }) {
                        let unknown = |step: &StepState| matches!(step, StepState::Ended { outcome: StepOutcome::Unknown, .. });
                        prop_assert!(!before.steps.iter().any(unknown));
                    }
                    if !matches!(state.phase(), Some(Phase::Closed { .. })) && state.unknown().is_some() {
                        prop_assert!(state.waits.is_some() && state.standing() == Outcome::NeedsPerson);
                        prop_assert!(matches!(state.next(), Next::AskPerson(_)), "{:?}", state.next());
                    }
                }
            }
        }
    }
}
