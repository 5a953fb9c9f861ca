use super::*;
use crate::report::samples::{blank, cards, reports};
use crate::report::verdict::Verdict;
use crate::report::{Button, Press, StepLine, Table, VerdictLine};
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use insta::assert_snapshot;
use proptest::prelude::*;
use slackblocks::MessagePayload;

fn report(outcome: Outcome) -> Report {
    blank("R1", outcome)
}

fn step(name: &str, outcome: Option<StepOutcome>, begun: bool, say: &str) -> StepLine {
    StepLine {
        name: name.into(),
        outcome,
        begun,
        say: say.into(),
    }
}

fn button(press: Press, label: &str) -> Button {
    Button {
        press,
        label: label.into(),
    }
}

fn resolve_buttons(step: &str) -> Vec<Button> {
    [Resolution::Done, Resolution::NotDone, Resolution::Abandon]
        .map(|resolution| {
            button(
                Press::Resolve {
                    step: step.into(),
                    resolution,
                },
                "",
            )
        })
        .to_vec()
}

fn waiting() -> Report {
    Report {
        say: "Forward order 1042 to the supplier ACME".into(),
        plan: vec!["send order 1042 to ACME".into(), "check that ACME has it".into()],
        warnings: vec!["The order is 3 days old.".into()],
        radius: vec![("orders".into(), "1".into()), ("money".into(), "USD 840.00".into())],
        buttons: vec![
            button(Press::Approve { digest: "d1".into() }, "Approve"),
            button(Press::Deny, "Deny"),
        ],
        attention: Some(Attention {
            groups: vec!["ops".into()],
            say: "Somebody else's yes is needed until 15:30.".into(),
        }),
        digest: Some("d1".into()),
        policies: Vec::new(),
        ..report(Outcome::AwaitingApproval)
    }
}

fn mentions() -> Mentions {
    Mentions::of_team("T1", [("ops", "T1/S0OPS"), ("sales", "T2/S0SALES"), ("odd", "T1/S0|x")])
}

/// A message as it is seen: a line per text, `[buttons]`, and the kind of what is not plain text.
fn seen(message: &Rendered) -> String {
    let text = |value: &Value| value["text"].as_str().unwrap().to_owned();
    let mut lines = vec![format!("text: {}", message.text.replace('\n', " / "))];
    for block in &message.blocks {
        lines.push(match block["type"].as_str().unwrap() {
            "header" => format!("# {}", text(&block["text"])),
            "section" if block["text"]["type"] == "mrkdwn" => format!("mrkdwn: {}", text(&block["text"])),
            "section" => text(&block["text"]),
            "context" => {
                let parts: Vec<String> = block["elements"].as_array().unwrap().iter().map(text).collect();
                format!("({})", parts.join(") ("))
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap().iter().map(|button| {
                    let style = button["style"].as_str().unwrap_or("plain");
                    let confirm = if button["confirm"].is_null() {
                        ""
                    } else {
                        ", asks first"
                    };
                    format!("[{} ({style}{confirm})]", text(&button["text"]))
                });
                buttons.collect::<Vec<_>>().join(" ")
            }
            other => panic!("a block of type {other}"),
        });
    }
    judge(message);
    lines.join("\n")
}

/// What Slack would say, by a judge that is not ours.
fn judge(message: &Rendered) {
    let payload = json!({"channel": "C1", "text": message.text, "blocks": message.blocks});
    MessagePayload::try_from(payload).unwrap_or_else(|error| panic!("{error}: {:?}", message.blocks));
    let total = Value::from(message.blocks.clone()).to_string().encode_utf16().count();
    assert!(total <= 13_000, "{total} characters");
}

#[test]
fn a_plan_that_waits_for_approval() {
    assert_snapshot!(seen(&run_message(&waiting(), &mentions())), @r#"
    text: … Waits for approval: forward-order order=1042 / Forward order 1042 to the supplier ACME
    # … Waits for approval: forward-order order=1042
    Forward order 1042 to the supplier ACME
    mrkdwn: <!subteam^S0OPS>
    Somebody else's yes is needed until 15:30.
    Note
    • The order is 3 days old.
    Touches: orders 1, money USD 840.00
    Plan
    • send order 1042 to ACME
    • check that ACME has it
    [Approve (primary)] [Deny (danger)]
    (Asked by dana, run R1)
    "#);
}

#[test]
fn approval_asked_of_a_group_that_slack_does_not_know() {
    let mut report = waiting();
    report.attention.as_mut().unwrap().groups = vec!["ops".into(), "sales".into(), "odd".into()];
    assert_snapshot!(seen(&ping(&report, &mentions()).unwrap()), @r#"
    text: … Waits for approval: forward-order order=1042 / Somebody else's yes is needed until 15:30.
    mrkdwn: <!subteam^S0OPS>
    Somebody else's yes is needed until 15:30. (group sales, odd)
    … Waits for approval: forward-order order=1042
    Forward order 1042 to the supplier ACME
    "#);
    report.attention = None;
    assert_eq!(ping(&report, &mentions()), None, "nobody is pinged without need");
}

#[test]
fn a_run_under_way() {
    let report = Report {
        say: "Forwarding order 1042".into(),
        steps: vec![
            step("check", Some(StepOutcome::Done), true, "the order is paid"),
            step("send", None, true, "send order 1042 to ACME"),
            step("confirm", None, false, "check that ACME has it"),
        ],
        buttons: vec![button(Press::Stop, "Stop")],
        history: vec!["approved by lee at 14:02".into()],
        ..report(Outcome::Running)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ► Running: forward-order order=1042 / Forwarding order 1042
    # ► Running: forward-order order=1042
    Forwarding order 1042
    Steps: 1 running, 1 done, 1 to come
    ✓ check: the order is paid
    ► send is running: send order 1042 to ACME
    · confirm: check that ACME has it
    [Stop (danger, asks first)]
    (Asked by dana, run R1) (approved by lee at 14:02)
    "#);
}

#[test]
fn a_step_of_which_nobody_knows() {
    let report = Report {
        say: "The connection broke while the order was being sent.".into(),
        steps: vec![step("send", Some(StepOutcome::Unknown), true, "no answer from ACME")],
        buttons: resolve_buttons("send"),
        attention: Some(Attention {
            groups: vec!["ops".into()],
            say: "Did ACME get the order?".into(),
        }),
        ..report(Outcome::NeedsPerson)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ? Needs a person: forward-order order=1042 / The connection broke while the order was being sent.
    # ? Needs a person: forward-order order=1042
    The connection broke while the order was being sent.
    mrkdwn: <!subteam^S0OPS>
    Did ACME get the order?
    Steps: 1 not known
    ? send may have happened: no answer from ACME
    What became of send?
    [It happened (plain)] [It did not happen (plain)] [Give up (danger, asks first)]
    (Asked by dana, run R1)
    "#);
}

#[test]
fn a_run_that_went_well() {
    let report = Report {
        say: "Order 1042 is with ACME.".into(),
        steps: vec![
            step("send", Some(StepOutcome::Done), true, "sent"),
            step("mail", Some(StepOutcome::Skipped), false, ""),
        ],
        verdict: Some(VerdictLine {
            verdict: Verdict::Improved,
            say: "orders waiting 12 → 0".into(),
        }),
        buttons: vec![
            button(Press::Undo, "Undo"),
            button(Press::Offer { index: 0 }, "Tell the customer"),
        ],
        history: ["asked", "approved by lee", "started", "done"]
            .map(String::from)
            .to_vec(),
        ..report(Outcome::Succeeded)
    };
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ✓ Succeeded: forward-order order=1042 / Order 1042 is with ACME.
    # ✓ Succeeded: forward-order order=1042
    Order 1042 is with ACME.
    Proof: improved. orders waiting 12 → 0
    Steps: 1 done, 1 skipped
    ✓ send: sent
    – mail skipped
    [Undo (plain, asks first)] [Tell the customer (plain)]
    (Asked by dana, run R1) (started) (done) (2 earlier entries in the thread)
    "#);
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
fn a_denial_is_for_the_person_alone() {
    let report = Report {
        run: None,
        person: "vic".into(),
        say: "Viewers may look, not change (policy viewers-only-read).".into(),
        ..report(Outcome::Denied)
    };
    assert_snapshot!(seen(&ephemeral(&report)), @r#"
    text: ⊘ Denied: forward-order order=1042 / Viewers may look, not change (policy viewers-only-read).
    # ⊘ Denied: forward-order order=1042
    Viewers may look, not change (policy viewers-only-read).
    (Asked by vic)
    "#);
}

#[test]
fn a_dry_run_says_that_nothing_was_done() {
    let report = Report {
        run: None,
        dry: true,
        attention: None,
        buttons: Vec::new(),
        ..waiting()
    };
    assert_snapshot!(seen(&ephemeral(&report)), @r#"
    text: ○ Dry run, nothing was done: forward-order order=1042 / Forward order 1042 to the supplier ACME
    # ○ Dry run, nothing was done: forward-order order=1042
    Forward order 1042 to the supplier ACME
    Note
    • The order is 3 days old.
    Touches: orders 1, money USD 840.00
    Plan
    • send order 1042 to ACME
    • check that ACME has it
    (Asked by dana)
    "#);
    let nothing = Report {
        dry: true,
        say: "Order 1042 is already there.".into(),
        ..self::report(Outcome::NothingToDo)
    };
    assert_snapshot!(seen(&ephemeral(&nothing)), @r#"
    text: = Dry run, nothing to do: forward-order order=1042 / Order 1042 is already there.
    # = Dry run, nothing to do: forward-order order=1042
    Order 1042 is already there.
    (Asked by dana, run R1)
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
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: ✓ Succeeded: forward-order order=1042 / Orders that wait
    # ✓ Succeeded: forward-order order=1042
    Orders that wait
    mrkdwn: ```
    order  customer    note
    1000   customer 0
    1001   customer 1
    1002   customer 2
    ```
    (Asked by dana, run R1)
    "#);
    assert_eq!(thread_details(&report).file, None, "nothing was left out");
    report.table = Some(rows(400));
    let seen = seen(&thread_details(&report).message);
    let lines: Vec<&str> = seen.lines().collect();
    assert_snapshot!(lines[..5].join("\n"), @r#"
    text: Details of forward-order order=1042
    # Details of forward-order order=1042
    mrkdwn: ```
    order  customer      note
    1000   customer 0
    "#);
    assert_snapshot!(lines[lines.len() - 3..].join("\n"), @r#"
    1117   customer 117
    ```
    … and 282 more rows; the whole list is in the file
    "#);
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
    assert_snapshot!(seen(&run_message(&report, &mentions())), @r#"
    text: … Waits for approval: forward-order &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt� / &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    # … Waits for approval: forward-order &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    mrkdwn: <!subteam^S0OPS>
    Somebody else's yes is needed until 15:30.
    Note
    • &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    Touches: orders 1, money USD 840.00
    Plan
    • &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil|click&gt; *bold* _it_ `code` ```block``` :fire: &amp; �txt�
    mrkdwn: ```
    a`b
    &lt;!channel&gt; &lt;@U1&gt; &lt;https://e…
    ```
    values ending in … are longer; more in the thread
    [Approve (primary)] [Deny (danger)]
    (Asked by dana, run R1)
    "#);
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
    Note
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
    assert_snapshot!(run_message(&waiting(), &mentions()).metadata.unwrap(), @r#"{"event_type":"signalbox_run","event_payload":{"run":"R1","outcome":"awaiting-approval"}}"#);
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
