//! What happens when Discord is away, loses an answer, or lets the bot do less than it should.

use crate::harness::discord::{Fault, Route, permission};
use crate::harness::discord_world::{DANA, GENERAL, LEE, OPS, World, run_of, shown};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_answer_was_lost_is_one_message() {
    for fault in [Fault::DoneThenReset, Fault::DoneThenStatus(502), Fault::Reset] {
        let world = World::new().await;
        world.discord.fault_in(OPS, Route::CreateMessage, fault);
        world.types(DANA, "write", &[("word", json!("red"))]).await;
        let message = world.discord.posted(OPS).await;
        let done = world.until_says(&message, "✓ Succeeded").await;
        world.discord.reply(&done).await;
        world.discord.whisper(DANA).await;
        let standing = world
            .discord
            .messages(OPS)
            .into_iter()
            .filter(|message| message.alone.is_none());
        assert_eq!(standing.count(), 1, "{fault:?}");
        world.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_loses_nothing_and_is_told() {
    let world = World::new().await;
    world.discord.outage(true);
    world.types(DANA, "write", &[("word", json!("red"))]).await;
    crate::harness::services::until("the run is done", || world.writes() == 1).await;
    world.discord.outage(false);
    let message = world.discord.posted_within(OPS, 30).await;
    let done = world.until_says(&message, "✓ Succeeded").await;
    world.discord.reply(&done).await;
    world.discord.whisper_within(DANA, 30).await;
    world.discord.take_refused();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_was_met_is_kept_to() {
    let world = World::new().await;
    world
        .discord
        .fault(Route::CreateMessage, Fault::RateLimitedInAll { seconds: 1.5 });
    world.types(DANA, "write", &[("word", json!("red"))]).await;
    let message = world.discord.posted(OPS).await;
    world.until_says(&message, "✓ Succeeded").await;
    world.discord.reply(&message).await;
    world.discord.whisper(DANA).await;
    let refused = world.discord.take_refused();
    assert!(refused.len() <= 1, "{refused:?}");
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_told_to_the_person_alone() {
    let world = World::new().await;
    world.discord.outage(true);
    world.types(DANA, "charge", &[("order", json!(13))]).await;
    // Discord forgets the token after a quarter of an hour.
    world.discord.freeze();
    world.discord.advance(Duration::from_secs(15 * 60 + 1));
    world.discord.outage(false);
    let direct = world.discord.direct(DANA);
    let told = world.discord.posted_within(&direct, 30).await;
    insta::assert_snapshot!(shown(&told), @r"
    This was to be answered where you asked, and came too late for that.
    ⊘ Refused: charge order=13
    Order 13 is not charged by anybody.
    Asked by dana · MARK
    ");
    let refused = world.discord.take_refused();
    assert!(
        refused
            .iter()
            .all(|call| call.status == 503 || call.answer["code"] == 50027),
        "{refused:?}"
    );
    // What was promised was promised on another day.
    assert_eq!(world.discord.owed().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_the_bot_may_not_write_to_still_answers_the_asker() {
    let world = World::new().await;
    world.discord.forbid(GENERAL, permission::SEND_MESSAGES);
    let ack = world
        .discord
        .person(DANA)
        .types(GENERAL, "charge", &[("order", json!(1042))])
        .await;
    assert_eq!(ack.kind(), 5);
    // It is shown in the operations channel, where others can answer, with a word on why.
    let message = world.discord.posted(OPS).await;
    insta::assert_snapshot!(shown(&message), @r"
    <@&7001> A second person's yes is asked for charge.
    … Waits for approval: charge order=1042
    A charge needs a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.

    **Warning**
    • It was asked for in channel 9003, where it cannot be shown: Discord does not let the bot do that there: Missing Permissions (50013).

    **Plan**
    • Charge order 1042.
    Asked by dana, run RUN · MARK
    [Approve]
    [Deny]
    ");
    insta::assert_snapshot!(shown(&world.discord.whisper(DANA).await), @r"
    … Waits for approval: charge order=1042
    A charge needs a second person. Waiting for 1 of 1 approval by somebody other than dana, until TIME. After 30 minutes without an answer it is a no.

    **Plan**
    • Charge order 1042.
    Asked by dana, run RUN
    ");
    world.presses(LEE, &message, "Approve").await;
    world.until_says(&message, "✓ Succeeded").await;
    world.discord.reply(&message).await;
    world.discord.take_refused();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_threads_replies_take_their_place() {
    let world = World::new().await;
    world.discord.forbid(OPS, permission::CREATE_PUBLIC_THREADS);
    world.types(DANA, "write", &[("word", json!("red"))]).await;
    let message = world.discord.posted(OPS).await;
    let details = world.discord.posted(OPS).await;
    assert_eq!(details.replies_to.as_deref(), Some(message.id.as_str()));
    assert!(details.pings.is_empty());
    world.discord.whisper(DANA).await;
    world.discord.take_refused();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_is_posted_anew() {
    let world = World::new().await;
    world.types(DANA, "charge", &[("order", json!(1042))]).await;
    let message = world.discord.posted(OPS).await;
    world.discord.reply(&message).await;
    world.discord.whisper(DANA).await;
    world.discord.delete(&message);
    world
        .types(LEE, "signalbox deny", &[("run", json!(run_of(&message)))])
        .await;
    let anew = world.discord.posted(OPS).await;
    assert!(anew.seen().contains("Denied"), "{}", anew.seen());
    world.discord.whisper(LEE).await;
    world.discord.take_refused();
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_told_and_mended() {
    let world = World::new().await;
    world.discord.revoke_token();
    world.types(DANA, "write", &[("word", json!("red"))]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = async || {
        let answer = client.get(format!("{}/readyz", world.url())).send().await.unwrap();
        answer.text().await.unwrap()
    };
    while !ready().await.contains("discord cannot be spoken to") {
        tokio::task::yield_now().await;
    }
    let metrics = client.get(format!("{}/metrics", world.url())).send().await.unwrap();
    assert!(
        metrics
            .text()
            .await
            .unwrap()
            .contains("signalbox_platform_up{platform=\"discord\"} 0")
    );
    world.discord.restore_token();
    let message = world.discord.posted_within(OPS, 30).await;
    let done = world
        .discord
        .until_within(&message, 30, |now| now.seen().contains("✓ Succeeded"))
        .await;
    world.discord.reply(&done).await;
    world.discord.whisper_within(DANA, 30).await;
    assert!(ready().await.starts_with("ready"));
    world.discord.take_refused();
    world.end();
}
