//! `config/signalbox.toml` as plain data. An absent section switches the thing off. Secrets are references here; they are
//! looked up later, by [`crate::secret::Secrets`] alone.

mod read;

use crate::problem::Problem;
use crate::request::{Place, Surface};
use crate::secret::{SecretError, SecretRef, Secrets};
use jiff::SignedDuration;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole configuration, checked for form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The web server: console, webhooks, metrics.
    pub server: Server,
    /// The bot's own state.
    pub store: Store,
    /// The other files.
    pub files: Files,
    /// Slack, if it is on.
    pub slack: Option<Slack>,
    /// Discord, if it is on.
    pub discord: Option<Discord>,
    /// The web console, if it is on.
    pub console: Option<Console>,
    /// Alerts from Alertmanager, if they are on.
    pub alerts: Option<Alerts>,
    /// How much at once.
    pub limits: Limits,
    /// Outside systems, by the name that runbooks give under `on`.
    pub connections: BTreeMap<String, ConnectionConfig>,
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How people and platforms reach it, without a slash at the end.
    pub public_url: String,
    /// People can be picked without proof: the console's picker and `--as`.
    pub demo: bool,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Where the state is kept.
    pub url: StoreUrl,
    /// Seals short-lived tokens at rest; there if a chat platform is on.
    pub key: Option<SecretRef>,
    /// The file in which the record is sealed, outside of the database.
    pub seals: PathBuf,
    /// How long what is kept.
    pub keep: Keep,
}

/// How long the store keeps what is over; none is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Runs, with their journals, messages and requests.
    pub runs: Option<SignedDuration>,
    /// Deliveries, and what was asked and answered without a run.
    pub requests: Option<SignedDuration>,
    /// The record of who did what.
    pub audit: Option<SignedDuration>,
}

impl Keep {
    /// What is kept where the file does not say.
    pub const USUAL: Self = Self {
        runs: Some(SignedDuration::from_hours(400 * 24)),
        requests: Some(SignedDuration::from_hours(90 * 24)),
        audit: Some(SignedDuration::from_hours(800 * 24)),
    };
}

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A PostgreSQL address with no password in it.
    Postgres(String),
    /// An address that is a secret.
    Secret(SecretRef),
}

impl StoreUrl {
    /// The address, as the database driver takes it.
    pub fn resolve<F: Fn(&str) -> Option<String>>(&self, secrets: &Secrets<F>) -> Result<SecretString, SecretError> {
        match self {
            // The driver decodes percent signs and cuts at a question mark.
            Self::Sqlite(path) => {
                let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3F");
                Ok(SecretString::from(format!("sqlite:{path}")))
            }
            Self::Postgres(url) => Ok(SecretString::from(url.as_str())),
            Self::Secret(secret) => secrets.resolve(secret),
        }
    }
}

/// `[files]`, relative to the configuration's own folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The folder of the runbooks.
    pub commands: PathBuf,
    /// `people.toml`
    pub people: PathBuf,
    /// `policy.cedar`
    pub policy: PathBuf,
    /// The folder of the panels and signals, if there is one.
    pub panels: Option<PathBuf>,
    /// What is suggested for which alerts, if there is such a file.
    pub alerts: Option<PathBuf>,
}

/// `[slack]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slack {
    /// How deliveries reach us.
    pub transport: SlackTransport,
    /// The workspaces that are heard, and whose users are. Not empty.
    pub teams: Vec<String>,
    /// Where overrides and the bot's own troubles are posted.
    pub ops_channel: String,
    /// For the Web API.
    pub bot_token: SecretRef,
    /// The Web API's address.
    pub api_url: String,
}

/// How Slack's deliveries reach us, and what proves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlackTransport {
    /// Signed requests.
    Http {
        /// What Slack signs them with.
        signing_secret: SecretRef,
    },
    /// A connection that we open.
    Socket {
        /// The app-level token that opens it.
        app_token: SecretRef,
    },
}

/// `[discord]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discord {
    /// How deliveries reach us.
    pub transport: DiscordTransport,
    /// The guilds that are heard. Not empty.
    pub guilds: Vec<String>,
    /// Where overrides and the bot's own troubles are posted.
    pub ops_channel: String,
    /// The application's id.
    pub application_id: String,
    /// For the REST API.
    pub bot_token: SecretRef,
    /// The REST API's address.
    pub api_url: String,
}

impl Config {
    /// Where alerts are shown: a channel of each chat platform that has one for them.
    pub fn alert_places(&self) -> Vec<Place> {
        let Some(alerts) = &self.alerts else { return Vec::new() };
        let slack = self.slack.as_ref().zip(alerts.slack_channel.as_ref());
        let slack = slack.map(|(slack, channel)| Place {
            surface: Surface::Slack,
            workspace: slack.teams.first().cloned(),
            channel: Some(channel.clone()),
            thread: None,
        });
        let discord = self.discord.as_ref().zip(alerts.discord_channel.as_ref());
        let discord = discord.map(|(discord, channel)| Place {
            surface: Surface::Discord,
            workspace: discord.guilds.first().cloned(),
            channel: Some(channel.clone()),
            thread: None,
        });
        slack.into_iter().chain(discord).collect()
    }
}

impl Discord {
    /// The operations channel.
    pub fn ops(&self) -> Place {
        Place {
            surface: Surface::Discord,
            workspace: self.guilds.first().cloned(),
            channel: Some(self.ops_channel.clone()),
            thread: None,
        }
    }
}

/// How Discord's deliveries reach us, and what proves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscordTransport {
    /// Signed requests.
    Http {
        /// What their signatures are checked with.
        public_key: SecretRef,
    },
    /// A connection that we open with the bot's token.
    Gateway,
}

/// `[console]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// How long a sign-in lasts.
    pub session: Duration,
}

/// `[alerts]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// What Alertmanager proves itself with.
    pub token: SecretRef,
    /// Where alerts are posted in Slack.
    pub slack_channel: Option<String>,
    /// Where alerts are posted in Discord.
    pub discord_channel: Option<String>,
}

/// `[limits]`; each has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs of one person that are under way or waiting.
    pub person_open: u32,
    /// Runbooks that one person may ask for within a minute.
    pub person_per_minute: u32,
    /// Runs of one runbook that are under way or waiting.
    pub runbook_open: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            person_open: 500,
            person_per_minute: 1200,
            runbook_open: 2000,
        }
    }
}

/// `[connection.NAME]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionConfig {
    /// A PostgreSQL database.
    Postgres {
        /// Its address, with user and password.
        url: SecretRef,
    },
    /// A Celery application.
    Celery {
        /// The broker's address.
        broker: SecretRef,
        /// The result store's address.
        results: SecretRef,
    },
    /// A Prometheus server.
    Prometheus {
        /// Its address.
        url: Address,
    },
    /// An Alertmanager.
    Alertmanager {
        /// Its address.
        url: Address,
        /// A bearer token, where what stands in front of it wants one.
        token: Option<SecretRef>,
    },
    /// An HTTP API.
    Http {
        /// Its address.
        url: Address,
        /// How one signs in, where one must.
        sign_in: SignIn,
    },
    /// Django's admin.
    DjangoAdmin {
        /// The admin's own address.
        url: Address,
        /// Who logs in.
        user: SecretRef,
        /// The password.
        password: SecretRef,
    },
    /// A service of PagerDuty.
    PagerDuty(PagerDuty),
    /// The operations of a site of Jira Service Management.
    Jsm(Jsm),
}

/// A service of PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagerDuty {
    /// Of the service's integration Events API v2.
    pub routing_key: SecretRef,
    /// For the REST API, without which nothing is known of what happens there.
    pub token: Option<SecretRef>,
    /// In whose name notes are written; without it there are none.
    pub from: Option<String>,
    /// The Events API's address.
    pub events_url: String,
    /// The REST API's address.
    pub api_url: String,
}

/// The operations of a site of Jira Service Management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jsm {
    /// The site's id.
    pub cloud_id: String,
    /// The id of the team that is paged.
    pub team: String,
    /// The account.
    pub email: String,
    /// Its API token.
    pub token: SecretRef,
    /// The API's address.
    pub api_url: String,
}

impl ConnectionConfig {
    /// The integration that it is an instance of.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Postgres { .. } => "postgres",
            Self::Celery { .. } => "celery",
            Self::Prometheus { .. } => "prometheus",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Http { .. } => "http",
            Self::DjangoAdmin { .. } => "django_admin",
            Self::PagerDuty(_) => "pagerduty",
            Self::Jsm(_) => "jsm",
        }
    }
}

/// An HTTP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Written in the file, with no password in it.
    Plain(String),
    /// An address that is a secret.
    Secret(SecretRef),
}

impl Address {
    /// The address itself.
    pub fn resolve<F: Fn(&str) -> Option<String>>(&self, secrets: &Secrets<F>) -> Result<SecretString, SecretError> {
        match self {
            Self::Plain(url) => Ok(SecretString::from(url.as_str())),
            Self::Secret(secret) => secrets.resolve(secret),
        }
    }
}

/// How one signs in to an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Not at all.
    Nobody,
    /// With a bearer token that does not change.
    Token(SecretRef),
    /// With user and password, for a token.
    Login(Login),
}

/// A login that gives a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Where user and password are sent.
    pub path: String,
    /// The field that takes the user.
    pub user_field: String,
    /// The user.
    pub user: SecretRef,
    /// The password.
    pub password: SecretRef,
    /// Where a new token is fetched with the old one, if the API has it.
    pub refresh: Option<String>,
}

impl Config {
    /// Reads the file. Everything that is wrong with it is told at once.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => {
                let message = format!("the configuration cannot be read: {error}; name another one with --config");
                Err(vec![Problem::whole(path, message)])
            }
        }
    }

    /// Reads a file's text; its paths are relative to the folder of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        read::config(path, text)
    }
}

#[cfg(test)]
mod tests;
