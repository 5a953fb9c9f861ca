//! Reports as the bot makes them, one of each kind that people meet. Every surface renders the same ones.

use super::super::verdict::Verdict;
use super::super::{Attention, Button, Outcome, Press, Report, StepLine, Table, VerdictLine};
use super::blank;
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use serde_json::{Value, json};

const RUN: &str = "7k2m9qx4ab";

fn report(outcome: Outcome) -> Report {
    blank(RUN, outcome)
}

/// A step's line.
pub(crate) fn step(name: &str, outcome: Option<StepOutcome>, begun: bool, say: &str) -> StepLine {
    StepLine {
        name: name.to_owned(),
        outcome,
        begun,
        say: say.to_owned(),
    }
}

/// A button.
pub(crate) fn button(press: Press, label: &str) -> Button {
    Button {
        press,
        label: label.to_owned(),
    }
}

/// The three answers about a step of which nobody knows.
pub(crate) fn resolve_buttons(step: &str) -> Vec<Button> {
    let answers = [
        (Resolution::Done, "It happened"),
        (Resolution::NotDone, "It did not happen"),
        (Resolution::Abandon, "Give up"),
    ];
    let answers = answers.map(|(resolution, label)| {
        let step = step.to_owned();
        button(Press::Resolve { step, resolution }, label)
    });
    answers.into()
}

/// Rows from a list of objects.
pub(crate) fn table(columns: &[&str], rows: Value) -> Table {
    let Value::Array(rows) = rows else {
        panic!("no list: {rows}")
    };
    let rows = rows.into_iter().map(|row| match row {
        Value::Object(row) => row,
        other => panic!("no row: {other}"),
    });
    Table {
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        rows: rows.collect(),
    }
}

/// A plan that a second person has to look at.
pub(crate) fn waiting() -> Report {
    let digest = "9c1d".repeat(16);
    Report {
        inputs: "order=1052,1053".to_owned(),
        say: "Orders of more than USD 1000.00 need a second person.".to_owned(),
        plan: vec![
            "Send order 1052 (USD 1,240.00) to CJ.".to_owned(),
            "Send order 1053 (USD 84.50) to AliExpress.".to_owned(),
        ],
        warnings: vec!["Order 1053 is 3 days old.".to_owned()],
        radius: vec![
            ("money".to_owned(), "USD 1,324.50".to_owned()),
            ("orders".to_owned(), "2".to_owned()),
        ],
        buttons: vec![
            button(Press::Approve { digest: digest.clone() }, "Approve"),
            button(Press::Deny, "Deny"),
        ],
        attention: Some(Attention {
            groups: vec!["ops".to_owned(), "sales".to_owned()],
            say: "A second person's yes is asked for forward-order.".to_owned(),
        }),
        digest: Some(digest),
        policies: vec!["big-orders".to_owned()],
        ..report(Outcome::AwaitingApproval)
    }
}

/// One step is done, one is under way, one is to come.
pub(crate) fn running() -> Report {
    Report {
        say: "Step 2 of 3 is under way: Send order 1042 to CJ.".to_owned(),
        steps: vec![
            step("check", Some(StepOutcome::Done), true, "The order is paid."),
            step("send[1042]", None, true, "Send order 1042 to CJ."),
            step("confirm", None, false, "Look whether CJ has it."),
        ],
        buttons: vec![button(Press::Stop, "Stop")],
        history: vec!["lee approved (Slack)".to_owned()],
        ..report(Outcome::Running)
    }
}

/// Done and proved, with rows of which one is not ASCII, and with something to do next.
pub(crate) fn succeeded() -> Report {
    Report {
        say: "Order 1042 is forwarded: its row shows CJ: CJORD-1001.".to_owned(),
        steps: vec![
            step(
                "send[1042]",
                Some(StepOutcome::Done),
                true,
                "Order 1042 is forwarded: its row shows CJ: CJORD-1001.",
            ),
            step("mail", Some(StepOutcome::Skipped), false, "Nobody asked for it."),
        ],
        table: Some(table(
            &["order", "supplier", "total", "paid"],
            json!([
                {"order": 1042, "supplier": "CJ", "total": 84.5, "paid": true, "card": "is not among the columns"},
                {"order": 7, "supplier": "全球速卖通", "total": null, "paid": false},
                {"order": 1044, "supplier": "", "total": 1240, "paid": null},
            ]),
        )),
        verdict: Some(VerdictLine {
            verdict: Verdict::Improved,
            say: "orders awaiting forwarding 12 -> 11".to_owned(),
        }),
        buttons: vec![button(Press::Offer { index: 0 }, "Tell the customer")],
        history: ["lee approved (Slack)", "Started", "Ended", "mia was told"]
            .map(str::to_owned)
            .to_vec(),
        ..report(Outcome::Succeeded)
    }
}

/// Half of it; the rest can be undone.
pub(crate) fn partly_done() -> Report {
    Report {
        inputs: "order=1042,1043".to_owned(),
        say: "1 done, 1 failed of 2 steps. CJ has no stock for order 1043.".to_owned(),
        steps: vec![
            step("send[1042]", Some(StepOutcome::Done), true, "Order 1042 is forwarded."),
            step(
                "send[1043]",
                Some(StepOutcome::Failed),
                true,
                "CJ has no stock for order 1043.",
            ),
        ],
        verdict: Some(VerdictLine {
            verdict: Verdict::NoData,
            say: "orders awaiting forwarding has no samples since 14:02 UTC".to_owned(),
        }),
        buttons: vec![button(Press::Undo, "Undo what is done")],
        ..report(Outcome::PartlyDone)
    }
}

/// Nobody knows what became of the step.
pub(crate) fn needs_person() -> Report {
    Report {
        say: "It is not known whether order 1042 was sent: no answer came within 2m.".to_owned(),
        steps: vec![step(
            "send[1042]",
            Some(StepOutcome::Unknown),
            true,
            "No answer came within 2m.",
        )],
        buttons: resolve_buttons("send[1042]"),
        attention: Some(Attention {
            groups: vec!["ops".to_owned()],
            say: "Somebody must say what became of a step. Locked meanwhile: order:1042.".to_owned(),
        }),
        ..report(Outcome::NeedsPerson)
    }
}

/// The policy says no.
pub(crate) fn denied() -> Report {
    Report {
        run: None,
        person: "vic".to_owned(),
        say: "Viewers may look, not change.".to_owned(),
        policies: vec!["viewers-only-read".to_owned()],
        ..report(Outcome::Denied)
    }
}

/// The runbook says no.
pub(crate) fn refused() -> Report {
    Report {
        run: None,
        inputs: "order=1049".to_owned(),
        say: "Order 1049 is processing, not paid.".to_owned(),
        ..report(Outcome::Refused)
    }
}

/// The request makes no sense.
pub(crate) fn invalid() -> Report {
    Report {
        run: None,
        inputs: String::new(),
        say: "order: `ten` is no whole number. Type it like `1042`.\nnote: there is no such input.".to_owned(),
        ..report(Outcome::Invalid)
    }
}

/// What would happen.
pub(crate) fn dry() -> Report {
    Report {
        run: None,
        dry: true,
        attention: None,
        buttons: Vec::new(),
        ..waiting()
    }
}

/// Written by somebody who wants to be obeyed.
pub(crate) fn hostile() -> Report {
    let evil = "<!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \
                \u{1b}[31mred\u{202e}txt";
    Report {
        inputs: format!("note={evil}"),
        say: evil.to_owned(),
        plan: vec![evil.to_owned()],
        warnings: vec![evil.to_owned()],
        radius: vec![(evil.to_owned(), "1".to_owned())],
        table: Some(table(&["a`b"], json!([{"a`b": "```<b>\u{1b}[2J\u{202e}```"}]))),
        history: vec![evil.to_owned()],
        ..report(Outcome::AwaitingApproval)
    }
}

/// Many more rows and steps than a message has room for.
pub(crate) fn long() -> Report {
    let steps = (0..300).map(|at| {
        let outcome = if at == 40 {
            StepOutcome::Failed
        } else {
            StepOutcome::Done
        };
        step(&format!("send[{at}]"), Some(outcome), true, &format!("said{at}"))
    });
    let rows = (0..400).map(|at| json!({"order": 1000 + at, "customer": format!("customer{at}")}));
    Report {
        inputs: format!("note={}", "word ".repeat(400).trim_end()),
        say: format!("Much is said: {}the end.", "and more ".repeat(500)),
        steps: steps.collect(),
        table: Some(table(&["order", "customer"], rows.collect())),
        ..report(Outcome::PartlyDone)
    }
}

/// All of them, each with its name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("waiting", waiting()),
        ("running", running()),
        ("succeeded", succeeded()),
        ("partly done", partly_done()),
        ("needs a person", needs_person()),
        ("denied", denied()),
        ("refused", refused()),
        ("invalid", invalid()),
        ("dry", dry()),
        ("hostile", hostile()),
        ("long", long()),
    ]
}
