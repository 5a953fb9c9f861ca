//! `GET /events`: what changes, as it changes, for as long as the page is open.

use super::hub::{Pulse, Seat};
use super::message::fragment;
use super::visitor::Visitor;
use super::{Console, Trouble};
use crate::dispatch::overview::may_view;
use crate::platform::console::render::page;
use crate::store::lists::{BLUR, ChangedRun};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, Interval, interval_at};

/// A gap with more changes than this is closed by loading the page again.
const GAP: i64 = 100;

/// Whether the session still stands is asked this often.
const RECHECK: Duration = Duration::from_secs(30);

const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
pub(super) struct From {
    since: Option<i64>,
}

enum Woken {
    Stop,
    Recheck,
    Pulse(Result<Pulse, RecvError>),
}

/// One open stream.
struct Feed {
    console: Arc<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    pulses: broadcast::Receiver<Pulse>,
    stop: tokio::sync::watch::Receiver<bool>,
    recheck: Interval,
    pending: VecDeque<Event>,
    ended: bool,
    _seat: Seat,
}

pub(super) async fn events(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let Some(seat) = console.hub.seat(visitor.person()) else {
        let say = "Too many pages of Signalbox are open. Close some; this one does not move by itself.\n";
        return Ok((StatusCode::SERVICE_UNAVAILABLE, say).into_response());
    };
    // Listened to before the gap is read: nothing falls between.
    let pulses = console.hub.listen();
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let since = last.and_then(|last| last.parse().ok()).or(from.since);
    let mut feed = Feed {
        pulses,
        stop: console.stop.clone(),
        recheck: interval_at(Instant::now() + RECHECK, RECHECK),
        pending: VecDeque::from([sign("hello")]),
        ended: false,
        _seat: seat,
        console,
        visitor,
        headers,
    };
    if let Some(since) = since.filter(|since| *since < i64::MAX) {
        let since = since.saturating_sub(BLUR);
        let missed = feed.console.station.desk.store.changed_runs(since, GAP + 1).await?;
        if missed.len() as i64 > GAP {
            feed.reload();
        } else {
            for run in missed {
                feed.run(&run).await?;
            }
        }
    }
    // What has no number of its own is told whole.
    feed.waiting().await?;
    feed.notices().await?;
    let stream = unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let mut response = Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    // A proxy that collects an answer before passing it on would hold the events back.
    response
        .headers_mut()
        .insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            if let Err(trouble) = self.more().await {
                tracing::error!(error = %trouble, "a stream of the console ends");
                return None;
            }
        }
    }

    async fn more(&mut self) -> Result<(), Trouble> {
        let woken = tokio::select! {
            _ = self.stop.wait_for(|stopped| *stopped) => Woken::Stop,
            _ = self.recheck.tick() => Woken::Recheck,
            pulse = self.pulses.recv() => Woken::Pulse(pulse),
        };
        match woken {
            Woken::Stop | Woken::Pulse(Err(RecvError::Closed)) => self.ended = true,
            // Under other rules somebody may be nobody, or have another token.
            Woken::Recheck | Woken::Pulse(Ok(_)) if !self.still_signed_in(&woken).await? => self.reload(),
            Woken::Recheck => {}
            Woken::Pulse(Ok(Pulse::Run(run))) => self.run(&run).await?,
            Woken::Pulse(Ok(Pulse::Waiting)) => self.waiting().await?,
            Woken::Pulse(Ok(Pulse::Notices)) => self.notices().await?,
            Woken::Pulse(Ok(Pulse::Alerts)) => self.pending.push_back(sign("alerts")),
            Woken::Pulse(Ok(Pulse::Ended(session))) if *session == *self.visitor.session.id => self.reload(),
            Woken::Pulse(Ok(Pulse::Ended(_))) => {}
            Woken::Pulse(Err(RecvError::Lagged(_))) => self.reload(),
        }
        Ok(())
    }

    /// The page loads again, which also leads whoever is not signed in any more to the door.
    fn reload(&mut self) {
        self.pending.push_back(sign("reload"));
        self.ended = true;
    }

    async fn run(&mut self, run: &ChangedRun) -> Result<(), Trouble> {
        let asker = self.visitor.asker();
        if !may_view(&self.visitor.rules, &asker, &run.runbook) {
            return Ok(());
        }
        let (hub, rules) = (&self.console.hub, &self.visitor.rules);
        let markup = match hub.drawn(run, self.visitor.person(), rules) {
            Some(drawn) => drawn,
            None => {
                let Some(message) = self.console.message_in_sight(&self.visitor, &run.id).await? else {
                    return Ok(());
                };
                hub.keep_drawn(run, self.visitor.person(), rules, fragment(&message))
            }
        };
        let event = Event::default().event("run").id(run.updated.to_string()).data(&*markup);
        self.pending.push_back(event);
        Ok(())
    }

    async fn waiting(&mut self) -> Result<(), Trouble> {
        let count = self.console.waiting(&self.visitor).await?;
        let markup = page::waiting(count).0;
        self.pending.push_back(Event::default().event("waiting").data(markup));
        Ok(())
    }

    async fn notices(&mut self) -> Result<(), Trouble> {
        let markup = page::notices(&self.console.notices(&self.visitor).await?).0;
        self.pending.push_back(Event::default().event("notices").data(markup));
        Ok(())
    }

    /// Asked when the rules are others, and now and then.
    async fn still_signed_in(&mut self, woken: &Woken) -> Result<bool, Trouble> {
        let same_rules = Arc::ptr_eq(&self.console.rules(), &self.visitor.rules);
        if same_rules && !matches!(woken, Woken::Recheck) {
            return Ok(true);
        }
        let visitor = Visitor::of(&self.console, &self.headers).await?;
        let signed_in = visitor.is_some();
        if let Some(visitor) = visitor {
            self.visitor = visitor;
        }
        Ok(signed_in)
    }
}

/// An event that says nothing but its name. Browsers drop one whose data is empty.
fn sign(name: &str) -> Event {
    Event::default().event(name).data(name)
}
