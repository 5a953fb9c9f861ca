//! Further accounts of a person, which that person has proved by a code. What `people.toml` says of an account comes
//! first, and a link lasts no longer than what it was proved by.

use super::{People, Person};
use crate::request::Account;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Whose an account is, beside `people.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The name in `people.toml`.
    pub person: String,
    /// The account of `people.toml` that asked for the code.
    pub origin: Account,
    /// When it was proved.
    pub since: Timestamp,
}

/// All links, by the linked account.
pub type Links = HashMap<Account, Link>;

/// How an account is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<'p> {
    /// `people.toml` says so.
    InFile(&'p Person),
    /// The person has linked it.
    Linked(&'p Person),
    /// It is nobody's.
    Nobody,
}

impl People {
    /// The same people, with these further accounts and no others.
    pub fn linked(&self, links: &Links) -> Self {
        let mut people = self.clone();
        people.links = Arc::new(links.clone());
        people
    }

    /// How an account is known.
    pub fn known(&self, account: &Account) -> Known<'_> {
        match self.who(account) {
            Some(person) if account.is_of_chat() && !self.accounts.contains_key(account) => Known::Linked(person),
            Some(person) => Known::InFile(person),
            None => Known::Nobody,
        }
    }

    /// Whether `people.toml` itself says that an account is this person's.
    pub fn is_in_file(&self, account: &Account, person: &str) -> bool {
        self.accounts.get(account).is_some_and(|owner| owner == person)
    }

    /// The accounts that `people.toml` says are a person's.
    pub fn accounts_of(&self, person: &str) -> Vec<&Account> {
        let own = self.accounts.iter().filter(|(_, owner)| *owner == person);
        let mut own: Vec<&Account> = own.map(|(account, _)| account).collect();
        own.sort_by_key(|account| account.to_string());
        own
    }

    /// The linked accounts, also those that count for nothing.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Why a link counts for nothing; none if it counts.
    pub fn void(&self, account: &Account, link: &Link) -> Option<String> {
        if let Some(owner) = self.accounts.get(account) {
            return Some(format!("people.toml says that it is {owner}'s"));
        }
        if !self.persons.contains_key(&link.person) {
            return Some(format!("{} is no longer in people.toml", link.person));
        }
        let is_proved = self.is_in_file(&link.origin, &link.person);
        let say = || format!("the {} is no longer {}'s in people.toml", link.origin, link.person);
        (!is_proved).then(say)
    }

    /// The name behind an account of a platform or of the machine.
    pub(super) fn holder(&self, account: &Account) -> Option<&str> {
        if let Some(owner) = self.accounts.get(account) {
            return Some(owner);
        }
        let link = self.links.get(account)?;
        self.void(account, link).is_none().then_some(link.person.as_str())
    }
}
