//! Slack: deliveries in, messages out. What reaches us is judged by [`receive`], how a report looks is decided by
//! [`render`], and [`client`] speaks to the Web API. None of them knows what a runbook does.
//!
//! The app needs the scopes of [`manifest::SCOPES`] and no more.

pub mod client;
pub mod form;
pub mod limits;
pub mod manifest;
pub mod press;
pub mod receive;
pub mod render;
pub mod socket;
