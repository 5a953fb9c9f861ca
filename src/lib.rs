//! Signalbox (the architecture page is written here).

pub mod call;
pub mod integration;
pub mod panel;
pub mod platform;
pub mod policy;
pub mod problem;
pub mod report;
pub mod request;
pub mod runbook;
