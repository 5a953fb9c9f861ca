//! Calls to Slack. The Web API goes through slack-morphism, its own limiter off: it counts by workspace where Slack counts
//! by channel. Response URLs and uploads are posted directly, since they take no token and Slack names them: whether
//! they lead to Slack is checked before anything is sent.
//!
//! Nothing is repeated here. The error tells whether it may have happened, and the outbox decides.

mod answer;
mod error;

pub use error::SlackError;

use super::render::{METADATA, Rendered};
use crate::platform::tls;
use hyper_rustls::HttpsConnectorBuilder;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use slack_morphism::api::SlackApiFilesGetUploadUrlExternalRequest;
use slack_morphism::hyper_tokio::{SlackClientHyperConnector, SlackClientHyperHttpsConnector};
use slack_morphism::{ClientResult, SlackApiToken, SlackClientHttpSessionApi};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Messages that are asked for at a time when one is looked for; more are advised against.
const AT_ONCE: usize = 200;

/// Who sees an answer to a response URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the channel.
    Channel,
    /// The person who asked.
    Person,
}

/// A file on its way to a thread.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// With its ending.
    pub filename: &'a str,
    /// The content.
    pub bytes: &'a [u8],
    /// What a screen reader says of an image.
    pub alt_text: &'a str,
    /// Shown above it.
    pub title: &'a str,
}

/// A file whose bytes Slack has, and that nobody sees yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    id: String,
    title: String,
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// The workspace.
    pub team_id: String,
    /// The bot's user.
    pub user_id: String,
    /// The bot.
    pub bot_id: Option<String>,
}

/// What a message is known by to whoever posted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// Our own id in its metadata.
    Message(&'a str),
    /// A file in it.
    File(&'a str),
}

/// A part of a channel or thread that is looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The message is there, under this `ts`.
    Found(String),
    /// Not in this part; the next one is asked for with this cursor.
    More(String),
    /// Not there.
    Absent,
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The API's address.
    #[error("`api_url` in [slack] is no http or https address")]
    Address,
    /// TLS or the HTTP client.
    #[error("the HTTP client for Slack cannot be set up: {0}")]
    Client(String),
}

/// One workspace's connection.
#[derive(Debug)]
pub struct SlackClient {
    api: slack_morphism::SlackClient<SlackClientHyperHttpsConnector>,
    token: SlackApiToken,
    direct: reqwest::Client,
    api_url: Url,
    timeout: Duration,
    own: OnceCell<Identity>,
}

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

#[derive(Deserialize)]
struct History {
    messages: Vec<Seen>,
    response_metadata: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next_cursor: String,
}

/// A message that anybody may have posted: nothing of it is certain to be there.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    ts: String,
    user: Option<String>,
    bot_id: Option<String>,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    files: Vec<Value>,
}

impl Seen {
    fn is_by(&self, own: &Identity) -> bool {
        self.user.as_ref() == Some(&own.user_id) || (self.bot_id.is_some() && self.bot_id == own.bot_id)
    }

    fn bears(&self, mark: Mark<'_>) -> bool {
        match mark {
            Mark::Message(id) => {
                self.metadata["event_type"] == METADATA && self.metadata["event_payload"]["message"] == id
            }
            Mark::File(name) => self.files.iter().any(|file| file["name"] == name),
        }
    }
}

/// An answer in which nothing but success matters. `ok` must be there: a proxy's page has none.
#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "ok")]
    _ok: bool,
}

impl SlackClient {
    /// `timeout` is for each single request.
    pub fn new(api_url: &str, token: &SecretString, timeout: Duration) -> Result<Self, SetupError> {
        let address = Url::parse(api_url).map_err(|_| SetupError::Address)?;
        if !matches!(address.scheme(), "http" | "https") || address.host_str().is_none() {
            return Err(SetupError::Address);
        }
        let tls = tls::client_config().map_err(SetupError::Client)?;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .build();
        let connector = SlackClientHyperConnector::from(https).with_slack_api_url(api_url.trim_end_matches('/'));
        Ok(Self {
            api: slack_morphism::SlackClient::new(connector),
            token: SlackApiToken::new(token.expose_secret().to_owned().into()),
            direct: tls::client(tls::AGENT, timeout).map_err(SetupError::Client)?,
            api_url: address,
            timeout,
            own: OnceCell::new(),
        })
    }

    /// Whose token this is; fails where the token is not valid.
    pub async fn auth_test(&self) -> Result<Identity, SlackError> {
        self.method("auth.test", &json!({})).await
    }

    /// An address for one connection of Socket Mode, good for one use. The token must be the app's own.
    pub async fn connection_url(&self) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Opened {
            url: String,
        }
        let opened: Opened = self.method("apps.connections.open", &json!({})).await?;
        Ok(opened.url)
    }

    /// Opens a form for whoever has just done what the trigger stands for.
    pub async fn open_view(&self, trigger: &str, view: &Value) -> Result<(), SlackError> {
        let body = json!({ "trigger_id": trigger, "view": view });
        match self.method::<Accepted>("views.open", &body).await {
            // Nobody but us has the trigger: the same delivery has come twice, and the form is there.
            Err(SlackError::Invalid { detail }) if detail.starts_with("exchanged_trigger_id") => Ok(()),
            opened => opened.map(drop),
        }
    }

    /// Posts to a channel, or into a thread of it, and gives the message's `ts`.
    pub async fn post(&self, channel: &str, thread_ts: Option<&str>, message: &Rendered) -> Result<String, SlackError> {
        let mut body = body(message);
        body["channel"] = channel.into();
        // What stands in `text` is not meant as markup, and neither it nor a link is to be unfurled.
        body["mrkdwn"] = false.into();
        body["unfurl_links"] = false.into();
        body["unfurl_media"] = false.into();
        if let Some(thread) = thread_ts {
            body["thread_ts"] = thread.into();
        }
        self.method::<Posted>("chat.postMessage", &body)
            .await
            .map(|posted| posted.ts)
    }

    /// Puts a message in the place of another one. Doing it twice is the same as once.
    pub async fn update(&self, channel: &str, ts: &str, message: &Rendered) -> Result<(), SlackError> {
        let mut body = body(message);
        body["channel"] = channel.into();
        body["ts"] = ts.into();
        self.method::<Accepted>("chat.update", &body).await.map(drop)
    }

    /// Looks through a channel, or a thread of it, for a message of ours that is not older than `oldest`, in seconds
    /// since 1970. Slack may give fewer at a time than are asked for, and to some apps no more than fifteen.
    pub async fn find(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        mark: Mark<'_>,
        oldest: i64,
        cursor: Option<&str>,
    ) -> Result<Page, SlackError> {
        // Anybody may post a file of the same name, and any app the same metadata.
        let own = self.own.get_or_try_init(|| self.auth_test()).await?;
        let (oldest, limit) = (oldest.to_string(), AT_ONCE.to_string());
        let mut parameters = vec![
            ("channel", Some(channel)),
            ("oldest", Some(oldest.as_str())),
            ("inclusive", Some("true")),
            ("include_all_metadata", Some("true")),
            ("limit", Some(limit.as_str())),
        ];
        parameters.extend(thread_ts.map(|ts| ("ts", Some(ts))));
        parameters.extend(cursor.map(|cursor| ("cursor", Some(cursor))));
        let method = if thread_ts.is_some() {
            "conversations.replies"
        } else {
            "conversations.history"
        };
        let session = self.api.open_session(&self.token);
        let call = session.http_session_api.http_get(method, &parameters, None);
        let history: History = self.within(call).await?;
        // Of several the last one: it is what people have before their eyes.
        let found = history.messages.iter();
        let found = found.filter(|message| message.is_by(own) && message.bears(mark));
        if let Some(found) = found.max_by(|one, other| one.ts.cmp(&other.ts)) {
            return Ok(Page::Found(found.ts.clone()));
        }
        let next = history.response_metadata.map(|next| next.next_cursor);
        Ok(next
            .filter(|cursor| !cursor.is_empty())
            .map_or(Page::Absent, Page::More))
    }

    /// Posts to one person in a channel.
    pub async fn ephemeral(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        user: &str,
        message: &Rendered,
    ) -> Result<(), SlackError> {
        let mut body = body(message);
        body["channel"] = channel.into();
        body["user"] = user.into();
        if let Some(thread) = thread_ts {
            body["thread_ts"] = thread.into();
        }
        self.method::<Accepted>("chat.postEphemeral", &body).await.map(drop)
    }

    /// Answers by a delivery's response URL: five times within thirty minutes, and without being a member of the channel.
    pub async fn respond(&self, url: &str, message: &Rendered, to: Audience) -> Result<(), SlackError> {
        let url = self.trusted(url)?;
        let body = json!({
            "response_type": match to { Audience::Channel => "in_channel", Audience::Person => "ephemeral" },
            "replace_original": false,
            "text": message.text,
            "blocks": message.blocks,
        });
        answer::of(self.direct.post(url).json(&body).send().await).await
    }

    /// The members of a user group, by their ids.
    pub async fn group_members(&self, group: &str) -> Result<Vec<String>, SlackError> {
        #[derive(Deserialize)]
        struct Members {
            users: Vec<String>,
        }
        let session = self.api.open_session(&self.token);
        let parameters = vec![("usergroup", Some(group))];
        let call = session
            .http_session_api
            .http_get("usergroups.users.list", &parameters, None);
        self.within(call).await.map(|members: Members| members.users)
    }

    /// Uploads a file into a thread.
    pub async fn upload(&self, channel: &str, thread_ts: &str, file: &Upload<'_>) -> Result<(), SlackError> {
        let staged = self.stage(file).await?;
        self.share(channel, thread_ts, &staged).await
    }

    /// Sends a file's bytes. Nobody sees it before it is shared.
    pub async fn stage(&self, file: &Upload<'_>) -> Result<Staged, SlackError> {
        let request = SlackApiFilesGetUploadUrlExternalRequest {
            filename: file.filename.to_owned(),
            length: file.bytes.len(),
            // Slack takes a thousand characters.
            alt_txt: Some(file.alt_text.chars().take(1000).collect()).filter(|text: &String| !text.is_empty()),
            snippet_type: None,
        };
        let session = self.api.open_session(&self.token);
        let place = self
            .within(session.get_upload_url_external(&request))
            .await
            .map_err(SlackError::certainly_not)?;
        let url = self.trusted(place.upload_url.0.as_str())?;
        let sent = self.direct.post(url).body(file.bytes.to_vec()).send().await;
        answer::of(sent).await.map_err(SlackError::certainly_not)?;
        Ok(Staged {
            id: place.file_id.0,
            title: file.title.to_owned(),
        })
    }

    /// Shows a file in a thread. Slack takes each staged file once.
    pub async fn share(&self, channel: &str, thread_ts: &str, staged: &Staged) -> Result<(), SlackError> {
        let body = json!({
            "files": [{"id": staged.id, "title": staged.title}],
            "channel_id": channel,
            "thread_ts": thread_ts,
        });
        self.method::<Accepted>("files.completeUploadExternal", &body)
            .await
            .map(drop)
    }

    async fn method<Answer: DeserializeOwned + Send>(&self, name: &str, body: &Value) -> Result<Answer, SlackError> {
        let session = self.api.open_session(&self.token);
        let api: &SlackClientHttpSessionApi<'_, _> = &session.http_session_api;
        self.within(api.http_post(name, body, None)).await
    }

    async fn within<Answer>(&self, call: impl Future<Output = ClientResult<Answer>>) -> Result<Answer, SlackError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(SlackError::from),
            Err(_) => Err(SlackError::Retry {
                detail: format!("no answer within {} seconds", self.timeout.as_secs_f32()),
                may_be_done: true,
            }),
        }
    }

    /// Slack's own hosts, and whatever the API itself is configured to be.
    fn trusted(&self, url: &str) -> Result<Url, SlackError> {
        let refused = |why: &str| SlackError::Invalid {
            detail: format!("Slack named an address that {why}"),
        };
        let url = Url::parse(url).map_err(|_| refused("does not parse"))?;
        let host = url.host_str().unwrap_or_default();
        let is_slack = url.scheme() == "https"
            && url.port().is_none()
            && ["slack.com", "slack-gov.com"].iter().any(|own| {
                host.strip_suffix(own)
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            });
        if is_slack || url.origin() == self.api_url.origin() {
            Ok(url)
        } else {
            Err(refused("does not lead to Slack"))
        }
    }
}

fn body(message: &Rendered) -> Value {
    let mut body = json!({
        "text": message.text,
        "blocks": message.blocks,
        "parse": "none",
        "link_names": false,
    });
    if let Some(metadata) = &message.metadata {
        body["metadata"] = metadata.clone();
    }
    body
}
