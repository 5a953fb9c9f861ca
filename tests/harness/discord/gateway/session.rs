//! Sessions and what is remembered of them: they outlive their connections for a while.

use super::super::world::World;
use super::super::{APPLICATION, BOT_TOKEN, BOT_USER};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Sessions that may be begun in a day; beyond that Discord takes the token away.
pub const IDENTIFIES_A_DAY: usize = 1000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// One session may be begun within this time.
const BETWEEN_IDENTIFIES: Duration = Duration::from_secs(5);
/// A session whose connection is gone for longer is over. The figure is not published.
const RESUMABLE: Duration = Duration::from_secs(180);
/// Events that are kept for a session.
const KEPT: usize = 250;

const KNOWN_INTENTS: u64 = 0x3FF_FFFF;
/// Members, presences and the content of messages: they must be applied for.
const PRIVILEGED: u64 = 1 << 1 | 1 << 8 | 1 << 15;

/// What goes out by a connection.
#[derive(Debug)]
pub enum Out {
    Text(String),
    Close(u16, &'static str),
    Cut,
    GoNumb,
}

/// By which of the two addresses a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Main,
    Resume,
}

/// What was seen of a connection.
#[derive(Debug, Clone)]
pub struct Connection {
    pub way: Way,
    /// Of the address, `v=10&encoding=json`.
    pub query: String,
    /// What the bot sent, oldest first.
    pub received: Vec<Value>,
    /// From the greeting to the first heartbeat.
    pub first_heartbeat_after: Option<Duration>,
    /// A session was begun or taken up by it.
    pub is_up: bool,
    /// Why it ended: the bot's code or ours; zero is without a code.
    pub closed: Option<Closed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    ByBot(u16),
    ByDiscord(u16),
}

struct Session {
    id: String,
    sequence: u64,
    kept: VecDeque<(u64, String)>,
    /// The connection that it has now.
    line: Option<(usize, UnboundedSender<Out>)>,
    lost: Option<Duration>,
}

pub struct Gateway {
    pub url: String,
    pub resume_url: String,
    pub interval: Duration,
    pub refuses: bool,
    pub replays_too_much: bool,
    pub connections: Vec<Connection>,
    lines: Vec<UnboundedSender<Out>>,
    sessions: Vec<Session>,
    identifies: VecDeque<Duration>,
    count: u64,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            url: String::new(),
            resume_url: String::new(),
            interval: Duration::from_millis(41_250),
            refuses: false,
            replays_too_much: false,
            connections: Vec::new(),
            lines: Vec::new(),
            sessions: Vec::new(),
            identifies: VecDeque::new(),
            count: 0,
        }
    }
}

impl Gateway {
    pub fn open(&mut self, way: Way, query: &str, line: UnboundedSender<Out>) -> usize {
        self.connections.push(Connection {
            way,
            query: query.to_owned(),
            received: Vec::new(),
            first_heartbeat_after: None,
            is_up: false,
            closed: None,
        });
        self.lines.push(line);
        self.connections.len() - 1
    }

    pub fn send_to_all(&self, out: impl Fn() -> Out) {
        for line in &self.lines {
            // Those that are gone do not hear it.
            let _ = line.send(out());
        }
    }

    pub fn dispatch(&mut self, name: &str, data: Value) {
        for session in &mut self.sessions {
            session.sequence += 1;
            let text = json!({"op": 0, "t": name, "s": session.sequence, "d": data}).to_string();
            session.kept.push_back((session.sequence, text.clone()));
            if session.kept.len() > KEPT {
                session.kept.pop_front();
            }
            if let Some((_, line)) = &session.line {
                let _ = line.send(Out::Text(text));
            }
        }
    }

    pub fn forget(&mut self) {
        self.sessions.clear();
    }

    pub fn pretend_identifies(&mut self, count: usize, now: Duration) {
        let long_ago = now.saturating_sub(BETWEEN_IDENTIFIES);
        self.identifies.extend(std::iter::repeat_n(long_ago, count));
    }

    /// The connection is gone. Its session goes too if the bot said goodbye, and waits otherwise.
    pub fn lost(&mut self, connection: usize, closed: Closed, now: Duration) {
        self.connections[connection].closed = Some(closed);
        let is_over = matches!(closed, Closed::ByBot(1000 | 1001) | Closed::ByDiscord(4007 | 4009));
        self.sessions.retain_mut(|session| {
            let is_its = session.line.as_ref().is_some_and(|(of, _)| *of == connection);
            if is_its {
                session.line = None;
                session.lost = Some(now);
            }
            !(is_its && is_over)
        });
    }

    /// How far the sequence of a connection's session has come.
    pub fn sequence(&self, connection: usize) -> u64 {
        let its = |session: &&Session| session.line.as_ref().is_some_and(|(of, _)| *of == connection);
        self.sessions.iter().find(its).map_or(0, |session| session.sequence)
    }

    fn drop_old(&mut self, now: Duration) {
        let is_over = |session: &Session| session.lost.is_some_and(|lost| lost + RESUMABLE < now);
        self.sessions.retain(|session| !is_over(session));
        while self.identifies.front().is_some_and(|at| *at + DAY <= now) {
            self.identifies.pop_front();
        }
    }
}

fn not_resumable() -> Out {
    Out::Text(json!({"op": 9, "d": false, "s": null, "t": null}).to_string())
}

impl World {
    pub fn gateway_for_bot(&mut self) -> Value {
        let now = self.now();
        self.gateway.drop_old(now);
        let first = self
            .gateway
            .identifies
            .front()
            .map_or(Duration::ZERO, |first| *first + DAY - now);
        json!({
            "url": self.gateway.url, "shards": 1,
            "session_start_limit": {
                "total": IDENTIFIES_A_DAY,
                "remaining": IDENTIFIES_A_DAY.saturating_sub(self.gateway.identifies.len()),
                "reset_after": first.as_millis() as u64, "max_concurrency": 1,
            },
        })
    }

    fn knows_token(&self, given: &Value) -> bool {
        let given = given.as_str().unwrap_or_default();
        given.strip_prefix("Bot ").unwrap_or(given) == BOT_TOKEN && !self.is_revoked
    }

    /// A bot begins a session. What goes out says whether it was right.
    pub fn identify(&mut self, connection: usize, given: &Value) -> Vec<Out> {
        let now = self.now();
        if !self.knows_token(&given["token"]) {
            return vec![Out::Close(4004, "Authentication failed.")];
        }
        let properties = &given["properties"];
        if ["os", "browser", "device"]
            .iter()
            .any(|field| !properties[field].is_string())
        {
            return vec![Out::Close(4002, "Error while decoding payload.")];
        }
        let shard = &given["shard"];
        let (id, of) = (shard[0].as_u64(), shard[1].as_u64());
        if !shard.is_null() && id.is_none_or(|id| of.is_none_or(|of| id >= of)) {
            return vec![Out::Close(4010, "Invalid shard.")];
        }
        let Some(intents) = given["intents"]
            .as_u64()
            .filter(|intents| intents & !KNOWN_INTENTS == 0)
        else {
            return vec![Out::Close(4013, "Invalid intent(s).")];
        };
        if intents & PRIVILEGED != 0 {
            return vec![Out::Close(4014, "Disallowed intent(s).")];
        }
        self.gateway.drop_old(now);
        let last = self.gateway.identifies.back().copied();
        if last.is_some_and(|last| last + BETWEEN_IDENTIFIES > now) {
            return vec![not_resumable()];
        }
        self.gateway.identifies.push_back(now);
        if self.gateway.identifies.len() > IDENTIFIES_A_DAY {
            self.is_revoked = true;
            return vec![Out::Close(4004, "Authentication failed.")];
        }
        self.gateway.count += 1;
        let session = format!(
            "session-{}-{}",
            self.gateway.count,
            hex::encode(rand::random::<[u8; 16]>())
        );
        let guilds = self.guilds.iter().filter(|(_, guild)| guild.has_bot);
        let guilds: Vec<Value> = guilds.map(|(id, _)| json!({"id": id, "unavailable": true})).collect();
        let ready = json!({
            "v": 10, "user": self.user_json(BOT_USER), "guilds": guilds, "session_id": session,
            "resume_gateway_url": self.gateway.resume_url, "session_type": "normal", "private_channels": [],
            "presences": [], "relationships": [], "user_settings": {}, "auth": {}, "shard": [id.unwrap_or(0), of.unwrap_or(1)],
            "application": {"id": APPLICATION, "flags": 0}, "_trace": ["simulated"],
        });
        let text = json!({"op": 0, "t": "READY", "s": 1, "d": ready}).to_string();
        let line = self.gateway.lines[connection].clone();
        self.gateway.sessions.push(Session {
            id: session,
            sequence: 1,
            kept: VecDeque::new(),
            line: Some((connection, line)),
            lost: None,
        });
        self.gateway.connections[connection].is_up = true;
        vec![Out::Text(text)]
    }

    /// A bot takes a session up again, and is told what it missed.
    pub fn resume(&mut self, connection: usize, given: &Value) -> Vec<Out> {
        let now = self.now();
        if !self.knows_token(&given["token"]) {
            return vec![Out::Close(4004, "Authentication failed.")];
        }
        self.gateway.drop_old(now);
        let line = self.gateway.lines[connection].clone();
        let too_much = self.gateway.replays_too_much;
        let mut sessions = self.gateway.sessions.iter_mut();
        let Some(session) = sessions.find(|session| given["session_id"] == session.id) else {
            return vec![not_resumable()];
        };
        let Some(seen) = given["seq"].as_u64().filter(|seen| *seen <= session.sequence) else {
            return vec![Out::Close(4007, "Invalid seq.")];
        };
        let from = if too_much { 0 } else { seen };
        let missed = session.kept.iter().filter(|(sequence, _)| *sequence > from);
        let mut outs: Vec<Out> = missed.map(|(_, text)| Out::Text(text.clone())).collect();
        if let Some((_, old)) = session.line.replace((connection, line)) {
            let _ = old.send(Out::Cut);
        }
        session.lost = None;
        session.sequence += 1;
        let resumed = json!({"op": 0, "t": "RESUMED", "s": session.sequence, "d": {"_trace": ["simulated"]}});
        outs.push(Out::Text(resumed.to_string()));
        self.gateway.connections[connection].is_up = true;
        outs
    }
}
