//! One connection, from its opening to its end.

use super::frame::{Frame, Incoming, Reply};
use super::{NotOpened, Pace, stopped};
use crate::platform::slack::client::SlackClient;
use crate::platform::slack::receive::MAX_BODY;
use futures::{SinkExt, StreamExt};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_websockets::{ClientBuilder, Limits, MaybeTlsStream, Message, WebSocketStream};

/// Envelopes of one connection that are handled at a time; while there are more, nothing is read from it.
const AT_ONCE: usize = 256;

/// An envelope is little more than the payload in it.
const FRAME: usize = 2 * MAX_BODY;

/// What is being handled when a connection ends gets this long; Slack waits no longer for it.
const GOODBYE: Duration = Duration::from_secs(3);

/// What a connection tells while it lives.
#[derive(Debug)]
pub(super) enum News {
    Open(u64),
    /// Slack will end it, and says why.
    Leaving(u64, String),
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Ended {
    NotOpened(NotOpened),
    Closed(String),
    /// We are asked to end.
    Stopped,
}

pub(super) struct Link {
    pub(super) id: u64,
    pub(super) client: Arc<SlackClient>,
    pub(super) secure: bool,
    pub(super) pace: Pace,
    pub(super) news: mpsc::Sender<News>,
    pub(super) stop: watch::Receiver<bool>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What is being handled: each ends in the text that acknowledges it, if any does.
type Jobs = JoinSet<Option<String>>;

impl Link {
    pub(super) async fn live<H, F>(&self, handle: Arc<H>) -> Ended
    where
        H: Fn(Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let mut stop = self.stop.clone();
        let mut socket = tokio::select! {
            opened = self.open() => match opened {
                Ok(socket) => socket,
                Err(error) => return Ended::NotOpened(error),
            },
            () = stopped(&mut stop) => return Ended::Stopped,
        };
        let mut jobs = Jobs::new();
        let mut is_open = false;
        let ended = self.serve(&mut socket, &mut jobs, &mut is_open, &handle).await;
        // What was begun is finished, so that it is stored, whether or not Slack can still be told.
        let finish = async {
            while let Some(done) = jobs.join_next().await {
                if let Some(text) = acknowledgement(done) {
                    // A connection that is gone takes nothing; then Slack sends the envelope again, or has told the person.
                    let _ = socket.send(Message::text(text)).await;
                }
            }
            let _ = socket.close().await;
        };
        if tokio::time::timeout(GOODBYE, finish).await.is_err() {
            tracing::warn!(
                connection = self.id,
                "deliveries were still being handled when the connection ended"
            );
        }
        match ended {
            Ended::Closed(why) if !is_open => Ended::NotOpened(NotOpened::new(why)),
            ended => ended,
        }
    }

    async fn open(&self) -> Result<Socket, NotOpened> {
        let url = self
            .client
            .connection_url()
            .await
            .map_err(|error| NotOpened::of(&error, self.pace.rarely))?;
        let uri = url
            .parse()
            .map_err(|_| NotOpened::new("Slack named an address that does not parse"))?;
        if !(url.starts_with("wss://") || url.starts_with("ws://") && !self.secure) {
            return Err(NotOpened::new("Slack named an address that is not encrypted"));
        }
        let builder = ClientBuilder::from_uri(uri).limits(Limits::default().max_payload_len(Some(FRAME)));
        match tokio::time::timeout(self.pace.patience, builder.connect()).await {
            Ok(Ok((socket, _))) => Ok(socket),
            // The error may name the address, and in that is a ticket.
            Ok(Err(error)) => Err(NotOpened::new(match error {
                tokio_websockets::Error::Io(error) => format!("the connection failed: {}", error.kind()),
                tokio_websockets::Error::Upgrade(_) => "what answers there is no websocket, or refuses".to_owned(),
                _ => "the connection failed".to_owned(),
            })),
            Err(_) => Err(NotOpened::new("the connection was not made in time")),
        }
    }

    async fn serve<H, F>(&self, socket: &mut Socket, jobs: &mut Jobs, is_open: &mut bool, handle: &Arc<H>) -> Ended
    where
        H: Fn(Incoming) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let mut ping = tokio::time::interval(self.pace.ping);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut stop = self.stop.clone();
        let (begun, mut heard) = (Instant::now(), Instant::now());
        let mut leaving: Option<Instant> = None;
        loop {
            tokio::select! {
                message = socket.next(), if jobs.len() < AT_ONCE => {
                    heard = Instant::now();
                    let message = match message {
                        Some(Ok(message)) => message,
                        Some(Err(error)) => return Ended::Closed(broken(&error)),
                        None => return Ended::Closed("Slack closed it".to_owned()),
                    };
                    let Some(text) = message.as_text() else { continue };
                    match Frame::read(text) {
                        Frame::Hello if *is_open => {}
                        Frame::Hello => {
                            *is_open = true;
                            self.tell(News::Open(self.id)).await;
                        }
                        Frame::Disconnect { reason } => {
                            leaving.get_or_insert_with(Instant::now);
                            *is_open = true;
                            self.tell(News::Leaving(self.id, reason)).await;
                        }
                        Frame::Envelope(envelope) => {
                            let (id, handling) = (envelope.id.clone(), handle(Incoming::Envelope(envelope)));
                            jobs.spawn(async move { handling.await.text(&id) });
                        }
                        Frame::Garbled(why) => {
                            let handling = handle(Incoming::Garbled(why));
                            jobs.spawn(async move {
                                handling.await;
                                None
                            });
                        }
                    }
                }
                Some(done) = jobs.join_next() => {
                    if let Some(text) = acknowledgement(done)
                        && let Err(why) = self.send(socket, Message::text(text)).await
                    {
                        return Ended::Closed(why);
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > self.pace.dead {
                        return Ended::Closed("the other end has fallen silent".to_owned());
                    }
                    if !*is_open && begun.elapsed() > self.pace.patience {
                        return Ended::Closed("Slack did not say hello".to_owned());
                    }
                    if leaving.is_some_and(|since| since.elapsed() > self.pace.farewell) {
                        return Ended::Closed("it was to end, and did not".to_owned());
                    }
                    if let Err(why) = self.send(socket, Message::ping("")).await {
                        return Ended::Closed(why);
                    }
                }
                () = stopped(&mut stop) => return Ended::Stopped,
            }
        }
    }

    async fn send(&self, socket: &mut Socket, message: Message) -> Result<(), String> {
        match tokio::time::timeout(self.pace.dead, socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err("the other end takes nothing".to_owned()),
        }
    }

    async fn tell(&self, news: News) {
        // Whoever listened is gone when the process ends.
        let _ = self.news.send(news).await;
    }
}

fn acknowledgement(done: Result<Option<String>, tokio::task::JoinError>) -> Option<String> {
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "a delivery ended in a defect; Slack is told nothing");
        None
    })
}

fn broken(error: &tokio_websockets::Error) -> String {
    match error {
        tokio_websockets::Error::Io(error) => format!("it broke: {}", error.kind()),
        tokio_websockets::Error::PayloadTooLong { .. } => format!("Slack sent more than {FRAME} bytes at once"),
        _ => "it broke".to_owned(),
    }
}
