//! Answers of `suggest` calls: one call at a time for the same question, a few in all, and what the last ones said.

use crate::runbook::input::choice::Choice;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};

/// Calls under way at the same time; steps and looks of runs need their connections more.
const AT_ONCE: usize = 2;

/// Inputs of which choices are kept, and choices of each.
const INPUTS: usize = 64;
const CHOICES: usize = 200;

/// Older than this nothing is offered.
const OLDEST: SignedDuration = SignedDuration::from_mins(15);

/// An input of a runbook as it is written now: after an edit it is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) runbook: String,
    pub(super) hash: String,
    pub(super) input: String,
}

/// What a call came to: choices, or nothing that is of use.
pub(super) type Answer = Option<Vec<Choice>>;

/// An answer that is there, or still under way.
pub(super) type Awaited = watch::Receiver<Option<Answer>>;

/// Choices with the time at which they were seen.
#[derive(Debug, Default)]
struct Kept {
    choices: Vec<(Choice, Timestamp)>,
}

/// What is known of suggestions, in one process.
#[derive(Debug)]
pub struct Suggestions {
    kept: Mutex<BTreeMap<Key, Kept>>,
    under_way: Mutex<BTreeMap<(Key, String), Awaited>>,
    pub(super) room: Arc<Semaphore>,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            under_way: Mutex::default(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever asks first makes the call; the others wait for its answer.
pub(super) enum Turn {
    /// Make it.
    Call(Call),
    /// It is under way.
    Wait(Awaited),
}

/// The right to make a call. However it ends, others may ask the same again afterwards.
pub(super) struct Call {
    suggestions: Arc<Suggestions>,
    question: (Key, String),
    tell: watch::Sender<Option<Answer>>,
}

impl Call {
    pub(super) fn typed(&self) -> &str {
        &self.question.1
    }

    pub(super) fn answer(&self) -> Awaited {
        self.tell.subscribe()
    }

    /// Tells the choices, and whether there are more than these.
    pub(super) fn end(self, found: Option<(Vec<Choice>, bool)>, now: Timestamp) {
        if let Some((choices, cut)) = &found {
            let (key, typed) = &self.question;
            self.suggestions.keep(key, typed, choices, *cut, now);
        }
        self.tell.send_replace(Some(found.map(|(choices, _)| choices)));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        locked(&self.suggestions.under_way).remove(&self.question);
    }
}

impl Suggestions {
    pub(super) fn turn(self: &Arc<Self>, key: &Key, typed: &str) -> Turn {
        let question = (key.clone(), typed.to_owned());
        let mut under_way = locked(&self.under_way);
        if let Some(answer) = under_way.get(&question) {
            return Turn::Wait(answer.clone());
        }
        let (tell, answer) = watch::channel(None);
        under_way.insert(question.clone(), answer);
        Turn::Call(Call {
            suggestions: self.clone(),
            question,
            tell,
        })
    }

    /// Keeps what a call said. What it should have said too and did not is gone.
    fn keep(&self, key: &Key, typed: &str, choices: &[Choice], cut: bool, now: Timestamp) {
        let mut all = locked(&self.kept);
        if all.len() >= INPUTS && !all.contains_key(key) {
            let newest = |kept: &Kept| kept.choices.iter().map(|(_, at)| *at).max();
            let oldest = all
                .iter()
                .min_by_key(|(_, kept)| newest(kept))
                .map(|(key, _)| key.clone());
            oldest.and_then(|key| all.remove(&key));
        }
        let kept = all.entry(key.clone()).or_default();
        kept.choices.retain(|(old, at)| {
            let told_again = choices.iter().any(|choice| choice.value == old.value);
            let gone = !cut && old.fits(typed);
            !told_again && !gone && now.duration_since(*at) < OLDEST
        });
        kept.choices
            .splice(0..0, choices.iter().map(|choice| (choice.clone(), now)));
        kept.choices.truncate(CHOICES);
    }

    /// What fits of the choices that are kept, and the age of the oldest of them.
    pub(super) fn known(
        &self,
        key: &Key,
        typed: &str,
        most: usize,
        now: Timestamp,
    ) -> (Vec<Choice>, Option<SignedDuration>) {
        let all = locked(&self.kept);
        let fitting: Vec<_> = all
            .get(key)
            .into_iter()
            .flat_map(|kept| &kept.choices)
            .filter(|(choice, at)| choice.fits(typed) && now.duration_since(*at) < OLDEST)
            .take(most)
            .collect();
        let age = fitting.iter().map(|(_, at)| now.duration_since(*at)).max();
        (fitting.into_iter().map(|(choice, _)| choice.clone()).collect(), age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(input: usize) -> Key {
        Key {
            runbook: "pick".to_owned(),
            hash: "1".to_owned(),
            input: input.to_string(),
        }
    }

    fn choices(values: std::ops::Range<usize>) -> Vec<Choice> {
        let choice = |value: usize| Choice {
            value: value.to_string(),
            label: format!("order {value}"),
        };
        values.map(choice).collect()
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let suggestions = Suggestions::default();
        let now = Timestamp::UNIX_EPOCH;
        for input in 0..=INPUTS {
            let at = now + SignedDuration::from_secs(input as i64);
            suggestions.keep(&key(input), "", &choices(0..300), true, at);
        }
        let known = |input: usize, at: Timestamp| suggestions.known(&key(input), "", 1000, at);
        // The one that was seen last the longest ago made room.
        assert_eq!(known(0, now), (Vec::new(), None));
        let (kept, age) = known(1, now + SignedDuration::from_secs(31));
        assert_eq!((kept.len(), age), (CHOICES, Some(SignedDuration::from_secs(30))));
        assert!(known(1, now + SignedDuration::from_mins(16)).0.is_empty());
        // An edited runbook asks anew.
        let edited = Key {
            hash: "2".to_owned(),
            ..key(1)
        };
        assert!(suggestions.known(&edited, "", 1000, now).0.is_empty());
    }

    #[test]
    fn what_is_no_longer_told_is_gone_unless_the_list_was_cut() {
        for (cut, left) in [(false, 2), (true, 11)] {
            let suggestions = Suggestions::default();
            suggestions.keep(&key(0), "", &choices(10..20), true, Timestamp::UNIX_EPOCH);
            suggestions.keep(&key(0), "1", &choices(19..21), cut, Timestamp::UNIX_EPOCH);
            let (kept, _) = suggestions.known(&key(0), "", 100, Timestamp::UNIX_EPOCH);
            assert_eq!(kept.len(), left, "{kept:?}");
            assert_eq!(kept[0].value, "19");
        }
    }
}
