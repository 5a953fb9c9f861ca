//! The composition root: from a config file to a bot that can work. Secrets are looked up here and nowhere else.

use crate::config::{self, Config, ConnectionConfig, DiscordTransport, SignIn, SlackTransport};
use crate::custody::{Custody, CustodyError};
use crate::dispatch::Desk;
use crate::dispatch::bounds::Bounds;
use crate::integration::{
    Connection, Connections, alertmanager, celery, django_admin, http, jsm, pagerduty, postgres, prometheus,
};
use crate::platform::discord::receive::PublicKey;
use crate::problem::Problem;
use crate::report::redact::Redactor;
use crate::request::{Place, Surface};
use crate::rules::Rules;
use crate::rules::live::LiveRules;
use crate::run::clock::Clock;
use crate::run::engine::Engine;
use crate::run::proof::Sampler;
use crate::secret::{SecretError, Secrets};
use crate::station::handover::Handover;
use crate::station::{Share, Station};
use crate::store::{Store, StoreError};
use crate::usergroups;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
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

/// What Discord needs to be believed, and to believe us.
#[derive(Debug, Clone)]
pub struct DiscordSecrets {
    /// Verifies deliveries, where they come over HTTP.
    pub key: Option<PublicKey>,
    /// For the REST API.
    pub bot_token: SecretString,
}

/// What Slack needs to be believed, and to believe us.
#[derive(Debug, Clone)]
pub struct SlackSecrets {
    /// For deliveries.
    pub inbound: SlackInbound,
    /// For the Web API.
    pub bot_token: SecretString,
}

/// How deliveries reach us, with what proves them.
#[derive(Debug, Clone)]
pub enum SlackInbound {
    /// Over HTTP: verifies them.
    Http(SecretString),
    /// Over a connection that this opens.
    Socket(SecretString),
}

/// The bot's own database with nothing around it, for who looks after it: a broken runbook or a lost secret of another
/// system keeps nobody from proving the record.
pub async fn open_store(path: &Path) -> Result<(Config, Store), AppError> {
    let config = Config::load(path).map_err(AppError::Files)?;
    let url = config.store.url.resolve(&Secrets::new(environment))?;
    let store = Store::open(&url, &SecretString::from("")).await?;
    Ok((config, store))
}

impl App {
    /// Reads every file, looks every secret up, opens the database.
    pub async fn open(path: &Path) -> Result<Self, AppError> {
        let config = Config::load(path).map_err(AppError::Files)?;
        let rules = Rules::load(&config).map_err(AppError::Files)?;
        let secrets = Secrets::new(environment);
        let mut known = Vec::new();
        let mut secret = |reference: &crate::secret::SecretRef| -> Result<SecretString, SecretError> {
            let value = secrets.resolve(reference)?;
            known.push(value.clone());
            Ok(value)
        };
        let url = config.store.url.resolve(&secrets)?;
        let key = match &config.store.key {
            Some(key) => secret(key)?,
            // Nothing is sealed where no chat platform is on.
            None => SecretString::from(""),
        };
        let slack = match &config.slack {
            Some(slack) => Some(SlackSecrets {
                inbound: match &slack.transport {
                    SlackTransport::Http { signing_secret } => SlackInbound::Http(secret(signing_secret)?),
                    SlackTransport::Socket { app_token } => SlackInbound::Socket(secret(app_token)?),
                },
                bot_token: secret(&slack.bot_token)?,
            }),
            None => None,
        };
        let discord = match &config.discord {
            Some(discord) => Some(DiscordSecrets {
                key: match &discord.transport {
                    DiscordTransport::Http { public_key } => {
                        let key = secrets.resolve(public_key)?;
                        let key = PublicKey::parse(key.expose_secret()).ok_or_else(|| {
                            let say = "discord.public_key is not a public key: it has 64 hexadecimal digits and stands on \
                                       the application's page, General Information";
                            AppError::Other(say.to_owned())
                        })?;
                        Some(key)
                    }
                    DiscordTransport::Gateway => None,
                },
                bot_token: secret(&discord.bot_token)?,
            }),
            None => None,
        };
        let alerts = config.alerts.as_ref().map(|alerts| secret(&alerts.token)).transpose()?;
        let mut connections = BTreeMap::new();
        for (name, connection) in &config.connections {
            let wrong = |reason: String| AppError::Connection {
                name: name.clone(),
                reason,
            };
            let made = match connection {
                ConnectionConfig::Postgres { url } => {
                    let config = postgres::Config { url: secret(url)? };
                    Connection::Postgres(postgres::Postgres::new(&config).map_err(|error| wrong(error.to_string()))?)
                }
                ConnectionConfig::Celery { broker, results } => {
                    let config = celery::Config {
                        broker: secret(broker)?,
                        results: secret(results)?,
                    };
                    Connection::Celery(celery::Celery::new(&config).map_err(|error| wrong(error.to_string()))?)
                }
                ConnectionConfig::Prometheus { url } => {
                    let config = prometheus::Config {
                        url: url.resolve(&secrets)?.expose_secret().to_owned(),
                    };
                    Connection::Prometheus(
                        prometheus::Prometheus::new(&config).map_err(|error| wrong(error.to_string()))?,
                    )
                }
                ConnectionConfig::Alertmanager { url, token } => {
                    let config = alertmanager::Config {
                        url: url.resolve(&secrets)?.expose_secret().to_owned(),
                        token: token.as_ref().map(&mut secret).transpose()?,
                    };
                    let made = alertmanager::Alertmanager::new(&config).map_err(|error| wrong(error.to_string()))?;
                    Connection::Alertmanager(made)
                }
                ConnectionConfig::Http { url, sign_in } => {
                    let config = http::Config {
                        name: name.clone(),
                        url: url.resolve(&secrets)?.expose_secret().to_owned(),
                        sign_in: match sign_in {
                            SignIn::Nobody => http::SignIn::Nobody,
                            SignIn::Token(token) => http::SignIn::Token(secret(token)?),
                            SignIn::Login(login) => http::SignIn::Login(http::Login {
                                path: login.path.clone(),
                                user_field: login.user_field.clone(),
                                // A name that people may read.
                                user: secrets.resolve(&login.user)?.expose_secret().to_owned(),
                                password: secret(&login.password)?,
                                refresh: login.refresh.clone(),
                            }),
                        },
                    };
                    Connection::Http(http::Http::new(&config).map_err(|error| wrong(error.to_string()))?)
                }
                ConnectionConfig::DjangoAdmin { url, user, password } => {
                    let config = django_admin::Config {
                        name: name.clone(),
                        url: url.resolve(&secrets)?.expose_secret().to_owned(),
                        user: secrets.resolve(user)?.expose_secret().to_owned(),
                        password: secret(password)?,
                    };
                    let admin = django_admin::DjangoAdmin::new(&config).map_err(|error| wrong(error.to_string()))?;
                    Connection::DjangoAdmin(admin)
                }
                ConnectionConfig::PagerDuty(service) => {
                    let config = pagerduty::Config {
                        routing_key: secret(&service.routing_key)?,
                        token: service.token.as_ref().map(&mut secret).transpose()?,
                        from: service.from.clone(),
                        events_url: service.events_url.clone(),
                        api_url: service.api_url.clone(),
                    };
                    let made = pagerduty::PagerDuty::new(&config).map_err(|error| wrong(error.to_string()))?;
                    Connection::PagerDuty(made)
                }
                ConnectionConfig::Jsm(site) => {
                    let config = jsm::Config {
                        cloud_id: site.cloud_id.clone(),
                        team: site.team.clone(),
                        email: site.email.clone(),
                        token: secret(&site.token)?,
                        api_url: site.api_url.clone(),
                    };
                    Connection::Jsm(jsm::Jsm::new(&config).map_err(|error| wrong(error.to_string()))?)
                }
            };
            connections.insert(name.clone(), made);
        }
        if config.console.is_some() {
            // One that cannot be read keeps its person out and nobody else: the door tells.
            let tokens = rules.people.persons().filter_map(|person| person.console());
            known.extend(tokens.filter_map(|token| secrets.resolve(token).ok()));
        }
        let redactor = Arc::new(Redactor::new(&known).map_err(|error| AppError::Other(error.to_string()))?);
        let store = Store::open(&url, &key).await?;
        let now = Timestamp::now();
        let rules = LiveRules::new(rules, now);
        rules.link(store.links().await?);
        Ok(Self {
            config,
            config_path: path.to_owned(),
            rules: Arc::new(rules),
            connections: Arc::new(Connections::new(connections)),
            store,
            redactor,
            slack,
            discord,
            alerts,
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
