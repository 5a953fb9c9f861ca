//! # Signalbox
//!
//! Runbook actions from chat: done once, approved by a second person, proved by metrics, explained when refused, and
//! honest when it does not know.
//!
//! ## What happens when somebody types `/forward-order 1042`
//!
//! 1. **Receive.** The platform's bytes are verified and become a [`request::Delivery`]; it is stored, and only then
//!    acknowledged ([`reception`], [`intake`]), whether it came over [`http`] or over a connection of our own. The same
//!    delivery twice is one request. What is stored carries no bearer token; the response URL or token is sealed and
//!    forgotten when it can be used no longer.
//! 2. **The gate.** One function shows the whole way: `Desk::run` in [`dispatch`]. Who asks, and may they ask
//!    ([`dispatch::asked`]); what exactly ([`dispatch::invocation`]); what would happen ([`dispatch::planned`], which
//!    makes the looks and ends in a [`plan::Plan`] with its digest); may that happen ([`dispatch::authorized`]). The
//!    output of each stage is the only key to the next.
//! 3. **A run** is stored with its plan pinned, in one transaction with its locks if it may start at once. If the policy
//!    wants others' yes, it waits; before the start the plan is built and decided again, and only another digest or
//!    another decision voids the approval.
//! 4. **The engine** ([`run::engine`]) does what the journal says comes next ([`run::state`] derives it, purely). Per
//!    step: intent with a deadline, the call, the probe, the outcome, each journalled before the next. What an answer
//!    means is for the runbook's expectations to say, never for the integration.
//! 5. **The proof** ([`run::proof`]): signals before the first step, after the last, after the soak.
//! 6. **The report** ([`report`]) is derived from the run whenever it is shown. The [`outbox`] sends it: one message per
//!    run, edited in place, details in its thread, the chart attached.
//!
//! ## What happens when the process dies
//!
//! Its claims run out after three seconds, or are free at once if it could say goodbye. Whoever claims the run next has a
//! new epoch, which fences the journal. A step with an intent and no outcome is asked about ([`run::recovery`]): first
//! the target's own guard (Celery's marker), then the runbook's probe, then a person. Nothing is sent again on a guess.
//!
//! ## What happens when an alert fires
//!
//! Alertmanager posts a notification to [`http`]; it is taken into the state of its group ([`alert::group`], purely) in
//! the transaction that keeps it ([`store::alerts`]), and only then acknowledged. The group has one message in each channel
//! for alerts, which the [`outbox`] derives from that state and edits in place; what changed stands in its thread, with the
//! chart of the rule's expression ([`alert::picture`]).
//!
//! ## What happens when somebody edits a runbook
//!
//! [`rules::watch`] sees that files have other stamps, waits until they rest, and reads all of them. If everything is
//! right, [`rules::live`] puts it in force by one swap; otherwise what was before stays, with the problems told. A request
//! keeps the snapshot that it began with, and a run its pinned plan.
//!
//! ## What happens to what is over
//!
//! Who did what is a record of its own: each row follows the last one of its run by hash ([`store::chain`]). Once an hour
//! one process seals the ends of the chains in a file outside of the database and deletes what is older than is kept
//! ([`custody`]).
//!
//! ## Who may know whom
//!
//! Words ([`problem`], [`call`], [`request`], [`runbook`], [`panel`], [`promql`], [`report`]) ← decisions ([`policy`],
//! [`plan`], [`lint`], [`run::state`], [`run::journal`]: pure, the time is an argument) ← deeds ([`store`], [`custody`], [`integration`],
//! [`dispatch`], [`run::engine`]) ← platform ([`platform`]) ← app ([`app`], [`serve`], [`reception`], [`registration`], [`cli`]). A test holds the code to
//! this.
//!
//! ## What is deliberately absent
//!
//! No step without a journalled intent. No approval by the requester. No effect before the decision, no decision outside
//! the gate. No chat platform in the core, no integration that knows another. No secret in a message, log, journal,
//! `Debug`, child process or process list. No guess: what is not known is reported as not known.

pub mod alert;
pub mod app;
pub mod bell;
pub mod call;
pub mod cli;
pub mod config;
pub mod custody;
pub mod dispatch;
pub mod doctor;
pub mod http;
pub mod intake;
pub mod integration;
pub mod lint;
mod nearest;
pub mod outbox;
pub mod panel;
pub mod plan;
pub mod platform;
pub mod policy;
pub mod problem;
pub mod promql;
pub mod reception;
pub mod registration;
pub mod report;
pub mod request;
pub mod rules;
pub mod run;
pub mod runbook;
pub mod secret;
pub mod serve;
pub mod station;
pub mod store;
mod toml_file;
pub mod trial;
pub mod troubles;
pub mod usergroups;
