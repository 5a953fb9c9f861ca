//! The same reports on every surface: what people see in Slack, in Discord, in the console and in a terminal.

mod properties;
pub(crate) mod seen;

use super::{discord, slack};
use crate::report::samples::known;
use crate::report::{Report, terminal};
use insta::assert_snapshot;

/// Groups as both platforms know them, one of them not at all.
fn slack_mentions() -> slack::render::Mentions {
    slack::render::Mentions::of_team("T1", [("ops", "T1/S0OPS")])
}

fn discord_mentions() -> discord::render::Mentions {
    discord::render::Mentions::of_guild("900", [("ops", "900/7001".to_owned())])
}

/// One below the other, as the channel or the one person who asked sees it.
fn everywhere(report: &Report) -> String {
    let (slack, discord) = if report.run.is_some() {
        (
            slack::render::run_message(report, &slack_mentions()),
            discord::render::run_message(report, &discord_mentions()),
        )
    } else {
        (slack::render::ephemeral(report), discord::render::ephemeral(report))
    };
    format!(
        "==== Slack\n{}\n==== Discord\n{}\n==== console\n{}\n==== terminal\n{}",
        seen::slack(&slack),
        seen::discord(&discord),
        seen::console(&seen::in_the_console(report)),
        terminal::render(report, false, 100)
    )
}

#[test]
fn a_plan_that_waits_for_a_second_person() {
    assert_snapshot!(everywhere(&known::waiting()), @r"
    ==== Slack
    text: … Waits for approval: forward-order order=1052,1053 / Orders of more than USD 1000.00 need a second person.
    # … Waits for approval: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.
    mrkdwn: <!subteam^S0OPS>
    A second person's yes is asked for forward-order. (group sales)
    Warning
    • Order 1053 is 3 days old.
    Touches: money USD 1,324.50, orders 2
    Plan
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    [Approve (primary)] [Deny (danger)]
    (Asked by dana, run 7k2m9qx4ab)
    ==== Discord
    <@&7001> A second person's yes is asked for forward-order. (group sales)
    #e0a000
    … Waits for approval: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.

    **Warning**
    • Order 1053 is 3 days old.

    **Touches** money USD 1,324.50, orders 2

    **Plan**
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    Asked by dana, run 7k2m9qx4ab
    [3 Approve] [4 Deny]
    ==== console
    ◷ waits for approval /forward-order order=1052,1053 dana · 01-01 00:00 UTC
    Orders of more than USD 1000.00 need a second person.
    ! Warning: Order 1053 is 3 days old.
    Touches USD 1,324.50 , orders 2
    ops, sales: A second person's yes is asked for forward-order.
    Send order 1052 (USD 1,240.00) to CJ.
    Send order 1053 (USD 84.50) to AliExpress.
    [Approve]
    The plan above starts at once, as dana asked for it: 2 steps, USD 1,324.50, orders 2.
    [Yes, approve and start]
    [Deny]
    ==== terminal
    waits for approval  /forward-order order=1052,1053  by dana  run 7k2m9qx4ab
    Orders of more than USD 1000.00 need a second person.
    warning: Order 1053 is 3 days old.

    plan:
      - Send order 1052 (USD 1,240.00) to CJ.
      - Send order 1053 (USD 84.50) to AliExpress.
    touches: money USD 1,324.50, orders 2
    digest: 9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d

    ops, sales: A second person's yes is asked for forward-order.
      Approve: signalbox approve 7k2m9qx4ab
      Deny: signalbox deny 7k2m9qx4ab
    ");
}

#[test]
fn a_run_under_way() {
    assert_snapshot!(everywhere(&known::running()), @r"
    ==== Slack
    text: ► Running: forward-order order=1042 / Step 2 of 3 is under way: Send order 1042 to CJ.
    # ► Running: forward-order order=1042
    Step 2 of 3 is under way: Send order 1042 to CJ.
    Steps: 1 running, 1 done, 1 to come
    ✓ check: The order is paid.
    ► send[1042] is running
    · confirm: Look whether CJ has it.
    [Stop (danger, asks first)]
    (Asked by dana, run 7k2m9qx4ab) (lee approved (Slack))
    ==== Discord
    #3b6fd4
    ► Running: forward-order order=1042
    Step 2 of 3 is under way: Send order 1042 to CJ.

    Steps: 1 running, 1 done, 1 to come
    ✓ check: The order is paid.
    ► send\[1042] is running
    · confirm: Look whether CJ has it.
    Asked by dana, run 7k2m9qx4ab
    lee approved (Slack)
    [4 Stop]
    ==== console
    ▸ running /forward-order order=1042 dana · 01-01 00:00 UTC
    Step 2 of 3 is under way: Send order 1042 to CJ.
    ✓ done check The order is paid.
    ▸ under way send[1042]
    · not begun confirm Look whether CJ has it.
    lee approved (Slack)
    [Stop]
    ==== terminal
    running  /forward-order order=1042  by dana  run 7k2m9qx4ab
    Step 2 of 3 is under way: Send order 1042 to CJ.

      done     check       The order is paid.
      running  send[1042]  Send order 1042 to CJ.
      waits    confirm     Look whether CJ has it.

    lee approved (Slack)

      Stop: signalbox stop 7k2m9qx4ab
    ");
}

#[test]
fn a_run_that_succeeded() {
    assert_snapshot!(everywhere(&known::succeeded()), @r"
    ==== Slack
    text: ✓ Succeeded: forward-order order=1042 / Order 1042 is forwarded: its row shows CJ: CJORD-1001.
    # ✓ Succeeded: forward-order order=1042
    Order 1042 is forwarded: its row shows CJ: CJORD-1001.
    Proof: improved. orders awaiting forwarding 12 -&gt; 11
    Steps: 1 done, 1 skipped
    ✓ send[1042]
    – mail skipped: Nobody asked for it.
    mrkdwn: ```
    order  supplier    total  paid
     1042  CJ           84.5  yes
        7  全球速卖通      -  no
     1044               1240  -
    ```
    [Tell the customer (plain)]
    (Asked by dana, run 7k2m9qx4ab) (Ended) (mia was told) (2 earlier entries in the thread)
    ==== Discord
    #2e8b57
    ✓ Succeeded: forward-order order=1042
    Order 1042 is forwarded: its row shows CJ: CJORD-1001.

    **Proof: improved** orders awaiting forwarding 12 -> 11

    Steps: 1 done, 1 skipped
    ✓ send\[1042]
    – mail skipped: Nobody asked for it.
    ```
    order  supplier    total  paid
     1042  CJ           84.5  yes
        7  全球速卖通      -  no
     1044               1240  -
    ```
    Asked by dana, run 7k2m9qx4ab
    Ended
    mia was told
    2 earlier entries in the thread
    [1 Tell the customer]
    ==== console
    ✓ succeeded /forward-order order=1042 dana · 01-01 00:00 UTC
    Order 1042 is forwarded: its row shows CJ: CJORD-1001.
    ✓ done send[1042]
    – skipped mail Nobody asked for it.
    | order | supplier | total | paid
    | 1042 | CJ | 84.5 | yes
    | 7 | 全球速卖通 | - | no
    | 1044 | | 1240 | -
    ↗ improved : orders awaiting forwarding 12 -> 11
    lee approved (Slack)
    Started
    Ended
    mia was told
    [Tell the customer]
    This is asked for in your name. It starts at once unless it needs a second person.
    [Yes, ask for it]
    ==== terminal
    succeeded  /forward-order order=1042  by dana  run 7k2m9qx4ab
    Order 1042 is forwarded: its row shows CJ: CJORD-1001.

      done     send[1042]  Order 1042 is forwarded: its row shows CJ: CJORD-1001.
      skipped  mail        Nobody asked for it.

    order  supplier    total  paid
     1042  CJ           84.5  yes
        7  全球速卖通      -  no
     1044               1240  -

    improved: orders awaiting forwarding 12 -> 11

    lee approved (Slack)
    Started
    Ended
    mia was told

      By a button in chat or the console: Tell the customer
    ");
}

#[test]
fn a_run_that_is_half_done() {
    assert_snapshot!(everywhere(&known::partly_done()), @r"
    ==== Slack
    text: ◐ Partly done: forward-order order=1042,1043 / 1 done, 1 failed of 2 steps. CJ has no stock for order 1043.
    # ◐ Partly done: forward-order order=1042,1043
    1 done, 1 failed of 2 steps. CJ has no stock for order 1043.
    Proof: no data. orders awaiting forwarding has no samples since 14:02 UTC
    Steps: 1 failed, 1 done
    ✓ send[1042]: Order 1042 is forwarded.
    ✗ send[1043] failed
    [Undo what is done (plain, asks first)]
    (Asked by dana, run 7k2m9qx4ab)
    ==== Discord
    #d96c00
    ◐ Partly done: forward-order order=1042,1043
    1 done, 1 failed of 2 steps. CJ has no stock for order 1043.

    **Proof: no data** orders awaiting forwarding has no samples since 14:02 UTC

    Steps: 1 failed, 1 done
    ✓ send\[1042]: Order 1042 is forwarded.
    ✗ send\[1043] failed
    Asked by dana, run 7k2m9qx4ab
    [2 Undo what is done]
    ==== console
    ◐ partly done /forward-order order=1042,1043 dana · 01-01 00:00 UTC
    1 done, 1 failed of 2 steps. CJ has no stock for order 1043.
    ✓ done send[1042] Order 1042 is forwarded.
    ✕ failed send[1043]
    ∅ no data : orders awaiting forwarding has no samples since 14:02 UTC
    [Undo what is done]
    What the steps above have done is undone, the last one first.
    [Yes, undo]
    ==== terminal
    partly done  /forward-order order=1042,1043  by dana  run 7k2m9qx4ab
    1 done, 1 failed of 2 steps. CJ has no stock for order 1043.

      done     send[1042]  Order 1042 is forwarded.
      failed   send[1043]  CJ has no stock for order 1043.

    no data: orders awaiting forwarding has no samples since 14:02 UTC

      By a button in chat or the console: Undo what is done
    ");
}

#[test]
fn a_step_of_which_nobody_knows() {
    assert_snapshot!(everywhere(&known::needs_person()), @r"
    ==== Slack
    text: ? Needs a person: forward-order order=1042 / It is not known whether order 1042 was sent: no answer came within 2m.
    # ? Needs a person: forward-order order=1042
    It is not known whether order 1042 was sent: no answer came within 2m.
    mrkdwn: <!subteam^S0OPS>
    Somebody must say what became of a step. Locked meanwhile: order:1042.
    Steps: 1 not known
    ? send[1042] may have happened: No answer came within 2m.
    What became of send[1042]?
    [It happened (plain)] [It did not happen (plain)] [Give up (danger, asks first)]
    (Asked by dana, run 7k2m9qx4ab)
    ==== Discord
    <@&7001> Somebody must say what became of a step. Locked meanwhile: order:1042.
    #e0a000
    ? Needs a person: forward-order order=1042
    It is not known whether order 1042 was sent: no answer came within 2m.

    Steps: 1 not known
    ? send\[1042] may have happened: No answer came within 2m.
    Asked by dana, run 7k2m9qx4ab
    [2 It happened] [2 It did not happen] [4 Give up]
    ==== console
    ? needs a person /forward-order order=1042 dana · 01-01 00:00 UTC
    It is not known whether order 1042 was sent: no answer came within 2m.
    ops: Somebody must say what became of a step. Locked meanwhile: order:1042.
    ? not known send[1042] No answer came within 2m.
    What became of the step?
    How do you know? It is written into the record. ____
    [It happened] [It did not happen] [Give up]
    “Give up” lets the locks go without knowing; later runs may then do the work twice.
    ==== terminal
    needs a person  /forward-order order=1042  by dana  run 7k2m9qx4ab
    It is not known whether order 1042 was sent: no answer came within 2m.

      unknown  send[1042]  No answer came within 2m.

    ops: Somebody must say what became of a step. Locked meanwhile: order:1042.
      It happened: signalbox resolve 7k2m9qx4ab 'send[1042]' done --reason TEXT
      It did not happen: signalbox resolve 7k2m9qx4ab 'send[1042]' not-done --reason TEXT
      Give up: signalbox resolve 7k2m9qx4ab 'send[1042]' abandon --reason TEXT
    ");
}

#[test]
fn a_no_of_the_policy_is_for_the_person_alone() {
    assert_snapshot!(everywhere(&known::denied()), @r"
    ==== Slack
    text: ⊘ Denied: forward-order order=1042 / Viewers may look, not change.
    # ⊘ Denied: forward-order order=1042
    Viewers may look, not change.
    (Asked by vic)
    ==== Discord
    #c0392b
    ⊘ Denied: forward-order order=1042
    Viewers may look, not change.
    Asked by vic
    ==== console
    ⊘ denied /forward-order order=1042 vic · 01-01 00:00 UTC only you see this
    Viewers may look, not change.
    ==== terminal
    denied  /forward-order order=1042  by vic
    Viewers may look, not change.
    policy: viewers-only-read
    ");
}

#[test]
fn a_no_of_the_runbook() {
    assert_snapshot!(everywhere(&known::refused()), @r"
    ==== Slack
    text: ⊘ Refused: forward-order order=1049 / Order 1049 is processing, not paid.
    # ⊘ Refused: forward-order order=1049
    Order 1049 is processing, not paid.
    (Asked by dana)
    ==== Discord
    #c0392b
    ⊘ Refused: forward-order order=1049
    Order 1049 is processing, not paid.
    Asked by dana
    ==== console
    ⊘ refused /forward-order order=1049 dana · 01-01 00:00 UTC only you see this
    Order 1049 is processing, not paid.
    ==== terminal
    refused  /forward-order order=1049  by dana
    Order 1049 is processing, not paid.
    ");
}

#[test]
fn a_request_that_makes_no_sense() {
    assert_snapshot!(everywhere(&known::invalid()), @r"
    ==== Slack
    text: ! Not understood: forward-order / order: `ten` is no whole number. Type it like `1042`. / note: there is no such input.
    # ! Not understood: forward-order
    order: `ten` is no whole number. Type it like `1042`.
    note: there is no such input.
    (Asked by dana)
    ==== Discord
    #c0392b
    ! Not understood: forward-order
    order: \`ten\` is no whole number. Type it like \`1042\`.
    note: there is no such input.
    Asked by dana
    ==== console
    ! not understood /forward-order dana · 01-01 00:00 UTC only you see this
    order: ten is no whole number. Type it like 1042 .
    note: there is no such input.
    ==== terminal
    not understood  /forward-order  by dana
    order: `ten` is no whole number. Type it like `1042`.
    note: there is no such input.
    ");
}

#[test]
fn a_dry_run_says_that_nothing_was_done() {
    assert_snapshot!(everywhere(&known::dry()), @r"
    ==== Slack
    text: ○ Dry run, nothing was done: forward-order order=1052,1053 / Orders of more than USD 1000.00 need a second person.
    # ○ Dry run, nothing was done: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.
    Warning
    • Order 1053 is 3 days old.
    Touches: money USD 1,324.50, orders 2
    Plan
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    (Asked by dana)
    ==== Discord
    #8a8f98
    ○ Dry run, nothing was done: forward-order order=1052,1053
    Orders of more than USD 1000.00 need a second person.

    **Warning**
    • Order 1053 is 3 days old.

    **Touches** money USD 1,324.50, orders 2

    **Plan**
    • Send order 1052 (USD 1,240.00) to CJ.
    • Send order 1053 (USD 84.50) to AliExpress.
    Asked by dana
    ==== console
    ◇ dry run /forward-order order=1052,1053 dana · 01-01 00:00 UTC only you see this
    Orders of more than USD 1000.00 need a second person.
    ! Warning: Order 1053 is 3 days old.
    Touches USD 1,324.50 , orders 2
    Send order 1052 (USD 1,240.00) to CJ.
    Send order 1053 (USD 84.50) to AliExpress.
    [Run it]
    ==== terminal
    dry run  /forward-order order=1052,1053  by dana
    Orders of more than USD 1000.00 need a second person.
    warning: Order 1053 is 3 days old.

    plan:
      - Send order 1052 (USD 1,240.00) to CJ.
      - Send order 1053 (USD 84.50) to AliExpress.
    touches: money USD 1,324.50, orders 2
    policy: big-orders
    digest: 9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d9c1d
    ");
}

#[test]
fn what_others_wrote_is_shown_and_never_obeyed() {
    assert_snapshot!(everywhere(&known::hostile()), @r"
    ==== Slack
    text: … Waits for approval: forward-order note=&lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt / &lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt
    # … Waits for approval: forward-order
    &lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt
    Inputs: note=&lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt
    Warning
    • &lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt
    Touches: &lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt 1
    Plan
    • &lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt
    mrkdwn: ```
    a`b
    ``ˋ&lt;b&gt;�[2J�``ˋ
    ```
    (Asked by dana, run 7k2m9qx4ab) (&lt;!channel&gt; @everyone &lt;@U1&gt; [click](https://evil.example) *bold* `code` &lt;b onclick=x&gt;&amp;amp; �[31mred�txt)
    ==== Discord
    #e0a000
    … Waits for approval: forward-order note=\<!channel> \@everyone \<\@U1> \[click](https\://evil.example) \*bold\* \`code\` \<b onclick=x>&amp; �\[31mred�txt
    \<!channel> \@everyone \<\@U1> \[click](https\://evil.example) \*bold\* \`code\` \<b onclick=x>&amp; �\[31mred�txt

    **Warning**
    • \<!channel> \@everyone \<\@U1> \[click](https\://evil.example) \*bold\* \`code\` \<b onclick=x>&amp; �\[31mred�txt

    **Touches** \<!channel> \@everyone \<\@U1> \[click](https\://evil.example) \*bold\* \`code\` \<b onclick=x>&amp; �\[31mred�txt 1

    **Plan**
    • \<!channel> \@everyone \<\@U1> \[click](https\://evil.example) \*bold\* \`code\` \<b onclick=x>&amp; �\[31mred�txt
    ```
    aˋb
    ˋˋˋ<b>�[2J�ˋˋˋ
    ```
    Asked by dana, run 7k2m9qx4ab
    <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; �[31mred�txt
    ==== console
    ◷ waits for approval /forward-order note=<!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt dana · 01-01 00:00 UTC
    <!channel> @everyone <@U1> [click](https://evil.example) *bold* code <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt
    ! Warning: <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt
    Touches <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt 1
    <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt
    | a`b
    | ```<b>\u{1b}[2J\u{202e}```
    <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt
    ==== terminal
    waits for approval  /forward-order note=<!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp; \u{1b}[31mred\u{202e}txt  by dana  run 7k2m9qx4ab
    <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp;
    \u{1b}[31mred\u{202e}txt
    warning: <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp;
             \u{1b}[31mred\u{202e}txt

    plan:
      - <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp;
        \u{1b}[31mred\u{202e}txt
    touches: <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp;
             \u{1b}[31mred\u{202e}txt 1

    a`b
    ```<b>\u{1b}[2J\u{202e}```

    <!channel> @everyone <@U1> [click](https://evil.example) *bold* `code` <b onclick=x>&amp;
    \u{1b}[31mred\u{202e}txt
    ");
}

/// What is long is shown in part, by the message of a run; all of it is a click, a file or a scroll away.
#[test]
fn what_is_long_says_so() {
    let shown = everywhere(&known::long());
    let first = |line: &str| line.chars().take(140).collect::<String>().trim_end().to_owned();
    let mut lines: Vec<String> = shown.lines().map(first).collect();
    // Of hundreds of lines that are alike, the first three.
    let kind = |line: &String| {
        line.trim_start()
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .collect::<String>()
    };
    let mut alike = 0;
    let mut last = String::new();
    lines.retain(|line| {
        let kind = kind(line);
        alike = if kind == last { alike + 1 } else { 0 };
        last = kind;
        alike < 3
    });
    assert_snapshot!(lines.join("\n"), @r"
    ==== Slack
    text: ◐ Partly done: forward-order note=word word word word word word word word word word word word word word word word word word word word
    # ◐ Partly done: forward-order
    Much is said: and more and more and more and more and more and more and more and more and more and more and more and more and more and more
    Inputs: note=word word word word word word word word word word word word word word word word word word word word word word word word word wo
    Steps: 1 failed, 299 done
    ✗ send[40] failed: said40
    and 299 of 300 steps that are not shown; more in the thread
    mrkdwn: ```
    order  customer
     1000  customer0
     1001  customer1
     1002  customer2
    ```
    … and 390 more rows; more in the thread
    (Asked by dana, run 7k2m9qx4ab)
    ==== Discord
    #d96c00
    ◐ Partly done: forward-order
    Much is said: and more and more and more and more and more and more and more and more and more and more and more and more and more and more

    **Inputs** note=word word word word word word word word word word word word word word word word word word word word word word word word word

    Steps: 1 failed, 299 done
    ✗ send\[40] failed: said40
    and 299 of 300 steps that are not shown; more in the thread
    ```
    order  customer
     1000  customer0
     1001  customer1
     1002  customer2
    ```
    … and 390 more rows; more in the thread
    Asked by dana, run 7k2m9qx4ab
    ==== console
    ◐ partly done /forward-order note=word word word word word word word word word word word word word word word word word word word word word w
    Much is said: and more and more and more and more and more and more and more and more and more and more and more and more and more and more
    ✓ done send[0] said0
    ✓ done send[1] said1
    ✓ done send[2] said2
    [288 more steps, 288 of them ended]
    ✓ done send[12] said12
    ✓ done send[13] said13
    ✓ done send[14] said14
    ✕ failed send[40] said40
    ✓ done send[41] said41
    ✓ done send[42] said42
    ✓ done send[43] said43
    | order | customer
    | 1000 | customer0
    | 1001 | customer1
    | 1002 | customer2
    388 more rows on the run's page.
    ==== terminal
    partly done  /forward-order note=word word word word word word word word word word word word word word word word word word word word word wo
    Much is said: and more and more and more and more and more and more and more and more and more and
    more and more and more and more and more and more and more and more and more and more and more and
    more and more and more and more and more and more and more and more and more and more and more and
    more and more and more and more and more and more and more and more and more and more and more and
    more and more and more and more and more and more and more the end.

      done     send[0]    said0
      done     send[1]    said1
      done     send[2]    said2
      done     send[10]   said10
      done     send[11]   said11
      done     send[12]   said12
      failed   send[40]   said40
      done     send[41]   said41
      done     send[42]   said42
      done     send[43]   said43
      done     send[100]  said100
      done     send[101]  said101
      done     send[102]  said102

    order  customer
     1000  customer0
     1001  customer1
     1002  customer2
    ");
}
