//! A group of alerts as people see it: the neutral form that each platform renders.

use super::Button;
use super::redact::Redactor;
use serde::{Deserialize, Serialize};

/// How a group of alerts stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Something fires.
    Firing,
    /// Everything was told to be over.
    Resolved,
    /// Nothing fires, and of something nobody told that it is over.
    Quiet,
}

impl AlertState {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Firing => "Firing",
            Self::Resolved => "Resolved",
            Self::Quiet => "No longer sent",
        }
    }

    /// A character that no platform turns into a picture.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Firing => "▲",
            Self::Resolved => "✓",
            Self::Quiet => "○",
        }
    }

    /// As the metrics and the store name it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Quiet => "quiet",
        }
    }
}

/// All that is shown of one group of alerts, or of many at once.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertCard {
    /// The group's id, or the summary's.
    pub id: String,
    /// How it stands.
    pub state: AlertState,
    /// What it is called. A system's text: escape it.
    pub title: String,
    /// How many alerts stand how, in words.
    pub counts: String,
    /// What the rule's author says.
    pub say: String,
    /// What all alerts have in common.
    pub labels: String,
    /// One line for each alert.
    pub lines: Vec<String>,
    /// What should be known: what was left out, what cannot be shown elsewhere.
    pub notes: Vec<String>,
    /// Who does what about it, and what was run.
    pub people: Vec<String>,
    /// What can be pressed.
    pub buttons: Vec<Button>,
    /// Since when, and from where.
    pub footer: String,
}

impl AlertCard {
    /// `▲ Firing: SupplierSyncFailures`.
    pub fn heading(&self) -> String {
        let state = self.state;
        super::fit::one_line(&format!("{} {}: {}", state.symbol(), state.words(), self.title))
    }

    /// The same card with no secret in it.
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let text = |text: String| redactor.redact(&text).into_owned();
        let lines = |lines: Vec<String>| lines.into_iter().map(text).collect::<Vec<_>>();
        Self {
            title: text(self.title),
            say: text(self.say),
            labels: text(self.labels),
            lines: lines(self.lines),
            notes: lines(self.notes),
            people: lines(self.people),
            footer: text(self.footer),
            ..self
        }
    }
}
