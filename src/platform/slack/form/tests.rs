//! How forms look in Slack, and how they come back.
