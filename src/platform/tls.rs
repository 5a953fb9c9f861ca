//! Encryption towards chat platforms: by the roots that browsers trust, whatever the machine has installed.

use hyper_rustls::ConfigBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

/// Who we are to platforms that want nothing particular said.
pub const AGENT: &str = concat!("signalbox/", env!("CARGO_PKG_VERSION"));

/// What calls a platform. It follows nobody elsewhere: a call may bear a token. `timeout` is for each single request; the
/// error is a sentence.
pub fn client(agent: &str, timeout: Duration) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(client_config()?)
        .user_agent(agent)
        .timeout(timeout)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())
}

/// What a client is set up with. The error is a sentence.
pub fn client_config() -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_webpki_roots()
        .with_no_client_auth())
}
