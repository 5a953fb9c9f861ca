//! What people read of one report of each kind.

use jiff::Timestamp;
use scraper::{ElementRef, Html, Selector};
use serde_json::json;
use signalbox::dispatch::answer::said;
use signalbox::platform::console::render::message::{Message, Offered, Subject, message};
use signalbox::report::verdict::Verdict;
use signalbox::report::{Button, Outcome, Press, Report, StepLine, Table, VerdictLine};
use signalbox::request::Resolution;
use signalbox::runbook::StepOutcome;

fn report(outcome: Outcome, say: &str) -> Report {
    Report {
        inputs: "order=1042".to_owned(),
        ..said("dana", "forward-order", outcome, say)
    }
}

fn button(press: Press, label: &str) -> Button {
    Button {
        press,
        label: label.to_owned(),
    }
}

fn step(outcome: Option<StepOutcome>, say: &str) -> StepLine {
    StepLine {
        name: "forward".to_owned(),
        outcome,
        begun: true,
        say: say.to_owned(),
    }
}

/// Line by line; what can be pressed stands in brackets, and what cannot in round ones.
fn seen(report: Report, why_not: Option<&str>) -> String {
    let run = Subject::Run {
        id: "7k2m9qx4ab".to_owned(),
        seq: 4,
    };
    let answer = Subject::Answer {
        request: "0198".to_owned(),
    };
    let offered = report.buttons.iter().map(|button| Offered {
        button: button.clone(),
        why_not: why_not.map(str::to_owned),
    });
    let shown = message(&Message {
        subject: if report.run.is_some() { run } else { answer },
        at: Timestamp::from_second(1_790_000_000).unwrap(),
        offered: offered.collect(),
        may_override: false,
        chart: report.verdict.as_ref().map(|_| "Chart of the signals.".to_owned()),
        switch_to: Vec::new(),
        can_run: report.dry,
        report,
    });
    let page = Html::parse_fragment(&shown.0);
    let lines = Selector::parse("header, p, li, tr, button, summary, legend, label, img").unwrap();
    page.select(&lines).map(line).collect::<Vec<_>>().join("\n")
}

fn line(element: ElementRef<'_>) -> String {
    let name = element.value().name();
    // Parts of a line that stand apart on the page without a blank between them.
    let apart = if matches!(name, "header" | "tr" | "li") {
        " "
    } else {
        ""
    };
    let text = element.text().collect::<Vec<_>>().join(apart);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match name {
        "button" | "summary" if element.attr("disabled").is_none() => format!("[{text}]"),
        "button" => format!("({text})"),
        "img" => format!("picture: {}", element.attr("alt").unwrap()),
        _ => text,
    }
}

fn waiting() -> Report {
    Report {
        run: Some("7k2m9qx4ab".to_owned()),
        plan: vec!["Send order 1042 to CJ.".to_owned()],
        warnings: vec!["The supplier answers slowly.".to_owned()],
        radius: vec![
            ("orders".to_owned(), "1".to_owned()),
            ("money".to_owned(), "USD 1200.00".to_owned()),
        ],
        buttons: vec![
            button(
                Press::Approve {
                    digest: "d1".to_owned(),
                },
                "Approve",
            ),
            button(Press::Deny, "Deny"),
        ],
        ..report(
            Outcome::AwaitingApproval,
            "Orders of more than USD 1000.00 need a second person.",
        )
    }
}

#[test]
fn a_plan_that_waits_for_ones_yes() {
    insta::assert_snapshot!(seen(waiting(), None), @"
    ◷ waits for approval /forward-order order=1042 dana · 09-21 14:13 UTC
    Orders of more than USD 1000.00 need a second person.
    ! Warning: The supplier answers slowly.
    Touches orders 1, USD 1200.00
    Send order 1042 to CJ.
    [Approve]
    The plan above starts at once, as dana asked for it: 1 step, orders 1, USD 1200.00.
    [Yes, approve and start]
    [Deny]
    ");
}

#[test]
fn a_plan_that_waits_for_somebody_else() {
    insta::assert_snapshot!(seen(waiting(), Some("Viewers may look and change nothing.")), @"
    ◷ waits for approval /forward-order order=1042 dana · 09-21 14:13 UTC
    Orders of more than USD 1000.00 need a second person.
    ! Warning: The supplier answers slowly.
    Touches orders 1, USD 1200.00
    Send order 1042 to CJ.
    (Approve)
    (Deny)
    Viewers may look and change nothing.
    ");
}

#[test]
fn a_run_that_succeeded() {
    let row = json!({ "order": 1042, "supplier_id": "CJ1", "note": null });
    let done = Report {
        run: Some("7k2m9qx4ab".to_owned()),
        steps: vec![step(Some(StepOutcome::Done), "CJ took it as CJ1.")],
        table: Some(Table {
            columns: vec!["order".to_owned(), "supplier_id".to_owned(), "note".to_owned()],
            rows: vec![row.as_object().unwrap().clone()],
        }),
        verdict: Some(VerdictLine {
            verdict: Verdict::Improved,
            say: "orders awaiting forwarding: 3 before, 2 after".to_owned(),
        }),
        history: vec!["lee approved at 14:02 UTC".to_owned()],
        ..report(Outcome::Succeeded, "Order 1042 is forwarded.")
    };
    insta::assert_snapshot!(seen(done, None), @r"
    ✓ succeeded /forward-order order=1042 dana · 09-21 14:13 UTC
    Order 1042 is forwarded.
    ✓ done forward CJ took it as CJ1.
    order supplier id note
    1042 CJ1 -
    ↗ improved: orders awaiting forwarding: 3 before, 2 after
    picture: Chart of the signals.
    lee approved at 14:02 UTC
    ");
}

#[test]
fn a_step_that_nobody_knows_of() {
    let unknown = Report {
        run: Some("7k2m9qx4ab".to_owned()),
        steps: vec![step(
            Some(StepOutcome::Unknown),
            "CJ did not answer; it may have the order.",
        )],
        buttons: vec![
            button(resolve(Resolution::Done), "It happened"),
            button(resolve(Resolution::NotDone), "It did not happen"),
            button(resolve(Resolution::Abandon), "Give up"),
        ],
        ..report(Outcome::NeedsPerson, "Look at CJ whether order 1042 is there.")
    };
    insta::assert_snapshot!(seen(unknown, None), @"
    ? needs a person /forward-order order=1042 dana · 09-21 14:13 UTC
    Look at CJ whether order 1042 is there.
    ? not known forward CJ did not answer; it may have the order.
    What became of the step?
    How do you know? It is written into the record.
    [It happened]
    [It did not happen]
    [Give up]
    “Give up” lets the locks go without knowing; later runs may then do the work twice.
    ");
}

fn resolve(resolution: Resolution) -> Press {
    Press::Resolve {
        step: "forward".to_owned(),
        resolution,
    }
}

#[test]
fn a_dry_run_and_a_refusal() {
    let dry = Report {
        dry: true,
        plan: vec!["Send order 1042 to CJ.".to_owned()],
        ..report(Outcome::Succeeded, "Nothing was done: this is what would be.")
    };
    insta::assert_snapshot!(seen(dry, None), @"
    ◇ dry run /forward-order order=1042 dana · 09-21 14:13 UTC only you see this
    Nothing was done: this is what would be.
    Send order 1042 to CJ.
    [Run it]
    ");
    let refused = report(Outcome::Refused, "Order 1042 is `shipped`, not paid.");
    insta::assert_snapshot!(seen(refused, None), @"
    ⊘ refused /forward-order order=1042 dana · 09-21 14:13 UTC only you see this
    Order 1042 is shipped, not paid.
    ");
}
