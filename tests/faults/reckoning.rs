//! What the bot says, held against what happened outside and against what the askers were told.

use super::asker::{Asked, Told};
use super::bot::KEY;
use super::outside::{Outside, pool};
use super::runbooks::{Kind, kind};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use signalbox::report::Outcome;
use signalbox::request::{Ask, Request, Words};
use signalbox::run::journal::Entry;
use signalbox::run::ledger::Live;
use signalbox::run::state::StepState;
use signalbox::runbook::StepOutcome;
use signalbox::store::Store;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Whether a run may have been told as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Targets or callers were disturbed: what certainly did not happen may be told as not done.
    Targets,
    /// Only the bot's own database was: every run succeeds, or asks.
    NoTarget,
}

/// The figures of one fault.
#[derive(Debug, Clone, Default)]
pub struct Reckoning {
    pub runs: usize,
    pub kept: usize,
    /// Kept, and neither run nor answer.
    pub lost: usize,
    /// Happened more than once although the target holds a guard.
    pub doubled: usize,
    /// Called again by itself although only a probe, or nothing, could tell.
    pub repeated: usize,
    /// Steps of which a person is asked.
    pub doubts: usize,
    /// Undos of which nobody knows whether they happened: told, and the run is closed.
    pub undo_doubts: usize,
    /// Told as failed although they happened, or although nothing outside was disturbed.
    pub falsely_failed: usize,
    /// Told as done and not there, under way for ever, a lock that nobody will let go.
    pub otherwise_wrong: usize,
    /// The longest time in which a request or run made no progress.
    pub gap: SignedDuration,
    /// What people are asked, and how often.
    pub questions: BTreeMap<String, usize>,
    /// What is wrong, with the run's id and its journal.
    pub wrong: Vec<String>,
}

impl Reckoning {
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.kept += other.kept;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.repeated += other.repeated;
        self.doubts += other.doubts;
        self.undo_doubts += other.undo_doubts;
        self.falsely_failed += other.falsely_failed;
        self.otherwise_wrong += other.otherwise_wrong;
        self.gap = self.gap.max(other.gap);
        for (question, times) in other.questions {
            *self.questions.entry(question).or_default() += times;
        }
        self.wrong.extend(other.wrong);
    }

    fn wrong(&mut self, live: &Live, what: &str) {
        let mut text = format!("run {}: {what}", live.run.id);
        for row in &live.run.journal {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n  {:>3} {} epoch {} {:?}",
                row.seq, row.at, row.epoch, row.entry
            );
        }
        self.wrong.push(text);
    }
}

/// Body, time, state, run and answer.
type RequestRow = (String, i64, String, Option<String>, Option<String>);

/// A request as it stands in the database.
struct Kept {
    at: Timestamp,
    order: i64,
    is_answered: bool,
    run: Option<String>,
    answer: Option<String>,
}

/// Reckons what became of what was asked of the bots on one database.
pub async fn reckon(store: &str, asked: &[Asked], outside: &Outside, blame: Blame) -> Reckoning {
    let database = pool(store).await;
    let requests: Vec<RequestRow> = sqlx::query_as("SELECT body, at, state, run, answer FROM request ORDER BY at")
        .fetch_all(&database)
        .await
        .unwrap();
    let requests: Vec<Kept> = requests
        .into_iter()
        .map(|(body, at, state, run, answer)| Kept {
            at: Timestamp::from_microsecond(at).unwrap(),
            order: order_of(&body),
            is_answered: state == "answered",
            run,
            answer,
        })
        .collect();
    let runs: Vec<String> = sqlx::query_scalar("SELECT id FROM run")
        .fetch_all(&database)
        .await
        .unwrap();
    let locks: Vec<(String, String)> = sqlx::query_as("SELECT name, run FROM held_lock")
        .fetch_all(&database)
        .await
        .unwrap();
    database.close().await;
    let library = Store::open(&SecretString::from(store), &SecretString::from(KEY))
        .await
        .unwrap();
    let effects = outside.effects().await;

    let mut found = Reckoning {
        kept: asked.iter().filter(|one| one.told == Told::Kept).count(),
        runs: runs.len(),
        ..Reckoning::default()
    };
    let mut of_order: BTreeMap<i64, usize> = BTreeMap::new();
    for id in runs {
        let live = Live::load(&library, &id).await.unwrap();
        let order = live.plan().inputs["order"].as_i64().unwrap();
        *of_order.entry(order).or_default() += 1;
        let request = requests
            .iter()
            .find(|request| request.run.as_deref() == Some(id.as_str()));
        found.gap = found.gap.max(longest_gap(request.map(|request| request.at), &live));
        let holds = locks.iter().any(|(_, run)| *run == id);
        judge(&mut found, &live, order, &effects, holds, blame);
    }
    for one in asked {
        let kept: Vec<&Kept> = requests.iter().filter(|request| request.order == one.order).collect();
        let runs = of_order.get(&one.order).copied().unwrap_or(0);
        let lost = match kept.as_slice() {
            [] => one.told == Told::Kept,
            [request] => !request.is_answered || (request.run.is_none() && request.answer.is_none()),
            _ => true,
        };
        if lost || runs > 1 {
            found.lost += 1;
            found.wrong.push(format!(
                "order {}: told {:?}, {} requests, answered {:?}, {runs} runs",
                one.order,
                one.told,
                kept.len(),
                kept.iter().map(|request| request.is_answered).collect::<Vec<_>>()
            ));
        }
        if blame == Blame::NoTarget
            && let Some(answer) = kept.iter().find_map(|request| request.answer.as_ref())
        {
            found.falsely_failed += 1;
            found.wrong.push(format!("order {}: answered {answer}", one.order));
        }
        // Who was told so asks again, and would have it done twice.
        let denied = matches!(&one.told, Told::NotKept(words) if words.contains("Nothing was done"));
        if denied && !kept.is_empty() {
            found.otherwise_wrong += 1;
            found
                .wrong
                .push(format!("order {}: kept, although {:?} was told", one.order, one.told));
        }
        // Nothing of it is known, so nothing may have happened.
        if runs == 0 && effects.keys().any(|(order, _)| *order == one.order) {
            found.otherwise_wrong += 1;
            found
                .wrong
                .push(format!("order {}: it has effects and no run", one.order));
        }
    }
    found
}

fn order_of(body: &str) -> i64 {
    let request: Request = serde_json::from_str(body).unwrap();
    match request.ask {
        Ask::Run {
            words: Words::Line(line),
            ..
        } => line.parse().unwrap(),
        other => panic!("nobody asked for {other:?}"),
    }
}

fn judge(
    found: &mut Reckoning,
    live: &Live,
    order: i64,
    effects: &BTreeMap<(i64, String), u64>,
    holds: bool,
    blame: Blame,
) {
    let times = |step: &str| effects.get(&(order, step.to_owned())).copied().unwrap_or(0);
    let standing = live.state.standing();
    for (index, (step, state)) in live.plan().steps.iter().zip(&live.state.steps).enumerate() {
        let name = step.name.as_str();
        let (happened, undone) = (times(name), times(&format!("undo:{name}")));
        if happened > 1 || undone > 1 {
            match kind(name) {
                Kind::Guarded => found.doubled += 1,
                Kind::Probed | Kind::Blind => found.repeated += 1,
            }
            found.wrong(
                live,
                &format!("{name} happened {happened} times and was undone {undone} times"),
            );
        }
        if begun_again(live, index) && kind(name) != Kind::Guarded {
            found.repeated += 1;
            found.wrong(live, &format!("{name} was begun again by itself"));
        }
        let (least, most, least_undone, most_undone) = match state {
            StepState::Waiting { .. } => (0, 0, 0, 0),
            StepState::Ended { outcome, say } => match outcome {
                StepOutcome::Done => (1, 1, 0, 0),
                StepOutcome::Failed => (0, 0, 0, 0),
                StepOutcome::Skipped => (0, 0, 0, 0),
                StepOutcome::Unknown => {
                    found.doubts += 1;
                    *found
                        .questions
                        .entry(format!("{name}: {}", without_digits(say)))
                        .or_default() += 1;
                    if standing != Outcome::NeedsPerson {
                        found.otherwise_wrong += 1;
                        found.wrong(live, &format!("nobody is asked about {name}"));
                    }
                    (0, 1, 0, 0)
                }
            },
            StepState::Undone { outcome, .. } => match outcome {
                StepOutcome::Done => (1, 1, 1, 1),
                StepOutcome::Failed => (1, 1, 0, 0),
                StepOutcome::Skipped => (1, 1, 0, 0),
                StepOutcome::Unknown => {
                    found.undo_doubts += 1;
                    (1, 1, 0, 1)
                }
            },
            StepState::UndoWaiting { .. } => (1, 1, 0, 0),
            StepState::UndoAbandoned { .. } => (1, 1, 0, 1),
            StepState::Begun { .. } | StepState::Undoing { .. } | StepState::Abandoned { .. } => (0, 1, 0, 1),
        };
        if happened > most || undone > most_undone {
            found.falsely_failed += 1;
            found.wrong(
                live,
                &format!("{name} happened {happened} times, undone {undone} times, and it says {state:?}"),
            );
        }
        if happened < least || undone < least_undone {
            found.otherwise_wrong += 1;
            found.wrong(
                live,
                &format!("{name} happened {happened} times, undone {undone} times, and it says {state:?}"),
            );
        }
    }
    if blame == Blame::NoTarget {
        let well = match (standing, live.plan().undo_on_failure) {
            (Outcome::Succeeded, false) | (Outcome::Undone, true) | (Outcome::NeedsPerson, _) => true,
            // Whether an undo happened that was under way is told, not guessed.
            (Outcome::PartlyDone, true) => live.state.steps.iter().any(|step| {
                matches!(
                    step,
                    StepState::Undone {
                        outcome: StepOutcome::Unknown,
                        ..
                    }
                )
            }),
            _ => false,
        };
        if !well {
            found.falsely_failed += 1;
            found.wrong(
                live,
                &format!("nothing outside was disturbed, and it is {}", standing.words()),
            );
        }
    }
    if standing == Outcome::Running {
        found.otherwise_wrong += 1;
        found.wrong(live, "it is under way for ever");
    } else if holds != (standing == Outcome::NeedsPerson) {
        found.otherwise_wrong += 1;
        found.wrong(
            live,
            &format!("its lock is held: {holds}, and it is {}", standing.words()),
        );
    }
}

/// Whether a call was made after one that may have happened.
fn begun_again(live: &Live, index: usize) -> bool {
    let (mut may_have_happened, mut again) = (false, false);
    for row in &live.run.journal {
        match &row.entry {
            Entry::Intent { step, .. } if *step == index => {
                again |= may_have_happened;
                may_have_happened = true;
            }
            Entry::NotMade { step, .. } if *step == index => may_have_happened = false,
            _ => {}
        }
    }
    again
}

/// From the request to the run's end, or to the question to a person.
fn longest_gap(asked: Option<Timestamp>, live: &Live) -> SignedDuration {
    let mut times: Vec<Timestamp> = asked.into_iter().collect();
    times.extend(live.run.journal.iter().map(|row| row.at));
    let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    gaps.max().unwrap_or_default()
}

/// Ports and numbers are different each time.
fn without_digits(say: &str) -> String {
    let mut text = say.replace(|letter: char| letter.is_ascii_digit(), "#");
    while text.contains("##") {
        text = text.replace("##", "#");
    }
    text
}
