//! The client alone, against the simulated Slack, with its times made short.

use crate::harness::slack::{APP_TOKEN, Acked, BOT_TOKEN, Fault, Slack};
use serde_json::{Value, json};
use signalbox::platform::slack::socket::{Incoming, Pace, Reply, Socket, Standing};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

const SHORT: Pace = Pace {
    patience: Duration::from_secs(1),
    ping: Duration::from_millis(50),
    dead: Duration::from_millis(200),
    farewell: Duration::from_millis(300),
    first: Duration::from_millis(10),
    longest: Duration::from_millis(100),
    rarely: Duration::from_secs(600),
};

/// A client that answers as it is told.
struct Client {
    slack: Slack,
    standing: watch::Receiver<Standing>,
    stop: watch::Sender<bool>,
    working: JoinHandle<()>,
    heard: Arc<Mutex<Vec<Value>>>,
    /// An envelope that says `wait` waits for this.
    gate: Arc<Notify>,
    /// And tells here that it does.
    begun: Arc<Notify>,
}

impl Client {
    async fn start(slack: Slack, token: &str, pace: Pace) -> Self {
        let socket = Socket::new(&slack.api_url(), &token.into(), pace).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (heard, gate) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Notify>::default());
        let (standing, begun) = (socket.standing(), Arc::<Notify>::default());
        let working = tokio::spawn(socket.work(stopped, {
            let (heard, gate, begun) = (heard.clone(), gate.clone(), begun.clone());
            move |incoming| {
                let (heard, gate, begun) = (heard.clone(), gate.clone(), begun.clone());
                async move {
                    let Incoming::Envelope(envelope) = incoming else {
                        return Reply::Nothing;
                    };
                    if envelope.payload["text"] == "wait" {
                        begun.notify_one();
                        gate.notified().await;
                    }
                    heard.lock().unwrap().push(envelope.payload.clone());
                    if envelope.payload["text"] == "refuse" {
                        Reply::Nothing
                    } else {
                        Reply::Ack
                    }
                }
            }
        }));
        Self {
            slack,
            standing,
            stop,
            working,
            heard,
            gate,
            begun,
        }
    }

    async fn open(pace: Pace) -> Self {
        let client = Self::start(Slack::start().await, APP_TOKEN, pace).await;
        client.slack.until_connections(|open| open.len() == 2).await;
        client
    }

    async fn until(&mut self, holds: impl Fn(&Standing) -> bool) -> Standing {
        let wait = self.standing.wait_for(|standing| holds(standing));
        let found = tokio::time::timeout(Duration::from_secs(10), wait).await;
        found.expect("how it stands has not become so").unwrap().clone()
    }

    async fn says(&self, text: &str) -> Acked {
        self.slack.envelope("slash_commands", json!({"text": text}), true).await
    }
}

#[tokio::test]
async fn one_slow_delivery_holds_up_no_other() {
    let client = Client::open(SHORT).await;
    client.slack.route(client.slack.connections()[0]);
    let slow = client.says("wait");
    let others = async {
        for text in ["a", "b", "c"] {
            assert_eq!(client.says(text).await, Acked::Yes(None));
        }
        client.gate.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, others);
    assert_eq!(slow, Acked::Yes(None));
    let heard = client.heard.lock().unwrap().clone();
    assert_eq!(heard, ["a", "b", "c", "wait"].map(|text| json!({"text": text})));
    assert_eq!(
        client.says("refuse").await,
        Acked::No,
        "what is not taken is not acknowledged"
    );
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_noticed() {
    let client = Client::open(SHORT).await;
    let first = client.slack.connections();
    client.slack.silence_connection(first[1]);
    let open = client
        .slack
        .until_connections(|open| open.len() == 2 && !open.contains(&first[1]))
        .await;
    assert!(open.contains(&first[0]), "{open:?}");
    let usual = Pace::default();
    assert!(usual.ping + usual.dead <= Duration::from_secs(20));
}

#[tokio::test]
async fn a_connection_that_was_to_end_and_does_not_is_left() {
    let client = Client::open(SHORT).await;
    let first = client.slack.connections();
    client.slack.disconnect(first[0], "refresh_requested");
    client.slack.until_connections(|open| open.len() == 3).await;
    let open = client.slack.until_connections(|open| open.len() == 2).await;
    assert!(!open.contains(&first[0]), "{open:?}");
}

#[tokio::test]
async fn what_keeps_it_from_opening_is_told_and_tried_again() {
    let slack = Slack::start().await;
    for fault in [
        Fault::Status(503),
        Fault::Html,
        Fault::Reset,
        Fault::Error("internal_error"),
        Fault::Silence,
    ] {
        slack.fault("apps.connections.open", fault);
    }
    let mut client = Client::start(slack, APP_TOKEN, SHORT).await;
    client.until(|standing| standing.trouble.is_some()).await;
    client
        .until(|standing| standing.connections == 2 && standing.trouble.is_none())
        .await;
}

#[tokio::test]
async fn a_wrong_token_is_told_and_rarely_tried() {
    let mut client = Client::start(Slack::start().await, BOT_TOKEN, SHORT).await;
    let standing = client.until(|standing| standing.trouble.is_some()).await;
    insta::assert_snapshot!(
        standing.trouble.unwrap(),
        @"Slack does not accept the app token: not_allowed_token_type; check `app_token` in [slack]"
    );
    tokio::time::sleep(SHORT.longest * 3).await;
    assert!(client.slack.calls("apps.connections.open").len() <= 2);
}

#[tokio::test]
async fn too_many_connections_are_not_fought_for() {
    let slack = Slack::start().await;
    let others = Client::start(slack, APP_TOKEN, SHORT).await;
    let more: Vec<Client> = futures::future::join_all((0..4).map(|_| async {
        let (stop, _) = watch::channel(false);
        let socket = Socket::new(&others.slack.api_url(), &APP_TOKEN.into(), SHORT).unwrap();
        let standing = socket.standing();
        let stopped = stop.subscribe();
        let working = tokio::spawn(socket.work(stopped, |_| async { Reply::Ack }));
        Client {
            slack: Slack::start().await,
            standing,
            stop,
            working,
            heard: Arc::default(),
            gate: Arc::default(),
            begun: Arc::default(),
        }
    }))
    .await;
    others.slack.until_connections(|open| open.len() == 10).await;
    let pace = Pace {
        longest: Duration::from_secs(600),
        ..SHORT
    };
    let socket = Socket::new(&others.slack.api_url(), &APP_TOKEN.into(), pace).unwrap();
    let mut standing = socket.standing();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(socket.work(stopped, |_| async { Reply::Ack }));
    let told = standing.wait_for(|standing| standing.trouble.is_some());
    let told = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap()
        .unwrap()
        .clone();
    assert_eq!(
        told.trouble.as_deref(),
        Some("Slack says that this app has too many connections open")
    );
    assert_eq!(others.slack.connections().len(), 10);
    let tries = others.slack.calls("apps.connections.open").len();
    assert!(tries <= 12, "{tries} tries");
    drop(more);
}

#[tokio::test]
async fn at_the_end_what_was_begun_is_acknowledged() {
    let client = Client::open(SHORT).await;
    let slow = client.says("wait");
    let end = async {
        client.begun.notified().await;
        client.stop.send(true).unwrap();
        client.gate.notify_one();
    };
    let (slow, ()) = tokio::join!(slow, end);
    assert_eq!(slow, Acked::Yes(None));
    tokio::time::timeout(Duration::from_secs(5), client.working)
        .await
        .unwrap()
        .unwrap();
    client.slack.until_connections(<[u64]>::is_empty).await;
}

#[tokio::test]
async fn no_address_without_encryption_is_taken_from_an_encrypted_one() {
    let secure = Socket::new("https://127.0.0.1:1/api", &APP_TOKEN.into(), SHORT);
    assert!(secure.is_ok());
    assert!(Socket::new("ftp://127.0.0.1/api", &APP_TOKEN.into(), SHORT).is_err());
}
