//! Signalbox (the architecture page is written here).

pub mod app;
pub mod call;
pub mod cli;
pub mod config;
pub mod dispatch;
pub mod http;
pub mod intake;
pub mod integration;
mod nearest;
pub mod outbox;
pub mod panel;
pub mod plan;
pub mod platform;
pub mod policy;
pub mod problem;
pub mod report;
pub mod request;
pub mod rules;
pub mod run;
pub mod runbook;
pub mod secret;
pub mod serve;
pub mod station;
pub mod store;
mod toml_file;
