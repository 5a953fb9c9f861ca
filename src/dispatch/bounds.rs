//! How much at once: how often a person may ask, and what one person and one runbook may have under way or waiting. Beyond
//! it the answer is a sentence, at once, and nothing is looked at.

use crate::config::Limits;
use crate::store::lists::OpenRuns;
use crate::store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Open runs that are far fewer than may be are counted so seldom, for each person and runbook.
const COUNTED_ANEW: Duration = Duration::from_millis(500);

/// More runs than can begin meanwhile, on all replicas together.
const FAR: i64 = 400;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Holds everybody to the limits.
#[derive(Debug)]
pub struct Bounds {
    limits: Limits,
    asked: Mutex<BTreeMap<String, VecDeque<Timestamp>>>,
    beginning: Arc<Mutex<BTreeMap<Whose, i64>>>,
    counted: Mutex<HashMap<(String, String), (Instant, OpenRuns)>>,
}

/// Whose runs are counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Person(String),
    Runbook(String),
}

/// Room for one more run, from before its looks until it is stored: two that are asked for at once do not both get the
/// last place.
#[derive(Debug)]
pub struct Room {
    whose: [Whose; 2],
    beginning: Arc<Mutex<BTreeMap<Whose, i64>>>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut beginning = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in &self.whose {
            if let Some(count) = beginning.get_mut(whose) {
                *count -= 1;
                if *count == 0 {
                    beginning.remove(whose);
                }
            }
        }
    }
}

impl Bounds {
    /// Nobody has asked yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            asked: Mutex::default(),
            beginning: Arc::default(),
            counted: Mutex::default(),
        }
    }

    /// Counts a request. The error is the sentence for whoever asks too often; such a request is not counted.
    pub fn ask(&self, person: &str, now: Timestamp) -> Result<(), String> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(person.to_owned()).or_default();
        while times.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            times.pop_front();
        }
        let most = self.limits.person_per_minute;
        if times.len() >= most as usize {
            let free = times
                .front()
                .map_or(MINUTE, |first| MINUTE - now.duration_since(*first));
            return Err(format!(
                "You have asked {} times within a minute, and {most} are the most. Nothing was done; ask again in {} s.",
                times.len(),
                free.as_secs() + 1
            ));
        }
        times.push_back(now);
        Ok(())
    }

    /// Room for one more run of this person and runbook. The inner error is the sentence that says why there is none.
    pub async fn room(&self, store: &Store, person: &str, runbook: &str) -> Result<Result<Room, String>, StoreError> {
        let whose = [Whose::Person(person.to_owned()), Whose::Runbook(runbook.to_owned())];
        let (room, [of_person, of_runbook]) = self.reserve(whose);
        let stored = match self.counted_lately(person, runbook) {
            Some(far_from_it) => far_from_it,
            None => {
                let counted = store.open_runs(person, runbook).await?;
                self.count(person, runbook, counted);
                counted
            }
        };
        let (of_person, of_runbook) = (stored.of_person + of_person, stored.of_runbook + of_runbook);
        let most = i64::from(self.limits.person_open);
        if of_person > most {
            return Ok(Err(format!(
                "You have {} runs under way or waiting, and {most} are the most for one person. Nothing was done. `runs` \
                 lists them: wait until one has ended, or stop one.",
                of_person - 1
            )));
        }
        let most = i64::from(self.limits.runbook_open);
        if of_runbook > most {
            return Ok(Err(format!(
                "{} runs of {runbook} are under way or waiting, and {most} are the most for one runbook. Nothing was done. \
                 `runs` lists them: wait until one has ended, or stop one.",
                of_runbook - 1
            )));
        }
        Ok(Ok(room))
    }

    /// What was counted a moment ago, where that is far from the limits: no more than a few can have come since.
    fn counted_lately(&self, person: &str, runbook: &str) -> Option<OpenRuns> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, open) = counted.get(&(person.to_owned(), runbook.to_owned()))?;
        let far = |open: i64, most: u32| i64::from(most) - open >= FAR;
        (at.elapsed() < COUNTED_ANEW
            && far(open.of_person, self.limits.person_open)
            && far(open.of_runbook, self.limits.runbook_open))
        .then_some(*open)
    }

    fn count(&self, person: &str, runbook: &str, open: OpenRuns) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, (at, _)| at.elapsed() < COUNTED_ANEW);
        counted.insert((person.to_owned(), runbook.to_owned()), (Instant::now(), open));
    }

    /// Counted before the store is asked, so that whoever asks at the same time is seen.
    fn reserve(&self, whose: [Whose; 2]) -> (Room, [i64; 2]) {
        let mut beginning = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = whose.each_ref().map(|whose| {
            let count = beginning.entry(whose.clone()).or_default();
            *count += 1;
            *count
        });
        let room = Room {
            whose,
            beginning: self.beginning.clone(),
        };
        (room, counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn who_asks_too_often_is_told_when_to_ask_again_and_others_are_not_kept() {
        let bounds = Bounds::new(Limits {
            person_per_minute: 3,
            ..Limits::default()
        });
        for second in [0, 10, 20] {
            assert_eq!(bounds.ask("dana", at(second)), Ok(()));
        }
        insta::assert_snapshot!(bounds.ask("dana", at(30)).unwrap_err(), @"You have asked 3 times within a minute, and 3 are the most. Nothing was done; ask again in 31 s.");
        assert_eq!(bounds.ask("lee", at(30)), Ok(()));
        assert_eq!(bounds.ask("dana", at(60)), Ok(()), "the first one is a minute old");
        assert!(bounds.ask("dana", at(61)).is_err());
    }
}
