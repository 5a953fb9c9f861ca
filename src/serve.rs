//! `signalbox serve`: everything that runs while the bot is up, and how it ends.

use crate::app::{App, AppError, SlackInbound, environment};
use crate::config::Slack;
use crate::http::console::Console;
use crate::http::console::door::Door;
use crate::http::{Face, SlackDoor, routes};
use crate::intake::Intake;
use crate::outbox::{Outbox, SLACK};
use crate::platform::slack::client::SlackClient;
use crate::platform::slack::socket::{Pace, Socket};
use crate::reception;
use crate::reception::slack::{PATIENCE as FORMS, SlackReception};
use crate::rules::watch::Watch;
use crate::run::clock::Clock;
use crate::station::{Share, Station};
use crate::usergroups::Usergroups;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Open HTTP requests get this long at the end.
const GOODBYE: Duration = Duration::from_secs(3);

/// A step under way gets this long at the end. What asks a process to stop commonly kills it after 30 s.
const GRACE: Duration = Duration::from_secs(20);

/// Each single request to Slack.
const SLACK_PATIENCE: Duration = Duration::from_secs(10);

/// Runs until SIGINT or SIGTERM.
pub async fn serve(app: App) -> Result<(), AppError> {
    let address = app.config.server.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| AppError::Listen {
        address: address.to_string(),
        reason: error.to_string(),
    })?;
    let station = app.station(Share::Replica);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let rules = Watch::new(app.config.clone(), app.config_path.clone(), app.rules.clone())
        .map_err(|error| AppError::Other(format!("cannot listen for signals: {error}")))?;
    tasks.spawn(rules.work());
    tasks.spawn(app.custody(&station.owner).work());

    let (intake, writing) = Intake::new(app.store.clone(), station.bell.clone(), station.flood.clone());
    tasks.spawn(writing);
    let sending = match outbox(&app, &station)? {
        Some(outbox) => Some(tokio::spawn(Arc::new(outbox).work(stopped.clone()))),
        None => {
            // Nobody would ever find out that it works.
            app.store.platform_works(SLACK).await?;
            None
        }
    };
    let working = tokio::spawn(station.clone().work(stopped.clone(), GRACE));

    if let (Some(secrets), Some(slack)) = (&app.slack, &app.config.slack) {
        let client = slack_client(slack, &secrets.bot_token, SLACK_PATIENCE)?;
        let mut usergroups = Usergroups::new(client, &station, Arc::new(Clock::Wall));
        // Whoever comes first should be known already; Slack is not waited for long.
        let _ = tokio::time::timeout(GOODBYE, usergroups.read()).await;
        tasks.spawn(usergroups.work());
    }
    let counts = Arc::default();
    let (mut door, mut socket, mut listening) = (None, None, None);
    if let (Some(secrets), Some(slack)) = (&app.slack, &app.config.slack) {
        let reception = Arc::new(SlackReception {
            intake: intake.clone(),
            desk: station.desk.clone(),
            client: slack_client(slack, &secrets.bot_token, FORMS)?,
            teams: slack.teams.clone().into(),
            counts: Arc::clone(&counts),
        });
        match &secrets.inbound {
            SlackInbound::Http(signing) => {
                let signing = signing.clone();
                door = Some(SlackDoor { signing, reception });
            }
            SlackInbound::Socket(token) => {
                let made = Socket::new(&slack.api_url, token, Pace::default());
                let made = made.map_err(|error| AppError::Other(error.to_string()))?;
                socket = Some(made.standing());
                tasks.spawn(reception::socket::watch(made.standing(), station.clone()));
                let take = move |incoming| reception::socket::take(reception.clone(), incoming);
                listening = Some(tokio::spawn(made.work(stopped.clone(), take)));
            }
        }
    }
    let console = match &app.config.console {
        Some(config) => {
            let door = Door::new(&app.config, config.session, &app.rules.now(), environment)
                .map_err(|error| AppError::Other(error.to_string()))?;
            let (console, watching) = Console::new(
                station.clone(),
                intake.clone(),
                app.redactor.clone(),
                door,
                stopped.clone(),
            );
            tasks.spawn(watching);
            Some(console)
        }
        None => None,
    };
    let router = routes(Face {
        station,
        slack: door,
        socket,
        console,
        counts,
    });
    let mut ending = stopped.clone();
    let serving = tokio::spawn(
        axum::serve(
            listener,
            router.into_make_service_with_connect_info::<std::net::SocketAddr>(),
        )
        .with_graceful_shutdown(async move {
            let _ = ending.wait_for(|stopped| *stopped).await;
        })
        .into_future(),
    );
    tracing::info!(%address, demo = app.config.server.demo, "listening");

    signal().await?;
    tracing::info!("stopping");
    let _ = stop.send(true);
    if tokio::time::timeout(GOODBYE, serving).await.is_err() {
        tracing::warn!("some connections were still open");
    }
    if let Some(listening) = listening
        && let Err(error) = listening.await
    {
        tracing::error!(%error, "Slack's socket ended in a defect");
    }
    if let Err(error) = working.await {
        tracing::error!(%error, "the station ended in a defect");
    }
    if let Some(sending) = sending
        && let Err(error) = sending.await
    {
        tracing::error!(%error, "the outbox ended in a defect");
    }
    tasks.shutdown().await;
    Ok(())
}

fn outbox(app: &App, station: &Arc<Station>) -> Result<Option<Outbox>, AppError> {
    let (Some(secrets), Some(slack)) = (&app.slack, &app.config.slack) else {
        return Ok(None);
    };
    let client = slack_client(slack, &secrets.bot_token, SLACK_PATIENCE)?;
    let clock = Arc::new(Clock::Wall);
    Ok(Some(Outbox::new(station.clone(), client, app.redactor.clone(), clock)))
}

fn slack_client(slack: &Slack, token: &SecretString, patience: Duration) -> Result<SlackClient, AppError> {
    SlackClient::new(&slack.api_url, token, patience).map_err(|error| AppError::Other(error.to_string()))
}

async fn signal() -> Result<(), AppError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| AppError::Other(format!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
