use super::*;
use crate::platform::tests::seen::{judge_slack as judge, slack as seen};
use crate::report::samples::known::{resolve_buttons, step, waiting};
use crate::report::samples::{blank, cards, reports};
use crate::report::{StepLine, Table};
use crate::runbook::StepOutcome;
use insta::assert_snapshot;
use proptest::prelude::*;

fn report(outcome: Outcome) -> Report {
    blank("R1", outcome)
}

fn mentions() -> Mentions {
    Mentions::of_team("T1", [("ops", "T1/S0OPS"), ("sales", "T2/S0SALES"), ("odd", "T1/S0|x")])
}

#[test]
fn approval_asked_of_a_group_that_slack_does_not_know() {
    let mut report = waiting();
    report.attention.as_mut().unwrap().groups = vec!["ops".into(), "sales".into(), "odd".into()];
    assert_snapshot!(seen(&ping(&report, &mentions()).unwrap()), @r"
    text: … Waits for approval: forward-order order=1052,1053 / A second person's yes is asked for forward-order.
    mrkdwn: <!subteam^S0OPS>
    A second person's yes is asked for forward-order. (group sales, odd)
    … Waits for approval: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.
    ");
    report.attention = None;
    assert_eq!(ping(&report, &mentions()), None, "nobody is pinged without need");
}

#[test]
fn of_hundreds_of_steps_those_that_matter_are_shown() {
    let mut steps: Vec<StepLine> = (0..300)
        .map(|n| step(&format!("forward[{n}]"), Some(StepOutcome::Done), true, "sent"))
        .collect();
    steps[41] = step("forward[41]", Some(StepOutcome::Unknown), true, "no answer");
    steps[40] = step("forward[40]", Some(StepOutcome::Failed), true, "refused: no stock");
    steps[299] = step("forward[299]", None, false, "");
    steps[298] = step("forward[298]", None, true, "send order 298");
    let report = Report {
        say: "Forwarding 300 orders".into(),
        steps,
        ..report(Outcome::Running)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ► Running: forward-order order=1042 / Forwarding 300 orders
    # ► Running: forward-order order=1042
    Forwarding 300 orders
    Steps: 1 failed, 1 not known, 1 running, 296 done, 1 to come
    ✗ forward[40] failed: refused: no stock
    ? forward[41] may have happened: no answer
    ► forward[298] is running: send order 298
    and 297 of 300 steps that are not shown; more in the thread
    (Asked by dana, run R1)
    "#);
    let details = thread_details(&report);
    judge(&details.message);
    let file = details.file.unwrap();
    let text = String::from_utf8(file.bytes).unwrap();
    assert_eq!(text.matches("forward[").count(), 300, "the file leaves nothing out");
    assert_eq!(file.name, "forward-order-R1.txt");
}

#[test]
fn a_dry_run_with_nothing_to_do() {
    let nothing = Report {
        dry: true,
        say: "Order 1042 is already there.".into(),
        history: ["asked", "looked", "answered"].map(String::from).to_vec(),
        ..report(Outcome::NothingToDo)
    };
    assert_snapshot!(seen(&ephemeral(&nothing)), @r#"
    text: = Dry run, nothing to do: forward-order order=1042 / Order 1042 is already there.
    # = Dry run, nothing to do: forward-order order=1042
    Order 1042 is already there.
    (Asked by dana, run R1) (looked) (answered) (1 earlier entry)
    "#);
}

fn rows(count: usize) -> Table {
    let row = |n: usize| {
        let fields = json!({"order": 1000 + n, "customer": format!("customer {n}"), "note": null, "hidden": "secret"});
        fields.as_object().unwrap().clone()
    };
    Table {
        columns: ["order", "customer", "note"].map(String::from).to_vec(),
        rows: (0..count).map(row).collect(),
    }
}

#[test]
fn rows_line_up_and_are_counted_when_there_are_many() {
    let mut report = Report {
        say: "Orders that wait".into(),
        table: Some(rows(3)),
        ..report(Outcome::Succeeded)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r"
    text: ✓ Succeeded: forward-order order=1042 / Orders that wait
    # ✓ Succeeded: forward-order order=1042
    Orders that wait
    mrkdwn: ```
    order  customer    note
     1000  customer 0  -
     1001  customer 1  -
     1002  customer 2  -
    ```
    (Asked by dana, run R1)
    ");
    assert_eq!(thread_details(&report).file, None, "nothing was left out");
    report.table = Some(rows(400));
    let seen = seen(&thread_details(&report).message);
    let lines: Vec<&str> = seen.lines().collect();
    assert_snapshot!(lines[..5].join("\n"), @r"
    text: Details of forward-order order=1042
    # Details of forward-order order=1042
    mrkdwn: ```
    order  customer      note
     1000  customer 0    -
    ");
    assert_snapshot!(lines[lines.len() - 3..].join("\n"), @r"
     1098  customer 98   -
    ```
    … and 301 more rows; the whole list is in the file
    ");
    let file = String::from_utf8(thread_details(&report).file.unwrap().bytes).unwrap();
    assert_eq!(file.matches("\n1").count(), 400);
    assert!(!file.contains("secret"), "a column that is not listed never leaves");
}

#[test]
fn text_of_others_is_shown_and_never_interpreted() {
    let evil = "<!channel> <@U1> <https://evil|click> *bold* _it_ `code` ```block``` :fire: & \u{202e}txt\u{0}";
    let mut report = Report {
        inputs: evil.into(),
        say: evil.into(),
        plan: vec![evil.into()],
        warnings: vec![evil.into()],
        ..waiting()
    };
    report.table = Some(Table {
        columns: vec!["a`b".into()],
        rows: vec![json!({"a`b": evil}).as_object().unwrap().clone()],
    });
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r"
    text: … Waits for approval: forward-order &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt� / &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    # … Waits for approval: forward-order &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    mrkdwn: <!subteam^S0OPS>
    A second person's yes is asked for forward-order. (group sales)
    Warning
    • &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    Touches: money USD 1,324.50, orders 2
    Plan
    • &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    mrkdwn: ```
    a`b
    &lt;!channel&gt; &lt;@U1&gt; &lt;https://e…
    ```
    values ending in … are longer; more in the thread
    [Approve (primary)] [Deny (danger)]
    (Asked by dana, run 7k2m9qx4ab)
    ");
}

#[test]
fn what_does_not_fit_is_counted_in_words() {
    let report = Report {
        inputs: format!("note={}", "x".repeat(5000)),
        say: "y".repeat(5000),
        warnings: vec!["z".repeat(5000)],
        ..report(Outcome::Failed)
    };
    let seen = seen(&run_message(&report, &mentions()));
    let short: String = seen.replace("xxxx", "").replace("yyyy", "").replace("zzzz", "");
    assert_snapshot!(short, @r#"
    text: ✗ Failed: forward-order note=x… (9064 more characters)
    # ✗ Failed: forward-order
    yy… (3834 more characters)
    Inputs: note=x… (4647 more characters)
    Warning
    • zz… (4734 more characters)
    (Asked by dana, run R1)
    "#);
}

#[test]
fn more_unknown_steps_than_buttons_have_room_for() {
    let report = Report {
        buttons: (0..40)
            .flat_map(|n| resolve_buttons(&format!("forward[{n}]")))
            .collect(),
        ..report(Outcome::NeedsPerson)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ? Needs a person: forward-order order=1042
    # ? Needs a person: forward-order order=1042
    What became of forward[0]?
    [It happened (plain)] [It did not happen (plain)] [Give up (danger, asks first)]
    What became of forward[1]?
    [It happened (plain)] [It did not happen (plain)] [Give up (danger, asks first)]
    (114 more choices have no button here; see /signalbox help)
    (Asked by dana, run R1)
    "#);
    let long = Report {
        buttons: resolve_buttons(&"s".repeat(3000)),
        ..report
    };
    assert_snapshot!(seen(&run_message(&long, &mentions())), @r#"
    text: ? Needs a person: forward-order order=1042
    # ? Needs a person: forward-order order=1042
    (3 more choices have no button here; see /signalbox help)
    (Asked by dana, run R1)
    "#);
}

#[test]
fn metadata_holds_texts_alone() {
    assert_snapshot!(run_message(&waiting(), &mentions()).metadata.unwrap(), @r#"{"event_type":"signalbox_run","event_payload":{"run":"7k2m9qx4ab","outcome":"awaiting-approval"}}"#);
}

/// Text with much of what goes wrong in it.
fn every_text(value: &Value, found: &mut Vec<String>) {
    match value {
        // What a button carries is not shown, and comes back as it is.
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| *key != "value")
            .for_each(|(_, v)| every_text(v, found)),
        Value::Array(items) => items.iter().for_each(|item| every_text(item, found)),
        Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_report_becomes_messages_that_slack_takes_and_that_mention_nobody(
        report in reports(),
        card in cards(),
    ) {
        let details = thread_details(&report);
        let mut messages = vec![run_message(&report, &mentions()), ephemeral(&report), details.message];
        messages.extend(ping(&report, &mentions()));
        messages.push(alert::message(&card));
        for message in messages {
            judge(&message);
            let mut texts = vec![message.text.clone()];
            every_text(&Value::from(message.blocks.clone()), &mut texts);
            for text in texts {
                let own = text.replace("<!subteam^S0OPS>", "");
                prop_assert!(!own.contains('<') && !own.contains('>'), "{}", text);
                prop_assert!(own.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").find('&').is_none());
            }
            for block in &message.blocks {
                if block["text"]["type"] == "mrkdwn" {
                    let text = block["text"]["text"].as_str().unwrap();
                    prop_assert!(text.starts_with("<!subteam^") || text.matches("```").count() == 2, "{}", text);
                }
            }
        }
    }
}
