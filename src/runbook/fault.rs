//! What can go wrong with a step's call, as `signalbox test` plays it.

use super::action::{ActionSpec, Guard};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call leaves and no answer comes; the probe shows no effect.
    Lost,
    /// The answer comes after the deadline; the effect is there.
    Late,
    /// The connection breaks during the call, and the probe cannot be made either.
    Unknown,
    /// Nothing can be sent.
    Unreachable,
    /// The target says no, and nothing changed.
    NotDone,
    /// No worker takes the message from its queue.
    NoWorker,
    /// Signalbox dies after the call has left.
    Killed,
    /// Signalbox dies when it has noted the call and not made it.
    KilledBefore,
}

impl Fault {
    /// In the order in which they are tried.
    pub const ALL: &'static [Self] = &[
        Self::Lost,
        Self::Late,
        Self::Unknown,
        Self::Unreachable,
        Self::NotDone,
        Self::NoWorker,
        Self::Killed,
        Self::KilledBefore,
    ];

    /// As it is written in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
            Self::NotDone => "not-done",
            Self::NoWorker => "no-worker",
            Self::Killed => "killed",
            Self::KilledBefore => "killed-before",
        }
    }

    /// What happens, in one phrase.
    pub fn says(self) -> &'static str {
        match self {
            Self::Lost => "the call leaves, no answer comes",
            Self::Late => "the answer comes after the deadline",
            Self::Unknown => "the connection breaks during the call, and nobody answers afterwards",
            Self::Unreachable => "the target cannot be reached",
            Self::NotDone => "the target says no",
            Self::NoWorker => "no worker takes the message",
            Self::Killed => "Signalbox dies after the call has left",
            Self::KilledBefore => "Signalbox dies before the call leaves",
        }
    }

    /// The other way.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.word() == word)
    }

    /// Whether it can happen to a call of this action. Only what keeps a mark of a message has a queue.
    pub fn befalls(self, action: &ActionSpec) -> bool {
        self != Self::NoWorker || action.guard == Guard::Marker
    }
}
