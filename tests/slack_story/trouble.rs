//! What people see when parts of the world fail.

use crate::harness::services::until;
use crate::harness::slack::{Fault, Message};
use crate::harness::slack_world::{Scene, shown, whispered};

async fn succeeded(scene: &Scene, message: &Message) -> Message {
    scene.until_heading(message, "✓").await;
    scene.slack.until(message, |now| now.seen().contains("Proof:")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_killed_goes_on_in_the_same_message_and_sends_nothing_twice() {
    let mut scene = Scene::open().await;
    scene.shop().ctl(&["outage", "slow", "3"]);
    scene.types("U1", "/forward-order", "1042").await;
    let message = scene.slack.posted("C0OPS").await;
    scene
        .slack
        .until(&message, |now| now.seen().contains("under way"))
        .await;
    scene.bot.kill();
    scene.bot.start().await;
    let message = scene
        .slack
        .until_within(&message, 60, |now| now.seen().contains("Proof:"))
        .await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: forward-order order=1042
    Order 1042 is forwarded: its row shows CJ: CJORD-N.
    Touches: money USD 84.50, orders 1
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 1 done
    ✓ forward[1042]
    Asked by dana, run RUN
    ");
    assert_eq!(scene.shop().posts(1042).await, 1);
    scene.slack.reply(&message).await;
    scene.slack.reply(&message).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_acknowledgement_does_not_wait_for_a_database_that_hangs() {
    let scene = Scene::open().await;
    let hanging = scene.shop().hang_database();
    scene.types("U1", "/forward-order", "1043").await;
    let answer = scene.slack.whisper_within("U1", 60).await;
    insta::assert_snapshot!(whispered(&answer), @r"
    ⊘ Refused: forward-order order=1043
    Nothing was done: I could not look at orders first, because shop-db cannot be reached: PostgreSQL at 127.0.0.1:PORT cannot be reached: no connection in time
    Asked by dana
    ");
    drop(hanging);
    assert_eq!(scene.shop().posts(1043).await, 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_without_the_bot_is_answered_by_the_response_url() {
    let scene = Scene::open().await;
    scene.slack.kick_bot("C0OPS");
    scene.types("U1", "/forward-order", "1043").await;
    let mut seen = Vec::new();
    loop {
        let message = scene.slack.posted("C0OPS").await;
        seen.push(shown(&message));
        if message.seen().contains("Proof:") {
            break;
        }
    }
    assert!(seen.len() <= 5, "{seen:#?}");
    // A slow machine shows it under way as well.
    seen.retain(|one| !one.starts_with("► "));
    insta::assert_snapshot!(seen.join("\n\n"), @r"
    ✓ Succeeded: forward-order order=1043
    Order 1043 is forwarded: its row shows CJ: CJORD-N. The signals are read once more at TIME.
    Touches: money USD 60.50, orders 1
    Steps: 1 done
    ✓ forward[1043]
    Asked by dana, run RUN

    ✓ Succeeded: forward-order order=1043
    Order 1043 is forwarded: its row shows CJ: CJORD-N.
    Touches: money USD 60.50, orders 1
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 1 done
    ✓ forward[1043]
    Asked by dana, run RUN
    ");
    assert_eq!(scene.shop().posts(1043).await, 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_refuses_for_a_while_arrives_afterwards_and_once() {
    let scene = Scene::open().await;
    for fault in [Fault::RateLimited(1), Fault::Status(503), Fault::Html] {
        scene.slack.fault("chat.postMessage", fault);
    }
    for fault in [Fault::Status(503), Fault::Reset, Fault::RateLimited(1)] {
        scene.slack.fault("chat.update", fault);
    }
    scene.slack.fault("files.getUploadURLExternal", Fault::Status(503));
    scene.types("U1", "/forward-order", "1043").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = succeeded(&scene, &message).await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: forward-order order=1043
    Order 1043 is forwarded: its row shows CJ: CJORD-N.
    Touches: money USD 60.50, orders 1
    Proof: VERDICT. orders awaiting forwarding N -> N, N after the soak; queue length N -> N messages, N after the soak; workers alive N -> N, N after the soak
    Steps: 1 done
    ✓ forward[1043]
    Asked by dana, run RUN
    ");
    scene.slack.reply(&message).await;
    scene.slack.reply(&message).await;
    assert_eq!(scene.shop().posts(1043).await, 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_took_without_saying_so_stands_there_once() {
    let scene = Scene::open().await;
    scene.slack.fault("chat.postMessage", Fault::DoneThenReset);
    scene.slack.fault("chat.postMessage", Fault::DoneThenUnavailable);
    scene.slack.fault("files.completeUploadExternal", Fault::DoneThenReset);
    scene.types("U1", "/forward-order", "1043").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = succeeded(&scene, &message).await;
    // The result and the chart, each of which is looked for once.
    scene.slack.reply(&message).await;
    scene.slack.reply(&message).await;
    until("the replies were looked for", || {
        scene.slack.calls("conversations.replies").len() >= 2
    })
    .await;
    assert_eq!(scene.slack.calls("chat.postMessage").len(), 2);
    assert_eq!(scene.slack.calls("files.completeUploadExternal").len(), 1);
    assert_eq!(scene.shop().posts(1043).await, 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_a_message_decides_nothing() {
    let scene = Scene::open().await;
    scene.slack.withdraw_scope("channels:history");
    scene.slack.fault("chat.postMessage", Fault::DoneThenReset);
    scene
        .types("U1", "/forward-order", "1060,1061,1062,1063,1064,1065")
        .await;
    let older = scene.slack.posted("C0OPS").await;
    let newer = scene.slack.posted("C0OPS").await;
    scene.slack.reply(&newer).await;
    scene.presses("U2", &older, "Approve").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U2").await), @"
    ⊘ Refused: forward-order
    Nothing was done: this is an old copy of the message of run RUN, and nobody keeps it up to date. Use the buttons of the newer one in this channel.
    Asked by lee
    ");
    assert_eq!(scene.posts().await, 0);
    scene.presses("U2", &newer, "Deny").await;
    scene.slack.until(&newer, |now| now.buttons().is_empty()).await;
    scene.end().await;
}
