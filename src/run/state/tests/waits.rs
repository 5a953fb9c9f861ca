use super::*;
use StepOutcome::{Done, Failed, Unknown};
use jiff::SignedDuration;

pub(super) fn reminded(step: usize) -> Entry {
    Entry::Reminded { step, held: Vec::new() }
}

fn shape_with(deadline: i64, undo_on_failure: bool) -> Shape {
    Shape {
        deadline: Some(SignedDuration::from_mins(deadline)),
        undo_on_failure,
        ..shape(2)
    }
}

fn with_time(undo_on_failure: bool, more: &[Entry]) -> RunState {
    let mut entries = vec![created(), Entry::Started];
    entries.extend_from_slice(more);
    let shape = shape_with(30, undo_on_failure);
    RunState::fold(shape, entries.iter().map(|entry| (at(0), 1, entry))).expect("legal")
}

#[test]
fn they_are_called_again_ever_more_seldom_and_not_for_ever() {
    let mut state = running(1, &[intent(0), ended(0, Unknown)]);
    let mut hours = Vec::new();
    while let Some(call) = state.next_call() {
        hours.push(call.duration_since(at(0)).as_secs_f64() / 3600.0);
        state.apply(call, 1, &reminded(0)).expect("legal");
        assert_eq!(state.next(), Next::AskPerson(0));
    }
    assert_eq!(hours[..5], [0.5, 2.0, 8.0, 24.0, 48.0]);
    assert_eq!(hours.len(), 17);
    assert_eq!(hours[16], 14.0 * 24.0);
}

#[test]
fn what_fell_into_a_time_when_nobody_could_call_is_not_made_up_for() {
    let mut state = running(1, &[intent(0), ended(0, Unknown)]);
    let days = at(3 * 24 * 3600 + 60);
    state.apply(days, 1, &reminded(0)).expect("legal");
    assert_eq!(state.next_call(), Some(at(4 * 24 * 3600)));
}

#[test]
fn nobody_is_called_about_what_is_known() {
    let known = running(2, &[intent(0), ended(0, Unknown), resolved(0, Resolution::Done)]);
    assert_eq!(known.next_call(), None);
    assert!(known.clone().apply(at(1), 1, &reminded(0)).is_err());
    let other = running(2, &[intent(0), ended(0, Unknown)]);
    assert!(other.clone().apply(at(1), 1, &reminded(1)).is_err(), "another step");
}

#[test]
fn after_its_time_no_step_is_begun() {
    assert_eq!(with_time(false, &[]).deadline(), Some(at(30 * 60)));
    assert_eq!(running(2, &[]).deadline(), None, "plans of before have none");
    let over = with_time(false, &[intent(0), ended(0, Done), Entry::TimeOver]);
    assert_eq!(over.next(), Next::Close(Outcome::PartlyDone));
    assert!(over.clone().apply(at(1), 1, &intent(1)).is_err());
    assert!(over.clone().apply(at(1), 1, &Entry::TimeOver).is_err(), "once");
    assert_eq!(
        with_time(false, &[Entry::TimeOver]).next(),
        Next::Close(Outcome::Failed)
    );
    // A runbook that undoes what it could not finish does so here too.
    let undoes = with_time(true, &[intent(0), ended(0, Done), Entry::TimeOver]);
    assert_eq!(undoes.next(), Next::Undo(0, None));
}

#[test]
fn a_step_that_is_under_way_or_unknown_outlives_the_time() {
    let begun = with_time(false, &[intent(0), Entry::TimeOver]);
    assert_eq!(begun.next(), Next::Recover(0));
    let unknown = with_time(false, &[intent(0), Entry::TimeOver, ended(0, Unknown)]);
    assert_eq!(unknown.next(), Next::AskPerson(0));
    let known = [
        intent(0),
        Entry::TimeOver,
        ended(0, Unknown),
        resolved(0, Resolution::Done),
    ];
    assert_eq!(with_time(false, &known).next(), Next::Close(Outcome::PartlyDone));
    let failed = with_time(false, &[intent(0), ended(0, Failed)]);
    assert_eq!(failed.next(), Next::Close(Outcome::Failed));
}
