//! `signalbox test`: tries the examples of runbooks and prints what people would see.

use super::show;
use crate::app::{AppError, environment};
use crate::config::Config;
use crate::problem::Problem;
use crate::report::{Outcome, terminal, wrap::wrap};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use crate::runbook::example::{Example, ExampleFault, Expect};
use crate::runbook::fault::Fault;
use crate::runbook::{Runbook, StepOutcome};
use crate::trial::{Played, Struck, Trial};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of longer plans only the first steps are struck: the others are like them.
const STEPS: usize = 10;

/// What to try.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Runbooks; all unless named
    runbooks: Vec<String>,
    /// The folder of the runbooks, instead of the config's
    #[arg(long, value_name = "DIR")]
    commands: Option<PathBuf>,
    /// Strike a step with lost, late, unknown, unreachable, not-done, no-worker, killed or killed-before, and show
    /// the whole message; again for more
    #[arg(long = "fault", value_name = "STEP=FAULT", value_parser = wanted)]
    wanted: Vec<Wanted>,
    /// Without --fault: strike each step with each fault, or with none
    #[arg(long, value_name = "WHICH", default_value = "all")]
    faults: Which,
    /// Who asks; else the example's person, else the first whom the policy lets
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    All,
    None,
}

#[derive(Debug, Clone)]
struct Wanted {
    step: String,
    fault: Fault,
}

impl Wanted {
    /// `forward` means every `forward[...]`.
    fn means(&self, step: &str) -> bool {
        step == self.step || step.split('[').next() == Some(self.step.as_str())
    }
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let words: Vec<&str> = Fault::ALL.iter().map(|it| it.word()).collect();
    let wrong = || format!("write STEP=FAULT; a fault is one of {}", words.join(", "));
    let (step, fault) = text.split_once('=').ok_or_else(wrong)?;
    Ok(Wanted {
        step: step.to_owned(),
        fault: Fault::parse(fault).ok_or_else(wrong)?,
    })
}

/// Tries, prints, and gives the exit code.
pub(super) async fn test(path: &Path, options: Options) -> Result<u8, AppError> {
    let mut config = Config::load(path).map_err(AppError::Files)?;
    if let Some(commands) = &options.commands {
        config.files.commands.clone_from(commands);
        // What is suggested for alerts names the runbooks of the config's own folder.
        config.files.alerts = None;
    }
    // Nobody signs in here, and nothing outside is reached: whoever the test names is taken for that person.
    config.server.demo = true;
    let live = match Rules::load(&config) {
        Ok(mut rules) => {
            // What no connection is configured for is answered from cans like everything else.
            rules.catalog.take_all();
            Arc::new(LiveRules::new(rules, Timestamp::now()))
        }
        Err(problems) => return Ok(super::look::tell(&problems, false)),
    };
    let rules = live.now();
    let mut bench = Bench {
        folder: config.files.commands.clone(),
        tried: Vec::new(),
        problems: Vec::new(),
        struck: Vec::new(),
        out: std::io::stdout().is_terminal().into(),
    };
    for runbook in chosen(&rules, &options.runbooks)? {
        for example in &runbook.examples {
            bench.example((&live, &rules), runbook, example, &options).await?;
        }
        if runbook.examples.is_empty() {
            bench.problem(runbook, 0, "there is no [[example]]: nothing can be tried".to_owned());
        }
    }
    let mut seen = BTreeSet::new();
    bench.struck.retain(|step| seen.insert(step.clone()));
    for wanted in &options.wanted {
        if !bench.struck.iter().any(|step| wanted.means(step)) {
            return Err(AppError::Denied(format!(
                "--fault {}={}: no example has such a step to strike; there is: {}",
                wanted.step,
                wanted.fault.word(),
                bench.struck.join(", ")
            )));
        }
    }
    Ok(bench.conclude(options.json))
}

fn chosen<'r>(rules: &'r Rules, names: &[String]) -> Result<Vec<&'r Runbook>, AppError> {
    if names.is_empty() {
        return Ok(rules.catalog.runbooks().map(AsRef::as_ref).collect());
    }
    let one = |name: &String| {
        rules.catalog.get(name).map(AsRef::as_ref).ok_or_else(|| {
            let known = rules.catalog.runbooks().map(|it| it.name.as_str());
            AppError::Denied(format!(
                "there is no runbook {name}; {}",
                crate::nearest::way_out(name, known)
            ))
        })
    };
    names.iter().map(one).collect()
}

/// How it is shown.
struct Face {
    colour: bool,
    width: usize,
}

impl From<bool> for Face {
    fn from(terminal: bool) -> Self {
        Self {
            colour: terminal && environment("NO_COLOR").is_none(),
            width: if terminal { show::width() } else { 100 },
        }
    }
}

/// All trials, and what was found.
struct Bench {
    folder: PathBuf,
    tried: Vec<Value>,
    problems: Vec<Problem>,
    /// Every step that could be struck.
    struck: Vec<String>,
    out: Face,
}

impl Bench {
    async fn example(
        &mut self,
        (live, rules): (&Arc<LiveRules>, &Rules),
        runbook: &Runbook,
        example: &Example,
        options: &Options,
    ) -> Result<(), AppError> {
        let failed = |error: crate::trial::TrialError| {
            AppError::Other(format!("{}, example \"{}\": {error}", runbook.name, example.name))
        };
        let trial = Trial::new(live, rules, runbook, example);
        let person = match &options.person {
            Some(person) => person.clone(),
            None => trial.asker().await.map_err(failed)?,
        };
        let mut page = format!("{}: {}\n", runbook.name, example.name);
        let plain = trial.play(&person, None).await.map_err(failed)?;
        self.judge(runbook, example, &plain);
        self.note(runbook, example, &plain, None);
        if options.wanted.is_empty() {
            self.message(&mut page, &plain);
        }
        let answered = !plain.report.dry;
        for fault in self.faults(&trial, example, &person, options) {
            if !answered {
                if let Some(declared) = fault.declared {
                    let message = format!(
                        "the fault `{}` cannot be tried: a step of the example has no [[example.answer]]",
                        fault.struck.fault.word()
                    );
                    self.problem(runbook, declared.offset, message);
                }
                continue;
            }
            let played = trial.play(&person, Some(&fault.struck)).await.map_err(failed)?;
            self.judge_fault(runbook, example, &fault, &played);
            self.note(runbook, example, &played, Some(&fault.struck));
            let _ = writeln!(page, "\n{}", heading(&fault.struck, &played));
            if options.wanted.is_empty() {
                self.short(&mut page, &played);
            } else {
                self.message(&mut page, &played);
            }
        }
        let shown = options.wanted.is_empty() || page.lines().count() > 1;
        if !options.json && shown {
            super::line(&page);
        }
        Ok(())
    }

    /// What to strike in an example: what is asked for, and always what its file declares.
    fn faults<'e>(
        &mut self,
        trial: &Trial<'_>,
        example: &'e Example,
        person: &str,
        options: &Options,
    ) -> Vec<Wound<'e>> {
        let mut wounds: Vec<Wound<'e>> = example.faults.iter().map(Wound::declared).collect();
        for (index, (step, faults)) in trial.steps(person).into_iter().enumerate() {
            let asked = |fault: &Fault| match options.wanted.as_slice() {
                [] => options.faults == Which::All && index < STEPS,
                wanted => wanted.iter().any(|it| it.fault == *fault && it.means(&step)),
            };
            let asked: Vec<Fault> = faults.into_iter().filter(asked).collect();
            for fault in asked {
                let declared = |it: &Wound<'_>| it.struck.step == step && it.struck.fault == fault;
                if !wounds.iter().any(declared) {
                    wounds.push(Wound::of(&step, fault));
                }
            }
            self.struck.push(step);
        }
        if !options.wanted.is_empty() {
            wounds.retain(|it| {
                let asked = |wanted: &Wanted| wanted.fault == it.struck.fault && wanted.means(&it.struck.step);
                options.wanted.iter().any(asked)
            });
        }
        wounds
    }

    fn problem(&mut self, runbook: &Runbook, offset: usize, message: String) {
        let path = self.folder.join(format!("{}.toml", runbook.name));
        self.problems.push(Problem::at(path, &runbook.source, offset, message));
    }

    fn judge(&mut self, runbook: &Runbook, example: &Example, played: &Played) {
        let report = &played.report;
        let fits = match example.expect {
            Expect::Plan => !matches!(report.outcome, Outcome::Denied | Outcome::Refused | Outcome::Invalid),
            Expect::Refused => report.outcome == Outcome::Refused,
            Expect::Nothing => report.outcome == Outcome::NothingToDo,
        };
        if !fits {
            let message = format!(
                "the example \"{}\", asked by {}, is {}: {}",
                example.name,
                report.person,
                report.outcome.words(),
                report.say
            );
            self.problem(runbook, example.offset, message);
        }
        self.once(runbook, example, played, "");
    }

    fn judge_fault(&mut self, runbook: &Runbook, example: &Example, fault: &Wound<'_>, played: &Played) {
        let Struck { step, fault: is, .. } = &fault.struck;
        self.once(runbook, example, played, &format!(" when {step} is {}", is.word()));
        let Some(declared) = fault.declared else { return };
        let Some(line) = played.report.steps.iter().find(|line| line.name == *step) else {
            let message = format!("the example \"{}\" has no step `{step}` to strike", example.name);
            return self.problem(runbook, declared.offset, message);
        };
        if line.outcome != Some(declared.outcome) {
            let word = |outcome: StepOutcome| format!("{outcome:?}").to_lowercase();
            let came = line.outcome.map_or_else(|| "no end".to_owned(), word);
            let message = format!(
                "{step} struck by `{}` should come to {}, and it comes to {came}: {}",
                is.word(),
                word(declared.outcome),
                line.say
            );
            self.problem(runbook, declared.offset, message);
        }
        for text in declared.says.iter().filter(|text| !line.say.contains(text.as_str())) {
            let message = format!("should say \"{text}\", and it says: {}", line.say);
            self.problem(runbook, declared.offset, message);
        }
    }

    /// Whatever happens, nothing is sent twice.
    fn once(&mut self, runbook: &Runbook, example: &Example, played: &Played, when: &str) {
        for (step, times) in played.sent.iter().filter(|(_, times)| **times > 1) {
            let message = format!("the example \"{}\": {step} was sent {times} times{when}", example.name);
            self.problem(runbook, example.offset, message);
        }
    }

    fn note(&mut self, runbook: &Runbook, example: &Example, played: &Played, struck: Option<&Struck>) {
        let mut tried = show::json(&played.report);
        tried["runbook"] = json!(runbook.name);
        tried["example"] = json!(example.name);
        tried["run"] = Value::Null;
        tried["digest"] = Value::Null;
        tried["fault"] = json!(struck.map(|it| json!({ "step": it.step, "is": it.fault.word() })));
        tried["sent"] = json!(played.sent);
        tried["notes"] = json!(played.notes);
        tried["attention"] = json!(played.report.attention.as_ref().map(|it| it.say.clone()));
        self.tried.push(tried);
    }

    /// As people see it, whole.
    fn message(&self, page: &mut String, played: &Played) {
        for note in &played.notes {
            let _ = writeln!(page, "  ({})", terminal::shown(note));
        }
        let message = terminal::render(&played.report, self.out.colour, self.out.width);
        let _ = write!(page, "\n{message}");
    }

    /// Its sentence, and whose move it is.
    fn short(&self, page: &mut String, played: &Played) {
        let mut sentences = vec![terminal::shown(&played.report.say)];
        if let Some(attention) = &played.report.attention {
            let who = attention.groups.join(", ");
            sentences.push(terminal::shown(&format!("{who}: {}", attention.say)));
        }
        let presses: Vec<&str> = played.report.buttons.iter().map(|it| it.label.as_str()).collect();
        if !presses.is_empty() {
            sentences.push(terminal::shown(&format!("Buttons: {}", presses.join(", "))));
        }
        for line in sentences
            .iter()
            .flat_map(|it| wrap(it, self.out.width.saturating_sub(4)))
        {
            let _ = writeln!(page, "    {line}");
        }
    }

    fn conclude(mut self, as_json: bool) -> u8 {
        self.problems.sort();
        self.problems.dedup();
        let code = u8::from(!self.problems.is_empty());
        if as_json {
            let problems: Vec<String> = self.problems.iter().map(Problem::brief).collect();
            super::line(&json!({ "tried": self.tried, "problems": problems }).to_string());
            return code;
        }
        if code == 0 {
            let faults = self.tried.iter().filter(|it| !it["fault"].is_null()).count();
            super::line(&format!(
                "{} and {} tried: no problems, nothing sent twice.",
                counted(self.tried.len() - faults, "example"),
                counted(faults, "fault")
            ));
            return 0;
        }
        super::look::tell(&self.problems, false)
    }
}

fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// A fault to try, and what must come of it where the file says so.
struct Wound<'e> {
    struck: Struck,
    declared: Option<&'e ExampleFault>,
}

impl<'e> Wound<'e> {
    fn of(step: &str, fault: Fault) -> Self {
        Self {
            struck: Struck {
                step: step.to_owned(),
                fault,
                probe: None,
            },
            declared: None,
        }
    }

    fn declared(declared: &'e ExampleFault) -> Self {
        let struck = Struck {
            probe: declared.probe.clone(),
            ..Self::of(&declared.step, declared.is).struck
        };
        Self {
            struck,
            declared: Some(declared),
        }
    }
}

/// `  lost on forward[1042] (the call leaves, no answer comes): needs a person, sent once`
fn heading(struck: &Struck, played: &Played) -> String {
    let sent = match played.sent(&struck.step) {
        0 => "not sent".to_owned(),
        1 => "sent once".to_owned(),
        times => format!("SENT {times} TIMES"),
    };
    format!(
        "  {} on {} ({}): {}, {sent}",
        struck.fault.word(),
        struck.step,
        struck.fault.says(),
        played.report.outcome.words()
    )
}
