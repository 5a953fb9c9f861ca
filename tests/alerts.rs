//! Alerts: what Alertmanager is told, and what people see.

mod alone;
mod assign;
mod door;
mod follow_up;
mod looked_up;
mod many;
mod odd;
mod paging;
mod story;
