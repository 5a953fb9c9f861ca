//! Whether the verdict is right, by signals of which it is known what a run did to them. This is a short form, by seeds on
//! which nothing was tuned; `cargo bench --bench verdict` prints the whole table, which stands in docs/panels.md.

mod chance;
mod series;
mod table;

use series::{Age, Effect, KINDS, Kind};
use table::{HELD_OUT, Said, interval, said_of, said_of_silence};

/// What runs with this effect were called, so many on each kind of signal.
fn over_all_kinds(effect: Effect, runs: u64) -> Said {
    over_all_kinds_of(Age::Any, effect, runs)
}

fn over_all_kinds_of(age: Age, effect: Effect, runs: u64) -> Said {
    let mut all = Said::default();
    for (kind, seed) in KINDS.iter().zip((HELD_OUT..).step_by(1 << 20)) {
        all.add(&said_of(*kind, age, effect, seed..seed + runs));
    }
    all
}

#[test]
fn what_did_not_change_is_hardly_ever_called_improved_or_worse() {
    let said = over_all_kinds(Effect::None, 60);
    let (improved, worse) = (interval(said.improved, said.runs), interval(said.worse, said.runs));
    assert!(
        improved.1 <= 0.01 && worse.1 <= 0.01,
        "{said:?}: {improved:?} {worse:?}"
    );
    // It is not right by being silent.
    assert!(said.no_data * 10 < said.runs, "{said:?}");
}

#[test]
fn what_came_back_in_the_soak_is_hardly_ever_called_improved() {
    let said = over_all_kinds(Effect::Relapse, 20);
    assert!(interval(said.improved, said.runs).1 <= 0.03, "{said:?}");
}

#[test]
fn what_is_far_better_or_worse_is_mostly_called_so() {
    let (better, worse) = (
        over_all_kinds(Effect::Better(8.0), 8),
        over_all_kinds(Effect::Worse(8.0), 8),
    );
    assert!(
        better.improved * 10 > better.runs * 6 && better.worse == 0,
        "{better:?}"
    );
    assert!(worse.worse * 10 > worse.runs * 6 && worse.improved == 0, "{worse:?}");
}

/// Only what stood still and moved in that very moment is believed, and mostly nothing is said.
#[test]
fn of_what_is_young_hardly_anything_is_said() {
    let said = over_all_kinds_of(Age::Young, Effect::None, 60);
    let (improved, worse) = (interval(said.improved, said.runs), interval(said.worse, said.runs));
    assert!(
        improved.1 <= 0.01 && worse.1 <= 0.01,
        "{said:?}: {improved:?} {worse:?}"
    );
    assert!(said.no_data * 10 > said.runs * 7, "{said:?}");
    let still = said_of(Kind::Steady, Age::Young, Effect::Better(1.0), HELD_OUT..HELD_OUT + 100);
    assert!(still.improved > 60 && still.worse == 0, "{still:?}");
}

#[test]
fn what_says_nothing_is_no_data() {
    for (silence, said) in said_of_silence(HELD_OUT..HELD_OUT + 20) {
        assert_eq!(said.no_data, said.runs, "{silence:?}: {said:?}");
    }
}

#[test]
fn the_interval_is_that_of_the_books() {
    let rounded = |(low, high): (f64, f64)| ((low * 1e4).round() / 1e4, (high * 1e4).round() / 1e4);
    assert_eq!(rounded(interval(0, 10)), (0.0, 0.3085));
    assert_eq!(rounded(interval(5, 10)), (0.1871, 0.8129));
    assert_eq!(rounded(interval(10, 10)), (0.6915, 1.0));
}
