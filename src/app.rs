//! The composition root: from a config file to a bot that can work.

mod vault;

pub use self::vault::{DiscordSecrets, SlackInbound, SlackSecrets};
use self::vault::{Outside, Vault};
use crate::config::{self, Config};
use crate::custody::{Custody, CustodyError};
use crate::dispatch::Desk;
use crate::dispatch::bounds::Bounds;
use crate::integration::Connections;
use crate::problem::Problem;
use crate::report::redact::Redactor;
use crate::request::{Place, Surface};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use crate::run::clock::Clock;
use crate::run::engine::Engine;
use crate::run::proof::Sampler;
use crate::secret::SecretError;
use crate::station::handover::Handover;
use crate::station::{Share, Station};
use crate::store::{Store, StoreError};
use crate::usergroups;
use jiff::Timestamp;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};

/// Why the bot cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Files are wrong.
    #[error("{}", problems(.0))]
    Files(Vec<Problem>),
    /// A secret is not where the config says.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A connection's address makes no sense.
    #[error("connection {name}: {reason}")]
    Connection {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The bot's own database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of who did what, or its seals.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        reason: String,
    },
    /// The command may not be given, or not so.
    #[error("{0}")]
    Denied(String),
    /// The command makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Something else, in one sentence.
    #[error("{0}")]
    Other(String),
}

impl AppError {
    /// Whether what is wrong leaves the bot's own database in reach.
    pub fn is_beside_the_store(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Secret(_) | Self::Connection { .. })
    }
}

fn problems(found: &[Problem]) -> String {
    found.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads one variable of the environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// `--config`, else `$SIGNALBOX_CONFIG`, else the shipped place.
pub fn config_path(given: Option<PathBuf>) -> PathBuf {
    given
        .or_else(|| {
            environment("SIGNALBOX_CONFIG")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        })
        .unwrap_or_else(|| PathBuf::from("config/signalbox.toml"))
}

/// What every command needs.
#[derive(Debug)]
pub struct App {
    /// As read.
    pub config: Config,
    /// Where it was read from.
    pub config_path: PathBuf,
    /// Runbooks, people, policy, panels.
    pub rules: Arc<LiveRules>,
    /// The outside systems.
    pub connections: Arc<Connections>,
    /// The bot's own database.
    pub store: Store,
    /// Knows every secret, so as to keep it out of what people read.
    pub redactor: Arc<Redactor>,
    /// For Slack, if it is on.
    pub slack: Option<SlackSecrets>,
    /// For Discord, if it is on.
    pub discord: Option<DiscordSecrets>,
    /// What Alertmanager proves itself with, if alerts are on.
    pub alerts: Option<SecretString>,
}

/// The bot's own database with nothing around it, for who looks after it: a broken runbook or a lost secret of another
/// system keeps nobody from proving the record.
pub async fn open_store(path: &Path) -> Result<(Config, Store), AppError> {
    let config = Config::load(path).map_err(AppError::Files)?;
    let url = Vault::new().store(&config.store.url)?;
    let store = Store::open(&url, &SecretString::from("")).await?;
    Ok((config, store))
}

impl App {
    /// Reads every file, looks every secret up, opens the database.
    pub async fn open(path: &Path) -> Result<Self, AppError> {
        let config = Config::load(path).map_err(AppError::Files)?;
        let rules = Rules::load(&config).map_err(AppError::Files)?;
        let mut vault = Vault::new();
        let mut outside = Outside {
            slack: config.slack.as_ref().map(|slack| vault.slack(slack)).transpose()?,
            discord: config.discord.as_ref().map(|it| vault.discord(it)).transpose()?,
            ..Outside::default()
        };
        if let Some(alerts) = &config.alerts {
            outside.alerts = Some(vault.secret(&alerts.token)?);
        }
        for (name, connection) in &config.connections {
            let made = vault.connection(name, connection)?;
            outside.connections.insert(name.clone(), made);
        }
        Self::with(path, config, rules, vault, outside).await
    }

    /// The same to show what is stored, and to ask a process that serves: whatever else is wrong with the files or missing
    /// is left out, so that a mistake in a runbook keeps nobody from stopping what goes on. Such a bot decides nothing, and
    /// reaches nothing but its own database.
    pub async fn open_to_look(path: &Path) -> Result<Self, AppError> {
        let config = Config::load(path).map_err(AppError::Files)?;
        let rules = Rules::to_look(&config).map_err(AppError::Files)?;
        let mut vault = Vault::of_what_is_there();
        // Looked up to be kept out of what people read, and for nothing else.
        let _ = config.slack.as_ref().map(|slack| vault.slack(slack));
        let _ = config.discord.as_ref().map(|discord| vault.discord(discord));
        let _ = config.alerts.as_ref().map(|alerts| vault.secret(&alerts.token));
        for (name, connection) in &config.connections {
            let _ = vault.connection(name, connection);
        }
        Self::with(path, config, rules, vault, Outside::default()).await
    }

    /// Either of them: for what shows and decides nothing.
    pub async fn open_as_can_be(path: &Path) -> Result<Self, AppError> {
        match Self::open(path).await {
            // What is wrong with the config itself is told by the second as by the first.
            Err(error) if error.is_beside_the_store() => Self::open_to_look(path).await,
            opened => opened,
        }
    }

    async fn with(
        path: &Path,
        config: Config,
        rules: Rules,
        mut vault: Vault,
        outside: Outside,
    ) -> Result<Self, AppError> {
        let url = vault.store(&config.store.url)?;
        let key = match &config.store.key {
            Some(key) => vault.secret(key)?,
            // Nothing is sealed where no chat platform is on.
            None => SecretString::from(""),
        };
        if config.console.is_some() {
            // One that cannot be read keeps its person out and nobody else: the door tells.
            let tokens = rules.people.persons().filter_map(|person| person.console());
            tokens.for_each(|token| drop(vault.secret(token)));
        }
        let redactor = vault.redactor().map_err(|error| AppError::Other(error.to_string()))?;
        let store = Store::open(&url, &key).await?;
        let rules = LiveRules::new(rules, Timestamp::now());
        rules.link(store.links().await?);
        Ok(Self {
            config,
            config_path: path.to_owned(),
            rules: Arc::new(rules),
            connections: Arc::new(Connections::new(outside.connections)),
            store,
            redactor: Arc::new(redactor),
            slack: outside.slack,
            discord: outside.discord,
            alerts: outside.alerts,
        })
    }

    /// For a process that does not ask Slack: who is in which user group, as a serving process has read it. To be asked
    /// again while the process lives, because what was read grows old.
    pub async fn recall_usergroups(&self) -> Result<(), StoreError> {
        self.rules.enrol(usergroups::kept(&self.store, Timestamp::now()).await?);
        Ok(())
    }

    /// What keeps the record.
    pub fn custody(&self, owner: &str) -> Custody {
        Custody {
            store: self.store.clone(),
            seals: self.config.store.seals.clone(),
            keep: self.config.store.keep,
            owner: owner.to_owned(),
        }
    }

    /// Puts the gate, the engine and the sampler together.
    pub fn station(&self, share: Share) -> Arc<Station> {
        let slack = self.config.slack.iter().map(|slack| Place {
            surface: Surface::Slack,
            workspace: slack.teams.first().cloned(),
            channel: Some(slack.ops_channel.clone()),
            thread: None,
        });
        let discord = self.config.discord.iter().map(config::Discord::ops);
        let announce = slack.chain(discord).collect();
        let owner = format!("{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
        let handover = Arc::new(Handover::new(&owner));
        let desk = Arc::new(Desk {
            rules: self.rules.clone(),
            connections: self.connections.clone(),
            store: self.store.clone(),
            suggestions: Arc::default(),
            announce,
            bounds: Bounds::new(self.config.limits),
            handover: handover.clone(),
        });
        let sampler = Arc::new(Sampler::new(self.rules.clone(), self.connections.clone()));
        let engine = Arc::new(Engine {
            desk: desk.clone(),
            sampler: sampler.clone(),
            clock: Clock::Wall,
            leaving: AtomicBool::new(false),
        });
        Arc::new(Station {
            desk,
            engine,
            sampler,
            owner,
            handover,
            bell: Arc::default(),
            share,
            leads: AtomicBool::new(false),
            requests: Arc::default(),
            runs: Arc::default(),
            flood: Arc::default(),
            renewed: AtomicI64::default(),
            troubles: Arc::default(),
        })
    }
}
