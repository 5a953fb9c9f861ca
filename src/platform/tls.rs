//! Encryption towards chat platforms: by the roots that browsers trust, whatever the machine has installed.

use hyper_rustls::ConfigBuilderExt as _;
use std::sync::Arc;

/// What a client is set up with. The error is a sentence.
pub fn client_config() -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_webpki_roots()
        .with_no_client_auth())
}
