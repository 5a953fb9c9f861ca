//! Slack is away, or takes nothing from us.

use super::world::{BRIEFLY, OPS, World};
use crate::harness::services::until;
use crate::harness::slack::Fault;
use signalbox::store::messages::MessageKind;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn after_an_hour_away_one_message_shows_how_things_stand() {
    let world = World::new().await;
    let store = &world.app.store;
    world.slack.outage(true);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "hour").await;
    world
        .pass_until("the outage is known", Duration::from_secs(15), async || {
            !store.platform_troubles().await.unwrap().is_empty()
        })
        .await;
    let trouble = store.platform_troubles().await.unwrap().remove(0);
    assert_eq!(
        (trouble.platform.as_str(), trouble.say.as_str()),
        ("slack", "it does not answer, or not properly")
    );
    let tried = world.slack.calls("chat.postMessage").len() + world.slack.calls("conversations.history").len();
    // It ends while nobody can be told, and others begin.
    assert_eq!(world.denies(&run, OPS, None).await, None);
    let second = world.begins(OPS, "later").await;
    for _ in 0..20 {
        let asked = world.slack.calls("auth.test").len();
        world
            .pass_until("Slack is asked", Duration::from_secs(180), async || {
                world.slack.calls("auth.test").len() > asked
            })
            .await;
    }
    assert_eq!(
        world.slack.calls("chat.postMessage").len() + world.slack.calls("conversations.history").len(),
        tried,
        "one small question now and then, and no more"
    );
    assert_eq!(store.tally().await.unwrap().given_up, 0);

    world.slack.outage(false);
    world
        .pass_until("it is told", Duration::from_secs(60), async || {
            store.platform_troubles().await.unwrap().is_empty()
        })
        .await;

    let mut messages = vec![world.slack.posted(OPS).await, world.slack.posted(OPS).await];
    messages.sort_by_key(|message| message.seen().contains("later"));
    assert!(messages[0].seen().contains("lee said no"), "{}", messages[0].seen());
    assert!(messages[0].edits.is_empty(), "one call shows it");
    assert!(messages[1].labels().contains(&"Approve".to_owned()));
    for message in &messages {
        world.slack.reply(message).await;
    }
    let (due, error) = world.stored(&second, MessageKind::Run, OPS).await;
    assert_eq!((due.tries, due.failing_since, error), (0, None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_told_and_the_work_goes_on_by_itself_afterwards() {
    let world = World::new().await;
    let store = &world.app.store;
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "token").await;
    let message = world.slack.posted(OPS).await;
    world.slack.reply(&message).await;
    world.slack.revoke_token();
    assert_eq!(world.denies(&run, OPS, Some(&message)).await, None);
    world
        .pass_until("the refusal is known", Duration::ZERO, async || {
            !store.platform_troubles().await.unwrap().is_empty()
        })
        .await;
    let trouble = store.platform_troubles().await.unwrap().remove(0);
    assert_eq!(trouble.say, "it does not accept the bot token (token_revoked)");
    let edits = world.slack.calls("chat.update").len();
    world.begins(OPS, "nobody sees").await;
    world
        .pass_until("Slack is asked", Duration::from_secs(60), async || {
            world.slack.calls("auth.test").len() > 2
        })
        .await;
    assert_eq!(world.slack.calls("chat.update").len(), edits);
    assert_eq!(world.slack.calls("chat.postMessage").len(), 2);

    world.slack.restore_token();
    world
        .pass_until("it is told", Duration::from_secs(60), async || {
            store.platform_troubles().await.unwrap().is_empty()
        })
        .await;

    world.slack.until(&message, |now| now.buttons().is_empty()).await;
    let next = world.slack.posted(OPS).await;
    world.slack.reply(&next).await;
}

/// What an earlier process found out is taken back by the first one that is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_process_tells_that_it_works() {
    let world = World::new().await;
    let store = &world.app.store;
    store
        .platform_fails("slack", "it does not answer", jiff::Timestamp::now())
        .await
        .unwrap();
    let _sender = world.sender(BRIEFLY);
    world.begins(OPS, "new").await;
    let message = world.slack.posted(OPS).await;
    world.slack.reply(&message).await;
    world
        .pass_until("it is told", Duration::ZERO, async || {
            store.platform_troubles().await.unwrap().is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_days_is_left_and_tried_again_when_the_run_closes() {
    let world = World::new().await;
    let store = &world.app.store;
    world.slack.withdraw_scope("chat:write");
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "scope").await;
    let tries = async || world.stored(&run, MessageKind::Run, OPS).await.0.tries;
    world
        .pass_until("it is tried", Duration::ZERO, async || tries().await == 1)
        .await;
    world.pass(2 * DAY).await;
    world
        .pass_until("it is tried after days", Duration::ZERO, async || tries().await == 2)
        .await;
    assert_eq!(store.tally().await.unwrap().given_up, 0);
    world.pass(2 * DAY).await;
    world
        .pass_until("it is left, and its reply too", Duration::ZERO, async || {
            store.tally().await.unwrap().given_up == 2
        })
        .await;
    assert_eq!(store.unsent_messages().await.unwrap(), 0);
    let (_, error) = world.stored(&run, MessageKind::Run, OPS).await;
    assert_eq!(
        error.as_deref(),
        Some("the bot token lacks the scope chat:write; add it to the app and install the app again")
    );
    let (_, error) = world.stored(&run, MessageKind::Details, OPS).await;
    assert_eq!(error.as_deref(), Some("its thread was never begun"));
    assert!(
        store.platform_troubles().await.unwrap().is_empty(),
        "Slack itself works"
    );

    world.slack.grant_scope("chat:write");
    assert_eq!(world.denies(&run, OPS, None).await, None);

    let message = world.slack.posted(OPS).await;
    assert!(message.seen().contains("lee said no"), "{}", message.seen());
    world.slack.reply(&message).await;
    world
        .pass_until("nothing is left", Duration::ZERO, async || {
            store.tally().await.unwrap().given_up == 0
        })
        .await;
}

/// Blocks that Slack comes to refuse must not hide what happened.
#[tokio::test(flavor = "multi_thread")]
async fn what_slack_does_not_take_as_it_is_built_is_said_plainly() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", Fault::Error("invalid_blocks"));
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "plain").await;
    let message = world.slack.posted(OPS).await;
    assert!(message.blocks.is_empty());
    insta::assert_snapshot!(message.text.lines().filter(|line| !line.contains("Waiting for")).collect::<Vec<_>>().join("\n"), @r"
    … Waits for approval: write word=plain
    (Slack did not take this message as it should look, so it has no buttons. They are in the console, and on the command line.)
    ");
    world.slack.reply(&message).await;
    world.slack.fault("chat.update", Fault::Error("msg_blocks_too_long"));
    assert_eq!(world.denies(&run, OPS, None).await, None);
    let message = world
        .slack
        .until(&message, |now| now.text.contains("lee said no"))
        .await;
    assert!(message.blocks.is_empty());
    until("nothing waits", || world.slack.calls("chat.update").len() == 2).await;
}
