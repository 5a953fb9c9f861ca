//! The guard of `send`: marks that the broker itself keeps, changed together with the queue by scripts that Redis runs
//! whole or not at all.
//!
//! `signalbox:sent:<task id>` holds the exact message that was sent. `signalbox:fence:<task id>` is a number that
//! rises whenever somebody concludes that the message was not sent. Sending names the number that it started from, so
//! that a command which got stuck on the way does nothing when it arrives after that conclusion.

use super::link::Line;
use redis::RedisResult;
use serde::{Deserialize, Serialize};
use std::io;
use uuid::Uuid;

/// How long a mark is kept; longer than anybody leaves a run unresolved.
const KEPT_SECONDS: u32 = 7 * 24 * 60 * 60;

const SEND: &str = "
if redis.call('exists', KEYS[1]) == 1 then return 'already' end
if (redis.call('get', KEYS[2]) or '0') ~= ARGV[1] then return 'fenced' end
redis.call('lpush', KEYS[3], ARGV[2])
redis.call('set', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 'sent'";

const SETTLE: &str = "
local fence = redis.call('get', KEYS[2])
local sent = redis.call('get', KEYS[1])
if not sent then
  redis.call('incr', KEYS[2])
  redis.call('expire', KEYS[2], ARGV[1])
end
return {sent, fence}";

const RETRACT: &str = "
if redis.call('lrem', KEYS[3], 1, ARGV[1]) == 0 then return 0 end
redis.call('del', KEYS[1])
redis.call('incr', KEYS[2])
redis.call('expire', KEYS[2], ARGV[2])
return 1";

/// What was sent, as the mark tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub queue: String,
    /// The exact text: by it alone the message can be taken back.
    pub message: String,
}

/// What became of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// It is in the queue now.
    Sent,
    /// It was sent before; nothing was added.
    Already,
    /// Somebody concluded meanwhile that it was not sent; nothing was added.
    Fenced,
}

/// The marks of one task.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    sent: String,
    fence: String,
}

impl Marker {
    pub fn of(id: Uuid) -> Self {
        Self {
            sent: sent_key(&id.to_string()),
            fence: format!("signalbox:fence:{id}"),
        }
    }

    /// Raises the fence: what was started before this sends nothing any more. Gives its new height.
    pub async fn raise(&self, line: &mut Line<'_>) -> RedisResult<u64> {
        let mut raise = redis::pipe();
        raise
            .atomic()
            .incr(&self.fence, 1)
            .expire(&self.fence, i64::from(KEPT_SECONDS))
            .ignore();
        let (height,): (u64,) = line.ask_all(&raise).await?;
        Ok(height)
    }

    /// How high the fence is; `None` if there is none.
    pub async fn fence(&self, line: &mut Line<'_>) -> RedisResult<Option<u64>> {
        line.ask(redis::cmd("GET").arg(&self.fence)).await
    }

    /// Sends unless it was sent, or the fence has risen above `fence`.
    pub async fn send(&self, line: &mut Line<'_>, sent: &Sent, fence: Option<u64>) -> RedisResult<Attempt> {
        let mark = serde_json::to_string(sent).map_err(io::Error::from)?;
        let mut send = redis::cmd("EVAL");
        send.arg(SEND).arg(3).arg(&self.sent).arg(&self.fence).arg(&sent.queue);
        send.arg(fence.unwrap_or(0))
            .arg(&sent.message)
            .arg(mark)
            .arg(KEPT_SECONDS);
        let answer: String = line.ask(&send).await?;
        match answer.as_str() {
            "sent" => Ok(Attempt::Sent),
            "already" => Ok(Attempt::Already),
            "fenced" => Ok(Attempt::Fenced),
            other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("it answered {other:?}")).into()),
        }
    }

    /// What was sent. If nothing was, it cannot be sent any more by what was started before this. Gives the height of
    /// the fence before, too.
    pub async fn settle(&self, line: &mut Line<'_>) -> RedisResult<(Option<Sent>, Option<u64>)> {
        let mut settle = redis::cmd("EVAL");
        settle
            .arg(SETTLE)
            .arg(2)
            .arg(&self.sent)
            .arg(&self.fence)
            .arg(KEPT_SECONDS);
        let (sent, fence): (Option<String>, Option<u64>) = line.ask(&settle).await?;
        let sent = sent
            .map(|sent| serde_json::from_str(&sent))
            .transpose()
            .map_err(io::Error::from)?;
        Ok((sent, fence))
    }

    /// What was sent, without any conclusion.
    pub async fn look(&self, line: &mut Line<'_>) -> RedisResult<Option<Sent>> {
        let sent: Option<String> = line.ask(redis::cmd("GET").arg(&self.sent)).await?;
        Ok(sent
            .map(|sent| serde_json::from_str(&sent))
            .transpose()
            .map_err(io::Error::from)?)
    }

    /// Takes the message out of its queue, mark and all, if it is still in it exactly as it was sent.
    pub async fn retract(&self, line: &mut Line<'_>, sent: &Sent) -> RedisResult<bool> {
        let mut retract = redis::cmd("EVAL");
        retract
            .arg(RETRACT)
            .arg(3)
            .arg(&self.sent)
            .arg(&self.fence)
            .arg(&sent.queue);
        retract.arg(&sent.message).arg(KEPT_SECONDS);
        line.ask(&retract).await
    }
}

/// Which of these tasks Signalbox sent.
pub(super) async fn ours(line: &mut Line<'_>, task_ids: &[&str]) -> RedisResult<Vec<bool>> {
    if task_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut exists = redis::pipe();
    for id in task_ids {
        exists.exists(sent_key(id));
    }
    line.ask_all(&exists).await
}

fn sent_key(task_id: &str) -> String {
    format!("signalbox:sent:{task_id}")
}
