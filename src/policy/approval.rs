//! When a plan that needs other people's yes has it. Pure: `now` is an argument, and the journal is replayed through the
//! same function that takes a new answer.

use crate::policy::authorize::{ActName, Grant, Threshold};
use crate::request::{Account, Surface};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU8;

/// Who did something, and what proved that it was them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The name in `people.toml`.
    pub person: String,
    /// The account, as proved by the surface.
    pub account: Account,
    /// The sign-in, where the surface knows one.
    pub session: Option<String>,
    /// The kind of door.
    pub surface: Surface,
    /// The groups of the platform that the surface proved, as the request has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<String>,
}

impl Party {
    fn sessions(&self) -> impl Iterator<Item = &str> {
        let opened = match &self.account {
            Account::Session { session, .. } => Some(session.as_str()),
            Account::Slack { .. }
            | Account::Discord { .. }
            | Account::Os { .. }
            | Account::Picked { .. }
            | Account::Alert { .. } => None,
        };
        opened.into_iter().chain(self.session.as_deref())
    }

    /// What two parties have in common that makes them count as one.
    fn shares(&self, other: &Self) -> Option<Shared> {
        if self.person == other.person {
            Some(Shared::Person)
        } else if self.account == other.account {
            Some(Shared::Account)
        } else if self
            .sessions()
            .any(|mine| other.sessions().any(|theirs| mine == theirs))
        {
            Some(Shared::Session)
        } else {
            None
        }
    }

    /// Whether the surface itself proved the account.
    fn is_proved(&self, demo: bool) -> bool {
        match (&self.account, self.surface) {
            (Account::Slack { .. }, Surface::Slack)
            | (Account::Discord { .. }, Surface::Discord)
            | (Account::Os { .. }, Surface::Cli) => true,
            (Account::Session { person, .. }, Surface::Console) => *person == self.person,
            (Account::Picked { person }, Surface::Console | Surface::Cli) => demo && *person == self.person,
            _ => false,
        }
    }
}

/// Why two parties count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// The same person.
    Person,
    /// The same account.
    Account,
    /// The same sign-in.
    Session,
}

/// A yes that counts. Only [`Waiting::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    by: Party,
    at: Timestamp,
    policy: String,
}

impl Approval {
    /// Who said it.
    pub fn by(&self) -> &Party {
        &self.by
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The policy that lets the approver.
    pub fn policy(&self) -> &str {
        &self.policy
    }
}

/// Why a yes does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too late.
    #[error("The time to approve ran out at {0}; that is a no. Ask for it again.")]
    Expired(Timestamp),
    /// The plan has changed since it was shown.
    #[error("The plan has changed since you saw it. Look at it again and approve what it is now.")]
    OtherPlan,
    /// A surface that shows the plan did not say which one was seen.
    #[error("It is not known which plan you saw. Approve with the button under the plan.")]
    UnseenPlan,
    /// The requester, in one way or another.
    #[error("{}", match .0 {
        Shared::Person => "You asked for this yourself, so somebody else has to approve it.",
        Shared::Account => "This was asked for with the account that you use, so it takes another account to approve it.",
        Shared::Session => "This was asked for in the session that you use, so it takes another sign-in to approve it.",
    })]
    Requester(Shared),
    /// Somebody who has approved already, in one way or another.
    #[error("{}", match .0 {
        Shared::Person => "You have approved this already.",
        Shared::Account => "The account that you use has approved this already.",
        Shared::Session => "The session that you use has approved this already.",
    })]
    Again(Shared),
    /// Nothing proves who this is.
    #[error("Nothing proves that you are {0} here, so you cannot approve. Use your own account or console sign-in.")]
    Unproved(String),
    /// The grant is for somebody or something else.
    #[error("{person} has no leave to approve {runbook}.")]
    NoGrant {
        /// Who answered.
        person: String,
        /// What is asked for.
        runbook: String,
    },
}

/// A plan that waits for others to say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    digest: String,
    runbook: String,
    count: NonZeroU8,
    requester: Party,
    expires: Timestamp,
    demo: bool,
    approvals: Vec<Approval>,
}

/// How things stand after a yes that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// This many more are needed.
    Missing(NonZeroU8),
    /// All have said yes.
    Approved(Approved),
}

/// The key to the start of one plan. Only [`Waiting::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    digest: String,
    approvals: Vec<Approval>,
}

impl Approved {
    /// Of the plan that may start, and no other.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who said yes.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }
}

impl Waiting {
    /// A plan, by its digest, that waits for what the policy wants. In demo mode picked people count.
    pub fn new(threshold: &Threshold, digest: String, requester: Party, expires: Timestamp, demo: bool) -> Self {
        Self {
            digest,
            runbook: threshold.runbook().to_owned(),
            count: threshold.count(),
            requester,
            expires,
            demo,
            approvals: Vec::new(),
        }
    }

    /// The plan's digest.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who has said yes so far.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// When silence becomes a no.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Whether silence has become a no.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Takes a yes. `seen` is the digest of the plan that was on the approver's screen; the command line alone, which
    /// shows no message that could be old, may leave it out and then means the plan as it is.
    pub fn approve(
        &mut self,
        grant: &Grant,
        by: Party,
        seen: Option<&str>,
        now: Timestamp,
    ) -> Result<Standing, Refusal> {
        if self.is_expired(now) {
            return Err(Refusal::Expired(self.expires));
        }
        if grant.act() != ActName::Approve || grant.person() != by.person || grant.runbook() != self.runbook {
            return Err(Refusal::NoGrant {
                person: by.person,
                runbook: self.runbook.clone(),
            });
        }
        if !by.is_proved(self.demo) {
            return Err(Refusal::Unproved(by.person));
        }
        match seen {
            Some(digest) if digest != self.digest => return Err(Refusal::OtherPlan),
            None if by.surface != Surface::Cli => return Err(Refusal::UnseenPlan),
            _ => {}
        }
        if let Some(shared) = by.shares(&self.requester) {
            return Err(Refusal::Requester(shared));
        }
        if let Some(shared) = self.approvals.iter().find_map(|approval| by.shares(&approval.by)) {
            return Err(Refusal::Again(shared));
        }
        self.approvals.push(Approval {
            by,
            at: now,
            policy: grant.policy().to_owned(),
        });
        Ok(self.standing())
    }

    fn standing(&self) -> Standing {
        let missing = usize::from(self.count.get()).saturating_sub(self.approvals.len());
        match u8::try_from(missing).ok().and_then(NonZeroU8::new) {
            Some(missing) => Standing::Missing(missing),
            None => Standing::Approved(Approved {
                digest: self.digest.clone(),
                approvals: self.approvals.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
