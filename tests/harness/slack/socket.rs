//! Socket Mode's other end: single-use tickets, at most ten connections, each envelope to any one of them. What is not
//! acknowledged within three seconds was not taken.

use super::Shared;
use super::world::World;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_websockets::{Message, ServerBuilder};

/// After this a person sees that the app did not answer, and an event comes again.
pub const ACK_WITHIN: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 10;
/// An event is tried this often in all.
const TRIES: u32 = 4;

/// One connection of the bot.
pub struct Connection {
    to: mpsc::UnboundedSender<Order>,
}

/// What the server does to one connection.
enum Order {
    Say(String),
    /// Closes it properly.
    Close,
    /// Is gone without a word.
    Drop,
    /// Stays, and neither reads nor writes any more.
    Fall,
}

/// What the simulator knows of Socket Mode.
#[derive(Default)]
pub struct Sockets {
    pub address: String,
    pub tickets: BTreeMap<String, bool>,
    pub connections: BTreeMap<u64, Connection>,
    /// How many there ever were.
    pub opened: u64,
    pub is_disabled: bool,
    /// The next envelopes go here, if it is open.
    pub route: Option<u64>,
    pending: BTreeMap<String, Pending>,
}

struct Pending {
    accepts_payload: bool,
    acked: oneshot::Sender<Option<Value>>,
}

/// What became of an envelope.
#[derive(Debug, Clone, PartialEq)]
pub enum Acked {
    Yes(Option<Value>),
    /// In vain for three seconds.
    No,
    /// There is no connection.
    Nowhere,
}

pub async fn listen(shared: Arc<Shared>) -> tokio::task::JoinHandle<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    shared.world().sockets.address = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(shared.clone(), stream));
        }
    })
}

/// A ticket for one connection; the answer to `apps.connections.open`.
pub fn ticket(world: &mut World) -> Value {
    let ticket = format!("ticket{}", world.count());
    world.sockets.tickets.insert(ticket.clone(), false);
    json!({"url": format!("{}/link/?ticket={ticket}&app_id=A1", world.sockets.address)})
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let Ok((request, mut socket)) = ServerBuilder::new().accept(stream).await else {
        return;
    };
    let query = request.uri().query().unwrap_or_default();
    let ticket = query.split('&').find_map(|pair| pair.strip_prefix("ticket="));
    let (to, mut orders) = mpsc::unbounded_channel();
    let hello = {
        let mut world = shared.world();
        match ticket.and_then(|ticket| world.sockets.tickets.get_mut(ticket)) {
            Some(used) if !*used => *used = true,
            _ => {
                world
                    .misuse
                    .push("a connection without a ticket that is good".to_owned());
                return;
            }
        }
        let refused = if world.sockets.is_disabled {
            Some("link_disabled")
        } else if world.sockets.connections.len() >= CONNECTIONS {
            Some("too_many_websockets")
        } else {
            None
        };
        match refused {
            Some(reason) => Err(disconnect(reason)),
            None => {
                world.sockets.opened += 1;
                let id = world.sockets.opened;
                world.sockets.connections.insert(id, Connection { to });
                Ok((id, world.sockets.connections.len()))
            }
        }
    };
    let (id, number) = match hello {
        Ok(open) => open,
        Err(reason) => {
            let _ = socket.send(Message::text(reason)).await;
            let _ = socket.close().await;
            return;
        }
    };
    let hello = json!({
        "type": "hello",
        "num_connections": number,
        "debug_info": {"host": "applink-7", "started": "2026-11-27 10:00:00.000", "build_number": 10,
            "approximate_connection_time": 18060},
        "connection_info": {"app_id": "A1"},
    });
    let _ = socket.send(Message::text(hello.to_string())).await;
    shared.changed();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Say(text)) => {
                    let _ = socket.send(Message::text(text)).await;
                }
                Some(Order::Close) => {
                    shared.world().sockets.connections.remove(&id);
                    shared.changed();
                    let _ = socket.close().await;
                    return;
                }
                Some(Order::Drop) | None => break,
                Some(Order::Fall) => {
                    shared.world().sockets.connections.remove(&id);
                    shared.changed();
                    std::future::pending::<()>().await;
                }
            },
            message = socket.next() => match message {
                Some(Ok(message)) => {
                    if let Some(text) = message.as_text() {
                        heard(&mut shared.world(), text);
                        shared.changed();
                    }
                }
                Some(Err(_)) | None => break,
            },
        }
    }
    shared.world().sockets.connections.remove(&id);
    shared.changed();
}

fn disconnect(reason: &str) -> String {
    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-7"}}).to_string()
}

/// An acknowledgement: its envelope, and a payload where one is taken.
fn heard(world: &mut World, text: &str) {
    let Ok(Value::Object(mut ack)) = serde_json::from_str(text) else {
        world
            .misuse
            .push(format!("an acknowledgement that is no object: {text}"));
        return;
    };
    let payload = ack.remove("payload");
    let id = ack.remove("envelope_id");
    let pending = id
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|id| world.sockets.pending.remove(id));
    if !ack.is_empty() {
        world
            .misuse
            .push(format!("an acknowledgement with other fields: {text}"));
    }
    let Some(pending) = pending else {
        // One that comes too late does no harm.
        if id.is_none() {
            world.misuse.push(format!("an acknowledgement of nothing: {text}"));
        }
        return;
    };
    if payload.is_some() && !pending.accepts_payload {
        world.misuse.push(format!("a payload that is not taken: {text}"));
    }
    let _ = pending.acked.send(payload);
}

impl Shared {
    /// Sends an envelope over any one connection and waits for its acknowledgement.
    pub async fn envelope(&self, envelope: Value) -> Acked {
        let id = envelope["envelope_id"].as_str().unwrap().to_owned();
        let (acked, wait) = oneshot::channel();
        {
            let mut world = self.world();
            let pick = world.count() as usize;
            let sockets = &mut world.sockets;
            let open: Vec<u64> = sockets.connections.keys().copied().collect();
            let route = sockets.route.filter(|route| open.contains(route));
            let Some(to) = route.or_else(|| open.get(pick.wrapping_mul(2_654_435_761) % open.len().max(1)).copied())
            else {
                return Acked::Nowhere;
            };
            let accepts_payload = envelope["accepts_response_payload"] == true;
            sockets.pending.insert(id.clone(), Pending { accepts_payload, acked });
            let _ = sockets.connections[&to].to.send(Order::Say(envelope.to_string()));
        }
        let answer = tokio::time::timeout(ACK_WITHIN, wait).await;
        self.world().sockets.pending.remove(&id);
        match answer {
            Ok(Ok(payload)) => Acked::Yes(payload),
            Ok(Err(_)) | Err(_) => Acked::No,
        }
    }

    pub fn new_envelope(&self, kind: &str, payload: Value, accepts_payload: bool) -> Value {
        let id = format!("envelope-{}", self.world().count());
        json!({"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": accepts_payload})
    }

    /// An event is sent again until it is taken: the first time with the envelope's old id, as was seen in the wild. Gives
    /// how often it was sent, if it was taken.
    pub async fn event_over_socket(&self, payload: Value) -> Option<u32> {
        let mut envelope = self.new_envelope("events_api", payload, false);
        for attempt in 0..TRIES {
            envelope["retry_attempt"] = attempt.into();
            envelope["retry_reason"] = if attempt == 0 { "" } else { "timeout" }.into();
            if attempt > 1 {
                envelope["envelope_id"] = format!("envelope-{}", self.world().count()).into();
            }
            if let Acked::Yes(_) = self.envelope(envelope.clone()).await {
                return Some(attempt + 1);
            }
        }
        None
    }
}

impl super::Slack {
    /// Deliveries go over the bot's own connections from now on.
    pub fn use_socket(&mut self) {
        self.bot = Some(super::Bot::Socket);
    }

    /// The bot's connections that are open, by the order in which they were opened.
    pub fn connections(&self) -> Vec<u64> {
        self.shared.world().sockets.connections.keys().copied().collect()
    }

    /// Waits until this holds for the open connections.
    pub async fn until_connections(&self, holds: impl Fn(&[u64]) -> bool) -> Vec<u64> {
        let find = |world: &mut World| {
            let open: Vec<u64> = world.sockets.connections.keys().copied().collect();
            holds(&open).then_some(open)
        };
        self.next_within("the bot's connections", Duration::from_secs(20), find)
            .await
    }

    /// Envelopes go over this connection, as long as it is open.
    pub fn route(&self, connection: u64) {
        self.shared.world().sockets.route = Some(connection);
    }

    fn order(&self, connection: u64, order: Order) {
        let world = self.shared.world();
        let _ = world.sockets.connections[&connection].to.send(order);
    }

    /// Tells a connection that it will end: `warning`, `refresh_requested`.
    pub fn disconnect(&self, connection: u64, reason: &str) {
        self.order(connection, Order::Say(disconnect(reason)));
    }

    pub fn close_connection(&self, connection: u64) {
        self.order(connection, Order::Close);
    }

    /// The connection breaks without a word.
    pub fn drop_connection(&self, connection: u64) {
        self.order(connection, Order::Drop);
    }

    /// The connection stays and nobody is at its other end.
    pub fn silence_connection(&self, connection: u64) {
        self.order(connection, Order::Fall);
    }

    /// Says something that is no envelope.
    pub fn say(&self, connection: u64, text: &str) {
        self.order(connection, Order::Say(text.to_owned()));
    }

    /// Socket Mode is switched off for the app, or on again.
    pub fn disable_socket_mode(&self, is_disabled: bool) {
        let mut world = self.shared.world();
        world.sockets.is_disabled = is_disabled;
        if is_disabled {
            for connection in world.sockets.connections.values() {
                let _ = connection.to.send(Order::Say(disconnect("link_disabled")));
                let _ = connection.to.send(Order::Close);
            }
        }
    }

    /// Sends an envelope as it is, whatever is in it.
    pub async fn envelope(&self, kind: &str, payload: Value, accepts_payload: bool) -> Acked {
        let envelope = self.shared.new_envelope(kind, payload, accepts_payload);
        let acked = self.shared.envelope(envelope).await;
        self.shared.changed();
        acked
    }
}
