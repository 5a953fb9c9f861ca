//! The `signalbox` program.

use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    // Two crates bring a TLS provider each; the whole process uses this one. It can only be installed once.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let level = EnvFilter::try_from_env("SIGNALBOX_LOG").unwrap_or_else(|_| EnvFilter::new("warn,signalbox=info"));
    // A command's own output is for people and programs; logs of `serve` are JSON lines on standard error.
    let serving = std::env::args().any(|argument| argument == "serve");
    if serving {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(level)
            .with_writer(std::io::stderr)
            .init();
    }
    signalbox::cli::main().await
}
