//! One person over platforms: a code that a known account asks for, and that another account brings back. It is answered
//! at once, so that a code is never stored; what it comes to is in force before it is told.

use super::Desk;
use super::asked::unknown;
use crate::policy::identity::Known;
use crate::request::link::{Code, LinkAsk, LinkDelivery};
use crate::request::{Account, Surface};
use crate::store::StoreError;
use crate::store::links::{CODE_LIVES, Finished, Linked, MOST, TRIES_WITHIN};
use jiff::Timestamp;
use std::time::Duration;

/// The platforms give three seconds.
const PATIENCE: Duration = Duration::from_millis(2300);

/// Who takes links away that count for nothing.
const OURSELVES: &str = "signalbox";

/// What is told to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkReply {
    /// These words.
    Said(String),
    /// The same delivery was answered before; a second answer could be to somebody who has copied it.
    Before,
}

impl Desk {
    /// Answers what is asked about linked accounts.
    pub async fn link(&self, delivery: &LinkDelivery) -> LinkReply {
        let answered = tokio::time::timeout(PATIENCE, self.linked(delivery));
        match answered.await {
            Ok(Ok(Linked::Now(say))) => LinkReply::Said(say),
            Ok(Ok(Linked::Before)) => LinkReply::Before,
            Ok(Err(error)) => {
                tracing::error!(account = %delivery.account, %error, "what is asked about linked accounts cannot be kept");
                LinkReply::Said(NOT_KEPT.to_owned())
            }
            Err(_) => LinkReply::Said(NOT_KEPT.to_owned()),
        }
    }

    /// Puts in force which accounts are linked now.
    pub async fn refresh_links(&self) -> Result<(), StoreError> {
        self.rules.link(self.store.links().await?);
        Ok(())
    }

    /// The same for a request by an account that no file names: its link may be a moment old, or gone since a moment.
    pub(super) async fn refresh_links_for(&self, account: &Account) -> Result<(), StoreError> {
        let is_in_file = matches!(self.rules.now().people.known(account), Known::InFile(_));
        if account.is_of_chat() && !is_in_file {
            self.refresh_links().await?;
        }
        Ok(())
    }

    /// Takes links away that count for nothing, so that they do not come back to life with a later edit of the file.
    pub async fn drop_void_links(&self) -> Result<(), StoreError> {
        let rules = self.rules.now();
        let people = &rules.people;
        let void = people.links().iter().filter_map(|(account, link)| {
            let why = people.void(account, link)?;
            Some((account.clone(), why))
        });
        let void: Vec<(Account, String)> = void.collect();
        for (account, why) in &void {
            let accounts = std::slice::from_ref(account);
            let now = Timestamp::now();
            self.store.unlink(None, accounts, OURSELVES, why, now).await?;
            tracing::warn!(%account, why, "a linked account was taken away");
        }
        if !void.is_empty() {
            self.refresh_links().await?;
        }
        Ok(())
    }

    async fn linked(&self, delivery: &LinkDelivery) -> Result<Linked<String>, StoreError> {
        self.refresh_links().await?;
        let said = match &delivery.ask {
            LinkAsk::Begin => self.begin_link(delivery).await?,
            LinkAsk::Finish(code) => self.finish_link(delivery, code).await?,
            LinkAsk::Overheard(code) => {
                let spoiled = self.store.spoil_link(delivery, &code.hash(), Timestamp::now()).await?;
                spoiled.map(|()| {
                    let say = "Everybody here could read that code, so it counts no more. Type `/signalbox link` where \
                               Signalbox knows you for a new one, and bring it back by the slash command, which nobody \
                               else sees.";
                    say.to_owned()
                })
            }
            LinkAsk::Unlink => self.unlink(delivery).await?,
        };
        self.refresh_links().await?;
        Ok(said)
    }

    async fn begin_link(&self, delivery: &LinkDelivery) -> Result<Linked<String>, StoreError> {
        let rules = self.rules.now();
        let person = match rules.people.known(&delivery.account) {
            Known::InFile(person) => person,
            Known::Linked(person) => {
                return Ok(Linked::Now(format!(
                    "This account was linked itself, to {}. Ask for a code from the account that people.toml names.",
                    person.name
                )));
            }
            Known::Nobody => return Ok(Linked::Now(unknown(&delivery.account))),
        };
        let now = Timestamp::now();
        if let Err(say) = self.bounds.ask(&person.name, now) {
            return Ok(Linked::Now(say));
        }
        let code = Code::of_bits(rand::random());
        let offered = self.store.offer_link(delivery, &code.hash(), &person.name, now).await?;
        Ok(offered.map(|()| {
            format!(
                "From your account on {}, within {} minutes, type:\n/signalbox link {}\nThat account is yours then, {}. \
                 Show the code to nobody: whoever brings it acts as you.",
                other(delivery.place.surface),
                CODE_LIVES.as_mins(),
                code.reveal(),
                person.name
            )
        }))
    }

    async fn finish_link(&self, delivery: &LinkDelivery, code: &Code) -> Result<Linked<String>, StoreError> {
        let rules = self.rules.now();
        if let Known::InFile(person) | Known::Linked(person) = rules.people.known(&delivery.account) {
            let say = format!(
                "The {} is {}'s already. Nothing was changed, and the code is still good.",
                delivery.account, person.name
            );
            return Ok(Linked::Now(say));
        }
        let stands = |person: &str, origin: &Account| rules.people.is_in_file(origin, person);
        let (hash, now) = (code.hash(), Timestamp::now());
        let finished = self.store.finish_link(delivery, &hash, stands, now).await?;
        let here = delivery.place.surface;
        Ok(finished.map(|finished| match finished {
            Finished::Joined(person) => format!(
                "The {} is yours now, {person}: it may do what people.toml lets you do, and no more. `/signalbox unlink` \
                 takes it away again.",
                delivery.account
            ),
            Finished::Wrong => format!(
                "This code is not good: it is wrong, was used, or is more than {} minutes old. Nothing was changed. Type \
                 `/signalbox link` on {}, where Signalbox knows you, and bring the new code here.",
                CODE_LIVES.as_mins(),
                other(here)
            ),
            Finished::TooMany => format!(
                "Too many wrong codes came lately, so none is looked at. Wait {} minutes; then type `/signalbox link` on {} \
                 and bring the new code here.",
                TRIES_WITHIN.as_mins(),
                other(here)
            ),
            Finished::Full(person) => format!(
                "{person} has {MOST} linked accounts, and more there may not be. `/signalbox unlink` takes away those of \
                 the platform where it is typed."
            ),
            Finished::Taken => format!(
                "The {} was linked at this moment by another command. Nothing was changed by this one.",
                delivery.account
            ),
        }))
    }

    async fn unlink(&self, delivery: &LinkDelivery) -> Result<Linked<String>, StoreError> {
        let rules = self.rules.now();
        let Some(person) = rules.people.who(&delivery.account) else {
            return Ok(Linked::Now(unknown(&delivery.account)));
        };
        let here = delivery.place.surface;
        let own = rules.people.links().iter();
        let own = own.filter(|(_, link)| link.person == person.name);
        let (mine, elsewhere): (Vec<_>, Vec<_>) = own
            .map(|(account, _)| account.clone())
            .partition(|account| account.surface() == Some(here));
        let (now, why) = (Timestamp::now(), "unlinked by the person");
        let gone = self.store.unlink(Some(delivery), &mine, &person.name, why, now).await?;
        Ok(gone.map(|gone| {
            let mut say = if gone.is_empty() {
                format!("You have no linked account on {here}.")
            } else {
                format!("No longer yours: {}. Link it again by `/signalbox link`.", names(&gone))
            };
            if !elsewhere.is_empty() {
                let there = format!(
                    " Still linked: {}; type `/signalbox unlink` there, or ask an operator.",
                    names(&elsewhere)
                );
                say.push_str(&there);
            }
            say
        }))
    }
}

const NOT_KEPT: &str = "Signalbox cannot tell whether it has done this: its own database does not answer. Try again in a \
                        minute; nothing is done twice.";

fn names(accounts: &[Account]) -> String {
    let mut names: Vec<String> = accounts.iter().map(|account| format!("the {account}")).collect();
    names.sort();
    names.join(", ")
}

/// Where a code that was asked for here is brought to, and one that is brought here comes from.
fn other(surface: Surface) -> Surface {
    match surface {
        Surface::Slack => Surface::Discord,
        Surface::Discord | Surface::Console | Surface::Cli => Surface::Slack,
    }
}
