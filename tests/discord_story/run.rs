//! A run from the command to its end.

use crate::harness::discord_world::{DANA, EVE, LEE, OPS, VIC, World, many, run_of, shown};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_asked_for_approved_by_another_and_done_once() {
    let world = World::new().await;
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let message = world.discord.posted(OPS).await;
    insta::assert_snapshot!(shown(&message), @r"
    <@&7001> A second person's yes is asked for charge.
    … Waits for approval: charge order=1042
    A charge needs a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.

    **Plan**
    • Charge order 1042.
    Asked by dana, run RUN · MARK
    [Approve]
    [Deny]
    ");
    assert_eq!(message.pings, ["@&7001"]);
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @"It is here: https://discord.com/channels/900/9001/MESSAGE");
    insta::assert_snapshot!(shown(&world.discord.reply(&message).await), @r"
    Details of charge order=1042
    **Plan**
    • Charge order 1042.
    Plan digest DIGEST · MARK
    ");

    // One's own yes does not count.
    world.presses(DANA, &message, "Approve").await;
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @r"
    ⊘ Denied: charge
    You asked for this yourself, so somebody else has to approve it.
    Asked by dana
    ");
    assert_eq!(world.writes(), 0);

    world.presses(LEE, &message, "Approve").await;
    let done = world.until_says(&message, "✓ Succeeded").await;
    insta::assert_snapshot!(shown(&done), @r"
    ✓ Succeeded: charge order=1042
    Order 1042 is charged.

    Steps: 1 done
    ✓ charge
    Asked by dana, run RUN
    lee approved (Discord) · MARK
    ");
    insta::assert_snapshot!(shown(&world.discord.reply(&message).await), @r"
    Details of charge order=1042
    **Steps**
    ✓ charge: Order 1042 is charged.

    **History**
    • lee approved (Discord)
    Plan digest DIGEST · MARK
    ");
    assert_eq!(world.writes(), 1);
    let run = world.app.store.run(&run_of(&done)).await.unwrap();
    assert_eq!(run.plan.person, "dana");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_learns_it_alone() {
    let world = World::new().await;
    world.types(VIC, "charge", &[("order", json!(1042))]).await;
    insta::assert_snapshot!(shown(&world.discord.whisper(VIC).await), @r"
    ⊘ Denied: charge
    No policy lets vic ask for charge.
    Asked by vic
    ");
    world.types(EVE, "charge", &[("order", json!(1042))]).await;
    insta::assert_snapshot!(shown(&world.discord.whisper(EVE).await), @r"
    ⊘ Denied: charge
    I do not know who you are: the Discord account 109 belongs to nobody in people.toml. If Signalbox knows you on another platform, type \`/signalbox link\` there and bring the code here by \`/signalbox link CODE\`. Otherwise ask an operator to add this account.
    Asked by Discord account 109
    ");
    world.types(DANA, "charge", &[("order", json!(13))]).await;
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @r"
    ⊘ Refused: charge order=13
    Order 13 is not charged by anybody.
    Asked by dana
    ");
    world
        .types(DANA, "charge", &[("order", json!(1042)), ("dry", json!(true))])
        .await;
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @r"
    ○ Dry run, nothing was done: charge order=1042
    Dry run: nothing was done. It would need 1 approval: A charge needs a second person.

    **Plan**
    • Charge order 1042.
    Asked by dana
    ");
    assert_eq!(world.writes(), 0);
    assert!(
        world
            .discord
            .messages(OPS)
            .iter()
            .all(|message| message.alone.is_some())
    );
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_line_up_and_mean_nothing_else() {
    let world = World::new().await;
    world.types(VIC, "orders", &[]).await;
    let message = world.discord.posted(OPS).await;
    insta::assert_snapshot!(shown(&message), @r"
    ✓ Succeeded: orders
    2 orders.
    ```
    order  state
     1042  paid
     1043  ˋnewˋ
    ```
    Asked by vic, run RUN · MARK
    ");
    world.discord.whisper(VIC).await;
    world.discord.reply(&message).await;
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_has_no_room_for_is_in_a_file() {
    let world = World::with(&[("many", &many())]).await;
    world.types(VIC, "many", &[]).await;
    let message = world.discord.posted(OPS).await;
    assert!(
        message.seen().contains("… and 190 more rows; more in the thread"),
        "{}",
        message.seen()
    );
    let details = world.discord.reply(&message).await;
    let [file] = details.shown.files.as_slice() else {
        panic!("one file: {details:?}")
    };
    assert_eq!(file.name, format!("many-{}.txt", run_of(&message)));
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    assert_eq!(text.matches("\tpaid").count(), 200, "{text}");
    world.discord.whisper(VIC).await;
    world.end();
}
