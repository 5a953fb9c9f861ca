//! A group of alerts from its first firing to its end, as a pure function of the notifications that came.
//!
//! Alertmanager sends all alerts of a group each time, repeats them every few hours, and a pair of Alertmanagers may both
//! send. So what counts is what a notification says that was not so before. An alert that is no longer sent is silenced,
//! inhibited or gone, and nobody told that it resolved: it has left.

use super::group_id;
use super::notification::{Alert, MOST_ALERTS, Notification, Words};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A group that fires again this soon after its end goes on: it is the same trouble, flapping. Alertmanager's own
/// `group_interval` is as long.
pub const SAME_TROUBLE: SignedDuration = SignedDuration::from_mins(5);

/// One of a pair may tell that an alert fires after the other has told that it is over: that is no news for so long.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// An alert that one of a pair no longer sends is the other's, until nobody has told of it for so long.
const OTHERS: SignedDuration = SignedDuration::from_mins(10);

/// Alerts that are over and still listed.
const OVER: usize = 50;

/// Changes that are listed.
const HISTORY: usize = 40;

/// Changes told in the thread within a span of time; more are noise.
const TOLD: usize = 12;
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// Names in one sentence.
const NAMES: usize = 8;

/// How one alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It fires.
    Firing,
    /// It was told to be over.
    Resolved,
    /// It is no longer sent: silenced, inhibited or gone.
    Left,
}

/// One alert of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// As it was told last.
    pub alert: Alert,
    /// How it stands.
    pub standing: Standing,
    /// Since when it stands so, by our clock.
    pub since: Timestamp,
    /// When it was told of last.
    pub heard: Timestamp,
    /// Who told of it last.
    pub by: String,
}

/// A group of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Ours.
    pub id: String,
    /// The hash of Alertmanager's own key.
    pub key: String,
    /// Alertmanager's name for where it is sent.
    pub receiver: String,
    /// What its alerts were grouped by.
    pub group_labels: Words,
    /// What all its alerts have in common.
    pub labels: Words,
    /// What all its alerts have in common.
    pub annotations: Words,
    /// By fingerprint.
    pub members: BTreeMap<String, Member>,
    /// When it was first told of.
    pub opened: Timestamp,
    /// When it changed last.
    pub changed: Timestamp,
    /// When nothing of it fired any more; none while something does.
    pub ended: Option<Timestamp>,
    /// Alerts that Alertmanager left out of the last notification.
    pub truncated: u64,
    /// Alerts that we left out of it.
    pub left_out: u64,
    /// Alerts that are over and no longer listed.
    pub forgotten: u64,
    /// What changed, newest last.
    pub history: VecDeque<(Timestamp, String)>,
    /// How many changes there were.
    pub changes: u64,
    /// When the thread was told of changes.
    pub told: VecDeque<Timestamp>,
    /// Who has seen it, and when.
    #[serde(default)]
    pub acknowledged: Option<(String, Timestamp)>,
    /// Who has taken it on, or was given it, and when.
    #[serde(default)]
    pub taken: Option<(String, Timestamp)>,
    /// Who has given it to whoever has it.
    #[serde(default)]
    pub given_by: Option<String>,
    /// How often it has begun to fire.
    #[serde(default)]
    pub firings: u64,
    /// Rules that ask for nothing more on its account, for they have asked too often.
    #[serde(default)]
    pub held_back: BTreeSet<String>,
}

/// What a notification changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What people see differs from before.
    pub shown: bool,
    /// It is to be kept, be it only that it was heard of again.
    pub kept: bool,
    /// What is told in the thread, in words.
    pub news: Option<String>,
    /// Nothing of it fires any more, and something did.
    pub ended: bool,
    /// Alerts that have begun to fire, by their fingerprints.
    pub began: BTreeSet<String>,
}

/// Names of alerts by what became of them.
#[derive(Default)]
struct News {
    joined: Vec<String>,
    again: Vec<String>,
    resolved: Vec<String>,
    left: Vec<String>,
    began: BTreeSet<String>,
}

impl Group {
    /// The group that a first notification begins; none where nothing of it fires, so that there is nothing to tell.
    pub fn open(notification: &Notification, now: Timestamp) -> Option<Self> {
        notification.alerts.iter().find(|alert| alert.firing)?;
        let mut group = Self {
            id: group_id(&notification.key, now.as_microsecond()),
            key: notification.key.clone(),
            receiver: String::new(),
            group_labels: Words::new(),
            labels: Words::new(),
            annotations: Words::new(),
            members: BTreeMap::new(),
            opened: now,
            changed: now,
            ended: None,
            truncated: 0,
            left_out: 0,
            forgotten: 0,
            history: VecDeque::new(),
            changes: 0,
            told: VecDeque::new(),
            acknowledged: None,
            taken: None,
            given_by: None,
            firings: 0,
            held_back: BTreeSet::new(),
        };
        group.apply(notification, now);
        // That it began is told by the message itself.
        group.told.clear();
        Some(group)
    }

    /// Whether a notification goes on with this group, or begins a new one.
    pub fn goes_on(&self, notification: &Notification, now: Timestamp) -> bool {
        let Some(ended) = self.ended else { return true };
        // What is over is no trouble that began: a late word of the end belongs to what has ended.
        let begins = notification
            .alerts
            .iter()
            .any(|alert| alert.firing && !self.is_late(alert, &notification.sender, now));
        !begins || now.duration_since(ended) <= SAME_TROUBLE
    }

    /// Takes a notification in.
    pub fn apply(&mut self, notification: &Notification, now: Timestamp) -> Change {
        let before = self.seen();
        let fired = self.ended.is_none() && !self.members.is_empty();
        let mut news = News::default();
        for alert in &notification.alerts {
            self.take(alert, &notification.sender, now, &mut news);
        }
        let is_whole = notification.truncated == 0 && notification.left_out == 0;
        if is_whole {
            self.miss(notification, now, &mut news);
        }
        self.forget();
        self.receiver.clone_from(&notification.receiver);
        self.group_labels.clone_from(&notification.group_labels);
        self.labels.clone_from(&notification.labels);
        self.annotations.clone_from(&notification.annotations);
        self.truncated = notification.truncated;
        self.left_out = notification.left_out;
        let fires = self.firing().next().is_some();
        let ended = fired && !fires;
        self.ended = if fires { None } else { self.ended.or(Some(now)) };
        self.firings += u64::from(fires && !fired);
        let mut change = Change {
            kept: true,
            ended,
            began: std::mem::take(&mut news.began),
            ..Change::default()
        };
        if let Some(words) = news.words(self) {
            self.changes += 1;
            self.changed = now;
            self.history.push_back((now, words.clone()));
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
            change.news = self.tells(words, now);
        }
        change.shown = before != self.seen();
        change
    }

    /// Somebody has seen it; gives the words for the thread. None where it is over, or somebody has seen it before.
    pub fn acknowledge(&mut self, person: &str, now: Timestamp) -> Option<String> {
        if self.ended.is_some() || self.acknowledged.is_some() {
            return None;
        }
        self.acknowledged = Some((person.to_owned(), now));
        Some(self.did(format!("{person} has acknowledged it."), now))
    }

    /// Somebody takes it on, perhaps from another one; gives the words for the thread. None where it is theirs already.
    pub fn take_on(&mut self, person: &str, now: Timestamp) -> Option<String> {
        if self.taken.as_ref().is_some_and(|(taken, _)| taken == person) {
            return None;
        }
        self.taken = Some((person.to_owned(), now));
        self.given_by = None;
        Some(self.did(format!("{person} has taken it on."), now))
    }

    /// Somebody is given it by somebody else, perhaps instead of another one; gives the words for the thread. None where it
    /// is theirs already, or where nothing of it fires any more.
    pub fn assign(&mut self, to: &str, by: &str, now: Timestamp) -> Option<String> {
        let has_it = self.taken.as_ref().is_some_and(|(taken, _)| taken == to);
        if self.ended.is_some() || has_it {
            return None;
        }
        self.taken = Some((to.to_owned(), now));
        self.given_by = Some(by.to_owned());
        Some(self.did(format!("{by} has given it to {to}."), now))
    }

    /// Notes what was done.
    pub fn did(&mut self, words: String, now: Timestamp) -> String {
        self.changes += 1;
        self.history.push_back((now, words.clone()));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        words
    }

    /// Alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = &Member> {
        self.standing(Standing::Firing)
    }

    /// Alerts that stand so.
    pub fn standing(&self, standing: Standing) -> impl Iterator<Item = &Member> {
        self.members.values().filter(move |member| member.standing == standing)
    }

    /// How the group stands as a whole.
    pub fn stands(&self) -> Standing {
        if self.ended.is_none() {
            Standing::Firing
        } else if self.standing(Standing::Left).next().is_some() {
            Standing::Left
        } else {
            Standing::Resolved
        }
    }

    /// What the group is called.
    pub fn title(&self) -> String {
        let name = self
            .labels
            .get("alertname")
            .or_else(|| self.group_labels.get("alertname"));
        if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
            return name.clone();
        }
        let labels = in_words(&self.group_labels);
        if labels.is_empty() {
            "Alerts without a name".to_owned()
        } else {
            labels
        }
    }

    /// When the first of its alerts that fire, or did, began.
    pub fn began(&self) -> Timestamp {
        let begins = self.members.values().filter_map(|member| member.alert.starts_at);
        begins.min().unwrap_or(self.opened)
    }

    fn take(&mut self, alert: &Alert, sender: &str, now: Timestamp, news: &mut News) {
        if self.is_late(alert, sender, now) {
            return;
        }
        let standing = if alert.firing {
            Standing::Firing
        } else {
            Standing::Resolved
        };
        let Some(known) = self.members.get_mut(&alert.fingerprint) else {
            if self.members.len() >= MOST_ALERTS + OVER {
                self.forgotten += 1;
                return;
            }
            // What was over before we heard of it is listed, and is no news.
            if alert.firing {
                news.joined.push(words(alert));
                news.began.insert(alert.fingerprint.clone());
            }
            let member = Member {
                alert: alert.clone(),
                standing,
                since: now,
                heard: now,
                by: sender.to_owned(),
            };
            self.members.insert(alert.fingerprint.clone(), member);
            return;
        };
        // The end of an earlier time that it fired, told late.
        if !alert.firing && known.standing == Standing::Firing && alert.starts_at < known.alert.starts_at {
            return;
        }
        match (known.standing, standing) {
            (Standing::Firing, Standing::Resolved) => news.resolved.push(words(alert)),
            (Standing::Resolved | Standing::Left, Standing::Firing) => {
                news.again.push(words(alert));
                news.began.insert(alert.fingerprint.clone());
            }
            _ => {}
        }
        if known.standing != standing {
            known.since = now;
        }
        known.standing = standing;
        known.alert = alert.clone();
        known.heard = now;
        sender.clone_into(&mut known.by);
    }

    /// Whether the other one of a pair tells late what is over already.
    fn is_late(&self, alert: &Alert, sender: &str, now: Timestamp) -> bool {
        let Some(known) = self.members.get(&alert.fingerprint) else {
            return false;
        };
        alert.firing
            && known.standing == Standing::Resolved
            && known.by != sender
            && known.alert.starts_at == alert.starts_at
            && now.duration_since(known.since) < LATE
    }

    /// Alerts that are not in a whole notification have left.
    fn miss(&mut self, notification: &Notification, now: Timestamp, news: &mut News) {
        let told: BTreeSet<&str> = notification
            .alerts
            .iter()
            .map(|alert| alert.fingerprint.as_str())
            .collect();
        for (fingerprint, member) in &mut self.members {
            let is_ours = member.by == notification.sender || now.duration_since(member.heard) > OTHERS;
            if member.standing == Standing::Firing && is_ours && !told.contains(fingerprint.as_str()) {
                member.standing = Standing::Left;
                member.since = now;
                news.left.push(words(&member.alert));
            }
        }
    }

    /// Of what is over the latest stay listed.
    fn forget(&mut self) {
        let over = self
            .members
            .iter()
            .filter(|(_, member)| member.standing != Standing::Firing);
        let mut over: Vec<(Timestamp, String)> = over.map(|(name, member)| (member.since, name.clone())).collect();
        if over.len() <= OVER {
            return;
        }
        over.sort();
        for (_, fingerprint) in &over[..over.len() - OVER] {
            self.members.remove(fingerprint);
            self.forgotten += 1;
        }
    }

    /// What the thread is told: a group that changes all the time is told of so, once.
    fn tells(&mut self, words: String, now: Timestamp) -> Option<String> {
        self.told.retain(|at| now.duration_since(*at) < TOLD_WITHIN);
        if self.told.len() >= TOLD {
            return None;
        }
        self.told.push_back(now);
        Some(if self.told.len() == TOLD {
            let minutes = TOLD_WITHIN.as_mins();
            format!(
                "{words}\nIt changes often. The next changes are in the message and in the console, and here again when {minutes} minutes have fewer of them."
            )
        } else {
            words
        })
    }

    /// All that people see of it, to be compared.
    fn seen(&self) -> impl PartialEq + use<> {
        let members: Vec<(Alert, Standing)> = self
            .members
            .values()
            .map(|member| (member.alert.clone(), member.standing))
            .collect();
        (
            members,
            self.labels.clone(),
            self.annotations.clone(),
            self.truncated,
            self.left_out,
            self.ended,
        )
    }
}

impl News {
    /// None where there is no news.
    fn words(&self, group: &Group) -> Option<String> {
        let parts = [
            ("Fires", &self.joined),
            ("Fires again", &self.again),
            ("Resolved", &self.resolved),
            ("No longer sent (silenced, inhibited or gone)", &self.left),
        ];
        let mut lines: Vec<String> = Vec::new();
        for (what, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            let more = names.len().saturating_sub(NAMES);
            let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join("; ");
            let more = if more > 0 {
                format!("; and {more} more")
            } else {
                String::new()
            };
            lines.push(format!("{what}: {shown}{more}."));
        }
        if lines.is_empty() {
            return None;
        }
        if group.firing().next().is_none() {
            lines.push("Nothing of this group fires any more.".to_owned());
        }
        Some(lines.join("\n"))
    }
}

/// An alert in a few words: its name and what tells it from others.
pub fn words(alert: &Alert) -> String {
    let labels: Words = alert
        .labels
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "alertname" | "severity"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let labels = in_words(&labels);
    let name = alert.name();
    if labels.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({labels})")
    }
}

/// `job=shop, severity=critical`, at most a line of it.
pub fn in_words(labels: &Words) -> String {
    const LINE: usize = 200;
    let mut line = String::new();
    for (index, (name, value)) in labels.iter().enumerate() {
        let more = labels.len() - index;
        if line.chars().count() > LINE {
            line.push_str(&format!(", and {more} more"));
            break;
        }
        if index > 0 {
            line.push_str(", ");
        }
        line.push_str(&format!("{name}={value}"));
    }
    line
}
