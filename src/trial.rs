//! One example of a runbook, carried through the real gate and the real engine against canned answers, with a fault
//! where one is wanted. In memory: no chat, no infrastructure, no secret, no network, and no time passes.

mod script;

use crate::call::CallResult;
use crate::config::Limits;
use crate::dispatch::bounds::Bounds;
use crate::dispatch::{Desk, Reply};
use crate::integration::canned::{Canned, Script};
use crate::integration::{Connection, Connections};
use crate::report::{Outcome, Report};
use crate::request::{Account, Ask, Place, Request, Resolution, Surface};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use crate::run::clock::Clock;
use crate::run::engine::Engine;
use crate::run::ledger::{LedgerError, Live};
use crate::run::proof::Sampler;
use crate::run::state::{Illegal, RunState, Shape};
use crate::runbook::Runbook;
use crate::runbook::duration;
use crate::runbook::example::Example;
use crate::runbook::fault::Fault;
use crate::station::handover::Handover;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What stands where the run's id would.
const RUN: &str = "RUN";

/// More turns than this no run takes; it would turn for ever.
const TURNS: usize = 2000;

/// Why a trial could not be held.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The database in memory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The journal, read once more.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The run neither ends nor waits for anybody.
    #[error("the run neither ends nor waits for anybody")]
    Restless,
}

/// An example that is to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    live: &'a Arc<LiveRules>,
    rules: &'a Rules,
    runbook: &'a Runbook,
    example: &'a Example,
}

/// What is to go wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Struck {
    /// The step's name in the plan.
    pub step: String,
    /// What befalls it.
    pub fault: Fault,
    /// What the probe gives, where the file says it.
    pub probe: Option<CallResult>,
}

/// How it came out.
#[derive(Debug)]
pub struct Played {
    /// What people see at the end.
    pub report: Report,
    /// How often each step's call left.
    pub sent: BTreeMap<String, u32>,
    /// What the trial did in people's stead, and what it left out.
    pub notes: Vec<String>,
}

impl Played {
    /// How often a step's call left.
    pub fn sent(&self, step: &str) -> u32 {
        self.sent.get(step).copied().unwrap_or(0)
    }
}

impl<'a> Trial<'a> {
    /// An example of a runbook. `live` holds `rules`, which let people be picked: nobody signs in here.
    pub fn new(live: &'a Arc<LiveRules>, rules: &'a Rules, runbook: &'a Runbook, example: &'a Example) -> Self {
        Self {
            live,
            rules,
            runbook,
            example,
        }
    }

    /// Who asks: the example's person, else the first of `people.toml` whom the policy lets.
    pub async fn asker(&self) -> Result<String, TrialError> {
        if let Some(person) = &self.example.person {
            return Ok(person.clone());
        }
        let everybody: Vec<String> = self.rules.people.persons().map(|it| it.name.clone()).collect();
        for person in &everybody {
            if self.play(person, None).await?.report.outcome != Outcome::Denied {
                return Ok(person.clone());
            }
        }
        Ok(everybody.into_iter().next().unwrap_or_default())
    }

    /// Plays the example through.
    pub async fn play(&self, person: &str, struck: Option<&Struck>) -> Result<Played, TrialError> {
        let written = self.script(person, struck);
        let script = Arc::new(written.script);
        let stage = Stage::new(self.live, &self.connections(), &script).await?;
        let mut notes = Vec::new();
        if !written.unanswered.is_empty() {
            notes.push(format!(
                "no [[example.answer]] for {}: shown as a dry run",
                written.unanswered.join(", ")
            ));
        }
        let ask = Ask::Run {
            runbook: self.runbook.name.clone(),
            words: self.example.words.clone(),
            dry: !written.unanswered.is_empty(),
        };
        let mut report = match stage.ask(person, ask).await? {
            Reply::Said(report) => *report,
            Reply::Run(run) => self.follow(&stage, &script, person, &run, &mut notes).await?,
        };
        if report.run.is_some() {
            report.run = Some(RUN.to_owned());
        }
        let sent = written.steps.into_iter().map(|step| (step.clone(), script.sent(&step)));
        Ok(Played {
            report,
            sent: sent.collect(),
            notes,
        })
    }

    /// From the stored run to where nobody but a person can go on.
    async fn follow(
        &self,
        stage: &Stage,
        script: &Script,
        person: &str,
        run: &str,
        notes: &mut Vec<String>,
    ) -> Result<Report, TrialError> {
        for _ in 0..TURNS {
            let live = stage.live(run).await?;
            let went_on = match live.state.standing() {
                Outcome::AwaitingApproval => self.approve(stage, &live, person, notes).await?,
                Outcome::Running => {
                    stage.drive(run, script).await?;
                    true
                }
                Outcome::NeedsPerson => self.tick(stage, &live, person, notes).await?,
                _ => false,
            };
            if !went_on {
                return self.report(stage, live, notes);
            }
        }
        Err(TrialError::Restless)
    }

    /// Somebody else says yes.
    async fn approve(
        &self,
        stage: &Stage,
        live: &Live,
        person: &str,
        notes: &mut Vec<String>,
    ) -> Result<bool, TrialError> {
        let asks = live.state.decision.as_ref().map_or("", |it| it.say.as_str()).to_owned();
        for other in self.rules.people.persons().filter(|it| it.name != person) {
            let ask = Ask::Approve {
                run: live.run.id.clone(),
                digest: Some(live.plan().digest.clone()),
            };
            if matches!(stage.ask(&other.name, ask).await?, Reply::Run(_)) {
                notes.push(format!("{} approves, by this test ({asks})", other.name));
                return Ok(true);
            }
        }
        notes.push("nobody of people.toml may approve this".to_owned());
        Ok(false)
    }

    /// A manual step is taken for done.
    async fn tick(
        &self,
        stage: &Stage,
        live: &Live,
        person: &str,
        notes: &mut Vec<String>,
    ) -> Result<bool, TrialError> {
        let step = live.state.unknown().and_then(|index| live.plan().steps.get(index));
        let Some(step) = step.filter(|step| step.manual.is_some()) else {
            return Ok(false);
        };
        let ask = Ask::Resolve {
            run: live.run.id.clone(),
            step: step.name.clone(),
            resolution: Resolution::Done,
            reason: "ticked by this test".to_owned(),
        };
        let ticked = matches!(stage.ask(person, ask).await?, Reply::Run(_));
        notes.push(format!(
            "{person} {} {}",
            if ticked { "ticks" } else { "may not tick" },
            step.name
        ));
        Ok(ticked)
    }

    /// Without the last reading of the signals, which would name a time of day.
    fn report(&self, stage: &Stage, mut live: Live, notes: &mut Vec<String>) -> Result<Report, TrialError> {
        let shape = Shape {
            soak: None,
            ..live.plan().shape()
        };
        let journal = live.run.journal.iter().map(|row| (row.at, row.epoch, &row.entry));
        live.state = RunState::fold(shape, journal)?;
        // Nor since when somebody is waited for.
        live.state.waits = None;
        if let Some(proof) = self.runbook.proof.as_ref().filter(|_| live.state.any_effect()) {
            let signals: Vec<&str> = proof.signals.iter().map(|it| it.signal.as_str()).collect();
            notes.push(format!(
                "a real run is then proved by {}, the last time after {}",
                signals.join(", "),
                duration::show(proof.soak)
            ));
        }
        Ok(stage.desk.report(&live))
    }
}

/// The bot as it stands for one trial.
struct Stage {
    desk: Arc<Desk>,
    engine: Engine,
}

impl Stage {
    async fn new(
        live: &Arc<LiveRules>,
        connections: &BTreeMap<String, String>,
        script: &Arc<Script>,
    ) -> Result<Self, StoreError> {
        let canned = |(name, kind): (&String, &String)| {
            let canned = Canned::new(name, kind, script.clone());
            (name.clone(), Connection::Canned(canned))
        };
        let connections = Arc::new(Connections::new(connections.iter().map(canned).collect()));
        let desk = Arc::new(Desk {
            rules: live.clone(),
            connections: connections.clone(),
            store: Store::in_memory().await?,
            suggestions: Arc::default(),
            announce: Vec::new(),
            bounds: Bounds::new(Limits::default()),
            // Its engine is told what to drive.
            handover: Arc::new(Handover::new("trial")),
        });
        let engine = Engine {
            desk: desk.clone(),
            sampler: Arc::new(Sampler::new(live.clone(), connections)),
            clock: Clock::leaping(),
            leaving: AtomicBool::new(false),
        };
        Ok(Self { desk, engine })
    }

    async fn ask(&self, person: &str, ask: Ask) -> Result<Reply, StoreError> {
        let account = Account::Picked {
            person: person.to_owned(),
        };
        let place = Place {
            surface: Surface::Cli,
            workspace: None,
            channel: None,
            thread: None,
        };
        let request = Request::new(account, place, ask);
        self.desk.store.request(&request, Timestamp::now()).await?;
        self.desk.handle(&request).await
    }

    async fn live(&self, run: &str) -> Result<Live, LedgerError> {
        Live::load(&self.desk.store, run).await
    }

    /// One process goes on with the run until it rests, or dies; the next one finds its claim run out.
    async fn drive(&self, run: &str, script: &Script) -> Result<(), LedgerError> {
        let later = Timestamp::now() + SignedDuration::from_hours(24 * 365);
        // A process takes nothing over from itself, and its successor is another one.
        let owner = uuid::Uuid::new_v4().to_string();
        let claimed = self.desk.store.claim_runs(&owner, later, later, 1, &[]).await?;
        let Some((_, epoch)) = claimed.into_iter().next() else {
            return Ok(());
        };
        tokio::select! {
            driven = self.engine.drive(run, epoch, None) => driven,
            () = script.death() => Ok(()),
        }
    }
}
