//! Reports for the tests of those who render them: whatever somebody could have typed, and more of it than fits.

pub(crate) mod known;

use super::alert::{AlertCard, AlertState};
use super::verdict::Verdict;
use super::{Attention, Button, Choice, Outcome, Press, Report, StepLine, Table, VerdictLine};
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use proptest::prelude::*;
use serde_json::Value;

fn text(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<!channel>".to_owned()),
        Just("<@U1>".to_owned()),
        Just("&lt;".to_owned()),
        Just("```".to_owned()),
        Just("\n".to_owned()),
        Just("\u{0}\u{202e}".to_owned()),
        Just(" ".to_owned()),
        Just("😀".repeat(60)),
        Just("\"\\<".repeat(60)),
        "\\PC{0,12}",
    ];
    proptest::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(vec![
        Outcome::Succeeded,
        Outcome::NothingToDo,
        Outcome::PartlyDone,
        Outcome::Failed,
        Outcome::Undone,
        Outcome::Stopped,
        Outcome::NeedsPerson,
        Outcome::AwaitingApproval,
        Outcome::Running,
        Outcome::Denied,
        Outcome::Refused,
        Outcome::Invalid,
    ])
}

fn steps() -> impl Strategy<Value = Vec<StepLine>> {
    let outcome = proptest::sample::select(vec![
        None,
        Some(StepOutcome::Done),
        Some(StepOutcome::Skipped),
        Some(StepOutcome::Failed),
        Some(StepOutcome::Unknown),
    ]);
    let one = (text(8), outcome, any::<bool>(), text(20));
    let one = one.prop_map(|(name, outcome, begun, say)| StepLine {
        name,
        outcome,
        begun,
        say,
    });
    proptest::collection::vec(one, 0..40)
}

fn buttons() -> impl Strategy<Value = Vec<Button>> {
    let press = prop_oneof![
        text(4).prop_map(|digest| Press::Approve { digest }),
        Just(Press::Deny),
        Just(Press::Stop),
        Just(Press::Undo),
        (0..9usize).prop_map(|index| Press::Offer { index }),
        Just(Press::Alert(crate::request::AlertAct::Acknowledge)),
        text(6).prop_map(|step| Press::Resolve {
            step,
            resolution: Resolution::Abandon
        }),
    ];
    let one = (press, text(12)).prop_map(|(press, label)| Button { press, label });
    proptest::collection::vec(one, 0..30)
}

fn choices() -> impl Strategy<Value = Choice> {
    proptest::collection::vec(text(12), 1..100).prop_map(|labels| Choice {
        alert: "alert0123456789abcdef".to_owned(),
        ways: labels
            .into_iter()
            .enumerate()
            .map(|(index, label)| {
                let person = format!("person-{index}");
                (crate::request::AlertAct::AssignTo { person }, label)
            })
            .collect(),
    })
}

fn tables() -> impl Strategy<Value = Table> {
    let row = proptest::collection::vec(text(10), 0..8);
    (
        proptest::collection::vec(text(3), 0..25),
        proptest::collection::vec(row, 0..40),
    )
        .prop_map(|(columns, rows)| {
            let rows = rows
                .into_iter()
                .map(|row| columns.iter().cloned().zip(row.into_iter().map(Value::from)).collect());
            Table {
                rows: rows.collect(),
                columns: columns.clone(),
            }
        })
}

/// Any card of alerts, however odd.
pub(crate) fn cards() -> impl Strategy<Value = AlertCard> {
    let state = proptest::sample::select(vec![AlertState::Firing, AlertState::Resolved, AlertState::Quiet]);
    let lines = || proptest::collection::vec(text(30), 0..40);
    let words = (text(10), text(40), text(60), text(40), text(20));
    (state, words, lines(), lines(), lines(), buttons()).prop_map(|(state, words, lines, notes, people, buttons)| {
        let (title, counts, say, labels, footer) = words;
        AlertCard {
            id: "alert0123456789abcdef".to_owned(),
            state,
            title,
            counts,
            say,
            labels,
            lines,
            notes,
            people,
            buttons,
            footer,
        }
    })
}

/// A report that says nothing but what it is of.
pub(crate) fn blank(run: &str, outcome: Outcome) -> Report {
    Report {
        run: Some(run.to_owned()),
        runbook: "forward-order".to_owned(),
        inputs: "order=1042".to_owned(),
        person: "dana".to_owned(),
        outcome,
        dry: false,
        say: String::new(),
        plan: Vec::new(),
        planned: Vec::new(),
        warnings: Vec::new(),
        radius: Vec::new(),
        steps: Vec::new(),
        table: None,
        verdict: None,
        buttons: Vec::new(),
        attention: None,
        choice: None,
        history: Vec::new(),
        digest: None,
        policies: Vec::new(),
        ruling: None,
    }
}

/// Any report, however odd.
pub(crate) fn reports() -> impl Strategy<Value = Report> {
    let lines = || proptest::collection::vec(text(30), 0..30);
    let words = (text(3), text(3), text(80), text(8), text(80));
    let lists = (
        lines(),
        lines(),
        proptest::collection::vec((text(4), text(4)), 0..20),
        steps(),
        lines(),
    );
    let rest = (
        proptest::option::of(tables()),
        proptest::option::of(text(40)),
        buttons(),
        proptest::option::of((proptest::collection::vec("[a-z]{1,4}|ops", 0..4), text(40))),
        proptest::option::of(choices()),
    );
    (outcomes(), any::<bool>(), words, lists, rest).prop_map(|(outcome, dry, words, lists, rest)| {
        let (run, runbook, inputs, person, say) = words;
        let (plan, warnings, radius, steps, history) = lists;
        let (table, verdict, buttons, attention, choice) = rest;
        Report {
            run: Some(run).filter(|run| !run.is_empty()),
            runbook,
            inputs,
            person,
            outcome,
            dry,
            say,
            plan,
            planned: Vec::new(),
            warnings,
            radius,
            steps,
            table,
            verdict: verdict.map(|say| VerdictLine {
                verdict: Verdict::Worse,
                say,
            }),
            buttons,
            attention: attention.map(|(groups, say)| Attention { groups, say }),
            choice,
            history,
            digest: Some("d".repeat(64)),
            policies: Vec::new(),
            ruling: None,
        }
    })
}

/// Any number of words of which no two are alike and that mean nothing anywhere, so that each can be looked for.
fn words(tag: &'static str, most: usize) -> impl Strategy<Value = String> {
    (0..most).prop_map(move |count| {
        let words: Vec<String> = (0..count).map(|at| format!("{tag}{at}x")).collect();
        words.join(" ")
    })
}

/// Reports of plain words, from short ones to such as no message has room for; and what they say, word by word.
pub(crate) fn worded() -> impl Strategy<Value = (Report, Vec<String>)> {
    let list = |tag: &'static str| {
        (0..60usize, 1..60usize).prop_map(move |(lines, length)| {
            let line = |at: usize| (0..length).map(move |word| format!("{tag}{at}x{word}x"));
            let lines = (0..lines).map(|at| line(at).collect::<Vec<_>>().join(" "));
            lines.collect::<Vec<String>>()
        })
    };
    let texts = (
        words("inputs", 200),
        words("say", 900),
        words("proof", 200),
        words("ask", 300),
    );
    let lists = (list("note"), list("plan"), list("past"), list("step"), list("size"));
    (texts, lists, (0..12usize, 0..300usize, 1..60usize), outcomes()).prop_map(|(texts, lists, sizes, outcome)| {
        let ((inputs, say, proof, ask), (warnings, plan, history, steps, radius)) = (texts, lists);
        let (columns, rows, cell) = sizes;
        let columns: Vec<String> = (0..columns).map(|at| format!("column{at}x")).collect();
        let row = |at: usize| {
            let cells = columns.iter().enumerate();
            let cells =
                cells.map(|(nth, name)| (name.clone(), Value::from(format!("c{at}r{nth}{}x", "c".repeat(cell)))));
            cells.collect()
        };
        let rows = (0..rows).map(row).collect();
        let steps = steps.into_iter().enumerate().map(|(at, say)| StepLine {
            name: format!("name{at}x"),
            outcome: Some(StepOutcome::Done),
            begun: true,
            say,
        });
        let report = Report {
            inputs,
            say,
            plan,
            planned: Vec::new(),
            warnings,
            history,
            steps: steps.collect(),
            radius: radius.into_iter().map(|line| ("much".to_owned(), line)).collect(),
            table: Some(Table { columns, rows }).filter(|table| !table.columns.is_empty()),
            verdict: Some(VerdictLine {
                verdict: Verdict::NoChange,
                say: proof,
            }),
            attention: Some(Attention {
                groups: vec!["ops".to_owned()],
                say: ask,
            }),
            ..blank("7k2m9qx4ab", outcome)
        };
        let said = said_in(&report);
        (report, said)
    })
}

/// Every word that a report says somewhere; of plan and steps those that are shown.
fn said_in(report: &Report) -> Vec<String> {
    let mut texts: Vec<&str> = vec![&report.inputs, &report.say];
    texts.extend(report.warnings.iter().map(String::as_str));
    if report.steps.is_empty() {
        texts.extend(report.plan.iter().map(String::as_str));
    }
    texts.extend(
        report
            .steps
            .iter()
            .flat_map(|step| [step.name.as_str(), step.say.as_str()]),
    );
    texts.extend(report.radius.iter().map(|(_, much)| much.as_str()));
    texts.extend(report.verdict.iter().map(|verdict| verdict.say.as_str()));
    texts.extend(report.attention.iter().map(|attention| attention.say.as_str()));
    texts.extend(report.history.iter().map(String::as_str));
    for table in report.table.iter().filter(|table| !table.rows.is_empty()) {
        texts.extend(table.columns.iter().map(String::as_str));
        texts.extend(table.rows.iter().flat_map(|row| row.values()).filter_map(Value::as_str));
    }
    let words = texts.into_iter().flat_map(str::split_whitespace);
    words.map(str::to_owned).collect()
}
