//! Whether what people are told is true: scenarios at the command line's face, on the real demo shop. Each looks at the
//! answer, at the shop's own row, and at what the supplier got.
//!
//! Every test has orders of its own (see `demo/shop/store/management/commands/seed.py`).

mod approval;
mod check;
mod crash;
mod forward;
mod hostile;
mod outage;
mod resync;
mod retry;
mod run;
mod status;
mod stuck;
