//! Scenario tests: at the bot's face, on a fake world built once. And one that reads the code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod authoring;
mod bad_input;
mod completion;
mod console;
mod console_browser;
mod crash;
mod faults;
mod harness;
mod health;
mod integration_celery;
mod integration_django_admin;
mod integration_http;
mod integration_postgres;
mod integration_prometheus;
mod outbox;
mod reload;
mod slack_client;
mod slack_forms;
mod slack_mentions;
mod slack_simulator;
mod slack_socket;
mod slack_story;
mod store;
mod truth;
