//! What the policies answer. A yes cannot be made anywhere else: its parts are known here alone.

use super::question::ActName;
use std::collections::BTreeMap;
use std::num::NonZeroU8;

/// The answer, always with the policies that made it and their sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allow(Grant),
    /// Yes, as soon as others have said so too. Answers [`super::Act::Run`] alone.
    NeedsApproval(Threshold),
    /// No.
    Deny {
        /// Their ids; none where no policy says yes.
        policies: Vec<String>,
        /// Why.
        say: String,
    },
}

impl Decision {
    /// Whether the answer is a plain yes.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// This, or what was decided without the groups that are in doubt: the one that allows less. `doubts` are the
    /// sentences of those groups.
    pub(super) fn or_stricter(self, sure: Self, doubts: &BTreeMap<String, String>) -> Self {
        match (self, sure) {
            (denied @ Self::Deny { .. }, _) => denied,
            (_, Self::Deny { policies, .. }) => {
                let say: Vec<&str> = doubts.values().map(String::as_str).collect();
                let say = say.join(" ");
                Self::Deny { policies, say }
            }
            (Self::NeedsApproval(one), Self::NeedsApproval(other)) => {
                Self::NeedsApproval(if one.count < other.count { other } else { one })
            }
            (needs @ Self::NeedsApproval(_), Self::Allow(_)) => needs,
            (Self::Allow(_), sure) => sure,
        }
    }

    /// The sentence that people see.
    pub fn say(&self) -> &str {
        match self {
            Self::Allow(grant) => &grant.say,
            Self::NeedsApproval(threshold) => &threshold.say,
            Self::Deny { say, .. } => say,
        }
    }

    /// The ids of the policies behind it.
    pub fn policies(&self) -> Vec<&str> {
        match self {
            Self::Allow(grant) => vec![&grant.policy],
            Self::NeedsApproval(threshold) => threshold.policies.iter().map(String::as_str).collect(),
            Self::Deny { policies, .. } => policies.iter().map(String::as_str).collect(),
        }
    }
}

/// A yes, for one person, act and runbook. Only [`super::Policy::decide`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub(super) person: String,
    pub(super) act: ActName,
    pub(super) runbook: String,
    pub(super) policy: String,
    pub(super) say: String,
}

impl Grant {
    /// Who may.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// What.
    pub fn act(&self) -> ActName {
        self.act
    }

    /// With which runbook.
    pub fn runbook(&self) -> &str {
        &self.runbook
    }

    /// The id of the policy that allows it.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// That policy's sentence.
    pub fn say(&self) -> &str {
        &self.say
    }
}

/// How many others must say yes. Only [`super::Policy::decide`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    pub(super) person: String,
    pub(super) runbook: String,
    pub(super) count: NonZeroU8,
    pub(super) policies: Vec<String>,
    pub(super) say: String,
}

impl Threshold {
    /// Who asked.
    pub fn person(&self) -> &str {
        &self.person
    }

    /// For which runbook.
    pub fn runbook(&self) -> &str {
        &self.runbook
    }

    /// How many others.
    pub fn count(&self) -> NonZeroU8 {
        self.count
    }

    /// The ids of the policies that want it.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// Their sentences.
    pub fn say(&self) -> &str {
        &self.say
    }
}

/// Who could say yes to a plan, as far as `people.toml` and the policy tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    /// Names of persons.
    pub persons: Vec<String>,
    /// Groups whose every member could, by being in that group alone.
    pub groups: Vec<String>,
}
