//! Signalbox (the architecture page is written here).

pub mod call;
pub mod config;
pub mod integration;
pub mod nearest;
pub mod platform;
pub mod policy;
pub mod problem;
pub mod report;
pub mod request;
pub mod runbook;
pub mod secret;
pub mod toml_file;
