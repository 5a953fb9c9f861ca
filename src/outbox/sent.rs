//! What comes of trying to send a message, in words that fit every chat platform.

use crate::run::ledger::LedgerError;
use crate::store::StoreError;
use jiff::SignedDuration;

/// What became of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// The platform shows it; its own id where there is one.
    Shown(Option<String>),
    /// A post that was in doubt is there, under this id; it may show how things stood before.
    Found(String),
    /// Our own limit keeps it back.
    KeptBack(SignedDuration),
    /// Certainly not shown, and worth another try: after this time, or after the usual pause.
    Later(Option<SignedDuration>, String),
    /// It may be shown. The platform is asked before it is posted again.
    Doubtful {
        /// When to ask; none is after the usual pause.
        after: Option<SignedDuration>,
        /// Where the search stands.
        sought: Option<String>,
        /// What happened.
        why: String,
    },
    /// The platform has lost it; it is posted anew.
    Anew,
    /// It will not be shown there.
    Never(String),
    /// Another process has the message by now; nothing was sent.
    Taken,
}

/// Why a message could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The run cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
