use super::*;
use crate::platform::tests::seen::{discord as seen, judge_discord as judge};
use crate::report::VerdictLine;
use crate::report::samples::known::waiting;
use crate::report::samples::{blank, cards, reports};
use insta::assert_snapshot;
use proptest::prelude::*;

fn report(outcome: Outcome) -> Report {
    blank("7k2m9qx4ab", outcome)
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

#[test]
fn a_plan_that_waits_for_approval_notifies_those_who_may_answer() {
    let message = run_message(&waiting(), &mentions()).known_as("m1");
    assert_snapshot!(seen(&message), @r"
    <@&7001> <@&7005> A second person's yes is asked for forward-order. (group sales)
    #e0a000
    … Waits for approval: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.

    **Warning**
    • Order 1053 is 3 days old.

    **Touches** money USD 1,324.50, orders 2

    **Plan**
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    Asked by dana, run 7k2m9qx4ab · ca0df2c9
    [3 Approve] [4 Deny]
    ");
    assert_snapshot!(message.body()["allowed_mentions"], @r#"{"parse":[],"users":[],"roles":["7001","7005"]}"#);
    assert!(bears(&json!({"embeds": message.embeds}), &mark("m1")));
    assert!(!bears(&json!({"embeds": message.embeds}), &mark("m2")));
    let plain = message.plain();
    assert_snapshot!(plain.content, @r"
    <@&7001> <@&7005> A second person's yes is asked for forward-order. (group sales)
    … Waits for approval: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.

    **Warning**
    • Order 1053 is 3 days old.

    **Touches** money USD 1,324.50, orders 2

    **Plan**
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    (Discord did not take this message as it should look, so it has no buttons and may be cut. It is whole in the console, and on the command line.) ca0df2c9
    ");
    assert!(bears(&plain.body(), &mark("m1")));
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
        0  a ˋˋˋfenceˋˋˋ of *stars*
        1  a ˋˋˋfenceˋˋˋ of *stars*
        2  a ˋˋˋfenceˋˋˋ of *stars*
        3  a ˋˋˋfenceˋˋˋ of *stars*
        4  a ˋˋˋfenceˋˋˋ of *stars*
        5  a ˋˋˋfenceˋˋˋ of *stars*
        6  a ˋˋˋfenceˋˋˋ of *stars*
        7  a ˋˋˋfenceˋˋˋ of *stars*
        8  a ˋˋˋfenceˋˋˋ of *stars*
        9  a ˋˋˋfenceˋˋˋ of *stars*
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
        0  a ˋˋˋfenceˋˋˋ of *stars*
        1  a ˋˋˋfenceˋˋˋ of *stars*
        2  a ˋˋˋfenceˋˋˋ of *stars*
        3  a ˋˋˋfenceˋˋˋ of *stars*
        4  a ˋˋˋfenceˋˋˋ of *stars*
        5  a ˋˋˋfenceˋˋˋ of *stars*
        6  a ˋˋˋfenceˋˋˋ of *stars*
        7  a ˋˋˋfenceˋˋˋ of *stars*
        8  a ˋˋˋfenceˋˋˋ of *stars*
        9  a ˋˋˋfenceˋˋˋ of *stars*
       10  a ˋˋˋfenceˋˋˋ of *stars*
       11  a ˋˋˋfenceˋˋˋ of *stars*
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
