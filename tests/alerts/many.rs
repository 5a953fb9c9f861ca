//! Very many alerts at once.

use crate::harness::alertmanager::{alert, notification, notify, post_by};
use crate::harness::discord_world::{ALERTS, ALERTS_TOKEN, World};
use futures::StreamExt as _;
use std::time::{Duration, Instant};

const NOWHERE: &str = "http://127.0.0.1:1";
const MANY: usize = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_groups_are_all_kept_and_have_twenty_messages_and_a_summary() {
    let world = World::with_alerts(NOWHERE).await;
    let begun = Instant::now();
    let bearer = format!("Bearer {ALERTS_TOKEN}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answers = futures::stream::iter(0..MANY).map(|index| {
        let name = format!("Broken{index:04}");
        let mut one = alert(&name, &[], true);
        one["generatorURL"] = "".into();
        let body = notification(&name, &[one]).to_string();
        let (client, bearer, url) = (&client, &bearer, world.url());
        async move {
            // On a machine that is busy elsewhere some are not kept in time, and come again as Alertmanager would send them.
            for _ in 0..5 {
                match post_by(client, url, body.clone(), Some(bearer)).await {
                    (503, _) => tokio::time::sleep(Duration::from_secs(1)).await,
                    other => return other,
                }
            }
            post_by(client, url, body, Some(bearer)).await
        }
    });
    let answers: Vec<(u16, String)> = answers.buffer_unordered(64).collect().await;
    let took = begun.elapsed();
    assert!(
        answers.iter().all(|(status, _)| *status == 200),
        "{:?}",
        answers.iter().find(|(status, _)| *status != 200)
    );
    println!("{MANY} notifications in {took:?}");
    assert_eq!(world.app.store.firing_groups().await.unwrap(), MANY as i64);

    // Limits are the simulators' to enforce; twenty messages take their time, and the summary is among them.
    let summary = loop {
        let message = world.discord.posted_within(ALERTS, 120).await;
        if message.seen().contains("more groups of alerts") {
            break message;
        }
    };
    world.until_says(&summary, &format!("{} firing", MANY - 20)).await;
    let slack = world.slack.as_ref().unwrap();
    // One of them ends: the summary says so.
    let last = format!("Broken{:04}", MANY - 1);
    let mut over = alert(&last, &[], false);
    over["generatorURL"] = "".into();
    notify(world.url(), &notification(&last, &[over])).await;
    world
        .discord
        .until_within(&summary, 60, |now| {
            now.seen().contains(&format!("{} firing, 1 over", MANY - 21))
        })
        .await;
    tokio::time::timeout(Duration::from_secs(120), async {
        while world.app.store.unsent_messages().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("messages are left");
    let posted = slack.calls("chat.postMessage");
    assert_eq!(posted.iter().filter(|call| call.answer["ok"] == true).count(), 21);
    assert_eq!(world.discord.messages(ALERTS).len(), 21);
    assert_eq!(slack.misuse(), Vec::<String>::new());
    slack.look_away();
    world.discord.look_away();
    world.end();
}
