//! What is asked about further accounts of a person: a code that one account asks for and another one brings back.
//!
//! A code stands for a person until it is used, so it is kept apart from every other request: nothing here can be stored
//! or printed with a code in it.

use super::{Account, Place};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;

/// Letters that nobody takes for one another when they read them from one screen and type them into another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Letters of a code, five bits each, and of each of its groups.
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// What is longer is no code, whatever it is.
const LONGEST: usize = 64;

/// The code that joins an account to a person.
#[derive(Clone)]
pub struct Code(SecretString);

impl Code {
    /// Made of sixty random bits.
    pub fn of_bits(bits: u64) -> Self {
        let letter = |at: usize| char::from(LETTERS[(bits >> (5 * at)) as usize & 31]);
        Self((0..LENGTH).map(letter).collect::<String>().into())
    }

    /// As somebody has typed it: the groups may be parted as one likes.
    pub fn typed(text: &str) -> Self {
        let letters = text.chars().filter(|letter| letter.is_ascii_alphanumeric());
        let letters = letters.take(LONGEST).map(|letter| letter.to_ascii_lowercase());
        Self(letters.collect::<String>().into())
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update("signalbox link ");
        hash.update(self.0.expose_secret());
        hex::encode(hash.finalize())
    }

    /// For the eyes of whoever asked for it.
    pub fn reveal(&self) -> String {
        let letters = self.0.expose_secret().as_bytes();
        let groups = letters.chunks(GROUP).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join("-")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.hash() == other.hash()
    }
}

impl Eq for Code {}

/// What is asked about linked accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkAsk {
    /// A code, by whoever is known.
    Begin,
    /// Whoever brings the code is the person who got it.
    Finish(Code),
    /// A code that others have read too.
    Overheard(Code),
    /// The accounts of this platform that were linked are no longer.
    Unlink,
}

impl LinkAsk {
    /// As it may be kept: without the code.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Begin => "link",
            Self::Finish(_) | Self::Overheard(_) => "link (a code)",
            Self::Unlink => "unlink",
        }
    }
}

/// A delivery that asks about linked accounts. It is answered at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkDelivery {
    /// Unique per platform event.
    pub id: String,
    /// What the body asked, as kept: no code is in it.
    pub kept: String,
    /// Who, as proved by the surface.
    pub account: Account,
    /// Where.
    pub place: Place,
    /// What.
    pub ask: LinkAsk,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_known_again_however_it_is_typed(bits: u64) {
            let code = Code::of_bits(bits);
            let shown = code.reveal();
            prop_assert_eq!(shown.len(), LENGTH + 2);
            for typed in [shown.clone(), shown.to_uppercase(), format!(" `{}` ", shown.replace('-', " "))] {
                prop_assert_eq!(&Code::typed(&typed), &code);
            }
            prop_assert_eq!(format!("{code:?}"), "Code(..)");
            let sixty = bits & ((1 << 60) - 1);
            prop_assert_eq!(Code::of_bits(sixty), code, "sixty bits count, and no others");
            prop_assert_ne!(Code::of_bits(bits ^ 1).hash(), Code::of_bits(bits).hash());
        }

        #[test]
        fn whatever_is_typed_is_bounded(text in "\\PC{0,200}") {
            prop_assert!(Code::typed(&text).0.expose_secret().len() <= LONGEST);
        }
    }
}
