//! The fake world: real servers on private ports, and strict fakes of what cannot be had.

pub mod alertmanager;
pub mod browser;
pub mod clock;
pub mod discord;
pub mod discord_world;
pub mod jsm;
pub mod older;
pub mod pagerduty;
pub mod proxy;
pub mod served;
pub mod services;
pub mod shop;
pub mod slack;
pub mod slack_bot;
pub mod slack_world;
pub mod visitor;
