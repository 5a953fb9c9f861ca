//! What becomes of messages when Slack takes them without saying so, is away, refuses, or loses them.

mod doubt;
mod outage;
mod place;
mod share;
mod world;
