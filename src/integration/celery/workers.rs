//! Questions to the workers themselves, by kombu's mailbox in Redis.
//!
//! A question is published; the workers that listen push their answers onto a list of ours. Redis counts how many
//! listen, so that silence can be told from absence: a worker that runs a task in its own process (the `solo` pool)
//! listens and does not answer before the task has ended.

use super::link::{Line, Link};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use redis::RedisResult;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const REPLY_EXCHANGE: &str = "reply.celery.pidbox";
const PATIENCE: Duration = Duration::from_millis(1500);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What the workers answered to one question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How many the broker counted as listening.
    pub listening: usize,
    /// What they said, by the worker's name.
    pub by_worker: BTreeMap<String, Value>,
}

impl Answers {
    /// Whether somebody listens who has not answered.
    pub fn is_somebody_silent(&self) -> bool {
        self.by_worker.len() < self.listening
    }
}

#[derive(Deserialize)]
struct Reply {
    body: String,
    headers: ReplyHeaders,
}

#[derive(Deserialize)]
struct ReplyHeaders {
    ticket: String,
}

impl Reply {
    fn read(bytes: &[u8]) -> Option<(String, Map<String, Value>)> {
        let reply: Self = serde_json::from_slice(bytes).ok()?;
        let body = BASE64.decode(reply.body).ok()?;
        Some((reply.headers.ticket, serde_json::from_slice(&body).ok()?))
    }
}

/// Asks all workers of the broker's database several things at once. The answers are in the order of the questions.
pub(super) async fn ask(broker: &Link, line: &mut Line<'_>, questions: &[(&str, Value)]) -> RedisResult<Vec<Answers>> {
    let mailbox = Uuid::new_v4().to_string();
    let list = format!("{mailbox}.{REPLY_EXCHANGE}");
    let binding = format!("_kombu.binding.{REPLY_EXCHANGE}");
    let bound = format!("{mailbox}\u{6}\u{16}\u{6}\u{16}{list}");
    line.ask::<()>(redis::cmd("SADD").arg(&binding).arg(&bound)).await?;
    let answers = collect(broker, line, &mailbox, &list, questions).await;
    let mut tidy = redis::pipe();
    tidy.srem(&binding, &bound).del(&list);
    // A binding left behind makes workers answer into a list that nobody reads, for ever: worth an error.
    line.ask_all::<()>(&tidy).await?;
    answers
}

async fn collect(
    broker: &Link,
    line: &mut Line<'_>,
    mailbox: &str,
    list: &str,
    questions: &[(&str, Value)],
) -> RedisResult<Vec<Answers>> {
    let mut answers = Vec::new();
    let mut tickets = Vec::new();
    for (method, arguments) in questions {
        let ticket = Uuid::new_v4().to_string();
        let question = question(mailbox, &ticket, method, arguments);
        let channel = format!("/{}.celery.pidbox", broker.database);
        let listening = line.ask(redis::cmd("PUBLISH").arg(channel).arg(question)).await?;
        answers.push(Answers {
            listening,
            ..Answers::default()
        });
        tickets.push(ticket);
    }
    let patience = Instant::now() + PATIENCE;
    while answers.iter().any(Answers::is_somebody_silent) && Instant::now() < patience {
        let replies: Option<Vec<Vec<u8>>> = line.ask(redis::cmd("RPOP").arg(list).arg(100)).await?;
        match replies {
            None => sleep(BETWEEN_LOOKS).await,
            Some(replies) => {
                for (ticket, said) in replies.iter().filter_map(|reply| Reply::read(reply)) {
                    if let Some(at) = tickets.iter().position(|it| *it == ticket) {
                        answers[at].by_worker.extend(said);
                    }
                }
            }
        }
    }
    Ok(answers)
}

fn question(mailbox: &str, ticket: &str, method: &str, arguments: &Value) -> String {
    let body = json!({
        "method": method,
        "arguments": arguments,
        "destination": null,
        "pattern": null,
        "matcher": null,
        "ticket": ticket,
        "reply_to": { "exchange": REPLY_EXCHANGE, "routing_key": mailbox },
    });
    json!({
        "body": BASE64.encode(body.to_string()),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": { "clock": 0, "expires": 0 },
        "properties": {
            "delivery_mode": 1,
            "delivery_info": { "exchange": "celery.pidbox", "routing_key": "" },
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": Uuid::new_v4().to_string(),
        },
    })
    .to_string()
}
