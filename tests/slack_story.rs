//! Stories that are told in a Slack channel and end in the world: the real bot, the demo shop, a simulated Slack.

mod approval;
mod door;
mod forward;
mod person;
mod trouble;
