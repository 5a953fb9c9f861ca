use super::*;
use crate::report::samples::{blank, cards, reports};
use crate::report::{Button, Press, StepLine, VerdictLine};
use crate::request::Resolution;
use crate::runbook::StepOutcome;
use insta::assert_snapshot;
use proptest::prelude::*;
use twilight_model::channel::message::{Component, Embed};

fn report(outcome: Outcome) -> Report {
    blank("7k2m9qx4ab", outcome)
}

fn button(press: Press) -> Button {
    Button {
        press,
        label: String::new(),
    }
}

fn mentions() -> Mentions {
    let pairs = [
        ("ops", "900/7001"),
        ("ops", "900/7005"),
        ("sales", "950/7002"),
        ("odd", "900/x"),
    ];
    Mentions::of_guild("900", pairs.map(|(group, role)| (group, role.to_owned())))
}

/// A message as it is seen: a line per text, the colour first.
fn seen(message: &Rendered) -> String {
    judge(message);
    let mut lines = vec![message.content.clone()];
    for embed in &message.embeds {
        if let Some(colour) = embed["color"].as_u64() {
            lines.push(format!("#{colour:06x}"));
        }
        let texts = [&embed["title"], &embed["description"], &embed["footer"]["text"]];
        lines.extend(texts.into_iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for row in &message.components {
        let buttons = row["components"].as_array().unwrap().iter();
        let labels: Vec<String> = buttons
            .map(|button| format!("[{} {}]", button["style"], button["label"].as_str().unwrap()))
            .collect();
        lines.push(labels.join(" "));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// Whether Discord would take it, by rules that are not ours.
fn judge(message: &Rendered) {
    twilight_validate::message::content(&message.content).unwrap();
    let embeds = message.embeds.iter().map(|embed| {
        let mut embed = embed.clone();
        embed["type"] = "rich".into();
        serde_json::from_value(embed).unwrap()
    });
    twilight_validate::message::embeds(&embeds.collect::<Vec<Embed>>()).unwrap();
    let rows = message.components.iter().cloned().map(serde_json::from_value);
    let rows: Vec<Component> = rows.collect::<Result<_, _>>().unwrap();
    twilight_validate::message::components(&rows, false).unwrap();
    assert!(!message.content.is_empty() || !message.embeds.is_empty());
}

fn waiting() -> Report {
    Report {
        say: "Forward order 1042 to the supplier ACME".into(),
        plan: vec!["send order 1042 to ACME".into(), "check that ACME has it".into()],
        warnings: vec!["The order is 3 days old.".into()],
        radius: vec![("orders".into(), "1".into()), ("money".into(), "USD 840.00".into())],
        buttons: vec![
            button(Press::Approve {
                digest: "d1".repeat(32),
            }),
            button(Press::Deny),
        ],
        attention: Some(Attention {
            groups: vec!["ops".into(), "sales".into()],
            say: "Somebody else's yes is needed until 15:30.".into(),
        }),
        digest: Some("d1".repeat(32)),
        ..report(Outcome::AwaitingApproval)
    }
}

#[test]
fn a_plan_that_waits_for_approval_notifies_those_who_may_answer() {
    let message = run_message(&waiting(), &mentions()).known_as("m1");
    assert_snapshot!(seen(&message), @r"
    <@&7001> <@&7005> Somebody else's yes is needed until 15:30. (group sales)
    #e0a000
    … Waits for approval: forward-order order=1042
    Forward order 1042 to the supplier ACME

    **Note**
    • The order is 3 days old.

    **Touches** orders 1, money USD 840.00

    **Plan**
    • send order 1042 to ACME
    • check that ACME has it
    Asked by dana, run 7k2m9qx4ab · ca0df2c9
    [3 Approve] [4 Deny]
    ");
    assert_snapshot!(message.body()["allowed_mentions"], @r#"{"parse":[],"users":[],"roles":["7001","7005"]}"#);
    assert!(bears(&json!({"embeds": message.embeds}), &mark("m1")));
    assert!(!bears(&json!({"embeds": message.embeds}), &mark("m2")));
    let plain = message.plain();
    assert_snapshot!(plain.content, @r"
    <@&7001> <@&7005> Somebody else's yes is needed until 15:30. (group sales)
    … Waits for approval: forward-order order=1042
    Forward order 1042 to the supplier ACME

    **Note**
    • The order is 3 days old.

    **Touches** orders 1, money USD 840.00

    **Plan**
    • send order 1042 to ACME
    • check that ACME has it
    (Discord did not take this message as it should look, so it has no buttons and may be cut. It is whole in the console, and on the command line.) ca0df2c9
    ");
    assert!(bears(&plain.body(), &mark("m1")));
}

#[test]
fn a_step_of_which_nobody_knows() {
    let resolve = |resolution| {
        button(Press::Resolve {
            step: "forward[1042]".into(),
            resolution,
        })
    };
    let mut unknown = report(Outcome::NeedsPerson);
    unknown.say = "The supplier gave no answer.".into();
    unknown.steps = vec![StepLine {
        name: "forward[1042]".into(),
        outcome: Some(StepOutcome::Unknown),
        begun: true,
        say: "no answer within 30 s".into(),
    }];
    unknown.buttons = [Resolution::Done, Resolution::NotDone, Resolution::Abandon]
        .map(resolve)
        .into();
    unknown.history = (0..4).map(|at| format!("line {at}")).collect();
    assert_snapshot!(seen(&run_message(&unknown, &Mentions::default())), @r"
    #e0a000
    ? Needs a person: forward-order order=1042
    The supplier gave no answer.

    Steps: 1 not known
    ? forward\[1042] may have happened: no answer within 30 s
    Asked by dana, run 7k2m9qx4ab
    line 2
    line 3
    2 earlier entries in the thread
    [2 It happened] [2 It did not happen] [4 Give up]
    ");
}

#[test]
fn a_run_that_went_well_with_rows() {
    let mut done = report(Outcome::Succeeded);
    done.say = "Order 1042 is forwarded.".into();
    done.verdict = Some(VerdictLine {
        verdict: Verdict::Improved,
        say: "12 -> 3".into(),
    });
    let row = |order: u64, what: &str| json!({"order": order, "what": what}).as_object().unwrap().clone();
    done.table = Some(Table {
        columns: vec!["order".into(), "what".into()],
        rows: (0..12).map(|at| row(at, "a ```fence``` of *stars*")).collect(),
    });
    assert_snapshot!(seen(&run_message(&done, &Mentions::default())), @r"
    #2e8b57
    ✓ Succeeded: forward-order order=1042
    Order 1042 is forwarded.

    **Proof: improved** 12 -> 3
    ```
    order  what
    0      a ˋˋˋfenceˋˋˋ of *stars*
    1      a ˋˋˋfenceˋˋˋ of *stars*
    2      a ˋˋˋfenceˋˋˋ of *stars*
    3      a ˋˋˋfenceˋˋˋ of *stars*
    4      a ˋˋˋfenceˋˋˋ of *stars*
    5      a ˋˋˋfenceˋˋˋ of *stars*
    6      a ˋˋˋfenceˋˋˋ of *stars*
    7      a ˋˋˋfenceˋˋˋ of *stars*
    8      a ˋˋˋfenceˋˋˋ of *stars*
    9      a ˋˋˋfenceˋˋˋ of *stars*
    ```
    … and 2 more rows; more in the thread
    Asked by dana, run 7k2m9qx4ab
    ");
    let details = thread_details(&done);
    assert_snapshot!(seen(&details.message), @r"
    #2e8b57
    Details of forward-order order=1042
    ```
    order  what
    0      a ˋˋˋfenceˋˋˋ of *stars*
    1      a ˋˋˋfenceˋˋˋ of *stars*
    2      a ˋˋˋfenceˋˋˋ of *stars*
    3      a ˋˋˋfenceˋˋˋ of *stars*
    4      a ˋˋˋfenceˋˋˋ of *stars*
    5      a ˋˋˋfenceˋˋˋ of *stars*
    6      a ˋˋˋfenceˋˋˋ of *stars*
    7      a ˋˋˋfenceˋˋˋ of *stars*
    8      a ˋˋˋfenceˋˋˋ of *stars*
    9      a ˋˋˋfenceˋˋˋ of *stars*
    10     a ˋˋˋfenceˋˋˋ of *stars*
    11     a ˋˋˋfenceˋˋˋ of *stars*
    ```
    ");
}

#[test]
fn what_does_not_fit_is_in_the_file() {
    let mut long = report(Outcome::Failed);
    long.say = "word ".repeat(1000);
    long.warnings = (0..100).map(|at| format!("warning {at}")).collect();
    let details = thread_details(&long);
    seen(&details.message);
    let file = details.file.expect("a file");
    let text = String::from_utf8(file.bytes).unwrap();
    assert!(text.contains("warning 99") && text.matches("word").count() >= 1000);
    assert!(seen(&run_message(&long, &Mentions::default())).contains("more characters"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_report_becomes_messages_that_discord_takes_and_that_mention_nobody(
        report in reports(),
        card in cards(),
    ) {
        let details = thread_details(&report);
        let mut messages = vec![run_message(&report, &mentions()), ephemeral(&report), details.message];
        messages.extend(ping(&report, &mentions()));
        messages.push(alert::message(&card));
        for message in messages {
            let message = message.known_as("some message");
            judge(&message);
            judge(&message.clone().plain());
            let body = message.body();
            prop_assert_eq!(&body["allowed_mentions"]["parse"], &json!([]));
            let own = message.content.replace("<@&7001>", "").replace("<@&7005>", "").replace("\\\\", "");
            let open = own.match_indices('<').find(|(at, _)| !own[..*at].ends_with('\\'));
            prop_assert!(open.is_none(), "{}", message.content);
            prop_assert!(bears(&body, &mark("some message")));
        }
    }
}
