//! Alerts: what Alertmanager is told, and what people see.

mod door;
mod follow_up;
mod many;
mod odd;
mod paging;
mod story;
