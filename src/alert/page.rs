//! Paging somebody about a group of alerts: how the page should stand there, and which event brings it about. Pure.
//!
//! A page bears the key that Alertmanager's own PagerDuty integration gives it, the hash of the group's key. So where both
//! page through the same service, the system there makes one incident of the two.

use super::card::says;
use super::group::Group;
use super::notification::Words;
use jiff::SignedDuration;

/// Letters of a summary. PagerDuty takes 1,024; whoever is woken reads fewer.
const SUMMARY: usize = 500;

/// Labels that go along.
const LABELS: usize = 30;

/// How a page stands, or should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Somebody is wanted.
    Triggered,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl Level {
    /// As a group stands, so should its pages.
    pub fn of(group: &Group) -> Self {
        if group.ended.is_some() {
            Self::Resolved
        } else if group.acknowledged.is_some() || group.taken.is_some() {
            Self::Acknowledged
        } else {
            Self::Triggered
        }
    }

    /// As the store names it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// The one that the store names so.
    pub fn named(key: &str) -> Option<Self> {
        let all = [Self::Triggered, Self::Acknowledged, Self::Resolved];
        all.into_iter().find(|level| level.key() == key)
    }
}

/// What a paging system can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Page somebody.
    Trigger,
    /// Somebody has it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl Event {
    /// How the page stands after it.
    pub fn leads_to(self) -> Level {
        match self {
            Self::Trigger => Level::Triggered,
            Self::Acknowledge => Level::Acknowledged,
            Self::Resolve => Level::Resolved,
        }
    }
}

/// The event that comes next; none where there is nothing to tell. `told` is what the system there has taken last, and
/// `begun` whether it may have taken a page of which it never said so.
pub fn next(told: Option<Level>, begun: bool, wanted: Level) -> Option<Event> {
    match (told, wanted) {
        // Nobody was paged, so nobody hears that it is over.
        (None, Level::Resolved) => begun.then_some(Event::Resolve),
        (None | Some(Level::Resolved), Level::Triggered | Level::Acknowledged) => Some(Event::Trigger),
        (Some(Level::Triggered), Level::Acknowledged) => Some(Event::Acknowledge),
        (Some(Level::Triggered | Level::Acknowledged), Level::Resolved) => Some(Event::Resolve),
        (Some(Level::Triggered | Level::Acknowledged), Level::Triggered)
        | (Some(Level::Acknowledged), Level::Acknowledged)
        | (Some(Level::Resolved), Level::Resolved) => None,
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be known.
    Info,
    /// It may become bad.
    Warning,
    /// It is bad.
    Error,
    /// It is as bad as it gets.
    Critical,
}

impl Severity {
    /// What the label `severity` means; where it says nothing that is known, what Alertmanager takes.
    fn of(label: Option<&String>) -> Self {
        match label.map(|label| label.to_lowercase()).as_deref() {
            Some("critical" | "page" | "emergency" | "fatal") => Self::Critical,
            Some("warning" | "warn") => Self::Warning,
            Some("info" | "none") => Self::Info,
            _ => Self::Error,
        }
    }
}

/// What a paging system is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// By which it is known there: 64 hexadecimal digits.
    pub key: String,
    /// What it is about, in a line.
    pub summary: String,
    /// What fires.
    pub details: String,
    /// The worst of what fires.
    pub severity: Severity,
    /// Labels that all its alerts have.
    pub labels: Words,
    /// Where more stands.
    pub link: Option<String>,
}

impl Page {
    /// About a group as it stands.
    pub fn of(group: &Group, link: Option<String>) -> Self {
        let severities = group
            .firing()
            .map(|member| Severity::of(member.alert.labels.get("severity")));
        let said = says(&group.annotations);
        let said = said.lines().next().unwrap_or_default();
        let title = group.title();
        let summary = if said.is_empty() {
            title
        } else {
            format!("{title}: {said}")
        };
        let names = group
            .firing()
            .take(LABELS)
            .map(|member| super::group::words(&member.alert));
        Self {
            key: group.key.clone(),
            summary: summary.chars().take(SUMMARY).collect(),
            details: names.collect::<Vec<_>>().join("\n"),
            severity: severities.max().unwrap_or(Severity::Error),
            labels: group
                .labels
                .iter()
                .take(LABELS)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            link,
        }
    }

    /// With every text as `redact` gives it.
    pub fn redacted(self, redact: impl Fn(&str) -> String) -> Self {
        Self {
            summary: redact(&self.summary),
            details: redact(&self.details),
            labels: self
                .labels
                .iter()
                .map(|(name, value)| (name.clone(), redact(value)))
                .collect(),
            ..self
        }
    }
}

/// What became of an event or a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was taken.
    Taken,
    /// It was not, or nobody knows, and may be at another time: after so long, if the system there says so. Why, in words.
    Later(Option<SignedDuration>, String),
    /// It is refused, and would be each time. Why, in words.
    Never(String),
}

/// How an incident stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nobody has done anything.
    Open,
    /// Somebody has it: who.
    Acknowledged(String),
    /// It was ended there.
    Resolved,
    /// There is none of that key.
    Missing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_reached_by_one_event_after_the_other() {
        use Level::{Acknowledged, Resolved, Triggered};
        let way = |mut told: Option<Level>, wanted| {
            let mut events = Vec::new();
            while let Some(event) = next(told, false, wanted) {
                events.push(event);
                told = Some(event.leads_to());
            }
            events
        };
        assert_eq!(way(None, Triggered), [Event::Trigger]);
        assert_eq!(way(None, Acknowledged), [Event::Trigger, Event::Acknowledge]);
        assert_eq!(way(Some(Triggered), Acknowledged), [Event::Acknowledge]);
        assert_eq!(way(Some(Triggered), Resolved), [Event::Resolve]);
        assert_eq!(way(Some(Resolved), Triggered), [Event::Trigger]);
        // What somebody there has is not taken from them.
        assert_eq!(way(Some(Acknowledged), Triggered), []);
    }

    #[test]
    fn what_was_over_before_anybody_was_paged_pages_nobody() {
        assert_eq!(next(None, false, Level::Resolved), None);
        assert_eq!(next(None, true, Level::Resolved), Some(Event::Resolve));
    }

    #[test]
    fn severities_are_those_that_rules_have() {
        let of = |label: &str| Severity::of(Some(&label.to_owned()));
        assert_eq!(
            [of("page"), of("Critical"), of("warning"), of("info"), of("odd")],
            [
                Severity::Critical,
                Severity::Critical,
                Severity::Warning,
                Severity::Info,
                Severity::Error
            ]
        );
        assert_eq!(Severity::of(None), Severity::Error);
    }
}
