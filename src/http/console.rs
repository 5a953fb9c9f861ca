//! The web console's handlers. Pages are made on the server; one script makes them live.

mod alerts;
mod approvals;
mod asked;
mod assets;
mod channel;
mod chart;
mod complete;
pub mod door;
mod hub;
mod message;
mod place;
mod run;
mod runbooks;
mod runs;
mod sign_in;
mod stream;
mod threshold;
mod visitor;

use crate::dispatch::overview::operates;
use crate::intake::Intake;
use crate::platform::console::render::page::sentence;
use crate::platform::console::render::page::{self, Assets, Frame, Guest, Here, Notice};
use crate::report::redact::Redactor;
use crate::run::ledger::LedgerError;
use crate::station::Station;
use crate::store::StoreError;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chart::Charts;
use door::Door;
use hub::Hub;
use maud::Markup;
use std::sync::Arc;
use tokio::sync::watch;
use visitor::Visitor;

/// People in the demo's menu; for more of them one signs out and picks.
const PICKS: usize = 12;

/// Problems that a page tells; `check` tells all.
const PROBLEMS: usize = 20;

/// What the console's handlers work with.
#[derive(Debug)]
pub struct Console {
    station: Arc<Station>,
    intake: Intake,
    redactor: Arc<Redactor>,
    door: Door,
    hub: Hub,
    charts: Charts,
    assets: Assets,
    /// Whether alerts come in at all.
    takes_alerts: bool,
    stop: watch::Receiver<bool>,
}

impl Console {
    /// The console, and the loop that must run for it.
    pub fn new(
        station: Arc<Station>,
        intake: Intake,
        redactor: Arc<Redactor>,
        door: Door,
        takes_alerts: bool,
        stop: watch::Receiver<bool>,
    ) -> (Arc<Self>, impl Future<Output = ()>) {
        let console = Arc::new(Self {
            station: station.clone(),
            intake,
            redactor,
            door,
            hub: Hub::default(),
            charts: Charts::default(),
            assets: assets::addresses(),
            takes_alerts,
            stop,
        });
        let working = console.clone();
        (console, async move { working.hub.work(&station).await })
    }

    /// What everybody should know, as the bot stands now. Lines of the files are for those who keep it going.
    async fn notices(&self, visitor: &Visitor) -> Result<Vec<Notice>, StoreError> {
        let pauses = self.station.desk.store.pauses().await?;
        let told = if operates(&visitor.rules, &visitor.asker()) {
            PROBLEMS
        } else {
            0
        };
        let trouble = self.station.desk.rules.trouble().map(|trouble| Notice {
            say:
                "The files of runbooks, people, policy or panels are wrong, so what was in force before stays in force."
                    .to_owned(),
            since: trouble.since,
            details: trouble.problems.iter().take(told).map(ToString::to_string).collect(),
        });
        let paused = pauses.into_iter().map(|pause| Notice {
            say: match pause.runbook {
                Some(runbook) => format!("Writes of /{runbook} are paused by {}.", pause.person),
                None => format!("All writes are paused by {}.", pause.person),
            },
            since: pause.since,
            details: Vec::new(),
        });
        let unspoken = self.station.desk.store.platform_troubles().await?;
        let unspoken = unspoken.into_iter().map(|trouble| Notice {
            say: format!(
                "The chat platform {} cannot be spoken to: {}. Runs go on; what is said of them there waits.",
                trouble.platform, trouble.say
            ),
            since: trouble.since,
            details: Vec::new(),
        });
        let amiss = self.station.troubles.all().into_iter().map(|trouble| Notice {
            say: trouble.say,
            since: trouble.since,
            details: Vec::new(),
        });
        let asides = self.station.desk.store.asides(PROBLEMS as i64).await?;
        let since = asides
            .first()
            .and_then(|first| first.aside.as_ref())
            .map(|(since, _)| *since);
        let aside = since.map(|since| Notice {
            say: "Runs are set aside: what is stored of them cannot be read or believed. Their locks stay held."
                .to_owned(),
            since,
            details: asides
                .iter()
                .take(told)
                .map(|run| {
                    let reason = run.aside.as_ref().map_or("", |(_, reason)| reason.as_str());
                    self.redactor
                        .redact(&format!(
                            "/{} of {}, run {}: {reason}",
                            run.runbook, run.person, run.run
                        ))
                        .into_owned()
                })
                .collect(),
        });
        Ok(trouble
            .into_iter()
            .chain(aside)
            .chain(unspoken)
            .chain(amiss)
            .chain(paused)
            .collect())
    }

    async fn guest(&self, visitor: &Visitor) -> Result<Guest, Trouble> {
        let waiting = self.waiting(visitor).await?;
        Ok(Guest {
            person: visitor.person().to_owned(),
            csrf: visitor.csrf().to_owned(),
            picks: if self.door.demo() {
                visitor
                    .rules
                    .people
                    .persons()
                    .take(PICKS)
                    .map(|person| person.name.clone())
                    .collect()
            } else {
                Vec::new()
            },
            waiting,
            notices: self.notices(visitor).await?,
        })
    }

    /// How many runs wait for this person's word.
    async fn waiting(&self, visitor: &Visitor) -> Result<usize, Trouble> {
        let waiting = self.station.desk.waiting(&visitor.rules, &visitor.asker()).await?;
        Ok(waiting.iter().filter(|one| one.is_mine()).count())
    }

    /// A page of somebody who is signed in. `body` gets the guest and the page's nonce.
    async fn page(
        &self,
        visitor: &Visitor,
        title: &str,
        here: Here,
        body: impl FnOnce(&Guest, &str) -> Markup,
    ) -> Result<Response, Trouble> {
        self.page_that_loads_again(visitor, title, here, false, body).await
    }

    async fn page_that_loads_again(
        &self,
        visitor: &Visitor,
        title: &str,
        here: Here,
        again: bool,
        body: impl FnOnce(&Guest, &str) -> Markup,
    ) -> Result<Response, Trouble> {
        let guest = self.guest(visitor).await?;
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let body = body(&guest, &nonce);
        let frame = Frame {
            title,
            here,
            assets: &self.assets,
            demo: self.door.demo(),
            guest: Some(&guest),
            nonce: &nonce,
            again,
        };
        Ok(html(StatusCode::OK, &page::page(&frame, &body)))
    }

    /// A page before signing in, or about something that went wrong.
    fn bare(&self, status: StatusCode, title: &str, body: &Markup) -> Response {
        let frame = Frame {
            title,
            here: Here::Elsewhere,
            assets: &self.assets,
            demo: self.door.demo(),
            guest: None,
            nonce: "",
            again: false,
        };
        html(status, &page::page(&frame, body))
    }

    /// One sentence as a page.
    fn say(&self, status: StatusCode, heading: &str, say: &str, ways: &[(&str, &str)]) -> Response {
        self.bare(status, heading, &sentence(heading, say, ways))
    }
}

fn html(status: StatusCode, markup: &Markup) -> Response {
    let kind = [("content-type", "text/html; charset=utf-8")];
    (status, kind, markup.0.clone()).into_response()
}

/// Why a page could not be made. Whoever asked for it learns that, and the log learns why.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a page of the console could not be made");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "Signalbox cannot read its own database just now. Nothing was done; load the page again in a moment.\n",
        )
            .into_response()
    }
}

/// All routes of the console; the one list.
pub(super) fn routes<S>(console: Arc<Console>) -> Router<S> {
    Router::new()
        .route("/", get(channel::show).post(channel::typed))
        .route("/alerts", get(alerts::list))
        .route("/alerts/{id}", get(alerts::show))
        .route("/alerts/{id}/press", post(alerts::press))
        .route("/alerts/{id}/chart.png", get(alerts::picture))
        .route("/approvals", get(approvals::show))
        .route("/runs", get(runs::show))
        .route("/runs/{run}", get(run::show))
        .route("/runs/{run}/json", get(run::json))
        .route("/runs/{run}/press", post(run::press))
        .route("/runs/{run}/chart.png", get(chart::show))
        .route("/runbooks", get(runbooks::list))
        .route("/runbooks/{name}", get(runbooks::form).post(runbooks::sent))
        .route("/asked/{request}", get(asked::show))
        .route("/asked/{request}/run", post(asked::run))
        .route("/complete", get(complete::complete))
        .route("/events", get(stream::events))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/pick", post(sign_in::pick))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{name}", get(assets::file))
        .fallback(nowhere)
        .layer(from_fn_with_state(console.clone(), threshold::threshold))
        .with_state(console)
}

async fn nowhere(axum::extract::State(console): axum::extract::State<Arc<Console>>) -> Response {
    console.say(
        StatusCode::NOT_FOUND,
        "There is no such page",
        "The address leads nowhere.",
        &[("/", "To the channel")],
    )
}
