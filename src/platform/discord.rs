//! Discord: deliveries in, messages out. What reaches us is judged by [`receive`], how a report looks is decided by
//! [`render`], what people can type is told by [`commands`], and [`client`] speaks to the REST API. None of them knows
//! what a runbook does.
//!
//! The bot needs the permissions of [`PERMISSIONS`] in the channels where it is used, and no privileged intent.

pub mod answer;
pub mod client;
pub mod commands;
pub mod form;
pub mod gateway;
pub mod limits;
pub mod press;
pub mod receive;
pub mod render;

/// What the bot may do in a channel: see it, post, embed, attach a chart, begin threads and write in them, and look
/// whether a message of its own is there after Discord did not say so.
pub const PERMISSIONS: u64 = 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38;
