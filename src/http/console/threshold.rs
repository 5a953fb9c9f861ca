//! What every request to the console passes: the host that it was sent to, the page that it was sent from, and the
//! headers that every answer bears.

use super::Console;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use reqwest::Url;
use std::net::IpAddr;
use std::sync::Arc;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where the console is reached.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    public: Url,
}

impl Origin {
    pub(super) fn new(public: Url) -> Self {
        Self { public }
    }

    /// The host of the public address, or this machine by one of its own names: another name that leads here is somebody
    /// else's page (DNS rebinding).
    fn hosts(&self, host: &str) -> bool {
        is_loopback(host) || self.authority().eq_ignore_ascii_case(host)
    }

    /// Whether a form came from a page of ours.
    fn sent(&self, origin: &str, host: &str) -> bool {
        let ours = self.public.origin().ascii_serialization();
        origin.eq_ignore_ascii_case(&ours)
            || (is_loopback(host) && origin.eq_ignore_ascii_case(&format!("http://{host}")))
    }

    fn authority(&self) -> String {
        let host = self.public.host_str().unwrap_or_default();
        match self.public.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else {
        return false;
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none();
    plain
        && url.host_str().is_some_and(|name| {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

pub(super) async fn threshold(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST).unwrap_or_default().to_owned();
    let origin = console.door.origin();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = if !origin.hosts(&host) {
        tracing::warn!(host, "the console was asked for under a name that is not its own");
        console.say(
            StatusCode::MISDIRECTED_REQUEST,
            "Wrong address",
            "Signalbox is not reached under this name. Use its public_url, or this machine's own address.",
            &[],
        )
    } else if !reads && !text(headers, header::ORIGIN).is_some_and(|sent| origin.sent(sent, &host)) {
        tracing::warn!(host, "a form came from another site");
        console.say(
            StatusCode::FORBIDDEN,
            "Not from here",
            "This form was not sent from a page of Signalbox, so nothing was done.",
            &[("/", "To the channel")],
        )
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with that a browser sends no origin with a form, and the check above needs it.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_ours_or_this_machine() {
        let origin = Origin::new(Url::parse("https://ops.example.com").unwrap());
        for (host, ours) in [
            ("ops.example.com", true),
            ("OPS.example.com", true),
            ("127.0.0.1:8080", true),
            ("localhost:1", true),
            ("[::1]:8080", true),
            ("ops.example.com:8080", false),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost@evil.example", false),
            ("", false),
        ] {
            assert_eq!(origin.hosts(host), ours, "{host}");
        }
    }

    #[test]
    fn a_form_comes_from_a_page_of_ours() {
        let origin = Origin::new(Url::parse("https://ops.example.com").unwrap());
        for (from, host, ours) in [
            ("https://ops.example.com", "ops.example.com", true),
            ("https://ops.example.com", "127.0.0.1:8080", true),
            ("http://ops.example.com", "ops.example.com", false),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://127.0.0.1:9999", "127.0.0.1:8080", false),
            ("https://evil.example", "ops.example.com", false),
            ("null", "127.0.0.1:8080", false),
        ] {
            assert_eq!(origin.sent(from, host), ours, "{from} to {host}");
        }
    }
}
