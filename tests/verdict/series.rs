//! Signals as the bot reads them, of which it is known what became of them: a process goes on by itself, is scraped,
//! kept, and read by the bot at three moments; a run makes it better, worse or leaves it alone.

use super::chance::Chance;
use jiff::{SignedDuration, Timestamp};
use signalbox::panel::Shape;
use signalbox::panel::reading::{Missing, Reading};
use signalbox::report::verdict::{Evidence, Times};
use signalbox::runbook::Better;

/// How a signal moves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same number all the time.
    Steady,
    /// Independent, normal noise.
    Noise,
    /// Independent noise with outliers.
    Outliers,
    /// Noise that lasts: each value is near the one before.
    Lasting,
    /// A walk at random.
    Walk,
    /// How many wait in a queue that is filled and emptied at random.
    Queue,
    /// Low, and high for a while now and then.
    Bursts,
    /// Another level now and then.
    Switches,
    /// A part of a day's wave, with noise.
    Day,
    /// Waves of some minutes.
    Waves,
    /// A slope, with noise.
    Ramp,
    /// Filled steadily, emptied at once.
    Batches,
    /// Noise of which scrapes are lost.
    Gaps,
    /// It piled up some minutes before the run.
    PiledUp,
    /// A counter of independent events.
    Count,
    /// A counter of events that come in crowds.
    Crowds,
    /// A counter whose process restarts now and then.
    Restarts,
}

pub const KINDS: [Kind; 17] = [
    Kind::Steady,
    Kind::Noise,
    Kind::Outliers,
    Kind::Lasting,
    Kind::Walk,
    Kind::Queue,
    Kind::Bursts,
    Kind::Switches,
    Kind::Day,
    Kind::Waves,
    Kind::Ramp,
    Kind::Batches,
    Kind::Gaps,
    Kind::PiledUp,
    Kind::Count,
    Kind::Crowds,
    Kind::Restarts,
];

/// How long the signal was known before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// As long as is looked back, or since it began somewhere in that time.
    Any,
    /// Hardly as long as it takes.
    #[cfg_attr(test, allow(dead_code, reason = "for the whole table alone"))]
    Least,
    /// Less long.
    Young,
}

/// What the run does to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Nothing.
    None,
    /// It is better, but only for the first half of the soak.
    Relapse,
    /// It is better by so many times its noise, and stays so.
    Better(f64),
    /// It is worse by so many times its noise, and stays so.
    Worse(f64),
}

/// Why nobody can say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nothing was read before the run.
    NoPast,
    /// It ended minutes before the run.
    EndsBefore,
    /// It ended in the run.
    EndsInRun,
    /// Several processes answer in turn, each with its own count.
    Processes,
}

pub const SILENCES: [Silence; 4] = [
    Silence::NoPast,
    Silence::EndsBefore,
    Silence::EndsInRun,
    Silence::Processes,
];

/// The process itself is known at each of these seconds.
const TICK: i64 = 5;

/// What a signal is without a run, and the noise by which a run's effect on it is measured.
struct Course {
    shape: Shape,
    /// By tick, the last at the end of the soak.
    values: Vec<f64>,
    noise: f64,
}

/// When everything happens, in seconds; the run begins at zero.
struct Plan {
    begin: i64,
    ended: i64,
    soaked: i64,
    scrape: i64,
}

impl Plan {
    fn new(age: Age, chance: &mut Chance) -> Self {
        let ended = *chance.one_of(&[2, 5, 20, 60]);
        let soak = *chance.one_of(&[30, 30, 60, 120, 120]);
        let soaked = ended + soak;
        let past = times(ended, soaked).past().as_secs();
        // A few more than the movements that it takes, and what the first of them is taken from.
        let least = 14 * soaked.max(15) + 120;
        let begin = match age {
            Age::Any if chance.whether(0.5) && least < past => -chance.between(least, past),
            Age::Any => -past,
            Age::Least => -least,
            Age::Young => -chance.between(15, 9 * soaked),
        };
        // A soak of less than two scrapes shows nothing that lasts.
        let scrape = *chance.one_of(&[5, 15, 15, 30, 60].map(|scrape: i64| scrape.min(soak / 2)));
        Self {
            begin,
            ended,
            soaked,
            scrape,
        }
    }

    fn ticks(&self) -> usize {
        ((self.soaked - self.begin) / TICK) as usize + 1
    }

    /// The one that is known at that second.
    fn tick(&self, second: i64) -> usize {
        ((second.clamp(self.begin, self.soaked) - self.begin) / TICK) as usize
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_000_000 + second)
}

fn times(ended: i64, soaked: i64) -> Times {
    Times {
        began: at(0),
        ended: at(ended),
        soaked: at(soaked),
    }
}

/// What is known of a signal on which a run had this effect.
pub fn evidence(kind: Kind, age: Age, effect: Effect, seed: u64) -> Evidence {
    let mut chance = Chance::new(seed);
    let plan = Plan::new(age, &mut chance);
    let mut course = course(kind, &plan, &mut chance);
    apply(&mut course, effect, &plan, &mut chance);
    let lost = match kind {
        Kind::Gaps => chance.real(0.1, 0.4),
        _ => 0.01,
    };
    read(&course, &plan, lost, |_| true, &mut chance)
}

/// What is known of a signal that says nothing.
pub fn silent(silence: Silence, seed: u64) -> Evidence {
    let mut chance = Chance::new(seed);
    let plan = Plan::new(Age::Any, &mut chance);
    let kind = *chance.one_of(&KINDS[..14]);
    let mut course = match silence {
        Silence::Processes => course(*chance.one_of(&[Kind::Count, Kind::Crowds]), &plan, &mut chance),
        _ => course(kind, &plan, &mut chance),
    };
    apply(
        &mut course,
        *chance.one_of(&[Effect::None, Effect::Better(4.0)]),
        &plan,
        &mut chance,
    );
    if silence == Silence::Processes {
        // The others began before it, and have counted more or less.
        let processes = chance.between(2, 5);
        let ahead: Vec<f64> = (0..processes)
            .map(|nth| (nth * chance.between(5, 400)) as f64)
            .collect();
        let share = processes as f64;
        let ticks_of_scrape = (plan.scrape / TICK).max(1) as usize;
        let mut who = 0;
        for (tick, value) in course.values.iter_mut().enumerate() {
            if tick % ticks_of_scrape == 0 {
                who = chance.between(0, processes - 1) as usize;
            }
            *value = (*value / share).floor() + ahead[who];
        }
    }
    let ends = match silence {
        Silence::NoPast => plan.begin,
        Silence::EndsBefore => -chance.between(70, 900),
        Silence::EndsInRun => plan.ended - 1,
        Silence::Processes => plan.soaked,
    };
    read(&course, &plan, 0.01, |second| second <= ends, &mut chance)
}

fn course(kind: Kind, plan: &Plan, chance: &mut Chance) -> Course {
    let ticks = plan.ticks();
    let level = *chance.one_of(&[0.0, 5.0, 50.0, 1000.0]);
    let deviation = *chance.one_of(&[0.3, 1.0, 3.0, 40.0]);
    let gauge = |values: Vec<f64>, noise: f64| Course {
        shape: Shape::Gauge,
        values,
        noise,
    };
    let normal =
        |chance: &mut Chance| -> Vec<f64> { (0..ticks).map(|_| level + deviation * chance.normal()).collect() };
    match kind {
        Kind::Steady => gauge(vec![level; ticks], 1.0),
        Kind::Noise | Kind::Gaps => gauge(normal(chance), deviation),
        Kind::Outliers => {
            let outlier = |chance: &mut Chance| if chance.whether(0.05) { 10.0 } else { 1.0 };
            let values = (0..ticks).map(|_| level + deviation * outlier(chance) * chance.normal());
            gauge(values.collect(), deviation)
        }
        Kind::Lasting => {
            // Forgotten after some seconds to some minutes.
            let kept = (-(TICK as f64) / chance.real(10.0, 240.0)).exp();
            let mut now = chance.normal();
            let values = (0..ticks).map(|_| {
                now = kept * now + (1.0 - kept * kept).sqrt() * chance.normal();
                level + deviation * now
            });
            gauge(values.collect(), deviation)
        }
        Kind::Walk => {
            let mut now = level;
            let values = (0..ticks).map(|_| {
                now += deviation * chance.normal();
                now
            });
            let noise = deviation * (plan.soaked as f64 / TICK as f64).sqrt();
            gauge(values.collect(), noise)
        }
        Kind::Queue => {
            let (wanted, stay) = (chance.real(0.5, 30.0), chance.real(10.0, 200.0));
            let mut now = chance.poisson(wanted);
            let values = (0..ticks).map(|_| {
                let gone = TICK as f64 / stay;
                let come = chance.poisson(wanted * (1.0 - (-gone).exp()));
                let left = (0..now as usize)
                    .filter(|_| chance.whether(1.0 - (-gone).exp()))
                    .count();
                now = now - left as f64 + come;
                now
            });
            gauge(values.collect(), wanted.sqrt())
        }
        Kind::Bursts | Kind::Switches => {
            let hour = chance.real(0.5, 8.0);
            let (height, lasts) = (deviation * chance.real(3.0, 30.0), chance.real(20.0, 400.0));
            let (mut now, mut until) = (0.0, 0.0);
            let values = (0..ticks).map(|tick| {
                let begins = chance.whether(hour * TICK as f64 / 3600.0);
                let moment = tick as f64;
                match kind {
                    Kind::Bursts if begins => {
                        (now, until) = (height, moment + chance.exponential(lasts) / TICK as f64);
                    }
                    Kind::Bursts if moment >= until => now = 0.0,
                    Kind::Switches if begins => now = height * chance.real(-1.0, 1.0),
                    _ => {}
                }
                level + now + 0.1 * deviation * chance.normal()
            });
            gauge(values.collect(), height / 3.0)
        }
        Kind::Day | Kind::Waves => {
            let period = match kind {
                Kind::Day => 86_400.0,
                _ => chance.real(120.0, 7200.0),
            };
            let (height, phase) = (
                deviation * chance.real(2.0, 100.0),
                chance.real(0.0, std::f64::consts::TAU),
            );
            let values = (0..ticks).map(|tick| {
                let angle = phase + std::f64::consts::TAU * (tick as f64 * TICK as f64) / period;
                level + height * angle.sin() + deviation * chance.normal()
            });
            gauge(values.collect(), deviation)
        }
        Kind::Ramp => {
            let slope = deviation * chance.real(-0.1, 0.1);
            let values = (0..ticks).map(|tick| level + slope * tick as f64 + deviation * chance.normal());
            gauge(values.collect(), deviation)
        }
        Kind::Batches => {
            let (period, speed) = (chance.between(20, 1200), chance.real(0.1, 5.0));
            let phase = chance.between(0, period);
            let values = (0..ticks as i64).map(|tick| (speed * ((phase + tick * TICK) % period) as f64).floor());
            gauge(values.collect(), speed * period as f64 / 4.0)
        }
        Kind::PiledUp => {
            let mut values = normal(chance);
            let since = plan.tick(-chance.between(120, 600));
            let pile = deviation * chance.real(8.0, 40.0);
            values[since..].iter_mut().for_each(|value| *value += pile);
            gauge(values, deviation)
        }
        Kind::Count | Kind::Crowds | Kind::Restarts => {
            let soak = (plan.soaked - plan.ended) as f64;
            let grows = *chance.one_of(&[0.5, 3.0, 20.0, 100.0]);
            let rate = grows / soak * TICK as f64;
            let (mut now, mut crowd) = (*chance.one_of(&[0.0, 40.0, 5000.0]), 1.0);
            let restarts = if kind == Kind::Restarts { 0.003 } else { 0.0 };
            let values = (0..ticks).map(|tick| {
                if kind == Kind::Crowds && tick % 12 == 0 {
                    crowd = chance.exponential(1.0);
                }
                if chance.whether(restarts) {
                    now = 0.0;
                }
                now += chance.poisson(rate * crowd);
                now
            });
            Course {
                shape: Shape::Counter,
                values: values.collect(),
                noise: (2.0 * grows).sqrt() / grows,
            }
        }
    }
}

/// Of a gauge the level moves; of a counter a part of the growth is not there, or is there twice.
fn apply(course: &mut Course, effect: Effect, plan: &Plan, chance: &mut Chance) {
    let (times, ends) = match effect {
        Effect::None => return,
        Effect::Relapse => (-8.0, plan.ended + (plan.soaked - plan.ended) * 4 / 10),
        Effect::Better(times) => (-times, i64::MAX),
        Effect::Worse(times) => (times, i64::MAX),
    };
    let (from, until) = (plan.tick(plan.ended.max(TICK)), plan.tick(ends));
    match course.shape {
        Shape::Gauge => {
            let until = if ends == i64::MAX { course.values.len() } else { until };
            let shift = times * course.noise;
            course.values[from..until.max(from)]
                .iter_mut()
                .for_each(|value| *value += shift);
        }
        Shape::Counter => {
            let factor = (1.0 + times * course.noise).max(0.0);
            let mut last = course.values[from];
            let mut now = last;
            for (tick, value) in course.values.iter_mut().enumerate().skip(from + 1) {
                let grown = *value - last;
                last = *value;
                now = match grown {
                    _ if grown < 0.0 => 0.0,
                    _ if tick > until => now + grown,
                    _ => now + (0..grown as usize).map(|_| chance.rounded(factor)).sum::<f64>(),
                };
                *value = now;
            }
        }
    }
}

/// As Prometheus keeps it and the bot asks for it, with what the bot read itself when the run began, ended and had soaked.
fn read(course: &Course, plan: &Plan, lost: f64, is_there: impl Fn(i64) -> bool, chance: &mut Chance) -> Evidence {
    let times = times(plan.ended, plan.soaked);
    let phase = chance.between(0, plan.scrape);
    let scrapes: Vec<(i64, Option<f64>)> = (0..)
        .map(|nth| plan.begin + phase + nth * plan.scrape)
        .take_while(|second| *second <= plan.soaked)
        .map(|second| {
            let kept = is_there(second) && !chance.whether(lost);
            (second, kept.then(|| course.values[plan.tick(second)]))
        })
        .collect();
    let step = times.step().as_secs();
    // A scrape that failed is a gap until the next one; else the last number stands.
    let asked = (0..)
        .map(|nth| plan.begin + nth * step)
        .take_while(|second| *second <= plan.soaked);
    let kept: Vec<Reading> = asked
        .filter_map(|second| {
            let newest = scrapes[..scrapes.partition_point(|(at, _)| *at <= second)].last()?;
            Some(reading(second, Ok(newest.1?)))
        })
        .collect();
    // Half of the signals the bot measures itself; for the others it asks Prometheus.
    let measured = chance.whether(0.5);
    let own = [0, plan.ended, plan.soaked].map(|second| {
        let newest = scrapes[..scrapes.partition_point(|(at, _)| *at <= second)].last();
        let value = if measured {
            is_there(second).then(|| course.values[plan.tick(second)])
        } else {
            newest.and_then(|(_, value)| *value)
        };
        reading(second, value.ok_or(Missing::Absent { means: None }))
    });
    Evidence {
        label: "it".to_owned(),
        unit: String::new(),
        better: Better::Lower,
        shape: course.shape,
        times,
        readings: Evidence::readings(course.shape, kept, own.to_vec()),
        unread: None,
        others: Vec::new(),
    }
}

fn reading(second: i64, value: Result<f64, Missing>) -> Reading {
    Reading {
        signal: "it".to_owned(),
        at: at(second),
        value,
    }
}
