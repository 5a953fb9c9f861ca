//! Places at the gate, of which one person may have so many: whose looks hang must not keep everybody else waiting.

use crate::store::turns::Allowance;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Who has how many places, by which accounts.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<BTreeMap<String, Taken>>);

#[derive(Debug, Default)]
struct Taken {
    places: usize,
    accounts: Vec<String>,
}

/// A place at the gate; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    person: String,
    turns: Arc<Turns>,
}

impl Turns {
    /// What each account may take now, where each person may have `each` places. What somebody asks by another account
    /// meanwhile is seen when it is taken.
    pub(super) fn allowance(&self, each: usize) -> Allowance {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.values().flat_map(|one| {
            let left = each.saturating_sub(one.places) as i64;
            one.accounts.iter().map(move |account| (account.clone(), left))
        });
        Allowance {
            each: each as i64,
            left: left.collect(),
        }
    }

    /// A place for a request; none where its person has all of theirs.
    pub(super) fn take(self: &Arc<Self>, each: usize, person: &str, account: &str) -> Option<Turn> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = taken.entry(person.to_owned()).or_default();
        if !one.accounts.iter().any(|known| known == account) {
            one.accounts.push(account.to_owned());
        }
        if one.places >= each {
            return None;
        }
        one.places += 1;
        Some(Turn {
            person: person.to_owned(),
            turns: self.clone(),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = taken.get_mut(&self.person) {
            one.places -= 1;
            if one.places == 0 {
                taken.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: usize = 4;

    #[test]
    fn a_person_has_so_many_places_whatever_the_account() {
        let turns = Arc::new(Turns::default());
        let mut places: Vec<Turn> = (0..EACH - 1)
            .filter_map(|_| turns.take(EACH, "dana", "slack"))
            .collect();
        assert_eq!(places.len(), EACH - 1);
        assert_eq!(turns.allowance(EACH).left, [("slack".to_owned(), 1)]);
        places.extend(turns.take(EACH, "dana", "console"));
        assert!(turns.take(EACH, "dana", "slack").is_none());
        assert!(turns.take(EACH, "lee", "slack of lee").is_some());
        let full = turns.allowance(EACH).left;
        assert_eq!(full, [("slack".to_owned(), 0), ("console".to_owned(), 0)]);
        places.clear();
        assert!(turns.allowance(EACH).left.is_empty(), "who has no place is forgotten");
    }
}
