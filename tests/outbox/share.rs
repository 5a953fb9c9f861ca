//! Many channels and many senders: nobody is held up by others, and nothing is sent twice.

use super::world::{ALERTS, LONG, OPS, World};
use crate::harness::slack::Fault;
use signalbox::store::messages::MessageKind;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_without_an_answer_holds_up_no_other() {
    let world = World::new().await;
    world.slack.fault_in(ALERTS, "chat.postMessage", Fault::Silence);
    let _sender = world.sender(LONG);
    world.begins(ALERTS, "stuck").await;
    world.calls("chat.postMessage", 1).await;
    for word in ["one", "two"] {
        world.begins(OPS, word).await;
        let message = world.slack.posted(OPS).await;
        assert!(message.seen().contains(word), "{}", message.seen());
        world.slack.reply(&message).await;
    }
}

/// Slack names a time; nothing of that kind is sent to that channel before, and all else is.
#[tokio::test(flavor = "multi_thread")]
async fn a_limited_channel_waits_as_long_as_slack_says_and_alone() {
    let world = World::new().await;
    world.slack.fault_in(ALERTS, "chat.postMessage", Fault::RateLimited(2));
    let _sender = world.sender(LONG);
    let begun = Instant::now();
    world.begins(ALERTS, "limited").await;
    world.calls("chat.postMessage", 1).await;
    let second = world.begins(ALERTS, "behind").await;
    world.begins(OPS, "free").await;
    let free = world.slack.posted(OPS).await;
    world.slack.reply(&free).await;
    let (due, error) = world.stored(&second, MessageKind::Run, ALERTS).await;
    assert_eq!(
        (due.remote, due.tries, error),
        (None, 0, None),
        "kept back is not failed"
    );

    let messages = [world.slack.posted(ALERTS).await, world.slack.posted(ALERTS).await];

    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    for message in &messages {
        world.slack.reply(message).await;
    }
    let calls = world.slack.calls("chat.postMessage");
    let there = calls.iter().filter(|call| call.arguments["channel"] == ALERTS);
    assert_eq!(there.count(), 5, "one refusal, two messages with their details");
}

/// Six posts to one channel are more than Slack takes at once: it is never asked to.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_in_one_channel_keeps_to_the_limits() {
    let world = World::new().await;
    let _sender = world.sender(LONG);
    let mut runs = Vec::new();
    for word in ["a", "b", "c"] {
        runs.push(world.begins(OPS, word).await);
    }
    for _ in &runs {
        let message = world.slack.posted_within(OPS, 30).await;
        world.slack.reply_within(&message, 30).await;
    }
    let calls = world.slack.calls("chat.postMessage");
    assert!(calls.iter().all(|call| call.answer["ok"] == true), "{calls:#?}");
    for run in &runs {
        let (due, error) = world.stored(run, MessageKind::Run, OPS).await;
        assert_eq!((due.tries, due.failing_since, error), (0, None, None));
    }
}

/// As when the lead changes hands and both believe that they have it.
#[tokio::test(flavor = "multi_thread")]
async fn two_senders_send_nothing_twice() {
    let world = World::new().await;
    let (_one, _other) = (world.sender(LONG), world.sender(LONG));
    let mut runs = Vec::new();
    for word in ["a", "b", "c"] {
        for channel in [OPS, ALERTS] {
            runs.push((world.begins(channel, word).await, channel));
        }
    }
    for (_, channel) in &runs {
        let message = world.slack.posted_within(channel, 30).await;
        world.slack.reply_within(&message, 30).await;
    }
    world
        .pass_until("nothing waits", Duration::ZERO, async || {
            world.app.store.unsent_messages().await.unwrap() == 0
        })
        .await;
    let taken = world.slack.calls("chat.postMessage");
    let taken = taken.iter().filter(|call| call.answer["ok"] == true);
    assert_eq!(taken.count(), 12);
}

/// What a process was about to send goes on with the next one at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_lets_what_it_sends_come_to_its_end() {
    let world = World::new().await;
    let first = world.sender(LONG);
    let run = world.begins(OPS, "goodbye").await;
    let message = world.slack.posted(OPS).await;
    first.ends().await;
    assert_eq!(world.denies(&run, OPS, Some(&message)).await, None);
    assert!(
        world.slack.now(&message).labels().contains(&"Approve".to_owned()),
        "nobody sends"
    );
    let _second = world.sender(LONG);
    world.slack.until(&message, |now| now.buttons().is_empty()).await;
    world.slack.reply(&message).await;
    assert_eq!(world.slack.calls("chat.postMessage").len(), 2);
}
