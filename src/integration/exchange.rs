//! One exchange over HTTP with one server: the address it may go to, and what is known when no answer came. Every
//! integration that speaks HTTP to a system whose answers the runbook judges goes by this.

use reqwest::header::{HeaderMap, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// A longer answer is no answer that a runbook judges.
pub(super) const LARGEST: usize = 1024 * 1024;

/// An address that leads nowhere. It does not show the address, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No URL.
    #[error("its `url` is none: {0}")]
    Malformed(String),
    /// Another scheme, or more than an address.
    #[error("its `url` must be a plain address that begins with http:// or https://, without user, password, ? and #")]
    NotPlain,
    /// The client cannot be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// No connection came about: nothing was sent.
    NeverSent(String),
    /// It was sent, perhaps in part, and there is no answer to it.
    Unanswered(String),
    /// The answer began with this status, and its rest is missing or too long.
    Broken(StatusCode, String),
}

impl Lost {
    pub(super) fn reason(&self) -> String {
        match self {
            Self::NeverSent(reason) => reason.clone(),
            Self::Unanswered(reason) => format!("no answer came: {reason}"),
            Self::Broken(status, reason) => format!("it began to answer HTTP {}, and {reason}", status.as_u16()),
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The server that all requests of a connection go to.
#[derive(Debug, Clone)]
pub(super) struct Site {
    client: Client,
    base: Url,
    host: String,
}

impl Site {
    /// Connects to nothing.
    pub(super) fn new(url: &str) -> Result<Self, AddressError> {
        let base = Url::parse(url).map_err(|why| AddressError::Malformed(why.to_string()))?;
        let plain = matches!(base.scheme(), "http" | "https")
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        let (Some(host), Some(port), true) = (base.host_str(), base.port_or_known_default(), plain) else {
            return Err(AddressError::NotPlain);
        };
        let host = format!("{host}:{port}");
        // Without this the client's builder panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(AddressError::Client(
                "the program has installed no TLS provider".to_owned(),
            ));
        }
        let client = Client::builder()
            .redirect(Policy::none())
            // A proxy that the environment happens to name is not part of what was configured.
            .no_proxy()
            // Whether to send again is for the caller to decide.
            .retry(reqwest::retry::never())
            // On a connection that the server has closed meanwhile a write would be unknown for nothing.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .user_agent("signalbox")
            .build()
            .map_err(|why| AddressError::Client(innermost(&why.without_url())))?;
        Ok(Self { client, base, host })
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The address below the base; each segment is encoded, so it stays one.
    pub(super) fn url<'s>(&self, segments: impl IntoIterator<Item = &'s str>) -> Url {
        let mut url = self.base.clone();
        // An http address always has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address below the base for a path that the config gives.
    pub(super) fn path(&self, path: &str) -> Url {
        self.url(path.trim_start_matches('/').split('/'))
    }

    /// Where an answer sends us, if it is on this same server.
    pub(super) fn same_origin(&self, from: &Url, location: &str) -> Option<Url> {
        from.join(location).ok().filter(|to| to.origin() == self.base.origin())
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }
}

/// Sends it once and reads the whole answer. Its caller keeps the deadline.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Answer, Lost> {
    let response = request.send().await.map_err(|error| {
        let never_sent = error.is_connect() || error.is_builder();
        // The URL may hold what is not for everybody.
        let reason = innermost(&error.without_url());
        if never_sent {
            Lost::NeverSent(reason)
        } else {
            Lost::Unanswered(reason)
        }
    })?;
    let status = response.status();
    let headers = response.headers().clone();
    let body = body(response).await.map_err(|reason| Lost::Broken(status, reason))?;
    Ok(Answer { status, headers, body })
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST => {
                return Err(format!("the answer is larger than {LARGEST} bytes"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) => return Err(format!("the answer broke off: {}", innermost(&error.without_url()))),
        }
    }
}

/// The innermost cause: the outer ones only say that sending a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
