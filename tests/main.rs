//! Scenario tests: at the bot's face, on a fake world built once.
