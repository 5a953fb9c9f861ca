use super::*;
use crate::report::samples::blank;
use crate::report::{Attention, Button, VerdictLine};
use serde_json::json;

fn report(outcome: Outcome) -> Report {
    blank("7f3a", outcome)
}

fn step(name: &str, outcome: Option<StepOutcome>, begun: bool, say: &str) -> StepLine {
    StepLine {
        name: name.to_owned(),
        outcome,
        begun,
        say: say.to_owned(),
    }
}

fn table(rows: Value) -> Table {
    let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_value(rows).expect("rows");
    Table {
        columns: ["order", "supplier", "total"].map(str::to_owned).to_vec(),
        rows,
    }
}

#[test]
fn a_run_that_succeeded() {
    let report = Report {
        say: "Order 1042 was forwarded: CJ took it as CJORD-2, which the shop's database shows under the order."
            .to_owned(),
        warnings: vec!["The order has an item without a supplier; nobody forwards that.".to_owned()],
        steps: vec![
            step(
                "send",
                Some(StepOutcome::Done),
                true,
                "CJ took the order as CJORD-2 after one retry of the task by its own worker.",
            ),
            step("notify", Some(StepOutcome::Skipped), true, "Nobody asked for it."),
        ],
        table: Some(table(json!([
            {"order": 1042, "supplier": "CJ", "total": 84.5, "card": "not in the columns"},
            {"order": 7, "supplier": "AliExpress", "total": null},
        ]))),
        verdict: Some(VerdictLine {
            verdict: Verdict::Improved,
            say: "orders awaiting forwarding 12 -> 11 orders".to_owned(),
        }),
        ..report(Outcome::Succeeded)
    };
    insta::assert_snapshot!(render(&report, false, 72), @"
    succeeded  /forward-order order=1042  by dana  run 7f3a
    Order 1042 was forwarded: CJ took it as CJORD-2, which the shop's
    database shows under the order.
    warning: The order has an item without a supplier; nobody forwards that.

      done     send    CJ took the order as CJORD-2 after one retry of the
                       task by its own worker.
      skipped  notify  Nobody asked for it.

    order  supplier    total
     1042  CJ           84.5
        7  AliExpress      -

    improved: orders awaiting forwarding 12 -> 11 orders
    ");
}

#[test]
fn a_plan_that_waits_for_a_second_person() {
    let report = Report {
        say: "This forwards 3 orders.".to_owned(),
        plan: vec![
            "send the task for order 1042".to_owned(),
            "send the task for order 1043".to_owned(),
        ],
        radius: vec![
            ("orders".to_owned(), "3".to_owned()),
            ("money".to_owned(), "USD 84.50".to_owned()),
        ],
        digest: Some("9c1d".to_owned()),
        policies: Vec::new(),
        attention: Some(Attention {
            groups: vec!["ops".to_owned()],
            say: "one more yes is needed".to_owned(),
        }),
        buttons: vec![
            Button {
                press: Press::Approve {
                    digest: "9c1d".to_owned(),
                },
                label: "Approve".to_owned(),
            },
            Button {
                press: Press::Deny,
                label: "Deny".to_owned(),
            },
        ],
        ..report(Outcome::AwaitingApproval)
    };
    insta::assert_snapshot!(render(&report, false, 72), @"
    waits for approval  /forward-order order=1042  by dana  run 7f3a
    This forwards 3 orders.

    plan:
      - send the task for order 1042
      - send the task for order 1043
    touches: orders 3, money USD 84.50
    digest: 9c1d

    ops: one more yes is needed
      Approve: signalbox approve 7f3a
      Deny: signalbox deny 7f3a
    ");
}

#[test]
fn a_step_that_nobody_knows_of() {
    let report = Report {
        say: "Whether order 1042 was sent is not known.".to_owned(),
        steps: vec![
            step(
                "send[1042]",
                Some(StepOutcome::Unknown),
                true,
                "The worker did not answer in time.",
            ),
            step("check", None, false, "ask the supplier"),
        ],
        attention: Some(Attention {
            groups: vec!["ops".to_owned()],
            say: "look at the supplier and say".to_owned(),
        }),
        buttons: vec![Button {
            press: Press::Resolve {
                step: "send[1042]".to_owned(),
                resolution: Resolution::NotDone,
            },
            label: "It did not happen".to_owned(),
        }],
        history: vec!["lee stopped it at 14:05".to_owned()],
        ..report(Outcome::NeedsPerson)
    };
    insta::assert_snapshot!(render(&report, false, 72), @"
    needs a person  /forward-order order=1042  by dana  run 7f3a
    Whether order 1042 was sent is not known.

      unknown  send[1042]  The worker did not answer in time.
      waits    check       ask the supplier

    lee stopped it at 14:05

    ops: look at the supplier and say
      It did not happen: signalbox resolve 7f3a 'send[1042]' not-done --reason TEXT
    ");
}

#[test]
fn a_request_that_became_no_run() {
    let report = Report {
        run: None,
        inputs: String::new(),
        say: "No.".to_owned(),
        ..report(Outcome::Denied)
    };
    insta::assert_snapshot!(render(&report, false, 72), @"
    denied  /forward-order  by dana
    No.
    ");
    let dry = Report {
        dry: true,
        plan: vec!["send the task".to_owned()],
        ..report
    };
    insta::assert_snapshot!(render(&dry, false, 72), @"
    dry run  /forward-order  by dana
    No.

    plan:
      - send the task
    ");
}

#[test]
fn colours_are_the_only_codes() {
    let evil =
        "red \u{1b}[31m, bell \u{7}, link \u{1b}]8;;http://x\u{1b}\\, csi \u{9b}2J, line\r\nnext, turned \u{202e}txt";
    let report = Report {
        inputs: evil.to_owned(),
        say: evil.to_owned(),
        warnings: vec![evil.to_owned()],
        plan: vec![evil.to_owned()],
        person: evil.to_owned(),
        table: Some(table(
            json!([{"order": evil, "supplier": {"nested": evil}, "total": [evil]}]),
        )),
        verdict: Some(VerdictLine {
            verdict: Verdict::NoData,
            say: evil.to_owned(),
        }),
        history: vec![evil.to_owned()],
        attention: Some(Attention {
            groups: vec![evil.to_owned()],
            say: evil.to_owned(),
        }),
        radius: vec![(evil.to_owned(), evil.to_owned())],
        ..report(Outcome::Failed)
    };
    let plain = render(&report, false, 72);
    let obeyed: Vec<char> = plain
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}')
        .collect();
    assert_eq!(obeyed, Vec::<char>::new());
    insta::assert_snapshot!(shown(evil), @r"red \u{1b}[31m, bell \u{7}, link \u{1b}]8;;http://x\u{1b}\, csi \u{9b}2J, line\r\nnext, turned \u{202e}txt");

    let coloured = render(&report, true, 72);
    let mut bare = coloured.clone();
    for code in ["0", BOLD, FAINT, RED, GREEN, YELLOW] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, plain, "colour changes no letter and no line break");
    assert_ne!(coloured, plain);
}

#[test]
fn hundreds_of_rows_are_all_there_and_aligned() {
    let rows: Vec<Value> = (0..500)
        .map(|index| json!({"order": index, "supplier": "CJ".repeat(index % 5), "total": index * 7}))
        .collect();
    let text = render(
        &Report {
            table: Some(table(rows.into())),
            ..report(Outcome::Succeeded)
        },
        false,
        80,
    );
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines.len(), 501);
    let ends: std::collections::BTreeSet<usize> = lines.iter().map(|line| line.len()).collect();
    assert_eq!(
        ends.len(),
        1,
        "the last column is right-aligned, so every line is as long: {ends:?}"
    );
}

#[test]
fn an_empty_table_says_so() {
    let text = render(
        &Report {
            table: Some(table(json!([]))),
            ..report(Outcome::Succeeded)
        },
        false,
        80,
    );
    assert_eq!(text.lines().last(), Some("no rows"));
}
