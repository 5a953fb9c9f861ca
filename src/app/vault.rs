//! Secrets are looked up here and nowhere else, and what is made of them at once.

use super::{AppError, environment};
use crate::config::{self, Address, ConnectionConfig, DiscordTransport, SignIn, SlackTransport, StoreUrl};
use crate::integration::{Connection, alertmanager, celery, django_admin, http, jsm, pagerduty, postgres, prometheus};
use crate::platform::discord::receive::PublicKey;
use crate::report::redact::{Redactor, RedactorError};
use crate::secret::{SecretError, SecretRef, Secrets};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

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

/// What reaches out of the bot, or is reached from there.
#[derive(Debug, Default)]
pub(super) struct Outside {
    pub(super) slack: Option<SlackSecrets>,
    pub(super) discord: Option<DiscordSecrets>,
    pub(super) alerts: Option<SecretString>,
    pub(super) connections: BTreeMap<String, Connection>,
}

/// Looks secrets up and remembers them, for the redactor.
pub(super) struct Vault {
    secrets: Secrets<fn(&str) -> Option<String>>,
    known: Vec<SecretString>,
    /// Whether one that is not there is as if it were empty.
    lenient: bool,
}

impl Vault {
    /// All that is asked for must be there.
    pub(super) fn new() -> Self {
        Self {
            secrets: Secrets::new(environment),
            known: Vec::new(),
            lenient: false,
        }
    }

    /// For who uses none of them.
    pub(super) fn of_what_is_there() -> Self {
        Self {
            lenient: true,
            ..Self::new()
        }
    }

    pub(super) fn secret(&mut self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        match self.secrets.resolve(reference) {
            Ok(value) => {
                self.known.push(value.clone());
                Ok(value)
            }
            Err(_) if self.lenient => Ok(SecretString::from("")),
            Err(error) => Err(error),
        }
    }

    /// A name that people may read.
    fn name(&self, reference: &SecretRef) -> Result<String, SecretError> {
        match self.secrets.resolve(reference) {
            Ok(name) => Ok(name.expose_secret().to_owned()),
            Err(_) if self.lenient => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    /// An address that people may read.
    fn address(&self, address: &Address) -> Result<String, SecretError> {
        match address {
            Address::Plain(url) => Ok(url.clone()),
            Address::Secret(reference) => self.name(reference),
        }
    }

    /// Where the bot's own database is. Without that nobody can do anything.
    pub(super) fn store(&self, url: &StoreUrl) -> Result<SecretString, SecretError> {
        url.resolve(&self.secrets)
    }

    pub(super) fn redactor(&self) -> Result<Redactor, RedactorError> {
        Redactor::new(&self.known)
    }

    pub(super) fn slack(&mut self, slack: &config::Slack) -> Result<SlackSecrets, AppError> {
        Ok(SlackSecrets {
            inbound: match &slack.transport {
                SlackTransport::Http { signing_secret } => SlackInbound::Http(self.secret(signing_secret)?),
                SlackTransport::Socket { app_token } => SlackInbound::Socket(self.secret(app_token)?),
            },
            bot_token: self.secret(&slack.bot_token)?,
        })
    }

    pub(super) fn discord(&mut self, discord: &config::Discord) -> Result<DiscordSecrets, AppError> {
        let bot_token = self.secret(&discord.bot_token)?;
        let key = match &discord.transport {
            DiscordTransport::Http { public_key } => {
                let key = self.secrets.resolve(public_key)?;
                let key = PublicKey::parse(key.expose_secret()).ok_or_else(|| {
                    let say = "discord.public_key is not a public key: it has 64 hexadecimal digits and stands on the \
                               application's page, General Information";
                    AppError::Other(say.to_owned())
                })?;
                Some(key)
            }
            DiscordTransport::Gateway => None,
        };
        Ok(DiscordSecrets { key, bot_token })
    }

    pub(super) fn connection(&mut self, name: &str, connection: &ConnectionConfig) -> Result<Connection, AppError> {
        let wrong = |reason: String| AppError::Connection {
            name: name.to_owned(),
            reason,
        };
        Ok(match connection {
            ConnectionConfig::Postgres { url } => {
                let config = postgres::Config { url: self.secret(url)? };
                Connection::Postgres(postgres::Postgres::new(&config).map_err(|error| wrong(error.to_string()))?)
            }
            ConnectionConfig::Celery { broker, results } => {
                let config = celery::Config {
                    broker: self.secret(broker)?,
                    results: self.secret(results)?,
                };
                Connection::Celery(celery::Celery::new(&config).map_err(|error| wrong(error.to_string()))?)
            }
            ConnectionConfig::Prometheus { url } => {
                let config = prometheus::Config {
                    url: self.address(url)?,
                };
                Connection::Prometheus(prometheus::Prometheus::new(&config).map_err(|error| wrong(error.to_string()))?)
            }
            ConnectionConfig::Alertmanager { url, token } => {
                let config = alertmanager::Config {
                    url: self.address(url)?,
                    token: token.as_ref().map(|token| self.secret(token)).transpose()?,
                };
                let made = alertmanager::Alertmanager::new(&config).map_err(|error| wrong(error.to_string()))?;
                Connection::Alertmanager(made)
            }
            ConnectionConfig::Http { url, sign_in } => {
                let config = http::Config {
                    name: name.to_owned(),
                    url: self.address(url)?,
                    sign_in: match sign_in {
                        SignIn::Nobody => http::SignIn::Nobody,
                        SignIn::Token(token) => http::SignIn::Token(self.secret(token)?),
                        SignIn::Login(login) => http::SignIn::Login(http::Login {
                            path: login.path.clone(),
                            user_field: login.user_field.clone(),
                            // A name that people may read.
                            user: self.name(&login.user)?,
                            password: self.secret(&login.password)?,
                            refresh: login.refresh.clone(),
                        }),
                    },
                };
                Connection::Http(http::Http::new(&config).map_err(|error| wrong(error.to_string()))?)
            }
            ConnectionConfig::DjangoAdmin { url, user, password } => {
                let config = django_admin::Config {
                    name: name.to_owned(),
                    url: self.address(url)?,
                    user: self.name(user)?,
                    password: self.secret(password)?,
                };
                let admin = django_admin::DjangoAdmin::new(&config).map_err(|error| wrong(error.to_string()))?;
                Connection::DjangoAdmin(admin)
            }
            ConnectionConfig::PagerDuty(service) => {
                let config = pagerduty::Config {
                    routing_key: self.secret(&service.routing_key)?,
                    token: service.token.as_ref().map(|token| self.secret(token)).transpose()?,
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
                    token: self.secret(&site.token)?,
                    api_url: site.api_url.clone(),
                };
                Connection::Jsm(jsm::Jsm::new(&config).map_err(|error| wrong(error.to_string()))?)
            }
        })
    }
}
