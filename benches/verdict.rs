//! How often the verdict on a run is right: signals of which it is known what a run did to them, through the way of
//! judging that the bot has, by seeds on which nothing was tuned. Prints the table of docs/panels.md.

#[path = "../tests/verdict/chance.rs"]
mod chance;
#[path = "../tests/verdict/series.rs"]
mod series;
#[path = "../tests/verdict/table.rs"]
mod table;

use series::{Age, Effect, KINDS};
use table::{HELD_OUT, Said, interval, said_of, said_of_silence};

/// Runs of each kind of signal that nothing was done to.
const RUNS: u64 = 4000;
/// Runs of each kind with each effect.
const WITH_EFFECT: u64 = 1000;

/// How far apart the seeds of two lines are.
const APART: usize = 1 << 20;

const EFFECTS: [Effect; 6] = [
    Effect::Relapse,
    Effect::Better(2.0),
    Effect::Better(4.0),
    Effect::Better(8.0),
    Effect::Worse(4.0),
    Effect::Worse(8.0),
];

fn main() {
    let mut seeds = (HELD_OUT..).step_by(APART);
    let mut said = |kind, age, effect, runs| {
        let from = seeds.next().unwrap_or(HELD_OUT);
        said_of(kind, age, effect, from..from + runs)
    };
    println!(
        "{RUNS} runs a line without an effect, {WITH_EFFECT} with each; in brackets the interval of Clopper and Pearson \
         at 95 %\n"
    );
    println!(
        "| signal | unchanged: improved | unchanged: worse | unchanged: no data | came back: improved | 2x better: \
         improved | 4x better: improved | 8x better: improved | 4x worse: worse | 8x worse: worse |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let (mut all, mut all_with) = (Said::default(), [Said::default(); EFFECTS.len()]);
    for kind in KINDS {
        let unchanged = said(kind, Age::Any, Effect::None, RUNS);
        let with = EFFECTS.map(|effect| said(kind, Age::Any, effect, WITH_EFFECT));
        all.add(&unchanged);
        for (all, one) in all_with.iter_mut().zip(&with) {
            all.add(one);
        }
        println!("{}", line(&format!("{kind:?}"), &unchanged, &with));
    }
    println!("{}\n", line("all", &all, &all_with));
    for (age, words) in [
        (Age::Least, "Hardly known as long as it takes"),
        (Age::Young, "Known less long"),
    ] {
        let mut young = Said::default();
        println!("{words}, unchanged:");
        for kind in KINDS {
            let one = said(kind, age, Effect::None, WITH_EFFECT);
            young.add(&one);
            println!("{kind:?}: {}", wrong(&one));
        }
        println!("all: {}\n", wrong(&young));
    }
    for (silence, said) in said_of_silence(HELD_OUT..HELD_OUT + WITH_EFFECT) {
        println!("{silence:?}: no data {} of {}", said.no_data, said.runs);
    }
}

fn wrong(said: &Said) -> String {
    format!(
        "improved {}, worse {}, no data {}",
        within(said.improved, said.runs),
        within(said.worse, said.runs),
        share(said.no_data, said.runs)
    )
}

fn line(name: &str, unchanged: &Said, with: &[Said; EFFECTS.len()]) -> String {
    let mut cells = vec![
        name.to_owned(),
        within(unchanged.improved, unchanged.runs),
        within(unchanged.worse, unchanged.runs),
        share(unchanged.no_data, unchanged.runs),
    ];
    cells.extend(EFFECTS.iter().zip(with).map(|(effect, said)| match effect {
        Effect::Worse(_) => share(said.worse, said.runs),
        _ => share(said.improved, said.runs),
    }));
    format!("| {} |", cells.join(" | "))
}

fn share(hits: u32, of: u32) -> String {
    format!("{:.1} %", f64::from(hits) * 100.0 / f64::from(of))
}

fn within(hits: u32, of: u32) -> String {
    let (low, high) = interval(hits, of);
    let share = f64::from(hits) * 100.0 / f64::from(of);
    format!("{share:.2} % [{:.2}, {:.2}]", low * 100.0, high * 100.0)
}
