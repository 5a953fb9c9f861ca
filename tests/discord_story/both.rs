//! One run on two platforms: each shows it, and whoever may answer does so where they are.

use crate::harness::discord_world::{DANA, LEE, OPS, World, run_of, shown};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_on_slack_is_approved_on_discord_and_all_agree() {
    let mut world = World::of_both().await;
    let slack = world.slack.take().unwrap();
    let ack = slack.person("U1").command("C0OPS", "/charge", "1042").await;
    assert_eq!((ack.status, ack.body.as_str()), (Some(200), ""));
    let there = slack.posted("C0OPS").await;
    slack.reply(&there).await;
    let here = world.discord.posted(OPS).await;
    assert_eq!(here.pings, ["@&7001"]);
    world.discord.reply(&here).await;
    world.presses(LEE, &here, "Approve").await;
    let here = world.until_says(&here, "✓ Succeeded").await;
    let there = slack.until(&there, |now| now.seen().contains("✓ Succeeded")).await;
    insta::assert_snapshot!(shown(&here), @r"
    ✓ Succeeded: charge order=1042
    Order 1042 is charged.

    Steps: 1 done
    ✓ charge
    Asked by dana, run RUN
    lee approved (Discord) · MARK
    ");
    assert!(there.seen().contains("lee approved (Discord)"), "{}", there.seen());
    world.discord.reply(&here).await;
    slack.reply(&there).await;
    // The console tells the same, and a button that was pressed on one side is gone on the other.
    assert!(here.buttons().is_empty() && !there.seen().contains("[Approve]"));
    let report = world.station().desk.shown(&run_of(&here)).await.unwrap();
    assert_eq!(report.history, ["lee approved (Discord)"]);
    assert_eq!(world.writes(), 1);
    world.end();
    assert_eq!(slack.misuse(), Vec::<String>::new());
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_on_discord_is_approved_on_slack_while_discord_is_away() {
    let mut world = World::of_both().await;
    let slack = world.slack.take().unwrap();
    world.discord.outage(true);
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let there = slack.posted("C0OPS").await;
    slack.reply(&there).await;
    let ack = slack.person("U2").press(&there, "Approve").await;
    assert_eq!(ack.status, Some(200));
    let there = slack.until(&there, |now| now.seen().contains("✓ Succeeded")).await;
    slack.reply(&there).await;
    assert_eq!(world.writes(), 1);
    // Discord shows how it stands now, at once and once.
    world.discord.outage(false);
    let here = world.discord.posted_within(OPS, 40).await;
    assert!(here.seen().contains("✓ Succeeded"), "{}", here.seen());
    assert!(here.pings.is_empty());
    for _ in 0..2 {
        world.discord.reply(&here).await;
    }
    world.discord.whisper_within(DANA, 40).await;
    world.discord.take_refused();
    world.end();
    world.slack = Some(slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_shown_wherever_runs_are() {
    let mut world = World::of_both().await;
    let slack = world.slack.take().unwrap();
    let dana = slack.person("U1");
    dana.command("C0OPS", "/signalbox", "pause").await;
    let said = "dana paused writes of all runbooks: none is started until they are resumed. A step that is under way goes \
                on to its end.";
    assert_eq!(slack.posted("C0OPS").await.seen(), said);
    assert_eq!(world.discord.posted(OPS).await.seen().lines().next(), Some(said));
    slack.whisper("U1").await;

    // Once is enough.
    dana.command("C0OPS", "/signalbox", "pause").await;
    let told = slack.whisper("U1").await;
    assert!(
        told.seen()
            .contains("Writes of all runbooks are paused already, by dana since "),
        "{}",
        told.seen()
    );

    dana.command("C0OPS", "/signalbox", "resume").await;
    let said = "dana resumed writes of all runbooks: they may start again.";
    assert_eq!(slack.posted("C0OPS").await.seen(), said);
    assert_eq!(world.discord.posted(OPS).await.seen().lines().next(), Some(said));
    slack.whisper("U1").await;
    world.end();
    assert_eq!(slack.misuse(), Vec::<String>::new());
    world.slack = Some(slack);
}
