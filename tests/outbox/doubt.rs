//! Posts of which nobody knows whether Slack took them.

use super::world::{ALERTS, BRIEFLY, LONG, OPS, World};
use crate::harness::slack::Fault;
use serde_json::{Value, json};
use signalbox::report::Outcome;
use signalbox::store::messages::MessageKind;
use std::time::Duration;

const A_MOMENT: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_taken_without_an_answer_stands_there_once_and_goes_on() {
    for fault in [Fault::DoneThenSilence, Fault::DoneThenReset, Fault::DoneThenUnavailable] {
        let world = World::new().await;
        world.slack.fault("chat.postMessage", fault);
        let sender = world.sender(BRIEFLY);
        let run = world.begins(OPS, "once").await;
        let message = world.slack.posted(OPS).await;
        world
            .pass_until("the post is found", A_MOMENT, async || {
                world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
            })
            .await;
        let details = world.slack.reply(&message).await;
        assert!(details.seen().starts_with("Details"), "{}", details.seen());
        assert_eq!(world.denies(&run, OPS, Some(&message)).await, None, "{fault:?}");
        let message = world.slack.until(&message, |now| now.buttons().is_empty()).await;
        assert!(message.seen().contains("lee said no"), "{}", message.seen());
        assert_eq!(
            world.slack.calls("chat.postMessage").len(),
            2,
            "{fault:?}: the message and its details"
        );
        let known = message.metadata["event_payload"].clone();
        assert_eq!(
            (&known["run"], &known["message"]),
            (&json!(run), &json!(format!("{run}:run:{OPS}")))
        );
        sender.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_not_taken_is_made_after_it_was_looked_for() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", Fault::Reset);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "absent").await;
    world
        .pass_until("it is posted", A_MOMENT, async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
        })
        .await;
    let message = world.slack.posted(OPS).await;
    assert!(!message.seen().contains("twice"), "{}", message.seen());
    assert!(!world.slack.calls("conversations.history").is_empty());
    world.slack.reply(&message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_taken_without_an_answer_stands_there_once() {
    let world = World::new().await;
    let sender = world.sender(BRIEFLY);
    // Both are posted one after the other; the second meets the fault.
    world.slack.fault_after("chat.postMessage", 1, Fault::DoneThenReset);
    let run = world.begins(OPS, "reply").await;
    let message = world.slack.posted(OPS).await;
    world.slack.reply(&message).await;
    world
        .pass_until("the reply is found", A_MOMENT, async || {
            let (details, error) = world.stored(&run, MessageKind::Details, OPS).await;
            details.doubt.is_none() && details.remote.is_some() && error.is_none()
        })
        .await;
    assert_eq!(world.slack.calls("chat.postMessage").len(), 2);
    let looked = &world.slack.calls("conversations.replies")[0].arguments;
    assert_eq!(
        (&looked["ts"], &looked["include_all_metadata"]),
        (&json!(message.ts), &json!("true"))
    );
    sender.ends().await;
}

/// The process that posted is gone, and nobody but Slack knows.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_finds_what_the_dead_process_posted() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", Fault::DoneThenSilence);
    let dead = world.sender(LONG);
    let run = world.begins(OPS, "takeover").await;
    let message = world.slack.posted(OPS).await;
    // The next one leads already, while the first still waits for its answer: it sends nothing.
    let _next = world.sender(LONG);
    let other = world.begins(ALERTS, "meanwhile").await;
    let meanwhile = world.slack.posted(ALERTS).await;
    world.slack.reply(&meanwhile).await;
    assert_eq!(world.stored(&run, MessageKind::Run, OPS).await.0.remote, None);
    drop(dead);

    world.pass(Duration::from_secs(21)).await;

    world.slack.reply(&message).await;
    assert_eq!(world.denies(&run, OPS, Some(&message)).await, None);
    world.slack.until(&message, |now| now.buttons().is_empty()).await;
    assert_eq!(world.slack.calls("chat.postMessage").len(), 4);
    assert_eq!(world.denies(&other, ALERTS, None).await, None);
    world.slack.until(&meanwhile, |now| now.buttons().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_look_it_is_posted_again_and_the_older_one_does_nothing() {
    let world = World::new().await;
    world.slack.withdraw_scope("channels:history");
    world.slack.fault("chat.postMessage", Fault::DoneThenReset);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "again").await;
    let older = world.slack.posted(OPS).await;
    world
        .pass_until("it is posted again", A_MOMENT, async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
        })
        .await;
    let newer = world.slack.posted(OPS).await;
    assert!(!older.seen().contains("twice"));
    let word = "Slack did not say whether it took this before, so it may be there twice. The buttons of an older one do \
                nothing.";
    assert!(newer.seen().ends_with(word), "{}", newer.seen());
    world.slack.reply(&newer).await;

    let said = world.denies(&run, OPS, Some(&older)).await.unwrap();
    assert_eq!(said.outcome, Outcome::Refused);
    assert_eq!(
        said.say.replace(&run, "RUN"),
        "Nothing was done: this is an old copy of the message of run RUN, and nobody keeps it up to date. Use the buttons \
         of the newer one in this channel."
    );
    let whisper = world.slack.whisper("U2").await;
    assert!(whisper.seen().contains("old copy"), "{}", whisper.seen());
    assert_eq!(world.denies(&run, OPS, Some(&newer)).await, None);
    let newer = world.slack.until(&newer, |now| now.buttons().is_empty()).await;
    assert!(!newer.seen().contains("twice"), "it is said once: {}", newer.seen());
}

/// Fifteen messages a minute: the search goes on where it stood.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_search_goes_on_where_it_stood() {
    let world = World::new().await;
    world.slack.make_commercial();
    world.slack.fault("chat.postMessage", Fault::DoneThenReset);
    let sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "crowd").await;
    let message = world.slack.posted(OPS).await;
    for number in 0..20 {
        world.slack.chat("U3", OPS, &format!("talk {number}"), Value::Null);
    }
    world
        .pass_until("the search stands somewhere", A_MOMENT, async || {
            let (due, _) = world.stored(&run, MessageKind::Run, OPS).await;
            due.doubt.is_some_and(|doubt| doubt.sought.is_some())
        })
        .await;
    // Another process goes on, and Slack's patience is its own: what it asked the first to wait is not known to it.
    sender.ends().await;
    let sender = world.sender(BRIEFLY);
    world
        .pass_until("the post is found", Duration::from_secs(61), async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
        })
        .await;
    world.slack.reply(&message).await;
    let cursors: Vec<Value> = world
        .slack
        .calls("conversations.history")
        .iter()
        .filter(|call| call.answer["ok"] == json!(true))
        .map(|call| call.arguments["cursor"].clone())
        .collect();
    assert_eq!(cursors, [Value::Null, json!("after-15")]);
    assert_eq!(world.slack.calls("chat.postMessage").len(), 2);
    sender.ends().await;
}

/// Anybody may post what looks like ours.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_posted_is_not_taken_for_ours() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", Fault::Reset);
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "forged").await;
    let payload = json!({"run": run, "message": format!("{run}:run:{OPS}")});
    let metadata = json!({"event_type": "signalbox_run", "event_payload": payload});
    let forged = world.slack.chat("U3", OPS, "looks like it", metadata);
    world
        .pass_until("it is posted", A_MOMENT, async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
        })
        .await;
    let message = world.slack.posted(OPS).await;
    assert_ne!(message.ts, forged.ts);
    world.slack.reply(&message).await;
}

/// A search that gets no answer must not keep people waiting for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_without_an_answer_is_left_after_minutes() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", Fault::DoneThenReset);
    for _ in 0..200 {
        world.slack.fault("conversations.history", Fault::RateLimited(1));
    }
    let _sender = world.sender(BRIEFLY);
    let run = world.begins(OPS, "silent").await;
    world.slack.posted(OPS).await;
    world
        .pass_until("it is posted again", Duration::from_secs(30), async || {
            world.stored(&run, MessageKind::Run, OPS).await.0.remote.is_some()
        })
        .await;
    let newer = world.slack.posted(OPS).await;
    assert!(newer.seen().contains("it may be there twice"), "{}", newer.seen());
    world.slack.reply(&newer).await;
}
