//! Scenario tests: at the bot's face, on a fake world built once.

mod harness;
mod integration_celery;
mod integration_postgres;
mod integration_prometheus;
