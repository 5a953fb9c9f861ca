//! One connection of the gateway: the greeting, heartbeats, and what may be sent when.

use super::super::Shared;
use super::super::world::World;
use super::session::{Closed, Out, Way};
use flate2::{Compress, Compression, FlushCompress};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_websockets::{CloseCode, Message, ServerBuilder, WebSocketStream};

const LARGEST: usize = 4096;
/// Payloads that a bot may send within a minute.
const A_MINUTE: usize = 120;

/// The two addresses of the gateway: for new sessions, and for those that are taken up again.
pub async fn listen(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut servers = Vec::new();
    for way in [Way::Main, Way::Resume] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        match way {
            Way::Main => shared.world().gateway.url = url,
            Way::Resume => shared.world().gateway.resume_url = url,
        }
        let shared = shared.clone();
        servers.push(tokio::spawn(async move {
            // They end with the server.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(talk(shared.clone(), stream, way));
                while connections.try_join_next().is_some() {}
            }
        }));
    }
    servers
}

struct Talk {
    shared: Arc<Shared>,
    /// Which of all connections this is.
    number: usize,
    greeted: Instant,
    heard: Instant,
    sent: Vec<Duration>,
    is_known: bool,
    is_numb: bool,
    wire: Wire,
}

/// How payloads are put on the wire.
enum Wire {
    Text,
    /// One stream of zlib for the whole connection; each payload ends with a flush.
    Zlib(Box<Compress>),
}

impl Wire {
    fn of(query: &str) -> Self {
        if query.contains("compress=zlib-stream") {
            Self::Zlib(Box::new(Compress::new(Compression::fast(), true)))
        } else {
            Self::Text
        }
    }

    fn message(&mut self, text: &str) -> Message {
        let Self::Zlib(stream) = self else {
            return Message::text(text.to_owned());
        };
        let mut packed = Vec::with_capacity(text.len() + 64);
        let begun = stream.total_in();
        loop {
            let done = usize::try_from(stream.total_in() - begun).unwrap();
            stream
                .compress_vec(&text.as_bytes()[done..], &mut packed, FlushCompress::Sync)
                .unwrap();
            // Room that is left means that nothing is left to say.
            if packed.len() < packed.capacity() {
                break;
            }
            packed.reserve(1024);
        }
        Message::binary(packed)
    }
}

async fn talk(shared: Arc<Shared>, stream: TcpStream, way: Way) {
    if shared.world().gateway.refuses {
        return;
    }
    let Ok((request, mut socket)) = ServerBuilder::new().accept(stream).await else {
        return;
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (line, mut outs) = unbounded_channel();
    let (number, interval) = {
        let mut world = shared.world();
        (world.gateway.open(way, &query, line.clone()), world.gateway.interval)
    };
    shared.changed();
    let mut talk = Talk {
        shared: shared.clone(),
        number,
        greeted: Instant::now(),
        heard: Instant::now(),
        sent: Vec::new(),
        is_known: false,
        is_numb: false,
        wire: Wire::of(&query),
    };
    let closed = if !query.split('&').any(|pair| pair == "v=10") {
        close(&mut socket, 4012, "Invalid API version").await
    } else if query.contains("compress=zstd-stream") {
        // Discord would speak so; this one does not.
        close(&mut socket, 4002, "This gateway does not compress so").await
    } else {
        let hello = json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": interval.as_millis() as u64, "_trace": []}});
        let _ = socket.send(talk.wire.message(&hello.to_string())).await;
        talk.on(&mut socket, &line, &mut outs, interval).await
    };
    let mut world = shared.world();
    let now = world.now();
    world.gateway.lost(number, closed, now);
    drop(world);
    shared.changed();
}

impl Talk {
    async fn on(
        &mut self,
        socket: &mut WebSocketStream<TcpStream>,
        line: &UnboundedSender<Out>,
        outs: &mut UnboundedReceiver<Out>,
        interval: Duration,
    ) -> Closed {
        loop {
            // Discord waits a little longer than it said.
            let silent = tokio::time::sleep_until((self.heard + interval * 2).into());
            tokio::select! {
                received = socket.next() => {
                    let Some(Ok(message)) = received else { return Closed::ByBot(0) };
                    if let Some((code, _)) = message.as_close() {
                        return Closed::ByBot(code.into());
                    }
                    self.hear(&message, line);
                }
                Some(out) = outs.recv() => match out {
                    Out::Text(_) if self.is_numb => {}
                    Out::Text(text) => {
                        if socket.send(self.wire.message(&text)).await.is_err() {
                            return Closed::ByBot(0);
                        }
                    }
                    Out::Close(code, why) => return close(socket, code, why).await,
                    Out::Cut => return Closed::ByDiscord(0),
                    Out::GoNumb => self.is_numb = true,
                },
                () = silent => return close(socket, 4009, "Session timed out").await,
            }
        }
    }

    fn hear(&mut self, message: &Message, line: &UnboundedSender<Out>) {
        if message.is_ping() || message.is_pong() {
            return;
        }
        let shared = self.shared.clone();
        let mut world = shared.world();
        for out in self.answer(&mut world, message) {
            // Before the world goes on: nothing may overtake it.
            let _ = line.send(out);
        }
        drop(world);
        shared.changed();
    }

    /// What goes out in answer.
    fn answer(&mut self, world: &mut World, message: &Message) -> Vec<Out> {
        let close = |code, why| vec![Out::Close(code, why)];
        let now = world.now();
        self.sent.retain(|at| *at + Duration::from_secs(60) > now);
        self.sent.push(now);
        if self.sent.len() > A_MINUTE {
            return close(4008, "Rate limited.");
        }
        let text = message.as_text().filter(|text| text.len() <= LARGEST);
        let Some(payload) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
            return close(4002, "Error while decoding payload.");
        };
        let seen = &mut world.gateway.connections[self.number];
        seen.received.push(payload.clone());
        let given = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => {
                self.heard = Instant::now();
                seen.first_heartbeat_after.get_or_insert(self.greeted.elapsed());
                let last = world.gateway.sequence(self.number);
                if !given.is_null() && given.as_u64().is_none_or(|heard| self.is_known && heard > last) {
                    close(4002, "Error while decoding payload.")
                } else {
                    vec![Out::Text(
                        json!({"op": 11, "d": null, "s": null, "t": null}).to_string(),
                    )]
                }
            }
            Some(2 | 6) if self.is_known => close(4005, "Already authenticated."),
            Some(2) => {
                let outs = world.identify(self.number, given);
                self.is_known = world.gateway.connections[self.number].is_up;
                outs
            }
            Some(6) => {
                let outs = world.resume(self.number, given);
                self.is_known = world.gateway.connections[self.number].is_up;
                outs
            }
            Some(3 | 4 | 8) if self.is_known => Vec::new(),
            Some(3 | 4 | 8) => close(4003, "Not authenticated."),
            _ => close(4001, "Unknown opcode."),
        }
    }
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16, why: &'static str) -> Closed {
    let message = Message::close(CloseCode::try_from(code).ok(), why);
    let _ = socket.send(message).await;
    let _ = socket.close().await;
    Closed::ByDiscord(code)
}
