//! What people see of a group of alerts.

use super::group::{Group, Member, Standing, in_words, words};
use super::notification::Words;
use crate::report::alert::{AlertCard, AlertState};
use jiff::Timestamp;

/// Alerts that a message lists; the rest is counted.
const LISTED: usize = 30;

/// Groups that a summary lists.
const GROUPS: usize = 25;

impl From<Standing> for AlertState {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Firing => Self::Firing,
            Standing::Resolved => Self::Resolved,
            Standing::Left => Self::Quiet,
        }
    }
}

/// A group as its message shows it.
pub fn of_group(group: &Group) -> AlertCard {
    let count = |standing| group.standing(standing).count();
    let counts = [
        (count(Standing::Firing), "firing"),
        (count(Standing::Resolved), "resolved"),
        (count(Standing::Left), "no longer sent"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect::<Vec<_>>();
    let mut members: Vec<&Member> = group.members.values().collect();
    members.sort_by_key(|member| {
        (
            order(member.standing),
            member.alert.starts_at,
            &member.alert.fingerprint,
        )
    });
    let mut lines: Vec<String> = members.iter().take(LISTED).map(|member| line(group, member)).collect();
    if members.len() > LISTED {
        lines.push(format!("and {} more; the console lists them", members.len() - LISTED));
    }
    let state = AlertState::from(group.stands());
    AlertCard {
        id: group.id.clone(),
        state,
        title: group.title(),
        counts: counts.join(", "),
        say: says(&group.annotations),
        labels: in_words(&besides_name(&group.labels)),
        lines,
        notes: notes(group),
        people: Vec::new(),
        buttons: Vec::new(),
        footer: footer(group),
    }
}

/// One line of a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the group is called.
    pub title: String,
    /// How it stands.
    pub state: AlertState,
}

/// Groups that had no room for a message each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storm {
    /// Ours.
    pub id: String,
    /// When it began.
    pub opened: Timestamp,
    /// How many groups fire.
    pub firing: u64,
    /// How many do not.
    pub over: u64,
    /// Some of them, those that fire first.
    pub lines: Vec<Line>,
}

/// Many groups as one message.
pub fn of_storm(storm: &Storm) -> AlertCard {
    let all = storm.firing + storm.over;
    let state = if storm.firing > 0 {
        AlertState::Firing
    } else {
        AlertState::Resolved
    };
    let mut lines: Vec<String> = storm
        .lines
        .iter()
        .take(GROUPS)
        .map(|line| format!("{} {}", line.state.symbol(), line.title))
        .collect();
    let more = all.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("and {more} more; the console lists them"));
    }
    AlertCard {
        id: storm.id.clone(),
        state,
        title: format!(
            "{all} more {}",
            if all == 1 {
                "group of alerts"
            } else {
                "groups of alerts"
            }
        ),
        counts: format!("{} firing, {} over", storm.firing, storm.over),
        say: "So many began at once that these have no message each. This one is kept up to date.".to_owned(),
        labels: String::new(),
        lines,
        notes: Vec::new(),
        people: Vec::new(),
        buttons: Vec::new(),
        footer: format!("since {}", clock(storm.opened)),
    }
}

fn order(standing: Standing) -> u8 {
    match standing {
        Standing::Firing => 0,
        Standing::Left => 1,
        Standing::Resolved => 2,
    }
}

/// An alert by what it does not have in common with the others, since when, and what is said of it alone.
fn line(group: &Group, member: &Member) -> String {
    let own = |all: &Words, common: &Words| -> Words {
        let own = all.iter().filter(|(name, _)| !common.contains_key(*name));
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let labels = in_words(&own(&member.alert.labels, &group.labels));
    let name = if labels.is_empty() {
        words(&member.alert)
    } else {
        labels
    };
    let said = says(&own(&member.alert.annotations, &group.annotations));
    let said = if said.is_empty() {
        said
    } else {
        format!(": {}", said.replace('\n', " "))
    };
    let state = AlertState::from(member.standing);
    let since = match (member.standing, member.alert.starts_at, member.alert.ends_at) {
        (Standing::Firing, Some(since), _) => format!("since {}", clock(since)),
        (Standing::Resolved, _, Some(at)) => format!("resolved at {}", clock(at)),
        (Standing::Left, ..) => format!("not sent since {}", clock(member.since)),
        _ => format!("since {}", clock(member.since)),
    };
    format!("{} {name}, {since}{said}", state.symbol())
}

/// What a rule's author wrote, summary first.
pub(super) fn says(annotations: &Words) -> String {
    let said = ["summary", "description", "message"]
        .iter()
        .filter_map(|name| annotations.get(*name));
    let mut said: Vec<&str> = said.map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    said.dedup();
    said.join("\n")
}

fn besides_name(labels: &Words) -> Words {
    let others = labels.iter().filter(|(name, _)| *name != "alertname");
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn notes(group: &Group) -> Vec<String> {
    let mut notes = Vec::new();
    let alerts = |count: u64| if count == 1 { "alert" } else { "alerts" };
    if group.truncated > 0 {
        notes.push(format!(
            "Alertmanager left {} {} out of what it sent (its `max_alerts`), so of those nothing is known here.",
            group.truncated,
            alerts(group.truncated)
        ));
    }
    if group.left_out > 0 {
        notes.push(format!(
            "{} {} more than are kept of one group were left out.",
            group.left_out,
            alerts(group.left_out)
        ));
    }
    if group.forgotten > 0 {
        notes.push(format!(
            "{} {} that are over are no longer listed.",
            group.forgotten,
            alerts(group.forgotten)
        ));
    }
    let cut: usize = group.members.values().map(|member| member.alert.cut).sum();
    if cut > 0 {
        notes.push(format!("{cut} labels or annotations are left out or shortened."));
    }
    notes
}

fn footer(group: &Group) -> String {
    let mut footer = format!("since {}", clock(group.began()));
    if let Some(ended) = group.ended {
        footer.push_str(&format!(", until {}", clock(ended)));
    }
    if !group.receiver.is_empty() {
        footer.push_str(&format!(", receiver {}", group.receiver));
    }
    if group.changes > 1 {
        footer.push_str(&format!(", {} changes", group.changes));
    }
    footer
}

/// A moment with its time zone.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
