//! Somebody who types commands at Slack's door, and remembers what was answered.

use super::runbooks;
use crate::harness::slack::{SIGNING_SECRET, Sent};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Slack waits no longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// No order is asked for twice in one test binary: what happened to it is told apart by its number.
static NEXT: AtomicI64 = AtomicI64::new(1_000_000);

/// What the sender was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An empty 200: it is kept.
    Kept,
    /// That it was not kept, in these words.
    NotKept(String),
    /// Nothing; Slack would show that the app did not answer.
    Nothing,
}

/// One command.
#[derive(Debug, Clone)]
pub struct Asked {
    pub order: i64,
    pub told: Told,
    runbook: &'static str,
}

/// Types one command after the other, each for another order.
pub struct Asker {
    pub asked: Vec<Asked>,
    /// How far Slack's clock is ahead of ours.
    pub ahead: SignedDuration,
    client: Client,
}

impl Asker {
    pub fn new() -> Self {
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            asked: Vec::new(),
            ahead: SignedDuration::ZERO,
            client,
        }
    }

    /// So many commands at once.
    pub async fn ask(&mut self, url: &str, commands: usize) {
        let names = runbooks::all().map(|(name, _)| name);
        let mut asked: Vec<Asked> = (0..commands)
            .map(|_| {
                let order = NEXT.fetch_add(1, Ordering::SeqCst);
                Asked {
                    order,
                    told: Told::Nothing,
                    runbook: names[order as usize % names.len()],
                }
            })
            .collect();
        self.deliver(url, asked.iter_mut().collect()).await;
        self.asked.append(&mut asked);
    }

    /// The same deliveries once more for which nothing was answered. That the second one is not kept says nothing of the
    /// first: of that the asker still knows nothing.
    pub async fn ask_again(&mut self, url: &str) {
        let mut asked = std::mem::take(&mut self.asked);
        let mut open: Vec<&mut Asked> = asked.iter_mut().filter(|one| one.told == Told::Nothing).collect();
        self.deliver(url, open.iter_mut().map(|one| &mut **one).collect()).await;
        for one in open {
            if matches!(one.told, Told::NotKept(_)) {
                one.told = Told::Nothing;
            }
        }
        self.asked = asked;
    }

    pub fn kept(&self) -> usize {
        self.asked.iter().filter(|one| one.told == Told::Kept).count()
    }

    async fn deliver(&self, url: &str, asked: Vec<&mut Asked>) {
        join_all(asked.into_iter().map(async |one| one.told = self.told(url, one).await)).await;
    }

    async fn told(&self, url: &str, asked: &Asked) -> Told {
        let Asked { order, runbook, .. } = asked;
        // The trigger is what Slack tells a delivery by: of the same order it is the same.
        let body = format!(
            "team_id=T1&channel_id=C{}&user_id=U1&command=%2F{runbook}&text={order}&trigger_id={order}.7.faults",
            order % 40
        );
        let now = Timestamp::now() + self.ahead;
        let sent = Sent::signed("/slack/commands", body, now.as_second(), SIGNING_SECRET);
        let answer = self
            .client
            .post(format!("{url}{}", sent.path))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", sent.timestamp)
            .header("x-slack-signature", &sent.signature)
            .body(sent.body)
            .send()
            .await;
        let Ok(answer) = answer else {
            return Told::Nothing;
        };
        let status = answer.status();
        match answer.text().await {
            Ok(text) if status == 200 && text.is_empty() => Told::Kept,
            Ok(text) if status == 200 => Told::NotKept(text),
            _ => Told::Nothing,
        }
    }
}
