//! Messages and channels that are gone.

use super::world::{ALERTS, BRIEFLY, OPS, World, place};
use crate::harness::slack::Fault;
use signalbox::store::messages::MessageKind;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_deleted_is_posted_anew() {
    let world = World::new().await;
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "deleted").await;
    let deleted = world.slack.posted(OPS).await;
    world.slack.reply(&deleted).await;
    world.slack.delete(&deleted);
    assert_eq!(world.denies(&run, OPS, Some(&deleted)).await, None);
    let anew = world.slack.posted(OPS).await;
    assert!(anew.seen().contains("lee said no"), "{}", anew.seen());
    assert_ne!(anew.ts, deleted.ts);
}

/// Somebody must be able to say yes or no, and to see what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_channel_is_gone_is_shown_where_operations_are() {
    let world = World::new().await;
    let store = &world.app.store;
    world.slack.archive(ALERTS);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(ALERTS, "archived").await;
    let message = world.slack.posted(OPS).await;
    let note =
        "It was asked for in channel C0ALERTS, where it cannot be shown: Slack says that it is gone: is_archived.";
    assert!(message.seen().contains(note), "{}", message.seen());
    assert!(
        message.labels().contains(&"Approve".to_owned()),
        "{:?}",
        message.labels()
    );
    world
        .pass_until("nothing waits", Duration::ZERO, async || {
            store.unsent_messages().await.unwrap() == 0
        })
        .await;
    let (_, error) = world.stored(&run, MessageKind::Details, ALERTS).await;
    assert_eq!(error.as_deref(), Some("its thread was never begun"));
    let posts = world.slack.calls("chat.postMessage").len();
    assert_eq!(posts, 2, "one refusal, one message");

    assert_eq!(world.denies(&run, OPS, Some(&message)).await, None);
    world.slack.until(&message, |now| now.buttons().is_empty()).await;
    // Its end was worth another try.
    world.calls("chat.postMessage", posts + 1).await;
    world
        .pass_until("it is left once more", Duration::ZERO, async || {
            let given_up = store.given_up(&run).await.unwrap();
            given_up.iter().any(|(gone, _)| *gone == place(ALERTS))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_not_in_the_channel_is_told_to_be_invited() {
    let world = World::new().await;
    let store = &world.app.store;
    world.slack.kick_bot(OPS);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "kicked").await;
    world
        .pass_until("it is left", Duration::ZERO, async || {
            !store.given_up(&run).await.unwrap().is_empty()
        })
        .await;
    let (_, error) = world.stored(&run, MessageKind::Run, OPS).await;
    assert_eq!(error.as_deref(), Some("the bot is not in the channel; invite it there"));
    world.slack.invite_bot(OPS);
    assert_eq!(world.denies(&run, OPS, None).await, None);
    let message = world.slack.posted(OPS).await;
    assert!(message.seen().contains("lee said no"), "{}", message.seen());
    world.slack.reply(&message).await;
}

/// Some workspaces let nobody edit for long. How it ended is worth a message of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_no_longer_be_edited_is_posted_anew() {
    let world = World::new().await;
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "window").await;
    let old = world.slack.posted(OPS).await;
    world.slack.reply(&old).await;
    world.slack.fault("chat.update", Fault::Error("edit_window_closed"));
    assert_eq!(world.denies(&run, OPS, Some(&old)).await, None);
    let anew = world.slack.posted(OPS).await;
    assert!(anew.seen().contains("lee said no"), "{}", anew.seen());
    world
        .pass_until("the new one counts", Duration::ZERO, async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.as_ref() == Some(&anew.ts)
        })
        .await;
    let said = world.denies(&run, OPS, Some(&old)).await.unwrap();
    assert!(said.say.contains("old copy"), "{}", said.say);
    world.slack.whisper("U2").await;
}
