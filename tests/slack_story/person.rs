//! What only a person can know.

use crate::harness::slack_world::{Scene, run_of, shown, whispered};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_may_have_been_sent_is_asked_about_and_a_person_ends_it() {
    let scene = Scene::open().await;
    scene.shop().ctl(&["outage", "on"]);
    scene.types("U1", "/forward-order", "1044").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = scene.until_heading(&message, "?").await;
    insta::assert_snapshot!(shown(&message), @r"
    ? Needs a person: forward-order order=1044
    Order 1044 counts as forwarded in the shop, with an id that the shop made up (CJ: cj_1044-1): no answer came from the supplier, which may have the order all the same. Ask the supplier; another run would send nothing. If it has no such order, say so here, then /retry-forward 1044. Say what became of it; until then its locks stay held and nothing more is started. It has waited since DATE.
    <!subteam^S0OPS>
    Somebody must say what became of a step.
    Touches: money USD 73.00, orders 1
    Steps: 1 not known
    ? forward[1044] may have happened
    What became of forward[1044]?
    It happened
    It did not happen
    Give up
    Asked by dana, run RUN
    ");
    let ping = scene.slack.reply(&message).await;
    insta::assert_snapshot!(shown(&ping), @r"
    <!subteam^S0OPS>
    Somebody must say what became of a step.
    ? Needs a person: forward-order order=1044
    Order 1044 counts as forwarded in the shop, with an id that the shop made up (CJ: cj_1044-1): no answer came from the supplier, which may have the order all the same. Ask the supplier; another run would send nothing. If it has no such order, say so here, then /retry-forward 1044. Say what became of it; until then its locks stay held and nothing more is started. It has waited since DATE.
    ");
    insta::assert_debug_snapshot!((&message.pings, &ping.pings, message.labels()), @r#"
    (
        [],
        [
            "!subteam^S0OPS",
        ],
        [
            "It happened",
            "It did not happen",
            "Give up",
        ],
    )
    "#);

    // Half an hour later nobody has answered: they are called again, in the thread.
    scene.bot.grow_older("31m").await;
    let again = scene.slack.reply(&message).await;
    assert_eq!(again.pings, ["!subteam^S0OPS"]);
    let called = shown(&again);
    let reminder = called.lines().nth(1).unwrap_or_default();
    insta::assert_snapshot!(reminder, @"Somebody must say what became of a step. Reminder 1: it has waited for 31m, since DATE. Locked meanwhile: order:1044 since DATE.");

    scene.presses("U3", &message, "It happened").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U3").await), @r"
    ⊘ Denied: forward-order
    No policy lets vic resolve a step of forward-order.
    Asked by vic
    ");
    // The lock is kept: nobody sends it a second time meanwhile.
    scene.types("U2", "/forward-order", "1044").await;
    insta::assert_snapshot!(whispered(&scene.slack.whisper("U2").await), @r"
    ⊘ Refused: forward-order order=1044
    Order 1044 has an id that the shop made up (CJ: cj_1044-1): no answer came from the supplier, which may have the order all the same. The shop counts it as forwarded, so another run would do nothing. Ask the supplier first; if it has no such order, /retry-forward 1044 sends it again.
    Asked by lee
    ");

    scene.presses("U2", &message, "It did not happen").await;
    let message = scene.until_heading(&message, "✗").await;
    insta::assert_snapshot!(shown(&message), @"
    ✗ Failed: forward-order order=1044
    lee says that it did not happen: pressed in Slack.
    Touches: money USD 73.00, orders 1
    Steps: 1 failed
    ✗ forward[1044] failed
    Asked by dana, run RUN
    lee resolved a step: pressed in Slack
    ");
    scene.end_unread().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_types_pings_nobody_and_is_shown_as_typed() {
    let scene = Scene::open().await;
    let typed = "<!channel> <@U1> `rm` *all* & <https://x.example|mail>";
    scene.types("U1", "/forward-order", &format!("\"{typed}\"")).await;
    let answer = scene.slack.whisper("U1").await;
    insta::assert_snapshot!(whispered(&answer), @r#"
    ! Not understood: forward-order
    `order`: "<!channel> <@U1> `rm` *all* & <https://x..." is not a whole number. Nothing was done.
    Asked by dana
    "#);
    let raw = serde_json::to_string(&answer.blocks).unwrap();
    assert!(!raw.contains("<!") && !raw.contains("<@"), "{raw}");

    scene.shop().ctl(&["outage", "on"]);
    scene.types("U1", "/forward-order", "1044").await;
    let message = scene.slack.posted("C0OPS").await;
    let message = scene.until_heading(&message, "?").await;
    let line = format!("resolve {} forward[1044] done {typed}", run_of(&message));
    scene.types("U2", "/signalbox", &line).await;
    let message = scene.slack.until(&message, |now| now.seen().contains("Proof:")).await;
    assert!(message.seen().contains(typed), "{}", message.seen());
    let raw = serde_json::to_string(&message.blocks).unwrap();
    assert!(!raw.contains("<!channel") && !raw.contains("<@"), "{raw}");
    scene.end_unread().await;
}
