//! Signals: read every 15 seconds, more often while a run proves itself by them, held for `/metrics`, and held against
//! each other when a run has ended.

use super::chart::{chart, kept};
use super::journal::Moment;
use super::ledger::Live;
use super::strip::past;
use crate::call::{CallContext, CallResult};
use crate::integration::Connections;
use crate::panel::reading::{Missing, Reading};
use crate::panel::{Panel, Signal, exposition};
use crate::plan::Plan;
use crate::report::VerdictLine;
use crate::report::chart::{Band, ChartSpec};
use crate::report::verdict::{Evidence, Times, Verdict, judge};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often every signal is read.
pub const PERIOD: SignedDuration = SignedDuration::from_secs(15);

/// How often the signals are read that a run under way proves itself by.
pub const RUN_PERIOD: SignedDuration = SignedDuration::from_secs(2);

/// One reading takes no longer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// What could not be asked for a verdict is asked again so often, after a pause: there is one verdict, and a server that is
/// being restarted must not cost it.
const AGAIN: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// How much of the past a chart shows before the run.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);

/// A chart shows so much of what came after the soak.
const AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Reads signals, keeps the latest of each.
#[derive(Debug)]
pub struct Sampler {
    rules: Arc<LiveRules>,
    connections: Arc<Connections>,
    latest: Mutex<Vec<Reading>>,
}

impl Sampler {
    /// Nothing read yet.
    pub fn new(rules: Arc<LiveRules>, connections: Arc<Connections>) -> Self {
        Self {
            rules,
            connections,
            latest: Mutex::new(Vec::new()),
        }
    }

    /// Reads every signal that the bot measures itself.
    pub async fn sample_all(&self) {
        let rules = self.rules.now();
        let declared = &rules.panels.signals;
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|old| declared.contains_key(&old.signal));
        let measured = declared.values().filter(|signal| signal.measured());
        self.sample(measured.collect()).await;
    }

    /// Reads the signals that a plan's run proves itself by.
    pub async fn read_for(&self, plan: &Plan) -> Vec<Reading> {
        let rules = self.rules.now();
        let Some(proof) = proof_of(&rules, plan) else {
            return Vec::new();
        };
        let signals = proof
            .signals
            .iter()
            .filter_map(|named| rules.panels.signals.get(&named.signal))
            .collect();
        self.sample(signals).await
    }

    /// The same for a verdict, where nobody waits: whoever could not be asked is asked again.
    pub async fn read_surely_for(&self, plan: &Plan) -> Vec<Reading> {
        let unreachable = |reading: &Reading| matches!(reading.value, Err(Missing::Unreachable { .. }));
        let mut readings = self.read_for(plan).await;
        for _ in 0..AGAIN {
            if !readings.iter().any(unreachable) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            readings = self.read_for(plan).await;
        }
        readings
    }

    async fn sample(&self, signals: Vec<&Signal>) -> Vec<Reading> {
        let readings: Vec<Reading> = join_all(signals.into_iter().map(|signal| self.read(signal))).await;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        for reading in &readings {
            latest.retain(|old| old.signal != reading.signal);
            latest.push(reading.clone());
        }
        readings
    }

    async fn read(&self, signal: &Signal) -> Reading {
        let now = Timestamp::now();
        let context = CallContext {
            run: "signal".to_owned(),
            step: signal.name.clone(),
            deadline: now + PATIENCE,
        };
        let result = match self.connections.get(&signal.on) {
            Some(connection) => connection.call(signal.action, &signal.with, &context).await,
            None => CallResult::Unreachable {
                reason: format!("there is no connection {}", signal.on),
            },
        };
        signal.reading(&result, Timestamp::now())
    }

    /// The lines of `/metrics`.
    pub fn exposition(&self) -> String {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        exposition::render(&self.rules.now().panels, &latest, Timestamp::now(), PERIOD)
    }

    /// What the signals say of a run that has ended and soaked. `others` is when other runs were at work.
    pub async fn verdict(&self, live: &Live, others: &[(Timestamp, Timestamp)]) -> VerdictLine {
        let no_data = |say: &str| VerdictLine {
            verdict: Verdict::NoData,
            say: say.to_owned(),
        };
        let rules = self.rules.now();
        let Some(proof) = proof_of(&rules, live.plan()) else {
            return no_data("no signal proves this runbook");
        };
        let (Some(started), Some(closed)) = (live.state.started, live.state.closed()) else {
            return no_data("the run did not begin");
        };
        let signals = proof
            .signals
            .iter()
            .filter_map(|named| Some((named.better, rules.panels.signals.get(&named.signal)?)));
        // Together: a server that does not answer is waited for once.
        let evidence = join_all(signals.map(async |(better, signal)| {
            let own = |moment: Moment| {
                let readings = live.state.reading(moment)?;
                readings.iter().find(|reading| reading.signal == signal.name).cloned()
            };
            let (before, after, soaked) = (own(Moment::Before), own(Moment::After), own(Moment::Soaked));
            let at = |reading: &Option<Reading>, else_at: Timestamp| reading.as_ref().map_or(else_at, |it| it.at);
            let times = Times {
                began: at(&before, started),
                // What is undone has ended with its undoing.
                ended: match live.state.any_undo() {
                    true => closed,
                    false => at(&after, closed).min(closed),
                },
                soaked: at(&soaked, Timestamp::now()),
            };
            let (kept, unread) = match self.readings(signal, times).await {
                Ok(kept) => (kept, None),
                Err(reason) => (Vec::new(), Some(reason)),
            };
            let own = [before, after, soaked].into_iter().flatten().collect();
            Evidence {
                label: signal.words(),
                unit: signal.unit.clone(),
                better,
                shape: signal.shape,
                times,
                readings: Evidence::readings(signal.shape, kept, own),
                unread,
                others: others.to_vec(),
            }
        }))
        .await;
        judge(&evidence)
    }

    /// A signal as it was kept, from its past to the end of the soak; nothing where nothing keeps it.
    async fn readings(&self, signal: &Signal, times: Times) -> Result<Vec<Reading>, String> {
        if signal.history().is_none() {
            return Ok(Vec::new());
        }
        let start = times.began - times.past();
        let ask = || kept(&self.connections, signal, start, times.soaked, times.step());
        let mut answer = ask().await;
        for _ in 0..AGAIN {
            let Err(reason) = &answer else { break };
            tracing::info!(signal = %signal.name, reason, "its past is asked for again");
            tokio::time::sleep(PAUSE).await;
            answer = ask().await;
        }
        let points = match answer?.series.as_slice() {
            [] => Vec::new(),
            [only] => past(only),
            several => return Err(format!("{} series", several.len())),
        };
        let readings = points.into_iter().filter_map(|(at, value)| {
            Some(Reading {
                signal: signal.name.clone(),
                at,
                value: Ok(value?),
            })
        });
        Ok(readings.collect())
    }

    /// The chart of a run: the one that it was asked for, or the signals that prove it with the run as a band.
    pub async fn chart_of(&self, live: &Live) -> Option<ChartSpec> {
        let plan = live.plan();
        let rules = self.rules.now();
        if let Some(charted) = &plan.chart {
            let named = charted.panels.iter();
            let panels: Vec<&Panel> = named.filter_map(|name| rules.panels.panels.get(name)).collect();
            let (start, end) = (charted.start, charted.end);
            // All of them may have been taken away since.
            return match panels.as_slice() {
                [] => None,
                panels => Some(chart(&rules.panels, &self.connections, panels, start, end).await),
            };
        }
        let proof = proof_of(&rules, plan)?;
        let started = live.state.started?;
        let now = Timestamp::now();
        let closed = live.state.closed();
        let ended = closed.unwrap_or(now);
        // A run of last week is not a line's width in a chart of a week.
        let soak = SignedDuration::try_from(proof.soak).unwrap_or(SignedDuration::MAX);
        let until = closed
            .and_then(|closed| closed.checked_add(soak).ok()?.checked_add(AFTER).ok())
            .map_or(now, |until| until.min(now));
        let panel = match proof.panel.as_deref().and_then(|name| rules.panels.panels.get(name)) {
            Some(panel) => panel.clone(),
            None => Panel::of_signals(
                format!("{} {}", plan.runbook, plan.inputs_text()),
                proof.signals.iter().map(|named| named.signal.clone()),
            ),
        };
        let band = Band {
            start: started,
            end: ended,
            label: format!("run {}", live.run.id),
        };
        let from = started - BEFORE;
        let mut spec = chart(&rules.panels, &self.connections, &[&panel], from, until).await;
        spec.band = Some(band);
        // Where measuring began in the middle, a quarter of the picture is enough to show that there was nothing before.
        let curves = spec.strips.iter().flat_map(|strip| strip.curves.each());
        let begun = curves.filter_map(|points| points.iter().find(|(_, value)| value.is_some()));
        if let Some(first) = begun.map(|point| point.0).min() {
            let first = first.min(started);
            spec.start = spec.start.max(first - until.duration_since(first) / 3);
        }
        Some(spec)
    }
}

fn proof_of(rules: &Rules, plan: &Plan) -> Option<crate::runbook::Proof> {
    let runbook = rules.pinned(&plan.runbook, &plan.hash, &plan.source).ok()?;
    runbook.proof.clone()
}
