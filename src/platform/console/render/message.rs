//! One run, or one answer, as a message.

use super::{moment, said, shown, state, word};
use crate::platform::console::receive;
use crate::report::cell::{Side, cell};
use crate::report::verdict::Verdict;
use crate::report::{Button, Outcome, Press, Report, StepLine, Table};
use crate::runbook::StepOutcome;
use jiff::Timestamp;
use maud::{Markup, html};

/// Rows of a table in a message; the run's page has more.
const ROWS: usize = 12;

/// Rows of a table on a page.
const ALL_ROWS: usize = 500;

/// Characters of one cell in a message; the run's page has it whole.
const CELL: usize = 200;

/// Steps of a message that are not worth a word are folded away beyond this many.
const STEPS: usize = 12;

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A run.
    Run {
        /// Its id.
        id: String,
        /// Its journal's length: a later one is newer.
        seq: i64,
    },
    /// A request that became no run.
    Answer {
        /// The request.
        request: String,
    },
}

/// A button as one person sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// The button.
    pub button: Button,
    /// Why this person may not press it.
    pub why_not: Option<String>,
}

/// A message as one person sees it.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it is about.
    pub subject: Subject,
    /// What it says.
    pub report: Report,
    /// When it began.
    pub at: Timestamp,
    /// What can be pressed.
    pub offered: Vec<Offered>,
    /// Whether this person may start it without its approval.
    pub may_override: bool,
    /// The chart in words, where there is one.
    pub chart: Option<String>,
    /// In demo mode: who could say the yes that is waited for.
    pub switch_to: Vec<String>,
    /// Whether the dry run can be run from here.
    pub can_run: bool,
}

impl Message {
    fn key(&self) -> String {
        match &self.subject {
            Subject::Run { id, .. } => format!("run-{id}"),
            Subject::Answer { request } => format!("answer-{request}"),
        }
    }
}

/// The message in the channel.
pub fn message(message: &Message) -> Markup {
    let report = &message.report;
    let (key, seq) = (
        message.key(),
        match &message.subject {
            Subject::Run { seq, .. } => *seq,
            Subject::Answer { .. } => 0,
        },
    );
    html! {
        article.message #(key) aria-labelledby={ (key) "-head" } data-at=(message.at.as_microsecond()) data-seq=(seq)
            data-outcome=(word(report.outcome)) {
            header {
                (state(report.outcome, report.dry))
                h2 #{ (key) "-head" } {
                    @if let Subject::Run { id, .. } = &message.subject {
                        a href={ "/runs/" (id) } { (title(report)) }
                    } @else {
                        (title(report))
                    }
                }
                span.by { (shown(&report.person)) " · " (moment(message.at)) }
                @if matches!(message.subject, Subject::Answer { .. }) {
                    span.only { "only you see this" }
                }
            }
            @match message.subject {
                Subject::Run { .. } => (body(message, Extent::Few)),
                // It has no page of its own.
                Subject::Answer { .. } => (body(message, Extent::Whole)),
            }
        }
    }
}

/// How much of a table is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Few,
    Whole,
}

fn title(report: &Report) -> String {
    let command = if report.runbook.is_empty() {
        "/".to_owned()
    } else {
        format!("/{}", report.runbook)
    };
    shown(format!("{command} {}", report.inputs).trim_end())
}

/// Everything below the heading, with every row.
pub fn whole(message: &Message) -> Markup {
    body(message, Extent::Whole)
}

fn body(message: &Message, extent: Extent) -> Markup {
    let report = &message.report;
    html! {
        @if !report.say.is_empty() { p.say { (said(&report.say)) } }
        @for warning in &report.warnings {
            p.warning { span.mark aria-hidden="true" { "!" } " " strong { "Warning: " } (shown(warning)) }
        }
        @if !report.radius.is_empty() {
            p.radius { "Touches "
                @for (index, (name, value)) in report.radius.iter().enumerate() {
                    @if index > 0 { ", " }
                    @if name != "money" { (shown(name)) " " } strong { (shown(value)) }
                }
            }
        }
        @if let Some(attention) = &report.attention {
            p.asked {
                @if !attention.groups.is_empty() { strong { (shown(&attention.groups.join(", "))) ": " } }
                (shown(&attention.say))
            }
        }
        (plan(&report.plan, &format!("{}:plan", message.key())))
        (steps(report, &message.key()))
        @if let Some(table) = &report.table { (self::table(table, extent, &message.subject)) }
        @if let Some(verdict) = &report.verdict {
            p class={ "verdict " (verdict_mood(verdict.verdict)) } {
                span.mark aria-hidden="true" { (verdict_mark(verdict.verdict)) } " "
                strong { (verdict.verdict.words()) } ": " (shown(&verdict.say))
            }
        }
        (chart(message))
        @if !report.history.is_empty() {
            ul.history { @for line in &report.history { li { (shown(line)) } } }
        }
        (buttons(message))
    }
}

/// The planned steps; of many the later ones are folded away.
pub(super) fn plan(plan: &[String], key: &str) -> Markup {
    html! {
        @if !plan.is_empty() {
            ol.plan aria-label="Plan" {
                @for line in plan.iter().take(STEPS) { li { (shown(line)) } }
            }
            @if plan.len() > STEPS {
                details data-key=(key) {
                    summary { (plan.len() - STEPS) " more steps" }
                    ol.plan start=(STEPS + 1) { @for line in &plan[STEPS..] { li { (shown(line)) } } }
                }
            }
        }
    }
}

fn steps(report: &Report, key: &str) -> Markup {
    let steps = &report.steps;
    let step = |one: &StepLine| self::step(one, report.say.contains(&one.say));
    html! {
        @if !steps.is_empty() {
            ol.steps aria-label="Steps" { @for one in steps.iter().take(STEPS) { (step(one)) } }
            @if steps.len() > STEPS {
                @let begun = steps[STEPS..].iter().filter(|step| step.begun).count();
                @let ended = steps[STEPS..].iter().filter(|step| step.outcome.is_some()).count();
                @let quiet = steps[STEPS..].iter().all(|step| matches!(step.outcome, None | Some(StepOutcome::Done | StepOutcome::Skipped)));
                details open[!quiet] data-key={ (key) ":steps" } {
                    summary {
                        (steps.len() - STEPS) " more steps"
                        @if begun > 0 { ", " (ended) " of them ended" }
                    }
                    ol.steps { @for one in &steps[STEPS..] { (step(one)) } }
                }
            }
        }
    }
}

/// A sentence that stands above already is not said twice.
fn step(step: &StepLine, told: bool) -> Markup {
    let (mark, word, mood) = match (step.outcome, step.begun) {
        (Some(StepOutcome::Done), _) => ("✓", "done", "good"),
        (Some(StepOutcome::Skipped), _) => ("–", "skipped", "calm"),
        (Some(StepOutcome::Failed), _) => ("✕", "failed", "bad"),
        (Some(StepOutcome::Unknown), _) => ("?", "not known", "wait"),
        (None, true) => ("▸", "under way", "busy"),
        (None, false) => ("·", "not begun", "calm"),
    };
    html! {
        li {
            span class={ "state " (mood) } { span.mark aria-hidden="true" { (mark) } " " (word) }
            code { (shown(&step.name)) }
            @if !told { span.what { (said(&step.say)) } }
        }
    }
}

fn verdict_mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "↗",
        Verdict::NoChange => "→",
        Verdict::Worse => "↘",
        Verdict::NoData => "∅",
    }
}

fn verdict_mood(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "good",
        Verdict::Worse => "bad",
        Verdict::NoChange | Verdict::NoData => "calm",
    }
}

fn chart(message: &Message) -> Markup {
    html! {
        @if let (Some(alt), Subject::Run { id, seq }) = (&message.chart, &message.subject) {
            picture.chart {
                source srcset={ "/runs/" (id) "/chart.png?theme=dark&seq=" (seq) } media="(prefers-color-scheme: dark)";
                img src={ "/runs/" (id) "/chart.png?seq=" (seq) } alt=(shown(alt)) loading="lazy";
            }
        }
    }
}

fn table(table: &Table, extent: Extent, subject: &Subject) -> Markup {
    let (rows, longest) = match extent {
        Extent::Few => (ROWS, CELL),
        Extent::Whole => (ALL_ROWS, usize::MAX),
    };
    let shown_rows = || table.rows.iter().take(rows);
    let sides: Vec<Side> = table.columns.iter().map(|column| Side::of(column, table)).collect();
    let number = |at: usize| (sides[at] == Side::Right).then_some("number");
    let is_cut = shown_rows().any(|row| {
        let mut cells = table.columns.iter().map(|column| cell(row.get(column)));
        cells.any(|cell| cell.chars().count() > longest)
    });
    html! {
        @if !table.rows.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Result" {
                table {
                    thead { tr { @for (at, column) in table.columns.iter().enumerate() {
                        th scope="col" class=[number(at)] { (shown(&column.replace('_', " "))) }
                    } } }
                    tbody {
                        @for row in shown_rows() {
                            tr { @for (at, column) in table.columns.iter().enumerate() {
                                td class=[number(at)] { (shown(&first(&cell(row.get(column)), longest))) }
                            } }
                        }
                    }
                }
            }
            @if table.rows.len() > rows || is_cut {
                p.more {
                    @if table.rows.len() > rows { (table.rows.len() - rows) " more rows" }
                    @if table.rows.len() > rows && is_cut { ", and the rest of " }
                    @else if is_cut { "The rest of " }
                    @if is_cut { "what ends in …" }
                    @match (subject, extent) {
                        (Subject::Run { id, .. }, Extent::Few) => { " on " a href={ "/runs/" (id) } { "the run's page" } "." },
                        (Subject::Run { id, .. }, Extent::Whole) => { ": " code { "signalbox show " (id) } " gives all." },
                        (Subject::Answer { .. }, _) => "; a page has no room for them.",
                    }
                }
            }
        }
    }
}

/// The beginning of a text, with dots where it goes on.
fn first(text: &str, longest: usize) -> String {
    let cut: String = text.chars().take(longest).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut}{dots}")
}

fn buttons(message: &Message) -> Markup {
    let report = &message.report;
    let run = match &message.subject {
        Subject::Run { id, .. } => id,
        Subject::Answer { request } => return html! { (run_it(message, request)) (choice(report)) },
    };
    let resolving = message
        .offered
        .iter()
        .any(|offered| matches!(offered.button.press, Press::Resolve { .. }));
    // A sentence that keeps somebody from several buttons is said once.
    let mut reasons: Vec<&str> = Vec::new();
    for offered in &message.offered {
        if let Some(why) = offered.why_not.as_deref().filter(|why| !reasons.contains(why)) {
            reasons.push(why);
        }
    }
    html! {
        @if !message.offered.is_empty() {
            div.buttons role="group" aria-label="What can be done" {
                @if resolving { (resolve(message, run)) } @else {
                    @for (index, offered) in message.offered.iter().enumerate() { (button(report, run, index, offered)) }
                    @if message.may_override { (override_button(run)) }
                }
            }
        }
        @for why in reasons { p.why { (shown(why)) } }
        @for person in &message.switch_to {
            p.switch {
                "A second person has to say yes. "
                button form="press" formaction="/pick" name="person" value=(person) { "Switch to " (shown(person)) }
            }
        }
        @if report.outcome == Outcome::Running && message.offered.is_empty() {
            p.why { "No further step will begin." }
        }
    }
}

fn address(run: &str) -> String {
    format!("/runs/{run}/press")
}

fn button(report: &Report, run: &str, index: usize, offered: &Offered) -> Markup {
    let (press, label) = (&offered.button.press, shown(&offered.button.label));
    let value = receive::value(press);
    let send = |label: &str, class: &str| {
        html! { button class=(class) form="press" formaction=(address(run)) name="press" value=(value) { (label) } }
    };
    let confirm = |class: &str, say: Markup, yes: &str| {
        html! {
            details.confirm data-key=(format!("{run}:{index}")) {
                summary class={ "button " (class) } { (label) }
                div.sheet { p { (say) } (send(yes, class)) }
            }
        }
    };
    if offered.why_not.is_some() {
        return html! { button disabled { (label) } };
    }
    match press {
        Press::Approve { .. } => confirm(
            "primary",
            html! {
                "The plan above starts at once, as " strong { (shown(&report.person)) } " asked for it: "
                (report.plan.len()) @if report.plan.len() == 1 { " step" } @else { " steps" }
                @for (name, value) in &report.radius { ", " @if name != "money" { (shown(name)) " " } (shown(value)) }
                "."
            },
            "Yes, approve and start",
        ),
        Press::Undo => confirm(
            "",
            html! { "What the steps above have done is undone, the last one first." },
            "Yes, undo",
        ),
        Press::Offer { .. } | Press::Alert(_) => confirm(
            "",
            html! { "This is asked for in your name. It starts at once unless it needs a second person." },
            "Yes, ask for it",
        ),
        Press::Deny | Press::Stop | Press::Resolve { .. } => send(&label, ""),
    }
}

fn resolve(message: &Message, run: &str) -> Markup {
    let open = message.offered.iter().any(|offered| offered.why_not.is_none());
    html! {
        @if open {
            fieldset.resolve {
                legend { "What became of the step?" }
                label {
                    "How do you know? It is written into the record. "
                    input form="press" name={ "reason." (run) } maxlength="500" autocomplete="off" data-reason=(run)
                        data-missing="Say how you know; it is written into the record.";
                }
                @for offered in &message.offered {
                    button form="press" formaction=(address(run)) name="press" value=(receive::value(&offered.button.press))
                        data-needs=(run) disabled[offered.why_not.is_some()] { (shown(&offered.button.label)) }
                }
                p.hint { "“Give up” lets the locks go without knowing; later runs may then do the work twice." }
            }
        } @else {
            @for offered in &message.offered { button disabled { (shown(&offered.button.label)) } }
        }
    }
}

fn override_button(run: &str) -> Markup {
    html! {
        details.confirm data-key=(format!("{run}:override")) {
            summary.button { "Start without approval" }
            div.sheet {
                p { "The plan above starts at once on your word alone. It is posted loudly and reviewed later." }
                label { "Why? "
                    input form="press" name={ "reason." (run) } maxlength="500" autocomplete="off" data-reason=(run)
                        data-missing="Say why; it is written into the record.";
                }
                button.danger form="press" formaction=(address(run)) name="press" value=(receive::OVERRIDE) data-needs=(run) {
                    "Yes, start alone"
                }
            }
        }
    }
}

/// What whoever asked is to choose from.
fn choice(report: &Report) -> Markup {
    html! {
        @if let Some(choice) = &report.choice {
            div.buttons data-choice role="group" aria-label="What can be chosen" {
                @for (act, label) in &choice.ways {
                    button form="press" formaction={ "/alerts/" (choice.alert) "/press" } name="press"
                        value=(receive::value(&Press::Alert(act.clone()))) { (shown(label)) }
                }
            }
        }
    }
}

/// A dry run can be run from its own message.
fn run_it(message: &Message, request: &str) -> Markup {
    html! {
        @if message.can_run {
            div.buttons {
                button.primary form="press" formaction={ "/asked/" (request) "/run" } name="press" value="run" { "Run it" }
            }
        }
    }
}
