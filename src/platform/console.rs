//! The web console: what its forms ask for, and what its pages look like. Both pure; the connection is in
//! [`crate::http`].

pub mod receive;
pub mod render;
