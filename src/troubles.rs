//! What this process knows to be amiss with what it depends on, for those who keep the bot going: told on `/readyz` and in
//! the console until it is over.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that is amiss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What it is, what follows from it, and the way out.
    pub say: String,
}

/// All of it, by what it is about.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<BTreeMap<String, Trouble>>);

impl Troubles {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is amiss; true if that is new, or for another reason than before. How long it has been so stays.
    pub fn begin(&self, about: &str, since: Timestamp, say: String) -> bool {
        let mut known = self.known();
        match known.get_mut(about) {
            Some(trouble) => {
                let is_news = trouble.say != say;
                trouble.say = say;
                is_news
            }
            None => {
                known.insert(about.to_owned(), Trouble { since, say });
                true
            }
        }
    }

    /// It is over; true if it was not before.
    pub fn end(&self, about: &str) -> bool {
        self.known().remove(about).is_some()
    }

    /// What is amiss now.
    pub fn all(&self) -> Vec<Trouble> {
        self.known().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_from_its_beginning_to_its_end() {
        let troubles = Troubles::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(troubles.begin("socket", at(1), "closed".to_owned()));
        assert!(!troubles.begin("socket", at(2), "closed".to_owned()));
        assert!(troubles.begin("socket", at(3), "refused".to_owned()));
        let told = Trouble {
            since: at(1),
            say: "refused".to_owned(),
        };
        assert_eq!(troubles.all(), [told]);
        assert!(troubles.end("socket"));
        assert!(!troubles.end("socket"));
        assert!(troubles.all().is_empty());
    }
}
