//! Scenario tests: at the bot's face, on a fake world built once.

mod harness {
    pub mod slack;
}
mod slack_client;
mod slack_simulator;
