//! What one person alone may not do.

use crate::harness::slack::{Message, Oddity};
use crate::harness::slack_world::{Scene, shown, whispered};

const SIX: &str = "1060,1061,1062,1063,1064,1065";

/// Dana asks for six orders; the message that asks for a second person, and the thread's first reply.
async fn six_orders(scene: &Scene) -> (Message, Message) {
    scene.types("U1", "/forward-order", SIX).await;
    let message = scene.slack.posted("C0OPS").await;
    let details = scene.slack.reply(&message).await;
    (message, details)
}

#[tokio::test(flavor = "multi_thread")]
async fn six_orders_go_when_a_second_person_of_ops_says_yes() {
    let scene = Scene::open().await;
    let (message, details) = six_orders(&scene).await;
    insta::assert_snapshot!(shown(&message), @r"
    … Waits for approval: forward-order order=1060,1061,1062,1063,1064,1065
    More than 5 orders at once need a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.
    <!subteam^S0OPS>
    A second person's yes is asked for forward-order.
    Touches: money USD 150.00, orders 6
    Plan
    • Send order 1060 (USD 25.00) to CJ.
    • Send order 1061 (USD 25.00) to CJ.
    • Send order 1062 (USD 25.00) to CJ.
    • Send order 1063 (USD 25.00) to CJ.
    • Send order 1064 (USD 25.00) to CJ.
    • Send order 1065 (USD 25.00) to CJ.
    Approve
    Deny
    Asked by dana, run RUN
    ");
    insta::assert_snapshot!(shown(&details), @r"
    Details of forward-order order=1060,1061,1062,1063,1064,1065
    Plan
    • Send order 1060 (USD 25.00) to CJ.
    • Send order 1061 (USD 25.00) to CJ.
    • Send order 1062 (USD 25.00) to CJ.
    • Send order 1063 (USD 25.00) to CJ.
    • Send order 1064 (USD 25.00) to CJ.
    • Send order 1065 (USD 25.00) to CJ.
    Plan digest DIGEST
    ");
    insta::assert_debug_snapshot!((message.labels(), &message.pings), @r#"
    (
        [
            "Approve",
            "Deny",
        ],
        [
            "!subteam^S0OPS",
        ],
    )
    "#);

    scene.presses("U1", &message, "Approve").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U1").await), @r"
    ⊘ Denied: forward-order
    Nobody approves a plan of their own.
    Asked by dana
    ");
    scene.presses("U3", &message, "Approve").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U3").await), @r"
    ⊘ Denied: forward-order
    No policy lets vic approve forward-order.
    Asked by vic
    ");
    assert_eq!(scene.posts().await, 0);

    let late = scene.slack.person("U2").press_body(&message, "Approve", Oddity::None);
    scene.presses("U2", &message, "Approve").await;
    scene.until_heading(&message, "✓").await;
    let message = scene.slack.until(&message, |now| now.seen().contains("Proof:")).await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: forward-order order=1060,1061,1062,1063,1064,1065
    6 done of 6 steps.
    Touches: money USD 150.00, orders 6
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 6 done
    ✓ forward[1060]: Order 1060 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1061]: Order 1061 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1062]: Order 1062 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1063]: Order 1063 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1064]: Order 1064 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1065]: Order 1065 is forwarded: its row shows CJ: CJORD-N.
    Asked by dana, run RUN
    lee approved (Slack)
    ");
    for order in 1060..=1065 {
        assert_eq!(scene.shop().posts(order).await, 1, "order {order}");
    }
    assert_eq!(scene.posts().await, 6);

    // A colleague whose window was behind presses the button that was there.
    scene.delivers("U2", "/slack/interactivity", late).await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U2").await), @"
    ⊘ Refused: forward-order
    It does not wait for an approval: run RUN is succeeded.
    Asked by lee
    ");
    insta::assert_snapshot!(shown(&scene.slack.reply(&message).await), @r"
    Details of forward-order order=1060,1061,1062,1063,1064,1065
    Steps
    ✓ forward[1060]: Order 1060 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1061]: Order 1061 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1062]: Order 1062 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1063]: Order 1063 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1064]: Order 1064 is forwarded: its row shows CJ: CJORD-N.
    ✓ forward[1065]: Order 1065 is forwarded: its row shows CJ: CJORD-N.
    History
    • lee approved (Slack)
    Plan digest DIGEST
    ");
    scene.slack.reply(&message).await;
    assert_eq!(scene.posts().await, 6);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_a_no_and_the_message_says_whose() {
    let scene = Scene::open().await;
    let (message, _) = six_orders(&scene).await;
    scene.presses("U2", &message, "Deny").await;
    let message = scene.slack.until(&message, |now| now.buttons().is_empty()).await;
    insta::assert_snapshot!(shown(&message), @r"
    ⊘ Denied: forward-order order=1060,1061,1062,1063,1064,1065
    lee said no. Nothing was done.
    Touches: money USD 150.00, orders 6
    Asked by dana, run RUN
    lee said no
    ");
    assert_eq!(scene.posts().await, 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_plan_that_is_no_longer_so_starts_nothing() {
    let scene = Scene::open().await;
    let (message, _) = six_orders(&scene).await;
    let old = scene.slack.person("U2").press_body(&message, "Approve", Oddity::None);
    scene
        .shop()
        .sql("update store_order set total_amount = 990 where id = 1060")
        .await;
    scene.presses("U2", &message, "Approve").await;
    let message = scene.slack.until(&message, |now| now.seen().contains("changed")).await;
    insta::assert_snapshot!(shown(&message), @r"
    … Waits for approval: forward-order order=1060,1061,1062,1063,1064,1065
    More than 5 orders at once need a second person. Orders of more than USD 1000.00 need a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.
    <!subteam^S0OPS>
    A second person's yes is asked for forward-order.
    Touches: money USD 1115.00, orders 6
    Plan
    • Send order 1060 (USD 990.00) to CJ.
    • Send order 1061 (USD 25.00) to CJ.
    • Send order 1062 (USD 25.00) to CJ.
    • Send order 1063 (USD 25.00) to CJ.
    • Send order 1064 (USD 25.00) to CJ.
    • Send order 1065 (USD 25.00) to CJ.
    Approve
    Deny
    Asked by dana, run RUN
    lee approved (Slack)
    The plan changed before the start: radius money USD 1115.00, orders 6 instead of money USD 150.00, orders 6
    ");
    assert_eq!(scene.posts().await, 0);
    // An edited message notifies nobody, so whoever may approve is called to the new plan.
    let call = scene.slack.reply(&message).await;
    assert_eq!(call.pings, ["!subteam^S0OPS"]);

    scene.delivers("U2", "/slack/interactivity", old).await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U2").await), @r"
    ⊘ Denied: forward-order
    The plan has changed since you saw it. Look at it again and approve what it is now.
    Asked by lee
    ");
    assert_eq!(scene.posts().await, 0);
    scene.end_unread().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_lets_the_step_under_way_end_and_begins_no_other() {
    let scene = Scene::open().await;
    scene.shop().ctl(&["outage", "slow", "2"]);
    scene.types("U1", "/forward-order", "1042,1043").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = scene
        .slack
        .until(&message, |now| {
            now.labels() == ["Stop"] && now.seen().contains("under way")
        })
        .await;
    insta::assert_snapshot!(shown(&message), @r"
    ► Running: forward-order order=1042,1043
    Step 1 of 2 is under way: Send order 1042 (USD 84.50) to CJ.
    Touches: money USD 145.00, orders 2
    Steps: 1 running, 1 to come
    ► forward[1042] is running
    · forward[1043]: Send order 1043 (USD 60.50) to CJ.
    Stop
    Asked by dana, run RUN
    ");
    scene.presses("U2", &message, "Stop").await;
    let message = scene.until_heading(&message, "■").await;
    let message = scene.slack.until(&message, |now| now.seen().contains("Proof:")).await;
    insta::assert_snapshot!(shown(&message), @r"
    ■ Stopped: forward-order order=1042,1043
    Order 1042 is forwarded: its row shows CJ: CJORD-N. Stopped by lee. 1 of 2 steps were not begun.
    Touches: money USD 145.00, orders 2
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 1 done, 1 to come
    ✓ forward[1042]
    · forward[1043]: Send order 1043 (USD 60.50) to CJ.
    Asked by dana, run RUN
    lee asked to stop
    ");
    assert_eq!((scene.shop().posts(1042).await, scene.shop().posts(1043).await), (1, 0));
    scene.end_unread().await;
}
