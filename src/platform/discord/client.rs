//! Calls to Discord's REST API, by its published rules: each answer tells what may be called next, a refusal tells what is
//! to be done about it, and nothing is repeated here. The error tells whether it may have happened, and the outbox decides.

mod answer;
mod entrance;
mod error;

pub use entrance::Taken;
pub use error::{DiscordError, Missing};

use super::limits::{Limits, Method, Route, Told};
use super::render::bears;
use crate::platform::tls;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Messages that are asked for at a time when one is looked for.
const AT_ONCE: usize = 50;

/// Who we are, as Discord wants it said.
pub const AGENT: &str = concat!(
    "DiscordBot (https://github.com/signalbox/signalbox, ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// A file that comes with a message.
#[derive(Debug, Clone)]
pub struct File {
    /// With its ending.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A part of a channel that is looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The message is there, under this id.
    Found(String),
    /// Not in this part; the next one comes after this id.
    More(String),
    /// Not there.
    Absent,
}

/// What a message is known by to whoever posted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// In its words.
    Words(&'a str),
    /// A file in it.
    File(&'a str),
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The API's address.
    #[error("`api_url` in [discord] is no http or https address")]
    Address,
    /// A token that no header can carry.
    #[error("`bot_token` in [discord] holds what no token does; copy it once more")]
    Token,
    /// TLS or the HTTP client.
    #[error("the HTTP client for Discord cannot be set up: {0}")]
    Client(String),
}

/// One application's connection.
#[derive(Debug)]
pub struct DiscordClient {
    http: reqwest::Client,
    base: String,
    application: String,
    authorization: HeaderValue,
    limits: Limits,
    /// The bot's own user.
    own: OnceCell<String>,
}

/// An object with an id.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl DiscordClient {
    /// `timeout` is for each single request.
    pub fn new(api_url: &str, application: &str, token: &SecretString, timeout: Duration) -> Result<Self, SetupError> {
        let address = Url::parse(api_url).map_err(|_| SetupError::Address)?;
        if !matches!(address.scheme(), "http" | "https") || address.host_str().is_none() {
            return Err(SetupError::Address);
        }
        let written = format!("Bot {}", token.expose_secret());
        let mut authorization = HeaderValue::from_str(&written).map_err(|_| SetupError::Token)?;
        authorization.set_sensitive(true);
        Ok(Self {
            http: tls::client(AGENT, timeout).map_err(SetupError::Client)?,
            base: api_url.trim_end_matches('/').to_owned(),
            application: application.to_owned(),
            authorization,
            limits: Limits::default(),
            own: OnceCell::new(),
        })
    }

    /// Takes a place for a call; the error is how long to wait before asking again.
    pub fn take(&self, method: Method, about: &str) -> Result<(), Duration> {
        self.limits.take(&Route::new(method, about))
    }

    /// The same for what answers an interaction.
    pub fn take_answer(&self, token: &SecretString) -> Result<(), Duration> {
        self.limits.take(&answering(token))
    }

    /// Forgets limits that hold nobody back any more.
    pub fn tidy(&self) {
        self.limits.tidy();
    }

    /// The bot's own user; fails where the token is not valid.
    pub async fn me(&self) -> Result<String, DiscordError> {
        let call = self.bot(self.http.get(self.url("users/@me")));
        self.named(Route::new(Method::Me, ""), call).await
    }

    /// Posts to a channel or a thread, and gives the message's id. The same nonce within some minutes gives the message
    /// that the first one made.
    pub async fn post(
        &self,
        channel: &str,
        nonce: &str,
        mut body: Value,
        file: Option<File>,
    ) -> Result<String, DiscordError> {
        body["nonce"] = nonce.into();
        body["enforce_nonce"] = true.into();
        let call = self.bot(self.http.post(self.url(&format!("channels/{channel}/messages"))));
        self.named(Route::new(Method::Post, channel), with_body(call, &body, file))
            .await
    }

    /// Puts a message in the place of another one. Doing it twice is the same as once.
    pub async fn edit(&self, channel: &str, message: &str, body: &Value) -> Result<(), DiscordError> {
        let url = self.url(&format!("channels/{channel}/messages/{message}"));
        let call = self.bot(self.http.patch(url)).json(body);
        self.accepted(Route::new(Method::Edit, channel), call).await
    }

    /// Begins the thread of a message; it has the message's id. One that was begun before is begun.
    pub async fn begin_thread(&self, channel: &str, message: &str, name: &str) -> Result<(), DiscordError> {
        const BEGUN_BEFORE: u64 = 160_004;
        let url = self.url(&format!("channels/{channel}/messages/{message}/threads"));
        let call = self.bot(self.http.post(url));
        let call = call.json(&json!({"name": name, "auto_archive_duration": 1440}));
        match self.send(Route::new(Method::Thread, channel), call).await {
            Err(answer::Failed { code, .. }) if code == BEGUN_BEFORE => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    /// Looks through a channel or thread for a message of ours that came after another one. Both are ids, which tell the
    /// time.
    pub async fn find(&self, channel: &str, mark: Mark<'_>, after: &str) -> Result<Page, DiscordError> {
        // Anybody may write the same words.
        let own = self.own.get_or_try_init(|| self.me()).await?;
        let url = self.url(&format!("channels/{channel}/messages?limit={AT_ONCE}&after={after}"));
        let route = Route::new(Method::Find, channel);
        let messages = match self.send(route, self.bot(self.http.get(url))).await?.value()? {
            Value::Array(messages) => messages,
            _ => return Err(answer::not_json()),
        };
        let is_it = |message: &&Value| {
            let found = match mark {
                Mark::Words(words) => bears(message, words),
                Mark::File(name) => {
                    let mut files = message["attachments"].as_array().into_iter().flatten();
                    files.any(|file| file["filename"] == name)
                }
            };
            message["author"]["id"] == own.as_str() && found
        };
        let id = |message: &Value| message["id"].as_str().and_then(|id| id.parse::<u64>().ok());
        // Of several the last one: it is what people have before their eyes.
        if let Some(found) = messages.iter().filter(is_it).filter_map(id).max() {
            return Ok(Page::Found(found.to_string()));
        }
        match messages.iter().filter_map(id).max() {
            Some(last) if messages.len() >= AT_ONCE => Ok(Page::More(last.to_string())),
            _ => Ok(Page::Absent),
        }
    }

    /// Says what was promised to whoever asked. Doing it twice is the same as once.
    pub async fn answer(&self, token: &SecretString, body: &Value) -> Result<(), DiscordError> {
        let url = self.webhook(token, "/messages/@original");
        self.accepted(answering(token), self.http.patch(url).json(body)).await
    }

    /// Says something more to whoever asked, for their eyes alone where the body says so.
    pub async fn follow_up(&self, token: &SecretString, body: &Value) -> Result<(), DiscordError> {
        let url = self.webhook(token, "");
        self.accepted(answering(token), self.http.post(url).json(body)).await
    }

    /// The channel with one person alone.
    pub async fn direct(&self, user: &str) -> Result<String, DiscordError> {
        let call = self.bot(self.http.post(self.url("users/@me/channels")));
        let call = call.json(&json!({"recipient_id": user}));
        self.named(Route::new(Method::Direct, ""), call).await
    }

    /// The commands of a guild.
    pub async fn commands(&self, guild: &str) -> Result<Vec<Value>, DiscordError> {
        let call = self.bot(self.http.get(self.commands_url(guild)));
        match self.send(Route::new(Method::Commands, guild), call).await?.value()? {
            Value::Array(commands) => Ok(commands),
            _ => Err(answer::not_json()),
        }
    }

    /// Puts these commands in the place of all that a guild has of us.
    pub async fn set_commands(&self, guild: &str, commands: &[Value]) -> Result<(), DiscordError> {
        let call = self.bot(self.http.put(self.commands_url(guild))).json(commands);
        self.accepted(Route::new(Method::Commands, guild), call).await
    }

    fn commands_url(&self, guild: &str) -> String {
        self.url(&format!("applications/{}/guilds/{guild}/commands", self.application))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn webhook(&self, token: &SecretString, path: &str) -> String {
        self.url(&format!(
            "webhooks/{}/{}{path}",
            self.application,
            token.expose_secret()
        ))
    }

    fn bot(&self, call: RequestBuilder) -> RequestBuilder {
        call.header(AUTHORIZATION, self.authorization.clone())
    }

    async fn named(&self, route: Route, call: RequestBuilder) -> Result<String, DiscordError> {
        let value = self.send(route, call).await?.value()?;
        let named: Named = serde_json::from_value(value).map_err(|_| answer::not_json())?;
        Ok(named.id)
    }

    async fn accepted(&self, route: Route, call: RequestBuilder) -> Result<(), DiscordError> {
        Ok(self.send(route, call).await.map(drop)?)
    }

    async fn send(&self, route: Route, call: RequestBuilder) -> Result<answer::Answer, answer::Failed> {
        let answer = answer::read(call.send().await).await;
        if let Some(told) = answer.told() {
            self.limits.learn(&route, told);
        }
        if answer.counts_as_refused() {
            self.limits.note_refused();
        }
        let taken = answer.taken();
        if let Err(answer::Failed {
            error: DiscordError::RateLimited { after },
            everywhere,
            ..
        }) = &taken
        {
            self.limits.hold(&route, *after, *everywhere);
        }
        taken
    }
}

/// By the token's hash: what is kept of it here is no token.
fn answering(token: &SecretString) -> Route {
    let hash = Sha256::digest(token.expose_secret().as_bytes());
    Route::new(Method::Answer, hex::encode(&hash[..8]))
}

fn with_body(call: RequestBuilder, body: &Value, file: Option<File>) -> RequestBuilder {
    let Some(file) = file else {
        return call.json(body);
    };
    let part = Part::bytes(file.bytes).file_name(file.name);
    call.multipart(
        Form::new()
            .text("payload_json", body.to_string())
            .part("files[0]", part),
    )
}

/// Reads what an answer tells of its bucket; none where it tells nothing, or nothing that makes sense.
fn told(header: impl Fn(&str) -> Option<String>) -> Option<Told> {
    let seconds: f64 = header("x-ratelimit-reset-after")?.parse().ok()?;
    Some(Told {
        bucket: header("x-ratelimit-bucket")?,
        limit: header("x-ratelimit-limit")?.parse().ok()?,
        remaining: header("x-ratelimit-remaining")?.parse().ok()?,
        reset_after: Duration::try_from_secs_f64(seconds.min(3600.0)).ok()?,
    })
}
