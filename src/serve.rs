//! `signalbox serve`: everything that runs while the bot is up, and how it ends.

use crate::app::{App, AppError, SlackInbound, environment};
use crate::config::Slack;
use crate::doctor;
use crate::http::console::Console;
use crate::http::console::door::Door;
use crate::http::{AlertDoor, DiscordDoor, DiscordFace, Face, SlackDoor, routes};
use crate::intake::Intake;
use crate::outbox::pages::Pager;
use crate::outbox::{Outbox, Wire, discord, slack};
use crate::platform::discord::client::DiscordClient;
use crate::platform::slack::client::SlackClient;
use crate::platform::slack::socket::{Pace, Socket};
use crate::reception;
use crate::reception::discord::DiscordReception;
use crate::reception::gateway::{GATEWAY, GatewayReception};
use crate::reception::slack::{PATIENCE as FORMS, SlackReception};
use crate::registration::Registration;
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

/// Each single request to a chat platform.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until SIGINT or SIGTERM.
pub async fn serve(app: App) -> Result<(), AppError> {
    let app = Arc::new(app);
    let address = app.config.server.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| AppError::Listen {
        address: address.to_string(),
        reason: error.to_string(),
    })?;
    for remark in app.rules.now().policy.remarks() {
        tracing::warn!("{}", remark.brief());
    }
    let station = app.station(Share::Replica);
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let rules = Watch::new(app.config.clone(), app.config_path.clone(), app.rules.clone())
        .map_err(|error| AppError::Other(format!("cannot listen for signals: {error}")))?;
    tasks.spawn(rules.work());
    tasks.spawn(app.custody(&station.owner).work());

    let (intake, writing) = Intake::new(app.store.clone(), station.bell.clone(), station.flood.clone());
    tasks.spawn(writing);
    let mut sending = JoinSet::new();
    match slack_wire(&app)? {
        Some(wire) => send(&mut sending, &app, &station, wire, &stopped),
        // Nobody would ever find out that it works.
        None => drop(app.store.platform_works(slack::Slack::NAME).await?),
    }
    let discord_client = discord_client(&app)?;
    match discord_client.clone() {
        Some(client) => {
            let guilds = app.config.discord.iter().flat_map(|discord| discord.guilds.clone());
            tasks.spawn(Registration::new(station.clone(), client.clone(), guilds.collect()).work());
            send(&mut sending, &app, &station, discord::Discord::from(client), &stopped);
        }
        None => drop(app.store.platform_works(discord::Discord::NAME).await?),
    }
    if app.alerts.is_some() {
        tasks.spawn(doctor::watch::work(app.clone(), station.troubles.clone()));
        let console = app.config.console.as_ref();
        let console = console.map(|_| app.config.server.public_url.clone());
        let pager = Pager::new(station.clone(), app.redactor.clone(), console, Arc::new(Clock::Wall));
        sending.spawn(pager.work(stopped.clone()));
    }
    let working = tokio::spawn(station.clone().work(stopped.clone(), GRACE));

    if let (Some(secrets), Some(slack)) = (&app.slack, &app.config.slack) {
        let client = slack_client(slack, &secrets.bot_token, PATIENCE)?;
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
    let mut discord = None;
    let mut hearing = None;
    if let (Some(secrets), Some(config), Some(client)) = (&app.discord, &app.config.discord, &discord_client) {
        let reception = Arc::new(DiscordReception {
            intake: intake.clone(),
            desk: station.desk.clone(),
            counts: Arc::clone(&counts),
            application: config.application_id.clone(),
            guilds: config.guilds.clone(),
        });
        match &secrets.key {
            Some(key) => {
                discord = Some(DiscordFace::Http(DiscordDoor {
                    key: key.clone(),
                    reception,
                }));
            }
            None => {
                discord = Some(DiscordFace::Gateway);
                let gateway = GatewayReception {
                    reception,
                    client: client.clone(),
                    token: secrets.bot_token.clone(),
                    owner: station.owner.clone(),
                    ops: config.ops(),
                    bell: station.bell.clone(),
                };
                hearing = Some(tokio::spawn(Arc::new(gateway).work(stopped.clone())));
            }
        }
    }
    if hearing.is_none() {
        app.store.platform_works(GATEWAY).await?;
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
                app.alerts.is_some(),
                stopped.clone(),
            );
            tasks.spawn(watching);
            Some(console)
        }
        None => None,
    };
    let alerts = app.alerts.clone().map(|token| {
        let (store, places) = (app.store.clone(), app.config.alert_places());
        let (intake, writing) = Intake::of_alerts(store, places, app.rules.clone(), station.bell.clone());
        tasks.spawn(writing);
        AlertDoor::new(token, intake)
    });
    let router = routes(Face {
        alerts,
        station,
        slack: door,
        socket,
        discord,
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
    if let Some(hearing) = hearing
        && let Err(error) = hearing.await
    {
        tracing::error!(%error, "what hears Discord's gateway ended in a defect");
    }
    if let Err(error) = working.await {
        tracing::error!(%error, "the station ended in a defect");
    }
    while let Some(ended) = sending.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "an outbox ended in a defect");
        }
    }
    tasks.shutdown().await;
    Ok(())
}

fn send<W: Wire>(
    sending: &mut JoinSet<()>,
    app: &App,
    station: &Arc<Station>,
    wire: W,
    stopped: &watch::Receiver<bool>,
) {
    let outbox = Outbox::new(station.clone(), wire, app.redactor.clone(), Arc::new(Clock::Wall));
    sending.spawn(Arc::new(outbox).work(stopped.clone()));
}

fn slack_wire(app: &App) -> Result<Option<slack::Slack>, AppError> {
    let (Some(secrets), Some(config)) = (&app.slack, &app.config.slack) else {
        return Ok(None);
    };
    Ok(Some(slack_client(config, &secrets.bot_token, PATIENCE)?.into()))
}

fn discord_client(app: &App) -> Result<Option<Arc<DiscordClient>>, AppError> {
    let (Some(secrets), Some(config)) = (&app.discord, &app.config.discord) else {
        return Ok(None);
    };
    let client = DiscordClient::new(&config.api_url, &config.application_id, &secrets.bot_token, PATIENCE)
        .map_err(|error| AppError::Other(error.to_string()))?;
    Ok(Some(Arc::new(client)))
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
