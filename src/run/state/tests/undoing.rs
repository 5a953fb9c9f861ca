use super::*;
use StepOutcome::{Done, Failed, Skipped, Unknown};

pub(super) fn intent(step: usize, attempt: u32) -> Entry {
    Entry::UndoIntent {
        step,
        attempt,
        deadline: at(9),
        evidence: Value::Null,
    }
}

pub(super) fn ended(step: usize, outcome: StepOutcome) -> Entry {
    Entry::UndoOutcome {
        step,
        outcome,
        say: String::new(),
    }
}

pub(super) fn not_made(step: usize) -> Entry {
    Entry::UndoNotMade {
        step,
        reason: String::new(),
        again: at(7),
    }
}

fn asked() -> Entry {
    Entry::UndoAsked {
        person: Some("dana".to_owned()),
    }
}

fn stop() -> Entry {
    Entry::StopAsked {
        person: "lee".to_owned(),
    }
}

fn closed(outcome: Outcome) -> Entry {
    Entry::Closed {
        outcome,
        say: "the first end".to_owned(),
    }
}

/// Two are done, the third failed, and dana asked for the undo.
fn undoing(more: &[Entry]) -> RunState {
    let begin = super::intent;
    let mut entries = vec![
        begin(0),
        super::ended(0, Done),
        begin(1),
        super::ended(1, Done),
        begin(2),
        super::ended(2, Failed),
        closed(Outcome::PartlyDone),
        asked(),
    ];
    entries.extend_from_slice(more);
    running(3, &entries)
}

fn refuses(state: &RunState, entry: &Entry) -> bool {
    state.clone().apply(at(1), 1, entry).is_err()
}

#[test]
fn it_goes_backwards() {
    let state = undoing(&[]);
    assert_eq!(state.next(), Next::Undo(1, None));
    assert_eq!(state.say, None, "the sentence of the first end is not the last one");
    assert!(refuses(&state, &intent(0, 1)), "the later step first");
    let one = undoing(&[intent(1, 1)]);
    assert_eq!(one.next(), Next::RecoverUndo(1));
    assert!(refuses(&one, &closed(Outcome::PartlyDone)), "under way");
    let both = undoing(&[intent(1, 1), ended(1, Done), intent(0, 1), ended(0, Skipped)]);
    assert_eq!(both.next(), Next::Close(Outcome::Undone));
}

#[test]
fn nothing_is_undone_over_a_step_that_nobody_knows_the_end_of() {
    let begun = [super::intent(0), super::ended(0, Done), super::intent(1)];
    for end in [
        vec![],
        vec![super::ended(1, Unknown)],
        vec![
            super::ended(1, Unknown),
            resolved(1, Resolution::Abandon),
            closed(Outcome::PartlyDone),
        ],
    ] {
        let state = running(2, &[begun.to_vec(), end].concat());
        assert_eq!(state.undo_target(), None, "{:?}", state.steps);
        assert!(refuses(&state, &asked()));
    }
    // Nor does the runbook do it by itself.
    let abandoned = [
        created(),
        Entry::Started,
        super::intent(0),
        super::ended(0, Done),
        super::intent(1),
        super::ended(1, Unknown),
        resolved(1, Resolution::Abandon),
    ];
    let undoes = Shape {
        undo_on_failure: true,
        ..shape(2)
    };
    let state = RunState::fold(undoes, abandoned.iter().map(|entry| (at(0), 1, entry))).expect("legal");
    assert_eq!(state.next(), Next::Close(Outcome::PartlyDone));
}

#[test]
fn an_undo_whose_end_is_unknown_asks_a_person_and_goes_no_further() {
    let unknown = [intent(1, 1), ended(1, Unknown)];
    let state = undoing(&unknown);
    assert_eq!(state.next(), Next::AskPerson(1));
    assert_eq!(state.standing(), Outcome::NeedsPerson);
    assert!(state.asks_about_undo(1));
    for entry in [intent(1, 2), intent(0, 1), ended(1, Done), not_made(1), asked()] {
        assert!(refuses(&state, &entry), "{entry:?}");
    }
    assert!(refuses(&state, &closed(Outcome::Undone)));

    let with = |resolution| undoing(&[unknown.to_vec(), vec![resolved(1, resolution)]].concat());
    assert_eq!(with(Resolution::Done).next(), Next::Undo(0, None));
    assert_eq!(with(Resolution::NotDone).next(), Next::Close(Outcome::PartlyDone));
    assert_eq!(
        with(Resolution::NotDone).undo_target(),
        Some(1),
        "it may be tried again"
    );
    assert_eq!(with(Resolution::Abandon).next(), Next::Close(Outcome::PartlyDone));
    assert_eq!(with(Resolution::Abandon).undo_target(), None);
    assert!(refuses(&with(Resolution::Done), &resolved(1, Resolution::Done)), "once");
}

#[test]
fn an_undo_that_was_certainly_not_made_is_made_again_and_counted() {
    let again = undoing(&[intent(1, 1), not_made(1)]);
    assert_eq!(again.next(), Next::Undo(1, Some(at(7))));
    assert!(
        refuses(&again, &intent(1, 1)),
        "the second call has a number of its own"
    );
    assert!(!refuses(&again, &intent(1, 2)));
    let never_sent = undoing(&[not_made(1), not_made(1)]);
    assert!(!refuses(&never_sent, &intent(1, 3)));
}

#[test]
fn a_person_may_try_again_what_failed() {
    let failed = undoing(&[intent(1, 1), ended(1, Failed)]);
    assert_eq!(failed.next(), Next::Close(Outcome::PartlyDone));
    assert!(failed.still_done().eq([0, 1]));
    let again = undoing(&[intent(1, 1), ended(1, Failed), closed(Outcome::PartlyDone), asked()]);
    assert_eq!(again.next(), Next::Undo(1, None), "in reverse still");
    assert!(!refuses(&again, &intent(1, 1)));
}

#[test]
fn what_ended_well_is_undone_only_where_its_proof_says_worse() {
    let well = |verdict: Option<Verdict>, more: &[Entry]| {
        let mut entries = vec![super::intent(0), super::ended(0, Done), closed(Outcome::Succeeded)];
        entries.extend(verdict.map(|verdict| Entry::Proved {
            verdict,
            say: "12 -> 15".to_owned(),
        }));
        entries.extend_from_slice(more);
        running(1, &entries)
    };
    for verdict in [
        None,
        Some(Verdict::Improved),
        Some(Verdict::NoChange),
        Some(Verdict::NoData),
    ] {
        let state = well(verdict, &[]);
        assert!(!state.may_be_undone() && refuses(&state, &asked()), "{verdict:?}");
    }
    let worse = well(Some(Verdict::Worse), &[]);
    assert!(worse.may_be_undone());
    assert_eq!(well(Some(Verdict::Worse), &[asked()]).next(), Next::Undo(0, None));
    let undone = well(
        Some(Verdict::Worse),
        &[asked(), intent(0, 1), ended(0, Done), closed(Outcome::Undone)],
    );
    assert_eq!(undone.next(), Next::Nothing);
    assert!(!undone.may_be_undone());
}

#[test]
fn a_stop_lets_the_undo_under_way_end_and_begins_no_other() {
    let stopped = undoing(&[intent(1, 1), stop()]);
    assert_eq!(stopped.next(), Next::RecoverUndo(1));
    let ended_so = undoing(&[intent(1, 1), stop(), ended(1, Done)]);
    assert_eq!(ended_so.next(), Next::Close(Outcome::Stopped));
    assert!(refuses(&ended_so, &intent(0, 1)));
    let last = [intent(1, 1), ended(1, Done), intent(0, 1), stop(), ended(0, Done)];
    assert_eq!(undoing(&last).next(), Next::Close(Outcome::Undone));
    // Asked for once more, it goes on.
    let on = [intent(1, 1), stop(), ended(1, Done), closed(Outcome::Stopped), asked()];
    assert_eq!(undoing(&on).next(), Next::Undo(0, None));
}

#[test]
fn what_has_no_undo_is_not_called_undone() {
    let entries = [
        created(),
        Entry::Started,
        super::intent(0),
        super::ended(0, Done),
        super::intent(1),
        super::ended(1, Done),
        super::intent(2),
        super::ended(2, Failed),
        closed(Outcome::PartlyDone),
        asked(),
        intent(0, 1),
        ended(0, Done),
    ];
    let with = |stays: bool| {
        let shape = Shape {
            undoable: vec![true, false, true],
            stays: vec![false, stays, false],
            ..shape(3)
        };
        RunState::fold(shape, entries.iter().map(|entry| (at(0), 1, entry))).expect("legal")
    };
    assert_eq!(with(true).next(), Next::Close(Outcome::PartlyDone));
    // A step that only looked leaves nothing behind.
    assert_eq!(with(false).next(), Next::Close(Outcome::Undone));
}

/// Written by a version that knew one undo call, and closed over what it did not know.
#[test]
fn journals_of_before_are_read() {
    let intent: Entry = serde_json::from_str(
        r#"{"entry":"undo-intent","with":{"step":1,"deadline":"2026-05-04T12:00:00Z","evidence":null}}"#,
    )
    .expect("readable");
    let state = undoing(&[intent, ended(1, Unknown), closed(Outcome::PartlyDone)]);
    assert_eq!(state.next(), Next::Nothing);
    assert_eq!(state.undo_target(), None);
}
